"""A figure on a page: heading, legend, columns, frames and tables as rectangles, put where there is room."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from itertools import pairwise
from math import ceil
from typing import NamedTuple

from archcalc.report.figure.calls import tables
from archcalc.report.figure.column import Column, Style, Tower, towers_of
from archcalc.report.figure.dense import dense_frames
from archcalc.report.figure.frame import GAP, TIGHT, Frames
from archcalc.report.figure.glyphs import fitted, width
from archcalc.report.figure.items import Figure
from archcalc.report.figure.sketch import Box, Rectangle, Sketch, Text
from archcalc.report.figure.ushape import is_open, ushape
from archcalc.report.figure.words import Kind

MARGIN = 16.0
APART = 14.0  # between rectangles
MOST_TRIES = 400  # arrangements, where the usual ones do not fit
FIRST = 84.0  # where figures begin under the heading


class Paper(NamedTuple):
    """The most that a figure may take at full size."""

    width: float
    height: float


PAPERS = {"a4": Paper(880, 1278), "slide": Paper(1240, 697)}


class Placed(NamedTuple):
    """Rectangles on a page: places in the order of what was given, and the size of all."""

    places: list[tuple[float, float]]
    width: float
    height: float


Ranked = tuple[tuple[float, float], list[Sketch], Placed]  # how good, the least the best; what; and where


def arranged(figure: Figure, page: str, quantity: str | None) -> Sketch:
    """A figure as one sketch, with its margins. On a slide, modules of least share stay closed where there is no room.

    Args:
        figure: what is drawn.
        page: one of `PAPERS`.
        quantity: that lanes and frames tell; None: MACs, and parameters in the second lane.
    """
    paper = PAPERS[page]
    sketch = _laid_out(figure, paper, quantity, True)
    closed = 0
    while page == "slide" and max(sketch.width / paper.width, sketch.height / paper.height) > 1:
        opened = [form for form in figure.forms if form.mark]
        if closed and len(opened) < 2:
            break
        if closed or len(opened) > 4:
            least = min(opened, key=lambda form: (not form.is_head, sum(figure.sum(of, "macs") for of in form.calls)))
            kept = [form for form in figure.forms if form is not least]
            marks = {key: mark for key, mark in figure.marks.items() if mark != least.mark}
            figure = replace(figure, forms=kept, marks=marks)
        closed += 1
        sketch = _laid_out(figure, paper, quantity, False)
    return sketch


def _laid_out(figure: Figure, paper: Paper, quantity: str | None, has_tables: bool) -> Sketch:
    """With the usual gaps where that fits the page, else with small ones."""
    usual = _with_gaps(figure, paper, quantity, has_tables, GAP)
    if usual.height <= paper.height:
        return usual
    tight = _with_gaps(figure, paper, quantity, has_tables, TIGHT)
    return tight if tight.height < usual.height else usual


def _with_gaps(figure: Figure, paper: Paper, quantity: str | None, has_tables: bool, gap: float) -> Sketch:
    main = quantity or "macs"
    drawn = ushape(figure, main)
    shown = [form for form in figure.forms if form.mark and not (drawn is not None and is_open(figure, form))]
    frames = [Frames(figure, main, gap).frame(form) for form in shown]
    frames += dense_frames(figure)
    frames += tables(figure, main) if has_tables else []
    if drawn is not None:
        found, placed = _best([[drawn]], frames, paper)
        return _page(figure, found, placed, "bar in a box: share of all MACs", 0)
    options: list[list[Sketch]] = []
    towers = towers_of(figure)
    lanes = tuple(dict.fromkeys((main, *(("macs", "params") if main != "params" else ("macs",)))))[:2]
    if main == "params":
        lanes = ("macs", "params")
    forced = False
    styles = [Style(lanes=lanes)] if len(towers) == 1 else [Style(150.0, 30.0, lanes)]
    if len(towers) == 1 and frames:
        styles.append(Style(168.0, 34.0, lanes))
    if len(towers) == 1:
        styles.append(Style(140.0, 26.0, lanes))
    for style in styles:
        for pieces in (1, 2, 3):
            sketches: list[Sketch] = []
            for tower in towers:
                for piece in _pieces(figure, tower, pieces):
                    column = Column(figure, piece, style)
                    sketches.append(column.drawn())
                    forced = forced or column.forced
            options.append(sketches)
            if max(sketch.height for sketch in sketches) + FIRST + MARGIN <= min(paper.height, 640):
                break
    found, placed = _best(options, frames, paper)
    note = "" if forced else "wider box: larger map"
    return _page(figure, found, placed, note, len(towers))


def _pieces(figure: Figure, tower: Tower, count: int) -> list[Tower]:
    """A tower in so many pieces of about equal length, each after a change of map where there is one near."""
    rows = tower.rows
    if count == 1 or len(rows) < 6 * count:
        return [tower]
    cuts = []
    for number in range(1, count):
        ideal = len(rows) * number / count

        def cost(at: int, ideal: float = ideal) -> float:
            before, after = rows[at - 1], rows[at]
            changes = before.reads is not None and figure.shape(before.reads).spatial != before.item.y.spatial
            heads = any(head.reads == before.output for head in figure.heads)
            return (
                abs(at - ideal)
                - 2 * changes
                + 3 * (after.reads != before.output)
                + 50 * heads
                + 50 * (not after.is_first)
            )

        cuts.append(min(range(2, len(rows) - 1), key=cost))
    edges = [0, *sorted(set(cuts)), len(rows)]
    found = []
    for begin, end in pairwise(edges):
        begins = tower.begins if not begin else f"after {rows[begin - 1].name}"
        found.append(Tower(rows[begin:end], begins, end < len(rows)))
    return found


def _best(options: Sequence[list[Sketch]], frames: list[Sketch], paper: Paper) -> tuple[list[Sketch], Placed]:
    """The lowest arrangement that fits the page; where none does, the one that is printed largest."""
    best: Ranked | None = None
    room = paper.width - 2 * MARGIN
    for columns in options:
        sketches = [*columns, *frames]
        sizes = [(sketch.width, sketch.height) for sketch in sketches]
        rest = list(range(len(columns), len(sketches)))
        orders = [
            [*range(len(columns)), *rest],
            [*range(len(columns)), *sorted(rest, key=lambda at: -sizes[at][1])],
            [*range(len(columns)), *sorted(rest, key=lambda at: -sizes[at][0])],
        ]
        least = max(wide for wide, _ in sizes)
        steps = 7
        widths = [least + (room - least) * step / steps for step in range(steps + 1)] if least < room else [least]
        for limit in widths:
            for number, order in enumerate(orders):
                if number and orders.index(order) < number:
                    continue
                rank, placed = _rank(sizes, order, limit, paper)
                if best is None or rank < best[0]:
                    best = rank, sketches, placed
    assert best is not None
    return (best[1], best[2]) if best[0][0] <= 1 else _searched(options, frames, paper, best)


def _searched(
    options: Sequence[list[Sketch]], frames: list[Sketch], paper: Paper, best: Ranked
) -> tuple[list[Sketch], Placed]:
    """A better arrangement where the usual orders do not fit: pairs change places as long as that helps."""
    room = paper.width - 2 * MARGIN
    tries = 0
    for columns in options:
        sketches = [*columns, *frames]
        sizes = [(sketch.width, sketch.height) for sketch in sketches]
        start = len(columns)
        order = [*range(start), *sorted(range(start, len(sketches)), key=lambda at: -sizes[at][0] * sizes[at][1])]
        rank, placed = _rank(sizes, order, room, paper)
        improved = True
        while improved and tries < MOST_TRIES:
            improved = False
            for one in range(start + 1, len(order)):
                for other in range(start, one):
                    changed = list(order)
                    changed[one], changed[other] = changed[other], changed[one]
                    tries += 1
                    found, where = _rank(sizes, changed, room, paper)
                    if found < rank:
                        rank, placed, order, improved = found, where, changed, True
        if rank < best[0]:
            best = rank, sketches, placed
        if rank[0] <= 1:
            break
    return best[1], best[2]


def _rank(
    sizes: Sequence[tuple[float, float]], order: Sequence[int], limit: float, paper: Paper
) -> tuple[tuple[float, float], Placed]:
    """How good an arrangement is, the least the best, and the arrangement."""
    placed = packed(sizes, order, limit)
    wide, high = placed.width + 2 * MARGIN, placed.height + FIRST + MARGIN
    return (max(wide / paper.width, high / paper.height, 1.0), high + 0.05 * wide), placed


def packed(sizes: Sequence[tuple[float, float]], order: Sequence[int], limit: float) -> Placed:
    """Rectangles one after the other, each at the first free place from the top, then from the left."""
    taken: list[Rectangle] = []
    places: list[tuple[float, float]] = [(0.0, 0.0)] * len(sizes)
    for at in order:
        wide, high = sizes[at]
        ys = sorted({0.0, *(area.bottom + APART for area in taken)})
        xs = sorted({0.0, *(area.right + APART for area in taken)})
        found = None
        for y in ys:
            for x in xs:
                if x and x + wide > limit:
                    break
                area = Rectangle(x, y, wide, high)
                if not any(area.meets(other, APART - 0.01) for other in taken):
                    found = area
                    break
            if found is not None:
                break
        assert found is not None  # below all others there is room
        taken.append(found)
        places[at] = found.x, found.y
    return Placed(places, max(area.right for area in taken), max(area.bottom for area in taken))


def _page(figure: Figure, sketches: Sequence[Sketch], placed: Placed, note: str, towers: int) -> Sketch:
    """Heading, legend and everything at its place."""
    heading = Sketch()
    name_width = width(figure.name, 18, True)
    heading.add(Text(MARGIN, 27, figure.name, 18, bold=True))
    needs = MARGIN + name_width
    if figure.title:
        heading.add(Text(MARGIN + name_width + 12, 27, figure.title, 11, colour="soft"))
        needs += 12 + width(figure.title, 11)
    wide = max(placed.width, min(needs, 848.0), min(width(figure.facts, 11), 848.0)) + 2 * MARGIN
    heading.add(Text(MARGIN, 45, fitted(figure.facts, wide - 2 * MARGIN, 11), 11))
    y, x = 62.0, MARGIN
    drawn = {figure.kinds[index] for row in figure.rows for index in row.nodes}
    for kind in Kind:
        if kind not in drawn:
            continue
        long = 19 + width(kind.value, 10)
        if x + long > wide - MARGIN:
            x, y = MARGIN, y + 15
        heading.add(Box(Rectangle(x, y - 9, 14, 11), kind.name, "edge"))
        heading.add(Text(x + 19, y, kind.value, 10))
        x += long + 16
    if note and len(figure.rows) > 1:
        if x + width(note, 10) > wide - MARGIN:
            x, y = MARGIN, y + 15
        heading.add(Text(x, y, note, 10, italic=True, colour="soft"))
    first = y + FIRST - 62.0
    page = Sketch(ceil(wide), ceil(placed.height + first + MARGIN))
    page.place(heading, 0, 0)
    for sketch, (left, top) in zip(sketches, placed.places, strict=True):
        page.place(sketch, MARGIN + left, first + top)
    return page

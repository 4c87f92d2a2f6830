"""A figure on a page: heading, legend, columns, frames and tables as rectangles, put where there is room."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from itertools import pairwise
from math import ceil
from typing import NamedTuple, TypeAlias

from archcalc.report.figure.build import MARKS
from archcalc.report.figure.calls import tables
from archcalc.report.figure.column import WORDS, Column, Style, Tower, towers_of
from archcalc.report.figure.dense import dense_frames
from archcalc.report.figure.frame import OVER, Frames
from archcalc.report.figure.glyphs import fitted, width
from archcalc.report.figure.items import Figure, Form
from archcalc.report.figure.ladder import ladder
from archcalc.report.figure.manner import TIGHT, Manner
from archcalc.report.figure.pack import APART, Placed, Room, Sheet, best
from archcalc.report.figure.sketch import Box, Rectangle, Sketch, Text
from archcalc.report.figure.skips import laddered
from archcalc.report.figure.ushape import is_open, ushape
from archcalc.report.figure.words import Kind

MARGIN = 16.0
FIRST = 84.0  # where figures begin under the heading
TALL = 480.0  # boxes of a frame in one column, where frames are broken
STACKED = 300.0  # what columns may be lower for that stand one below the other, rather than side by side


Places: TypeAlias = "tuple[tuple[float, float], ...]"


class Columns(NamedTuple):
    """A way to draw the columns: what it costs before another that fits too, and places, where these are decided."""

    sketches: list[Sketch]
    cost: float = 0.0
    places: Places = ()


class Paper(NamedTuple):
    """The most that a figure may take at full size."""

    width: float
    height: float


PAPERS = {"a4": Paper(880, 1278), "slide": Paper(1240, 697)}


def arranged(figure: Figure, page: str, quantity: str | None) -> Sketch:
    """A figure as one sketch, with its margins. Where there is no room for all, modules of least share stay closed.

    Args:
        figure: what is drawn.
        page: one of `PAPERS`.
        quantity: that lanes and frames tell; None: MACs, and parameters in the second lane.
    """
    paper = PAPERS[page]
    sketch = _laid_out(figure, paper, quantity, True)
    if _fits(sketch, paper):
        return sketch
    has_tables = page != "slide"
    if not has_tables and _fits(sketch := _laid_out(figure, paper, quantity, has_tables), paper):
        return sketch
    if _fits(short := _laid_out(figure, paper, quantity, has_tables, True), paper):
        return short
    return _with_closed(figure, paper, quantity, has_tables)


def _with_closed(figure: Figure, paper: Paper, quantity: str | None, has_tables: bool) -> Sketch:
    """Without the modules of least share; some of those that were closed may fit."""
    opened = sorted(
        (form for form in figure.forms if form.mark), key=lambda form: (form.is_head, -_share(figure, form))
    )
    is_short = not has_tables
    kept = list(opened)
    last: Form | None = None
    sketch: Sketch | None = None
    while kept and (sketch is None or not _fits(sketch, paper)):
        last = kept.pop()
        sketch = _laid_out(with_open(figure, kept), paper, quantity, has_tables, is_short)
    for form in opened:
        if form is not last and not any(form is other for other in kept):
            tried = _laid_out(with_open(figure, [*kept, form]), paper, quantity, has_tables, is_short)
            if _fits(tried, paper):
                sketch, kept = tried, [*kept, form]
    return sketch or _laid_out(figure, paper, quantity, has_tables)


def _fits(sketch: Sketch, paper: Paper) -> bool:
    return sketch.width <= paper.width and sketch.height <= paper.height


def with_open(figure: Figure, forms: Sequence[Form]) -> Figure:
    """A figure in which these modules alone are opened, with the first letters."""
    opened = [form for form in figure.forms if any(form is other for other in forms)]
    letters = iter(MARKS)
    new = {form.mark: form.mark if form.is_head else next(letters) for form in opened}
    marks = {key: new[mark] for key, mark in figure.marks.items() if mark in new}
    shown = [replace(form, mark=new[form.mark]) for form in opened]
    return replace(figure, forms=shown, marks=marks, closed=len(figure.forms) - len(shown))


def _share(figure: Figure, form: Form) -> int:
    return sum(figure.sum(part, "macs") for part in form.calls)


def _laid_out(figure: Figure, paper: Paper, quantity: str | None, has_tables: bool, is_short: bool = False) -> Sketch:
    """With the usual gaps where that fits the page, else with small ones, and high frames in two columns."""
    found: list[Sketch] = []
    tall = min(paper.height - FIRST - MARGIN - OVER, TALL)
    usual, tight = Manner(is_short=is_short), Manner(TIGHT, is_short=is_short)
    ways = [] if figure.closed or is_short else [usual]
    ways += [tight, tight._replace(is_narrow=True), *(tight._replace(tall=share * tall) for share in (1.0, 0.8))]
    for way in ways:
        if way.is_narrow and not any(form.flow is not None and form.flow.narrow is not None for form in figure.forms):
            continue
        found.append(_in_manner(figure, paper, quantity, has_tables, way))
        if _fits(found[-1], paper):
            return found[-1]
    return min(found, key=lambda sketch: max(sketch.width / paper.width, sketch.height / paper.height))


def _in_manner(figure: Figure, paper: Paper, quantity: str | None, has_tables: bool, manner: Manner) -> Sketch:
    main, room = quantity or "macs", paper.height - FIRST - MARGIN
    drawn = ushape(figure, main, manner.is_tight)
    shown = [form for form in figure.forms if form.mark and not (drawn is not None and is_open(figure, form))]
    frames = [Frames(figure, main, manner, room).frame(form) for form in shown]
    frames += dense_frames(figure)
    frames += tables(figure, main) if has_tables else []
    if drawn is not None:
        return _put(figure, paper, [Columns([drawn])], frames, f"bar in a box: share of all {WORDS[main]}")
    towers = towers_of(figure)
    number = laddered(figure.rows, figure.heads)
    lanes = (main, "macs") if main not in ("macs", "params") else ("macs", "params")
    styles = [Style(150.0, 30.0, lanes)]
    if number is not None:
        steps = ladder(figure, towers[number], main, manner.is_tight)
        rest = [Column(figure, tower, styles[0]).drawn() for at, tower in enumerate(towers) if at != number]
        return _put(figure, paper, [Columns([steps, *rest])], frames, f"in a box: share of all {WORDS[main]}")
    if len(towers) == 1:
        styles = [Style(lanes=lanes), Style(168.0, 34.0, lanes), Style(140.0, 26.0, lanes), Style(104.0, 18.0, lanes)]
    options: list[Columns] = []
    is_tall = paper.height > paper.width  # where a column in one piece is what a reader expects
    forced = False
    for narrow, style in enumerate(styles):
        for pieces in (1, 2, 3):
            sketches: list[Sketch] = []
            for tower in towers:
                for piece in _pieces(figure, tower, pieces):
                    column = Column(figure, piece, style)
                    sketches.append(column.drawn())
                    forced = forced or column.forced
            cost = 40.0 * narrow + 400.0 * is_tall * (len(sketches) - len(towers))
            options.append(Columns(sketches, cost + STACKED * (len(towers) > 1)))
            if pieces == 1 and len(towers) > 1:
                options += [Columns(sketches, cost, places) for places in _side_by_side(figure, towers, sketches)]
            if max(sketch.height for sketch in sketches) + FIRST + MARGIN <= min(paper.height, 640):
                break
    return _put(figure, paper, options, frames, "" if forced else "wider box: larger map")


def _side_by_side(figure: Figure, towers: Sequence[Tower], sketches: Sequence[Sketch]) -> Iterator[Places]:
    """Columns that begin at an input side by side, others below the lowest; or the main one beside all others."""
    begun = [at for at, tower in enumerate(towers) if tower.begins]
    main = max(range(len(towers)), key=lambda at: sum(figure.sum(row, "macs") for row in towers[at].rows))
    rest = [at for at in range(len(towers)) if at != main]
    ways = [[[at] for at in begun]] if begun else []
    ways += [[rest, [main]]] if len(rest) > 1 and begun else []
    for stacks in ways:
        placed = {at for stack in stacks for at in stack}
        heights = [sum(sketches[at].height + APART for at in stack) for stack in stacks]
        for at in range(len(towers)):
            if at not in placed:
                lowest = heights.index(min(heights))
                stacks[lowest] = [*stacks[lowest], at]
                heights[lowest] += sketches[at].height + APART
        places: dict[int, tuple[float, float]] = {}
        x = 0.0
        for stack in stacks:
            y = 0.0
            for at in stack:
                places[at] = x, y
                y += sketches[at].height + APART
            x += max(sketches[at].width for at in stack) + APART
        yield tuple(places[at] for at in range(len(towers)))


def _put(figure: Figure, paper: Paper, options: Sequence[Columns], frames: list[Sketch], note: str) -> Sketch:
    """The best of several ways to draw the columns, with the frames, on a page."""
    sheets = [
        Sheet(
            [(sketch.width, sketch.height) for sketch in [*way.sketches, *frames]],
            len(way.sketches),
            way.cost,
            way.places,
        )
        for way in options
    ]
    number, placed = best(sheets, Room(paper.width - 2 * MARGIN, paper.height - FIRST - MARGIN))
    return _page(figure, [*options[number].sketches, *frames], placed, note)


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


def _page(figure: Figure, sketches: Sequence[Sketch], placed: Placed, note: str) -> Sketch:
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
    if figure.closed:
        count = f"{figure.closed} more module{'s' * (figure.closed > 1)}"
        closed = f"{count} not opened, for want of room"
        note = f"{note}; {closed}" if note else closed
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

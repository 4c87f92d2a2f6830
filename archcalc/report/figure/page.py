"""A figure on a page: heading, legend, columns, frames and tables as rectangles, put where there is room."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from itertools import pairwise
from math import ceil
from typing import Any, NamedTuple, TypeAlias

from archcalc.report.figure.across import across
from archcalc.report.figure.build import MARKS, calls_in
from archcalc.report.figure.calls import tables
from archcalc.report.figure.column import WORDS, Column, Style, Tower, towers_of
from archcalc.report.figure.dense import dense_frames
from archcalc.report.figure.frame import OVER, Frames
from archcalc.report.figure.glyphs import fitted, width
from archcalc.report.figure.items import Call, Figure, Form, spans
from archcalc.report.figure.ladder import ladder
from archcalc.report.figure.manner import TIGHT, Manner
from archcalc.report.figure.pack import APART, CLOSE, Placed, Room, Sheet, best
from archcalc.report.figure.runs import with_runs
from archcalc.report.figure.sketch import Box, Line, Rectangle, Sketch, Text
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
    lines: Sequence[Line] = ()  # from one column to the next


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
    desk = _Desk(PAPERS[page], quantity or "macs")
    sketch = desk.laid_out(figure)
    if desk.fits(sketch):
        return sketch
    desk.has_tables = page != "slide"
    shorter = with_runs(figure)
    for made, is_short in ((figure, False), (shorter, False), (figure, True), (shorter, True)):
        if desk.fits(sketch := desk.laid_out(made, is_short)):
            return sketch
    return _with_closed(shorter, desk)


def _with_closed(figure: Figure, desk: _Desk) -> Sketch:
    """Without the modules of least share; some of those that were closed may fit."""
    opened = _by_weight(figure)
    kept = list(opened)
    last: Form | None = None
    sketch: Sketch | None = None
    while kept and (sketch is None or not desk.fits(sketch)):
        last = kept.pop()
        sketch = desk.laid_out(with_open(figure, kept), True, True)
    for form in opened:
        if form is not last and not any(form is other for other in kept):
            tried = desk.laid_out(with_open(figure, [*kept, form]), True, True)
            if desk.fits(tried):
                sketch, kept = tried, [*kept, form]
    return sketch or desk.laid_out(figure)


def with_open(figure: Figure, forms: Sequence[Form]) -> Figure:
    """A figure in which these modules alone are opened, with the first letters."""
    opened = [form for form in figure.forms if any(form is other for other in forms)]
    letters = iter(MARKS)
    new = {form.mark: form.mark if form.is_head else next(letters) for form in opened}
    marks = {key: new[mark] for key, mark in figure.marks.items() if mark in new}
    shown = [replace(form, mark=new[form.mark]) for form in opened]
    return replace(figure, forms=shown, marks=marks, closed=figure.closed + len(figure.forms) - len(shown))


def _by_weight(figure: Figure) -> list[Form]:
    """What is opened, by share: heads last, and further forms of a module after what is not told yet."""
    shares = sorted((form for form in figure.forms if form.mark), key=lambda form: -_share(figure, form))
    first = {form.module: form for form in reversed(shares)}
    return sorted(shares, key=lambda form: (form.is_head, first[form.module] is not form))


def _share(figure: Figure, form: Form) -> int:
    return sum(figure.sum(part, "macs") for part in form.calls)


class _Desk:
    """A page on which a figure is laid in one manner after another; what was drawn before is kept."""

    def __init__(self, paper: Paper, quantity: str) -> None:
        self.paper, self.quantity, self.has_tables = paper, quantity, True
        self.lanes = (quantity, "macs") if quantity not in ("macs", "params") else ("macs", "params")
        self.columns: dict[Any, Column] = {}
        self.frames: dict[Any, Sketch] = {}
        self.placed: dict[Any, tuple[int, Placed]] = {}

    def fits(self, sketch: Sketch) -> bool:
        """Whether a page has room for a figure."""
        return sketch.width <= self.paper.width and sketch.height <= self.paper.height

    def laid_out(self, figure: Figure, is_short: bool = False, is_tight: bool = False) -> Sketch:
        """With the usual gaps where that fits the page, else with small ones, and high frames in two columns.

        Args:
            figure: what is drawn.
            is_short: boxes do not say what they cost.
            is_tight: without the usual gaps.
        """
        found: list[Sketch] = []
        paper = self.paper
        tall = min(paper.height - FIRST - MARGIN - OVER, TALL)
        usual, tight = Manner(is_short=is_short), Manner(TIGHT, is_short=is_short)
        ways = [] if is_tight or is_short else [usual]
        ways += [tight, tight._replace(is_narrow=True), *(tight._replace(tall=share * tall) for share in (1.0, 0.8))]
        for way in ways:
            flows = (form.flow for form in figure.forms)
            if way.is_narrow and not any(flow is not None and flow.narrow is not None for flow in flows):
                continue
            found.append(self.in_manner(figure, way))
            if self.fits(found[-1]):
                return found[-1]
        return min(found, key=lambda sketch: max(sketch.width / paper.width, sketch.height / paper.height))

    def in_manner(self, figure: Figure, manner: Manner) -> Sketch:
        """A figure with frames of one manner."""
        main = self.quantity
        drawn = ushape(figure, main, manner.is_tight)
        shown = [form for form in figure.forms if form.mark and not (drawn is not None and is_open(figure, form))]
        frames = [self.frame(figure, form, manner) for form in shown]
        frames += dense_frames(figure)
        frames += tables(figure, main) if self.has_tables else []
        if drawn is not None:
            return self.put(figure, [Columns([drawn])], frames, manner, f"bar in a box: share of all {WORDS[main]}")
        towers = towers_of(figure)
        number = laddered(figure.rows, figure.heads)
        if number is not None:
            steps = ladder(figure, towers[number], main, manner.is_tight)
            rest = [tower for at, tower in enumerate(towers) if at != number]
            others = [self.column(figure, tower, Style(150.0, 30.0, self.told(figure, tower))).sketch for tower in rest]
            options = [Columns([steps, *others])]
            return self.put(figure, options, frames, manner, f"in a box: share of all {WORDS[main]}")
        options, forced = self.options(figure, towers)
        return self.put(figure, options, frames, manner, "" if forced else "wider box: larger map")

    def told(self, figure: Figure, tower: Tower) -> tuple[str, ...]:
        """Lanes of a column beside a ladder: none where it has less than a hundredth of all."""
        sums = {name: sum(figure.sum(row, name) for row in tower.rows) for name in self.lanes}
        return self.lanes if any(100 * sums[name] >= figure.total[name] for name in self.lanes) else ()

    def frame(self, figure: Figure, form: Form, manner: Manner) -> Sketch:
        """A module opened."""
        inner = ((call.module, of) for call in calls_in(form.chain) for of in call.forms)
        key = form.module, form.number, form.mark, manner, tuple(figure.marks.get(of, "") for of in inner)
        if key not in self.frames:
            room = self.paper.height - FIRST - MARGIN
            self.frames[key] = Frames(figure, self.quantity, manner, room).frame(form)
        return self.frames[key]

    def column(self, figure: Figure, tower: Tower, style: Style) -> Column:
        """A column, or a piece of one."""
        marks = [
            figure.marks.get((row.item.module, of))
            for row in tower.rows
            if isinstance(row.item, Call)
            for of in row.item.forms
        ]
        key = tuple(spans(row.item) for row in tower.rows), tuple(marks), tower.begins, style, len(figure.rows)
        if key not in self.columns:
            self.columns[key] = Column(figure, tower, style)
            self.columns[key].drawn()
        return self.columns[key]

    def options(self, figure: Figure, towers: Sequence[Tower]) -> tuple[list[Columns], bool]:
        """Ways to draw the columns, and whether some text made its box wider."""
        lanes, paper = self.lanes, self.paper
        styles = [Style(150.0, 30.0, lanes)]
        if len(towers) == 1:
            widths = ((190.0, 46.0), (168.0, 34.0), (140.0, 26.0), (104.0, 18.0))
            styles = [Style(most, bar, lanes) for most, bar in widths]
        found: list[Columns] = []
        is_tall = paper.height > paper.width  # where a column in one piece is what a reader expects
        forced = False
        for narrow, style in enumerate(styles):
            for pieces in (1, 2, 3):
                drawn = [
                    self.column(figure, piece, style) for tower in towers for piece in _pieces(figure, tower, pieces)
                ]
                sketches = [column.sketch for column in drawn]
                forced = forced or any(column.forced for column in drawn)
                cost = 40.0 * narrow + 400.0 * is_tall * (len(sketches) - len(towers))
                found.append(Columns(sketches, cost + STACKED * (len(towers) > 1)))
                if pieces == 1 and len(towers) > 1:
                    for places in _side_by_side(figure, towers, sketches):
                        joined, lines = across(drawn, places)
                        found.append(Columns(joined, cost, places, lines))
                if max(sketch.height for sketch in sketches) + FIRST + MARGIN <= min(paper.height, 640):
                    break
        return found, forced

    def put(
        self, figure: Figure, options: Sequence[Columns], frames: Sequence[Sketch], manner: Manner, note: str
    ) -> Sketch:
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
        apart = CLOSE if manner.is_short else APART
        room = Room(self.paper.width - 2 * MARGIN, self.paper.height - FIRST - MARGIN, apart)
        key = tuple((tuple(sheet.sizes), sheet.fixed, sheet.cost, tuple(sheet.places)) for sheet in sheets), room
        if key not in self.placed:  # frames of several manners are often alike
            self.placed[key] = best(sheets, room)
        number, placed = self.placed[key]
        return _page(figure, [*options[number].sketches, *frames], placed, note, options[number].lines)


def _side_by_side(figure: Figure, towers: Sequence[Tower], sketches: Sequence[Sketch]) -> Iterator[Places]:
    """Columns that begin at an input side by side, others below the lowest; or the main one beside all others."""
    begun = [at for at, tower in enumerate(towers) if tower.begins]
    main = max(range(len(towers)), key=lambda at: sum(figure.sum(row, "macs") for row in towers[at].rows))
    rest = [at for at in range(len(towers)) if at != main]
    ways = [[[at] for at in begun]] if begun else []
    is_read = any(_reads(towers[at], towers[main]) for at in rest)
    ways += [[[main], rest] if is_read else [rest, [main]]] if len(rest) > 1 and begun else []
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


def _reads(tower: Tower, other: Tower) -> bool:
    """Whether something in one column reads what another gives."""
    outputs = {row.output for row in other.rows}
    return any(read in outputs for row in tower.rows for read in (row.reads, *row.others))


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


def _page(figure: Figure, sketches: Sequence[Sketch], placed: Placed, note: str, lines: Sequence[Line] = ()) -> Sketch:
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
    page.add(*(line.moved(MARGIN, first) for line in lines))
    return page

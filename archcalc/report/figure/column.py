"""The column: what stands in `layers:`, top to bottom, names at its left and shares of costs at its right."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from math import log2
from typing import NamedTuple

from archcalc.report.figure.glyphs import fitted, width
from archcalc.report.figure.items import Call, Figure, Fork, Op, Row, spans
from archcalc.report.figure.sketch import Box, Line, Rectangle, Sketch, Text, letter
from archcalc.report.figure.skips import chains
from archcalc.report.figure.told import Bar, spans_of_nodes

HIGH, LOW = 25.0, 18.0
GAP, SHAPED_GAP = 9.0, 17.0
LEAST, MOST = 96.0, 190.0  # widths of boxes
LANE_TEXT = 39.0
MOST_NAME = 100.0
TRACK = 7.0
MOST_TRACKS = 6
WORDS = {"macs": "MACs", "params": "parameters", "activations": "activations", "state": "state", "memory": "bytes"}
MOST_TITLE = 215.0  # width of a module's box whose text needs it
MOST_WORDS = 160.0  # of that of an operation, where a column is narrow
SHORT = {"params": "params", "activations": "activ."}
HEAD_HIGH = 28.0


class Style(NamedTuple):
    """How wide a column is."""

    most: float = MOST
    bar: float = 46.0
    lanes: tuple[str, ...] = ("macs", "params")


@dataclass(slots=True)
class Tower:
    """Rows that go on from one another, or that nothing leads to; `begins` where it goes on elsewhere."""

    rows: list[Row]
    begins: str = ""  # written above the first
    goes_on: bool = False  # below


def towers_of(figure: Figure) -> list[Tower]:
    """Columns of a network, by what its rows go on from."""
    inputs = figure.inputs
    return [
        Tower(rows, inputs.get(rows[0].reads, "") if rows[0].reads is not None else "") for rows in chains(figure.rows)
    ]


class Column:
    """One column, or a piece of one, as a sketch."""

    share = "of "  # what stands above a lane, before its quantity

    def __init__(self, figure: Figure, tower: Tower, style: Style) -> None:
        self.figure = figure
        self.style = style
        self.tower = tower
        self.rows = tower.rows
        extents = [max(row.item.y.spatial, default=1) for row in figure.rows] or [1]
        self.least, self.most = log2(min(extents) + 1), log2(max(extents) + 1)
        self.forced = False  # whether some text made its box wider
        self.starts: Mapping[int, float] = {}  # where rows begin at the least, by their number
        self.tops: list[float] = []  # where they begin
        self.notes: list[tuple[Row, float, float]] = []  # left end and middle of the last line of each note
        self.end, self.shift = 0, 0.0  # which shape is the last arrow; how far all was moved to the right
        self.sketch = Sketch()
        self.links = self.tracks()
        named = [row for row in self.rows if self.lane_name(row)]
        names = max([width(self.lane_name(row), 9.5) for row in named], default=0.0)
        notes = max([width(line, 9.5) for row in self.rows for line in self.note(row)], default=0.0)
        self.heads = [head for head in figure.heads if any(head.reads == row.output for row in self.rows)]
        self.head_width = max([width(head.name, 10, True) for head in self.heads], default=0.0)
        self.head_width = max(self.head_width, width("training only", 9.5)) + 14 if self.heads else 0.0
        self.shares_lane = not any(self.heads_meet_names())
        tracks = max([track for *_, track in self.links], default=-1) + 1
        lane = max(names, notes)
        if self.heads:
            lane = max(lane, self.head_width) + 10 if self.shares_lane else lane + self.head_width + 16
        self.names_end = lane + 2
        self.boxes = max(map(self.box_width, self.rows), default=LEAST)
        self.left = self.names_end + (10 if lane else 0) + (tracks * TRACK + 6 if tracks else 0)
        self.axis = self.left + self.boxes / 2
        self.begins = fitted(tower.begins, self.boxes, 10)

    # widths

    def lane_name(self, row: Row) -> str:
        """The name of a row beside its box; modules carry theirs inside."""
        if isinstance(row.item, Call) or not row.is_first:
            return ""
        return fitted(row.name, MOST_NAME, 9.5)

    def note(self, row: Row) -> list[str]:
        """What a row reads from afar, where no line shows it; in two lines where one is too long."""
        linked = {source.output for source, target, _ in self.links if target is row}
        at = next(number for number, other in enumerate(self.rows) if other is row)
        before = self.rows[at - 1].output if at else row.reads
        reads = [*([] if row.reads is None else [row.reads]), *row.others]
        names = dict.fromkeys(self.figure.name_of(read) for read in reads if read not in linked and read != before)
        if not names:
            return []
        first, *rest = names
        lines = [f"from {first}"]
        for name in rest:
            if width(f"{lines[-1]}, {name}", 9.5) <= MOST_NAME:
                lines[-1] += f", {name}"
            elif len(lines) == 1 and not self.lane_name(row):
                lines[-1] += ","
                lines.append(name)
            else:
                lines[-1] += f", {name}"
        return [fitted(line, MOST_NAME, 9.5) for line in lines]

    def title(self, row: Row) -> str:
        """What stands in a module's box."""
        call = row.item
        assert isinstance(call, Call)
        if call.is_entry:
            return row.name
        if call.times == 1 and row.is_only:
            return row.name
        if not row.is_first or row.name in call.word:
            return call.word
        whole = f"{row.name}: {call.word}"
        is_told = bool(row.names and self.marks(row))  # by the letter, where there is no room
        if call.word in row.name or (is_told and self.call_width(row, whole) > self.most_title):
            return row.name
        return whole

    def marks(self, row: Row) -> list[str]:
        """Letters of what is opened for a row."""
        call = row.item
        if not isinstance(call, Call):
            return []
        found = dict.fromkeys(self.figure.marks.get((call.module, form), "") for form in sorted(set(call.forms)))
        return [mark for mark in found if mark][:4]

    def text_width(self, row: Row) -> float:
        """What the text of a box needs."""
        item = row.item
        if isinstance(item, Op):
            count = width(f"×{item.times}", 11, True) + 8 if item.times > 1 else 0
            wide = width(item.text, 10 if item.is_small else 11) + count + 14
            return min(wide, max(self.style.most + 30, MOST_WORDS))
        if isinstance(item, Fork):
            return width(item.word, 10, True) + 16
        return min(self.call_width(row, self.title(row)), self.most_title)

    def call_width(self, row: Row, title: str) -> float:
        """What a module's box with a title needs."""
        count = width(f"×{row.item.times}", 11, True) + 8 if row.item.times > 1 else 0
        return width(title, 11, True) + count + 19 * len(self.marks(row)) + 18

    @property
    def most_title(self) -> float:
        """The widest box of a module."""
        return max(self.style.most + 40, MOST_TITLE)

    def box_width(self, row: Row) -> float:
        """By the logarithm of the map's extent, and no less than its text."""
        item = row.item
        if isinstance(item, Fork):
            return self.text_width(row)
        most, least = self.most, self.least
        share = (log2(max(item.y.spatial, default=1) + 1) - least) / (most - least) if most > least else 1.0
        by_map = LEAST + (self.style.most - LEAST) * share
        text = self.text_width(row)
        if text > by_map:
            self.forced = True
        return max(by_map, text)

    # links

    def tracks(self) -> list[tuple[Row, Row, int]]:
        """Lines at the left from a row to a later one that reads it: source, target and track."""
        by_output = {row.output: number for number, row in enumerate(self.rows)}
        wanted: list[tuple[int, int]] = []
        for number, row in enumerate(self.rows):
            reads = list(row.others)
            if number and row.reads is not None and row.reads >= 0 and row.reads != self.rows[number - 1].output:
                reads.append(row.reads)
            wanted += [
                (by_output[read], number)
                for read in reads
                if by_output.get(read, number) < number - 1 + (read == row.reads)
            ]
        wanted.sort(key=lambda pair: (pair[1] - pair[0], pair))
        taken: list[list[tuple[int, int]]] = []
        found: list[tuple[Row, Row, int]] = []
        for begin, end in wanted:
            free = [
                track
                for track, spans in enumerate(taken)
                if all(end <= other or begin >= last for other, last in spans)
            ]
            track = free[0] if free else len(taken)
            if not free:
                taken.append([])
            taken[track].append((begin, end))
            found.append((self.rows[begin], self.rows[end], track))
        return found if len(taken) <= MOST_TRACKS else []

    # heights

    def heads_meet_names(self) -> list[bool]:
        """Whether a head's box would lie on a name, for each head."""
        found = []
        for head in self.heads:
            at = next(number for number, row in enumerate(self.rows) if row.output == head.reads)
            near = self.rows[at : at + 2]
            found.append(any(self.lane_name(row) or self.note(row) for row in near))
        return found

    def gap_after(self, number: int) -> float:
        """Room below a row: more where a shape is written."""
        return SHAPED_GAP if self.shape_after(number) or self.head_at(number) else GAP

    def head_at(self, number: int) -> list[Row]:
        """Heads that read a row."""
        return [head for head in self.heads if head.reads == self.rows[number].output]

    def shape_after(self, number: int) -> str:
        """The shape on the edge below a row, where something changed that should be told."""
        row = self.rows[number]
        text = self.figure.given(row.item)
        if number == len(self.rows) - 1:
            return text
        before = self.figure.shape(row.reads) if row.reads is not None else None
        changed = before is None or before.spatial != row.item.y.spatial
        whole = isinstance(row.item, (Call, Fork)) and before != row.item.y
        is_token = before is not None and before.channels is None
        return text if changed or whole or is_token else ""

    def drawn(self) -> Sketch:
        """The sketch."""
        sketch, figure, axis = self.sketch, self.figure, self.axis
        y = 10.0
        lanes_at = self.left + self.boxes + 18
        lane = self.style.bar + 4 + LANE_TEXT + 3
        has_costs = any(figure.sum(row, quantity) for row in self.rows for quantity in self.style.lanes)
        for number, quantity in enumerate(self.style.lanes if has_costs else ()):
            of = f"{self.share}{WORDS[quantity]}"
            of = of if width(of, 10) < lane - 4 else f"{self.share}{SHORT.get(quantity, quantity)}"
            sketch.add(Text(lanes_at + number * lane, y, of, 10, colour="soft"))
        most = {
            quantity: max((figure.sum(row, quantity) for row in figure.rows), default=0)
            for quantity in self.style.lanes
        }
        first = max(y + 16, self.starts.get(0, 0.0))
        if self.tower.begins:
            sketch.add(Text(axis, y, self.begins, 10, "middle", colour="soft"))
            sketch.add(Line(((axis, y + 4), (axis, first)), head=True))
        y = first
        places: dict[int, tuple[float, float, float]] = {}
        for number, row in enumerate(self.rows):
            if number:
                y = self.edge(number, y)
            self.tops.append(y)
            wide, high = self.box(row, y)
            places[id(row)] = (y, high, wide)
            self.beside(row, y + high / 2, high, wide)
            for at, quantity in enumerate(self.style.lanes):
                self.lane(row, quantity, lanes_at + at * lane, y + high / 2, most[quantity])
            y += high
        last = len(self.rows) - 1
        deep = 5.0 if last >= 0 and self.is_stacked(self.rows[last]) else 0.0
        if last >= 0:
            self.end = len(sketch.shapes)
            sketch.add(Line(((axis, y + deep), (axis, y + deep + SHAPED_GAP)), head=True))
            sketch.add(Text(axis + 6, y + deep + 12, self.shape_after(last), 9.5, colour="soft"))
            y += deep + SHAPED_GAP
        for source, target, track in self.links:
            self.link(places[id(source)], places[id(target)], track)
        lanes = len(self.style.lanes) * has_costs
        wide = max(lanes_at + lanes * lane - (0 if lanes else 16), axis + 6 + width(self.shape_after(last), 9.5) + 2)
        if self.tower.begins:
            half = width(self.begins, 10) / 2
            shift = max(0.0, half - axis)
            if shift:
                sketch.shapes = [shape.moved(shift, 0) for shape in sketch.shapes]
            wide = max(wide + shift, axis + shift + half)
            self.shift = shift
        sketch.width, sketch.height, sketch.axis = wide, y + 4, axis + self.shift
        return sketch

    def open_ended(self) -> Sketch:
        """The sketch without an arrow at its end, from where it goes on."""
        found = Sketch(self.sketch.width, self.sketch.height, self.sketch.axis)
        found.shapes = list(self.sketch.shapes)
        end = found.shapes[self.end]
        if isinstance(end, Line):
            found.shapes[self.end] = end._replace(head=False)
        return found

    def notes_of(self, output: int | None) -> list[tuple[float, float]]:
        """Where notes of rows begin that read an operation."""
        return [
            (left + self.shift, y)
            for row, left, y in self.notes
            if output is not None and output in (row.reads, *row.others)
        ]

    @staticmethod
    def is_stacked(row: Row) -> bool:
        """Whether edges of further boxes show behind it."""
        return (
            not isinstance(row.item, Fork)
            and row.item.times > 1
            and not (isinstance(row.item, Op) and row.item.is_small)
        )

    def edge(self, number: int, y: float) -> float:
        """The arrow from the row before; where it ends."""
        before, row = self.rows[number - 1], self.rows[number]
        top = y + (5.0 if self.is_stacked(before) else 0.0)
        shape = self.shape_after(number - 1)
        least = self.starts.get(number, 0.0)
        gap = max(self.gap_after(number - 1), least - top)
        sketch, figure, axis = self.sketch, self.figure, self.axis
        if before.output in (row.reads, *row.others):
            sketch.add(Line(((axis, top), (axis, top + gap)), head=True))
            if shape:
                sketch.add(Text(axis + 6, top + min(gap, 2 * SHAPED_GAP) / 2 + 3.6, shape, 9.5, colour="soft"))
            for head in self.head_at(number - 1):
                self.head(head, top + gap / 2 - 2)
            return top + gap
        for head in self.head_at(number - 1):
            self.head(head, top + 4)
        sketch.add(Line(((axis, top), (axis, top + 10)), head=False, dashed=True))
        sketch.add(Text(axis + 6, top + 9.5, figure.given(before.item), 9.5, colour="soft"))
        top += 14
        return max(top + GAP / 2, least)

    def box(self, row: Row, y: float) -> tuple[float, float]:
        """The box of a row; its width and height."""
        item, sketch, axis = row.item, self.sketch, self.axis
        wide = self.box_width(row)
        if isinstance(item, Fork):
            area = Rectangle(axis - wide / 2, y, wide, 20.0)
            sketch.add(Box(area, "dark", round=10.0, nodes=spans(item)))
            sketch.add(
                Text(axis, y + 13.6, item.word, 10, "middle", True, colour="on_dark", within=area, ground="dark")
            )
            return wide, 20.0
        is_small = isinstance(item, Op) and item.is_small
        high = LOW if is_small else HIGH
        fill = item.kind.name if isinstance(item, Op) else "paper"
        area = Rectangle(axis - wide / 2, y, wide, high)
        for step in (2, 1) if self.is_stacked(row) else ():
            sketch.add(Box(Rectangle(area.x + 2.5 * step, y + 2.5 * step, wide, high), fill, "edge"))
        bold = isinstance(item, Call)
        round, thick = high / 2 if is_small else 3.0, 1.6 if bold else 1.0
        sketch.add(Box(area, fill, "edge", thick, round, nodes=spans(item)))
        count = f"×{item.times}" if item.times > 1 else ""
        marks = self.marks(row)
        for number, mark in enumerate(marks):
            sketch.add(*letter(mark, area.x + 13 + 19 * number, y + high / 2))
        size = 10.0 if is_small else 11.0
        before, after = 19.0 * len(marks), width(count, 11, True) + 6 if count else 0.0
        text = item.text if isinstance(item, Op) else self.title(row)
        text = fitted(text, wide - before - after - 10, size, bold)
        middle = area.x + before + (wide - before - after) / 2
        sketch.add(Text(middle, y + high / 2 + size * 0.36, text, size, "middle", bold, within=area, ground=fill))
        if count:
            sketch.add(Text(area.right - 6, y + high / 2 + 4, count, 11, "end", True, within=area, ground=fill))
        return wide, high

    def beside(self, row: Row, y: float, high: float, wide: float) -> None:
        """Name and notes in the lane at the left."""
        name, note, sketch = self.lane_name(row), self.note(row), self.sketch
        lines = [*([name] if name else []), *note]
        at = y + (3.4 if len(lines) < 2 else -1.5)
        for number, line in enumerate(lines):
            is_note = bool(number) or not name
            sketch.add(Text(self.names_end, at + 11 * number, line, 9.5, "end", italic=is_note, colour="soft"))
        if note:
            to = at - 3 + (11 if name else 5.5 * (len(lines) - 1))
            sketch.add(Line(((self.names_end + 3, to), (self.axis - wide / 2, to)), head=True))
            self.notes.append((row, self.names_end - width(lines[-1], 9.5), at + 11 * (len(lines) - 1) - 3.4))

    def lane(self, row: Row, quantity: str, x: float, y: float, most: int) -> None:
        """A bar and a number."""
        figure, bar = self.figure, self.style.bar
        total = figure.sum(row, quantity)
        if not total:
            return
        self.sketch.add(Box(Rectangle(x, y - 5, bar, 10), "track", round=0))
        at, lane = x, self.style.lanes.index(quantity)
        number = next(number for number, other in enumerate(figure.rows) if other is row)
        for kind, amount in figure.by_kind(row, quantity).items():
            long = bar * amount / most
            nodes = spans_of_nodes(index for index in row.nodes if figure.kinds[index] is kind)
            of = Bar(lane, number, quantity, nodes, x, bar)
            self.sketch.add(Box(Rectangle(at, y - 5, long, 10), f"bar_{kind.name}", round=0, bar=of))
            at += long
        self.sketch.add(Text(x + bar + 4, y + 3.6, figure.share(row, quantity), 10))

    def head(self, head: Row, y: float) -> None:
        """A head that is for training only, at the edge that it reads."""
        sketch = self.sketch
        right = self.head_width + 1
        area = Rectangle(1, y - HEAD_HIGH / 2, self.head_width, HEAD_HIGH)
        sketch.add(Box(area, "paper", "edge", 1.0, 4.0, True, spans(head.item)))
        sketch.add(Text(area.x + area.width / 2, y - 2, head.name, 10, "middle", True, within=area))
        sketch.add(Text(area.x + area.width / 2, y + 9.5, "training only", 9.5, "middle", colour="soft", within=area))
        sketch.add(Line(((self.axis, y), (right, y)), head=True, dashed=True))
        mark = next((mark for mark in self.marks(head) if mark), "")
        if mark:
            sketch.add(*letter(mark, right - 4, y - HEAD_HIGH / 2, 16.0 if len(mark) == 1 else 19.0))

    def link(self, source: tuple[float, float, float], target: tuple[float, float, float], track: int) -> None:
        """A line at the left from one row to a later one."""
        x = self.left - 6 - TRACK * track
        top, high, wide = source
        low, low_high, low_wide = target
        y, end = top + high * 0.7, low + low_high * 0.3
        points = ((self.axis - wide / 2, y), (x, y), (x, end), (self.axis - low_wide / 2, end))
        self.sketch.add(Line(points, head=True, colour="link"))

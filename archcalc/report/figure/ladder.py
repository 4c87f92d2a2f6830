"""A U with many skips, as a ladder: the way down at the left, the way up at the right, a rung for each skip."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise

from archcalc.report.figure.column import Tower
from archcalc.report.figure.glyphs import fitted, width
from archcalc.report.figure.items import Call, Figure, Fork, Item, Op, Row, spans
from archcalc.report.figure.sketch import Box, Line, Rectangle, Sketch, Text, letter
from archcalc.report.figure.skips import rungs, told_by_words
from archcalc.report.figure.told import Bar, joined, told

HIGH, LOW = 34.0, 18.0
GAP, TIGHT = 14.0, 5.0
LESS = 5.0  # height that a box loses where gaps are small
INWARDS = 22.0  # where maps become smaller
RUNG = 92.0  # the least length of a skip
LEAST, MOST = 146.0, 200.0  # widths of boxes


def ladder(figure: Figure, tower: Tower, quantity: str, is_tight: bool = False) -> Sketch:
    """A column of a network whose skips nest, as a ladder."""
    return _Ladder(figure, tower, rungs(tower.rows), quantity, TIGHT if is_tight else GAP).drawn()


class _Ladder:
    def __init__(self, figure: Figure, tower: Tower, pairs: Sequence[tuple[int, int]], quantity: str, gap: float):
        self.figure, self.tower, self.quantity, self.gap = figure, tower, quantity, gap
        self.rows, self.sketch = tower.rows, Sketch()
        self.tall = HIGH - LESS * (gap == TIGHT)
        self.wide = max(map(self.text_width, self.rows))
        self.numbers = {id(row): number for number, row in enumerate(figure.rows)}
        self.most = max(figure.sum(row, quantity) for row in figure.rows) or 1  # columns beside it are at one scale
        ends = [-1, *(source for source, _ in pairs)]
        self.left = [self.rows[before + 1 : source + 1] for before, source in pairwise(ends)]
        tops = [len(self.rows), *(target for _, target in pairs)]
        self.right = [self.rows[target:above] for above, target in pairwise(tops)]
        self.bottom = self.rows[ends[-1] + 1 : tops[-1]]

    # boxes

    def words(self, row: Row) -> str:
        """What stands in a box."""
        item = row.item
        if isinstance(item, Op):
            return item.text if item.is_small else joined(": ", [row.name, item.text])
        inner = told_by_words(item)
        if not inner:
            return row.name if isinstance(item, Call) and row.is_only else item.word
        closed = [of for of in inner if not self.letters([of]) or of.times > 1]
        name = row.name if row.is_first else ""
        return joined(": ", [text for text in (name, joined(", ", map(self.part, closed))) if text] or [item.word])

    def part(self, item: Item) -> str:
        """What a box says of one item of its entry."""
        text = item.text if isinstance(item, Op) else item.word
        return told(text, f" ×{item.times}") if item.times > 1 else text

    def marks(self, item: Item) -> list[str]:
        """Letters of what is opened for it."""
        return self.letters(told_by_words(item) or [item])

    def letters(self, items: Sequence[Item]) -> list[str]:
        """Letters of the modules among items."""
        calls = [of for of in items if isinstance(of, Call)]
        found = dict.fromkeys(self.figure.marks.get((of.module, form), "") for of in calls for form in of.forms)
        return [mark for mark in found if mark][:4]

    def text_width(self, row: Row) -> float:
        item = row.item
        bold = not isinstance(item, Op)
        count = width(f"×{item.times}", 11, True) + 8 if item.times > 1 else 0.0
        return min(max(width(self.words(row), 11, bold) + 15 * len(self.marks(item)) + count + 16, LEAST), MOST)

    def high(self, row: Row) -> float:
        return LOW if isinstance(row.item, Op) and row.item.is_small else self.tall

    def box(self, row: Row, x: float, y: float) -> None:
        """A box with its top at y, centred at x."""
        figure, item, high = self.figure, row.item, self.high(row)
        area = Rectangle(x - self.wide / 2, y, self.wide, high)
        is_op, is_small = isinstance(item, Op), high == LOW
        fill = item.kind.name if isinstance(item, Op) else "dark" if isinstance(item, Fork) else "paper"
        self.sketch.add(
            Box(area, fill, "edge", 1.0 if is_op else 1.6, high / 2 if is_small else 3.0, nodes=spans(item))
        )
        marks = self.marks(item)
        for number, mark in enumerate(marks):
            self.sketch.add(*letter(mark, area.x + 11 + 15 * number, y + self.tall / 2 - 7.5, 13.0))
        count = f"×{item.times}" if item.times > 1 and not is_small else ""
        after = width(count, 11, True) + 6 if count else 0.0
        amount = figure.sum(item, self.quantity)
        size, bold = (10.0 if is_small else 11.0), not is_op
        ink = "on_dark" if fill == "dark" else "ink"
        before = 15 * len(marks) + 3 if marks else 0
        room = self.wide - before - after - 10
        text = fitted(self.words(row), room, size, bold)
        middle = area.x + before + (self.wide - before - after) / 2
        top = y + (high / 2 + size * 0.36 if is_small or not amount else self.tall / 2 - 3.5)
        self.sketch.add(Text(middle, top, text, size, "middle", bold, colour=ink, within=area, ground=fill))
        if count:
            self.sketch.add(
                Text(area.right - 6, y + self.tall / 2 - 3, count, 11, "end", True, within=area, ground=fill)
            )
        if amount and not is_small:
            line = joined(" · ", [figure.brief(item, self.quantity), figure.share(item, self.quantity)])
            start = area.x + 8
            self.sketch.add(Text(start, y + self.tall - 4.5, line, 10, colour=ink, within=area, ground=fill))
            begin = start + max(78.0, width(line, 10) + 6)
            full = area.right - 7 - begin
            of = Bar(0, self.numbers[id(row)], self.quantity, spans(item), begin, full)
            self.sketch.add(Box(Rectangle(begin, y + self.tall - 10, full, 5), "track", round=0))
            self.sketch.add(
                Box(Rectangle(begin, y + self.tall - 10, full * amount / self.most, 5), "dark", round=0, bar=of)
            )

    # the whole

    def drawn(self) -> Sketch:
        """The sketch."""
        sketch, figure, gap, half = self.sketch, self.figure, self.gap, self.wide / 2
        depths = self.depths()
        left, right = half + 2, half + 2 + self.wide + RUNG + 2 * depths[-1] * INWARDS
        begins = fitted(self.tower.begins, self.wide, 10)
        sketch.add(Text(left, 10, begins, 10, "middle", colour="soft"))
        y = 26.0
        downwards: list[tuple[float, float, float]] = []  # centre, top and bottom of each box, in the order of rows
        upwards: list[tuple[float, float, float]] = []  # of those at the right, from above
        for depth, down, up in zip(depths, self.left, self.right, strict=True):
            tall = max(sum(self.high(row) + gap for row in side) for side in (down, up)) - gap
            x, across = left + depth * INWARDS, right - depth * INWARDS
            low = y + tall
            downwards += self.stack(down, x, low - sum(self.high(row) + gap for row in down) + gap)
            upwards += self.stack(list(reversed(up)), across, low - sum(self.high(row) + gap for row in up) + gap)
            rung = low - min(self.high(down[-1]), self.high(up[0])) / 2
            ends = x + half, across - half
            sketch.add(Line(((ends[0], rung), (ends[1], rung)), head=True, colour="link", thick=1.5))
            text = figure.given(down[-1].item)
            sketch.add(Text(sum(ends) / 2, rung - 5, text, 9.5, "middle", colour="soft"))
            y = low + gap
        centre = (left + right) / 2
        downwards += self.stack(self.bottom, centre, y + 2)
        x, top, _ = downwards[0]
        sketch.add(Line(((x, 14), (x, top)), head=True))
        for (x, _, end), (to, begin, _) in pairwise(downwards):
            self.way(x, end, to, begin)
        path = [downwards[-1], *reversed(upwards)]
        for number, ((x, begin, low), (to, _, end)) in enumerate(pairwise(path)):
            if number:
                self.way(x, begin, to, end)
            else:  # from the right side of the bottom
                at = (begin + low) / 2
                sketch.add(Line(((x + half, at), (to, at), (to, end)), head=True))
        x, top, _ = upwards[0]
        sketch.add(Line(((x, top), (x, top - 14)), head=True))
        gives = figure.given(self.rows[-1].item)
        sketch.add(Text(x + 6, top - 6, gives, 9.5, colour="soft"))
        beside = downwards[-len(self.bottom)][1] + 18
        for number, line in enumerate(self.others()):
            text = fitted(line, centre - half - 12, 9.5)
            sketch.add(Text(4, beside + 13 * number, text, 9.5, italic=True, colour="soft"))
        bottom = max(downwards[-1][2], beside + 13 * len(self.others()) - 10)
        sketch.width = max(right + half + 2, x + 8 + width(gives, 9.5))
        sketch.height = bottom + 6
        return sketch

    def depths(self) -> list[int]:
        """How far inwards each rung stands: a step for each change of the map."""
        found = [0]
        for before, after in pairwise(self.left):
            found.append(found[-1] + (before[-1].item.y.spatial != after[-1].item.y.spatial))
        return found

    def stack(self, rows: Sequence[Row], x: float, y: float) -> list[tuple[float, float, float]]:
        """Boxes downwards from y; centre, top and bottom of each."""
        found = []
        for row in rows:
            self.box(row, x, y)
            found.append((x, y, y + self.high(row)))
            y += self.high(row) + self.gap
        return found

    def way(self, x: float, begin: float, to: float, end: float) -> None:
        """An arrow from one box to the next, above or below it."""
        turn = begin + (3.0 if end > begin else -3.0)
        points = ((x, begin), (to, end)) if abs(x - to) < 0.1 else ((x, begin), (x, turn), (to, turn), (to, end))
        self.sketch.add(Line(points, head=True))

    def others(self) -> list[str]:
        """What boxes read that is not in the column."""
        own = {row.output for row in self.rows}
        readers: dict[str, list[str]] = {}
        for row in self.rows:
            for read in row.others:
                if read not in own:
                    readers.setdefault(self.figure.name_of(read), []).append(row.name)
        return [f"{len(names)} boxes read {name}" for name, names in readers.items()]

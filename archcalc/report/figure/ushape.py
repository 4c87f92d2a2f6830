"""The U: where what one side hands on is read by the other, the first last."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from archcalc.report.figure.glyphs import fitted, width
from archcalc.report.figure.items import Call, Figure, Fork, Form, Item, Op, Row, spans
from archcalc.report.figure.sketch import Box, Line, Rectangle, Sketch, Text
from archcalc.report.figure.skips import nested
from archcalc.report.figure.told import Bar, joined

INWARDS = 40.0  # for each level
GAP, TIGHT = 16.0, 11.0
HIGH, LOW = 40.0, 18.0
MOST_ITEMS = 7


class _Level(NamedTuple):
    """Boxes on the way down, ending in the one that hands on; and on the way up: before, in and after the merge."""

    down: list[Item]
    skip: Item
    before: list[Item]
    merge: Fork
    after: list[Item]


def ushape(figure: Figure, quantity: str, is_tight: bool = False) -> Sketch | None:
    """The network as a U, where its skips nest; `is_tight`: with small gaps."""
    rows = figure.rows
    skips = nested(rows)
    if not skips or figure.heads:
        return None
    forms = {(form.module, form.number): form for form in figure.forms}
    levels: list[_Level] = []
    begin = 0
    ends = [target for _, target in skips[1:]]
    for number, (source, target) in enumerate(skips):
        opened = _opened(rows[target], forms)
        if opened is None:
            return None
        last = skips[number - 1][1] if number else len(rows)
        before, merge, after = opened
        after = after + [row.item for row in rows[target + 1 : last]]
        down = [row.item for row in rows[begin : source + 1]]
        if len(after) > MOST_ITEMS or any(isinstance(item, Fork) for item in (*down, *after, *before)):
            return None
        levels.append(_Level(down, rows[source].item, before, merge, after))
        begin = source + 1
    bottom = [row.item for row in rows[begin : skips[-1][1]]]
    if any(isinstance(item, Fork) for item in bottom) or not bottom or len(ends) + 1 != len(levels):
        return None
    return _U(figure, quantity, levels, bottom, TIGHT if is_tight else GAP).drawn()


def is_open(figure: Figure, form: Form) -> bool:
    """Whether all calls of a form stand open in the U."""
    readers = {id(figure.rows[target].item) for _, target in nested(figure.rows)}
    calls = [row for row in figure.rows if isinstance(row.item, Call) and row.item.module == form.module]
    return bool(calls) and len(calls) == len(form.calls) and all(id(row.item) in readers for row in calls)


def _opened(row: Row, forms: dict[tuple[str, int], Form]) -> tuple[list[Item], Fork, list[Item]] | None:
    """A row that reads a skip, as what stands before its merge, the merge, and what stands after it."""
    item = row.item
    if isinstance(item, Fork):
        return [], item, []
    if not isinstance(item, Call) or item.times != 1:
        return None
    form = forms.get((item.module, item.forms[0]))
    chain = item.inner if item.inner else form.chain if form is not None and len(form.calls) == 1 else []
    places = [number for number, inner in enumerate(chain) if isinstance(inner, Fork)]
    if len(places) != 1:
        return None
    fork = chain[places[0]]
    assert isinstance(fork, Fork)
    if any(branch.items for branch in fork.branches):
        return None
    return list(chain[: places[0]]), fork, list(chain[places[0] + 1 :])


class _U:
    def __init__(self, figure: Figure, quantity: str, levels: list[_Level], bottom: list[Item], gap: float) -> None:
        self.gap = gap
        self.figure, self.quantity, self.levels, self.bottom = figure, quantity, levels, bottom
        self.sketch = Sketch()
        self.bars = 0
        every = [item for level in levels for item in (*level.down, *level.before, *level.after)] + bottom
        self.most = max(figure.sum(item, quantity) for item in every) or 1
        self.wide = max(map(self.text_width, every), default=100.0)

    def lines(self, item: Item) -> list[str]:
        if isinstance(item, Op) and item.is_small:
            return [item.word]
        text = item.text if isinstance(item, Op) else item.word if isinstance(item, Call) else ""
        amount = self.figure.sum(item, self.quantity)
        if not amount:
            return [text]
        figure, quantity = self.figure, self.quantity
        return [text, joined(" · ", [figure.brief(item, quantity), figure.share(item, quantity)])]

    def text_width(self, item: Item) -> float:
        lines = self.lines(item)
        times = item.times
        count = width(f"×{times}", 11, True) + 8 if times > 1 else 0.0
        return min(max(width(line, 11 - at) for at, line in enumerate(lines)) + count + 16, 190.0)

    def high(self, item: Item) -> float:
        return LOW if isinstance(item, Op) and item.is_small else HIGH if len(self.lines(item)) > 1 else 25.0

    def box(self, item: Item, x: float, y: float) -> Rectangle:
        """A box centred at x with its top at y."""
        lines, high = self.lines(item), self.high(item)
        is_small = high == LOW
        wide = self.text_width(item)
        area = Rectangle(x - wide / 2, y, wide, high)
        fill = item.kind.name if isinstance(item, Op) else "paper"
        times = item.times
        for step in (2, 1) if times > 1 and not is_small else ():
            self.sketch.add(Box(Rectangle(area.x + 2.5 * step, y + 2.5 * step, wide, high), fill, "edge"))
        thick = 1.6 if isinstance(item, Call) else 1.0
        self.sketch.add(Box(area, fill, "edge", thick, high / 2 if is_small else 3.0, nodes=spans(item)))
        count = f"×{times}" if times > 1 and not is_small else ""
        after = width(count, 11, True) + 6 if count else 0.0
        middle = area.x + (wide - after) / 2
        size = 10.0 if is_small else 11.0
        tops = (high / 2 + size * 0.36,) if len(lines) == 1 else (13.5, 26.0)
        for number, (line, top) in enumerate(zip(lines, tops, strict=True)):
            text = fitted(line, wide - after - 8, size - number, isinstance(item, Call) and not number)
            bold = isinstance(item, Call) and not number
            self.sketch.add(Text(middle, y + top, text, size - number, "middle", bold, within=area, ground=fill))
        if count:
            self.sketch.add(Text(area.right - 5, y + 16, count, 11, "end", True, within=area, ground=fill))
        if len(lines) > 1:
            share = (wide - 14) * self.figure.sum(item, self.quantity) / self.most
            self.sketch.add(Box(Rectangle(area.x + 7, y + high - 9, wide - 14, 4), "paper", round=0))
            self.bars += 1
            of = Bar(0, self.bars, self.quantity, spans(item), area.x + 7, wide - 14)
            self.sketch.add(Box(Rectangle(area.x + 7, y + high - 9, share, 4), "dark", round=0, bar=of))
        return area

    def stack(self, items: Sequence[Item], x: float, y: float, leads: bool) -> tuple[float, Rectangle]:
        """Boxes downwards from y, an arrow before each; where they end, and the last."""
        area = Rectangle(x, y, 0, 0)
        deep = 0.0
        for number, item in enumerate(items):
            if number or leads:
                self.sketch.add(Line(((x, y + deep), (x, y + deep + self.gap)), head=True))
                y += deep + self.gap
            area = self.box(item, x, y)
            y = area.bottom
            deep = 5.0 if item.times > 1 and self.high(item) != LOW else 0.0
        return y + deep, area

    def upwards(self, items: Sequence[Item], x: float, y: float) -> float:
        """Boxes upwards from y, an arrow before each; where they end."""
        for item in items:
            high = self.high(item)
            deep = 5.0 if item.times > 1 and high != LOW else 0.0
            self.sketch.add(Line(((x, y), (x, y - self.gap + deep)), head=True))
            y -= self.gap + high
            self.box(item, x, y)
        return y

    def drawn(self) -> Sketch:
        """The sketch: the way down first, then the way up at the heights of what is handed on."""
        figure, sketch = self.figure, self.sketch
        half = self.wide / 2
        top = self.room_above()
        begins = next(iter(figure.inputs.values()))
        x = max(half, width(begins, 10) / 2) + 2
        sketch.add(Text(x, top - 20, begins, 10, "middle", colour="soft"))
        sketch.add(Line(((x, top - 16), (x, top)), head=True))
        y = top
        handed: list[tuple[float, float]] = []  # right side and height of what each level hands on
        for number, level in enumerate(self.levels):
            y, area = self.level_down(level.down, x, y, number > 0)
            handed.append((area.right + (5 if level.skip.times > 1 else 0), area.y + area.height / 2))
            y = max(y, self.least_below(number, area.y + area.height / 2))
            following = x + INWARDS
            y = self.turn(x, following, y, area.bottom + (5 if level.skip.times > 1 else 0))
            x = following
        y, area = self.level_down(self.bottom, x, y, True)
        centre = area.y + area.height / 2
        pills = [max(width(level.merge.word, 10, True) + 16, 26.0) for level in self.levels]
        last = self.levels[-1]
        up = max([self.text_width(item) for item in last.before], default=0.0) / 2
        bottom = max(map(self.text_width, self.bottom)) / 2
        at = max(x + bottom + 18 + up, max(right for right, _ in handed) + 44 + pills[-1] / 2)
        sketch.add(Line(((area.right + (5 if self.bottom[-1].times > 1 else 0), centre), (at, centre))))
        begin = centre
        right_most = area.right
        for number in range(len(self.levels) - 1, -1, -1):
            level, pill = self.levels[number], pills[number]
            right, line = handed[number]
            end = self.upwards(level.before, at, begin)
            sketch.add(Line(((at, end), (at, line + 10)), head=True))
            area = Rectangle(at - pill / 2, line - 10, pill, 20)
            sketch.add(Line(((right, line), (area.x, line)), head=True, colour="link", thick=1.5))
            text = figure.given(level.skip)
            sketch.add(Text((right + area.x) / 2, line - 5, text, 9.5, "middle", colour="soft"))
            sketch.add(Box(area, "dark", round=10, nodes=spans(level.merge)))
            sketch.add(
                Text(at, line + 3.6, level.merge.word, 10, "middle", True, colour="on_dark", within=area, ground="dark")
            )
            if level.after:
                first = level.after[0]
                wide, high = self.text_width(first), self.high(first)
                left = area.right + 14
                sketch.add(Line(((area.right, line), (left, line)), head=True))
                self.box(first, left + wide / 2, line - high / 2)
                following = left + min(24.0, wide / 2)
                rest = self.upwards(level.after[1:], left + wide / 2, line - high / 2)
                right_most = max(right_most, left + wide + 6, left + wide / 2 + half + 6)
                if len(level.after) > 1:
                    following = left + wide / 2
                begin = rest
            else:
                following, begin = at, line - 10
            at = following
        sketch.add(Line(((at, begin), (at, begin - 20)), head=True))
        gives = figure.given(figure.rows[-1].item)
        sketch.add(Text(at + 6, begin - 9, gives, 9.5, colour="soft"))
        sketch.width = max(right_most, at + 8 + width(gives, 9.5)) + 2
        sketch.height = y + 8
        return sketch

    def room_above(self) -> float:
        """How far the boxes after the last merge reach above the first level."""
        first = self.levels[0]
        above = sum(self.high(item) + self.gap for item in first.after[1:])
        down = first.down[:-1]
        before = sum(self.high(item) + self.gap + 5 for item in down) + self.high(first.down[-1]) / 2
        half = self.high(first.after[0]) / 2 if first.after else 10.0
        return max(26.0, 24.0 + above + half - before)

    def least_below(self, number: int, line: float) -> float:
        """How low the next level must begin, so that the way up has room between the two."""
        level = self.levels[number]
        below = self.levels[number + 1].after if number + 1 < len(self.levels) else []
        first = [self.high(item) / 2 for item in below[:1]]
        up = sum(self.high(item) + self.gap for item in (*level.before, *below[1:])) + sum(first) + 24
        next_down = self.levels[number + 1].down if number + 1 < len(self.levels) else self.bottom
        down = sum(self.high(item) + self.gap + 5 for item in next_down[:-1]) + self.high(next_down[-1]) / 2 + self.gap
        return line + max(up - down, self.high(level.skip) / 2 + 6)

    def turn(self, x: float, to: float, y: float, begin: float) -> float:
        """The way from one level to where the next begins."""
        self.sketch.add(Line(((x, begin), (x, y + 4), (to, y + 4))))
        return y + 4

    def level_down(self, items: Sequence[Item], x: float, y: float, leads: bool) -> tuple[float, Rectangle]:
        """The boxes of a level, with the shape after what made the map smaller."""
        end, area = self.stack(items, x, y, leads)
        return end, area

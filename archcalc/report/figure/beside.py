"""Networks side by side: their columns at one scale, rows of maps of one size at one height."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from math import ceil, log2
from typing import Any

from archcalc.report.figure.colours import palette
from archcalc.report.figure.column import Column, Style, Tower, towers_of
from archcalc.report.figure.draw import kinds_of
from archcalc.report.figure.glyphs import fitted, width
from archcalc.report.figure.items import Figure, Row
from archcalc.report.figure.page import MARGIN
from archcalc.report.figure.sketch import Box, Rectangle, Sketch, Text
from archcalc.report.figure.svg import svg
from archcalc.report.figure.words import Kind
from archcalc.report.media.numbers import count

BETWEEN = 30.0  # networks
LABELS = 56.0  # room for sizes of maps at the left
BEGIN = 58.0  # of columns, below name and facts
Level = tuple[int, int]  # of a size: its power of two, and the number of axes; features come last


class _Column(Column):
    """A column whose bars are amounts, at one scale with those of its neighbours."""

    share = ""

    def __init__(self, figure: Figure, tower: Tower, style: Style, extents: Sequence[int], most: Mapping[str, int]):
        super().__init__(figure, tower, style)
        self.least, self.most = log2(min(extents) + 1), log2(max(extents) + 1)
        self.largest = most
        self.boxes = max(map(self.box_width, self.rows), default=self.boxes)
        self.axis = self.left + self.boxes / 2

    def lane(self, row: Row, quantity: str, x: float, y: float, most: int) -> None:
        """A bar by the largest amount of all networks, and the amount."""
        total = self.figure.sum(row, quantity)
        if not total:
            return
        at, bar = x, self.style.bar
        self.sketch.add(Box(Rectangle(x, y - 5, bar, 10), "track", round=0))
        for kind, amount in self.figure.by_kind(row, quantity).items():
            long = bar * amount / self.largest[quantity]
            self.sketch.add(Box(Rectangle(at, y - 5, long, 10), f"bar_{kind.name}", round=0))
            at += long
        self.sketch.add(Text(x + bar + 4, y + 3.6, count(total), 9.5))


def beside_svg(figures: Sequence[Figure], quantity: str | None = None, is_dark: bool = False) -> str:
    """Two networks or more as the text of an SVG file: columns alone, nothing opened, heads left out.

    Args:
        figures: what `build` gave of each.
        quantity: that the first lane tells; without it MACs, and parameters in the second lane.
        is_dark: light letters on dark paper.
    """
    plain = [replace(figure, heads=[], forms=[], marks={}, closed=0) for figure in figures]
    kinds = {kind for figure in plain for kind in kinds_of(figure)}
    names = " and ".join(figure.name for figure in plain)
    told = ". ".join(f"{figure.name}: {figure.facts}" for figure in plain)
    return svg(
        beside(plain, quantity), palette(kinds, is_dark), names, f"{told}. Rows of maps of one size are aligned."
    )


def beside(figures: Sequence[Figure], quantity: str | None = None) -> Sketch:
    """The sketch, with its margins."""
    main = quantity or "macs"
    lanes = (main, "macs") if main not in ("macs", "params") else ("macs", "params")
    extents: list[Any] = [max(row.item.y.spatial, default=1) for figure in figures for row in figure.rows] or [1]
    most = {name: max(figure.sum(row, name) for figure in figures for row in figure.rows) or 1 for name in lanes}
    towers = [towers_of(figure) for figure in figures]

    def made(starts: Sequence[Mapping[int, float]]) -> list[list[_Column]]:
        found = []
        for figure, own, begin in zip(figures, towers, starts, strict=True):
            columns = [_Column(figure, tower, Style(150.0, 40.0, lanes), extents, most) for tower in own]
            if columns:
                columns[0].starts = begin
            found.append(columns)
            for column in columns:
                column.drawn()
        return found

    free = made([{}] * len(figures))
    levels = [_first_of_levels(columns[0].rows) if columns else {} for columns in free]
    starts, labels = _aligned([columns[0].tops if columns else [] for columns in free], levels)
    page, x, deep = Sketch(), MARGIN + LABELS, 0.0
    top = BEGIN + 24
    for figure, columns in zip(figures, made(starts), strict=True):
        wide = sum(column.sketch.width + 12 for column in columns) - 12
        wide = max(wide, width(figure.name, 16, True), 150.0)
        page.add(Text(x, 28, fitted(figure.name, wide, 16, True), 16, bold=True))
        for number, line in enumerate(_lines(figure.facts, wide)[:2]):
            page.add(Text(x, 44 + 13 * number, line, 10))
        at = x
        for column in columns:
            page.place(column.sketch, at, top)
            at += column.sketch.width + 12
            deep = max(deep, column.sketch.height)
        x += wide + BETWEEN
    free_from = 0.0
    for level, y in labels.items():
        sizes = {
            _size(columns[0].rows[first[level]]) for columns, first in zip(free, levels, strict=True) if level in first
        }
        lines = sorted(sizes, key=lambda text: (len(text), text), reverse=True)
        if y < free_from:  # another size stands there
            continue
        free_from = y + 14 * len(lines[:2])
        for number, text in enumerate(lines[:2]):
            page.add(
                Text(MARGIN, top + y + 15 + 12 * number, fitted(text, LABELS - 6, 9.5), 9.5, italic=True, colour="soft")
            )
    bottom = _legend(page, figures, MARGIN, top + deep + 18, x - BETWEEN - MARGIN)
    page.width, page.height = ceil(x - BETWEEN + MARGIN), ceil(bottom + MARGIN)
    return page


def _legend(page: Sketch, figures: Sequence[Figure], x: float, y: float, wide: float) -> float:
    kinds = {kind for figure in figures for kind in kinds_of(figure)}
    left = x
    for kind in (each for each in Kind if each in kinds):
        long = 19 + width(kind.value, 10)
        if x + long > left + wide:
            x, y = left, y + 15
        page.add(Box(Rectangle(x, y - 9, 14, 11), kind.name, "edge"), Text(x + 19, y, kind.value, 10))
        x += long + 16
    return y + 4


def _lines(text: str, wide: float) -> list[str]:
    """Facts between dots, as many to a line as there is room for."""
    found: list[str] = []
    for part in text.split(" · "):
        if found and width(f"{found[-1]} · {part}", 10) <= wide:
            found[-1] += f" · {part}"
        else:
            found.append(fitted(part, wide, 10))
    return found


def _level(row: Row) -> Level:
    """The size of a row's maps by the power of two that is nearest: 112, 56 and 55, 28 and 27, ..."""
    spatial = row.item.y.spatial
    return (round(log2(max(spatial))), len(spatial)) if spatial else (-1, 0)


def _size(row: Row) -> str:
    spatial = row.item.y.spatial
    return "×".join(map(str, spatial)) if spatial else "features"


def _first_of_levels(rows: Sequence[Row]) -> dict[Level, int]:
    """The row in which each size is first met, on the way down to the smallest."""
    found: dict[Level, int] = {}
    for number, row in enumerate(rows):
        level = _level(row)
        if level in found:
            continue
        if found and level > min(found):  # on the way up again, as in a U
            break
        found[level] = number
    return found


def _aligned(
    tops: Sequence[Sequence[float]], levels: Sequence[Mapping[Level, int]]
) -> tuple[list[dict[int, float]], dict[Level, float]]:
    """Where rows begin so that those of one size begin together, by their number; and the height of each size."""
    shifts = [0.0] * len(tops)
    starts: list[dict[int, float]] = [{} for _ in tops]
    heights: dict[Level, float] = {}
    for level in sorted({level for first in levels for level in first}, reverse=True):
        own = [(at, first[level]) for at, first in enumerate(levels) if level in first]
        height = max(tops[at][row] + shifts[at] for at, row in own)
        heights[level] = height
        for at, row in own:
            shifts[at] = height - tops[at][row]
            starts[at][row] = height
    return starts, heights

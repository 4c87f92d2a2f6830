"""Pieces of frames: pills, names above boxes, and what comes from elsewhere beside them."""

from __future__ import annotations

from collections.abc import Sequence

from archcalc.report.figure.glyphs import fitted, width
from archcalc.report.figure.sketch import Box, Line, Rectangle, Sketch, Text
from archcalc.report.figure.told import Spans

LOW, PILL = 18.0, 20.0  # grey pills, merges
MOST_TEXT = 210.0  # of a line in a box
MOST_NAME = 110.0  # of a branch


def pill(text: str, fill: str = "OTHER", nodes: Spans = ()) -> Sketch:
    """A pill: grey for norms and activations, dark for merges."""
    is_dark = fill == "dark"
    high = PILL if is_dark else LOW
    text = fitted(text, MOST_TEXT, 10, is_dark)
    wide = max(width(text, 10, is_dark) + 16, 26.0)
    sketch = Sketch(wide, high)
    area = Rectangle(0, 0, wide, high)
    sketch.add(Box(area, fill, "none" if is_dark else "edge", 1.0, high / 2, nodes=nodes))
    colour = "on_dark" if is_dark else "ink"
    sketch.add(Text(wide / 2, high / 2 + 3.6, text, 10, "middle", is_dark, colour=colour, within=area, ground=fill))
    return sketch


def named(inner: Sketch, name: str, deep: float, has_head: bool = False) -> Sketch:
    """A sketch with a name above it, beside the line that leads to it if that has a height."""
    text = fitted(name, MOST_NAME, 9.5)
    top = max(deep, 16.0)
    sketch = Sketch(max(inner.width, inner.axis + 6 + width(text, 9.5)), top + inner.height, inner.axis)
    if deep:
        sketch.add(Line(((sketch.axis, 0), (sketch.axis, top)), head=has_head))
    sketch.add(Text(sketch.axis + 5, 12, text, 9.5, italic=True, colour="soft"))
    sketch.place(inner, 0, top)
    return sketch


def beside(sketch: Sketch, names: Sequence[str]) -> None:
    """`from encoder` and an arrow at the left of a box."""
    text = fitted(f"from {', '.join(names)}", 150, 9.5)
    need = width(text, 9.5) + 18
    widen(sketch, need)
    middle = sketch.height / 2
    sketch.add(Line(((need - 14, middle), (need, middle)), head=True))
    sketch.add(Text(need - 17, middle + 3.5, text, 9.5, "end", italic=True, colour="soft"))


def widen(sketch: Sketch, by: float) -> None:
    """Room at the left."""
    if by > 0:
        sketch.shapes = [shape.moved(by, 0) for shape in sketch.shapes]
        sketch.width += by
        sketch.axis += by

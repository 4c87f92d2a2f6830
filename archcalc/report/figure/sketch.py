"""What a figure is made of: boxes, lines and texts at their places, in units of a pixel; colours are names."""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

from archcalc.report.figure.glyphs import ASCENT, DESCENT, width
from archcalc.report.figure.told import Bar, Spans

Point = tuple[float, float]


class Rectangle(NamedTuple):
    """Left, top, width and height."""

    x: float
    y: float
    width: float
    height: float

    @property
    def right(self) -> float:
        """Its right side."""
        return self.x + self.width

    @property
    def bottom(self) -> float:
        """Its lower side."""
        return self.y + self.height

    def meets(self, other: Rectangle, gap: float = 0.0) -> bool:
        """Whether it comes nearer to another than a gap."""
        return (
            self.x < other.right + gap
            and other.x < self.right + gap
            and self.y < other.bottom + gap
            and other.y < self.bottom + gap
        )

    def holds(self, other: Rectangle, slack: float = 0.0) -> bool:
        """Whether another lies in it."""
        return (
            self.x - slack <= other.x
            and self.y - slack <= other.y
            and other.right <= self.right + slack
            and other.bottom <= self.bottom + slack
        )


class Box(NamedTuple):
    """A rectangle with a fill and an edge."""

    area: Rectangle
    fill: str = "none"
    edge: str = "none"
    thick: float = 1.0
    round: float = 3.0
    dashed: bool = False
    nodes: Spans = ()  # the operations that it stands for
    calls: Spans = ()  # of a frame: operations of every call that it is drawn for
    bar: Bar | None = None  # what its length tells

    def moved(self, x: float, y: float) -> Box:
        """The same elsewhere."""
        bar = None if self.bar is None else self.bar._replace(x=self.bar.x + x)
        return self._replace(area=_moved(self.area, x, y), bar=bar)


class Text(NamedTuple):
    """A line of text; `x` is its start, middle or end, `y` its base line, `within` the box that it belongs in."""

    x: float
    y: float
    text: str
    size: float = 11.0
    anchor: str = "start"
    bold: bool = False
    italic: bool = False
    colour: str = "ink"
    within: Rectangle | None = None
    ground: str = "paper"  # the colour that it stands on

    @property
    def area(self) -> Rectangle:
        """The most that it covers."""
        wide = width(self.text, self.size, self.bold)
        start = self.x - {"start": 0.0, "middle": wide / 2, "end": wide}[self.anchor]
        return Rectangle(start, self.y - ASCENT * self.size, wide, (ASCENT + DESCENT) * self.size)

    def moved(self, x: float, y: float) -> Text:
        """The same elsewhere."""
        within = None if self.within is None else _moved(self.within, x, y)
        return self._replace(x=self.x + x, y=self.y + y, within=within)


class Line(NamedTuple):
    """Straight pieces through points, perhaps with a head at the last; or a curve over the first and last."""

    points: tuple[Point, ...]
    head: bool = False
    colour: str = "edge"
    thick: float = 1.1
    dashed: bool = False
    arc: float = 0.0  # height of a curve from the first point to the last

    def moved(self, x: float, y: float) -> Line:
        """The same elsewhere."""
        return self._replace(points=tuple((a + x, b + y) for a, b in self.points))


Shape = Box | Text | Line


class Sketch:
    """Shapes that stand together, from (0, 0) to width and height; `axis` is where its arrow comes in and goes out."""

    def __init__(self, width: float = 0.0, height: float = 0.0, axis: float | None = None) -> None:
        self.shapes: list[Shape] = []
        self.width = width
        self.height = height
        self.axis = width / 2 if axis is None else axis
        self.ends: Point | None = None  # where its arrow goes out, if not below where it comes in

    def add(self, *shapes: Shape) -> None:
        """Add shapes; the size stays what it is."""
        self.shapes.extend(shapes)

    def place(self, other: Sketch, x: float, y: float) -> None:
        """Add another sketch with its corner at a point."""
        self.shapes.extend([shape.moved(x, y) for shape in other.shapes])

    def texts(self) -> Iterator[Text]:
        """Its texts."""
        return (shape for shape in self.shapes if isinstance(shape, Text))

    def boxes(self) -> Iterator[Box]:
        """Its boxes."""
        return (shape for shape in self.shapes if isinstance(shape, Box))

    def lines(self) -> Iterator[Line]:
        """Its lines."""
        return (shape for shape in self.shapes if isinstance(shape, Line))


def _moved(area: Rectangle, x: float, y: float) -> Rectangle:
    return Rectangle(area.x + x, area.y + y, area.width, area.height)


def letter(mark: str, x: float, y: float, size: float = 16.0) -> tuple[Box, Text]:
    """A letter in a dark circle around a point."""
    area = Rectangle(x - size / 2, y - size / 2, size, size)
    text = Text(x, y + 3.6, mark, 10, "middle", bold=True, colour="on_dark", within=area, ground="dark")
    return Box(area, "dark", round=size / 2), text

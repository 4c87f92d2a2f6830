"""From a figure to its file."""

from __future__ import annotations

from archcalc.report.figure.colours import palette
from archcalc.report.figure.items import Figure
from archcalc.report.figure.page import arranged
from archcalc.report.figure.sketch import Sketch
from archcalc.report.figure.svg import Links, svg
from archcalc.report.figure.words import Kind


def kinds_of(figure: Figure) -> set[Kind]:
    """Kinds of operations that occur."""
    return {figure.kinds[index] for row in [*figure.rows, *figure.heads] for index in row.nodes}


def figure_svg(figure: Figure, page: str = "a4", quantity: str | None = None, is_dark: bool = False) -> str:
    """A figure as the text of an SVG file.

    Args:
        figure: what `build` gave.
        page: `a4` or `slide`.
        quantity: that the first lane and the frames tell; without it MACs, and parameters in the second lane.
        is_dark: light letters on dark paper.
    """
    return sketch_svg(figure, arranged(figure, page, quantity), is_dark)


def sketch_svg(figure: Figure, sketch: Sketch, is_dark: bool = False) -> str:
    """The same of a sketch that `arranged` made."""
    return svg(sketch, palette(kinds_of(figure), is_dark), figure.description, _described(figure))


def linked_svg(figure: Figure, sketch: Sketch, links: Links) -> str:
    """A sketch within a page of the web: its colours are variables of CSS, its boxes say which operations they are."""
    return svg(
        sketch, {name: variable(name) for name in palette((), False)}, figure.description, _described(figure), links
    )


def variable(colour: str) -> str:
    """What a colour is called in CSS."""
    return colour.lower().replace("_", "-")


def _described(figure: Figure) -> str:
    names = [row.name for row in figure.rows if row.is_first]
    return f"{figure.facts}. From top to bottom: {', '.join(names)}."

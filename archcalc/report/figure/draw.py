"""One call from a network to its figure."""

from __future__ import annotations

from collections.abc import Mapping

from archcalc.report.figure.build import Choice, build
from archcalc.report.figure.colours import palette
from archcalc.report.figure.items import Figure
from archcalc.report.figure.page import arranged
from archcalc.report.figure.svg import svg
from archcalc.results.cost import NetworkCost
from archcalc.results.structure import Structure


def figure_svg(figure: Figure, page: str = "a4", quantity: str | None = None, is_dark: bool = False) -> str:
    """A figure as the text of an SVG file.

    Args:
        figure: what `build` gave.
        page: `a4` or `slide`.
        quantity: that the first lane and the frames tell; without it MACs, and parameters in the second lane.
        is_dark: light letters on dark paper.
    """
    kinds = {figure.kinds[index] for row in [*figure.rows, *figure.heads] for index in row.nodes}
    sketch = arranged(figure, page, quantity)
    shares = [row.name for row in figure.rows if row.is_first]
    description = f"{figure.facts}. From top to bottom: {', '.join(shares)}."
    return svg(sketch, palette(kinds, is_dark), figure.description, description)


def drawn(
    cost: NetworkCost,
    structure: Structure,
    amounts: Mapping[str, list[int]],
    choice: Choice | None = None,
    page: str = "a4",
    quantity: str | None = None,
    is_dark: bool = False,
) -> str:
    """The figure of a network as the text of an SVG file; see `build` and `figure_svg`."""
    return figure_svg(build(cost, structure, amounts, choice), page, quantity, is_dark)

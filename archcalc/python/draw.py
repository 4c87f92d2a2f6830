"""Figures from Python: `archcalc.draw("googlenet").save("googlenet.svg")`; in a notebook it shows itself."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

from archcalc.engine.inputs import Given
from archcalc.engine.network import AnyNetwork
from archcalc.spec.limits import DEFAULT_LIMITS, Limits

if TYPE_CHECKING:
    from archcalc.engine.structure import Structured

ENDINGS = (".svg", ".png", ".pdf", ".mmd", ".dot")
SCALE = 2.0  # of a PNG


class Drawing:
    """A figure: `svg`, `mermaid` and `dot` are its texts; `save` writes the file that an ending says."""

    def __init__(self, svg: Callable[[], str], mermaid: Callable[[], str] = str, dot: Callable[[], str] = str) -> None:
        self._svg, self._mermaid, self._dot = svg, mermaid, dot

    @cached_property
    def svg(self) -> str:
        """It as SVG."""
        return self._svg()

    @cached_property
    def mermaid(self) -> str:
        """It as a Mermaid flowchart; nothing where it is no graph."""
        return self._mermaid()

    @cached_property
    def dot(self) -> str:
        """It for Graphviz; nothing where it is no graph."""
        return self._dot()

    def save(self, path: str | Path) -> None:
        """Write it, whole or not at all.

        Args:
            path: a file that ends in .svg, .png, .pdf, .mmd or .dot; PNG and PDF need the extra `plot`.

        Raises:
            ValueError: another ending, or a picture that has no graph.
            OSError: the file cannot be written.
        """
        from archcalc.source.writing import write_whole

        path = Path(path)
        ending = path.suffix.lower()
        if ending not in ENDINGS:
            raise ValueError(f"a figure ends in {', '.join(ENDINGS)}, not `{path.name}`")
        content: str | bytes
        if ending in (".png", ".pdf"):
            content = self.png() if ending == ".png" else self.pdf()
        else:
            content = self.svg if ending == ".svg" else self.mermaid if ending == ".mmd" else self.dot
        if not content:
            raise ValueError(f"this picture is not written as {ending}")
        write_whole(path, content)

    def png(self) -> bytes:
        """It as a PNG at twice its size."""
        from archcalc.source.extra import require

        require("vl_convert", extra="plot")
        import vl_convert

        found: bytes = vl_convert.svg_to_png(self.svg, scale=SCALE)
        return found

    def pdf(self) -> bytes:
        """It as a page of a PDF."""
        from archcalc.source.extra import require

        require("vl_convert", extra="plot")
        import vl_convert

        found: bytes = vl_convert.svg_to_pdf(self.svg)
        return found

    def _repr_svg_(self) -> str:
        """What a notebook shows."""
        return self.svg

    def __repr__(self) -> str:
        """In one line."""
        return f"Drawing({len(self.svg):,} characters of SVG)"


def draw(
    network: AnyNetwork,
    set: Mapping[str, Any] | None = None,
    input: Given = None,
    depth: int = 4,
    open: str = "",
    scope: str = "",
    quantity: str | None = None,
    page: str = "a4",
    dark: bool = False,
) -> Drawing:
    """The figure of a network, with what it costs.

    Args:
        network: its name, a file, the text of a spec, or what `load` gave.
        set: values of variables of the spec.
        input: another input than the spec's.
        depth: 1 draws the column alone, 2 opens its modules, 3 the modules in these, and so on.
        open: the path of a block that stands for its module, or a module that is opened alone.
        scope: the path of a part; that alone is drawn.
        quantity: macs, params, activations, state or memory: what lanes and frames tell.
        page: a4 or slide.
        dark: light on dark.

    Raises:
        SpecError: an unknown name, variable or path, or the place where the spec is wrong.
        ValueError: a depth below 1, an unknown quantity or page.
    """
    from archcalc.engine.structure import structured

    return drawing_of(structured(network, set, input), depth, open, scope, quantity, page, dark)


def drawing_of(
    found: Structured,
    depth: int = 4,
    open: str = "",
    scope: str = "",
    quantity: str | None = None,
    page: str = "a4",
    dark: bool = False,
) -> Drawing:
    """As `draw`, of a network with its structure."""
    from archcalc.engine.structure import QUANTITIES
    from archcalc.report.figure.build import Choice, build
    from archcalc.report.figure.chart import dot, mermaid
    from archcalc.report.figure.colours import palette
    from archcalc.report.figure.draw import figure_svg, kinds_of
    from archcalc.report.figure.page import PAPERS

    if depth < 1:
        raise ValueError(f"depth is {depth}; it must be at least 1")
    if quantity is not None and quantity not in QUANTITIES:
        raise ValueError(f"a figure tells {', '.join(QUANTITIES)}, not {quantity}")
    if page not in PAPERS:
        raise ValueError(f"a page is {' or '.join(PAPERS)}, not {page}")
    figure = build(found.cost, found.structure, found.amounts, Choice(depth, open, scope))
    colours, told = palette(kinds_of(figure), dark), quantity or "macs"
    return Drawing(
        lambda: figure_svg(figure, page, quantity, dark),
        lambda: mermaid(figure, colours, told),
        lambda: dot(figure, colours, told),
    )


def beside_of(founds: Sequence[Structured], quantity: str | None = None, dark: bool = False) -> Drawing:
    """Networks with their structures side by side: columns at one scale, rows of maps of one size at one height."""
    from archcalc.report.figure.beside import beside_svg
    from archcalc.report.figure.build import build

    figures = [build(found.cost, found.structure, found.amounts) for found in founds]
    return Drawing(lambda: beside_svg(figures, quantity, dark))


def lecture_of(
    network: AnyNetwork,
    set: Mapping[str, Any] | None = None,
    input: Given = None,
    field: str = "",
    connections: str = "",
    dark: bool = False,
    limits: Limits = DEFAULT_LIMITS,
) -> Drawing:
    """The pyramid of what a unit of the layer `field` sees, or the connection table of the layer `connections`."""
    from archcalc.engine.network import analyze
    from archcalc.report.figure.lecture import connections_svg, field_svg

    cost = analyze(network, set=set, input=input, limits=limits, with_heads=True)
    text = field_svg(cost, field, dark) if field else connections_svg(cost, connections, dark)
    return Drawing(lambda: text)

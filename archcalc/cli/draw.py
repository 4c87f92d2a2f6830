"""The command that draws: the figure of the paper."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from enum import StrEnum
from pathlib import Path
from typing import Annotated, Any

import typer

from archcalc.cli.completion import complete_layer
from archcalc.cli.inputs import limits, settings, sizes, tell_remarks
from archcalc.cli.options import InputOption, LimitOption, NetworkName, ScopeOption, SetOption
from archcalc.cli.output import fail, guarded, send, writing


class PageChoice(StrEnum):
    """The page that a figure has to fit."""

    A4 = "a4"
    SLIDE = "slide"


class QuantityChoice(StrEnum):
    """What lanes and frames tell."""

    MACS = "macs"
    PARAMS = "params"
    ACTIVATIONS = "activations"
    STATE = "state"
    MEMORY = "memory"


@guarded
def draw(
    network: NetworkName,
    output: Annotated[
        Path | None,
        typer.Option(
            "-o",
            "--output",
            metavar="FILE",
            help="FILE.svg, .png, .pdf, .mmd (Mermaid) or .dot (Graphviz); without it SVG goes to stdout.",
            show_default=False,
        ),
    ] = None,
    depth: Annotated[
        int, typer.Option("--depth", metavar="N", min=1, help="1: the column alone; 2: its modules opened; and so on.")
    ] = 4,
    open: Annotated[
        str | None,
        typer.Option(
            "--open",
            metavar="NAME",
            help="Open this block as the example of its module; or this module alone.",
            autocompletion=complete_layer,
            show_default=False,
        ),
    ] = None,
    scope: ScopeOption = None,
    set: SetOption = None,
    input: InputOption = None,
    quantity: Annotated[
        QuantityChoice | None,
        typer.Option(
            "--quantity",
            help="What lanes and frames tell; else MACs and parameters. memory: bytes stored and given.",
            show_default=False,
        ),
    ] = None,
    field: Annotated[
        str | None,
        typer.Option(
            "--field",
            metavar="LAYER",
            help="Draw what a unit of this layer sees instead: the pyramid down to the input.",
            autocompletion=complete_layer,
            show_default=False,
        ),
    ] = None,
    connections: Annotated[
        str | None,
        typer.Option(
            "--connections",
            metavar="LAYER",
            help="Draw the connection table of this layer instead: which map reads which (C3 of lenet5).",
            autocompletion=complete_layer,
            show_default=False,
        ),
    ] = None,
    page: Annotated[PageChoice, typer.Option("--page", help="What it has to fit.")] = PageChoice.A4,
    dark: Annotated[bool, typer.Option("--dark", help="Light on dark.")] = False,
    limit: LimitOption = None,
) -> None:
    """Draw a network as its paper does, with what it costs.

    `archcalc draw googlenet -o googlenet.svg`; `archcalc draw lenet5 --connections C3 -o c3.png`;
    `archcalc draw vgg16 --field pool5 -o field.svg`.
    """
    from archcalc.engine.structure import structured
    from archcalc.python.draw import ENDINGS, drawing_of, lecture_of
    from archcalc.source.extra import require

    ending = output.suffix.lower() if output is not None else ".svg"
    if ending not in ENDINGS:
        fail("bad-option", f"a figure ends in {', '.join(ENDINGS)}, not `{output}`", f"-o {network}.svg")
    if ending in (".png", ".pdf"):
        require("vl_convert", extra="plot")
    if field is not None and connections is not None:
        fail("bad-option", "--field and --connections are two pictures", "leave one of them out")
    if (field is not None or connections is not None) and ending in (".mmd", ".dot"):
        fail("bad-option", f"this picture is not written as {ending}", "-o FILE.svg, .png or .pdf")
    given: dict[str, Any] = {"set": settings(set or []), "input": sizes(input), "limits": limits(limit or [])}
    if field is not None or connections is not None:
        made = lecture_of(network, **given, field=field or "", connections=connections or "", dark=dark)
    else:
        told = quantity.value if quantity is not None else None
        found = structured(network, **given)
        made = drawing_of(found, depth, open or "", scope or "", told, page.value, dark)
    tell_remarks(network)
    if output is None:
        return send(made.svg, None)
    with writing(output):
        made.save(output)
    typer.echo(f"{output}: drawn", err=True)
    return None


PICTURES = (".svg", ".png", ".pdf")
MOST_BESIDE = 4


def draw_beside(
    networks: Sequence[str],
    left: Mapping[str, object],
    output: Path | None,
    set: list[str] | None,
    input: list[str] | None,
    limit: list[str] | None,
) -> None:
    """Draw networks side by side; options in `left` have no place in a figure."""
    from archcalc.cli.inputs import for_each
    from archcalc.engine.structure import structured
    from archcalc.python.draw import beside_of
    from archcalc.source.extra import require

    named = [name for name, value in left.items() if value]
    if named:
        fail("bad-option", f"a figure has no {named[0]}", "leave it out, or --draw")
    if len(networks) > MOST_BESIDE:
        fail("bad-option", f"{len(networks)} columns are too many for a figure", f"at most {MOST_BESIDE}")
    ending = output.suffix.lower() if output is not None else ".svg"
    if ending not in PICTURES:
        fail("bad-option", f"a comparison is drawn as {', '.join(PICTURES)}, not `{output}`", "-o FILE.svg")
    if ending != ".svg":
        require("vl_convert", extra="plot")
    given: dict[str, Any] = {"set": settings(set or []), "input": sizes(input), "limits": limits(limit or [])}
    made = beside_of(list(for_each(dict.fromkeys(networks), lambda name: structured(name, **given)).values()))
    tell_remarks(*networks)
    if output is None:
        return send(made.svg, None)
    with writing(output):
        made.save(output)
    typer.echo(f"{output}: drawn", err=True)
    return None

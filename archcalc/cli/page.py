"""The command page: networks as a page of the web."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from archcalc.cli.options import (
    BatchOption,
    ConventionOption,
    HeadsOption,
    InputOption,
    LimitOption,
    NetworkNames,
    SetOption,
)
from archcalc.cli.output import fail, guarded, send

if TYPE_CHECKING:
    from archcalc.cli.inputs import Request


@guarded
def page(
    networks: NetworkNames,
    output: Annotated[
        Path | None,
        typer.Option(
            "-o",
            "--output",
            metavar="FILE",
            help="FILE.html; without it the page goes to stdout.",
            show_default=False,
        ),
    ] = None,
    set: SetOption = None,
    input: InputOption = None,
    batch: BatchOption = 1,
    convention: ConventionOption = "arithmetic",
    with_heads: HeadsOption = False,
    limit: LimitOption = None,
) -> None:
    """Write a page to explore networks: one file, no server.

    The figure beside the table, folded and unfolded; sliders for what stays free, which recompute exactly; the rules of
    a layer that is clicked; a map of the cost. What is chosen stands in the address, so that a view can be linked.
    `archcalc page resnet50 -o resnet50.html`.
    """
    from archcalc.cli.inputs import Request

    refuse_ending(output, networks[0])
    request = Request(set, input, batch, convention=convention, with_heads=with_heads, limit=limit)
    write_networks(networks, request, output)


HOW = ("set", "input", "batch", "convention", "with_heads", "limits")


def write_networks(networks: Sequence[str], request: Request, output: Path | None) -> None:
    """Write networks as a page."""
    from archcalc.cli.inputs import checked, for_each
    from archcalc.engine.network import load
    from archcalc.python.page import page_of

    arguments = checked(request)
    found = for_each(dict.fromkeys(networks), lambda name: load(name, arguments["input"]))
    made = page_of(list(found.values()), "", None, **{name: arguments[name] for name in HOW})
    write_page(made.html, output)


def is_page(output: Path | None) -> bool:
    """Whether a file is to be a page of the web."""
    if output is None:
        return False
    from archcalc.python.page import ENDINGS

    return output.suffix.lower() in ENDINGS


def refuse_ending(output: Path | None, name: str) -> None:
    """End where a page would stand in a file that does not open as one."""
    if output is not None and not is_page(output):
        fail("bad-option", f"a page ends in .html, not `{output}`", f"-o {Path(name).stem}.html")


def refuse_options(given: Mapping[str, object]) -> None:
    """End where something is asked for that a page does not have; it recomputes, sorts and folds by itself."""
    named = [name for name, value in given.items() if value]
    if named:
        fail("bad-option", f"a page has no {named[0]}", "leave it out, or -o FILE.csv")


def write_page(html: str, output: Path | None) -> None:
    """Write a page, whole or not at all, and say so."""
    send(html, output)
    if output is not None:
        typer.echo(f"{output}: {len(html.encode()) / 1000:,.0f} KB", err=True)

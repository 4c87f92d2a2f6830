"""The command page: networks as a page of the web."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

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

ENDINGS = (".html", ".htm")


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
    from archcalc.cli.inputs import Request, checked
    from archcalc.python.page import page as page_of

    refuse_ending(output, networks[0])
    arguments = checked(Request(set, input, batch, convention=convention, with_heads=with_heads, limit=limit))
    names = ("set", "input", "batch", "convention", "with_heads", "limits")
    write_page(page_of(*networks, **{name: arguments[name] for name in names}).html, output)


def is_page(output: Path | None) -> bool:
    """Whether a file is to be a page of the web."""
    return output is not None and output.suffix.lower() in ENDINGS


def refuse_ending(output: Path | None, name: str) -> None:
    """End where a page would stand in a file that does not open as one."""
    if output is not None and not is_page(output):
        fail("bad-option", f"a page ends in .html, not `{output}`", f"-o {Path(name).stem}.html")


def write_page(html: str, output: Path | None) -> None:
    """Write a page, whole or not at all, and say so."""
    send(html, output)
    if output is not None:
        typer.echo(f"{output}: {len(html.encode()) / 1000:,.0f} KB", err=True)

"""The command site: everything as a static site."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Annotated

import typer

from archcalc.cli.output import fail, guarded, writing


@guarded
def site(
    output: Annotated[
        Path, typer.Option("-o", "--output", metavar="DIR", help="The folder of the site: new, or an earlier one.")
    ],
    workers: Annotated[
        int | None,
        typer.Option(
            "--workers", metavar="N", min=1, help="Processes; as many as cores unless given.", show_default=False
        ),
    ] = None,
) -> None:
    """Write a static site: networks, figures, formulas, tables.

    Networks by family with search, comparisons, the ledger of published figures with a page for each, operators, the
    language, conventions, spaces; a page for each network with its figure and sliders. It needs no server: open
    DIR/index.html. Beside every page lies its JSON. Needs the extra page.
    """
    from archcalc.python.site import site as written
    from archcalc.report.site.folder import NotASiteError

    try:
        with writing(output):
            made = written(output, workers or os.cpu_count() or 1)
    except NotASiteError:
        fail("bad-option", f"`{output}` holds something else than a site of archcalc", "-o with a new folder")
    typer.echo(f"{made.folder}: {made.files:,} files; open {made.index}", err=True)

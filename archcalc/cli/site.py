"""The command site: everything as a static site."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Annotated

import typer

from archcalc.cli.output import USAGE, complain, fail, guarded, writing


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
    from archcalc.source.extra import require

    require("jinja2", "markdown_it", extra="page")
    from archcalc.claims.check import check_ledger
    from archcalc.engine.library import analysed_families
    from archcalc.report.site.site import NotASiteError, made_before, write
    from archcalc.report.site.site import site as files_of

    try:
        made_before(output)
    except NotASiteError:
        fail("bad-option", f"`{output}` holds something else than a site of archcalc", "-o with a new folder")
    families, broken = analysed_families()
    if broken:
        complain([diagnostic for _, error in broken for diagnostic in error.diagnostics])
        raise typer.Exit(USAGE)
    ledger = check_ledger()
    with writing(output):
        count = write(output, files_of(families, ledger, workers or os.cpu_count() or 1))
    typer.echo(f"{output}: {count:,} files; open {output / 'index.html'}", err=True)

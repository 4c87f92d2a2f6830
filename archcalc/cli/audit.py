"""The command audit."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from archcalc.cli.options import FormatOption, OutputOption
from archcalc.cli.output import FINDINGS, deliver, fail, guarded


@guarded
def audit(
    table: Annotated[Path, typer.Argument(metavar="TABLE", help="CSV, TSV, Markdown or JSON.", show_default=False)],
    format: FormatOption = None,
    output: OutputOption = None,
) -> None:
    """Audit a table of results: is each figure right?

    Columns are known by their names: model, params, macs, flops, GFLOPs, params (M). Each figure is right at its
    printed digits, explained by a convention, a variant, a resolution, heads or a batch that was left in, or wrong by a
    factor; exit code 1 says that one is wrong.
    """
    from archcalc.claims.audit import audit as audit_table
    from archcalc.report.audit import audited, rows
    from archcalc.report.media import data
    from archcalc.source import read_source

    found = audit_table(read_source(table, kind="a table: CSV, TSV, Markdown or JSON"))
    deliver(
        format,
        output,
        lambda: audited(found),
        lambda: data.csv_text(rows(found)),
        lambda: data.json_lines(data.versioned(file=found.file, figures=rows(found))),
    )
    if not any(figure.network for figure in found.figures):
        fail("no-network", f"no model of {found.file} is a network of ours", "`archcalc list` lists all networks")
    if not any(found.count(word) for word in ("right", "explained", "wrong")):
        fail("no-figure", f"no figure of {found.file} can be read", "numbers with a decimal point: 25.6, 25.6M, 3.8e9")
    if found.count("wrong"):
        raise typer.Exit(FINDINGS)

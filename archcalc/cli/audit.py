"""The command audit."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from archcalc.cli.options import CheckFormat, OutputOption
from archcalc.cli.output import FINDINGS, chosen, guarded, send, send_document

MAX_BYTES = 1 << 25  # of a table; 45,000 rows are about one million


@guarded
def audit(
    table: Annotated[
        Path,
        typer.Argument(metavar="TABLE", help="CSV, TSV, semicolons, Markdown, LaTeX or JSON.", show_default=False),
    ],
    spec: Annotated[
        list[str] | None,
        typer.Option(
            "--spec",
            metavar="FILE",
            help="A spec whose networks the table may name too; repeatable.",
            show_default=False,
        ),
    ] = None,
    strict: Annotated[
        bool, typer.Option("--strict", help="Explanations of grades 1 and 2 alone: a convention, a variant, a unit.")
    ] = False,
    allow_unknown: Annotated[
        bool, typer.Option("--allow-unknown", help="Models and figures that could not be matched do not fail.")
    ] = False,
    format: Annotated[
        CheckFormat | None,
        typer.Option("--format", help="Without it: by the ending of -o FILE, else table.", show_default=False),
    ] = None,
    output: OutputOption = None,
) -> None:
    """Audit a table of results: is each figure right?

    Columns are known by their names: model, params, macs, flops, GFLOPs, params (M); and input size, resolution, batch,
    convention and dtype, which say how the figures of a row were taken. Each figure is right at its printed digits,
    explained (with a grade, from 1, the exact convention of a tool, to 5, far-fetched), or wrong by a factor. Exit code
    1 says that one is wrong or could not be matched.
    """
    from archcalc.claims.audit import audit as audit_table
    from archcalc.report import audit as report
    from archcalc.report.media import data
    from archcalc.source import read_source, to_github

    source = read_source(table, limit=MAX_BYTES, kind="a table: CSV, TSV, Markdown, LaTeX or JSON")
    found = audit_table(source, spec or ())
    failing = found.findings(allow_unknown, strict)
    match chosen(format, output, CheckFormat):
        case CheckFormat.CSV:
            send(data.csv_text(report.rows(found)), output)
        case CheckFormat.JSON:
            send(data.json_lines(data.versioned(file=found.file, figures=report.rows(found))), output)
        case CheckFormat.GITHUB:
            findings = report.findings(found, failing)
            send(f"{to_github(findings)}\n" if findings else "", output)
        case CheckFormat.JUNIT:
            from archcalc.report.media.junit import junit

            send(junit(report.suites(found, failing)), output)
        case CheckFormat.MARKDOWN:
            from archcalc.report.media.markdown import markdown

            send(markdown(report.audited(found)), output)
        case CheckFormat.TABLE:
            send_document(report.audited(found), output)
    if failing:
        raise typer.Exit(FINDINGS)

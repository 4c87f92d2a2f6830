"""Commands about specs, operators and reports: validate, ops, report."""

from __future__ import annotations

from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer

from archcalc.cli.options import FormatOption, LimitOption, OutputOption, complete_operator
from archcalc.cli.output import FINDINGS, USAGE, complain, deliver, fail, guarded, reason, send


class FindingsFormat(StrEnum):
    """How diagnostics are written."""

    TEXT = "text"
    JSON = "json"
    GITHUB = "github"


@guarded
def validate(
    files: Annotated[list[str], typer.Argument(metavar="FILE...", help="Specs.", show_default=False)],
    format: Annotated[
        FindingsFormat, typer.Option("--format", help="For people, programs, or GitHub Actions.")
    ] = FindingsFormat.TEXT,
    output: OutputOption = None,
    limit: LimitOption = None,
) -> None:
    """Check specs.

    Each file is read, and every network of it expanded and counted. All that is wrong is told, in the order of its
    place; exit code 1 says that something is.
    """
    from archcalc.cli.inputs import limits
    from archcalc.engine.validate import validate as validate_files
    from archcalc.report.numbers import plural
    from archcalc.source import render_text, sort_diagnostics, to_github, to_json

    found = validate_files(files, limits(limit or []))
    findings = sort_diagnostics(found.findings)
    seen = f"{plural(found.files, 'file')}, {plural(found.networks, 'network')}"
    match format:
        case FindingsFormat.JSON:
            text = f"{to_json(findings)}\n"
        case FindingsFormat.GITHUB:
            text = f"{to_github(findings)}\n" if findings else ""
        case FindingsFormat.TEXT:
            last = f"{seen}: {plural(len(findings), 'finding')}" if findings else f"{seen}: no findings"
            text = f"{render_text(findings)}\n\n{last}\n" if findings else f"{last}\n"
    send(text, output)
    if findings:
        raise typer.Exit(USAGE if found.is_unreadable else FINDINGS)


@guarded
def ops(
    operator: Annotated[
        str | None,
        typer.Argument(metavar="OPERATOR", help="One of them.", show_default=False, autocompletion=complete_operator),
    ] = None,
    format: FormatOption = None,
    output: OutputOption = None,
) -> None:
    """List the operators, or describe one."""
    from archcalc.ops import OPERATORS
    from archcalc.report import data, operators
    from archcalc.source import suggest_many

    if operator is None:
        deliver(
            format,
            output,
            operators.operators_listed,
            lambda: data.csv_text(operators.rows(OPERATORS.values())),
            lambda: data.json_lines(data.versioned(operators=operators.rows(OPERATORS.values()))),
        )
        return
    found = OPERATORS.get(operator) or OPERATORS.get(operator.lower().replace("-", "_"))
    if found is None:
        near = suggest_many(operator, OPERATORS)
        help = f"did you mean {', '.join(f'`{name}`' for name in near)}?" if near else "`archcalc ops` lists them all"
        fail("unknown-operator", f"there is no operator `{operator}`", help)
    deliver(
        format,
        output,
        lambda: operators.operator_described(found),
        lambda: data.csv_text(operators.operator_object(found)["arguments"]),
        lambda: data.json_lines(data.versioned(operators=[operators.operator_object(found)])),
    )


@guarded
def report(
    check: Annotated[
        bool, typer.Option("--check", help="Write nothing; fail (exit 1) where a report is not up to date.")
    ] = False,
    output: Annotated[Path, typer.Option("-o", "--output", metavar="DIR", help="The folder of the reports.")] = Path(
        "reports"
    ),
) -> None:
    """Write reports of all networks.

    The folder then has an index, a page and a table of layers for each network, the totals, the ledger of published
    figures, and the manual of operators. Files in it that are not made here stay as they are.
    """
    from archcalc.claims.check import check_ledger
    from archcalc.engine.library import analysed_families
    from archcalc.report import folder
    from archcalc.report.numbers import plural

    families, broken = analysed_families()
    if broken:
        complain([diagnostic for _, error in broken for diagnostic in error.diagnostics])
        raise typer.Exit(USAGE)
    ledger = check_ledger()
    if ledger.findings:
        complain(list(ledger.findings))
        raise typer.Exit(USAGE)
    files = folder.reports(families, ledger)
    try:
        found = folder.differences(output, files) if check else folder.write(output, files)
    except OSError as error:
        fail("cannot-write", f"`{error.filename or output}` cannot be written: {reason(error)}")
    if not check:
        done = [
            f"{len(names)} {word}" for names, word in zip(found, ("new", "changed", "removed"), strict=True) if names
        ]
        send(f"{output}: {plural(len(files), 'file')}, {', '.join(done) or 'all as they were'}\n", None)
        return
    for names, word in zip(found, ("missing", "differs", "stale"), strict=True):
        send("".join(f"{word}: {(output / name).as_posix()}\n" for name in names), None)
    if found:
        where = "" if output == Path("reports") else f" -o {output}"
        typer.echo(f"to bring the reports up to date: archcalc report{where}", err=True)
        raise typer.Exit(FINDINGS)
    send(f"{output}: {plural(len(files), 'file')}, all up to date\n", None)

"""The command report."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from archcalc.cli.output import FINDINGS, fail, guarded, reason, send


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
    from archcalc.python.reports import reports
    from archcalc.report.media.numbers import plural

    try:
        found = reports(output, check)
    except OSError as error:
        fail("cannot-write", f"`{error.filename or output}` cannot be written: {reason(error)}")
    parts = found.missing, found.changed, found.stale
    if not check:
        words = zip(parts, ("new", "changed", "removed"), strict=True)
        done = [f"{len(names)} {word}" for names, word in words if names]
        send(f"{output}: {plural(found.files, 'file')}, {', '.join(done) or 'all as they were'}\n", None)
        return
    for names, word in zip(parts, ("missing", "differs", "stale"), strict=True):
        send("".join(f"{word}: {(output / name).as_posix()}\n" for name in names), None)
    if not found.was_up_to_date:
        where = "" if output == Path("reports") else f" -o {output}"
        typer.echo(f"to bring the reports up to date: archcalc report{where}", err=True)
        raise typer.Exit(FINDINGS)
    send(f"{output}: {plural(found.files, 'file')}, all up to date\n", None)

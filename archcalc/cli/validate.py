"""The command validate."""

from __future__ import annotations

import sys
from collections import Counter
from enum import StrEnum
from typing import Annotated

import typer

from archcalc.cli.options import LimitOption, OutputOption
from archcalc.cli.output import FINDINGS, USAGE, chosen, guarded, send, told


class FindingsFormat(StrEnum):
    """How diagnostics are written."""

    TEXT = "text"
    JSON = "json"
    GITHUB = "github"


@guarded
def validate(
    files: Annotated[list[str], typer.Argument(metavar="FILE...", help="Specs.", show_default=False)],
    format: Annotated[
        FindingsFormat | None,
        typer.Option("--format", help="For people, programs, or GitHub Actions.", show_default=False),
    ] = None,
    output: OutputOption = None,
    limit: LimitOption = None,
) -> None:
    """Check specs.

    Each file is read, and every network of it expanded and counted. All that is wrong is told, in the order of its
    place: a layer that cannot be read hides no error of another, but nothing is guessed of what reads it; where a
    file is no YAML, all before that place is checked. Exit code 1 says that something is wrong. Warnings, of inputs
    whose channels seem to come last, are no errors.
    """
    from archcalc.cli.inputs import limits
    from archcalc.engine.validate import validate as validate_files
    from archcalc.report.media.numbers import plural
    from archcalc.source import render_text, sort_diagnostics, to_github, to_json

    written_as = chosen(format, output, FindingsFormat)
    found = validate_files(files, limits(limit or []))
    findings = sort_diagnostics(found.findings)
    seen = f"{plural(found.files, 'file')}, {plural(found.networks, 'network')}"
    match written_as:
        case FindingsFormat.JSON:
            text = f"{to_json(findings)}\n"
        case FindingsFormat.GITHUB:
            text = f"{to_github(findings)}\n" if findings else ""
        case FindingsFormat.TEXT:
            many = Counter(finding.severity for finding in findings)
            counted = [plural(many["error"], "finding") if many["error"] else "no findings"]
            counted += [plural(many[kind], kind) for kind in ("warning", "note") if many[kind]]
            last = f"{seen}: {', '.join(counted)}"
            listed = told(findings, sys.stdout) if output is None else render_text(findings)
            text = f"{listed}\n\n{last}\n" if findings else f"{last}\n"
    send(text, output)
    if found.is_wrong:
        raise typer.Exit(USAGE if found.is_unreadable else FINDINGS)

"""What `archcalc check` does with networks: hold them to budgets and baselines."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import typer

from archcalc.cli.inputs import Request, checked, for_each, pairs, tell_remarks, warn_of_inputs
from archcalc.cli.options import CheckFormat
from archcalc.cli.output import FINDINGS, fail, send, send_document

if TYPE_CHECKING:
    from archcalc.results.baseline import Baseline
    from archcalc.results.budget import BudgetCheck


def guard(
    networks: Sequence[str],
    request: Request,
    maximum: Sequence[str],
    baseline: Sequence[Path],
    format: CheckFormat,
    output: Path | None,
) -> None:
    """Hold networks to their budgets, and tables from earlier to what is counted now; exit 1 where one fails.

    Args:
        networks: names or files; of a file without a variant, all its networks.
        request: how they are to be analysed.
        maximum: limits as typed, `params=7M`, besides those of `budget:` in a spec.
        baseline: tables that archcalc wrote.
        format: how the result is written.
        output: a file to write to, instead of stdout.
    """
    from archcalc.engine.library import networks_of
    from archcalc.engine.limits.budget import check_budget, limit_of
    from archcalc.engine.network import analyze
    from archcalc.report.baseline import compare_baseline
    from archcalc.spec.budget import limits_of

    arguments, plain = checked(request), checked(Request())
    given = {name: value for name, value in arguments.items() if value != plain[name]}
    typed = [limit_of(name, text) for name, text in pairs(maximum, "--max", "params=7M")]
    by_name = for_each(networks, lambda name: networks_of(name, arguments["input"]))
    found = [network for several in by_name.values() for network in several]
    warn_of_inputs(found, arguments["set"], arguments["input"])
    checks: list[BudgetCheck] = []
    for network in found:
        limits = [*limits_of(network.spec, network.name), *typed]
        if limits:
            checks.extend(check_budget(analyze(network, **given), limits))
    if typed and not found:
        fail("no-network", "--max says what a network may cost, and none is given", "archcalc check NET --max ...")
    if not checks and not baseline:
        named = ", ".join(dict.fromkeys(networks))
        fail("no-budget", f"{named} has no `budget:`, and no --max is given", "archcalc check NET --max params=7M")
    without = [network.name for network in found if not baseline and network.name not in {of.network for of in checks}]
    if without:
        typer.echo(f"without a budget: {', '.join(without)}", err=True)
    tables = [compare_baseline(path, found, **given) for path in baseline]
    tell_remarks(*networks)
    send_guarded(checks, tables, format, output)
    if any(check.verdict != "kept" for check in checks) or any(table.deviations for table in tables):
        raise typer.Exit(FINDINGS)


def send_guarded(
    checks: Sequence[BudgetCheck], tables: Sequence[Baseline], format: CheckFormat, output: Path | None
) -> None:
    """Write what was found in the format asked for."""
    from archcalc.report import guards
    from archcalc.report.media import data
    from archcalc.results.baseline import Deviation

    match format:
        case CheckFormat.CSV if checks and tables:
            fail("bad-option", "CSV holds one table, and budgets and baselines are two", "ask for them apart")
        case CheckFormat.CSV:
            rows = guards.budget_rows(checks)
            send(data.csv_text(rows or guards.deviation_rows(tables), () if rows else Deviation._fields), output)
        case CheckFormat.JSON:
            found = data.versioned(budgets=guards.budget_rows(checks), deviations=guards.deviation_rows(tables))
            send(data.json_lines(found), output)
        case CheckFormat.GITHUB:
            from archcalc.source import to_github

            findings = guards.findings(checks, tables)
            send(f"{to_github(findings)}\n" if findings else "", output)
        case CheckFormat.JUNIT:
            from archcalc.report.media.junit import junit

            send(junit(guards.suites(checks, tables)), output)
        case CheckFormat.MARKDOWN:
            from archcalc.report.media.markdown import markdown

            send(markdown(guards.guarded(checks, tables)), output)
        case CheckFormat.TABLE:
            send_document(guards.guarded(checks, tables), output)

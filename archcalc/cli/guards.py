"""Commands that guard a user's own numbers: budgets and baselines of `check`, diff, audit."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from archcalc.cli.inputs import Request, checked, pairs, refuse_unknown
from archcalc.cli.options import (
    NETWORK_HELP,
    BatchOption,
    DtypeOption,
    Format,
    FormatOption,
    HeadsOption,
    InputOption,
    LimitOption,
    OutputOption,
    ScopeOption,
    SetOption,
    StrictOption,
    complete_network,
)
from archcalc.cli.output import FINDINGS, chosen, deliver, fail, guarded, send, send_document

if TYPE_CHECKING:
    from archcalc.results.baseline import Baseline
    from archcalc.results.budget import BudgetCheck


def guard(
    networks: Sequence[str],
    maximum: Sequence[str] = (),
    baseline: Sequence[Path] = (),
    format: str = "table",
    output: Path | None = None,
) -> None:
    """Hold networks to their budgets, and tables from earlier to what is counted now; exit 1 where one fails.

    Args:
        networks: names or files; of a file without a variant, all its networks.
        maximum: limits as typed, `params=7M`, besides those of `budget:` in a spec.
        baseline: tables that archcalc wrote.
        format: table, markdown, csv, json, github or junit.
        output: a file to write to, instead of stdout.
    """
    from archcalc.engine.budget import check_budget, limit_of, networks_of
    from archcalc.engine.network import analyze
    from archcalc.report.baseline import compare_baseline
    from archcalc.spec.budget import limits_of

    typed = [limit_of(name, text) for name, text in pairs(maximum, "--max", "params=7M")]
    found = [network for name in dict.fromkeys(networks) for network in networks_of(name)]
    checks: list[BudgetCheck] = []
    for network in found:
        limits = [*limits_of(network.spec, network.name), *typed]
        if limits:
            checks.extend(check_budget(analyze(network), limits))
    if typed and not found:
        fail("no-network", "--max says what a network may cost, and none is given", "archcalc check NET --max ...")
    if not checks and not baseline:
        named = ", ".join(dict.fromkeys(networks))
        fail("no-budget", f"{named} has no `budget:`, and no --max is given", "archcalc check NET --max params=7M")
    without = [network.name for network in found if not baseline and network.name not in {of.network for of in checks}]
    if without:
        typer.echo(f"without a budget: {', '.join(without)}", err=True)
    tables = [compare_baseline(path, found) for path in baseline]
    send_guarded(checks, tables, format, output)
    if any(check.verdict != "kept" for check in checks) or any(table.deviations for table in tables):
        raise typer.Exit(FINDINGS)


def send_guarded(checks: Sequence[BudgetCheck], tables: Sequence[Baseline], format: str, output: Path | None) -> None:
    """Write what was found in the format asked for."""
    from archcalc.report import data, guards

    match format:
        case "csv" if checks and tables:
            fail("bad-option", "CSV holds one table, and budgets and baselines are two", "ask for them apart")
        case "csv":
            send(data.csv_text(guards.budget_rows(checks) or guards.deviation_rows(tables)), output)
        case "json":
            found = data.versioned(budgets=guards.budget_rows(checks), deviations=guards.deviation_rows(tables))
            send(data.json_lines(found), output)
        case "github":
            from archcalc.source import to_github

            findings = guards.findings(checks, tables)
            send(f"{to_github(findings)}\n" if findings else "", output)
        case "junit":
            send(guards.junit(checks, tables), output)
        case "markdown":
            from archcalc.report.markdown import markdown

            send(markdown(guards.guarded(checks, tables)), output)
        case "table":
            send_document(guards.guarded(checks, tables), output)
        case _:
            fail("bad-option", f"a budget or a baseline is not written as {format}", "--format table")


@guarded
def diff(
    networks: Annotated[
        list[str],
        typer.Argument(metavar="OLD [NEW]", help=NETWORK_HELP, show_default=False, autocompletion=complete_network),
    ],
    git: Annotated[
        str | None,
        typer.Option("--git", metavar="REVISION", help="Take OLD, a file, from a commit, branch or tag."),
    ] = None,
    fail_if: Annotated[
        list[str] | None,
        typer.Option(
            "--fail-if",
            metavar="CONDITION",
            help="Exit 1 where it is met: 'macs > +2%', 'params > +100K', 'params > 5M'; repeatable.",
        ),
    ] = None,
    set: SetOption = None,
    input: InputOption = None,
    batch: BatchOption = 1,
    dtype: DtypeOption = "fp32",
    with_heads: HeadsOption = False,
    scope: ScopeOption = None,
    format: FormatOption = None,
    output: OutputOption = None,
    strict: StrictOption = False,
    limit: LimitOption = None,
) -> None:
    """Tell what changed between two networks.

    Two names, two files, or a file and what it was in a git revision: `archcalc diff my.yaml --git main`. Layers are
    aligned by name, and by type and shape where they were renamed. Markdown fits a pull request; CSV and JSON have the
    layers that are the same too.
    """
    from archcalc.engine.conditions import condition
    from archcalc.engine.difference import difference, met
    from archcalc.engine.network import Network, analyze, load
    from archcalc.report import data
    from archcalc.report.difference import changes, changes_markdown, difference_object, rows
    from archcalc.spec.library import find_in_revision

    if len(networks) > 2 or (len(networks) == 1 and git is None):
        fail("bad-count", "diff needs two networks, or a file and --git REVISION", "archcalc diff my.yaml --git main")
    conditions = [condition(text) for text in fail_if or []]
    old_name, new_name = networks[0], networks[-1]
    request = Request(set, input, batch, dtype, with_heads=with_heads, limit=limit, scope=scope)
    arguments = checked(request)
    old = load(old_name) if git is None else Network(*find_in_revision(old_name, git))
    before, after = [analyze(network, **arguments) for network in (old, load(new_name))]
    if strict:
        refuse_unknown([before, after])
    found = difference(before, after, f"{git}:{old_name}" if git else old_name, new_name)
    failing = met(conditions, found)
    if chosen(format, output) is Format.MARKDOWN:
        send(changes_markdown(found, failing), output)
    else:
        deliver(
            format,
            output,
            lambda: changes(found, failing),
            lambda: data.csv_text(rows(found)),
            lambda: data.json_lines(data.versioned(**difference_object(found, failing))),
        )
    if failing:
        raise typer.Exit(FINDINGS)


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
    from archcalc.report import data
    from archcalc.report.audit import audited, rows
    from archcalc.source import read_source

    found = audit_table(read_source(table))
    deliver(
        format,
        output,
        lambda: audited(found),
        lambda: data.csv_text(rows(found)),
        lambda: data.json_lines(data.versioned(file=found.file, figures=rows(found))),
    )
    if not any(figure.network for figure in found.figures):
        fail("no-network", f"no model of {found.file} is a network of ours", "`archcalc list` lists all networks")
    if found.count("wrong"):
        raise typer.Exit(FINDINGS)

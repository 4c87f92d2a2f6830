"""Budgets and baselines: what is over or differs, by how much, and which layers make it so."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from archcalc.report.media import numbers
from archcalc.report.media.blocks import Cell, Column, Document, Items, Paragraph, Table, number
from archcalc.report.media.junit import Case
from archcalc.results.baseline import Baseline, Deviation
from archcalc.results.budget import BudgetCheck, Part
from archcalc.source import Diagnostic, Source, Span, sort_diagnostics

MOST_DEVIATIONS = 50  # of a text: what is to be read by people ends somewhere, what programs read has all


def guarded(checks: Sequence[BudgetCheck], tables: Sequence[Baseline]) -> Document:
    """A row for each limit and the dearest layers of what is over; deviations from the tables; a last line."""
    document: Document = []
    if checks:
        document.append(budgets(checks))
        reasons = [sentence(check) for check in checks if check.verdict != "kept"]
        if reasons:
            document.append(Items(reasons))
    found = [deviation for table in tables for deviation in table.deviations]
    if found:
        document.append(deviations(found[:MOST_DEVIATIONS]))
    if len(found) > MOST_DEVIATIONS:
        document.append(Paragraph(f"and {len(found) - MOST_DEVIATIONS:,} more: --format json has them all"))
    document.extend(Paragraph(line, quiet=True) for line in summaries(checks, tables))
    return document


def budgets(checks: Sequence[BudgetCheck]) -> Table:
    """What may be beside what is."""
    columns = [Column("network", least=16), Column("quantity"), number("at most"), number("is"), number("over by")]
    table = Table([*columns, Column("")])
    for check in checks:
        value = f"{'≥ ' if check.is_lower_bound else ''}{check.value:,}"
        table.rows.append([check.network, check.limit.quantity, check.limit.text, value, excess(check), check.verdict])
    return table


def excess(check: BudgetCheck) -> str:
    """By how much, and that in percent: `98,376,192 (6.1%)`."""
    return numbers.with_percent(check.over, check.limit.most) if check.over > 0 else ""


def sentence(check: BudgetCheck) -> str:
    """What is wrong, and which layers cost most."""
    limit = check.limit
    if check.verdict == "unknown":
        text = f"{check.network}: {limit.quantity} is {check.value:,} or more, for some operation is of unknown cost"
    else:
        text = f"{check.network}: {limit.quantity} is {check.value:,}, {excess(check)} over {limit.text}"
    return f"{text}; {most_in(check.dearest, check.value)}" if check.dearest else text


def most_in(dearest: Sequence[Part], whole: int) -> str:
    """`most in conv2 (448,000, 30.1%) and fc (12,000, 0.8%)`."""
    said = []
    for part in dearest:
        share = numbers.percent(part.value, whole)
        said.append(f"{part.layer} ({part.value:,}{f', {share}' if share else ''})")
    return f"most in {numbers.listed(said)}"


def deviations(found: Sequence[Deviation]) -> Table:
    """Deviations with their places."""
    columns = [Column("place"), Column("row", least=12), Column("column")]
    table = Table([*columns, number("was", least=10), number("is", least=10)])
    for deviation in found:
        cells: list[Cell] = [f"{deviation.file}:{deviation.line}", deviation.row, deviation.column]
        table.rows.append([*cells, *was_and_is(deviation)])
    return table


def was_and_is(deviation: Deviation) -> list[str]:
    """Both values; of a row or column that one of the two has not, that it is missing there."""
    both = (deviation.was, deviation.now)
    if None in both:
        return ["missing" if text is None else "there" for text in both]
    return [text or "nothing" for text in both if text is not None]


def summaries(checks: Sequence[BudgetCheck], tables: Sequence[Baseline]) -> list[str]:
    """A line for the budgets, and one for each table."""
    found = []
    if checks:
        names = numbers.plural(len({check.network for check in checks}), "network")
        verdicts = [check.verdict for check in checks]
        said = ", ".join(f"{verdicts.count(word)} {word}" for word in ("over", "unknown") if word in verdicts)
        found.append(f"{names}, {numbers.plural(len(checks), 'limit')}: {said or 'all kept'}")
    for table in tables:
        count = len(table.deviations)
        said = numbers.plural(count, "deviation") if count else "all as it is counted now"
        found.append(f"{table.file}: {numbers.plural(table.rows, 'row')}, {said}")
    return found


def budget_rows(checks: Sequence[BudgetCheck]) -> list[dict[str, Any]]:
    """A row for each limit, for CSV and JSON."""
    return [
        {
            "network": check.network,
            "quantity": check.limit.quantity,
            "most": check.limit.most,
            "value": check.value,
            "over": max(0, check.over),
            "verdict": check.verdict,
            "dearest": [part.layer for part in check.dearest],
        }
        for check in checks
    ]


def deviation_rows(tables: Sequence[Baseline]) -> list[dict[str, Any]]:
    """A row for each deviation, for CSV and JSON."""
    return [deviation._asdict() for table in tables for deviation in table.deviations]


def findings(checks: Sequence[BudgetCheck], tables: Sequence[Baseline]) -> list[Diagnostic]:
    """What fails, at its place: the line of the budget, or that of the table."""
    found = [
        Diagnostic("over-budget", sentence(check), check.limit.span, check.limit.source)
        for check in checks
        if check.verdict != "kept"
    ]
    for table in tables:
        lines = max((deviation.line for deviation in table.deviations), default=0)
        source = Source(table.file, "\n" * lines)  # only the lines matter: the text is in the file
        for deviation in table.deviations:
            place = Span(deviation.line - 1, deviation.line)
            found.append(Diagnostic("baseline-differs", difference(deviation), place, source))
    return sort_diagnostics(found)


def difference(deviation: Deviation) -> str:
    """`conv1, macs: was 117600, is 117601`."""
    was, now = was_and_is(deviation)
    name = ", ".join(part for part in (deviation.row, deviation.column) if part)
    return f"{name}: was {was}, is {now}"


def suites(checks: Sequence[BudgetCheck], tables: Sequence[Baseline]) -> list[tuple[str, list[Case]]]:
    """Suites for JUnit: a case for each limit, and one for each table."""
    limits = [(f"{of.network}: {of.limit.quantity} <= {of.limit.text}", _problems(of)) for of in checks]
    files = [(table.file, [difference(deviation) for deviation in table.deviations]) for table in tables]
    return [(name, [_case(*case) for case in cases]) for name, cases in (("budgets", limits), ("baselines", files))]


def _problems(check: BudgetCheck) -> list[str]:
    return [sentence(check)] if check.verdict != "kept" else []


def _case(name: str, problems: Sequence[str]) -> Case:
    return Case(name, "failure", problems[0], "\n".join(problems)) if problems else Case(name)

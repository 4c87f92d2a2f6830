"""An audited table: each figure beside ours on one line, and below why it differs."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from fractions import Fraction
from typing import Any

from archcalc.report.media import numbers
from archcalc.report.media.blocks import CONVENIENCE, Column, Document, Heading, Items, Table, number
from archcalc.report.media.junit import Case
from archcalc.results.audit import GRADES, JUDGEMENTS, Audit, Figure
from archcalc.source import Diagnostic, Source, Span, sort_diagnostics, visible

LONGEST = 40  # characters of somebody's cell that are shown
MOST_DIGITS = 15  # characters of a figure
MOST_REASONS = 200  # of a text; CSV and JSON have all


def audited(found: Audit) -> Document:
    """A row for each figure; reasons; then how many of each judgement there are."""
    table = Table(
        [
            number("line", drop=CONVENIENCE),  # the reasons have it
            Column("model", least=10),
            Column("column", least=6),
            number("printed"),
            number("computed"),
            number("plain", drop=1),
            Column(""),
        ]
    )
    for figure in found.figures:
        table.rows.append(
            [
                str(figure.line),
                cell_text(figure.model),
                cell_text(figure.column),
                cell_text(figure.printed, MOST_DIGITS),
                _count(figure.computed),
                _count(figure.plain) if figure.plain != figure.computed else "",
                figure.judgement if figure.grade is None else f"{figure.judgement} ({figure.grade})",
            ]
        )
    document: Document = [table]
    reasons = list(_reasons(found.figures))
    if reasons:
        shown = reasons[:MOST_REASONS]
        if len(reasons) > MOST_REASONS:
            shown.append(f"and {len(reasons) - MOST_REASONS:,} more: --format csv or json has them all")
        document += [Heading("Why"), Items(shown, is_plain=True)]
    grades = sorted({figure.grade for figure in found.figures if figure.grade is not None})
    lines = [f"grade {grade}: {GRADES[grade]}" for grade in grades]
    lines.append(summary(found))
    if found.ignored:
        lines.append(f"columns not read: {', '.join(map(cell_text, found.ignored))}")
    document.append(Items(lines, is_plain=True))
    return document


def cell_text(text: str, most: int = LONGEST) -> str:
    """A cell of somebody's table on one line, and no longer than there is use for."""
    plain = visible(text)
    return plain if len(plain) <= most else f"{plain[: most - 1]}…"


def _count(value: int | None) -> str:
    return "" if value is None else f"{value:,}"


def _reasons(figures: Sequence[Figure]) -> Iterator[str]:
    """A line for each figure about which there is something to say: where, and what."""
    for figure in figures:
        why = reason(figure)
        if why and (figure.judgement != "right" or figure.plain != figure.computed):
            yield f"line {figure.line}, {cell_text(figure.model)}, {cell_text(figure.column)}: {why}"
    said: dict[tuple[str, str], list[int]] = {}
    for figure in figures:
        if figure.judgement == "right" and figure.why and figure.plain == figure.computed:
            said.setdefault((figure.column, figure.why), []).append(figure.line)
    for (column, why), lines in said.items():
        yield f"{cell_text(column)}, {numbers.plural(len(lines), 'figure')}: right with {why}"


def reason(figure: Figure) -> str:
    """Why a figure is not what is computed, or which convention it is right under."""
    if figure.judgement == "wrong":
        return ", ".join(filter(None, [_times(figure), figure.why]))
    return " or ".join([figure.why, *figure.others])


def _times(figure: Figure) -> str:
    """`1.293x what is computed`; where that rounds to 1, what is more or fewer."""
    if figure.factor is None or figure.computed is None:
        return ""
    times = f"{factor(figure.factor)} what is computed"
    if factor(figure.factor) != factor(Fraction(1)):
        return times
    off = round((figure.factor - 1) * figure.computed)
    return f"{times} ({abs(off):,} {'more' if off > 0 else 'fewer'})"


def factor(value: Fraction) -> str:
    """`3.1x`, `0.497x`: four digits."""
    for decimals in (3, 2, 1):
        if value < 10 ** (4 - decimals):
            break
    return f"{numbers.decimal(value.numerator, value.denominator, decimals)}x"


def summary(found: Audit) -> str:
    """`table.csv: 6 rows, 12 figures: 8 right, 3 explained, 1 wrong`."""
    counts = [f"{found.count(word)} {word}" for word in JUDGEMENTS if found.count(word)]
    rows, figures = numbers.plural(found.rows, "row"), numbers.plural(len(found.figures), "figure")
    return f"{found.file}: {rows}, {figures}{': ' if counts else ''}{', '.join(counts)}"


def rows(found: Audit) -> list[dict[str, Any]]:
    """A row for each figure, for CSV and JSON."""
    return [
        {
            "line": figure.line,
            "model": figure.model,
            "network": figure.network,
            "column": figure.column,
            "quantity": figure.quantity,
            "printed": figure.printed,
            "computed": figure.computed,
            "plain": figure.plain,
            "judgement": figure.judgement,
            "grade": figure.grade,
            "why": figure.why,
            "others": "; ".join(figure.others),
            "factor": None if figure.factor is None else factor(figure.factor).removesuffix("x").replace(",", ""),
        }
        for figure in found.figures
    ]


def sentence(figure: Figure) -> str:
    """`resnet50, GMACs: 4.99 is wrong; 3,857,973,248 is computed: 1.293x what is computed`."""
    what = f"{cell_text(figure.model)}, {cell_text(figure.column)}: {cell_text(figure.printed)}"
    why = reason(figure)
    match figure.judgement:
        case "wrong":
            return f"{what} is wrong; {_count(figure.computed)} is computed ({why})"
        case "explained":
            return f"{what} is explained at grade {figure.grade}; {_count(figure.plain)} is computed ({why})"
        case "unknown model":
            return f"{what} is of no network of ours{f'; {why}' if why else ''}"
    return f"{what} cannot be read: {why}"


CODES = {"wrong": "wrong-figure", "explained": "weak-explanation", "unread": "unread-figure"}


def findings(found: Audit, failing: Sequence[Figure]) -> list[Diagnostic]:
    """What fails, at its line of the table."""
    last = max((figure.line for figure in failing), default=0)
    source = Source(found.file, "\n" * last)  # only the lines matter: the text is in the file
    return sort_diagnostics(
        [
            Diagnostic(
                CODES.get(figure.judgement, "unknown-model"),
                sentence(figure),
                Span(figure.line - 1, figure.line),
                source,
            )
            for figure in failing
        ]
    )


def suites(found: Audit, failing: Sequence[Figure]) -> list[tuple[str, list[Case]]]:
    """A suite for JUnit: a case for each figure."""
    fails = set(map(id, failing))
    cases = []
    for figure in found.figures:
        name = f"line {figure.line}: {cell_text(figure.model)}, {cell_text(figure.column)}"
        if id(figure) in fails:
            cases.append(Case(name, "failure", sentence(figure), type=figure.judgement))
        elif figure.judgement in ("unread", "unknown model"):
            cases.append(Case(name, "skipped", sentence(figure)))
        else:
            cases.append(Case(name))
    return [(found.file, cases)]

"""An audited table: each figure beside ours, and why it differs."""

from __future__ import annotations

from fractions import Fraction
from typing import Any

from archcalc.report.media import numbers
from archcalc.report.media.blocks import Column, Document, Paragraph, Table, number
from archcalc.results.audit import JUDGEMENTS, Audit, Figure


def audited(found: Audit) -> Document:
    """A row for each figure, then how many of each judgement there are."""
    columns = [Column("model", least=10), Column("column", cut="wrap", least=8), number("printed"), number("computed")]
    table = Table([*columns, Column("", cut="wrap", least=9), Column("why", cut="wrap", least=16)])
    for figure in found.figures:
        computed = "" if figure.computed is None else f"{figure.computed:,}"
        cells = [figure.model, figure.column, figure.printed, computed, figure.judgement, reason(figure)]
        table.rows.append(cells)
    document: Document = [table, Paragraph(summary(found), quiet=True)]
    if found.ignored:
        document.append(Paragraph(f"columns not read: {', '.join(found.ignored)}", quiet=True))
    return document


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
            "judgement": figure.judgement,
            "why": figure.why,
            "others": "; ".join(figure.others),
            "factor": None if figure.factor is None else factor(figure.factor).removesuffix("x").replace(",", ""),
        }
        for figure in found.figures
    ]

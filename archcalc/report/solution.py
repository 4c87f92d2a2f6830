"""Solved budgets and compound scalings: the answer first, then what stands on both sides of it."""

from __future__ import annotations

from collections.abc import Sequence
from fractions import Fraction
from typing import Any

from archcalc.report.media.blocks import Column, Document, Heading, Items, Paragraph, Table, number
from archcalc.report.media.numbers import Units, amount, exact, listed, percent, plural
from archcalc.results.solution import Point, Scaled, Scaling, Solution


def solved(found: Solution, units: Units = "si") -> Document:
    """The largest value, its costs beside the limits, and those of the next value."""
    columns = [Column("quantity"), number("at most"), number("at the largest"), number("of the limit", 10)]
    table = Table([*columns, *([number("at the next")] if found.above else [])])
    for limit in found.limits:
        value = found.largest.costs[limit.quantity]
        row = [limit.quantity, limit.text, amount(value, limit.quantity, units), percent(value, limit.most)]
        if found.above:
            row.append(amount(found.above.costs[limit.quantity], limit.quantity, units))
        table.rows.append(row)
    document: Document = [Heading(f"{found.network}: {answer(found)}", 1), table]
    remarks = []
    if found.left_out:
        remarks.append(f"the network does not take {plural(found.left_out, 'value')} between the two")
    for before, after, quantity in found.falls[:3]:
        remarks.append(
            f"{quantity} falls from {before.costs[quantity]:,} at {exact(before.value)} to {after.costs[quantity]:,} "
            f"at {exact(after.value)}: every value was counted"
        )
    if remarks:
        document.append(Items(remarks))
    document.append(Paragraph(f"{plural(found.tried, 'value')} counted, in steps of {exact(found.step)}", quiet=True))
    return document


def answer(found: Solution) -> str:
    """`the largest resolution is 152; at 153, macs passes 2G`."""
    text = f"the largest {found.variable} is {exact(found.largest.value)}"
    if found.above is None:
        return f"{text}, for it takes no larger one"
    passed = listed([f"{limit.quantity} passes {limit.text}" for limit in found.binding])
    return f"{text}; at {exact(found.above.value)}, {passed}"


def solved_object(found: Solution) -> dict[str, Any]:
    """A solution as JSON holds it."""
    return {
        "name": found.network,
        "variable": found.variable,
        "step": _plain(found.step),
        "limits": {limit.quantity: limit.most for limit in found.limits},
        "largest": _point(found.largest),
        "next": _point(found.above) if found.above else None,
        "left_out": found.left_out,
        "is_monotone": not found.falls,
        "counted": found.tried,
    }


def solved_rows(found: Solution) -> list[dict[str, Any]]:
    """The largest value and the next one as CSV holds them."""
    points = [("largest", found.largest), *([("next", found.above)] if found.above else [])]
    return [
        {"name": found.network, "which": which, found.variable: exact(point.value), **point.costs}
        for which, point in points
    ]


def scaled(found: Scaling, units: Units = "si") -> Document:
    """A row for each phi, and the largest phi within the limits; or the combinations of coefficients that fit."""
    bases = ", ".join(f"{name} by {exact(base)}" for name, base in found.coefficients.items())
    title = f"{found.network}, {bases} to the power of phi" if bases else f"{found.network}, scaled by coefficients"
    table = Table([*([number("phi")] if bases else []), *_columns(found.rows)])
    for row in _in_order(found):
        mark = "" if row.is_within else "over"
        if row == found.largest:
            mark = "largest within"
        cells = [exact(row.phi)] if bases else [f"{float(factor):.3g}x" for factor in row.factors.values()]
        values = [_setting(value) for value in row.settings.values()]
        table.rows.append([*cells, *values, *(amount(cost, name, units) for name, cost in row.costs.items()), mark])
    if not bases and found.rows:
        table.columns[:0] = [number(f"{name} by") for name in found.rows[0].factors]
    limits = listed([f"{limit.quantity} at most {limit.text}" for limit in found.limits])
    footer = f"{limits} | " if limits else ""
    footer += "repeats are rounded up, other values to their step | coefficients: Tan and Le 2019, section 3.3"
    return [Heading(title, 1), table, Paragraph(footer, quiet=True)]


def _columns(rows: Sequence[Scaled]) -> list[Column]:
    if not rows:
        return [Column("")]
    return [*map(number, rows[0].settings), *map(number, rows[0].costs), Column("")]


def scaled_rows(found: Scaling) -> list[dict[str, Any]]:
    """Rows as CSV and JSON hold them."""
    return [
        {
            "name": found.network,
            "phi": exact(row.phi),
            **{f"{name}_factor": exact(factor) for name, factor in row.factors.items()},
            **row.settings,
            **row.costs,
            "is_within": row.is_within,
        }
        for row in _in_order(found)
    ]


def _in_order(found: Scaling) -> list[Scaled]:
    """The rows with the largest within the limits, which lies before the first that is over them."""
    rows = list(found.rows)
    if found.largest is not None and found.largest not in rows:
        rows.insert(len(rows) - 1, found.largest)
    return rows


def _point(point: Point) -> dict[str, Any]:
    return {"value": _plain(point.value), **point.costs}


def _plain(value: Fraction) -> int | str:
    """A whole number, or a fraction as `--set` takes it."""
    return int(value) if value.denominator == 1 else str(value)


def _setting(text: str) -> str:
    """A value as a table shows it: a fraction as a decimal."""
    return text if text.startswith("[") else exact(Fraction(text))

"""Networks that were found: a line for each, with the columns that were asked about."""

from __future__ import annotations

from fractions import Fraction
from typing import Any

from archcalc.report.media import numbers
from archcalc.report.media.blocks import Bar, Cell, Column, Document, Paragraph, Table, bar, number
from archcalc.report.media.data import network_row, totals_object
from archcalc.report.media.numbers import Units
from archcalc.report.show import at_least
from archcalc.report.sources import cited
from archcalc.results.claim import Accuracy
from archcalc.results.cost import totals_row
from archcalc.results.found import Cell as Value
from archcalc.results.found import Found, FoundNetwork

_SHOWN = frozenset({"name", "params", "macs", "top1", "top5", "task", "resolution"})  # have their place in the table


def listed(found: Found, units: Units) -> Document:
    """The networks in their order, and what was asked."""
    if not found.networks:
        return [Paragraph(nothing(found)), _footer(found)]
    rows = found.networks
    more = [name for name in found.columns if name not in _SHOWN]
    tasks = {row.cost.task for row in rows}
    table = Table([Column("network", least=24), number("input", drop=3), number("params"), number("MACs"), bar()])
    table.columns += [number(name.replace("_", " ")) for name in more]
    if len(tasks) > 1:
        table.columns.append(Column("task", drop=5))
    if found.with_accuracy:
        table.columns += [number("top1"), number("top5", drop=2), Column("measured by", drop=4, least=14, cut="end")]
    most = max(row.cost.totals.macs for row in rows)
    for row in rows:
        totals = row.cost.totals
        cells: list[Cell] = [
            row.name,
            row.cost.input_text,
            at_least(numbers.count(totals.params, units), row.cost.is_lower_bound("params")),
            at_least(numbers.count(totals.macs, units), totals.at_least),
            Bar(totals.macs, most),
            *(written(name, row.values[name], units) for name in more),
        ]
        if len(tasks) > 1:
            cells.append(row.cost.task)
        if found.with_accuracy:
            cells += _measured(row.accuracy)
        table.rows.append(cells)
    return [table, _footer(found)]


def _measured(accuracy: Accuracy | None) -> list[Cell]:
    if accuracy is None:
        return ["", "", ""]
    source = cited(accuracy.source, accuracy.where)
    return [percent(accuracy.top1), percent(accuracy.top5), f"{source}, recalled" if accuracy.is_recalled else source]


def percent(value: Fraction | None) -> str:
    """A part in percent with the digits that it has: `76.13`."""
    return "" if value is None else numbers.exact(value)


def written(column: str, value: Value, units: Units = "si") -> str:
    """A value of a column as people read it."""
    if value is None:
        return ""
    if isinstance(value, str):
        return value
    if isinstance(value, Fraction):
        return numbers.exact(value)
    return str(value) if column == "year" else numbers.amount(value, column, units)


def nothing(found: Found) -> str:
    """That there is no such network, and who comes nearest."""
    if found.nearest is None:
        return "There is no such network."
    column, name, value = found.nearest
    near = f"; {name} comes nearest, with {written(column, value)}" if name else ""
    return f"No network meets {' and '.join(found.conditions)}: none has such {column}{near}."


def _footer(found: Found) -> Paragraph:
    """How many of how many, and what was left out."""
    parts = [f"{len(found.networks):,} of {numbers.plural(found.of, 'network')}"]
    for column, left in found.unknown.items():
        parts.append(f"left out: {left} whose {column} is not {'published' if column.startswith('top') else 'known'}")
    if found.networks:
        parts.append("MACs are multiply-accumulate pairs; heads left out")
    if found.with_accuracy and found.networks:
        parts.append("accuracies in percent as published, the highest, at the input shown: not computed")
    return Paragraph(" | ".join(parts), quiet=True)


# for programs


def found_row(row: FoundNetwork, found: Found) -> dict[str, Any]:
    """A network as CSV holds it: its totals, what was asked about besides, and its accuracy."""
    cells = network_row(row.cost) | ({"file": row.file} if row.file else {}) | totals_row(row.cost)
    cells |= {name: _plain(value) for name, value in row.values.items() if name not in cells}
    if found.with_accuracy:
        best = row.accuracy
        cells |= {
            "top1": _plain(best.top1) if best else None,
            "top5": _plain(best.top5) if best else None,
            "accuracy_source": cited(best.source, best.where) if best else "",
        }
    return cells


def found_object(row: FoundNetwork, found: Found) -> dict[str, Any]:
    """A network as JSON holds it, with all that is published of its accuracy."""
    more = {name: _plain(value) for name, value in row.values.items() if name in ("resolution",)}
    more |= {name: _plain(value) for name, value in row.values.items() if name.startswith("flops_")}
    made = totals_object(row.cost) | ({"file": row.file} if row.file else {}) | more
    if found.with_accuracy:
        made["accuracies"] = [
            {
                "top1": _plain(each.top1),
                "top5": _plain(each.top5),
                "printed": list(each.printed),
                "source": cited(each.source),
                "where": each.where,
                "recalled": each.is_recalled,
            }
            for each in row.accuracies
        ]
    return made


def _plain(value: Value) -> Any:
    """A decimal of a few digits as a number of JSON."""
    return float(value) if isinstance(value, Fraction) else value

"""Rows of a network with the columns that somebody chose."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from archcalc.engine.cost.traffic import COLUMNS, INTENSITY, RULE, TRAFFIC, total_intensity
from archcalc.report.media import numbers
from archcalc.report.media.blocks import Cell, Column, Document, Heading, Paragraph, Table, Total
from archcalc.report.media.data import moved_columns, row_of
from archcalc.report.media.numbers import Units
from archcalc.report.show import at_least, footer, headline, remarks
from archcalc.results.cost import LayerCost, NetworkCost, totals_row

_TITLES = {"macs": "MACs"}


def columns(cost: NetworkCost) -> list[str]:
    """Columns that a row of a network may have: those of the CSV, bytes read and written, and FLOPs for each."""
    return [*(row_of(cost.layers[0], cost.convention) if cost.layers else ()), *COLUMNS]


def chosen_rows(cost: NetworkCost, rows: Sequence[LayerCost], names: Sequence[str]) -> list[dict[str, Any]]:
    """The columns of each row."""
    found = [row_of(row, cost.convention) for row in rows]
    if any(name in COLUMNS for name in names):
        found = [row | moved for row, moved in zip(found, moved_columns(cost, rows), strict=True)]
    return [{name: row[name] for name in names} for row in found]


def chosen_table(
    cost: NetworkCost, rows: Sequence[LayerCost], names: Sequence[str], units: Units, of: int | None = None
) -> Document:
    """The rows under the columns, with the totals of what adds up."""
    made = chosen_rows(cost, rows, names)
    totals = totals_row(cost)
    if any(name in COLUMNS for name in names):
        layers = moved_columns(cost, cost.layers)
        read, written = (sum(layer[name] or 0 for layer in layers) for name in TRAFFIC)
        totals |= {
            **dict(zip(TRAFFIC, (read, written), strict=True)),
            INTENSITY: total_intensity(cost, (read, written)),
        }
    is_text = {name: all(isinstance(row[name], str) for row in made) for name in names}
    table = Table(
        [
            Column(
                _TITLES.get(name, name.replace("_", " ")),
                "left" if is_text[name] else "right",
                0 if number == 0 else 5 if is_text[name] else 1,
                least=12 if is_text[name] else 0,
                cut="middle" if name == "name" else "end",
            )
            for number, name in enumerate(names)
        ]
    )
    for row, layer in zip(made, rows, strict=True):
        bounds = {*row_of(layer, cost.convention)["lower_bounds"], *layer.lower_bounds}
        bounds |= {INTENSITY} if "flops" in bounds else set()
        table.rows.append([_written(name, row[name], units, name in bounds) for name in names])
    bounds = {*totals["lower_bounds"], *(name for name in TRAFFIC if cost.is_lower_bound(name))}
    bounds |= {INTENSITY} if cost.is_lower_bound("flops") else set()
    sums: list[Cell] = [
        _written(name, totals[name], units, name in bounds) if name in totals and not is_text[name] else ""
        for name in names
    ]
    if any(sums):
        table.rows.append(Total([sums[0] or "total", *sums[1:]] if is_text[names[0]] else sums))
    document: Document = [Heading(headline(cost), 1), table]
    if of is not None and len(rows) < of:
        document.append(Paragraph(f"{len(rows)} of {of} rows; the totals are those of the whole network", quiet=True))
    document.extend(Paragraph(remark) for remark in remarks(cost))
    document.append(footer(cost))
    if any(name in COLUMNS for name in names):
        document.append(Paragraph(_rule(cost), quiet=True))
    return document


def _rule(cost: NetworkCost) -> str:
    """What the columns of bytes are, and FLOPs for each."""
    unit = "MACs" if cost.convention.column == "macs" else f"FLOPs ({cost.convention.name})"
    return f"{RULE}; intensity: {unit} for each byte of both"


def _written(name: str, value: Any, units: Units, unknown: bool) -> str:
    if value is None:
        return ""
    if name == INTENSITY:
        return at_least(numbers.per_byte(value), unknown)
    if isinstance(value, list):
        return at_least(numbers.extents(value), unknown)
    if isinstance(value, int):
        text = numbers.size(value, units) if name.endswith("bytes") else numbers.count(value, units)
        return at_least(text, unknown)
    return str(value)

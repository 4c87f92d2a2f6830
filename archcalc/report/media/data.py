"""Results for programs: CSV and JSON, with exact whole numbers and one set of names."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from archcalc import __version__
from archcalc.engine.cost.traffic import COLUMNS, intensity, traffic
from archcalc.ops import Shape
from archcalc.report.media.numbers import extents
from archcalc.results.cost import LayerCost, NetworkCost, layer_row, totals_row
from archcalc.results.rows import json_lines as json_lines
from archcalc.results.rows import network_object as network_object
from archcalc.results.rows import network_row as network_row
from archcalc.results.rows import row_of as row_of
from archcalc.results.rows import totals_object as totals_object
from archcalc.source import visible

_SHAPES = frozenset({"input", "shape", "in_shape", "out_shape", "out_shape_before", "out_shape_after"}) | {
    "receptive_field",
    "jump",
    "first_centre",
    "local_receptive_field",
    "local_jump",
}
# What a spreadsheet takes for a formula; a number with its sign is none.
_FORMULA = re.compile(r"[=@]|[-+](?![0-9.,]+(?:e[-+]?[0-9]+)?%?\Z)(?=.)", re.IGNORECASE)


def sortable(cost: NetworkCost) -> list[str]:
    """Columns that rows may be sorted by: those of the CSV, bytes read and written, and FLOPs for each."""
    return [*layer_row(cost.layers[0], cost.convention), *COLUMNS] if cost.layers else []


def in_order(cost: NetworkCost, rows: Sequence[LayerCost], column: str) -> list[LayerCost]:
    """Rows under a column: numbers from the largest, names from A, equal ones as they stood."""
    if column in COLUMNS:
        moved = moved_columns(cost, rows)
        return [rows[at] for at in sorted(range(len(rows)), key=lambda at: -(moved[at][column] or 0))]

    def key(row: LayerCost) -> Any:
        value = layer_row(row, cost.convention)[column]
        if isinstance(value, str):
            return value
        return -value if isinstance(value, (int, float)) else [-size for size in value or []]

    return sorted(rows, key=key)


def moved_columns(cost: NetworkCost, rows: Sequence[LayerCost]) -> list[dict[str, Any]]:
    """Of each row bytes read, bytes written, and FLOPs for each of them (null where nothing moves)."""
    found = []
    for row, moved in zip(rows, traffic(cost, rows), strict=True):
        of = intensity(cost, row, moved)
        found.append(dict(zip(COLUMNS, (*moved, None if of is None else float(f"{of:.7g}")), strict=True)))
    return found


def csv_text(rows: Iterable[Mapping[str, Any]], names: Sequence[str] = ()) -> str:
    """Rows under the names of columns, or else those of the first row; shapes as `64x112x112`."""
    import csv
    import io

    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\n")
    if names:
        writer.writerow(names)
    for row in rows:
        if not names:
            names = list(row)
            writer.writerow(names)
        values = [(name, row.get(name)) for name in names]
        writer.writerow([value if type(value) is int else _cell(name, value) for name, value in values])  # most are
    return out.getvalue()


def _cell(name: str, value: Any) -> str:
    if value is None:
        return ""
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, (list, tuple, Shape)):
        return extents(value) if name in _SHAPES else " ".join(map(str, value))
    if isinstance(value, Mapping):  # inputs by name
        return " ".join(f"{key}={extents(sizes)}" for key, sizes in value.items())
    text = visible(str(value))
    return f"'{text}" if _FORMULA.match(text) else text


def layers_csv(cost: NetworkCost, rows: Sequence[LayerCost] | None = None) -> str:
    """A row for each layer."""
    return csv_text(row_of(row, cost.convention) for row in (cost.layers if rows is None else rows))


def totals_csv(costs: Iterable[NetworkCost]) -> str:
    """A row of totals for each network."""
    return csv_text(network_row(cost) | totals_row(cost) for cost in costs)


def totals_cells(network: Mapping[str, Any]) -> dict[str, Any]:
    """A row of totals of a network that is an object already: what holds all of the network, then the totals."""
    apart = ("settings", "space", "totals")
    return {**{name: value for name, value in network.items() if name not in apart}, **network["totals"]}


def json_text(networks: Sequence[Mapping[str, Any]], **more: Any) -> str:
    """The one shape of all commands; each member of a list of objects is on a line of its own."""
    return json_lines(versioned(**more, networks=list(networks)))


def versioned(**members: Any) -> dict[str, Any]:
    """An object that says which version made it."""
    return {"archcalc": __version__, **members}

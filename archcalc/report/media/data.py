"""Results for programs: CSV and JSON, with exact whole numbers and one set of names."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from archcalc import __version__
from archcalc.ops import Shape
from archcalc.report.media.numbers import exact, extents
from archcalc.results.convention import Convention
from archcalc.results.cost import LayerCost, NetworkCost, layer_row, shape_list, totals_row
from archcalc.source import visible

_SHAPES = frozenset({"input", "shape", "in_shape", "out_shape", "out_shape_before", "out_shape_after"}) | {
    "receptive_field",
    "jump",
    "first_centre",
}
# What a spreadsheet takes for a formula; a number with its sign is none.
_FORMULA = re.compile(r"[=@]|[-+](?![0-9.,]+(?:e[-+]?[0-9]+)?%?\Z)(?=.)", re.IGNORECASE)


def sortable(cost: NetworkCost) -> list[str]:
    """Columns that rows may be sorted by: those of the CSV."""
    return list(layer_row(cost.layers[0], cost.convention)) if cost.layers else []


def in_order(cost: NetworkCost, rows: Sequence[LayerCost], column: str) -> list[LayerCost]:
    """Rows under a column: numbers from the largest, names from A, equal ones as they stood."""

    def key(row: LayerCost) -> Any:
        value = layer_row(row, cost.convention)[column]
        if isinstance(value, str):
            return value
        return -value if isinstance(value, (int, float)) else [-size for size in value or []]

    return sorted(rows, key=key)


def row_of(layer: LayerCost, convention: Convention) -> dict[str, Any]:
    """A row of layers; null where a sum has no shape of its own."""
    row = layer_row(layer, convention)
    for name in ("in_shape", "out_shape"):
        row[name] = row[name] or None
    return row


def network_row(cost: NetworkCost) -> dict[str, Any]:
    """What a network is, and what was assumed."""
    return {
        "name": cost.name,
        "family": cost.title,
        "year": cost.year,
        "task": cost.task,
        "input": shape_list(cost.input),
        "batch": cost.batch,
        "scope": cost.scope,
        "dtype": cost.dtype,
        "bits": list(cost.storage.bits),
        "density": [exact(density) for density in cost.storage.densities],
        "convention": cost.convention.name,
        "with_heads": cost.with_heads,
    }


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
        writer.writerow([_cell(name, row.get(name)) for name in names])
    return out.getvalue()


def _cell(name: str, value: Any) -> str:
    if value is None:
        return ""
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, (list, tuple, Shape)):
        return extents(value) if name in _SHAPES else " ".join(map(str, value))
    text = visible(str(value))
    return f"'{text}" if _FORMULA.match(text) else text


def layers_csv(cost: NetworkCost, rows: Sequence[LayerCost] | None = None) -> str:
    """A row for each layer."""
    return csv_text(row_of(row, cost.convention) for row in (cost.layers if rows is None else rows))


def totals_csv(costs: Iterable[NetworkCost]) -> str:
    """A row of totals for each network."""
    return csv_text(network_row(cost) | totals_row(cost) for cost in costs)


def json_text(networks: Sequence[Mapping[str, Any]], **more: Any) -> str:
    """The one shape of all commands; each member of a list of objects is on a line of its own."""
    return json_lines(versioned(**more, networks=list(networks)))


def versioned(**members: Any) -> dict[str, Any]:
    """An object that says which version made it."""
    return {"archcalc": __version__, **members}


def network_object(cost: NetworkCost, rows: Sequence[LayerCost] | None = None) -> dict[str, Any]:
    """A network with its totals and layers."""
    shown = cost.layers if rows is None else rows
    return totals_object(cost) | {"layers": [row_of(row, cost.convention) for row in shown]}


def totals_object(cost: NetworkCost) -> dict[str, Any]:
    """A network with its totals alone, as `list` gives it."""
    return network_row(cost) | {"settings": dict(cost.settings), "totals": totals_row(cost)}


def json_lines(value: Any, indent: str = "") -> str:
    """JSON whose lists of objects have one object a line, so that it reads and differs by layers."""
    return f"{_json(value, indent)}\n"


def _json(value: Any, indent: str) -> str:
    inner = indent + "  "
    if isinstance(value, Mapping) and any(_is_rows(item) or isinstance(item, Mapping) for item in value.values()):
        members = [f"{inner}{json.dumps(key)}: {_json(item, inner)}" for key, item in value.items()]
        return "{\n" + ",\n".join(members) + f"\n{indent}}}"
    if _is_rows(value):
        members = [f"{inner}{_json(item, inner)}" for item in value]
        return "[\n" + ",\n".join(members) + f"\n{indent}]"
    return json.dumps(value, ensure_ascii=False)


def _is_rows(value: Any) -> bool:
    return isinstance(value, list) and bool(value) and isinstance(value[0], Mapping)

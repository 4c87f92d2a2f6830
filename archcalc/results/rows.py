"""Networks and layers as JSON holds them: plain values under the names of columns."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from fractions import Fraction
from typing import TYPE_CHECKING, Any

from archcalc.results.cost import layer_row, shape_list, totals_row
from archcalc.source.visible import INVISIBLE

if TYPE_CHECKING:
    from archcalc.results.convention import Convention
    from archcalc.results.cost import LayerCost, NetworkCost


def exact(value: Fraction) -> str:
    """A decimal with all its digits: `0.33`; else the fraction."""
    unit = 10**18
    if unit % value.denominator:
        return str(value)
    whole, part = divmod(abs(value.numerator) * (unit // value.denominator), unit)
    return f"{'-' * (value < 0)}{whole}.{part:018d}".rstrip("0").rstrip(".")


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
        "input": shape_list(cost.input)
        if len(cost.graph.inputs) == 1
        else {name: shape_list(shape) for name, shape in cost.graph.inputs.items()},
        "batch": cost.batch,
        "scope": cost.scope,
        "dtype": cost.dtype,
        **({"state_dtype": cost.state_dtype} if cost.state_dtype not in ("", cost.dtype) else {}),
        "bits": list(cost.storage.bits),
        "density": [exact(density) for density in cost.storage.densities],
        "convention": cost.convention.name,
        "with_heads": cost.with_heads,
        "step": cost.phase.in_step,
    }


def network_object(cost: NetworkCost, rows: Sequence[LayerCost] | None = None) -> dict[str, Any]:
    """A network with its totals and layers."""
    shown = cost.layers if rows is None else rows
    return totals_object(cost) | {"layers": [row_of(row, cost.convention) for row in shown]}


def totals_object(cost: NetworkCost) -> dict[str, Any]:
    """A network with its totals alone, as `list` gives it."""
    remarks = {"remarks": list(cost.remarks)} if cost.remarks else {}
    return network_row(cost) | {"settings": dict(cost.settings), **remarks, **_space(cost), "totals": totals_row(cost)}


def _space(cost: NetworkCost) -> dict[str, Any]:
    """The space of a network, where it has one: its exact size, and the values of each axis as they are written."""
    if cost.space is None:
        return {}
    return {"space": {"size": cost.space.size, "axes": {axis.name: list(axis.values) for axis in cost.space.axes}}}


def json_lines(value: Any, indent: str = "") -> str:
    """JSON whose lists of objects have one object a line, so that it reads and differs by layers."""
    return f"{_json(value, indent)}\n"


def _json(value: Any, indent: str) -> str:
    import json  # what is no JSON has no need of it
    import re

    inner = indent + "  "
    if isinstance(value, Mapping) and any(_is_rows(item) or isinstance(item, Mapping) for item in value.values()):
        members = [f"{inner}{json.dumps(key)}: {_json(item, inner)}" for key, item in value.items()]
        return "{\n" + ",\n".join(members) + f"\n{indent}}}"
    if _is_rows(value):
        members = [f"{inner}{_json(item, inner)}" for item in value]
        return "[\n" + ",\n".join(members) + f"\n{indent}]"
    # A program reads the same, and a terminal nothing but text.
    return re.sub(INVISIBLE, lambda found: f"\\u{ord(found[0]):04x}", json.dumps(value, ensure_ascii=False))


def _is_rows(value: Any) -> bool:
    return isinstance(value, list) and bool(value) and isinstance(value[0], Mapping)

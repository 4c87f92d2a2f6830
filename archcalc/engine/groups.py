"""Layers of a network put together, or taken apart: by operation, stage, type, or a part of their names."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import replace
from typing import Any, Literal

from archcalc.engine.cost.analyze import layer_costs
from archcalc.engine.cost.quantities import FURTHER, QUANTITIES
from archcalc.ops import Shape
from archcalc.results.cost import LayerCost, NetworkCost


class NoFields:
    """Receptive fields of rows that are no place in the network."""

    def after(self, index: int) -> None:
        """None."""

    def local(self, index: int) -> None:
        """None."""

    def has_ended(self, index: int) -> tuple[bool, ...]:
        """There are no axes."""
        return ()

    def is_cut_off(self, index: int) -> bool:
        """There is no pattern that could be too long."""
        return False

    def is_uniform(self, index: int) -> bool:
        """There are no positions that could differ."""
        return True


By = Literal["op", "layer", "stage", "type"]
NO_SHAPE = Shape(None)  # of rows that are no place in the network
ADDED = (*QUANTITIES, *FURTHER, "flops", "state_bits", "stored_params", "stored_bits")


def grouped(cost: NetworkCost, by: By = "layer", depth: int | None = None) -> list[LayerCost]:
    """Rows of a network: layers, their operations, or sums; `depth` cuts names to so many parts and sums."""
    if by == "type":
        nowhere: dict[str, Any] = {
            "stage": "",
            "head": "",
            "in_shape": NO_SHAPE,
            "out_shape": NO_SHAPE,
            "fields": NoFields(),
        }
        rows = [row._replace(**nowhere) for row in operations(cost)]
        return _summed(rows, lambda row: row.type)
    if by == "stage":
        return cut(cost.layers, 1)
    rows = operations(cost) if by == "op" else cost.layers
    return rows if depth is None else cut(rows, depth)


def cut(rows: Iterable[LayerCost], depth: int) -> list[LayerCost]:
    """Names cut to so many parts; rows that then have the same name are added."""
    return _summed(rows, lambda row: ".".join(row.name.split(".")[:depth]))


def operations(cost: NetworkCost) -> list[LayerCost]:
    """A row for each operation: `conv1`, `conv1.norm`, `conv1.activation`.

    Operations of a layer work in place, so that the last one alone has `activations`.
    """
    graph = cost.graph
    taken_apart = replace(graph, written=[node._replace(layer=node.name) for node in graph.nodes], repeats=())
    given = (cost.batch, cost.storage, cost.convention, cost.with_heads, cost.scope, cost.phase)
    rows = layer_costs(taken_apart, cost.fields, *given)
    last = {indices[-1] for _, indices in graph.layers(cost.with_heads)}
    return [row if row.nodes[-1] in last else row._replace(activations=0) for row in rows]


def _summed(rows: Iterable[LayerCost], name_of: Callable[[LayerCost], str]) -> list[LayerCost]:
    groups: dict[tuple[str, str], list[LayerCost]] = {}
    for row in rows:
        groups.setdefault((row.head, name_of(row)), []).append(row)
    return [summed(name, members) for (_, name), members in groups.items()]


def summed(name: str, members: list[LayerCost]) -> LayerCost:
    """Rows as one of that name, where the last of them is."""
    first, last = members[0], members[-1]
    if len(members) == 1:
        return first._replace(name=name)
    types = {member.type for member in members}
    states = {member.status: member.reason for member in reversed(members)}
    status = next(status for status in ("unknown", "counted", "zero") if status in states)
    sums = {key: sum(getattr(member, key) for member in members) for key in ADDED}
    return last._replace(
        name=name,
        type=first.type if len(types) == 1 else "group",
        notation=f"{len(members)} {'of them' if len(types) == 1 else 'layers'}",
        in_shape=first.in_shape,
        status=status,
        reason=states[status],
        lower_bounds=frozenset().union(*(of.lower_bounds for of in members[:-1])) - {"receptive_field"}
        | last.lower_bounds,
        nodes=tuple(index for member in members for index in member.nodes),
        **sums,
    )

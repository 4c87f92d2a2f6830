"""A network's structure together with its costs, operation by operation."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any, NamedTuple

from archcalc.engine.cost.storage import storage_of
from archcalc.engine.groups import operations
from archcalc.engine.inputs import Given
from archcalc.engine.network import AnyNetwork, cost_of_graph, load
from archcalc.results.cost import NetworkCost
from archcalc.results.structure import Structure
from archcalc.spec.limits import DEFAULT_LIMITS, Limits

QUANTITIES = ("macs", "params", "activations", "state", "memory")
"""`memory`: bytes of what an operation stores and of what it gives, of one example at fp32."""
_OF_ROWS = QUANTITIES[:-1]
FP32_BYTES = 4


class Structured(NamedTuple):
    """A network: what it costs as `analyze` says, how it is put together, and each quantity of each operation."""

    cost: NetworkCost
    structure: Structure
    amounts: Mapping[str, list[int]]  # by quantity; one number for each node, those of heads too


def structured(
    network: AnyNetwork,
    set: Mapping[str, Any] | None = None,
    input: Given = None,
    limits: Limits = DEFAULT_LIMITS,
) -> Structured:
    """Structure and costs of a network.

    Args:
        network: its name, a file, the text of a spec, or what `load` gave.
        set: values of variables of the spec.
        input: another input than the spec's.
        limits: bounds on the work.

    Raises:
        SpecError: an unknown name or variable, or the place where the spec is wrong.
    """
    found = load(network)
    structure = found.structure(set, input, limits)
    graph = structure.graph
    storage = storage_of(found.spec, graph, "fp32", None, None, limits, is_as_written=not set)
    cost = cost_of_graph(found, graph, 1, set or {}, "fp32", "arithmetic", with_heads=False, storage=storage)
    amounts = {name: [0] * len(graph.nodes) for name in QUANTITIES}
    for row in operations(replace(cost, with_heads=True)):
        for name in _OF_ROWS:
            amounts[name][row.nodes[0]] = getattr(row, name)
        amounts["memory"][row.nodes[0]] = FP32_BYTES * (row.params + row.activations)
    return Structured(cost, structure, amounts)

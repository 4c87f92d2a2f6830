"""Quantities that add up over operations, and so have closed forms: on whole numbers and polynomials alike."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence

from archcalc.dims import Dim, collecting_assumptions
from archcalc.dims import total as sum_of
from archcalc.engine.cost.conventions import CONVENTIONS
from archcalc.engine.cost.costs import active_with, cost_of, stored_with, tied_nodes
from archcalc.engine.step import steps_of
from archcalc.graph import Graph, Node
from archcalc.ops import Parameters
from archcalc.results.convention import OperationCost
from archcalc.source import suggestion

STORED = {"weights": "weights", "biases": "biases", "norm_params": "norm", "buffers": "buffers"}  # their parameters
QUANTITIES = ("params", *STORED, "macs", "connections", "neurons", "activations")
# What is 0 or as another in most networks, and stands in tables where it is not.
FURTHER = ("trainable_params", "active_params", "macs_once", "masked", "state", "state_once")
OPERATIONS = ("additions", "multiplications", "divisions", "comparisons", "transcendentals")
FLOPS = {rule.column: rule for rule in CONVENTIONS.values() if rule.column not in QUANTITIES}
SAVED = "saved_bytes"  # that training keeps for the backward pass, at fp32
ADDITIVE = (*QUANTITIES, *FURTHER, *OPERATIONS, *FLOPS, SAVED)
TIMES_BATCH = frozenset(
    {SAVED, "macs", "macs_once", "masked", "activations", "state", "state_once", *OPERATIONS, *FLOPS}
)


def instead_of(name: str, known: Sequence[str]) -> str:
    """What to write for a name that is no quantity."""
    if name == "flops":
        return "say whose: flops_arithmetic, flops_fvcore, ... (archcalc conventions)"
    return suggestion(
        name, known, f"there are {', '.join(other for other in known if other not in FLOPS)}, {min(FLOPS)}"
    )


def quantity(graph: Graph, name: str, with_heads: bool = False, within: Iterable[int] | None = None) -> Dim:
    """A quantity of a whole graph, or of operations within it, for one example.

    Raises:
        KeyError: not one of `ADDITIVE`.
    """
    last = len(graph.nodes) if with_heads else graph.first_head
    return sum_of(parts(graph, name, range(last) if within is None else within))


def parts(graph: Graph, name: str, within: Iterable[int]) -> Iterator[Dim]:
    """What each of some operations adds to a quantity.

    Raises:
        KeyError: not one of `ADDITIVE`.
    """
    if name not in ADDITIVE:
        raise KeyError(name)
    with collecting_assumptions():  # the graph holds them since its expansion
        if name in ("macs_once", "state_once"):
            yield from _once(graph, name, within)
        elif name == SAVED:
            from archcalc.engine.memory.saved import saved_parts

            yield from saved_parts(graph, within)
        elif name == "active_params":
            tied = tied_nodes(graph)
            yield from [active_with(graph, index, tied) for index in within]
        else:
            yield from [_part(graph, name, index) for index in within]


def _once(graph: Graph, name: str, within: Iterable[int]) -> Iterator[Dim]:
    """What a step does not repeat, of each operation."""
    steps = steps_of(graph)
    for index in within:
        node = graph.nodes[index]
        cost = cost_of(node.operator, node.x, node.y)
        if steps is None:
            yield 0
        elif name == "macs_once":
            yield 0 if steps.repeated[index] else cost.arithmetic.macs
        else:
            yield cost.outputs if index in steps.kept else 0


def _part(graph: Graph, name: str, index: int) -> Dim:
    node = graph.nodes[index]
    follows = index + 1 < len(graph.nodes) and graph.nodes[index + 1].layer == node.layer
    cost = cost_of(node.operator, node.x, node.y)
    stored = cost.parameters if node.shares < 0 else stored_with(graph, index)
    return of_operation(name, node, cost, stored, follows)


def of_operation(name: str, node: Node, cost: OperationCost, stored: Parameters, is_followed: bool) -> Dim:
    """What one operation adds to a quantity.

    Args:
        name: of the quantity; none of those that the whole network decides, `macs_once`, `state_once`, `saved_bytes`.
        node: the operation.
        cost: what it costs.
        stored: what it stores itself.
        is_followed: another operation of its layer follows, in place of what it gives.
    """
    if name == "params":
        return sum_of(stored[:3])
    if name in STORED:
        return getattr(stored, STORED[name])  # type: ignore[no-any-return]
    if name == "trainable_params":
        return sum_of(stored[:3]) if node.operator.trainable else 0
    if name == "activations":  # of a layer: those of its last operation
        return 0 if is_followed else cost.outputs
    if name in ("macs_once", "state_once"):
        return 0
    if name == "macs" or name in OPERATIONS:
        return getattr(cost.arithmetic, name)  # type: ignore[no-any-return]
    if name in FLOPS:
        return FLOPS[name].flops(node.operator, node.x, node.y, cost)  # type: ignore[no-any-return]
    return getattr(cost, name)  # type: ignore[no-any-return]

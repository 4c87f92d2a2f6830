"""Costs of operations, on whole numbers and polynomials alike."""

from __future__ import annotations

from collections.abc import Iterable
from functools import lru_cache
from typing import Any

from archcalc.dims import Dim, collecting_assumptions
from archcalc.dims import total as sum_of
from archcalc.graph import Graph
from archcalc.ops import Operator, Parameters, Shape
from archcalc.results.convention import OperationCost

# Quantities that add up over operations, and so have closed forms.
QUANTITIES = (
    "params",
    "weights",
    "biases",
    "norm_params",
    "buffers",
    "macs",
    "connections",
    "neurons",
    "activations",
)


@lru_cache(maxsize=1 << 16)
def cost_of(operator: Operator, x: Any, y: Shape) -> OperationCost:
    """Run an operator's rules on its input and the output it infers; equal questions are answered once."""
    stored = operator.parameters(x)
    # Layers with weights, LeNet's trainable subsampling among them; norms and slopes of activations are none.
    has_units = operator.weighted or (operator.pooling and stored.weights != 0)
    return OperationCost(stored, operator.arithmetic(x, y), operator.connections(x, y), y.elements if has_units else 0)


def quantity(graph: Graph, name: str, with_heads: bool = False, within: Iterable[int] | None = None) -> Dim:
    """A quantity of a whole graph, or of operations within it: a whole number, or a polynomial where sizes are free.

    Raises:
        KeyError: not one of `QUANTITIES`.
    """
    last = len(graph.nodes) if with_heads else graph.first_head
    with collecting_assumptions():  # the graph holds them since its expansion
        return sum_of(_PARTS[name](graph, index) for index in (range(last) if within is None else within))


def _stored(field: str) -> Any:
    def part(graph: Graph, index: int) -> Dim:
        value: Dim = getattr(stored_with(graph, index), field)
        return value

    return part


def stored_with(graph: Graph, index: int) -> Parameters:
    """What a node stores itself.

    That is nothing where it is an earlier node again (`share`), and biases alone where it uses the weights of another
    operator (`weights=`).
    """
    node = graph.nodes[index]
    found = cost_of(node.operator, node.x, node.y).parameters
    if node.shares < 0:
        return found
    return Parameters() if graph.nodes[node.shares].operator is node.operator else Parameters(biases=found.biases)


def _computed(field: str) -> Any:
    def part(graph: Graph, index: int) -> Dim:
        node = graph.nodes[index]
        cost = cost_of(node.operator, node.x, node.y)
        value: Dim = cost.arithmetic.macs if field == "macs" else getattr(cost, field)
        return value

    return part


def _activations(graph: Graph, index: int) -> Dim:
    """Output elements of a layer: those of its last operation."""
    node = graph.nodes[index]
    follows = index + 1 < len(graph.nodes) and graph.nodes[index + 1].layer == node.layer
    return 0 if follows else node.y.elements


_PARTS: dict[str, Any] = {
    "weights": _stored("weights"),
    "biases": _stored("biases"),
    "norm_params": _stored("norm"),
    "buffers": _stored("buffers"),
    "macs": _computed("macs"),
    "connections": _computed("connections"),
    "neurons": _computed("neurons"),
    "activations": _activations,
}
_PARTS["params"] = lambda graph, index: sum_of(
    _PARTS[part](graph, index) for part in ("weights", "biases", "norm_params")
)

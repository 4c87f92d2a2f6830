"""Costs of operations, on whole numbers and polynomials alike."""

from __future__ import annotations

from collections.abc import Hashable, Sequence, Set
from functools import lru_cache
from typing import Any

from archcalc.dims import total as sum_of
from archcalc.graph import Graph
from archcalc.ops import ONE, Arithmetic, Copies, Operator, Parameters, Shape
from archcalc.results.convention import OperationCost

OPERATIONS = tuple(name for name in Arithmetic._fields if name not in ("reason", "known"))


@lru_cache(maxsize=1 << 16)
def cost_of(operator: Operator, x: Any, y: Shape) -> OperationCost:
    """Run an operator's rules on its input and the output it infers; equal questions are answered once."""
    stored = operator.parameters(x)
    # Layers with weights, LeNet's trainable subsampling among them; norms and slopes of activations are none.
    has_units = operator.weighted or (operator.pooling and stored.weights != 0)
    row = y.channels if operator.looks_up and stored.weights != 0 else None
    one = OperationCost(
        stored,
        operator.arithmetic(x, y),
        operator.connections(x, y),
        y.elements if has_units else 0,
        y.elements,
        operator.masked(x, y),
        operator.state(x, y),
        stored.weights + stored.biases + stored.norm if row is None else row,
    )
    return one if operator.copies is ONE else _copied(one, operator.copies)


def _copied(one: OperationCost, copies: Copies) -> OperationCost:
    """What an operation costs that is stored and computed so many times."""
    stored, computed = copies
    numbers = {name: getattr(one.arithmetic, name) * computed for name in OPERATIONS}
    scaled = {name: getattr(one, name) * computed for name in OperationCost._fields[2:-1]}
    return OperationCost(
        Parameters(*[number * stored for number in one.parameters]),
        one.arithmetic._replace(**numbers),
        **scaled,
        single=one,
    )


def decided_by(graph: Graph, layer: Sequence[int]) -> Hashable:
    """What decides the numbers that a layer has at one dtype; layers of a graph of which it is equal have the same.

    Operators are interned, so that it is short to compare.
    """
    outside: dict[int, int] = {}
    found: list[Hashable] = []
    for index in layer:
        node = graph.nodes[index]
        inputs = tuple(
            other - layer[0] if other in layer else -1 - outside.setdefault(other, len(outside))
            for other in node.inputs
        )
        source = graph.nodes[node.shares] if node.shares >= 0 else None
        shared = None if source is None else (source.operator, source.x, source.y)
        found.append((node.operator, node.x, node.y, inputs, shared))
    given = [(graph.shape(other), graph.nodes[other].operator.copies if other >= 0 else ONE) for other in outside]
    return *found, *given


def active_with(graph: Graph, index: int, tied: Set[int]) -> Any:
    """Parameters of a node that work on one token: of a table that is only looked up one row.

    Args:
        graph: a network.
        index: of the node.
        tied: nodes whose weights another operator uses too, as `tied_nodes` gives them.
    """
    node = graph.node(index)
    if node.shares < 0 and index not in tied:
        return cost_of(node.operator, node.x, node.y).active_params
    return sum_of(stored_with(graph, index)[:3])


def tied_nodes(graph: Graph) -> set[int]:
    """Nodes whose weights another operator uses too (`weights=`)."""
    sharing = [node for node in graph.written if node.shares >= 0]  # no copy does
    return {node.shares for node in sharing if graph.node(node.shares).operator is not node.operator}


def stored_with(graph: Graph, index: int) -> Parameters:
    """What a node stores itself.

    That is nothing where it is an earlier node again (`share`), and biases alone where it uses the weights of another
    operator (`weights=`).
    """
    node = graph.node(index)
    found = cost_of(node.operator, node.x, node.y).parameters
    if node.shares < 0:
        return found
    return Parameters() if graph.node(node.shares).operator is node.operator else Parameters(biases=found.biases)

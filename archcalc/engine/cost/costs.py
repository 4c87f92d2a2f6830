"""Costs of operations, on whole numbers and polynomials alike."""

from __future__ import annotations

from functools import lru_cache
from typing import Any

from archcalc.graph import Graph
from archcalc.ops import Operator, Parameters, Shape
from archcalc.results.convention import OperationCost


@lru_cache(maxsize=1 << 16)
def cost_of(operator: Operator, x: Any, y: Shape) -> OperationCost:
    """Run an operator's rules on its input and the output it infers; equal questions are answered once."""
    stored = operator.parameters(x)
    # Layers with weights, LeNet's trainable subsampling among them; norms and slopes of activations are none.
    has_units = operator.weighted or (operator.pooling and stored.weights != 0)
    return OperationCost(stored, operator.arithmetic(x, y), operator.connections(x, y), y.elements if has_units else 0)


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

"""A graph of the library as a reader of models would give it: the other half of the round trip."""

from __future__ import annotations

from archcalc.graph import Graph
from archcalc.importing.calls import Call, Calls, Scope


def calls_of(graph: Graph, with_scopes: bool = False) -> Calls:
    """The calls of a graph without its heads; with names of layers as modules around them, or without any."""
    calls: list[Call] = []
    parameters: dict[str, tuple[int, ...]] = {}
    for index, node in enumerate(graph.nodes[: graph.first_head]):
        merges = node.operator.merges
        inputs = node.inputs
        weights = weights_of(graph, index, calls, parameters)
        layer = node.layer.split(".") if with_scopes else []
        scope = tuple([Scope(name, instance=hash(tuple(layer[:at]))) for at, name in enumerate(layer, 1)])
        roles = node.operator.given if merges else ()
        calls.append(Call(node.operator, inputs, node.y, scope, node.name, weights, roles))
    outputs = {"output": graph.output, **graph.outputs}
    return Calls(graph.name, dict(graph.inputs), calls, outputs, parameters)


def weights_of(graph: Graph, index: int, calls: list[Call], parameters: dict[str, tuple[int, ...]]) -> tuple[str, ...]:
    """Names of what an operation stores, one tensor of all weights and one of each other kind."""
    node = graph.nodes[index]
    owner = index
    while graph.nodes[owner].shares >= 0:
        owner = graph.nodes[owner].shares
    is_tied = owner != index and getattr(node.operator, "weights", None) is not None
    if owner != index and not is_tied:
        return calls[owner].weights
    counted = node.operator.parameters(node.x)
    stored = node.operator.copies.stored
    found = []
    if is_tied:
        found.append(calls[owner].weights[0])
    for kind in ("weights", "biases", "norm"):
        size = getattr(counted, kind) * stored
        if size:
            found.append(f"{node.name}.{kind}")
            parameters[found[-1]] = (size,)
    return tuple(found)

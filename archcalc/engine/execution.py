"""What a run of a network executes and moves: with the backward pass, where it is for training."""

from __future__ import annotations

from typing import NamedTuple

from archcalc.engine.cost.analyze import total
from archcalc.engine.cost.costs import cost_of
from archcalc.engine.cost.experts import parameters_read
from archcalc.engine.cost.order import elements
from archcalc.graph import Graph, Node

# They give what they were given, under another shape; dropout does so at inference alone.
_RENAMES = frozenset({"flatten"})
_DROPS = frozenset({"dropout", "spatial_dropout", "alpha_dropout", "drop_path"})


class Execution(NamedTuple):
    """What one operation does in a run, for a whole batch."""

    macs: int
    bytes_moved: int


def executions(graph: Graph, batch: int, bits: int, training: bool) -> list[Execution]:
    """What each operation executes and moves, heads left out.

    Every operation is one of its own, as frameworks run them: it reads its inputs and parameters once, and writes its
    output once. Backward, it reads the gradient of its output, its inputs and its parameters, and writes the gradients
    of its inputs and parameters; each of the two kinds of gradients takes the multiply-accumulates of the forward
    pass. What depends on no parameter has no gradient, the network's input above all, nor has what is frozen.
    """
    trained = _trained(graph)
    found = []
    for node, has_gradient in zip(graph.nodes[: graph.first_head], trained, strict=False):
        if node.operator.name in _RENAMES or (node.operator.name in _DROPS and not training):
            found.append(Execution(0, 0))
            continue
        cost = cost_of(node.operator, node.x, node.y)
        macs = int(cost.arithmetic.macs) * batch
        params, buffers = _params(node), int(cost.parameters.buffers)
        read = batch * sum(elements(graph.shape(source)) for source in node.inputs)
        written = batch * elements(node.y)
        moved, passes = read + parameters_read(node, params, batch) + buffers + written, 1
        if training and has_gradient:
            gradients = batch * sum(elements(graph.shape(source)) for source in node.inputs if trained[source])
            updated = params if node.operator.trainable else 0
            moved += written + read + params + gradients + updated
            passes += (updated > 0) + (gradients > 0)
        found.append(Execution(macs * passes, -(-moved * bits // 8)))
    return found


def least_memory(graph: Graph, batch: int, bits: int, training: bool) -> int:
    """Bytes below which no run goes.

    The parameters and the activations alive at once; in training the gradients of the parameters too, and the inputs
    of all operations with parameters, which the backward pass reads again.
    """
    totals = total(graph, batch, with_heads=False)
    if not training:
        return (totals.params + totals.peak_activations) * bits // 8
    kept = {source for node in graph.nodes[: graph.first_head] if _params(node) for source in node.inputs}
    stored = totals.params + totals.trainable_params
    return (stored + batch * sum(elements(graph.shape(source)) for source in kept)) * bits // 8


def _trained(graph: Graph) -> list[bool]:
    """Which outputs depend on a parameter, so that a gradient reaches them; the last are the inputs."""
    found = [False] * (len(graph.nodes) + len(graph.inputs))
    for index, node in enumerate(graph.nodes):
        is_updated = node.operator.trainable and _params(node) > 0
        found[index] = is_updated or any(found[source] for source in node.inputs)
    return found


def _params(node: Node) -> int:
    stored = cost_of(node.operator, node.x, node.y).parameters
    return int(stored.weights + stored.biases + stored.norm)

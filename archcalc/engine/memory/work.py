"""Work of a step of training: multiply-accumulate pairs of each layer, forward, backward and again.

Each of the two gradients of a layer takes as many pairs as its forward pass: that of its input, and that of its
weights. There is none of an input that no gradient is wanted of, such as the network's, and none of weights that are
frozen. A product of two inputs, as in attention, has a gradient for each, which together take twice the forward pass.
"""

from __future__ import annotations

from typing import Any

from archcalc.engine.cost.costs import cost_of
from archcalc.engine.memory.gradients import Trained
from archcalc.engine.memory.segments import segments_of
from archcalc.engine.memory.tensors import Tensors
from archcalc.graph import Graph
from archcalc.ops import KEPT_BITS
from archcalc.results.memory import Recompute, Work
from archcalc.results.notation import notation


def work_of(graph: Graph, tensors: Tensors, trained: Trained, recompute: Recompute) -> tuple[Work, ...]:
    """Of every layer.

    Args:
        graph: a network; heads are left out.
        tensors: its storages, for training.
        trained: what is trained of it.
        recompute: what is computed again.
    """
    again = {index for each in segments_of(graph, recompute) for index in range(each.first, each.last + 1)}
    kept_already: set[int] = set()
    found = []
    for name, indices in graph.layers(with_heads=False):
        macs = backward = recomputed = saved = grouped = 0
        for index in indices:
            forward, own = _macs(graph, index, tensors.times[index], trained)
            macs += forward
            backward += own
            recomputed += forward if index in again else 0
            saved += _saved_bytes(graph, index, tensors, trained, kept_already)
            weighs = trained.params[index] > 0
            grouped += forward * (_groups(graph, index) - 1) if weighs else 0
        first = graph.nodes[indices[0]]
        found.append(Work(name, notation(first.operator), macs, backward, recomputed, saved, grouped))
    return tuple(found)


def _macs(graph: Graph, index: int, times: int, trained: Trained) -> tuple[int, int]:
    """Of the forward pass with the matrices of LoRA, and of its gradients."""
    node = graph.nodes[index]
    cost: Any = cost_of(node.operator, node.x, node.y)
    forward = int(cost.arithmetic.macs) * times
    low_rank = 0
    if trained.low_rank[index]:
        positions: Any = node.y.positions
        low_rank = trained.low_rank[index] * trained.rank * int(positions) * times
    if not trained.reached[index]:
        return forward, 0
    has_weights = trained.params[index] > 0 or (node.shares >= 0 and trained.params[node.shares] > 0)
    reached = [read for read in node.inputs if trained.reached[read]]
    is_product = node.operator.roles is not None and not has_weights
    if is_product:  # of pairs of inputs, queries with keys and weights with values
        return forward + low_rank, 2 * forward if reached else 0
    passes = (1 if has_weights else 0) + (1 if reached else 0)
    gradients = forward * passes - (_of_first_states(node) * times if reached else 0)
    return forward + low_rank, gradients + low_rank * (1 + (1 if reached else 0))


def _of_first_states(node: Any) -> int:
    """Of the states that a recurrent layer begins with no gradient is wanted, where they are zeros: pairs of that."""
    gates = {"lstm": 4, "gru": 3, "rnn": 1}.get(node.operator.name)
    if gates is None:
        return 0
    values = node.operator.values()
    if values["initial"] is not None:
        return 0
    ways = 2 if values["bidirectional"] else 1
    return int(gates * values["hidden"] ** 2 * values["layers"] * ways)


def _groups(graph: Graph, index: int) -> int:
    """How many times too often FlopCounterMode of torch 2.14 counts the gradient of a convolution's weights."""
    node = graph.nodes[index]
    operator: Any = node.operator
    if operator.name == "depthwise":
        return int(node.x.channels)
    if operator.name not in ("conv", "deconv"):
        return 1
    table = getattr(operator, "table", None)  # a convolution of as many groups as pairs of maps
    return int(operator.groups) if table is None else int(table.connected)


def _saved_bytes(graph: Graph, index: int, tensors: Tensors, trained: Trained, kept: set[int]) -> int:
    """Bytes that an operation is the first to keep, and that it makes."""
    node, saved = graph.nodes[index], trained.saved[index]
    storages = [tensors.of[node.inputs[place]] for place in saved.inputs]
    storages += [tensors.of[index]] if saved.output else []
    found = 0
    for number in storages:
        if number not in kept:
            kept.add(number)
            found += tensors.sizes[number]
    copies: Any = node.operator.copies.computed
    for each in saved.made:
        times = 1 if each.shared else tensors.times[index]
        bits = KEPT_BITS.get(each.what, tensors.bits)
        found += -(-int(each.elements) * int(copies) * times * bits // 8)
    return found

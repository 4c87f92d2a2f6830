"""Which gradients there are: what depends on a parameter that is trained, and how gradients pass through operations."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from typing import Any, NamedTuple

from archcalc.engine.cost.costs import cost_of, stored_with
from archcalc.graph import Graph
from archcalc.ops import Saved

NOTHING = Saved()
# The gradient of their output is that of each input, or a part of it: torch passes on the same memory.
PASSES = frozenset({"add", "concat", "join", "position_embedding", "flatten", "to_sequence", "to_image", "transpose"})
LORA_KINDS = frozenset({"linear", "conv"})


class Trained(NamedTuple):
    """Of each node: its own parameters that are updated, whether a gradient reaches what it gives, what it keeps."""

    params: list[int]
    reached: list[bool]  # the last places are the inputs
    saved: list[Saved]
    low_rank: list[int]  # channels of the matrices that LoRA adds in and out together, 0: none
    rank: int


def is_frozen(layer: str, patterns: Collection[str]) -> bool:
    """Whether a pattern names a layer, or a path that it lies in; `*` stands for anything."""
    from fnmatch import fnmatchcase

    parts = layer.split(".")
    paths = [".".join(parts[: number + 1]) for number in range(len(parts))]
    return any(fnmatchcase(path, pattern) for pattern in patterns for path in paths)


def trained_of(graph: Graph, frozen: Sequence[str] = (), lora: int = 0, adapted: Sequence[str] = ()) -> Trained:
    """What is trained of a graph, heads left out.

    Args:
        graph: a network.
        frozen: patterns of layers that are not.
        lora: rank of the two matrices beside each linear layer and convolution; all else is frozen. 0: none.
        adapted: patterns of the layers that have them; all, where there are none.
    """
    nodes = graph.nodes[: graph.first_head]
    count = len(nodes)
    result = Trained([0] * count, [False] * (count + len(graph.inputs)), [NOTHING] * count, [0] * count, lora)
    params, reached = result.params, result.reached
    rules: dict[tuple[int, int, int], tuple[int, Saved]] = {}  # by identity: nodes share their operators and shapes
    for index, node in enumerate(nodes):
        operator, reads, shares = node.operator, node.inputs, node.shares
        key = id(operator), id(node.x), id(node.y)
        known = rules.get(key)
        if known is None:
            stored: Any = cost_of(operator, node.x, node.y).parameters
            own = stored.weights + stored.biases + stored.norm if operator.trainable else 0
            saved = NOTHING if getattr(operator, "p", 1) == 0 else operator.saved(node.x, node.y)
            known = rules[key] = own, saved
        own, saved = known
        if shares >= 0:
            own = sum(stored_with(graph, index)[:3]) if operator.trainable else 0
        if lora:
            own = 0
            if _takes_lora(node, adapted):
                channels: Any = node.x.channels // operator.values().get("groups", 1) * _taps(node) + node.y.channels
                result.low_rank[index] = int(channels)
        elif own and frozen and is_frozen(node.layer, frozen):
            own = 0
        params[index] = own
        weighs = own > 0 or (shares >= 0 and params[shares] > 0) or result.low_rank[index] > 0
        is_reached = weighs
        for read in reads:
            is_reached = is_reached or reached[read]
        if is_reached:
            reached[index] = True
            result.saved[index] = saved if weighs or not saved.for_weights else saved._replace(inputs=())
    return result


def _takes_lora(node: Any, adapted: Sequence[str]) -> bool:
    if node.operator.name not in LORA_KINDS or node.shares >= 0:
        return False
    return not adapted or is_frozen(node.layer, adapted)


def _taps(node: Any) -> Any:
    """Taps of a convolution's kernel, which the first of the two matrices has too; 1 of a linear layer."""
    if node.operator.name != "conv":
        return 1
    kernel = node.operator.values()["kernel"]
    taps = 1
    for extent in kernel if isinstance(kernel, tuple) else (kernel,) * node.x.rank:
        taps *= extent
    return taps

"""What each operation of a run computes and moves, alone or fused with what stands before it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from archcalc.engine.cost.costs import cost_of
from archcalc.engine.cost.experts import parameters_read
from archcalc.engine.cost.kinds import is_view, kinds
from archcalc.engine.cost.order import elements
from archcalc.engine.cost.quantities import OPERATIONS
from archcalc.graph import Graph, Node
from archcalc.results.time import Work

FUSE = {
    "none": "every operation runs alone: it reads its inputs and parameters once and writes its output once",
    "pointwise": "what works on single elements (norms by stored statistics, activations, scales, sums and products of "
    "maps) runs where the last of its inputs is made, if nothing else reads that",
}
"""What runs together, in words."""

# Of these one element of the output needs one of each input, and parameters of its channel.
_ELEMENTWISE = kinds(
    *("batch_norm", "channel_scale", "scale", "add", "mul", "sub", "mean", "rotary"),
    *("gelu", "prelu"),
)


def is_elementwise(node: Node) -> bool:
    """Whether one element of what it gives needs one element of each input."""
    return node.operator.family == "pointwise" or node.operator.name in _ELEMENTWISE


def work_of(graph: Graph, batch: int, bits: int, repeated: Sequence[bool] | None = None) -> list[Work]:
    """What each operation does in a forward pass, heads left out; a view does nothing.

    A cache writes what is new; who reads it reads all of it. Of a table that is looked up its rows are read, of
    experts those that the tokens are expected to use.

    Args:
        graph: a network.
        batch: examples at once.
        bits: of an activation and of a parameter.
        repeated: of a step, which operations it repeats; the others do nothing in it.
    """
    return [
        _work(graph, index, batch, bits) if repeated is None or repeated[index] else Work()
        for index in range(graph.first_head)
    ]


def _work(graph: Graph, index: int, batch: int, bits: int) -> Work:
    node = graph.nodes[index]
    if is_view(node.operator):
        return Work()
    cost = cost_of(node.operator, node.x, node.y)
    arithmetic, stored = cost.arithmetic, cost.parameters
    given: Any = stored.weights + stored.biases + stored.norm
    parameters = parameters_read(node, given, batch) + int(stored.buffers)
    sources = list(dict.fromkeys(node.inputs))
    taken = batch * sum(elements(graph.shape(source)) for source in sources)
    made = batch * elements(node.y) * int(node.operator.copies.computed)
    if node.operator.looks_up:
        taken = 0 if not sources else batch * elements(graph.shape(sources[0]))
    if node.operator.keeps:
        made = taken
    return Work(
        int(arithmetic.macs) * batch,
        sum(int(getattr(arithmetic, name)) for name in OPERATIONS) * batch,
        -(-(taken + parameters) * bits // 8),
        -(-made * bits // 8),
    )


def groups_of(graph: Graph, fuse: str) -> list[list[int]]:
    """Operations that run as one, in the order of the last of each.

    Raises:
        KeyError: no rule of that name.
    """
    last = graph.first_head
    if fuse not in FUSE:
        raise KeyError(fuse)
    if fuse == "none":
        return [[index] for index in range(last)]
    readers = [0] * last
    for node in graph.nodes[:last]:
        for source in {*node.inputs}:
            if source >= 0:
                readers[source] += 1
    given = {graph.output, *graph.outputs.values()}
    found: dict[int, list[int]] = {}  # by its last member
    for index, node in enumerate(graph.nodes[:last]):
        before = max(node.inputs, default=-1)
        joins = before in found and readers[before] == 1 and before not in given
        if joins and (is_elementwise(node) or is_view(node.operator)):
            found[index] = [*found.pop(before), index]
        else:
            found[index] = [index]
    return [found[index] for index in sorted(found)]


def fused(graph: Graph, group: Sequence[int], work: Sequence[Work], batch: int, bits: int) -> Work:
    """The work of operations that run as one: what passes between them does not move."""
    if len(group) == 1:
        return work[group[0]]
    inside = {*group}
    read = 0
    for index in group:
        own = work[index]
        between = {source for source in graph.nodes[index].inputs if source in inside}
        read += max(
            own.read_bytes - sum(-(-batch * elements(graph.shape(source)) * bits // 8) for source in between), 0
        )
    moved = [index for index in group if not is_view(graph.nodes[index].operator)]
    written = work[moved[-1]].write_bytes if moved else 0
    return Work(sum(work[index].macs for index in group), sum(work[index].elementary for index in group), read, written)


def stands_for(group: Sequence[int], work: Sequence[Work]) -> int:
    """The operation under which those that run as one are told: that with most work, of equal ones the last."""
    return max(group, key=lambda index: (work[index].macs, work[index].elementary, index))

"""Memory of a forward pass alone: the peak under each rule, a bound that no order goes below, and a plan."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import accumulate
from typing import Any, TypeAlias

from archcalc.engine.memory.tensors import Tensors
from archcalc.graph import Graph
from archcalc.ops import KEPT_BITS
from archcalc.results.memory import Alive, Arena, Peak, What

ALIGNMENT = 64  # bytes
MOST_PLANNED = 50_000  # tensors
INPUT = "input"


Life: TypeAlias = "tuple[Any, int, int, What, str]"
"""A tensor: bytes, the steps from the one that makes it to the last that needs it, what it is, of which layer."""


def lives(graph: Graph, tensors: Tensors, held: bool) -> list[Life]:
    """When each storage is there; the caller holds inputs and gets outputs.

    Args:
        graph: a network.
        tensors: its storages.
        held: a block's input is held while the block runs, as Python holds the arguments of a call.
    """
    count = graph.first_head
    ends = _ends(graph) if held else {}
    outputs = {tensors.of[index] for index in (graph.output, *graph.outputs.values())}
    found = []
    for number, size in enumerate(tensors.sizes):
        maker, readers = tensors.maker[number], tensors.readers[number]
        if size == 0:
            continue
        last = readers[-1] if readers else maker
        if number in outputs or maker < 0:
            last = count
        elif held:
            last = max([last, *(_held_until(graph, ends, maker, reader) for reader in readers)])
        what, layer = (What.INPUT, INPUT) if maker < 0 else (What.OUTPUT, graph.nodes[maker].layer)
        found.append((size, max(maker, 0), last, what, layer))
    return found + _transients(graph, tensors)


def _transients(graph: Graph, tensors: Tensors) -> list[Life]:
    """What operations make and free again: indices of max pooling, which torch makes without a backward pass too."""
    found = []
    for index, node in enumerate(graph.nodes[: graph.first_head]):
        if not node.operator.pooling:
            continue
        for kept in node.operator.saved(node.x, node.y).made:
            if kept.what == "indices":
                size = kept.elements * tensors.batch * (KEPT_BITS["indices"] // 8)
                found.append((size, index, index, What.TRANSIENT, node.layer))
    return found


def _ends(graph: Graph) -> dict[str, int]:
    """The last node under each path."""
    found: dict[str, int] = {}
    for index in range(graph.first_head):
        layer = graph.nodes[index].layer
        found[layer] = index
        place = layer.rfind(".")
        while place > 0:
            found[layer[:place]] = index
            place = layer.rfind(".", 0, place)
    return found


def _held_until(graph: Graph, ends: dict[str, int], maker: int, reader: int) -> int:
    """The end of the outermost block that a reader lies in and the maker does not; a layer is no block."""
    ours, theirs = graph.nodes[reader].layer.split("."), graph.nodes[maker].layer.split(".")
    shared = 0
    while shared < min(len(ours), len(theirs)) - 1 and ours[shared] == theirs[shared]:
        shared += 1
    return ends[".".join(ours[: shared + 1])] if shared + 1 < len(ours) else reader


def peak_of(graph: Graph, found: Sequence[Life]) -> Peak:
    """The step with most bytes, and what is alive there."""
    steps = graph.first_head + 1
    change = [0] * (steps + 1)
    for size, first, last, _, _ in found:
        change[first] += size
        change[last + 1 if last < steps else steps] -= size
    alive = list(accumulate(change[:steps]))
    most = max(alive)
    at = alive.index(most)
    there = tuple([Alive(what, layer, size) for size, first, last, what, layer in found if first <= at <= last])
    layer = graph.nodes[at].layer if at < graph.first_head else INPUT
    return Peak(most, layer, "forward", there)


def lower_bound(graph: Graph, tensors: Tensors) -> int:
    """The most that any one operation reads and writes: it is there in every order of execution."""
    most = 0
    for index in range(graph.first_head):
        storages = {tensors.of[index], *(tensors.of[read] for read in graph.nodes[index].inputs)}
        most = max(most, sum([tensors.sizes[number] for number in storages]))
    return most


def arena(graph: Graph, found: Sequence[Life]) -> Arena | None:
    """A place for every tensor: the largest first, at the lowest offset that is free for all its life.

    None where there are too many. `Pisarchyk and Lee 2020, section 5.2 (greedy by size)`; without the optimum, which
    is hard to find.
    """
    if len(found) > MOST_PLANNED:
        return None
    rounded: list[Life] = [(-(-size // ALIGNMENT) * ALIGNMENT, *rest) for size, *rest in found]
    steps = graph.first_head + 1
    at_step: list[list[int]] = [[] for _ in range(steps)]  # places of what is planned, by step
    offsets: dict[int, int] = {}
    whole = 0
    for number in sorted(range(len(rounded)), key=lambda number: (-rounded[number][0], rounded[number][1])):
        size, first, last, _, _ = rounded[number]
        alive = range(first, min(last, steps - 1) + 1)
        around = {other for step in alive for other in at_step[step]}
        taken = sorted([(offsets[other], offsets[other] + rounded[other][0]) for other in around])
        offset = 0
        for start, end in taken:
            if start - offset >= size:
                break
            offset = max(offset, end)
        offsets[number] = offset
        whole = max(whole, offset + size)
        for step in alive:
            at_step[step].append(number)
    return Arena(whole, peak_of(graph, rounded).size_bytes, len(rounded))


def largest_convolution(graph: Graph, tensors: Tensors) -> int:
    """Bytes of the largest output of a convolution: what a library may need to bring it into another layout."""
    kinds = ("conv", "depthwise", "deconv", "patch_embedding")
    sizes = [
        tensors.given[index]
        for index, node in enumerate(graph.nodes[: graph.first_head])
        if node.operator.name in kinds
    ]
    return max(sizes, default=0)

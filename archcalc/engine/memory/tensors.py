"""Tensors of a graph: which operations give memory of their own, and which that of their input.

Views share the memory of what they view; an activation within reach of torch's `inplace=True` writes over its input
where nothing else reads that. What a `cache` gives stands in the cache, trained and fixed values in the parameters.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from archcalc.engine.cost.analyze import elements
from archcalc.graph import Graph, Node

TOKEN_BITS = 64  # torch.int64


@dataclass(slots=True)
class Tensors:
    """Storages of a graph by number; nodes and inputs (-1, -2, ...) by which of them they give."""

    of: list[int]  # the last places are the inputs
    sizes: list[int]  # bytes, of a batch
    maker: list[int]  # the node that gives it first, or the index of the input
    readers: list[list[int]]  # nodes, in order
    bits: int
    batch: int
    times: list[int]  # for each node: the batch, or 1 where it depends on no input

    def given(self, node: Node, index: int) -> int:
        """Bytes of what a node gives, views too: for each expert that is computed."""
        copies: Any = node.operator.copies.computed
        return -(-elements(node.y) * int(copies) * self.times[index] * self.bits // 8)


def storages_of(graph: Graph, training: bool) -> list[int]:
    """The node whose memory each node gives, its own or an earlier one's; the last places are the inputs.

    Heads are left out: their nodes have their own.
    """
    nodes, count = graph.nodes, len(graph.nodes)
    readers: list[list[int]] = [[] for _ in range(count + len(graph.inputs))]
    for index, node in enumerate(nodes[: graph.first_head]):
        for read in node.inputs:
            readers[read].append(index)
    kept = {graph.output, *graph.outputs.values()}
    found = [*range(count), *range(-len(graph.inputs), 0)]
    for index, node in enumerate(nodes[: graph.first_head]):
        operator = node.operator
        if len(node.inputs) == 1 and (
            operator.views
            or (operator.keeps and node.y == node.x)
            or _writes_over(nodes, index, readers, kept, training)
        ):
            found[index] = found[node.inputs[0]]
    return found


def tensors_of(graph: Graph, batch: int, bits: int, training: bool = False) -> Tensors:
    """Which storage each node gives.

    Args:
        graph: a network; heads are left out.
        batch: examples at once.
        bits: of an element.
        training: what the backward pass needs is not written over.
    """
    nodes = graph.nodes[: graph.first_head]
    count, inputs = len(nodes), len(graph.inputs)
    owners = storages_of(graph, training)
    found = Tensors([0] * (count + inputs), [], [], [], bits, batch, [])
    for node in nodes:
        depends = any(read < 0 or found.times[read] == batch for read in node.inputs)
        found.times.append(batch if depends else 1)
    for number, shape in enumerate(graph.inputs.values(), 1):
        found.of[-number] = len(found.sizes)
        found.sizes.append(elements(shape) * batch * (TOKEN_BITS if shape.channels is None else bits) // 8)
        found.maker.append(-number)
        found.readers.append([])
    for index, node in enumerate(nodes):
        for read in node.inputs:
            found.readers[found.of[read]].append(index)
        if owners[index] != index:
            found.of[index] = found.of[owners[index]]
            continue
        is_stored = node.operator.keeps or (node.operator.sources and not node.inputs)
        found.of[index] = len(found.sizes)
        found.sizes.append(0 if is_stored else found.given(node, index))
        found.maker.append(index)
        found.readers.append([])
    return found


def _writes_over(nodes: list[Node], index: int, readers: list[list[int]], kept: set[int], training: bool) -> bool:
    """Whether an operation may write what it gives over its input."""
    node = nodes[index]
    read = node.inputs[0]
    if not node.operator.in_place or read < 0 or len(readers[read]) != 1 or read in kept:
        return False
    before = nodes[read]
    if before.operator.views or before.y != node.y or before.operator.copies != node.operator.copies:
        return False
    if not training:
        return True
    saved = node.operator.saved(node.x, node.y)
    return not saved.inputs and not before.operator.saved(before.x, before.y).output

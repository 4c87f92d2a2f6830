"""Tensors of a graph: which operations give memory of their own, and which that of their input.

Views share the memory of what they view; an activation within reach of torch's `inplace=True` writes over its input
where nothing else reads that. What a `cache` gives stands in the cache, trained and fixed values in the parameters.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from archcalc.dims import Dim, ceil_div
from archcalc.graph import Graph, Node

TOKEN_BITS = 64  # torch.int64


@dataclass(slots=True)
class Tensors:
    """Storages of a graph by number; nodes and inputs (-1, -2, ...) by which of them they give."""

    of: list[int]  # the last places are the inputs
    sizes: list[Any]  # bytes, of a batch: whole numbers, or polynomials where something is left open
    maker: list[int]  # the node that gives it first, or the index of the input
    readers: list[list[int]]  # nodes, in order
    bits: int
    batch: Any
    times: list[Any]  # for each node: the batch, or 1 where it depends on no input
    given: list[Any]  # for each node: bytes of what it gives, views too, for each expert that is computed


def storages_of(graph: Graph, training: bool) -> list[int]:
    """The node whose memory each node gives, its own or an earlier one's; the last places are the inputs.

    Heads are left out: their nodes have their own.
    """
    nodes, count = graph.nodes, len(graph.nodes)
    last, inputs = graph.first_head, len(graph.inputs)
    readers = [0] * (count + inputs)
    for node in nodes[:last]:
        for read in node.inputs:
            readers[read] += 1
    kept = {graph.output, *graph.outputs.values()}
    found = [*range(count), *range(-inputs, 0)]
    for index, (_, _, operator, reads, x, y, _, _) in enumerate(nodes[:last]):
        if len(reads) == 1 and (
            operator.views
            or (operator.in_place and _writes_over(nodes, index, readers, kept, training))
            or (operator.keeps and y == x)
        ):
            found[index] = found[reads[0]]
    return found


def tensors_of(graph: Graph, batch: Dim, bits: int, training: bool = False) -> Tensors:
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
    of = [0] * (count + inputs)
    sizes: list[Any] = []
    maker: list[int] = []
    readers: list[list[int]] = []
    for number, shape in enumerate(graph.inputs.values(), 1):
        of[-number] = len(sizes)
        sizes.append(in_bytes(shape.elements * batch, TOKEN_BITS if shape.channels is None else bits))
        maker.append(-number)
        readers.append([])
    depends = [False] * count + [True] * inputs
    times: list[Any] = []
    given: list[Any] = []
    known: dict[tuple[int, int, bool], Any] = {}  # by identity: nodes share their shapes
    for index, (_, _, operator, reads, _, y, _, _) in enumerate(nodes):
        is_of_input = False
        for read in reads:
            readers[of[read]].append(index)
            is_of_input = is_of_input or depends[read]
        depends[index] = is_of_input
        each = batch if is_of_input else 1
        times.append(each)
        key = id(y), id(operator.copies), is_of_input
        size = known.get(key)
        if size is None:
            size = known[key] = in_bytes(y.elements * operator.copies.computed * each, bits)
        given.append(size)
        if owners[index] != index:
            of[index] = of[owners[index]]
            continue
        of[index] = len(sizes)
        sizes.append(0 if operator.keeps or (operator.sources and not reads) else size)
        maker.append(index)
        readers.append([])
    return Tensors(of, sizes, maker, readers, bits, batch, times, given)


def in_bytes(elements: Dim, bits: int) -> Any:
    """Bytes of so many elements, rounded up."""
    return elements * (bits // 8) if bits % 8 == 0 else ceil_div(elements * bits, 8)


def _writes_over(nodes: list[Node], index: int, readers: list[int], kept: set[int], training: bool) -> bool:
    """Whether an operation that can may write what it gives over its input."""
    node = nodes[index]
    read = node.inputs[0]
    if read < 0 or readers[read] != 1 or read in kept:
        return False
    before = nodes[read]
    if before.operator.views or before.y != node.y or before.operator.copies != node.operator.copies:
        return False
    if not training:
        return True
    saved = node.operator.saved(node.x, node.y)
    return not saved.inputs and not before.operator.saved(before.x, before.y).output

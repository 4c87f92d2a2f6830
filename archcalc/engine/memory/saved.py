"""What training keeps for the backward pass as a quantity that adds up: on whole numbers and polynomials alike."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from archcalc.dims import Dim
from archcalc.engine.cost.costs import stored_with
from archcalc.engine.memory.tensors import storages_of
from archcalc.graph import Graph
from archcalc.ops import KEPT_BITS

BYTES = 4  # of an activation, at fp32


def saved_parts(graph: Graph, within: Iterable[int]) -> Iterator[Dim]:
    """Bytes of one example at fp32 that each of some operations is the first to keep, and makes for its backward pass.

    Inputs and outputs of the network are left out, which the caller holds, and what is there once for all examples:
    statistics of batch norms. So are heads.
    """
    storages = storages_of(graph, training=True)
    nodes = graph.nodes
    held = {storages[index] for index in (graph.output, *graph.outputs.values(), *range(-len(graph.inputs), 0))}
    reached = _reached(graph)
    for index in within:
        node = nodes[index]
        found: Dim = 0
        if index < graph.first_head and reached[index] and getattr(node.operator, "p", 1) != 0:
            saved = node.operator.saved(node.x, node.y)
            weighs = node.operator.trainable or not saved.for_weights
            copies = node.operator.copies.computed
            kept = [node.inputs[place] for place in saved.inputs] if weighs else []
            kept += [index] if saved.output else []
            for read in kept:
                if storages[read] not in held:
                    held.add(storages[read])
                    maker = storages[read]
                    found += BYTES * nodes[maker].y.elements * nodes[maker].operator.copies.computed
            for each in saved.made:
                if not each.shared:
                    found += KEPT_BITS.get(each.what, 8 * BYTES) // 8 * each.elements * copies
        yield found


def _reached(graph: Graph) -> list[bool]:
    """Whether a gradient reaches what a node gives; the last places are the inputs."""
    found = [False] * (len(graph.nodes) + len(graph.inputs))
    for index, node in enumerate(graph.nodes):
        has_own = node.operator.trainable and (
            node.shares >= 0 or any(part != 0 for part in stored_with(graph, index)[:3])
        )
        found[index] = has_own or any(found[read] for read in node.inputs)
    return found

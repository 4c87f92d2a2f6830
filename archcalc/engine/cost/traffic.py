"""What a layer reads and writes, were it executed alone: on whole numbers and polynomials alike."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from itertools import groupby
from typing import Any

from archcalc.dims import Dim, ceil_div
from archcalc.dims import total as sum_of
from archcalc.engine.cost.costs import cost_of, stored_with
from archcalc.engine.cost.experts import ASSUMPTION, parameters_read
from archcalc.engine.cost.kinds import is_view
from archcalc.engine.cost.storage import stored_of_nodes
from archcalc.graph import Graph
from archcalc.results.cost import DTYPES, LayerCost, NetworkCost
from archcalc.results.phase import WHOLE, Phase
from archcalc.results.storage import Storage
from archcalc.source import SpecError

TRAFFIC = ("read_bytes", "write_bytes")
INTENSITY = "intensity"
COLUMNS = (*TRAFFIC, INTENSITY)
RULE = (
    "read_bytes: what a layer takes from other layers, each once, and its parameters; write_bytes: what it gives, a "
    "cache what is new; its operations work in place, views move nothing, buffers are left out, activations are at the "
    "dtype and parameters as stored; of a table that is looked up its rows, of experts those that are expected to be "
    f"used ({ASSUMPTION})"
)
"""How bytes are counted, in words."""


def traffic(cost: NetworkCost, rows: Sequence[LayerCost]) -> list[tuple[int, int]]:
    """Bytes read and written for each row; of a row of several layers their sums."""
    return [_of_row(cost, row) for row in rows]


def intensity(cost: NetworkCost, row: LayerCost, moved: tuple[int, int]) -> float | None:
    """FLOPs of a row for each byte that it reads or writes, under the cost's convention.

    None where nothing moves, or where it is not known how much does: then neither is a bound of the quotient.
    """
    return row.flops / sum(moved) if sum(moved) and TRAFFIC[0] not in row.lower_bounds else None


def total_intensity(cost: NetworkCost, moved: tuple[int, int]) -> float | None:
    """The same of a whole network."""
    return cost.totals.flops / sum(moved) if sum(moved) and not cost.is_lower_bound(TRAFFIC[0]) else None


def total_traffic(
    graph: Graph, batch: Dim, dtype: str, storage: Storage, within: Sequence[int], phase: Phase = WHOLE
) -> tuple[Dim, Dim]:
    """Bytes that layers of a graph read and write together.

    Args:
        graph: a network.
        batch: examples at once.
        dtype: of activations.
        storage: how layers are stored.
        within: the operations that count.
        phase: what a step of it repeats.

    Raises:
        SpecError: the experts that so many tokens use have no closed form.
    """
    moved = list(_layers(graph, within, batch, DTYPES[dtype], storage, phase))
    return sum_of([read for read, _ in moved]), sum_of([written for _, written in moved])


def traffic_forms(cost: NetworkCost, graph: Graph, batch: Dim, layers: Iterable[LayerCost]) -> dict[str, list[Dim]]:
    """Bytes that layers read and write each, sizes of the graph being left open; nothing where there is no form."""
    try:
        moved = [total_traffic(graph, batch, cost.dtype, cost.storage, of.nodes, cost.phase) for of in layers]
    except SpecError:  # of experts
        return {}
    return {name: [of[place] for of in moved] for place, name in enumerate(TRAFFIC)}


def _of_row(cost: NetworkCost, row: LayerCost) -> tuple[int, int]:
    moved: Any = list(_layers(cost.graph, row.nodes, cost.batch, DTYPES[cost.dtype], cost.storage, cost.phase))
    return sum(read for read, _ in moved), sum(written for _, written in moved)


def _layers(
    graph: Graph, indices: Sequence[int], batch: Dim, bits: int, storage: Storage, phase: Phase
) -> Iterator[tuple[Dim, Dim]]:
    """Of each layer, or part of one, bytes read and written."""
    once = phase.steps if phase.in_step else None
    for _, members in groupby(indices, key=lambda index: graph.nodes[index].layer):
        layer = list(members)
        if once is not None and not once.repeated[layer[0]]:
            yield 0, 0
            continue
        read, written = _layer(graph, layer, batch, bits, storage)
        yield ceil_div(read, 8), ceil_div(written, 8)


def _layer(graph: Graph, layer: Sequence[int], batch: Dim, bits: int, storage: Storage) -> tuple[Dim, Dim]:
    """Bits that a layer reads and writes."""
    nodes = [graph.nodes[index] for index in layer]
    if all(is_view(node.operator) for node in nodes):
        return 0, 0
    inside = {*layer}
    taken = dict.fromkeys(source for node in nodes for source in node.inputs if source not in inside)
    given = sum_of([_given(graph, source) for source in taken]) * batch * bits
    is_kept = nodes[-1].operator.keeps
    read: Dim = given + stored_of_nodes(storage, graph, layer)[1]
    for index, node in zip(layer, nodes, strict=True):
        own: Any = sum_of(stored_with(graph, index)[:3])
        unread: Any = own - parameters_read(node, own, batch)
        read -= storage.of(node.layer).unread_bits(unread)
        if node.shares >= 0:  # weights that are stored with another layer are read here again
            source = graph.nodes[node.shares]
            stored: Any = cost_of(source.operator, source.x, source.y).parameters
            others = stored.biases + stored.norm if source.operator is node.operator else 0
            read += storage.of(node.layer).stored_bits(stored.weights, others)
    return read, given if is_kept else _given(graph, layer[-1]) * batch * bits


def _given(graph: Graph, index: int) -> Dim:
    """Elements that an operation gives, those of each expert that is computed; or that an input holds."""
    times = graph.nodes[index].operator.copies.computed if index >= 0 else 1
    return graph.shape(index).elements * times

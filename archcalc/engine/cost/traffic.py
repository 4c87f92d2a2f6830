"""What a layer reads and writes, were it executed alone."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import groupby
from typing import Any

from archcalc.engine.cost.analyze import elements
from archcalc.engine.cost.costs import cost_of, stored_with
from archcalc.engine.cost.experts import ASSUMPTION, parameters_read
from archcalc.graph import Graph
from archcalc.results.cost import DTYPES, LayerCost, NetworkCost

RULE = (
    "read_bytes: what a layer takes from other layers, each once, and its parameters; write_bytes: what it gives; "
    "its operations work in place, buffers are left out, activations are at the dtype and parameters as stored; of a "
    f"table that is looked up its rows, of experts those that are expected to be used ({ASSUMPTION})"
)
"""How bytes are counted, in words."""


def traffic(cost: NetworkCost, rows: Sequence[LayerCost]) -> list[tuple[int, int]]:
    """Bytes read and written for each row; of a row of several layers their sums."""
    return [_of_row(cost, row) for row in rows]


def _of_row(cost: NetworkCost, row: LayerCost) -> tuple[int, int]:
    graph, bits = cost.graph, DTYPES[cost.dtype]
    read, written = row.stored_bits, 0
    for _, members in groupby(row.nodes, key=lambda index: graph.nodes[index].layer):
        layer = list(members)
        taken = {source for index in layer for source in graph.nodes[index].inputs if source not in layer}
        read += sum(_given(graph, source) for source in taken) * cost.batch * bits
        written += _given(graph, layer[-1]) * cost.batch * bits
        for index in layer:
            node = graph.nodes[index]
            own: Any = sum(stored_with(graph, index)[:3])
            unread = own - parameters_read(node, own, cost.batch)
            read -= cost.storage.of(node.layer).unread_bits(unread)
            if node.shares >= 0:  # weights that are stored with another layer are read here again
                source = graph.nodes[node.shares]
                stored = cost_of(source.operator, source.x, source.y).parameters
                others: Any = stored.biases + stored.norm if source.operator is node.operator else 0
                read += cost.storage.of(node.layer).stored_bits(stored.weights, others)
    return -(-read // 8), -(-written // 8)


def _given(graph: Graph, index: int) -> int:
    """Elements that an operation gives, those of each expert that is computed; or that an input holds."""
    times: Any = graph.nodes[index].operator.copies.computed if index >= 0 else 1
    return elements(graph.shape(index)) * int(times)

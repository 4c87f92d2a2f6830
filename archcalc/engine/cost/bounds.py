"""What is "at least": what an operation adds to without saying by how much, and the fields that lead through it."""

from __future__ import annotations

from collections.abc import Iterable

from archcalc.graph import Graph
from archcalc.results.field import Fields

FIELD = "receptive_field"


def lower_bounds(graph: Graph, indices: Iterable[int]) -> frozenset[str]:
    """Quantities of some operations together that are lower bounds; the receptive field apart."""
    found: frozenset[str] = frozenset()
    for index in indices:
        found |= graph.nodes[index].operator.not_told()
    return found - {FIELD}


def fields_at_least(graph: Graph) -> frozenset[int]:
    """Operations whose receptive field leads through one that does not tell how far it reads."""
    hidden = {operator for operator in {node.operator for node in graph.nodes} if FIELD in operator.not_told()}
    if not hidden:
        return frozenset()
    found: set[int] = set()
    for index, node in enumerate(graph.nodes):
        if node.operator in hidden or any(read in found for read in node.inputs):
            found.add(index)
    return frozenset(found)


def is_field_at_least(fields: Fields, index: int, through: frozenset[int]) -> bool:
    """Whether an operation's field may be larger than what is told: not where all of the input is seen already."""
    if index not in through:
        return False
    seen = fields.after(index)
    return seen is not None and any(seen.jump)

"""Parts of a network that are computed again in the backward pass instead of kept: Chen et al. 2016, section 3.1."""

from __future__ import annotations

from itertools import groupby
from typing import NamedTuple

from archcalc.graph import Graph
from archcalc.results.memory import Recompute


class Segment(NamedTuple):
    """Operations from one to another, both included."""

    first: int
    last: int


def segments_of(graph: Graph, recompute: Recompute) -> list[Segment]:
    """What is computed again.

    `block`: each block that repeats, the shortest path with a number (`blocks.3`, `conv2.block_1`). `full`: these, and
    of what lies in none each part of the network. A part of one layer is not worth it, and stays.
    """
    if recompute == "none":
        return []
    names = [_part(graph.nodes[index].layer, recompute == "full") for index in range(graph.first_head)]
    found = []
    for name, indices in groupby(range(graph.first_head), key=lambda index: names[index]):
        members = list(indices)
        if name and len({graph.nodes[index].layer for index in members}) > 1:
            found.append(Segment(members[0], members[-1]))
    return found


def _part(layer: str, everything: bool) -> str:
    """The path of the block that a layer lies in, or without one its first part, or nothing."""
    parts = layer.split(".")
    for number, part in enumerate(parts[:-1] if not parts[-1].isdigit() else parts):
        if part.isdigit() or part.rpartition("_")[2].isdigit():
            return ".".join(parts[: number + 1])
    return parts[0] if everything else ""

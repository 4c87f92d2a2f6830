"""Parts of a network that are computed again in the backward pass instead of kept: Chen et al. 2016, section 3.1."""

from __future__ import annotations

from collections.abc import Collection, Mapping
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

    `block`: each block that repeats, the shortest path with a number that has several layers (`blocks.3`,
    `conv2.block_1`). `full`: these, and of what lies in none each part of the network. A part of one layer is not worth
    it, and stays.
    """
    if recompute == "none":
        return []
    nodes = graph.nodes[: graph.first_head]
    layers: dict[str, set[str]] = {}  # by path, those that lie under it
    for node in nodes:
        parts = node.layer.split(".")
        for depth in range(len(parts)):
            layers.setdefault(".".join(parts[: depth + 1]), set()).add(node.layer)
    names = [_part(node.layer, layers, recompute == "full") for node in nodes]
    found = []
    for name, indices in groupby(range(len(nodes)), key=lambda index: names[index]):
        members = list(indices)
        if name and len({nodes[index].layer for index in members}) > 1:
            found.append(Segment(members[0], members[-1]))
    return found


def _part(layer: str, layers: Mapping[str, Collection[str]], everything: bool) -> str:
    """The path of the block that a layer lies in, or without one its first part, or nothing."""
    parts = layer.split(".")
    for number, part in enumerate(parts):
        path = ".".join(parts[: number + 1])
        if (part.isdigit() or part.rpartition("_")[2].isdigit()) and len(layers[path]) > 1:
            return path
    return parts[0] if everything else ""

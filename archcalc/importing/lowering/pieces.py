"""Pieces of stored tensors, where layers have a part of one each: `in_proj.weight[0:768]`, as NumPy says it."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from itertools import pairwise

_PIECE = re.compile(r"(?P<name>.*)\[(?P<axes>(?::,)*)(?P<start>\d+):(?P<stop>\d+)\]")


def piece_shape(name: str, shape: tuple[int, ...]) -> tuple[int, ...]:
    """Extents of a piece, of a tensor with these; of a name without brackets those of all."""
    found = _PIECE.fullmatch(name)
    if found is None:
        return shape
    axis = len(found["axes"]) // 2
    return (*shape[:axis], int(found["stop"]) - int(found["start"]), *shape[axis + 1 :])


def in_pieces(shapes: Mapping[str, tuple[int, ...]], used: Iterable[str]) -> dict[str, tuple[int, ...]]:
    """Tensors by name; one of which layers have pieces, and nobody has all, as its pieces, what is left among them."""
    cut: dict[str, list[tuple[int, int, int]]] = {}
    whole: set[str] = set()
    for each in used:
        found = _PIECE.fullmatch(each)
        if found is None:
            whole.add(each)
        else:
            bounds = (len(found["axes"]) // 2, int(found["start"]), int(found["stop"]))
            cut.setdefault(found["name"], []).append(bounds)
    result: dict[str, tuple[int, ...]] = {}
    for name, shape in shapes.items():
        pieces = sorted(set(cut.get(name, ())))
        axes = {axis for axis, _, _ in pieces}
        starts = [start for _, start, _ in pieces]
        ends = [0, *(stop for _, _, stop in pieces)]
        if not pieces or name in whole or len(axes) > 1 or any(a < b for a, b in zip(starts, ends, strict=False)):
            result[name] = shape
            continue
        axis = axes.pop()
        edges = sorted({0, shape[axis], *starts, *ends})
        for start, stop in pairwise(edges):
            piece = f"{name}[{':,' * axis}{start}:{stop}]"
            result[piece] = piece_shape(piece, shape)
    return result

"""Tables of what parts of a network cost: a row for each distinct combination of what the part reads."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np

from archcalc.ops import Shape
from archcalc.results.sweep import Column

NEVER = -(1 << 40)  # a depth: there is no way from there
REFUSED = 0  # the shape of what is no network, and the row of what reads it


class Shapes:
    """Shapes as numbers; 0 is that of what was refused."""

    def __init__(self) -> None:
        self.numbers: dict[Shape, int] = {}
        self.shapes: list[Shape | None] = [None]

    def number(self, shape: Shape) -> int:
        """The number of a shape."""
        found = self.numbers.get(shape)
        if found is None:
            found = self.numbers[shape] = len(self.shapes)
            self.shapes.append(shape)
        return found

    def __getitem__(self, number: int) -> Shape:
        shape = self.shapes[number]
        assert shape is not None
        return shape


class Block(NamedTuple):
    """Rows: of each what it costs, gives and reads. Depths are from each port on, the last from no input at all."""

    costs: Column  # quantities x rows x free points
    refusals: Column  # rows x free points: the number of an error, 0 where there is none
    shapes: Column
    weighted: Column  # rows x (ports + 1)
    pooled: Column
    peaks: Column
    nodes: Column
    reads: Column  # rows x ports: whether something reads what a port gives
    alias: Column  # the port whose tensor it gives, -1: one of its own
    merges: Column  # the merge that it ends in, 0: none

    @property
    def size(self) -> int:
        """How many rows."""
        return len(self.shapes)

    def take(self, rows: Column) -> Block:
        """Some of them."""
        return Block(np.take(self.costs, rows, axis=1), *[part[rows] for part in self[1:]])


def blank(quantities: int, free: int, ports: int, rows: int) -> Block:
    """Rows that cost nothing, read nothing and give what is refused."""
    return Block(
        np.zeros((quantities, rows, free), np.int64),
        np.zeros((rows, free), np.int16),
        np.zeros(rows, np.int64),
        np.full((rows, ports + 1), NEVER, np.int64),
        np.full((rows, ports + 1), NEVER, np.int64),
        np.zeros(rows, np.int64),
        np.zeros(rows, np.int64),
        np.zeros((rows, ports), bool),
        np.full(rows, -1, np.int64),
        np.zeros(rows, np.int64),
    )


def stacked(blocks: Sequence[Block]) -> Block:
    """Rows one below the other."""
    if len(blocks) == 1:
        return blocks[0]
    parts: list[Any] = list(zip(*blocks, strict=True))
    return Block(np.concatenate(parts[0], axis=1), *[np.concatenate(part) for part in parts[1:]])


class Table:
    """Rows that grow; the first is that of what reads something refused."""

    def __init__(self, quantities: int, free: int, ports: int) -> None:
        self.waiting = [blank(quantities, free, ports, 1)]
        self.size = 1
        self.ports = ports

    def add(self, block: Block) -> None:
        """Append rows."""
        self.waiting.append(block)
        self.size += block.size

    @property
    def rows(self) -> Block:
        """All rows."""
        if len(self.waiting) > 1:
            self.waiting = [stacked(self.waiting)]
        return self.waiting[0]

    @property
    def is_plain(self) -> bool:
        """Whether every row reads what its chain gives, and nothing else, and gives a tensor of its own."""
        rows = self.rows
        return bool(self.ports == 1 and rows.reads[1:].all() and (rows.alias[1:] < 0).all())

    @property
    def has_refusals(self) -> bool:
        """Whether some row is no network."""
        return bool(self.rows.refusals.any())

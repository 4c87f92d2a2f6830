"""Tables of what parts of a network cost: a row for each distinct combination of what the part reads."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np

from archcalc.ops import Shape
from archcalc.results.sweep import Column

NEVER = -(1 << 40)  # a depth: there is no way from there
REFUSED = 0  # the shape of what is no network, and the row of what reads it
MOST_SHAPES = 1 << 19  # that are told apart; `units.STRIDE` is more
LOST = 1 << 19  # the shape of what is forgotten, for nothing was seen to read it


class WholeError(Exception):
    """The network has what is known of it as a whole alone."""


class LostError(Exception):
    """What was forgotten is read."""


class Shapes:
    """Shapes as numbers; 0 is that of what was refused."""

    def __init__(self) -> None:
        self.numbers: dict[Shape, int] = {}
        self.shapes: list[Shape | None] = [None]

    def number(self, shape: Shape) -> int:
        """The number of a shape.

        Raises:
            WholeError: there are more than are told apart.
        """
        found = self.numbers.get(shape)
        if found is None:
            if len(self.shapes) >= MOST_SHAPES:
                raise WholeError
            found = self.numbers[shape] = len(self.shapes)
            self.shapes.append(shape)
        return found

    def __getitem__(self, number: int) -> Shape:
        if number == LOST:
            raise LostError
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

    def with_room(self, size: int) -> Block:
        """The same rows, and room for more after them."""
        costs = np.empty((len(self.costs), size, self.costs.shape[2]), self.costs.dtype)
        costs[:, : self.size] = self.costs
        found = Block(costs, *[np.empty((size, *part.shape[1:]), part.dtype) for part in self[1:]])
        for into, part in zip(found[1:], self[1:], strict=True):
            into[: self.size] = part
        return found

    def widened(self, other: Block) -> Block:
        """The same rows, in Python's integers where those of others are."""
        parts = [
            own.astype(object) if part.dtype == object and own.dtype != object else own
            for own, part in zip(self, other, strict=True)
        ]
        return Block(*parts)


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
        self.held = blank(quantities, free, ports, 1)  # with room for more
        self.size = 1
        self.ports = ports
        self._rows: Block | None = None
        self._facts: Facts | None = None

    def add(self, block: Block) -> None:
        """Append rows."""
        end = self.size + block.size
        if end > self.held.size:
            self.held = self.held.with_room(max(end, 2 * self.size))
        self.held = self.held.widened(block)
        self.held.costs[:, self.size : end] = block.costs
        for own, part in zip(self.held[1:], block[1:], strict=True):
            own[self.size : end] = part
        self.size = end
        self._rows = self._facts = None

    @property
    def rows(self) -> Block:
        """All rows."""
        if self._rows is None:
            held, size = self.held, self.size
            self._rows = Block(held.costs[:, :size], *[part[:size] for part in held[1:]])
        return self._rows

    @property
    def facts(self) -> Facts:
        """What holds of all rows, found once as long as none is added."""
        if self._facts is None:
            rows = self.rows
            costs = rows.costs
            largest = np.maximum(costs.max(axis=(1, 2)), -costs.min(axis=(1, 2))).tolist()
            self._facts = Facts(
                bool(self.ports == 1 and rows.reads[1:].all() and (rows.alias[1:] < 0).all()),
                bool(rows.refusals.any()),
                largest,
                int(rows.nodes.max()),
                int(rows.nodes[1:].min(initial=1 << 60)),
                bool(rows.merges.any()),
            )
        return self._facts


class Facts(NamedTuple):
    """What holds of all rows of a table."""

    is_plain: bool  # each reads what its chain gives, and nothing else, and gives a tensor of its own
    has_refusals: bool  # some row is no network
    largest: list[int]  # by quantity
    most_nodes: int
    least_nodes: int
    has_merges: bool

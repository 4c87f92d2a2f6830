"""A walk through a network with many structures at once: what flows between its parts, and what was met on the way."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np

from archcalc.engine.sweep.tables import NEVER, REFUSED, Block, Table
from archcalc.results.sweep import Column

Codes = Callable[[int], Column]  # of an axis, for each structure


class Value(NamedTuple):
    """What a part gives, in each structure."""

    shape: Column  # numbers
    weighted: Column  # depth from each port of the walk on, the last from no input
    pooled: Column
    tensor: Column  # which of those of the walk it is
    merges: Column  # the merge that made it last, 0: none

    def take(self, rows: Column) -> Value:
        """In some of the structures."""
        return Value(*[part[rows] for part in self])

    def between(self, begin: int, end: int) -> Value:
        """In structures that stand in a row."""
        return Value(*[part[begin:end] for part in self])


def put(whole: Value | None, rows: Column, part: Value, size: int) -> Value:
    """A value with that of some structures put in their places."""
    if whole is None:
        whole = Value(*[np.zeros((size, *each.shape[1:]), each.dtype) for each in part])
    for into, each in zip(whole, part, strict=True):
        into[rows] = each
    return whole


class Added(NamedTuple):
    """Rows of a table that count in some structures, so many times."""

    table: Table
    rows: Column
    at: Column | None  # structures; None: all
    times: int


class Frame(NamedTuple):
    """What the names of a body mean: earlier layers by their paths, and `x`."""

    names: Any
    x: Value | None


class Walk:
    """Structures that are walked together."""

    def __init__(
        self,
        size: int,
        codes: Codes,
        inputs: Any,
        ports: int,
        free: int,
        is_deep: bool = True,
        chosen: Column | None = None,
    ) -> None:
        self.size, self.ports, self.free = size, ports, free
        self.is_deep = is_deep  # depths are asked for
        self.is_filling = False  # structures are those that a table lacks, each another one
        self.zeros: Column = np.zeros(size, np.int64)
        self.chosen = chosen  # the one free point that counts in each structure; None: all of them
        self.inputs = inputs
        self.added: list[Added] = []
        self.refusals: Column = np.zeros((size, free), np.int16)
        self.unread: list[Column] = [np.full(size, True) for _ in range(ports)]  # of each tensor, ports first
        self._codes, self._kept = codes, dict[int, Column]()

    def code(self, axis: int) -> Column:
        """The code of an axis in each structure."""
        found = self._kept.get(axis)
        if found is None:
            found = self._kept[axis] = self._codes(axis)
        return found

    def take(self, rows: Column) -> Walk:
        """A walk with some of the structures, whose findings `join` brings back."""
        part = Walk(
            len(rows),
            lambda axis: self.code(axis)[rows],
            self.inputs.take(rows),
            self.ports,
            self.free,
            self.is_deep,
            None if self.chosen is None else self.chosen[rows],
        )
        part.is_filling = self.is_filling
        part.refusals = self.refusals[rows]
        part.unread = [each[rows] for each in self.unread]
        return part

    def between(self, begin: int, end: int) -> Walk:
        """What was found of structures that stand in a row."""
        end = min(end, self.size)
        chosen = None if self.chosen is None else self.chosen[begin:end]
        codes = self.code
        part = Walk(end - begin, lambda axis: codes(axis)[begin:end], self.inputs, 0, self.free, self.is_deep, chosen)
        part.refusals = self.refusals[begin:end]
        for table, rows, at, times in self.added:
            if at is None:
                part.added.append(Added(table, rows[begin:end], None, times))
            else:  # they stand in their order
                first, last = np.searchsorted(at, (begin, end))
                part.added.append(Added(table, rows[first:last], at[first:last] - begin, times))
        return part

    def copied(self) -> Walk:
        """The same structures, whose findings `adopt` brings back."""
        part = Walk(self.size, self.code, self.inputs, self.ports, self.free, self.is_deep, self.chosen)
        part.is_filling = self.is_filling
        part.refusals, part.unread = self.refusals.copy(), list(self.unread)
        return part

    def adopt(self, part: Walk) -> None:
        """Take over what a copy has found."""
        self.added += part.added
        self.refusals, self.unread = part.refusals, part.unread

    def join(self, part: Walk, rows: Column) -> None:
        """What was met by some of the structures."""
        for table, of, at, times in part.added:
            self.added.append(Added(table, of, rows if at is None else rows[at], times))
        self.refusals[rows] = part.refusals
        while len(self.unread) < len(part.unread):
            self.unread.append(np.full(self.size, False))
        for own, each in zip(self.unread, part.unread, strict=False):
            own[rows] = each

    def refuse(self, rows: Column, codes: Column) -> None:
        """Refuse structures that were not refused before."""
        before = self.refusals[rows]
        self.refusals[rows] = np.where(before == 0, codes, before)

    def tensor(self, own: Column) -> int:
        """The number of a new tensor, which is made in some structures and not read so far."""
        self.unread.append(own)
        return len(self.unread) - 1

    def read(self, value: Value, which: Column | None = None) -> None:
        """Somebody reads a value, in all or in some structures."""
        tensors = value.tensor
        first = int(tensors[0]) if self.size else 0
        if (tensors == first).all():
            unread = self.unread[first]
            self.unread[first] = np.zeros_like(unread) if which is None else unread & ~which
            return
        for number in np.unique(tensors).tolist():
            at = tensors == number
            self.unread[number] = self.unread[number] & ~(at if which is None else at & which)

    def use(self, table: Table, rows: Column, ports: list[Value], times: int = 1) -> Value:
        """Rows of a table follow on what its ports give; the same rows several times where they keep the shape."""
        block = table.rows
        self.added.append(Added(table, rows, None, times))
        facts = table.facts
        if facts.has_refusals:
            refusals = block.refusals[rows]
            if self.chosen is not None:
                refusals = np.take_along_axis(refusals, self.chosen[:, None], axis=1)
            self.refusals = np.where(self.refusals == 0, refusals, self.refusals)
        shape = np.take(block.shapes, rows)
        merges = block.merges[rows] if facts.has_merges else self.zeros
        if facts.is_plain:
            self.read(ports[0])
            number = self.tensor(np.full(self.size, True))
            tensor = np.full(self.size, number)
        else:
            alias = block.alias[rows]
            reads = block.reads[rows]
            for port, value in enumerate(ports):
                which = reads[:, port]
                if which.any():
                    self.read(value, which)
            own = (alias < 0) & (shape != REFUSED)
            number = self.tensor(own)
            tensor = np.full(self.size, number)
            for port, value in enumerate(ports):
                at = alias == port
                tensor = np.where(at, value.tensor, tensor)
                if port == 0:  # what goes through is what made it; an earlier layer is of another place
                    merges = np.where(at, value.merges, merges)
        weighted, pooled = ports[0].weighted, ports[0].pooled
        if self.is_deep:
            weighted = _longest(np.take(block.weighted, rows, axis=0), [value.weighted for value in ports], times)
            pooled = _longest(np.take(block.pooled, rows, axis=0), [value.pooled for value in ports], times)
        return Value(shape, weighted, pooled, tensor, merges)

    def costs(self, quantity: int) -> Column:
        """A quantity in each structure and at each free point."""
        found: Column | None = None
        bound = sum(table.facts.largest[quantity] * times for table, _, _, times in self.added)
        for table, rows, at, times in self.added:
            costs = table.rows.costs[quantity]
            if costs.dtype == object or bound >= 2**63:
                costs = costs.astype(object)
            if costs.shape[1] == 1:
                part = np.take(costs[:, 0], rows)[:, None]
            elif self.chosen is None:
                part = np.take(costs, rows, axis=0)
            else:
                part = costs[rows, self.chosen if at is None else self.chosen[at]][:, None]
            if times != 1:
                part = part * times
            if found is None and at is None:
                found = part
                continue
            if found is None:
                found = np.zeros((self.size, self.free), part.dtype)
            if part.dtype == object and found.dtype != object:
                found = found.astype(object)
            _add(found, at, part)
        if found is None:
            return np.zeros((self.size, self.free), np.int64)
        if bound < 2**63 and found.dtype == object:
            found = found.astype(np.int64)
        return found

    def all_costs(self, quantities: int) -> Column:
        """All quantities in each structure and at each free point; every point is asked for."""
        tables = [table for table, _, _, _ in self.added]
        bounds = [sum(of.table.facts.largest[at] * of.times for of in self.added) for at in range(quantities)]
        if any(table.rows.costs.dtype == object for table in tables) or max(bounds, default=0) >= 2**63:
            return np.stack([self.costs(at) for at in range(quantities)])
        found = np.zeros((quantities, self.size, self.free), np.int64)
        for table, rows, at, times in self.added:
            part = np.take(table.rows.costs, rows, axis=1)
            if times != 1:
                part *= times
            _add(found, at, part, 1)
        return found

    def nodes(self) -> Column:
        """Operations in each structure."""
        found = np.zeros(self.size, np.int64)
        for table, rows, at, times in self.added:
            _add(found, at, np.take(table.rows.nodes, rows) * times)
        return found

    def peaks(self) -> Column:
        """The largest number of elements alive at once in any part."""
        found = np.zeros(self.size, np.int64)
        for table, rows, at, _ in self.added:
            part = table.rows.peaks[rows]
            where = slice(None) if at is None else at
            found[where] = np.maximum(found[where], part)
        return found

    def refuse_unread(self, output: Value, code: int) -> None:
        """Refuse structures in which nothing reads a tensor, but for what they give."""
        lost = np.full(self.size, False)
        for number in range(self.ports, len(self.unread)):
            unread = self.unread[number]
            if unread.any():
                lost |= unread & (output.tensor != number)
        if lost.any():
            rows = np.flatnonzero(lost)
            self.refuse(rows, np.full((len(rows), self.free), code, np.int16))

    def close(self, output: Value, unread_code: int) -> Block:
        """The structures as rows of a table, the last value being what they give; what nothing reads refuses them."""
        self.refuse_unread(output, unread_code)
        refused = (self.refusals != 0).all(axis=1)
        reads = np.zeros((self.size, self.ports), bool)
        for port in range(self.ports):
            reads[:, port] = ~self.unread[port]
        alias = np.where(output.tensor < self.ports, output.tensor, -1)
        return Block(
            np.zeros((0, self.size, self.free), np.int64),
            self.refusals,
            np.where(refused, REFUSED, output.shape),
            output.weighted,
            output.pooled,
            self.peaks(),
            self.nodes(),
            reads,
            np.where(refused, -1, alias),
            output.merges,
        )


def _add(found: Column, at: Column | None, part: Column, axis: int = 0) -> None:
    """Add what all cost, or some of them: places along an axis."""
    if at is None:
        found += part  # in place: to a slice it would be added in two steps
    elif axis == 0:
        found[at] += part
    else:
        found[:, at] += part


def _longest(steps: Column, ways: list[Column], times: int) -> Column:
    """Depth after a part: from each port of the walk the longest way through one of the part's."""
    found: Column = ways[0] + (steps[:, :1] if times == 1 else steps[:, :1] * times)
    if len(ways) > 1:
        for port, way in enumerate(ways[1:], 1):
            np.maximum(found, way + steps[:, port : port + 1], out=found)
    np.maximum(found[:, -1], steps[:, -1], out=found[:, -1])
    np.maximum(found, NEVER, out=found)
    return found

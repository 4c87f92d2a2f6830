"""Configurations of a whole space that are chosen by what they cost, found without going through all of them.

The first few by a column, the front of several, and those within limits, listed or drawn: from sums over the stages of
a network, exactly. Where a sum is met in the middle, what leads to it from the start and on to the end is put together.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise
from typing import NamedTuple

import numpy as np

from archcalc.engine.sweep.selection import front
from archcalc.engine.sweep.sums import FAR, Edges, Interval, Keep, Side, Sums, TooManySumsError
from archcalc.results.sweep import Column

MOST_LISTED = 1 << 20  # configurations
MOST_EQUAL = 1 << 12  # that cost the same as one of a front, and are listed beside it
MOST_PEELED = 1000  # rows that are asked for, where another column has a limit
PATIENCE = 1000  # draws for each that is wanted
BATCH = 1 << 15

Ways = list[Column]  # by stage the edge of each configuration


class Pairs(NamedTuple):
    """Sums from the start and on to the end that meet in one state, and are within the limits together."""

    one: Column  # places of sums of the smaller side
    begin: Column  # of those of the other that go with it, among these by their state and value
    end: Column
    state: Column


class Meeting:
    """Sums of one column from both ends of a network, met in the middle."""

    def __init__(self, stages: Sequence[Edges], limit: Interval) -> None:
        turned = [stage.turned() for stage in reversed(stages)]
        self.forth, self.back = Side(stages, [limit]), Side(turned, [limit])
        while self.forth.done + self.back.done < len(stages):
            (self.forth if self.forth.work <= self.back.work else self.back).advance()
        ends = self.forth.sums[-1], self.back.sums[-1]
        self.is_forth_one = ends[0].size <= ends[1].size
        self.one, self.other = ends if self.is_forth_one else ends[::-1]
        low = -FAR if limit.least is None else limit.least
        high = FAR if limit.most is None else limit.most
        begin, end = np.zeros(self.one.size, np.int64), np.zeros(self.one.size, np.int64)
        for state in np.unique(self.one.states).tolist():
            own = np.flatnonzero(self.one.states == state)
            first, last = np.searchsorted(self.other.states, [state, state + 1])
            values, sums = self.other.values[first:last, 0], self.one.values[own, 0]
            begin[own] = first + np.searchsorted(values, low - sums)
            end[own] = first + np.searchsorted(values, high - sums, side="right")
        self.begin, self.end = begin, np.maximum(begin, end)
        self.upto = np.concatenate(([0.0], np.cumsum(self.other.counts)))
        self.counts = self.one.counts * (self.upto[self.end] - self.upto[self.begin])

    @property
    def count(self) -> float:
        """Configurations within the limit."""
        return float(self.counts.sum())

    def drawn(self, count: int, draw: np.random.Generator) -> Ways:
        """So many of them, each as likely as any other."""
        until = np.cumsum(self.counts)
        one = np.searchsorted(until, draw.random(count) * until[-1], side="right")
        one = np.minimum(one, np.flatnonzero(self.counts)[-1])
        low, high = self.upto[self.begin[one]], self.upto[self.end[one]]
        other = np.searchsorted(self.upto, low + draw.random(count) * (high - low), side="right") - 1
        other = np.clip(other, self.begin[one], self.end[one] - 1)
        return self._ways(one, other, draw, None)

    def listed(self) -> Ways:
        """All of them."""
        one = np.repeat(np.arange(self.one.size), self.end - self.begin)
        return self._ways(one, _counted_on(self.begin, self.end), None, None)

    def best(self, count: int, is_least: bool) -> Ways:
        """The first by their sum, the largest first unless the least is."""
        there = np.flatnonzero(self.end > self.begin)
        at = self.begin[there] if is_least else self.end[there] - 1
        sign = 1 if is_least else -1
        sums = sign * (self.one.values[there, 0] + self.other.values[at, 0])
        there = there[np.argsort(sums, kind="stable")[:count]]
        # of each of these so many: another pair has at least so many before it
        begin, end = self.begin[there], self.end[there]
        each = max(1, min(count, (1 << 22) // max(1, len(there))))
        begin, end = (begin, np.minimum(end, begin + each)) if is_least else (np.maximum(begin, end - each), end)
        one, other = np.repeat(there, end - begin), _counted_on(begin, end)
        sums = sign * (self.one.values[one, 0] + self.other.values[other, 0])
        first = np.argsort(sums, kind="stable")[:count]
        return self._ways(one[first], other[first], None, count)

    def _ways(self, one: Column, other: Column, draw: np.random.Generator | None, most: int | None) -> Ways:
        forth, back = (one, other) if self.is_forth_one else (other, one)
        *begins, of = self.forth.back(forth, draw, most)
        *ends, whose = self.back.back(back[of], draw, most)
        return [*[edges[whose] for edges in begins], *reversed(ends)]


def _counted_on(begin: Column, end: Column) -> Column:
    """All numbers from each begin to before its end, one after the other."""
    lengths = end - begin
    first = np.cumsum(lengths) - lengths
    return np.repeat(begin - first, lengths) + np.arange(lengths.sum())


def values_of(stages: Sequence[Column], ways: Ways) -> Column:
    """What configurations cost: the sum of what their edges do."""
    found = stages[0][ways[0]].copy()
    for costs, edges in zip(stages[1:], ways[1:], strict=True):
        found += costs[edges]
    return found


# the first few, and fronts, where several columns count


def first_few(stages: Sequence[Edges], limits: Sequence[Interval], count: int, is_least: bool) -> Ways:
    """The first by column 0, which has no limit itself; the others are the less, or the more, the better by theirs.

    Raises:
        TooManySumsError: there are more different sums than are kept.
    """
    side = Side(stages, limits, _keeping_first(limits, count, is_least))
    while side.done < len(stages):
        side.advance()
    keys = side.sums[-1].values[:, 0] * (1 if is_least else -1)
    *ways, _ = side.back(np.argsort(keys, kind="stable"), None, count)
    return [edges[:count] for edges in ways]


def _keeping_first(limits: Sequence[Interval], count: int, is_least: bool) -> Keep | None:
    """Leaves out what so many are better than by the first column, and no worse by the limits."""
    others = _signed(limits)
    if len(others) > 1 or count > MOST_PEELED:
        return None

    def keep(sums: Sums, rest: tuple[Column, Column]) -> Sums:
        key = sums.values[:, 0] * (1 if is_least else -1)
        if not others:
            return sums.take(_few(sums, key, count))
        ((column, sign),) = others
        return sums.take(_peeled(sums.states, key, sums.values[:, column] * sign, count))

    return keep


def _few(sums: Sums, key: Column, count: int) -> Column:
    """Of each state those with less than so many ways before them."""
    order = np.lexsort((key, sums.states))
    states, before = (
        sums.states[order],
        np.cumsum(np.minimum(sums.counts[order], count)) - np.minimum(sums.counts[order], count),
    )
    first = np.searchsorted(states, states)
    return np.sort(order[before - before[first] < count])


def _peeled(states: Column, key: Column, other: Column, count: int) -> Column:
    """Those for which there are less than so many of the same state with a lower key and no higher other."""
    order = np.lexsort((other, key, states))
    kept: list[Column] = []
    for _ in range(count):
        if not len(order):
            break
        own, by = states[order], key[order]
        is_new = np.concatenate(([True], (own[1:] != own[:-1]) | (by[1:] != by[:-1])))
        group = np.cumsum(is_new) - 1
        starts = np.flatnonzero(is_new)
        lowest = np.minimum.reduceat(other[order], starts)  # of each key
        # the lowest of all lower keys of the state: states are parted by an offset that no value reaches
        number = np.cumsum(np.concatenate(([0], (own[starts][1:] != own[starts][:-1]).astype(np.int64))))
        span = int(other.max()) - int(other.min()) + 1
        if (int(number[-1]) + 1) * span >= FAR:
            return np.sort(np.concatenate([*kept, order]))
        running = np.minimum.accumulate(lowest - number * span) + number * span
        before = np.concatenate(([FAR], running[:-1]))
        before[np.concatenate(([True], number[1:] != number[:-1]))] = FAR
        stays = other[order] < before[group]
        kept.append(order[stays])
        order = order[~stays]
    return np.sort(np.concatenate(kept)) if kept else order


def _signed(limits: Sequence[Interval], first: int = 1) -> list[tuple[int, int]]:
    """Columns with a limit from this one on, by the direction in which less is better; both, where there are two."""
    found = []
    for column, (least, most) in enumerate(limits):
        if column < first:
            continue
        if most is not None:
            found.append((column, 1))
        if least is not None:
            found.append((column, -1))
    return found


def on_front(
    stages: Sequence[Edges], limits: Sequence[Interval], objectives: Sequence[tuple[int, int]]
) -> tuple[Ways, float]:
    """What nothing is better than in all objectives; and how many that cost the same are not among these.

    Args:
        stages: of a network.
        limits: of the columns.
        objectives: columns, with 1 where less is better, else -1.

    Raises:
        TooManySumsError: there are more different sums than are kept.
    """
    more = [each for each in _signed(limits, 0) if each not in objectives]
    side = Side([_fronts(stage, objectives, more) for stage in stages], limits, _keeping_front(objectives, more))
    while side.done < len(stages):
        side.advance()
    last = side.sums[-1]
    if not last.size:
        return [np.zeros(0, np.int64) for _ in stages], 0
    at = front([last.values[:, column] * sign for column, sign in objectives], None, last.size)
    count = float(last.counts[at].sum())
    if count <= MOST_EQUAL:
        *ways, _ = side.back(at)
        return ways, 0
    *ways, _ = side.back(at, np.random.default_rng(0))
    return ways, count - len(at)


def _keeping_front(objectives: Sequence[tuple[int, int]], more: Sequence[tuple[int, int]]) -> Keep:
    def keep(sums: Sums, rest: tuple[Column, Column]) -> Sums:
        return sums.take(_undominated(sums.states, sums.values, objectives, more))

    return keep


def _undominated(
    states: Column, values: Column, objectives: Sequence[tuple[int, int]], more: Sequence[tuple[int, int]]
) -> Column:
    """Of each state those that no other is better than in an objective, and no worse in all that counts."""
    kept: list[Column] = []
    bounds = np.flatnonzero(np.concatenate(([True], states[1:] != states[:-1], [True])))
    for begin, end in pairwise(bounds.tolist()):
        part = values[begin:end]
        own = [part[:, column] * sign for column, sign in objectives]
        limited = [part[:, column] * sign for column, sign in more]
        at = front([*own, *limited], None, len(part))
        if limited:  # those that are worse by a limit alone cost the same
            wanted = np.stack(own, axis=1)
            _, number = np.unique(wanted, axis=0, return_inverse=True)
            number = number.reshape(-1)
            at = np.flatnonzero(np.isin(number, number[at]))
        kept.append(at + begin)
    return np.concatenate(kept) if kept else np.zeros(0, np.int64)


def _fronts(stage: Edges, objectives: Sequence[tuple[int, int]], more: Sequence[tuple[int, int]]) -> Edges:
    """A stage without edges that others from and to the same states are better than."""
    between = stage.before * stage.states[1] + stage.after
    at = _undominated(between, stage.costs, objectives, more)
    ends = stage.starts[at + 1]
    lengths = ends - stage.starts[at]
    edges = stage.edges[_counted_on(stage.starts[at], ends)]
    starts = np.concatenate(([0], np.cumsum(lengths)))
    return Edges(stage.before[at], stage.after[at], stage.costs[at], stage.counts[at], edges, starts, stage.states)


def first_of_many(
    stages: Sequence[Edges], costs: Sequence[Column], limits: Sequence[Interval], count: int, is_least: bool
) -> Ways:
    """The first by column 0, which has a limit itself, where others may have limits too.

    Raises:
        TooManySumsError: among those that are first by column 0 too few are within the other limits.
    """
    only = [_of_columns(stage, [0]) for stage in stages]
    meeting = Meeting(only, limits[0])
    if len(limits) == 1:
        return meeting.best(count, is_least)
    tried = max(count, BATCH)
    ways = meeting.best(tried, is_least)
    good = np.flatnonzero(inside(values_of(costs, ways), limits))[:count]
    if len(good) < count and tried < meeting.count:
        raise TooManySumsError
    return [edges[good] for edges in ways]


def inside(values: Column, limits: Sequence[Interval]) -> Column:
    """Which are within the limits of all columns."""
    found = np.full(len(values), True)
    for column, (least, most) in enumerate(limits):
        if least is not None:
            found &= values[:, column] >= least
        if most is not None:
            found &= values[:, column] <= most
    return found


def _of_columns(stage: Edges, columns: list[int]) -> Edges:
    """The same edges with some of the columns; groups that are then equal stay apart."""
    return stage._replace(costs=stage.costs[:, columns])

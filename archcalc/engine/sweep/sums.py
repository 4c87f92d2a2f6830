"""Sums of costs over all ways through the stages of a network: which there are, and how many ways have each.

A configuration is a way from the state before the first stage to the one after the last, and what it costs is the sum
of what its edges cost. Ways to one state with one sum are the same to whatever follows, so that they are counted, not
listed. What cannot end within the limits is left out at once: the least and the most that is still to come is known
of every state.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import NamedTuple

import numpy as np

from archcalc.results.sweep import Column

MOST_SUMS = 1 << 23  # between two stages
MOST_PAIRS = 1 << 29  # of a sum and a group of edges, over all stages
PILE = 1 << 22  # that are made before equal ones become one
DENSE = 1 << 25  # places of sums that are counted by index
FAR = 1 << 62


class TooManySumsError(Exception):
    """There are more different sums than are kept."""


class Interval(NamedTuple):
    """Where a sum has to be, ends included; None: no limit."""

    least: int | None = None
    most: int | None = None


class Edges(NamedTuple):
    """The edges of a stage that lead on, by what they cost: those of one group are the same to all sums."""

    before: Column  # by group: the state
    after: Column
    costs: Column  # groups x columns
    counts: Column  # how many edges, as floats
    edges: Column  # their numbers, group after group
    starts: Column  # of each group among those
    states: tuple[int, int]  # before and after the stage

    def turned(self) -> Edges:
        """The same, to be gone through from the end."""
        return self._replace(before=self.after, after=self.before, states=self.states[::-1])


class Sums(NamedTuple):
    """Different sums between two stages, in the order of their keys."""

    states: Column
    values: Column  # sums x columns
    counts: Column  # ways, as floats: exact below 2^53
    keys: Column
    packing: Packing

    @property
    def size(self) -> int:
        """How many."""
        return len(self.states)

    def take(self, kept: Column) -> Sums:
        """Some of them, in their order."""
        return Sums(self.states[kept], self.values[kept], self.counts[kept], self.keys[kept], self.packing)

    def places(self, states: Column, values: Column) -> Column:
        """Where sums are among these; -1: nowhere."""
        keys, is_packed = self.packing.keys(states, values)
        at = np.minimum(np.searchsorted(self.keys, keys), max(self.size - 1, 0))
        found = is_packed & (self.keys[at] == keys) if self.size else np.full(len(keys), False)
        return np.where(found, at, -1)


class Packing(NamedTuple):
    """States and sums as one integer each."""

    least: Column
    steps: Column  # what all differences of a column are multiples of
    spans: Column  # how many multiples there may be

    @property
    def size(self) -> int:
        """Keys of one state."""
        found = 1
        for span in self.spans.tolist():
            found *= span
        return found

    def keys(self, states: Column, values: Column) -> tuple[Column, Column]:
        """The key of each, and whether it has one."""
        found = states.astype(np.int64)
        is_packed = np.full(len(states), True)
        for least, step, span, of in zip(self.least, self.steps, self.spans, values.T, strict=True):
            at, rest = np.divmod(of - least, step)
            is_packed &= (rest == 0) & (at >= 0) & (at < span)
            found = found * span + at
        return found, is_packed

    def unpacked(self, keys: Column) -> tuple[Column, Column]:
        """States and sums of keys."""
        values = np.empty((len(keys), len(self.spans)), np.int64)
        for column in reversed(range(len(self.spans))):
            keys, at = np.divmod(keys, self.spans[column])
            values[:, column] = at * self.steps[column] + self.least[column]
        return keys, values


def packing_of(values: Column, states: int) -> Packing:
    """How sums are packed.

    Raises:
        TooManySumsError: they do not go into 64 bits.
    """
    least, most = values.min(axis=0), values.max(axis=0)
    steps = np.maximum(np.gcd.reduce(values - least, axis=0), 1)
    found = Packing(least, steps, (most - least) // steps + 1)
    if found.size * states >= FAR:
        raise TooManySumsError
    return found


def counted(states: Column, values: Column, counts: Column, count: int) -> Sums:
    """Equal sums of one state as one, in order."""
    if not len(states):
        nothing = np.zeros(0, np.int64)
        columns = np.zeros(values.shape[1], np.int64)
        return Sums(nothing, values, counts, nothing, Packing(columns, columns + 1, columns + 1))
    packing = packing_of(values, count)
    keys, _ = packing.keys(states, values)
    if packing.size * count <= DENSE and len(keys) * 16 > packing.size * count:
        totals = np.bincount(keys, counts, packing.size * count)
        unique = np.flatnonzero(totals)
        return Sums(*packing.unpacked(unique), totals[unique], unique, packing)
    order = np.argsort(keys, kind="stable")
    keys = keys[order]
    begins = np.flatnonzero(np.concatenate(([True], keys[1:] != keys[:-1])))
    at = order[begins]
    return Sums(states[at], values[at], np.add.reduceat(counts[order], begins), keys[begins], packing)


def edges_of(before: Column, after: Column, costs: Column, valid: Column, states: tuple[int, int]) -> Edges:
    """Edges in groups.

    Args:
        before: by edge: the state.
        after: the same.
        costs: edges x columns.
        valid: whether an edge leads on.
        states: how many there are before and after.
    """
    edges = np.flatnonzero(valid)
    keys = [before[edges], after[edges], *costs[edges].T]
    order = np.lexsort(keys[::-1])
    edges = edges[order]
    keys = [key[order] for key in keys]
    is_new = np.full(len(edges), False)
    is_new[:1] = True
    for key in keys:
        is_new[1:] |= key[1:] != key[:-1]
    starts = np.flatnonzero(is_new)
    ends = np.append(starts[1:], len(edges))
    first = edges[starts]
    return Edges(
        before[first],
        after[first],
        costs[first],
        (ends - starts).astype(float),
        edges,
        np.append(starts, ends[-1:]),
        states,
    )


def extremes(stages: Sequence[Edges]) -> list[tuple[Column, Column]]:
    """The least and the most of each column that is still to come, from each state before each stage and at the end.

    From where there is no way on, the least is `FAR` and the most is `-FAR`.
    """
    columns = stages[0].costs.shape[1]
    ends = np.zeros((stages[-1].states[1], columns), np.int64)
    found = [(ends, ends)]
    for stage in reversed(stages):
        least, most = found[0]
        own = (
            np.full((stage.states[0], columns), FAR, np.int64),
            np.full((stage.states[0], columns), -FAR, np.int64),
        )
        is_open = least[stage.after, 0] < FAR if columns else np.full(len(stage.after), True)
        groups = np.flatnonzero(is_open)
        to = stage.after[groups]
        np.minimum.at(own[0], stage.before[groups], stage.costs[groups] + least[to])
        np.maximum.at(own[1], stage.before[groups], stage.costs[groups] + most[to])
        found.insert(0, own)
    return found


Keep = Callable[[Sums, tuple[Column, Column]], Sums]


class Side:
    """Sums from one end on, a stage at a time."""

    def __init__(self, stages: Sequence[Edges], limits: Sequence[Interval], keep: Keep | None = None) -> None:
        self.stages = stages
        self.limits = limits
        self.keep = keep
        self.rest = extremes(stages)
        columns = stages[0].costs.shape[1]
        start = np.zeros(1, np.int64)
        self.sums = [counted(start, np.zeros((1, columns), np.int64), np.ones(1), 1)]
        self.pairs = 0

    @property
    def done(self) -> int:
        """How many stages."""
        return len(self.sums) - 1

    @property
    def work(self) -> int:
        """Pairs of the next stage."""
        if self.done == len(self.stages):
            return FAR
        sums, stage = self.sums[-1], self.stages[self.done]
        ways = np.bincount(stage.before, minlength=stage.states[0])
        return int(ways[sums.states].sum())

    def advance(self) -> None:
        """Through one stage more.

        Raises:
            TooManySumsError: there are too many.
        """
        self.pairs += self.work
        if self.pairs > MOST_PAIRS:
            raise TooManySumsError
        sums, stage, rest = self.sums[-1], self.stages[self.done], self.rest[self.done + 1]
        pile: list[tuple[Column, Column, Column]] = []
        height = 0
        for part in self._made(sums, stage, rest):
            pile.append(part)
            height += len(part[0])
            if height > PILE:
                made = self._counted(pile, stage.states[1])
                pile, height = [(made.states, made.values, made.counts)], made.size
                if height > MOST_SUMS:
                    raise TooManySumsError
                if height > PILE // 2:
                    height = 0  # so that not each part is counted by itself
        found = self._counted(pile, stage.states[1])
        if self.keep is not None and found.size:
            found = self.keep(found, rest)
        if found.size > MOST_SUMS:
            raise TooManySumsError
        self.sums.append(found)

    def _counted(self, pile: list[tuple[Column, Column, Column]], states: int) -> Sums:
        columns = self.stages[0].costs.shape[1]
        if not pile:
            nothing = np.zeros(0, np.int64)
            return counted(nothing, np.zeros((0, columns), np.int64), np.zeros(0), states)
        of, values, counts = (np.concatenate([part[at] for part in pile]) for at in range(3))
        return counted(of, values, counts, states)

    def _made(self, sums: Sums, stage: Edges, rest: tuple[Column, Column]) -> Iterator[tuple[Column, Column, Column]]:
        for state in np.unique(sums.states).tolist():
            own, groups = np.flatnonzero(sums.states == state), np.flatnonzero(stage.before == state)
            groups = groups[rest[0][stage.after[groups], 0] < FAR]
            if not len(groups):
                continue
            step = max(1, PILE // len(groups))
            for begin in range(0, len(own), step):
                part = own[begin : begin + step]
                values = (sums.values[part][:, None, :] + stage.costs[groups][None]).reshape(-1, sums.values.shape[1])
                to = np.tile(stage.after[groups], len(part))
                counts = (sums.counts[part][:, None] * stage.counts[groups][None]).reshape(-1)
                kept = within(values, to, rest, self.limits)
                yield (to, values, counts) if kept.all() else (to[kept], values[kept], counts[kept])

    # back to the edges

    def back(self, at: Column, draw: np.random.Generator | None = None, most: int | None = None) -> list[Column]:
        """Ways to the sums that were made last.

        Args:
            at: places of sums, one for each way that is wanted.
            draw: each way is one at random, as likely as any other; without, all ways to each are listed.
            most: so many ways at most, where all are listed.

        Returns:
            The edges of each way by stage, and at the end for each way which of `at` it is of.
        """
        found: list[Column] = []
        of = np.arange(len(at))
        if not len(at):
            return [of] * (self.done + 1)
        for stage_number in reversed(range(self.done)):
            sums, stage = self.sums[stage_number], self.stages[stage_number]
            before, group, whose = self._before(sums, stage, self.sums[stage_number + 1], at, draw, most)
            lengths = stage.starts[group + 1] - stage.starts[group]
            if draw is not None:
                edges = stage.edges[stage.starts[group] + (draw.random(len(group)) * lengths).astype(np.int64)]
            else:
                repeated = np.repeat(np.arange(len(group)), lengths)[:most]
                first = np.cumsum(lengths) - lengths
                edges = stage.edges[stage.starts[group[repeated]] + np.arange(len(repeated)) - first[repeated]]
                before, whose = before[repeated], whose[repeated]
            found = [each[whose] for each in found]
            found.insert(0, edges)
            of, at = of[whose], before
        return [*found, of]

    def _before(
        self,
        sums: Sums,
        stage: Edges,
        after: Sums,
        at: Column,
        draw: np.random.Generator | None,
        most: int | None,
    ) -> tuple[Column, Column, Column]:
        """The sum before, the group of edges, and of which way it is: one for each, or all."""
        unique, inverse = np.unique(at, return_inverse=True)
        inverse = inverse.reshape(-1)
        befores: list[Column] = []
        groups: list[Column] = []
        rows: list[Column] = []
        into = {state: np.flatnonzero(stage.after == state) for state in np.unique(after.states[unique]).tolist()}
        for state, own in into.items():
            here = np.flatnonzero(after.states[unique] == state)
            step = max(1, PILE // max(1, len(own)))
            for begin in range(0, len(here), step):
                some = here[begin : begin + step]
                values = (after.values[unique[some]][:, None, :] - stage.costs[own][None]).reshape(
                    -1, after.values.shape[1]
                )
                places = sums.places(np.tile(stage.before[own], len(some)), values)
                hit = np.flatnonzero(places >= 0)
                row, group = np.divmod(hit, len(own))
                befores.append(places[hit])
                groups.append(own[group])
                rows.append(some[row])
        before, group, whose = np.concatenate(befores), np.concatenate(groups), np.concatenate(rows)
        order = np.argsort(whose, kind="stable")
        before, group, whose = before[order], group[order], whose[order]
        starts = np.searchsorted(whose, np.arange(len(unique) + 1))
        if draw is None:
            lengths = (starts[1:] - starts[:-1])[inverse]
            repeated = np.repeat(np.arange(len(at)), lengths)[:most]
            first = np.cumsum(lengths) - lengths
            chosen = starts[inverse[repeated]] + np.arange(len(repeated)) - first[repeated]
            return before[chosen], group[chosen], repeated
        ways = sums.counts[before] * stage.counts[group]
        of_each = np.add.reduceat(ways, starts[:-1])  # to each sum there is a way
        sums_of = np.concatenate(([0.0], np.cumsum(ways / of_each[whose])))
        low, high = sums_of[starts[:-1]][inverse], sums_of[starts[1:]][inverse]
        chosen = np.searchsorted(sums_of, low + draw.random(len(at)) * (high - low), side="right") - 1
        chosen = np.clip(chosen, starts[:-1][inverse], starts[1:][inverse] - 1)
        return before[chosen], group[chosen], np.arange(len(at))


def within(values: Column, states: Column, rest: tuple[Column, Column], limits: Sequence[Interval]) -> Column:
    """Which sums can end within the limits."""
    found: Column = rest[0][states, 0] < FAR
    for column, (least, most) in enumerate(limits):
        if most is not None:
            found &= values[:, column] <= most - np.where(found, rest[0][states, column], 0)
        if least is not None:
            found &= values[:, column] >= least - np.where(found, rest[1][states, column], 0)
    return found

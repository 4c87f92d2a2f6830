"""All that can be between the stages of a network: states, and edges from each to those after it, with what they cost.

Two partial structures are one state where whatever follows cannot tell them apart: what the chain and the named layers
give has the same shape, and positions that are read again have the same values.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from math import prod
from typing import Any, NamedTuple

import numpy as np

from archcalc.engine.sweep.asked import State
from archcalc.engine.sweep.stages import MOST_EDGES, Finder, Known, MissingError, Stage, UnstagedError, walk_at
from archcalc.engine.sweep.structures import Structures
from archcalc.engine.sweep.tables import LOST, REFUSED, LostError, WholeError
from archcalc.engine.sweep.walk import Value
from archcalc.engine.sweep.whole import begun
from archcalc.results.sweep import Column
from archcalc.spec.reads import CHAIN, InseparableError

MOST_NUMBERS = 1 << 24  # costs of all edges
AT_ONCE = 1 << 16  # edges that are walked together


class Step(NamedTuple):
    """A stage over all states before it: an edge for each of them and each combination of what is read anew."""

    axes: tuple[int, ...]  # that are read here for the first time
    codes: Column  # axes x combinations
    states: int  # before it; edges are numbered state after state
    to: Column  # by edge: the state after it, -1 where it is refused at all free points
    costs: Column  # quantities x edges x free points
    refusals: Column  # edges x free points: the number of an error, 0 where there is none


class Frontier(NamedTuple):
    """States between two stages."""

    size: int
    codes: dict[int, Column]  # of axes that are read again
    shapes: dict[str, Column]  # what the chain, inputs and earlier layers give, by number


class Found(NamedTuple):
    """What a step has shown."""

    is_read: bool  # what the chain gives it
    read: set[str]  # in all structures
    nodes: int  # at most


class Walked(NamedTuple):
    """Some edges of a step."""

    shapes: dict[str, Column]
    costs: Column
    refusals: Column
    is_read: bool
    read: set[str]
    nodes: int


class Steps:
    """The steps of a network.

    Raises:
        UnstagedError: it does not come apart into stages that read few positions each.
        NotFreeError: what was left free decides the structure.
    """

    def __init__(self, structures: Structures) -> None:
        self.structures = structures
        if structures.is_whole or structures.network.spec.outputs or structures.reader.heads:
            raise UnstagedError
        self.is_narrow = True  # named layers that no later stage was seen to read are forgotten
        try:
            self.stages = Finder(structures).found()
            self.steps = self._all_steps()
        except (InseparableError, WholeError, RecursionError):
            raise UnstagedError from None

    def _all_steps(self) -> list[Step]:
        """Steps, begun anew where a stage reads more than was seen."""
        while True:
            try:
                return self._steps()
            except MissingError:
                continue
            except LostError:
                if not self.is_narrow:
                    raise UnstagedError from None
                self.is_narrow = False

    def _steps(self) -> list[Step]:
        structures, stages = self.structures, self.stages
        later: list[set[int]] = [set()]
        needed: list[set[str]] = [set()]
        for stage in reversed(stages):
            later.insert(0, later[0] | stage.reads)
            needed.insert(0, needed[0] | stage.names)
        frontier = Frontier(1, {}, {})
        seen: set[int] = set()
        owed: set[str] = set()  # what its chain does not read, and so somebody else has to
        steps: list[Step] = []
        edges = nodes = 0
        previous = ""
        for number, stage in enumerate(stages):
            if not frontier.size:  # all structures are refused
                raise UnstagedError
            axes = tuple(sorted(stage.reads - seen))
            seen |= stage.reads
            sizes = [structures.sizes[axis] for axis in axes]
            edges += frontier.size * prod(sizes)
            if edges > MOST_EDGES or edges * structures.free * max(1, structures.width) > MOST_NUMBERS:
                raise UnstagedError
            codes = np.indices(sizes).reshape(len(axes), -1) if axes else np.zeros((0, 1), np.int64)
            live = later[number + 1]
            known = needed[number + 1] if self.is_narrow else None
            step, frontier, found = self._step(number, stage, frontier, axes, codes, live, known)
            nodes += found.nodes
            if not found.is_read and number > 0:
                owed.add(previous)
            owed -= found.read
            previous = stage.name
            steps.append(step)
        if owed or nodes > structures.question.limits.layers // 2 or nodes * 20 > structures.question.limits.steps:
            raise UnstagedError
        for axis in sorted(set(range(len(structures.sizes))) - seen):  # that nothing reads
            size = structures.sizes[axis]
            nothing = np.zeros((structures.width, frontier.size * size, structures.free), np.int64)
            to = np.repeat(np.arange(frontier.size), size)
            refusals = np.zeros((len(to), structures.free), np.int16)
            steps.append(Step((axis,), np.arange(size)[None], frontier.size, to, nothing, refusals))
        return [*steps[:-1], steps[-1]._replace(to=np.where(steps[-1].to < 0, -1, 0))]

    def _step(
        self,
        number: int,
        stage: Stage,
        before: Frontier,
        axes: tuple[int, ...],
        combinations: Column,
        live: set[int],
        needed: set[str] | None,
    ) -> tuple[Step, Frontier, Found]:
        count = combinations.shape[1]
        size = before.size * count
        state = np.repeat(np.arange(before.size), count)
        codes = {axis: of[state] for axis, of in before.codes.items()}
        codes |= {axis: np.tile(of, before.size) for axis, of in zip(axes, combinations, strict=True)}
        shapes = {name: of[state] for name, of in before.shapes.items()}
        parts = [
            self._walked(number, stage, slice(begin, begin + AT_ONCE), codes, shapes, size)
            for begin in range(0, size, AT_ONCE)
        ]
        after = {name: np.concatenate([part.shapes[name] for part in parts]) for name in parts[0].shapes}
        refusals = np.concatenate([part.refusals for part in parts])
        if any(part.costs.dtype == object for part in parts):
            raise UnstagedError
        costs = np.concatenate([part.costs for part in parts], axis=1)
        if needed is not None:
            for name in after.keys() - needed - {CHAIN}:
                after[name] = np.full(size, LOST)
        kept = [axis for axis in codes if axis in live]
        if number == len(self.stages) - 1:
            after = {}
        valid = ~(refusals != 0).all(axis=1)
        columns = [*[codes[axis] for axis in kept], *after.values(), np.zeros(size, np.int64)]
        matrix = np.stack(columns, axis=1)[valid]
        unique, to_valid = np.unique(matrix, axis=0, return_inverse=True)
        to = np.full(size, -1)
        to[valid] = to_valid.reshape(-1)
        frontier = Frontier(
            len(unique),
            {axis: unique[:, at] for at, axis in enumerate(kept)},
            {name: unique[:, len(kept) + at] for at, name in enumerate(after)},
        )
        step = Step(axes, combinations, before.size, to, costs, refusals)
        read = set.intersection(*[part.read for part in parts]) if parts else set()
        found = Found(all(part.is_read for part in parts), read, max((part.nodes for part in parts), default=0))
        return step, frontier, found

    def _walked(
        self, number: int, stage: Stage, within: slice, codes: Mapping[int, Column], shapes: Any, size: int
    ) -> Walked:
        structures = self.structures
        codes = {axis: of[within] for axis, of in codes.items()}
        size = min(within.stop, size) - within.start
        if number == 0:
            walk, value, frame = begun(structures, Known(codes, stage.reads), size)
            after = {CHAIN: value.shape, **{name: of.shape for name, of in walk.inputs.own.items()}}
            return Walked(after, self._no_costs(size), walk.refusals, True, set(), 0)
        given = {name: _plain(of[within]) for name, of in shapes.items()}
        inputs = {name: of for name, of in given.items() if name in self.stages[0].names}
        names = {name: of for name, of in given.items() if name not in inputs and name != CHAIN}
        walk, values, frame = walk_at(structures, size, Known(codes, stage.reads), given[CHAIN], names, inputs)
        output = stage.go(State(walk, values[CHAIN], frame))
        for at, name in enumerate(values):
            if not walk.unread[at].all():
                stage.names |= {name} - {CHAIN}
        ports = len(values)
        for at in range(ports, len(walk.unread)):
            lost = walk.unread[at] & (output.tensor != at) & (output.shape != REFUSED)
            rows = np.flatnonzero(lost)
            walk.refuse(rows, np.full((len(rows), walk.free), structures.code("unread-layer"), np.int16))
        is_valid = ~(walk.refusals != 0).all(axis=1)
        is_read = not (walk.unread[0] & (output.tensor != 0) & is_valid).any()
        costs = [walk.costs(quantity) for quantity in range(structures.width)]
        shape = np.where(is_valid, output.shape, REFUSED)
        if (shape[is_valid] == REFUSED).any():
            raise UnstagedError
        after = {**{name: of[within] for name, of in shapes.items()}, CHAIN: shape}
        if stage.name:
            after[stage.name] = shape
        read = {name for at, name in enumerate(values) if not (walk.unread[at] & is_valid).any()}
        nodes = int(walk.nodes().max(initial=0))
        return Walked(after, np.stack(costs) if costs else self._no_costs(size), walk.refusals, is_read, read, nodes)

    def _no_costs(self, size: int) -> Column:
        return np.zeros((self.structures.width, size, self.structures.free), np.int64)


def _plain(shape: Column) -> Value:
    nothing = np.zeros(len(shape), np.int64)
    return Value(shape, nothing, nothing, nothing, nothing)


def staged(structures: Structures) -> Sequence[Step] | None:
    """The steps through a network; None where it does not come apart into few enough.

    Raises:
        NotFreeError: what was left free decides the structure.
    """
    try:
        return Steps(structures).steps
    except UnstagedError:
        return None

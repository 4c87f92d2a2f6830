"""Many structures of one network in a sweep: which axes decide the structure, and what the others then cost."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from math import prod
from typing import Any

import numpy as np

from archcalc.engine.memory.form import ON_A_MACHINE
from archcalc.engine.network import Network
from archcalc.engine.sweep.expansion import PEAK, Expansions, Question
from archcalc.engine.sweep.making import NotFreeError
from archcalc.engine.sweep.planned import keep, taken
from archcalc.engine.sweep.structures import Found, Structures
from archcalc.results.sweep import Axis, Column

MOST_FREE = 1 << 12  # free points that a row of a table has costs for
TRIED = 32  # structures
FIRST_RUNS = 10_000  # of parts, while tables are made: a second or two
WORTH = 200  # parts that are walked through in the time that one expansion of the whole takes


def way_of(network: Network, question: Question, axes: Sequence[Axis]) -> tuple[tuple[str, ...], bool]:
    """The axes of a network that decide its structure, and whether it is taken apart."""
    looped = tuple(axis.name for axis in axes)
    if PEAK not in question.quantities:
        expansions = Expansions(network, question, axes)
        looped = expansions.looped()
        keep(network, question, axes, expansions)
        if looped and not {*ON_A_MACHINE}.isdisjoint(question.quantities):  # of the whole, each apart
            looped = tuple(axis.name for axis in axes)
    free = [axis for axis in axes if axis.name not in looped]
    if not looped or prod(axis.size for axis in free) > MOST_FREE:
        return looped, False
    by_name = {axis.name: axis for axis in axes}
    many = Many(network, question, [by_name[name] for name in looped], free)
    random = np.random.default_rng(0)
    for tried, most_runs in ((1, FIRST_RUNS), (TRIED, FIRST_RUNS), (TRIED, WORTH * TRIED)):
        many.structures.runs, many.structures.most_runs = 0, most_runs
        _, structures = many.grid({name: random.integers(0, by_name[name].size, tried) for name in looped}, tried)
        if structures.is_whole:
            return looped, False
    many.structures.most_runs = None
    if not many.is_lower_bound:  # what the run itself meets is for it to find
        keep(network, question, (*many.axes, *many.free), many)
    return looped, True


def many_of(network: Network, question: Question, axes: Sequence[Axis], free: Sequence[Axis], is_apart: bool) -> Many:
    """One network of a run, with the tables that its planning in this process has begun for the same axes."""
    found = taken(Many, network, question, (*axes, *free)) if is_apart else None
    if found is not None:
        found.structures.has_begun = False  # many fill the tables at once
        return found
    return Many(network, question, axes, free, is_apart)


class Many:
    """One network with axes that decide its structure, and others; where these cannot stay free, with all of them."""

    def __init__(
        self,
        network: Network,
        question: Question,
        axes: Sequence[Axis],
        free: Sequence[Axis],
        is_apart: bool = True,
    ) -> None:
        self.network, self.question = network, question
        self.axes, self.free, self.is_apart = list(axes), list(free), is_apart
        self.structures = Structures(network, question, axes, free, is_whole=not is_apart)
        self.sizes = {axis.name: axis.size for axis in free}
        self._all: Structures | None = None

    @property
    def is_lower_bound(self) -> bool:
        """Whether an operation of unknown cost was met."""
        return self.structures.is_lower_bound or (self._all is not None and self._all.is_lower_bound)

    def grid(self, codes: Mapping[str, Column], size: int) -> tuple[Found, Structures]:
        """Structures at all points of the free axes, one structure after the other."""
        try:
            return _flat(self.structures.evaluate(codes, size)), self.structures
        except NotFreeError:
            count = self.structures.free
            sizes = [axis.size for axis in self.free]
            places: Any = np.indices(sizes).reshape(len(sizes), count)
            given = {name: np.repeat(of, count) for name, of in codes.items()}
            given |= {axis.name: np.tile(of, size) for axis, of in zip(self.free, places, strict=True)}
            return self._of_all(given, size * count)

    def points(self, indices: Mapping[str, Column], size: int) -> tuple[Found, Structures]:
        """Structures at one free point each."""
        sizes = [axis.size for axis in self.free]
        codes = {axis.name: indices[axis.name] for axis in self.axes}
        chosen = None
        if self.free:
            chosen = np.ravel_multi_index([indices[axis.name] for axis in self.free], sizes)
        try:
            return _flat(self.structures.evaluate(codes, size, chosen)), self.structures
        except NotFreeError:
            return self._of_all(indices, size)

    def _of_all(self, indices: Mapping[str, Column], size: int) -> tuple[Found, Structures]:
        if self._all is None:
            self._all = Structures(
                self.network, self.question, [*self.axes, *self.free], [], is_whole=not self.is_apart
            )
        return _flat(self._all.evaluate(indices, size)), self._all


def _flat(found: Found) -> Found:
    costs = {name: np.asarray(values).reshape(-1) for name, values in found.costs.items()}
    return Found(costs, found.refusals.reshape(-1))

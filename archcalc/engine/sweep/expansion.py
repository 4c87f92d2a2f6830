"""A network expanded once, with variables left free, and its costs at many configurations from that."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np

from archcalc.dims import Assumption, Dim, Polynomial, variable
from archcalc.engine.cost.costs import cost_of
from archcalc.engine.cost.order import depth
from archcalc.engine.cost.quantities import ADDITIVE, FLOPS, QUANTITIES, SAVED, TIMES_BATCH, quantity
from archcalc.engine.cost.storage import storage_of, stored_of_nodes
from archcalc.engine.cost.traffic import TRAFFIC, traffic
from archcalc.engine.memory.form import ON_A_MACHINE, on_a_machine
from archcalc.engine.memory.memory import peak_memory
from archcalc.engine.network import Network, analyze
from archcalc.engine.sweep.arrays import Integers, evaluate_grid, evaluate_points, fits_int64
from archcalc.graph import Graph
from archcalc.results.cost import DTYPES
from archcalc.results.sweep import Axis, Column, Value
from archcalc.source import SpecError
from archcalc.spec.limits import DEFAULT_LIMITS, Limits

SWEPT = (*QUANTITIES, "size_bytes")  # where nobody says which
DEPTHS = ("depth", "depth_with_pooling")
PEAK = "peak_activations"  # elements alive at once, layer by layer
SWEEPABLE = (*ADDITIVE, "size_bytes", "state_bytes", *DEPTHS, PEAK, *ON_A_MACHINE)
BATCH = "batch"  # an axis of any network that has no variable of that name
FEW = 8  # one in so many values is computed apart; of more, each is
INT64, OBJECT = np.dtype(np.int64), np.dtype(object)


class Question(NamedTuple):
    """What is asked of every configuration."""

    quantities: tuple[str, ...] = SWEPT
    set: tuple[tuple[str, str], ...] = ()
    batch: int = 1
    dtype: str = "fp32"
    with_heads: bool = False
    limits: Limits = DEFAULT_LIMITS


def costs_at(network: Network, question: Question, settings: Mapping[str, Value]) -> dict[str, int]:
    """One configuration, by the integer engine.

    Raises:
        SpecError: it is no network.
    """
    given: dict[str, Any] = dict(settings)
    batch = int(given.pop(BATCH, question.batch)) if BATCH not in network.spec.settable else question.batch
    costs = {
        convention: analyze(
            network,
            batch,
            {**dict(question.set), **given},
            dtype=question.dtype,
            convention=convention,
            with_heads=question.with_heads,
            limits=question.limits,
        )
        for convention in dict.fromkeys(map(_convention_of, question.quantities))
    }
    found = {}
    for name in question.quantities:
        cost = costs[_convention_of(name)]
        if name == SAVED:
            found[name] = int(quantity(cost.graph, name, question.with_heads)) * batch
        elif name in TRAFFIC:
            found[name] = sum(moved[TRAFFIC.index(name)] for moved in traffic(cost, cost.layers))
        elif name in ON_A_MACHINE:
            found[name] = peak_memory(cost)
        else:
            found[name] = getattr(cost.totals, "flops" if name in FLOPS else name)
    return found


def _convention_of(name: str) -> str:
    """The convention in which the integer engine counts a quantity; most are the same in all."""
    return FLOPS[name].name if name in FLOPS else "arithmetic"


class Mask(NamedTuple):
    """Where an assumption holds, along the axis that it depends on."""

    axis: str
    holds: Column


class Expansion:
    """One expansion: some variables fixed, the others free along their axes.

    Raises:
        SpecError: the expansion stopped; a variable may not be left free.
    """

    def __init__(
        self, network: Network, question: Question, fixed: Mapping[str, Value], free: Mapping[str, Axis]
    ) -> None:
        own = network.spec.settable
        batch: Dim = question.batch
        if BATCH not in own:
            given = fixed.get(BATCH, question.batch)
            batch = variable(BATCH) if BATCH in free else int(given)
        settings = {
            **dict(question.set),
            **{name: value for name, value in fixed.items() if name != BATCH or BATCH in own},
        }
        graph = network.graph(
            settings,
            free={name: axis.unit for name, axis in free.items() if name != BATCH or BATCH in own},
            limits=question.limits,
            with_heads=question.with_heads,
        )
        last = len(graph.nodes) if question.with_heads else graph.first_head
        costs = {cost_of(node.operator, node.x, node.y) for node in graph.nodes[:last]}
        self.is_lower_bound = any(cost.arithmetic.status == "unknown" for cost in costs)
        numbers = {name: _number(network, graph, question, name, not settings, batch) for name in question.quantities}
        self.numbers = {name: x * batch if name in TIMES_BATCH else x for name, x in numbers.items()}
        self.axes = {name: axis.multiples for name, axis in free.items()}
        ranges = {name: (int(values.min()), int(values.max())) for name, values in self.axes.items()}
        self.wide = frozenset(name for name, x in self.numbers.items() if not fits_int64(x, ranges))
        self.choices: list[Assumption] = []  # where one fails, the network is another one
        self.requirements: list[Assumption] = []  # where one fails, there is none
        self.masks: dict[Assumption, Mask] = {}
        for assumption in graph.assumptions:
            names = variables_of(assumption)
            if len(names) == 1:
                (name,) = names
                held = holds(assumption, {name: self.axes[name]}, None, ranges)
                if held.all():
                    continue
                self.masks[assumption] = Mask(name, np.broadcast_to(held, self.axes[name].shape))
            (self.choices if assumption.relation == "!=" else self.requirements).append(assumption)
        self.ranges = ranges

    def costs(self, axes: Mapping[str, Integers], indices: Mapping[str, Integers] | None) -> dict[str, Integers]:
        """Every quantity on the grid of axes, or at points given by their indices."""
        found: dict[str, Integers] = {}
        for dtype in (INT64, OBJECT):
            names = [name for name in self.numbers if (name in self.wide) == (dtype == OBJECT)]
            if names:
                numbers = [self.numbers[name] for name in names]
                found.update(zip(names, _evaluate(numbers, axes, indices, dtype), strict=True))
        return found

    def holds(
        self,
        assumption: Assumption,
        axes: Mapping[str, Integers],
        within: Mapping[str, slice],
        indices: Mapping[str, Integers] | None,
    ) -> Column:
        """Where an assumption holds, on the grid of axes (parts of the whole ones) or at points."""
        mask = self.masks.get(assumption)
        if mask is None:
            return holds(assumption, axes, indices, self.ranges)
        if indices is not None:
            return np.take(mask.holds, indices[mask.axis])
        place = list(axes).index(mask.axis)
        return mask.holds[within[mask.axis]].reshape([-1 if number == place else 1 for number in range(len(axes))])


def holds(
    assumption: Assumption,
    axes: Mapping[str, Integers],
    indices: Mapping[str, Integers] | None,
    ranges: Mapping[str, tuple[int, int]],
) -> Column:
    """Where an assumption holds, on the grid of axes or at points given by their indices."""
    _, _, a, b, relation = assumption
    dtype = INT64 if fits_int64(a, ranges) and fits_int64(b, ranges) else OBJECT
    left, right = _evaluate([a, b], axes, indices, dtype)
    if relation == "divisible":
        # a divisor below 1 divides nothing: the rule refuses it
        return np.asarray((right > 0) & (left % np.maximum(right, 1) == 0), dtype=bool)
    found = left != right if relation == "!=" else left == right if relation == "==" else left >= right
    return np.asarray(found, dtype=bool)


def _evaluate(
    numbers: Sequence[Dim], axes: Mapping[str, Integers], indices: Mapping[str, Integers] | None, dtype: np.dtype[Any]
) -> list[Integers]:
    if indices is None:
        return evaluate_grid(numbers, axes, dtype)
    return evaluate_points(numbers, axes, indices, dtype)


def _number(network: Network, graph: Graph, question: Question, name: str, is_as_written: bool, batch: Dim) -> Dim:
    if name in DEPTHS:
        return depth(graph)[DEPTHS.index(name)]
    if name in ON_A_MACHINE:
        how = question.dtype, question.with_heads, is_as_written, question.limits
        return on_a_machine(network.spec, graph, name, batch, *how)
    if name == "state_bytes":
        kept = quantity(graph, "state", question.with_heads) + quantity(graph, "state_once", question.with_heads)
        return -(-kept * batch * DTYPES[question.dtype] // 8)
    if name != "size_bytes":
        return quantity(graph, name, question.with_heads)
    storage = storage_of(network.spec, graph, question.dtype, None, None, question.limits, is_as_written)
    last = len(graph.nodes) if question.with_heads else graph.first_head
    bits: Dim = stored_of_nodes(storage, graph, range(last))[1]
    return -(-bits // 8)


def variables_of(assumption: Assumption) -> frozenset[str]:
    """The names of the variables that decide whether it holds."""
    return frozenset().union(*(x.variables() for x in (assumption.a, assumption.b) if isinstance(x, Polynomial)))


class Expansions:
    """The expansions of one network that are needed, each made once, as long as they are not too many."""

    MOST = 4096

    def __init__(self, network: Network, question: Question, axes: Sequence[Axis]) -> None:
        self.network, self.question = network, question
        self.axes = {axis.name: axis for axis in axes}
        self.is_lower_bound = False  # an operation of unknown cost was met
        self._made: dict[tuple[tuple[str, int], ...], Expansion | SpecError] = {}

    def get(self, fixed: Mapping[str, int]) -> Expansion:
        """With axes fixed at these indices, the others free.

        Raises:
            SpecError: it does not expand.
        """
        key = tuple(sorted(fixed.items()))
        if key not in self._made:
            if len(self._made) >= self.MOST:
                self._made.clear()
            free = {name: axis for name, axis in self.axes.items() if name not in fixed}
            try:
                made = Expansion(self.network, self.question, self.settings(fixed), free)
                self.is_lower_bound |= made.is_lower_bound
                self._made[key] = made
            except SpecError as error:
                self._made[key] = error
        found = self._made[key]
        if isinstance(found, SpecError):
            raise found
        return found

    def settings(self, indices: Mapping[str, int]) -> dict[str, Value]:
        """The values of axes at their indices, in the order of the axes."""
        return {name: axis.value(indices[name]) for name, axis in self.axes.items() if name in indices}

    def looped(self) -> tuple[str, ...]:
        """Axes that cannot stay free: texts, items of lists, values below the free ones, what decides the structure.

        Tried with the first values of the looped axes, and with their last ones.
        """
        looped = [
            name
            for name, axis in self.axes.items()
            if not axis.is_numeric or axis.position.indices or axis.multiples.min() < self.least(name)
        ]
        found = min((list(self._more(looped, end)) for end in (0, -1)), key=len)
        found += self._deciding({*looped, *found})
        return tuple(name for name in self.axes if name in {*looped, *found})

    def _deciding(self, looped: set[str]) -> list[str]:
        """Of the axes that are free for the first values of the others, those on which another network comes out."""
        try:
            expansion = self.get(dict.fromkeys(looped, 0))
        except SpecError:
            return []
        choices = [mask for of, mask in expansion.masks.items() if of.relation == "!="]
        often = [mask.axis for mask in choices if (~mask.holds).sum() * FEW > mask.holds.size]
        return list(dict.fromkeys(often))

    def least(self, name: str) -> int:
        """The least value that an axis takes where it stays free, in multiples."""
        return self.network.least(name) if name != BATCH or BATCH in self.network.spec.settable else 1

    def _more(self, looped: Sequence[str], end: int) -> Iterator[str]:
        fixed = {name: range(self.axes[name].size)[end] for name in looped}
        while len(fixed) < len(self.axes) and not self.expands(fixed):
            free = [name for name in self.axes if name not in fixed]
            last = {name: range(self.axes[name].size)[end] for name in free}
            name = self.culprit(fixed, last)
            fixed[name] = last[name]
            yield name

    def expands(self, fixed: Mapping[str, int]) -> bool:
        """Whether the other axes can stay free."""
        try:
            self.get(fixed)
        except SpecError:
            return False
        return True

    def culprit(self, fixed: Mapping[str, int], more: Mapping[str, int]) -> str:
        """The axis without which the others can stay free; if no one is alone to blame, the shortest."""
        by_size = sorted(more, key=lambda name: self.axes[name].size)
        return next((name for name in by_size if self.expands({**fixed, name: more[name]})), by_size[0])

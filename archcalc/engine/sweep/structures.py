"""A network whose structure varies: its parts as tables, and what many structures of it cost, from these."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from archcalc.engine.cost.quantities import ADDITIVE, SAVED, TIMES_BATCH
from archcalc.engine.memory.form import ON_A_MACHINE
from archcalc.engine.network import Network, setting
from archcalc.engine.sweep.expansion import BATCH, DEPTHS, PEAK, Question
from archcalc.engine.sweep.making import AT_ONCE, RowMaker
from archcalc.engine.sweep.tables import Block, Shapes, WholeError
from archcalc.engine.sweep.units import Unit, Where
from archcalc.engine.sweep.walk import Value, Walk
from archcalc.results.cost import DTYPES
from archcalc.results.sweep import Axis, Column, Columns
from archcalc.spec.model import Placed
from archcalc.spec.reads import InseparableError, Reader, Swept
from archcalc.spec.storage import patterns

if TYPE_CHECKING:
    from archcalc.engine.sweep.asked import Asked

MOST_EXPANSIONS = 64  # of a part, before it is taken apart
MOST_CELLS = 1 << 22  # numbers in a table
MOST_POINTS = 1 << 18  # that are computed at once
FILLING = 1 << 17  # that are walked after those, which fill most of the tables
FIRST = 256  # structures, in the first walk
SLICE = 1 << 14  # structures that are walked at once, so that arrays stay in caches


class Found(NamedTuple):
    """Costs of structures at free points, and the number of the error where they are refused, 0 where they are not."""

    costs: Columns  # structures x free points
    refusals: Column


class Structures(RowMaker):
    """One network with axes that decide its structure, and others that stay free.

    Args:
        network: of the library or a file.
        question: what is asked of every configuration.
        axes: those that decide the structure.
        free: the others, whose values each row has a cost for.
        most_expansions: of a part, before it is taken apart.
        is_whole: the network is not taken apart.
    """

    def __init__(
        self,
        network: Network,
        question: Question,
        axes: Sequence[Axis],
        free: Sequence[Axis],
        most_expansions: int = MOST_EXPANSIONS,
        is_whole: bool = False,
    ) -> None:
        self.network, self.question = network, question
        self.axes = {axis.name: axis for axis in axes}
        self.numbers = {name: number for number, name in enumerate(self.axes)}
        self.sizes = [axis.size for axis in axes]
        self.most_expansions = most_expansions
        self.has_peak = PEAK in question.quantities
        self.is_deep = not {*DEPTHS}.isdisjoint(question.quantities)
        own = network.spec.settable
        super().__init__(free, own)
        self.batch_axis = self.numbers.get(BATCH) if BATCH not in own else None
        reads_batch = self.has_peak or not {*ON_A_MACHINE}.isdisjoint(question.quantities)
        self.always_read = {self.batch_axis} if reads_batch and self.batch_axis is not None else set[int]()
        self.is_whole = is_whole or self._must_be_whole()
        self.runs = 0  # of units, in walks
        self.most_runs: int | None = None
        self.has_begun = False
        self.start()

    def start(self) -> None:
        """Begin with empty tables."""
        from archcalc.engine.sweep.whole import Root, Whole

        network, question = self.network, self.question
        self.names = _additive(question.quantities, self.is_whole)
        self.width = len(self.names)
        self.most_rows = max(1 << 10, min(1 << 16, MOST_CELLS // (max(1, self.width) * self.free)))
        swept = [
            Swept(number, axis.variable, axis.position.indices)
            for number, axis in enumerate(self.axes.values())
            if number != self.batch_axis
        ]
        free = {name: axis.unit for name, axis in self.spec_free.items()}
        overrides, _ = network.overrides(dict(question.set), None, free)
        self.shapes = Shapes()
        self.units: dict[Any, Any] = {}
        self.expansions: dict[Any, Block] = {}
        self.values: dict[tuple[int, int], Any] = {}
        self.reader = Reader(
            network.spec, network.name, overrides, question.limits, question.with_heads, swept, self.value_of
        )
        where = Where({}, "")
        self.root: Unit = Whole(self, where) if self.is_whole else Root(self, where)

    NO_OWNER = "(nowhere)"

    def input_shape(self, placed: Placed) -> Asked:
        """The shape of an input, by what it reads."""
        return self._asked_first(placed, lambda reader, _: reader.read_input(placed))

    def requirement(self, placed: Placed) -> Asked:
        """Whether a structure is one that the spec has, by what that reads."""

        def ask(reader: Reader, _: Any) -> bool:
            if not reader.truth(placed.expression, reader.empty, placed.base):
                reader.fail("requirement", "it does not hold", placed.span())
            return True

        return self._asked_first(placed, ask)

    def _asked_first(self, placed: Placed, ask: Callable[[Reader, Any], Any]) -> Asked:
        from archcalc.engine.sweep.asked import Asked

        found: Asked | None = self.units.get(("first", id(placed)))
        if found is None:
            found = Asked(self, Where({}, ""), placed.expression, placed.base, ask, False)
            self.units["first", id(placed)] = found
        return found

    def value_of(self, axis: int, code: int) -> Any:
        """The value of an axis, as a setting."""
        found = self.values.get((axis, code))
        if found is None:
            of = list(self.axes.values())[axis]
            found = self.values[axis, code] = setting(of.name, of.value(code), axis)
        return found

    def _must_be_whole(self) -> bool:
        network = self.network
        quantities = self.question.quantities
        is_stored = "size_bytes" in quantities and bool(patterns(network.spec, network.name))
        is_once = not AT_ONCE.isdisjoint(quantities)
        is_of_machine = not {SAVED, *ON_A_MACHINE}.isdisjoint(quantities)
        return is_stored or is_of_machine or (is_once and len(network.spec.inputs) > 1)

    def count_run(self, runs: int = 1) -> None:
        """Count the work of walks.

        Raises:
            WholeError: it is more than expansions would take.
        """
        self.runs += runs
        if self.most_runs is not None and self.runs > self.most_runs and not self.is_whole:
            raise WholeError

    # many structures

    def evaluate(self, codes: Mapping[str, Column], size: int, chosen: Column | None = None) -> Found:
        """What structures cost, at all free points or at one each.

        Args:
            codes: for each axis the index of its value, by structure.
            size: how many structures.
            chosen: the number of the one free point that counts, by structure; None: all.

        Raises:
            NotFreeError: what was left free decides the structure of some of them.
        """
        step = SLICE if chosen is not None else max(1, min(SLICE, MOST_POINTS // self.free))
        whole: Found | None = None
        begin = 0
        # Few find out how the rest is walked, and many fill the tables at once.
        steps = [] if self.has_begun else [FILLING, min(step, FIRST)]
        self.has_begun = True
        while whole is None or begin < size:
            end = min(begin + (steps.pop() if steps else step), size)
            part = {self.numbers[name]: of[begin:end] for name, of in codes.items()}
            walk, output = self._walk(part, end - begin, None if chosen is None else chosen[begin:end])
            for first in range(0, max(1, walk.size), step):
                some, value = walk.between(first, first + step), output.between(first, first + step)
                found = Found(self._columns(some, value), some.refusals)
                whole = found if some.size == size else _put(whole, found, begin + first, size)
            begin = end
        return whole

    def _walk(self, codes: Mapping[int, Column], size: int, chosen: Column | None) -> tuple[Walk, Value]:
        while True:
            try:
                return self._walked(codes, size, chosen)
            except (WholeError, InseparableError, RecursionError):
                if self.is_whole:
                    raise
                self.is_whole = True
                self.start()

    def _walked(self, codes: Mapping[int, Column], size: int, chosen: Column | None) -> tuple[Walk, Value]:
        """One walk through the network, and what it gives.

        Raises:
            WholeError: limits on the whole may be met, which parts do not see.
        """
        from archcalc.engine.sweep.whole import begun

        walk, value, frame = begun(self, codes, size, chosen)
        output = self.root.run(walk, value, frame)
        if not self.is_whole and self._exceeds(walk):
            raise WholeError
        self._check_inputs(walk)
        walk.refuse_unread(output, self.code("unread-layer"))
        return walk, output

    def _check_inputs(self, walk: Walk) -> None:
        """Refuse where nothing reads an input of the network."""
        if self.is_whole or len(self.reader.heads) < len(self.network.spec.heads):
            return
        for unread in walk.unread[: walk.ports]:
            if unread.any():
                rows = np.flatnonzero(unread)
                walk.refuse(rows, np.full((len(rows), walk.free), self.code("unread-input"), np.int16))

    def _exceeds(self, walk: Walk) -> bool:
        """Whether limits on the whole may be met, which parts do not see."""
        nodes = sum(table.facts.most_nodes * times for table, _, _, times in walk.added)
        limits = self.question.limits
        if nodes > limits.layers // 2 or nodes * 20 > limits.steps:
            return True
        if any(table.facts.least_nodes and at is None for table, _, at, _ in walk.added):
            return False
        return bool(((walk.nodes() == 0) & (walk.refusals == 0).any(axis=1)).any())

    def _columns(self, walk: Walk, output: Value) -> Columns:
        """The quantities that are asked for."""
        found: Columns = {}
        batch = self._batch(walk)
        for name in self.question.quantities:
            if name == PEAK:
                values = np.broadcast_to(walk.peaks()[:, None], (walk.size, walk.free))
            elif name in DEPTHS:
                longest = (output.weighted if name == "depth" else output.pooled).max(axis=1)
                values = np.broadcast_to(longest[:, None], (walk.size, walk.free))
            elif name == "size_bytes":
                values = walk.costs(self.names.index("bits" if self.is_whole else "params"))
                values = -(-values // 8) if self.is_whole else -(-_times(values, DTYPES[self.question.dtype]) // 8)
            elif name == "state_bytes":
                kept = walk.costs(self.names.index("state")) + walk.costs(self.names.index("state_once"))
                values = -(-_times(_times(kept, batch), DTYPES[self.question.dtype]) // 8)
            else:
                values = walk.costs(self.names.index(name))
                if name in TIMES_BATCH:
                    values = _times(values, batch)
            found[name] = values
        return found

    def _batch(self, walk: Walk) -> Any:
        """Examples at once: one number, or one of each structure or free point."""
        if self.batch_axis is not None:
            return _multiples(self.axes[BATCH])[walk.code(self.batch_axis)].reshape(-1, 1)
        if BATCH in self.free_axes and BATCH not in self.spec_free:
            place = list(self.free_axes).index(BATCH)
            shape = [-1 if number == place else 1 for number in range(len(self.free_axes))]
            sizes = [axis.size for axis in self.free_axes.values()]
            batches = np.broadcast_to(_multiples(self.free_axes[BATCH]).reshape(shape), sizes).reshape(1, -1)
            return batches if walk.chosen is None else batches[0, walk.chosen][:, None]
        return self.question.batch


def _put(whole: Found | None, part: Found, begin: int, size: int) -> Found:
    """What many structures cost, with some of them in their place."""

    def put(into: Column | None, of: Column) -> Column:
        if into is None:
            into = np.empty((size, *of.shape[1:]), of.dtype)
        elif of.dtype == object and into.dtype != object:
            into = into.astype(object)
        into[begin : begin + len(of)] = of
        return into

    before = {} if whole is None else whole.costs
    costs = {name: put(before.get(name), of) for name, of in part.costs.items()}
    return Found(costs, put(None if whole is None else whole.refusals, part.refusals))


def _additive(quantities: Sequence[str], is_whole: bool) -> list[str]:
    """What rows have, from which the quantities are made at the end."""
    found = dict.fromkeys(name for name in quantities if name in ADDITIVE or name in ON_A_MACHINE)
    if "size_bytes" in quantities:
        found["bits" if is_whole else "params"] = None
    if "state_bytes" in quantities:
        found |= {"state": None, "state_once": None}
    return list(found)


def _multiples(axis: Axis) -> Column:
    return axis.multiples * axis.unit.numerator


def _times(values: Column, by: Any) -> Column:
    """A product, in Python's integers where 64 bits may not hold it."""
    if isinstance(by, int) and by == 1:
        return values
    most = int(np.max(by)) * int(np.abs(values).max(initial=0))
    found: Column = (values.astype(object) if most >= 2**63 else values) * by
    return found

"""Sweeps that choose few of very many configurations, which are found without going through all of them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from math import ceil, floor, prod
from typing import NamedTuple

import numpy as np

from archcalc.engine.cost.quantities import ADDITIVE, TIMES_BATCH
from archcalc.engine.sweep import extremal
from archcalc.engine.sweep.chunk import Runner, SweepMismatchError
from archcalc.engine.sweep.expansion import BATCH, Question
from archcalc.engine.sweep.extremal import MOST_LISTED, PATIENCE, Meeting, Ways, inside, values_of
from archcalc.engine.sweep.making import NotFreeError
from archcalc.engine.sweep.plan import CHECKED, Plan
from archcalc.engine.sweep.run import Kept, Progress
from archcalc.engine.sweep.selection import Filter
from archcalc.engine.sweep.steps import Step, staged
from archcalc.engine.sweep.structures import Structures
from archcalc.engine.sweep.sums import Edges, Interval, TooManySumsError, edges_of
from archcalc.results.cost import DTYPES
from archcalc.results.sweep import Axis, Column, Columns, LeftOut, Searched, Sweep, Tally, joined
from archcalc.source import Diagnostic, SpecError
from archcalc.spec.storage import patterns

FROM = 1 << 18  # configurations; fewer are gone through
MOST_FREE = 64  # points of axes that do not decide the structure, each of which is searched by itself
AT_ONCE = 1 << 17  # configurations that are computed together
WIDE = 1 << 61
LONGEST = 1 << 36  # configurations that are gone through where too many to list meet the conditions: a day or two


class Summand(NamedTuple):
    """A column of a sweep as a sum over stages: of a cost, or of the multiples of an axis; neither: it is constant."""

    cost: int | None = None
    times: int = 1
    axis: int | None = None


class UnsummedError(Exception):
    """A column that is no sum over stages."""


def searched(plan: Plan, progress: Progress | None = None) -> Sweep | None:
    """What a plan chooses, found without going through all configurations; None where it has to be gone through.

    Raises:
        SpecError: there are more configurations than can be numbered, and they have to be.
        SweepMismatchError: a configuration that was found costs something else.
    """
    found: Sweep | None = None
    if _is_worth_it(plan):
        try:
            found = Search(plan).found(progress)
        except (UnsummedError, TooManySumsError):
            found = None
    if found is None:
        plan.refuse_endless()
    return found


def _is_worth_it(plan: Plan) -> bool:
    chosen = plan.selection
    if len(plan.networks) > 1 or not plan.apart[0]:
        return False
    if plan.sample:
        return bool(chosen.where)
    return plan.points > FROM and bool(chosen.where or chosen.pareto or chosen.top)


class Search:
    """One plan, of one network that is taken apart.

    Raises:
        UnsummedError: what is chosen by is no sum over stages, or the network does not come apart into few enough.
    """

    def __init__(self, plan: Plan) -> None:
        self.plan, self.selection = plan, plan.selection
        self.runner = Runner(plan)
        axes = plan.ordered(0)
        looped = plan.looped[0]
        self.own = [axis for axis in axes if axis.name in looped]
        self.free = [axis for axis in axes if axis.name not in looped]
        network = self.runner.networks[0]
        if any(axis.name == BATCH for axis in axes) and BATCH not in network.spec.settable:
            raise UnsummedError
        self.costs: list[str] = []
        self.is_stored = bool(patterns(network.spec, network.name))
        self.columns, self.intervals = self._columns()
        steps = self._steps()
        if steps is None:
            raise UnsummedError
        self.steps = steps
        self.allowed, self.points = self._allowed()

    # what is chosen by

    def _columns(self) -> tuple[dict[str, Summand], dict[str, Interval]]:
        """Columns that are chosen by, and where those that are costs have to be."""
        selection = self.selection
        names = [each.column for each in (*selection.pareto, *([selection.sort] if selection.sort else []))]
        axes = {axis.name: axis for axis in (*self.own, *self.free)}
        intervals: dict[str, Interval] = {}
        for each in selection.where:
            if each.column not in axes:
                intervals[each.column] = _narrowed(intervals.get(each.column, Interval()), each)
        return {name: self._summand(name, axes) for name in dict.fromkeys([*names, *intervals])}, intervals

    def _summand(self, name: str, axes: Mapping[str, Axis]) -> Summand:
        if name in axes:
            axis = axes[name]
            if not axis.is_numeric or axis.multiples.dtype == object:
                raise UnsummedError
            return Summand(axis=self.own.index(axis)) if axis in self.own else Summand()
        question = self.plan.question
        bits = DTYPES[question.dtype]
        times = question.batch if name in TIMES_BATCH else 1
        if name == "size_bytes" and bits % 8 == 0 and not self.is_stored:
            name, times = "params", bits // 8
        if name not in ADDITIVE:
            raise UnsummedError
        if name not in self.costs:
            self.costs.append(name)
        return Summand(self.costs.index(name), times)

    def _steps(self) -> Sequence[Step] | None:
        network, plan = self.runner.networks[0], self.plan
        question: Question = plan.question._replace(quantities=tuple(self.costs))
        for own, free in ((self.own, self.free), ([*self.own, *self.free], [])):
            if prod(axis.size for axis in free) > MOST_FREE:
                continue
            self.own, self.free = own, free
            try:
                return staged(Structures(network, question, own, free))
            except NotFreeError:
                self.columns, self.intervals = self._columns()
        return None

    def _allowed(self) -> tuple[list[Column | None], Column]:
        """Codes of axes and free points that meet the conditions on axes; None: all codes."""
        allowed: list[Column | None] = [None] * len(self.own)
        sizes = [axis.size for axis in self.free]
        points = np.full(sizes, True)
        for each in self.selection.where:
            for number, axis in enumerate(self.own):
                if axis.name == each.column:
                    kept = _of_axis(each, axis)
                    before = allowed[number]
                    allowed[number] = kept if before is None else before & kept
            for number, axis in enumerate(self.free):
                if axis.name == each.column:
                    points &= _of_axis(each, axis).reshape([-1 if at == number else 1 for at in range(len(sizes))])
        return allowed, np.flatnonzero(points.reshape(-1))

    # what is found

    def found(self, progress: Progress | None = None) -> Sweep:
        """The sweep.

        Raises:
            TooManySumsError: there are more different sums than are kept.
            SpecError: more configurations meet the conditions than are listed.
        """
        names = list(self.columns)
        limits = [self.intervals.get(name, Interval()) for name in names]
        parts: list[Columns] = []
        equal, drawn, meeting = 0.0, None, None
        if self.plan.sample:
            parts, drawn, meeting = self._draws(names, limits)
        else:
            for point in self.points.tolist():
                ways, more = self._at(point, names, limits)
                parts.append(self._codes(ways, point))
                equal += more
        tally = Tally(computed=self.plan.size)
        tally.left_out = self._left_out()
        codes = joined([axis.name for axis in self.plan.axes], parts)
        rows = self._computed(codes, tally, progress)
        table = Kept(self.plan.axes, rows)
        if not all(each.keeps(*table.exact(each.column)).all() for each in self.selection.where):
            raise SweepMismatchError("a configuration that was found does not meet the conditions")
        order = self.selection.ordered(table)
        rows = {name: values[order] for name, values in rows.items()}
        tally.checked = self._check({name: of[order] for name, of in codes.items()}, len(order))
        tally.kept = len(order)
        heading = self.plan.heading
        if self.selection.top is not None and tally.kept >= self.selection.top:
            equal = 0.0
        return Sweep(heading, tally, lambda: iter([rows]), Searched(meeting, drawn, equal))

    def _at(self, point: int, names: Sequence[str], limits: Sequence[Interval]) -> tuple[Ways, float]:
        """Configurations at one free point that may be chosen, and how many more cost the same."""
        selection = self.selection
        stages, costs = self._edges(point, names)
        if selection.pareto:
            objectives = [(names.index(each.column), -1 if each.is_reversed else 1) for each in selection.pareto]
            return extremal.on_front(stages, limits, objectives)
        if selection.top is None:
            return self._listed(stages, costs, limits), 0
        assert selection.sort is not None
        key = names.index(selection.sort.column)
        order = [key, *[at for at in range(len(names)) if at != key]]
        stages = [stage._replace(costs=stage.costs[:, order]) for stage in stages]
        costs = [each[:, order] for each in costs]
        limits = [limits[at] for at in order]
        is_least = selection.sort.is_reversed
        if limits[0] == Interval():
            return extremal.first_few(stages, limits, selection.top, is_least), 0
        return extremal.first_of_many(stages, costs, limits, selection.top, is_least), 0

    def _edges(self, point: int, names: Sequence[str]) -> tuple[list[Edges], list[Column]]:
        """The stages at one free point, with the columns that are chosen by, and what their edges cost."""
        found: list[Edges] = []
        costs: list[Column] = []
        for number, step in enumerate(self.steps):
            made = self._costs(step, point, names)
            valid = (step.to >= 0) & (step.refusals[:, point] == 0)
            for axis, codes in zip(step.axes, step.codes, strict=True):
                allowed = self.allowed[axis]
                if allowed is not None:
                    valid &= np.tile(allowed[codes], step.states)
            after = self.steps[number + 1].states if number + 1 < len(self.steps) else 1
            before = np.repeat(np.arange(step.states), step.codes.shape[1])
            found.append(edges_of(before, step.to, made, valid, (step.states, after)))
            costs.append(made)
        if sum(int(np.abs(each).max(initial=0)) for each in costs) >= WIDE:
            raise UnsummedError
        return found, costs

    def _costs(self, step: Step, point: int, names: Sequence[str]) -> Column:
        """Columns by edge; one of zeros where nothing is chosen by."""
        made = np.zeros((len(step.to), max(1, len(names))), np.int64)
        for at, name in enumerate(names):
            of = self.columns[name]
            if of.cost is not None:
                made[:, at] = step.costs[of.cost, :, point] * of.times
            elif of.axis in step.axes:
                assert of.axis is not None
                multiples = self.own[of.axis].multiples[step.codes[step.axes.index(of.axis)]]
                made[:, at] = np.tile(multiples, step.states)
        return made

    def _tightest(self, stages: Sequence[Edges], limits: Sequence[Interval]) -> tuple[Meeting, list[Interval]]:
        """Sums of the column whose limits the fewest meet, and the limits of all."""
        limits = list(limits) or [Interval()]
        meetings = [
            Meeting([stage._replace(costs=stage.costs[:, [at]]) for stage in stages], limit)
            for at, limit in enumerate(limits)
            if limit != Interval() or len(limits) == 1
        ]
        return min(meetings, key=lambda each: each.count), limits

    def _listed(self, stages: Sequence[Edges], costs: Sequence[Column], limits: Sequence[Interval]) -> Ways:
        meeting, limits = self._tightest(stages, limits)
        if meeting.count > MOST_LISTED:
            self._refuse_many(meeting.count, sum(limit != Interval() for limit in limits) > 1)
        ways = meeting.listed()
        good = np.flatnonzero(inside(values_of(costs, ways), limits))
        return [edges[good] for edges in ways]

    def _refuse_many(self, count: float, is_more: bool) -> None:
        """There are more than are listed; fewer than can be gone through are gone through."""
        if self.plan.points > LONGEST:
            most = "at most " if is_more else ""
            message = f"{most}{_told(count)} configurations meet the conditions, too many to list"
            help = "--sample 1000 draws some of these, --top 10 has the first, --pareto the front"
            raise SpecError([Diagnostic("too-many-points", message, help=help)])
        raise UnsummedError

    def _draws(self, names: Sequence[str], limits: Sequence[Interval]) -> tuple[list[Columns], float | None, float]:
        """Configurations drawn of those that meet the conditions; which part of draws met all of them, how many do."""
        wanted = self.plan.sample or 0
        draw = np.random.default_rng(self.plan.seed)
        made = []
        for point in self.points.tolist():
            stages, costs = self._edges(point, names)
            made.append((point, costs, *self._tightest(stages, limits)))
        counts = np.array([meeting.count for _, _, meeting, _ in made])
        if not counts.sum():
            return [], None, 0.0
        parts: list[Columns] = []
        tried = found = 0
        while found < wanted:
            if tried >= PATIENCE * wanted:
                break
            batch = max(256, min(wanted - found, 1 << 16))
            shares = draw.multinomial(batch, counts / counts.sum())
            batched: list[Columns] = []
            for share, (point, costs, meeting, intervals) in zip(shares, made, strict=True):
                if not share:
                    continue
                ways = meeting.drawn(int(share), draw)
                good = np.flatnonzero(inside(values_of(costs, ways), intervals))
                batched.append(self._codes([edges[good] for edges in ways], point))
            piece = joined([axis.name for axis in self.plan.axes], batched)
            size = len(next(iter(piece.values())))
            mixed = draw.permutation(size)[: wanted - found]
            parts.append({name: of[mixed] for name, of in piece.items()})
            tried += batch
            found += size
        share = min(found, tried) / tried
        is_one = share == 1
        return parts, None if is_one else share, float(counts.sum()) * (1 if is_one else share)

    def _codes(self, ways: Ways, point: int) -> Columns:
        """The index of each configuration on each axis."""
        found: Columns = {}
        for step, edges in zip(self.steps, ways, strict=True):
            combination = edges % max(1, step.codes.shape[1])
            for axis, codes in zip(step.axes, step.codes, strict=True):
                found[self.own[axis].name] = codes[combination]
        size = len(ways[0])
        at = np.unravel_index(point, [axis.size for axis in self.free]) if self.free else ()
        return found | {axis.name: np.full(size, index) for axis, index in zip(self.free, at, strict=True)}

    def _computed(self, codes: Columns, tally: Tally, progress: Progress | None) -> Columns:
        """Rows of the configurations that were found."""
        plan, runner = self.plan, self.runner
        size = len(next(iter(codes.values())))
        pieces: list[Columns] = []
        for begin in range(0, size, AT_ONCE):
            end = min(size, begin + AT_ONCE)
            within = {name: of[begin:end] for name, of in codes.items()}
            pieces.append(runner.at(within, end - begin).columns())
            if progress is not None:
                progress(end)
        tally.wide = frozenset(
            name for piece in pieces for name, of in piece.items() if of.dtype == object
        ) & frozenset(plan.question.quantities)
        if runner.is_lower_bound(0):
            tally.lower_bounds = frozenset(plan.names)
        return joined(plan.heading.columns, pieces)

    def _check(self, codes: Columns, size: int) -> int:
        """Compute some of the rows once more, with the integer engine; how many.

        Raises:
            SweepMismatchError: one costs something else.
        """
        some = np.sort(np.random.default_rng(0).permutation(size)[:CHECKED])
        if len(some):
            self.runner.at({name: of[some] for name, of in codes.items()}, len(some), is_checked=True)
        return len(some)

    # what is no network

    def _left_out(self) -> list[LeftOut]:
        """How many configurations are refused as what, with one of each."""
        counts: dict[int, int] = {}
        firsts: dict[int, tuple[int, int, int]] = {}  # stage, edge, free point
        for point in range(self.steps[0].refusals.shape[1]):
            ways: list[int] = [1]
            left = prod(axis.size for axis in self.own)
            for number, step in enumerate(self.steps):
                left //= prod(self.own[axis].size for axis in step.axes)
                state = np.repeat(np.arange(step.states), step.codes.shape[1])
                refusals = step.refusals[:, point]
                for code in np.unique(refusals[refusals != 0]).tolist():
                    edges = np.flatnonzero(refusals == code)
                    of_states = np.bincount(state[edges], minlength=step.states).tolist()
                    count = sum(way * of for way, of in zip(ways, of_states, strict=True)) * left
                    if count:
                        counts[code] = counts.get(code, 0) + count
                        open_ = [edge for edge in edges[:AT_ONCE].tolist() if ways[state[edge]]]
                        firsts.setdefault(code, (number, open_[0], point))
                valid = np.flatnonzero((refusals == 0) & (step.to >= 0))
                after = self.steps[number + 1].states if number + 1 < len(self.steps) else 1
                between, edges = np.unique(state[valid] * after + step.to[valid], return_counts=True)
                more = [0] * after
                for key, many in zip(between.tolist(), edges.tolist(), strict=True):
                    more[key % after] += ways[key // after] * many
                ways = more
        return [self._example(counts[code], *firsts[code]) for code in counts]

    def _example(self, count: int, number: int, edge: int, point: int) -> LeftOut:
        """One configuration that is refused at an edge."""
        ways = [np.zeros(1, np.int64) for _ in self.steps]
        ways[number][0] = edge
        for at in reversed(range(number)):
            state = int(ways[at + 1][0]) // self.steps[at + 1].codes.shape[1]
            step = self.steps[at]
            ways[at][0] = np.flatnonzero((step.to == state) & (step.refusals[:, point] == 0))[0]
        codes = self._codes(ways, point)
        return self.runner.refused_at({name: int(of[0]) for name, of in codes.items()}, count)


def _narrowed(interval: Interval, condition: Filter) -> Interval:
    """An interval within a condition too."""
    if isinstance(condition.amount, str) or condition.sign == "!=":
        raise UnsummedError
    amount = condition.amount
    least, most = interval
    low = {">": floor(amount) + 1, ">=": ceil(amount), "==": ceil(amount)}.get(condition.sign)
    high = {"<": ceil(amount) - 1, "<=": floor(amount), "==": floor(amount)}.get(condition.sign)
    if low is not None:
        least = low if least is None else max(least, low)
    if high is not None:
        most = high if most is None else min(most, high)
    return Interval(least, most)


def _of_axis(condition: Filter, axis: Axis) -> Column:
    if axis.is_numeric:
        return condition.keeps(axis.multiples, axis.unit)
    return condition.keeps(np.array(axis.texts, dtype=object), axis.unit)


def _told(count: float) -> str:
    return f"{count:,.0f}" if count < 1 << 53 else f"about {count:.3g}"

"""One chunk of a sweep computed: on grids of axes where it can be, else at lists of points, checked one by one."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from fractions import Fraction
from itertools import product
from math import prod
from typing import NamedTuple

import numpy as np

from archcalc.engine.library import network_of
from archcalc.engine.sweep.axes import settings_text
from archcalc.engine.sweep.expansion import Expansion, Expansions, costs_at, variables_of
from archcalc.engine.sweep.many import MOST_FREE, Many, many_of
from archcalc.engine.sweep.plan import Chunk, Plan
from archcalc.engine.sweep.planned import taken
from archcalc.engine.sweep.structures import Found, Structures
from archcalc.results.sweep import Column, Columns, LeftOut, Tally, Value
from archcalc.source import SpecError

Indices = dict[str, Column]


class SweepMismatchError(Exception):
    """A configuration whose costs in arrays are not those of the integer engine: an error of archcalc."""


class Failure(NamedTuple):
    """Points that are no network, the place of the first, and the error if it is known."""

    place: int
    points: int
    error: SpecError | None
    code: str = ""  # where that is known, and the error has not been made


class Piece(NamedTuple):
    """Costs of some points; where `valid` is false they mean nothing."""

    costs: Columns
    valid: Column
    failures: list[Failure]


class Points(NamedTuple):
    """The network of each point and its index on each axis, made when they are asked for."""

    network: Callable[[], Column]
    indices: Mapping[str, Callable[[], Column]]

    def take(self, rows: Column) -> Points:
        """Some of them."""
        return Points(_taken(self.network, rows), {name: _taken(of, rows) for name, of in self.indices.items()})

    def at(self, place: int) -> tuple[int, dict[str, int]]:
        """The network and the indices of one point."""
        return int(self.network()[place]), {name: int(of()[place]) for name, of in self.indices.items()}


def _taken(of: Callable[[], Column], rows: Column) -> Callable[[], Column]:
    return lambda: of()[rows]


def _constant(values: Column) -> Callable[[], Column]:
    return lambda: values


class Rows:
    """Configurations with their costs, by column."""

    def __init__(self, plan: Plan, points: Points, costs: Columns) -> None:
        self.plan, self.points, self.costs = plan, points, costs
        self.axes = {axis.name: axis for axis in plan.axes}

    def __len__(self) -> int:
        return len(next(iter(self.costs.values())))

    def column(self, name: str) -> Column:
        """The values of a column, as they are written."""
        if name == "network":
            return np.take(np.array(self.plan.names, dtype=object), self.points.network())
        if name in self.axes:
            return self.axes[name].column(self.points.indices[name]())
        return self.costs[name]

    def exact(self, name: str) -> tuple[Column, Fraction]:
        """Whole multiples and what they are multiples of; texts with a unit of 0."""
        axis = self.axes.get(name)
        if axis is not None and axis.is_numeric:
            return np.take(axis.multiples, self.points.indices[name]()), axis.unit
        return self.column(name), Fraction(1 if name in self.costs else 0)

    def take(self, rows: Column | None) -> Rows:
        """Some of the rows; None: all."""
        if rows is None:
            return self
        return Rows(self.plan, self.points.take(rows), {name: values[rows] for name, values in self.costs.items()})

    def columns(self) -> Columns:
        """All of them."""
        return {name: self.column(name) for name in self.plan.heading.columns}


class Runner:
    """Computes chunks of a plan; keeps what it has expanded."""

    def __init__(self, plan: Plan) -> None:
        self.plan = plan
        self.networks = [network_of(text) for text in plan.networks]
        self.expansions = [
            taken(Expansions, network, plan.question, plan.ordered(number))
            or Expansions(network, plan.question, plan.ordered(number))
            for number, network in enumerate(self.networks)
        ]
        self.checked = plan.checked()
        self._many: dict[int, Many] = {}

    def many(self, network: int) -> Many | None:
        """A network whose structure varies, by tables; None: it is looped, or nothing decides its structure."""
        looped = self.plan.looped[network]
        if not looped or prod(axis.size for axis in self.plan.axes if axis.name not in looped) > MOST_FREE:
            return None
        if network not in self._many:
            axes = self.plan.ordered(network)
            own, free = axes[: len(looped)], axes[len(looped) :]
            is_apart = self.plan.apart[network]
            self._many[network] = many_of(self.networks[network], self.plan.question, own, free, is_apart)
        return self._many[network]

    def run(self, number: int) -> tuple[Rows, Tally]:
        """One chunk: configurations that may be kept, and what was found on the way.

        Raises:
            SweepMismatchError: the integer engine gives another number.
        """
        chunk = self.plan.chunk(number)
        points, piece = self._box(chunk) if chunk.box else self._draws(chunk)
        tally = Tally(computed=chunk.points)
        tally.wide = frozenset(name for name, values in piece.costs.items() if values.dtype == object)
        within = range(len(self.networks)) if self.plan.sample else (chunk.network,)
        tally.lower_bounds = frozenset(self.plan.names[at] for at in within if self.is_lower_bound(at))
        for failure in piece.failures:
            tally.add(Tally(left_out=[self._left_out(chunk, points, failure)]))
        for checked in sorted(self.checked):
            if chunk.first <= checked < chunk.first + chunk.points:
                self._check(checked - chunk.first, points, piece)
                tally.checked += 1
        rows = Rows(self.plan, points, piece.costs)
        if not piece.valid.all():
            rows = rows.take(np.flatnonzero(piece.valid))
        rows = rows.take(self.plan.selection.kept(rows))
        tally.kept = len(rows)
        return rows, tally

    def at(self, indices: Indices, count: int, is_checked: bool = False) -> Rows:
        """Configurations of the first network by their indices, computed once more where they are to be checked.

        Raises:
            SweepMismatchError: one is no network, or the integer engine gives another number.
        """
        points = Points(lambda: np.zeros(count, np.int64), {name: _constant(of) for name, of in indices.items()})
        piece = self._points(0, {}, indices, count)
        if not piece.valid.all():
            raise SweepMismatchError(f"{self.plan.names[0]}: a configuration that was found is no network")
        for place in range(count if is_checked else 0):
            self._check(place, points, piece)
        return Rows(self.plan, points, piece.costs)

    def refused_at(self, indices: Mapping[str, int], count: int) -> LeftOut:
        """So many configurations of the first network that are refused as one of them is."""
        points = Points(
            lambda: np.zeros(1, np.int64), {name: _constant(np.array([of])) for name, of in indices.items()}
        )
        chunk = Chunk(0, -1, count, 0, ())
        return self._left_out(chunk, points, Failure(0, count, None))

    def is_lower_bound(self, network: int) -> bool:
        """Whether an operation of unknown cost was met in a network."""
        many = self._many.get(network)
        return self.expansions[network].is_lower_bound or (many is not None and many.is_lower_bound)

    # points of a chunk, and their costs

    def _box(self, chunk: Chunk) -> tuple[Points, Piece]:
        names = list(self.expansions[chunk.network].axes)
        sizes = [end - begin for begin, end in chunk.box]
        looped = len(self.plan.looped[chunk.network])
        box = dict(zip(names[looped:], chunk.box[looped:], strict=True))
        many = self.many(chunk.network)
        if many is not None and all(end - begin == many.sizes[name] for name, (begin, end) in box.items()):
            lengths = sizes[:looped]
            places = np.indices(lengths).reshape(looped, -1)
            codes = {
                name: place + begin for name, place, (begin, _) in zip(names, places, chunk.box[:looped], strict=False)
            }
            return self._points_of(chunk, names, sizes), _piece(*many.grid(codes, prod(lengths)))
        combinations = product(*(range(*ends) for ends in chunk.box[:looped]))
        pieces = [self._slab(chunk.network, dict(zip(names, at, strict=False)), box) for at in combinations]
        return self._points_of(chunk, names, sizes), _joined(pieces)

    def _points_of(self, chunk: Chunk, names: list[str], sizes: list[int]) -> Points:
        """The points of a box."""

        def along(place: int) -> Callable[[], Column]:
            shape = [-1 if number == place else 1 for number in range(len(sizes))]
            return lambda: np.broadcast_to(np.arange(*chunk.box[place]).reshape(shape), sizes).reshape(-1)

        indices = {name: along(place) for place, name in enumerate(names)}
        return Points(self._of_one(chunk), indices)

    def _draws(self, chunk: Chunk) -> tuple[Points, Piece]:
        random = np.random.default_rng([self.plan.seed, chunk.number])
        networks = random.integers(0, len(self.networks), chunk.points) if len(self.networks) > 1 else None
        drawn = {axis.name: random.integers(0, axis.size, chunk.points) for axis in self.plan.axes}
        indices = {name: _constant(values) for name, values in drawn.items()}
        if networks is None:
            return Points(self._of_one(chunk), indices), self._points(0, {}, drawn, chunk.points)
        piece = _empty(self.plan.question.quantities, chunk.points)
        for network in range(len(self.networks)):
            rows = np.flatnonzero(networks == network)
            if len(rows):
                part = {name: values[rows] for name, values in drawn.items()}
                piece = _merged(piece, rows, self._points(network, {}, part, len(rows)))
        return Points(_constant(networks), indices), piece

    def _of_one(self, chunk: Chunk) -> Callable[[], Column]:
        return lambda: np.full(chunk.points, chunk.network)

    # costs on grids and at lists of points

    def _slab(self, network: int, fixed: dict[str, int], box: dict[str, tuple[int, int]]) -> Piece:
        """All combinations of free axes between two indices of each."""
        shape = tuple(end - begin for begin, end in box.values())
        try:
            expansion = self.expansions[network].get(fixed)
        except SpecError:
            return self._flat(network, fixed, box, shape)
        within = {name: slice(*ends) for name, ends in box.items()}
        axes = {name: expansion.axes[name][part] for name, part in within.items()}
        if not all(expansion.holds(choice, axes, within, None).all() for choice in expansion.choices):
            return self._flat(network, fixed, box, shape)
        holds = [np.broadcast_to(expansion.holds(of, axes, within, None), shape) for of in expansion.requirements]
        valid, failures = _valid([each.reshape(-1) for each in holds if not each.all()], prod(shape))
        costs = {
            name: np.broadcast_to(values, shape).reshape(-1) for name, values in expansion.costs(axes, None).items()
        }
        return Piece({name: costs[name] for name in self.plan.question.quantities}, valid, failures)

    def _flat(
        self, network: int, fixed: dict[str, int], box: dict[str, tuple[int, int]], shape: tuple[int, ...]
    ) -> Piece:
        """The same points as a list."""
        count = prod(shape)
        places = np.indices(shape).reshape(len(shape), count)
        indices = {name: begin + place for (name, (begin, _)), place in zip(box.items(), places, strict=True)}
        return self._points(network, fixed, indices, count)

    def _points(self, network: int, fixed: dict[str, int], indices: Indices, count: int) -> Piece:
        """A list of points, each given by its indices; axes that cannot stay free are taken apart."""
        many = None if fixed else self.many(network)
        if many is not None:
            return _piece(*many.points(indices, count))
        for name in self.plan.looped[network]:
            if name not in fixed:
                return self._apart(network, fixed, indices, name, count)
        expansions = self.expansions[network]
        try:
            expansion = expansions.get(fixed)
        except SpecError as error:
            if not indices:
                nothing = _empty(self.plan.question.quantities, count)
                return nothing._replace(failures=[Failure(0, count, error)])
            name = expansions.culprit(fixed, {name: int(of[0]) for name, of in indices.items()})
            return self._apart(network, fixed, indices, name, count)
        other = np.full(count if expansion.choices else 0, False)
        for choice in expansion.choices:
            other |= ~expansion.holds(choice, expansion.axes, {}, indices)
        if not other.any():
            return self._at(expansion, indices, count)
        piece = _empty(self.plan.question.quantities, count)
        same, others = np.flatnonzero(~other), np.flatnonzero(other)
        if len(same):
            rest = {name: of[same] for name, of in indices.items()}
            piece = _merged(piece, same, self._at(expansion, rest, len(same)))
        rest = {name: of[others] for name, of in indices.items()}
        decisive = frozenset().union(*map(variables_of, expansion.choices))
        name = min((name for name in rest if name in decisive), key=lambda name: len(np.unique(rest[name])))
        return _merged(piece, others, self._apart(network, fixed, rest, name, len(others)))

    def _apart(self, network: int, fixed: dict[str, int], indices: Indices, name: str, count: int) -> Piece:
        """Points taken apart by their value on an axis."""
        piece = _empty(self.plan.question.quantities, count)
        order = np.argsort(indices[name], kind="stable")
        found, starts = np.unique(indices[name][order], return_index=True)
        for index, rows in zip(found, np.split(order, starts[1:]), strict=True):
            rest = {other: of[rows] for other, of in indices.items() if other != name}
            part = self._points(network, {**fixed, name: int(index)}, rest, len(rows))
            piece = _merged(piece, rows, part)
        return piece

    def _at(self, expansion: Expansion, indices: Indices, count: int) -> Piece:
        holds = [
            np.broadcast_to(expansion.holds(of, expansion.axes, {}, indices), count) for of in expansion.requirements
        ]
        valid, failures = _valid([each for each in holds if not each.all()], count)
        found = expansion.costs(expansion.axes, indices)
        costs = {name: np.broadcast_to(found[name], count) for name in self.plan.question.quantities}
        return Piece(costs, valid, failures)

    # one configuration

    def _check(self, place: int, points: Points, piece: Piece) -> None:
        network, settings = self._settings(place, points)
        found = {name: int(values[place]) for name, values in piece.costs.items()} if piece.valid[place] else None
        try:
            expected = costs_at(self.networks[network], self.plan.question, settings)
        except SpecError as error:
            if found is not None and error.diagnostics[0].code == "integer-size":
                raise  # a limit of the language, which formulas do not have
            expected = None
        if found != expected:
            raise SweepMismatchError(
                f"{self.plan.names[network]} at {settings_text(settings.items())}: {found or 'no network'} in arrays, "
                f"{expected or 'no network'} by the integer engine"
            )

    def _left_out(self, chunk: Chunk, points: Points, failure: Failure) -> LeftOut:
        network, settings = self._settings(failure.place, points)
        name, where = self.plan.names[network], settings_text(settings.items())
        error = failure.error
        if error is None:
            try:
                costs_at(self.networks[network], self.plan.question, settings)
            except SpecError as found:
                error = found
        if error is None:
            raise SweepMismatchError(f"{name} at {where} is a network, and an assumption fails")
        if failure.code not in ("", error.diagnostics[0].code):
            message = f"{name} at {where} is refused as {failure.code}, and as {error.diagnostics[0].code} by itself"
            raise SweepMismatchError(message)
        first = error.diagnostics[0]
        return LeftOut(
            name, first.code, failure.points, chunk.first + failure.place, where, first.message, first.help or ""
        )

    def _settings(self, place: int, points: Points) -> tuple[int, dict[str, Value]]:
        """The network of a point and its values, in the order of the axes."""
        network, indices = points.at(place)
        return network, {axis.name: axis.value(indices[axis.name]) for axis in self.plan.axes}


def _piece(found: Found, structures: Structures) -> Piece:
    """What tables say of points."""
    failures = []
    refusals = found.refusals
    valid = refusals == 0
    if not valid.all():
        for number in np.unique(refusals[~valid]).tolist():
            at = np.flatnonzero(refusals == number)
            failures.append(Failure(int(at[0]), len(at), None, structures.codes[number]))
    return Piece(found.costs, valid, failures)


def _empty(quantities: tuple[str, ...], count: int) -> Piece:
    return Piece({name: np.zeros(count, np.int64) for name in quantities}, np.full(count, False), [])


def _valid(holds: list[Column], count: int) -> tuple[Column, list[Failure]]:
    """Where all hold; those where one is the first that does not."""
    valid = np.full(count, True)
    failures = []
    for each in holds:
        failing = np.flatnonzero(valid & ~each)
        if len(failing):
            failures.append(Failure(int(failing[0]), len(failing), None))
            valid &= each
    return valid, failures


def _merged(piece: Piece, rows: Column, part: Piece) -> Piece:
    """A piece with some of its points filled in."""
    for name, values in part.costs.items():
        if values.dtype == object and piece.costs[name].dtype != object:
            piece.costs[name] = piece.costs[name].astype(object)
        piece.costs[name][rows] = values
    piece.valid[rows] = part.valid
    piece.failures.extend(failure._replace(place=int(rows[failure.place])) for failure in part.failures)
    return piece


def _joined(pieces: list[Piece]) -> Piece:
    """Pieces one after another."""
    if len(pieces) == 1:
        return pieces[0]
    failures: list[Failure] = []
    begin = 0
    for piece in pieces:
        failures.extend(failure._replace(place=failure.place + begin) for failure in piece.failures)
        begin += len(piece.valid)
    costs = {name: np.concatenate([piece.costs[name] for piece in pieces]) for name in pieces[0].costs}
    return Piece(costs, np.concatenate([piece.valid for piece in pieces]), failures)

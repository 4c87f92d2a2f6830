"""A network as stages in a row, each of which reads so few positions that all combinations of these can be tried."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from math import prod
from typing import Any

import numpy as np

from archcalc.engine.sweep.asked import State
from archcalc.engine.sweep.descent import Descent
from archcalc.engine.sweep.structures import Structures
from archcalc.engine.sweep.tables import NEVER
from archcalc.engine.sweep.units import Inputs, Names, Where
from archcalc.engine.sweep.walk import Frame, Value, Walk
from archcalc.engine.sweep.whole import begun
from archcalc.results.sweep import Column
from archcalc.spec.branches import Slot
from archcalc.spec.expression import Call, Chain, Expression, Generator, Name, as_call
from archcalc.spec.functions import FUNCTIONS
from archcalc.spec.model import Body, Entries, Entry, Placed
from archcalc.spec.naming import Place
from archcalc.spec.reads import CHAIN, InseparableError, names_in
from archcalc.spec.words import MERGES

PROBED = 64  # structures by which it is found what a stage reads
FITTING = 1 << 10  # combinations of what a stage reads, before it is split
MOST_EDGES = 1 << 21  # of all stages: a state before one, with a combination of what it reads

Go = Callable[[State], Value]


class MissingError(Exception):
    """A stage reads an axis that it was not seen to read."""

    def __init__(self, axis: int) -> None:
        super().__init__()
        self.axis = axis


class UnstagedError(Exception):
    """A network that does not come apart into stages."""


class Stage:
    """Parts that are walked together."""

    def __init__(self, go: Go, split: Callable[[State], list[Stage]] | None, name: str = "") -> None:
        self.go, self.split, self.name = go, split, name  # the name by which later stages know what it gives
        self.reads: set[int] = set()
        self.names: set[str] = set()  # of earlier layers and inputs that are read


class Known:
    """Codes of axes that tells which are asked for."""

    def __init__(self, codes: Mapping[int, Column], reads: set[int] | None = None) -> None:
        self.codes, self.reads = codes, reads

    def __getitem__(self, axis: int) -> Column:
        if self.reads is not None:
            self.reads.add(axis)
        if axis not in self.codes:
            raise MissingError(axis)
        return self.codes[axis]


def walk_at(
    structures: Structures,
    size: int,
    codes: Known,
    chain: Value,
    names: Mapping[str, Value],
    inputs: Mapping[str, Value],
) -> tuple[Walk, dict[str, Value], Frame]:
    """A walk at the beginning of a stage; what it may read are its ports."""
    ports = {CHAIN: chain, **inputs, **names}
    depth = np.full((size, len(ports) + 1), NEVER, np.int64)
    zeros = np.zeros(size, np.int64)
    values = {
        name: Value(value.shape, depth, depth, zeros + number, zeros)
        for number, (name, value) in enumerate(ports.items())
    }
    given = Inputs({name: values[name] for name in inputs}, {}, None)
    walk = Walk(size, lambda axis: codes[axis], given, len(ports), structures.free, False)
    frame = Frame(Names({name: values[name] for name in names}, {}, None), values[CHAIN])
    return walk, values, frame


class Finder:
    """Finds the stages of a network."""

    def __init__(self, structures: Structures) -> None:
        self.structures = structures
        self.descent = Descent(structures)

    def found(self) -> list[Stage]:
        """All of them, with what they read in structures drawn at random.

        Raises:
            UnstagedError: a stage reads very much, and cannot be split.
        """
        structures = self.structures
        random = np.random.default_rng(0)
        sizes = structures.sizes
        codes = {axis: random.integers(0, size, PROBED) for axis, size in enumerate(sizes)}
        first = Stage(lambda state: state.value, None)
        walk, value, frame = begun(structures, Known(codes, first.reads), PROBED)
        inputs = dict(walk.inputs.own)
        first.names = set(inputs)
        spec = structures.network.spec
        assert spec.layers is not None
        where = Where({}, "")
        waiting = self._of_root(spec.layers, where)
        found = [first]
        names: dict[str, Value] = {}
        while waiting:
            stage = waiting.pop(0)
            walk, values, frame = walk_at(structures, PROBED, Known(codes, stage.reads), value, names, inputs)
            before = State(walk, values[CHAIN], frame)
            parts = self._parts_of(stage, before, prod(sizes[axis] for axis in self._reads_of(stage, before)))
            if parts:
                waiting = parts + waiting
                continue
            after = stage.go(before)
            stage.names |= {
                name for number, name in enumerate(values) if name != CHAIN and not walk.unread[number].all()
            }
            value = after
            if stage.name:
                names[stage.name] = value
            found.append(stage)
        return found

    def _parts_of(self, stage: Stage, before: State, combinations: int) -> list[Stage]:
        """What a stage is split into; nothing where it stays whole."""
        if combinations <= FITTING or stage.split is None:
            return []
        try:
            return stage.split(before)
        except (UnstagedError, InseparableError):
            if combinations > MOST_EDGES:
                raise
            return []

    def _reads_of(self, stage: Stage, before: State) -> set[int]:
        walk = before.walk.copied()
        stage.go(before._replace(walk=walk))
        return stage.reads

    def _of_root(self, body: Body, where: Where) -> list[Stage]:
        if not isinstance(body, Entries):
            return self._of_place(self.descent.place(body), where, "")
        return [self._of_entry(entry, where) for entry in body.items]

    def _of_entry(self, entry: Entry, where: Where) -> Stage:
        descent = self.descent

        def split(state: State) -> list[Stage]:
            if "x" in names_in(entry.body):
                raise UnstagedError
            found = self._of_body(entry.body, where, entry.name)
            found[-1].name = entry.name
            return found

        return Stage(lambda state: descent.entry(entry, where, state, "", True), split, entry.name)

    def _of_body(self, body: Body, where: Where, path: str) -> list[Stage]:
        if isinstance(body, Entries):
            raise UnstagedError  # its parts may name each other
        return self._of_place(self.descent.place(body), where, path)

    def _of_place(self, place: Place, where: Where, path: str) -> list[Stage]:
        return [
            self._of_part(part, lambda at=at: Slot(place.names(), at, path), where)  # type: ignore[misc]
            for at, part in enumerate(place.parts)
        ]

    def _of_part(self, part: Any, slot: Callable[[], Slot], where: Where) -> Stage:
        descent = self.descent

        def split(state: State) -> list[Stage]:
            if type(part) is Placed:
                return self._of_expression(part.expression, part.base, slot, where, state)
            return self._of_body(part, where, slot().next())

        return Stage(lambda state: descent.part(part, slot(), where, state), split)

    def _of_expression(
        self, expression: Expression, base: int, slot: Callable[[], Slot], where: Where, state: State
    ) -> list[Stage]:
        descent = self.descent
        if type(expression) is Chain:
            place = descent.unit(
                lambda: Place([descent.placed(part, base) for part in expression.parts]), "chain", id(expression), base
            )
            return self._of_place(place, where, slot().next())
        if type(expression) is Generator:
            return self._of_generator(expression, base, slot, where, state)
        if type(expression) in (Call, Name):
            return self._of_call(as_call(expression), base, where, state)  # type: ignore[arg-type]
        raise UnstagedError

    def _of_generator(
        self, generator: Generator, base: int, slot: Callable[[], Slot], where: Where, state: State
    ) -> list[Stage]:
        """A stage for each element of the longest list; where a list is shorter, nothing happens in it."""
        descent = self.descent
        asked = descent.asked("items", generator.iterable, base, where, state)
        asked.found(state.walk, state.value, state.frame)
        sizes = [self.structures.sizes[axis] for axis in asked.reads]
        if prod(sizes) > FITTING or len(asked.ports) > 1:
            raise UnstagedError
        codes = dict(zip(asked.reads, np.indices(sizes).reshape(len(sizes), -1), strict=True))
        for place in range(state.walk.size):  # whatever the shapes before it
            value = state.value.take(np.full(prod(sizes), place))
            walk, values, frame = walk_at(self.structures, prod(sizes), Known(codes), value, {}, {})
            asked.found(walk, values[CHAIN], frame)
        lists = {tuple(items) for _, items, error in asked.answers if items is not None and not error}
        placed = descent.placed(generator.element, base)
        found: list[Stage] = []
        for at in range(max(map(len, lists), default=0)):
            inner: dict[Any, Stage] = {
                item: self._of_part(placed, slot, descent.with_local(where, generator.variable, item))
                for item in {items[at] for items in lists if len(items) > at}
            }
            found.append(self._where_long(asked, at, inner))
        return found or [Stage(lambda state: state.value, None)]

    def _where_long(self, asked: Any, at: int, inner: Mapping[Any, Stage]) -> Stage:
        """A stage where a list is long enough."""

        def go(state: State) -> Value:
            def way(state: State, items: Any) -> Value:
                return inner[items[at]].go(state) if at < len(items) else state.value

            return asked.parted(state, way)  # type: ignore[no-any-return]

        def split(state: State) -> list[Stage]:
            if len(inner) > 1:
                raise UnstagedError
            ((item, only),) = inner.items()
            assert only.split is not None
            return [self._where_long(asked, at, {item: stage}) for stage in only.split(state)]

        return Stage(go, split)

    def _of_call(self, call: Call, base: int, where: Where, state: State) -> list[Stage]:
        """The body of a module, where its arguments are the same in all structures or read where they are used."""
        name = call.function
        if not self.descent.is_module(call, where) or name in FUNCTIONS or name in MERGES:
            raise UnstagedError
        module = self.structures.reader.spec.modules[name]
        found: list[tuple[Body, Where]] = []

        def body(body: Body, inside: Where, at: State) -> Value:
            found.append((body, inside))
            if at.frame.names.own or "x" in names_in(body):
                raise UnstagedError
            return at.value

        self.descent.arguments(module, call, base, where, state, body)
        if len(found) != 1:
            raise UnstagedError
        return self._of_body(*found[0], "")

"""Merges in a walk: each branch by itself, and what brings them together as a part that reads them all."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

from archcalc.engine.sweep.asked import Asked, State, refused
from archcalc.engine.sweep.units import Layer, Names, Where
from archcalc.engine.sweep.walk import Frame, Value
from archcalc.ops import OPERATORS, Operator
from archcalc.spec.branches import Slot
from archcalc.spec.expression import Call, Choice, Expression, Generator, Index, Name, Path
from archcalc.spec.model import Body, Entry, Line, Placed
from archcalc.spec.naming import Place
from archcalc.spec.reads import InseparableError, Reader
from archcalc.spec.values import LayerValue

if TYPE_CHECKING:
    from archcalc.engine.sweep.structures import Structures


class Merging(ABC):
    """Takes merges apart. What stands in a branch is walked by the class below."""

    structures: Structures
    reader: Reader

    @abstractmethod
    def unit(self, make: Callable[[], Any], *key: Any) -> Any:
        """The unit of a key, made once."""

    @abstractmethod
    def asked(self, what: str, expression: Expression, base: int, where: Where, state: State) -> Asked:
        """The answers to a question of an expression."""

    @abstractmethod
    def part(self, part: Any, slot: Slot, where: Where, state: State) -> Value:
        """One part of a chain."""

    @abstractmethod
    def body(self, body: Body, where: Where, state: State, path: str, is_root: bool = False) -> Value:
        """A body."""

    @abstractmethod
    def place(self, body: Body) -> Place:
        """The parts of a body."""

    @abstractmethod
    def placed(self, expression: Expression, base: int) -> Placed:
        """A part of an expression with its place."""

    @abstractmethod
    def with_local(self, where: Where, name: str, value: Any) -> Where:
        """Where an element of a generator stands."""

    @abstractmethod
    def captured(self, value: LayerValue) -> Where:
        """Where a layer expression was written."""

    def merge(
        self,
        name: str,
        call: Call,
        base: int,
        unnamed: tuple[Place, list[range]],
        entries: Sequence[Entry],
        slot: Slot,
        where: Where,
        state: State,
    ) -> Value:
        """Branches from one input, each walked by itself, and what brings them together."""
        cls = OPERATORS[name]
        if cls.roles is not None or cls.copies_of is not Operator.copies_of or self.structures.has_peak:
            raise InseparableError(name)
        place, ranges = unnamed
        labels = place.names()
        # What made the input of the branches is no merge that stands in one of them.
        chain = state.value._replace(merges=state.walk.zeros)
        frame = Frame(state.frame.names, chain if state.is_x_chain else state.frame.x)
        state = state._replace(value=chain, frame=frame)

        def first(state: State, at: int) -> Value:
            if at == len(ranges) + len(entries):
                return self.merged(name, call, base, bool(entries), slot, where, state)

            def go(state: State) -> Value:
                return first(state, at + 1)

            if at < len(ranges):
                return self.branch(place, ranges[at], labels, "", where, state, go, slot.path)
            entry = entries[at - len(ranges)]
            if isinstance(entry.body, Line):
                own = self.place(entry.body)
                return self.branch(own, range(len(own.parts)), own.names(), entry.name, where, state, go, slot.path)
            value = self.body(entry.body, where, self.apart(state), f"{slot.path}.{entry.name}")
            return go(state._replace(branches=(*state.branches, (entry.name, value))))

        return first(state, 0)

    def apart(self, state: State) -> State:
        """A branch, whose names are its own."""
        names = state.frame.names
        return state._replace(
            frame=Frame(Names(dict(names.own), names.outside, names.unit), state.frame.x), branches=()
        )

    def branch(
        self,
        place: Place,
        parts: range,
        labels: Any,
        role: str,
        where: Where,
        state: State,
        go: Callable[[State], Value],
        path: str,
    ) -> Value:
        """A branch whose parts share a place with those of others."""
        slot = Slot(labels, parts[0] if len(parts) else 0, path)
        if len(parts) == 1 and type(place.parts[parts[0]]) is Placed:
            placed = place.parts[parts[0]]
            assert type(placed) is Placed
            return self.branch_value(placed.expression, placed.base, role, slot, where, state, go)
        within = self.apart(state)
        for index in parts:
            value = self.part(place.parts[index], Slot(labels, index, path), where, within)
            within = within._replace(value=value)
        return go(state._replace(branches=(*state.branches, (role, within.value))))

    def branch_value(
        self,
        expression: Expression,
        base: int,
        role: str,
        slot: Slot,
        where: Where,
        state: State,
        go: Callable[[State], Value],
    ) -> Value:
        """A branch that is one expression, as `Branches.branch_value`: also none, or several from a generator."""
        again = self.branch_value

        def one(placed: Placed, inside: Where, state: State) -> Value:
            value = self.part(placed, slot, inside, self.apart(state))
            return go(state._replace(branches=(*state.branches, (role, value))))

        if type(expression) is Choice:
            asked = self.asked("truth", expression.condition, base, where, state)
            return asked.parted(
                state,
                lambda state, is_true: again(
                    expression.then if is_true else expression.otherwise, base, role, slot, where, state, go
                ),
            )
        if type(expression) is Generator:
            element, variable = expression.element, expression.variable

            def several(state: State, items: Any) -> Value:
                def turn(state: State, at: int) -> Value:
                    if at == len(items):
                        return go(state)
                    inside = self.with_local(where, variable, items[at])
                    return again(element, base, role, slot, inside, state, lambda state: turn(state, at + 1))

                return turn(state, 0)

            return self.asked("items", expression.iterable, base, where, state).parted(state, several)
        if type(expression) in (Name, Path, Index):

            def valued(state: State, value: Any) -> Value:
                if value is None:
                    return go(state)
                if type(value) is Layer:
                    layer = state.frame.names[value.name]._replace(merges=state.walk.zeros)
                    return go(state._replace(branches=(*state.branches, (role, layer))))
                if isinstance(value, LayerValue) and value.placed.expression is not expression:
                    placed = value.placed
                    return again(placed.expression, placed.base, role, slot, self.captured(value), state, go)
                return one(self.placed(expression, base), where, state)

            return self.asked("value", expression, base, where, state).parted(state, valued)
        return one(self.placed(expression, base), where, state)

    def merged(self, name: str, call: Call, base: int, is_long: bool, slot: Slot, where: Where, state: State) -> Value:
        """What brings branches together, as a part that reads them by names of its own."""
        branches = state.branches
        if not branches:
            return refused(state, self.structures.code("no-branches"))
        if len(branches) == 1 and OPERATORS[name].nests:
            return branches[0][1]
        number = self.structures.merge_number(name)
        if OPERATORS[name].nests and any((value.merges == number).any() for _, value in branches):
            raise InseparableError("a merge of the same kind in a branch")
        count = len(branches)
        placed = self.unit(lambda: self.placed(_of_taps(call, count), base), "merged", id(call), base, count)
        names = state.frame.names
        own = {**names.own, **{_tap(at): value for at, (_, value) in enumerate(branches)}}
        frame = Frame(Names(own, names.outside, names.unit), state.frame.x)
        # the chain is not read: what every structure has is one shape
        return self.part(placed, slot, where, State(state.walk, state.value, frame))


def _tap(at: int) -> str:
    return f"branch#{at}"


def is_merged(call: Call) -> bool:
    """Whether a call brings together what was walked, and so is not taken apart again."""
    first = call.arguments[0] if call.arguments else None
    taps = first.arguments if type(first) is Call and first.function == "tap" else ()
    return len(taps) == 1 and type(taps[0]) is Name and taps[0].id == _tap(0)


def _of_taps(call: Call, count: int) -> Call:
    """The same call, with branches that go on from what was walked."""
    start, end = call.start, call.end
    taps = [Call(start, end, "tap", (Name(start, end, _tap(at)),), (), ()) for at in range(count)]
    return Call(start, end, call.function, tuple(taps), call.named, call.places)

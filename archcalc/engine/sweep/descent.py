"""How a part of a network is taken apart: bodies, chains, choices, repeats, merges and calls of modules.

What the walk goes through is what an expansion goes through, with arrays of shapes in place of one shape. Where values
decide the way, structures are parted by the value, and each part goes on by itself.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from math import prod
from typing import TYPE_CHECKING, Any

from archcalc.engine.sweep.asked import QUESTIONS, Asked, State, Way
from archcalc.engine.sweep.merging import Merging, is_merged
from archcalc.engine.sweep.pieces import Named, Part, identity
from archcalc.engine.sweep.units import Group, Layer, Lazy, Names, Unit, Where, names_of
from archcalc.engine.sweep.walk import Frame, Value, Walk
from archcalc.spec.branches import Slot
from archcalc.spec.expression import (
    Binary,
    Call,
    Chain,
    Choice,
    Expression,
    Generator,
    Index,
    Name,
    Path,
    as_call,
)
from archcalc.spec.functions import FUNCTIONS
from archcalc.spec.model import Body, Entries, Entry, Line, Module, Placed
from archcalc.spec.naming import Place, branch_places, place_of
from archcalc.spec.reads import CHAIN, InseparableError, X, names_in
from archcalc.spec.values import NOWHERE, LayerValue, Scope
from archcalc.spec.words import MERGES, TRAINABLE

if TYPE_CHECKING:
    from archcalc.engine.sweep.structures import Structures

Inside = Callable[[Body, Where, State], Value]


class Descent(Merging):
    """Takes parts apart for one network."""

    def __init__(self, structures: Structures) -> None:
        self.structures = structures
        self.reader = structures.reader
        self.groups: dict[int, list[Unit]] = {}
        self.is_grouping = True

    # units

    def unit(self, make: Callable[[], Any], *key: Any) -> Any:
        """The unit of a key, made once."""
        units = self.structures.units
        found = units.get(key)
        if found is None:
            found = units[key] = make()
        return found

    def key_of(self, where: Where, names: frozenset[str]) -> Any:
        """What a part takes from where it stands."""
        return (
            where.owner,
            tuple((name, self.value_key(where.locals[name])) for name in sorted(names) if name in where.locals),
        )

    def value_key(self, value: Any) -> Any:
        """A key of an argument."""
        if type(value) is Lazy:
            return ("lazy", value.expression.key, self.key_of(value.where, names_of(value.expression)))
        if type(value) is Layer:
            return value
        return self.reader.keys.key(value)

    def asked(self, what: str, expression: Expression, base: int, where: Where, state: State) -> Asked:
        """The answers to a question of an expression."""
        names = names_of(expression)
        ask = QUESTIONS[what]
        is_x_chain = "x" in names and state.is_x_chain
        return self.unit(  # type: ignore[no-any-return]
            lambda: Asked(
                self.structures,
                where,
                expression,
                base,
                lambda reader, scope: ask(reader, expression, scope, base),
                is_x_chain,
            ),
            what,
            id(expression),
            base,
            self.key_of(where, names),
            is_x_chain,
        )

    def part(self, part: Any, slot: Slot, where: Where, state: State, is_repeated: bool = False) -> Value:
        """One part of a chain."""
        names = names_of(part.expression) if type(part) is Placed else names_in(part)
        is_x_chain = "x" in names and state.is_x_chain
        key = (identity(part), slot.part, id(slot.names.labels), slot.path, self.key_of(where, names), is_x_chain)
        unit = self.unit(lambda: Part(self, part, slot, where, names, is_x_chain), "part", *key)
        unit.is_repeated |= is_repeated
        return unit.run(state.walk, state.value, state.frame)  # type: ignore[no-any-return]

    # bodies

    def body(
        self, body: Body, where: Where, state: State, path: str, is_root: bool = False, is_passed: bool = False
    ) -> Value:
        """A body, as `Expander.body`; one that is walked again and again goes by groups of its entries."""
        if isinstance(body, Entries) and is_passed and self.is_grouping:
            return self.grouped(body, where, state)
        if isinstance(body, Entries):
            value = state.value
            for entry in body.items:
                value = self.entry(entry, where, state._replace(value=value), path, is_root)
            return value
        return self.sequence(self.place(body), where, state, path)

    def grouped(self, body: Entries, where: Where, state: State) -> Value:
        """Entries of `layers:`, those that together read few positions as one table."""
        groups = self.groups.get(id(body))
        if groups is None:
            value = state.value
            units: list[Unit] = []
            for entry in body.items:
                before = state._replace(value=value)
                value = self.entry(entry, where, before, "", True)
                units.append(self.named(entry, where, before, "", True))
            if any(name not in (CHAIN, X) for unit in units for name in unit.ports):
                self.is_grouping = False
            elif state.walk.size > 1:
                self.groups[id(body)] = self._groups(body, units, where)
            return value
        value = state.value
        for group in groups:
            value = group.run(state.walk, value, state.frame)
        return value

    def _groups(self, body: Entries, units: list[Unit], where: Where) -> list[Unit]:
        sizes, most = self.structures.sizes, self.structures.most_rows
        found: list[Unit] = []
        waiting: list[Entry] = []
        reads: set[int] = set()
        for entry, unit in zip(body.items, units, strict=True):
            more = reads | {*unit.reads}
            if waiting and prod(sizes[axis] for axis in more) > most:
                found.append(self._group(waiting, reads, where))
                waiting, more = [], {*unit.reads}
            waiting.append(entry)
            reads = more
        return [*found, self._group(waiting, reads, where)]

    def _group(self, entries: Sequence[Entry], reads: set[int], where: Where) -> Unit:
        def go(walk: Walk, value: Value, frame: Frame) -> Value:
            for entry in entries:
                value = self.entry(entry, where, State(walk, value, frame), "", True)
            return value

        return Group(self.structures, go, reads, where)

    def place(self, body: Body) -> Place:
        """The parts of a body, made once."""
        return self.unit(lambda: place_of(body), "place", id(body))  # type: ignore[no-any-return]

    def named(self, entry: Entry, where: Where, state: State, path: str, is_root: bool) -> Unit:
        """The unit of a named body."""
        if is_root:
            state = state._replace(frame=Frame(state.frame.names, state.value))
        names = names_in(entry.body)
        is_x_chain = "x" in names and state.is_x_chain
        key = id(entry.body), entry.name, path, is_root, self.key_of(where, names), is_x_chain
        found: Unit = self.unit(lambda: Named(self, entry, path, is_root, where, names, is_x_chain), "entry", *key)
        return found

    def entry(self, entry: Entry, where: Where, state: State, path: str, is_root: bool) -> Value:
        """A named body, which later ones may go on from."""
        if is_root:
            state = state._replace(frame=Frame(state.frame.names, state.value))
        value = self.named(entry, where, state, path, is_root).run(state.walk, state.value, state.frame)
        state.frame.names.own[f"{path}.{entry.name}" if path else entry.name] = value
        return value

    def sequence(self, place: Place, where: Where, state: State, path: str) -> Value:
        """Parts in a row."""
        value = state.value
        for index, part in enumerate(place.parts):
            value = self.part(part, Slot(place.names(), index, path), where, state._replace(value=value))
        return value

    # expressions

    def layer(self, placed: Placed, slot: Slot, where: Where, state: State) -> Value:
        """An expression that stands as a layer, taken apart as `Expander.layer` expands it."""
        expression, base = placed.expression, placed.base

        def go(other: Expression, inside: Where = where) -> Way:
            return lambda state, _: self.part(self.placed(other, base), slot, inside, state)

        if type(expression) is Chain:
            place = self.unit(
                lambda: Place([self.placed(part, base) for part in expression.parts]), "chain", id(expression), base
            )
            return self.sequence(place, where, state, slot.next())
        if type(expression) is Choice:
            asked = self.asked("truth", expression.condition, base, where, state)
            return asked.parted(
                state,
                lambda state, is_true: go(expression.then if is_true else expression.otherwise)(state, None),
            )
        if type(expression) is Generator:
            return self.asked("items", expression.iterable, base, where, state).parted(
                state, lambda state, items: self.generated(expression, base, items, slot, where, state)
            )
        if type(expression) is Binary and expression.operator == "*":
            return self.repeated(expression, base, slot, where, state)
        if type(expression) is Call and expression.function in FUNCTIONS:
            return self.valued(expression, base, slot, where, state)
        if type(expression) in (Call, Name):
            return self.called(as_call(expression), expression, base, slot, where, state)  # type: ignore[arg-type]
        return self.valued(expression, base, slot, where, state)

    def placed(self, expression: Expression, base: int) -> Placed:
        """A part of an expression with its place, made once."""
        return self.unit(lambda: Placed(expression, base), "placed", id(expression), base)  # type: ignore[no-any-return]

    def with_local(self, where: Where, name: str, value: Any) -> Where:
        """Where an element of a generator stands."""
        return Where({**where.locals, name: value}, where.owner)

    def generated(
        self, generator: Generator, base: int, items: Sequence[Any], slot: Slot, where: Where, state: State
    ) -> Value:
        """Elements in a row."""
        placed = self.placed(generator.element, base)
        for item in items:
            value = self.part(placed, slot, self.with_local(where, generator.variable, item), state)
            state = state._replace(value=value)
        return state.value

    def repeated(self, expression: Binary, base: int, slot: Slot, where: Where, state: State) -> Value:
        """A layer so many times."""
        left = expression.left
        is_layer = self.asked("is_layer", left, base, where, state)

        def counted(state: State, is_layer: Any) -> Value:
            if not is_layer:
                raise InseparableError("a product that is no layer")
            asked = self.asked("count", expression.right, base, where, state)
            return asked.parted(state, lambda state, count: self.turns(left, base, count, slot, where, state))

        return is_layer.parted(state, counted)

    def turns(self, left: Expression, base: int, count: int, slot: Slot, where: Where, state: State) -> Value:
        """So many turns; those after one that keeps the shape are the same."""
        placed = self.placed(left, base)
        for turn in range(count):
            before = state.value
            added = len(state.walk.added)
            value = self.part(placed, slot, where, state, count > 1)
            rest = count - turn - 1
            if rest and (value.shape == before.shape).all() and len(state.walk.added) == added + 1:
                table, rows, at, times = state.walk.added[added]
                if at is None and times == 1 and table.facts.is_plain and not state.is_x_chain:
                    return state.walk.use(table, rows, [value], rest)
            state = state._replace(value=value)
        return state.value

    def valued(self, expression: Expression, base: int, slot: Slot, where: Where, state: State) -> Value:
        """An expression whose value stands as a layer."""
        asked = self.asked("value", expression, base, where, state)
        return asked.parted(state, lambda state, value: self.as_layer(value, slot, state, expression))

    def as_layer(self, value: Any, slot: Slot, state: State, of: Expression) -> Value:
        """A value that stands as a layer."""
        if value is None or (isinstance(value, LayerValue) and value.is_identity):
            return state.value
        if not isinstance(value, LayerValue) or value.placed.expression is of:
            raise InseparableError("no layer")
        return self.part(value.placed, slot, self.captured(value), state)

    def captured(self, value: LayerValue) -> Where:
        """Where a layer expression was written."""
        if value.names_layers or "x" in names_of(value.placed.expression):
            raise InseparableError("a layer expression that names layers")
        return Where(value.scope.locals, self.structures.NO_OWNER)

    def called(self, call: Call, expression: Expression, base: int, slot: Slot, where: Where, state: State) -> Value:
        """A call, or a bare name."""
        name = call.function
        reader = self.reader
        if name in where.locals or name in reader.spec.settable:
            if type(expression) is Name:
                return self.valued(expression, base, slot, where, state)
            asked = self.asked("callable", expression, base, where, state)
            return asked.parted(state, lambda state, name: self.known(name, call, base, slot, where, state))
        return self.known(name, call, base, slot, where, state)

    def known(self, name: str, call: Call, base: int, slot: Slot, where: Where, state: State) -> Value:
        """A call of a merge or a module; an operator is not taken apart."""
        if name in MERGES and call.arguments and not is_merged(call):
            made = self.unit(
                lambda: branch_places([Line(Placed(argument, base)) for argument in call.arguments]),
                "branches",
                id(call),
                base,
            )
            return self.merge(name, call, base, made, [], slot, where, state)
        module = self.reader.spec.modules.get(name)
        if module is None or name in self.reader.operators or any(given == TRAINABLE for given, _ in call.named):
            raise InseparableError(name)
        return self.arguments(module, call, base, where, state)

    # modules

    def is_module(self, call: Call, where: Where) -> bool:
        """Whether a module is called by its own name, and what is trained is not said."""
        name, reader = call.function, self.reader
        is_named = name in reader.spec.modules and name not in reader.operators
        is_hidden = name in where.locals or name in reader.spec.settable
        return is_named and not is_hidden and all(given != TRAINABLE for given, _ in call.named)

    def arguments(
        self, module: Module, call: Call, base: int, where: Where, state: State, go: Inside | None = None
    ) -> Value:
        """A call of a module: what differs between structures is read where it is used.

        With `go`, that is done with the body and what its names mean; without, it is walked through.
        """
        parameters = module.parameters
        known = [parameter.name for parameter in parameters]
        given = dict(zip(known, call.arguments, strict=False))
        if len(call.arguments) > len(parameters) or any(name not in known or name in given for name, _ in call.named):
            raise InseparableError(module.name)
        given |= dict(call.named)

        def given_value(state: State, at: int, values: dict[str, Any], name: str, value: Any) -> Value:
            """A value is bound as it is; an earlier layer as one that the body knows by a name of its own."""
            if type(value) is not Layer:
                return bind(state, at + 1, {**values, name: value})
            own = f"{name}#"
            layers = (*state.branches, (own, state.frame.names[value.name]))
            return bind(state._replace(branches=layers), at + 1, {**values, name: Layer(own)})

        def bind(state: State, at: int, values: dict[str, Any]) -> Value:
            if at == len(parameters):
                inside = State(state.walk, state.value, Frame(Names(dict(state.branches), {}, None), state.value))
                own = Where(values, module.name)
                return self.body(module.body, own, inside, "") if go is None else go(module.body, own, inside)
            name, default = parameters[at]
            if name in given:
                expression, of, outside = given[name], base, where
            elif default is not None:
                expression, of, outside = default.expression, default.base, Where(dict(values), NOWHERE)
                if "x" in names_of(expression):
                    raise InseparableError("a default that names x")
            else:
                raise InseparableError(module.name)
            names = names_of(expression)
            may_be_layer = type(expression) in (Name, Path, Index)
            if not may_be_layer and self.reader.names_layers(expression, Scope(outside.locals, None, "")):
                raise InseparableError("an argument that names layers")
            asked = self.asked("value", expression, of, outside, state)
            is_layer = may_be_layer and self.is_of_layers(expression, outside)
            is_lazy = (
                not is_layer
                and "x" not in names
                and (self.reader.is_swept(expression) or any(type(outside.locals.get(each)) is Lazy for each in names))
            )
            if not is_lazy:
                return asked.parted(state, lambda state, value: given_value(state, at, values, name, value))
            lazy = Lazy(expression, of, outside)
            return asked.checked(state, lambda state, _: bind(state, at + 1, {**values, name: lazy}))

        return bind(state._replace(branches=()), 0, {})

    def is_of_layers(self, expression: Expression, where: Where) -> bool:
        """Whether an expression may be an earlier layer: it names one, or an argument that is one."""
        given = any(type(where.locals.get(name)) is Layer for name in names_of(expression))
        return given or self.reader.names_layers(expression, Scope(where.locals, None, ""))

"""What stands in a body, as parts with tables of their own: parts of a chain, and named bodies."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from archcalc.engine.sweep.asked import State
from archcalc.engine.sweep.units import Unit, Where
from archcalc.engine.sweep.walk import Frame, Value, Walk
from archcalc.spec.bind import Handle
from archcalc.spec.branches import Slot
from archcalc.spec.expression import Call
from archcalc.spec.model import Entry, Merge, Placed
from archcalc.spec.naming import branch_places
from archcalc.spec.reads import InseparableError, Reader
from archcalc.spec.values import Scope

if TYPE_CHECKING:
    from archcalc.engine.sweep.descent import Descent


def identity(part: Any) -> Any:
    """What a part is, as a key."""
    return ("expression", id(part.expression), part.base) if type(part) is Placed else ("body", id(part))


class Part(Unit):
    """A part of a chain."""

    def __init__(
        self, descent: Descent, part: Any, slot: Slot, where: Where, names: frozenset[str], is_x_chain: bool
    ) -> None:
        self.descent, self.part, self.slot = descent, part, slot
        self.syntax = (identity(part), slot.part, id(slot.names.labels), slot.path)
        super().__init__(descent.structures, where, names, is_x_chain)

    def memo_key(self, reader: Reader, scope: Scope, ports: list[Value], place: int) -> Any:
        """Of a module's call its arguments, wherever these are read."""
        key = super().memo_key(reader, scope, ports, place)
        expression = self.part.expression if type(self.part) is Placed else None
        if type(expression) is not Call or not self.descent.is_module(expression, self.where):
            return key
        shape = self.structures.shapes[int(ports[0].shape[place])]
        module = reader.spec.modules[expression.function]
        values = reader.module_arguments(module, expression, self.part.base, scope, Handle(-1, shape))
        if any(reader.keys.layers(value) for value in values.values()):
            return key
        self.read_before = len(reader.reads)
        return ("call", *key[:1], tuple(reader.keys.key(value) for value in values.values()), *key[2:])

    def fresh(self) -> Slot:
        """Where it gets its names, counted anew."""
        return Slot(type(self.slot.names)(self.slot.names.labels), self.slot.part, self.slot.path)

    def expand(self, reader: Reader, handle: Handle, scope: Scope) -> Handle:
        """Expand it alone."""
        if type(self.part) is Placed:
            return reader.layer(self.part.expression, self.part.base, handle, scope, self.fresh())
        if isinstance(self.part, Merge):
            return reader.merge_body(self.part, handle, scope, self.fresh())
        return reader.body(self.part, handle, scope, self.fresh().next())

    def descend(self, walk: Walk, value: Value, frame: Frame) -> Value:
        """Walk through its parts."""
        state, descent = State(walk, value, frame), self.descent
        if type(self.part) is Placed:
            return descent.layer(self.part, self.fresh(), self.where, state)
        if isinstance(self.part, Merge):
            merge = self.part
            if merge.call.arguments:
                raise InseparableError("arguments of a merge")
            unnamed = descent.unit(lambda: branch_places(merge.branches), "branches", id(merge))
            return descent.merge(
                merge.call.function, merge.call, merge.base, unnamed, merge.entries, self.fresh(), self.where, state
            )
        return descent.body(self.part, self.where, state, self.fresh().next())


class Named(Unit):
    """An entry of a mapping."""

    def __init__(
        self,
        descent: Descent,
        entry: Entry,
        path: str,
        is_root: bool,
        where: Where,
        names: frozenset[str],
        is_x_chain: bool,
    ) -> None:
        self.descent, self.of, self.path, self.is_root = descent, entry, path, is_root
        self.syntax = ("entry", id(entry.body), entry.name, path, is_root)
        super().__init__(descent.structures, where, names, is_x_chain)

    def expand(self, reader: Reader, handle: Handle, scope: Scope) -> Handle:
        """Expand it alone."""
        return reader.entry(self.of, handle, scope, self.path, self.is_root)

    def descend(self, walk: Walk, value: Value, frame: Frame) -> Value:
        """Walk through its parts."""
        path = f"{self.path}.{self.of.name}" if self.path else self.of.name
        return self.descent.body(self.of.body, self.where, State(walk, value, frame), path)

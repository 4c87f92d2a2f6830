"""What decides the way of a walk: conditions, counts, lists and layers, answered once for each combination read."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from archcalc.engine.sweep.tables import NEVER, REFUSED
from archcalc.engine.sweep.units import Layer, Memo, Where, names_of
from archcalc.engine.sweep.walk import Frame, Value, Walk, put
from archcalc.ops import LayerReference
from archcalc.results.sweep import Column
from archcalc.source import Span, SpecError
from archcalc.spec.expression import Expression
from archcalc.spec.reads import InseparableError, Reader
from archcalc.spec.values import Scope

if TYPE_CHECKING:
    from archcalc.engine.sweep.structures import Structures


ANSWER = 10  # parts that are walked through in the time that an answer takes


class State(NamedTuple):
    """Where a walk is: what the chain gives, what names mean, and branches that were walked."""

    walk: Walk
    value: Value
    frame: Frame
    branches: tuple[tuple[str, Value], ...] = ()

    def take(self, rows: Column) -> State:
        """For some of the structures."""
        value = self.value.take(rows)
        x = self.frame.x
        x = value if x is self.value else None if x is None else x.take(rows)
        branches = tuple((role, branch.take(rows)) for role, branch in self.branches)
        return State(self.walk.take(rows), value, Frame(self.frame.names.take(rows), x), branches)

    @property
    def is_x_chain(self) -> bool:
        """Whether `x` stands for what the chain gives."""
        return self.frame.x is self.value


Way = Callable[[State, Any], Value]


class Asked(Memo):
    """What an expression is in each structure: a condition, a count, a list, a layer."""

    def __init__(
        self,
        structures: Structures,
        where: Where,
        expression: Expression,
        base: int,
        ask: Callable[[Reader, Scope], Any],
        is_x_chain: bool,
    ) -> None:
        self.expression, self.base, self.ask = expression, base, ask
        super().__init__(structures, where, names_of(expression), is_x_chain)

    def begin(self) -> None:
        """Forget what was found."""
        super().begin()
        self.answers: list[tuple[Any, Any, int]] = [(None, None, 0)]  # key, value, error

    def fill(self, walk: Walk, ports: list[Value], places: Column, value: Value, frame: Frame) -> int:
        """Answers."""
        found = []
        for place in places.tolist():
            self.structures.count_run(ANSWER)
            reader, shape = self.reading(walk, ports, place, frame)
            try:
                answer = self.ask(reader, self.scope(reader, shape))
                if isinstance(answer, LayerReference) and answer.node < 0:
                    answer = Layer(list(reader.ports)[-1 - answer.node])
                    row: tuple[Any, Any, int] = (answer, answer, 0)
                elif reader.keys.layers(answer):
                    raise InseparableError("layers in a value")
                else:
                    row = (reader.keys.key(answer), answer, 0)
            except SpecError as error:
                row = (None, None, self.structures.error_of(error))
            self.add_reads(reader.reads)
            found.append(row)
        begin = len(self.answers)
        self.answers += found
        return begin

    def parted(self, state: State, way: Way) -> Value:
        """Each structure goes its way by its answer."""
        rows, _ = self.found(state.walk, state.value, state.frame)
        used = np.unique(rows).tolist()
        groups: dict[Any, tuple[Any, int, list[int]]] = {}
        for row in used:
            key, value, error = self.answers[row]
            groups.setdefault((key, error, row == 0), (value, error, []))[2].append(row)
        if len(groups) == 1:
            ((value, error, of),) = groups.values()
            return refused(state, error) if error or of == [0] else way(state, value)
        whole: Value | None = None
        for value, error, of in groups.values():
            at = np.flatnonzero(np.isin(rows, of))
            part = state.take(at)
            found = refused(part, error) if error or of == [0] else way(part, value)
            state.walk.join(part.walk, at)
            whole = put(whole, at, found, state.walk.size)
        assert whole is not None
        return whole

    def checked(self, state: State, way: Way) -> Value:
        """All go one way, but those where the expression is wrong."""
        rows, _ = self.found(state.walk, state.value, state.frame)
        errors = np.array([error for _, _, error in self.answers])[rows]
        if not errors.any():
            return way(state, None)
        whole: Value | None = None
        for error in np.unique(errors).tolist():
            at = np.flatnonzero(errors == error)
            part = state.take(at)
            found = refused(part, error) if error else way(part, None)
            state.walk.join(part.walk, at)
            whole = put(whole, at, found, state.walk.size)
        assert whole is not None
        return whole


def refused(state: State, error: int) -> Value:
    """What comes of structures that are refused here, or were before."""
    walk = state.walk
    if error:
        walk.refuse(np.arange(walk.size), np.full((walk.size, walk.free), error, np.int16))
    never = np.full_like(state.value.weighted, NEVER)
    zeros = np.zeros(walk.size, np.int64)
    return Value(zeros + REFUSED, never, never, state.value.tensor, zeros)


def _items(reader: Reader, expression: Expression, scope: Scope, base: int) -> Any:
    value = reader.value(expression, scope, base)
    if type(value) is not tuple:
        span = Span(base + expression.start, base + expression.end)
        reader.fail("not-a-list", "`for` needs a list", span)
    return value


def _count(reader: Reader, expression: Expression, scope: Scope, base: int) -> Any:
    count = reader.whole(expression, scope, base, "the count of a repeat")
    if count < 0:
        span = Span(base + expression.start, base + expression.end)
        reader.fail("negative-count", f"a layer cannot stand {count} times", span)
    return count


QUESTIONS: dict[str, Callable[[Reader, Any, Scope, int], Any]] = {
    "value": lambda reader, expression, scope, base: reader.value(expression, scope, base),
    "truth": lambda reader, expression, scope, base: reader.truth(expression, scope, base),
    "is_layer": lambda reader, expression, scope, base: reader.is_layer(expression, scope, base),
    "items": _items,
    "count": _count,
    "callable": lambda reader, call, scope, base: reader.callable_value(call.function, call, base, scope),
}

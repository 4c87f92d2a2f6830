"""What the holes of a pattern depend on: the input's channels, the constructor's arguments, each other.

In this order: `x.channels`; its product with an argument of the constructor; a fixed multiple of it; an argument of the
constructor; an argument that there is already; a multiple of one; `make_divisible` of these; a new argument. Conditions
come from a closed list, so that what merely happens to hold in these bodies is no rule. What stands only in some bodies
comes last.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from fractions import Fraction
from typing import Any

from archcalc.importing import names
from archcalc.importing.columns import DIVISOR, USUAL, Column, fits, is_factor, multiple, rounded, times, usual_of
from archcalc.importing.conditions import X_CHANNELS, Conditions
from archcalc.importing.terms import (
    ABSENT,
    Arithmetic,
    Choice,
    Function,
    Op,
    Outer,
    Variable,
    is_layer,
    mapped,
    replaced,
    walk,
)
from archcalc.importing.unify import Hole, Presence
from archcalc.named import NamedTuple
from archcalc.ops import OPERATORS

COUNTS = frozenset({"channels", "hidden", "states", "multiplier"})  # arguments that are sizes of layers


class Parameter(NamedTuple):
    """An argument of a module; `default` is ABSENT where it has none."""

    name: str
    default: Any


class Solved(NamedTuple):
    """A module's parameters and body, and for each body the values that give it."""

    parameters: tuple[Parameter, ...]
    body: Any
    values: list[tuple[Any, ...]]
    flags: int = 0  # parts that are there by an argument of their own, not by a rule


class Solver(Conditions):
    """Fills the holes of one pattern.

    Args:
        pattern: what `unify` gave.
        xs: channels of the input of each body, None where it has none.
        outs: channels of the output of each body.
        given: arguments of the constructor by name, each with its value for every body.
        outers: number of layers that it takes from around.
        used: names that stand in the body already.
    """

    def __init__(
        self, pattern: Any, xs: Column, outs: Column, given: dict[str, Column], outers: int, used: set[str]
    ) -> None:
        super().__init__(xs, outs, given, used)
        self.pattern = pattern
        self.outers = [names.argument("skip", used) for _ in range(outers)]

    def solve(self) -> Solved:
        """Fill them.

        Raises:
            Unsolved: it takes more flags than may be.
        """
        parts = list(walk(self.pattern))
        holes = list(dict.fromkeys(part for part in parts if type(part) is Hole))
        certain = [hole for hole in holes if ABSENT not in hole.column]
        for hole in certain:
            self.fill(hole)
        self.note_sizes(parts)
        choices = list(dict.fromkeys(part for part in parts if type(part) is Choice))
        presences: dict[Presence, Choice] = {}
        for choice in choices:
            if type(choice.condition) is Presence:
                presences.setdefault(choice.condition, choice)
        for presence, choice in sorted(presences.items(), key=lambda pair: ABSENT in pair[0].column):
            self.solutions[presence] = self.condition(presence.column, choice)
        for hole in holes:
            if ABSENT in hole.column:
                self.fill(hole)
        body = self.filled(self.pattern)
        return self.ordered(body)

    def filled(self, term: Any) -> Any:
        """The pattern with what was found."""
        if type(term) is Hole or type(term) is Presence:
            return self.solutions[term]
        if type(term) is Outer:
            return Variable(self.outers[term.number])
        if type(term) is Choice and type(self.solutions.get(term.condition)) is Arithmetic:
            condition = self.solutions[term.condition]
            if condition.operator == "not":
                term = Choice(condition.right, term.otherwise, term.then)
                return mapped(term, self.filled)
        if type(term) is Choice and type(term.condition) is Presence:
            column = term.condition.column
            then = self.strided(term.then, column, True)
            term = Choice(term.condition, then, self.strided(term.otherwise, column, False))
        return mapped(term, self.filled)

    def strided(self, term: Any, column: Column, is_there: bool) -> Any:
        """A part that some bodies have: its strides and sizes are those of the body, where these say the same."""
        if not is_layer(term):
            return term
        strides = [(Variable(name), values) for source, name, values in self.strides() if source is None]
        sizes = [(of, values) for of, values in reversed(self.sizes) if not isinstance(of, int) and of != X_CHANNELS]
        said: dict[tuple[str, Any], Any] = {}
        for argument, known in (("stride", strides), ("channels", sizes)):
            for expression, values in known:
                held = {value for value, there in zip(values, column, strict=True) if there is is_there}
                if len(held) == 1 and held.isdisjoint({1, ABSENT}):
                    said.setdefault((argument, held.pop()), expression)

        def change(part: Any) -> Any:
            if type(part) is not Op:
                return part
            return Op(part.name, tuple([(name, said.get((name, value), value)) for name, value in part.arguments]))

        return replaced(term, change) if said else term

    def ordered(self, body: Any) -> Solved:
        """Parameters in the order of the constructor, those without a default first."""
        place = {self.from_source[name]: at for at, name in enumerate(self.from_source)}
        order = list(self.given)
        source = {new: order.index(old) for old, new in self.from_source.items()}

        def key(name: str) -> tuple[bool, int]:
            return name in self.defaults, source.get(name, len(order) + place.get(name, 0))

        found = sorted(self.columns, key=key)
        parameters = [Parameter(name, ABSENT) for name in self.outers]
        parameters += [Parameter(name, self.defaults.get(name, ABSENT)) for name in found]
        count = len(self.xs)
        values = [tuple([self.columns[name][at] for name in found]) for at in range(count)]
        return Solved(tuple(parameters), body, values, self.flags)

    # numbers

    def fill(self, hole: Hole) -> None:
        """Find what a hole is."""
        if hole in self.solutions:
            return
        operator, argument = hole.of
        is_size = (
            argument in COUNTS
            or operator == "slice_channels"
            or (operator not in OPERATORS and argument not in USUAL and self.is_numbers(hole))
        )
        found = next(self.candidates(hole, is_size), None)
        self.solutions[hole] = self.new(hole) if found is None else found
        if is_size:
            self.sizes.append((self.solutions[hole], hole.column))

    def is_numbers(self, hole: Hole) -> bool:
        """Whether all values are whole numbers."""
        return all(value is ABSENT or type(value) is int for value in hole.column)

    def candidates(self, hole: Hole, is_size: bool) -> Iterator[Any]:
        """Expressions that fit, best first; arguments of the constructor become parameters as they are asked for."""
        column = hole.column
        numbers = self.is_numbers(hole) and hole.of[1] != "count"
        sizes = numbers and is_size
        if sizes and ABSENT in column:  # what few bodies show is more likely what the others have
            for expression, known in self.sizes:
                if not isinstance(expression, int) and fits(column, known):
                    yield expression
        if sizes and fits(column, self.xs):
            yield X_CHANNELS
        if sizes and None not in self.xs:
            for name, factor in self.factors():
                if fits(column, [times(x, f) for x, f in zip(self.xs, factor, strict=True)]):
                    yield Arithmetic("*", self.parameter_of(name, name), X_CHANNELS)
            found = multiple(column, self.xs, X_CHANNELS)
            if found is not None:
                yield found
        for name in self.of_constructor(hole):
            yield self.parameter_of(name, hole.of[1])
        for name, known in self.columns.items():
            if fits(column, known):
                yield Variable(name)
        if sizes:
            for name, known in self.columns.items():
                found = multiple(column, known, Variable(name))
                if found is not None:
                    yield found
            for name, known in self.given.items():
                found = multiple(column, known, Variable(name))
                if found is not None:
                    parameter = self.parameter_of(name, name)
                    yield multiple(column, known, parameter)
            yield from self.divisible(column)

    def factors(self) -> Iterator[tuple[str, Column]]:
        """Arguments of the constructor that may multiply the channels."""
        for name, column in self.given.items():
            if is_factor(name) and all(isinstance(value, (int, Fraction)) for value in column):
                yield name, column

    def divisible(self, column: Column) -> Iterator[Any]:
        """`make_divisible` of a multiple of the channels, or of an argument."""
        known: list[tuple[Any, Column]] = [(Variable(name), values) for name, values in self.columns.items()]
        if None not in self.xs:
            known.insert(0, (X_CHANNELS, self.xs))
        for expression, values in known:
            if not all(isinstance(value, int) for value in values):
                continue
            for name, factor in self.factors():
                if fits(column, [rounded(times(v, f)) for v, f in zip(values, factor, strict=True)]):
                    parameter = self.parameter_of(name, name)
                    yield Function("make_divisible", (Arithmetic("*", parameter, expression), DIVISOR))
            for divisor in (2, 4, 8, 16, 6, 3):
                if fits(column, [rounded(Fraction(v, divisor)) for v in values]):
                    yield Function("make_divisible", (Arithmetic("/", expression, divisor), DIVISOR))

    def of_constructor(self, hole: Hole) -> list[str]:
        """Arguments of the constructor with these values, those with a like name first."""
        wanted = hole.of[1]
        found = [name for name, column in self.given.items() if fits(hole.column, column)]
        if wanted in USUAL or hole.of[0] not in OPERATORS:
            alike = [name for name in found if name == wanted]
            found = alike or found
        return sorted(found, key=lambda name: (name != wanted, wanted not in name, name.startswith("in")))

    def new(self, hole: Hole) -> Any:
        """An argument of its own: the ratio to the channels, where there are fewer ratios than sizes."""
        operator, argument = hole.of
        if operator in ("conv", "linear") and argument == "channels" and None not in self.xs:
            pairs = list(zip(hole.column, self.xs, strict=True))
            ratios = {size // x for size, x in pairs if type(size) is int and size > x and size % x == 0}
            is_ratio = all(type(size) is int and size % x == 0 and size > x for size, x in pairs)
            if is_ratio and len(ratios) < len(set(hole.column)):
                ratio = names.argument("expand_ratio", self.used)
                self.columns[ratio] = tuple([size // x for size, x in pairs])
                return Arithmetic("*", Variable(ratio), X_CHANNELS)
        name = names.argument("times" if argument == "count" else argument, self.used)
        present = Counter(value for value in hole.column if value is not ABSENT)
        common = present.most_common(1)[0][0]
        self.columns[name] = tuple([common if value is ABSENT else value for value in hole.column])
        if ABSENT in hole.column:
            self.defaults[name] = common
        else:
            usual = usual_of(argument, hole.column, operator)
            if usual is not ABSENT:
                self.defaults[name] = usual
        return Variable(name)

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
from typing import Any, NamedTuple

from archcalc.dims import make_divisible
from archcalc.importing import names
from archcalc.importing.bodies import word_of
from archcalc.importing.terms import (
    ABSENT,
    IDENTITY,
    NOTHING,
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
from archcalc.ops import OPERATORS

X_CHANNELS = Variable("x.channels")
MOST_FLAGS = 2
DIVISOR = 8
COUNTS = frozenset({"channels", "hidden", "states", "multiplier"})  # arguments that are sizes of layers
FACTORS = ("ratio", "expan", "mult", "factor", "width", "growth", "reduction")
USUAL = {"stride": 1, "dilation": 1, "groups": 1}

Column = tuple[Any, ...]


class Unsolved(Exception):  # noqa: N818  # no error of anybody: there will be two modules
    """Too much differs for one module."""


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


class Solver:
    """Fills the holes of one pattern.

    Args:
        pattern: what `unify` gave.
        xs: channels of the input of each body, None where it has none.
        given: arguments of the constructor by name, each with its value for every body.
        outers: number of layers that it takes from around.
        used: names that stand in the body already.
    """

    def __init__(self, pattern: Any, xs: Column, given: dict[str, Column], outers: int, used: set[str]) -> None:
        self.pattern = pattern
        self.xs = xs
        self.given = {name: column for name, column in given.items() if len(set(column)) > 1}
        self.used = used
        self.columns: dict[str, Column] = {}  # of parameters by name
        self.defaults: dict[str, Any] = {}
        self.from_source: dict[str, str] = {}  # constructor's arguments to the names of parameters
        self.solutions: dict[Any, Any] = {}
        self.sizes: list[tuple[Any, Column]] = []  # expressions that are channels, in order
        self.flags = 0
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
        strides = [(Variable(name), values) for _, name, values in self.strides() if name in self.columns]
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
        is_size = argument in COUNTS or (operator not in OPERATORS and argument not in USUAL and self.is_numbers(hole))
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

    def parameter_of(self, name: str, argument: str) -> Variable:
        """The parameter for an argument of the constructor."""
        new = self.from_source.get(name)
        if new is None:
            new = self.from_source[name] = names.argument(name, self.used)
            self.columns[new] = self.given[name]
            usual = usual_of(argument, self.given[name])
            if usual is not ABSENT:
                self.defaults[new] = usual
        return Variable(new)

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

    # conditions

    def note_sizes(self, parts: list[Any]) -> None:
        """Channels that are the same in all bodies may be compared with too."""
        for part in parts:
            if type(part) is Op and "channels" in OPERATORS[part.name].arguments:
                value = dict(part.arguments).get("channels")
                if isinstance(value, int):
                    self.sizes.append((value, (value,) * len(self.xs)))

    def condition(self, column: Column, choice: Choice) -> Any:
        """When a part is there."""
        is_left_out = choice.otherwise == NOTHING
        tests = [self.same_shape, self.other_channels] if is_left_out else [self.other_channels, self.same_shape]
        for test in (*tests, self.not_usual, self.flag_of_constructor):
            found = test(column)
            if found is not None:
                return found
        if choice.otherwise == IDENTITY:
            found = self.of_size(column, choice.then)
            if found is not None:
                return found
        self.flags += 1
        if self.flags > MOST_FLAGS:
            raise Unsolved
        word = word_of(choice.then)
        name = names.argument("with_part" if word == "layer" else f"with_{word}", self.used)
        common = Counter(value for value in column if value is not ABSENT).most_common(1)[0][0]
        self.columns[name] = tuple([common if value is ABSENT else value for value in column])
        self.defaults[name] = common
        return Variable(name)

    def of_size(self, column: Column, then: Any) -> Any:
        """A layer that is there where it changes the channels: `expand_ratio != 1`, or `x.channels != expanded`."""
        ops = [part for part in walk(then) if type(part) is Op and part.name in ("conv", "linear")]
        hole = dict(ops[0].arguments).get("channels") if ops else None
        if type(hole) is not Hole or hole in self.solutions or None in self.xs or ABSENT in column:
            return None
        pairs = list(zip(hole.column, self.xs, strict=True))
        if any((size is ABSENT) is there or size == x for (size, x), there in zip(pairs, column, strict=True)):
            return None
        if all(size is ABSENT or size % x == 0 for size, x in pairs):
            name = names.argument("expand_ratio", self.used)
            self.columns[name] = tuple([1 if size is ABSENT else size // x for size, x in pairs])
            self.defaults[name] = Counter(self.columns[name]).most_common(1)[0][0]
            self.solutions[hole] = Arithmetic("*", Variable(name), X_CHANNELS)
            self.sizes.append((self.solutions[hole], hole.column))
            return Arithmetic("!=", Variable(name), 1)
        name = names.argument("expanded", self.used)
        self.columns[name] = tuple([x if size is ABSENT else size for size, x in pairs])
        self.solutions[hole] = Variable(name)
        self.sizes.append((self.solutions[hole], self.columns[name]))
        return Arithmetic("!=", X_CHANNELS, Variable(name))

    def strides(self) -> Iterator[tuple[str | None, str, Column]]:
        """Arguments that are strides: of the constructor, and those that there are."""
        for name, column in self.columns.items():
            if "stride" in name:
                yield None, name, column
        for name, column in self.given.items():
            if "stride" in name and name not in self.from_source:
                yield name, name, column

    def same_shape(self, column: Column) -> Any:
        """`stride == 1 and x.channels == out`, or its contrary."""
        if None in self.xs:
            return None
        for expression, sizes in reversed(self.sizes):
            if expression == X_CHANNELS or any(size is ABSENT for size in sizes):
                continue
            same = [x == size for x, size in zip(self.xs, sizes, strict=True)]
            for source, name, strides in self.strides():
                one = [value in (1, (1, 1)) for value in strides]
                both = [a and b for a, b in zip(same, one, strict=True)]
                if fits(column, both) or fits(column, [not value for value in both]):
                    stride = self.parameter_of(source, "stride") if source else Variable(name)
                    if fits(column, both):
                        test = Arithmetic("==", X_CHANNELS, expression)
                        return Arithmetic("and", Arithmetic("==", stride, 1), test)
                    test = Arithmetic("!=", X_CHANNELS, expression)
                    return Arithmetic("or", Arithmetic("!=", stride, 1), test)
            if fits(column, same):
                return Arithmetic("==", X_CHANNELS, expression)
        return None

    def other_channels(self, column: Column) -> Any:
        """`x.channels != out`, or its contrary."""
        if None in self.xs:
            return None
        for expression, sizes in reversed(self.sizes):
            if expression == X_CHANNELS or any(size is ABSENT for size in sizes):
                continue
            same = [x == size for x, size in zip(self.xs, sizes, strict=True)]
            if fits(column, [not value for value in same]):
                return Arithmetic("!=", X_CHANNELS, expression)
            if fits(column, same):
                return Arithmetic("==", X_CHANNELS, expression)
        return None

    def not_usual(self, column: Column) -> Any:
        """`expand_ratio != 1`: an argument that is not, or is, one value."""
        for source, name, values in self.numbers():
            for value in dict.fromkeys(values):
                if isinstance(value, bool) or not isinstance(value, int) or value not in (0, 1, 2):
                    continue
                is_it = [other == value for other in values]
                for test, operator in (([not it for it in is_it], "!="), (is_it, "==")):
                    if fits(column, test):
                        variable = self.parameter_of(source, name) if source else Variable(name)
                        return Arithmetic(operator, variable, value)
        return None

    def numbers(self) -> Iterator[tuple[str | None, str, Column]]:
        """Arguments that may be compared with a number."""
        for name, column in self.columns.items():
            yield None, name, column
        for name, column in self.given.items():
            if name not in self.from_source and is_factor(name):
                yield name, name, column

    def flag_of_constructor(self, column: Column) -> Any:
        """A flag of the constructor."""
        for name, values in self.given.items():
            if all(isinstance(value, bool) for value in values):
                if fits(column, values):
                    return self.parameter_of(name, name)
                if fits(column, [not value for value in values]):
                    return Arithmetic("not", None, self.parameter_of(name, name))
        return None


def is_factor(name: str) -> bool:
    """Whether an argument of a constructor is by its name what channels are multiplied with."""
    return any(word in name for word in FACTORS)


def fits(column: Column, values: Any) -> bool:
    """Whether values are those of a column, wherever that has one."""
    return all(
        wanted is ABSENT or (wanted == value and isinstance(wanted, bool) == isinstance(value, bool))
        for wanted, value in zip(column, values, strict=True)
    )


def times(value: Any, factor: Any) -> Any:
    """A product as a whole number where it is one."""
    product = value * factor
    return int(product) if isinstance(product, Fraction) and product.denominator == 1 else product


def rounded(value: Any) -> Any:
    """`make_divisible` to the usual divisor."""
    return make_divisible(value, DIVISOR) if value > 0 else None


def multiple(column: Column, known: Column, expression: Any) -> Any:
    """`4*x` or `x//2`, if a column is that of what is known; of at least two values."""
    pairs = {(value, other) for value, other in zip(column, known, strict=True) if value is not ABSENT}
    if len(pairs) < 2 or not all(type(value) is int and type(other) is int and other > 0 for value, other in pairs):
        return None
    ratios = {Fraction(value, other) for value, other in pairs}
    if len(ratios) == 1:
        (ratio,) = ratios
        if ratio.denominator == 1 and ratio > 1:
            return Arithmetic("*", int(ratio), expression)
        if ratio.numerator == 1 and ratio.denominator > 1:
            return Arithmetic("//", expression, ratio.denominator)
    return None


def usual_of(argument: str, column: Column, operator: str = "") -> Any:
    """The default of an argument: what it is where nothing is said; ABSENT for sizes."""
    if argument in USUAL:
        return USUAL[argument] if USUAL[argument] in column else ABSENT
    declared = OPERATORS[operator].arguments.get(argument) if operator in OPERATORS else None
    if declared is not None and not declared.is_required and declared.default in column:
        return declared.default
    if any(isinstance(value, (bool, str, Op)) or value is None for value in column):
        return Counter(column).most_common(1)[0][0]
    return ABSENT

"""When a part of a module is there: rules from a closed list, so that what merely happens to hold is none."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from typing import Any

from archcalc.importing import names
from archcalc.importing.bodies import word_of
from archcalc.importing.columns import Column, fits, is_factor, usual_of
from archcalc.importing.terms import ABSENT, IDENTITY, NOTHING, Arithmetic, Choice, Op, Variable, walk
from archcalc.importing.unify import Hole
from archcalc.ops import OPERATORS

X_CHANNELS = Variable("x.channels")
MOST_FLAGS = 2


class Unsolved(Exception):  # noqa: N818  # no error of anybody: there will be two modules
    """Too much differs for one module."""


class Conditions:
    """What is known of the bodies of one pattern, and the conditions that follow.

    Args:
        xs: channels of the input of each body, None where it has none.
        outs: channels of the output of each body.
        given: arguments of the constructor by name, each with its value for every body.
        used: names that stand in the body already.
    """

    def __init__(self, xs: Column, outs: Column, given: dict[str, Column], used: set[str]) -> None:
        self.xs = xs
        self.outs = outs
        self.given = {name: column for name, column in given.items() if len(set(column)) > 1}
        self.used = used
        self.columns: dict[str, Column] = {}  # of parameters by name
        self.defaults: dict[str, Any] = {}
        self.from_source: dict[str, str] = {}  # constructor's arguments to the names of parameters
        self.solutions: dict[Any, Any] = {}
        self.sizes: list[tuple[Any, Column]] = []  # expressions that are channels, in order
        self.flags = 0

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
            if expression == X_CHANNELS or sizes != self.outs:
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
            if expression == X_CHANNELS or sizes != self.outs:
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
                if isinstance(value, bool) or not isinstance(value, int) or value not in (0, 1):
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

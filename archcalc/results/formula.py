"""Closed forms as data: what a network costs as a function of the variables that stay free."""

from __future__ import annotations

import operator
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from fractions import Fraction
from itertools import count
from typing import Literal, NamedTuple, TypeAlias

from archcalc.dims import Assumption, Dim, Relation, evaluate

By: TypeAlias = 'Literal["total", "stage", "layer"]'


class Counter(NamedTuple):
    """What a free variable is in a form: step * letter + offset, the letter being a whole number of `least` or more."""

    variable: str
    letter: str  # the variable itself where that is what is counted
    step: Fraction = Fraction(1)
    offset: Fraction = Fraction(0)
    least: int = 1
    period: int = 1  # the letter leaves one of the residues when it is divided by the period
    residues: tuple[int, ...] = (0,)

    @property
    def is_itself(self) -> bool:
        """Whether the variable stands in the form as it is."""
        return self.letter == self.variable

    def values(self) -> Iterator[Fraction]:
        """What the variable may be, from the least on."""
        return (self.value(number) for number in count(self.least) if number % self.period in self.residues)

    def value(self, number: int) -> Fraction:
        """What the variable is where the letter is a number."""
        return self.step * number + self.offset

    def number(self, value: Fraction | int) -> int:
        """What the letter is at a value of the variable.

        Raises:
            ValueError: the form does not hold there.
        """
        found = (Fraction(value) - self.offset) / self.step
        if found.denominator != 1 or found < self.least or found.numerator % self.period not in self.residues:
            raise ValueError(f"no {self.letter} gives {self.variable} = {value}")
        return found.numerator


class ClosedForm(NamedTuple):
    """Costs in one way of writing them: by row (a stage, a layer; "" is the whole network), then by quantity."""

    counters: tuple[Counter, ...]
    rows: Mapping[str, Mapping[str, Dim]]
    assumptions: tuple[Assumption, ...] = ()  # on the letters, besides those that the counters say

    def evaluate(self, row: str, quantity: str, values: Mapping[str, Fraction | int]) -> int:
        """The exact number at values of the variables.

        Raises:
            KeyError: a variable has no value.
            ValueError: the form does not hold there.
        """
        return evaluate(self.rows[row][quantity], self.numbers(values))

    def numbers(self, values: Mapping[str, Fraction | int]) -> dict[str, int]:
        """What the letters are at values of the variables.

        Raises:
            KeyError: a variable has no value.
            ValueError: the form does not hold there.
        """
        found = {counter.letter: counter.number(values[counter.variable]) for counter in self.counters}
        for assumed in self.assumptions:
            if not _HOLDS[assumed.relation](evaluate(assumed.a, found), evaluate(assumed.b, found)):
                raise ValueError(f"not so: {assumed.text}")
        return found


_HOLDS: dict[Relation, Callable[[int, int], bool]] = {
    "==": operator.eq,
    "!=": operator.ne,
    ">=": operator.ge,
    "divisible": lambda a, b: b > 0 and a % b == 0,
}


@dataclass(frozen=True, slots=True)
class Formulas:
    """Closed forms of a network: for every value, and, where that takes the floors away, for every so many."""

    name: str
    title: str
    by: By
    quantities: tuple[str, ...]
    exact: ClosedForm
    simple: ClosedForm  # the same as the exact one where there is nothing to take away
    point: Mapping[str, Fraction]  # the values of the variables in the spec, where each has one
    costs: Mapping[str, Mapping[str, int]]  # at that point, by the integer engine
    settings: Mapping[str, str]
    with_heads: bool
    unknown: tuple[str, ...]  # layers of unknown cost: every formula with them is a lower bound

    @property
    def is_simpler(self) -> bool:
        """Whether there is a form without the floors."""
        return self.simple is not self.exact

    def chosen(self, is_exact: bool) -> ClosedForm:
        """The form for every value, or the simple one."""
        return self.exact if is_exact else self.simple

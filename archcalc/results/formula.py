"""Closed forms as data: what a network costs as a function of the variables that stay free."""

from __future__ import annotations

import operator
from collections.abc import Callable, Iterator, Mapping, Sequence
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
    declared: int = 1  # from which number of units on the variable is free, before anything is required of it

    @property
    def is_unconditional(self) -> bool:
        """Whether nothing is required of it beyond what it was declared with."""
        return self.least <= self.declared and self.period == 1

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

    def number(self, value: Fraction | float) -> int:
        """What the letter is at a value of the variable.

        Raises:
            ValueError: the form does not hold there.
        """
        found = (Fraction(value) - self.offset) / self.step
        if found.denominator != 1 or found < self.least or found.numerator % self.period not in self.residues:
            raise ValueError(f"it holds for {self.condition}, not {value}")
        return found.numerator

    @property
    def definition(self) -> str:
        """`resolution = 32 n + 11`; the variable alone where it is itself what is counted."""
        if self.is_itself:
            return self.variable
        step, letter = self.step, self.letter
        product = letter if step.numerator == 1 else f"{step.numerator} {letter}"
        share = product if step.denominator == 1 else f"{product}/{step.denominator}"
        return f"{self.variable} = {share}{f' + {self.offset}' if self.offset else ''}"

    @property
    def remainders(self) -> str:
        """`resolution mod 32 is 0 to 6 or 31`; that it is a multiple."""
        if self.residues == (0,):
            return f"a multiple of {self.period}"
        runs: list[list[int]] = []
        for residue in self.residues:
            if runs and residue == runs[-1][-1] + 1:
                runs[-1].append(residue)
            else:
                runs.append([residue])
        *words, last = [str(run[0]) if len(run) == 1 else f"{run[0]} to {run[-1]}" for run in runs]
        either = f"{', '.join(words)} or {last}" if words else last
        return f"{self.letter} mod {self.period} is {either}"

    @property
    def condition(self) -> str:
        """For which values the form holds: `resolution = 32 n + 11 with n >= 3`."""
        least = f"{self.letter} >= {self.least}{f', {self.remainders}' if self.period > 1 else ''}"
        return least if self.is_itself else f"{self.definition} with {least}"


class Forms(NamedTuple):
    """Costs in one way of writing them: by row (a stage, a layer; "" is the whole network), then by quantity."""

    counters: tuple[Counter, ...]
    rows: Mapping[str, Mapping[str, Dim]]
    assumptions: tuple[Assumption, ...] = ()  # on the letters, besides those that the counters say

    def evaluate(self, row: str, quantity: str, values: Mapping[str, Fraction | float]) -> int:
        """The exact number at values of the variables.

        Raises:
            TypeError: a variable has no value, or there is no such variable.
            ValueError: the form does not hold there.
        """
        return evaluate(self.rows[row][quantity], self.numbers(values))

    def numbers(self, values: Mapping[str, Fraction | float]) -> dict[str, int]:
        """What the letters are at values of the variables.

        Raises:
            TypeError: a variable has no value, or there is no such variable.
            ValueError: the form does not hold there.
        """
        return numbers_at(self.counters, self.assumptions, values)


def numbers_at(
    counters: Sequence[Counter], assumptions: Sequence[Assumption], values: Mapping[str, Fraction | float]
) -> dict[str, int]:
    """What the letters of a form are at values of its variables.

    Raises:
        TypeError: a variable has no value, or there is no such variable.
        ValueError: the form does not hold there.
    """
    names = {counter.variable for counter in counters}
    if names != values.keys():
        wrong = [*(f"{name} is missing" for name in names - values.keys()), *sorted(values.keys() - names)]
        raise TypeError(f"it is a function of {', '.join(sorted(names)) or 'nothing'}: {wrong[0]}")
    found = {counter.letter: counter.number(values[counter.variable]) for counter in counters}
    for assumed in assumptions:
        if not is_met(assumed, found):
            at = ", ".join(f"{name} = {values[name]}" for name in values)
            raise ValueError(f"it holds where {assumed.text}, not at {at}")
    return found


def is_met(assumed: Assumption, numbers: Mapping[str, int]) -> bool:
    """Whether an assumption holds at numbers for its variables."""
    return _HOLDS[assumed.relation](evaluate(assumed.a, numbers), evaluate(assumed.b, numbers))


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
    exact: Forms
    simple: Forms  # the same as the exact one where there is nothing to take away
    point: Mapping[str, Fraction]  # the values of the variables in the spec, where each has one
    costs: Mapping[str, Mapping[str, int]]  # at that point, by the integer engine
    refusal: str  # why the exact form does not hold at that point: the network is another one there; "" where it does
    settings: Mapping[str, str]
    with_heads: bool
    unknown: tuple[str, ...]  # layers of unknown cost: every formula with them is a lower bound

    @property
    def is_simpler(self) -> bool:
        """Whether there is a form without the floors."""
        return self.simple is not self.exact

    def __call__(self, /, **values: Fraction | float) -> dict[str, dict[str, int]]:
        """The exact numbers at values of all variables, by row and quantity.

        Raises:
            TypeError: a variable has no value, or there is no such variable.
            ValueError: the forms do not hold there.
        """
        numbers = self.exact.numbers(values)
        return {
            row: {name: evaluate(x, numbers) for name, x in costs.items()} for row, costs in self.exact.rows.items()
        }

    def chosen(self, is_exact: bool) -> Forms:
        """The form for every value, or the simple one."""
        return self.exact if is_exact else self.simple

"""Conditions that are typed: `macs > +2%`, `params <= 7M`, `size_bytes > +1MiB`."""

from __future__ import annotations

import operator
import re
from collections.abc import Callable, Mapping
from fractions import Fraction
from typing import Any, NamedTuple, NoReturn, cast

from archcalc.engine.limits.budget import known_quantity
from archcalc.results.difference import Condition, Sign
from archcalc.source import Diagnostic, SpecError
from archcalc.spec.budget import exact_amount, sample_amount

COMPARISONS: Mapping[str, Callable[[Any, Any], bool]] = {
    "<": operator.lt,
    "<=": operator.le,
    "==": operator.eq,
    "!=": operator.ne,
    ">=": operator.ge,
    ">": operator.gt,
}
_CONDITION = re.compile(r"\s*(?:([A-Za-z_]+)\s*)?(<=|>=|==|!=|<|>|)\s*([+-]?)\s*([0-9][^%]*?)\s*(%?)\s*\Z")
_COMPARISON = re.compile(r"\s*(\w+(?:\[[0-9]{1,9}\])*)\s*(<=|>=|==|!=|<|>)\s*(.*?)\s*\Z")
_PERCENT = re.compile(r"[0-9]{1,18}(\.[0-9]{1,18})?\Z")
_SAMPLE = "macs > +2% (a change), params > +100K (a change), params > 5M (the value)"


class Comparison(NamedTuple):
    """A column compared with what stands right of the sign: `macs < 600M`, before it is known what the column holds."""

    column: str
    sign: Sign
    right: str
    text: str  # as typed

    def amount(self) -> int:
        """The right side as an amount of a quantity.

        Raises:
            SpecError: it is a change, or no amount.
        """
        if self.right.startswith(("+", "-")) or self.right.endswith("%"):
            self.refuse("it is about a change, and there is none", f"{self.column} {self.sign} 600M")
        amount = exact_amount(self.right, self.column)
        if amount is None:
            self.refuse(f"`{self.right}` is no amount of {self.column}", sample_amount(self.column))
        return amount

    def refuse(self, why: str, help: str) -> NoReturn:
        """End with what is wrong with it.

        Raises:
            SpecError: always.
        """
        raise SpecError([Diagnostic("bad-condition", f"`{self.text}` is no condition: {why}", help=help)])


def comparison(text: str, sample: str) -> Comparison:
    """A condition on a column of a table.

    Raises:
        SpecError: it does not read so.
    """
    found = _COMPARISON.match(text)
    if found is None or not found[3]:
        _refuse(text, f"a condition is {sample}")
    return Comparison(found[1], cast(Sign, found[2]), found[3], text.strip())


def condition(text: str, quantity: str = "") -> Condition:
    """A condition on a quantity, which the text names unless it is given; without a sign, that it is equal.

    Raises:
        SpecError: it does not read so, or an unknown quantity.
    """
    found = _CONDITION.match(text)
    if found is None or bool(found[1]) == bool(quantity) or not (found[2] or quantity):
        _refuse(text, f"a condition is {_SAMPLE}" if not quantity else '"<= 1.6G", or a whole number')
    name = known_quantity(found[1] or quantity)
    sign = cast(Sign, found[2] or "==")
    factor = -1 if found[3] == "-" else 1
    if found[5]:
        if not _PERCENT.match(found[4]):
            _refuse(text, f"a condition is {_SAMPLE}")
        return Condition(name, sign, factor * Fraction(found[4]), "percent", text.strip())
    amount = exact_amount(found[4], name)
    if amount is None:
        _refuse(text, sample_amount(name))
    return Condition(name, sign, Fraction(factor * amount), "change" if found[3] else "value", text.strip())


def is_met(given: Condition, old: int, new: int) -> bool:
    """Whether a condition holds; in whole numbers, so that 2% is 2% at any size."""
    holds = COMPARISONS[given.sign]
    if given.of == "value":
        return holds(Fraction(new), given.amount)
    if given.of == "change":
        return holds(Fraction(new - old), given.amount)
    return holds(Fraction(100 * (new - old)), given.amount * old)


def _refuse(text: str, help: str) -> NoReturn:
    raise SpecError([Diagnostic("bad-condition", f"`{text}` is no condition", help=help)])

"""Columns: the values that something has in each of several bodies, and what one may be of another."""

from __future__ import annotations

from collections import Counter
from fractions import Fraction
from typing import Any

from archcalc.dims import make_divisible
from archcalc.importing.terms import ABSENT, Arithmetic, Op
from archcalc.ops import OPERATORS

DIVISOR = 8
FACTORS = ("ratio", "expan", "mult", "factor", "width", "growth", "reduction")
USUAL = {"stride": 1, "dilation": 1, "groups": 1}

Column = tuple[Any, ...]


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

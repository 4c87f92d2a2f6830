"""Shares of sizes on their way to a whole number: `0.75 * width` while width is free.

A ratio never enters a rule. The language computes with it until a function (`floor`, `make_divisible`) or the
numbers themselves (`0.75 * (4 * width)`) make a whole number of it.
"""

from __future__ import annotations

from fractions import Fraction
from math import gcd, lcm
from typing import Any, TypeAlias

from archcalc.dims.atoms import Condition, Dim
from archcalc.dims.decide import equal, less
from archcalc.dims.polynomial import Polynomial
from archcalc.dims.vocabulary import ceil_div, maximum, minimum, select

Number: TypeAlias = "int | Fraction | Polynomial | Ratio"


class Ratio:
    """A polynomial over a whole number, in lowest terms; made by `over` and by arithmetic."""

    __slots__ = ("denominator", "numerator")
    denominator: int
    numerator: Polynomial

    def __init__(self, numerator: Polynomial, denominator: int) -> None:
        self.numerator, self.denominator = numerator, denominator

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Ratio) and (self.numerator, self.denominator) == (other.numerator, other.denominator)

    def __hash__(self) -> int:
        return hash((self.numerator, self.denominator))

    def __str__(self) -> str:
        return f"({self.numerator})/{self.denominator}"

    __repr__ = __str__

    def variables(self) -> frozenset[str]:
        """The names of all variables in it."""
        return self.numerator.variables()

    def __bool__(self) -> bool:
        raise TypeError(f"whether {self} is zero depends on its variables")


FREE = (Polynomial, Ratio)  # numbers that depend on variables


def over(numerator: Dim, denominator: int) -> Number:
    """Numerator / denominator in lowest terms: a whole number, a fraction, a polynomial, or a ratio."""
    if isinstance(numerator, int):
        found = Fraction(numerator, denominator)
        return found.numerator if found.denominator == 1 else found
    common = gcd(denominator, *numerator.terms.values())
    reduced = numerator // common
    if common == denominator or isinstance(reduced, int):
        return reduced
    return Ratio(reduced, denominator // common)


def parts(x: Number) -> tuple[Dim, int]:
    """Numerator and denominator."""
    return (x, 1) if isinstance(x, Polynomial) else (x.numerator, x.denominator)


def add(a: Number, b: Number) -> Number:
    """A + b."""
    (p, q), (r, s) = parts(a), parts(b)
    common = lcm(q, s)
    return over(p * (common // q) + r * (common // s), common)


def subtract(a: Number, b: Number) -> Number:
    """A - b."""
    return add(a, multiply(b, -1))


def multiply(a: Number, b: Number) -> Number:
    """A * b."""
    (p, q), (r, s) = parts(a), parts(b)
    return over(p * r, q * s)


def divide(a: Number, b: Number) -> Number | None:
    """A / b, b being above 0; None where that is no polynomial over a whole number."""
    (p, q), (r, s) = parts(a), parts(b)
    if isinstance(r, int):
        return over(p * s, q * r)
    exact = (p * s) // (r * q)
    return exact if exact * (r * q) == p * s else None


def floor_divide(a: Number, b: Number) -> Dim:
    """The whole number not above a / b, b being above 0."""
    (p, q), (r, s) = parts(a), parts(b)
    return (p * s) // (r * q)


def modulo(a: Number, b: Number) -> Number:
    """What floor division leaves."""
    return subtract(a, multiply(floor_divide(a, b), b))


def power(x: Number, exponent: int) -> Number:
    """X to the power of a whole number of 0 or more."""
    numerator, denominator = parts(x)
    return over(numerator**exponent, denominator**exponent)


def floor(x: Number) -> Dim:
    """The whole number not above x."""
    return floor_divide(x, 1)


def ceil(x: Number) -> Dim:
    """The whole number not below x."""
    numerator, denominator = parts(x)
    return ceil_div(numerator, denominator)


def nearest(x: Number) -> Dim:
    """The nearest whole number; of two, the even one, as Python's `round`."""
    numerator, denominator = parts(x)
    up = (2 * numerator + denominator) // (2 * denominator)
    is_tie = equal(2 * numerator + denominator, up * (2 * denominator))
    return select(is_tie, up // 2 * 2, up)


def largest(a: Number, b: Number) -> Number:
    """The larger of two."""
    (p, q), (r, s) = parts(a), parts(b)
    return over(maximum(p * s, r * q), q * s)


def smallest(a: Number, b: Number) -> Number:
    """The smaller of two."""
    (p, q), (r, s) = parts(a), parts(b)
    return over(minimum(p * s, r * q), q * s)


def is_less(a: Number, b: Number) -> bool | Condition:
    """Whether a < b."""
    (p, q), (r, s) = parts(a), parts(b)
    return less(p * s, r * q)


def is_equal(a: Number, b: Number) -> bool | Condition:
    """Whether a == b."""
    (p, q), (r, s) = parts(a), parts(b)
    return equal(p * s, r * q)


def make_divisible(x: Any, divisor: int) -> Dim:
    """The multiple of the divisor nearest to x (halves up), or the next where that is over a tenth below x.

    MobileNet's rule for scaled widths (tensorflow/models, slim/nets/mobilenet, `make_divisible`), exactly.
    """
    if not isinstance(x, int | Fraction | Polynomial | Ratio):
        raise TypeError(f"a width is an int, a Fraction, a polynomial or a ratio, not {x!r}")
    if divisor < 1:
        raise ValueError(f"a width is divisible by 1 or more, not by {divisor}")
    p, q = parts(x)
    found = maximum(divisor, (2 * p + divisor * q) // (2 * divisor * q) * divisor)
    return select(less(10 * q * found, 9 * p), found + divisor, found)

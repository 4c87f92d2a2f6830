"""Shares of free sizes: every function at whole numbers is what Python's fractions give."""

from __future__ import annotations

import math
from fractions import Fraction
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from archcalc.dims import Condition, Polynomial, Ratio, evaluate, make_divisible, ratio, variable

shares = st.fractions(min_value=Fraction(1, 12), max_value=12, max_denominator=12)
sizes = st.integers(1, 300)


def at(x: Any, k: int) -> Fraction:
    numerator, denominator = ratio.parts(x)
    return Fraction(evaluate(numerator, {"k": k}), denominator)


@given(shares, shares, st.integers(-20, 20), sizes)
def test_arithmetic_is_that_of_fractions(a: Fraction, b: Fraction, c: int, k: int) -> None:
    x = ratio.add(ratio.multiply(a, variable("k")), c)
    y = ratio.multiply(b, variable("k"))
    p, q = a * k + c, b * k
    assert at(ratio.add(x, y), k) == p + q
    assert at(ratio.subtract(x, y), k) == p - q
    assert at(ratio.multiply(x, y), k) == p * q
    assert at(ratio.power(x, 3), k) == p**3
    assert at(ratio.divide(x, b), k) == p / b
    assert at(ratio.floor_divide(x, y), k) == p // q
    assert at(ratio.modulo(x, y), k) == p % q
    assert at(ratio.largest(x, y), k) == max(p, q)
    assert at(ratio.smallest(x, y), k) == min(p, q)


@given(shares, st.integers(-20, 20), sizes)
def test_rounding_is_that_of_python(a: Fraction, c: int, k: int) -> None:
    x = ratio.add(ratio.multiply(a, variable("k")), c)
    assert at(ratio.floor(x), k) == math.floor(a * k + c)
    assert at(ratio.ceil(x), k) == math.ceil(a * k + c)
    assert at(ratio.nearest(x), k) == round(a * k + c)  # ties to even


@given(shares, st.sampled_from([1, 4, 8, 16]), sizes)
def test_scaled_widths_are_those_of_the_fraction(a: Fraction, divisor: int, k: int) -> None:
    free = make_divisible(ratio.multiply(a, variable("k")), divisor)
    assert evaluate(free, {"k": k}) == make_divisible(a * k, divisor)


def test_lowest_terms() -> None:
    k = variable("k")
    assert ratio.multiply(Fraction(3, 4), 4 * k) == 3 * k
    assert isinstance(ratio.multiply(Fraction(3, 4), 4 * k), Polynomial)
    half = ratio.multiply(Fraction(1, 2), k)
    assert isinstance(half, Ratio)
    assert half == ratio.multiply(Fraction(2, 4), k)
    assert ratio.subtract(half, half) == 0
    assert ratio.over(6, 4) == Fraction(3, 2)
    assert ratio.over(8, 4) == 2


def test_a_quotient_of_two_sizes_is_refused_unless_it_is_exact() -> None:
    k = variable("k")
    assert ratio.divide(k * k + k, k) == k + 1
    assert ratio.divide(k + 1, k) is None


def test_orders_are_proved_or_stay_open() -> None:
    k = variable("k")
    half = ratio.multiply(Fraction(1, 2), k)
    assert ratio.is_less(half, k) is True
    assert ratio.is_less(k, half) is False
    assert isinstance(ratio.is_less(half, 3), Condition)
    assert ratio.is_equal(half, ratio.multiply(k, Fraction(1, 2))) is True


def test_a_ratio_is_no_condition() -> None:
    with pytest.raises(TypeError, match="depends on its variables"):
        bool(ratio.multiply(Fraction(1, 2), variable("k")))

from __future__ import annotations

from typing import Any

import pytest
import sympy
from hypothesis import given, settings
from hypothesis import strategies as st

from archcalc.dims import Dim, evaluate, variable
from archcalc.engine.formula.symbolic import symbol, to_sympy
from tests.sweep.test_arrays import EXAMPLES

r, w = variable("r"), variable("w")
LEAST = {"r": 1, "w": 1, "z": 0, "v0": 1, "v1": 1, "v2": 1}
points = st.fixed_dictionaries({name: st.integers(least, 500) for name, least in LEAST.items()})


@pytest.mark.parametrize("name", EXAMPLES)
@settings(derandomize=True, deadline=None, max_examples=15)
@given(points)
def test_expressions_equal_ints(name: str, point: dict[str, int]) -> None:
    x = EXAMPLES[name]
    expression: Any = to_sympy(x)
    found = expression.subs({symbol(key, LEAST[key]): value for key, value in point.items()})
    assert found.is_Integer
    assert int(found) == evaluate(x, point)


@pytest.mark.parametrize(
    ("number", "text"),
    [
        (7, "7"),
        (3 * r**2 * w - 5, "3*r**2*w - 5"),
        (9408 * ((r + 1) // 2) ** 2 + 2048000, "9408*floor(r/2 + 1/2)**2 + 2048000"),
        (r // w, "floor(r/w)"),
    ],
)
def test_expressions_read_as_expected(number: Dim, text: str) -> None:
    assert str(to_sympy(number)) == text


def test_numbers_beyond_floats_stay_exact() -> None:
    x = (r**9 + 1) // 7
    assert int(to_sympy(x).subs({symbol("r"): 10**9 + 7})) == ((10**9 + 7) ** 9 + 1) // 7


@pytest.mark.parametrize(("at_least", "positive", "nonnegative"), [(1, True, True), (0, None, True), (-3, None, None)])
def test_symbols_know_what_is_declared(at_least: int, positive: bool | None, nonnegative: bool | None) -> None:
    made: Any = symbol("x", at_least)
    assert (made.is_integer, made.is_positive, made.is_nonnegative) == (True, positive, nonnegative)
    assert symbol("x") == sympy.Symbol("x", integer=True, positive=True)  # type: ignore[no-untyped-call]

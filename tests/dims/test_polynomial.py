from __future__ import annotations

import copy
import gc
import operator
import pickle
from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from archcalc.dims import Dim, Polynomial, evaluate, maximum, prod, substitute, total, variable
from archcalc.dims.atoms import NamedSum, atoms_inside, intern
from archcalc.dims.polynomial import MOST_TERMS, single
from tests.dims.trees import OPEN, Rule, points, quick, rules

r, w, n = variable("r"), variable("w"), variable("n")


@quick
@given(rules, points)
def test_a_rule_on_ints_equals_its_polynomial_at_these_ints(rule: Rule, point: dict[str, int]) -> None:
    assert evaluate(rule(OPEN), point) == rule(point)


@quick
@given(rules, rules, rules)
def test_ring_laws_hold_structurally(a: Rule, b: Rule, c: Rule) -> None:
    x, y, z = a(OPEN), b(OPEN), c(OPEN)
    assert x + y == y + x
    assert (x + y) + z == x + (y + z)
    assert x - x == 0
    assert x + 0 == x == x * 1
    assert 0 - (0 - x) == x
    assert -x == x * -1
    assert x * 0 == 0
    if all(isinstance(d, int) or len(d.terms) < 8 for d in (x, y, z)):  # longer sums may be named
        assert x * y == y * x
        assert (x * y) * z == x * (y * z)
        assert x * (y + z) == x * y + x * z
        assert x**2 * x == x**3


@quick
@given(rules, st.integers(1, 12), st.integers(1, 12), st.integers(-20, 20))
def test_floors_of_floors_are_one_floor(rule: Rule, a: int, q: int, c: int) -> None:
    x = rule({name: variable(name) for name in OPEN})
    assert (r // a + c) // q == (r + a * c) // (a * q)
    assert (q * x + r) // q == x + r // q
    assert (q * x) // q == x


def test_sizes_in_a_chain_of_windows_are_one_floor_of_the_input() -> None:
    assert ((r + 1) // 2 + 1) // 2 == (r + 3) // 4
    size: Dim = r
    for _ in range(5):
        size = (size + 1) // 2
    assert size == (r + 31) // 32
    assert str(size) == "ceil(r/32)"
    assert substitute(size, {"r": 32 * n}) == n
    assert 2 * ((r // 2 - 4) // 2) // 2 == r // 4 - 2


def test_a_floor_that_does_not_reduce_is_one_atom() -> None:
    half = (r + 1) // 2
    assert isinstance(half, Polynomial)
    (monomial,) = half.terms
    assert len(monomial) == 1
    assert len(((9408 * half**2) + 2048000).terms) == 2  # type: ignore[union-attr]


@pytest.mark.parametrize(
    ("quotient", "expected"),
    [
        (r // 1, r),
        (r // r, 1),
        ((4 * w * r) // r, 4 * w),
        ((4 * w * r) // (2 * w), 2 * r),
        ((w * r + 1) // w, r + 1 // w),
        (((w + r) * (w - r + 3)) // (w + r), w - r + 3),
        (((w + 2 * r) ** 3) // (w + 2 * r), (w + 2 * r) ** 2),
        ((2 * w + 2 * r) // (4 * r + 2 * n), (w + r) // (2 * r + n)),
        ((6 * r + 7) // 9, (2 * r + 2) // 3),
        ((7 * r + 9) // 4, r + 2 + (3 * r + 1) // 4),
        (0 // r, 0),
        (0 // (r + w), 0),
    ],
)
def test_division_identities(quotient: Dim, expected: Dim) -> None:
    assert quotient == expected


def test_division_that_leaves_something_stays_open() -> None:
    assert evaluate((r * r + w) // (r + w), {"r": 7, "w": 5}) == (49 + 5) // 12
    assert evaluate(100 // (r + w), {"r": 7, "w": 5}) == 8
    assert evaluate((2 * r + 1) // (r - w + 1), {"r": 7, "w": 5}) == 5


@pytest.mark.parametrize(("divisor", "error"), [(0, ZeroDivisionError), (-2, ValueError)])
def test_a_divisor_is_one_or_more(divisor: int, error: type[Exception]) -> None:
    with pytest.raises(error, match="divided by 1 or more"):
        r // divisor


def test_constants_are_ints() -> None:
    for number, value in ((r - r + 3, 3), (r * 0, 0), (r**0, 1), ((r + 1) - r, 1), (2 - (r - r), 2)):
        assert type(number) is int
        assert number == value
    assert 5 - r == -r + 5
    assert r**1 is r


def test_equal_structures_are_equal_and_hash_alike() -> None:
    assert hash((r + 1) // 2 * w) == hash(w * ((1 + r) // 2))
    assert {r * w: "area"}[w * r] == "area"
    assert r != w
    assert r != 3
    assert r != "r"
    assert maximum(r, w) == maximum(w, r)


def test_numbers_survive_copying_pickling_and_the_collector() -> None:
    number = maximum((r + 1) // 2, w) ** 2 * ((n + 2) // (r + w)) + 3 * w
    for twin in (pickle.loads(pickle.dumps(number)), copy.deepcopy(number)):
        assert twin == number
        assert hash(twin) == hash(number)
    text = str(number)
    del number, twin
    gc.collect()
    assert str(maximum((r + 1) // 2, w) ** 2 * ((n + 2) // (r + w)) + 3 * w) == text


@pytest.mark.parametrize(
    "branch",
    [
        bool,
        int,
        float,
        operator.index,
        lambda x: x < 3,
        lambda x: x > 3,
        lambda x: x >= r,
        lambda x: x <= 3,
        range,
    ],
)
def test_a_rule_may_not_branch_on_a_number(branch: Callable[[Any], object]) -> None:
    with pytest.raises(TypeError, match="may not branch on a number"):
        branch(r + w)


@pytest.mark.parametrize(
    "operate", [operator.add, operator.sub, operator.mul, operator.floordiv, operator.pow, operator.truediv]
)
def test_floats_never_enter(operate: Callable[[Any, Any], object]) -> None:
    with pytest.raises(TypeError):
        operate(r, 0.5)
    with pytest.raises(TypeError):
        operate(0.5, r)


def test_powers_are_literal_and_not_negative() -> None:
    with pytest.raises(ValueError, match="not -1"):
        r**-1
    with pytest.raises(TypeError):
        2**r  # type: ignore[operator]


def test_long_products_name_their_largest_sum() -> None:
    many = [variable(f"v{i}") for i in range(60)]
    values = {f"v{i}": i + 1 for i in range(60)}
    sum_of_all, first = total(many), total(many[:50])
    product = sum_of_all * first
    assert isinstance(product, Polynomial)
    assert len(product.terms) == 50
    assert any(isinstance(atom, NamedSum) for atom in atoms_inside(product))
    assert evaluate(product, values) == 1830 * 1275
    assert first * sum_of_all == product
    square = sum_of_all**3
    assert isinstance(square, Polynomial)
    assert len(square.terms) == 1
    assert evaluate(square, values) == 1830**3
    assert product.variables() == set(values)
    huge = total(variable(f"u{i}") for i in range(MOST_TERMS + 1)) * total(
        variable(f"t{i}") for i in range(MOST_TERMS + 1)
    )
    assert len(huge.terms) == 1  # type: ignore[union-attr]


@pytest.mark.parametrize(
    ("number", "text"),
    [
        (9408 * ((r + 1) // 2) ** 2 + 2048000, "9408*ceil(r/2)**2 + 2048000"),
        ((r + 2) // 4, "(r + 2)//4"),
        (3 * ((r + 2) // 4) * w, "3*((r + 2)//4)*w"),
        (((r + 31) // 32) ** 2 + ((r + 3) // 4) ** 2, "ceil(r/4)**2 + ceil(r/32)**2"),
        (-r + w - 1, "-r + w - 1"),
        ((r + w) // (2 * n), "(r + w)//(2*n)"),
        (r // n, "r//n"),
        (maximum(r - 3, w), "max(r - 3, w)"),
        (-(w**2), "-w**2"),
        (maximum(r, w) * maximum(r, n), "max(n, r)*max(r, w)"),
        (3 * single(intern(NamedSum, (r + 1) // 2 + (w + 2) // 3)) ** 2, "3*(ceil(r/2) + ceil(w/3))**2"),
    ],
)
def test_text(number: Dim, text: str) -> None:
    assert str(number) == repr(number) == text


@quick
@given(rules, points)
def test_text_is_python_that_gives_the_number(rule: Rule, point: dict[str, int]) -> None:
    text = str(rule(OPEN))
    if "ceil(" not in text and "select(" not in text:
        assert eval(text, {"max": max, "min": min, **point}) == rule(point)


def test_a_text_does_not_explode() -> None:
    width: Dim = r
    for _ in range(60):
        width = maximum(width // (w + 1), n - width)
    assert len(str(width)) < 10_000


def test_products_and_sums_of_nothing() -> None:
    assert prod([]) == 1
    assert total([]) == 0
    assert prod([r, 2, w]) == 2 * r * w

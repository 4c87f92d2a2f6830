from __future__ import annotations

import pytest
from hypothesis import given

from archcalc.dims import (
    Dim,
    Polynomial,
    bound,
    equal,
    evaluate,
    less,
    maximum,
    minimum,
    select,
    substitute,
    total,
    variable,
)
from archcalc.dims.atoms import atoms_inside
from archcalc.dims.polynomial import single
from tests.dims.trees import LEAST, OPEN, Rule, points, quick, rules

r, w = variable("r"), variable("w")


@quick
@given(rules, points, points)
def test_a_bound_bounds_every_intermediate(rule: Rule, one: dict[str, int], other: dict[str, int]) -> None:
    x = rule(OPEN)
    ranges = {name: (min(one[name], other[name]), max(one[name], other[name])) for name in LEAST}
    limit = bound(x, ranges)
    met: list[Dim] = [x]
    for atom in atoms_inside(x):
        met += [single(atom), *atom.parts]
    for number in met:
        for point in (one, other):
            assert abs(evaluate(number, point)) <= limit
            if isinstance(number, Polynomial):
                terms = [abs(evaluate(Polynomial({m: c}), point)) for m, c in number.terms.items() if m]
                assert sum(terms) + abs(number.terms.get((), 0)) <= limit


def test_a_bound_is_the_sum_of_largest_terms() -> None:
    assert bound(3 * r**2 - 5 * w + 2, {"r": (1, 10), "w": (2, 7)}) == 300 + 35 + 2
    assert bound((r + 31) // 32 * 2, {"r": (1, 64)}) == 64 + 31  # inside of the atom
    assert bound(-17, {}) == 17
    assert bound(r * w * 1000, {"r": (1, 10), "w": (1, 1)}) == 10000


def test_a_zero_hides_no_large_factor() -> None:
    z = variable("z", at_least=0)
    assert bound(z * r**3, {"z": (0, 0), "r": (1, 1000)}) == 10**9


def test_a_square_of_both_signs_is_least_between_them() -> None:
    k, root = variable("k"), minimum(r - 3, w)  # -2 to 1, and 0 where r is 3
    x = (100 - root**2) // w * k
    assert evaluate(x, {"r": 3, "w": 1, "k": 1000}) == 100_000
    assert bound(x, {"r": (1, 9), "w": (1, 1), "k": (1, 1000)}) >= 100_000


@pytest.mark.parametrize("ranges", [{"r": (5, 4)}, {"r": (0, 4)}])
def test_ranges_are_checked(ranges: dict[str, tuple[int, int]]) -> None:
    with pytest.raises(ValueError, match="r"):
        bound(r + 1, ranges)


def test_every_variable_needs_a_value_or_range() -> None:
    with pytest.raises(KeyError, match="w"):
        evaluate(r * w, {"r": 1})
    with pytest.raises(KeyError, match="w"):
        bound(r * w, {"r": (1, 1)})


def test_values_that_would_falsify_decisions_are_refused() -> None:
    assert maximum(r, 1) == r
    with pytest.raises(ValueError, match="r is at least 1, not 0"):
        evaluate(r, {"r": 0})
    with pytest.raises(ValueError, match="r is at least 1, not 0"):
        substitute(r + 1, {"r": 0})
    with pytest.raises(ValueError, match="r is at least 1, not 0"):
        substitute(r + 1, {"r": 1 - w})


@pytest.mark.parametrize(("value", "error"), [(3, ZeroDivisionError), (2, ValueError)])
def test_divisors_are_checked_when_they_get_values(value: int, error: type[Exception]) -> None:
    with pytest.raises(error, match="divided by 1 or more"):
        evaluate(r // (w - 3), {"r": 9, "w": value})
    with pytest.raises(error, match="divided by 1 or more"):
        substitute(9 // (w - 3), {"w": value})


@pytest.mark.parametrize(("value", "below", "same"), [(4, 1, 0), (5, 0, 1), (6, 0, 0)])
def test_a_choice_is_decided_where_both_sides_meet(value: int, below: int, same: int) -> None:
    """Below five and at five itself, for numbers and by substitution alike."""
    five = variable("k")
    for condition, expected in ((less(r, five), below), (equal(r, five), same)):
        chosen = select(condition, w, 7)
        assert evaluate(chosen, {"r": value, "k": 5, "w": 1}) == (1 if expected else 7)
        assert substitute(chosen, {"r": value, "k": 5}) == (w if expected else 7)


@quick
@given(rules, points)
def test_substitution_commutes_with_evaluation(rule: Rule, point: dict[str, int]) -> None:
    x = rule(OPEN)
    assert substitute(x, point) == rule(point)
    assert substitute(x, {}) == x
    shifted = {name: variable(name) + point[name] for name in LEAST}
    moved = {name: point[name] + 3 for name in LEAST}
    assert evaluate(substitute(x, shifted), dict.fromkeys(LEAST, 3)) == rule(moved)


def test_substitution_keeps_what_it_does_not_replace() -> None:
    least_five = variable("k", at_least=5)
    assert substitute((r + 3) // 4 * least_five, {"r": 32 * w}) == 8 * w * least_five
    assert substitute(7, {"r": 1}) == 7


def test_deep_numbers_need_no_recursion() -> None:
    deep: Dim = r
    for i in range(3000):
        deep = maximum(deep - w, i + 2)
    assert evaluate(deep, {"r": 1, "w": 1}) == 3001
    assert str(deep).startswith("max(")


def test_wide_numbers_take_linear_time() -> None:
    assert evaluate(total(r // (i + 2) for i in range(5000)), {"r": 3}) == 2

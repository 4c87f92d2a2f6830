from __future__ import annotations

import pytest
from hypothesis import given

from archcalc.dims import (
    Condition,
    Dim,
    at_least_bound,
    at_most_bound,
    equal,
    less,
    maximum,
    minimum,
    prod,
    select,
    sign,
    variable,
)
from archcalc.dims.atoms import NamedSum, intern
from archcalc.dims.polynomial import single
from tests.dims.trees import OPEN, Rule, points, quick, rules

r, w = variable("r"), variable("w")
big = variable("big", at_least=10)


@quick
@given(rules, points)
def test_bounds_and_signs_are_proofs(rule: Rule, point: dict[str, int]) -> None:
    x, value = rule(OPEN), rule(point)
    low, high, found = at_least_bound(x), at_most_bound(x), sign(x)
    assert low is None or low <= value
    assert high is None or value <= high
    assert found is None or found == (value > 0) - (value < 0)


@pytest.mark.parametrize(
    ("number", "low", "high"),
    [
        (7, 7, 7),
        (r * w + r, 2, None),
        (3 - r, None, 2),
        (r - w, None, None),
        ((r + 1) // 2, 1, None),
        (big // 4, 2, None),
        (r - 2 * (r // 2), 0, 1),  # even or odd
        (2 * ((r + 1) // 2) + 1 - r, 1, 2),  # what padding `same` adds for kernel 3, stride 2
        (r - 4 - 2 * ((r - 12) // 2), 8, 9),  # what a U-Net crops
        (r * w - 2 * (r // 2) * w, 0, None),
        (r**2 - 2 * r, -1, None),
        (maximum(r - w, 5), 5, None),
        (minimum(r, w + 3), 1, None),
        (select(less(r, w), 4, w + 1), 2, None),
        ((r - w) // 2, None, None),
        ((r - w) // big, None, None),
        (r // w, 0, None),
        ((r - 5) // w, -4, None),
        (maximum(r - w, w - r), None, None),
        (single(intern(NamedSum, r + w + 3)), 5, None),
        (4096 - minimum(r, 4095), 1, 4095),  # what a window cuts off a cache: a minimum is below each of its parts
        (w * r - w * minimum(r, 7), 0, None),
        (maximum(r, w) + maximum(r, 7) - w - 7, 0, None),
        (r - minimum(w, minimum(r, 5)), 0, None),
        (minimum(r, 9) - r, None, 0),
        (w - minimum(r, 7), -6, None),
        (-single(intern(NamedSum, r + w + 3)), None, -5),
        (2 - single(intern(NamedSum, r + 2)), None, -1),
    ],
)
def test_known_bounds(number: Dim, low: int | None, high: int | None) -> None:
    assert at_least_bound(number) == low
    assert at_most_bound(number) == high


@pytest.mark.parametrize(
    ("number", "expected"),
    [(0, 0), (-4, -1), (9, 1), (r, 1), (-r, -1), (r - 1, None), (r - w, None), (r**2 - r + 1, 1)],
)
def test_sign(number: Dim, expected: int | None) -> None:
    assert sign(number) == expected


def test_a_product_too_long_to_write_out_is_left_open() -> None:
    low = [variable(f"low{i}", at_least=-1) for i in range(11)]
    assert at_least_bound(prod(low)) is None
    assert sign(variable("low", at_least=-3) ** 3000 - 1) is None


def test_comparisons_are_decided_where_they_can_be() -> None:
    assert less(2, 3) is True
    assert less(3, 3) is False
    assert less(r, r + 1) is True
    assert less(r + 1, r) is False
    assert less(0, big) is True
    assert less(big, 10) is False
    assert less(r, 7) == Condition("<", r, 7)
    assert equal(3, 3) is True
    assert equal(r + 1, 1 + r) is True
    assert equal(r, r + 1) is False
    assert equal(r, 0) is False
    assert equal(2 * r * w, 7) is False  # even against odd
    assert equal(r, 7) == Condition("==", r, 7)
    assert str(less(r, 7)) == "r < 7"


def test_a_condition_is_for_select_only() -> None:
    condition = less(r, 7)
    with pytest.raises(TypeError, match="may not branch on a number"):
        bool(condition)

from __future__ import annotations

from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from archcalc.dims import (
    RequirementError,
    adaptive_windows,
    ceil_div,
    evaluate,
    less,
    make_divisible,
    maximum,
    minimum,
    select,
    variable,
)
from tests.dims.trees import quick

r, w = variable("r"), variable("w")


def test_on_ints_these_are_what_their_names_say() -> None:
    assert (ceil_div(7, 2), ceil_div(8, 2), ceil_div(-7, 2)) == (4, 4, -3)
    assert (maximum(2, 3), minimum(2, 3)) == (3, 2)
    assert (select(True, 1, 2), select(False, 1, 2)) == (1, 2)


def test_on_polynomials_they_are_decided_where_they_can_be() -> None:
    assert maximum(r, r + 2) == maximum(r + 2, r) == r + 2
    assert minimum(r, r + 2) == minimum(r + 2, r) == r
    assert maximum(r, 1) == r
    assert maximum(2 * ((r + 1) // 2) + 1 - r, 0) == 2 * ((r + 1) // 2) + 1 - r
    assert str(maximum(r, 2)) == "max(r, 2)"
    assert str(minimum(w, r)) == "min(r, w)"
    assert select(less(r, 7), w, w) == w
    assert str(select(less(r, 7), w, 2)) == "select(r < 7, w, 2)"
    assert ceil_div(r, r) == 1 + (r - 1) // r


@pytest.mark.parametrize(
    ("width", "expected"),
    [
        (Fraction("0.75") * 32, 24),
        (Fraction("0.35") * 16, 8),  # 5.6
        (Fraction("1.4") * 24, 32),  # 33.6
        (Fraction("1.4") * 320, 448),
        (Fraction("1.4") * 16, 24),  # 22.4
        (Fraction("1.4") * 96, 136),  # 134.4
        (Fraction("0.35") * 24, 8),  # 8.4
        (Fraction("0.35") * 32, 16),  # 11.2: 8 is more than a tenth below
        (Fraction("0.1") * 16, 8),
        (12, 16),  # halves go up
        (20, 24),
        (1280, 1280),
        (1, 8),
    ],
)
def test_make_divisible_on_mobilenet_widths(width: Fraction | int, expected: int) -> None:
    assert make_divisible(width, 8) == expected


@given(st.integers(1, 3000), st.sampled_from([1, 2, 4, 8, 16]))
def test_make_divisible_is_the_published_rule(width: int, divisor: int) -> None:
    published = max(divisor, int(width + divisor / 2) // divisor * divisor)
    if 10 * published < 9 * width:
        published += divisor
    assert make_divisible(width, divisor) == published
    assert evaluate(make_divisible(r, divisor), {"r": width}) == published


def test_make_divisible_refuses_floats_and_wrong_divisors() -> None:
    with pytest.raises(TypeError, match=r"not 5\.6"):
        make_divisible(5.6, 8)
    with pytest.raises(ValueError, match="not by 0"):
        make_divisible(16, 0)


@quick
@given(st.integers(1, 300), st.integers(1, 60))
def test_adaptive_windows_are_the_sum_of_their_lengths(extent: int, outputs: int) -> None:
    lengths = [-(-(i + 1) * extent // outputs) - i * extent // outputs for i in range(outputs)]
    assert adaptive_windows(extent, outputs) == sum(lengths)
    assert evaluate(adaptive_windows(r, outputs), {"r": extent}) == sum(lengths)


def test_adaptive_windows_of_multiples_do_not_overlap() -> None:
    assert adaptive_windows(7 * r, 7) == 7 * r
    assert adaptive_windows(r, 1) == r


@pytest.mark.parametrize("outputs", [0, -1, 4097])
def test_adaptive_windows_are_limited(outputs: int) -> None:
    with pytest.raises(RequirementError, match=f"1 to 4096 outputs along an axis, not {outputs}") as caught:
        adaptive_windows(r, outputs)
    assert caught.value.code == "adaptive-outputs"


def test_one_of_two_limits_is_enough() -> None:
    """`min(min(past, 4095), 4096)`: a cache that is cut twice."""
    past, n = variable("past", 0), variable("n")
    cut = minimum(past, 4095)
    assert minimum(cut, 4096) == minimum(4096, cut) == cut
    assert minimum(cut, 7) == minimum(7, cut) == minimum(past, 7)
    assert minimum(cut + n, n + 4096) == cut + n
    assert minimum(minimum(past, n), past) == minimum(past, n)
    assert maximum(maximum(n, 3), n) == maximum(n, 3)
    assert maximum(3, maximum(n, 7)) == maximum(n, 7)
    assert maximum(maximum(n, 3), 7) == maximum(n, 7)
    assert maximum(n * minimum(past, 5), 5 * n) == 5 * n

"""Sums as squares: the same numbers, in fewer terms, and the sizes of maps to be seen in them."""

from __future__ import annotations

from hypothesis import given, settings
from hypothesis import strategies as st

from archcalc.dims import Dim, evaluate, substitute, variable
from archcalc.engine.formula.forms import formulas
from archcalc.engine.formula.squares import squared
from archcalc.report.formula import readable, text

r, w = variable("r"), variable("w")
factors = st.integers(-9, 9)


@settings(derandomize=True, deadline=None, max_examples=150)
@given(factors, factors, factors, factors, st.integers(1, 40), st.integers(1, 40))
def test_squares_are_the_same_numbers(a: int, b: int, c: int, d: int, size: int, width: int) -> None:
    """Of sums with both a variable and a floor, whether they are squares or not."""
    x: Dim = a * (b * r + c) ** 2 * w + d * ((r + 5) // 8 + b) ** 2 + c * r * w + d
    values = {"r": size, "w": width}
    for same in (squared(x), readable(x), substitute(squared(x), {})):
        assert evaluate(same, values) == evaluate(x, values)
    assert substitute(squared(x), {}) == x


def test_texts_of_squares() -> None:
    assert text(9 * r * r + 6 * r + 1) == "(3 r + 1)^2"
    assert text(2 * w * r * r - 8 * w * r + 8 * w) == "2 (r - 2)^2 w"
    assert text(((r + 21) // 32 - 2) ** 2) == "floor((r - 43)/32)^2"
    assert text(((r + 1) // 2 - 3) ** 2 * 5 + 7) == "5 ceil((r - 6)/2)^2 + 7"
    assert text(r * r * w + 2 * r * w) == "r w (r + 2)"  # nothing to complete it with
    assert text(r * r + r + 1) == "r^2 + r + 1"


def test_texts_of_quotients() -> None:
    assert text((r + 1) // (r + w)) == "floor((r + 1)/(r + w))"
    assert text((2 * r) // (3 * w)) == "floor((2 r)/(3 w))"


def test_maps_of_alexnet_can_be_read() -> None:
    """A map of 227 pixels is 55, 27, 13 and 6 wide in the paper; the formula's floors are those sizes."""
    assert [(227 - 7) // 4, (227 - 11) // 8, (227 - 19) // 16, (227 - 35) // 32] == [55, 27, 13, 6]
    assert text(formulas("alexnet").exact.rows[""]["macs"]) == (
        "34,848 floor((resolution - 7)/4)^2 + 307,200 floor((resolution - 11)/8)^2 "
        "+ 1,990,656 floor((resolution - 19)/16)^2 + 1,048,576 floor((resolution - 35)/32)^2 + 20,873,216"
    )


def test_maps_of_one_stride_and_different_sizes_stay_apart() -> None:
    """The stem of Inception v3 at 299 pixels: 149 x 149, then 147 x 147 twice (table 1 of the paper)."""
    assert (299 - 2 + 1) // 2 == 149
    assert (299 - 6 + 1) // 2 == 147
    macs = text(formulas("inception_v3").exact.rows[""]["macs"])
    assert macs.startswith("864 ceil((resolution - 2)/2)^2 + 27,648 ceil((resolution - 6)/2)^2 + 5,120 floor(")
    assert 3 * 3 * 3 * 32 == 864
    assert 3 * 3 * 32 * (32 + 64) == 27_648

"""What printed digits say. Intervals are worked by hand; the laws hold for whatever somebody rounds or cuts off."""

from __future__ import annotations

from fractions import Fraction
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from archcalc.claims.printed import PRECISIONS, PrintError, read_printed

M, G = 10**6, 10**9


def agrees(text: str, ours: Any, **said: Any) -> str | None:
    return read_printed(text, **said).agreement(ours)


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("1,248,424", 1_248_424),
        ("340908", 340_908),
        ("60M", 60 * M),
        ("60 million", 60 * M),
        ("1.5 billion", 1_500 * M),
        ("3.6B", 3_600 * M),
        ("15.47G", 15_470 * M),
        ("2T", 2 * 10**12),
        ("4.8MB", Fraction(48, 10) * M),
        ("29 MB", 29 * M),
        ("1.5KiB", 1536),
        ("3.83 GFLOPs", 3_830 * M),
        ("0.72 GFLOPS", 720 * M),
        ("7 G-Ops", 7 * G),
        ("60M params", 60 * M),
        ("569 Million mult-adds", 569 * M),
        ("5 million multiply-adds", 5 * M),
        ("22 layers", 22),
        ("12x", 12),
        ("9X", 9),
        ("10 times", 10),
        ("28%", Fraction(28, 100)),
        ("0.125", Fraction(1, 8)),
        (".5", Fraction(1, 2)),
        ("1/12", Fraction(1, 12)),
        ("128x5x5x256", 819_200),
        ("128x1x1x32 + 32x5x5x256", 4_096 + 204_800),
        ("13+3", 16),
        ("0", 0),
    ],
)
def test_a_text_is_a_number(text: str, value: Fraction | int) -> None:
    (figure,) = read_printed(text).figures
    assert figure.value == value
    assert agrees(text, value) == "exact"
    assert agrees(text, value + 10**13) is None


@pytest.mark.parametrize(
    ("text", "said", "low", "high"),
    [  # the smallest and the largest whole number that agree
        ("14,208", {}, 14_208, 14_208),
        ("1000", {}, 1000, 1000),
        ("22 layers", {}, 22, 22),
        ("60M", {}, 59_500_000, 60_999_999),
        ("60.2M", {}, 60_150_000, 60_299_999),
        ("1.5 billion", {}, 1_450_000_000, 1_599_999_999),
        ("1000K", {"thousand": 1024}, 1_023_488, 1_024_000 + 1_023),
        ("159K", {"thousand": 1024}, 162_304, 163_839),
        ("233 MB", {"thousand": 1024}, 243_793_920, 245_366_783),
        ("15300M", {"digits": 3}, 15_250 * M, 15_400 * M - 1),
        ("16,000", {"digits": 2}, 15_500, 16_999),
        ("70,000", {"digits": 1}, 65_000, 79_999),
        ("650,000", {"precision": "about"}, 640_000, 660_000),
        ("60", {"precision": "about"}, 50, 70),
        ("12x", {"precision": "about"}, 11, 13),
        ("10x", {"precision": "about"}, 9, 11),
        ("100", {"precision": "about"}, 90, 110),
        ("1M", {"precision": "about"}, 900_000, 1_100_000),
        ("1.0M", {"precision": "about"}, 900_000, 1_100_000),
        ("1.50M", {"precision": "about"}, 1_490_000, 1_510_000),
        ("~60M", {}, 50 * M, 70 * M),
        ("about 60 million", {}, 50 * M, 70 * M),
        ("8", {"precision": "at least"}, 8, 10**30),
        (">= 8", {}, 8, 10**30),
        ("more than 8", {}, 9, 10**30),
        ("25 million", {"precision": "at most"}, -(10**30), 25 * M),
        ("<0.5MB", {}, -(10**30), 499_999),
    ],
)
def test_the_digits_decide_what_agrees(text: str, said: dict[str, Any], low: int, high: int) -> None:
    assert agrees(text, low, **said)
    assert agrees(text, high, **said)
    assert agrees(text, low - 1, **said) is None or low == -(10**30)
    assert agrees(text, high + 1, **said) is None or high == 10**30


@pytest.mark.parametrize(
    ("text", "said", "ours", "how"),
    [
        ("60M", {}, 60_965_224, "truncated"),
        ("60M", {}, 59_500_000, "rounded"),
        ("363x", {}, Fraction(4000, 11), "truncated"),
        ("2.78", {}, Fraction(25, 9), "rounded"),
        ("33%", {}, Fraction(1, 3), "rounded"),
        ("12x", {"precision": "about"}, Fraction(25, 2), "about"),
        ("12x", {"precision": "about"}, 12, "exact"),
        ("12x", {"precision": "about"}, Fraction(871, 100), None),
        ("1/3", {"precision": "about"}, Fraction(2, 5), "about"),
        ("1/3", {"precision": "about"}, Fraction(2, 7), "about"),
        ("1/3", {"precision": "about"}, Fraction(406, 1000), None),
        ("1/12", {"precision": "about"}, Fraction(1148, 10_000), None),
        ("1/3", {}, Fraction(333, 1000), None),
        ("8", {"precision": "at least"}, 12, "bound"),
    ],
)
def test_how_it_agrees(text: str, said: dict[str, Any], ours: Fraction | int, how: str | None) -> None:
    assert agrees(text, ours, **said) == how


@pytest.mark.parametrize(
    ("text", "ours", "how"),
    [
        ("256x28x28", (256, 28, 28), "exact"),
        ("256×28×28", (256, 28, 28), "exact"),
        ("256 x 28 x 28", (256, 28, 28), "exact"),
        ("8*8", (8, 8), "exact"),
        ("28x28x256", (256, 28, 28), None),
        ("28x28", (6, 28, 28), None),
        ("7", (7, 7), "exact"),
        ("7", (7, 8), None),
        ("1000", (1000,), "exact"),
        ("3, 4, 5", (3, 4, 5), "exact"),
        ("[13, 3]", (13, 3), "exact"),
        ("5 and 7", (5, 7), "exact"),
        ("5M to 155M", (4_980_000, 154_600_000), "rounded"),
        ("5M to 155M", (5_000_000, 154_600_000), "rounded"),
        ("5M to 155M", (4_980_000, 156_000_000), None),
        ("3, 4", 12, None),
        ("7x7", 49, "exact"),
        ("7x7", ((7, 7), (7, 7)), None),
        ("1,000", (), None),
        ("true", True, "exact"),
        ("true", False, None),
        ("false", False, "exact"),
        ("1", True, None),
        ("true", 1, None),
    ],
)
def test_shapes_lists_and_truth(text: str, ours: Any, how: str | None) -> None:
    assert agrees(text, ours) == how


@pytest.mark.parametrize(
    ("text", "said", "words"),
    [
        ("", {}, "does not read"),
        ("similar", {}, "does not read"),
        ("GTX 580", {}, "does not read"),
        ("one third", {}, "does not read"),
        ("81% more", {}, "does not read"),
        ("-5", {}, "does not read"),
        ("1,23", {}, "does not read"),
        ("12 parsecs", {}, "unit"),
        ("1/0", {}, "divides by 0"),
        ("~60M", {"precision": "at most"}, "says about"),
        ("1,234", {"digits": 2}, "4 digits, of which 4 to 4"),
        ("1,200", {"digits": 1}, "4 digits, of which 2 to 4"),
        ("1,200", {"digits": 5}, "4 digits"),
        ("1.20", {"digits": 2}, "3 digits, of which 3 to 3"),
    ],
)
def test_what_is_no_figure_is_refused(text: str, said: dict[str, Any], words: str) -> None:
    with pytest.raises(PrintError, match=words) as caught:
        read_printed(text, **said)
    assert caught.value.help


def grouped(value: int) -> str:
    return f"{value:,}"


@given(st.integers(0, 10**15), st.integers(0, 4))
def test_what_is_rounded_or_cut_off_agrees_and_nothing_else(value: int, power: int) -> None:
    """Laws: printing a number in units of a prefix and reading it again; one unit away it is another number."""
    unit, prefix = 1000**power, ["", "K", "M", "G", "T"][power]
    rounded, cut = (2 * value + unit) // (2 * unit), value // unit
    for shown in {rounded, cut}:
        found = agrees(f"{grouped(shown)}{prefix}", value)
        assert found in (("exact",) if power == 0 else ("exact", "rounded", "truncated"))
        assert agrees(f"{grouped(shown + 2)}{prefix}", value) is None
        if shown >= 2:
            assert agrees(f"{grouped(shown - 2)}{prefix}", value) is None


@given(st.integers(1, 10**12), st.sampled_from([1, 2, 3]))
def test_decimals_agree_like_prefixes(value: int, decimals: int) -> None:
    shown = f"{value // 10**decimals}.{value % 10**decimals:0{decimals}d}M"
    exact = value * 10 ** (6 - decimals)
    assert agrees(shown, exact) == "exact"
    assert agrees(shown, exact + 10 ** (6 - decimals) // 2) == "rounded"
    assert agrees(shown, exact + 10 ** (6 - decimals) - 1) == "truncated"
    assert agrees(shown, exact + 10 ** (6 - decimals)) is None
    assert agrees(shown, exact - 10 ** (6 - decimals) // 2 - 1) is None


@given(st.integers(1, 10**9), st.integers(-(10**9), 10**9))
def test_about_says_less_than_the_digits_and_bounds_are_bounds(value: int, offset: int) -> None:
    ours, text = value + offset, grouped(value)
    if agrees(text, ours):
        assert agrees(text, ours, precision="about")
    assert (agrees(text, ours, precision="at least") is not None) == (offset >= 0)
    assert (agrees(text, ours, precision="at most") is not None) == (offset <= 0)


@given(st.text(max_size=12), st.sampled_from(["", *PRECISIONS]), st.sampled_from([None, 1, 2]))
def test_any_text_is_a_figure_or_refused(text: str, precision: str, digits: int | None) -> None:
    try:
        found = read_printed(text, 1000, precision, digits)
    except PrintError:
        return
    assert found.agreement(7) in (None, "exact", "rounded", "truncated", "about", "bound")
    assert found.agreement((7, 7)) is None or found.figures


@pytest.mark.parametrize(
    ("text", "precision", "low", "high"),
    [
        ("60M", "", 59_500_000, 61_000_000),
        ("12x", "about", 11, 13),
        ("8", "at least", 8, None),
        ("<0.5MB", "", None, 500_000),
        ("1/3", "about", Fraction(2, 7), Fraction(2, 5)),
    ],
)
def test_the_range_is_where_agreement_is(text: str, precision: str, low: Any, high: Any) -> None:
    assert read_printed(text, precision=precision).range() == (low, high)


@pytest.mark.parametrize("text", ["14,208", "256x28x28", "3, 4", "true", "1/3"])
def test_what_is_exact_has_no_range(text: str) -> None:
    assert read_printed(text).range() is None

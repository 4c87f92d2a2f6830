from __future__ import annotations

from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from archcalc.report.media import numbers
from archcalc.results.field import ReceptiveField


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (0, "0"),
        (9_472, "9,472"),
        (99_999, "99,999"),
        (100_000, "100.0 K"),
        (340_908, "340.9 K"),
        (6_998_552, "6.999 M"),
        (999_949, "999.9 K"),
        (999_950, "1.000 M"),
        (138_357_544, "138.4 M"),
        (1_582_671_872, "1.583 G"),
        (15_470_264_320, "15.47 G"),
        (999_999_999_999, "1.000 T"),
    ],
)
def test_counts(value: int, text: str) -> None:
    assert numbers.count(value) == text
    assert numbers.count(value, "raw") == f"{value:,}"


@given(st.integers(100_000, 10**24))
def test_counts_are_right_to_half_of_the_last_digit(value: int) -> None:
    number, prefix = numbers.count(value).split()
    scale = 1000 ** " KMGTPEZY".index(prefix)
    digits = number.replace(".", "")
    assert len(digits) == 4
    unit = Fraction(scale) / 10 ** len(number.partition(".")[2])
    assert abs(Fraction(number) * scale - value) <= unit / 2


@pytest.mark.parametrize(
    ("value", "text"),
    [(0, "0 B"), (1023, "1,023 B"), (1024, "1.000 KiB"), (27_994_208, "26.70 MiB"), (1024**2 - 1, "1.000 MiB")],
)
def test_bytes(value: int, text: str) -> None:
    assert numbers.size(value) == text


@pytest.mark.parametrize(
    ("part", "whole", "text"),
    [
        (0, 5, ""),
        (5, 0, ""),
        (1, 3, "33.3%"),
        (1, 10_000, "<0.1%"),
        (3, 3, "100.0%"),
        (1, 2000, "0.1%"),
        (1e-9, 1e-3, "<0.1%"),
    ],
)
def test_shares(part: float, whole: float, text: str) -> None:
    assert numbers.percent(part, whole) == text


@pytest.mark.parametrize(
    ("value", "other", "text"),
    [(5, 0, ""), (0, 0, "1.00x"), (977, 100, "9.77x"), (198, 10, "19.8x"), (1201, 10, "120x"), (1, 1000, "0.0010x")],
)
def test_ratios(value: int, other: int, text: str) -> None:
    assert numbers.ratio(value, other) == text


@pytest.mark.parametrize(
    ("larger", "smaller", "text"),
    [(15_470_264_320, 1_582_671_872, "9.8x"), (106, 100, "1.06x"), (10_001, 10_000, "1.0001x"), (12_040, 100, "120x")],
)
def test_ratios_in_sentences(larger: int, smaller: int, text: str) -> None:
    assert numbers.times(larger, smaller) == text


def test_receptive_fields() -> None:
    seen = ReceptiveField((7, 5), (Fraction(2), Fraction(1, 2)), (Fraction(0), Fraction(0)))
    assert numbers.field(seen) == "7x5"
    assert numbers.jump(seen) == "2x0.5"
    assert numbers.jump(ReceptiveField((7,), (Fraction(4),), (Fraction(0),))) == "4"
    assert numbers.field(None) == numbers.jump(None) == ""


def test_words() -> None:
    assert numbers.plural(1, "layer") == "1 layer"
    assert numbers.plural(1200, "layer") == "1,200 layers"
    assert numbers.listed(["a"]) == "a"
    assert numbers.listed(["a", "b", "c"], "or") == "a, b or c"
    assert numbers.listed([]) == ""


@pytest.mark.parametrize(
    ("value", "text"),
    [("1/2", "0.5"), ("-1/2", "-0.5"), ("-7/4", "-1.75"), ("3", "3"), ("1/3", "1/3"), ("-1/3", "-1/3")],
)
def test_exact_decimals(value: str, text: str) -> None:
    assert numbers.exact(Fraction(value)) == text


def test_counts_with_their_share() -> None:
    assert numbers.with_percent(98_376_192, 1_600_000_000) == "98,376,192 (6.1%)"
    assert numbers.with_percent(5, 0) == "5"

"""Conditions are exact: 2% of a number is 2% at any size, and every sign means what it says."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from archcalc.engine.limits.conditions import condition, is_met
from archcalc.source import SpecError

COUNTS = st.integers(0, 10**29)


@pytest.mark.parametrize(
    ("text", "old", "new", "met"),
    [
        ("macs > +2%", 100, 102, False),
        ("macs > +2%", 10**20, 102 * 10**18 + 1, True),
        ("macs >= +2%", 100, 102, True),
        ("macs > 2%", 100, 103, True),
        ("macs < -10%", 100, 90, False),
        ("macs < -10%", 100, 89, True),
        ("macs <= -10%", 100, 90, True),
        ("macs > +2%", 0, 1, True),
        ("macs > +2%", 0, 0, False),
        ("macs != +0%", 5, 5, False),
        ("macs > +0.001%", 10**6, 10**6 + 11, True),
        ("params > +100K", 10**6, 1_100_000, False),
        ("params > +100K", 10**6, 1_100_001, True),
        ("params < -1", 10, 9, False),
        ("params < -1", 10, 8, True),
        ("params > 5M", 0, 5_000_000, False),
        ("params > 5M", 9_000_000, 5_000_001, True),
        ("params >= 1.6G", 0, 1_600_000_000, True),
        ("params == 7", 0, 7, True),
        ("params != 7", 0, 7, False),
        ("params<7", 0, 6, True),
        ("size_bytes > 1MiB", 0, 2**20, False),
        ("size_bytes > 1MB", 0, 2**20, True),
        ("  depth  >  +0 ", 3, 4, True),
    ],
)
def test_conditions(text: str, old: int, new: int, met: bool) -> None:
    assert is_met(condition(text), old, new) is met


@given(COUNTS, COUNTS, st.integers(0, 500))
def test_percent_is_that_of_whole_numbers(old: int, new: int, percent: int) -> None:
    assert is_met(condition(f"macs > +{percent}%"), old, new) is (100 * (new - old) > percent * old)


@given(COUNTS, COUNTS)
def test_opposite_signs_disagree(old: int, new: int) -> None:
    for one, other in ((">", "<="), ("<", ">="), ("==", "!=")):
        for amount in ("+1%", "5M", "-3K", str(new)):
            assert is_met(condition(f"macs {one} {amount}"), old, new) is not is_met(
                condition(f"macs {other} {amount}"), old, new
            )


@pytest.mark.parametrize(
    ("text", "code"),
    [
        ("macs", "bad-condition"),
        ("> 2%", "bad-condition"),
        ("macs 2%", "bad-condition"),
        ("macs > lots", "bad-condition"),
        ("macs > 2MiB", "bad-condition"),
        ("macs > 2 %%", "bad-condition"),
        ("macs > 1K%", "bad-condition"),
        ("macs => 2", "bad-condition"),
        ("mac > 2", "unknown-quantity"),
        ("flops > 2", "unknown-quantity"),
        ("", "bad-condition"),
    ],
)
def test_what_is_no_condition_is_refused(text: str, code: str) -> None:
    with pytest.raises(SpecError) as caught:
        condition(text)
    assert [diagnostic.code for diagnostic in caught.value.diagnostics] == [code]
    assert caught.value.diagnostics[0].help

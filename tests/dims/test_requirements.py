from __future__ import annotations

import pickle
from collections.abc import Callable
from typing import Any

import pytest

from archcalc.dims import (
    Assumption,
    Dim,
    RequirementError,
    assume,
    collecting_assumptions,
    require_at_least,
    require_divides,
    require_equal,
    variable,
)

r, w = variable("resolution"), variable("w")
Requirement = Callable[..., None]


@pytest.mark.parametrize(
    ("requirement", "a", "b"),
    [
        (require_equal, 3, 3),
        (require_equal, (r + 1) // 2, (1 + r) // 2),
        (require_divides, 4, 8),
        (require_divides, 4, 0),
        (require_divides, 4, 8 * r),
        (require_divides, w, 3 * w * r),
        (require_divides, w + r, w * w - r * r),
        (require_at_least, 3, 3),
        (require_at_least, r, 1),
        (require_at_least, r * w + 2, 3),
    ],
)
def test_what_holds_for_all_values_passes_in_silence(requirement: Requirement, a: Dim, b: Dim) -> None:
    with collecting_assumptions() as assumptions:
        requirement(a, b, "some-code", "{never_filled}")
    assert assumptions == []


@pytest.mark.parametrize(
    ("requirement", "a", "b"),
    [
        (require_equal, 3, 4),
        (require_equal, r, r + 1),
        (require_equal, r, 0),
        (require_equal, 2 * r, 5),
        (require_divides, 4, 6),
        (require_divides, 0, 6),
        (require_divides, -2, 6),
        (require_divides, 4, 6 * r + 1),
        (require_at_least, 2, 3),
        (require_at_least, 3 - r, 3),
    ],
)
def test_what_holds_for_no_value_is_refused(requirement: Requirement, a: Dim, b: Dim) -> None:
    with collecting_assumptions() as assumptions, pytest.raises(RequirementError) as caught:
        requirement(a, b, "some-code", "in {place}", place="conv2")
    assert (caught.value.code, caught.value.message, caught.value.help) == ("some-code", "in conv2", None)
    assert assumptions == []


@pytest.mark.parametrize(
    ("requirement", "a", "b", "text"),
    [
        (require_equal, r, 7, "resolution is equal to 7"),
        (require_divides, 7, r, "resolution is divisible by 7"),
        (require_divides, w, r, "resolution is divisible by w"),
        (require_divides, w, 12, "12 is divisible by w"),
        (require_at_least, r, 5, "resolution is at least 5"),
    ],
)
def test_what_depends_on_values_is_assumed(requirement: Requirement, a: Dim, b: Dim, text: str) -> None:
    with collecting_assumptions() as assumptions:
        requirement(a, b, "some-code", "{never_filled}")
    assert [(each.text, each.code) for each in assumptions] == [(text, "some-code")]
    with pytest.raises(RequirementError, match=f"depends on the variables whether {text}") as caught:
        requirement(a, b, "some-code", "{never_filled}")
    assert caught.value.code == "undecided"


@pytest.mark.parametrize(
    ("requirement", "template", "message"),
    [
        (require_equal, "{a} is not {b} in {place}", "5 is not 12 in add"),
        (require_divides, "{divisor} does not divide {number} in {place}", "5 does not divide 12 in add"),
        (require_at_least, "{minimum} > {value} in {place}", "12 > 5 in add"),
    ],
)
def test_messages_are_filled_in(requirement: Requirement, template: str, message: str) -> None:
    with pytest.raises(RequirementError, match=message) as caught:
        requirement(5, 12, "some-code", template, help="look at {place}", place="add")
    assert caught.value.help == "look at add"


def test_assumptions_go_to_the_innermost_collector() -> None:
    with collecting_assumptions() as outer:
        assume("one", "c", r, 1)
        with collecting_assumptions() as inner:
            assume("two", "c", r, 2)
            assume("two", "c", r, 2)
        assume("three", "c", r, 3)
    assert inner == [Assumption("two", "c", r, 2)] * 2
    assert [each.text for each in outer] == ["one", "three"]


def test_a_collector_ends_with_its_block_even_after_an_error() -> None:
    def fail() -> Any:
        with collecting_assumptions():
            raise KeyError

    with pytest.raises(KeyError):
        fail()
    with pytest.raises(RequirementError, match="whether it rains"):
        assume("it rains", "weather", r, 1)


def test_a_requirement_error_survives_pickling() -> None:
    twin = pickle.loads(pickle.dumps(RequirementError("code", "message", "help")))
    assert (twin.code, twin.message, twin.help, str(twin)) == ("code", "message", "help", "message")

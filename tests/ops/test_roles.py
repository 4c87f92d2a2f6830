"""Branches that have meanings: which are lacking, what unnamed ones are, and variants of one operator."""

from __future__ import annotations

import pytest

from archcalc.engine.cost.costs import cost_of
from archcalc.ops import ONE, OPERATORS, Copies, Roles, sequence

ATTEND = Roles((("q", "k", "v"), ("q", "kv"), ("qkv",)), ("bias", "sinks"))
ROUTE = Roles((("router", "expert"),), ("shared",))


@pytest.mark.parametrize(
    ("roles", "given", "lacking"),
    [
        (ATTEND, "q k v", None),
        (ATTEND, "v k q bias", None),
        (ATTEND, "q kv", None),
        (ATTEND, "qkv sinks bias", None),
        (ATTEND, "q", "needs k and v beside q"),
        (ATTEND, "q k", "needs v beside q and k"),
        (ATTEND, "k v bias", "needs q beside k and v"),
        (ATTEND, "bias", "needs q, k and v"),
        (ATTEND, "q k v qkv", "takes q, k and v, and not qkv beside"),
        (ROUTE, "expert shared", "needs router beside expert"),
    ],
)
def test_what_is_lacking(roles: Roles, given: str, lacking: str | None) -> None:
    assert roles.lacking(given.split()) == lacking


@pytest.mark.parametrize(
    ("roles", "count", "given"),
    [
        (ATTEND, 1, "qkv"),
        (ATTEND, 2, "q kv"),
        (ATTEND, 3, "q k v"),
        (ATTEND, 4, "q k v bias"),
        (ATTEND, 6, None),
        (ROUTE, 1, None),
        (ROUTE, 2, "router expert"),
        (ROUTE, 3, "router expert shared"),
        (ROUTE, 4, None),
    ],
)
def test_unnamed_branches_are_roles_by_number(roles: Roles, count: int, given: str | None) -> None:
    assert roles.of_unnamed(count) == (None if given is None else tuple(given.split()))


def test_roles_have_one_order() -> None:
    assert ATTEND.in_order(["bias", "v", "q", "k"]) == ("q", "k", "v", "bias")
    assert str(ATTEND) == "q, k, v, or q, kv, or qkv; and bias, sinks"


def test_variants_are_one_object_each() -> None:
    linear = OPERATORS["linear"].of({"channels": 6})
    experts = linear.variant(copies=Copies(8, 2))
    assert experts is linear.variant(copies=Copies(8, 2))
    assert experts.variant(copies=ONE) is linear
    assert experts.variant(trainable=False).variant(copies=Copies(1, 1), trainable=True) is linear
    assert experts is not linear
    assert (experts.values(), linear.copies) == (linear.values(), ONE)


def test_copies_scale_what_is_stored_and_what_is_computed() -> None:
    """By hand: 5*6 weights and 6 biases, 8 stored; at 7 positions, 2 of them computed."""
    x, y = sequence(5, 7), sequence(6, 7)
    cost = cost_of(OPERATORS["linear"].of({"channels": 6}).variant(copies=Copies(8, 2)), x, y)
    assert (cost.parameters.weights, cost.parameters.biases) == (8 * 30, 8 * 6)
    assert (cost.arithmetic.macs, cost.arithmetic.additions) == (2 * 210, 2 * 42)
    assert (cost.outputs, cost.neurons, cost.active_params) == (2 * 42, 2 * 42, 2 * 36)
    assert cost.arithmetic.status == "counted"

"""How operations are told apart, and what is said to make a difference."""

from __future__ import annotations

from typing import Any

import pytest

from archcalc.engine.compare import cause, kind_of
from archcalc.ops import OPERATORS, Shape, features, image, sequence
from archcalc.results.comparison import Split


@pytest.mark.parametrize(
    ("name", "arguments", "x", "kind"),
    [
        ("conv", {"channels": 4, "kernel": 3}, image(4, 8, 8), "conv 3x3"),
        ("conv", {"channels": 4, "kernel": 3}, sequence(4, 8), "conv 3"),
        ("conv", {"channels": 4, "kernel": (1, 7)}, image(4, 8, 8), "conv 1x7"),
        ("conv", {"channels": 4, "kernel": 3, "groups": 2}, image(4, 8, 8), "conv 3x3 grouped"),
        ("depthwise", {"kernel": 3}, image(4, 8, 8), "depthwise 3x3"),
        ("linear", {"channels": 4}, features(8), "linear"),
        ("maxpool", {"kernel": 3}, image(4, 8, 8), "maxpool"),
    ],
)
def test_kinds(name: str, arguments: dict[str, Any], x: Shape, kind: str) -> None:
    assert kind_of(OPERATORS[name].of(arguments), x) == kind


@pytest.mark.parametrize(
    ("differences", "labels", "part"),
    [
        ([6, 3, 1, -2], ("0",), 6),  # three quarters of 8
        ([3, 4, 1], ("0", "1"), 7),  # half is not enough; in the order of the table
        ([3, 1, 1], ("0",), 3),  # three fifths are
        ([2, 2, 2, 2], ("0", "1"), 4),  # no more than two
        ([5, -1, 0], ("0",), 5),
        ([0, 0], (), 0),
        ([-1, -9], (), 0),
    ],
)
def test_what_makes_most_of_a_difference(differences: list[int], labels: tuple[str, ...], part: int) -> None:
    splits = {str(number): [Split(10, 0, 1, 0), Split(10 + more, 0, 1, 0)] for number, more in enumerate(differences)}
    assert cause(splits, 0, 1, "macs") == (labels, part, sum(differences))

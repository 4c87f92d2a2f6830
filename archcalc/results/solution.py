"""The largest value of a variable that a budget allows, and what scaling a network by one number gives."""

from __future__ import annotations

from fractions import Fraction
from typing import NamedTuple

from archcalc.results.budget import Limit


class Point(NamedTuple):
    """A value of the variable, and what the network then costs."""

    value: Fraction
    costs: dict[str, int]  # by quantity


class Solution(NamedTuple):
    """The largest value within all limits, and the next one, which is not."""

    network: str
    variable: str
    step: Fraction
    limits: tuple[Limit, ...]
    largest: Point
    above: Point | None  # the next value that the network takes; None: it takes no larger one
    left_out: int  # values between the two that the network does not take
    falls: tuple[tuple[Point, Point, str], ...] = ()  # two values between which a quantity falls, and which
    tried: int = 0  # values that were counted

    @property
    def binding(self) -> tuple[Limit, ...]:
        """The limits that the next value passes."""
        costs = {} if self.above is None else self.above.costs
        return tuple(limit for limit in self.limits if costs.get(limit.quantity, 0) > limit.most)


class Scaled(NamedTuple):
    """A network scaled by one number: what its variables become, and what it then costs."""

    phi: Fraction
    factors: dict[str, Fraction]  # by variable: what it is multiplied by, rounded for reading to 1/10,000
    settings: dict[str, str]  # by variable, as `--set` takes it
    costs: dict[str, int]
    is_within: bool


class Scaling(NamedTuple):
    """Rows of a compound scaling, the last one within the limits marked by `largest`."""

    network: str
    coefficients: dict[str, Fraction]  # by variable: the base that is raised to phi
    limits: tuple[Limit, ...]
    rows: tuple[Scaled, ...]
    largest: Scaled | None

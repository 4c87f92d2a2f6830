"""Budgets solved: the largest value of a variable at which a network keeps to all limits.

The search runs on the integer engine alone: costs grow with a size, so that doubling and halving find the one place
where they pass a limit. What it has seen is held to that: where a quantity falls as the variable grows, every value up
to the first that is too large is counted instead.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from fractions import Fraction
from itertools import pairwise
from typing import Any, NoReturn

from archcalc.engine.limits.budget import over, quantity_of
from archcalc.engine.network import Network, analyze
from archcalc.results.budget import Limit
from archcalc.results.solution import Point, Solution
from archcalc.source import Diagnostic, SpecError

FINEST = 64  # parts of 1 that a multiplier is tried in, where it need not be whole
MOST_VALUES = 1 << 24  # of a variable, in steps: who needs more has no limit on it
MOST_COUNTED = 20_000  # values counted one by one where costs do not grow
MOST_GAPS = 512  # neighbouring values that a network does not take, before it is taken to end there
SAMPLES = 24  # values between the least and the largest at which growth is checked


def solve(
    network: Network,
    variable: str,
    limits: Sequence[Limit],
    step: Fraction | None = None,
    set: Mapping[str, Any] | None = None,
    with_heads: bool = False,
    batch: int = 1,
    dtype: str = "fp32",
) -> Solution:
    """The largest multiple of a step that the variable may be.

    Args:
        network: what `load` gave.
        variable: one of its spec, a number.
        limits: the most that each quantity may be.
        step: values are multiples of it; without, 1, or for a multiplier (a variable that is 1) the finest share at
            which all channels stay whole.
        set: values of other variables.
        with_heads: count train-only heads too.
        batch: examples at once.
        dtype: of what is stored and kept, for bytes.

    Raises:
        SpecError: no such variable, or no number; no value keeps to the limits, or every value does.
    """
    return _Search(network, variable, tuple(limits), step, dict(set or {}), with_heads, batch, dtype).solution()


def finest_step(network: Network, variable: str, set: Mapping[str, Any] | None = None) -> Fraction:
    """The step of a variable where none is given.

    Raises:
        SpecError: it is no number, or has no value.
    """
    value = network.value(variable, set)
    if isinstance(value, bool) or not isinstance(value, (int, Fraction)):
        what = "has no value" if value is None else f"is {_written(value)}"
        numbers = [other for other in network.spec.settable if _is_number(network.value(other, set))]
        help = f"numbers of this spec: {', '.join(numbers) or 'none'}"
        message = f"the variable `{variable}` of {network.name} {what}; only a number is solved for"
        raise SpecError([Diagnostic("not-solvable", message, help=help)])
    if value != 1 and value == int(value):
        return Fraction(1)
    parts = FINEST
    while parts > 1:
        try:
            network.graph(set, free={variable: Fraction(1, parts)}, with_heads=False)
        except SpecError:
            parts //= 2
        else:
            break
    return Fraction(1, parts)


class _Search:
    def __init__(
        self,
        network: Network,
        variable: str,
        limits: tuple[Limit, ...],
        step: Fraction | None,
        set: dict[str, Any],
        with_heads: bool,
        batch: int,
        dtype: str,
    ) -> None:
        default = finest_step(network, variable, set)
        self.network, self.variable, self.limits, self.set = network, variable, limits, set
        self.with_heads, self.batch, self.dtype = with_heads, batch, dtype
        self.step = default if step is None else step
        self.least = network.least(variable)
        self.start = max(self.least, int(network.value(variable, set) / self.step))
        self.costs: dict[int, dict[str, int] | None] = {}  # None: the network does not take that value
        self.refusal: SpecError | None = None  # of the value that was not taken last

    def at(self, number: int) -> dict[str, int] | None:
        """Costs at a number of steps."""
        if number not in self.costs:
            given = {**self.set, self.variable: number * self.step}
            try:
                cost = analyze(self.network, self.batch, given, dtype=self.dtype, with_heads=self.with_heads)
                self.costs[number] = {limit.quantity: quantity_of(cost, limit.quantity) for limit in self.limits}
            except SpecError as error:
                self.costs[number], self.refusal = None, error
        return self.costs[number]

    def fits(self, number: int) -> bool:
        """Whether the network takes the value and keeps to all limits."""
        costs = self.at(number)
        return costs is not None and all(costs[limit.quantity] <= limit.most for limit in self.limits)

    def taken(self, *ranges: range) -> int | None:
        """The first of some numbers that the network takes, in one range after another."""
        numbers = (number for numbers in ranges for number in numbers[:MOST_GAPS])
        return next((number for number in numbers if self.at(number) is not None), None)

    def solution(self) -> Solution:
        """Bracket, halve, check both sides."""
        low, high = self.bracket()
        low, high = self.halved(low, high)
        self.sample(high if high is not None else low)
        falls = self.falls()
        if falls:
            low, high = self.one_by_one(high if high is not None else low)
        skipped = sum(self.at(number) is None for number in range(low + 1, high)) if high is not None else 0
        above = None if high is None else self.point(high)
        tried = sum(costs is not None for costs in self.costs.values())
        found = Solution(
            self.network.name, self.variable, self.step, self.limits, self.point(low), above, skipped, falls, tried
        )
        assert all(found.largest.costs[limit.quantity] <= limit.most for limit in self.limits)
        assert above is None or found.binding
        return found

    def bracket(self) -> tuple[int, int | None]:
        """A number that fits, and a larger one that the network takes and that does not."""
        number = self.taken(range(self.start, self.start + MOST_GAPS), range(self.start - 1, self.least - 1, -1))
        if number is None:
            assert self.refusal is not None
            raise self.refusal
        if not self.fits(number):
            return self.fitting_below(number), number
        while number < MOST_VALUES:
            larger = self.taken(range(max(2 * number, number + 1), 3 * number + 2))
            if larger is None:  # it ends somewhere before
                return number, None
            if not self.fits(larger):
                return number, larger
            number = larger
        self.refuse_unlimited(number)

    def fitting_below(self, high: int) -> int:
        """A number that fits, below one that does not."""
        number = high
        while number > self.least:
            smaller = self.taken(range(number // 2, self.least - 1, -1), range(number // 2 + 1, number))
            if smaller is None:
                break
            if self.fits(smaller):
                return smaller
            number = smaller
        least = next((other for other in range(self.least, number + 1) if self.at(other) is not None), number)
        if self.fits(least):
            return least
        costs, start = self.at(least) or {}, self.at(self.start) or {}
        message = f"no {self.variable} keeps {self.network.name} to the limits: the smallest is {self.value(least)}"
        notes = (over(self.limits, costs, start),)
        help = "a smaller network, or a larger limit"
        raise SpecError([Diagnostic("no-solution", message, notes=notes, help=help)])

    def halved(self, low: int, high: int | None) -> tuple[int, int | None]:
        """Neighbours, but for values that the network does not take."""
        if high is None:
            end = low + MOST_GAPS + 1
            while (number := self.taken(range(low + 1, end))) is not None:
                if not self.fits(number):
                    return low, number
                low, end = number, number + MOST_GAPS + 1
            return low, None
        while high - low > 1:
            middle = (low + high) // 2
            number = self.taken(range(middle, high), range(middle - 1, low, -1))
            if number is None:
                break
            if self.fits(number):
                low = number
            else:
                high = number
        return low, high

    def sample(self, high: int) -> None:
        """Count at values all over the range, so that growth is seen and not supposed."""
        for part in range(1, SAMPLES):
            self.at(max(self.least, high * part // SAMPLES))

    def falls(self) -> tuple[tuple[Point, Point, str], ...]:
        """Neighbours among what was counted between which a quantity falls."""
        numbers = sorted(number for number, costs in self.costs.items() if costs is not None)
        found = []
        for before, after in pairwise(numbers):
            a, b = self.point(before), self.point(after)
            found += [(a, b, name) for name in a.costs if b.costs[name] < a.costs[name]]
        return tuple(found)

    def one_by_one(self, high: int) -> tuple[int, int | None]:
        """The largest number that fits, by counting every value up to twice the one that does not."""
        if 2 * high > MOST_COUNTED:
            steps = f"{2 * high:,} values of {self.variable} would have to be counted one by one"
            message = f"{self.network.name} does not cost more with every larger {self.variable}: {steps}"
            raise SpecError([Diagnostic("not-monotone", message, help="--step with a larger step")])
        low = max(number for number in range(self.least, 2 * high + 1) if self.fits(number))
        return low, self.taken(range(low + 1, 2 * high + 1))

    def refuse_unlimited(self, number: int) -> NoReturn:
        costs, start = self.at(number) or {}, self.at(self.start) or {}
        same = [limit.quantity for limit in self.limits if costs[limit.quantity] == start.get(limit.quantity)]
        what = (
            f"{' and '.join(same)} {'do' if len(same) > 1 else 'does'} not depend on it" if same else "all keep to it"
        )
        message = f"no {self.variable} of {self.network.name} is too large: {what}"
        raise SpecError([Diagnostic("no-limit", message, help="limit another quantity: --max macs=2G")])

    def point(self, number: int) -> Point:
        return Point(self.value(number), self.at(number) or {})

    def value(self, number: int) -> Fraction:
        return number * self.step


def _is_number(value: Any) -> bool:
    return isinstance(value, (int, Fraction)) and not isinstance(value, bool)


def _written(value: Any) -> str:
    if isinstance(value, tuple):
        return f"a list of {len(value)}"
    return f"the word `{value}`" if isinstance(value, str) else "no number"

"""The functions that a rule may use on sizes besides arithmetic; each takes ints and polynomials alike."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable

from archcalc.dims.atoms import Choice, Condition, Dim, Maximum, Minimum, Variable, intern
from archcalc.dims.decide import at_least_bound
from archcalc.dims.polynomial import Polynomial, single, total
from archcalc.dims.requirements import RequirementError

MOST_ADAPTIVE_OUTPUTS = 4096


def variable(name: str, at_least: int = 1) -> Polynomial:
    """A whole number that stays open; decisions take it to be `at_least` or more."""
    return single(intern(Variable, name, at_least))


# The product; 1 without factors. Python's own multiplies whatever knows how to.
prod: Callable[[Iterable[Dim]], Dim] = math.prod


def ceil_div(a: Dim, b: Dim) -> Dim:
    """A / b rounded up; written so that sizes of sizes stay one floor division."""
    return (a + b - 1) // b


def maximum(a: Dim, b: Dim) -> Dim:
    """The larger of two numbers."""
    if isinstance(a, int) and isinstance(b, int):
        return max(a, b)
    if never_below(a, b):
        return a
    return b if never_below(b, a) else single(intern(Maximum, a, b))


def minimum(a: Dim, b: Dim) -> Dim:
    """The smaller of two numbers."""
    if isinstance(a, int) and isinstance(b, int):
        return min(a, b)
    if never_below(a, b):
        return b
    return a if never_below(b, a) else single(intern(Minimum, a, b))


def never_below(a: Dim, b: Dim) -> bool:
    """Whether a >= b is known for all values."""
    bound = at_least_bound(a - b)
    return bound is not None and bound >= 0


def select(condition: bool | Condition, a: Dim, b: Dim) -> Dim:
    """A where the condition holds, b elsewhere."""
    if isinstance(condition, Condition):
        return a if a == b else single(intern(Choice, condition, a, b))
    return a if condition else b


def adaptive_windows(extent: Dim, outputs: int) -> Dim:
    """The sum of the lengths of all windows of an adaptive pooling along one axis.

    Window i reaches from floor(i * extent / outputs) to ceil((i + 1) * extent / outputs): neighbours share a
    position, except where outputs divides i * extent.
    """
    if not 1 <= outputs <= MOST_ADAPTIVE_OUTPUTS:
        message = f"an adaptive pooling has 1 to {MOST_ADAPTIVE_OUTPUTS} outputs along an axis, not {outputs}"
        raise RequirementError("adaptive-outputs", message)
    if isinstance(extent, int):
        return extent + outputs - math.gcd(extent, outputs)
    ends = total(ceil_div((i + 1) * extent, outputs) for i in range(outputs))
    return ends - total(i * extent // outputs for i in range(outputs))

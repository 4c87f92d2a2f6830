"""The functions that a rule may use on sizes besides arithmetic; each takes ints and polynomials alike."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable
from typing import TypeVar

from archcalc.dims.atoms import Atom, Choice, Condition, Dim, Maximum, Minimum, Variable, intern
from archcalc.dims.decide import at_least_bound
from archcalc.dims.polynomial import Polynomial, single, total
from archcalc.dims.requirements import RequirementError

MOST_ADAPTIVE_OUTPUTS = 4096
A = TypeVar("A", bound=Atom)


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
    if never_below(b, a):
        return b
    for other, atom in ((a, alone(b, Maximum)), (b, alone(a, Maximum))):
        for part, rest in _parted(atom):
            if never_below(other, part):
                return maximum(rest, other)
    return single(intern(Maximum, a, b))


def minimum(a: Dim, b: Dim) -> Dim:
    """The smaller of two numbers."""
    if isinstance(a, int) and isinstance(b, int):
        return min(a, b)
    if never_below(a, b):
        return b
    if never_below(b, a):
        return a
    for other, atom in ((a, alone(b, Minimum)), (b, alone(a, Minimum))):
        for part, rest in _parted(atom):
            if never_below(part, other):
                return minimum(rest, other)
    return single(intern(Minimum, a, b))


def alone(x: Dim, kind: type[A]) -> A | None:
    """The atom that a number consists of, where it is one of this kind."""
    if isinstance(x, int) or len(x.terms) != 1:
        return None
    ((monomial, coefficient),) = x.terms.items()
    atom, power = monomial[0] if len(monomial) == 1 else (None, 0)
    return atom if coefficient == power == 1 and isinstance(atom, kind) else None


def _parted(atom: Minimum | Maximum | None) -> tuple[tuple[Dim, Dim], ...]:
    """Each part of a minimum or a maximum with the other."""
    return () if atom is None else ((atom.a, atom.b), (atom.b, atom.a))


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

"""Which values of its variables an expansion on polynomials is for: what it took for granted, in numbers."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Iterable, Mapping
from fractions import Fraction
from math import ceil, gcd, lcm
from typing import NamedTuple

from archcalc.dims import (
    Assumption,
    Condition,
    Dim,
    Polynomial,
    at_least_bound,
    at_most_bound,
    equal,
    evaluate,
    substitute,
    variable,
)
from archcalc.dims.atoms import Atom, Maximum, Minimum, NamedSum, Quotient, Variable
from archcalc.dims.decide import leaves_remainder
from archcalc.dims.polynomial import single

MOST_RESIDUES = 4096  # where the remainders at which something holds are no longer listed
FARTHEST = 1 << 40  # where a least value is no longer looked for


class Range(NamedTuple):
    """Which numbers of units of a variable the network takes, as far as its assumptions say."""

    least: int = 1
    period: int = 1
    residues: tuple[int, ...] = (0,)

    def at_least(self, least: int) -> Range:
        """Those of them that are not smaller."""
        return self._replace(least=max(self.least, least))

    def leaving(self, period: int, residues: tuple[int, ...]) -> Range | None:
        """Those of them that leave one of the residues too; None where the remainders are too many to list."""
        both = lcm(self.period, period)
        if both > MOST_RESIDUES:
            return None
        left = tuple(
            number for number in range(both) if number % self.period in self.residues and number % period in residues
        )
        return Range(self.least, both, left)

    def along(self, step: int, offset: int) -> Range | None:
        """The same for n where the number of units is step * n + offset; None where that meets none of them."""
        period = self.period // gcd(self.period, step)
        residues = tuple(n for n in range(period) if (step * n + offset) % self.period in self.residues)
        if not residues:
            return None
        least = ceil(Fraction(self.least - offset, step))
        while least % period not in residues:
            least += 1
        return Range(least, *_shortest(period, residues))


def _shortest(period: int, residues: tuple[int, ...]) -> tuple[int, tuple[int, ...]]:
    """The same remainders over the shortest period."""
    for shorter in range(1, period):
        first = tuple(residue for residue in residues if residue < shorter)
        repeated = tuple(residue for residue in range(period) if residue % shorter in first)
        if period % shorter == 0 and repeated == residues:
            return shorter, first
    return period, residues


def ranges_of(least: Mapping[str, int], assumptions: Iterable[Assumption]) -> tuple[dict[str, Range], list[Assumption]]:
    """Of each variable, from its least number of units on, and what cannot be said of one variable alone."""
    found = {name: Range(number) for name, number in least.items()}
    others: list[Assumption] = []
    for assumed in assumptions:
        name = _only_variable(assumed)
        narrowed = None if name is None else _narrowed(found[name], assumed, name)
        if name is None or narrowed is None:
            others.append(assumed)
        else:
            found[name] = narrowed
    return found, others


def _narrowed(known: Range, assumed: Assumption, name: str) -> Range | None:
    """Those numbers of a range at which an assumption on one variable holds; None where that is no range."""
    least = _least(assumed, name, known.least)
    if least is not None:
        return known.at_least(least)
    leaving = _leaving(assumed, name, known.least)
    return None if leaving is None else known.leaving(*leaving)


def _only_variable(assumed: Assumption) -> str | None:
    names = {name for side in (assumed.a, assumed.b) if isinstance(side, Polynomial) for name in side.variables()}
    return names.pop() if len(names) == 1 else None


def _least(assumed: Assumption, name: str, first: int) -> int | None:
    """From which value on, the first or a later one, one side is not below the other, where it grows so."""
    above = assumed.a - assumed.b
    if assumed.relation != ">=" or not _grows(above):
        return None
    high = max(1, first)
    while evaluate(above, {name: high}) < 0:
        high *= 2
        if high > FARTHEST:
            return None
    return bisect_left(range(high), True, min(first, high), key=lambda value: evaluate(above, {name: value}) >= 0)


def _grows(x: Dim) -> bool:
    """Whether it is known that x does not fall as a variable grows."""
    if isinstance(x, int):
        return True
    return all(
        coefficient > 0
        and all(map(_atom_grows, (atom for atom, _ in monomial)))
        and (len(monomial) == monomial[0][1] == 1 or all(_is_never_negative(atom) for atom, _ in monomial))
        for monomial, coefficient in x.terms.items()
        if monomial
    )


def _atom_grows(atom: Atom) -> bool:
    match atom:
        case Variable():
            return True
        case Quotient(numerator=numerator, divisor=divisor):
            return isinstance(divisor, int) and _grows(numerator)
        case Maximum(parts=parts) | Minimum(parts=parts) | NamedSum(parts=parts):
            return all(map(_grows, parts))
        case _:
            return False


def _is_never_negative(atom: Atom) -> bool:
    bound = at_least_bound(single(atom))
    return bound is not None and bound >= 0


def _leaving(assumed: Assumption, name: str, first: int) -> tuple[int, tuple[int, ...]] | None:
    """The period, and the remainders at which the assumption holds, where the remainder decides."""
    period = lcm(*map(period_of, decided_by(assumed)))
    if assumed.relation not in ("==", "divisible") or period > MOST_RESIDUES:
        return None
    residues = []
    for residue in range(period):
        decided = holds(assumed, {name: period * variable("n", 0 if residue >= first else 1) + residue})
        if decided is None:
            return None
        if decided:
            residues.append(residue)
    return period, tuple(residues)


def decided_by(assumed: Assumption) -> tuple[Dim, ...]:
    """Numbers whose floors decide whether an assumption holds: those of a // b where b is to divide a."""
    if assumed.relation == "divisible" and isinstance(assumed.b, int):
        return (assumed.a // assumed.b,)
    return assumed.a, assumed.b


def holds(assumed: Assumption, values: Mapping[str, Dim]) -> bool | None:
    """Whether an assumption holds with these numbers for variables; None where that depends."""
    a, b = substitute(assumed.a, values), substitute(assumed.b, values)
    match assumed.relation:
        case ">=":
            low, high = at_least_bound(a - b), at_most_bound(a - b)
            return True if low is not None and low >= 0 else False if high is not None and high < 0 else None
        case "divisible":
            if isinstance(b, int):
                if isinstance(a, int):
                    return a % b == 0
                if leaves_remainder(a, b):
                    return False
            return True if a // b * b == a else None
        case relation:
            found = equal(a, b)
            if isinstance(found, Condition):
                return None
            return found == (relation == "==")


def period_of(x: Dim) -> int:
    """A number at whose multiples every floor by a whole number in x becomes a polynomial; not always the least."""
    if isinstance(x, int):
        return 1
    return lcm(*(_period_of(atom) for monomial in x.terms for atom, _ in monomial))


def _period_of(atom: Atom) -> int:
    inside = lcm(*map(period_of, atom.parts))
    return inside * atom.divisor if isinstance(atom, Quotient) and isinstance(atom.divisor, int) else inside

"""What holds for all values of the variables, each being at least what it was declared with.

Sound and incomplete: an answer is a proof, `None` (or a `Condition`) says only that none was found.
"""

from __future__ import annotations

from math import gcd, prod

from archcalc.dims.atoms import Atom, Choice, Condition, Dim, Maximum, Minimum, Monomial, NamedSum, Quotient, Variable
from archcalc.dims.polynomial import MOST_TERMS, Polynomial, single, total

MOST_CHOICES = 3  # minima and maxima in whose place one of their parts is tried: 2^3 ways at most


def at_least_bound(x: Dim, choices: int = MOST_CHOICES) -> int | None:
    """A number that x never goes below, if one is found; in place of so many minima and maxima one part is tried."""
    if isinstance(x, int):
        return x
    best = _relaxed_bound(x)
    extreme = _extreme(x) if choices else None
    for part in extreme.parts if extreme is not None else ():
        found = at_least_bound(_with_part(x, extreme, part), choices - 1)
        if found is not None:
            best = found if best is None else max(best, found)
    return best


def _relaxed_bound(x: Polynomial) -> int | None:
    best = _from_below(x)
    if all(coefficient > 0 for monomial, coefficient in x.terms.items() if monomial):
        return best
    # Floors and what they are floors of may cancel: r - 2*(r//2) is 0 or 1.
    relaxed: Dim = x
    scale = 1
    tried: set[Quotient] = set()
    while isinstance(relaxed, Polynomial) and (floors := _floors(relaxed, tried)):
        floor = max(floors, key=lambda atom: atom.order)
        divisor = floors[floor]
        tried.add(floor)
        looser = _without_floor(relaxed, floor, divisor)
        if looser is not None:
            relaxed, scale = looser, scale * divisor
            found = _from_below(relaxed)
            if found is not None:
                found = (found + scale - 1) // scale
                best = found if best is None else max(best, found)
    return best


def at_most_bound(x: Dim) -> int | None:
    """A number that x never exceeds, if one is found."""
    bound = at_least_bound(-x)
    return None if bound is None else -bound


def sign(x: Dim) -> int | None:
    """-1, 0 or 1 where that is the sign of x for all values."""
    if isinstance(x, int):
        return (x > 0) - (x < 0)
    low, high = at_least_bound(x), at_most_bound(x)
    if low is not None and low > 0:
        return 1
    if high is not None and high < 0:
        return -1
    return 0 if low == high == 0 else None


def less(a: Dim, b: Dim) -> bool | Condition:
    """Whether a < b."""
    low, high = at_least_bound(b - a), at_most_bound(b - a)
    if low is not None and low > 0:
        return True
    if high is not None and high <= 0:
        return False
    return Condition("<", a, b)


def equal(a: Dim, b: Dim) -> bool | Condition:
    """Whether a == b."""
    difference = a - b
    if isinstance(difference, int):
        return difference == 0
    found = sign(difference)
    if found is not None:
        return found == 0
    if leaves_remainder(difference, 0):
        return False
    return Condition("==", a, b)


def leaves_remainder(x: Polynomial, divisor: int) -> bool:
    """Whether the coefficients show that x is never a multiple of the divisor (of 0: never zero)."""
    common = gcd(divisor, *(coefficient for monomial, coefficient in x.terms.items() if monomial))
    return x.terms.get((), 0) % common != 0


def least(atom: Atom) -> int | None:
    """A number that the atom never goes below, if one is found."""
    if atom.known_least is None:
        atom.known_least = (_least(atom),)
    return atom.known_least[0]


def _least(atom: Atom) -> int | None:
    if isinstance(atom, Variable):
        return atom.at_least
    if isinstance(atom, Quotient):
        bound = at_least_bound(atom.numerator)
        if bound is None:
            return None
        return bound // atom.divisor if isinstance(atom.divisor, int) else min(bound, 0)
    if isinstance(atom, NamedSum):
        return at_least_bound(atom.body)
    if not isinstance(atom, Maximum | Minimum | Choice):
        raise TypeError(f"no bound for {type(atom).__name__}")
    bounds = [bound for bound in (at_least_bound(atom.a), at_least_bound(atom.b)) if bound is not None]
    if isinstance(atom, Maximum):
        return max(bounds, default=None)
    return min(bounds) if len(bounds) == 2 else None


def _from_below(x: Dim) -> int | None:
    """With every atom written as its least + y: the constant, where all terms in y are positive."""
    parts: list[Dim] = []
    for monomial, coefficient in ({(): x} if isinstance(x, int) else x.terms).items():
        part: Dim = coefficient
        if prod(power + 1 for _, power in monomial) > MOST_TERMS:
            return None  # a product in y that is named by arithmetic has no sign to look at
        for atom, power in monomial:
            bound = least(atom)
            if bound is None:
                return None
            part *= (single(atom) + bound) ** power
        parts.append(part)
    shifted = total(parts)
    if isinstance(shifted, int):
        return shifted
    if any(coefficient < 0 for monomial, coefficient in shifted.terms.items() if monomial):
        return None
    return shifted.terms.get((), 0)


def _extreme(x: Polynomial) -> Minimum | Maximum | None:
    """The last minimum that is taken away, or maximum that is added: it is on the safe side of each of its parts."""
    found = [atom for monomial, coefficient in x.terms.items() for atom in _safe_atoms(monomial, coefficient)]
    return max(found, key=lambda atom: atom.order, default=None)


def _safe_atoms(monomial: Monomial, coefficient: int) -> list[Minimum | Maximum]:
    kind = Minimum if coefficient < 0 else Maximum
    return [
        atom
        for atom, power in monomial
        if isinstance(atom, kind) and power == 1 and _are_never_negative(monomial, but=atom)
    ]


def _with_part(x: Polynomial, extreme: Atom | None, part: Dim) -> Dim:
    """At most x: a part of a minimum or a maximum in its place, in the terms where that makes x smaller."""
    return total(
        coefficient * prod([part, *(single(atom) ** power for atom, power in monomial if atom is not extreme)])
        if extreme in _safe_atoms(monomial, coefficient)
        else Polynomial({monomial: coefficient})
        if monomial
        else coefficient
        for monomial, coefficient in x.terms.items()
    )


def _are_never_negative(monomial: Monomial, but: Atom) -> bool:
    bounds = [least(atom) for atom, _ in monomial if atom is not but]
    return all(bound is not None and bound >= 0 for bound in bounds)


def _floors(x: Polynomial, but: set[Quotient]) -> dict[Quotient, int]:
    atoms = {atom for monomial in x.terms for atom, _ in monomial} - but
    return {a: a.divisor for a in atoms if isinstance(a, Quotient) and isinstance(a.divisor, int)}


def _without_floor(x: Polynomial, floor: Quotient, divisor: int) -> Dim | None:
    """At most divisor * x, by numerator - divisor + 1 <= divisor * floor <= numerator."""
    parts: list[Dim] = []
    changed = False
    for monomial, coefficient in x.terms.items():
        others = tuple(factor for factor in monomial if factor[0] is not floor)
        if (floor, 1) in monomial and _are_never_negative(monomial, but=floor):
            estimate = floor.numerator if coefficient < 0 else floor.numerator - (divisor - 1)
            parts.append(estimate * (Polynomial({others: coefficient}) if others else coefficient))
            changed = True
        else:
            parts.append(Polynomial({monomial: coefficient * divisor}) if monomial else coefficient * divisor)
    return total(parts) if changed else None

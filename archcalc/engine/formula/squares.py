"""Sums as squares, to be read: 2,408,448 (3 n + 1)^2 shows the size of a map, its three terms do not."""

from __future__ import annotations

from fractions import Fraction

from archcalc.dims import Dim, Polynomial, prod
from archcalc.dims.atoms import NamedSum, intern
from archcalc.dims.polynomial import single


def squared(x: Dim) -> Dim:
    """The same number, with a f^2 + b f + c as a square of a sum where that leaves fewer terms."""
    if isinstance(x, int):
        return x
    found: Dim = x
    for monomial, coefficient in x.terms.items():
        for atom, power in monomial:
            if power == 2 and isinstance(found, Polynomial):
                rest = prod(single(other) ** times for other, times in monomial if other is not atom)
                linear = rest * single(atom)
                assert isinstance(linear, Polynomial)
                ((key, _),) = linear.terms.items()
                shift = Fraction(found.terms.get(key, 0), 2 * coefficient)
                if shift and coefficient % shift.denominator**2 == 0:
                    body = shift.denominator * single(atom) + shift.numerator
                    assert isinstance(body, Polynomial)
                    square = single(intern(NamedSum, body)) ** 2 - body**2
                    found = _fewer(found, found + coefficient // shift.denominator**2 * rest * square)
    return found


def _fewer(a: Polynomial, b: Dim) -> Dim:
    return a if isinstance(b, Polynomial) and len(b.terms) >= len(a.terms) else b

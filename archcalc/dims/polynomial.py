"""Polynomials with int coefficients over atoms: the numbers that a rule sees when a size is a variable."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from math import comb, gcd
from types import MappingProxyType
from typing import Any, NoReturn

from archcalc.dims.atoms import NO_BRANCH, Atom, Dim, Monomial, NamedSum, Quotient, Variable, atoms_inside, intern
from archcalc.dims.text import written

MANY = 8  # numbers in a sum from which on it is worth while to look for the same ones
MOST_TERMS = 2000  # of a product; above, the larger factor becomes an atom


def _refuse(self: Polynomial, *_: object) -> NoReturn:
    raise TypeError(NO_BRANCH.format(self))


class Polynomial:
    """A number that depends on variables; a constant is an int. Made by `variable` and arithmetic."""

    __slots__ = ("_hash", "_terms")
    __array_ufunc__ = None  # NumPy numbers never enter a rule
    _hash: int | None

    def __init__(self, terms: dict[Monomial, int]) -> None:
        self._terms, self._hash = terms, None

    @property
    def terms(self) -> Mapping[Monomial, int]:
        """The coefficient of each monomial, without zeros; the constant is that of ()."""
        return MappingProxyType(self._terms)

    @property
    def numerator(self) -> Polynomial:
        """Itself, as of every whole number."""
        return self

    @property
    def denominator(self) -> int:
        """1, as of every whole number."""
        return 1

    def variables(self) -> frozenset[str]:
        """The names of all variables in it, inside of atoms included."""
        return frozenset(atom.name for atom in atoms_inside(self) if isinstance(atom, Variable))

    def __hash__(self) -> int:
        if self._hash is None:
            self._hash = hash(frozenset(self._terms.items()))
        return self._hash

    def __eq__(self, other: object) -> bool:
        return self is other or (isinstance(other, Polynomial) and self._terms == other._terms)

    def __reduce__(self) -> tuple[Any, ...]:
        return _restored, (tuple(self._terms.items()),)

    def __str__(self) -> str:
        return written(self)

    __repr__ = __str__
    __bool__ = __int__ = __index__ = __float__ = __lt__ = __le__ = __gt__ = __ge__ = _refuse

    def __add__(self, other: Dim) -> Dim:
        if not isinstance(other, int | Polynomial):
            return NotImplemented
        return _sum(self, other) if other != 0 else self

    __radd__ = __add__

    def __neg__(self) -> Dim:
        return self * -1

    def __sub__(self, other: Dim) -> Dim:
        if not isinstance(other, int | Polynomial):
            return NotImplemented
        return self + -other

    def __rsub__(self, other: int) -> Dim:
        if not isinstance(other, int):
            return NotImplemented
        return self * -1 + other

    def __mul__(self, other: Dim) -> Dim:
        if isinstance(other, int):
            if other == 1:
                return self
            return Polynomial({monomial: c * other for monomial, c in self._terms.items()}) if other else 0
        if not isinstance(other, Polynomial):
            return NotImplemented
        if len(self._terms) * len(other._terms) <= MOST_TERMS:
            return _number(_product(self._terms, other._terms))
        if len(self._terms) < len(other._terms):
            return self * _named(other)
        return _named(self) * other

    __rmul__ = __mul__

    def __pow__(self, exponent: int) -> Dim:
        if not isinstance(exponent, int):
            return NotImplemented
        if exponent < 0:
            raise ValueError(f"a power of a size is 0 or more, not {exponent}")
        if exponent < 2:
            return self if exponent else 1
        if len(self._terms) == 1:
            ((monomial, coefficient),) = self._terms.items()
            raised = tuple((atom, power * exponent) for atom, power in monomial)
            return Polynomial({raised: coefficient**exponent})
        if comb(len(self._terms) + exponent - 1, exponent) > MOST_TERMS:
            return _named(self) ** exponent
        terms = self._terms
        for _ in range(exponent - 1):
            terms = _product(terms, self._terms)
        return _number(terms)

    def __floordiv__(self, divisor: Dim) -> Dim:
        if not isinstance(divisor, int | Polynomial):
            return NotImplemented
        return _quotient(self, divisor)

    def __rfloordiv__(self, number: int) -> Dim:
        if not isinstance(number, int):
            return NotImplemented
        return _quotient(number, self)


def single(atom: Atom) -> Polynomial:
    """The polynomial that is this atom."""
    return Polynomial({((atom, 1),): 1})


def total(numbers: Iterable[Dim]) -> Dim:
    """The sum of many numbers, in time proportional to the terms of those that are not the same object."""
    whole = 0
    listed: list[Polynomial] = []
    for number in numbers:
        if isinstance(number, int):
            whole += number
        else:
            listed.append(number)
    if len(listed) < 2:
        return listed[0] + whole if listed else whole
    terms: dict[Monomial, int] = {(): whole} if whole else {}
    times = Counter(map(id, listed)) if len(listed) > MANY else {}
    for number in {id(number): number for number in listed}.values() if times else listed:
        often = times.get(id(number), 1)
        for monomial, coefficient in number._terms.items():
            terms[monomial] = terms.get(monomial, 0) + coefficient * often
    return _number(terms)


def _sum(a: Polynomial, b: Dim) -> Dim:
    terms = dict(a._terms)
    for monomial, coefficient in _terms(b).items():
        terms[monomial] = terms.get(monomial, 0) + coefficient
    return _number(terms)


def _number(terms: dict[Monomial, int]) -> Dim:
    terms = {monomial: coefficient for monomial, coefficient in terms.items() if coefficient}
    if len(terms) > 1 or (terms and () not in terms):
        return Polynomial(terms)
    return terms.get((), 0)


def _terms(x: Dim) -> Mapping[Monomial, int]:
    return {(): x} if isinstance(x, int) else x._terms


def _restored(terms: tuple[tuple[Monomial, int], ...]) -> Dim:
    return _number({_ordered(dict(monomial)): coefficient for monomial, coefficient in terms})


def _ordered(powers: dict[Atom, int]) -> Monomial:
    return tuple(sorted(powers.items(), key=lambda factor: factor[0].order))


def _named(x: Polynomial) -> Polynomial:
    return single(intern(NamedSum, x)) if len(x.terms) > 1 else x


def _product(a: Mapping[Monomial, int], b: Mapping[Monomial, int]) -> dict[Monomial, int]:
    terms: dict[Monomial, int] = {}
    for left, coefficient in a.items():
        for right, other in b.items():
            monomial = _times(left, right)
            terms[monomial] = terms.get(monomial, 0) + coefficient * other
    return terms


def _times(a: Monomial, b: Monomial) -> Monomial:
    if not a or not b or a[-1][0].order < b[0][0].order:
        return a + b
    powers = dict(a)
    for atom, power in b:
        powers[atom] = powers.get(atom, 0) + power
    return _ordered(powers)


def _over(a: Monomial, b: Monomial) -> Monomial | None:
    """A / b where b divides a."""
    powers = dict(a)
    for atom, power in b:
        powers[atom] = powers.get(atom, 0) - power
        if powers[atom] < 0:
            return None
    return tuple(factor for factor in powers.items() if factor[1])


# Floor division. All of these hold for whole numbers, and a divisor is 1 or more.


def _quotient(number: Dim, divisor: Dim) -> Dim:
    if isinstance(divisor, int) and divisor < 1:
        raise (ValueError if divisor else ZeroDivisionError)(f"a size is divided by 1 or more, not by {divisor}")
    dividend = _terms(number)
    if isinstance(divisor, int):
        return _by_term(dividend, (), divisor)
    if len(divisor.terms) == 1:
        ((monomial, coefficient),) = divisor.terms.items()
        return _by_term(dividend, monomial, coefficient)
    exact = _exactly(number, divisor)
    return _reduced(number, divisor) if exact is None else exact


def _by_term(dividend: Mapping[Monomial, int], by: Monomial, coefficient: int) -> Dim:
    """(q*A + R) // q = A + R // q, where the coefficients of R that q could take out lie below q's own."""
    whole: dict[Monomial, int] = {}
    rest = dict(dividend)
    for monomial, number in dividend.items():
        quotient = _over(monomial, by)
        if quotient is not None:
            whole[quotient], rest[monomial] = divmod(number, coefficient)
    remainder = _number(rest)
    if remainder == 0 or (not by and isinstance(remainder, int)):
        return _number(whole)
    return _number(whole) + _reduced(remainder, Polynomial({by: coefficient}) if by else coefficient)


def _reduced(number: Dim, divisor: Dim) -> Dim:
    """(g*X + c) // (g*D) = (X + c//g) // D, then the rule for floors of floors, else an atom."""
    dividend = _terms(number)
    coefficients = (divisor,) if isinstance(divisor, int) else divisor.terms.values()
    common = gcd(*coefficients, *(coefficient for monomial, coefficient in dividend.items() if monomial))
    if common > 1:
        return _quotient(
            _number({monomial: coefficient // common for monomial, coefficient in dividend.items()}),
            divisor // common,
        )
    if isinstance(divisor, int):
        # floor((floor(n / a) + c) / q) = floor((n + a*c) / (a*q))
        floors = [
            (atom, atom.divisor)
            for monomial, coefficient in dividend.items()
            if coefficient == 1 and len(monomial) == 1
            for atom, power in monomial
            if power == 1 and isinstance(atom, Quotient) and isinstance(atom.divisor, int)
        ]
        if len(floors) == 1:
            ((inner, inner_divisor),) = floors
            return _quotient(inner.numerator + inner_divisor * (number - single(inner)), inner_divisor * divisor)
    return single(intern(Quotient, number, divisor))


def _exactly(number: Dim, divisor: Polynomial) -> Dim | None:
    """Number / divisor if that is a polynomial, by dividing leading terms (by degree, then by atoms)."""

    def rank(term: tuple[Monomial, int]) -> tuple[int, tuple[tuple[int, int], ...]]:
        monomial = term[0]
        return sum(power for _, power in monomial), tuple((-atom.order, power) for atom, power in monomial)

    leading, lead = max(divisor.terms.items(), key=rank)
    quotient: dict[Monomial, int] = {}
    while isinstance(number, Polynomial):
        monomial, coefficient = max(number.terms.items(), key=rank)
        factor = _over(monomial, leading)
        if factor is None or coefficient % lead:
            return None
        quotient[factor] = coefficient // lead
        number -= _number(_product({factor: coefficient // lead}, divisor.terms))
    return None if number else _number(quotient)

"""The one traversal of a number, and what it computes: a value, a number in other variables, a bound."""

# ruff: noqa: D102  # what the methods of an algebra mean is said once, at `Algebra`

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from functools import reduce
from typing import Protocol, TypeVar

from archcalc.dims import vocabulary
from archcalc.dims.atoms import Atom, Choice, Dim, Maximum, Minimum, NamedSum, Quotient, Variable, atoms_inside
from archcalc.dims.decide import at_most_bound, equal, less
from archcalc.dims.polynomial import Polynomial, total
from archcalc.named import NamedTuple

T = TypeVar("T")


class Algebra(Protocol[T]):
    """What the parts of a number become in another kind of number; a relation is "<" or "=="."""

    def constant(self, value: int) -> T: ...
    def variable(self, name: str, at_least: int) -> T: ...
    def sum(self, terms: list[T]) -> T: ...
    def multiply(self, a: T, b: T) -> T: ...
    def power(self, base: T, exponent: int) -> T: ...
    def floor_divide(self, number: T, divisor: T) -> T: ...
    def maximum(self, a: T, b: T) -> T: ...
    def minimum(self, a: T, b: T) -> T: ...
    def select(self, relation: str, left: T, right: T, a: T, b: T) -> T: ...


def fold(x: Dim, algebra: Algebra[T]) -> T:
    """X in another algebra; each atom, and each power of it, is computed once."""
    return fold_all([x], algebra)[0]


def fold_all(numbers: Sequence[Dim], algebra: Algebra[T]) -> list[T]:
    """Several numbers in another algebra; an atom, or a power of it, that they share is computed once for all."""
    factors: dict[tuple[Atom, int], T] = {}

    def value(part: Dim) -> T:
        if isinstance(part, int):
            return algebra.constant(part)
        terms = []
        for monomial, coefficient in part.terms.items():
            product = [] if coefficient == 1 and monomial else [algebra.constant(coefficient)]
            for factor in monomial:
                if factor not in factors:
                    factors[factor] = algebra.power(factors[factor[0], 1], factor[1])
                product.append(factors[factor])
            terms.append(reduce(algebra.multiply, product))
        return terms[0] if len(terms) == 1 else algebra.sum(terms)

    inside = {atom for x in numbers for atom in atoms_inside(x)}
    for atom in sorted(inside, key=lambda atom: atom.order):
        factors[atom, 1] = _atom(atom, algebra, value)
    return [value(x) for x in numbers]


def _atom(atom: Atom, algebra: Algebra[T], value: Callable[[Dim], T]) -> T:
    match atom:
        case Variable(name=name, at_least=at_least):
            return algebra.variable(name, at_least)
        case Quotient(numerator=numerator, divisor=divisor):
            return algebra.floor_divide(value(numerator), value(divisor))
        case Maximum(a=a, b=b):
            return algebra.maximum(value(a), value(b))
        case Minimum(a=a, b=b):
            return algebra.minimum(value(a), value(b))
        case Choice(condition=(relation, left, right), a=a, b=b):
            return algebra.select(relation, value(left), value(right), value(a), value(b))
        case NamedSum(body=body):
            return value(body)
        case _:
            raise TypeError(f"no meaning for {type(atom).__name__}")


def evaluate(x: Dim, values: Mapping[str, int]) -> int:
    """The exact value.

    Raises KeyError with the name of a variable without a value, ValueError for a value below its least.
    """
    return fold(x, _Integers(values))


def substitute(x: Dim, values: Mapping[str, Dim]) -> Dim:
    """X with numbers for some of its variables. Raises ValueError where one is below the variable's least."""
    return fold(x, _Dims(values))


def bound(x: Dim, ranges: Mapping[str, tuple[int, int]]) -> int:
    """What no number met in computing x exceeds in magnitude, whatever the order of terms and factors."""
    algebra = _Extents(ranges)
    return max(fold(x, algebra).size, algebra.largest)


def check_least(name: str, value: int, at_least: int) -> None:
    """Refuse a value for which decisions already made would be wrong."""
    if value < at_least:
        raise ValueError(f"{name} is at least {at_least}, not {value}")


def check_divisor(divisor: int) -> None:
    """Refuse a divisor below 1."""
    if divisor < 1:
        raise (ValueError if divisor else ZeroDivisionError)(f"a size is divided by 1 or more, not by {divisor}")


class _Integers:
    def __init__(self, values: Mapping[str, int]) -> None:
        self.values = values

    def constant(self, value: int) -> int:
        return value

    def variable(self, name: str, at_least: int) -> int:
        check_least(name, self.values[name], at_least)
        return self.values[name]

    def sum(self, terms: list[int]) -> int:
        return sum(terms)

    def multiply(self, a: int, b: int) -> int:
        return a * b

    def power(self, base: int, exponent: int) -> int:
        return int(base**exponent)

    def floor_divide(self, number: int, divisor: int) -> int:
        check_divisor(divisor)
        return number // divisor

    def maximum(self, a: int, b: int) -> int:
        return max(a, b)

    def minimum(self, a: int, b: int) -> int:
        return min(a, b)

    def select(self, relation: str, left: int, right: int, a: int, b: int) -> int:
        return a if (left < right if relation == "<" else left == right) else b


class _Dims:
    def __init__(self, values: Mapping[str, Dim]) -> None:
        self.values = values

    def constant(self, value: int) -> Dim:
        return value

    def variable(self, name: str, at_least: int) -> Dim:
        value = self.values.get(name)
        if value is None:
            return vocabulary.variable(name, at_least)
        highest = at_most_bound(value)
        if highest is not None:
            check_least(name, highest, at_least)
        return value

    def sum(self, terms: list[Dim]) -> Dim:
        return total(terms)

    def multiply(self, a: Dim, b: Dim) -> Dim:
        return a * b

    def power(self, base: Dim, exponent: int) -> Dim:
        return base**exponent if isinstance(base, Polynomial) else int(base**exponent)

    def floor_divide(self, number: Dim, divisor: Dim) -> Dim:
        if isinstance(divisor, int):
            check_divisor(divisor)
        return number // divisor

    def maximum(self, a: Dim, b: Dim) -> Dim:
        return vocabulary.maximum(a, b)

    def minimum(self, a: Dim, b: Dim) -> Dim:
        return vocabulary.minimum(a, b)

    def select(self, relation: str, left: Dim, right: Dim, a: Dim, b: Dim) -> Dim:
        return vocabulary.select(less(left, right) if relation == "<" else equal(left, right), a, b)


class _Extent(NamedTuple):
    """A value between low and high; size, 1 or more, bounds also the sums and products that lead to it."""

    low: int
    high: int
    size: int


class _Extents:
    def __init__(self, ranges: Mapping[str, tuple[int, int]]) -> None:
        self.ranges = ranges
        self.largest = 0

    def between(self, low: int, high: int, size: int = 1) -> _Extent:
        extent = _Extent(low, high, max(size, abs(low), abs(high)))
        self.largest = max(self.largest, extent.size)
        return extent

    def constant(self, value: int) -> _Extent:
        return self.between(value, value)

    def variable(self, name: str, at_least: int) -> _Extent:
        low, high = self.ranges[name]
        check_least(name, low, at_least)
        if high < low:
            raise ValueError(f"the range of {name} ends at {high}, before it begins at {low}")
        return self.between(low, high)

    def sum(self, terms: list[_Extent]) -> _Extent:
        low, high, size = (sum(part) for part in zip(*terms, strict=True))
        return self.between(low, high, size)

    def multiply(self, a: _Extent, b: _Extent) -> _Extent:
        corners = [x * y for x in a[:2] for y in b[:2]]
        return self.between(min(corners), max(corners), a.size * b.size)

    def power(self, base: _Extent, exponent: int) -> _Extent:
        ends = [int(end**exponent) for end in base[:2]]
        touches_zero = exponent % 2 == 0 and base.low < 0 < base.high
        return self.between(0 if touches_zero else min(ends), max(ends), int(base.size**exponent))

    def floor_divide(self, number: _Extent, divisor: _Extent) -> _Extent:
        corners = [x // max(y, 1) for x in number[:2] for y in divisor[:2]]
        return self.between(min(corners), max(corners))

    def maximum(self, a: _Extent, b: _Extent) -> _Extent:
        return self.between(max(a.low, b.low), max(a.high, b.high))

    def minimum(self, a: _Extent, b: _Extent) -> _Extent:
        return self.between(min(a.low, b.low), min(a.high, b.high))

    def select(self, relation: str, left: _Extent, right: _Extent, a: _Extent, b: _Extent) -> _Extent:
        return self.between(min(a.low, b.low), max(a.high, b.high))

"""What a polynomial cannot express, as its indivisible factors.

An atom is a variable, a floor division that does not reduce, a maximum, a minimum, a choice, or a sum under a name
where writing it out would take too many terms. Atoms are interned: the same structure is the same object, so that
they compare and hash by identity. An atom is made after everything inside it: their `order` is also an order of
evaluation.
"""

from __future__ import annotations

from _thread import allocate_lock  # `threading.Lock`, without the rest of that module
from itertools import count
from typing import TYPE_CHECKING, Any, ClassVar, Literal, NoReturn, TypeAlias, TypeVar
from weakref import WeakValueDictionary

from archcalc.named import NamedTuple

if TYPE_CHECKING:
    from archcalc.dims.polynomial import Polynomial

Dim: TypeAlias = "int | Polynomial"
Monomial: TypeAlias = "tuple[tuple[Atom, int], ...]"  # atoms with their powers, by order

NO_BRANCH = "a rule may not branch on a number ({}): use select, maximum, minimum, less, equal or a requirement"


class Condition(NamedTuple):
    """A comparison that holds for some values of the variables and not for others."""

    relation: Literal["<", "=="]
    left: Dim
    right: Dim

    def __bool__(self) -> NoReturn:
        raise TypeError(NO_BRANCH.format(self))

    def __str__(self) -> str:
        return f"{self.left} {self.relation} {self.right}"


class Atom:
    """One indivisible factor of a monomial; `parts` are the numbers inside it."""

    __slots__ = ("__weakref__", "known_least", "order")
    parts: tuple[Dim, ...]
    commutes: ClassVar[bool] = False

    order: int
    known_least: tuple[int | None] | None  # what `decide.least` has found

    def __reduce__(self) -> tuple[Any, ...]:
        return intern, (type(self), *self.parts)


class Variable(Atom):
    """A whole number that the reader of a formula chooses, not below `at_least`."""

    __slots__ = ("at_least", "name")
    parts = ()

    def __init__(self, name: str, at_least: int) -> None:
        self.name, self.at_least = name, at_least

    def __reduce__(self) -> tuple[Any, ...]:
        return intern, (Variable, self.name, self.at_least)


class Quotient(Atom):
    """floor(numerator / divisor), the divisor being 1 or more."""

    __slots__ = ("divisor", "numerator", "parts")

    def __init__(self, numerator: Dim, divisor: Dim) -> None:
        self.parts = self.numerator, self.divisor = numerator, divisor


class Maximum(Atom):
    """The larger of two numbers."""

    __slots__ = ("a", "b", "parts")
    commutes = True

    def __init__(self, a: Dim, b: Dim) -> None:
        self.parts = self.a, self.b = a, b


class Minimum(Atom):
    """The smaller of two numbers."""

    __slots__ = ("a", "b", "parts")
    commutes = True

    def __init__(self, a: Dim, b: Dim) -> None:
        self.parts = self.a, self.b = a, b


class Choice(Atom):
    """One number where a condition holds, another where it does not."""

    __slots__ = ("a", "b", "condition", "parts")

    def __init__(self, condition: Condition, a: Dim, b: Dim) -> None:
        self.condition, self.a, self.b = condition, a, b
        self.parts = (condition.left, condition.right, a, b)

    def __reduce__(self) -> tuple[Any, ...]:
        return intern, (Choice, self.condition, self.a, self.b)


class NamedSum(Atom):
    """A long sum that is kept whole in products."""

    __slots__ = ("body", "parts")

    def __init__(self, body: Polynomial) -> None:
        self.body = body
        self.parts = (body,)


A = TypeVar("A", bound=Atom)
_atoms: WeakValueDictionary[object, Any] = WeakValueDictionary()
_lock = allocate_lock()
_order = count()


def intern(kind: type[A], *parts: Any) -> A:
    """The one atom of this kind with these parts."""
    key = (kind, frozenset(parts) if kind.commutes else parts)
    with _lock:
        atom: A | None = _atoms.get(key)
        if atom is None:
            atom = kind(*parts)
            atom.order, atom.known_least = next(_order), None
            _atoms[key] = atom
        return atom


def atoms_inside(x: Dim) -> list[Atom]:
    """All atoms of x, those inside of atoms included, each after the atoms that it is made of."""
    found: set[Atom] = set()
    waiting: list[Dim] = [x]
    while waiting:
        part = waiting.pop()
        if not isinstance(part, int):
            new = {atom for monomial in part.terms for atom, _ in monomial} - found
            found |= new
            waiting.extend(inner for atom in new for inner in atom.parts)
    return sorted(found, key=lambda atom: atom.order)

"""Polynomials as text: "9408*ceil(resolution/2)**2 + 2048000", or "9,408 ceil(resolution/2)^2 + 2,048,000"."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from itertools import accumulate
from typing import TYPE_CHECKING, Any

from archcalc.dims.atoms import (
    Atom,
    Choice,
    Dim,
    Maximum,
    Minimum,
    Monomial,
    NamedSum,
    Quotient,
    Variable,
    atoms_inside,
)
from archcalc.named import NamedTuple

if TYPE_CHECKING:
    from archcalc.dims.polynomial import Polynomial

WORD = r"[\w.,-]+"  # a name or a number, which needs no parentheses
CALL = r"(floor|ceil|max|min|select)\("
LONGEST = 4000  # characters of an atom; a text may double with every atom that an atom has inside


class Style(NamedTuple):
    """The signs of a text."""

    times: str
    power: str
    digits: str  # how a whole number is formatted
    has_floor: bool  # floor(a/b) rather than a//b


CODE = Style("*", "**", "", has_floor=False)
PROSE = Style(" ", "^", ",", has_floor=True)


def written(x: Dim, style: Style = CODE) -> str:
    """An expression of x, with `ceil(a/b)` for what rounds up; the same for equal numbers."""
    return sum_text(x, texts_of(x, style), style)


def texts_of(x: Dim, style: Style = CODE) -> dict[Atom, str]:
    """The text of each atom in x."""
    texts: dict[Atom, str] = {}
    for atom in atoms_inside(x):
        text = _atom(atom, texts, style)
        texts[atom] = text if len(text) <= LONGEST else "..."
    return texts


def sum_text(x: Dim, texts: Mapping[Atom, str], style: Style) -> str:
    """A sum of which the texts of all atoms are known."""
    if isinstance(x, int):
        return format(x, style.digits)
    found = ""
    for monomial, coefficient in ordered(x, texts):
        product = _product(monomial, texts, style, alone=len(x.terms) == 1 and coefficient == 1)
        factors = [format(abs(coefficient), style.digits)] * (abs(coefficient) != 1 or not monomial)
        found += f" {'-' if coefficient < 0 else '+'} {style.times.join([*factors, *[product] * bool(monomial)])}"
    return found[3:] if found.startswith(" + ") else f"-{found[3:]}"


def ordered(x: Polynomial, texts: Mapping[Atom, str]) -> list[tuple[Monomial, int]]:
    """Terms by degree; then what is not rounded, the largest coefficient first; then roundings, finest first."""

    def key(term: tuple[Monomial, int]) -> Any:
        monomial, coefficient = term
        names = sorted(_natural(texts[atom]) for atom, power in monomial for _ in range(power))
        is_rounded = any(not isinstance(atom, Variable) for atom, _ in monomial)
        return -len(names), is_rounded, 0 if is_rounded else -abs(coefficient), names

    return sorted(x.terms.items(), key=key)


def _product(monomial: Monomial, texts: Mapping[Atom, str], style: Style, alone: bool) -> str:
    factors = []
    for atom, power in monomial:
        text = texts[atom]
        if not _is_closed(text) and not (alone and monomial == ((atom, 1),)):
            text = f"({text})"
        factors.append(text if power == 1 else f"{text}{style.power}{power}")
    return style.times.join(sorted(factors, key=_natural))


def _is_closed(text: str) -> bool:
    """Whether a text is a name, a number or one call: a factor that needs no parentheses."""
    call = re.match(CALL, text)
    if call is None:
        return re.fullmatch(WORD, text) is not None
    before_the_end = text[call.end() - 1 : -1]
    return all(accumulate((character == "(") - (character == ")") for character in before_the_end))


def _atom(atom: Atom, texts: Mapping[Atom, str], style: Style) -> str:
    match atom:
        case Variable():
            return atom.name
        case Quotient(numerator=numerator, divisor=divisor):
            if style.has_floor:
                return _rounded(numerator, divisor, 0, texts)
            if not isinstance(numerator, int) and numerator.terms.get((), 0) == divisor - 1:
                return f"ceil({_operand(numerator - (divisor - 1), texts, style)}/{divisor})"
            below = sum_text(divisor, texts, style)
            below = below if re.fullmatch(WORD, below) else f"({below})"
            return f"{_operand(numerator, texts, style)}//{below}"
        case Maximum(a=a, b=b) | Minimum(a=a, b=b):
            written = sorted((sum_text(x, texts, style) for x in _parts(type(atom), a, b)), key=_natural)
            return f"{'max' if isinstance(atom, Maximum) else 'min'}({', '.join(written)})"
        case Choice(condition=condition, a=a, b=b):
            left, right = sum_text(condition.left, texts, style), sum_text(condition.right, texts, style)
            parts = f"{sum_text(a, texts, style)}, {sum_text(b, texts, style)}"
            return f"select({left} {condition.relation} {right}, {parts})"
        case NamedSum(body=body):
            moved = _moved(body) if style.has_floor else None
            return sum_text(body, texts, style) if moved is None else _rounded(*moved, texts)
        case _:
            raise TypeError(f"no text for {type(atom).__name__}")


def _parts(kind: type[Atom], *numbers: Dim) -> Iterator[Dim]:
    """What a maximum, or a minimum, of maxima is of."""
    for x in numbers:
        atoms = () if isinstance(x, int) else [atom for monomial in x.terms for atom, _ in monomial]
        if len(atoms) == 1 and isinstance(atoms[0], kind) and _is_single(x, atoms[0]):
            yield from _parts(kind, *atoms[0].parts)
        else:
            yield x


def _moved(body: Polynomial) -> tuple[Dim, int, int] | None:
    """Numerator, divisor and constant, where a sum is a floor by a whole number plus a constant."""
    constant = body.terms.get((), 0)
    for monomial in body.terms:
        for atom, _ in monomial:
            if isinstance(atom, Quotient) and isinstance(atom.divisor, int) and _is_single(body - constant, atom):
                return atom.numerator, atom.divisor, constant
    return None


def _is_single(x: Dim, atom: Atom) -> bool:
    return not isinstance(x, int) and dict(x.terms) == {((atom, 1),): 1}


def _rounded(numerator: Dim, divisor: Dim, constant: int, texts: Mapping[Atom, str]) -> str:
    """floor((a + constant * b)/b), which is floor(a/b) + constant."""
    is_up = not isinstance(numerator, int) and numerator.terms.get((), 0) == divisor - 1
    shifted = numerator - (divisor - 1) if is_up else numerator
    above = _operand(shifted + constant * divisor if constant else shifted, texts, PROSE)
    below = sum_text(divisor, texts, PROSE)
    below = below if re.fullmatch(WORD, below) else f"({below})"
    return f"{'ceil' if is_up else 'floor'}({above}/{below})"


def _operand(x: Dim, texts: Mapping[Atom, str], style: Style) -> str:
    text = sum_text(x, texts, style)
    is_product = style.times == " " and not re.fullmatch(WORD, text)
    return f"({text})" if not isinstance(x, int) and (len(x.terms) > 1 or is_product) else text


def _natural(text: str) -> list[tuple[int, str]]:
    """A key that puts ceil(r/4) before ceil(r/16)."""
    return [(int(digits or 0), other) for digits, other in re.findall(r"(\d*)(\D+|$)", text)]

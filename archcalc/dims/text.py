"""Polynomials as text: "9408*ceil(resolution/2)**2 + 2048000"."""

from __future__ import annotations

import re

from archcalc.dims.polynomial import (
    Atom,
    Choice,
    Dim,
    Maximum,
    Minimum,
    Monomial,
    NamedSum,
    Polynomial,
    Quotient,
    Variable,
    atoms_inside,
)

WORD = r"[\w.-]+"  # a name or a number, which needs no parentheses
LONGEST = 4000  # characters of an atom; a text may double with every atom that an atom has inside


def written(x: Dim) -> str:
    """A Python expression of x, with `ceil(a/b)` for what rounds up; the same for equal numbers."""
    texts: dict[Atom, str] = {}
    for atom in atoms_inside(x):
        text = _atom(atom, texts)
        texts[atom] = text if len(text) <= LONGEST else "..."
    return _sum(x, texts)


def _sum(x: Dim, texts: dict[Atom, str]) -> str:
    if isinstance(x, int):
        return str(x)
    terms = []
    for monomial, coefficient in x.terms.items():
        degree = sum(power for _, power in monomial)
        product = _product(monomial, texts, alone=len(x.terms) == 1 and coefficient == 1)
        factors = [str(abs(coefficient))] * (abs(coefficient) != 1 or not monomial) + [product] * bool(monomial)
        terms.append(((-degree, _natural(product)), " - " if coefficient < 0 else " + ", "*".join(factors)))
    text = "".join(sign + term for _, sign, term in sorted(terms))
    return text[3:] if text.startswith(" + ") else f"-{text[3:]}"


def _product(monomial: Monomial, texts: dict[Atom, str], alone: bool) -> str:
    factors = []
    for atom, power in monomial:
        text = texts[atom]
        if not re.fullmatch(rf"{WORD}|(ceil|max|min|select)\(.*\)", text) and not (alone and monomial == ((atom, 1),)):
            text = f"({text})"
        factors.append(text if power == 1 else f"{text}**{power}")
    return "*".join(sorted(factors, key=_natural))


def _atom(atom: Atom, texts: dict[Atom, str]) -> str:
    match atom:
        case Variable():
            return atom.name
        case Quotient(numerator=numerator, divisor=divisor):
            if isinstance(numerator, Polynomial) and numerator.terms.get((), 0) == divisor - 1:
                return f"ceil({_operand(numerator - (divisor - 1), texts)}/{divisor})"
            below = _sum(divisor, texts)
            below = below if re.fullmatch(WORD, below) else f"({below})"
            return f"{_operand(numerator, texts)}//{below}"
        case Maximum(a=a, b=b) | Minimum(a=a, b=b):
            both = sorted((_sum(a, texts), _sum(b, texts)), key=_natural)
            return f"{'max' if isinstance(atom, Maximum) else 'min'}({', '.join(both)})"
        case Choice(condition=condition, a=a, b=b):
            left, right = _sum(condition.left, texts), _sum(condition.right, texts)
            return f"select({left} {condition.relation} {right}, {_sum(a, texts)}, {_sum(b, texts)})"
        case NamedSum(body=body):
            return _sum(body, texts)
        case _:
            raise TypeError(f"no text for {type(atom).__name__}")


def _operand(x: Dim, texts: dict[Atom, str]) -> str:
    text = _sum(x, texts)
    return f"({text})" if isinstance(x, Polynomial) and len(x.terms) > 1 else text


def _natural(text: str) -> list[tuple[int, str]]:
    """A key that puts ceil(r/4) before ceil(r/16)."""
    return [(int(digits or 0), other) for digits, other in re.findall(r"(\d*)(\D+|$)", text)]

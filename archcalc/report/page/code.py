"""Closed forms as JavaScript: whole numbers of any size (BigInt), floor division that rounds down."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence

from archcalc.dims import Assumption, Dim
from archcalc.dims.atoms import Atom, Choice, Maximum, Minimum, Monomial, NamedSum, Quotient, Variable, atoms_inside

# What an argument of a function in strict code may not be called, and what the function itself uses.
TAKEN = frozenset(
    re.findall(
        r"\w+",
        """arguments await break case catch class const continue debugger default delete do else enum eval export
    extends false finally for function if implements import in instanceof interface let new null package private
    protected public return static super switch this throw true try typeof undefined var void while with yield
    floor divides larger smaller failed""",
    )
)


class Program:
    """Numbers of a network, each once, as a function of its free variables."""

    def __init__(self, variables: Sequence[str]) -> None:
        self.numbers: dict[Dim, int] = {}
        self.words = _words(variables)

    def place(self, x: Dim) -> int:
        """Where a number stands among the results."""
        return self.numbers.setdefault(x, len(self.numbers))

    def source(self, assumptions: Sequence[Assumption]) -> str:
        """A function from the variables, in their order, to what does not hold and the numbers in theirs.

        `[failed, numbers]`: `failed` are the places of the assumptions that do not hold.
        """
        sides = [side for of in assumptions for side in (of.a, of.b)]
        names = _names([*self.numbers, *sides], self.words)
        lines = [f"({', '.join(self.words.values())}) => {{", "const failed = [];"]
        factors = dict(names)
        lines += [f"const {names[atom]} = {_code(atom, factors)};" for atom in names if not isinstance(atom, Variable)]
        for number, assumed in enumerate(assumptions):
            lines.append(f"if (!({_test(assumed, factors)})) failed.push({number});")
        products = _products(self.numbers, factors)
        lines += [f"const {name} = {_product(monomial, factors)};" for monomial, name in products.items()]
        lines.append("return [failed, [")
        lines += [f"{_sum(x, factors, products)}," for x in self.numbers]
        return "\n".join([*lines, "]];", "}"])


def _words(names: Iterable[str]) -> dict[str, str]:
    """A name of JavaScript's for each variable, none of which is that of an atom (`s1`) or a product (`p1`)."""
    found: dict[str, str] = {}
    for name in names:
        word = re.sub(r"\W", "_", name, flags=re.ASCII)
        word = f"v_{word}" if word in TAKEN or re.match(r"[sp]?\d", word) else word
        while word in found.values():
            word += "_"
        found[name] = word
    return found


def _names(numbers: Iterable[Dim], words: Mapping[str, str]) -> dict[Atom, str]:
    """A name for each atom, in the order in which they are computed."""
    atoms = sorted({atom for x in numbers for atom in atoms_inside(x)}, key=lambda atom: atom.order)
    return {
        atom: words[atom.name] if isinstance(atom, Variable) else f"s{number}"
        for number, atom in enumerate(atoms, start=1)
    }


def _products(numbers: Iterable[Dim], names: Mapping[Atom, str]) -> dict[Monomial, str]:
    """Products of several factors that several numbers have; each is computed once."""
    often: dict[Monomial, int] = {}
    for x in numbers:
        for monomial in () if isinstance(x, int) else x.terms:
            if sum(power for _, power in monomial) > 1:
                often[monomial] = often.get(monomial, 0) + 1
    return {monomial: f"p{at}" for at, monomial in enumerate(of for of, times in often.items() if times > 1)}


def _product(monomial: Monomial, names: Mapping[Atom, str]) -> str:
    return " * ".join(names[atom] for atom, power in monomial for _ in range(power))


def _sum(x: Dim, names: Mapping[Atom, str], products: Mapping[Monomial, str] | None = None) -> str:
    if isinstance(x, int):
        return f"{x}n"
    text = ""
    for monomial, coefficient in x.terms.items():
        amount = f"{abs(coefficient)}n"
        if monomial:
            product = (products or {}).get(monomial) or _product(monomial, names)
            amount = product if abs(coefficient) == 1 else f"{amount} * {product}"
        text += f" {'-' if coefficient < 0 else '+'} {amount}"
    return text[3:] if text.startswith(" + ") else f"-{text[3:]}"


def _code(atom: Atom, names: Mapping[Atom, str]) -> str:
    match atom:
        case Quotient(numerator=numerator, divisor=divisor):
            return f"floor({_sum(numerator, names)}, {_sum(divisor, names)})"
        case Maximum(a=a, b=b):
            return f"larger({_sum(a, names)}, {_sum(b, names)})"
        case Minimum(a=a, b=b):
            return f"smaller({_sum(a, names)}, {_sum(b, names)})"
        case Choice(condition=(relation, left, right), a=a, b=b):
            sign = "===" if relation == "==" else relation
            return f"{_sum(left, names)} {sign} {_sum(right, names)} ? {_sum(a, names)} : {_sum(b, names)}"
        case NamedSum(body=body):
            return _sum(body, names)
        case _:
            raise TypeError(f"no source for {type(atom).__name__}")


def _test(assumed: Assumption, names: Mapping[Atom, str]) -> str:
    a, b = _sum(assumed.a, names), _sum(assumed.b, names)
    if assumed.relation == "divisible":
        return f"divides({b}, {a})"
    sign = {"==": "===", "!=": "!==", ">=": ">="}[assumed.relation]
    return f"{a} {sign} {b}"

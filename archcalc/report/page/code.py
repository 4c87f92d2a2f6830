"""Closed forms as JavaScript: whole numbers of any size (BigInt), floor division that rounds down."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence

from archcalc.dims import Assumption, Dim
from archcalc.dims.atoms import Atom, Choice, Maximum, Minimum, Monomial, NamedSum, Quotient, Variable, atoms_inside
from archcalc.dims.polynomial import single
from archcalc.dims.text import written

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

        `[failed, numbers]`: `failed` are the places of the assumptions that do not hold. Equal numbers give equal text,
        whatever has been computed before.
        """
        sides = [side for of in assumptions for side in (of.a, of.b)]
        writer = _Writer([*self.numbers, *sides], self.words)
        lines = [f"({', '.join(self.words.values())}) => {{", "const failed = [];", *writer.atoms()]
        lines += [f"if (!({writer.test(of)})) failed.push({number});" for number, of in enumerate(assumptions)]
        lines += [*writer.products(self.numbers), "return [failed, ["]
        return "\n".join([*lines, *(f"{writer.sum(x)}," for x in self.numbers), "]];", "}"])


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


class _Writer:
    """Expressions in names for atoms, which are told apart by what they are and not by when they were made."""

    def __init__(self, numbers: Iterable[Dim], words: Mapping[str, str]) -> None:
        found = sorted({atom for x in numbers for atom in atoms_inside(x)}, key=lambda atom: atom.order)
        depths: dict[Atom, int] = {}
        for atom in found:
            inside = (depths[inner] for part in atom.parts for inner in atoms_inside(part))
            depths[atom] = max(inside, default=-1) + 1
        found.sort(key=lambda atom: (depths[atom], written(single(atom))))
        self.rank = {atom: number for number, atom in enumerate(found)}
        self.names = {
            atom: words[atom.name] if isinstance(atom, Variable) else f"s{at}" for atom, at in self.rank.items()
        }
        self.shared: dict[Monomial, str] = {}  # products that several numbers have

    def atoms(self) -> Iterator[str]:
        """A line for each atom, after those that it is made of."""
        for atom, name in self.names.items():
            if not isinstance(atom, Variable):
                yield f"const {name} = {self.atom(atom)};"

    def products(self, numbers: Iterable[Dim]) -> Iterator[str]:
        """A line for each product of several factors that several numbers have."""
        often: dict[Monomial, int] = {}
        for x in numbers:
            for monomial, _ in self.terms(x):
                if sum(power for _, power in monomial) > 1:
                    often[monomial] = often.get(monomial, 0) + 1
        names = {monomial: f"p{at}" for at, monomial in enumerate(of for of, times in often.items() if times > 1)}
        yield from [f"const {name} = {self.product(monomial)};" for monomial, name in names.items()]
        self.shared = names

    def terms(self, x: Dim) -> list[tuple[Monomial, int]]:
        """Terms by degree, then by their factors."""
        terms = [((), x)] if isinstance(x, int) else list(x.terms.items())
        return sorted(terms, key=lambda term: (-sum(power for _, power in term[0]), self.factors(term[0])))

    def factors(self, monomial: Monomial) -> list[int]:
        """Ranks of factors, each as often as it occurs."""
        return sorted(self.rank[atom] for atom, power in monomial for _ in range(power))

    def product(self, monomial: Monomial) -> str:
        """`s3 * s3 * width`."""
        names = list(self.names.values())
        return " * ".join(names[rank] for rank in self.factors(monomial))

    def sum(self, x: Dim) -> str:
        """A number."""
        text = ""
        for monomial, coefficient in self.terms(x):
            amount = f"{abs(coefficient)}n"
            if monomial:
                product = self.shared.get(monomial) or self.product(monomial)
                amount = product if abs(coefficient) == 1 else f"{amount} * {product}"
            text += f" {'-' if coefficient < 0 else '+'} {amount}"
        return text[3:] if text.startswith(" + ") else f"-{text[3:]}"

    def atom(self, atom: Atom) -> str:
        """What an atom is."""
        match atom:
            case Quotient(numerator=numerator, divisor=divisor):
                return f"floor({self.sum(numerator)}, {self.sum(divisor)})"
            case Maximum(a=a, b=b) | Minimum(a=a, b=b):
                function = "larger" if isinstance(atom, Maximum) else "smaller"
                return f"{function}({', '.join(sorted((self.sum(a), self.sum(b))))})"
            case Choice(condition=(relation, left, right), a=a, b=b):
                sign = "===" if relation == "==" else relation
                return f"{self.sum(left)} {sign} {self.sum(right)} ? {self.sum(a)} : {self.sum(b)}"
            case NamedSum(body=body):
                return self.sum(body)
            case _:
                raise TypeError(f"no source for {type(atom).__name__}")

    def test(self, assumed: Assumption) -> str:
        """Whether an assumption holds."""
        a, b = self.sum(assumed.a), self.sum(assumed.b)
        if assumed.relation == "divisible":
            return f"divides({b}, {a})"
        sign = {"==": "===", "!=": "!==", ">=": ">="}[assumed.relation]
        return f"{a} {sign} {b}"

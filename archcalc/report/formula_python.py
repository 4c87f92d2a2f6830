"""Closed forms as the source of Python functions, which need nothing but Python."""

from __future__ import annotations

import builtins
import re
from collections.abc import Iterable, Mapping
from keyword import iskeyword

from archcalc import __version__
from archcalc.dims import Assumption, Dim, Polynomial
from archcalc.dims.atoms import Atom, Choice, Maximum, Minimum, NamedSum, Quotient, Variable, atoms_inside
from archcalc.dims.text import Style, ordered, sum_text
from archcalc.report.formula import assumption, elsewhere, readable
from archcalc.results.formula import Counter, Forms, Formulas

SOURCE = Style(" * ", "**", "", has_floor=False)
TAKEN = frozenset({*dir(builtins), "Fraction", "index", "rest"})  # names in a function that are no variables
LINE = 100  # characters, before a sum stands one term a line


def formulated_python(found: Formulas, is_exact: bool = False) -> str:
    """A module with a function for each quantity; it refuses values for which the form does not hold."""
    form = found.chosen(is_exact)
    functions = [_function(found, form, name) for name in found.quantities]
    body = "\n\n\n".join(functions)
    imports = ["from fractions import Fraction"] * ("Fraction(" in body) + ["from operator import index"] * (
        "index(" in body
    )
    more = f"\n\n{elsewhere(found)}\n" if found.refusal else ""
    first = f"What {found.name} costs: closed forms by archcalc {__version__}, exact for every value that they take."
    head = [f'"""{first}{more}"""']
    return "\n\n\n".join(["\n\n".join([*head, *(["\n".join(imports)] if imports else [])]), body]) + "\n"


def _function(found: Formulas, form: Forms, name: str) -> str:
    numbers = {row: readable(costs[name]) for row, costs in form.rows.items()}
    counters = _asked_for(found, form, [*numbers.values()])
    words = _words([*(of.variable for of in form.counters), *(of.letter for of in form.counters)])
    names = _names([*numbers.values(), *(side for of in form.assumptions for side in (of.a, of.b))], words)
    kinds = {words[of.variable]: "int" if _is_whole(of) else "Fraction | int" for of in counters}
    arguments = ", ".join(f"{argument}: {kind}" for argument, kind in kinds.items())
    is_total = found.by == "total"
    result = "int" if is_total else "dict[str, int]"
    title = identifier(f"{found.name}_{name}" if is_total else f"{found.name}_{name}_by_{found.by}")
    least = "at least " if found.unknown else ""
    lines = [f"def {title}({arguments}) -> {result}:"]
    lines.append(f'    """{least}{name} of {found.name}{"" if is_total else f", by {found.by}"}."""')
    for counter in counters:
        lines += _taken(counter, words)
    lines += [f"    {names[atom]} = {_code(atom, names)}" for atom in names if not isinstance(atom, Variable)]
    for assumed in form.assumptions:
        lines += [
            f"    if not {_test(assumed, names)}:",
            f'        raise ValueError("it holds where {assumption(assumed)}")',
        ]
    if is_total:
        return "\n".join([*lines, *_returned(numbers[""], names)])
    rows = [f"        {row!r}: {sum_text(x, names, SOURCE)},".replace("'", '"') for row, x in numbers.items()]
    return "\n".join([*lines, "    return {", *rows, "    }"])


def _asked_for(found: Formulas, form: Forms, numbers: Iterable[Dim]) -> list[Counter]:
    """Variables that a number depends on, and those of which something is required."""
    sides = (side for assumed in form.assumptions for side in (assumed.a, assumed.b))
    inside = {name for x in (*numbers, *sides) if isinstance(x, Polynomial) for name in x.variables()}
    return [
        counter
        for counter, exact in zip(form.counters, found.exact.counters, strict=True)
        if counter.letter in inside or not exact.is_unconditional
    ]


def identifier(text: str) -> str:
    """A name for Python: `resnet50_torchvision_macs`."""
    found = re.sub(r"\W+", "_", text, flags=re.ASCII).strip("_")
    return f"{found}_" if iskeyword(found) or found in TAKEN else found if found[:1].isalpha() else f"net_{found}"


def _is_whole(counter: Counter) -> bool:
    return counter.step.denominator == counter.offset.denominator == 1


def _words(names: Iterable[str]) -> dict[str, str]:
    """A name of Python's for each variable, no two alike: `max` is `max_`, and so `max_` another one."""
    found: dict[str, str] = {}
    for name in dict.fromkeys(names):
        word = identifier(name)
        while word in found.values():
            word += "_"
        found[name] = word
    return found


def _names(numbers: list[Dim], words: Mapping[str, str]) -> dict[Atom, str]:
    """A name for each atom, in the order in which they are computed: variables have theirs."""
    atoms = sorted({atom for x in numbers for atom in atoms_inside(x)}, key=lambda atom: atom.order)
    taken = set(words.values())
    free = (name for name in (f"s{number}" for number in range(1, len(atoms) + len(taken) + 1)) if name not in taken)
    return {atom: words[atom.name] if isinstance(atom, Variable) else next(free) for atom in atoms}


def _taken(counter: Counter, words: Mapping[str, str]) -> list[str]:
    """What an argument is in the form, or that it cannot be."""
    variable, letter = words[counter.variable], words[counter.letter]
    refused = [f"{letter} < {counter.least}"]
    if counter.period > 1:
        residues = counter.residues
        refused.append(
            f"{letter} % {counter.period}"
            if residues == (0,)
            else f"{letter} % {counter.period} not in {residues if len(residues) > 1 else list(residues)}"
        )
    if counter.is_itself:
        lines = []
        refused[0] = f"index({variable}) < {counter.least}"
    else:
        value = f"index({variable})" if _is_whole(counter) else f"Fraction({variable})"
        step = (
            str(counter.step)
            if _is_whole(counter)
            else f"Fraction({counter.step.numerator}, {counter.step.denominator})"
        )
        offset = (
            f" - {counter.offset}"
            if counter.offset.denominator == 1
            else f" - Fraction({counter.offset.numerator}, {counter.offset.denominator})"
        )
        lines = [f"    {letter}, rest = divmod({value}{offset if counter.offset else ''}, {step})"]
        refused.insert(0, "rest")
    lines.append(f"    if {' or '.join(refused)}:")
    lines.append(f'        raise ValueError(f"it holds for {counter.condition}, not {{{variable}}}")')
    return lines


def _code(atom: Atom, names: Mapping[Atom, str]) -> str:
    def operand(x: Dim) -> str:
        written = sum_text(x, names, SOURCE)
        return written if re.fullmatch(r"\w+", written) else f"({written})"

    match atom:
        case Quotient(numerator=numerator, divisor=divisor):
            return f"{operand(numerator)} // {operand(divisor)}"
        case Maximum(a=a, b=b) | Minimum(a=a, b=b):
            function = "max" if isinstance(atom, Maximum) else "min"
            return f"{function}({sum_text(a, names, SOURCE)}, {sum_text(b, names, SOURCE)})"
        case Choice(condition=(relation, left, right), a=a, b=b):
            written = [sum_text(x, names, SOURCE) for x in (a, left, right, b)]
            return f"{written[0]} if {written[1]} {relation} {written[2]} else {written[3]}"
        case NamedSum(body=body):
            return sum_text(body, names, SOURCE)
        case _:
            raise TypeError(f"no source for {type(atom).__name__}")


def _test(assumed: Assumption, names: Mapping[Atom, str]) -> str:
    a, b = sum_text(assumed.a, names, SOURCE), sum_text(assumed.b, names, SOURCE)
    return f"({a}) % ({b}) == 0" if assumed.relation == "divisible" else f"{a} {assumed.relation} {b}"


def _returned(x: Dim, names: Mapping[Atom, str]) -> list[str]:
    line = f"    return {sum_text(x, names, SOURCE)}"
    if isinstance(x, int) or len(line) <= LINE:
        return [line]
    signed = []
    for place, (monomial, coefficient) in enumerate(ordered(x, names)):
        term = sum_text(Polynomial({monomial: abs(coefficient)}) if monomial else abs(coefficient), names, SOURCE)
        sign = "-" if coefficient < 0 else "+" if place else ""
        signed.append(f"        {f'{sign} {term}' if sign else term}")
    return ["    return (", *signed, "    )"]

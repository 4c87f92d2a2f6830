"""Closed forms for people and for programs: a table, LaTeX, JSON."""

from __future__ import annotations

from collections.abc import Iterable
from fractions import Fraction
from itertools import islice
from typing import Any

from archcalc.dims import Assumption, Dim, Polynomial, prod, substitute, total, variable
from archcalc.dims.atoms import Atom, Monomial, NamedSum, Variable
from archcalc.dims.text import PROSE, ordered, sum_text, texts_of, written
from archcalc.engine.cost.quantities import SAVED
from archcalc.engine.formula.squares import squared
from archcalc.engine.memory.form import ON_A_MACHINE
from archcalc.report.media.blocks import Column, Document, Heading, Items, Paragraph, Table, Total, number
from archcalc.report.media.latex import escaped
from archcalc.report.media.numbers import exact as decimal
from archcalc.report.media.numbers import listed
from archcalc.results.formula import Counter, Forms, Formulas

VALUE = "value"
EXAMPLES = 3  # values of a variable that are written out
LINE = 4  # terms in one letter that a line of LaTeX has room for

RELATIONS = {"==": "is", "!=": "is not", ">=": "is at least", "divisible": "is divisible by"}
SIGNS = {"==": "=", "!=": r"\neq", ">=": r"\geq"}


# one formula


def text(x: Dim) -> str:
    """`83,410,944 n^2 + 2,048,000`; a variable that all terms have stands in front where that is shorter."""
    found = readable(x)
    return min(written(found, PROSE), _factored(found), key=len)


def readable(x: Dim) -> Dim:
    """The same number in the fewest terms: as it comes from the layers, or with squares of sums anew, or without."""
    expanded = substitute(x, {})
    return min((x, squared(expanded), expanded), key=lambda way: 1 if isinstance(way, int) else len(way.terms))


def _factored(x: Dim) -> str:
    common = _common(x)
    if not common or not isinstance(x, Polynomial):
        return written(x, PROSE)
    texts = texts_of(x, PROSE)
    rest = {_without(monomial, common): coefficient for monomial, coefficient in x.terms.items()}
    return f"{sum_text(Polynomial({common: 1}), texts, PROSE)} ({sum_text(Polynomial(rest), texts, PROSE)})"


def _common(x: Dim) -> Monomial:
    """Variables with the powers that every term has of them."""
    if isinstance(x, int) or len(x.terms) < 2:
        return ()
    powers = [dict(monomial) for monomial in x.terms]
    least = ((atom, min(of.get(atom, 0) for of in powers)) for atom in powers[0] if isinstance(atom, Variable))
    return tuple((atom, power) for atom, power in least if power)


def _without(monomial: Monomial, common: Monomial) -> Monomial:
    taken = dict(common)
    return tuple((atom, power - taken.get(atom, 0)) for atom, power in monomial if power > taken.get(atom, 0))


def in_variables(x: Dim, counters: Iterable[Counter]) -> Dim | None:
    """The same in the variables themselves, for the values that the form is for; None where parts would be needed."""
    of = {counter.letter: counter for counter in counters}
    if isinstance(x, int) or all(of[name].is_itself for name in x.variables()):
        return None
    terms: list[Dim] = []
    for monomial, coefficient in x.terms.items():
        share, product = Fraction(coefficient), []
        for atom, power in monomial:
            if not isinstance(atom, Variable) or of[atom.name].offset:
                return None
            share /= of[atom.name].step ** power
            product.append(variable(of[atom.name].variable) ** power)
        if share.denominator != 1:
            return None
        terms.append(prod([int(share), *product]))
    return total(terms)


# conditions


def condition(counter: Counter) -> str:
    """For which values of a variable a form holds, with the first of them."""
    least = f"{counter.letter} >= {counter.least}"
    rest = [] if counter.period == 1 else [counter.remainders]
    if counter.is_itself:
        return ", ".join([least, *rest])
    values = ", ".join(decimal(value) for value in islice(counter.values(), EXAMPLES))
    return f"{counter.definition}, {listed([least, *rest])}: {values}, ..."


def assumption(assumed: Assumption) -> str:
    """What else is taken for granted, in words."""
    return f"{text(assumed.a)} {RELATIONS[assumed.relation]} {text(assumed.b)}"


# a document


def formulated(found: Formulas, is_exact: bool = False) -> Document:
    """The forms, for which values they hold, and what they give for the network as its spec has it."""
    form = found.chosen(is_exact)
    names = [counter.variable for counter in form.counters]
    what = f"as a function of {listed(names)}" if names else "nothing being free"
    table = _table_of_totals(found, form) if found.by == "total" else _table_of_rows(found, form)
    document: Document = [Heading(f"{found.name}: what it costs exactly, {what}", 1), table]
    notes = [condition(counter) for counter in form.counters]
    notes += [assumption(assumed) for assumed in form.assumptions]
    if len(notes) == 1:
        document.append(Paragraph(f"It holds for {notes[0]}"))
    elif notes:
        document += [Paragraph("It holds for"), Items(notes, is_plain=True)]
    document.extend(Paragraph(remark) for remark in _remarks(found, form))
    footer = " | ".join(_footer(found))
    return [*document, Paragraph(footer, quiet=True)] if footer else document


def _table_of_totals(found: Formulas, form: Forms) -> Table:
    columns = [Column("quantity"), Column("closed form", least=24, cut="terms")]
    has_value = bool(found.point and not found.refusal)
    table = Table([*columns, number(VALUE)] if has_value else columns)
    for name, x in form.rows[""].items():
        value = [f"{found.costs[''][name]:,}"] if has_value else []
        table.rows.append([name, text(x), *value])
        own = in_variables(x, form.counters)
        if own is not None:
            table.rows.append(["", f"= {text(own)}", *[""] * len(value)])
    return table


def _table_of_rows(found: Formulas, form: Forms) -> Table:
    table = Table([Column(found.by, least=12), *(Column(name, least=12, cut="terms") for name in found.quantities)])
    for row, costs in form.rows.items():
        table.rows.append([row, *(text(costs[name]) for name in found.quantities)])
    sums = (total(costs[name] for costs in form.rows.values()) for name in found.quantities)
    table.rows.append(Total(["total", *map(text, sums)]))
    return table


def _remarks(found: Formulas, form: Forms) -> list[str]:
    remarks = []
    if found.refusal:
        remarks.append(elsewhere(found))
    if found.unknown:
        remarks.append(f"At least that much: the cost of {listed(found.unknown)} is not known.")
    if any(name in ON_A_MACHINE or name == SAVED for name in found.quantities):
        remarks.append("Bytes are those of fp32.")
    if form is not found.exact:
        remarks.append("With --exact: for other values too, with sizes rounded as the layers round them.")
    for counter, given in zip(form.counters, found.exact.counters, strict=True):
        name = counter.variable
        if found.point.get(name) == 1 and counter.is_itself and given.is_itself and name != "batch":
            remarks.append(f"Here {name} is a whole number; in quarters, where channels allow: --free {name}=1/4.")
    return remarks


def elsewhere(found: Formulas) -> str:
    """That the forms are not for the spec's own values, and what the network costs there."""
    sums = {name: sum(costs[name] for costs in found.costs.values()) for name in found.quantities}
    costs = listed([f"{name} {value:,}" for name, value in sums.items()])
    return f"At the spec's own {_point(found)} the network is another one, with {costs}: {found.refusal}."


def _point(found: Formulas) -> str:
    return listed([f"{name} {decimal(value)}" for name, value in found.point.items()])


def _footer(found: Formulas) -> list[str]:
    has_value = found.point and not found.refusal and found.by == "total"
    parts = [f"{VALUE}: the integer engine's at {_point(found)}"] * bool(has_value)
    return [
        *parts,
        *(f"{name} = {value}" for name, value in found.settings.items()),
        *["with heads"] * found.with_heads,
    ]


# LaTeX and JSON


def formulated_latex(found: Formulas, is_exact: bool = False) -> str:
    """An equation for each form, by SymPy's printer with the terms in order; then for which values they hold."""
    form = found.chosen(is_exact)
    equations = [
        _equation(f"{name} of {row}" if row else name, x) for row, of in form.rows.items() for name, x in of.items()
    ]
    notes = [f"${_latex_condition(counter)}$" for counter in form.counters]
    notes += [_latex_assumption(assumed) for assumed in form.assumptions]
    lines = ["\\begin{align*}", " \\\\\n".join(equations), "\\end{align*}"]
    if len(form.rows) > 1:  # over several pages
        lines = ["\\begingroup\\allowdisplaybreaks", *lines, "\\endgroup"]
    ending = [f"for {listed(notes)}."] if notes else []
    if found.refusal:
        ending.append(escaped(elsewhere(found)))
    return "\n".join([f"% {found.name}; needs the package amsmath", *lines, *ending]) + "\n"


def _equation(name: str, x: Dim) -> str:
    x = readable(x)
    terms = [((), x)] if isinstance(x, int) else ordered(x, texts_of(x, PROSE))
    found, taken = "", 0
    for place, (monomial, coefficient) in enumerate(terms):
        width = sum(map(_width, (atom for atom, _ in monomial))) or 1
        is_new_line = place > 0 and taken + width > LINE
        taken = width if is_new_line else taken + width
        term = _latex(Polynomial({monomial: abs(coefficient)}) if monomial else abs(coefficient))
        if place:
            found += " \\\\\n    &\\quad {} " if is_new_line else " "
        sign = "-" if coefficient < 0 else "+" if place else ""
        found += f"{sign} {term}" if sign else term
    return f"\\text{{{escaped(name)}}} &= {found}"


def _width(atom: Atom) -> int:
    return (len(atom.name) > 1) * 2 if isinstance(atom, Variable) else 3 if isinstance(atom, NamedSum) else 2


def _latex(x: Dim) -> str:
    from archcalc.engine.formula.symbolic import to_latex

    return to_latex(x)


def _latex_condition(counter: Counter) -> str:
    name = _latex(variable(counter.variable))
    least = f"{_latex(variable(counter.letter))} \\geq {counter.least}"
    rest = f"\\text{{, {escaped(counter.remainders)}}}" if counter.period > 1 else ""
    if counter.is_itself:
        return f"{least}{rest}"
    step, letter = counter.step, _latex(variable(counter.letter))
    product = letter if step.numerator == 1 else f"{step.numerator} {letter}"
    share = product if step.denominator == 1 else f"\\frac{{{product}}}{{{step.denominator}}}"
    return f"{name} = {share}{f' + {counter.offset}' if counter.offset else ''},\\ {least}{rest}"


def _latex_assumption(assumed: Assumption) -> str:
    a, b = _latex(assumed.a), _latex(assumed.b)
    return f"${b} \\mid {a}$" if assumed.relation == "divisible" else f"${a} {SIGNS[assumed.relation]} {b}$"


def formulas_object(found: Formulas) -> dict[str, Any]:
    """Both forms for programs: as text, and as SymPy reads it back."""
    return {
        "name": found.name,
        "family": found.title,
        "settings": dict(found.settings),
        "with_heads": found.with_heads,
        "by": found.by,
        "point": {name: str(value) for name, value in found.point.items()},
        "holds_at_point": not found.refusal if found.point else None,
        "refusal": found.refusal,
        "at_least": bool(found.unknown),
        "unknown": list(found.unknown),
        "exact": _form_object(found, found.exact),
        "simple": _form_object(found, found.simple) if found.is_simpler else None,
    }


def _form_object(found: Formulas, form: Forms) -> dict[str, Any]:
    from archcalc.engine.formula.symbolic import to_srepr

    return {
        "variables": [
            {
                "variable": counter.variable,
                "letter": counter.letter,
                "step": str(counter.step),
                "offset": str(counter.offset),
                "least": counter.least,
                "period": counter.period,
                "residues": list(counter.residues),
                "text": condition(counter),
            }
            for counter in form.counters
        ],
        "assumptions": [assumption(assumed) for assumed in form.assumptions],
        "formulas": [
            {
                "row": row,
                "quantity": name,
                "text": text(x),
                "sympy": to_srepr(x),
                "value": found.costs[row][name] if found.costs and not found.refusal else None,
            }
            for row, costs in form.rows.items()
            for name, x in costs.items()
        ],
    }

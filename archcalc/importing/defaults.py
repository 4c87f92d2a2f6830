"""Defaults of a file: what most calls of an operator say, where saying it once makes the text shorter."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from typing import Any

from archcalc.importing.expressions import Defaults, Expressions
from archcalc.importing.terms import Arithmetic, Function, Local, Op, Outer, Ref, Variable, walk
from archcalc.ops import OPERATORS, Table

LEAST = 10  # characters that the defaults of one operator must spare
_NOT_FIXED = (Variable, Arithmetic, Function, Local, Ref, Outer, Table)


def majority(terms: Iterable[Any]) -> Defaults:
    """For each operator the arguments that are better said once.

    Args:
        terms: all bodies of the file, each once.
    """
    sites: dict[str, list[dict[str, Any]]] = {}
    for term in terms:
        for part in walk(term):
            if type(part) is Op:
                sites.setdefault(part.name, []).append(dict(part.arguments))
    found: Defaults = {}
    for name in OPERATORS:
        settings, spared = _of_operator(name, sites.get(name, []))
        if spared >= LEAST:
            found[name] = settings
    return found


def _of_operator(name: str, sites: list[dict[str, Any]]) -> tuple[dict[str, Any], int]:
    expressions = Expressions({})
    settings: dict[str, Any] = {}
    spared = 0
    for argument, declared in OPERATORS[name].arguments.items():
        if declared.is_required or declared.kind == "layer":
            continue
        said = Counter([site.get(argument, declared.default) for site in sites])
        if set(said) == {declared.default}:
            continue
        lengths = {value: len(f", {argument}={expressions.text(value)}") for value in said}

        def cost(usual: Any, said: Counter[Any] = said, lengths: dict[Any, int] = lengths) -> int:
            return sum(count * lengths[value] for value, count in said.items() if value != usual)

        fixed = [value for value in said if not any(isinstance(part, _NOT_FIXED) for part in walk(value))]
        best = min(fixed, key=cost, default=declared.default)
        gain = cost(declared.default) - cost(best) - lengths.get(best, 0)
        if best != declared.default and gain > 0:
            settings[argument] = best
            spared += gain
    return settings, spared

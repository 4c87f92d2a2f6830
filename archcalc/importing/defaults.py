"""Defaults of a file: what most calls of an operator say, where saying it once makes the text shorter."""

from __future__ import annotations

from collections import Counter
from collections.abc import Container, Iterable, Iterator
from typing import Any

from archcalc.importing.expressions import Defaults, Expressions
from archcalc.importing.terms import ABSENT, Arithmetic, Extent, Function, Local, Op, Outer, Ref, Variable, parts, walk
from archcalc.ops import OPERATORS, Table
from archcalc.spec.bind import ROLES

LEAST = 60  # characters that the defaults of one operator must spare
_NOT_FIXED = (Variable, Arithmetic, Function, Extent, Local, Ref, Outer, Table)


def majority(terms: list[Any], variables: Container[str] = ()) -> Defaults:
    """For each operator the arguments that are better said once.

    Args:
        terms: all bodies of the file, each once.
        variables: of the file, which may stand in defaults too.
    """
    found: Defaults = {}
    carriers = [name for name in OPERATORS if any(role in OPERATORS[name].arguments for role in ROLES)]
    for group in (carriers, [name for name in OPERATORS if name not in carriers]):
        sites: dict[str, list[dict[str, Any]]] = {}
        for op in _calls([*terms, *[value for settings in found.values() for value in settings.values()]], found):
            sites.setdefault(op.name, []).append(dict(op.arguments))
        for name in group:
            settings, spared = _of_operator(name, sites.get(name, []), variables)
            if spared >= LEAST:
                found[name] = settings
    return found


def _calls(terms: Iterable[Any], defaults: Defaults) -> Iterator[Op]:
    """Calls of operators as they will be written: what defaults say is not."""
    for term in terms:
        waiting = [term]
        while waiting:
            part = waiting.pop()
            if type(part) is Op:
                usual = defaults.get(part.name, {})
                waiting += [value for name, value in part.arguments if usual.get(name, ABSENT) != value]
                yield part
            else:
                waiting += parts(part)


def _of_operator(name: str, sites: list[dict[str, Any]], variables: Container[str]) -> tuple[dict[str, Any], int]:
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

        fixed = [value for value in said if _is_fixed(value, variables)]
        best = min([value for value in fixed if value != declared.default], key=cost, default=declared.default)
        gain = cost(declared.default) - cost(best) - lengths.get(best, 0)
        if best != declared.default and gain >= 0:
            settings[argument] = best
            spared += gain
    return settings, spared


def _is_fixed(value: Any, variables: Container[str]) -> bool:
    """Whether a value is the same in every body."""
    return all(
        not isinstance(part, _NOT_FIXED) or (type(part) is Variable and part.id in variables) for part in walk(value)
    )

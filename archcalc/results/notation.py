"""An operator as a spec would write it."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from fractions import Fraction
from functools import lru_cache
from typing import Any

from archcalc.named import NamedTuple
from archcalc.ops import ONE, Operator


@lru_cache(maxsize=1 << 14)
def notation(operator: Operator) -> str:
    """An operator as a spec would write it: required arguments by position, others where they are not the default."""
    parts = [f"{of.name}={of.text}" if of.name else of.text for of in arguments_of(operator, str)]
    text = f"{operator.name}({', '.join(parts)})" if parts else operator.name
    return text + copies_of(operator, str)


class Written(NamedTuple):
    """An argument of an operator as a spec would write it; `name` is empty where it stands by position."""

    name: str
    text: str
    value: Any
    default: Any


def arguments_of(operator: Operator, number: Callable[[Any], str]) -> Iterator[Written]:
    """Arguments that are not the default; `number` writes what is no other kind of value, such as a polynomial."""
    for name, declared in operator.arguments.items():
        value = getattr(operator, declared.attribute)
        if declared.kind == "operation" or (not declared.is_required and value == declared.default):
            continue
        yield Written("" if declared.is_required else name, _written(value, number), value, declared.default)
    if not operator.trainable:
        yield Written("trainable", "false", False, True)


def copies_of(operator: Operator, number: Callable[[Any], str]) -> str:
    """How often an expert is stored and used."""
    stored, computed = operator.copies
    return "" if operator.copies is ONE else f" x{number(stored)}, {number(computed)} used"


def _written(value: Any, number: Callable[[Any], str]) -> str:
    if isinstance(value, bool):
        return str(value).lower()
    if value is None:
        return "none"
    if isinstance(value, Fraction):
        return str(float(value))
    if hasattr(value, "connected"):
        return f"{value.inputs}x{value.outputs} table"
    if hasattr(value, "node"):
        return value.name or "layer"
    if isinstance(value, tuple):
        return f"({', '.join(_written(item, number) for item in value)}{',' * (len(value) == 1)})"
    return number(value)

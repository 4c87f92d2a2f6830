"""An operator as a spec would write it."""

from __future__ import annotations

from collections.abc import Callable
from fractions import Fraction
from functools import lru_cache
from typing import Any

from archcalc.ops import ONE, Operator


@lru_cache(maxsize=1 << 14)
def notation(operator: Operator) -> str:
    """An operator as a spec would write it: required arguments by position, others where they are not the default."""
    return notation_with(operator, str)


def notation_with(operator: Operator, number: Callable[[Any], str]) -> str:
    """The same; `number` writes what is no other kind of value, such as a polynomial."""
    parts: list[str] = []
    for name, declared in operator.arguments.items():
        value = getattr(operator, declared.attribute)
        if declared.kind == "operation" or (not declared.is_required and value == declared.default):
            continue
        text = _written(value, number)
        parts.append(text if declared.is_required else f"{name}={text}")
    if not operator.trainable:
        parts.append("trainable=false")
    text = f"{operator.name}({', '.join(parts)})" if parts else operator.name
    stored, computed = operator.copies
    return text if operator.copies is ONE else f"{text} x{stored}, {computed} used"


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

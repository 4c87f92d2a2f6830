"""An operator as a spec would write it."""

from __future__ import annotations

from fractions import Fraction
from functools import lru_cache
from typing import Any

from archcalc.ops import ONE, Operator


@lru_cache(maxsize=1 << 14)
def notation(operator: Operator) -> str:
    """An operator as a spec would write it: required arguments by position, others where they are not the default."""
    parts: list[str] = []
    for name, declared in operator.arguments.items():
        value = getattr(operator, declared.attribute)
        if declared.kind == "operation" or (not declared.is_required and value == declared.default):
            continue
        parts.append(_written(value) if declared.is_required else f"{name}={_written(value)}")
    if not operator.trainable:
        parts.append("trainable=false")
    text = f"{operator.name}({', '.join(parts)})" if parts else operator.name
    stored, computed = operator.copies
    return text if operator.copies is ONE else f"{text} x{stored}, {computed} used"


def _written(value: Any) -> str:
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
        return f"({', '.join(map(_written, value))}{',' * (len(value) == 1)})"
    return str(value)

"""Arguments in one form: what two spellings of one operation have in common.

`conv(64, 3, padding=half)` of an image and `conv(64, (3, 3), padding=1)` are one operation.
"""

from __future__ import annotations

from typing import Any

from archcalc.ops import Operator, Shape
from archcalc.ops.window import explicit_padding

Key = tuple[Any, ...]
_found: dict[tuple[Operator, int], Key] = {}


def canonical(operator: Operator, rank: int) -> Key:
    """Name, arguments, branches and copies of an operator over so many spatial axes; equal for equal operations.

    Whether it is trainable is not among them: that matters where it stores something.
    """
    key = _found.get((operator, rank))
    if key is None:
        key = _found[operator, rank] = (
            operator.name,
            *arguments(operator, rank).items(),
            operator.given,
            tuple(operator.copies),
        )
    return key


def arguments(operator: Operator, rank: int) -> dict[str, Any]:
    """Arguments by name, each with a value for every axis where it is one of axes."""
    values = operator.values()
    for name, declared in operator.arguments.items():
        value = values[name]
        if declared.kind == "layer":
            values[name] = None  # which one is a matter of the wiring, and of whose the weights are
        elif value is None and name == "stride":
            values[name] = per_axis(values["kernel"], rank)
        elif declared.kind == "padding" and value is not None and value != "same":
            given = ("kernel" in values and values["kernel"], values.get("dilation", 1))
            values[name] = pairs(value, rank, *given)
        elif declared.kind in ("extents", "factors", "size"):
            values[name] = per_axis(value, 1 if operator.sources else rank)  # a source has the axes that it says
    return values


def per_axis(value: Any, rank: int) -> Any:
    """One number for each axis; what is no number stays."""
    return value if value is None or isinstance(value, tuple) else (value,) * max(rank, 1)


def pairs(padding: Any, rank: int, kernel: Any, dilation: Any) -> tuple[tuple[Any, Any], ...]:
    """Padding before and after, for each axis."""
    return tuple([(before, after) for before, after in explicit_padding(padding, rank, kernel, dilation)])


def rank_of(shapes: tuple[Shape, ...], gives: Shape) -> int:
    """Spatial axes of what an operation reads, or gives where it reads nothing."""
    return shapes[0].rank if shapes else gives.rank

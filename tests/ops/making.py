"""Operators of tests, and their counts."""

from __future__ import annotations

from typing import Any

from archcalc.ops import (
    OPERATORS,
    Arithmetic,
    Operator,
)


def make(name: str, **arguments: Any) -> Operator:
    return OPERATORS[name].of(arguments)


def arithmetic(operator: Operator, x: Any) -> Arithmetic:
    return operator.arithmetic(x, operator.infer(x))

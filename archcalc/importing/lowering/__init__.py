"""Neutral operations, with the axes of their tensors, as archcalc's operators: a rule for each operation."""

from __future__ import annotations

from archcalc.importing.lowering import choices, joins, layers, modules, opaque, own, pointwise, shapes, windows
from archcalc.importing.lowering.context import RULES
from archcalc.importing.lowering.run import CannotLowerError, lower
from archcalc.importing.patterns import attention

KNOWN = frozenset(RULES)
"""Names of operations that are read as they are; a reader takes composites of others apart."""

__all__ = [
    "KNOWN",
    "CannotLowerError",
    "attention",
    "choices",
    "joins",
    "layers",
    "lower",
    "modules",
    "opaque",
    "own",
    "pointwise",
    "shapes",
    "windows",
]

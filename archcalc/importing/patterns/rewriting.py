"""Patterns over the program itself, before it is lowered: operations by which a layer was written out."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from archcalc.importing.neutral import Operation, Program
from archcalc.importing.patterns.activations import ACTIVATIONS
from archcalc.importing.patterns.assembled import Assembled, PaddedInto
from archcalc.importing.patterns.match import Match, Pattern
from archcalc.importing.patterns.norms import NORMS
from archcalc.importing.patterns.rotary import Rotary, RotaryOfPairs

PATTERNS = (PaddedInto(), *NORMS, *ACTIVATIONS, Rotary(), RotaryOfPairs())


FIRST = (Assembled(),)  # before a part of it could be taken for something else


def rewritten(program: Program) -> Program:
    """The program with every pattern as one operation, and without what nobody reads."""
    return _rewritten(_rewritten(program, FIRST), PATTERNS)


def _rewritten(program: Program, patterns: Sequence[Pattern]) -> Program:
    match = Match(program)
    operations: list[Operation] = []
    ends = frozenset[str]().union(*[pattern.ends for pattern in patterns])
    for op in program.operations:
        for pattern in patterns if op.op in ends else ():
            if op.op not in pattern.ends:
                continue
            found = pattern.match(match, op)
            if found is not None:
                op = found  # noqa: PLW2901 - patterns may stand upon patterns
                match.put(op)
        operations.append(op)
    return with_operations(program, read(program, operations))


def read(program: Program, operations: list[Operation]) -> list[Operation]:
    """Operations of which something reaches an output."""
    needed = set(program.outputs.values())
    kept = []
    for op in reversed(operations):
        if needed.intersection(op.outputs):
            needed.update(op.tensors())
            kept.append(op)
    return kept[::-1]


def with_operations(program: Program, operations: list[Operation]) -> Program:
    """The same program with other operations."""
    return replace(program, operations=operations)

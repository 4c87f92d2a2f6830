"""An ONNX file as calls of archcalc's operators."""

from __future__ import annotations

import os
from math import prod
from typing import Any

from archcalc.importing.calls import Call, Calls
from archcalc.importing.lowering import CannotLowerError, lower
from archcalc.importing.lowering.again import at_another_size
from archcalc.importing.lowering.macs import macs_of
from archcalc.importing.neutral import Program
from archcalc.importing.onnx.inputs import Given
from archcalc.importing.onnx.load import load
from archcalc.importing.onnx.patterns import leave_out
from archcalc.importing.onnx.read import read_program
from archcalc.importing.onnx.values import is_anonymous
from archcalc.ops import OPERATORS, Shape


def read_onnx(path: str | os.PathLike[str], input: Given = None) -> Calls:
    """The network of an ONNX file; arguments and errors are those of `read_program`.

    An output after the first that has no form in the language is left out, and said to be.
    """
    model = load(path)
    program = read_program(path, input, model)
    calls = _calls(program)

    def again(other: Any) -> Calls:
        second = read_program(path, (other,) if isinstance(other, int) else other, model)
        return at_another_size(program, calls, second) or _calls(second)

    calls.again = again
    return calls


def _calls(program: Program) -> Calls:
    try:
        calls = _lowered(program)
        reason = "" if calls.outputs else "no output has a form in the language"
    except CannotLowerError as error:
        reason = f"{error.path}: {error.reason}" if error.path else error.reason
    except (ArithmeticError, AssertionError, AttributeError, LookupError, TypeError, ValueError) as error:
        reason = f"a fault of archcalc, please report it: {type(error).__name__}: {error}"
    if reason:
        return _as_one(program, reason)
    used = {name for call in calls.calls for name in call.weights}
    for name in [name for name in calls.parameters if name not in used]:
        own = name.partition(" of ")[0]
        if "." not in own or is_anonymous(own):  # a table of a formula, computed before the model was exported
            calls.buffers[name] = calls.parameters.pop(name)
    return calls


def _lowered(program: Program) -> Calls:
    try:
        return lower(program)
    except (CannotLowerError, ArithmeticError, AssertionError, AttributeError, LookupError, TypeError, ValueError):
        if len(program.outputs) < 2:
            raise
        name, index = next(iter(program.outputs.items()))
        others = ", ".join(f"`{other}`" for other in program.outputs if other != name)
        program.outputs = {name: index}
        leave_out(program)
        calls = lower(program)
        calls.notes.append(f"outputs {others} have no form in the language, and are left out")
        return calls


def _as_one(program: Program, reason: str) -> Calls:
    """A network of which nothing can be said but its parameters, its work where that is known, and its first input."""
    name, index = next(iter(program.inputs.items()))
    output, result = next(iter(program.outputs.items()))
    read = {tensor for operation in program.operations for tensor in operation.tensors()}
    stored = {
        tensor.name: tensor.shape
        for number, tensor in enumerate(program.tensors)
        if tensor.kind == "parameter" and number in read
    }
    macs = [macs_of(program, operation) for operation in program.operations]
    told = [number for number in macs if number is not None]
    operator = OPERATORS["opaque"].of(
        {
            "channels": max(program.tensors[result].elements, 1),
            "params": sum(prod(shape) for shape in stored.values()),
            "macs": sum(told) if len(told) == len(macs) else None,
        }
    )
    given = Shape(max(program.tensors[index].elements, 1))
    call = Call(operator, (-1,), operator.infer(given), (), program.name, tuple(stored), reason=reason)
    notes = [*program.notes, f"its structure has no form in the language: {reason}"]
    if len(program.inputs) > 1:
        notes.append(f"of its {len(program.inputs)} inputs `{name}` stands for all")
    return Calls(program.name, {name: given}, [call], {output: 0}, stored, notes=notes, free={}, source=program.source)

"""An ONNX file as calls of archcalc's operators."""

from __future__ import annotations

import os
from pathlib import Path

from archcalc.importing.calls import Calls
from archcalc.importing.lowering import CannotLowerError, lower
from archcalc.importing.neutral import Program
from archcalc.importing.onnx.errors import refuse
from archcalc.importing.onnx.inputs import Given
from archcalc.importing.onnx.patterns import leave_out
from archcalc.importing.onnx.read import read_program
from archcalc.importing.onnx.values import is_anonymous


def read_onnx(path: str | os.PathLike[str], input: Given = None) -> Calls:
    """The network of an ONNX file; arguments and errors are those of `read_program`.

    An output after the first that has no form in the language is left out, and said to be.
    """
    program = read_program(path, input)
    try:
        calls = _lowered(program)
    except CannotLowerError as error:
        message = f"the network has no form in the language: {error.path}: {error.reason}"
        refuse("cannot-import", Path(path), message, "export the part of it that reads one input and gives one output")
    except (ArithmeticError, AssertionError, AttributeError, LookupError, TypeError, ValueError) as error:
        message = f"the network is not understood, by a fault of archcalc: {type(error).__name__}: {error}"
        refuse("cannot-import", Path(path), message, "please report it, with the file if you can")
    if not calls.outputs:
        refuse(
            "cannot-import", Path(path), "no output of the network has a form in the language", "export a part of it"
        )
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

"""An ONNX file as calls of archcalc's operators."""

from __future__ import annotations

import os
from pathlib import Path

from archcalc.importing.calls import Calls
from archcalc.importing.lowering import CannotLowerError, lower
from archcalc.importing.onnx.errors import refuse
from archcalc.importing.onnx.inputs import Given
from archcalc.importing.onnx.read import read_program


def read_onnx(path: str | os.PathLike[str], input: Given = None) -> Calls:
    """The network of an ONNX file; arguments and errors are those of `read_program`."""
    program = read_program(path, input)
    try:
        return lower(program)
    except CannotLowerError as error:
        message = f"the network has no form in the language: {error.path}: {error.reason}"
        refuse("cannot-import", Path(path), message, "export the part of it that reads one input and gives one output")

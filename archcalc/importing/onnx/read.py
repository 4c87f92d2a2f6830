"""An ONNX file as a neutral program."""

from __future__ import annotations

import os
import re
from pathlib import Path
from typing import Any

import archcalc.importing.onnx.rules  # noqa: F401  # registers the rules
from archcalc.importing.neutral import Program
from archcalc.importing.onnx.errors import refuse
from archcalc.importing.onnx.inputs import Given, read_inputs, settle_inputs
from archcalc.importing.onnx.load import load, opset_of
from archcalc.importing.onnx.merged import take_apart, tie
from archcalc.importing.onnx.patterns import rewrite
from archcalc.importing.onnx.reader import Reader


def read_program(path: str | os.PathLike[str], input: Given = None, model: Any = None) -> Program:
    """The network of an ONNX file at batch 1, as operations under the names of ATen; no weight is read, nothing is run.

    Args:
        path: an `.onnx` file of opset 5 or later; data in files beside it is not needed.
        input: extents of the first input without its batch, `(3, 224, 224)`, or by the names of inputs; extents that
            the file leaves open also by their own names, `{"height": 320}`.
        model: what `load` gave of the file, where it was loaded before.

    Raises:
        SpecError: what is wrong with the file, or that `input` does not fit to it.
        MissingExtraError: the `onnx` package is not installed.
    """
    place = Path(path)
    model = load(place) if model is None else model
    try:
        program = _program(place, model, input)
    except RecursionError:
        refuse("bad-graph", place, "graphs nest too deep in each other")
    except (ArithmeticError, AttributeError, LookupError, TypeError, ValueError) as error:
        message = f"the model is not as ONNX has it: {type(error).__name__}: {error}"
        help = "onnx.checker.check_model(model) says what is wrong with it; if it finds nothing, please report it"
        refuse("bad-graph", place, message, help)
    program.source = str(path)
    return program


def _program(place: Path, model: Any, input: Given) -> Program:
    reader = _read(place, model, input, None)
    if reader.misfits and reader.chosen:
        for usual in (*_by_ratio(reader), *USUAL):
            other = _read(place, model, input, usual)
            if other.misfits < reader.misfits:
                reader = other
            if not reader.misfits:
                break
    if reader.misfits and reader.moved:
        refuse(
            "bad-input",
            place,
            f"nodes do not fit to these extents ({reader.moved}): {reader.first_misfit}",
            "the file fixes them; export it with dynamic axes to read it at others",
        )
    program = reader.program
    _outputs(reader)
    rewrite(program)
    reader.scopes.settle(program)
    tie(program, reader.places)
    take_apart(program, with_matrices=model.producer_name == "pytorch")
    settle_inputs(program)
    _notes(reader)
    return program


USUAL = (
    (32, 32, 512), (48, 320, 256), (64, 64, 1024), (32, 320, 64), (256, 256, 32), (512, 512, 16_000), (64, 256, 4096),
    (640, 640, 48_000), (28, 28, 100), (299, 299, 16), (112, 112, 8), (96, 96, 1)
)  # fmt: skip
"""(height, width, length) that are tried where what the file leaves open cannot be as usual."""


def _by_ratio(reader: Reader) -> list[tuple[int, int, int]]:
    """The length at which the first node that does not fit would fit."""
    if reader.ratio is None or len(set(reader.chosen.values())) != 1:
        return []
    length = next(iter(reader.chosen.values())) * reader.ratio
    return [(224, 224, int(length))] if length.denominator == 1 and length > 0 else []


def _read(path: Path, model: Any, given: Given, usual: tuple[int, int, int] | None) -> Reader:
    reader = Reader(path, model, opset_of(model))
    reader.chosen = read_inputs(reader, reader.names, given, usual)
    reader.graph(model.graph, reader.names)
    return reader


def _outputs(reader: Reader) -> None:
    """What the network gives, in the order of the file; what recurrent layers leave is their state.

    So is an output with the shape and the name of an input after the first, `stateN` for `state`.
    """
    program, states = reader.program, []
    _, *others = program.inputs
    kept = [(name, program.tensors[program.inputs[name]].shape) for name in others]
    for item in reader.model.graph.output:
        if item.name not in reader.names:
            refuse("bad-graph", reader.path, f"no node gives the output `{item.name}`")
        value = reader.names[item.name]
        values = value.items if value.items is not None else (value,)
        for number, part in enumerate(values):
            name = item.name if len(values) == 1 else f"{item.name}_{number}"
            if part.index < 0:
                continue
            is_kept = bool(program.outputs) and any(
                name.lower().startswith(other.lower()) and part.shape == shape for other, shape in kept
            )
            if part.is_state or is_kept:
                states.append(name)
            else:
                program.outputs[name] = part.index
    if not program.outputs:
        refuse("bad-graph", reader.path, "no output depends on an input", "check that the model was exported whole")
    if states:
        program.notes.append(
            f"{', '.join(f'`{name}`' for name in states)}: handed on to the next step, no output of a layer"
        )


def _notes(reader: Reader) -> None:
    """What the file is, for people: norms that are folded into weights."""
    nodes = reader.model.graph.node
    folded = sum(_is_folded(node) for node in nodes if node.op_type == "Conv")
    if folded and not any(node.op_type == "BatchNormalization" for node in nodes):
        said = f"norms are folded into {folded} convolutions, as exporters do for inference: their parameters are gone"
        reader.program.notes.append(said)


def _is_folded(node: Any) -> bool:
    if any("FuseBatchNorm" in entry.value for entry in node.metadata_props if entry.key.endswith("rule_name")):
        return True
    return len(node.input) > 2 and all(re.fullmatch(r"onnx::Conv_\d+", name) for name in node.input[1:3])

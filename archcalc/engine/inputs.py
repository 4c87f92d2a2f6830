"""Inputs given from outside: their shapes, and the variables that they stand for."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from archcalc.ops import Shape
from archcalc.source import Diagnostic, SpecError, suggestion
from archcalc.spec.expression import Call, Expression, Name, Number
from archcalc.spec.model import Spec
from archcalc.spec.words import INPUTS

Given = Shape | Sequence[int] | Mapping[str, Shape | Sequence[int] | int] | None  # of the first input, or by name


def input_shapes(spec: Spec, given: Given) -> dict[str, Shape]:
    """Inputs from outside by name, each with as many numbers as the spec's.

    Raises:
        SpecError: an unknown name, more or fewer axes, or a size below 1.
    """
    if given is None or (spec.read_at is not None and given == spec.read_at):
        return {}
    first = next(iter(spec.inputs))
    named = given if isinstance(given, Mapping) else {first: given}
    found: dict[str, Shape] = {}
    for name, sizes in named.items():
        if name not in spec.inputs:
            help = suggestion(name, spec.inputs, f"its inputs are {', '.join(spec.inputs)}")
            raise SpecError([Diagnostic("unknown-input", f"{spec.network} has no input `{name}`", help=help)])
        found[name] = _shape(spec, name, sizes)
    return found


def _shape(spec: Spec, name: str, given: Shape | Sequence[int] | int) -> Shape:
    if isinstance(given, Shape):
        return given
    sizes = (given,) if isinstance(given, int) else tuple(given)
    call = spec.inputs[name].expression
    kind = call.function if isinstance(call, Call) else ""
    wanted = len(INPUTS.get(kind, sizes))
    if len(sizes) != wanted or any(size < 1 for size in sizes):
        text = "x".join(map(str, sizes))
        sample = "x".join(["3", *["224"] * (wanted - 1)]) if wanted > 1 else "128"
        of_name = f" as {name}" if len(spec.inputs) > 1 else ""
        message = (
            f"{spec.network} reads {wanted} number{'s' * (wanted > 1)}{of_name}, channels first; `{text}` does not fit"
        )
        help = f"--input {name}={sample}" if len(spec.inputs) > 1 else f"--input {sample}"
        raise SpecError([Diagnostic("bad-input", message, help=help)])
    return Shape(None, (sizes[0],)) if kind == "tokens" else Shape(sizes[0], sizes[1:])


def input_settings(spec: Spec, shapes: Mapping[str, Shape]) -> dict[str, Any]:
    """Variables that the `input:` of a spec consists of, set to what inputs from outside say.

    `image(3, resolution, resolution)` with 3x360x640 leaves `resolution` alone: two values for one variable.
    """
    found: dict[str, set[Any]] = {}
    for name, shape in shapes.items():
        call = spec.inputs[name].expression
        arguments: tuple[Expression, ...] = call.arguments if isinstance(call, Call) else ()
        sizes = [*(() if shape.channels is None else (shape.channels,)), *shape.spatial]
        for argument, size in zip(arguments, sizes, strict=False):
            if isinstance(argument, Name) and argument.id in spec.settable:
                found.setdefault(argument.id, set()).add(size)
    return {name: next(iter(values)) for name, values in found.items() if len(values) == 1}


def step_settings(spec: Spec, set: Mapping[str, Any], shapes: Mapping[str, Shape]) -> dict[str, Any]:
    """Variables that are the lengths of the inputs that are new in each step, set to one position.

    Lengths that are given stay: a step of several tokens has several.

    Raises:
        SpecError: a length is no variable.
    """
    found: dict[str, Any] = {}
    for name in spec.step_inputs:
        placed = spec.inputs[name]
        call = placed.expression
        if name in shapes or not isinstance(call, Call) or call.function not in ("tokens", "sequence"):
            continue
        length = call.arguments[-1] if call.arguments else None
        if isinstance(length, Name) and length.id in spec.settable:
            found[length.id] = 1
        elif not (isinstance(length, Number) and length.value == 1):
            message = f"the length of `{name}` is no variable, so it has no step of one position"
            help = f"--input {name}=1, or make it a variable" if len(spec.inputs) > 1 else "make it a variable"
            raise SpecError([spec.diagnostic("not-steppable", message, placed.span(), help)])
    return {variable: value for variable, value in found.items() if variable not in set}

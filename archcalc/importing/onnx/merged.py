"""Parameters that an exporter made one tensor because their numbers are equal, taken apart again.

torch's exporters store equal tensors once: in a network that is not trained yet, all scales are ones and all shifts
zeros. A weight that layers share is used whole, in one module or as the matrix of a product; what several modules have
as their scale, shift or bias alone was merged.
"""

from __future__ import annotations

from collections import defaultdict

from archcalc.importing.neutral import Operation, Program, Ref

_MATRICES = {"linear", "convolution", "embedding", "deform_conv2d"}
_ROLES = ("weight", "bias", "running_mean", "running_var", "other", "self")


def take_apart(program: Program) -> None:
    """Give each module that uses a merged tensor one of its own, and say how much the file stores less."""
    uses: dict[int, list[tuple[Operation, str]]] = defaultdict(list)
    for operation in program.operations:
        for role in _ROLES:
            value = operation.arguments.get(role)
            if isinstance(value, Ref) and program.tensors[value.tensor].kind in ("parameter", "buffer"):
                uses[value.tensor].append((operation, role))
    number = elements = 0
    for index, found in uses.items():
        if len(found) < 2 or any(role == "weight" and operation.op in _MATRICES for operation, role in found):
            continue
        tensor = program.tensors[index]
        owned = {_owner(*found[0]): index}
        for operation, role in found:
            owner = _owner(operation, role)
            if owner not in owned:
                name = f"{tensor.name} of {operation.path or operation.name or operation.outputs[0]}"
                copy = type(tensor)(tensor.shape, tensor.kind, name, tensor.dtype, tensor.value)
                owned[owner] = program.add(copy)
                number += tensor.kind == "parameter"
                elements += tensor.elements if tensor.kind == "parameter" else 0
            operation.arguments[role] = Ref(owned[owner])
    if number:
        program.notes.append(
            f"the file stores {elements:,} parameters less: {number} scales, shifts and biases that several modules "
            "have, each with the same numbers, are one tensor in it; they are counted where they are used"
        )


def _owner(operation: Operation, role: str) -> tuple[object, ...]:
    """Whose a parameter is: of the layer with these weights, or of the module in which it is used."""
    weight = operation.arguments.get("weight")
    if role == "bias" and operation.op in _MATRICES and isinstance(weight, Ref):
        return ("of", weight.tensor)
    place = tuple((part.name, part.instance) for part in operation.scope)
    return ("in", role, place) if place else ("in", role, operation.name if operation.op.endswith("_norm") else "")

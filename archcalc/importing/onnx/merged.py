"""Parameters that an exporter made one tensor because their numbers are equal, taken apart again.

torch's exporters store equal tensors once: in a network that is not trained yet, all scales are ones and all shifts
zeros, and layers that were copied have all in common. A matrix is one on purpose where an embedding and a product have
it, or one module that runs several times.
"""

from __future__ import annotations

import re
from collections import defaultdict

from archcalc.importing.neutral import Operation, Program, Ref
from archcalc.importing.onnx.places import Places

_MATRICES = {"linear", "convolution", "embedding", "deform_conv2d"}
_ROLES = ("weight", "bias", "running_mean", "running_var", "other", "self")


def take_apart(program: Program, with_matrices: bool) -> None:
    """Give each module that uses a merged tensor one of its own, and say how much the file stores less.

    `with_matrices` where the exporter is one that merges matrices of products, too.
    """
    uses: dict[int, list[tuple[Operation, str]]] = defaultdict(list)
    for operation in program.operations:
        for role in _ROLES:
            value = operation.arguments.get(role)
            if isinstance(value, Ref) and program.tensors[value.tensor].kind in ("parameter", "buffer"):
                uses[value.tensor].append((operation, role))
    number = elements = 0
    for index, found in uses.items():
        if len(found) < 2 or not _was_merged(found, with_matrices):
            continue
        tensor = program.tensors[index]
        owned = {_owner(*found[0]): index}
        for operation, role in found:
            owner = _owner(operation, role)
            if owner not in owned:
                name = f"{tensor.name} of {operation.path or operation.outputs[0]}"
                copy = type(tensor)(tensor.shape, tensor.kind, name, tensor.dtype, tensor.value)
                owned[owner] = program.add(copy)
                number += tensor.kind == "parameter"
                elements += tensor.elements if tensor.kind == "parameter" else 0
            operation.give(role, Ref(owned[owner]))
    if number:
        are = "is one tensor" if number == 1 else "are one tensor each"
        program.notes.append(
            f"the file stores {elements:,} parameters less than its modules have: what {number} of them have with the "
            f"same numbers as another {are} in it; they are counted where they are used"
        )


def tie(program: Program, places: Places) -> None:
    """Make a table that the file holds a second time, transposed for the last product, one tensor again."""
    tables = {
        operation.arguments["weight"].tensor
        for operation in program.operations
        if operation.op == "embedding" and program.tensors[operation.arguments["weight"].tensor].kind == "parameter"
    }
    for operation in program.operations:
        weight = operation.arguments.get("weight")
        if operation.op != "linear" or not isinstance(weight, Ref):
            continue
        own = program.tensors[weight.tensor]
        for table in sorted(tables):
            other = program.tensors[table]
            if own.shape == other.shape and own.name != other.name and places.are_transposed(other.name, own.name):
                operation.give("weight", Ref(table))
                program.notes.append(
                    f"`{own.name}` is `{other.name}` written a second time, transposed: they are one tensor here"
                )


def _was_merged(found: list[tuple[Operation, str]], with_matrices: bool) -> bool:
    """Whether what these have in common is one tensor by chance: scales and shifts, or matrices of modules in a row."""
    matrices = [operation for operation, role in found if role == "weight" and operation.op in _MATRICES]
    if not matrices or not with_matrices:
        return not matrices
    paths = {operation.path for operation in matrices}
    alike = {re.sub(r"\d+", "0", path) for path in paths}
    shortest = min(alike, key=len)
    are_alike = all(path == shortest or path.startswith(f"{shortest}.") for path in alike)
    return len(matrices) == len(found) and len(paths) > 1 and are_alike and "" not in paths


def _owner(operation: Operation, role: str) -> tuple[object, ...]:
    """Whose a parameter is: of the module in which it is used; of the layer with these weights where none is told."""
    weight = operation.arguments.get("weight")
    place = tuple((part.name, part.instance) for part in operation.scope)
    if role == "bias" and operation.op in _MATRICES and isinstance(weight, Ref):
        return ("of", weight.tensor, place)
    return ("in", role, place) if place else ("in", role, operation.outputs[0] if operation.op.endswith("_norm") else 0)

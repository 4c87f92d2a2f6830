"""What has no operator: the smallest module around it, of which parameters and shapes are known, becomes `opaque`."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from archcalc.importing.axes import CHANNELS, Axis, whole
from archcalc.importing.lowering.context import Lowering, Scores, States, UnsupportedError, View, rule
from archcalc.importing.lowering.layout import alike, natural, natural_axes
from archcalc.importing.lowering.macs import macs_of
from archcalc.importing.neutral import Operation, Program, Ref, refs

WHOLE = -1
"""Depth of what stands for the whole network: the last that can be said."""


@rule("opaque")
def _opaque(low: Lowering, op: Operation) -> Any:
    """A layer of which shape, parameters and perhaps multiply-accumulates are known."""
    data = [low.value(ref) for ref in op.arguments["inputs"]]
    views = [value for value in data if isinstance(value, View)]
    views += [low.plain(value.node) for value in data if isinstance(value, States)]
    if any(isinstance(value, Scores) for value in data) or not views:
        raise UnsupportedError("it reads scores of attention")
    if len(views) > 1:
        views = [_together(low, views)]
    names: list[str] = []
    count = 0
    taken = {name.partition("[")[0] for call in low.calls for name in call.weights}
    for ref in op.arguments["stored"]:
        tensor = low.tensor(ref)
        if tensor.kind == "parameter" and tensor.name not in taken:
            names.append(tensor.name)
            count += tensor.elements
    shape = low.shape_of_output(op)
    try:
        made, axes = _like(low, views[0], shape, count, op.arguments["macs"], tuple(names))
    except UnsupportedError:
        if op.arguments.get("depth") != WHOLE or low.shape(views[0].node).channels is None:
            raise
        elements = low.program.tensors[op.outputs[0]].elements  # of any shape, in a row
        made, axes = _like(low, views[0], (1, elements), count, op.arguments["macs"], tuple(names))
        low.notes.append(f"its output of {'x'.join(map(str, shape[1:]))} is written as {elements} features")
    if not op.arguments.get("is_known", True):  # there is more than is known of
        more = {"channels": low.sizes(made)[CHANNELS], "params": 0}
        made = low.call("opaque", [made], arguments=more)
        low.calls[made].reason = op.arguments["reason"]
        axes = View(made, axes).axes
        low.calls[made - 1].reason = op.arguments["reason"]
        return View(made, axes)
    opaque = made if low.calls[made].operator.name == "opaque" else low.calls[made].inputs[0]
    low.calls[opaque].reason = op.arguments["reason"]
    return View(made, axes)


def _like(
    low: Lowering, view: View, shape: tuple[int, ...], params: int, macs: int | None, names: tuple[str, ...]
) -> tuple[int, tuple[Axis, ...]]:
    """The call, and its axes as a tensor of that shape."""
    arguments: dict[str, Any] = {"params": params, "macs": macs}
    if low.shape(view.node).channels is None:
        raise UnsupportedError("it reads tokens")
    held = tuple([_product(axis) for axis in view.axes])
    if held == tuple(shape):  # element by element, however the axes are cut
        channels = low.sizes(view.node)[CHANNELS]
        return low.call("opaque", [view.node], names, arguments={"channels": channels, **arguments}), view.axes
    node, channel, spatial = natural(low, view)
    extents = low.extents(node)
    sizes = [size for size in shape if size > 1]
    if len(sizes) <= 1:  # features, whatever came before
        channels = sizes[0] if sizes else 1
        stride = alike(extents) if extents else 1
        made = low.call("opaque", [node], names, arguments={"channels": channels, "stride": stride, **arguments})
        axis = shape.index(channels) if sizes else 0
        return made, tuple([whole(CHANNELS, channels) if n == axis and channels > 1 else () for n in range(len(shape))])
    if channel is None:
        channel = 1
    if extents and len(sizes) == 2 and len(extents) > 1:
        found = _as_sequence(low, node, shape, arguments, names)
        if found is not None:
            return found
    if len(shape) != len(view.axes) or any(shape[n] > 1 for n in range(len(shape)) if n not in (channel, *spatial)):
        raise UnsupportedError("its output has other axes than its input")
    strides: list[int] = []
    for want, have in zip([shape[axis] for axis in spatial], extents, strict=True):
        step = -(-have // want)
        if -(-have // step) != want:
            raise UnsupportedError("its output has more positions than its input")
        strides.append(step)
    arguments = {"channels": shape[channel], "stride": alike(strides) if strides else 1, **arguments}
    made = low.call("opaque", [node], names, arguments=arguments)
    return made, natural_axes(low, made, len(shape), channel, spatial)


def _as_sequence(
    low: Lowering, node: int, shape: tuple[int, ...], arguments: dict[str, Any], names: tuple[str, ...]
) -> tuple[int, tuple[Axis, ...]] | None:
    """Of an image a sequence, as patches are: with the step that gives so many positions; None: there is none."""
    extents = low.extents(node)
    first, last = [number for number, size in enumerate(shape) if size > 1]
    for channel, spatial in ((last, first), (first, last)):
        for step in range(1, max(extents) + 1):
            count = 1
            for size in extents:
                count *= -(-size // step)
            if count == shape[spatial] and count > 1:
                given = {"channels": shape[channel], "stride": step, **arguments}
                made = low.call("to_sequence", [low.call("opaque", [node], names, arguments=given)])
                return made, natural_axes(low, made, len(shape), channel, [spatial])
    return None


def _together(low: Lowering, views: list[View]) -> View:
    """Several inputs as one: side by side, as features where they are not alike."""
    if any(low.shape(view.node).channels is None for view in views):
        raise UnsupportedError("it reads tokens")
    nodes = list(dict.fromkeys(view.node for view in views))
    if len({low.extents(node) for node in nodes}) > 1:
        nodes = [low.call("flatten", [node]) if low.extents(node) else node for node in nodes]
    return low.plain(low.call("concat", nodes) if len(nodes) > 1 else nodes[0])


def _product(axis: Axis) -> int:
    number = 1
    for part in axis:
        number *= part.size
    return number


def depends_on_input(program: Program) -> set[int]:
    """Tensors that are computed from an input."""
    found = set(program.inputs.values())
    for op in program.operations:
        if not op.op.startswith("new_") and not op.op.endswith("_like") and any(n in found for n in op.tensors()):
            found.update(op.outputs)
    return found


def enclosed(program: Program, failed: Operation, reason: str) -> Program | None:
    """The program with the smallest module around an operation as one opaque operation; None: there is none.

    An opaque operation that failed itself, because the language cannot say its shape, becomes part of a larger one.
    """
    computed = depends_on_input(program)
    path = failed.path
    told = failed.arguments["reason"] if failed.op == "opaque" else ": ".join(filter(None, (path, failed.op, reason)))
    if failed.op != "opaque":
        single = _one_alone(program, failed, computed, told)
        if single is not None:
            return single
    depth = failed.arguments.get("depth", len(failed.scope) + 1)
    for level in range(depth - 1, -1, -1):
        if level == 0 and failed.op != "opaque":  # in no module: rather this alone than all of the network
            alone = _one_alone(program, failed, computed, told, is_any=True)
            if alone is not None:
                return alone
        inside = [op for op in program.operations if _is_within(op, failed, level)]
        found = _as_one(program, inside, computed, level, told)
        if found is not None:
            return found
    return _as_one(program, program.operations, computed, WHOLE, told) if depth > WHOLE else None


def _is_within(op: Operation, failed: Operation, level: int) -> bool:
    return _modules(op, level) == _modules(failed, level)


def _modules(op: Operation, level: int) -> list[tuple[str, int, int]]:
    return [(scope.name, scope.instance, scope.run) for scope in op.scope[:level]]


def _one_alone(
    program: Program, failed: Operation, computed: set[int], reason: str, is_any: bool = False
) -> Program | None:
    """An operation that changes no shape stays alone; or whatever it is, where it stands in no module."""
    read = dict.fromkeys(failed.tensors())
    data = [index for index in read if index in computed]
    tensor = program.tensors[failed.outputs[0]]
    if not data or len(failed.outputs) != 1 or tensor.dtype != "float":
        return None
    is_alike = program.tensors[data[0]].shape == tensor.shape
    is_reduced = failed.op in ("mean", "sum", "amax", "amin", "norm", "linalg_vector_norm", "var", "std")
    if not is_any and (len(data) > 1 or not (is_alike or is_reduced) or failed.op.startswith("conv")):
        return None
    stored = [Ref(index) for index in _parameters_before(program, [index for index in read if index not in computed])]
    macs, depth = macs_of(program, failed), 1 if is_any else len(failed.scope) + 1
    arguments = {"inputs": list(map(Ref, data)), "stored": stored, "reason": reason, "macs": macs, "depth": depth}
    alone = Operation("opaque", arguments, failed.outputs, failed.scope, failed.name or failed.op)
    operations = [alone if op is failed else op for op in program.operations]
    return _with(program, operations)


def _as_one(program: Program, inside: list[Operation], computed: set[int], level: int, reason: str) -> Program | None:
    """All these operations as one; None where several of its outputs are computed from the input."""
    held = {id(op) for op in inside}
    made = {index for op in inside for index in op.outputs}
    read = dict.fromkeys(index for op in inside for index in op.tensors())
    inputs = [index for index in read if index in computed and index not in made]
    outside = {index for op in program.operations if id(op) not in held for index in op.tensors()}
    outside.update(program.outputs.values())
    outputs = [index for index in made if index in outside and index in computed]
    if level == WHOLE:
        inputs, outputs = list(program.inputs.values()), list(program.outputs.values())[:1]
    elif not inputs or len(outputs) != 1:
        return None
    stored = [Ref(index) for index in read if program.tensors[index].kind == "parameter"]
    constant = _parameters_before(program, [index for index in read if index not in made and index not in computed])
    names = {program.tensors[ref.tensor].name for ref in stored}
    stored += [Ref(index) for index in constant if program.tensors[index].name not in names]
    macs, is_known = 0, True
    working = computed | _trained(program)
    for op in inside:
        one = macs_of(program, op) if any(index in working for index in op.tensors()) else 0
        is_known = is_known and one is not None
        macs += op.arguments["macs"] or 0 if op.op == "opaque" else one or 0  # of which more may be known than all
    stored = list({program.tensors[ref.tensor].name: ref for ref in stored}.values())
    arguments = {"inputs": list(map(Ref, inputs)), "stored": stored, "reason": reason, "macs": macs, "depth": level}
    arguments["is_known"] = is_known
    last = inside[-1]
    scope = inside[0].scope[: max(level, 0)]
    opaque = Operation("opaque", arguments, (outputs[0],), scope, "")
    operations = [opaque if op is last else op for op in program.operations if op is last or id(op) not in held]
    return _with(program, operations)


def _trained(program: Program) -> set[int]:
    """Parameters, and what is computed from them."""
    found = {index for index, tensor in enumerate(program.tensors) if tensor.kind == "parameter"}
    for op in program.operations:
        if any(index in found for index in op.tensors()):
            found.update(op.outputs)
    return found


def _parameters_before(program: Program, indices: list[int]) -> list[int]:
    """Parameters from which tensors that depend on no input are made."""
    makers = {index: op for op in program.operations for index in op.outputs}
    found: dict[int, None] = {}
    todo, seen = list(indices), set(indices)
    while todo:
        index = todo.pop()
        if program.tensors[index].kind == "parameter":
            found[index] = None
        for other in refs(makers[index].arguments) if index in makers else ():
            if other not in seen:
                seen.add(other)
                todo.append(other)
    return list(found)


def _with(program: Program, operations: list[Operation]) -> Program:
    return replace(program, operations=operations)

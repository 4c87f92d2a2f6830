"""A program lowered: every operation by its rule, what has none as an opaque layer, what nobody reads left out."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from archcalc.importing.axes import whole
from archcalc.importing.calls import Call, Calls
from archcalc.importing.lowering.again import Lowered
from archcalc.importing.lowering.choices import absorbed
from archcalc.importing.lowering.context import RULES, Lowering, States, Stored, UnsupportedError, View
from archcalc.importing.lowering.layout import natural
from archcalc.importing.lowering.macs import macs_of
from archcalc.importing.lowering.opaque import enclosed
from archcalc.importing.lowering.pieces import in_pieces
from archcalc.importing.lowering.states import taken
from archcalc.importing.lowering.stored import as_sums, derived, reached
from archcalc.importing.neutral import Operation, Program
from archcalc.importing.patterns.rewriting import read, rewritten, with_operations
from archcalc.importing.patterns.shifts import shifted_windows
from archcalc.ops import LayerReference, Shape

MOST = 400  # opaque layers; each needs another pass

DERIVING = {"linear", "addmm", "mm", "layer_norm", "embedding", "scaled_dot_product_attention", "conv2d", "conv1d"}
"""Operations that count even where they read what is stored alone."""


class CannotLowerError(Exception):
    """Not even as a whole can the network be said: of what kind, and where."""

    def __init__(self, path: str, reason: str) -> None:
        self.path, self.reason = path, reason
        super().__init__(f"{path}: {reason}")


class _FailedError(Exception):
    def __init__(self, operation: Operation, reason: str) -> None:
        self.operation, self.reason = operation, reason
        super().__init__(reason)


def lower(program: Program) -> Calls:
    """Calls of a program; what has no operator is an opaque layer, with its reason.

    Raises:
        CannotLowerError: not even one opaque layer for all of it has an input and an output of the language.
    """
    everything, program = program, rewritten(program)
    found = _with_opaque(everything, program)
    unclear = [name for name, index in program.inputs.items() if _is_unclear(program, name, index)]
    for names in [unclear, *([name] for name in unclear)][: 1 if len(unclear) == 1 else 4]:
        # Where the last axis of an input is the other one, more of it may be said; of a sequence, more simply.
        held = 3 if all(len(program.tensors[program.inputs[name]].shape) == 3 for name in names) else 2
        if not names or (isinstance(found, Calls) and not any(_strained(found)[:held])):
            continue
        words = {name: _other_layout(program, name) for name in names}
        other = _with_opaque(everything, replace(program, input_words={**program.input_words, **words}))
        if isinstance(other, Calls) and (
            isinstance(found, CannotLowerError) or _strained(other)[:held] < _strained(found)[:held]
        ):
            found = other
    if isinstance(found, CannotLowerError):
        raise found
    return found


def _strained(calls: Calls) -> tuple[int, int, int]:
    """Work and parameters in opaque calls, how many of these there are, and how often channels become positions."""
    values = [call.operator.values() for call in calls.calls if call.reason]
    work = sum((given["macs"] or 0) + (given["params"] or 0) for given in values)
    return work, len(values), sum(call.operator.name == "transpose" for call in calls.calls)


def _is_unclear(program: Program, name: str, index: int) -> bool:
    tensor = program.tensors[index]
    return tensor.dtype == "float" and len(tensor.shape) in (3, 4) and not program.input_words.get(name)


def _other_layout(program: Program, name: str) -> str:
    """The word for the layout that its first reader does not take it for."""
    index = program.inputs[name]
    is_last = _reads_last(program, index)
    return "channels first" if is_last else "positions first"


def _with_opaque(everything: Program, program: Program) -> Calls | CannotLowerError:
    """Calls, with opaque layers for what has no operator."""
    for _ in range(MOST):
        try:
            return _lowered(program, _read_in_vain(everything, program))
        except _FailedError as failed:
            smaller = enclosed(program, failed.operation, failed.reason)
            if smaller is None:
                return CannotLowerError(failed.operation.path, f"{failed.operation.op}: {failed.reason}")
            program = with_operations(smaller, read(smaller, smaller.operations))
    return CannotLowerError(program.name, f"more than {MOST} operations have no operator")


def _read_in_vain(everything: Program, program: Program) -> list[str]:
    """Parameters of which nothing that is computed reaches an output."""
    of = {index: each.name for index, each in enumerate(program.tensors) if each.kind == "parameter"}
    lost = of.keys() & {index for op in everything.operations for index in op.tensors()}
    lost -= {index for op in program.operations for index in op.tensors()}
    kept = {of[index] for op in program.operations for index in op.tensors() if index in of} if lost else set()
    return sorted({of[index] for index in lost} - kept)


def _lowered(program: Program, in_vain: list[str]) -> Calls:
    shapes: list[Shape] = []
    low = Lowering(program, [], {}, shapes, [])
    if in_vain:
        low.notes.append(f"nothing reads what {len(in_vain)} of its parameters compute: {', '.join(in_vain[:4])}")
    for number, (name, index) in enumerate(program.inputs.items()):
        shape, view = _input(program, name, index, -1 - number)
        shapes.append(shape)
        low.has_tokens |= shape.channels is None
        low.values[index] = view
    for op in program.operations:
        low.now = op
        try:
            given = _given(low, op)
        except UnsupportedError as refused:
            raise _FailedError(op, refused.reason) from None
        except (AttributeError, TypeError, KeyError, IndexError, ValueError, AssertionError):  # of forms unheard of
            raise _FailedError(op, "it is used in a form that is not known") from None
        outputs = (
            given
            if isinstance(given, tuple) and not isinstance(given, (View, Stored)) and _are_values(given)
            else (given,)
        )
        for index, value in zip(op.outputs, outputs, strict=False):
            low.values[index] = value
    gone = shifted_windows(low.calls)
    for index in program.outputs.values():
        value = low.values.get(index)
        if isinstance(value, View):
            low.values[index] = value._replace(node=gone.get(value.node, value.node))
    return _finished(low)


def _are_values(given: Any) -> bool:
    return type(given) is tuple


def _given(low: Lowering, op: Operation) -> Any:
    rule = RULES.get(op.op)
    values = [low.at(index) for index in op.tensors()]
    kinds = {type(value) for value in values}
    if low.has_tokens or not kinds <= PLAIN:
        found = absorbed(low, op, values)
        if found is not None:
            return (found,) * len(op.outputs) if len(op.outputs) > 1 else found
        states = next((value for value in values if isinstance(value, States)), None)
        if states is not None and op.op not in ("module", "opaque"):
            return taken(low, op, states)
    if rule is not None and op.op in DERIVING:
        return rule(low, op)
    if rule is None or kinds == {Stored}:
        if kinds <= {Stored}:
            low.constant_macs += macs_of(low.program, op) or 0
            return derived(low, op) if rule is None or op.op not in RENAMING else rule(low, op)
        raise UnsupportedError("no operator does this")
    return rule(low, op)


PLAIN: set[type] = {View, Stored}
RENAMING = {
    *(
        "cat",
        "split",
        "split_with_sizes",
        "chunk",
        "unbind",
        "slice",
        "select",
        "narrow",
        "view",
        "reshape",
        "flatten",
        "permute",
        "t",
    ),
    *("transpose", "unsqueeze", "squeeze", "expand", "alias", "contiguous", "clone", "to", "detach", "index"),
}
"""Operations after which what is stored is still a parameter's own numbers, or a known part of them."""


def _input(program: Program, name: str, index: int, node: int) -> tuple[Shape, View]:
    """Shape and axes of an input: what its first reader takes for channels are its channels."""
    tensor = program.tensors[index]
    extents = tensor.shape[1:]
    word = program.input_words.get(name, "")
    if tensor.dtype != "float" and word in ("", "tokens"):
        shape = Shape(None, extents)
        return shape, View(node, ((), *(whole(1 + axis, size) for axis, size in enumerate(extents))))
    if not extents:
        return Shape(1), View(node, ((),))
    if word == "positions first" or (not word and len(extents) in (2, 3) and _reads_last(program, index)):
        shape = Shape(extents[-1], extents[:-1])
        axes = ((), *(whole(1 + axis, size) for axis, size in enumerate(extents[:-1])), whole(0, extents[-1]))
        return shape, View(node, axes)
    if len(extents) == 1 and not word and _is_wave(program, index):
        return Shape(1, extents), View(node, ((), whole(1, extents[0])))
    shape = Shape(extents[0], extents[1:])
    return shape, View(node, ((), *(whole(axis, size) for axis, size in enumerate(extents))))


def _is_wave(program: Program, index: int) -> bool:
    """Whether an input of one axis is read by convolutions, as a sequence of one channel."""
    same = {index}
    for op in program.operations:
        if any(each in same for each in op.tensors()):
            if op.op == "conv1d":
                return True
            if op.op in ("unsqueeze", "view", "reshape", "alias", "to"):
                same.update(op.outputs)
    return False


def _reads_last(program: Program, index: int) -> bool:
    """Whether the first layer that reads an input takes its last axis for channels."""
    same = {index}
    for op in program.operations:
        if not any(each in same for each in op.tensors()):
            continue
        if op.op in ("linear", "layer_norm", "rms_norm", "matmul", "addmm", "mm"):
            return True
        if op.op == "module":
            return op.arguments["kind"] in ("LSTM", "GRU", "RNN") and len(program.tensors[index].shape) == 3
        if op.op.startswith(("conv", "batch_norm", "permute", "transpose", "instance_norm", "group_norm")):
            return False
        if program.tensors[op.outputs[0]].shape == program.tensors[index].shape:
            same.update(op.outputs)
    return False


def _finished(low: Lowering) -> Calls:
    """What the outputs need, in order, with the names of the source."""
    program = low.program
    outputs: dict[str, int] = {}
    for name, index in program.outputs.items():
        value = low.values.get(index)
        node = _as_given(low, value) if isinstance(value, View) else None
        if node is not None and node not in outputs.values():
            outputs[name] = node
    ordered = as_sums(low, outputs.values())
    needed = reached(low, outputs.values())
    order = {node: number for number, node in enumerate([node for node in ordered if node in needed])}
    calls = []
    for node in order:
        call = low.calls[node]
        call.inputs = tuple([order.get(other, other) for other in call.inputs])
        call.operator = _moved(call, order)
        _freeze(low, call)
        calls.append(call)
    used = {name for call in calls for name in call.weights}
    notes = [*program.notes, *dict.fromkeys(low.notes)]
    tensors = program.tensors
    return Calls(
        program.name,
        dict(zip(program.inputs, low.inputs, strict=True)),
        calls,
        {name: order.get(node, node) for name, node in outputs.items()},
        in_pieces({each.name: each.shape for each in tensors if each.kind == "parameter"}, used),
        {each.name: each.shape for each in tensors if each.kind == "buffer"},
        program.named,
        notes,
        program.free,
        program.source,
        low.constant_macs,
        low.ragged,
        Lowered(low.values, order),
    )


def _as_given(low: Lowering, view: View) -> int:
    """The call that gives an output in the order in which the source has it, where the language can say that."""
    try:
        return natural(low, view)[0]
    except UnsupportedError:
        return view.node


def _freeze(low: Lowering, call: Call) -> None:
    """A layer all of whose parameters are frozen is; one of which a part is, says so."""
    frozen = low.program.frozen
    parameters = [name for name in call.weights if low.is_parameter(name)] if frozen else []
    held = [name for name in parameters if name.partition("[")[0] in frozen]
    if parameters and len(held) == len(parameters):
        call.operator = call.operator.variant(trainable=False)
    elif held:
        low.notes.append(f"{', '.join(held)}: frozen, and the rest of the layer is not; written as trained")


def _moved(call: Call, order: dict[int, int]) -> Any:
    if not call.operator.earlier_layers():
        return call.operator
    values = call.operator.values()
    values = {
        key: value._replace(node=order.get(value.node, value.node)) if isinstance(value, LayerReference) else value
        for key, value in values.items()
    }
    return type(call.operator).of(values).variant(given=call.operator.given, trainable=call.operator.trainable)

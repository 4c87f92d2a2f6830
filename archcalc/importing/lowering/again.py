"""A second reading of a network, at another size: where it does what the first did, its calls are those of the first.

What was run is compared operation by operation, with all arguments, and every tensor with what the rules of our
operators give at the new size. Where an operation might be read otherwise at another size, all is lowered anew.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from archcalc.dims import RequirementError
from archcalc.importing.axes import Axis, whole
from archcalc.importing.calls import Call, Calls
from archcalc.importing.lowering.context import View
from archcalc.importing.neutral import Program
from archcalc.ops import Shape

# Whose lowering asks no more of extents than which of them are 1; which must be equal is held by our own rules.
WHATEVER_EXTENTS = frozenset(
    {
        *("convolution", *(f"conv{rank}d" for rank in (1, 2, 3))),
        *(f"{kind}_pool{rank}d" for kind in ("max", "avg", "adaptive_avg", "adaptive_max") for rank in (1, 2, 3)),
        *("linear", "batch_norm", "layer_norm", "dropout", "contiguous", "permute", "flatten", "mean", "write_through"),
        *("add", "sub", "mul", "div", "cat", "relu", "hardtanh", "clamp", "silu", "gelu", "sigmoid", "tanh"),
        *("relu6", "hardswish", "hardsigmoid", "elu", "leaky_relu", "view", "reshape"),
    }
)


class Lowered:
    """Where each tensor of a program went that was lowered."""

    def __init__(self, values: Mapping[int, Any], order: Mapping[int, int]) -> None:
        self.values = values
        self.order = order  # of calls as they were made, among those that are left

    def views(self) -> list[tuple[int, View]]:
        """Tensors that a call or an input gives, by their indices, with their axes."""
        found = []
        for index, value in self.values.items():
            if type(value) is View:
                node = value.node if value.node < 0 else self.order.get(value.node)
                if node is not None:
                    found.append((index, View(node, value.axes)))
        return found


def at_another_size(first: Program, calls: Calls, second: Program) -> Calls | None:
    """Calls of a second reading; None: it must be lowered to be known.

    Args:
        first: what was run at first, before anything was understood.
        calls: what was made of it.
        second: what was run at another size.
    """
    lowered: Lowered | None = calls.lowered
    if lowered is None or calls.constant_macs or calls.ragged or not _is_same(first, second):
        return None
    if any(call.reason or call.operator.earlier_layers() for call in calls.calls):
        return None
    views = lowered.views()
    inputs = list(calls.inputs.values())
    for index, view in views:
        if view.node < 0:
            inputs[-1 - view.node] = _given(inputs[-1 - view.node], view.axes, second.tensors[index].shape)
    try:
        found = _inferred(calls, inputs)
    except RequirementError:
        return None
    told = replace(calls, inputs=dict(zip(calls.inputs, inputs, strict=True)), calls=found, free=second.free)
    sizes = [(_sizes(calls.shape(node)), _sizes(told.shape(node))) for node in range(-len(inputs), len(found))]
    if any((one == 1) != (other == 1) for here, there in sizes for one, other in zip(here, there, strict=True)):
        return None
    for index, view in views:
        extents, wanted = second.tensors[index].shape, first.tensors[index].shape
        here, there = sizes[view.node + len(inputs)]
        if extents != wanted if here == there else not _is_of(view.axes, extents, here, there):
            return None
    return told


def _is_same(first: Program, second: Program) -> bool:
    """Whether both run the same operations on the same tensors, whatever sizes the inputs have."""
    if len(first.operations) != len(second.operations) or first.notes != second.notes:
        return False
    if (first.inputs, first.outputs, first.input_words) != (second.inputs, second.outputs, second.input_words):
        return False
    for one, other in zip(first.operations, second.operations, strict=True):
        if one.op != other.op or one.op not in WHATEVER_EXTENTS or one.outputs != other.outputs:
            return False
        if one.arguments != other.arguments or one.scope != other.scope:
            return False
    if len(first.tensors) != len(second.tensors):
        return False
    for mine, theirs in zip(first.tensors, second.tensors, strict=True):
        if mine is theirs:
            continue
        if (mine.kind, mine.name, mine.dtype) != (theirs.kind, theirs.name, theirs.dtype):
            return False
        is_computed = mine.kind in ("value", "input")
        if not is_computed and (mine.shape != theirs.shape or mine.value != theirs.value):
            return False
    return True


def _given(shape: Shape, axes: tuple[Axis, ...], extents: tuple[int, ...]) -> Shape:
    """The shape of an input of which axes have other extents."""
    sizes = list(_sizes(shape))
    for axis, extent in zip(axes, extents, strict=True):
        for part in axis:
            sizes[part.role] = extent
    return Shape(None if shape.channels is None else sizes[0], tuple(sizes[1:]))


def _inferred(calls: Calls, inputs: list[Shape]) -> list[Call]:
    """The same calls upon inputs of other shapes.

    Raises:
        RequirementError: an operator does not take what it is given.
    """
    found: list[Call] = []
    for call in calls.calls:
        given = [found[node].shape if node >= 0 else inputs[-1 - node] for node in call.inputs]
        operator = call.operator
        shape = operator.infer(tuple(given) if operator.merges or operator.sources else given[0])
        found.append(Call(operator, call.inputs, shape, call.scope, call.name, call.weights, call.roles, call.reason))
    return found


def _sizes(shape: Shape) -> tuple[int, ...]:
    """Channels and extents."""
    return (1 if shape.channels is None else shape.channels, *shape.spatial)  # type: ignore[arg-type]


def _is_of(axes: tuple[Axis, ...], extents: tuple[int, ...], here: tuple[int, ...], there: tuple[int, ...]) -> bool:
    """Whether a tensor of these extents lies there as it does here, along whole axes."""
    if len(axes) != len(extents):
        return False
    for axis, extent in zip(axes, extents, strict=True):
        if not axis:
            if extent != 1:
                return False
            continue
        role = axis[0].role
        if len(axis) > 1 or role < 0 or axis != whole(role, here[role]) or there[role] != extent:
            return False
    return True

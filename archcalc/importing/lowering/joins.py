"""Tensors put together along an axis."""

from __future__ import annotations

from typing import Any

from archcalc.importing.axes import CHANNELS, REPEATED, Axis, Factor, merged, roles, whole
from archcalc.importing.lowering.context import Lowering, Scores, Stored, UnsupportedError, View, rule
from archcalc.importing.lowering.layout import natural, natural_axes
from archcalc.importing.lowering.pointwise import ACTIVATIONS, with_constant
from archcalc.importing.lowering.shapes import closer
from archcalc.importing.lowering.stored import data, derived
from archcalc.importing.neutral import Operation, Ref


@rule("cat", "concat", "concatenate", "hstack")
def _cat(low: Lowering, op: Operation) -> Any:
    refs = [ref for ref in op.arguments["tensors"] if low.tensor(ref).elements]
    values = [low.value(ref) for ref in refs]
    if all(isinstance(value, Stored) for value in values):
        sizes = [low.tensor(ref).elements for ref in refs]
        is_row = len([size for size in low.shape_of(refs[0]) if size > 1]) <= 1
        whole_of = derived(low, op)
        return whole_of._replace(pieces=tuple(zip(values, sizes, strict=True))) if is_row else whole_of
    rank = len(low.shape_of(refs[0]))
    axis = op.arguments.get("dim", 0) % rank
    if any(isinstance(value, Scores) for value in values):
        from archcalc.importing.patterns.attention import with_sinks

        return with_sinks(low, op, values, axis)
    if any(not isinstance(value, (View, Stored)) for value in values):
        raise UnsupportedError("what was chosen or looked up is put together with something")
    if len(values) == 1:
        return values[0]
    if axis == 0 and len({ref.tensor for ref in refs}) == 1 and _is_for_copies(low, op):
        view = low.view(refs[0])
        return View(view.node, ((*view.axes[0], Factor(REPEATED, 1, len(refs))), *view.axes[1:]))
    views = _side_by_side(low, refs, values, axis)
    first = views[0]
    held = [view.axes[axis] for view in views]
    others = [view.axes[:axis] + view.axes[axis + 1 :] for view in views]
    is_alike = all(_same_parts(low, first, view, axis) for view in views)
    is_alike_in_size = all(low.sizes(first.node)[1:] == low.sizes(view.node)[1:] for view in views)
    if (
        is_alike
        and is_alike_in_size
        and all(parts and parts[-1].role == CHANNELS and len(parts) == 1 for parts in held)
    ):
        return _concat_channels(low, views, axis)
    if (
        is_alike
        and all(low.shape(view.node).rank == 1 for view in views)
        and all(view.axes[axis] == whole(1, low.sizes(view.node)[1]) for view in views)
    ):
        node = low.call("join", [view.node for view in views])  # however its channels are cut
        axes = list(first.axes)
        axes[axis] = whole(1, low.sizes(node)[1])
        return View(node, tuple(axes))
    settled_views = []
    for view in views:
        node, channel, spatial = natural(low, view)
        settled_views.append(View(node, natural_axes(low, node, rank, channel, spatial)))
    views = settled_views
    held = [view.axes[axis] for view in views]
    others = [view.axes[:axis] + view.axes[axis + 1 :] for view in views]
    if all(not parts or parts[0].role == CHANNELS for parts in held) and _one_channel_axis(views, axis):
        return _concat_channels(low, views, axis)
    return _join(low, views, axis, others)


def _is_for_copies(low: Lowering, op: Operation) -> bool:
    """Whether copies of a layer read it, each a part of the batch."""
    readers = [other for other in low.program.operations if op.outputs[0] in other.tensors()]
    return bool(readers) and all(reader.arguments.get("kind") == "copies" for reader in readers)


def _one_channel_axis(views: list[View], axis: int) -> bool:
    return all(CHANNELS not in roles(parts) for view in views for n, parts in enumerate(view.axes) if n != axis)


def _same_parts(low: Lowering, first: View, other: View, axis: int) -> bool:
    """Whether all axes but one agree, those of channels in size alone."""
    for place, (a, b) in enumerate(zip(first.axes, other.axes, strict=True)):
        if place == axis:
            continue
        if [(part.role, part.size) for part in a] != [(part.role, part.size) for part in b]:
            return False
    return len(low.sizes(first.node)) == len(low.sizes(other.node))


def _side_by_side(low: Lowering, refs: list[Ref], values: list[Any], axis: int) -> list[View]:
    """All as data: what is stored has its channels where the others have them."""
    known = [value for value in values if isinstance(value, View)]
    channel = next((n for view in known for n, parts in enumerate(view.axes) if CHANNELS in roles(parts)), axis)
    views = []
    for ref, value in zip(refs, values, strict=True):
        view = without_repeats(low, data(low, ref, channel) if isinstance(value, Stored) else value)
        views.append(view)
    return views


def without_repeats(low: Lowering, view: View) -> View:
    """Copies along an axis made real, where the language can say so: channels of one repeated for many.

    Raises:
        UnsupportedError: positions are repeated.
    """
    copies = [(number, part) for number, axis in enumerate(view.axes) for part in axis if part.role < 0]
    if not copies:
        return view
    if len(copies) > 1:
        raise UnsupportedError("numbers are repeated along several axes")
    part = copies[0][1]
    node = low.call("repeat_channels", [view.node], arguments={"times": part.size})
    channels = low.sizes(view.node)[CHANNELS]
    axes: list[Axis] = []
    for axis in view.axes:
        axes.append(merged([each._replace(role=CHANNELS, stride=channels) if each.role < 0 else each for each in axis]))
    return View(node, tuple(axes))


def _concat_channels(low: Lowering, views: list[View], axis: int) -> View:
    nodes = [view.node for view in views]
    if len({low.shape(node).rank for node in nodes}) > 1 and all(set(low.extents(node)) <= {1} for node in nodes):
        nodes = [low.call("flatten", [node]) if low.shape(node).rank else node for node in nodes]
    again = _parts_of(low, nodes)
    node = low.call("concat", nodes) if again is None else again
    first = views[0]
    total = low.sizes(node)[CHANNELS]
    cut = first.axes[axis][0] if first.axes[axis] else None
    if cut is None or (cut.stride == 1 and cut.size == low.sizes(first.node)[CHANNELS]):
        axes = list(first.axes)
        axes[axis] = whole(CHANNELS, total)
        for number in range(len(axes)):  # positions of one are those of all
            axes[number] = (
                next((view.axes[number] for view in views if view.axes[number]), ()) if number != axis else axes[axis]
            )
        return View(node, tuple(axes))
    size = sum(view.axes[axis][0].size for view in views)
    axes = [
        (cut._replace(size=size),) if number == axis else tuple([closer(part, cut, size) for part in parts])
        for number, parts in enumerate(first.axes)
    ]
    return View(node, tuple(axes))


def _parts_of(low: Lowering, nodes: list[int]) -> int | None:
    """The call all of whose channels these are, part by part, so that nothing is put together; None: they are not."""
    calls = [low.calls[node] for node in nodes if node >= 0]
    if len(nodes) < 2 or len(calls) < len(nodes) or any(call.operator.name != "slice_channels" for call in calls):
        return None
    source, reach = calls[0].inputs[0], 0
    for call in calls:
        values = call.operator.values()
        if call.inputs != (source,) or values["start"] != reach:
            return None
        reach = values["stop"]
    return source if reach == low.sizes(source)[CHANNELS] else None


def _join(low: Lowering, views: list[View], axis: int, others: list[Any]) -> View:
    """Sequences one after the other along an axis of positions."""
    rank = len(views[0].axes)
    channel = next((n for view in views for n, parts in enumerate(view.axes) if CHANNELS in roles(parts)), None)
    if channel is None or channel == axis:
        raise UnsupportedError("tensors are put together along an axis that is neither channels nor positions")
    nodes = []
    for view in views:
        spatial = [number for number, parts in enumerate(view.axes) if parts and number != channel]
        if any(number != axis for number in spatial):
            raise UnsupportedError("images are put together along their rows or columns")
        node = view.node
        if low.shape(node).rank == 0:
            node = as_position(low, node)
        elif low.shape(node).rank > 1:
            node = low.call("to_sequence", [node])
        nodes.append(node)
    made = low.call("join", nodes)
    return View(made, natural_axes(low, made, rank, channel, [axis]))


ALONE = {
    "linear",
    "layer_norm",
    "rms_norm",
    "dropout",
    "scale",
    "channel_scale",
    *(name for name, _ in ACTIVATIONS.values()),
}
"""Operators that do the same to the features of one position, and to a sequence of it."""


def as_position(low: Lowering, node: int) -> int:
    """Features as a sequence of one position: of what was one before.

    Raises:
        UnsupportedError: it never was a position.
    """
    call = low.calls[node] if node >= 0 else None
    if call is not None and call.operator.name == "select_token":
        index = call.operator.values()["index"]
        return low.call("slice_positions", [call.inputs[0]], arguments={"start": index, "stop": index + 1})
    if call is not None and call.operator.name in ("trained", "fixed"):
        arguments = {"channels": call.operator.values()["channels"], "length": 1}
        return low.call(call.operator.name, [], call.weights, arguments=arguments)
    if call is not None and not call.operator.merges and len(call.inputs) == 1 and call.operator.name in ALONE:
        return low.again(node, [as_position(low, call.inputs[0])])
    raise UnsupportedError("features are put among positions")


@rule("addcmul")
def _addcmul(low: Lowering, op: Operation) -> Any:
    """A stored summand, and a product of what is computed with a stored factor."""
    added, one, other = (op.arguments[name] for name in ("self", "tensor1", "tensor2"))
    if not isinstance(low.value(one), View):
        one, other = other, one
    value = op.arguments.get("value", 1)
    if value != 1 or not isinstance(low.value(added), Stored):
        raise UnsupportedError("a sum of products of what is computed")
    factor = low.stored(other)
    scaled = with_constant(low, op, "mul", low.view(one), factor, other)
    return with_constant(low, op, "add", scaled, low.stored(added), added)


@rule("stack")
def _stack(low: Lowering, op: Operation) -> Any:
    refs = op.arguments["tensors"]
    values = [low.value(ref) for ref in refs]
    if all(isinstance(value, Stored) for value in values):
        return derived(low, op)
    axis = op.arguments.get("dim", 0) % (len(low.shape_of(refs[0])) + 1)
    views = _side_by_side(low, refs, values, axis)
    first = views[0]
    if not all(view.axes == first.axes and low.sizes(view.node) == low.sizes(first.node) for view in views):
        raise UnsupportedError("what is stacked differs")
    node = low.call("concat", [view.node for view in views])
    channels = low.sizes(first.node)[CHANNELS]
    return View(node, (*first.axes[:axis], (Factor(CHANNELS, channels, len(views)),), *first.axes[axis:]))

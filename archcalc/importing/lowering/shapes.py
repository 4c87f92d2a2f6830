"""Operations that only rename, cut or move: most of them vanish into the axes of what they give."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from archcalc.importing.axes import CHANNELS, REPEATED, Axis, Factor, complete, extent, merged, reshaped, roles, whole
from archcalc.importing.lowering.context import (
    Lowering,
    Places,
    Scores,
    Stored,
    Table,
    UnsupportedError,
    Value,
    View,
    axes_or_unsupported,
    rule,
)
from archcalc.importing.lowering.layout import alike, turned_back
from archcalc.importing.lowering.stored import derived, piece
from archcalc.importing.neutral import Operation, Ref
from archcalc.importing.patterns.match import first


def with_axes(value: Value, axes: Sequence[Axis]) -> Any:
    """The same numbers with other axes; what is stored has none."""
    return value._replace(axes=tuple(axes)) if isinstance(value, (View, Scores)) else value


@rule("view", "reshape", "_unsafe_view", "flatten", "unflatten", "_reshape_alias", "view_as", "reshape_as")
def _view(low: Lowering, op: Operation) -> Any:
    value = low.value(first(op))
    if not isinstance(value, (View, Scores)):
        return value
    shape = low.program.tensors[op.outputs[0]].shape
    return with_axes(value, axes_or_unsupported(lambda: reshaped(value.axes, shape)))


@rule("permute", "transpose", "t", "swapaxes", "swapdims", "movedim", "moveaxis", "numpy_T", "mT", "adjoint")
def _permute(low: Lowering, op: Operation) -> Any:
    value = low.value(first(op))
    if not isinstance(value, (View, Scores)):
        return value
    rank = len(value.axes)
    order = list(range(rank))
    if op.op == "permute":
        order = [axis % rank for axis in op.arguments["dims"]]
    elif op.op in ("movedim", "moveaxis"):
        order = _moved(op.arguments["source"], op.arguments["destination"], rank)
    elif op.op == "numpy_T":
        order.reverse()
    else:
        names = [name for name in ("dim0", "dim1", "axis0", "axis1") if name in op.arguments]
        one, other = [op.arguments[name] % rank for name in names] if names else (rank - 2, rank - 1)
        order[one], order[other] = order[other], order[one]
    moved = with_axes(value, [value.axes[axis] for axis in order])
    is_exchanged = [axis for axis in value.axes if axis] != [axis for axis in moved.axes if axis]
    return turned_back(low, moved) if isinstance(moved, View) and is_exchanged else moved


def _moved(source: Any, destination: Any, rank: int) -> list[int]:
    """The order of axes in which some came to other places, and the rest stay in their order."""
    taken = [axis % rank for axis in ([source] if isinstance(source, int) else source)]
    places = [axis % rank for axis in ([destination] if isinstance(destination, int) else destination)]
    rest = iter([axis for axis in range(rank) if axis not in taken])
    return [taken[places.index(place)] if place in places else next(rest) for place in range(rank)]


@rule("squeeze", "squeeze_", "unsqueeze", "unsqueeze_")
def _squeeze(low: Lowering, op: Operation) -> Any:
    value = low.value(first(op))
    if not isinstance(value, (View, Scores)):
        return value
    shape = low.program.tensors[op.outputs[0]].shape
    held = [axis for axis in value.axes if axis]
    return with_axes(value, [held.pop(0) if size > 1 else () for size in shape])


@rule("expand", "expand_as", "broadcast_to", "repeat", "tile", "repeat_interleave")
def _expand(low: Lowering, op: Operation) -> Any:
    """Copies are an axis of their own, which most operations repeat by themselves."""
    value = low.value(first(op))
    if not isinstance(value, (View, Scores)):
        return value
    before, shape = value.axes, low.program.tensors[op.outputs[0]].shape
    axes: list[Axis] = [()] * (len(shape) - len(before)) + list(before)
    is_inner = op.op == "repeat_interleave"
    for number, size in enumerate(shape):
        held = extent(axes[number])
        if held != size:
            copies = Factor(REPEATED, 1, size // held)
            axes[number] = (*axes[number], copies) if is_inner else (copies, *axes[number])
    return with_axes(value, axes)


@rule("alias", "contiguous", "clone", "to", "_to_copy", "type_as", "lift_fresh", "detach", "float", "real",
      "positive", "_conj", "requires_grad_", "feature_alpha_dropout", "resolve_conj", "resolve_neg")  # fmt: skip
def _nothing(low: Lowering, op: Operation) -> Any:
    return low.value(first(op))


@rule("slice", "narrow", "select")
def _slice(low: Lowering, op: Operation) -> Any:
    value = low.array(first(op))
    if not low.program.tensors[op.outputs[0]].elements:
        return Stored()
    arguments = op.arguments
    rank = len(low.shape_of(first(op)))
    axis = arguments.get("dim", 0) % rank
    size = low.shape_of(first(op))[axis]
    is_select = op.op == "select"
    if is_select:
        index = arguments["index"]
        if isinstance(index, Ref):
            raise UnsupportedError("an index is computed")
        start, stop, step = index % size, index % size + 1, 1
    elif op.op == "narrow":
        start, step = arguments["start"], 1
        stop = start + arguments["length"]
    else:
        start, stop, step = arguments.get("start") or 0, arguments.get("end"), arguments.get("step", 1)
        start = max(start + size if start < 0 else start, 0)
        stop = size if stop is None else stop + size if stop < 0 else min(stop, size)
    if is_select and isinstance(value, View) and _is_sequence(low, value, axis):
        node = low.call("select_token", [value.node], arguments={"index": start})
        return View(node, (*value.axes[:axis], *value.axes[axis + 1 :]))
    found = narrowed(low, value, axis, start, stop, step, size)
    if is_select and not isinstance(found, Stored):
        axes = list(found.axes)
        del axes[axis]
        found = with_axes(found, axes)
    return found


def _is_sequence(low: Lowering, view: View, axis: int) -> bool:
    """Whether an axis is all positions of a sequence."""
    return low.shape(view.node).rank == 1 and low.is_whole(view, axis) and view.axes[axis][0].role == 1


def narrowed(
    low: Lowering, value: View | Stored | Scores, axis: int, start: int, stop: int, step: int, size: int
) -> View | Stored | Scores:
    """Some indices along an axis.

    Raises:
        UnsupportedError: they are none of an axis of channels or positions.
    """
    if (start, stop, step) == (0, size, 1):
        return value
    if isinstance(value, Stored):
        return piece(low, value, axis, start, stop, step, size)
    if isinstance(value, Scores):
        if (
            value.sinks is not None
            and value.is_softmax
            and axis == len(value.axes) - 1
            and (start, stop) == (0, size - 1)
        ):
            return value  # without the key that has no value
        raise UnsupportedError("scores of attention are cut")
    parts = value.axes[axis]
    number = -(-(stop - start) // step)
    if len(parts) > 1:
        return _cut_of_several(low, value, axis, start, stop, step)
    if not parts:
        raise UnsupportedError("examples of a batch are taken apart")
    part = parts[0]
    if part.role == REPEATED:
        return value._replace(axes=_put(value.axes, axis, () if number == 1 else (part._replace(size=number),)))
    if part.role == CHANNELS:
        return _some_channels(low, value, axis, start, stop, step)
    if part.stride != 1 or part.size != low.sizes(value.node)[part.role]:
        return _some_positions(low, value, axis, start, stop, step)
    node = _positions(low, value.node, part.role, start, stop, step)
    return View(node, _put(value.axes, axis, whole(part.role, number)))


def _put(axes: Sequence[Axis], number: int, axis: Axis) -> tuple[Axis, ...]:
    return (*axes[:number], axis, *axes[number + 1 :])


def _cut_of_several(low: Lowering, view: View, axis: int, start: int, stop: int, step: int) -> View | Stored | Scores:
    """An axis of several factors, of which whole indices of the slowest are kept."""
    slowest, *rest = view.axes[axis]
    inner = extent(tuple(rest))
    channels = low.sizes(view.node)[CHANNELS]
    is_shuffled = roles(view.axes[axis]) == {CHANNELS} and complete((view.axes[axis],), CHANNELS, channels)
    if not is_shuffled and step == 1 and not start % inner and not stop % inner:
        apart = View(view.node, (*view.axes[:axis], (slowest,), tuple(rest), *view.axes[axis + 1 :]))
        cut = narrowed(low, apart, axis, start // inner, stop // inner, 1, slowest.size)
        assert isinstance(cut, View)
        return View(cut.node, (*cut.axes[:axis], merged((*cut.axes[axis], *cut.axes[axis + 1])), *cut.axes[axis + 2 :]))
    from archcalc.importing.lowering.layout import natural, natural_axes

    node, channel, spatial = natural(low, view)  # positions in a row, most of all
    settled = View(node, natural_axes(low, node, len(view.axes), channel, spatial))
    if len(settled.axes[axis]) > 1:
        raise UnsupportedError("an axis made of several is cut within")
    return narrowed(low, settled, axis, start, stop, step, extent(settled.axes[axis]))


def _some_channels(low: Lowering, view: View, axis: int, start: int, stop: int, step: int) -> View:
    """Channels; of those within heads as many, since nothing depends on the order of channels."""
    part = view.axes[axis][0]
    channels = low.sizes(view.node)[CHANNELS]
    size = -(-(stop - start) // step)
    if channels % part.size:
        raise UnsupportedError("channels are cut unevenly")
    inner = channels // part.size
    if step == 1:
        arguments = {"start": start * inner, "stop": stop * inner}
    elif inner == 1:
        arguments = {"start": start, "stop": stop, "step": step}
    else:
        raise UnsupportedError("every so many channels of a group are taken")
    node = _branch(low, view.node, arguments) if step == 1 else None
    if node is None:
        node = low.call("slice_channels", [view.node], arguments=arguments)
    kept = () if size == 1 else (Factor(CHANNELS, part.stride, size),)
    axes = [
        kept if number == axis else tuple([closer(each, part, size) for each in parts])
        for number, parts in enumerate(view.axes)
    ]
    return View(node, tuple(map(merged, axes)))


def _branch(low: Lowering, node: int, arguments: dict[str, Any]) -> int | None:
    """The branch of a concatenation that just these channels are."""
    if node < 0 or low.calls[node].operator.name != "concat":
        return None
    start = 0
    for branch in low.calls[node].inputs:
        stop = start + low.sizes(branch)[CHANNELS]
        if (start, stop) == (arguments["start"], arguments["stop"]):
            return branch
        start = stop
    return None


def closer(factor: Factor, cut: Factor, size: int) -> Factor:
    """A factor of channels after a faster one got another size."""
    if factor.role != CHANNELS or factor.stride <= cut.stride:
        return factor
    return factor._replace(stride=factor.stride // cut.size * size)


def _some_positions(low: Lowering, view: View, axis: int, start: int, stop: int, step: int) -> View:
    """One of so many interleaved parts of an axis: every so many positions, from the first that is meant."""
    part = view.axes[axis][0]
    size = low.sizes(view.node)[part.role]
    if stop - start != 1:
        raise UnsupportedError("part of windows is cut")
    if part.stride == 1:  # within blocks: one position of each
        node = _positions(low, view.node, part.role, start, size, part.size)
        others = {part.role: part.size}
    elif part.stride * part.size == size:  # the slowest: a block as a whole
        node = _positions(low, view.node, part.role, start * part.stride, (start + 1) * part.stride, 1)
        others = {}
    else:
        raise UnsupportedError("part of windows is cut")
    axes = [
        tuple(
            [each._replace(stride=each.stride // others[each.role]) if each.role in others else each for each in parts]
        )
        for parts in _put(view.axes, axis, ())
    ]
    return View(node, tuple(axes))


def _positions(low: Lowering, node: int, role: int, start: int, stop: int, step: int) -> int:
    """Positions along one axis; cuts along several axes, one after the other, are one."""
    shape = low.shape(node)
    rank = shape.rank
    if rank == 1 and stop - start == 1 and shape.channels is not None:
        pass  # a position, kept as a sequence of one
    begin, end, by = [0] * rank, list(low.extents(node)), [1] * rank
    if node >= 0 and low.calls[node].operator.name == "slice_positions":
        before = low.calls[node].operator.values()
        starts, stops, steps = ([_at(before[key], axis) for axis in range(rank)] for key in ("start", "stop", "step"))
        source = low.calls[node].inputs[0]
        extents = low.shape(source).spatial
        if (starts[role - 1], stops[role - 1] or extents[role - 1], steps[role - 1]) == (0, extents[role - 1], 1):
            node, begin, by = source, starts, steps
            end = [int(last or size) for last, size in zip(stops, extents, strict=True)]
            shape = low.shape(node)
    begin[role - 1], end[role - 1], by[role - 1] = start, stop, step
    arguments: dict[str, Any] = {"start": alike(begin), "step": alike(by)}
    if tuple(end) != tuple(shape.spatial):
        arguments["stop"] = alike(end) if len(set(end)) == 1 else tuple(end)
    return low.call("slice_positions", [node], arguments=arguments)


def _at(value: Any, axis: int) -> Any:
    return value[axis] if isinstance(value, tuple) else value


@rule("chunk", "split", "split_with_sizes", "tensor_split", "unbind", "unsafe_chunk", "unsafe_split")
def _split(low: Lowering, op: Operation) -> Any:
    ref = first(op)
    value = low.array(ref)
    shape = low.shape_of(ref)
    axis = op.arguments.get("dim", 0) % len(shape)
    found: list[Value] = []
    start = 0
    is_unbind = op.op == "unbind"
    for output in op.outputs:
        size = 1 if is_unbind else low.program.tensors[output].shape[axis]
        piece = narrowed(low, value, axis, start, start + size, 1, shape[axis])
        if is_unbind and not isinstance(piece, Stored):
            axes = list(piece.axes)
            del axes[axis]
            piece = with_axes(piece, axes)
        found.append(piece)
        start += size
    return tuple(found)


@rule("roll")
def _roll(low: Lowering, op: Operation) -> Any:
    view = low.view(first(op))
    shifts, dims = op.arguments["shifts"], op.arguments.get("dims", [])
    moved = [0] * low.shape(view.node).rank
    for shift, dim in zip(shifts, dims, strict=True):
        parts = view.axes[dim]
        if not parts:
            continue
        if not low.is_whole(view, dim) or parts[0].role == CHANNELS:
            raise UnsupportedError("what is rolled is no whole axis of positions")
        moved[parts[0].role - 1] = shift % parts[0].size
    if not any(moved):
        return view
    return low.same(view, "roll", shift=alike(moved))


@rule("pad", "constant_pad_nd", "reflection_pad1d", "reflection_pad2d", "replication_pad1d", "replication_pad2d")
def _pad(low: Lowering, op: Operation) -> Any:
    value = low.array(first(op))
    if isinstance(value, (Stored, Scores)):
        return value
    pads, mode = list(op.arguments["pad" if "pad" in op.arguments else "padding"]), op.arguments.get("mode", "constant")
    mode = {"reflection_pad1d": "reflect", "reflection_pad2d": "reflect", "replication_pad1d": "replicate",
            "replication_pad2d": "replicate"}.get(op.op, mode)  # fmt: skip
    return _padded(low, value, pads, mode)


def _padded(low: Lowering, view: View, pads: list[int], mode: str) -> View:
    """Positions added around, or cut away where there are fewer than none.

    Raises:
        UnsupportedError: they are along no whole axis.
    """
    rank = low.shape(view.node).rank
    sides: list[tuple[int, int]] = [(0, 0)] * rank
    for number in range(len(pads) // 2):
        before, after = pads[2 * number : 2 * number + 2]
        if (before, after) == (0, 0):
            continue
        axis = len(view.axes) - 1 - number
        parts = view.axes[axis]
        if not parts or not low.is_whole(view, axis):
            raise UnsupportedError("what is padded is no whole axis")
        if parts[0].role == CHANNELS:
            if before or after < 0:
                return _pad_channels(low, view, axis, before, after)
            node = low.call("pad_channels", [view.node], arguments={"channels": parts[0].size + after})
            view = View(node, _put(view.axes, axis, whole(CHANNELS, parts[0].size + after)))
            continue
        sides[parts[0].role - 1] = (before, after)
    grown = tuple([(max(a, 0), max(b, 0)) for a, b in sides])
    cut = tuple([(max(-a, 0), max(-b, 0)) for a, b in sides])
    node = view.node
    if not any(pads):
        low.depends_on_size(node)
    if any(map(any, grown)):
        words = {"constant": "zeros", "reflect": "reflect", "replicate": "replicate", "circular": "circular"}
        node = low.call("pad", [node], arguments={"padding": grown, "mode": words.get(mode, mode)})
    if any(map(any, cut)):
        node = low.call("crop", [node], arguments={"sides": cut})
    return low.reshaped_whole(view, node)


def _pad_channels(low: Lowering, view: View, axis: int, before: int, after: int) -> View:
    """Zeros before the channels, too, as in ResNets without trained shortcuts; their order costs nothing."""
    if before < 0 or after < 0:
        raise UnsupportedError("channels are cut by a padding")
    channels = low.sizes(view.node)[CHANNELS] + before + after
    node = low.call("pad_channels", [view.node], arguments={"channels": channels})
    return View(node, _put(view.axes, axis, whole(CHANNELS, channels)))


@rule("pad_into")
def _pad_into(low: Lowering, op: Operation) -> Any:
    view = low.view(op.arguments["input"])
    rank = len(low.shape_of_output(op))
    axes: list[Axis] = [()] * rank
    for axis, parts in zip(op.arguments["axes"], view.axes, strict=True):
        axes[axis] = parts
    pads: list[int] = [0] * (2 * rank)
    for axis, behind in zip(op.arguments["axes"], op.arguments["behind"], strict=True):
        pads[2 * (rank - 1 - axis) + 1] = behind
    return _padded(low, View(view.node, tuple(axes)), pads, "constant") if any(pads) else View(view.node, tuple(axes))


@rule("new_zeros", "new_ones", "new_full", "new_empty", "zeros_like", "ones_like", "full_like", "empty_like",
      "rand_like", "randn_like", "new_empty_strided")  # fmt: skip
def _made_of_a_shape(low: Lowering, op: Operation) -> Any:
    return Stored()


@rule("index", "index_select", "gather", "take")
def _index(low: Lowering, op: Operation) -> Any:
    """Rows of a computed table, by constant places; of a batch of one, its one example."""
    shape = low.shape_of(first(op))
    if op.op == "index_select" and low.shape_of_output(op) == shape and shape[op.arguments["dim"]] == 1:
        return low.value(first(op))
    value, *others = [low.value(Ref(index)) for index in dict.fromkeys(op.tensors())]
    if isinstance(value, Stored) and all(isinstance(other, Stored) for other in others):
        is_table = value.is_plain and value.is_trained and len(low.shape_of(first(op))) == 2 and not value.part
        return value._replace(rows=low.shape_of(first(op))[0]) if is_table else derived(low, op)
    if isinstance(value, View) and any(isinstance(other, Places) for other in others):
        from archcalc.importing.lowering.choices import at_a_place

        return at_a_place(low, op, value)
    if not isinstance(value, View) or any(not isinstance(other, Stored) or other.is_trained for other in others):
        raise UnsupportedError("places that are computed")
    computed = value.node >= 0 and _is_constant(low, value.node)
    if not computed:
        raise UnsupportedError("positions are chosen by places of their own")
    return Table(value.node)


def _is_constant(low: Lowering, node: int) -> bool:
    """Whether a call depends on no input of the network."""
    return node >= 0 and all(_is_constant(low, other) for other in low.calls[node].inputs)

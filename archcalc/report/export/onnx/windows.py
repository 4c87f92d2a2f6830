"""Convolutions, poolings and what moves positions."""

from __future__ import annotations

from math import prod
from typing import Any

from archcalc.ops import Shape
from archcalc.ops.window import all_padding, explicit_padding, slide
from archcalc.report.export.onnx.builder import Step, rule
from archcalc.report.export.sizes import per_axis


def _pads(pairs: Any) -> list[int]:
    """ONNX tells what comes before along all axes, then what comes after."""
    return [before for before, _ in pairs] + [after for _, after in pairs]


def _window(x: Shape, op: Any) -> dict[str, Any]:
    return {
        "kernel_shape": list(per_axis(op.kernel, x.rank, "kernel")),
        "strides": list(per_axis(op.stride, x.rank, "stride")),
        "dilations": list(per_axis(op.dilation, x.rank, "dilation")),
        "pads": _pads(all_padding(x, op.kernel, op.stride, op.padding, op.dilation)),
    }


@rule("conv", "depthwise")
def _convolution(step: Step) -> None:
    op, x, y = step.op, step.x, step.y
    window = _window(x, op)
    if getattr(op, "table", None) is not None:
        return _by_table(step, window)
    groups = x.channels if op.name == "depthwise" else op.groups
    weights = [step.weight("weight", y.channels, x.channels // groups, *window["kernel_shape"])]
    weights += [step.weight("bias", y.channels)] if op.bias else []
    step.give(step.emit("Conv", step.first(), *weights, group=groups, **window), "first")
    return None


def _by_table(step: Step, window: dict[str, Any]) -> None:
    """A convolution for each output map, of the maps that it reads."""
    maps = []
    for output in range(step.op.table.outputs):
        reads = [number for number, row in enumerate(step.op.table.rows) if row[output]]
        if not reads:
            raise ValueError(f"map {output} of {step.name} reads nothing")
        read = step.emit("Gather", step.first(), step.number(reads), axis=1)
        weights = [step.weight(f"weight_{output}", 1, len(reads), *window["kernel_shape"])]
        weights += [step.weight(f"bias_{output}", 1)] if step.op.bias else []
        maps.append(step.emit("Conv", read, *weights, group=1, **window))
    step.give(step.emit("Concat", *maps, axis=1), "first")


@rule("deconv")
def _transposed(step: Step) -> None:
    op, x, y = step.op, step.x, step.y
    pads = explicit_padding(op.padding, x.rank, op.kernel, op.dilation)
    kernel = per_axis(op.kernel, x.rank, "kernel")
    weights = [step.weight("weight", x.channels, y.channels // op.groups, *kernel)]
    weights += [step.weight("bias", y.channels)] if op.bias else []
    window = {
        "kernel_shape": list(kernel),
        "strides": list(per_axis(op.stride, x.rank, "stride")),
        "dilations": list(per_axis(op.dilation, x.rank, "dilation")),
        "output_padding": list(per_axis(op.output_padding, x.rank, "output_padding")),
        "pads": _pads(pads),
    }
    step.give(step.emit("ConvTranspose", step.first(), *weights, group=op.groups, **window), "first")


@rule("patch_embedding")
def _patches(step: Step) -> None:
    op, x, y = step.op, step.x, step.y
    patch = list(per_axis(op.patch, x.rank, "patch"))
    weights = [step.weight("weight", y.channels, x.channels, *patch)]
    weights += [step.weight("bias", y.channels)] if op.bias else []
    maps = step.emit("Conv", step.first(), *weights, kernel_shape=patch, strides=patch)
    step.give(step.reshape(maps, 0, y.channels, y.positions), "first")


@rule("deform_conv")
def _deformable(step: Step) -> None:
    op, x, y = step.op, step.x[0], step.y
    window = _window(x, op)
    taps = prod(window["kernel_shape"])
    weight = step.weight("weight", y.channels, x.channels // op.groups, *window["kernel_shape"])
    bias = step.weight("bias", y.channels) if op.bias else ""
    more = [step.first(2)] if len(step.inputs) > 2 else []
    parts = step.x[1].channels // (2 * taps)
    given = step.emit(
        "DeformConv", step.first(0), weight, step.first(1), bias, *more, group=op.groups, offset_group=parts, **window
    )
    step.give(given, "first")


def _pool_window(step: Step) -> dict[str, Any]:
    """Its window, and the padding with which as many windows fit as torch has, rounded up or not."""
    op, x, y = step.op, step.x, step.y
    kernel = per_axis(op.kernel, x.rank, "kernel")
    stride = kernel if op.stride is None else per_axis(op.stride, x.rank, "stride")
    dilation = per_axis(getattr(op, "dilation", 1), x.rank, "dilation")
    pairs = all_padding(x, op.kernel, stride, getattr(op, "padding", 0), dilation)
    fits, rounded = [], []
    for extent, outputs, k, s, d, (before, after) in zip(
        x.spatial, y.spatial, kernel, stride, dilation, pairs, strict=True
    ):
        room = extent + before + after - d * (k - 1) - 1
        fits.append((before, max(after, (outputs - 1) * s + d * (k - 1) + 1 - before - extent)))
        rounded.append(-(-room // s) + 1 == outputs)
    window: dict[str, Any] = {"kernel_shape": list(kernel), "strides": list(stride)}
    if getattr(op, "ceil", False) and all(rounded):
        return {**window, "pads": _pads(pairs), "ceil_mode": 1}
    return {**window, "pads": _pads(fits)}


@rule("maxpool")
def _max_pooling(step: Step) -> None:
    window = _pool_window(step)
    window["dilations"] = list(per_axis(step.op.dilation, step.x.rank, "dilation"))
    is_undone = any(node.operator.name == "unpool" and node.inputs[1] == step.index for node in step.drawer.graph.nodes)
    y, *indices = step.emit_many("MaxPool", 1 + is_undone, step.first(), **window)
    if indices:
        step.drawer.indices[step.index] = indices[0]
    step.give(y, "first")


@rule("avgpool")
def _mean_pooling(step: Step) -> None:
    counts = int(step.op.count_include_pad)
    step.give(step.emit("AveragePool", step.first(), count_include_pad=counts, **_pool_window(step)), "first")


@rule("lppool")
def _power_pooling(step: Step) -> None:
    power = step.op.power
    if power.denominator != 1:
        return step.own(p=float(power))
    return step.give(step.emit("LpPool", step.first(), p=int(power), **_pool_window(step)), "first")


@rule("subsample")
def _subsampling(step: Step) -> None:
    window = _pool_window(step)
    mean = step.emit("AveragePool", step.first(), **window)
    y = step.emit("Mul", mean, step.number(float(prod(window["kernel_shape"]))))
    y = step.emit("Mul", y, step.along_channels(step.weight("weight", step.y.channels), "first"))
    if step.op.bias:
        y = step.emit("Add", y, step.along_channels(step.weight("bias", step.y.channels), "first"))
    step.give(y, "first")


@rule("global_avgpool", "global_maxpool")
def _global_pooling(step: Step) -> None:
    kind = "GlobalAveragePool" if step.op.name == "global_avgpool" else "GlobalMaxPool"
    y = step.emit(kind, step.first())
    if step.y.rank == 0:
        y = step.emit("Flatten", y, axis=1)
    step.give(y, "first")


@rule("adaptive_avgpool", "adaptive_maxpool")
def _adaptive_pooling(step: Step) -> None:
    kind = "AveragePool" if step.op.name == "adaptive_avgpool" else "MaxPool"
    pairs = list(zip(step.x.spatial, step.y.spatial, strict=True))
    if any(extent % wanted for extent, wanted in pairs):  # windows of several sizes
        return step.own(output_size=[wanted for _, wanted in pairs])
    size = [extent // wanted for extent, wanted in pairs]
    return step.give(step.emit(kind, step.first(), kernel_shape=size, strides=size), "first")


@rule("local", "unfold")
def _windows_of_their_own(step: Step) -> None:
    x, op = step.x, step.op
    window = _window(x, op)
    step.own(**window, output_shape=list(slide(x, op.kernel, op.stride, op.padding, op.dilation)))


@rule("upsample")
def _upsampling(step: Step) -> None:
    op = step.op
    modes = {"nearest": "nearest", "bilinear": "linear", "bicubic": "cubic"}
    attributes: dict[str, Any] = {"mode": modes[op.mode], "axes": list(range(2, 2 + step.x.rank))}
    if op.mode == "nearest":
        attributes |= {"coordinate_transformation_mode": "asymmetric", "nearest_mode": "floor"}
    else:
        attributes["coordinate_transformation_mode"] = "align_corners" if op.align_corners else "pytorch_half_pixel"
        attributes |= {"cubic_coeff_a": -0.75} if op.mode == "bicubic" else {}
    sizes = step.number(list(step.y.spatial))
    step.give(step.emit("Resize", step.first(0), "", "", sizes, **attributes), "first")


@rule("unpool")
def _unpooling(step: Step) -> None:
    pool = step.drawer.graph.nodes[step.node.inputs[1]]
    op: Any = pool.operator
    kernel = per_axis(op.kernel, pool.x.rank, "kernel")
    stride = kernel if op.stride is None else per_axis(op.stride, pool.x.rank, "stride")
    pads = _pads(all_padding(pool.x, op.kernel, stride, op.padding, op.dilation))
    batch = step.emit("Shape", step.first(0), start=0, end=1)
    sizes = step.emit("Concat", batch, step.number([step.y.channels, *step.y.spatial]), axis=0)
    read = [step.first(0), step.drawer.indices[step.node.inputs[1]], sizes]
    window = {"kernel_shape": list(kernel), "strides": list(stride), "pads": pads}
    step.give(step.emit("MaxUnpool", *read, **window), "first")


@rule("pad")
def _padding(step: Step) -> None:
    modes = {"zeros": "constant", "reflect": "reflect", "replicate": "edge", "circular": "wrap"}
    pairs = explicit_padding(step.op.padding, step.x.rank, 1, 1)
    axes = step.number(list(range(2, 2 + step.x.rank)))
    fill = step.number(0.0) if step.op.mode == "zeros" else ""
    y = step.emit("Pad", step.first(), step.number(_pads(pairs)), fill, axes, mode=modes[step.op.mode])
    step.give(y, "first")


@rule("crop")
def _cropping(step: Step) -> None:
    step.give(_cut(step, step.first(), step.x, step.op._cuts(step.x)), "first")


def _cut(step: Step, name: str, x: Shape, cuts: Any) -> str:
    starts = [before for before, _ in cuts]
    stops = [extent - after for extent, (_, after) in zip(x.spatial, cuts, strict=True)]
    axes = list(range(2, 2 + x.rank))
    return step.emit("Slice", name, *map(step.number, (starts, stops, axes)))


def centred(step: Step, name: str, x: Shape, reference: Shape) -> str:
    """A tensor with its channels first, cut to the extents of another."""
    spare = [extent - kept for extent, kept in zip(x.spatial, reference.spatial, strict=True)]
    if not any(spare):
        return name
    return _cut(step, name, x, [(left // 2, left - left // 2) for left in spare])


@rule("slice_positions")
def _slicing(step: Step) -> None:
    op, x = step.op, step.x
    starts, steps = per_axis(op.start, x.rank, "start"), per_axis(op.step, x.rank, "step")
    stops = x.spatial if op.stop is None else per_axis(op.stop, x.rank, "stop")
    axes = list(range(1, 1 + x.rank)) if step.native == "last" else list(range(2, 2 + x.rank))
    read = step.drawer.in_layout(step.inputs[0], step.native)
    ranges = [step.number(list(each)) for each in (starts, stops, axes, steps)]
    step.give(step.emit("Slice", read, *ranges), step.native)


@rule("roll")
def _rolling(step: Step) -> None:
    shifts = per_axis(step.op.shift, step.x.rank, "shift")
    step.give(rolled(step, step.first(), step.x.spatial, shifts), "first")


def rolled(step: Step, name: str, sizes: Any, shifts: Any) -> str:
    """Positions moved on around the ends, channels first."""
    for axis, (extent, shift) in enumerate(zip(sizes, shifts, strict=True), start=2):
        moved = shift % extent
        if moved:
            end = step.slice(name, axis, extent - moved, extent)
            name = step.emit("Concat", end, step.slice(name, axis, 0, extent - moved), axis=axis)
    return name

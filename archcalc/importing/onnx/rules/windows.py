"""Convolutions, poolings, resizing and padding.

Extents are those that torch and the runtimes give at every opset: a ceil-mode pooling has no window that begins beyond
the input and its padding before it, which `onnx.shape_inference` takes care of from opset 22 on only.
"""

from __future__ import annotations

from math import prod
from typing import Any

from archcalc.importing.onnx.reader import MisfitError, Node, UnreadableError, rule
from archcalc.importing.onnx.rules.pointwise import decimal
from archcalc.importing.onnx.rules.weights import as_bias, weight
from archcalc.importing.onnx.values import Value
from archcalc.named import NamedTuple

UP = ("SAME_UPPER", "SAME_LOWER")


class Window(NamedTuple):
    """A window along each axis; `padding` are pairs (before, after)."""

    kernel: list[int]
    stride: list[int]
    padding: list[tuple[int, int]]
    dilation: list[int]

    def said(self, auto_pad: str) -> Any:
        """The padding as an argument: `same`, a number an axis, or a pair an axis."""
        if auto_pad == "SAME_UPPER":
            return "same"
        if all(before == after for before, after in self.padding):
            return [before for before, _ in self.padding]
        return list(self.padding)


def window_of(node: Node, extents: tuple[int, ...], kernel: list[int]) -> tuple[Window, str]:
    """Window and `auto_pad` of a node, for the extents that it slides over."""
    rank = len(extents)
    stride = [int(item) for item in node.attribute("strides") or [1] * rank]
    dilation = [int(item) for item in node.attribute("dilations") or [1] * rank]
    auto_pad = node.attribute("auto_pad", "NOTSET")
    pads = [int(item) for item in node.attribute("pads") or [0] * (2 * rank)]
    padding = list(zip(pads[:rank], pads[rank:], strict=True))
    if auto_pad == "VALID":
        padding = [(0, 0)] * rank
    elif auto_pad in UP:
        padding = []
        for extent, k, s, d in zip(extents, kernel, stride, dilation, strict=True):
            lacking = max((-(-extent // s) - 1) * s + d * (k - 1) + 1 - extent, 0)
            half = lacking // 2
            padding.append((half, lacking - half) if auto_pad == "SAME_UPPER" else (lacking - half, half))
    return Window(kernel, stride, padding, dilation), auto_pad


def slid(extents: tuple[int, ...], window: Window, ceil: bool = False) -> tuple[int, ...]:
    """Extents of what a window gives."""
    found = []
    for extent, k, s, (before, after), d in zip(extents, *window, strict=True):
        reach = extent + before + after - d * (k - 1) - 1
        number = (-(-reach // s) if ceil else reach // s) + 1
        if ceil and (number - 1) * s >= extent + before:
            number -= 1
        if number < 1:
            raise MisfitError(f"its window of {d * (k - 1) + 1} does not fit into an extent of {extent}")
        found.append(number)
    return tuple(found)


@rule("Conv")
def conv(node: Node) -> Value:
    """A convolution over any number of axes."""
    x, kernel = node[0], node[1]
    return convolved(node, x, weight(kernel), kernel.shape, node.get(2))


def convolved(node: Node, x: Value, kernel: Any, shape: tuple[int, ...], bias: Value | None) -> Value:
    """A convolution of `x` with weights of a shape (channels, in/groups, kernel...)."""
    extents = x.shape[2:]
    if len(shape) != len(x.shape) or not extents:
        raise MisfitError(f"weights of {shape} do not fit to an input of {x.shape}")
    window, auto_pad = window_of(node, extents, [int(item) for item in shape[2:]])
    groups = int(node.attribute("group", 1))
    if x.shape[1] != shape[1] * groups:
        raise MisfitError(f"weights of {shape} in {groups} groups do not fit to an input of {x.shape}")
    return node.emit(
        "convolution",
        (x.shape[0], shape[0], *slid(extents, window)),
        input=x,
        weight=kernel,
        bias=bias,
        stride=window.stride,
        padding=window.said(auto_pad),
        dilation=window.dilation,
        transposed=False,
        output_padding=[0] * len(extents),
        groups=groups,
    )


@rule("ConvTranspose")
def conv_transpose(node: Node) -> Value:
    """A transposed convolution; `output_shape` and SAME say what it gives, and the padding follows from that."""
    x, kernel = node[0], node[1]
    extents, groups = x.shape[2:], int(node.attribute("group", 1))
    sizes = [int(item) for item in kernel.shape[2:]]
    window, auto_pad = window_of(node, extents, sizes)
    extra = [int(item) for item in node.attribute("output_padding") or [0] * len(extents)]
    wanted = node.attribute("output_shape")
    padding: list[tuple[int, int]] = []
    given: list[int] = []
    for axis, (extent, k, s, pads, d) in enumerate(zip(extents, *window, strict=True)):
        full = (extent - 1) * s + d * (k - 1) + 1 + extra[axis]
        if wanted or auto_pad in UP:
            asked = int(wanted[axis - len(extents)]) if wanted else extent * s
            lacking = full - asked
            if lacking < 0 and not wanted:
                node.note(
                    "a transposed convolution with auto_pad=SAME and a kernel smaller than its stride gives "
                    "(n - 1)*stride + kernel positions, as onnxruntime; Keras and TensorFlow give n*stride"
                )
                lacking = 0
            elif lacking < 0:
                extra[axis], lacking = extra[axis] - lacking, 0
            half = lacking // 2
            pads = (half, lacking - half) if auto_pad != "SAME_LOWER" else (lacking - half, half)  # noqa: PLW2901
            full = full if not wanted else (extent - 1) * s + d * (k - 1) + 1 + extra[axis]
        padding.append(pads)
        given.append(full - sum(pads))
    said = Window(window.kernel, window.stride, padding, window.dilation).said("")
    return node.emit(
        "convolution",
        (x.shape[0], kernel.shape[1] * groups, *given),
        input=x,
        weight=weight(kernel),
        bias=node.get(2),
        stride=window.stride,
        padding=said,
        dilation=window.dilation,
        transposed=True,
        output_padding=extra,
        groups=groups,
    )


@rule("DeformConv")
def deform_conv(node: Node) -> Value:
    """A deformable convolution, as torchvision has it."""
    x, kernel = node[0], node[1]
    window, _ = window_of(node, x.shape[2:], [int(item) for item in kernel.shape[2:]])
    mask = node.get(4)
    return node.emit(
        "deform_conv2d",
        (x.shape[0], kernel.shape[0], *slid(x.shape[2:], window)),
        input=x,
        weight=weight(kernel),
        offset=node[2],
        mask=mask,
        bias=node.get(3),
        stride=window.stride,
        padding=window.said(""),
        dilation=window.dilation,
        groups=int(node.attribute("group", 1)),
        offset_groups=int(node.attribute("offset_group", 1)),
        use_mask=mask is not None,
    )


@rule("MaxPool", "AveragePool", "LpPool")
def pool(node: Node) -> Value | list[Value]:
    """Pooling over windows; ceil mode clips at every opset."""
    x = node[0]
    extents, rank = x.shape[2:], len(x.shape) - 2
    kernel = [int(item) for item in node.attribute("kernel_shape") or []]
    if len(kernel) != rank:
        raise MisfitError(f"a kernel of {kernel} does not fit to an input of {x.shape}")
    window, auto_pad = window_of(node, extents, kernel)
    ceil = bool(node.attribute("ceil_mode", 0))
    if all(k == 1 and s == 1 and pads == (0, 0) for k, s, pads in zip(*window[:3], strict=True)):
        return x  # it changes nothing: exporters write it for an even padding
    shape = (*x.shape[:2], *slid(extents, window, ceil))
    common = {"kernel_size": kernel, "stride": window.stride, "padding": window.said(auto_pad), "ceil_mode": ceil}
    if node.op == "MaxPool":
        given = node.emit(f"max_pool{rank}d", shape, self=x, dilation=window.dilation, **common)
        return [given, Value(shape, "int", given.index)]  # places: an unpooling reads which pooling it undoes
    if any(step != 1 for step in window.dilation):
        raise UnreadableError("it has a dilation")
    if node.op == "LpPool":
        raise UnreadableError("power-average pooling of windows with padding has no operator")
    counts = bool(node.attribute("count_include_pad", 0)) or all(pads == (0, 0) for pads in window.padding)
    return node.emit(f"avg_pool{rank}d", shape, self=x, count_include_pad=counts, **common)


@rule("GlobalAveragePool", "GlobalMaxPool")
def global_pool(node: Node) -> Value:
    """All positions of a channel as one."""
    x = node[0]
    rank = len(x.shape) - 2
    kind = "avg" if node.op == "GlobalAveragePool" else "max"
    return node.emit(f"adaptive_{kind}_pool{rank}d", (*x.shape[:2], *[1] * rank), self=x, output_size=[1] * rank)


_MODES = {
    ("nearest", 1): "upsample_nearest1d",
    ("nearest", 2): "upsample_nearest2d",
    ("nearest", 3): "upsample_nearest3d",
    ("linear", 1): "upsample_linear1d",
    ("linear", 2): "upsample_bilinear2d",
    ("linear", 3): "upsample_trilinear3d",
    ("cubic", 2): "upsample_bicubic2d",
}


@rule("Resize", "Upsample")
def resize(node: Node) -> Value:
    """Other extents by repetition or interpolation: sizes, or factors that extents are multiplied by, rounded down."""
    x = node[0]
    at = {"Upsample": 1, "Resize": 1 if node.opset < 11 else 2}[node.op]
    scales, sizes = node.get(at), node.get(3) if node.op == "Resize" else None
    axes = [int(axis) % len(x.shape) for axis in node.attribute("axes") or range(len(x.shape))]
    shape = list(x.shape)
    if sizes is not None and sizes.elements:
        if sizes.known is None:
            raise UnreadableError("the sizes depend on the input")
        for axis, extent in zip(axes, sizes.numbers(), strict=True):
            shape[axis] = extent
        policy = node.attribute("keep_aspect_ratio_policy", "stretch")
        if policy != "stretch":
            ratios = [shape[axis] / x.shape[axis] for axis in axes]
            ratio = min(ratios) if policy == "not_larger" else max(ratios)
            for axis in axes:
                shape[axis] = round(x.shape[axis] * ratio)
    else:
        factors = node.attribute("scales") or (
            scales.known.flat() if scales is not None and scales.known is not None else None
        )
        if factors is None:
            raise UnreadableError("the factors depend on the input")
        for axis, factor in zip(axes, factors, strict=True):
            shape[axis] = int(x.shape[axis] * factor + 1e-6)
    if tuple(shape) == x.shape:
        return x
    rank = len(x.shape) - 2
    name = _MODES.get((node.attribute("mode", "nearest"), rank))
    if name is None or tuple(shape[:2]) != x.shape[:2]:
        raise UnreadableError(f"resizing {x.shape} to {tuple(shape)} by {node.attribute('mode')} has no operator")
    given: dict[str, Any] = {"self": x, "output_size": shape[2:]}
    if node.attribute("mode", "nearest") != "nearest":
        given["align_corners"] = node.attribute("coordinate_transformation_mode", "half_pixel") == "align_corners"
    return node.emit(name, shape, **given)


@rule("Pad")
def pad(node: Node) -> Value:
    """Positions added, or taken away where a number is negative."""
    x = node[0]
    pads = node.numbers("pads", 1) or []
    axes = [axis % len(x.shape) for axis in node.numbers("axes", 3) or range(len(x.shape))]
    before, after = [0] * len(x.shape), [0] * len(x.shape)
    for place, axis in enumerate(axes):
        before[axis], after[axis] = pads[place], pads[place + len(axes)]
    shape = tuple(b + extent + a for b, extent, a in zip(before, x.shape, after, strict=True))
    if shape == x.shape and not any(before):
        return x
    if any(extent < 1 for extent in shape):
        raise UnreadableError(f"of {x.shape} nothing is left")
    mode = {"constant": "constant", "reflect": "reflect", "edge": "replicate", "wrap": "circular"}[
        node.attribute("mode", "constant")
    ]
    sides = [side for axis in reversed(range(len(shape))) for side in (before[axis], after[axis])]
    while len(sides) > 2 and sides[-2:] == [0, 0]:
        sides = sides[:-2]
    filling = node.attribute("value", 0.0)
    constant = node.get(2)
    if constant is not None and constant.scalar is not None:
        filling = constant.scalar
    return node.emit("pad", shape, x.kind, self=x, pad=sides, mode=mode, value=filling)


@rule("Col2Im")
def col2im(node: Node) -> Value:
    """Windows added back into an image."""
    x = node[0]
    size, block = node.numbers("image_shape", 1) or [], node.numbers("block_shape", 2) or []
    return node.emit(
        "col2im",
        (x.shape[0], x.shape[1] // prod(block), *size),
        self=x,
        output_size=size,
        kernel_size=block,
        dilation=list(node.attribute("dilations") or [1] * len(block)),
        padding=list(node.attribute("pads") or [0] * 2 * len(block))[: len(block)],
        stride=list(node.attribute("strides") or [1] * len(block)),
    )


@rule("MaxUnpool")
def max_unpool(node: Node) -> Value:
    """Where an earlier max pooling found its largest: to the extents that this pooling had, or that are asked for."""
    x, places = node[0], node[1]
    kernel = [int(item) for item in node.attribute("kernel_shape") or []]
    window, _ = window_of(node, x.shape[2:], kernel)
    asked = node.numbers("output_shape", 2)
    extents = (
        asked[2:]
        if asked
        else [(extent - 1) * s + k - sum(pads) for extent, k, s, pads in zip(x.shape[2:], *window[:3], strict=True)]
    )
    made = node.reader.made_by.get(places.index)
    if made is None or not made.op.startswith("max_pool"):
        raise UnreadableError("which pooling its places are from is not told")
    shape = (*x.shape[:2], *extents)
    return node.emit("module", shape, kind="MaxUnpool2d", settings={}, inputs=[x, places], stored={})


@rule("LRN")
def lrn(node: Node) -> Value:
    """Local response normalisation."""
    x = node[0]
    settings = {
        "size": int(node.attribute("size", 5)),
        "alpha": decimal(node.attribute("alpha", 1e-4)),
        "beta": decimal(node.attribute("beta", 0.75)),
        "k": decimal(node.attribute("bias", 1.0)),
    }
    return node.emit("module", x.shape, kind="LocalResponseNorm", settings=settings, inputs=[x], stored={})


__all__ = ["as_bias", "convolved", "slid", "window_of"]

"""Layers of Caffe with weights: convolutions, inner products, norms, scales. Their rules are BVLC's own."""

from __future__ import annotations

from typing import Any

from archcalc.importing.prototxt.blobs import Blob
from archcalc.importing.prototxt.net import Layer
from archcalc.importing.prototxt.reader import Reader, axis_of, layer, one_or_all
from archcalc.importing.prototxt.text import Message
from archcalc.ops import Shape


def per_axis(layer: Layer, message: Message, rank: int, name: str, prefix: str, default: int | None) -> tuple[int, ...]:
    """One number for each spatial axis: `kernel_size` once, or once an axis, or `kernel_h` and `kernel_w`.

    As base_conv_layer.cpp and pooling_layer.cpp.

    Raises:
        SpecError: there is none, or another number of them.
    """
    given = message.integers(name)
    by_axis = [*message.integers(f"{prefix}_h")[-1:], *message.integers(f"{prefix}_w")[-1:]]
    if by_axis and given:
        raise layer.refusal(f"it has both `{name}` and `{prefix}_h` or `{prefix}_w`", "one of the two ways")
    if by_axis and (len(by_axis) != 2 or rank != 2):
        raise layer.refusal(f"`{prefix}_h` and `{prefix}_w` go together, on images")
    given = given or by_axis
    if not given and default is None:
        raise layer.refusal(f"it has no `{name}`")
    if not given:
        return (default or 0,) * rank
    if len(given) not in (1, rank):
        raise layer.refusal(f"`{name}` has {len(given)} numbers for {rank} spatial axes")
    return tuple(given) * (rank if len(given) == 1 else 1)


@layer("Convolution", "DepthwiseConvolution", "ConvolutionDepthwise", "ConvDepthwise")
def convolution(reader: Reader, layer: Layer, blobs: list[Blob]) -> list[Blob]:
    """A convolution; several bottoms are read by the same weights, each for a top of its own."""
    message = layer.message.message("convolution_param")
    return [_convolution(reader, layer, reader.plain(layer, blob), message) for blob in blobs]


def _convolution(reader: Reader, layer: Layer, blob: Blob, message: Message) -> Blob:
    x = blob.shape
    if blob.place(message.integer("axis", 1)) != 0 or x.rank == 0:
        raise layer.refusal(f"its input is {x}; channels and at least one spatial axis are needed")
    channels, groups = message.integer("num_output", 0), message.integer("group", 1)
    if layer.type != "Convolution":  # of forks: a group for each channel, whatever `group` says
        groups, channels = x.channels, channels or x.channels
    kernel = per_axis(layer, message, x.rank, "kernel_size", "kernel", None)
    stride = per_axis(layer, message, x.rank, "stride", "stride", 1)
    padding = per_axis(layer, message, x.rank, "pad", "pad", 0)
    dilation = per_axis(layer, message, x.rank, "dilation", "dilation", 1)
    if "hole" in message or "hole_h" in message:  # the word of DeepLab's fork, older than BVLC's
        dilation = per_axis(layer, message, x.rank, "hole", "hole", 1)
    bias = message.flag("bias_term", True)
    check_groups(layer, x, channels, groups)
    weights = [reader.weight(layer, 0, (channels, x.channels // groups, *kernel))]
    weights += [reader.weight(layer, 1, (channels,))] if bias else []
    window: dict[str, Any] = {
        "kernel": one_or_all(kernel),
        "stride": one_or_all(stride),
        "padding": one_or_all(padding),
        "dilation": one_or_all(dilation),
        "bias": bias,
    }
    if groups == x.channels > 1:
        return reader.emit(layer, "depthwise", [blob.call], weights, multiplier=channels // groups, **window)
    return reader.emit(layer, "conv", [blob.call], weights, channels=channels, groups=groups, **window)


def check_groups(layer: Layer, x: Shape, channels: int, groups: int) -> None:
    """As base_conv_layer.cpp checks them.

    Raises:
        SpecError: no outputs, or groups that do not divide both sides.
    """
    if channels < 1:
        raise layer.refusal("it has no `num_output`")
    if groups < 1 or x.channels % groups or channels % groups:
        raise layer.refusal(f"{groups} groups do not divide {x.channels} channels into {channels}")


@layer("Deconvolution")
def deconvolution(reader: Reader, layer: Layer, blobs: list[Blob]) -> list[Blob]:
    """A transposed convolution: `stride*(extent - 1) + kernel - 2*pad`, with dilation as deconv_layer.cpp has it."""
    message = layer.message.message("convolution_param")
    given = []
    for each in blobs:
        blob = reader.plain(layer, each)
        x = blob.shape
        if blob.place(message.integer("axis", 1)) != 0 or x.rank == 0:
            raise layer.refusal(f"its input is {x}; channels and at least one spatial axis are needed")
        channels, groups = message.integer("num_output", 0), message.integer("group", 1)
        check_groups(layer, x, channels, groups)
        kernel = per_axis(layer, message, x.rank, "kernel_size", "kernel", None)
        bias = message.flag("bias_term", True)
        weights = [reader.weight(layer, 0, (x.channels, channels // groups, *kernel))]
        weights += [reader.weight(layer, 1, (channels,))] if bias else []
        found = reader.emit(
            layer,
            "deconv",
            [blob.call],
            weights,
            channels=channels,
            kernel=one_or_all(kernel),
            stride=one_or_all(per_axis(layer, message, x.rank, "stride", "stride", 1)),
            padding=one_or_all(per_axis(layer, message, x.rank, "pad", "pad", 0)),
            dilation=one_or_all(per_axis(layer, message, x.rank, "dilation", "dilation", 1)),
            groups=groups,
            bias=bias,
        )
        given.append(found)
    return given


@layer("InnerProduct")
def inner_product(reader: Reader, layer: Layer, blobs: list[Blob]) -> list[Blob]:
    """A linear layer over all axes from `axis` on; `transpose` changes how the weights lie, not how many they are."""
    message = layer.message.message("inner_product_param")
    blob = reader.one_of(layer, blobs)
    axis = axis_of(layer, blob, message)
    channels, bias = message.integer("num_output", 0), message.flag("bias_term", True)
    message.flag("transpose", False)
    if channels < 1:
        raise layer.refusal("it has no `num_output`")
    features = 1
    for extent in blob.extents[axis:]:
        features *= extent
    weights = [reader.weight(layer, 0, (channels, features))]
    weights += [reader.weight(layer, 1, (channels,))] if bias else []
    if axis == 0:
        if not blob.is_plain or blob.shape.rank == 1:  # `linear` reads each position of a sequence by itself
            flat = blob.reshaped((features,))
            blob = reader.plain(layer, flat or blob)
        return [reader.emit(layer, "linear", [blob.call], weights, channels=channels, bias=bias)]
    if axis == len(blob.axes) - 1 and blob.is_channels(axis):
        found = blob
        if blob.shape.rank != 1:
            found = reader.emit(layer, "to_sequence", [blob.call], part="to_sequence")
        found = reader.emit(layer, "linear", [found.call], weights, channels=channels, bias=bias)
        if axis == 1:
            return [found.permuted([1, 0])]
    raise layer.refusal(
        f"`axis: {message.integer('axis', 1)}` reads {'x'.join(map(str, blob.extents))} position by position"
    )


@layer("BatchNorm", "BN", "SyncBN")
def batch_norm(reader: Reader, layer: Layer, blobs: list[Blob]) -> list[Blob]:
    """BVLC's BatchNorm normalises alone; with the Scale that reads it, it is one norm. BN of forks has both."""
    blob = reader.one_of(layer, blobs)
    message = layer.message.message("batch_norm_param")
    if len(blob.axes) > 1 and not blob.is_channels(0):
        blob = reader.plain(layer, blob)
    channels = (blob.shape.channels,)
    eps = message.number("eps", "1e-5")
    if layer.type != "BatchNorm":
        layer.message.read.add("bn_param")
        weights = [reader.weight(layer, at, channels) for at in (0, 1)]
        weights += [reader.buffer(layer, at, channels) for at in (2, 3)]
        return [_same(reader, blob, reader.emit(layer, "batch_norm", [blob.call], weights, eps=eps))]
    # Its third blob, one number, is the sum of the weights of the moving averages, and is folded into them.
    weights = [reader.buffer(layer, at, channels) for at in (0, 1)]
    scale = reader.fused.get(layer.name)
    shift = scale is not None and scale.message.message("scale_param").flag("bias_term", False)
    if scale is not None:
        weights += [reader.weight(scale, at, channels) for at in range(1 + shift)]
    found = reader.emit(layer, "batch_norm", [blob.call], weights, scale=scale is not None, shift=shift, eps=eps)
    return [_same(reader, blob, found)]


def can_fuse(scale: Layer) -> bool:
    """Whether a Scale has a factor for each channel, so that with a BatchNorm before it it is one norm."""
    message = scale.message.message("scale_param")
    one_axis = message.integer("axis", 1) in (1, -3) and message.integer("num_axes", 1) == 1
    return scale.type == "Scale" and len(scale.bottoms) == 1 and one_axis


@layer("Scale")
def scale(reader: Reader, layer: Layer, blobs: list[Blob]) -> list[Blob]:
    """A trained factor for each channel, with `bias_term` a summand too; or the product of two bottoms."""
    message = layer.message.message("scale_param")
    if len(blobs) == 2:
        found = _broadcast(reader, layer, "mul", blobs, message)
        return [_bias(reader, layer, found, 0)] if message.flag("bias_term", False) else [found]
    blob = reader.one_of(layer, blobs)
    whole = message.integer("num_axes", 1) == 0
    blob = _by_channel(reader, layer, blob, message)
    shape = () if whole else (blob.shape.channels,)
    weights = [reader.weight(layer, 0, shape)]
    found = _same(reader, blob, reader.emit(layer, "channel_scale", [blob.call], weights, shared=whole))
    return [_bias(reader, layer, found, 1)] if message.flag("bias_term", False) else [found]


@layer("Bias")
def bias(reader: Reader, layer: Layer, blobs: list[Blob]) -> list[Blob]:
    """A trained summand for each channel, or the sum of two bottoms."""
    message = layer.message.message("bias_param")
    if len(blobs) == 2:
        return [_broadcast(reader, layer, "add", blobs, message)]
    blob = _by_channel(reader, layer, reader.one_of(layer, blobs), message)
    if message.integer("num_axes", 1) == 0:
        raise layer.refusal("`num_axes: 0`, one summand for all channels, has no operator")
    return [_bias(reader, layer, blob, 0)]


def _bias(reader: Reader, layer: Layer, blob: Blob, number: int) -> Blob:
    weights = [reader.weight(layer, number, (blob.shape.channels,))]
    values = reader.emit(layer, "trained", (), weights, part="bias", channels=blob.shape.channels)
    return _same(reader, blob, reader.emit(layer, "add", [blob.call, values.call], part="add"))


def _by_channel(reader: Reader, layer: Layer, blob: Blob, message: Message) -> Blob:
    if message.integer("num_axes", 1) == 0:
        return blob
    axis = axis_of(layer, blob, message)
    others = blob.extents[axis + 1 :] if message.integer("num_axes", 1) == -1 else ()
    if any(extent > 1 for extent in others) or message.integer("num_axes", 1) > 1:
        raise layer.refusal("weights for each position have no operator; `num_axes: 1` is known")
    if not blob.is_channels(axis):
        blob = reader.plain(layer, blob)
        if axis:
            raise layer.refusal(f"`axis: {axis + 1}` is not that of the channels")
    return blob


def _broadcast(reader: Reader, layer: Layer, name: str, blobs: list[Blob], message: Message) -> Blob:
    """The product or sum with a blob of channels alone, `scale_param { axis: 0 }` of SENet, or of one shape."""
    first, second = (reader.plain(layer, blob) for blob in blobs)
    axis = message.integer("axis", 1)
    if first.extents[: len(second.extents)] == second.extents and axis in (0, 1):
        if second.shape.rank not in (0, first.shape.rank):
            raise layer.refusal(f"{second.shape} cannot be repeated over {first.shape}")
        return reader.emit(layer, name, [first.call, second.call])
    if len(first.extents) == len(second.extents) and first.extents[0] == second.extents[0]:
        return reader.emit(layer, name, [first.call, second.call])
    raise layer.refusal(f"`axis: {axis}` with {second.shape} beside {first.shape} has no operator")


def _same(reader: Reader, before: Blob, after: Blob) -> Blob:
    """What an operation that keeps the shape gives, in the axes that its input had."""
    return after._replace(axes=before.axes)


@layer("Normalize")
def normalize(reader: Reader, layer: Layer, blobs: list[Blob]) -> list[Blob]:
    """SSD's norm: the channels of each position divided by their length, times a factor each, or one for all."""
    message = layer.message.message("norm_param")
    blob = reader.plain(layer, reader.one_of(layer, blobs))
    shared = message.flag("channel_shared", True)
    size = 1 if shared else blob.shape.channels
    if message.flag("across_spatial", True) and blob.shape.positions != 1:
        return [reader.opaque(layer, blob, "the length of a whole map has no operator", params=size)]
    weights = [reader.weight(layer, 0, (size,))]
    found = reader.emit(layer, "l2_norm", [blob.call], part="norm")
    return [reader.emit(layer, "channel_scale", [found.call], weights, shared=shared)]


@layer("PReLU")
def prelu(reader: Reader, layer: Layer, blobs: list[Blob]) -> list[Blob]:
    """A trained slope for each channel, or one with `channel_shared`."""
    blob = reader.one_of(layer, blobs)
    shared = layer.message.message("prelu_param").flag("channel_shared", False)
    if not shared and not blob.is_channels(0):
        blob = reader.plain(layer, blob)
    weights = [reader.weight(layer, 0, (1,) if shared else (blob.shape.channels,))]
    return [_same(reader, blob, reader.emit(layer, "prelu", [blob.call], weights, shared=shared))]


@layer("Embed")
def embed(reader: Reader, layer: Layer, blobs: list[Blob]) -> list[Blob]:
    """A vector for each whole number of the input; Caffe's axes are positions, then channels."""
    message = layer.message.message("embed_param")
    blob = reader.one_of(layer, blobs)
    entries, channels = message.integer("input_dim", 0), message.integer("num_output", 0)
    if entries < 1 or channels < 1 or blob.shape.channels is not None:
        raise layer.refusal("it needs `input_dim`, `num_output`, and an input of the net to read tokens from")
    weights = [reader.weight(layer, 0, (entries, channels))]
    found = reader.emit(layer, "embedding", [blob.call], weights, entries=entries, channels=channels)
    if message.flag("bias_term", True):
        found = _bias(reader, layer, found, 1)
    return [found.permuted([1, 0])]

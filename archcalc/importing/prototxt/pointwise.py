"""Layers of Caffe without weights that treat each element by itself, or merge blobs element by element."""

from __future__ import annotations

from fractions import Fraction
from typing import Any

from archcalc.importing.prototxt.blobs import Blob
from archcalc.importing.prototxt.net import Layer
from archcalc.importing.prototxt.reader import LAYERS, Reader, Rule, axis_of, layer

SIMPLE = {
    "Sigmoid": "sigmoid",
    "TanH": "tanh",
    "BNLL": "softplus",
    "ReLU6": "relu6",
    "Mish": "mish",
    "HardSwish": "hard_swish",
    "Hswish": "hard_swish",
    "HSwish": "hard_swish",
    "HardSigmoid": "hard_sigmoid",
    "SELU": "selu",
    "SeLu": "selu",
    "Softplus": "softplus",
    "Softsign": "softsign",
}
UNKNOWN = {
    "AbsVal": "the absolute value has no operator",
    "Log": "the logarithm has no operator",
    "Threshold": "Threshold gives 0 or 1, for which there is no operator",
}


def _always(name: str) -> Rule:
    def rule(reader: Reader, layer: Layer, blobs: list[Blob]) -> list[Blob]:
        return [_each(reader, layer, reader.one_of(layer, blobs), name)]

    return rule


def _never(reason: str) -> Rule:
    def rule(reader: Reader, layer: Layer, blobs: list[Blob]) -> list[Blob]:
        reader.ignore(layer)
        return [reader.opaque(layer, reader.one_of(layer, blobs), reason)]

    return rule


LAYERS.update({kind: _always(name) for kind, name in SIMPLE.items()})
LAYERS.update({kind: _never(reason) for kind, reason in UNKNOWN.items()})


def _each(reader: Reader, layer: Layer, blob: Blob, name: str, **arguments: Any) -> Blob:
    """An operation on each element, in whatever axes."""
    return reader.emit(layer, name, [blob.call], **arguments)._replace(axes=blob.axes)


@layer("ReLU")
def relu(reader: Reader, layer: Layer, blobs: list[Blob]) -> list[Blob]:
    """With a `negative_slope`, a leaky one."""
    slope = layer.message.message("relu_param").number("negative_slope", "0")
    blob = reader.one_of(layer, blobs)
    return [_each(reader, layer, blob, "leaky_relu", slope=slope) if slope else _each(reader, layer, blob, "relu")]


@layer("ELU")
def elu(reader: Reader, layer: Layer, blobs: list[Blob]) -> list[Blob]:
    """The exponential linear unit."""
    alpha = layer.message.message("elu_param").number("alpha", "1")
    return [_each(reader, layer, reader.one_of(layer, blobs), "elu", alpha=alpha)]


@layer("Swish")
def swish(reader: Reader, layer: Layer, blobs: list[Blob]) -> list[Blob]:
    """`x * sigmoid(beta * x)`; silu where beta is 1."""
    blob, beta = reader.one_of(layer, blobs), layer.message.message("swish_param").number("beta", "1")
    if beta == 1:
        return [_each(reader, layer, blob, "silu")]
    if beta == Fraction("1.702"):
        return [_each(reader, layer, blob, "quick_gelu")]
    return [reader.opaque(layer, blob, f"Swish with a beta of {float(beta)} has no operator")]


@layer("Clip")
def clip(reader: Reader, layer: Layer, blobs: list[Blob]) -> list[Blob]:
    """Numbers kept between two; relu6 from 0 to 6."""
    message, blob = layer.message.message("clip_param"), reader.one_of(layer, blobs)
    low, high = message.number("min", "0"), message.number("max", "0")
    if low == 0 and high == 6:
        return [_each(reader, layer, blob, "relu6")]
    return [_each(reader, layer, blob, "hard_tanh", low=low, high=high)]


@layer("Power")
def power(reader: Reader, layer: Layer, blobs: list[Blob]) -> list[Blob]:
    """`(shift + scale*x) ** power`: a product with a number, the square, or what has no operator."""
    message, blob = layer.message.message("power_param"), reader.one_of(layer, blobs)
    exponent, factor, shift = message.number("power", "1"), message.number("scale", "1"), message.number("shift", "0")
    if exponent == 1 and shift == 0:
        return [blob if factor == 1 else _scaled(reader, layer, blob, factor)]
    if exponent == 2 and factor == 1 and shift == 0:
        return [reader.emit(layer, "mul", [blob.call, blob.call])._replace(axes=blob.axes)]
    return [reader.opaque(layer, blob, f"({shift} + {factor}*x) ** {exponent} has no operator")]


def _scaled(reader: Reader, layer: Layer, blob: Blob, factor: Fraction, part: str = "") -> Blob:
    return reader.emit(layer, "scale", [blob.call], part=part, factor=factor)._replace(axes=blob.axes)


@layer("Exp")
def exponential(reader: Reader, layer: Layer, blobs: list[Blob]) -> list[Blob]:
    """`base ** (shift + scale*x)`, base e where none is given."""
    message, blob = layer.message.message("exp_param"), reader.one_of(layer, blobs)
    base, factor, shift = message.number("base", "-1"), message.number("scale", "1"), message.number("shift", "0")
    if base != -1 or shift != 0:
        return [reader.opaque(layer, blob, f"{float(base)} ** ({float(shift)} + {float(factor)}*x) has no operator")]
    scaled = blob if factor == 1 else _scaled(reader, layer, blob, factor, "scale")
    return [_each(reader, layer, scaled, "exp")]


@layer("Dropout")
def dropout(reader: Reader, layer: Layer, blobs: list[Blob]) -> list[Blob]:
    """Dropout, which at inference does nothing."""
    p = layer.message.message("dropout_param").number("dropout_ratio", "0.5")
    return [_each(reader, layer, reader.one_of(layer, blobs), "dropout", p=p)]


@layer("Softmax")
def softmax(reader: Reader, layer: Layer, blobs: list[Blob]) -> list[Blob]:
    """Softmax over one axis, that of the channels, wherever Caffe has it."""
    blob = reader.one_of(layer, blobs)
    axis = axis_of(layer, blob, layer.message.message("softmax_param"))
    if not blob.is_channels(axis):
        try_plain = blob.extents[axis] == blob.shape.channels and axis == 0
        if not try_plain and len(blob.axes) > 1 and blob.extents[axis] > 1:
            count = blob.shape.elements // blob.extents[axis]
            reason = f"{count:,} softmaxes of {blob.extents[axis]:,} of the elements have no operator"
            return [reader.opaque(layer, blob, reason)]
        blob = reader.plain(layer, blob)
    return [_each(reader, layer, blob, "softmax")]


@layer("Eltwise")
def eltwise(reader: Reader, layer: Layer, blobs: list[Blob]) -> list[Blob]:
    """Sum, with a coefficient for each bottom, product or maximum."""
    message = layer.message.message("eltwise_param")
    word = message.word("operation", "SUM")
    word = {"0": "PROD", "1": "SUM", "2": "MAX"}.get(word, word)
    coefficients = message.numbers("coeff")
    if coefficients and len(coefficients) != len(blobs):
        raise layer.refusal(f"it has {len(coefficients)} coefficients for {len(blobs)} bottoms")
    merge = {"SUM": _sum, "PROD": _product, "MAX": _maximum}.get(word)
    if merge is None:
        raise layer.refusal(f"`operation: {word}` is none of SUM, PROD, MAX")
    if len(blobs) < 2:
        raise layer.refusal("it merges two bottoms or more")
    if any(blob.axes != blobs[0].axes or blob.shape != blobs[0].shape for blob in blobs):
        blobs = [reader.plain(layer, blob) for blob in blobs]
    for blob in blobs:
        if blob.extents != blobs[0].extents:
            raise layer.refusal(f"its bottoms are {blobs[0].shape} and {blob.shape}; Eltwise repeats nothing")
    return [merge(reader, layer, blobs, coefficients)._replace(axes=blobs[0].axes)]


def _sum(reader: Reader, layer: Layer, blobs: list[Blob], coefficients: list[Fraction]) -> Blob:
    if len(blobs) == 2 and coefficients == [1, -1]:
        return reader.emit(layer, "sub", [blob.call for blob in blobs])
    if coefficients == [Fraction(1, len(blobs))] * len(blobs):
        return reader.emit(layer, "mean", [blob.call for blob in blobs])
    branches = [
        blob if factor == 1 else _scaled(reader, layer, blob, factor, f"coeff{at}")
        for at, (blob, factor) in enumerate(zip(blobs, coefficients or [Fraction(1)] * len(blobs), strict=True))
    ]
    return reader.emit(layer, "add", [blob.call for blob in branches])


def _product(reader: Reader, layer: Layer, blobs: list[Blob], _: list[Fraction]) -> Blob:
    return reader.emit(layer, "mul", [blob.call for blob in blobs])


def _maximum(reader: Reader, layer: Layer, blobs: list[Blob], _: list[Fraction]) -> Blob:
    """Channels of all bottoms in turn, of which maxout takes the largest; features have no turns to take."""
    found = reader.emit(layer, "concat", [blob.call for blob in blobs], part="concat")
    if found.shape.rank == 0:
        reason = f"the maximum of {len(blobs)} vectors has no operator"
        return reader.opaque(layer, found, reason, blobs[0].shape)
    found = reader.emit(layer, "channel_shuffle", [found.call], part="in_turn", groups=len(blobs))
    return reader.emit(layer, "maxout", [found.call], pieces=len(blobs))


@layer("Axpy")
def axpy(reader: Reader, layer: Layer, blobs: list[Blob]) -> list[Blob]:
    """SENet's `a*x + y`, a number for each channel."""
    if len(blobs) != 3:
        raise layer.refusal("it has three bottoms: factors, x and y")
    factors, x, y = (reader.plain(layer, blob) for blob in blobs)
    product = reader.emit(layer, "mul", [factors.call, x.call], part="mul")
    return [reader.emit(layer, "add", [product.call, y.call])]

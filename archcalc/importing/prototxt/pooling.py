"""Pooling of Caffe: windows that hang over the end are kept, and clipped only where there is padding."""

from __future__ import annotations

from typing import Any

from archcalc.importing.prototxt.blobs import Blob
from archcalc.importing.prototxt.net import Layer
from archcalc.importing.prototxt.reader import Reader, layer, one_or_all
from archcalc.importing.prototxt.text import Message
from archcalc.importing.prototxt.weighted import per_axis
from archcalc.ops import Shape

METHODS = {"MAX": "maxpool", "AVE": "avgpool", "0": "maxpool", "1": "avgpool"}


@layer("Pooling")
def pooling(reader: Reader, layer: Layer, blobs: list[Blob]) -> list[Blob]:
    """Max or average pooling by pooling_layer.cpp. A second top of a max pooling, its mask, is the pooling itself."""
    message = layer.message.message("pooling_param")
    blob = reader.plain(layer, reader.one_of(layer, blobs))
    x = blob.shape
    if x.rank == 0:
        raise layer.refusal(f"its input is {x}, without spatial axes")
    word = message.word("pool", "MAX")
    name = METHODS.get(word)
    if name is None and word not in ("STOCHASTIC", "2"):
        raise layer.refusal(f"`pool: {word}` is none of MAX, AVE, STOCHASTIC")
    if message.flag("global_pooling", False):
        for each in ("stride", "pad", "stride_h", "stride_w", "pad_h", "pad_w"):
            message.integers(each)
        return _pool(reader, layer, blob, name, _extents(blob), (1,) * x.rank, (0,) * x.rank, True) * max(
            1, len(layer.tops)
        )
    kernel = per_axis(layer, message, x.rank, "kernel_size", "kernel", None)
    stride = per_axis(layer, message, x.rank, "stride", "stride", 1)
    padding = per_axis(layer, message, x.rank, "pad", "pad", 0)
    return _pool(reader, layer, blob, name, kernel, stride, padding, is_ceil(layer, message)) * max(1, len(layer.tops))


def is_ceil(layer: Layer, message: Message) -> bool:
    """Whether extents are rounded up: BVLC's `round_mode`, or `ceil_mode` of forks.

    Raises:
        SpecError: another word.
    """
    word = message.word("round_mode", "CEIL")
    if word not in ("CEIL", "FLOOR", "0", "1"):
        raise layer.refusal(f"`round_mode: {word}` is none of CEIL, FLOOR")
    return message.flag("ceil_mode", word in ("CEIL", "0"))


def _pool(
    reader: Reader,
    layer: Layer,
    blob: Blob,
    name: str | None,
    kernel: tuple[int, ...],
    stride: tuple[int, ...],
    padding: tuple[int, ...],
    ceil: bool,
) -> list[Blob]:
    x, extents = blob.shape, _extents(blob)
    if any(k < 1 for k in kernel) or any(s < 1 for s in stride):
        raise layer.refusal("a kernel and a stride are at least 1")
    if any(p >= k for p, k in zip(padding, kernel, strict=True)):
        raise layer.refusal("the padding of a pooling is smaller than its kernel")
    wanted = [
        _extent(extent, k, s, p, ceil, any(padding))
        for extent, k, s, p in zip(extents, kernel, stride, padding, strict=True)
    ]
    if min(wanted) < 1:
        raise layer.refusal(f"a window of {'x'.join(map(str, kernel))} does not fit into {x}")
    if name is None:
        shape = Shape(x.channels, tuple(wanted))
        return [reader.opaque(layer, blob, "stochastic pooling has no operator", shape)]
    if layer.message.message("pooling_param").flag("global_pooling", False) and not any(padding):
        return [reader.emit(layer, f"global_{name}", [blob.call])]
    hangs = ceil and any(s > 1 for s in stride)
    extras: dict[str, Any] = {"ceil": hangs}
    if hangs and wanted != _clipped(extents, kernel, stride, padding):
        # Without padding Caffe keeps a last window that begins beyond the end.
        after = [(n - 1) * s + k - extent for n, extent, k, s in zip(wanted, extents, kernel, stride, strict=True)]
        sides = tuple((0, max(0, more)) for more in after)
        blob = reader.emit(layer, "pad", [blob.call], part="pad", padding=sides)
        extras = {}
    found = reader.emit(
        layer,
        name,
        [blob.call],
        kernel=one_or_all(kernel),
        stride=one_or_all(stride),
        padding=one_or_all(padding),
        **extras,
    )
    if list(found.shape.spatial) != wanted:
        raise layer.refusal(f"Caffe gives {'x'.join(map(str, wanted))}, and no operator does")
    return [found]


def _extents(blob: Blob) -> tuple[int, ...]:
    found: tuple[Any, ...] = blob.shape.spatial
    return found


def _extent(extent: int, kernel: int, stride: int, padding: int, ceil: bool, clips: bool) -> int:
    """pooling_layer.cpp, Reshape; `clips`: there is padding along some axis."""
    reach = extent + 2 * padding - kernel
    found = (-(-reach // stride) if ceil else reach // stride) + 1
    if clips and (found - 1) * stride >= extent + padding:
        found -= 1
    return found


def _clipped(
    extents: tuple[int, ...], kernel: tuple[int, ...], stride: tuple[int, ...], padding: tuple[int, ...]
) -> list[int]:
    each = zip(extents, kernel, stride, padding, strict=True)
    return [_extent(extent, k, s, p, True, True) for extent, k, s, p in each]


@layer("SPP")
def pyramid(reader: Reader, layer: Layer, blobs: list[Blob]) -> list[Blob]:
    """Spatial pyramid pooling, spp_layer.cpp: 1, 4, 16, ... windows over the map, in a row."""
    message = layer.message.message("spp_param")
    blob = reader.plain(layer, reader.one_of(layer, blobs))
    height, method = message.integer("pyramid_height", 0), METHODS.get(message.word("pool", "MAX"))
    if not 1 <= height <= 16 or method is None or blob.shape.rank != 2:
        raise layer.refusal("it needs an image, a `pyramid_height`, and a `pool` of MAX or AVE")
    levels = []
    for level in range(height):
        bins = 2**level
        kernel = tuple(-(-extent // bins) for extent in blob.shape.spatial)
        rest = (k * bins - extent for k, extent in zip(kernel, blob.shape.spatial, strict=True))
        found = _pool(reader, layer, blob, method, kernel, kernel, tuple((each + 1) // 2 for each in rest), True)[0]
        levels.append(found if height == 1 else reader.emit(layer, "flatten", [found.call], part=f"flatten{level}"))
    if height == 1:
        return levels
    return [reader.emit(layer, "concat", [each.call for each in levels], part="concat")]


@layer("LRN")
def response_norm(reader: Reader, layer: Layer, blobs: list[Blob]) -> list[Blob]:
    """Local response normalisation; within a channel its parts have no operator each, and it costs no MACs."""
    message = layer.message.message("lrn_param")
    blob = reader.plain(layer, reader.one_of(layer, blobs))
    size, alpha = message.integer("local_size", 5), message.number("alpha", "1")
    beta, k = message.number("beta", "0.75"), message.number("k", "1")
    if size % 2 == 0:
        raise layer.refusal(f"`local_size: {size}` must be odd")
    if message.word("norm_region", "ACROSS_CHANNELS") in ("WITHIN_CHANNEL", "1"):
        return [reader.opaque(layer, blob, "LRN within a channel has no operator")]
    return [reader.emit(layer, "lrn", [blob.call], size=size, alpha=alpha, beta=beta, k=k)]


@layer("MVN")
def mean_variance(reader: Reader, layer: Layer, blobs: list[Blob]) -> list[Blob]:
    """Mean and variance of an example taken out, of each channel or of all."""
    message = layer.message.message("mvn_param")
    blob = reader.plain(layer, reader.one_of(layer, blobs))
    eps = message.number("eps", "1e-9")
    if not message.flag("normalize_variance", True):
        return [reader.opaque(layer, blob, "MVN without the variance has no operator")]
    if message.flag("across_channels", False):
        return [reader.emit(layer, "layer_norm", [blob.call], scale=False, shift=False, whole=True, eps=eps)]
    return [reader.emit(layer, "instance_norm", [blob.call], eps=eps)]

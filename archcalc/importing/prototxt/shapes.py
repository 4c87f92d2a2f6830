"""Layers of Caffe that rename, cut and join, and those of forks that resize."""

from __future__ import annotations

from itertools import pairwise
from math import prod

from archcalc.importing.prototxt.blobs import Blob, axes_of
from archcalc.importing.prototxt.net import Layer, dims_of
from archcalc.importing.prototxt.reader import Reader, axis_of, layer, one_or_all
from archcalc.ops import LayerReference, Shape


@layer("Split")
def split(reader: Reader, layer: Layer, blobs: list[Blob]) -> list[Blob]:
    """Other names of one blob."""
    return [reader.one_of(layer, blobs)] * len(layer.tops)


@layer("Flatten")
def flatten(reader: Reader, layer: Layer, blobs: list[Blob]) -> list[Blob]:
    """Axes from `axis` to `end_axis` as one."""
    message, blob = layer.message.message("flatten_param"), reader.one_of(layer, blobs)
    start, end = axis_of(layer, blob, message), axis_of(layer, blob, message, -1, "end_axis")
    if end < start:
        raise layer.refusal("`end_axis` comes before `axis`")
    extents = blob.extents
    return [_reshaped(reader, layer, blob, (*extents[:start], prod(extents[start : end + 1]), *extents[end + 1 :]))]


@layer("Reshape")
def reshape(reader: Reader, layer: Layer, blobs: list[Blob]) -> list[Blob]:
    """Other axes, reshape_layer.cpp: 0 keeps one, -1 is what is left. The batch stays the batch."""
    message, blob = layer.message.message("reshape_param"), reader.one_of(layer, blobs)
    dims = dims_of(message.message("shape"))
    before = [-1, *blob.extents]  # the batch, of unknown size
    start = message.integer("axis", 0)
    start = start if start >= 0 else len(before) + start + 1
    count = message.integer("num_axes", -1)
    end = len(before) if count == -1 else start + count
    if not 0 <= start <= end <= len(before):
        raise layer.refusal("`axis` and `num_axes` are out of range")
    if start == 0 and end > 0:
        first = dims[0] if dims else 0
        if first not in (0, reader.batch) and not (first == -1 and -1 not in dims[1:]):
            raise layer.refusal(f"`dim: {first}` takes the batch apart: it mixes examples")
        dims, start = dims[1:], 1
    elif start == 0:
        raise layer.refusal("it puts an axis before the batch")
    try:
        new = [before[start + at] if dim == 0 else dim for at, dim in enumerate(dims)]
    except IndexError:
        raise layer.refusal("`dim: 0` keeps an axis that its input does not have") from None
    whole = [*before[1:start], *new, *before[end:]]
    total, known = prod(blob.extents), prod(dim for dim in whole if dim != -1)
    if whole.count(-1) > 1 or any(dim < -1 or dim == 0 for dim in whole) or total % known:
        raise layer.refusal(f"{'x'.join(map(str, blob.extents))} does not fill {'x'.join(map(str, whole))}")
    extents = tuple(total // known if dim == -1 else dim for dim in whole)
    if prod(extents) != total:
        raise layer.refusal(f"{'x'.join(map(str, blob.extents))} does not fill {'x'.join(map(str, extents))}")
    return [_reshaped(reader, layer, blob, extents)]


def _reshaped(reader: Reader, layer: Layer, blob: Blob, extents: tuple[int, ...]) -> Blob:
    found = blob.reshaped(extents)
    if found is None:
        blob = reader.plain(layer, blob.reshaped((prod(extents),)) or blob)
        found = blob.reshaped(extents)
    if found is None:
        raise layer.refusal(f"{'x'.join(map(str, blob.extents))} as {'x'.join(map(str, extents))} has no operator")
    return reader.plain(layer, found) if len(extents) == 1 else found


@layer("Permute")
def permute(reader: Reader, layer: Layer, blobs: list[Blob]) -> list[Blob]:
    """SSD's layer: axes in another order, those that are not named after the others."""
    blob = reader.one_of(layer, blobs)
    order = layer.message.message("permute_param").integers("order")
    count = len(blob.axes) + 1
    order += [axis for axis in range(count) if axis not in order]
    if sorted(order) != list(range(count)):
        raise layer.refusal(f"`order` is no order of the {count} axes of its input")
    if order[0] != 0:
        raise layer.refusal("it moves the batch: it mixes examples")
    return [blob.permuted([axis - 1 for axis in order[1:]])]


@layer("Concat")
def concat(reader: Reader, layer: Layer, blobs: list[Blob]) -> list[Blob]:
    """Blobs side by side along an axis: the channels, or the positions of sequences or rows of images."""
    message = layer.message.message("concat_param")
    name = "concat_dim" if "concat_dim" in message else "axis"
    if len(blobs) == 1:
        return [blobs[0]]
    if not blobs:
        raise layer.refusal("it has no bottoms")
    axis = axis_of(layer, blobs[0], message, 1, name)
    others = [blob.axes[:axis] + blob.axes[axis + 1 :] for blob in blobs if len(blob.axes) == len(blobs[0].axes)]
    if len(others) != len(blobs):
        raise layer.refusal("its bottoms have different numbers of axes")
    if not all(blob.is_channels(axis) for blob in blobs) or len(set(others)) != 1:
        blobs = [reader.plain(layer, blob) for blob in blobs]
        if axis:
            return [_joined(reader, layer, blobs, axis)]
    found = reader.emit(layer, "concat", [blob.call for blob in blobs])
    axes = list(blobs[0].axes)
    axes[axis] = axes_of(found.shape)[0]
    return [found._replace(axes=tuple(axes))]


def _joined(reader: Reader, layer: Layer, blobs: list[Blob], axis: int) -> Blob:
    rank = blobs[0].shape.rank
    others = {blob.extents[:axis] + blob.extents[axis + 1 :] for blob in blobs}
    if len(others) != 1 or (rank, axis) not in ((1, 1), (2, 1)):
        raise layer.refusal(f"`axis: {axis + 1}` of {', '.join(str(blob.shape) for blob in blobs)} has no operator")
    if rank == 1:
        return reader.emit(layer, "join", [blob.call for blob in blobs])
    rows = [reader.emit(layer, "to_sequence", [each.call], part=f"rows{at}") for at, each in enumerate(blobs)]
    found = reader.emit(layer, "join", [each.call for each in rows], part="join")
    height = sum(blob.shape.spatial[0] for blob in blobs)
    return reader.emit(layer, "to_image", [found.call], height=height, width=blobs[0].shape.spatial[1])


@layer("Slice")
def slices(reader: Reader, layer: Layer, blobs: list[Blob]) -> list[Blob]:
    """Parts of an axis, a top each: at the points that are given, or as many equal ones."""
    message, blob = layer.message.message("slice_param"), reader.one_of(layer, blobs)
    name = "slice_dim" if "slice_dim" in message else "axis"
    axis = axis_of(layer, blob, message, 1, name)
    extent, count = blob.extents[axis], len(layer.tops)
    points = message.integers("slice_point")
    if not points and count and extent % count == 0:
        points = [extent // count * at for at in range(1, count)]
    edges = [0, *points, extent]
    if len(edges) != count + 1 or any(a >= b for a, b in pairwise(edges)):
        raise layer.refusal(f"{points} does not cut {extent} into {count} tops")
    if count == 1:
        return [blob]
    if blob.is_channels(axis):
        return [_channels(reader, layer, blob, axis, at, edges) for at in range(count)]
    blob = reader.plain(layer, blob)
    if axis == 0:
        return [_channels(reader, layer, blob, axis, at, edges) for at in range(count)]
    found = []
    for at in range(count):
        start = tuple(edges[at] if place == axis - 1 else 0 for place in range(blob.shape.rank))
        stop = tuple(edges[at + 1] if place == axis - 1 else all_of for place, all_of in enumerate(blob.shape.spatial))
        part = reader.emit(layer, "slice_positions", [blob.call], part=layer.tops[at], start=start, stop=stop)
        found.append(part)
    return found


def _channels(reader: Reader, layer: Layer, blob: Blob, axis: int, at: int, edges: list[int]) -> Blob:
    part = reader.emit(layer, "slice_channels", [blob.call], part=layer.tops[at], start=edges[at], stop=edges[at + 1])
    axes = list(blob.axes)
    axes[axis] = axes_of(part.shape)[0]
    return part._replace(axes=tuple(axes))


@layer("Crop")
def crop(reader: Reader, layer: Layer, blobs: list[Blob]) -> list[Blob]:
    """The first bottom cut to the extents of the second, from `offset` on."""
    message = layer.message.message("crop_param")
    if len(blobs) != 2:
        raise layer.refusal("it has two bottoms: what is cut, and what has the extents")
    blob, other = reader.plain(layer, blobs[0]), blobs[1]
    axis = axis_of(layer, blob, message, 2)
    offsets = message.integers("offset") or [0]
    if len(other.axes) != len(blob.axes) or len(offsets) not in (1, len(blob.axes) - axis):
        raise layer.refusal("its bottoms and its `offset` have different numbers of axes")
    offsets = offsets * (len(blob.axes) - axis) if len(offsets) == 1 else offsets
    edges = list(zip(blob.extents, other.extents, [0] * axis + offsets, strict=True))
    for at, (given, wanted, offset) in enumerate(edges[axis:], axis):
        if offset + wanted > given:
            raise layer.refusal(f"{given} positions of axis {at + 1} are fewer than {wanted} from {offset} on")
    if axis == 0:
        start = edges[0][2]
        if edges[0][0] != edges[0][1]:
            blob = reader.emit(
                layer, "slice_channels", [blob.call], part="channels", start=start, stop=start + edges[0][1]
            )
    sides = [(0, 0) if at < axis else (o, given - wanted - o) for at, (given, wanted, o) in enumerate(edges)][1:]
    if not any(before or after for before, after in sides):
        return [blob]
    return [reader.emit(layer, "crop", [blob.call], sides=tuple(sides))]


@layer("Tile")
def tile(reader: Reader, layer: Layer, blobs: list[Blob]) -> list[Blob]:
    """An axis so many times over."""
    message, blob = layer.message.message("tile_param"), reader.plain(layer, reader.one_of(layer, blobs))
    axis, times = axis_of(layer, blob, message), message.integer("tiles", 1)
    if times == 1:
        return [blob]
    if axis == 0:
        return [reader.emit(layer, "repeat_channels", [blob.call], times=times)]
    if blob.extents[axis] == 1:
        scale = tuple(times if place == axis - 1 else 1 for place in range(blob.shape.rank))
        return [reader.emit(layer, "upsample", [blob.call], scale=scale)]
    raise layer.refusal(f"`axis: {axis + 1}` of {blob.shape} {times} times over has no operator")


@layer("Reduction")
def reduction(reader: Reader, layer: Layer, blobs: list[Blob]) -> list[Blob]:
    """All axes from `axis` on as one number; the mean of positions is a global pooling."""
    message, blob = layer.message.message("reduction_param"), reader.plain(layer, reader.one_of(layer, blobs))
    axis = axis_of(layer, blob, message, 0)
    word = message.word("operation", "SUM")
    if word in ("MEAN", "4") and axis == 1 and message.number("coeff", "1") == 1:
        found = reader.emit(layer, "global_avgpool", [blob.call])
        return [reader.emit(layer, "flatten", [found.call], part="flatten")]
    message.number("coeff", "1")
    shape = Shape(prod(blob.extents[:axis]))
    return [reader.opaque(layer, blob, f"Reduction by {word} from axis {axis + 1} on has no operator", shape)]


@layer("ArgMax")
def arg_max(reader: Reader, layer: Layer, blobs: list[Blob]) -> list[Blob]:
    """The places of the largest elements, of all or along an axis."""
    message, blob = layer.message.message("argmax_param"), reader.one_of(layer, blobs)
    top, pairs = message.integer("top_k", 1), message.flag("out_max_val", False)
    reason = "ArgMax has no operator"
    if "axis" not in message:
        return [reader.opaque(layer, reader.plain(layer, blob), reason, Shape(top * (1 + pairs)))]
    axis = axis_of(layer, blob, message)
    if not blob.is_channels(axis):
        raise layer.refusal(f"ArgMax along axis {axis + 1} has no operator")
    return [reader.opaque(layer, blob, reason, Shape(top, reader.plain(layer, blob).shape.spatial))]


@layer("ShuffleChannel", "ChannelShuffle")
def shuffle(reader: Reader, layer: Layer, blobs: list[Blob]) -> list[Blob]:
    """ShuffleNet's layer of forks."""
    groups = layer.message.message("shuffle_channel_param").integer("group", 1)
    blob = reader.plain(layer, reader.one_of(layer, blobs))
    return [blob if groups == 1 else reader.emit(layer, "channel_shuffle", [blob.call], groups=groups)]


@layer("Reorg")
def reorganise(reader: Reader, layer: Layer, blobs: list[Blob]) -> list[Blob]:
    """YOLO's space to depth, of forks."""
    message, blob = layer.message.message("reorg_param"), reader.plain(layer, reader.one_of(layer, blobs))
    name = "pixel_shuffle" if message.flag("reverse", False) else "pixel_unshuffle"
    return [reader.emit(layer, name, [blob.call], factor=message.integer("stride", 2))]


@layer("Interp")
def interpolation(reader: Reader, layer: Layer, blobs: list[Blob]) -> list[Blob]:
    """Bilinear, first and last positions staying where they are: Interp of DeepLab's and PSPNet's forks."""
    message, blob = layer.message.message("interp_param"), reader.plain(layer, blobs[0])
    if blob.shape.rank != 2:
        raise layer.refusal(f"it reads an image, not {blob.shape}")
    pads = message.integer("pad_beg", 0), message.integer("pad_end", 0)
    if any(pads):
        raise layer.refusal("`pad_beg` and `pad_end` are not known here")
    size = [extent + (message.integer("zoom_factor", 1) - 1) * (extent - 1) for extent in blob.shape.spatial]
    shrink = message.integer("shrink_factor", 1)
    if shrink > 1:
        size = [(extent - 1) // shrink + 1 for extent in blob.shape.spatial]
        size = [extent + (message.integer("zoom_factor", 1) - 1) * (extent - 1) for extent in size]
    if "height" in message or "width" in message:
        size = [message.integer("height", 0), message.integer("width", 0)]
    if len(blobs) == 2:
        size = list(blobs[1].extents[1:])
    return [reader.emit(layer, "upsample", [blob.call], size=one_or_all(size), mode="bilinear", align_corners=True)]


@layer("Upsample")
def upsample(reader: Reader, layer: Layer, blobs: list[Blob]) -> list[Blob]:
    """SegNet's, by the places of a max pooling (the second bottom); or by repetition."""
    message, blob = layer.message.message("upsample_param"), reader.plain(layer, blobs[0])
    scale = message.integer("scale", message.integer("stride", 2))
    if len(blobs) == 1:
        return [reader.emit(layer, "upsample", [blob.call], scale=scale)]
    pool = reader.calls[blobs[1].call] if blobs[1].call >= 0 else None
    if pool is None or pool.operator.name != "maxpool":
        raise layer.refusal("its second bottom is not the mask of a max pooling")
    x, y = reader.shape(pool.inputs[0]), pool.shape
    for name, given, extent in zip("hw", blob.extents[1:], x.spatial, strict=True):
        less = message.flag(f"pad_out_{name}", False)
        wanted = message.integer(f"upsample_{name}", scale * given - less)
        if wanted != extent:
            raise layer.refusal(f"it gives {wanted} positions, and the pooling `{pool.name}` read {extent}")
    return [
        reader.emit(layer, "unpool", [blob.call, blobs[1].call], pool=LayerReference(pool.name, blobs[1].call, x, y))
    ]

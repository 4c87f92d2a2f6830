"""Layers of Caffe's forks for detection: what depends on the image is `opaque`, of one region."""

from __future__ import annotations

from math import prod

from archcalc.importing.prototxt.blobs import Blob, plain
from archcalc.importing.prototxt.net import Layer
from archcalc.importing.prototxt.reader import Reader, layer, unknown_layer
from archcalc.importing.prototxt.text import Message
from archcalc.ops import Shape


@layer("PriorBox")
def prior_box(reader: Reader, layer: Layer, blobs: list[Blob]) -> list[Blob]:
    """SSD's boxes: constants of the extents alone, two rows of four numbers a box (prior_box_layer.cpp of the fork)."""
    message = layer.message.message("prior_box_param")
    reader.ignore(layer)
    ratios = {1.0}
    for ratio in message.numbers("aspect_ratio"):
        ratios |= {float(ratio), 1 / float(ratio)} if message.flag("flip", True) and ratio else {float(ratio)}
    kinds = len({round(ratio, 6) for ratio in ratios}) * len(message.numbers("min_size"))
    kinds += len(message.numbers("max_size"))
    boxes = kinds * prod(blobs[0].extents[1:]) if blobs else 0
    if boxes < 1:
        raise layer.refusal("it has no `min_size`, or no input")
    found = reader.emit(layer, "fixed", (), channels=2, length=4 * boxes)
    reader.buffer(layer, 0, (2, 4 * boxes))
    return [plain(found.call, found.shape)]


@layer("DetectionOutput")
def detections(reader: Reader, layer: Layer, blobs: list[Blob]) -> list[Blob]:
    """The boxes that are left after suppression: how many comparisons that takes, the image says."""
    reader.ignore(layer)
    flat = [reader.plain(layer, blob) for blob in blobs[:2]]
    if any(blob.shape.rank for blob in flat) or len(flat) != 2:
        raise layer.refusal("its first two bottoms are vectors: places and confidences")
    both = reader.emit(layer, "concat", [blob.call for blob in flat], part="concat")
    reason = "non-maximum suppression depends on the image"
    return [reader.emit(layer, "opaque", [both.call], reason=reason, channels=7, params=0, macs=0)]


@layer("Proposal", "ProposalLayer", "RPNProposal", "Python")
def proposals(reader: Reader, layer: Layer, blobs: list[Blob]) -> list[Blob]:
    """Regions of an image, five numbers each, and perhaps their scores; how many there are, the image says."""
    if not 1 <= len(layer.tops) <= 2 or len(blobs) < 2 or any(blob.shape.rank != 2 for blob in blobs[:2]):
        raise unknown_layer(layer)
    reader.ignore(layer)
    maps = [reader.plain(layer, blob) for blob in blobs[:2]]
    both = reader.emit(layer, "concat", [blob.call for blob in maps], part="concat")
    reason = "proposals depend on the image"
    places = reader.opaque(layer, both, reason, Shape(5))
    return [places] if len(layer.tops) == 1 else [places, reader.opaque(layer, both, reason, Shape(1))]


@layer("ROIPooling", "ROIAlign", "ROIAlignment", "PSROIPooling", "PSROIAlign", "DeformablePSROIPooling")
def regions(reader: Reader, layer: Layer, blobs: list[Blob]) -> list[Blob]:
    """One region of a map at a fixed size; what follows is counted for one region."""
    found = [field.value for field in layer.message.fields if isinstance(field.value, Message)]
    message = next((each for each in found if "pooled_h" in each or "group_size" in each), None)
    if message is None or blobs[0].shape.rank != 2:
        raise layer.refusal("it needs an image, and the size of what it gives")
    blob = reader.plain(layer, blobs[0])
    group = message.integer("group_size", 1)
    size = message.integer("pooled_h", group), message.integer("pooled_w", group)
    channels = message.integer("output_dim", blob.shape.channels)
    reader.ignore(layer)
    if min(size) < 1 or channels < 1:
        raise layer.refusal("the size of what it gives is below 1")
    reader.note(f"After `{layer.name}` costs are those of one region; an image has as many as are proposed")
    return [reader.opaque(layer, blob, f"{layer.type} depends on the regions", Shape(channels, size))]

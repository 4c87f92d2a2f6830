"""A prototxt of Caffe, from the file to calls: its phase, its inputs, its layers in order, what it gives."""

from __future__ import annotations

import os
import re
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from archcalc.importing.calls import Calls
from archcalc.importing.prototxt import detection, pointwise, pooling, shapes, weighted  # noqa: F401 - each fills LAYERS
from archcalc.importing.prototxt.blobs import Blob, plain
from archcalc.importing.prototxt.net import Layer, State, declared_inputs, dims_of, is_in, layers_of, state_of
from archcalc.importing.prototxt.reader import LAYERS, Reader, unknown_layer
from archcalc.importing.prototxt.text import Message, parse_text
from archcalc.importing.prototxt.weighted import can_fuse
from archcalc.ops import Shape
from archcalc.source import Diagnostic, SpecError, read_source, suggestion

Given = Sequence[Any] | Mapping[str, Any] | str | int | None
MAX_BYTES = 16 << 20
"""A prototxt may be this long [bytes]; those of nets are shorter than 1 MB unless they hold weights."""
MAX_LAYERS = 100_000

DATA = frozenset(
    (
        "Data",
        "ImageData",
        "MemoryData",
        "HDF5Data",
        "WindowData",
        "AnnotatedData",
        "DummyData",
        "Python",
        "DenseImageData",
        "VideoData",
    )
)
LEFT_OUT = frozenset(("Accuracy", "Silence", "HDF5Output", "DetectionEvaluate", "SoftmaxWithLoss", "SegAccuracy"))
LINE = "archcalc import {} --input 3x224x224"
GENERIC = re.compile(r"(deploy|train|test|val|trainval|net|model|solver|[_\-.0-9]|prototxt)*", re.IGNORECASE)


def read_prototxt(path: str | os.PathLike[str], input: Given = None) -> Calls:
    """The network that a prototxt of Caffe describes, of one image.

    Layers are read by the rules of BVLC's Caffe at its last commit, and those of well-known forks; of phases, TEST.

    Args:
        path: the file.
        input: another shape of the first input, channels first, or the one that the file does not say, (3, 224, 224);
            of several inputs by their names.

    Raises:
        SpecError: the file cannot be read, is no net, or has layers that are not known, each with its place.
    """
    source = read_source(path, limit=MAX_BYTES, kind="a prototxt of Caffe")
    net = parse_text(source)
    reader = Reader()
    layers = _of_phase(reader, net, layers_of(net))
    if len(layers) > MAX_LAYERS:
        raise net.refusal("prototxt-net", f"the file has more than {MAX_LAYERS:,} layers")
    blobs = _inputs(reader, net, layers, input)
    return _read(reader, layers, blobs, _name(Path(path), net.word("name", "")), str(path))


def _of_phase(reader: Reader, net: Message, layers: list[Layer]) -> list[Layer]:
    """The layers of one phase: TEST, unless the file gives data for training alone."""
    state = state_of(net)
    chosen = [layer for layer in layers if is_in(layer, state)]
    has_input = "input" in net or any(layer.type in ("Input", *DATA) for layer in chosen)
    other = State("TRAIN" if state.phase == "TEST" else "TEST", state.level, state.stages)
    if not has_input and any(layer.type in DATA and is_in(layer, other) for layer in layers):
        state, chosen = other, [layer for layer in layers if is_in(layer, other)]
    if len(chosen) < len(layers):
        kept = {id(layer.message) for layer in chosen}
        names = [layer.name for layer in layers if id(layer.message) not in kept]
        reader.note(f"Read for the phase {state.phase}; of other phases or stages: {_listed(names)}")
    return list(_by_their_names(chosen))


def _by_their_names(layers: list[Layer]) -> Iterator[Layer]:
    """The layers, those of one name told apart: in Caffe they have weights of their own."""
    counts: Counter[str] = Counter()
    for layer in layers:
        counts[layer.name] += 1
        yield layer if counts[layer.name] == 1 else layer._replace(name=f"{layer.name}#{counts[layer.name]}")


def _inputs(reader: Reader, net: Message, layers: list[Layer], input: Given) -> dict[str, Blob | None]:
    """Blobs of the inputs; None for labels. The first input has the shape that was asked for."""
    blobs: dict[str, Blob | None] = {}
    found: list[tuple[str, list[int] | None, Layer | None]] = [
        (name, dims, None) for name, dims in declared_inputs(net)
    ]
    for layer in layers:
        if layer.type == "Input":
            given = [dims_of(each) for each in layer.message.message("input_param").messages("shape")]
            given = given * len(layer.tops) if len(given) == 1 else given
            if given and len(given) != len(layer.tops):
                raise layer.refusal(f"it has {len(given)} shapes for {len(layer.tops)} tops")
            found += [(top, given[at] if given else None, layer) for at, top in enumerate(layer.tops)]
        elif layer.type in DATA and not layer.bottoms:
            found += [(top, dims, layer) for top, dims in zip(layer.tops[:1], [_data(reader, layer)], strict=False)]
            blobs |= dict.fromkeys(layer.tops[1:])
    if not found and input is not None:  # a part of a net: the first blob that nothing gives
        tops = {top for layer in layers for top in layer.tops}
        found += [(name, None, None) for layer in layers for name in layer.bottoms if name not in tops][:1]
    tokens = {layer.bottoms[0] for layer in layers if layer.type == "Embed" and layer.bottoms}
    only_left_out = _labels(layers)
    for name, said, given_by in found:
        if name in only_left_out and len(found) > 1:
            blobs[name] = None
            continue
        asked = _asked(net, input, name, is_first=not reader.inputs)
        dims = said if asked is None else [said[0] if said else 1, *asked]
        if dims is None:
            help = f"say it: {LINE.format(net.source.name)}"
            raise _refusal(net, given_by, f"the shape of the input `{name}` is not said", help)
        dims = [*dims, 1] if len(dims) == 1 else dims
        if not 2 <= len(dims) <= 5 or min(dims[1:]) < 1:
            help = "a batch, channels, and up to three extents"
            raise _refusal(net, given_by, f"the input `{name}` has the shape {dims}", help)
        _say_batch(reader, dims[0])
        shape = Shape(None, tuple(dims[1:])) if name in tokens else Shape(dims[1], tuple(dims[2:]))
        reader.inputs[name] = shape
        blobs[name] = plain(-len(reader.inputs), shape)
    if not reader.inputs:
        help = f"a deploy.prototxt has an input; or say its shape: {LINE.format(net.source.name)}"
        raise net.refusal("prototxt-net", "the net has no input", help)
    return blobs


def _asked(net: Message, input: Given, name: str, is_first: bool) -> list[int] | None:
    """The shape that was asked for of an input, without the batch; None: the file's own."""
    given = input.get(name) if isinstance(input, Mapping) else input if is_first else None
    if isinstance(given, str):
        given = given.lower().split("x")
    try:
        return None if given is None else [int(given)] if isinstance(given, int) else [int(size) for size in given]
    except ValueError:
        raise net.refusal("prototxt-net", f"`{input}` is no shape", "channels first: 3x224x224") from None


def _refusal(net: Message, layer: Layer | None, message: str, help: str) -> SpecError:
    """An error at what names an input."""
    if layer is not None:
        return layer.refusal(message, help)
    return net.refusal("prototxt-net", message, help, net.place("input"))


def _labels(layers: list[Layer]) -> set[str]:
    """Blobs that losses and the like alone read."""
    read: dict[str, bool] = {}
    for layer in layers:
        for name in layer.bottoms:
            read[name] = read.get(name, True) and is_left_out(layer)
    return {name for name, only in read.items() if only}


def is_left_out(layer: Layer) -> bool:
    """Whether a layer is no part of the network: it measures it, or holds nothing."""
    is_loss = layer.type.endswith("Loss") or (layer.type == "Python" and "loss_weight" in layer.message)
    return is_loss or layer.type in LEFT_OUT


def _data(reader: Reader, layer: Layer) -> list[int] | None:
    """The shape that a data layer gives, where it says one: crops, or numbers of its own."""
    transform = layer.message.message("transform_param")
    for name in ("data_param", "image_data_param", "window_data_param", "memory_data_param", "dummy_data_param"):
        message = layer.message.message(name)
        batch = message.integer("batch_size", 1)
        if given := message.messages("shape"):
            return dims_of(given[0])
        if "channels" in message:
            sizes = [message.integers(each)[:1] for each in ("channels", "height", "width")]
            return [(message.integers("num") or [batch])[0], *(size[0] for size in sizes if size)]
        crop = transform.integer("crop_size", 0) or message.integer("crop_size", 0)
        width, height = message.integer("new_width", crop), message.integer("new_height", crop)
        if crop or (width and height):
            rows, columns = (crop, crop) if crop else (height, width)
            is_gray = transform.flag("force_gray", False) or not message.flag("is_color", True)
            if not is_gray and not transform.flag("force_color", False) and len(transform.all("mean_value")) != 3:
                reader.note(
                    f"`{layer.name}` does not say how many channels its images have: 3, unless --input says more"
                )
            return [batch, 1 if is_gray else 3, rows, columns]
    return None


def _say_batch(reader: Reader, batch: int) -> None:
    if reader.batch is None:
        reader.batch = batch
        if batch > 1:
            reader.note(f"The file says a batch of {batch}; costs are of one example")


def _read(reader: Reader, layers: list[Layer], blobs: dict[str, Blob | None], name: str, source: str) -> Calls:
    """Layer after layer, each reading the blobs of that moment: a top may have the name of a bottom."""
    unknown: list[SpecError] = []
    left_out: list[str] = []
    fused = _fused(layers)
    reader.fused = dict(fused.values())
    unread: dict[str, Layer] = {}  # blobs that no layer has read yet, with what gave them
    for layer in layers:
        if layer.type == "Input" or (layer.type in DATA and not layer.bottoms):
            continue
        if is_left_out(layer):
            left_out.append(layer.name)
            blobs |= dict.fromkeys(layer.tops)
            continue
        missing = [bottom for bottom in layer.bottoms if bottom not in blobs]
        if missing and not unknown:
            near = suggestion(missing[0], blobs, "each `bottom` is the `top` of a layer above, or an input")
            raise layer.refusal(f"nothing gives its bottom `{missing[0]}`", near)
        if missing or any(blobs[bottom] is None for bottom in layer.bottoms):
            blobs |= dict.fromkeys(layer.tops)
            continue
        read = [blob for bottom in layer.bottoms if (blob := blobs[bottom]) is not None]
        for bottom in layer.bottoms:
            unread.pop(bottom, None)
        rule = LAYERS.get(layer.type)
        if rule is None:
            unknown.append(unknown_layer(layer))
            blobs |= dict.fromkeys(layer.tops)
            continue
        if layer.name in fused:
            given = read
        elif not read:
            raise layer.refusal("it has no bottom")
        else:
            given = rule(reader, layer, read)
            reader.say_unread(layer)
        if len(given) < len(layer.tops):
            raise layer.refusal(f"it has {len(layer.tops)} tops, and gives {len(given)}")
        blobs |= dict(zip(layer.tops, given, strict=False))
        unread |= dict.fromkeys(layer.tops, layer)
    if unknown:
        raise SpecError([diagnostic for error in unknown for diagnostic in error.diagnostics])
    if left_out:
        reader.note(f"Left out, as no part of the network: {_listed(left_out)}")
    return _calls(reader, blobs, unread, name, source)


def _fused(layers: list[Layer]) -> dict[str, tuple[str, Layer]]:
    """Scale layers that alone read what a BatchNorm gives: by their name, the norm's name and themselves."""
    found: dict[str, tuple[str, Layer]] = {}
    readers: dict[str, list[Layer]] = {}  # of the blob that has a name now
    given: dict[str, Layer] = {}  # BatchNorms by their tops
    pairs: list[tuple[Layer, list[Layer]]] = []
    for layer in layers:
        if is_left_out(layer):
            continue
        for bottom in layer.bottoms:
            readers.setdefault(bottom, []).append(layer)
        for top in layer.tops:
            readers[top] = []
            given.pop(top, None)
            if layer.type == "BatchNorm":
                given[top] = layer
                pairs.append((layer, readers[top]))
    for norm, reading in pairs:
        if len(reading) == 1 and can_fuse(reading[0]):
            found[reading[0].name] = (norm.name, reading[0])
    return found


def _calls(reader: Reader, blobs: dict[str, Blob | None], unread: dict[str, Layer], name: str, source: str) -> Calls:
    """What is read, without the calls that lead to no output."""
    outputs: dict[str, int] = {}
    for top, layer in unread.items():
        blob = blobs[top]
        if blob is None or (layer.type == "Slice" and any(other not in unread for other in layer.tops)):
            continue
        found = reader.plain(layer, blob) if len(blob.axes) == 1 else blob
        if found.call < 0:
            raise layer.refusal("the net gives its input as it is")
        outputs[top] = found.call
    if not outputs:
        raise SpecError(
            [Diagnostic("prototxt-net", f"`{source}` gives nothing: all of its layers measure or hold data")]
        )
    trained = {top: index for top, index in outputs.items() if _has_weights(reader, index)}
    outputs = trained or outputs  # what has none behind it is a target of a loss, or a table of boxes
    outputs = _with_ends(reader, outputs)
    *others, last = outputs
    if others:
        reader.note(f"Beside `{last}` it gives {_listed(others)}")
    return _alive(reader, {last: outputs[last], **outputs}, name, source)


def _has_weights(reader: Reader, index: int) -> bool:
    return any(
        weight in reader.parameters for call in _behind(reader, [index]) for weight in reader.calls[call].weights
    )


def _with_ends(reader: Reader, outputs: dict[str, int]) -> dict[str, int]:
    """The outputs after other ends that have weights of their own: proposals, which say only where to look."""
    needed = _behind(reader, list(outputs.values()))
    read = {index for call in reader.calls for index in call.inputs}
    ends: dict[str, int] = {}
    for index in range(len(reader.calls) - 1, -1, -1):
        if index in needed or index in read:
            continue
        behind = _behind(reader, [index])
        if any(weight in reader.parameters for call in behind - needed for weight in reader.calls[call].weights):
            ends[reader.calls[index].name] = index
            needed |= behind
    return {**ends, **outputs}


def _behind(reader: Reader, waiting: list[int]) -> set[int]:
    """Calls that these read, directly or not, and they themselves."""
    needed: set[int] = set()
    while waiting:
        index = waiting.pop()
        if index not in needed:
            needed.add(index)
            waiting += [other for other in reader.calls[index].inputs if other >= 0]
    return needed


def _alive(reader: Reader, outputs: dict[str, int], name: str, source: str) -> Calls:
    needed = _behind(reader, list(outputs.values()))
    read = {other for index in needed for other in reader.calls[index].inputs if other < 0}
    dead = [call.name for index, call in enumerate(reader.calls) if index not in needed]
    if dead:
        reader.note(f"Left out, for it leads to no output: {_listed(dead)}")
    names = list(reader.inputs)
    kept = [at for at in range(len(names)) if -1 - at in read]
    if len(kept) < len(names):
        reader.note(f"Inputs that nothing reads: {_listed([name for at, name in enumerate(names) if at not in kept])}")
    place = {index: at for at, index in enumerate(sorted(needed))} | {-1 - at: -1 - new for new, at in enumerate(kept)}
    calls = []
    for index in sorted(needed):
        call = reader.calls[index]
        call.inputs = tuple(place[other] for other in call.inputs)
        calls.append(call)
    used = {weight for call in calls for weight in call.weights}
    return Calls(
        name=name,
        inputs={names[at]: reader.inputs[names[at]] for at in kept},
        calls=calls,
        outputs={top: place[index] for top, index in outputs.items()},
        parameters={weight: shape for weight, shape in reader.parameters.items() if weight in used},
        buffers={weight: shape for weight, shape in reader.buffers.items() if weight in used},
        notes=reader.notes,
        source=source,
    )


def _name(path: Path, said: str) -> str:
    """The network's name: the file's, unless that says what every file is; then the one in it, or the folder's."""
    stem = path.name.removesuffix(".prototxt").removesuffix(".pt")
    if GENERIC.fullmatch(stem):
        stem = said or path.resolve().parent.name
    return stem or "network"


def _listed(names: list[str], most: int = 5) -> str:
    shown = ", ".join(f"`{name}`" for name in names[:most])
    return shown + (f" and {len(names) - most} more" if len(names) > most else "")

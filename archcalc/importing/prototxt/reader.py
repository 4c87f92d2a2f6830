"""A prototxt of Caffe as calls: layer by layer, by the rules in `LAYERS`."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from math import prod
from typing import Any

from archcalc.dims import RequirementError
from archcalc.importing.calls import Call
from archcalc.importing.prototxt.blobs import Blob, Factor, axes_of, plain
from archcalc.importing.prototxt.net import Layer, unread
from archcalc.importing.prototxt.text import Message
from archcalc.ops import OPERATORS, ArgumentError, Shape
from archcalc.source import SpecError, suggestion

# What changes no cost, in any of the parameters of a layer.
HARMLESS = frozenset(
    (
        "engine",
        "force_nd_im2col",
        "stable_prod_grad",
        "moving_average_fraction",
        "use_global_stats",
        "eps",
        "across_spatial",
        "weight_filler",
        "bias_filler",
        "filler",
        "cudnn_workspace_limit",
        "workspace_limit",
        "cudnn_math_override",
        "bn_mode",
        "sample_weights_test",
        "scale_filler",
        "shift_filler",
        "transpose",
    )
)
NOT_OF_COSTS = frozenset(("transform_param", "loss_param", "propagate_down"))
MOST_ELEMENTS = 1 << 40
"""A blob holds at most so many numbers; a larger one is a slip of the file."""


class Reader:
    """Calls as they are made, and the blobs that layers read by name."""

    def __init__(self) -> None:
        self.calls: list[Call] = []
        self.inputs: dict[str, Shape] = {}
        self.parameters: dict[str, tuple[int, ...]] = {}
        self.buffers: dict[str, tuple[int, ...]] = {}
        self.notes: list[str] = []
        self.fused: dict[str, Layer] = {}  # Scale layers by the name of their BatchNorm
        self.batch: int | None = None

    def shape(self, index: int) -> Shape:
        """What a call or an input gives."""
        return self.calls[index].shape if index >= 0 else list(self.inputs.values())[-1 - index]

    def emit(
        self,
        layer: Layer,
        name: str,
        inputs: Sequence[int] = (),
        weights: Sequence[str] = (),
        reason: str = "",
        part: str = "",
        **arguments: Any,
    ) -> Blob:
        """One call more, of the operator called `name`; `part` says which of several calls of a layer it is.

        Raises:
            SpecError: the operator refuses its arguments or its input.
        """
        try:
            operator = OPERATORS[name].of(arguments)
            shapes = [self.shape(index) for index in inputs]
            x = tuple(shapes) if operator.merges else () if operator.sources else shapes[0]
            shape = operator.infer(x)
        except (ArgumentError, RequirementError) as error:
            raise layer.refusal(f"{error}", getattr(error, "help", None)) from None
        self.check_size(layer, shape)
        if weights and layer.type != "BatchNorm" and len(layer.rates) >= len(weights) and not any(layer.rates):
            operator = operator.variant(trainable=False)
        called = f"{layer.name}/{part}" if part else layer.name
        self.calls.append(Call(operator, tuple(inputs), shape, (), called, tuple(weights), (), reason))
        return plain(len(self.calls) - 1, shape)

    def check_size(self, layer: Layer, shape: Shape) -> None:
        """Refuse what no machine holds.

        Raises:
            SpecError: the shape has too many elements.
        """
        if shape.elements > MOST_ELEMENTS:
            raise layer.refusal(f"it gives {shape}, more than {MOST_ELEMENTS:,} numbers")

    def weight(self, layer: Layer, number: int, shape: tuple[int, ...]) -> str:
        """The name of a blob of weights of a layer, which is one with every other blob of that name.

        Raises:
            SpecError: the other one has another number of elements.
        """
        name = layer.shared[number] if number < len(layer.shared) and layer.shared[number] else ""
        name = name or f"{layer.name}[{number}]"
        if prod(self.parameters.setdefault(name, shape)) != prod(shape):
            raise layer.refusal(f"the shared weights `{name}` have {self.parameters[name]}, and here {shape}")
        return name

    def buffer(self, layer: Layer, number: int, shape: tuple[int, ...]) -> str:
        """The name of a blob that is not trained."""
        name = f"{layer.name}[{number}]"
        self.buffers.setdefault(name, shape)
        return name

    def note(self, text: str) -> None:
        """A sentence for the reader, once."""
        if text not in self.notes:
            self.notes.append(text)

    def opaque(self, layer: Layer, blob: Blob, reason: str, shape: Shape | None = None, params: int = 0) -> Blob:
        """What has no operator, and neither MACs nor, unless said, parameters; its shape is that of its input or given.

        Raises:
            SpecError: no `opaque` gives that shape.
        """
        known: dict[str, Any] = {"params": params, "macs": 0}
        if shape is None:
            found = self.emit(layer, "opaque", [blob.call], reason=reason, channels=blob.shape.channels, **known)
            return found._replace(axes=blob.axes)
        given = self.plain(layer, blob)
        if shape.rank == 0 and given.shape.rank:
            given = self.emit(layer, "flatten", [given.call], part="flatten")
        strides = [_stride(a, b) for a, b in zip(given.shape.spatial, shape.spatial, strict=False)]
        if shape.rank == given.shape.rank and None in strides:  # of fewer positions than a stride leaves
            given = self.emit(layer, "crop", [given.call], part="crop", size=one_or_all(shape.spatial))
            strides = [1] * shape.rank
        if shape.rank != given.shape.rank:
            raise layer.refusal(f"{reason}; an opaque layer does not give {shape} from {given.shape}")
        if strides:
            known["stride"] = one_or_all([step or 1 for step in strides])
        return self.emit(layer, "opaque", [given.call], reason=reason, channels=shape.channels, **known)

    def ignore(self, layer: Layer) -> None:
        """Nothing that a layer is told changes what is known of it."""
        for field in layer.message.fields:
            if isinstance(field.value, Message):
                layer.message.read.add(field.name)
                field.value.read.update(each.name for each in field.value.fields)

    def plain(self, layer: Layer, blob: Blob) -> Blob:
        """The blob as channels and extents, by whatever operators make it so.

        Raises:
            SpecError: there are none that do.
        """
        if blob.is_plain:
            return blob
        extents, shape = blob.extents, blob.shape
        if len(extents) == 1:
            if not blob.is_in_order:
                self.note("Elements that Permute moves stand in another order in the spec, which costs nothing")
            return blob if shape.rank == 0 else self.emit(layer, "flatten", [blob.call], part="flatten")
        if blob.is_channels(0) and blob.is_in_order:
            if len(extents) == 2 and shape.rank >= 2:
                return self.emit(layer, "to_sequence", [blob.call], part="to_sequence")
            if len(extents) == 3 and shape.rank == 1:
                rows, columns = extents[1:]
                return self.emit(layer, "to_image", [blob.call], part="to_image", height=rows, width=columns)
        groups = _shuffled(blob)
        if groups is not None:
            return self.emit(layer, "channel_shuffle", [blob.call], part="shuffle", groups=groups)
        raise layer.refusal(
            f"its input is {'x'.join(map(str, extents))} by Reshape and Permute, in an order that no operator gives"
        )

    def one_of(self, layer: Layer, blobs: Sequence[Blob]) -> Blob:
        """The one blob that a layer reads.

        Raises:
            SpecError: it reads none, or several.
        """
        if len(blobs) != 1:
            raise layer.refusal(f"it has {len(blobs)} bottoms; {layer.type} has one")
        return blobs[0]

    def say_unread(self, layer: Layer) -> None:
        """Say what of the parameters of a layer was not read."""
        for field in layer.message.fields:
            if not field.name.endswith("_param") or not isinstance(field.value, Message) or field.name in NOT_OF_COSTS:
                continue
            if field.name not in layer.message.read:
                self.note(f"Not read: {field.name} of {layer.type} layers")
                continue
            for name in unread(field.value, HARMLESS):
                self.note(f"Not read: `{name}` in {field.name} of {layer.type} layers")


Rule = Callable[[Reader, Layer, list[Blob]], list[Blob]]
LAYERS: dict[str, Rule] = {}


def layer(*types: str) -> Callable[[Rule], Rule]:
    """The rule of layers of these types: blobs that they give of blobs that they read."""

    def register(rule: Rule) -> Rule:
        for name in types:
            LAYERS[name] = rule
        return rule

    return register


def unknown_layer(layer: Layer) -> SpecError:
    """No rule is for layers of this type."""
    near = suggestion(layer.type, LAYERS, None)
    help = near or "its rule is missing: what it computes is known to the fork of Caffe that has it"
    return layer.message.refusal(
        "unknown-layer-type",
        f"layer `{layer.name}`: no layer type is called `{layer.type}`",
        help,
        layer.message.place("type"),
    )


def one_or_all(values: Sequence[Any]) -> Any:
    """A single number where all are the same."""
    return values[0] if len(set(values)) == 1 else tuple(values)


def axis_of(layer: Layer, blob: Blob, message: Message, default: int = 1, name: str = "axis") -> int:
    """The axis that a layer names, as a place in the blob's axes.

    Raises:
        SpecError: it is the batch, or there is no such axis.
    """
    axis = message.integer(name, default)
    found = blob.place(axis)
    if found is None:
        what = "the batch: it mixes examples" if axis in (0, -1 - len(blob.axes)) else "no axis of its input"
        raise layer.refusal(f"`{name}: {axis}` is {what}")
    return found


def _stride(given: Any, wanted: Any) -> int | None:
    """The step with which `opaque` gives an extent of another; None: there is none."""
    for step in range(max(1, given // max(wanted, 1)), given // max(wanted - 1, 1) + 2):
        if -(-given // step) == wanted:
            return step
    return None


def _shuffled(blob: Blob) -> int | None:
    """Groups of the channel shuffle that gives these axes of a blob."""
    own = axes_of(blob.shape)
    if len(blob.axes) != len(own) or blob.axes[1:] != own[1:] or len(blob.axes[0]) != 2:
        return None
    inner, outer = blob.axes[0]
    if inner == Factor(0, 1, inner.size) and outer == Factor(0, inner.size, outer.size):
        return outer.size
    return None

"""Layers with weights, and norms: convolutions, linear layers, tables."""

from __future__ import annotations

from typing import Any

from archcalc.dims import RequirementError
from archcalc.importing.axes import CHANNELS, complete, extent, reshaped, roles, whole
from archcalc.importing.lowering.context import (
    Lowering,
    Places,
    Stored,
    UnsupportedError,
    View,
    axes_or_unsupported,
    rule,
)
from archcalc.importing.lowering.layout import alike, natural, natural_axes, number, settled
from archcalc.importing.lowering.stored import data, derived, weights_of
from archcalc.importing.neutral import Operation
from archcalc.ops import LayerReference
from archcalc.ops.window import all_padding


def _per_axis(value: Any, rank: int) -> tuple[int, ...]:
    values = tuple(value) if isinstance(value, (list, tuple)) else (value,)
    return values * rank if len(values) == 1 else values


@rule("conv1d", "conv2d", "conv3d", "conv_transpose1d", "conv_transpose2d", "conv_transpose3d", "convolution",
      "_convolution", "thnn_conv2d", "slow_conv3d", "_slow_conv2d_forward")  # fmt: skip
def _conv(low: Lowering, op: Operation) -> Any:
    get = op.arguments.get
    weight, bias = op.arguments["weight"], get("bias")
    shape = low.shape_of(weight)
    rank = len(shape) - 2
    names, gains = _with_gains(low, op, weight)
    of_bias, _ = weights_of(low, bias)
    frozen = weights_of(low, weight, bias)[1]
    names += of_bias
    view = data(low, op.arguments["input"], 1 if len(low.shape_of(op.arguments["input"])) == rank + 2 else 0)
    if len(view.axes) == rank + 1:
        view = View(view.node, ((), *view.axes))  # without a batch
    transposed = get("transposed", op.op.startswith("conv_transpose"))
    groups = get("groups", 1)
    given: dict[str, Any] = {
        name: _per_axis(get(name, default), rank)
        for name, default in (("stride", 1), ("dilation", 1), ("output_padding", 0))
    }
    padding = get("padding", 0)
    if padding == "valid":
        padding = 0
    padding = padding if isinstance(padding, str) else _per_axis(padding, rank)
    kernel, outputs = tuple(shape[2:]), shape[1] * groups if transposed else shape[0]
    if low.shape(view.node).rank == 0 and not transposed and set(kernel) == {1} and groups == 1:
        channel = low.channel_axis(view)
        node = low.call("linear", [view.node], names, arguments={"channels": outputs, "bias": bias is not None})
        return View(node, natural_axes(low, node, rank + 2, channel, []))
    node = settled(low, view, 1, range(2, rank + 2)) if any(size > 1 for size in kernel) else _pointwise(low, view)
    given["kernel"] = kernel
    arguments: dict[str, Any] = {name: alike(given[name]) for name in ("kernel", "stride", "dilation")}
    arguments["padding"] = _padding(padding)
    arguments["bias"] = bias is not None
    channels = low.sizes(node)[CHANNELS]
    if transposed:
        arguments["output_padding"] = alike(given["output_padding"])
        node = low.call("deconv", [node], names, arguments={"channels": outputs, "groups": groups, **arguments})
    else:
        node = _without_pad(low, node, arguments)
        if groups == channels and groups > 1:
            arguments["multiplier"] = outputs // channels
            node = low.call("depthwise", [node], names, arguments=arguments, frozen=frozen)
        else:
            arguments = {"channels": outputs, "groups": groups, **arguments}
            node = low.call("conv", [node], names, arguments=arguments, frozen=frozen)
    for gain in gains:
        node = low.call("channel_scale", [node], (gain,), arguments={})
    return low.plain(node) if low.shape(node).rank == rank else View(node, view.axes)


def _with_gains(low: Lowering, op: Operation, weight: Any) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """Names of a layer's weights; of computed ones apart from those of gains, a factor for each output.

    A standardised weight times its gain gives outputs times the gain: they are a `channel_scale` behind.

    Raises:
        UnsupportedError: the weights are made of more.
    """
    stored = low.stored(weight)
    assert stored is not None
    if stored.is_plain or len(stored.names) < 2:
        if not stored.is_plain:
            low.notes.append(f"{op.path}: its weights are computed from stored ones once; that is not counted")
        return stored.weights, ()
    tensor = low.tensor(weight)
    main = [name for name in stored.names if low.elements(name) == tensor.elements]
    gains = [name for name in stored.names if low.elements(name) == tensor.shape[0] and name not in main]
    if len(main) != 1 or len(main) + len(gains) != len(stored.names):
        raise UnsupportedError(f"its weights are computed from {', '.join(stored.names)}")
    low.notes.append(f"{op.path}: its weights are computed from stored ones once; that is not counted")
    return tuple(main), tuple(gains)


def _pointwise(low: Lowering, view: View) -> int:
    """A 1x1 convolution reads any positions, if they are as many axes as it has."""
    rank = len(view.axes) - 2
    return settled(low, view, 1, range(2, rank + 2))


def _padding(padding: Any) -> Any:
    if isinstance(padding, str):
        return padding
    if any(isinstance(side, (list, tuple)) for side in padding):
        return tuple([tuple(side) for side in padding])
    return alike(padding)


def _without_pad(low: Lowering, node: int, arguments: dict[str, Any]) -> int:
    """A convolution or pooling after zeros that were put around its input has them as its padding."""
    before = low.calls[node] if node >= 0 else None
    if before is None or before.operator.name != "pad" or arguments["padding"] not in (0, "valid"):
        return node
    values = before.operator.values()
    if values["mode"] != "zeros":
        return node
    inner = before.inputs[0]
    x = low.shape(inner)
    sides = tuple([tuple(side) if isinstance(side, tuple) else (side, side) for side in values["padding"]])
    try:
        same = all_padding(x, arguments["kernel"], arguments["stride"] or arguments["kernel"], "same",
                           arguments.get("dilation", 1))  # fmt: skip
    except RequirementError:
        return node
    if same == sides:
        arguments["padding"] = "same"
    elif all(first == second for first, second in sides):
        arguments["padding"] = alike([first for first, _ in sides])
    else:
        arguments["padding"] = sides
    return inner


@rule("linear", "addmm", "mm")
def _linear(low: Lowering, op: Operation) -> Any:
    get = op.arguments.get
    if op.op == "linear":
        x, weight, bias = op.arguments["input"], op.arguments["weight"], get("bias")
        outputs = low.shape_of(weight)[0]
    else:
        x, weight = (op.arguments["mat1"], op.arguments["mat2"]) if op.op == "addmm" else _operands(op)
        bias = get("self") or get("input") if op.op == "addmm" else None
        if not isinstance(low.value(weight), Stored):
            from archcalc.importing.patterns.attention import product

            if bias is not None:
                raise UnsupportedError("a product of data is added to something")
            return product(low, op, x, weight)
        outputs = low.shape_of(weight)[1]
    if low.stored(weight) is None:
        raise UnsupportedError("it has no weights")
    return linear(low, op, data(low, x), weight, bias, outputs)


def _operands(op: Operation) -> tuple[Any, Any]:
    first = op.arguments.get("self", op.arguments.get("input"))
    return first, op.arguments["mat2"]


def linear(low: Lowering, op: Operation, view: View, weight: Any, bias: Any, outputs: int) -> View:
    """A matrix over the last axis.

    Raises:
        UnsupportedError: the last axis is no channels, or a part of them.
    """
    pieces = low.stored(bias).pieces if bias is not None else ()  # type: ignore[union-attr]
    if len({piece.is_trained for piece, _ in pieces}) > 1:
        return _by_pieces(low, op, view, weight, pieces)
    names, frozen = weights_of(low, weight, bias)
    stored = low.stored(weight)
    if stored is not None and not stored.names:
        raise UnsupportedError("a matrix of constants, which is no parameter and no buffer")
    return _linear_of(low, op, view, names, outputs, bias is not None, frozen, stored)


def _by_pieces(low: Lowering, op: Operation, view: View, weight: Any, pieces: Any) -> View:
    """A bias of which a part is fixed at zero: a linear layer for each part, side by side."""
    stored, start, views = low.stored(weight), 0, []
    assert stored is not None
    for piece, size in pieces:
        part = stored._replace(part=f"{stored.part}[{start}:{start + size}]")
        names = (*part.weights, *(piece.weights if piece.is_trained else ()))
        views.append(_linear_of(low, op, view, names, size, piece.is_trained, False, part))
        start += size
    node = low.call("concat", [each.node for each in views])
    return View(node, (*views[0].axes[:-1], whole(CHANNELS, start)))


def _linear_of(
    low: Lowering,
    op: Operation,
    view: View,
    names: tuple[str, ...],
    outputs: int,
    bias: bool,
    frozen: bool,
    stored: Any,
) -> View:
    """The call, on channels wherever they lie."""
    arguments: dict[str, Any] = {"channels": outputs, "bias": bias}
    tied = _tied(low, names, outputs, bias)
    if tied is not None:
        arguments["weights"] = tied
    node, axes = view.node, view.axes
    sizes = low.sizes(node)
    if axes[-1] != whole(CHANNELS, sizes[CHANNELS]):
        if sizes[CHANNELS] != 1 and {part.role for part in axes[-1]} == {CHANNELS}:
            raise UnsupportedError("one matrix is shared by parts of the channels")
        others = [number for number, axis in enumerate(axes[:-1]) if axis]
        if not others and len(sizes) > 2 and all(complete(axes[-1:], role, size) for role, size in enumerate(sizes)):
            node = low.call("linear", [node], names, arguments=arguments, frozen=frozen)  # reads all features
            return View(node, natural_axes(low, node, len(axes), len(axes) - 1, []))
        node = settled(low, view, len(axes) - 1, others)
        axes = natural_axes(low, node, len(axes), len(axes) - 1, others)
    rank = low.shape(node).rank
    is_flat = len(axes) <= 2 and not any(axes[:-1])
    if rank >= 2 and not is_flat:
        arguments.pop("weights", None)
        arguments["kernel"] = 1
        made = low.call("conv", [node], names, arguments=arguments, frozen=frozen)
    else:
        if rank == 1 and is_flat and len(low.shape_of_output(op)) == 2:
            node = low.call("flatten", [node]) if sizes[1] == 1 else node
        made = low.call("linear", [node], names, arguments=arguments, frozen=frozen)
    if stored is not None and not stored.is_plain:
        low.notes.append(f"{op.path}: weights are computed from {', '.join(stored.names)}; that is not counted")
    return View(made, (*axes[:-1], whole(CHANNELS, outputs)))


def _tied(low: Lowering, names: tuple[str, ...], outputs: int, bias: bool) -> LayerReference | None:
    """The earlier layer that holds the weights, where it is no copy of this one with all that it stores."""
    for node, call in enumerate(low.calls):
        if call.weights and names and call.weights[0] == names[0] and call.weights != names + ("",) * (not bias):
            if call.operator.name == "linear" and call.weights == names:
                return None
            x = low.shape(call.inputs[0]) if call.inputs else call.shape
            return LayerReference(call.name or call.operator.name, node, x, call.shape)
    return None


@rule("embedding")
def _embedding(low: Lowering, op: Operation) -> Any:
    table = low.stored(op.arguments["weight"])
    entries, channels = low.shape_of(op.arguments["weight"])
    tokens = low.value(op.arguments["indices"])
    assert table is not None
    if isinstance(tokens, (Stored, Places)):  # rows that are the same whatever the tokens are, or go by where they end
        return Stored(table.names, table.is_trained, table.part, True, entries)
    if not isinstance(tokens, View) or low.shape(tokens.node).channels is not None:
        raise UnsupportedError("what is looked up is computed")
    node = low.call("embedding", [tokens.node], table.weights, arguments={"entries": entries, "channels": channels})
    return View(node, (*tokens.axes, whole(CHANNELS, channels)))


@rule("batch_norm", "native_batch_norm", "_native_batch_norm_legit_no_training", "cudnn_batch_norm")
def _batch_norm(low: Lowering, op: Operation) -> Any:
    get = op.arguments.get
    if isinstance(low.value(op.arguments["input"]), Stored):
        return derived(low, op)  # weights that are standardised
    view = low.view(op.arguments["input"])
    weight, bias, mean = get("weight"), get("bias"), get("running_mean")
    names, frozen = weights_of(low, weight, bias)
    buffers, _ = weights_of(low, mean, get("running_var"))
    if view.axes[1] != whole(CHANNELS, low.sizes(view.node)[CHANNELS]):
        node, channel, spatial = natural(low, view)
        view = View(node, natural_axes(low, node, len(view.axes), channel, spatial))
        if channel != 1:
            raise UnsupportedError("it normalises another axis than the channels")
    arguments = {
        "scale": weight is not None,
        "shift": bias is not None,
        "statistics": mean is not None,
        "eps": number(get("eps", 1e-5)),
    }
    node = low.call("batch_norm", [view.node], (*names, *buffers), arguments=arguments, frozen=frozen)
    return View(node, view.axes)


@rule("layer_norm", "native_layer_norm", "rms_norm", "_fused_rms_norm")
def _layer_norm(low: Lowering, op: Operation) -> Any:
    get = op.arguments.get
    view = data(low, op.arguments["input"])
    names, frozen = weights_of(low, get("weight"), get("bias"))
    count = len(op.arguments["normalized_shape"])
    if count == 1 and len(view.axes[-1]) > 1 and CHANNELS in roles(view.axes[-1]):  # patches put together
        others = [number for number, axis in enumerate(view.axes[:-1]) if axis]
        node = settled(low, view, len(view.axes) - 1, others)
        view = View(node, natural_axes(low, node, len(view.axes), len(view.axes) - 1, others))
    over = view.axes[len(view.axes) - count :]
    sizes = low.sizes(view.node)
    arguments: dict[str, Any] = {"scale": get("weight") is not None, "eps": number(get("eps", 1e-5))}
    if "rms" in op.op:
        return rms_norm(low, view, names, over, arguments, frozen)
    arguments["shift"] = get("bias") is not None
    axes = sorted(set().union(*map(roles, over)))
    if not all(complete(over, role, sizes[role]) for role in axes):
        raise UnsupportedError("it normalises parts of the channels, with one scale for all parts")
    if len(axes) == sum(size > 1 for size in sizes) and len(axes) > 1:
        arguments["whole"] = True
    elif axes != [CHANNELS]:
        arguments["axes"] = alike(axes) if len(axes) == 1 else tuple(axes)
    node = low.call("layer_norm", [view.node], names, arguments=arguments, frozen=frozen)
    return View(node, view.axes)


def rms_norm(
    low: Lowering, view: View, names: tuple[str, ...], over: Any, arguments: dict[str, Any], frozen: bool
) -> View:
    """The root mean square of the channels, or of each head by itself.

    Raises:
        UnsupportedError: it runs over positions.
    """
    channels = low.sizes(view.node)[CHANNELS]
    parts = [part for axis in over for part in axis]
    if any(part.role != CHANNELS for part in parts):
        raise UnsupportedError("a root mean square over positions")
    if arguments.get("eps") is None:
        arguments.pop("eps", None)
    heads = channels // max(extent(tuple(parts)), 1)
    node = low.call("rms_norm", [view.node], names, arguments={**arguments, "heads": heads}, frozen=frozen)
    return View(node, view.axes)


@rule("group_norm", "native_group_norm")
def _group_norm(low: Lowering, op: Operation) -> Any:
    get = op.arguments.get
    view = low.view(op.arguments["input"])
    names, frozen = weights_of(low, get("weight"), get("bias"))
    node = settled(low, view, 1, range(2, len(view.axes)))
    arguments = {
        "groups": get("num_groups", get("group")),
        "scale": get("weight") is not None,
        "shift": get("bias") is not None,
        "eps": number(get("eps", 1e-5)),
    }
    node = low.call("group_norm", [node], names, arguments=arguments, frozen=frozen)
    return View(node, natural_axes(low, node, len(view.axes), 1, range(2, len(view.axes))))


@rule("instance_norm")
def _instance_norm(low: Lowering, op: Operation) -> Any:
    get = op.arguments.get
    view = low.view(op.arguments["input"])
    names, _ = weights_of(low, get("weight"), get("bias"))
    node = settled(low, view, 1, range(2, len(view.axes)))
    flags = {"scale": get("weight") is not None, "shift": get("bias") is not None, "eps": number(get("eps", 1e-5))}
    return View(low.call("instance_norm", [node], names, arguments=flags), view.axes)


@rule("prelu")
def _prelu(low: Lowering, op: Operation) -> Any:
    weight = op.arguments["weight"]
    names, _ = weights_of(low, weight)
    view = low.view(op.arguments.get("self", op.arguments.get("input")))
    shared = low.tensor(weight).elements == 1
    return low.same(view, "prelu", names, shared=shared)


@rule("channel_layer_norm")
def _channel_layer_norm(low: Lowering, op: Operation) -> Any:
    view = low.view(op.arguments["input"])
    names, frozen = weights_of(low, op.arguments["weight"], op.arguments["bias"])
    if not low.is_whole(view, op.arguments["axis"]) or view.axes[op.arguments["axis"]][0].role != CHANNELS:
        raise UnsupportedError("it normalises another axis than the channels")
    return View(low.call("layer_norm", [view.node], names, arguments={}, frozen=frozen), view.axes)


@rule("statistics_norm")
def _statistics_norm(low: Lowering, op: Operation) -> Any:
    view = low.view(op.arguments["input"])
    low.channel_axis(view)
    scale, shift, statistics = (op.arguments[name] for name in ("scale", "shift", "statistics"))
    names, _ = weights_of(low, *scale, *shift, *statistics)
    return low.same(view, "batch_norm", names, scale=bool(scale), shift=bool(shift))


@rule("unit_norm")
def _unit_norm(low: Lowering, op: Operation) -> Any:
    if isinstance(low.value(op.arguments["input"]), Stored):
        return derived(low, op)
    view = low.view(op.arguments["input"])
    return rms_norm(low, view, (), [view.axes[op.arguments["dim"]]], {"scale": False}, False)


@rule("rotary")
def _rotary(low: Lowering, op: Operation) -> Any:
    view = low.view(op.arguments["input"])
    shape = low.shape_of_output(op)
    if low.shape_of(op.arguments["input"]) != shape:
        view = View(view.node, axes_or_unsupported(lambda: reshaped(view.axes, shape)))
    return low.same(view, "rotary")


@rule("embedding_bag", "_embedding_bag")
def _embedding_bag(low: Lowering, op: Operation) -> Any:
    """The mean of the rows of all tokens; that of their sum or largest costs as much but for a division."""
    given = _embedding(low, op)
    if not isinstance(given, View):
        raise UnsupportedError("bags of constant tokens")
    pooled = low.call("global_maxpool" if op.arguments.get("mode") == 2 else "global_avgpool", [given.node])
    if not op.arguments.get("mode"):
        low.notes.append(f"{op.path}: the sum over a bag is counted as its mean")
    node = low.call("flatten", [pooled])
    view = View(node, natural_axes(low, node, 2, 1, []))
    return (view, *[Stored()] * (len(op.outputs) - 1)) if len(op.outputs) > 1 else view

"""Activations and arithmetic of elements."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from archcalc.importing.axes import CHANNELS, extent, roles, whole
from archcalc.importing.lowering.context import Lowering, Scores, Stored, Table, UnsupportedError, View, rule
from archcalc.importing.lowering.layout import is_transposed, natural, natural_axes, number, transposed
from archcalc.importing.lowering.stored import derived, source
from archcalc.importing.neutral import Operation, Ref
from archcalc.importing.patterns.match import first

Arguments = Callable[[Mapping[str, Any]], dict[str, Any]]


def _none(given: Mapping[str, Any]) -> dict[str, Any]:
    return {}


ACTIVATIONS: dict[str, tuple[str, Arguments]] = {
    "relu": ("relu", _none),
    "relu6": ("relu6", _none),
    "leaky_relu": ("leaky_relu", lambda given: {"slope": number(given.get("negative_slope", 0.01))}),
    "rrelu": ("rrelu", _none),
    "elu": ("elu", lambda given: {"alpha": number(given.get("alpha", 1))}),
    "selu": ("selu", _none),
    "celu": ("celu", lambda given: {"alpha": number(given.get("alpha", 1))}),
    "silu": ("silu", _none),
    "mish": ("mish", _none),
    "sigmoid": ("sigmoid", _none),
    "tanh": ("tanh", _none),
    "hardsigmoid": ("hard_sigmoid", _none),
    "hardswish": ("hard_swish", _none),
    "softplus": ("softplus", _none),
    "softsign": ("softsign", _none),
    "log_sigmoid": ("log_sigmoid", _none),
    "softshrink": ("softshrink", lambda given: {"at": number(given.get("lambd", 0.5))}),
    "hardshrink": ("hardshrink", lambda given: {"at": number(given.get("lambd", 0.5))}),
    "threshold": ("threshold", lambda given: {"at": number(given["threshold"]), "value": number(given["value"])}),
    "gelu": ("gelu", lambda given: {"approximate": given.get("approximate", "none") == "tanh"}),
    "quick_gelu": ("quick_gelu", _none),
    "tanhshrink": ("tanhshrink", _none),
}


@rule(*ACTIVATIONS)
def _activation(low: Lowering, op: Operation) -> Any:
    ref = op.arguments.get("self", op.arguments.get("input"))
    name, arguments = ACTIVATIONS[op.op]
    value = low.value(ref)
    if isinstance(value, Table):
        return Table(low.call(name, [value.node], arguments=arguments(op.arguments)))
    value = low.array(ref)
    if isinstance(value, Stored):
        return derived(low, op)
    if isinstance(value, Scores):
        if op.op == "tanh":
            low.notes.append(f"{op.path}: the cap of scores is not counted")
            return value
        raise UnsupportedError(f"{op.op} of scores of attention")
    return low.same(value, name, **arguments(op.arguments))


@rule("hardtanh", "clamp", "clamp_min", "clamp_max", "clip", "maximum", "minimum")
def _clamp(low: Lowering, op: Operation) -> Any:
    ref = op.arguments.get("self", op.arguments.get("input"))
    value = low.array(ref)
    if isinstance(value, Stored):
        return derived(low, op)
    least = op.arguments.get("min_val", op.arguments.get("min", -1 if op.op == "hardtanh" else None))
    most = op.arguments.get("max_val", op.arguments.get("max", 1 if op.op == "hardtanh" else None))
    if isinstance(value, Scores) or isinstance(least, Ref) or isinstance(most, Ref) or op.op in ("maximum", "minimum"):
        raise UnsupportedError(f"{op.op} of two tensors, or of scores")
    if (least, most) == (0, 6):
        return low.same(value, "relu6")
    if (least, most) == (0, None):
        return low.same(value, "relu")
    if least is None or most is None:
        raise UnsupportedError("elements are cut off at one side")
    return low.same(value, "hard_tanh", low=number(least), high=number(most))


@rule("dropout", "feature_dropout", "alpha_dropout", "native_dropout")
def _dropout(low: Lowering, op: Operation) -> Any:
    value = low.value(op.arguments.get("input", op.arguments.get("self")))
    p = op.arguments.get("p", 0.5)
    if not isinstance(value, View) or p == 0:
        return value
    name = {"dropout": "dropout", "feature_dropout": "spatial_dropout", "alpha_dropout": "alpha_dropout"}.get(
        op.op, "dropout"
    )
    return low.same(value, name, p=number(p))


@rule("softmax", "_softmax", "log_softmax", "_log_softmax", "_safe_softmax")
def _softmax(low: Lowering, op: Operation) -> Any:
    ref = first(op)
    value = low.array(ref)
    axis = op.arguments["dim"] % len(low.shape_of(ref))
    if isinstance(value, Stored):
        return derived(low, op)
    if isinstance(value, Scores):
        if value.axes[axis] != whole(2, extent(value.columns)) or "log" in op.op:
            raise UnsupportedError("a softmax over queries")
        return value._replace(is_softmax=True)
    if not low.is_whole(value, axis) or value.axes[axis][0].role != CHANNELS:
        raise UnsupportedError("a softmax over something else than the channels")
    return low.same(value, "log_softmax" if "log" in op.op else "softmax")


@rule("glu")
def _glu(low: Lowering, op: Operation) -> Any:
    view = low.view(op.arguments.get("self", op.arguments.get("input")))
    axis = op.arguments.get("dim", -1) % len(view.axes)
    if not low.is_whole(view, axis) or view.axes[axis][0].role != CHANNELS:
        raise UnsupportedError("the halves of a gate are no halves of the channels")
    return low.reshaped_whole(view, low.call("glu", [view.node]))


BINARY = {
    **dict.fromkeys(("add", "__iadd__"), "add"),
    **dict.fromkeys(("sub", "rsub", "subtract"), "sub"),
    **dict.fromkeys(("mul", "multiply"), "mul"),
    **dict.fromkeys(("div", "divide", "true_divide"), "div"),
}


@rule(*BINARY)
def _binary(low: Lowering, op: Operation) -> Any:
    kind = BINARY[op.op]
    one = first(op)
    second = op.arguments["other"]
    a = low.value(one) if isinstance(one, Ref) else one
    b = low.value(second) if isinstance(second, Ref) else second
    for value, other, ref in ((a, b, second), (b, a, one)):
        if isinstance(value, Scores):
            from archcalc.importing.patterns.attention import adjusted

            return adjusted(low, op, kind, value, other, ref)
    for value, other in ((a, b), (b, a)):
        if isinstance(value, Table):
            if not isinstance(other, (int, float)) or kind != "mul":
                raise UnsupportedError("what was looked up is more than multiplied")
            return Table(low.call("scale", [value.node], arguments={"factor": number(other)}))
    if isinstance(a, View) and isinstance(b, View):
        return merge(low, kind, a, b)
    if isinstance(a, View):
        return with_constant(low, op, kind, a, b, second)
    if isinstance(b, View):
        if kind == "div":
            raise UnsupportedError("something constant is divided by what is computed")
        return with_constant(low, op, kind, b, a, one)
    return derived(low, op)


@rule("neg", "negative")
def _negative(low: Lowering, op: Operation) -> Any:
    return low.same(low.view(first(op)), "scale", factor=-1)


@rule("pow", "square")
def _square(low: Lowering, op: Operation) -> Any:
    if op.op == "pow" and op.arguments.get("exponent") != 2:
        raise UnsupportedError("no operator does this")
    view = low.view(first(op))
    return View(low.call("mul", [view.node, view.node]), view.axes)


def with_constant(low: Lowering, op: Operation, kind: str, view: View, other: Any, ref: Any) -> Any:
    """What is computed, and a number or a stored tensor.

    Raises:
        UnsupportedError: no operator does that.
    """
    if not isinstance(other, Stored):
        return _with_number(low, kind, view, other)
    shape = low.shape_of(ref)
    tensor = low.tensor(ref)
    if tensor.elements == 1 and not other.names:
        if tensor.value is None:
            return _with_number(low, kind, view, None)
        single = tensor.value
        while isinstance(single, list):
            single = single[0]
        return _with_number(low, kind, view, single)
    rank = len(view.axes)
    if len(shape) > rank:
        view = View(view.node, (*[()] * (len(shape) - rank), *view.axes))
        rank = len(shape)
    shape = (1,) * (rank - len(shape)) + shape
    covered = [number for number, size in enumerate(shape) if size > 1]
    if any(extent(view.axes[axis]) == 1 for axis in covered):
        return _repeated(low, kind, view, other, shape)
    parts = [part for axis in covered for part in view.axes[axis]]
    channels = _product([part.size for part in parts if part.role == CHANNELS])
    names, sizes = other.weights, low.sizes(view.node)
    positions = {role: _product([p.size for p in parts if p.role == role]) for role in range(1, len(sizes))}
    if any(size not in (1, sizes[role]) for role, size in positions.items()):
        raise UnsupportedError("something stored is repeated along a part of the positions")
    is_flat = all(size == 1 for size in positions.values())
    if kind in ("mul", "div") and is_flat and other.is_trained and channels in (1, sizes[CHANNELS]):
        return low.same(view, "channel_scale", names, shared=channels == 1 and sizes[CHANNELS] > 1)
    if kind == "add" and is_flat and channels == sizes[CHANNELS] and other.is_trained and other.is_plain:
        with_bias = _with_bias(low, view.node, names)
        if with_bias is not None:
            return View(with_bias, view.axes)
    is_full = channels == sizes[CHANNELS] and all(positions[role] == sizes[role] for role in positions)
    stored = sum(low.elements(name) for name in other.names) if other.is_trained and not other.part else 0
    if stored and stored != tensor.elements and not other.rows:
        raise UnsupportedError("what is added or multiplied is computed of other numbers than it has itself")
    if kind == "add" and is_full and len(sizes) > 1 and other.names:
        if 0 < other.rows < low.shape(view.node).positions:  # a row of a table, the same at every position
            row = low.call("select_token", [source(low, other, channels, [other.rows])], arguments={"index": 0})
            return View(low.call("add", [view.node, row]), view.axes)
        if any(1 < len(roles(axis)) == len(sizes) - 1 for axis in view.axes):  # in a row in the source
            node, channel, spatial = natural(low, view)
            view = View(node, natural_axes(low, node, rank, channel, spatial))
        arguments: dict[str, Any] = {"trained": other.is_trained}
        if other.rows and other.rows != low.shape(view.node).positions:
            arguments["entries"] = other.rows
        return low.same(view, "position_embedding", names, **arguments)
    extents = [positions[role] for role in positions]
    node = source(low, other, channels, [] if is_flat else extents)
    if channels != sizes[CHANNELS]:
        node = low.call("repeat_channels", [node], arguments={"times": sizes[CHANNELS] // channels})
    if kind == "sub":
        kind = "add"  # with the sign in what is stored
    return View(low.call("mul" if kind == "div" else kind, [view.node, node]), view.axes)


def _with_bias(low: Lowering, node: int, names: tuple[str, ...]) -> int | None:
    """A layer without biases that gets them from a sum behind it, as layers of Keras do."""
    call = low.calls[node] if node >= 0 else None
    if call is None or call.operator.values().get("bias", True) or len(names) != 1:
        return None
    if call.operator.name not in ("conv", "depthwise", "deconv", "linear"):
        return None
    made = low.call(
        call.operator.name, call.inputs, (*call.weights, *names), arguments={**call.operator.values(), "bias": True}
    )
    low.calls[made].scope, low.calls[made].name = call.scope, call.name
    return made


def _product(sizes: list[int]) -> int:
    result = 1
    for size in sizes:
        result *= size
    return result


def _repeated(low: Lowering, kind: str, view: View, other: Stored, shape: tuple[int, ...]) -> Any:
    """Something stored has more axes than what is computed, which is repeated along them."""
    channel = low.channel_axis(view)
    spatial = [axis for axis, size in enumerate(shape) if size > 1 and axis != channel]
    channels = shape[channel] if shape[channel] > 1 else 1
    node = source(low, other, channels, [shape[axis] for axis in spatial])
    made = low.call("add" if kind == "sub" else "mul" if kind == "div" else kind, [view.node, node])
    return View(made, natural_axes(low, made, len(shape), channel, spatial))


def _with_number(low: Lowering, kind: str, view: View, value: Any) -> Any:
    if isinstance(value, bool) or not isinstance(value, (int, float)):
        raise UnsupportedError(f"{kind} of what is computed and a number that is not known")
    if (kind in ("mul", "div") and value == 1) or (kind in ("add", "sub") and value == 0):
        return view
    if kind == "mul":
        return low.same(view, "scale", factor=number(value))
    if kind == "div":
        return low.same(view, "scale", factor=number(1 / value))
    return _with_addend(low, view)


def _with_addend(low: Lowering, view: View) -> View:
    """A number that is added, or that it is taken from: as a fixed value, which every channel and position has."""
    channels = low.sizes(view.node)[CHANNELS]
    if low.shape(view.node).channels is None:
        raise UnsupportedError("a number is added to tokens")
    node = low.call("fixed", [], arguments={"channels": 1})
    if channels > 1:
        node = low.call("repeat_channels", [node], arguments={"times": channels})
    is_taken_from = low.now is not None and low.now.op == "rsub"
    return View(low.call("sub", [node, view.node]) if is_taken_from else low.call("add", [view.node, node]), view.axes)


def merge(low: Lowering, kind: str, a: View, b: View) -> View:
    """Two that are computed, element by element; what has an extent of 1 is repeated.

    Raises:
        UnsupportedError: they differ in more.
    """
    if kind == "div":
        raise UnsupportedError("what is computed is divided by what is computed")
    rank = max(len(a.axes), len(b.axes))
    a = View(a.node, (*[()] * (rank - len(a.axes)), *a.axes))
    b = View(b.node, (*[()] * (rank - len(b.axes)), *b.axes))
    a, b = without_copies(a), without_copies(b)
    if a.axes == b.axes and low.sizes(a.node) == low.sizes(b.node):
        return View(low.call(kind, [a.node, b.node]), a.axes)
    for large, small in ((a, b), (b, a)):
        found = _broadcast(low, kind, large, small, large is b)
        if found is not None:
            return found
    node_a, channel_a, spatial_a = natural(low, a)
    node_b, channel_b, spatial_b = natural(low, b)
    if spatial_a == [channel_b] and spatial_b == [channel_a]:  # one of them as the other lies
        if is_transposed(low, node_b):
            node_b, channel_b, spatial_b = transposed(low, node_b), channel_a, spatial_a
        else:
            node_a, channel_a, spatial_a = transposed(low, node_a), channel_b, spatial_b
    elif channel_b is None and spatial_b == [channel_a]:  # a gate of channels that were positions for it, as ECA's
        node_b, channel_b, spatial_b = transposed(low, node_b), channel_a, []
    elif channel_a is None and spatial_a == [channel_b]:
        node_a, channel_a, spatial_a = transposed(low, node_a), channel_b, []
    one, other = low.shape(node_a), low.shape(node_b)
    if channel_a == channel_b and spatial_a == spatial_b and one == other:
        return View(low.call(kind, [node_a, node_b]), natural_axes(low, node_a, rank, channel_a, spatial_a))
    a = View(node_a, natural_axes(low, node_a, rank, channel_a, spatial_a))
    b = View(node_b, natural_axes(low, node_b, rank, channel_b, spatial_b))
    for large, small in ((a, b), (b, a)):
        found = _broadcast(low, kind, large, small, large is b)
        if found is not None:
            return found
    if kind == "mul" and rank > 1 and set(sizes_held(a)) | set(sizes_held(b)) >= {CHANNELS}:
        for features, gate in ((a, b), (b, a)):
            if CHANNELS not in sizes_held(gate) and sizes_held(features) == {CHANNELS}:
                times = low.sizes(features.node)[CHANNELS]
                repeated = low.call("repeat_channels", [gate.node], arguments={"times": times})
                node = features.node
                if low.shape(node).rank and low.shape(node).rank != low.shape(repeated).rank:
                    node = low.call("flatten", [node])
                made = low.call("mul", [node, repeated] if features is a else [repeated, node])
                channel = next(n for n, axis in enumerate(features.axes) if axis)
                spatial = [n for n, axis in enumerate(gate.axes) if axis]
                return View(made, natural_axes(low, made, rank, channel, spatial))
    raise UnsupportedError(f"{kind} of {one} and {other}")


def sizes_held(view: View) -> set[int]:
    """Roles of which a tensor has more than one index."""
    return set().union(*map(roles, view.axes))


def without_copies(view: View) -> View:
    """Axes along which everything is the same have an extent of 1."""
    return View(view.node, tuple([tuple([part for part in axis if part.role >= 0]) for axis in view.axes]))


def _broadcast(low: Lowering, kind: str, large: View, small: View, is_swapped: bool) -> View | None:
    """The small one repeated along axes where it has an extent of 1; None: it is no such case."""
    if kind == "sub":
        return None
    sizes, own = low.sizes(large.node), low.sizes(small.node)
    if any(axis and axis != large.axes[number] for number, axis in enumerate(small.axes)):
        return None
    held = set().union(*map(roles, small.axes))
    if any(own[role] not in (1, sizes[role] if role < len(sizes) else 1) for role in range(len(own))):
        return None
    node = small.node
    if CHANNELS not in held and sizes[CHANNELS] > 1 and own[CHANNELS] == 1:
        node = low.call("repeat_channels", [node], arguments={"times": sizes[CHANNELS]})
    if len(low.sizes(node)) not in (1, len(sizes)):
        if any(size > 1 for size in low.sizes(node)[1:]):
            return None
        node = low.call("flatten", [node])
    pair = [node, large.node] if is_swapped else [large.node, node]
    return View(low.call(kind, pair), large.axes)

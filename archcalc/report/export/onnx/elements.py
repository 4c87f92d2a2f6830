"""What is done to each element, to channels, and to branches that meet."""

from __future__ import annotations

from archcalc.report.export.onnx.builder import Layout, Step, Value, extents, rule
from archcalc.report.export.onnx.windows import centred
from archcalc.report.export.sizes import per_axis

_PLAIN = {
    "relu": "Relu",
    "selu": "Selu",
    "sigmoid": "Sigmoid",
    "tanh": "Tanh",
    "exp": "Exp",
    "softplus": "Softplus",
    "softsign": "Softsign",
    "mish": "Mish",
    "hard_swish": "HardSwish",
}


@rule(*_PLAIN)
def _plain(step: Step) -> None:
    step.as_it_lies(_PLAIN[step.op.name])


@rule("leaky_relu", "rrelu")
def _leaky(step: Step) -> None:
    slope = float(step.op.slope) if step.op.name == "leaky_relu" else 11 / 48  # the middle of 1/8 and 1/3
    step.as_it_lies("LeakyRelu", alpha=slope)


@rule("elu", "celu")
def _exponential(step: Step) -> None:
    step.as_it_lies("Elu" if step.op.name == "elu" else "Celu", alpha=float(step.op.alpha))


@rule("hard_sigmoid")
def _hard_sigmoid(step: Step) -> None:
    step.as_it_lies("HardSigmoid", alpha=1 / 6, beta=0.5)


@rule("gelu")
def _gelu(step: Step) -> None:
    step.as_it_lies("Gelu", approximate="tanh" if step.op.approximate else "none")


@rule("relu6", "hard_tanh")
def _clipped(step: Step) -> None:
    low, high = (0.0, 6.0) if step.op.name == "relu6" else (float(step.op.low), float(step.op.high))
    step.as_it_lies("Clip", step.number(low), step.number(high))


@rule("softshrink", "hardshrink")
def _shrunk(step: Step) -> None:
    at = float(step.op.at)
    step.as_it_lies("Shrink", lambd=at, bias=at if step.op.name == "softshrink" else 0.0)


@rule("silu", "quick_gelu", "softcap", "scaled_tanh", "tanhshrink", "threshold", "log_sigmoid", "scale")
def _formula(step: Step) -> None:
    """Those that ONNX has no operator for, in few."""
    emit, number, op = step.emit, step.number, step.op
    x = step.drawer.in_layout(step.inputs[0], step.native)
    match op.name:
        case "silu":
            y = emit("Mul", x, emit("Sigmoid", x))
        case "quick_gelu":
            y = emit("Mul", x, emit("Sigmoid", emit("Mul", x, number(1.702))))
        case "softcap":
            y = emit("Mul", emit("Tanh", emit("Div", x, number(float(op.cap)))), number(float(op.cap)))
        case "scaled_tanh":
            y = emit("Mul", emit("Tanh", emit("Mul", x, number(2 / 3))), number(1.7159))
        case "tanhshrink":
            y = emit("Sub", x, emit("Tanh", x))
        case "threshold":
            y = emit("Where", emit("Greater", x, number(float(op.at))), x, number(float(op.value)))
        case "log_sigmoid":
            y = emit("Log", emit("Sigmoid", x))
        case _:
            y = emit("Mul", x, number(float(op.factor)))
    step.give(y, step.native)


@rule("dropout", "alpha_dropout", "spatial_dropout", "drop_path")
def _dropout(step: Step) -> None:
    """What does nothing when a network is used."""
    if step.op.name == "dropout":
        return step.as_it_lies("Dropout", step.number(float(step.op.p)))
    return step.as_it_lies("Identity")


@rule("prelu")
def _prelu(step: Step) -> None:
    slopes = step.weight("weight", 1 if step.op.shared else step.y.channels)
    read = step.drawer.in_layout(step.inputs[0], step.native)
    step.give(step.emit("PRelu", read, step.along_channels(slopes, step.native)), step.native)


@rule("channel_scale")
def _channel_scale(step: Step) -> None:
    factors = step.weight("weight", 1 if step.op.shared else step.y.channels)
    read = step.drawer.in_layout(step.inputs[0], step.native)
    step.give(step.emit("Mul", read, step.along_channels(factors, step.native)), step.native)


@rule("glu")
def _glu(step: Step) -> None:
    a, b = step.emit_many("Split", 2, step.last(), axis=-1, num_outputs=2)
    step.give(step.emit("Mul", a, step.emit("Sigmoid", b)), "last")


@rule("maxout")
def _maxout(step: Step) -> None:
    parts = step.reshape(step.first(), 0, step.y.channels, step.op.pieces, *step.y.spatial)
    step.give(step.emit("ReduceMax", parts, step.number([2]), keepdims=0), "first")


@rule("softmax", "softmin", "log_softmax", "softmax2d")
def _softmax(step: Step) -> None:
    read = step.emit("Neg", step.last()) if step.op.name == "softmin" else step.last()
    step.give(step.emit("LogSoftmax" if step.op.name == "log_softmax" else "Softmax", read, axis=-1), "last")


# channels


@rule("pad_channels")
def _pad_channels(step: Step) -> None:
    more = step.number([0, step.y.channels - step.x.channels])
    y = step.emit("Pad", step.first(), more, step.number(0.0), step.number([1]), mode="constant")
    step.give(y, "first")


@rule("slice_channels")
def _slice_channels(step: Step) -> None:
    read = step.drawer.in_layout(step.inputs[0], step.native)
    axis = 1 if step.native == "first" or step.x.rank == 0 else 1 + step.x.rank
    step.give(step.slice(read, axis, step.op.start, step.op.stop, step.op.step), step.native)


@rule("repeat_channels")
def _repeat_channels(step: Step) -> None:
    times = step.number([1, step.op.times, *(1,) * step.x.rank])
    step.give(step.emit("Tile", step.first(), times), "first")


@rule("channel_shuffle")
def _shuffle(step: Step) -> None:
    groups, rank = step.op.groups, step.x.rank
    parts = step.reshape(step.first(), 0, groups, step.x.channels // groups, *step.x.spatial)
    turned = step.transpose(parts, 0, 2, 1, *range(3, 3 + rank))
    step.give(step.reshape(turned, 0, step.x.channels, *step.x.spatial), "first")


@rule("pixel_shuffle")
def _pixel_shuffle(step: Step) -> None:
    x, y, rank = step.x, step.y, step.x.rank
    factors = per_axis(step.op.factor, rank, "factor")
    if rank == 2 and factors[0] == factors[1]:
        return step.give(step.emit("DepthToSpace", step.first(), blocksize=factors[0], mode="CRD"), "first")
    split = step.reshape(step.first(), 0, y.channels, *factors, *x.spatial)
    order = [0, 1] + [axis for i in range(rank) for axis in (2 + rank + i, 2 + i)]
    return step.give(step.reshape(step.transpose(split, *order), 0, y.channels, *y.spatial), "first")


@rule("pixel_unshuffle")
def _pixel_unshuffle(step: Step) -> None:
    x, y, rank = step.x, step.y, step.x.rank
    factors = per_axis(step.op.factor, rank, "factor")
    pairs = [size for pair in zip(y.spatial, factors, strict=True) for size in pair]
    split = step.reshape(step.first(), 0, x.channels, *pairs)
    order = [0, 1, *range(3, 3 + 2 * rank, 2), *range(2, 2 + 2 * rank, 2)]
    step.give(step.reshape(step.transpose(split, *order), 0, y.channels, *y.spatial), "first")


# shapes


@rule("flatten")
def _flatten(step: Step) -> None:
    step.give(step.emit("Flatten", step.first(), axis=1), "first")


@rule("to_sequence", "to_image")
def _in_a_row(step: Step) -> None:
    step.give(step.reshape(step.first(), 0, step.y.channels, *step.y.spatial), "first")


@rule("transpose")
def _transposed(step: Step) -> None:
    """A node, even where the tensor lies in both layouts anyway: the operation keeps its name in the graph."""
    step.give(step.transpose(step.first(), 0, 2, 1), "first")


# branches


def _common(step: Step) -> Layout:
    """The layout that the branch of most positions has."""
    return max(step.inputs, key=lambda value: value.shape.rank).native


def _aligned(step: Step, layout: Layout) -> list[str]:
    """Branches of one rank in a layout, cut where they are."""
    rank, found = step.y.rank, []
    crops = getattr(step.op, "align", None) == "crop"
    for number, (value, shape) in enumerate(zip(step.inputs, step.x, strict=True)):
        if crops:
            found.append(centred(step, step.first(number), shape, step.y))
            continue
        name = step.drawer.in_layout(value, layout)
        if shape.rank < rank and layout == "first":
            name = step.emit("Unsqueeze", name, step.number(list(range(2, 2 + rank - shape.rank))))
        elif shape.rank < rank:
            name = step.emit("Unsqueeze", name, step.number(list(range(1, 1 + rank - shape.rank))))
        found.append(name)
    return found


@rule("add", "mul", "sub", "mean")
def _merged(step: Step) -> None:
    crops = getattr(step.op, "align", None) == "crop"
    layout: Layout = "first" if crops else _common(step)
    kind = {"add": "Add", "mul": "Mul", "sub": "Sub", "mean": "Add"}[step.op.name]
    y, *others = _aligned(step, layout)
    for other in others:
        y = step.emit(kind, y, other)
    if step.op.name == "mean":
        y = step.emit("Div", y, step.number(float(len(step.inputs))))
    step.give(y, layout)


def with_batch(step: Step, value: Value, name: str, layout: Layout) -> str:
    """A tensor that is there once for all examples, once for each."""
    other = next((number for number, each in enumerate(step.inputs) if each.has_batch), None)
    if value.has_batch or other is None:
        return name
    batch = step.emit("Shape", step.first(other), start=0, end=1)
    sizes = step.emit("Concat", batch, step.number(extents(value.shape, layout)), axis=0)
    return step.emit("Expand", name, sizes)


@rule("concat", "join")
def _joined(step: Step) -> None:
    crops = getattr(step.op, "align", None) == "crop"
    layout: Layout = "first" if crops else _common(step)
    branches = [
        with_batch(step, value, name, layout) for value, name in zip(step.inputs, _aligned(step, layout), strict=True)
    ]
    channels = 1 if layout == "first" or step.y.rank == 0 else 1 + step.y.rank
    positions = 2 if layout == "first" else 1
    axis = positions if step.op.name == "join" else channels
    step.give(step.emit("Concat", *branches, axis=axis), layout)


@rule("dot")
def _dot(step: Step) -> None:
    """A row times a column at each position."""
    a = step.emit("Unsqueeze", step.last(0), step.number([-2]))
    b = step.emit("Unsqueeze", step.last(1), step.number([-1]))
    product = step.emit("MatMul", a, b)
    step.give(step.emit("Squeeze", product, step.number([-1])), "last")


@rule("trained", "fixed")
def _source(step: Step) -> None:
    """Values of no input: trained ones are a weight, fixed ones zeros that stand for them."""
    sizes = (1, *extents(step.y, "last"))
    if step.op.name == "trained":
        return step.give(step.emit("Identity", step.weight("weight", *sizes)), "last")
    zero = step.number(0.0)
    return step.give(step.emit("Expand", zero, step.number(list(sizes))), "last")


@rule("zeros")
def _zeros(step: Step) -> None:
    """As many as the examples: zero times what is read, of every so-manyth position."""
    read, strides = step.first(), per_axis(step.op.stride, step.x.rank, "stride")
    if any(stride > 1 for stride in strides):
        axes = list(range(2, 2 + step.x.rank))
        ranges = ([0] * len(axes), list(step.x.spatial), axes, list(strides))
        read = step.emit("Slice", read, *map(step.number, ranges))
    step.give(step.emit("Mul", read, step.number(0.0)), "first")


@rule("rbf")
def _distances(step: Step) -> None:
    """Squared distances to codes; the square of a difference, summed."""
    read = step.last() if step.x.rank == 1 else step.emit("Flatten", step.first(), axis=1)
    inputs = step.x.channels if step.x.rank == 1 else step.x.elements
    wide = step.emit("Unsqueeze", read, step.number([-2]))
    difference = step.emit("Sub", wide, step.weight("codes", step.y.channels, inputs))
    y = step.emit("ReduceSumSquare", difference, step.number([-1]), keepdims=0)
    step.give(y, "last")

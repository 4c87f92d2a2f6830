"""Linear layers, norms, embeddings, recurrent layers and mixtures of experts."""

from __future__ import annotations

from archcalc.graph import NETWORK_INPUT
from archcalc.report.export.onnx.builder import Step, Value, rule


@rule("linear")
def _linear(step: Step) -> None:
    """A matrix product at each position, or Gemm on features."""
    op, x, y = step.op, step.x, step.y
    inputs = x.channels if x.kind == "sequence" else x.elements
    read = step.emit("Flatten", step.first(), axis=1) if x.rank > 1 else step.last()
    weight = _tied(step, inputs) if op.tied is not None else step.weight("weight", inputs, y.channels)
    if y.rank == 0 and op.bias and op.tied is None:
        return step.give(step.emit("Gemm", read, weight, step.weight("bias", y.channels)), "last")
    product = step.emit("MatMul", read, weight)
    if op.bias:
        product = step.emit("Add", product, step.weight("bias", y.channels))
    return step.give(product, "last")


def _tied(step: Step, inputs: int) -> str:
    """The weights of an earlier layer, (inputs, channels), however they lie there."""
    drawer = step.drawer
    other = step.first_index
    while drawer.graph.nodes[other].shares >= 0:
        other = drawer.graph.nodes[other].shares
    name = drawer.stored[other]["weight"]
    sizes = drawer.weights[name]
    if len(sizes) > 2:  # a convolution of one tap
        name, sizes = step.reshape(name, sizes[0], -1), (sizes[0], -1)
    is_embedding = drawer.graph.nodes[other].operator.name == "embedding"
    fits = sizes == (inputs, step.y.channels) and not (is_embedding and sizes[0] != inputs)
    return name if fits else step.emit("Transpose", name, perm=[1, 0])


# norms


@rule("batch_norm")
def _batch_norm(step: Step) -> None:
    op, channels = step.op, step.y.channels
    if not op.statistics:
        return step.own(epsilon=float(op.eps))
    scale = step.weight("scale", channels) if op.scale else step.number([1.0] * channels)
    shift = step.weight("bias", channels) if op.shift else step.number([0.0] * channels)
    statistics = [step.weight(role, channels) for role in ("mean", "variance")]
    given = step.emit("BatchNormalization", step.first(), scale, shift, *statistics, epsilon=float(op.eps))
    return step.give(given, "first")


@rule("group_norm", "instance_norm")
def _group_norm(step: Step) -> None:
    op, channels = step.op, step.y.channels
    scale = step.weight("scale", channels) if op.scale else step.number([1.0] * channels)
    shift = step.weight("bias", channels) if op.shift else step.number([0.0] * channels)
    if op.name == "group_norm":
        y = step.emit("GroupNormalization", step.first(), scale, shift, num_groups=op.groups, epsilon=float(op.eps))
    else:
        y = step.emit("InstanceNormalization", step.first(), scale, shift, epsilon=float(op.eps))
    step.give(y, "first")


@rule("lrn")
def _lrn(step: Step) -> None:
    op = step.op
    numbers = {"alpha": float(op.alpha), "beta": float(op.beta), "bias": float(op.k)}
    if step.x.rank == 0:
        return step.own(size=op.size, **numbers)
    return step.give(step.emit("LRN", step.first(), size=op.size, **numbers), "first")


@rule("layer_norm")
def _layer_norm(step: Step) -> None:
    op, x = step.op, step.x
    of_head = (x.channels // op.heads, *x.spatial)
    axes = list(range(x.rank + 1)) if op.whole else list(op.axes if isinstance(op.axes, tuple) else (op.axes,))
    sizes = [of_head[axis] for axis in axes]
    is_last = axes == [0]
    read = step.last() if is_last else step.first()
    if op.heads > 1:
        read = step.reshape(read, 0, *((*x.spatial, op.heads, of_head[0]) if is_last else (op.heads, *of_head)))
    before = 1 + (op.heads > 1)  # the batch, and the heads
    others = [axis for axis in range(x.rank + 1) if axis not in axes]
    order = [*range(before), *(before + axis for axis in (*others, *axes))]
    if not is_last:
        read = step.transpose(read, *order)
    scale = step.weight("scale", *sizes) if op.scale else step.emit("Expand", step.number(1.0), step.number(sizes))
    shift = [step.weight("bias", *sizes)] if op.shift else []
    y = step.emit("LayerNormalization", read, scale, *shift, axis=-len(axes), epsilon=float(op.eps))
    if not is_last:
        y = step.transpose(y, *(order.index(axis) for axis in range(len(order))))
    if op.heads > 1:
        y = step.reshape(y, 0, *((*x.spatial, x.channels) if is_last else (x.channels, *x.spatial)))
    step.give(y, "last" if is_last else "first")


@rule("rms_norm")
def _rms_norm(step: Step) -> None:
    """Of each head by itself; an ONNX node always has a factor."""
    op, x = step.op, step.x
    width = x.channels // op.heads
    read = step.last()
    if op.heads > 1:
        read = step.reshape(read, 0, *x.spatial, op.heads, width)
    eps = float(op.eps) if op.eps is not None else 2.0**-23  # the machine epsilon of float
    scale = step.weight("scale", width) if op.scale else step.emit("Expand", step.number(1.0), step.number([width]))
    y = step.emit("RMSNormalization", read, scale, axis=-1, epsilon=eps)
    if op.heads > 1:
        y = step.reshape(y, 0, *x.spatial, x.channels)
    step.give(y, "last")


@rule("l2_norm")
def _l2_norm(step: Step) -> None:
    op, x = step.op, step.x
    read = step.last()
    if op.heads > 1:
        read = step.reshape(read, 0, *x.spatial, op.heads, x.channels // op.heads)
    y = step.emit("LpNormalization", read, axis=-1, p=2)
    if op.heads > 1:
        y = step.reshape(y, 0, *x.spatial, x.channels)
    step.give(y, "last")


# tokens and positions


@rule("embedding")
def _embedding(step: Step) -> None:
    table = step.weight("weight", step.op.entries, step.op.channels)
    step.give(step.emit("Gather", table, step.first(), axis=0), "last")


@rule("position_embedding")
def _positions(step: Step) -> None:
    op, x = step.op, step.x
    count = x.positions
    if op.trained:
        entries = op.entries if op.entries is not None else count
        table = step.weight("weight", entries, x.channels)
        if entries != count or op.past:
            table = step.slice(table, 0, op.past, op.past + count)
    else:
        places = step.emit("Range", *(step.number(value) for value in (float(op.past), float(op.past + count), 1.0)))
        table = _waves(step, places, x.channels)
    if x.rank > 1:
        table = step.reshape(table, *x.spatial, x.channels)
    step.give(step.emit("Add", step.last(), table), "last")


def _waves(step: Step, numbers: str, channels: int) -> str:
    """Sines and cosines of each number, (numbers, channels): Vaswani et al. 2017, section 3.5."""
    half = (channels + 1) // 2
    places = step.emit("Range", *(step.number(value) for value in (0.0, float(half), 1.0)))
    powers = step.emit("Pow", step.number(1e4 ** (-1 / half)), places)
    angles = step.emit("Mul", step.emit("Unsqueeze", numbers, step.number([1])), powers)
    both = step.emit("Concat", step.emit("Sin", angles), step.emit("Cos", angles), axis=-1)
    return both if channels == 2 * half else step.slice(both, 1, 0, channels)


@rule("sinusoid")
def _sinusoid(step: Step) -> None:
    step.give(_waves(step, step.reshape(step.first(), -1), step.op.channels), "last")


@rule("rotary")
def _rotary(step: Step) -> None:
    """Neighbouring channels in pairs, turned by angles that grow with the position."""
    emit, number, x = step.emit, step.number, step.x
    turned, count = step.op._turned(x), x.positions
    if turned == 0:
        return step.as_it_lies("Identity")
    read = step.last() if x.rank else emit("Unsqueeze", step.last(), number([1]))
    if x.rank > 1:
        read = step.reshape(read, 0, count, x.channels)
    places = emit("Unsqueeze", emit("Range", number(0.0), number(float(count)), number(1.0)), number([1]))
    pairs = emit("Range", number(0.0), number(float(turned // 2)), number(1.0))
    angles = emit("Mul", places, emit("Pow", number(1e4 ** (-2 / turned)), pairs))
    cosines, sines = emit("Cos", angles), emit("Sin", angles)
    a, b = step.slice(read, 2, 0, turned, 2), step.slice(read, 2, 1, turned, 2)
    left = emit("Sub", emit("Mul", a, cosines), emit("Mul", b, sines))
    right = emit("Add", emit("Mul", b, cosines), emit("Mul", a, sines))
    both = emit("Concat", *(emit("Unsqueeze", each, number([3])) for each in (left, right)), axis=3)
    y = step.reshape(both, 0, count, turned)
    if turned < x.channels:
        y = emit("Concat", y, step.slice(read, 2, turned, x.channels), axis=2)
    if x.rank != 1:
        y = step.reshape(y, 0, *x.spatial, x.channels)
    return step.give(y, "last")


@rule("select_token")
def _select(step: Step) -> None:
    axis = 1 if step.native == "last" else 2
    read = step.drawer.in_layout(step.inputs[0], step.native)
    step.give(step.emit("Gather", read, step.number(step.op.index), axis=axis), "last")


@rule("cache")
def _cache(step: Step) -> None:
    """Positions of earlier steps are an input of the graph."""
    kept = step.op._kept(step.op.past)
    if not kept:
        value = step.inputs[0]
        step.given = Value(value.names[value.native], value.native, step.y, value.has_batch)
        return
    name = step.drawer.unique(f"{step.name}.past")
    step.drawer.more_inputs[name] = Value(name, "last", step.y._replace(spatial=(kept,)))
    step.give(step.emit("Concat", name, step.last(), axis=1), "last")


# recurrence


@rule("lstm", "gru", "rnn")
def _recurrent(step: Step) -> None:
    """A node for each layer: W, R and B of each way, as ONNX stacks them."""
    op, x = step.op, step.x
    kind, gates = {"lstm": ("LSTM", 4), "gru": ("GRU", 3), "rnn": ("RNN", 1)}[op.name]
    ways = 2 if op.bidirectional else 1
    attributes = {"hidden_size": op.hidden, "direction": "bidirectional" if ways == 2 else "forward"}
    if kind == "GRU":
        attributes["linear_before_reset"] = 1  # as torch computes it
    read = step.transpose(step.last(), 1, 0, 2)
    first = [""]
    if op.initial is not None:
        state = step.reshape(step.last(1), -1, ways, op.hidden)
        first = ["", step.transpose(state, 1, 0, 2)]
    ends = ""
    for number in range(op.layers):
        inputs = x.channels if number == 0 else ways * op.hidden
        weights = [
            step.weight(f"W{number}", ways, gates * op.hidden, inputs),
            step.weight(f"R{number}", ways, gates * op.hidden, op.hidden),
            step.weight(f"B{number}", ways, 2 * gates * op.hidden) if op.bias else "",
        ]
        more = first if op.initial is not None else []
        read, ends = step.emit_many(kind, 2, read, *weights, *more, **attributes)
        if number + 1 < op.layers or not op.last:
            read = step.reshape(step.transpose(read, 0, 2, 1, 3), x.positions, -1, ways * op.hidden)
    if op.last:
        return step.give(step.reshape(step.transpose(ends, 1, 0, 2), -1, ways * op.hidden), "last")
    return step.give(step.transpose(read, 1, 0, 2), "last")


# experts


@rule("route")
def _route(step: Step) -> None:
    """The outputs of so many experts, weighted and added; those that are computed come as further inputs."""
    op = step.op
    router, expert, shared = step.of_role("router"), step.of_role("expert"), step.of_role("shared")
    assert router is not None
    assert expert is not None
    index = step.node.inputs[expert]
    copies = step.drawer.values[index] if index > NETWORK_INPUT else [step.inputs[expert]]
    weights, _ = step.emit_many("TopK", 2, step.last(router), step.number([op.top]), axis=-1)
    y = ""
    for number in range(op.top):
        value = copies[number] if number < len(copies) else copies[0]
        factor = step.slice(weights, 1 + step.y.rank, number, number + 1)
        weighted = step.emit("Mul", step.drawer.in_layout(value, "last"), factor)
        y = step.emit("Add", y, weighted) if y else weighted
    if shared is not None:
        y = step.emit("Add", y, step.last(shared))
    step.drawer.is_routed = True
    step.give(y, "last")


@rule("scan", "delta", "opaque")
def _unknown(step: Step) -> None:
    values = {name: value for name, value in step.op.values().items() if isinstance(value, int) and value is not None}
    step.own(**{name: int(value) for name, value in values.items()})

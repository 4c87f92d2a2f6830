"""Poolings, means, resampling: what runs over positions."""

from __future__ import annotations

from typing import Any

from archcalc.importing.axes import CHANNELS, complete, roles
from archcalc.importing.lowering.context import Lowering, Scores, Stored, UnsupportedError, View, rule
from archcalc.importing.lowering.layers import _padding, _per_axis
from archcalc.importing.lowering.layout import alike, natural_axes, number, settled
from archcalc.importing.lowering.stored import derived, weights_of
from archcalc.importing.neutral import Operation
from archcalc.importing.patterns.match import first


def _image(low: Lowering, op: Operation, rank: int) -> tuple[int, int]:
    """The call that gives an input with so many extents, and how many axes come before the channels."""
    view = low.view(first(op))
    before = len(view.axes) - rank - 1
    return settled(low, view, before, range(before + 1, len(view.axes))), before


def _given(low: Lowering, node: int, before: int) -> View:
    rank = low.shape(node).rank
    return View(node, natural_axes(low, node, before + 1 + rank, before, range(before + 1, before + 1 + rank)))


POOLS = {
    **{f"max_pool{n}d": "maxpool" for n in (1, 2, 3)},
    **{f"max_pool{n}d_with_indices": "maxpool" for n in (1, 2, 3)},
    **{f"avg_pool{n}d": "avgpool" for n in (1, 2, 3)},
}


@rule(*POOLS)
def _pool(low: Lowering, op: Operation) -> Any:
    rank = int(op.op[op.op.index("pool") + 4])
    node, before = _image(low, op, rank)
    get = op.arguments.get
    name = POOLS[op.op]
    padding = get("padding", 0)
    arguments: dict[str, Any] = {
        "kernel": alike(_per_axis(op.arguments["kernel_size"], rank)),
        "padding": padding if isinstance(padding, str) else _padding(_per_axis(padding, rank)),
        "ceil": bool(get("ceil_mode", False)),
    }
    stride = get("stride")
    arguments["stride"] = alike(_per_axis(stride, rank)) if stride else arguments["kernel"]
    if name == "maxpool":
        arguments["dilation"] = alike(_per_axis(get("dilation", 1), rank))
    else:
        arguments["count_include_pad"] = bool(get("count_include_pad", True))
        if get("divisor_override"):
            raise UnsupportedError("an average with a divisor of its own")
    made = _given(low, low.call(name, [node], arguments=arguments), before)
    return (made, made) if len(op.outputs) > 1 else made


@rule("adaptive_avg_pool1d", "adaptive_avg_pool2d", "adaptive_avg_pool3d", "_adaptive_avg_pool2d",
      "adaptive_max_pool1d", "adaptive_max_pool2d", "adaptive_max_pool3d")  # fmt: skip
def _adaptive(low: Lowering, op: Operation) -> Any:
    rank = int(op.op[op.op.index("pool") + 4])
    node, before = _image(low, op, rank)
    asked: Any = _per_axis(op.arguments["output_size"], rank)
    kind = "max" if "max" in op.op else "avg"
    extents = low.extents(node)
    size = tuple([have if want is None else want for want, have in zip(asked, extents, strict=True)])
    if set(size) == {1}:
        made = low.call(f"global_{kind}pool", [node])
    else:
        made = low.call(f"adaptive_{kind}pool", [node], arguments={"size": alike(size)})
    given = _given(low, made, before)
    return (given, given) if len(op.outputs) > 1 else given


@rule("mean", "amax", "max", "sum", "amin", "min", "var", "std", "var_mean", "std_mean", "logsumexp", "norm",
      "linalg_vector_norm", "prod", "cumsum")  # fmt: skip
def _reduce(low: Lowering, op: Operation) -> Any:
    value = low.array(first(op))
    if isinstance(value, Stored):
        return derived(low, op)
    if isinstance(value, Scores):
        if op.op in ("amax", "max"):  # taken off again before the softmax
            return (Stored(), Stored()) if len(op.outputs) > 1 else Stored()
        raise UnsupportedError(f"{op.op} of scores of attention")
    dims = op.arguments.get("dim")
    if op.op == "sum" or (op.op == "mean" and _is_of_branches(low, value, dims)):
        return _sum_of_branches(low, value, dims, op.arguments.get("keepdim", False), op.op == "mean")
    if op.op not in ("mean", "amax", "max") or "other" in op.arguments:
        raise UnsupportedError(f"no operator is a {op.op}")
    rank = len(value.axes)
    dims = range(rank) if dims is None or dims == [] else [dims] if isinstance(dims, int) else dims
    over = {axis % rank for axis in dims}
    sizes = low.sizes(value.node)
    held = set().union(*[roles(value.axes[axis]) for axis in over])
    spatial = {role for role in range(1, len(sizes)) if sizes[role] > 1}
    keep = op.arguments.get("keepdim", False)
    axes = [() if number in over else axis for number, axis in enumerate(value.axes)]
    shape = [axis for number, axis in enumerate(axes) if keep or number not in over]
    if not held:
        return View(value.node, tuple(shape))
    if held != spatial or not all(complete([value.axes[axis] for axis in over], role, sizes[role]) for role in held):
        raise UnsupportedError(f"a {op.op} over {'the channels' if CHANNELS in held else 'a part of the positions'}")
    made = low.call("global_avgpool" if op.op == "mean" else "global_maxpool", [value.node])
    given = View(made, tuple(shape))
    return (given, given) if len(op.outputs) > 1 else given


def _is_of_branches(low: Lowering, view: View, dims: Any) -> bool:
    """Whether an axis is that of a few tensors that were stacked, and no axis of channels or positions."""
    axis = dims[0] if isinstance(dims, (list, tuple)) and len(dims) == 1 else dims
    if not isinstance(axis, int):
        return False
    parts = view.axes[axis % len(view.axes)]
    return len(parts) == 1 and parts[0].role == CHANNELS and parts[0].size < low.sizes(view.node)[CHANNELS]


def _sum_of_branches(low: Lowering, view: View, dims: Any, keep: bool, is_mean: bool) -> View:
    """The sum or mean along an axis of which the indices are whole branches, put side by side before.

    Raises:
        UnsupportedError: it is another sum.
    """
    from archcalc.importing.lowering.shapes import narrowed

    axis = dims[0] if isinstance(dims, (list, tuple)) and len(dims) == 1 else dims
    if not isinstance(axis, int):
        raise UnsupportedError("a sum over several axes")
    axis %= len(view.axes)
    parts = view.axes[axis]
    channels = low.sizes(view.node)[CHANNELS]
    if (
        len(parts) != 1
        or parts[0].role != CHANNELS
        or parts[0].stride * parts[0].size != channels
        or channels == parts[0].size
    ):
        raise UnsupportedError("a sum over channels or positions")
    size = parts[0].size
    branches = [narrowed(low, view, axis, number, number + 1, 1, size) for number in range(size)]
    nodes = [branch.node for branch in branches if isinstance(branch, View)]
    first_of = branches[0]
    assert isinstance(first_of, View)
    axes = first_of.axes if keep else first_of.axes[:axis] + first_of.axes[axis + 1 :]
    return View(low.call("mean" if is_mean else "add", nodes), axes)


UPSAMPLINGS = (
    *(f"upsample_nearest{n}d" for n in (1, 2, 3)),
    *(f"_upsample_nearest_exact{n}d" for n in (1, 2, 3)),
    *("upsample_linear1d", "upsample_bilinear2d", "upsample_bicubic2d", "upsample_trilinear3d"),
    *("_upsample_bilinear2d_aa", "_upsample_bicubic2d_aa"),
)


@rule(*UPSAMPLINGS)
def _upsample(low: Lowering, op: Operation) -> Any:
    digit = next(int(letter) for letter in op.op if letter.isdigit())
    value = low.array(first(op))
    if isinstance(value, Stored):
        return derived(low, op)
    node, before = _image(low, op, digit)
    word = next(mode for mode in ("nearest", "bilinear", "bicubic", "trilinear", "linear") if mode in op.op)
    extents = low.extents(node)
    wanted = low.shape_of_output(op)[before + 1 :]
    if tuple(wanted) == tuple(extents) and word == "nearest":
        return value
    arguments: dict[str, Any] = {"mode": word}
    if word != "nearest":
        arguments["align_corners"] = bool(op.arguments.get("align_corners", False))
    factors = op.arguments.get("scale_factors") or op.arguments.get("scales")
    if factors:
        arguments["scale"] = alike([number(factor) for factor in factors])
    else:
        low.depends_on_size()
        if all(want % have == 0 for want, have in zip(wanted, extents, strict=True)):
            arguments["scale"] = alike([want // have for want, have in zip(wanted, extents, strict=True)])
        else:
            arguments["size"] = alike(tuple(wanted))
    return _given(low, low.call("upsample", [node], arguments=arguments), before)


@rule("pixel_shuffle")
def _pixel_shuffle(low: Lowering, op: Operation) -> Any:
    node, before = _image(low, op, 2)
    return _given(low, low.call("pixel_shuffle", [node], arguments={"factor": op.arguments["upscale_factor"]}), before)


@rule("pixel_unshuffle")
def _pixel_unshuffle(low: Lowering, op: Operation) -> Any:
    node, before = _image(low, op, 2)
    arguments = {"factor": op.arguments["downscale_factor"]}
    return _given(low, low.call("pixel_unshuffle", [node], arguments=arguments), before)


@rule("channel_shuffle", "native_channel_shuffle")
def _channel_shuffle(low: Lowering, op: Operation) -> Any:
    view = low.view(first(op))
    node = settled(low, view, 1, range(2, len(view.axes)))
    made = low.call("channel_shuffle", [node], arguments={"groups": op.arguments["groups"]})
    return View(made, view.axes if view.node == node else low.plain(made).axes)


@rule("im2col")
def _unfold(low: Lowering, op: Operation) -> Any:
    node, before = _image(low, op, 2)
    names = ("kernel_size", "stride", "padding", "dilation")
    values = {name.removesuffix("_size"): alike(_per_axis(op.arguments[name], 2)) for name in names}
    return _given(low, low.call("unfold", [node], arguments=values), before)


@rule("deform_conv2d")
def _deform(low: Lowering, op: Operation) -> Any:
    get = op.arguments.get
    weight, bias = op.arguments["weight"], get("bias")
    names, _ = weights_of(low, weight, bias if bias is not None and low.tensor(bias).name else None)
    shape = low.shape_of(weight)
    branches = [op.arguments["input"], op.arguments["offset"]]
    if get("use_mask"):
        branches.append(op.arguments["mask"])
    nodes = [settled(low, low.view(ref), 1, (2, 3)) for ref in branches]
    arguments = {
        "channels": shape[0],
        "kernel": alike(shape[2:]),
        "stride": alike((get("stride_h", 1), get("stride_w", 1))),
        "padding": alike((get("pad_h", 0), get("pad_w", 0))),
        "dilation": alike((get("dilation_h", get("dil_h", 1)), get("dilation_w", get("dil_w", 1)))),
        "groups": get("groups", get("n_weight_grps", 1)),
        "bias": len(names) > 1,
    }
    return low.plain(low.call("deform_conv", nodes, names, arguments=arguments))

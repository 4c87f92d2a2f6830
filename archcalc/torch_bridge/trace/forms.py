"""What common operations give without memory, where torch would find that slowly, by other operations."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import torch
from torch import Tensor

UNARY = {
    *("relu", "relu6", "silu", "gelu", "sigmoid", "tanh", "hardswish", "hardsigmoid", "hardtanh", "leaky_relu", "elu"),
    "mish",
}
BINARY = {"add", "mul", "sub", "div"}


def of_known_form(name: str, args: Sequence[Any], bound: dict[str, Any]) -> Tensor | None:
    """What an operation gives, where its form is plain; None: torch says it.

    In memory it lies as what it reads does, if that fills its memory without gaps; all others give rows one after the
    other, and are said of tensors alone that lie so, too.

    Args:
        name: of the operation in ATen, with its underscore where it works in place.
        args: in their order.
        bound: by their names.
    """
    plain = name.removesuffix("_")
    if plain not in FORMS and plain not in UNARY and plain not in BINARY and plain != "batch_norm":
        return None
    tensors = [each for each in args[:2] if isinstance(each, Tensor)]
    if any(not each.is_meta or not each.is_floating_point() for each in tensors):
        return None
    if plain in FORMS:
        return FORMS[plain](args, bound)
    if not tensors:
        return None
    mean = bound.get("running_mean")
    if plain == "batch_norm" and mean is not None and tensors[0].shape[1:2] != mean.shape:
        return None  # torch says that the channels are others
    if plain in BINARY:
        x = _larger(tensors, plain != name) if len(tensors) == 2 else tensors[0] if _is_scaled(args) else None
    elif plain != "batch_norm" or (not bound.get("training") and tensors[0].is_contiguous()):
        x = tensors[0]
    else:
        return None
    if x is None or plain != name:
        return x
    like = _rows_of(x.shape, x)
    if like.stride() == x.stride():
        return like
    like = torch.empty_like(x)
    return like if like.stride() == x.stride() else None


def _rows_of(shape: Sequence[int], x: Tensor) -> Tensor:
    """A tensor of that shape, and of the type of another."""
    return torch.empty(shape, dtype=x.dtype, device="meta")


def _is_scaled(args: Sequence[Any]) -> bool:
    """Whether the operands are a tensor and a number."""
    return len(args) == 2 and isinstance(args[0], Tensor) and isinstance(args[1], (int, float))


def _larger(tensors: Sequence[Tensor], is_in_place: bool) -> Tensor | None:
    """Of two, the one whose form their sum has; None: that is not plain."""
    one, other = tensors
    if one.dtype != other.dtype:
        return None
    if one.shape == other.shape:
        return one if one.stride() == other.stride() else None
    large, small = sorted(tensors, key=Tensor.numel, reverse=True)
    if is_in_place or not small.is_contiguous():
        return None
    if small.ndim > large.ndim:
        return None
    if small is one and sum(size > 1 for size in small.shape) > 1 and not large.is_contiguous():
        return None  # the sum lies in memory as the first does, where that has an order of axes
    sizes = zip(large.shape[large.ndim - small.ndim :], small.shape, strict=True)
    return large if all(size in (1, wanted) for wanted, size in sizes) else None


def _layer_norm(args: Sequence[Any], bound: dict[str, Any]) -> Tensor | None:
    x, sizes = args[:2]
    return _rows_of(x.shape, x) if list(x.shape[x.ndim - len(sizes) :]) == list(sizes) else None


def _linear(args: Sequence[Any], bound: dict[str, Any]) -> Tensor | None:
    x, weight = args[:2]
    bias = bound.get("bias")
    is_layer = weight.ndim == 2 and x.ndim > 1 and x.shape[-1] == weight.shape[1] and x.dtype == weight.dtype
    is_layer = is_layer and (bias is None or (bias.shape == weight.shape[:1] and bias.dtype == x.dtype))
    return _rows_of((*x.shape[:-1], weight.shape[0]), x) if is_layer else None


def _convolution(args: Sequence[Any], bound: dict[str, Any]) -> Tensor | None:
    x, weight = args[:2]
    rank = weight.ndim - 2
    if not isinstance(weight, Tensor) or x.ndim != weight.ndim or x.dtype != weight.dtype or not x.is_contiguous():
        return None
    if not weight.is_contiguous():
        return None
    groups = bound.get("groups", 1)
    channels, bias = weight.shape[0], bound.get("bias")
    if x.shape[1] != weight.shape[1] * groups or channels % groups:
        return None
    if bias is not None and (bias.shape != (channels,) or bias.dtype != x.dtype):
        return None
    extents = _windows(
        x.shape[2:], weight.shape[2:], *[_each(bound.get(key, plain), rank) for key, plain in WINDOW.items()]
    )
    return _rows_of((x.shape[0], channels, *extents), x) if extents else None


WINDOW = {"stride": 1, "padding": 0, "dilation": 1}


def _max_pool(args: Sequence[Any], bound: dict[str, Any]) -> Tensor | None:
    x, rank = args[0], 2
    if x.ndim != 4 or not x.is_contiguous() or bound.get("ceil_mode"):
        return None
    kernel = _each(bound["kernel_size"], rank)
    stride = _each(bound.get("stride") or bound["kernel_size"], rank)
    padding, dilation = (_each(bound.get(key, WINDOW[key]), rank) for key in ("padding", "dilation"))
    if kernel is None or padding is None or any(2 * pad > size for pad, size in zip(padding, kernel, strict=True)):
        return None
    extents = _windows(x.shape[2:], kernel, stride, padding, dilation)
    return _rows_of((*x.shape[:2], *extents), x) if extents else None


def _each(value: Any, rank: int) -> tuple[int, ...] | None:
    """A number for each axis; None: it is something else, such as a word."""
    if isinstance(value, int):
        return (value,) * rank
    if not isinstance(value, (list, tuple)) or len(value) not in (1, rank):
        return None
    return tuple(value) * (rank // len(value))


def _windows(extents: Any, kernel: Any, stride: Any, padding: Any, dilation: Any) -> tuple[int, ...]:
    """How many windows there are along each axis; empty where they do not fit, or are not said by numbers."""
    if stride is None or padding is None or dilation is None or any(size <= 0 for size in stride):
        return ()
    of_axes = zip(extents, kernel, stride, padding, dilation, strict=True)
    found = tuple([(extent + 2 * pad - wide * (size - 1) - 1) // step + 1 for extent, size, step, pad, wide in of_axes])
    return found if min(found) > 0 else ()


def _adaptive_mean(args: Sequence[Any], bound: dict[str, Any]) -> Tensor | None:
    x, size = args[0], _each(bound["output_size"], 2)
    is_plain = x.ndim == 4 and x.is_contiguous() and size is not None and min(size) > 0
    return _rows_of((*x.shape[:2], *size), x) if is_plain and size else None


def _mean(args: Sequence[Any], bound: dict[str, Any]) -> Tensor | None:
    x, dims = args[0], bound.get("dim")
    if not isinstance(dims, (list, tuple)) or not dims or bound.get("dtype") is not None or not x.is_contiguous():
        return None
    if any(not -x.ndim <= dim < x.ndim for dim in dims):
        return None
    gone = {dim % x.ndim for dim in dims}
    is_kept = bound.get("keepdim", False)
    shape = [1 if axis in gone else size for axis, size in enumerate(x.shape) if is_kept or axis not in gone]
    return _rows_of(shape, x)


def _cat(args: Sequence[Any], bound: dict[str, Any]) -> Tensor | None:
    parts, axis = args[0], bound.get("dim", 0)
    first = parts[0] if parts else None
    if not isinstance(first, Tensor) or not isinstance(axis, int) or not -first.ndim <= axis < first.ndim:
        return None
    axis %= first.ndim
    around = (*first.shape[:axis], *first.shape[axis + 1 :])
    for each in parts:
        if not each.is_meta or each.dtype != first.dtype or each.ndim != first.ndim or not each.is_contiguous():
            return None
        if (*each.shape[:axis], *each.shape[axis + 1 :]) != around:
            return None
    extent = sum(each.shape[axis] for each in parts)
    return _rows_of((*first.shape[:axis], extent, *first.shape[axis + 1 :]), first)


def states_of_known_form(name: str, args: Sequence[Any], bound: dict[str, Any]) -> tuple[Tensor, ...] | None:
    """What a recurrent layer gives, which torch would find position by position; None: it is none.

    Args:
        name: of the operation in ATen.
        args: in their order.
        bound: by their names.
    """
    if name not in RECURRENT or "data" in bound or not args[0].is_meta:
        return None
    x, states = args[0], bound["hx"]
    states = states if isinstance(states, (list, tuple)) else [states]
    y = _rows_of((*x.shape[:-1], states[0].shape[-1] * (2 if bound["bidirectional"] else 1)), x)
    return (y, *[_rows_of(each.shape, x) for each in states])


RECURRENT = {"lstm", "gru", "rnn_tanh", "rnn_relu"}

FORMS: dict[str, Callable[[Sequence[Any], dict[str, Any]], Tensor | None]] = {
    "layer_norm": _layer_norm,
    "linear": _linear,
    "conv1d": _convolution,
    "conv2d": _convolution,
    "conv3d": _convolution,
    "max_pool2d": _max_pool,
    "adaptive_avg_pool2d": _adaptive_mean,
    "mean": _mean,
    "cat": _cat,
}

"""What common operations give without memory, where torch would find that slowly, by other operations."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import torch
from torch import Tensor

UNARY = {"relu", "silu", "gelu", "sigmoid", "tanh", "hardswish", "hardsigmoid", "leaky_relu", "elu", "mish"}
BINARY = {"add", "mul", "sub"}


def of_known_form(name: str, args: Sequence[Any], bound: dict[str, Any]) -> Tensor | None:
    """What an operation gives, where its form is plain; None: torch says it.

    In memory it lies as what it reads does, if that fills its memory without gaps; a norm of the last axes and a
    linear layer give rows one after the other.

    Args:
        name: of the operation in ATen, with its underscore where it works in place.
        args: in their order.
        bound: by their names.
    """
    plain = name.removesuffix("_")
    tensors = [each for each in args[:2] if isinstance(each, Tensor)]
    if not tensors or any(each.device.type != "meta" or not each.is_floating_point() for each in tensors):
        return None
    if plain in ("layer_norm", "linear"):
        return _rows(plain, tensors[0], args[1])
    if plain in BINARY:
        x = _larger(tensors, plain != name) if len(tensors) == 2 else None
    elif plain in UNARY or (plain == "batch_norm" and not bound.get("training") and tensors[0].is_contiguous()):
        x = tensors[0]
    else:
        return None
    if x is None or plain != name:
        return x
    like = torch.empty_like(x)
    return like if like.stride() == x.stride() else None


def _rows(name: str, x: Tensor, other: Any) -> Tensor | None:
    """Of a norm of axes of these sizes, or of a layer with this weight."""
    if name == "layer_norm":
        return x.new_empty(x.shape) if list(x.shape[x.ndim - len(other) :]) == list(other) else None
    is_layer = other.ndim == 2 and x.ndim > 1 and x.shape[-1] == other.shape[1] and x.dtype == other.dtype
    return x.new_empty((*x.shape[:-1], other.shape[0])) if is_layer else None


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
    try:
        shape: torch.Size = torch.broadcast_shapes(one.shape, other.shape)  # type: ignore[no-untyped-call]
    except RuntimeError:  # torch says what is wrong
        return None
    return large if shape == large.shape else None

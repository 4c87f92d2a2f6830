"""Common layers of torch as the one operation that each is, which says as much as to run it and takes less.

Only layers of exactly these classes, with plain weights and one input, are said so: all others run.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from torch import Tensor, nn

Said = tuple[str, tuple[Any, ...], dict[str, Any]]
"""Name of an operation in ATen with its underscore, first arguments in order, all arguments by name."""


def said(layer: nn.Module, args: tuple[Any, ...], kwargs: Mapping[str, Any]) -> Said | None:
    """The operation that a layer is on what it is given; None: it must run to be known.

    Args:
        layer: any module.
        args: of its forward pass.
        kwargs: likewise.
    """
    say = LAYERS.get(type(layer))
    if say is None or kwargs or len(args) != 1 or type(args[0]) is not Tensor or not args[0].is_meta:
        return None
    own = vars(layer)
    if "forward" in own or own["_forward_hooks"] or own["_forward_pre_hooks"]:
        return None
    return say(layer, args[0])


def _convolution(layer: Any, x: Tensor) -> Said | None:
    stored = layer._parameters
    if layer.padding_mode != "zeros" or isinstance(layer.padding, str) or "weight" not in stored:
        return None
    weight, bias = stored["weight"], stored.get("bias")
    bound = {"input": x, "weight": weight, "bias": bias, "stride": layer.stride, "padding": layer.padding}
    bound |= {"dilation": layer.dilation, "groups": layer.groups}
    return f"conv{len(layer.kernel_size)}d", (x, weight, bias), bound


def _linear(layer: Any, x: Tensor) -> Said | None:
    stored = layer._parameters
    if "weight" not in stored:
        return None
    weight, bias = stored["weight"], stored.get("bias")
    return "linear", (x, weight, bias), {"input": x, "weight": weight, "bias": bias}


def _batch_norm(layer: Any, x: Tensor) -> Said | None:
    stored, buffers = layer._parameters, layer._buffers
    if layer.training or buffers.get("running_mean") is None or "weight" not in stored:
        return None
    layer._check_input_dim(x)
    weight, bias = stored["weight"], stored.get("bias")
    bound = {"input": x, "weight": weight, "bias": bias, "running_mean": buffers["running_mean"]}
    bound |= {"running_var": buffers["running_var"], "training": False, "momentum": layer.momentum, "eps": layer.eps}
    return "batch_norm", (x, weight), bound


def _layer_norm(layer: Any, x: Tensor) -> Said | None:
    stored, shape = layer._parameters, list(layer.normalized_shape)
    if "weight" not in stored:
        return None
    weight, bias = stored["weight"], stored.get("bias")
    bound = {"input": x, "normalized_shape": shape, "weight": weight, "bias": bias, "eps": layer.eps}
    return "layer_norm", (x, shape), bound


def _adaptive_mean(layer: Any, x: Tensor) -> Said | None:
    size = layer.output_size
    sizes = [size] * 2 if isinstance(size, int) else list(size)
    return None if None in sizes else ("adaptive_avg_pool2d", (x, sizes), {"self": x, "output_size": sizes})


def _pointwise(name: str, *settings: str) -> Callable[[Any, Tensor], Said]:
    """An activation, in place where the layer says so, with some of its settings as arguments."""

    def say(layer: Any, x: Tensor) -> Said:
        bound = {"self": x, **{setting: getattr(layer, setting) for setting in settings}}
        return f"{name}_" if getattr(layer, "inplace", False) else name, (x,), bound

    return say


LAYERS: Mapping[type[nn.Module], Callable[[Any, Tensor], Said | None]] = {
    nn.Conv1d: _convolution,
    nn.Conv2d: _convolution,
    nn.Conv3d: _convolution,
    nn.Linear: _linear,
    nn.BatchNorm1d: _batch_norm,
    nn.BatchNorm2d: _batch_norm,
    nn.BatchNorm3d: _batch_norm,
    nn.LayerNorm: _layer_norm,
    nn.AdaptiveAvgPool2d: _adaptive_mean,
    nn.ReLU: _pointwise("relu"),
    nn.ReLU6: _pointwise("hardtanh", "min_val", "max_val"),
    nn.SiLU: _pointwise("silu"),
    nn.Sigmoid: _pointwise("sigmoid"),
    nn.Tanh: _pointwise("tanh"),
    nn.GELU: _pointwise("gelu", "approximate"),
    nn.Hardswish: _pointwise("hardswish"),
    nn.Hardsigmoid: _pointwise("hardsigmoid"),
}

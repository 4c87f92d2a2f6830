"""Layers of torch that are read as a whole, by their class; what they hold is checked by their parameters."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, NamedTuple

from torch import nn

from archcalc.torch_bridge.model import attention, modules
from archcalc.torch_bridge.trace.own import OPERATORS, experts_of, layer_of, operator_of


class Leaf(NamedTuple):
    """A layer: its word in neutral programs, and what it was made with."""

    kind: str
    settings: Callable[[nn.Module], dict[str, Any]]


def _recurrent(module: nn.Module) -> dict[str, Any]:
    names = ("input_size", "hidden_size", "num_layers", "bias", "bidirectional", "batch_first", "proj_size")
    return {**{name: getattr(module, name) for name in names}, "nonlinearity": getattr(module, "nonlinearity", "tanh")}


def _local_response(module: nn.Module) -> dict[str, Any]:
    return {name: getattr(module, name) for name in ("size", "alpha", "beta", "k")}


def _nothing(module: nn.Module) -> dict[str, Any]:
    return {}


LEAVES: Mapping[type[nn.Module], Leaf] = {
    nn.LSTM: Leaf("LSTM", _recurrent),
    nn.GRU: Leaf("GRU", _recurrent),
    nn.RNN: Leaf("RNN", _recurrent),
    nn.LocalResponseNorm: Leaf("LocalResponseNorm", _local_response),
    nn.MaxUnpool1d: Leaf("MaxUnpool2d", _nothing),
    nn.MaxUnpool2d: Leaf("MaxUnpool2d", _nothing),
    nn.MaxUnpool3d: Leaf("MaxUnpool2d", _nothing),
    modules.Unpool: Leaf("MaxUnpool2d", _nothing),
}


def _experts(module: nn.Module) -> dict[str, Any]:
    """Matrices of all experts in one tensor each, as transformers has them from 5.0 on."""
    activation = getattr(module, "act_fn", None)
    named = {"SiLUActivation": "silu", "GELUActivation": "gelu", "ReLU": "relu", "SiLU": "silu"}
    return {
        "experts": module.gate_up_proj.shape[0],  # type: ignore[index]
        "is_transposed": bool(getattr(module, "is_transposed", False)),
        "activation": named.get(type(activation).__name__, type(activation).__name__),
    }


MAMBA = ("in_proj", "conv1d", "x_proj", "dt_proj", "A_log", "D", "out_proj")


def _mamba(module: nn.Module) -> dict[str, Any]:
    """Sizes of the mixer of Mamba, which runs position by position, in as many operations."""
    inner, states = module.A_log.shape  # type: ignore[misc]
    given = {"inner": inner, "states": states, "rank": module.dt_proj.in_features}  # type: ignore[union-attr]
    return {**given, "kernel": module.conv1d.kernel_size[0], "activation": module.activation}  # type: ignore[union-attr,index]


def _keras_pooling(module: Any) -> dict[str, Any]:
    """What a pooling of Keras was made with; without memory it gives a tensor that comes of nothing."""
    given = {"kernel": tuple(module.pool_size), "stride": tuple(module.strides), "padding": module.padding}
    return {**given, "is_last": module.data_format == "channels_last"}


def leaf_of(module: nn.Module) -> Leaf | None:
    """How a layer is read as a whole; None: by what it does. Classes derived from one are the user's."""
    name = type(module).__name__
    if name.endswith("Experts"):
        held = dict(module.named_parameters(recurse=False))
        if {"gate_up_proj", "down_proj"} <= set(held):
            return Leaf("Experts", _experts) if held["gate_up_proj"].ndim == 3 else None
    if name == "MambaMixer" and all(hasattr(module, each) for each in MAMBA):
        return Leaf("MambaMixer", _mamba)
    if name.startswith("MaxPooling") and type(module).__module__.startswith("keras."):
        return Leaf("KerasMaxPooling", _keras_pooling)
    if type(module) in OPERATORS:
        return Leaf("operator", operator_of)
    if type(module) is attention.Experts:
        return Leaf("copies", experts_of) if layer_of(module[0]) is not None else None
    return LEAVES.get(type(module))

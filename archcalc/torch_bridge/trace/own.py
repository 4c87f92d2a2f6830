"""Modules that `to_torch` builds where torch has none, read back as the operators that they are.

What they do is written for a counter of FLOPs, position by position or for each expert by itself, and says less than
what they were made with. Arguments come from what the module holds.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from torch import nn

from archcalc.ops import Table
from archcalc.torch_bridge.model import attention, modules, sequences

Settings = dict[str, Any]


def _attend(module: Any) -> Settings:
    names = ("heads", "causal", "window", "blocks", "grid", "scale_channels")
    given = {name: getattr(module, name) for name in names}
    kv_heads = None if module.kv_heads == module.heads else module.kv_heads
    return {"name": "attend", **given, "kv_heads": kv_heads, "shift": module.shift or None}


def _route(module: Any) -> Settings:
    return {"name": "route", "top": module.top}


def _scan(module: Any) -> Settings:
    return {"name": "scan", "states": module.states, "heads": module.heads}


def _delta(module: Any) -> Settings:
    return {"name": "delta", "heads": module.heads, "k_heads": module.k_heads}


def _table(module: Any) -> Settings:
    given = {"kernel": module.kernel_size, "stride": module.stride, "padding": module.padding}
    more = {"dilation": module.dilation, "bias": module.bias is not None, "connections": Table(module.rows)}
    return {"name": "conv", "channels": module.out_channels, **given, **more}


def _subsample(module: Any) -> Settings:
    given = {"kernel": module.kernel_size, "stride": module.stride, "bias": module.bias is not None}
    return {"name": "subsample", **given}


def _rbf(module: Any) -> Settings:
    return {"name": "rbf", "channels": len(module.codes)}


def _rotary(module: Any) -> Settings:
    return {"name": "rotary", "turned": module.turned}


def _cache(module: Any) -> Settings:
    return {"name": "cache", "past": module.kept}


def _sinusoid(module: Any) -> Settings:
    return {"name": "sinusoid", "channels": module.channels}


OPERATORS: Mapping[type[nn.Module], Callable[[Any], Settings]] = {
    attention.Attend: _attend,
    attention.Delta: _delta,
    attention.Route: _route,
    attention.Scan: _scan,
    modules.RBF: _rbf,
    modules.Subsample: _subsample,
    modules.TableConv: _table,
    sequences.Cache: _cache,
    sequences.Rotary: _rotary,
    sequences.Sinusoid: _sinusoid,
}


def operator_of(module: nn.Module) -> Settings:
    """Name, arguments and, where its branches have some, roles of the operator that a module is."""
    given = OPERATORS[type(module)](module)
    return {**given, "roles": module.roles} if hasattr(module, "roles") else given


def experts_of(module: Any) -> Settings:
    """How many copies there are, how many work, and the layer that each is."""
    return {"stored": len(module), "computed": module.computed, "layer": layer_of(module[0])}


def layer_of(module: Any) -> Settings | None:
    """A layer as an operation of torch; None: it is another one."""
    if type(module) is nn.Linear:
        return {"op": "linear"}
    if isinstance(module, nn.Conv1d | nn.Conv2d | nn.Conv3d) and module.padding_mode == "zeros":
        names = ("stride", "padding", "dilation", "groups")
        rank = len(module.kernel_size)
        return {"op": f"conv{rank}d", **{name: getattr(module, name) for name in names}}
    return None

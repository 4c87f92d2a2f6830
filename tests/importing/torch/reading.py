"""A model held to what torch itself says of it: parameters by its tensors, multiply-accumulates by FlopCounterMode."""

from __future__ import annotations

import inspect
from typing import Any

import torch
from torch import nn
from torch.utils.flop_counter import FlopCounterMode

from archcalc.importing.calls import Calls
from archcalc.importing.totals import totals_of
from archcalc.torch_bridge.trace.inputs import examples_of


def parameters(model: nn.Module) -> int:
    """Elements of all distinct parameters."""
    return sum(each.numel() for each in model.parameters())


def macs(model: nn.Module, input: Any = None) -> int:
    """Half of what FlopCounterMode counts on the meta device, attention and experts as products that it sees."""
    examples = examples_of(model, input, "model")
    named = dict(examples.named)
    if getattr(model, "config", None) is not None and hasattr(model.config, "model_type"):
        named |= _masks(model, named)
    with torch.inference_mode(), FlopCounterMode(display=False) as counter:
        model(*examples.positional, **named)
    return int(counter.get_total_flops()) // 2


def _masks(model: Any, named: dict[str, Any]) -> dict[str, Any]:
    """Positions and masks of decoders: on the meta device transformers cannot make them itself."""
    for module in model.modules():
        config: Any = getattr(module, "config", None)
        if hasattr(config, "_attn_implementation"):
            config._attn_implementation, config._experts_implementation = "eager", "batched_mm"
    accepted = inspect.signature(model.forward).parameters
    more: dict[str, Any] = {}
    is_decoder = type(model).__name__.endswith(("ForCausalLM", "LMHeadModel")) and "Mamba" not in type(model).__name__
    for prefix, is_meant in (("", is_decoder), ("decoder_", "decoder_position_ids" in accepted)):
        if is_meant:
            length = named[f"{prefix}input_ids"].shape[1]
            more[f"{prefix}position_ids"] = torch.arange(length, device="meta")[None]
            more[f"{prefix}attention_mask"] = torch.zeros(1, 1, length, length, device="meta")
    return {name: value for name, value in more.items() if name in accepted}


def unread(calls: Calls) -> int:
    """Elements of parameters that no call stores: of heads for training, most of all."""
    used = {name for call in calls.calls for name in call.weights}
    return sum(torch.Size(shape).numel() for name, shape in calls.parameters.items() if name not in used)


def assert_exact(calls: Calls, model: nn.Module, input: Any = None) -> None:
    """Parameters and multiply-accumulates are torch's, to the last integer."""
    totals = totals_of(calls)
    assert totals.params + unread(calls) == parameters(model)
    assert totals.macs + calls.constant_macs == macs(model, input)
    assert not {"params", "macs"} & set(totals.bounds)

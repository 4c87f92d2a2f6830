"""What a model is given: shapes as a user says them, or what the model itself says that it reads."""

from __future__ import annotations

import inspect
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, NoReturn

import torch
from torch import Tensor, nn

from archcalc.source import Diagnostic, SpecError
from archcalc.torch_bridge.trace.keras_models import shape_of
from archcalc.torch_bridge.trace.transformers_inputs import transformers_inputs

Given = None | str | int | Sequence[Any] | Mapping[str, Any] | Tensor
TOKENS = re.compile(r"tokens\((\d+)\)$|tokens[ :]?(\d+)$|(\d+)$")
SHAPE = re.compile(r"\d+(x\d+)+$")
WORDS = re.compile(r"(image|volume|sequence|features)\(([\d, ]+)\)$")


@dataclass
class Examples:
    """Arguments of a forward pass, without memory; names of what may vary, and words for what inputs are."""

    positional: list[Tensor] = field(default_factory=list)
    named: dict[str, Any] = field(default_factory=dict)
    names: list[str] = field(default_factory=list)  # of the positional ones
    free: dict[str, int] = field(default_factory=dict)
    words: dict[str, str] = field(default_factory=dict)

    def tensors(self) -> dict[str, Tensor]:
        """All tensors by name."""
        found = dict(zip(self.names, self.positional, strict=True))
        return {**found, **{name: each for name, each in self.named.items() if isinstance(each, Tensor)}}


def examples_of(model: nn.Module, input: Given, source: str) -> Examples:
    """What to give a model.

    Raises:
        SpecError: nothing was said, and the model says nothing (`no-input`); or it is not understood (`bad-input`).
    """
    dtype = next((each.dtype for each in model.parameters() if each.is_floating_point()), torch.float32)
    if input is None or (isinstance(input, int) and _config(model) is not None):
        known = transformers_inputs(model, input)
        if known is not None:
            named, free = known
            return Examples(named=named, free=free)
        input = default_input(model)
    if input is None:
        _refuse(
            "no-input",
            f"{source} does not say what it reads",
            "give the shape of one example: --input 3x224x224, or --input 'tokens(128)'; input=(3, 224, 224) in Python",
        )
    names = _names(model)
    if isinstance(input, str) and "=" in input:
        input = dict(_parts(input))
    if isinstance(input, Mapping):
        named = {name: _tensor(value, dtype) for name, value in input.items()}
        unknown = [name for name in named if names and name not in names and not _takes_any(model)]
        if unknown:
            _refuse("bad-input", f"{source} has no argument `{unknown[0]}`", f"it reads {', '.join(names)}")
        return Examples(named=dict(named))
    if isinstance(input, (list, tuple)) and input and not all(isinstance(item, int) for item in input):
        tensors = [_tensor(item, dtype) for item in input]
    else:
        tensors = [_tensor(input, dtype)]
    own = [names[number] if number < len(names) else f"input{number + 1}" for number in range(len(tensors))]
    return Examples(tensors, names=own)


def _config(model: nn.Module) -> Any:
    config = getattr(model, "config", None)
    return config if hasattr(config, "model_type") else None


def _names(model: nn.Module) -> list[str]:
    try:
        parameters = inspect.signature(model.forward).parameters.values()
    except (TypeError, ValueError):
        return []
    kinds = (inspect.Parameter.POSITIONAL_ONLY, inspect.Parameter.POSITIONAL_OR_KEYWORD, inspect.Parameter.KEYWORD_ONLY)
    return [each.name for each in parameters if each.kind in kinds]


def _takes_any(model: nn.Module) -> bool:
    parameters = inspect.signature(model.forward).parameters.values()
    return any(each.kind == inspect.Parameter.VAR_KEYWORD for each in parameters)


def _parts(text: str) -> list[tuple[str, str]]:
    """`a=3x4,b=tokens(7)` as pairs; commas within brackets part nothing."""
    found = []
    for item in re.split(r",(?![^()]*\))", text):
        name, _, value = item.partition("=")
        found.append((name.strip(), value.strip()))
    return found


def _tensor(value: Any, dtype: torch.dtype) -> Tensor:
    """A batch of one of that shape; a tensor with a batch of its own keeps its type."""
    if isinstance(value, Tensor):
        return torch.empty((1, *value.shape[1:]), dtype=value.dtype, device="meta")
    if isinstance(value, str):
        text = value.strip().replace("×", "x").replace("X", "x")
        tokens, words = TOKENS.match(text), WORDS.match(text)
        if tokens:
            return torch.empty((1, int(next(filter(None, tokens.groups())))), dtype=torch.int64, device="meta")
        if words:
            value = tuple(int(part) for part in words[2].split(","))
        elif SHAPE.match(text):
            value = tuple(map(int, text.split("x")))
        else:
            _refuse("bad-input", f"`{value}` is no shape", "as in 3x224x224, tokens(128) or image(3, 224, 224)")
    if isinstance(value, int) and not isinstance(value, bool):
        return torch.empty((1, value), dtype=torch.int64, device="meta")
    if isinstance(value, (list, tuple)) and all(isinstance(item, int) and item > 0 for item in value):
        return torch.empty((1, *value), dtype=dtype, device="meta")
    _refuse("bad-input", f"`{value}` is no shape", "as in (3, 224, 224), without the batch")


def default_input(model: nn.Module) -> Any:
    """What a library says of its model: timm's settings; torchvision's by its first layer; None: nothing."""
    settings = getattr(model, "pretrained_cfg", None) or getattr(model, "default_cfg", None)
    size = getattr(settings, "input_size", None) or (settings.get("input_size") if isinstance(settings, dict) else None)
    if size:
        return tuple(size)
    return shape_of(model)


def _refuse(code: str, message: str, help: str | None) -> NoReturn:
    raise SpecError([Diagnostic(code, message, help=help)]) from None

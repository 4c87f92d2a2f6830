"""What a model gave, by name."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from torch import Tensor


def named_outputs(given: Any) -> dict[str, Tensor]:
    """Every tensor that a model gave, each once: the first is its own output."""
    found: dict[str, Tensor] = {}
    _collect(given, "", found)
    unique: dict[int, str] = {}
    for name, tensor in found.items():
        unique.setdefault(id(tensor), name)
    return {name: found[name] for name in unique.values()}


def _collect(given: Any, name: str, found: dict[str, Tensor]) -> None:
    if isinstance(given, Tensor):
        found[name or "output"] = given
    elif isinstance(given, Mapping):
        for key, value in given.items():
            if key not in ("past_key_values", "cache_params", "attentions", "hidden_states"):
                _collect(value, f"{name}.{key}" if name else str(key), found)
    elif isinstance(given, (list, tuple)):
        for number, value in enumerate(given):
            _collect(value, f"{name}.{number}" if name else f"output{number + 1}" if number else "output", found)
    elif hasattr(given, "__dict__") and not isinstance(given, type):
        for key, value in vars(given).items():
            if isinstance(value, (Tensor, list, tuple)) and not key.startswith("_"):
                _collect(value, f"{name}.{key}" if name else key, found)

"""What models of Hugging Face transformers read, by their configuration."""

from __future__ import annotations

from typing import Any

import torch
from torch import nn

LENGTH = 128
"""Tokens that a model of language is given where nobody says how many."""


def transformers_inputs(model: nn.Module, length: Any = None) -> tuple[dict[str, Any], dict[str, int]] | None:
    """Arguments by name, and extents that may vary; None: the model is none of theirs.

    Whole numbers of tokens, images and spectrograms as the configuration says.
    """
    config = getattr(model, "config", None)
    if not hasattr(config, "model_type") or not hasattr(model, "main_input_name"):
        return None
    import inspect

    accepted = inspect.signature(model.forward).parameters
    number = int(length) if length else LENGTH
    named: dict[str, Any] = {}
    free: dict[str, int] = {}

    def tokens(name: str, count: int) -> None:
        named[name] = torch.empty((1, count), dtype=torch.int64, device="meta")

    dtype = next((each.dtype for each in model.parameters() if each.is_floating_point()), torch.float32)
    if "input_ids" in accepted:
        longest = getattr(_text(config), "max_position_embeddings", None)
        count = min(number, longest) if isinstance(longest, int) and longest > 0 else number
        tokens("input_ids", count)
        free["source_length" if "decoder_input_ids" in accepted else "length"] = count
    if "token_type_ids" in accepted and getattr(config, "type_vocab_size", None):
        tokens("token_type_ids", named["input_ids"].shape[1])
    if "pixel_values" in accepted:
        vision = getattr(config, "vision_config", config)
        size = getattr(vision, "image_size", None) or 224
        height, width = size if isinstance(size, (list, tuple)) else (size, size)
        channels = getattr(vision, "num_channels", 3)
        named["pixel_values"] = torch.empty((1, channels, height, width), dtype=dtype, device="meta")
    if "input_features" in accepted:
        bins = int(getattr(config, "num_mel_bins", 80))
        frames = 2 * int(getattr(config, "max_source_positions", 1500))
        named["input_features"] = torch.empty((1, bins, frames), dtype=dtype, device="meta")
    if "input_values" in accepted and not named:
        named["input_values"] = torch.empty((1, 16_000), dtype=dtype, device="meta")
    if "decoder_input_ids" in accepted and getattr(config, "is_encoder_decoder", False):
        free["length"] = number // 2 if "input_ids" in named else number  # two lengths, so that they are told apart
        tokens("decoder_input_ids", free["length"])
    if not named:
        return None
    if "use_cache" in accepted:
        named["use_cache"] = False
    return named, free


def _text(config: Any) -> Any:
    return getattr(config, "text_config", None) or config

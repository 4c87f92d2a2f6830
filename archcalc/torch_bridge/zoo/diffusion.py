"""Networks that take noise away from an image, step by step: diffusers' definitions."""

from __future__ import annotations

from functools import partial
from typing import Any

import torch
from torch import nn

from archcalc.torch_bridge.zoo.models import Known, ZooModel, on_meta


def _unet() -> nn.Module:
    """The U-Net of Stable Diffusion 1: diffusers' defaults, but for the width of the text."""
    from diffusers import UNet2DConditionModel

    return on_meta(lambda: UNet2DConditionModel(sample_size=64, cross_attention_dim=768))


def _dit(width: int, depth: int, heads: int, patch: int, resolution: int = 32) -> nn.Module:
    """A DiT that predicts its noise and variances, of 1,000 classes and none."""
    from diffusers import DiTTransformer2DModel

    sizes = {"num_attention_heads": heads, "attention_head_dim": width // heads, "num_layers": depth}
    return on_meta(
        lambda: DiTTransformer2DModel(**sizes, patch_size=patch, sample_size=resolution, in_channels=4, out_channels=8)
    )


def _dit_model(width: int, depth: int, heads: int, patch: int, resolution: int = 32) -> ZooModel:
    """With what diffusers has otherwise: each block embeds the step and the class for itself.

    diffusers 0.42.1, models/attention.py, BasicTransformerBlock with AdaLayerNormZero; the last layer asks the first
    block's again (models/transformers/dit_transformer_2d.py).
    """
    step = 256 * width + width * width
    more = (depth - 1) * (step + 2 * width + 1001 * width)
    known = {
        "params": Known(more=more, reason="each block of diffusers has an embedding of steps and classes of its own"),
        "macs": Known(
            more=depth * step, reason="each block of diffusers embeds the step anew, and so does the last layer"
        ),
    }
    return ZooModel("diffusers", partial(_dit, width, depth, heads, patch, resolution), _of_dit, known=known)


def _of_unet(model: Any, height: int, past: int) -> dict[str, Any]:
    """A latent, a step and a text of 77 tokens."""
    return {
        "sample": torch.zeros(1, 4, height, height, device="meta"),
        "timestep": torch.zeros(1, device="meta"),
        "encoder_hidden_states": torch.zeros(1, 77, 768, device="meta"),
    }


def _of_dit(model: Any, height: int, past: int) -> dict[str, Any]:
    """A latent, a step and a class."""
    size = model.config.sample_size
    return {
        "hidden_states": torch.zeros(1, 4, size, size, device="meta"),
        "timestep": torch.zeros(1, dtype=torch.long, device="meta"),
        "class_labels": torch.zeros(1, dtype=torch.long, device="meta"),
    }


_SIZES = {"s": (384, 12, 6), "b": (768, 12, 12), "l": (1024, 24, 16), "xl": (1152, 28, 16)}
MODELS: dict[str, ZooModel] = {
    "sd_unet": ZooModel("diffusers", _unet, _of_unet),
    **{f"dit_{size}_{patch}": _dit_model(*sizes, patch) for size, sizes in _SIZES.items() for patch in (2, 4, 8)},
    "dit_xl_2@512": _dit_model(*_SIZES["xl"], 2, 64),
}

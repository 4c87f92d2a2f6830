"""Networks that read images: transformers' definitions."""

from __future__ import annotations

from functools import partial
from typing import Any

import torch

from archcalc.torch_bridge.zoo.encoders import whole
from archcalc.torch_bridge.zoo.models import ZooModel


def _of_image(model: Any, new: int, past: int) -> dict[str, Any]:
    return {"pixel_values": torch.zeros(1, 3, new, new, device="meta")}


def _seen(name: str, **settings: Any) -> ZooModel:
    return ZooModel("transformers", partial(whole, name, **settings), _of_image)


def _dinov2(width: int, depth: int, name: str = "Dinov2Model", **more: Any) -> ZooModel:
    sizes = {"hidden_size": width, "num_hidden_layers": depth, "num_attention_heads": width // 64}
    return _seen(name, **sizes, image_size=518, patch_size=14, **more)


def _beit(width: int, depth: int) -> ZooModel:
    sizes = {"hidden_size": width, "num_hidden_layers": depth, "num_attention_heads": width // 64}
    distances = {"use_relative_position_bias": True, "num_labels": 1000}
    return _seen("BeitForImageClassification", **sizes, intermediate_size=4 * width, **distances)


def _segformer(*depths: int, decoder: int = 768, channels: tuple[int, ...] = (64, 128, 320, 512)) -> ZooModel:
    sizes = {"depths": list(depths), "hidden_sizes": list(channels), "decoder_hidden_size": decoder}
    return _seen("SegformerForSemanticSegmentation", **sizes, num_labels=150)


MODELS: dict[str, ZooModel] = {
    "dinov2_small": _dinov2(384, 12),
    "dinov2_base": _dinov2(768, 12),
    "dinov2_large": _dinov2(1024, 24),
    "dinov2_giant": _dinov2(1536, 40, use_swiglu_ffn=True),
    "dinov2_base@registers": _dinov2(768, 12, "Dinov2WithRegistersModel"),
    "beit_base": _beit(768, 12),
    "beit_large": _beit(1024, 24),
    "beit@transformers": _seen("BeitForImageClassification"),
    "segformer_b0": _segformer(2, 2, 2, 2, decoder=256, channels=(32, 64, 160, 256)),
    "segformer_b1": _segformer(2, 2, 2, 2, decoder=256),
    "segformer_b2": _segformer(3, 4, 6, 3),
    "segformer_b5": _segformer(3, 6, 40, 3),
}

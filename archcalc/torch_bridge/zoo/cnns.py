"""Networks of images that timm defines and torchvision does not: convolutions, DeiT, mixers."""

from __future__ import annotations

from functools import partial
from typing import Any

import torch
from torch import nn

from archcalc.torch_bridge.zoo.models import ZooModel, on_meta


def built(name: str) -> nn.Module:
    """A model of timm on meta."""
    import timm

    return on_meta(lambda: timm.create_model(name))


def preactivated(depths: list[int]) -> nn.Module:
    """A ResNet with full pre-activation, batch norm and plain convolutions, on meta."""
    from timm.layers import BatchNormAct2d, create_conv2d
    from timm.models.resnetv2 import ResNetV2

    return on_meta(lambda: ResNetV2(layers=depths, norm_layer=BatchNormAct2d, conv_layer=create_conv2d))


def mixer(patch: int, depth: int, width: int) -> nn.Module:
    """An MLP-Mixer of a size that timm has no name for, on meta."""
    from timm.models.mlp_mixer import MlpMixer

    return on_meta(lambda: MlpMixer(patch_size=patch, num_blocks=depth, embed_dim=width))


def resmlp(patch: int, depth: int, width: int) -> nn.Module:
    """A ResMLP of a size that timm has no name for, on meta."""
    from timm.models.mlp_mixer import Affine, MlpMixer, ResBlock

    sizes = {"patch_size": patch, "num_blocks": depth, "embed_dim": width}
    return on_meta(lambda: MlpMixer(**sizes, mlp_ratio=4, block_layer=ResBlock, norm_layer=Affine))


def inputs(model: Any, height: int, past: int) -> dict[str, Any]:
    """One square image."""
    return {"x": torch.zeros(1, 3, height, height, device="meta")}


def _timm(name: str) -> ZooModel:
    return ZooModel("timm", partial(built, name), inputs)


_PREACTIVATED = {
    "resnet50_v2": [3, 4, 6, 3],
    "resnet101_v2": [3, 4, 23, 3],
    "resnet152_v2": [3, 8, 36, 3],
    "resnet200": [3, 24, 36, 3],
}
_MIXERS = ("s_32", "s_16", "b_32", "b_16", "l_32", "l_16")
_DEIT = ("tiny", "small", "base")
MODELS: dict[str, ZooModel] = {
    **{f"deit_{size}": _timm(f"deit_{size}_patch16_224") for size in _DEIT},
    **{f"deit_{size}@distilled": _timm(f"deit_{size}_distilled_patch16_224") for size in _DEIT},
    **{f"mlp_mixer_{size}": _timm(f"mixer_{size.replace('_', '')}_224") for size in _MIXERS},
    "mlp_mixer_h_14": ZooModel("timm", partial(mixer, 14, 32, 1280), inputs),
    **{f"resmlp_s{depth}": _timm(f"resmlp_{depth}_224") for depth in (12, 24, 36)},
    "resmlp_b24": ZooModel("timm", partial(resmlp, 16, 24, 768), inputs),
    "resmlp_b24_8": _timm("resmlp_big_24_224"),
    # timm's legacy ones are those of the paper; its others have the stride of a bottleneck on the 3x3 convolution.
    **{f"seresnet{depth}": _timm(f"legacy_seresnet{depth}") for depth in (50, 101, 152)},
    **{f"seresnet{depth}@timm": _timm(f"seresnet{depth}") for depth in (50, 101, 152)},
    "xception": _timm("legacy_xception"),
    **{name: ZooModel("timm", partial(preactivated, depths), inputs) for name, depths in _PREACTIVATED.items()},
}

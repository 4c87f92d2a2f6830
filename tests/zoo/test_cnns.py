"""Totals of convolutional networks are those of modules written by hand, and of what torchvision and timm define."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

torch = pytest.importorskip("torch", reason="the torch extra is not installed")
pytest.importorskip("torchvision", reason="the torch extra is not installed")

from torch.utils.flop_counter import FlopCounterMode  # noqa: E402

from archcalc.torch_bridge.verify.verify import verify  # noqa: E402
from tests.networks.golden import totals  # noqa: E402
from tests.zoo import cnns_by_hand as by_hand  # noqa: E402

pytestmark = pytest.mark.torch

Builder = Callable[[], Any]
Case = tuple[Builder, tuple[int, ...], tuple[int, ...]]  # what builds it, its input and its output without the batch


def shuffled(groups: int, channels: int, stem: int) -> Case:
    return lambda: by_hand.shufflenet_v1(groups, channels, stem), (3, 224, 224), (1000,)


CASES: dict[str, Case] = {
    "unet": (by_hand.UNet, (1, 572, 572), (2, 388, 388)),  # sizes as in the figure
    "unet@padded": (lambda: by_hand.UNet(3, is_padded=True), (3, 572, 572), (2, 560, 560)),
    "yolo_v1": (by_hand.yolo_v1, (3, 448, 448), (7 * 7 * 30,)),
    "fcn_32s": (lambda: by_hand.FCN(32), (3, 500, 500), (21, 500, 500)),
    "fcn_16s": (lambda: by_hand.FCN(16), (3, 500, 500), (21, 500, 500)),
    "fcn_8s": (lambda: by_hand.FCN(8), (3, 500, 500), (21, 500, 500)),
    "shufflenet_v1_x1_0_g1": shuffled(1, 144, 24),
    "shufflenet_v1_x1_0_g2": shuffled(2, 200, 24),
    "shufflenet_v1_x1_0_g3": shuffled(3, 240, 24),
    "shufflenet_v1_x1_0_g4": shuffled(4, 272, 24),
    "shufflenet_v1_x1_0_g8": shuffled(8, 384, 24),
    "shufflenet_v1_x0_5_g3": shuffled(3, 120, 12),
    "shufflenet_v1_x1_5_g3": shuffled(3, 360, 24),
    "shufflenet_v1_x2_0_g3": shuffled(3, 480, 48),
    "shufflenet_v1_x0_5_g8": shuffled(8, 192, 16),
    "shufflenet_v1_x1_5_g8": shuffled(8, 576, 24),
    "shufflenet_v1_x2_0_g8": shuffled(8, 768, 48),
    "dcgan_generator": (lambda: by_hand.generator(128, 5), (100, 1, 1), (3, 64, 64)),
    "dcgan_generator@pytorch": (lambda: by_hand.generator(64, 4), (100, 1, 1), (3, 64, 64)),
    "dcgan_discriminator": (lambda: by_hand.discriminator(128, 5), (3, 64, 64), (1, 1, 1)),
    "dcgan_discriminator@pytorch": (lambda: by_hand.discriminator(64, 4), (3, 64, 64), (1, 1, 1)),
    "deeplab_v3": (by_hand.DeepLabV3, (3, 513, 513), (21, 513, 513)),
    "deeplab_v3@stride8": (lambda: by_hand.DeepLabV3(8), (3, 513, 513), (21, 513, 513)),
    "ssd300": (lambda: by_hand.SSD300(21), (3, 300, 300), (8732, 21)),
    "ssd300_vgg16": (lambda: by_hand.SSD300(91), (3, 300, 300), (8732, 91)),
}


def counted(build: Builder, input: tuple[int, ...]) -> tuple[int, int, tuple[int, ...]]:
    """Parameters, MACs and the size of the output of a module on the meta device."""
    with torch.device("meta"):
        module = build().eval()
        x = torch.zeros(1, *input)
    with FlopCounterMode(display=False) as mode, torch.no_grad():
        y = module(x)
    scores = y["cls_logits"] if isinstance(y, dict) else y
    return sum(each.numel() for each in module.parameters()), mode.get_total_flops() // 2, tuple(scores.shape[1:])


@pytest.mark.parametrize("name", ["seresnet50", "seresnet50@timm", "xception", "mlp_mixer_s_32", "resmlp_s12"])
def test_networks_are_as_timm_defines_them(name: str) -> None:
    pytest.importorskip("timm", reason="the zoo extra is not installed")
    found = verify(name, ["timm"])
    assert found.differences == []
    checks = {check.quantity: check.theirs for check in found.checks}
    assert (checks["params"], checks["macs"]) == totals()[name][:2]


@pytest.mark.parametrize("name", CASES)
def test_facts_are_those_of_the_module_by_hand(name: str) -> None:
    build, input, output = CASES[name]
    params, macs, found = counted(build, input)
    assert (params, macs) == totals()[name][:2]
    assert found == output

"""More networks against torchvision's, on the meta device: parameters, buffers and multiply-accumulates."""

from __future__ import annotations

from collections import Counter
from typing import Any

import pytest

import archcalc
from tests.engine.test_torchvision import flop_counter, model, stored

pytestmark = pytest.mark.torch

MODELS: dict[str, tuple[str, dict[str, Any], int]] = {
    "squeezenet1_0": ("squeezenet1_0", {}, 224),
    "squeezenet1_1": ("squeezenet1_1", {}, 224),
    "inception_v3": ("inception_v3", {"aux_logits": False, "transform_input": False, "init_weights": False}, 299),
    **{
        name: (name, {}, 224)
        for name in (
            *("resnext50_32x4d", "resnext101_32x8d", "resnext101_64x4d", "wide_resnet50_2", "wide_resnet101_2"),
            *("densenet121", "densenet161", "densenet169", "densenet201"),
        )
    },
    "resnext101_32x4d": ("resnet101", {"groups": 32, "width_per_group": 4}, 224),
    "densenet264": ("DenseNet", {"block_config": (6, 12, 64, 48)}, 224),
    **{f"convnext_{size}": (f"convnext_{size}", {}, 224) for size in ("tiny", "small", "base", "large")},
    **{
        f"efficientnet_b{number}": (f"efficientnet_b{number}", {}, resolution)
        for number, resolution in enumerate((224, 240, 260, 300, 380, 456, 528, 600))
    },
    **{f"efficientnet_v2_{size}": (f"efficientnet_v2_{size}", {}, 384 if size == "s" else 480) for size in "sml"},
    **{name: (name, {}, 224) for name in ("mobilenet_v2", "mobilenet_v3_large", "mobilenet_v3_small")},
    "mobilenet_v2@x1_4": ("mobilenet_v2", {"width_mult": 1.4}, 224),
    **{
        f"shufflenet_v2_x{width}@torchvision": (f"shufflenet_v2_x{width}", {}, 224)
        for width in ("0_5", "1_0", "1_5", "2_0")
    },
    **{name: (name, {}, 224) for name in ("mnasnet0_5", "mnasnet0_75", "mnasnet1_0", "mnasnet1_3")},
}


@pytest.mark.parametrize("name", MODELS)
def test_parameters_and_buffers(name: str) -> None:
    cost = archcalc.analyze(name)
    theirs = model(MODELS[name][0], **MODELS[name][1])
    assert stored(cost) == Counter(parameter.numel() for parameter in theirs.parameters())
    assert cost.totals.params == sum(parameter.numel() for parameter in theirs.parameters())
    # the count of batches seen is one scalar a norm, and no statistic
    buffers = [buffer.numel() for key, buffer in theirs.named_buffers() if "num_batches_tracked" not in key]
    assert cost.totals.buffers == sum(buffers)


@pytest.mark.parametrize("name", MODELS)
@pytest.mark.parametrize("more", [0, 13, 33])
def test_macs(name: str, more: int) -> None:
    """At the network's own size and at two where layers do not divide evenly."""
    called, options, resolution = MODELS[name]
    cost = archcalc.analyze(name, set={"resolution": resolution + more})
    assert 2 * cost.totals.macs == flop_counter(model(called, **options), resolution + more)


@pytest.mark.parametrize("name", MODELS)
def test_shapes_of_every_layer(name: str) -> None:
    """What convolutions and linear layers give, in the order in which they run."""
    torch = pytest.importorskip("torch")
    called, options, resolution = MODELS[name]
    theirs = model(called, **options)
    shapes: list[tuple[int, ...]] = []

    def keep(module: Any, _: Any, given: Any) -> None:
        shape = tuple(given.shape[1:])
        shapes.append((shape[-1], *shape[:-1]) if isinstance(module, torch.nn.Linear) else shape)  # channels are last

    layers = [module for module in theirs.modules() if isinstance(module, torch.nn.Conv2d | torch.nn.Linear)]
    hooks = [module.register_forward_hook(keep) for module in layers]
    with torch.no_grad():
        theirs(torch.empty((1, 3, resolution, resolution), device="meta"))
    for hook in hooks:
        hook.remove()
    ours = [
        (layer.out_shape.channels, *layer.out_shape.spatial)
        for layer in archcalc.analyze(name).layers
        if layer.type in ("conv", "depthwise", "linear")
    ]
    assert ours == shapes


@pytest.mark.parametrize("width", ["0.35", "0.5", "0.75", "1.3"])
def test_widths_of_mobilenet_v2(width: str) -> None:
    """Channels in multiples of 8, and the last convolution no narrower than 1,280."""
    cost = archcalc.analyze("mobilenet_v2", set={"width": width})
    theirs = model("mobilenet_v2", width_mult=float(width))
    assert stored(cost) == Counter(parameter.numel() for parameter in theirs.parameters())
    assert 2 * cost.totals.macs == flop_counter(theirs, 224)


@pytest.mark.parametrize(
    ("name", "channels"),
    [
        ("shufflenet_v2_x0_5", [24, 48, 96, 192, 1024]),
        ("shufflenet_v2_x1_0", [24, 116, 232, 464, 1024]),
        ("shufflenet_v2_x1_5", [24, 176, 352, 704, 1024]),
        ("shufflenet_v2_x2_0", [24, 244, 488, 976, 2048]),
    ],
)
def test_shufflenet_of_its_authors(name: str, channels: list[int]) -> None:
    """Torchvision's units in the widths of the authors' code: where a stage begins, one branch keeps its channels."""
    torch = pytest.importorskip("torch")
    shufflenetv2 = pytest.importorskip("torchvision.models.shufflenetv2")

    class Unit(shufflenetv2.InvertedResidual):  # type: ignore[misc,name-defined]
        def __init__(self, inp: int, oup: int, stride: int) -> None:
            super().__init__(inp, oup, stride)
            if stride > 1:
                for branch, place, given, gives in (
                    (self.branch1, 2, inp, inp),
                    (self.branch2, 5, oup // 2, oup - inp),
                ):
                    branch[place] = torch.nn.Conv2d(given, gives, 1, bias=False)
                    branch[place + 1] = torch.nn.BatchNorm2d(gives)

    with torch.device("meta"):
        theirs = shufflenetv2.ShuffleNetV2([4, 8, 4], channels, inverted_residual=Unit)
        theirs.fc = torch.nn.Linear(channels[-1], 1000, bias=False)
    cost = archcalc.analyze(name)
    assert stored(cost) == Counter(parameter.numel() for parameter in theirs.parameters())
    for resolution in (224, 237):
        macs = archcalc.analyze(name, set={"resolution": resolution}).totals.macs
        assert 2 * macs == flop_counter(theirs.eval(), resolution)


def test_head_of_inception_v3() -> None:
    """With the head, as torchvision trains; its pooling to one position changes nothing at this size."""
    theirs = model("inception_v3", aux_logits=True, transform_input=False, init_weights=False)
    cost = archcalc.analyze("inception_v3", with_heads=True)
    assert stored(cost) == Counter(parameter.numel() for parameter in theirs.parameters())
    assert cost.totals.params == 27_161_264
    theirs.training = True  # not its norms, which refuse one example of 1x1
    assert 2 * cost.totals.macs == flop_counter(theirs, 299)

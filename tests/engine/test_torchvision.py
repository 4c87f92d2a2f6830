"""Whole networks against torchvision's, on the meta device: parameters, buffers and multiply-accumulates."""

from __future__ import annotations

import warnings
from collections import Counter
from functools import cache
from math import prod
from typing import Any

import pytest

import archcalc
from archcalc.results.cost import NetworkCost

pytestmark = pytest.mark.torch

MODELS = {
    "alexnet@torchvision": "alexnet",
    **{f"vgg{depth}": f"vgg{depth}" for depth in (11, 13, 16, 19)},
    **{f"vgg{depth}@bn": f"vgg{depth}_bn" for depth in (11, 13, 16, 19)},
    "googlenet@torchvision": "googlenet",
    **{f"resnet{depth}@torchvision": f"resnet{depth}" for depth in (18, 34, 50, 101, 152)},
}


def model(name: str, **options: Any) -> Any:
    """A model of torchvision without storage, made once: nobody changes it."""
    return _model(name, tuple(options.items()))


@cache
def _model(name: str, options: tuple[tuple[str, Any], ...]) -> Any:
    """The same; its warnings about initialisation are not ours."""
    torch = pytest.importorskip("torch")
    torchvision = pytest.importorskip("torchvision")
    with warnings.catch_warnings(), torch.device("meta"):
        warnings.simplefilter("ignore")
        return getattr(torchvision.models, name)(**dict(options)).eval()


def options(ours: str) -> dict[str, Any]:
    return {"aux_logits": False, "init_weights": False} if ours.startswith("googlenet") else {}


def stored(cost: NetworkCost) -> Counter[int]:
    """Sizes of what we say is stored: weights and biases one each, scale and shift of norms two of equal size."""
    found: list[int] = []
    for node in cost.graph.nodes[: cost.graph.first_head if not cost.with_heads else None]:
        parameters = node.operator.parameters(node.x)
        found += [size for size in (parameters.weights, parameters.biases) if size]
        found += [parameters.norm // 2] * 2 if parameters.norm else []
    return Counter(found)


def flop_counter(module: Any, resolution: int) -> int:
    torch = pytest.importorskip("torch")
    from torch.utils.flop_counter import FlopCounterMode

    from archcalc.torch_bridge.counters.counters import Remembered

    with Remembered(), FlopCounterMode(display=False) as counter, torch.no_grad():
        module(torch.empty((1, 3, resolution, resolution), device="meta"))
    return int(counter.get_total_flops())


@pytest.mark.parametrize("name", MODELS)
def test_parameters_and_buffers(name: str) -> None:
    cost = archcalc.analyze(name)
    theirs = model(MODELS[name], **options(name))
    sizes = Counter(parameter.numel() for parameter in theirs.parameters())
    assert stored(cost) == sizes
    assert cost.totals.params == sum(parameter.numel() for parameter in theirs.parameters())
    # the count of batches seen is one scalar a norm, and no statistic
    buffers = [buffer.numel() for key, buffer in theirs.named_buffers() if "num_batches_tracked" not in key]
    assert cost.totals.buffers == sum(buffers)
    assert cost.totals.size_bytes == sum(4 * parameter.numel() for parameter in theirs.parameters())


@pytest.mark.parametrize(
    ("name", "resolution"),
    # at 257 the layers do not divide evenly; torchvision's VGG then pools to 7x7, which is not in our spec
    [(name, side) for name in MODELS for side in (224, 257) if side == 224 or not name.startswith("vgg")],
)
def test_macs(name: str, resolution: int) -> None:
    """FlopCounterMode counts a multiply-accumulate as two, and nothing else of these networks."""
    theirs = flop_counter(model(MODELS[name], **options(name)), resolution)
    assert 2 * archcalc.analyze(name, set={"resolution": resolution}).totals.macs == theirs


def test_heads_of_googlenet() -> None:
    theirs = model("googlenet", aux_logits=True, init_weights=False)
    cost = archcalc.analyze("googlenet@torchvision", with_heads=True)
    assert stored(cost) == Counter(parameter.numel() for parameter in theirs.parameters())
    theirs.train()
    assert 2 * cost.totals.macs == flop_counter(theirs, 224)


@pytest.mark.parametrize("name", ["resnet18@torchvision", "vgg11@bn", "googlenet@torchvision", "alexnet@torchvision"])
def test_shapes_of_every_layer(name: str) -> None:
    """Elements that convolutions and linear layers give, in the order in which they run."""
    torch = pytest.importorskip("torch")
    theirs = model(MODELS[name], **options(name))
    shapes: list[tuple[int, ...]] = []
    hooks = [
        module.register_forward_hook(lambda _, __, given: shapes.append(tuple(given.shape[1:])))
        for module in theirs.modules()
        if isinstance(module, torch.nn.Conv2d | torch.nn.Linear)
    ]
    with torch.no_grad():
        theirs(torch.empty((1, 3, 224, 224), device="meta"))
    for hook in hooks:
        hook.remove()
    ours = [
        (layer.out_shape.channels, *layer.out_shape.spatial)
        for layer in archcalc.analyze(name).layers
        if layer.type in ("conv", "linear")
    ]
    assert ours == shapes
    assert sum(map(prod, shapes)) == archcalc.analyze(name).totals.neurons

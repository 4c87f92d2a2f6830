"""Memory and work of training against torch: its counter of FLOPs, its memory tracker, its allocator."""

from __future__ import annotations

import warnings
from typing import Any

import pytest

from archcalc.engine.memory.inference import lives, peak_of
from archcalc.engine.memory.memory import Asked, memory_of, memory_of_graph
from archcalc.engine.memory.optimizers import OPTIMIZERS
from archcalc.engine.memory.tensors import tensors_of
from archcalc.engine.network import load
from tests.engine.test_memory import MLP, RESIDUAL

torch = pytest.importorskip("torch")
pytestmark = pytest.mark.torch

# Forward and backward on meta, a batch of two; small inputs where the network takes them.
WORK: dict[str, dict[str, Any]] = {
    "resnet18": {"resolution": 64},
    "vgg11": {"resolution": 64},
    "densenet121": {"resolution": 64},
    "googlenet": {"resolution": 64},
    "unet": {"resolution": 188},
    "vit_b_32": {"resolution": 64},
    "swin_t": {"resolution": 64},
    "swin_v2_t": {"resolution": 64},
    "gpt2": {"length": 16},
    "bert_base": {"length": 16},
    "t5_small": {"length": 16},
    "bilstm": {"length": 16},
    "whisper_tiny": {},
    "detr_resnet50": {},  # with two outputs
}
GROUPED: dict[str, dict[str, Any]] = {
    "mobilenet_v2": {"resolution": 64},
    "mobilenet_v3_small": {"resolution": 64},
    "resnext50_32x4d": {"resolution": 64},
    "convnext_tiny": {"resolution": 64},
    "efficientnet_b0": {"resolution": 64},
    "shufflenet_v1_x1_0_g8": {"resolution": 64},
    "alexnet": {},
    "lenet5": {},
}


def counted_backward(name: str, set: dict[str, Any]) -> tuple[int, Any]:
    """What FlopCounterMode counts of the backward pass, in multiply-accumulate pairs; and what we say."""
    from torch.utils.flop_counter import FlopCounterMode

    from archcalc.torch_bridge.model.build import build, example_inputs
    from archcalc.torch_bridge.profile.allocations import without_dropout

    network = load(name)
    graph = network.graph(set, with_heads=False)
    model = without_dropout(build(graph, device="meta"))
    inputs = example_inputs(graph, 2, "meta")

    def flops(backward: bool) -> int:
        with FlopCounterMode(display=False) as counter:
            y = model(*inputs)
            if backward:
                sum(each.sum() for each in (y.values() if isinstance(y, dict) else [y])).backward()
        return int(counter.get_total_flops())

    theirs = flops(backward=True) - flops(backward=False)
    assert theirs % 2 == 0
    return theirs // 2, memory_of_graph(network, graph, Asked(batch=2, train=True), is_as_written=False).training


@pytest.mark.parametrize("name", WORK)
def test_backward_work_is_that_of_the_counter(name: str) -> None:
    theirs, ours = counted_backward(name, WORK[name])
    assert ours.macs_backward == theirs


@pytest.mark.parametrize("name", GROUPED)
def test_of_grouped_convolutions_the_counter_takes_the_gradient_of_weights_groups_times(name: str) -> None:
    theirs, ours = counted_backward(name, GROUPED[name])
    assert ours.macs_backward < theirs
    assert theirs == ours.macs_backward + sum(each.grouped_macs for each in ours.work)


@pytest.mark.parametrize("name", ["momentum", "adam", "adamw", "adafactor"])
def test_optimizers_keep_what_those_of_torch_keep(name: str) -> None:
    """All numbers of their state but the steps that they have done, one of each tensor."""
    made = {
        "momentum": lambda parameters: torch.optim.SGD(parameters, momentum=0.9),
        "adam": torch.optim.Adam,
        "adamw": torch.optim.AdamW,
        "adafactor": torch.optim.Adafactor,
    }
    from archcalc.torch_bridge.model.build import example_input, to_torch

    for text in (MLP, RESIDUAL):
        model = to_torch(text)
        optimizer = made[name](model.parameters())
        model(example_input(load(text).graph(), 2)).sum().backward()
        optimizer.step()
        kept = sum(
            value.numel() for state in optimizer.state.values() for key, value in state.items()
            if key != "step" and isinstance(value, torch.Tensor)
        )  # fmt: skip
        ours = memory_of(text, Asked(train=True, optimizer=name)).training
        assert ours is not None
        assert ours.optimizer_bytes == 4 * kept
        assert name in OPTIMIZERS


# Networks whose torchvision model runs on meta, most at 64x64 pixels; ours under the rule `eager`.
INFERENCE: dict[str, int] = {
    **dict.fromkeys(("resnet18@torchvision", "resnet34@torchvision", "resnet50@torchvision"), 64),
    **dict.fromkeys(("resnext50_32x4d", "wide_resnet50_2", "mobilenet_v2", "mobilenet_v3_small"), 64),
    **dict.fromkeys(("mobilenet_v3_large", "efficientnet_b0", "efficientnet_b1", "efficientnet_v2_s"), 64),
    **dict.fromkeys(("mnasnet0_5", "mnasnet1_0", "shufflenet_v2_x0_5@torchvision", "squeezenet1_1"), 64),
    **dict.fromkeys(("shufflenet_v2_x1_0@torchvision", "convnext_tiny", "vgg11@torchvision"), 64),
    **dict.fromkeys(("squeezenet1_0", "convnext_small", "vgg16@torchvision-bn"), 64),
    "googlenet@torchvision": 96,
    "alexnet@torchvision": 224,
}


@pytest.mark.parametrize("name", INFERENCE)
def test_inference_is_that_of_the_memory_tracker(name: str) -> None:
    """Within 1 %: the tracker rounds every tensor up to 512 bytes."""
    tracker = pytest.importorskip("torch.distributed._tools.mem_tracker").MemTracker()
    from archcalc.torch_bridge.model.definitions import torchvision_model

    side = INFERENCE[name]
    model = torchvision_model(name)
    tracker.track_external(model)
    image = torch.empty(2, 3, side, side, device="meta")
    with torch.no_grad(), tracker:
        model(image)
    (device,) = tracker.get_tracker_snapshot("peak").values()
    theirs = next(size for kind, size in device.items() if getattr(kind, "name", "") == "ACT")
    graph = load(name).graph(None, (3, side, side), with_heads=False)
    tensors = tensors_of(graph, 2, 32)
    ours = peak_of(graph, lives(graph, tensors, held=True)).size_bytes - 4 * image.numel()
    assert ours == pytest.approx(theirs, rel=0.01)


# Name: side or length, batch, optimiser; torch's own CPU kernels for tensors, what oneDNN takes for itself left out.
TRAINING: dict[str, tuple[int, int, str]] = {
    "resnet18@torchvision": (64, 2, "sgd"),
    "mobilenet_v2": (64, 8, "adamw"),
    "densenet121": (64, 2, "sgd"),
    "shufflenet_v2_x0_5@torchvision": (64, 8, "momentum"),
    "googlenet@torchvision": (64, 2, "sgd"),
    "convnext_tiny": (64, 2, "sgd"),
    "swin_t": (64, 2, "sgd"),
    "efficientnet_b0": (64, 2, "adamw"),
}


@pytest.mark.parametrize("name", TRAINING)
def test_training_is_that_of_the_allocator(name: str) -> None:
    """Within 2 %: parameters, what the optimiser keeps, and the most that a step adds of tensors."""
    from archcalc.torch_bridge.profile.allocations import in_training
    from archcalc.torch_bridge.profile.memory import torchvision_case

    side, batch, optimizer = TRAINING[name]
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        case = torchvision_case(name, side, batch)
        theirs = in_training(case.model, case.run, optimizer)
    ours = case.ours(optimizer)
    assert ours == pytest.approx(theirs.peak_of_tensors, rel=0.02)


def test_recomputation_is_that_of_checkpoint() -> None:
    """`torch.utils.checkpoint` around every block of ResNet-18: within 2 %, and less than without."""
    from torch.utils.checkpoint import checkpoint

    from archcalc.torch_bridge.profile.allocations import in_training
    from archcalc.torch_bridge.profile.memory import torchvision_case

    case = torchvision_case("resnet18@torchvision", 64, 32)
    stages: list[Any] = [case.model.layer1, case.model.layer2, case.model.layer3, case.model.layer4]
    for stage in stages:
        for block in stage:
            inner = block.forward
            block.forward = lambda x, inner=inner: checkpoint(inner, x, use_reentrant=False)
    theirs = in_training(case.model, case.run, "sgd").peak_of_tensors
    asked = Asked(batch=32, train=True, optimizer="sgd", recompute="block")
    ours = memory_of_graph(case.network, case.graph, asked, is_as_written=False).peak_bytes - case.inputs_bytes
    assert ours == pytest.approx(theirs, rel=0.02)
    assert ours < case.ours("sgd")

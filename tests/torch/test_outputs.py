"""Outputs of torchvision's models with their weights in ours."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from archcalc.engine.network import load
from tests.cli.running import run, spec

torch = pytest.importorskip("torch")
torchvision = pytest.importorskip("torchvision")
pytestmark = pytest.mark.torch

from torch import nn  # noqa: E402

from archcalc.torch_bridge.counters.threads import one_thread  # noqa: E402
from archcalc.torch_bridge.model.definitions import DEFINITIONS, torchvision_model  # noqa: E402
from archcalc.torch_bridge.verify.values import compare_values  # noqa: E402
from archcalc.torch_bridge.verify.verify import verify  # noqa: E402
from tests.torch.against import SPEC  # noqa: E402

# torchvision's, with its weights in ours.


class TensorFlowsMobileNet(nn.Module):
    """MobileNet by Howard et al. 2017, Table 1, with TensorFlow's SAME padding: the odd row goes after.

    Padding along an axis of n is max((ceil(n / 2) - 1) * 2 + 3 - n, 0) in all at stride 2 (tf.nn, "Notes on padding").
    """

    def __init__(self) -> None:
        super().__init__()
        widths = [(64, 1), (128, 2), (128, 1), (256, 2), (256, 1), (512, 2), *[(512, 1)] * 5, (1024, 2), (1024, 1)]
        convs = [nn.Conv2d(3, 32, 3, 2, bias=False)]
        channels = 32
        for width, stride in widths:
            convs.append(nn.Conv2d(channels, channels, 3, stride, groups=channels, bias=False))
            convs.append(nn.Conv2d(channels, width, 1, bias=False))
            channels = width
        self.convs = nn.ModuleList(convs)
        self.norms = nn.ModuleList([nn.BatchNorm2d(conv.out_channels, eps=0.001) for conv in convs])
        self.fc = nn.Linear(1024, 1000)

    def forward(self, x: Any) -> Any:
        conv: Any
        for conv, norm in zip(self.convs, self.norms, strict=True):
            sides: list[int] = []
            for n in reversed(x.shape[2:]):
                step, kernel = conv.stride[0], conv.kernel_size[0]
                pad = max((-(-n // step) - 1) * step + kernel - n, 0)
                sides += [pad // 2, pad - pad // 2]
            x = norm(conv(nn.functional.pad(x, sides))).relu()
        return self.fc(x.mean((2, 3)))


@pytest.mark.parametrize("side", [224, 75, 64])
def test_mobilenet_pads_as_tensorflow_does(side: int) -> None:
    """Written by hand after TensorFlow's rule; the variant that pads evenly computes something else at even sizes."""
    found = verify("mobilenet_v1@tf", TensorFlowsMobileNet(), input=(3, side, side), values=True)
    assert found.differences == []
    evenly = verify("mobilenet_v1", TensorFlowsMobileNet(), input=(3, side, side), values=True)
    assert [check.quantity for check in evenly.differences] == ["values"]


@pytest.mark.parametrize("name", ["vgg16@torchvision", "vgg11@torchvision-bn"])
def test_vgg_of_torchvision_takes_any_size(name: str) -> None:
    """Its pooling to 7x7 is in the network; the paper's is the same at 224 alone, and not compared elsewhere."""
    found = verify(name, "torchvision", input=(3, 97, 130))
    assert (found.differences, len(found.checks)) == ([], 5)
    plain = name.replace("torchvision-", "").replace("@torchvision", "")
    assert verify(plain, "torchvision", input=(3, 97, 130)).checks == []
    assert len(verify(plain, "torchvision", input=(3, 224, 224)).checks) == 5


def test_a_file_called_as_a_network_of_torchvision_is_not_that(tmp_path: Path) -> None:
    path = spec(tmp_path, SPEC.replace("network: own", "network: squeezenet1_1"))
    out = run("verify", path, "--against", "torchvision", code=1).stdout
    assert "nothing checked: there is nothing of torchvision to hold it against" in out


SMALLEST = {"inception": 75, "googlenet": 64, "alexnet": 224, "vgg": 224, "vit": 224}
# Gigabytes twice; what they are made of runs in their smaller siblings.
LARGE = {"vit_l_16", "vit_l_32", "vit_h_14", "regnet_y_128gf", "regnet_y_32gf", "regnet_x_32gf"}

# Of which outputs agree but for rounding: tests/torch/test_windows.py.
WINDOWED = {name for name in DEFINITIONS if name.startswith(("swin", "maxvit"))}

# A small one of each family; their siblings, of the same blocks, take minutes: `pytest -m slow`.
ONE_OF_EACH = {
    "alexnet@torchvision",
    "vgg11@torchvision",
    "vgg11@torchvision-bn",
    "googlenet@torchvision",
    "inception_v3",
    "resnet18@torchvision",
    "resnet50@torchvision",
    "squeezenet1_0",
    "squeezenet1_1",
    "resnext50_32x4d",
    "wide_resnet50_2",
    "densenet121",
    "mobilenet_v2",
    "mobilenet_v3_small",
    "shufflenet_v2_x0_5@torchvision",
    "convnext_tiny",
    "efficientnet_b0",
    "efficientnet_v2_s",
    "mnasnet0_5",
    "regnet_x_400mf",
    "regnet_y_400mf",
    "vit_b_32",
    "fcn_resnet50",
    "deeplabv3_mobilenet_v3_large",
    "lraspp_mobilenet_v3_large",
}


@pytest.mark.parametrize(
    "name",
    [
        pytest.param(name, marks=() if name in ONE_OF_EACH else pytest.mark.slow)
        for name in DEFINITIONS
        if name not in LARGE | WINDOWED
    ],
)
def test_outputs_equal_torchvisions(name: str) -> None:
    """Bit for bit; ConvNeXt's 1x1 convolutions are linear layers there, which add in another order.

    The largest difference of any is 8.7e-7 of the largest output, in single precision, and 0 in double.
    """
    side = next((side for family, side in SMALLEST.items() if name.startswith(family)), 64)
    graph = load(name).graph(input=(3, side, side), with_heads=False)  # Inception v3's head takes no 75x75
    with one_thread():
        found = compare_values(graph, torchvision_model(name, "cpu"))
    if name.startswith("convnext"):
        assert found.single < 2e-6
        assert found.double == 0
    else:
        assert found.single == 0


def test_values_of_torchvisions_have_a_column() -> None:
    out = run("verify", "squeezenet1_1", "lenet5", "--against", "torchvision", "--values", code=0).stdout
    assert out.splitlines()[2].split() == ["network", "layers", "params", "MACs", "torchvision", "values", "checks"]
    assert out.splitlines()[4].split()[-3:] == ["equal", "bit-equal", "6"]


def test_another_eps_is_seen(monkeypatch: pytest.MonkeyPatch) -> None:
    """What every count is blind to: 0.00001 instead of 0.001 under the root."""
    found = verify("mobilenet_v3_small", "torchvision", input=(3, 32, 32), values=True)
    assert found.differences == []
    text = Path(load("mobilenet_v3_small").spec.source.text)
    assert "batch_norm: {eps: 0.001}" in str(text)
    changed = torchvision_model("mobilenet_v3_small", "cpu")
    for module in changed.modules():
        if isinstance(module, nn.BatchNorm2d):
            module.eps = 1e-5
    graph = load("mobilenet_v3_small").graph(input=(3, 32, 32))
    difference = compare_values(graph, changed)
    assert difference.single > 1e-5
    assert not difference.is_rounding

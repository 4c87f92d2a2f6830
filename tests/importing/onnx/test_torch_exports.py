"""What torch exports today, by both of its exporters, against the module itself.

Parameters: those of the module, less a vector of channels for each norm that the exporter folds into a convolution (it
has two, and becomes one bias). MACs: FlopCounterMode / 2 on meta. Norms and biases are random, as in a trained network:
of a fresh one the exporters drop biases of zeros and merge equal tensors.
"""

from __future__ import annotations

import warnings
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

pytest.importorskip("onnx")
pytest.importorskip("torch")
pytest.importorskip("onnxscript")

import torch
from torch import nn
from torch.utils.flop_counter import FlopCounterMode

from archcalc.importing.calls import Calls
from archcalc.importing.decompile import decompile
from archcalc.importing.onnx.calls import read_onnx
from archcalc.importing.totals import totals_of

pytestmark = [pytest.mark.torch, pytest.mark.filterwarnings("ignore")]


def trained_like(model: nn.Module) -> nn.Module:
    torch.manual_seed(0)
    with torch.no_grad():
        for name, tensor in (*model.named_parameters(), *model.named_buffers()):
            if name.endswith("running_var"):
                tensor.uniform_(0.5, 2)
            elif tensor.dim() <= 1 and tensor.is_floating_point():
                tensor.normal_()
            elif tensor.is_floating_point():
                tensor.add_(torch.randn_like(tensor) * 0.01)
    return model.eval()


def exported(model: nn.Module, inputs: tuple[Any, ...], path: Path, dynamo: bool, opset: int | None = None) -> Path:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        if dynamo:
            torch.onnx.export(model, inputs, str(path), dynamo=True, opset_version=opset, verbose=False)
        else:
            torch.onnx.export(model, inputs, str(path), dynamo=False, opset_version=opset or 17)
    return path


def macs_of(model: nn.Module, inputs: tuple[Any, ...]) -> int:
    model = model.to("meta")
    with FlopCounterMode(display=False) as counter, torch.no_grad():
        model(*[each.to("meta") for each in inputs])
    return int(counter.get_total_flops()) // 2


def folded(model: nn.Module, calls: Calls) -> int:
    """Channels of norms of the module that the file does not have."""
    channels = sum(item.num_features for item in model.modules() if isinstance(item, nn.modules.batchnorm._BatchNorm))
    kept = sum(call.shape.channels for call in calls.calls if call.operator.name == "batch_norm")
    return int(channels - kept)


def held(model: nn.Module, inputs: tuple[Any, ...], folder: Path, dynamo: bool, opset: int | None = None) -> Calls:
    """An export that is read: parameters, MACs and the proof of its text."""
    model = trained_like(model)
    calls = read_onnx(exported(model, inputs, folder / "model.onnx", dynamo, opset))
    stored = sum(item.numel() for item in model.parameters())
    totals = totals_of(calls)
    assert not totals.bounds
    assert totals.params == stored - folded(model, calls)
    found = decompile(calls)
    assert found.proof.differences == []
    assert found.text
    assert totals.macs == macs_of(model, inputs)
    return calls


class Small(nn.Module):
    """Strides, groups, a shortcut, a gate of channels, an uneven pool and two linear layers."""

    def __init__(self) -> None:
        super().__init__()
        self.stem = nn.Sequential(nn.Conv2d(3, 16, 3, stride=2, padding=1, bias=False), nn.BatchNorm2d(16), nn.SiLU())
        self.pool = nn.MaxPool2d(3, stride=2, ceil_mode=True)
        self.depthwise = nn.Conv2d(16, 16, 3, padding=1, groups=16)
        self.squeeze = nn.Sequential(nn.AdaptiveAvgPool2d(1), nn.Conv2d(16, 4, 1), nn.ReLU(), nn.Conv2d(4, 16, 1))
        self.grow = nn.ConvTranspose2d(16, 8, 4, stride=2, padding=1)
        self.head = nn.Sequential(nn.Flatten(), nn.Linear(8 * 16 * 16, 32), nn.GELU(), nn.Linear(32, 10))

    def forward(self, x: Any) -> Any:
        x = self.pool(self.stem(x))
        x = x + self.depthwise(x) * torch.sigmoid(self.squeeze(x))
        return self.head(nn.functional.hardswish(self.grow(x)))


@pytest.mark.parametrize("dynamo", [False, True], ids=["torchscript", "dynamo"])
def test_a_small_network_of_both_exporters(dynamo: bool, tmp_path: Path) -> None:
    calls = held(Small(), (torch.zeros(1, 3, 32, 32),), tmp_path, dynamo)
    names = {part.name for call in calls.calls for part in call.scope}
    assert {"stem", "depthwise", "squeeze", "grow", "head"} <= names
    if dynamo:
        assert {part.kind for call in calls.calls for part in call.scope} >= {"Sequential", "ConvTranspose2d"}


@pytest.mark.parametrize("opset", [11, 13, 15, 18, 20])
def test_opsets_of_the_older_exporter(opset: int, tmp_path: Path) -> None:
    held(Small(), (torch.zeros(1, 3, 32, 32),), tmp_path, False, opset)


@pytest.mark.slow
@pytest.mark.parametrize("opset", [18, 20, 22, 23, 24])
def test_opsets_of_the_newer_exporter(opset: int, tmp_path: Path) -> None:
    held(Small(), (torch.zeros(1, 3, 32, 32),), tmp_path, True, opset)
    layer = nn.TransformerEncoderLayer(64, 4, 128, batch_first=True, activation="gelu")
    held(nn.TransformerEncoder(layer, 2), (torch.zeros(1, 10, 64),), tmp_path, True, opset)


@pytest.mark.parametrize("dynamo", [False, True], ids=["torchscript", "dynamo"])
def test_recurrent_layers_of_both_exporters(dynamo: bool, tmp_path: Path) -> None:
    class Two(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.first = nn.LSTM(20, 32, num_layers=2, bidirectional=True)
            self.second = nn.GRU(64, 16)

        def forward(self, x: Any) -> Any:
            return self.second(self.first(x)[0])[0]

    calls = held(Two(), (torch.zeros(7, 1, 20),), tmp_path, dynamo)
    assert [call.operator.name for call in calls.calls] == ["lstm", "lstm", "gru"]


@pytest.mark.parametrize("dynamo", [False, True], ids=["torchscript", "dynamo"])
def test_a_transformer_of_both_exporters(dynamo: bool, tmp_path: Path) -> None:
    layer = nn.TransformerEncoderLayer(64, 4, 128, batch_first=True, activation="gelu")
    calls = held(nn.TransformerEncoder(layer, 2), (torch.zeros(1, 10, 64),), tmp_path, dynamo)
    assert sum(call.operator.name == "attend" for call in calls.calls) == 2


@pytest.mark.parametrize("dynamo", [False, True], ids=["torchscript", "dynamo"])
def test_a_network_that_is_not_trained_has_its_parameters_though_the_file_has_fewer(
    dynamo: bool, tmp_path: Path
) -> None:
    """Scales of ones and shifts of zeros are one tensor in the file; copies of a layer are one, too."""
    layer = nn.TransformerEncoderLayer(32, 2, 64, batch_first=True)
    model = nn.TransformerEncoder(layer, 3).eval()
    calls = read_onnx(exported(model, (torch.zeros(1, 5, 32),), tmp_path / "model.onnx", dynamo))
    missing = sum(item.numel() for item in model.parameters()) - totals_of(calls).params
    biases = sum(item.numel() for name, item in model.named_parameters() if name.endswith("bias") and not item.any())
    assert 0 <= missing <= biases  # biases of zeros may be gone
    if missing or dynamo is False:
        assert any("parameters less" in note for note in calls.notes)


CNNS = [
    "resnet18", "resnext50_32x4d", "googlenet", "inception_v3", "densenet121", "squeezenet1_1", "mobilenet_v2",
    "mobilenet_v3_small", "mnasnet1_0", "shufflenet_v2_x1_0", "efficientnet_b0", "regnet_y_400mf", "convnext_tiny",
]  # fmt: skip


@pytest.mark.slow
@pytest.mark.parametrize("dynamo", [False, True], ids=["torchscript", "dynamo"])
@pytest.mark.parametrize("name", CNNS)
def test_convolutional_networks(name: str, dynamo: bool, tmp_path: Path) -> None:
    models = pytest.importorskip("torchvision").models
    size = 299 if name == "inception_v3" else 224
    extra = {"aux_logits": False, "init_weights": False} if name in ("googlenet", "inception_v3") else {}
    held(getattr(models, name)(weights=None, **extra), (torch.zeros(1, 3, size, size),), tmp_path, dynamo)


def _wrapped(model: Any, call: Callable[..., Any]) -> nn.Module:
    class Wrapped(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.model = model

        def forward(self, *given: Any) -> Any:
            return call(self.model, *given)

    return Wrapped()


def _vision() -> tuple[nn.Module, tuple[Any, ...]]:
    from torchvision.models.vision_transformer import VisionTransformer

    return VisionTransformer(64, 16, 2, 4, 64, 128, num_classes=10), (torch.zeros(1, 3, 64, 64),)


def _tokens(name: str) -> tuple[nn.Module, tuple[Any, ...]]:
    transformers = pytest.importorskip("transformers")
    ids = torch.zeros(1, 32, dtype=torch.long)
    if name == "bert":
        config = transformers.BertConfig(
            vocab_size=1000, hidden_size=64, num_hidden_layers=2, num_attention_heads=4, intermediate_size=128
        )
        model = transformers.BertModel(config, add_pooling_layer=False)
        return _wrapped(model, lambda m, given: m(given).last_hidden_state), (ids,)
    if name == "distilbert":
        config = transformers.DistilBertConfig(vocab_size=1000, dim=64, n_layers=2, n_heads=4, hidden_dim=128)
        model = transformers.DistilBertModel(config)
        return _wrapped(model, lambda m, given: m(given).last_hidden_state), (ids,)
    config = transformers.LlamaConfig(
        vocab_size=1000, hidden_size=64, num_hidden_layers=2, num_attention_heads=4, num_key_value_heads=2,
        intermediate_size=128, tie_word_embeddings=True, bos_token_id=None, eos_token_id=None,
    )  # fmt: skip
    model = transformers.LlamaForCausalLM(config)
    return _wrapped(model, lambda m, given: m(given, use_cache=False).logits), (ids,)


@pytest.mark.slow
@pytest.mark.parametrize(
    ("name", "dynamo"),
    [
        ("vision", False),
        ("vision", True),
        ("bert", False),
        ("bert", True),
        ("distilbert", False),
        ("distilbert", True),
        ("llama", True),  # the other exporter does not know aten::diff
    ],
)
def test_transformers(name: str, dynamo: bool, tmp_path: Path) -> None:
    model, inputs = _vision() if name == "vision" else _tokens(name)
    model = trained_like(model)
    calls = read_onnx(exported(model, inputs, tmp_path / "model.onnx", dynamo))
    totals = totals_of(calls)
    assert not totals.bounds
    stored = sum(item.numel() for item in model.parameters())
    rows = 480 * 64 if name == "bert" and totals.params != stored else 0  # rows of positions beyond these 32
    assert sum(_elements(item) for item in calls.parameters.values()) in (stored, stored - rows)
    assert decompile(calls).proof.differences == []
    if name != "llama":  # whose masks are made by values, which meta has not
        assert totals.macs == macs_of(model, inputs)


def _elements(shape: tuple[int, ...]) -> int:
    number = 1
    for extent in shape:
        number *= extent
    return number

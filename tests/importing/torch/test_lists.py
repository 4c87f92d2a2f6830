"""Models of libraries, against torch's own counts; the whole lists are slow."""

from __future__ import annotations

from typing import Any

import pytest

torch = pytest.importorskip("torch")

from archcalc.importing.decompile import decompile  # noqa: E402
from archcalc.importing.totals import totals_of  # noqa: E402
from archcalc.torch_bridge.trace import read_module, read_torch  # noqa: E402
from archcalc.torch_bridge.trace.shells import made  # noqa: E402
from tests.importing.torch.lists import TIMM, TRANSFORMERS  # noqa: E402
from tests.importing.torch.reading import assert_exact, macs, parameters, unread  # noqa: E402

pytestmark = pytest.mark.torch
FAST = (
    *("resnet18", "googlenet", "mobilenet_v3_small", "shufflenet_v2_x0_5", "squeezenet1_1", "regnet_x_400mf"),
    *("vgg11", "densenet121", "mnasnet0_5", "convnext_tiny", "swin_t", "swin_v2_t", "vit_b_32", "maxvit_t"),
)
# In 2 layers of 1536 channels, 16 states and 4 taps, over 128 positions, transformers pads the convolution on both
# sides and cuts 3 positions off; of the scan FlopCounterMode sees only what reads the states, a product: by hand,
# as archcalc/torch_bridge/zoo/scans.py says for the networks of the library.
MAMBA_MORE = 2 * (1536 * 4 * 3 + 1536 * 16 * 128 - (2 * 1536 * 16 + 1536) * 128)
AUXILIARY = {"googlenet": 6_379_984, "inception_v3": 3_326_696}
"""Parameters of the two heads, and of the one, that run in training alone, by their layers in torchvision's classes."""


def _classifier(name: str) -> None:
    models = pytest.importorskip("torchvision").models
    size = 299 if name == "inception_v3" else 224
    undrawn = {"init_weights": False} if name in AUXILIARY else {}
    model, found = made(lambda: models.get_model(name, **undrawn))
    calls = read_module(model, (3, size, size), name, arguments=found)
    assert_exact(calls, model.eval(), (3, size, size))
    assert unread(calls) == AUXILIARY.get(name, 0)
    assert not any(call.reason for call in calls.calls)
    written = decompile(calls)
    assert written.text, written.proof.differences


@pytest.mark.parametrize("name", FAST)
def test_torchvision(name: str) -> None:
    _classifier(name)


@pytest.mark.slow
def test_all_of_torchvision() -> None:
    models = pytest.importorskip("torchvision").models
    names = models.list_models(module=models)
    assert len(names) == 80
    for name in names:
        _classifier(name)


@pytest.mark.parametrize("name", ["lraspp_mobilenet_v3_large"])
def test_segmentation(name: str) -> None:
    _segmentation(name)


@pytest.mark.slow
def test_all_of_segmentation() -> None:
    models = pytest.importorskip("torchvision").models
    names = models.list_models(module=models.segmentation)
    assert len(names) == 6
    for name in names:
        _segmentation(name)


def _segmentation(name: str) -> None:
    models = pytest.importorskip("torchvision").models
    model, found = made(lambda: models.get_model(name, weights=None, weights_backbone=None))
    calls = read_module(model, (3, 224, 224), name, arguments=found)
    assert_exact(calls, model.eval(), (3, 224, 224))
    assert unread(calls) == 0
    assert not any(call.reason for call in calls.calls)
    written = decompile(calls)
    assert written.text, written.proof.differences


@pytest.mark.parametrize("name", ["mc3_18", "r3d_18"])
def test_video(name: str) -> None:
    models = pytest.importorskip("torchvision").models
    model, found = made(lambda: models.get_model(name))
    calls = read_module(model, (3, 16, 112, 112), name, arguments=found)
    assert_exact(calls, model.eval(), (3, 16, 112, 112))


def test_a_detector_is_read_as_far_as_it_goes_without_numbers() -> None:
    pytest.importorskip("torchvision")
    calls = read_torch("torchvision:ssd300_vgg16")
    rest = [call for call in calls.calls if call.reason]
    assert len(rest) == 1
    assert "numbers that depend on the input" in rest[0].reason
    assert rest[0].operator.values()["macs"] is None
    assert len(calls.outputs) == 12  # classes and boxes of six maps
    assert any("Read as far as" in note for note in calls.notes)


def _timm(name: str) -> bool:
    """Whether all of it has operators; its costs are exact, and its text proven, either way."""
    timm = pytest.importorskip("timm")
    model, found = made(lambda: timm.create_model(name))
    size = tuple(vars(model)["default_cfg"]["input_size"])
    calls = read_module(model, size, name, arguments=found)
    assert_exact(calls, model.eval(), size)
    written = decompile(calls)
    assert written.text, written.proof.differences
    return not any(call.reason for call in calls.calls)


@pytest.mark.parametrize("name", ["repvgg_b0", "ghostnet_100", "nf_resnet50", "beit_base_patch16_224", "pvt_v2_b0"])
def test_timm(name: str) -> None:
    assert _timm(name)


def test_what_has_no_operator_keeps_its_costs() -> None:
    assert not _timm("xcit_nano_12_p16_224")  # attention over channels


@pytest.mark.slow
def test_all_of_timm() -> None:
    assert len(set(TIMM)) == 80
    whole = [name for name in TIMM if _timm(name)]
    assert len(whole) >= 68


def _of_transformers(name: str, settings: dict[str, Any]) -> None:
    transformers = pytest.importorskip("transformers")
    cls = getattr(transformers, name)
    model, found = made(lambda: cls(cls.config_class(**settings)))
    calls = read_module(model, None, name, arguments=found)
    if name == "MambaForCausalLM":
        totals = totals_of(calls)
        assert totals.params == parameters(model)
        assert totals.macs + MAMBA_MORE == macs(model.eval())
    else:
        assert_exact(calls, model.eval())
    assert unread(calls) == 0
    assert not any(call.reason for call in calls.calls)
    written = decompile(calls)
    assert written.text, written.proof.differences


@pytest.mark.parametrize(
    "name", ["BertForMaskedLM", "LlamaForCausalLM", "MixtralForCausalLM", "CLIPModel", "MambaForCausalLM"]
)
def test_transformers(name: str) -> None:
    _of_transformers(name, TRANSFORMERS[name])


@pytest.mark.slow
def test_all_families_of_transformers() -> None:
    assert len(TRANSFORMERS) == 12
    for name, settings in TRANSFORMERS.items():
        _of_transformers(name, settings)

"""Calibrations of one's own: a fit to times that are known, on a CPU and on a GPU that is only pretended."""

from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

pytest.importorskip("torch", reason="the torch extra is not installed")

import torch

from archcalc.engine.machine.calibrations import own
from archcalc.engine.machine.estimate import estimate
from archcalc.engine.machine.model import features, seconds
from archcalc.engine.network import load
from archcalc.results.time import Calibration
from archcalc.torch_bridge.profile import calibrate as subject
from archcalc.torch_bridge.profile import unseen as others
from archcalc.torch_bridge.profile.timing import Clock
from tests.cli.running import run

pytestmark = pytest.mark.torch

UNSEEN = ("resnet34@torchvision", "mnasnet1_0", "squeezenet1_0")
NETWORKS = ("squeezenet1_1", "resnet18@torchvision", "mobilenet_v2", "googlenet")
TRUE = (0.7, 0.5, 2e-5, 1.0)
PRODUCT, BANDWIDTH = 2e11, 2e10  # of the device that is pretended: FLOP/s and bytes a second


class KnownClock(Clock):
    """A product takes what its FLOPs take, a copy what its bytes take; nothing is run."""

    def time(self, run: Any) -> float:
        name = getattr(run.func, "__name__", "")
        if name == "matmul":
            return 2 * float(run.args[0].shape[0]) ** 3 / PRODUCT
        numbers = run.func.__self__
        if name == "copy_":
            return float(2 * numbers.numel() * numbers.element_size() / BANDWIDTH)
        return float(numbers.numel() / 1e10)


def pretended(monkeypatch: pytest.MonkeyPatch, units: int) -> None:
    """Networks take what the model with known parameters gives."""
    monkeypatch.setattr(subject, "clock_of", lambda place: KnownClock())
    monkeypatch.setattr(subject, "warm_up", lambda time: time())
    monkeypatch.setattr(subject, "VECTOR", {"cpu": 1 << 12, "cuda": 1 << 12})
    monkeypatch.setattr(subject, "MATRIX", {"cpu": 64, "cuda": 64})

    def profile(given: Any, device: str, *, batch: int, dtype: str, train: bool = False, **other: Any) -> Any:
        network = load(given)
        on = subject.measured_device(torch.device("cpu"), dtype, KnownClock())._replace(units=units)
        forward = seconds(TRUE, features(network.graph(), batch, 32), on, on.peaks[dtype])
        return SimpleNamespace(median_s=forward * (3 if train else 1))

    monkeypatch.setattr(subject, "profile", profile)


def test_a_fit_to_times_that_are_known(monkeypatch: pytest.MonkeyPatch) -> None:
    pretended(monkeypatch, 0)
    found = subject.calibrate("cpu", NETWORKS, batch=2, train=True)
    assert isinstance(found, Calibration)
    assert found.device is not None
    assert found.device.peaks["fp32"] == pytest.approx(PRODUCT)
    assert found.device.bandwidth == pytest.approx(BANDWIDTH)
    assert found.passes["forward"].seen < 0.01
    forward = estimate("resnet18@torchvision", None, found, batch=2).passes
    known = seconds(TRUE, features(load("resnet18@torchvision").graph(), 2, 32), found.device, PRODUCT)
    assert forward["forward"].value_s == pytest.approx(known, rel=0.02)
    assert forward["backward"].value_s == pytest.approx(2 * known, rel=0.05)
    assert forward["total"].value_s == pytest.approx(3 * known, rel=0.05)


def test_networks_that_a_calibration_did_not_see(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Times by the model itself: nothing is far off, and the calibration that is written gives the same again."""
    pretended(monkeypatch, 0)
    monkeypatch.setattr(others, "profile", vars(subject)["profile"])
    monkeypatch.setattr(others, "calibrate", lambda device, **how: subject.calibrate(device, NETWORKS, **how))
    monkeypatch.setattr(others.unseen, "__defaults__", (UNSEEN,))
    others.main([str(tmp_path)])
    (page,) = tmp_path.glob("*.md")
    (calibration,) = tmp_path.glob("*.yaml")
    text = page.read_text(encoding="utf-8")
    assert "rank correlation 1.000" in text
    assert calibration.name in text
    again = own(str(calibration))
    for name in UNSEEN:
        line = next(line for line in text.splitlines() if line.startswith(f"| {name} |"))
        assert abs(float(line.split("|")[-2].strip().rstrip("%"))) < 8
        told = estimate(name, None, again).passes["forward"].value_s
        assert float(line.split("|")[3].split()[0]) == pytest.approx(1000 * told, rel=1e-3)  # of four digits


def test_a_gpu_that_is_pretended(monkeypatch: pytest.MonkeyPatch) -> None:
    """Tensors stay on the CPU; the name and the units are those of the GPU, and products come in tiles and waves."""
    pretended(monkeypatch, 16)
    monkeypatch.setattr(subject, "existing", lambda device: SimpleNamespace(type="cuda"))
    monkeypatch.setattr(
        torch.cuda, "get_device_properties", lambda place: SimpleNamespace(name="G", multi_processor_count=16)
    )
    for name in ("rand", "empty_like"):
        made = getattr(torch, name)
        monkeypatch.setattr(torch, name, lambda *given, made=made, device=None, **other: made(*given, **other))
    monkeypatch.setattr(subject, "environment_of", lambda *given: SimpleNamespace(torch="2.14.1"))
    found = subject.calibrate("cuda", NETWORKS)
    assert found.stack == "torch-2.14.1-cuda"
    assert found.device is not None
    assert (found.device.name, found.device.units) == ("G", 16)
    assert found.passes["forward"].tile == 128
    assert found.passes["forward"].seen < 0.02


def test_too_few_networks_are_refused() -> None:
    with pytest.raises(ValueError, match="three"):
        subject.calibrate("cpu", NETWORKS[:2])


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["--networks", "lenet5,alexnet"], "three or more"),
        (["--networks", "lenet5,alexnet,resnet1x"], "no network is called"),
        (["-o", "mine.json"], "a calibration is YAML"),
        (["--device", "tpu"], "no device to measure on"),
        (["--dtype", "fp8"], "fp16"),
    ],
)
def test_what_is_refused(arguments: list[str], said: str) -> None:
    assert said in run("calibrate", *arguments, code=2).stderr

"""Calibrations of one's own: a fit to times that are known, on a CPU and on a GPU that is only pretended."""

from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

pytest.importorskip("torch", reason="the torch extra is not installed")

import torch

from archcalc.engine.machine.estimate import estimate
from archcalc.engine.machine.operations import fit, operations
from archcalc.engine.machine.own import own
from archcalc.engine.network import Network, load
from archcalc.results.time import Calibration, OperationFit, TimedNetwork
from archcalc.torch_bridge.profile import calibrate as subject
from archcalc.torch_bridge.profile import unseen as others
from archcalc.torch_bridge.profile.rounds import in_turn
from archcalc.torch_bridge.profile.timing import Clock
from tests.cli.running import run
from tests.machine.test_own import timed

pytestmark = pytest.mark.torch

UNSEEN = ("resnet34@torchvision", "mnasnet1_0", "squeezenet1_0")
NETWORKS = ("squeezenet1_1", "resnet18@torchvision", "mobilenet_v2", "googlenet")
PRODUCT, BANDWIDTH = 2e12, 2e12  # of the device that is pretended: FLOP/s and bytes a second


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


def pretended(monkeypatch: pytest.MonkeyPatch) -> None:
    """Operations take what known rates give, those of a backward pass twice as much; there are no probes."""

    def taken(networks: list[Network], *how: Any, **other: Any) -> dict[str, tuple[TimedNetwork, ...]]:
        forward = tuple(timed(network.name) for network in networks)
        twice = tuple(
            one._replace(
                seconds=2 * one.seconds,
                operations=tuple(row._replace(seconds=2 * row.seconds) for row in one.operations),
            )
            for one in forward
        )
        return {"forward": forward, "backward": twice} if len(how) > 4 and how[4] else {"forward": forward}

    for module in (subject, others):
        monkeypatch.setattr(module, "in_turn", taken)
        monkeypatch.setattr(module, "clock_of", lambda place: KnownClock())
        monkeypatch.setattr(module, "probes", list)
    monkeypatch.setattr(subject, "warm_up", lambda time: time())
    monkeypatch.setattr(subject, "VECTOR", {"cpu": 1 << 12, "cuda": 1 << 12})
    monkeypatch.setattr(subject, "MATRIX", {"cpu": 64, "cuda": 64})


def test_a_fit_to_times_that_are_known(monkeypatch: pytest.MonkeyPatch) -> None:
    pretended(monkeypatch)
    found = subject.calibrate("cpu", NETWORKS, train=True)
    assert isinstance(found, Calibration)
    assert found.device is not None
    assert found.device.peaks["fp32"] == pytest.approx(PRODUCT)
    assert found.device.bandwidth == pytest.approx(BANDWIDTH)
    assert found.passes["forward"].seen < 0.01
    passes = estimate("resnet34@torchvision", None, found).passes
    known = timed("resnet34@torchvision").seconds
    assert passes["forward"].value_s == pytest.approx(known, rel=0.02)
    assert passes["backward"].value_s == pytest.approx(2 * known, rel=0.02)
    assert passes["total"].value_s == pytest.approx(3 * known, rel=0.02)


def test_networks_that_a_calibration_did_not_see(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Times by known rates: nothing is far off, and the calibration that is written gives the same again."""
    pretended(monkeypatch)
    monkeypatch.setattr(others.unseen, "__defaults__", (NETWORKS, UNSEEN, *others.unseen.__defaults__[2:]))  # type: ignore[index]
    others.main([str(tmp_path)])
    (page,) = tmp_path.glob("*.md")
    (calibration,) = tmp_path.glob("*.yaml")
    text = page.read_text(encoding="utf-8")
    assert "rank correlation 1.000" in text
    assert calibration.name in text
    again = own(str(calibration))
    assert [one.network for one in again.timed["forward"]] == list(NETWORKS)
    for name in UNSEEN:
        line = next(line for line in text.splitlines() if line.startswith(f"| {name} |"))
        assert abs(float(line.split("|")[-2].strip().rstrip("%"))) < 5
        told = estimate(name, None, again).passes["forward"].value_s
        assert float(line.split("|")[4].split()[0]) == pytest.approx(1000 * told, rel=1e-3)  # of four digits


def test_a_gpu_that_is_pretended(monkeypatch: pytest.MonkeyPatch) -> None:
    """Tensors stay on the CPU; the name and the units are those of the GPU."""
    pretended(monkeypatch)
    monkeypatch.setattr(subject, "existing", lambda device: SimpleNamespace(type="cuda"))
    monkeypatch.setattr(
        torch.cuda, "get_device_properties", lambda place: SimpleNamespace(name="G", multi_processor_count=16)
    )
    for name in ("rand", "empty_like"):
        made = getattr(torch, name)
        monkeypatch.setattr(torch, name, lambda *given, made=made, device=None, **other: made(*given, **other))
    found = subject.calibrate("cuda", NETWORKS)
    assert found.stack == f"torch-{torch.__version__}-cuda"
    assert found.device is not None
    assert (found.device.name, found.device.units) == ("G", 16)
    assert found.passes["forward"].seen < 0.01


def test_probes_are_of_the_kinds_that_networks_have() -> None:
    """Those of unseen networks and of transformers are all measured, with sizes that tell rates apart."""
    measured = {one.kind for probe in subject.probes() for one in operations(probe.graph(), 1, 32)}
    for name in (*others.UNSEEN, "vit_b_16", "swin_t", "regnet_x_8gf"):
        kinds = {one.kind for one in operations(load(name).graph(with_heads=False), 1, 32)}
        assert kinds - {"view"} <= measured, name


def test_networks_are_measured_in_turn(monkeypatch: pytest.MonkeyPatch) -> None:
    """Really run: each operation has a time, and what is equal in a network stands once."""
    monkeypatch.setattr("archcalc.torch_bridge.profile.timing.LEAST_SECONDS", 0.0)
    monkeypatch.setattr("archcalc.torch_bridge.profile.timing.MOST_SECONDS", 0.05)
    loaded = [load("lenet5"), load("resnet20")]
    found = in_turn(loaded, torch.device("cpu"), "fp32", 2, 4, train=True)
    assert list(found) == ["forward", "backward"]
    for networks in found.values():
        assert [one.network for one in networks] == ["lenet5", "resnet20"]
        assert all(len(one.rounds) == 2 for one in networks)
    for network, one in zip(loaded, found["forward"], strict=True):
        assert sum(row.times for row in one.operations) == network.graph(with_heads=False).first_head
        assert min(row.seconds for row in one.operations) > 0
        assert isinstance(fit([one]), OperationFit)
    products = [row for row in found["backward"][1].operations if row.macs]
    assert sum(row.times for row in products) == 20
    assert max(row.seconds for row in products) > 0


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

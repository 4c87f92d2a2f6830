"""Calibrations of one's own: rates found again from times that they made, errors on what is left out, the file."""

from __future__ import annotations

import re
from dataclasses import replace
from pathlib import Path

import pytest

import archcalc
from archcalc.engine.machine.devices import device
from archcalc.engine.machine.operations import OTHER, fit, kind_of, operations, seconds
from archcalc.engine.machine.own import calibrated, own, own_text
from archcalc.engine.network import load
from archcalc.results.time import Calibration, OperationFit, Rates, TimedNetwork, TimedOperation
from tests.cli.running import run

PLAIN = Rates(8.0, read_mb=30.0, write_mb=10.0)
KNOWN = {
    **dict.fromkeys(("batch norm", "elementwise", "copy", "view", "global pool", "lrn", OTHER), PLAIN),
    "exponential": Rates(5.0, mega_elements=60.0),
    "max pool": Rates(20.0, mega_elements=1000.0),
    "conv": Rates(100.0, mmacs=9.0, write_mb=80.0, parameters_mb=60.0),
    "conv 1x1": Rates(30.0, mmacs=11.0, read_mb=120.0, parameters_mb=80.0),
    "grouped conv": Rates(70.0, mmacs=8.0, parameters_mb=150.0),
    "depthwise": Rates(90.0, mmacs=7.0, read_mb=50.0),
    "linear": Rates(140.0, mmacs=13.0, parameters_mb=40.0),
}
NETWORKS = ("alexnet", "squeezenet1_1", "resnet18@torchvision", "mobilenet_v2", "shufflenet_v2_x1_0", "efficientnet_b0")


def timed(name: str, part: float = 1.0, between_s: float = 0.0) -> TimedNetwork:
    """Times that the known rates give; the whole takes `part` of it, and something between operations."""
    known = OperationFit(KNOWN, 0, 0.0)
    rows = tuple(
        one._replace(seconds=seconds(known, [one._replace(times=1)]))
        for one in operations(load(name).graph(with_heads=False), 1, 32)
    )
    whole = sum(one.times * (part * one.seconds + between_s) for one in rows)
    return TimedNetwork(name, whole, (0.9 * whole, whole, 1.2 * whole), rows)


def mine() -> Calibration:
    on = device("gtx-1080")._replace(id="mine", name="mine")
    return calibrated(on, "torch-cpu", "fp32", 1, "measured", {"forward": [timed(name) for name in NETWORKS]})


def test_rates_are_found_again() -> None:
    found = fit([timed(name) for name in NETWORKS])
    for kind, at in (("conv 1x1", 1), ("conv 1x1", 2), ("depthwise", 1), ("linear", 4), ("max pool", 5)):
        assert found.kinds[kind][at] == pytest.approx(KNOWN[kind][at], rel=0.02), kind
    assert found.kinds["conv 1x1"].write_mb == pytest.approx(0, abs=0.5)
    assert found.seen < 1e-3
    assert found.measured == len(NETWORKS)


def test_what_lies_between_operations_is_in_the_rates() -> None:
    """A twentieth of what operations take, and 5 us after each, that no time of a single operation holds."""
    found = fit([timed(name, 1.05, 5e-6) for name in NETWORKS], with_errors=False)
    assert found.kinds["conv"].mmacs == pytest.approx(1.05 * 9, rel=0.02)
    assert found.kinds["view"].each == pytest.approx(1.05 * 8 + 5, rel=0.02)
    assert found.networks is None


def test_a_network_is_left_out_with_the_kinds_that_it_alone_has() -> None:
    """Nobody else has an lrn: without AlexNet it takes what operations of any kind do, and the error shows."""
    found = fit([timed(name) for name in NETWORKS])
    assert found.networks is not None
    alone = timed("alexnet")
    told = seconds(fit([timed(name) for name in NETWORKS if name != "alexnet"], False), alone.operations)
    assert found.networks.worst >= abs(told / alone.seconds - 1) > 1e-4
    assert found.networks.mean < 0.1
    assert found.networks.low == pytest.approx(0.9, abs=0.05)  # what rounds differ by is in the interval
    assert found.networks.high > 1.15
    assert found.networks.rank == 1


def test_probes_are_measured_and_never_left_out() -> None:
    probe = timed("shufflenet_v2_x1_0")._replace(network="probes@tokens")
    found = fit([probe, timed("mobilenet_v2")])
    assert found.measured == 1
    assert found.networks is None
    assert found.seen < 1e-3


def test_a_time_by_hand() -> None:
    """3 * (10 us + 2 * 5 us + 4 * 0.5 us) and once what is of no known kind."""
    known = OperationFit({"conv": Rates(10, mmacs=5, parameters_mb=0.5), OTHER: Rates(1, mega_elements=2)}, 1, 0.0)
    conv = TimedOperation("conv", 3, 2_000_000, 7, 7, 4_000_000, 0, 0.0)
    strange = TimedOperation("lstm", 1, 0, 7, 7, 0, 1_000_000, 0.0)
    assert seconds(known, [conv, strange]) == pytest.approx((3 * 22 + 3) * 1e-6)


def test_kinds_and_amounts_of_operations() -> None:
    """A 3x3 convolution of 8x8 maps by hand, with its norm, whose parameters are among what it reads."""
    spec = """network: n
input: image(16, 8, 8)
layers:
  a: conv(32, 3, padding=1, groups=2, norm=batch_norm)
  b: conv(32, 1, activation=silu)
  c: concat(conv(8, 3), depthwise(3))
  d: flatten
"""
    graph = load(spec).graph()
    found = operations(graph, 2, 16, [1e-3] * len(graph.nodes))
    kinds = [kind_of(node) for node in graph.nodes]
    assert kinds == ["grouped conv", "batch norm", "conv 1x1", "exponential", "conv", "depthwise", "copy", "view"]
    first, norm = found[:2]
    weights, biases = 32 * 8 * 9, 32
    assert first == TimedOperation(
        "grouped conv", 1, 2 * 64 * weights, 2 * 2 * 16 * 64, 2 * 2 * 32 * 64, 2 * (weights + biases), 0, 1e-3
    )
    assert norm.parameter_bytes == 0
    assert norm.read_bytes == 2 * (2 * 32 * 64 + 4 * 32)


def test_windows_are_kinds_of_their_own() -> None:
    """Torch rolls and masks a map for shifted windows, and copies it for any."""
    assert {kind_of(node) for node in load("swin_t").graph().nodes if node.operator.name == "attend"} == {
        "window attention",
        "shifted window attention",
    }
    assert {kind_of(node) for node in load("vit_b_16").graph().nodes if node.operator.name == "attend"} == {"attention"}


def test_a_calibration_is_written_and_read(tmp_path: Path) -> None:
    """What was measured is in the file, and its fit is the one beside it."""
    made = mine()
    file = tmp_path / "mine.yaml"
    file.write_text(own_text(made), encoding="utf-8")
    found = own(str(file))
    assert found.timed == made.timed
    assert found.device is not None
    assert (found.device.bandwidth, found.device.peaks["fp32"]) == pytest.approx((320e9, 8.87e12))
    assert own_text(found) == own_text(made)
    again, kept = fit(found.timed["forward"]), found.passes["forward"]
    assert isinstance(kept, OperationFit)
    assert again.seen == pytest.approx(kept.seen, rel=1e-3)
    for kind, rates in again.kinds.items():
        assert kept.kinds[kind] == pytest.approx(rates, rel=1e-3), kind
    assert archcalc.estimate("lenet5", stack=found).value.device.name == "mine"


def test_an_estimate_is_the_sum_of_operations(tmp_path: Path) -> None:
    file = tmp_path / "mine.yaml"
    file.write_text(own_text(mine()), encoding="utf-8")
    known = timed("googlenet").seconds
    found = archcalc.estimate("googlenet", stack=own(str(file))).value.passes["forward"]
    assert found.value_s == pytest.approx(known, rel=0.02)
    assert found.basis.startswith("calibrated(torch-cpu, 6, ")
    shown = run("estimate", "googlenet", "--calibration", str(file))
    assert "googlenet on mine" in shown.stdout
    assert "best rates of single operations" in " ".join(shown.stdout.split())


def test_a_floor_is_not_missed() -> None:
    """Product, copy and addition were slow, operations reached more: the floor is below what these took."""
    slow = device("gtx-1080")._replace(id="slow", name="slow", bandwidth=1e9, peaks={"fp32": 1e9}, vector=1e6)
    made = calibrated(slow, "torch-cpu", "fp32", 1, "measured", {"forward": [timed(name) for name in NETWORKS]})
    assert made.device is not None
    assert 1e11 < made.device.peaks["fp32"] < 1e12 / 4.5  # a convolution: 9 us a million multiply-accumulates, and more
    for name in NETWORKS:
        found = archcalc.estimate(name, stack=made).value
        assert found.floor.value_s < found.passes["forward"].value_s


def test_an_estimate_lies_in_its_interval() -> None:
    """Where all networks that were left out took longer than what was told of them."""
    one = fit([timed(name) for name in NETWORKS[:3]])
    assert one.networks is not None
    above = replace(one, networks=one.networks._replace(low=1.1, high=1.4))
    made = replace(mine(), passes={"forward": above})
    time = archcalc.estimate("lenet5", stack=made).value.passes["forward"]
    assert time.low_s == time.value_s < (time.high_s or 0)


def test_a_step_leaves_out_what_it_does_not_repeat() -> None:
    """The encoder of an encoder-decoder runs once: a step of T5 is its decoder's and its head's, under either model."""
    made = mine()
    for stack, on in ((made, None), ("cudnn-5.1", "gtx-1080")):
        whole, step = (
            archcalc.estimate("t5_small", on, stack=stack, step=step, set=None if step else {"length": 1})
            for step in (False, True)
        )
        assert step.value.passes["forward"].value_s < 0.6 * whole.value.passes["forward"].value_s


def test_another_machine_has_a_floor_alone(tmp_path: Path) -> None:
    file = tmp_path / "mine.yaml"
    file.write_text(own_text(mine()), encoding="utf-8")
    shown = run("estimate", "lenet5", "--device", "titan-x-pascal", "--calibration", str(file))
    assert "measured on mine alone" in " ".join(shown.stdout.split())
    assert archcalc.estimate("lenet5", "titan-x-pascal", stack=own(str(file))).value.passes == {}


@pytest.mark.parametrize(
    "text",
    [
        *("", "a: 1", "- 1", "passes: {forward: {}}\ndevice: {}", "a: [", "!!python/name:os.system"),
        "device: {name: a, bandwidth_gb_s: 1, peaks: {fp32: 1}, vector: 1, units: 0}\nstack: a\ndtype: fp32\nbatch: 1\n"
        "source: a\npasses: {forward: {kinds: {conv: {each: 1}}, measured: 1, seen: 0.1}}\ntimed: {}\n",
    ],
)
def test_what_is_no_calibration_is_said(tmp_path: Path, text: str) -> None:
    file = tmp_path / "mine.yaml"
    file.write_text(text, encoding="utf-8")
    found = run("estimate", "lenet5", "--calibration", str(file), code=2)
    assert "not-a-calibration" in found.stderr
    assert "archcalc calibrate" in found.stderr


@pytest.mark.parametrize("name", ["bandwidth_gb_s", "vector", "mean", "batch"])
@pytest.mark.parametrize("number", ["-1", ".nan", "much"])
def test_numbers_that_cannot_be_are_said(tmp_path: Path, name: str, number: str) -> None:
    file = tmp_path / "mine.yaml"
    text, count = re.subn(rf"\b{name}: [\d.e+-]+", f"{name}: {number}", own_text(mine()), count=1)
    assert count == 1
    file.write_text(text, encoding="utf-8")
    assert "not-a-calibration" in run("estimate", "lenet5", "--calibration", str(file), code=2).stderr

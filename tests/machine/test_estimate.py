"""Estimates by calibrations: the fit and its errors on what it did not see, made again; intervals; what has none."""

from __future__ import annotations

import json
from importlib.resources import files

import numpy as np
import pytest

from archcalc.engine.machine.calibrations import calibration, calibrations, fits_text, refit, samples
from archcalc.engine.machine.devices import device
from archcalc.engine.machine.estimate import estimate
from archcalc.engine.machine.model import Features, Sample, features, fit, search, seconds
from archcalc.engine.network import load
from archcalc.results.time import Fit
from archcalc.source import SpecError
from tests.cli.running import run


def test_shipped_fits_are_those_of_the_measurements() -> None:
    """All of them, with the errors on networks and devices that a fit did not see."""
    shipped = {stack: one.passes for stack, one in calibrations().items()}
    again = refit()
    assert list(again) == list(shipped)
    for stack, passes in again.items():
        for which, found in passes.items():
            kept = shipped[stack][which]
            assert isinstance(kept, Fit)
            assert found.parameters == pytest.approx(kept.parameters, rel=0.02, abs=1e-7), (stack, which)
            assert (found.measured, found.by_example) == (kept.measured, kept.by_example)
            for ours, theirs in ((found.networks, kept.networks), (found.devices, kept.devices)):
                assert (ours is None) == (theirs is None)
                if ours and theirs:
                    assert ours == pytest.approx(theirs, rel=0.02), (stack, which)


def test_the_file_of_fits_is_written_as_it_is_read() -> None:
    shipped = {stack: dict(one.passes) for stack, one in calibrations().items()}
    text = files("archcalc.engine.machine.measured").joinpath("fits.yaml").read_text(encoding="utf-8")
    assert fits_text(shipped) == text  # type: ignore[arg-type]


def test_errors_are_within_what_is_aimed_at() -> None:
    """Forward 8 % and backward 10 % on unseen networks, 8 % on unseen devices; what is beyond is told on the page."""
    beyond = []
    for stack, one in calibrations().items():
        for which, found in one.passes.items():
            assert found.networks is not None
            assert found.networks.mean < {"forward": 0.08, "backward": 0.10}[which]
            if found.devices is not None and found.devices.mean > 0.08:
                beyond.append((stack, which, f"{found.devices.mean:.1%}"))
    assert beyond == [("cudnn-5.0", "backward", "9.2%"), ("torch7-cuda", "forward", "8.3%")]
    assert all(calibration("cudnn-5.1").passes[which].networks.rank > 0.99 for which in ("forward", "backward"))  # type: ignore[union-attr]


def test_a_fit_finds_what_it_was_made_of() -> None:
    """Times made by known parameters: the search gives them back, and leaving out a network loses nothing."""
    true = (0.7, 0.5, 2e-5, 0.6)
    made = []
    for name in ("alexnet", "vgg16", "resnet18", "googlenet", "squeezenet1_1"):
        of = features(load(name).graph(), 16, 32)
        for id in ("gtx-1080", "titan-x-maxwell"):
            on = device(id)
            made.append(Sample(name, on, on.peaks["fp32"], of, seconds(true, of, on, on.peaks["fp32"])))
    found = fit(made)
    assert found.seen < 0.005
    assert (found.compute, found.memory, found.winograd) == pytest.approx((0.7, 0.5, 0.6), rel=0.05)
    assert found.networks is not None
    assert found.networks.mean < 0.02


def test_the_model_by_hand() -> None:
    """A product of 100 rows and 130 columns: 2 tiles of 128x128 on 4 units, a whole wave; capped at twice each."""
    one = Features(*(np.array([value], dtype=float) for value in (2e9, 1e6, 0, 100, 130, 1, 1, 5, 3)))
    on = device("gtx-1080")._replace(units=4, bandwidth=1e11)
    tiles, wave = min(2 * 128 * 128 / (100 * 130), 2), min(4 / 2, 2)
    arithmetic, memory = 2e9 * tiles * wave / 0.5e12, 1e6 / 1e11
    assert seconds((0.5, 1.0, 1e-5, 1.0), one, on, 1e12) == pytest.approx(3 * (arithmetic + memory + 5e-5))
    assert seconds((0.5, 0.5, 0, 0.5), one._replace(is_winograd=np.array([1.0])), on, 1e12) == pytest.approx(
        3 * (arithmetic / 2 + 2 * memory)
    )
    assert seconds((1.0, 1e-4, 0, 1.0), one, on._replace(units=0), 1e15) == pytest.approx(3 * (2e-6 + 1e6 / 1e7))


def test_a_stack_that_convolves_one_example_after_the_other() -> None:
    """A 3x3 convolution of 8 to 16 channels on maps of 5x5, batch 4: 9 * 8 values at 25 positions, out and in again."""
    graph = load("network: n\ninput: image(8, 5, 5)\nlayers:\n  a: conv(16, 3, padding=1, bias=false)\n").graph()
    plain, forward, backward = (features(graph, 4, 32, which) for which in ("", "forward", "backward"))
    assert plain.bytes == 4 * (4 * 25 * (8 + 16) + 16 * 8 * 9)
    assert forward.bytes - plain.bytes == backward.bytes - plain.bytes == 2 * 4 * 4 * 9 * 8 * 25
    assert (plain.rows, forward.rows, backward.rows) == (100, 25, 100)
    assert (plain.launches, forward.launches, backward.launches) == (1, 4, 4)


def test_an_estimate_of_a_network_that_was_measured() -> None:
    """jcjohnson/cnn-benchmarks prints 35.03 and 68.54 ms of ResNet-50 on a Titan X (Pascal) with cuDNN 5.1."""
    found = estimate("resnet50@torchvision", "titan-x-pascal", "cudnn-5.1", batch=16)
    forward, backward = found.passes["forward"], found.passes["backward"]
    assert forward.high_s is not None
    assert backward.high_s is not None
    assert forward.low_s < 0.03503 < forward.high_s
    assert backward.low_s < 0.06854 < backward.high_s
    assert forward.value_s == pytest.approx(0.03503, rel=0.08)
    assert found.passes["total"].value_s == pytest.approx(forward.value_s + backward.value_s)
    assert found.floor.value_s < forward.value_s
    assert forward.basis == "calibrated(cudnn-5.1, 37, 5.9% on unseen networks)"
    assert found.remarks == ()


def test_what_was_not_measured_is_said() -> None:
    found = estimate("resnet18", "v100-sxm", "cudnn-5.1")
    assert any("batch 16 alone" in remark for remark in found.remarks)
    assert any("none of the devices" in remark for remark in found.remarks)
    assert "on unseen devices" in found.passes["forward"].basis
    at_half = estimate("resnet18", "v100-sxm", "cudnn-5.1", dtype="fp16")
    assert at_half.passes == {}
    assert any("fp32 alone" in remark for remark in at_half.remarks)
    alone = estimate("resnet18", "v100-sxm")
    assert alone.passes == {}
    assert alone.floor.high_s is None


def test_an_unknown_stack_is_refused() -> None:
    with pytest.raises(SpecError, match="cudnn-5"):
        estimate("resnet18", "t4", "cudnn-9")


def test_measurements_are_those_of_the_source() -> None:
    """Counts of rows by stack in the README of the source."""
    assert {stack: len(samples(stack, "forward")) for stack in calibrations()} == {
        "cudnn-5.1": 37,
        "cudnn-5.0": 29,
        "cudnn-4.0": 10,
        "torch7-cuda": 32,
        "torch7-cpu": 8,
    }


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        ([], "an estimate is of a device"),
        (["--device", "gtx-1080", "--stack", "cudnn"], "did you mean `cudnn-"),
        (["--device", "gtx-1080", "--stack", "cudnn-5.1", "--calibration", "x.yaml"], "two"),
    ],
)
def test_what_is_refused(arguments: list[str], said: str) -> None:
    found = run("estimate", "resnet18", *arguments, code=2)
    assert said in found.stderr


@pytest.mark.parametrize("columns", [80, 120])
def test_the_table(columns: int) -> None:
    found = run("estimate", "vgg16", "--device", "gtx-1080", "--stack", "cudnn-5.1", "--batch", "16", columns=columns)
    assert max(map(len, found.stdout.splitlines())) <= columns
    assert "vgg16 on GeForce GTX 1080:" in found.stdout


def test_json_has_what_it_rests_on() -> None:
    found = json.loads(
        run("estimate", "vgg16", "--device", "gtx-1080", "--stack", "cudnn-5.1", "--format", "json").stdout
    )
    assert [time["pass"] for time in found["times"]] == ["forward", "backward", "total", "forward"]
    assert found["times"][-1]["basis"] == "floor"


def test_search_stays_within_what_can_be() -> None:
    """Measurements faster than the peak: no more than all of it is claimed."""
    of = features(load("vgg16").graph(), 16, 32)
    on = device("gtx-1080")
    compute, memory, _, winograd = search([Sample("vgg16", on, 8.87e12, of, 1e-3)])
    assert compute <= 1
    assert memory <= 1
    assert 4 / 9 <= winograd <= 1

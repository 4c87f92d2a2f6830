"""Measurements that fail or are interrupted, and how they are written."""

from __future__ import annotations

import io
import json
import re
import sys
from pathlib import Path
from typing import Any

import pytest

from archcalc.cli.progress import progress
from tests.cli.running import run

torch = pytest.importorskip("torch")
pytestmark = pytest.mark.torch

from archcalc.torch_bridge.model.build import example_inputs  # noqa: E402
from archcalc.torch_bridge.profile import profile as profiling  # noqa: E402
from archcalc.torch_bridge.profile.profile import profile  # noqa: E402
from tests.torch.profile.measuring import measured, normed  # noqa: E402


def test_what_was_measured_before_memory_ran_out_is_kept(tiny: str) -> None:
    found, outcome = measured(tiny, "--batch", "1,2,999999999", code=1)
    assert [one["batch"] for one in found] == [1, 2]
    assert outcome.stderr.startswith("error[out-of-memory]: tiny batch 999999999 fp32: it takes at least ")


@pytest.mark.parametrize(
    "error",
    [
        torch.OutOfMemoryError("CUDA out of memory. Tried to allocate 2.00 GiB."),
        RuntimeError("[enforce fail] DefaultCPUAllocator: can't allocate memory: you tried to allocate 4 bytes."),
        MemoryError(),
    ],
)
def test_memory_that_runs_out_within_a_run(error: Exception, tiny: str, monkeypatch: pytest.MonkeyPatch) -> None:
    def given(graph: Any, batch: int, device: Any) -> Any:
        if batch == 64:
            raise error
        return example_inputs(graph, batch, device)

    monkeypatch.setattr(profiling, "example_inputs", given)
    found, outcome = measured(tiny, "--batch", "1,64,8", code=1)
    assert [one["batch"] for one in found] == [1, 8]
    assert outcome.stderr.startswith("error[out-of-memory]: tiny batch 64 fp32: ")
    assert len(outcome.stderr.splitlines()) == 1


def test_what_torch_cannot_run_is_said(tiny: str) -> None:
    found, outcome = measured(normed(tiny), "--train", "--batch", "1,2", code=1)
    assert [one["batch"] for one in found] == [2]
    assert outcome.stderr.startswith("error[cannot-run]: normed batch 1 fp32: Expected more than 1 value per channel")
    outcome = run("profile", normed(tiny), "--device", "cpu", "--channels-last", code=1)
    assert "channels last is a layout of images; the input is 8" in outcome.stderr
    assert outcome.stdout == ""


def test_an_interruption_keeps_what_was_measured(tiny: str, monkeypatch: pytest.MonkeyPatch) -> None:
    def given(graph: Any, batch: int, device: Any) -> Any:
        if batch == 2:
            raise KeyboardInterrupt
        return example_inputs(graph, batch, device)

    monkeypatch.setattr(profiling, "example_inputs", given)
    found, outcome = measured(tiny, "--batch", "1,2,4", code=130)
    assert [one["batch"] for one in found] == [1]
    assert "interrupted" in outcome.stderr


@pytest.mark.parametrize(
    ("there", "version", "device", "message"),
    [
        (False, None, "cuda", "is built without CUDA"),
        (False, "13.0", "cuda", "torch finds no CUDA device on this machine"),
        (True, "13.0", "cuda:7", "there is no `cuda:7`; the last is cuda:1"),
        (False, "13.0", "gpu", "`gpu` is no device to measure on"),
        (False, "13.0", "cpu:1", "`cpu:1` is no device to measure on"),
        (False, "13.0", "cuda:x", "`cuda:x` is no device to measure on"),
    ],
)
def test_no_such_device(
    there: bool, version: str | None, device: str, message: str, tiny: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(torch.cuda, "is_available", lambda: there)
    monkeypatch.setattr(torch.cuda, "device_count", lambda: 2)
    monkeypatch.setattr(torch.version, "cuda", version)
    found = run("profile", tiny, "--device", device, code=2)
    assert found.stderr.startswith("error[no-device]: ")
    assert message in found.stderr
    assert found.stdout == ""


def test_without_torch(tiny: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("archcalc.source.extra.find_spec", lambda name: None)
    found = run("profile", tiny, code=3)
    assert "this needs torch, which is not installed" in found.stderr
    assert re.search(r"pip install .*\[torch\]'", found.stderr)
    assert "error[unknown-network]" in run("profile", "nothing-of-this-name", code=2).stderr


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--batch", "0"], "--batch takes whole numbers of 1 or more, not `0`"),
        (["--batch", "1,x"], "--batch takes whole numbers of 1 or more, not `x`"),
        (["--batch", ""], "--batch takes whole numbers of 1 or more, not ``"),
        (["--dtype", "fp8"], "no dtype is called `fp8`"),
        (["--repeats", "5"], "5 is less than 20"),
        (["--set", "colour=3"], "tiny has no variable `colour`"),
        (["-o", "nowhere/times.json"], "`nowhere/times.json` cannot be written"),
        (["-o", "times.py"], "this result is not written as python"),
    ],
)
def test_usage(arguments: list[str], message: str, tiny: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Before anything is measured."""
    monkeypatch.setattr(profiling, "build", None)
    assert message in run("profile", tiny, "--device", "cpu", *arguments, code=2).stderr


def test_the_python_interface_refuses_too() -> None:
    with pytest.raises(ValueError, match="20 or more"):
        profile("lenet5", repeats=3)
    with pytest.raises(ValueError, match="fp32, fp16, bf16"):
        profile("lenet5", dtype="int8")
    with pytest.raises(ValueError, match="fused"):
        profile("lenet5", layers=True, compile=True)


# how it is written


def test_tables_fit_and_say_what_they_are(tiny: str) -> None:
    for columns in (80, 120):
        lines = run(
            "profile", tiny, "--device", "cpu", "--layers", "--batch", "1,2", columns=columns
        ).stdout.splitlines()
        assert all(len(line) <= columns for line in lines)
        assert lines[0].startswith("Measured on ")
        assert lines[0].endswith("inference, fp32")
        assert "Layers of tiny, batch 2, fp32" in lines
        text = " ".join(lines)
        assert "% of the whole" in text
        assert "median and interquartile range (IQR) of 20 repeats after" in text
    assert "bytes moved" in lines[2]


def test_csv_has_the_whole_then_its_layers(tiny: str) -> None:
    import csv

    found = run("profile", tiny, "--device", "cpu", "--layers", "--format", "csv").stdout
    rows = list(csv.DictReader(io.StringIO(found)))
    assert [row["layer"] for row in rows] == ["", "conv1", "pool1", "fc"]
    assert [row["macs"] for row in rows] == ["1656", "1296", "0", "360"]
    assert {row["torch"] for row in rows} == {torch.__version__}
    assert rows[1]["out_shape"] == "4x6x6"


@pytest.mark.parametrize("ending", ["csv", "json"])
@pytest.mark.parametrize("layers", [[], ["--layers"]])
def test_compare_reads_what_profile_writes(ending: str, layers: list[str], tiny: str, tmp_path: Path) -> None:
    path = tmp_path / f"times.{ending}"
    run("profile", tiny, f"{tiny}:tiny@wide", "--device", "cpu", "--batch", "1,2", *layers, "-o", str(path))
    found = run("compare", tiny, f"{tiny}:tiny@wide", "--batch", "2", "--measured", str(path), "--format", "json")
    networks = json.loads(found.stdout)["networks"]
    for network in networks:
        (time,) = network["measured"]
        assert time["network"] == network["name"]
        assert time["batch"] == 2
        assert time["macs"] == network["totals"]["macs"]
        assert time["achieved_flops_per_s"] == pytest.approx(2 * time["macs"] / time["median_s"], rel=1e-4)


def test_a_bar_on_a_terminal(monkeypatch: pytest.MonkeyPatch) -> None:
    class Terminal(io.StringIO):
        def isatty(self) -> bool:
            return True

    terminal = Terminal()
    monkeypatch.setattr(sys, "stderr", terminal)
    monkeypatch.setenv("TERM", "xterm")
    with progress(4) as tell:
        tell(1, "tiny batch 8: repeat [5] of 20")
    assert "tiny batch 8: repeat [5] of 20" in terminal.getvalue()
    assert "25%" in terminal.getvalue()

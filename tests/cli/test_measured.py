"""Time beside cost: files of measurements read again, without torch."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Iterable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

import archcalc
from archcalc.engine.measured import read_measurements
from archcalc.report.beside_cost import time_for_macs
from archcalc.report.measurement import measured, measurement_object, measurements_csv
from archcalc.report.media import numbers
from archcalc.report.media.data import json_lines, versioned
from archcalc.report.media.text import plain
from archcalc.results.measurement import Environment, LayerTime, Measurement
from tests.cli.running import run

ENVIRONMENT = Environment(
    date="2026-11-22T08:00:00+00:00",
    device_name="Abacus 9",
    driver="",
    cuda="",
    cudnn="",
    torch="2.14.1",
    python="3.11.7",
    archcalc="0.1.0",
    system="Linux x86_64",
    cores=2,
    threads=1,
    cores_busy_elsewhere=0.0,
    clock_mhz=None,
    memory_clock_mhz=None,
    tf32="none",
    note="",
)
LENET5 = Measurement(
    network="lenet5",
    input=(1, 32, 32),
    batch=1,
    dtype="fp32",
    device="cpu",
    mode="inference",
    channels_last=False,
    compiled=False,
    warm_up=10,
    is_stable=True,
    repeats=20,
    median_s=0.002,
    first_quartile_s=0.00195,
    third_quartile_s=0.00205,
    macs=325_680,
    executed_macs=325_680,
    bytes_moved=376_840,
    peak_memory_bytes=457_568,
    energy_j=None,
    environment=ENVIRONMENT,
)
VGG16 = replace(
    LENET5,
    network="vgg16",
    input=(3, 224, 224),
    median_s=0.5,
    first_quartile_s=0.45,
    third_quartile_s=0.65,
    macs=15_470_264_320,
    executed_macs=15_470_264_320,
    energy_j=1.25,
)


def written(folder: Path, measurements: Iterable[Measurement], ending: str = "json") -> str:
    found = list(measurements)
    path = folder / f"times.{ending}"
    objects = [measurement_object(one) for one in found]
    path.write_text(measurements_csv(found) if ending == "csv" else json_lines(versioned(measurements=objects)))
    return str(path)


def beside_cost(text: str) -> list[str]:
    lines = text.splitlines()
    start = next(index for index, line in enumerate(lines) if line.startswith("Time beside cost"))
    return lines[
        start : next(index for index, line in enumerate(lines) if line.startswith(("MACs and params by", "MACs by")))
    ]


LAYERS = [
    LayerTime(
        layer=layer,
        type="conv",
        out_shape=(6, 28, 28),
        median_s=median,
        first_quartile_s=median,
        third_quartile_s=median,
        macs=macs,
        executed_macs=macs,
        bytes_moved=1000,
    )
    for layer, median, macs in (("C1", 0.001, 117_600), ("C3", 0.0005, 150_000))
]


@pytest.mark.parametrize("ending", ["csv", "json"])
def test_a_file_holds_whole_networks_and_their_layers(ending: str, tmp_path: Path) -> None:
    path = written(tmp_path, [replace(LENET5, layers=LAYERS), VGG16], ending)
    assert read_measurements(path) == [LENET5, VGG16]


def test_layers_beside_the_whole() -> None:
    """By hand: 1.5 of 2 ms are in layers, 1 of 1.5 ms in C1; 2 * 325,680 operations in 1.5 ms."""
    text = plain(measured([replace(LENET5, layers=LAYERS)], "si"))
    assert "the layers add up to 75.0% of the whole, 2.000 ms; residue 500.0 us" in text
    rows = {line.split()[0]: line for line in text.splitlines() if line.startswith(("C1 ", "C3 ", "sum of"))}
    assert " 66.7% " in rows["C1"]
    assert " 36.1% " in rows["C1"]  # 117,600 of 325,680
    assert " 33.3% " in rows["C3"]
    assert " 434.2 M " in rows["sum"]
    assert "TF32" not in text  # on a CPU nothing is rounded to it
    assert "not yet seen to be stable" not in text
    hasty = plain(measured([replace(LENET5, is_stable=False)], "si"))
    assert "Times were not yet seen to be stable when the warm-up ended: lenet5, batch 1, fp32." in hasty


@pytest.mark.parametrize("ending", ["csv", "json"])
@pytest.mark.parametrize("columns", [80, 120])
def test_time_stands_beside_cost(ending: str, columns: int, tmp_path: Path) -> None:
    path = written(tmp_path, [LENET5, VGG16], ending)
    found = run("compare", "lenet5", "vgg16", "--measured", path, columns=columns).stdout
    lines = beside_cost(found)
    assert lines[0] == "Time beside cost: Abacus 9, inference, fp32, batch 1"
    assert lines[2] == "vgg16 takes 250x the time of lenet5 for 47,501x the MACs."  # 15470264320 / 325680
    titles = lines[4].split()
    rows = {line.split()[0]: line.split() for line in lines[6:8]}
    assert titles[:5] == ["network", "MACs", "ratio", "median", "ratio"]
    assert rows["vgg16"][:7] == ["vgg16", "15.47", "G", "47,501x", "500.0", "ms", "250x"]
    assert "61.88 G" in lines[7]  # 2 * 15470264320 / 0.5
    assert "1.250 J" in lines[7]
    assert ("IQR" in titles) is (columns == 120)
    assert all(len(line) <= columns for line in found.splitlines())


def test_every_configuration_that_all_networks_have(tmp_path: Path) -> None:
    gpu = replace(ENVIRONMENT, device_name="Quipu", cuda="13.0", driver="600.1", tf32="conv", cores_busy_elsewhere=0.7)
    fast = [replace(one, environment=gpu, device="cuda", median_s=one.median_s / 10) for one in (LENET5, VGG16)]
    alone = replace(LENET5, mode="training")
    path = written(tmp_path, [LENET5, VGG16, *fast, alone, replace(VGG16, batch=8)])
    text = run("compare", "lenet5", "vgg16", "--measured", path).stdout
    titles = [line for line in text.splitlines() if line.startswith("Time beside cost")]
    assert titles == [
        "Time beside cost: Abacus 9, inference, fp32, batch 1",
        "Time beside cost: Quipu, inference, fp32, batch 1",
    ]
    assert "Noisy: other processes kept up to 0.7 of 2 cores busy meanwhile" in text
    assert "Quipu | driver 600.1 | CUDA 13.0 | TF32 for conv" in text
    rows = list(
        csv.DictReader(io.StringIO(run("compare", "lenet5", "vgg16", "--measured", path, "--format", "csv").stdout))
    )
    assert [(row["name"], row["device"], row["median_s"]) for row in rows] == [
        ("lenet5", "cpu", "0.002"),
        ("vgg16", "cpu", "0.5"),
        ("lenet5", "cuda", "0.0002"),
        ("vgg16", "cuda", "0.05"),
    ]
    assert {row["macs"] for row in rows} == {"325680", "15470264320"}


def test_what_the_columns_mean_is_said_for_every_configuration(tmp_path: Path) -> None:
    training = [replace(one, mode="training", executed_macs=3 * one.macs) for one in (LENET5, VGG16)]
    fused = [replace(one, compiled=True) for one in (LENET5, VGG16)]
    arguments = ("compare", "lenet5", "vgg16", "--measured")
    last = [replace(one, channels_last=True) for one in (LENET5, VGG16)]
    inference = run(*arguments, written(tmp_path, [LENET5, VGG16])).stdout
    text = run(*arguments, written(tmp_path, [LENET5, VGG16, *training, *fused, *last])).stdout
    assert [line.partition("Abacus 9, ")[2] for line in text.splitlines() if line.startswith("Time beside cost")] == [
        "inference, fp32, batch 1",
        "training, fp32, batch 1",
        "inference, fp32, compiled, batch 1",
        "inference, fp32, channels last, batch 1",
    ]
    for words in ("training: forward and backward", "those that are fused move less"):
        assert words not in inference
        assert words in text


def test_more_macs_may_take_less_time() -> None:
    slow, nothing = replace(LENET5, median_s=1.0), replace(LENET5, macs=0)
    said = time_for_macs([slow, VGG16], ["lenet5", "vgg16"])
    assert said == "vgg16 takes 0.50x the time of lenet5 for 47,501x the MACs."
    assert time_for_macs([LENET5, nothing], ["lenet5", "nothing"]) == (
        "lenet5 takes 1.00x the time of nothing for 325.7 K MACs more."
    )


def test_rates_of_a_training_step() -> None:
    """4 examples in half a second; 300 multiply-accumulates, forward and backward, are 600 operations."""
    one = replace(LENET5, batch=4, mode="training", median_s=0.5, macs=100, executed_macs=300, bytes_moved=150)
    assert (one.throughput_per_s, one.achieved_flops_per_s, one.arithmetic_intensity) == (8, 1200, 4)


def test_the_last_of_equal_measurements_counts(tmp_path: Path) -> None:
    path = written(tmp_path, [LENET5, VGG16, replace(LENET5, median_s=0.25)])
    found = json.loads(run("compare", "lenet5", "vgg16", "--measured", path, "--format", "json").stdout)
    assert [one["median_s"] for network in found["networks"] for one in network["measured"]] == [0.25, 0.5]


def test_equal_macs_and_many_networks(tmp_path: Path) -> None:
    path = written(tmp_path, [LENET5, VGG16])
    names = ["lenet5", "vgg16", "vgg16", "lenet5"]
    lines = beside_cost(run("compare", *names, "--measured", path).stdout)
    assert len([line for line in lines if " ms " in line]) == 4
    lines = beside_cost(run("compare", "vgg16", "vgg16", "--measured", path).stdout)
    assert lines[2] == "vgg16 (2) takes 1.00x the time of vgg16 (1) for the same MACs."


@pytest.mark.parametrize(
    ("arguments", "message", "help"),
    [
        (["lenet5", "vgg19"], "does not hold vgg19", "it holds lenet5, vgg16"),
        (
            ["lenet5", "vgg16", "--batch", "8"],
            "does not hold lenet5 at batch 8 in fp32",
            "it has --batch 1 --dtype fp32",
        ),
        (["lenet5", "vgg16", "--dtype", "fp16"], "does not hold lenet5 at batch 1 in fp16", "it has --batch 1"),
        (
            ["vgg16", "vgg16", "--input", "3x32x32"],
            "is another network: 15,470,264,320 MACs at input 3x224x224, here ",
            "measure it again",
        ),
        (["lenet5", "vgg16", "--scope", "C1"], "a measurement is one of a whole network", "leave one of them out"),
    ],
)
def test_a_network_that_was_not_measured(arguments: list[str], message: str, help: str, tmp_path: Path) -> None:
    path = written(tmp_path, [LENET5, VGG16])
    found = run("compare", *arguments, "--measured", path, code=2)
    assert message in found.stderr
    assert help in found.stderr
    assert found.stdout == ""


def test_networks_measured_under_different_conditions(tmp_path: Path) -> None:
    path = written(tmp_path, [LENET5, replace(VGG16, mode="training")])
    found = run("compare", "lenet5", "vgg16", "--measured", path, code=2).stderr
    assert "different conditions: lenet5 on Abacus 9 (inference), vgg16 on Abacus 9 (training)" in found


def changed(**values: Any) -> str:
    return json.dumps({"measurements": [{**measurement_object(LENET5), **values}]})


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "holds no measurement"),
        ("{}", "has no measurements"),
        ("{", "is no file of measurements"),
        ('{"measurements": []}', "holds no measurement"),
        ('{"measurements": 3}', "`measurements` is no list of objects"),
        ('{"measurements": [3]}', "`measurements` is no list of objects"),
        ('{"measurements": [{"environment": 3}]}', "is no file of measurements"),
        ("network,macs\nlenet5,3\n", "it has no date"),
        ('network,macs\n"lenet5', "is no file of measurements"),
        ("network: lenet\n", "holds no measurement"),
        (changed(macs="many"), "is no file of measurements"),
        (changed(macs=3.5), "macs is 3.5"),
        (changed(macs=True), "macs is True"),
        (changed(median_s=-1), "median_s is -1"),
        (changed(median_s=0), "median_s is 0"),
        (changed(median_s=float("nan")), "median_s is nan"),
        (changed(compiled="perhaps"), "compiled is perhaps"),
        (changed(network=7), "network is 7"),
        (changed(input=5), "is no file of measurements"),
        (changed(input="3xbig"), "is no file of measurements"),
        ("[" * 100_000, "holds no measurement"),
        ('{"a":' + "[" * 100_000, "is no file of measurements"),
    ],
)
def test_a_file_that_is_none(text: str, message: str, tmp_path: Path) -> None:
    path = tmp_path / "times"
    path.write_text(text)
    found = run("compare", "lenet5", "vgg16", "--measured", str(path), code=2)
    assert found.stderr.startswith("error[not-measured]: ")
    assert message in found.stderr
    assert found.stdout == ""


def test_a_file_that_cannot_be_read(tmp_path: Path) -> None:
    found = run("compare", "lenet5", "vgg16", "--measured", str(tmp_path / "none.csv"), code=2).stderr
    assert found.startswith("error[no-such-file]: ")
    assert "archcalc profile" in found
    (tmp_path / "bytes").write_bytes(b"\xff\xfe")
    found = run("compare", "lenet5", "vgg16", "--measured", str(tmp_path / "bytes"), code=2).stderr
    assert found.startswith("error[not-utf8]: ")


COMMITTED = sorted((Path(__file__).parent.parent.parent / "reports" / "measured").glob("*.json"))


@pytest.mark.parametrize("path", COMMITTED, ids=lambda path: path.stem)
def test_what_is_committed_was_measured_of_these_networks(path: Path) -> None:
    measurements = read_measurements(str(path))
    for one in measurements:
        assert one.macs == archcalc.analyze(one.network, batch=one.batch).totals.macs, one.network
        assert one.repeats >= 20
    page = path.with_suffix(".md").read_text(encoding="utf-8")
    assert all(f"| {one.network} | {one.batch} | {numbers.seconds(one.median_s)} |" in page for one in measurements)


def test_something_is_committed() -> None:
    assert COMMITTED


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (0.0, "0.000 ns"),
        (3.21e-7, "321.0 ns"),
        (0.0008567, "856.7 us"),
        (0.9999, "999.9 ms"),
        (0.99999, "1.000 s"),
        (12.3456, "12.35 s"),
        (4321.4, "4,321 s"),
        (-0.00045, "-450.0 us"),
    ],
)
def test_times_have_four_digits(value: float, text: str) -> None:
    assert numbers.seconds(value) == text


@pytest.mark.parametrize(
    ("value", "text"),
    [(None, ""), (0.8, "0.800"), (35.7888, "35.79"), (999.96, "1,000"), (1234.5, "1,234"), (129.86e9, "129.9 G")],
)
def test_rates_have_four_digits(value: float | None, text: str) -> None:
    assert numbers.rate(value) == text

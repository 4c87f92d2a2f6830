"""Floors of operations on a device: work by hand, what runs as one, what bounds it."""

from __future__ import annotations

import csv
import io
import json
from pathlib import Path

import pytest

import archcalc
from archcalc.engine.machine.devices import device, devices
from archcalc.engine.machine.roofline import roofline
from archcalc.engine.machine.work import groups_of, work_of
from archcalc.engine.network import load
from archcalc.results.time import Bound, Work
from archcalc.source import SpecError
from tests.cli.running import run

# 1 TFLOP/s, 100 GB/s: products are bound by arithmetic above 10 FLOPs a byte.
PLAIN = """
mine:
  name: a plain device
  bandwidth_gb_s: 100
  peaks: {fp32: 1, fp16: 2}
  vector: 0.5
"""
SMALL = """
network: small
input: image(4, 8, 8)
layers:
  a: conv(6, 3, padding=half, norm=batch_norm, activation=relu)
  b: concat(identity, relu)
  c: flatten >> linear(10)
"""


@pytest.fixture
def plain(tmp_path: Path) -> str:
    file = tmp_path / "plain.yaml"
    file.write_text(PLAIN, encoding="utf-8")
    return str(file)


def test_work_by_hand() -> None:
    """A convolution reads 4*64 numbers and 6*4*9 + 6 parameters, and writes 6*64; 4 bytes each, two examples."""
    graph = load(SMALL).graph()
    conv, norm, relu, second, concat, flatten, linear = work_of(graph, 2, 32)
    assert conv == Work(2 * 6 * 64 * 36, 2 * 6 * 64, 4 * (2 * 256 + 222), 4 * 2 * 384)
    assert (norm.read_bytes, norm.write_bytes) == (4 * (2 * 384 + 12 + 12), 4 * 2 * 384)
    assert (relu.read_bytes, relu.write_bytes, relu.macs, relu.elementary) == (3072, 3072, 0, 768)
    assert second == relu
    assert (concat.read_bytes, concat.write_bytes, concat.flops) == (6144, 6144, 0)
    assert flatten == Work()
    assert (linear.read_bytes, linear.write_bytes) == (4 * (2 * 768 + 7690), 4 * 20)


def test_what_runs_as_one() -> None:
    """The norm and the rectifier run where the convolution is made; what two others read is made by itself."""
    graph = load(SMALL).graph()
    assert groups_of(graph, "pointwise") == [[0, 1, 2], [3], [4, 5], [6]]
    assert groups_of(graph, "none") == [[index] for index in range(7)]


def test_floors_by_hand(plain: str) -> None:
    """The convolution does 55,296 FLOPs in products at 1e12 and 768 at 5e11; it moves 6,008 bytes at 1e11."""
    found = roofline(SMALL, plain, batch=2)
    first = found.rows[0]
    assert first.work.macs == 27648
    products, single, moved = 2 * 27648 / 1e12, 768 / 5e11, 6_008 / 1e11
    norm = (3072 + 96 + 3072) / 1e11  # bound by memory, as the rectifier
    assert first.floor_s == pytest.approx(max(products + single, moved) + norm + 6144 / 1e11)
    assert first.bound is Bound.MEMORY
    assert found.floor_s == pytest.approx(sum(row.floor_s for row in found.rows))


def test_fusion_saves_what_passes_between(plain: str) -> None:
    alone, together = roofline(SMALL, plain, batch=2), roofline(SMALL, plain, batch=2, fuse="pointwise")
    assert alone.work.flops == together.work.flops
    assert alone.work.read_bytes - together.work.read_bytes == 2 * 3072
    assert alone.work.write_bytes - together.work.write_bytes == 2 * 3072
    assert together.floor_s < alone.floor_s


def test_a_decoder_reads_its_weights_and_its_cache_once_a_step() -> None:
    """LLaMA-3 8B in bf16: 8,030,261,248 parameters but the rows of the embedding, and 131,072 bytes a past position."""
    found = roofline("llama3_8b", "h100-sxm", dtype="bf16", step=True, set={"past": 8192, "length": 1})
    embedding = 128256 * 4096
    least = 2 * (8_030_261_248 - embedding) + 131_072 * 8192
    assert least < found.work.read_bytes < 1.01 * least
    assert found.bound is Bound.MEMORY
    assert found.tokens == 1
    assert found.floor_s > least / 3350e9


@pytest.mark.parametrize(("norm", "is_told"), [("norm=batch_norm", True), ("norm=none", False)])
def test_a_layer_of_several_operations_says_what_bounds_it(
    norm: str, is_told: bool, plain: str, tmp_path: Path
) -> None:
    """A convolution alone makes 17.5 FLOPs of a byte; with its norm 9.0, though most of the time is still compute."""
    file = tmp_path / "one.yaml"
    file.write_text(f"network: one\ninput: image(8, 32, 32)\nlayers:\n  a: conv(8, 3, padding=half, {norm})\n", "utf-8")
    found = roofline(str(file), plain)
    (row,) = found.rows
    assert (row.bound, (row.work.intensity or 0) > found.device.balance("fp32")) == (Bound.COMPUTE, not is_told)
    text = " ".join(run("roofline", str(file), "--device", plain).stdout.split())
    assert "above 10 FLOPs a byte a product is bound by compute" in text
    assert ("a layer of several operations by what bounds most of its time" in text) is is_told


def test_more_examples_share_the_weights() -> None:
    one, many = (roofline("vgg16", "a100-sxm", dtype="fp16", batch=batch) for batch in (1, 64))
    assert many.floor_s < 64 * one.floor_s
    assert one.rows[-1].bound is Bound.MEMORY


def test_devices_have_sources_for_their_values() -> None:
    for one in devices().values():
        assert one.sources["rest"] or set(one.sources) >= {"peaks", "bandwidth_gb_s"}, one.id
        assert one.confidence in ("high", "medium", "low")
        assert one.bandwidth > 1e9
        assert all(rate > 1e11 for rate in one.peaks.values())


@pytest.mark.parametrize(
    ("id", "cores", "mhz"),
    [("gtx-1080", 2560, 1733), ("titan-x-maxwell", 3072, 1075), ("v100-sxm", 5120, 1530), ("h100-sxm", 16896, 1980)],
)
def test_peaks_follow_from_cores_and_clocks(id: str, cores: int, mhz: int) -> None:
    """Two operations for each core and cycle, as vendors count; printed to three digits."""
    assert device(id).peaks["fp32"] == pytest.approx(2 * cores * mhz * 1e6, rel=0.005)


@pytest.mark.parametrize(
    ("text", "code"),
    [
        ("mine: {name: a, bandwidth_gb_s: 1}", "missing-key"),
        ("mine: {name: a, bandwidth_gb_s: fast, peaks: {fp32: 1}}", "not-a-number"),
        ("mine: {name: a, bandwidth_gb_s: 1, peaks: {fp33: 1}}", "unknown-dtype"),
        ("mine: {name: a, bandwith_gb_s: 1, peaks: {fp32: 1}}", "unknown-key"),
        ("mine: {name: a, bandwidth_gb_s: 1, peaks: 4}", "not-a-mapping"),
        ("mine: 4", "not-a-device"),
        ("- 4", "not-a-device"),
        (
            "a: {name: a, bandwidth_gb_s: 1, peaks: {fp32: 1}}\nb: {name: a, bandwidth_gb_s: 1, peaks: {fp32: 1}}",
            "one-device",
        ),
    ],
)
def test_what_is_wrong_with_a_device_is_said(tmp_path: Path, text: str, code: str) -> None:
    file = tmp_path / "mine.yaml"
    file.write_text(text, encoding="utf-8")
    with pytest.raises(SpecError) as caught:
        device(str(file))
    assert code in {found.code for found in caught.value.diagnostics}
    assert all(found.help for found in caught.value.diagnostics)


@pytest.mark.parametrize("columns", [80, 120])
def test_the_table(columns: int) -> None:
    found = run("roofline", "resnet50", "--device", "h100-sxm", "--top", "3", columns=columns)
    lines = found.stdout.splitlines()
    assert max(map(len, lines)) <= columns
    assert "resnet50 on H100 SXM5 80GB: at least 186.5 us" in " ".join(found.stdout.split())
    assert "83 of 88 layers" not in found.stdout
    assert "85 of 88 layers are not shown" in found.stdout


@pytest.mark.parametrize("columns", [80, 120])
def test_layers_keep_their_names_and_small_shares_are_no_zeros(columns: int) -> None:
    found = run("roofline", "resnet18", "--device", "a100-sxm", columns=columns).stdout
    assert "conv2.2.residual.second " in found
    assert "<0.1%" in found
    assert " 0.0%" not in found
    assert ("linear(1000)" in found) == (columns == 120)


def test_csv_and_json() -> None:
    rows = list(csv.DictReader(io.StringIO(run("roofline", "lenet5", "--device", "t4", "--format", "csv").stdout)))
    found = json.loads(run("roofline", "lenet5", "--device", "t4", "--format", "json").stdout)
    assert sum(float(row["floor_s"]) for row in rows) == pytest.approx(found["floor_s"])
    assert found["device"]["sources"]["rest"]
    assert archcalc.roofline("lenet5", "t4").to_dict()["floor_s"] == pytest.approx(found["floor_s"])


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["resnet50", "--device", "h100"], "did you mean `h100-sxm`"),
        (["resnet50", "--device", "gtx-1080", "--dtype", "bf16"], "--dtype fp32"),
        (["resnet50", "--device", "./no.yaml"], "cannot be read"),
        (["resnet50", "--device", "t4", "--batch", "0"], "1 or more"),
        (["resnet50", "--device", "t4", "--plot", "x.pdf"], "a picture ends in"),
    ],
)
def test_what_is_refused(arguments: list[str], said: str) -> None:
    found = run("roofline", *arguments, code=2)
    assert said in found.stderr
    assert "Traceback" not in found.stderr


def test_a_picture(tmp_path: Path) -> None:
    pytest.importorskip("altair")
    file = tmp_path / "roof.svg"
    run("roofline", "resnet50", "--device", "h100-sxm", "--dtype", "bf16", "--plot", str(file))
    text = file.read_text(encoding="utf-8")
    assert "resnet50 under the roof of H100 SXM5 80GB" in text
    assert "TFLOP/s at most, bf16" in text

from __future__ import annotations

import csv
import io
import json
import re
from pathlib import Path

import pytest

from tests.cli.running import MYSTERY, run, spec


def test_a_small_network_fits_eighty_columns() -> None:
    found = run("show", "lenet5", columns=80).stdout
    lines = found.splitlines()
    assert all(len(line) <= 80 for line in lines)
    assert lines[0] == "lenet5: LeNet, 1998 [lecun1998gradient]"
    (c3,) = [line.split() for line in lines if line.startswith("C3")]
    assert c3[-6:] == ["16x10x10", "1,516", "150.0", "K", "46.1%", "14x14"]
    assert any(line.split()[:2] == ["params", "60,000"] for line in lines)
    assert any(line.split()[:2] == ["connections", "340,908"] for line in lines)


@pytest.mark.parametrize(
    ("network", "params", "macs"),
    [
        ("alexnet", "60,965,224", "724,406,816"),
        ("alexnet@torchvision", "61,100,840", "714,188,480"),
        ("vgg16", "138,357,544", "15,470,264,320"),
        ("googlenet", "6,998,552", "1,582,671,872"),
        ("googlenet@torchvision", "6,624,904", "1,498,376,192"),
        ("resnet50", "25,557,032", "3,857,973,248"),
        ("ResNet50@torchvision", "25,557,032", "4,089,184,256"),
    ],
)
def test_totals_are_exact(network: str, params: str, macs: str) -> None:
    totals = dict(line.split()[:2] for line in run("show", network).stdout.splitlines() if len(line.split()) > 1)
    assert (totals["params"], totals["MACs"]) == (params, macs)


def test_columns_are_dropped_in_order_and_named() -> None:
    def titles(columns: int) -> tuple[str, str]:
        lines = run("show", "googlenet", columns=columns).stdout.splitlines()
        return lines[2], " ".join(lines[-2:])

    wide, narrow = titles(160), titles(80)
    assert wide[0].split("  ")[0] == "layer"
    assert "FLOPs (arithmetic)" in wide[0]
    assert "left out" not in wide[1]
    assert "FLOPs (arithmetic)" not in narrow[0]
    assert "field" not in narrow[0]
    assert "what" in narrow[0]
    assert "left out at 80 columns: FLOPs (arithmetic), field" in narrow[1]
    assert "what" not in titles(60)[0]


def test_long_names_are_shortened_in_the_middle() -> None:
    found = run("show", "resnet50", columns=80).stdout
    assert "conv3.block_2.r…al.spat" in found or "conv3.block_2.res…al.spatial" in found
    assert all(len(line) <= 80 for line in found.splitlines())


def test_a_pipe_gets_everything() -> None:
    found = run("show", "googlenet").stdout
    assert "inception_3a.pool.maxpool" in found
    assert "maxpool(3, stride=1, padding=half)" in found
    assert "\x1b" not in found


def test_footer_says_what_was_assumed() -> None:
    found = run("show", "googlenet", "--batch", "2", "--dtype", "fp16", columns=120).stdout
    assert "convention arithmetic | batch 2 | input 3x224x224 | fp16 | 131 operations counted, 10 declared" in found


def test_heads_are_left_out_and_said_so() -> None:
    without, with_heads = run("show", "googlenet").stdout, run("show", "googlenet", "--with-heads").stdout
    assert "2 heads are for training only and left out (aux1 and aux2): --with-heads counts them." in without
    assert "head aux1, for training only" in with_heads
    assert "13,378,280" in with_heads


def test_rows_by_stage_type_operation_and_depth() -> None:
    stages = run("show", "resnet50", "--by", "stage", "--units", "raw").stdout
    assert [line.split()[0] for line in stages.splitlines()[4:11]] == [
        "conv1", "pool1", "conv2", "conv3", "conv4", "conv5", "pool",
    ]  # fmt: skip
    types = run("show", "resnet50", "--by", "type", "--units", "raw").stdout
    (norm,) = [line.split() for line in types.splitlines() if line.startswith("batch_norm")]
    assert norm[:5] == ["batch_norm", "53", "of", "them", "53,120"]
    operations = run("show", "resnet50", "--by", "op").stdout
    assert "conv1.norm" in operations
    assert "conv1.activation" in operations
    cut = run("show", "resnet50", "--depth", "2").stdout
    assert "conv2.1 " in cut
    assert "conv2.1.add" not in cut


def test_sums_of_all_groupings_are_the_totals() -> None:
    for extra in (["--by", "op"], ["--by", "stage"], ["--by", "type"], ["--depth", "2"], []):
        (network,) = json.loads(run("show", "googlenet", "--with-heads", *extra, "--format", "json").stdout)["networks"]
        for name in ("params", "macs", "flops_arithmetic", "connections", "neurons", "activations", "buffers"):
            assert sum(row[name] for row in network["layers"]) == network["totals"][name], (extra, name)


def test_sort_and_top() -> None:
    rows = list(
        csv.DictReader(io.StringIO(run("show", "vgg16", "--sort", "params", "--top", "2", "--format", "csv").stdout))
    )
    assert [row["name"] for row in rows] == ["fc6.linear", "fc7.linear"]
    in_order = list(csv.DictReader(io.StringIO(run("show", "vgg16", "--top", "2", "--format", "csv").stdout)))
    assert [row["name"] for row in in_order] == ["conv1.2", "conv2.2"]
    assert "2 of 23 rows" in run("show", "vgg16", "--top", "2").stdout


def test_csv_has_layers_only_with_shapes_as_texts() -> None:
    rows = list(csv.DictReader(io.StringIO(run("show", "lenet5", "--format", "csv").stdout)))
    assert [row["name"] for row in rows] == ["C1", "S2", "C3", "S4", "C5", "F6", "OUT"]
    assert [int(row["params"]) for row in rows] == [156, 12, 1_516, 32, 48_120, 10_164, 0]
    assert [int(row["connections"]) for row in rows] == [122_304, 5_880, 151_600, 2_000, 48_120, 10_164, 840]
    assert rows[0]["out_shape"] == "6x28x28"


def test_json_has_the_one_shape() -> None:
    found = json.loads(run("show", "vgg16", "--format", "json", "--batch", "4").stdout)
    assert set(found) == {"archcalc", "networks"}
    (network,) = found["networks"]
    assert network["batch"] == 4
    assert network["convention"] == "arithmetic"
    assert network["totals"]["macs"] == 4 * 15_470_264_320
    assert network["totals"]["params"] == 138_357_544
    pool5 = next(layer for layer in network["layers"] if layer["name"] == "pool5")
    assert pool5["receptive_field"] == [212, 212]
    assert pool5["jump"] == [32, 32]


def test_markdown_is_a_table() -> None:
    found = run("show", "lenet5", "--format", "markdown").stdout
    assert "| C1 | conv(6, 5) | 6x28x28 | 156 | 117.6 K | 36.1% |" in found


def test_convention_macs_has_no_column_of_flops() -> None:
    assert "FLOPs" not in run("show", "lenet5", "--convention", "macs").stdout
    rows = list(csv.DictReader(io.StringIO(run("show", "lenet5", "--convention", "macs", "--format", "csv").stdout)))
    assert not any(name.startswith("flops") for name in rows[0])


def test_other_sizes() -> None:
    by_set = json.loads(run("show", "resnet50@torchvision", "--set", "resolution=256", "--format", "json").stdout)
    by_input = json.loads(run("show", "resnet50@torchvision", "--input", "3x256x256", "--format", "json").stdout)
    expected = 83_410_944 * 8**2 + 2_048_000
    assert by_set["networks"][0]["totals"]["macs"] == expected
    assert by_input["networks"][0]["totals"]["macs"] == expected
    assert by_set["networks"][0]["settings"] == {"resolution": "256"}


def test_a_file_and_a_variant_of_it(tmp_path: Path) -> None:
    path = spec(tmp_path)
    assert "tiny: Tiny" in run("show", path).stdout
    assert "tiny@wide: Tiny" in run("show", f"{path}:tiny@wide").stdout


def test_output_goes_to_a_file_in_the_format_of_its_ending(tmp_path: Path) -> None:
    for name, begin in (("a.csv", "name,type"), ("a.json", "{"), ("a.md", "# lenet5"), ("a.txt", "lenet5:")):
        found = run("show", "lenet5", "-o", str(tmp_path / name))
        assert found.stdout == ""
        assert (tmp_path / name).read_text(encoding="utf-8").startswith(begin)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["a.csv", "a.json", "a.md", "a.txt"]


def test_unknown_costs_are_bounds_and_strict_refuses(tmp_path: Path) -> None:
    path = spec(tmp_path, MYSTERY)
    found = run("show", path).stdout
    assert "≥ " in found
    assert "1 unknown" in " ".join(found.split())
    assert "the cost of inside is not known" in found
    strict = run("show", path, "--strict", code=1)
    assert strict.stdout == ""
    assert "the cost of inside (opaque) is not known" in strict.stderr


def test_a_limit_can_be_raised(tmp_path: Path) -> None:
    path = spec(tmp_path)
    low = run("show", path, "--limit", "layers=2", code=2)
    assert "--limit layers=N" in low.stderr
    run("show", path, "--limit", "layers=20")


def test_unknown_parameters_make_params_and_size_lower_bounds(tmp_path: Path) -> None:
    """By hand: 8*3*9 + 8 and 14,400*4 + 4 parameters, and those of the opaque layer, which nobody knows."""
    path = tmp_path / "opaque.yaml"
    path.write_text(
        "network: o\ninput: image(3, 32, 32)\nlayers:\n  a: conv(8, 3)\n  b: opaque(16)\n  c: linear(4)\n", "utf-8"
    )
    shown = run("show", str(path)).stdout
    assert re.search(r"^params +≥ 57,828 ", shown, re.MULTILINE)
    assert re.search(r"^size +≥ 231,312 ", shown, re.MULTILINE)
    path.write_text(path.read_text("utf-8").replace("opaque(16)", "opaque(16, params=100, macs=50)"), "utf-8")
    shown = run("show", str(path)).stdout
    assert re.search(r"^params +57,928 ", shown, re.MULTILINE)

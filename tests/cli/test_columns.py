"""`show --columns`, the line about what libraries call by a name, sources as people cite them, and sums of blocks."""

from __future__ import annotations

import csv
import io
import json
import re
from pathlib import Path

import pytest

from archcalc.engine.network import analyze
from tests.cli.running import NET, run, spec


def rows(*arguments: str) -> list[dict[str, str]]:
    return list(csv.DictReader(io.StringIO(run(*arguments, "--format", "csv").stdout)))


def test_columns_stand_as_they_are_asked_for() -> None:
    chosen = "name,connections,read_bytes,write_bytes"
    found = rows("show", "lenet5", "--columns", chosen)
    assert list(found[0]) == chosen.split(",")
    assert found[0] == {"name": "C1", "connections": "122304", "read_bytes": "4720", "write_bytes": "18816"}
    lines = run("show", "lenet5", "--columns", "name", "--columns", "connections", columns=80).stdout.splitlines()
    assert lines[2].split() == ["name", "connections"]
    assert any(line.split() == ["total", "340.9", "K"] for line in lines)
    whole = json.loads(run("show", "lenet5", "--columns", chosen, "--format", "json").stdout)
    assert list(whole["networks"][0]["layers"][0]) == chosen.split(",")


def test_every_column_of_the_csv_may_be_chosen() -> None:
    names = list(rows("show", "lenet5")[0])
    found = rows("show", "lenet5", "--columns", ",".join(reversed(names)))
    plain = rows("show", "lenet5")
    assert [list(row.values()) for row in found] == [list(reversed(row.values())) for row in plain]
    assert run("show", "lenet5", "--columns", ",".join(names), columns=80).stdout
    assert rows("show", "resnet18", "--by", "stage", "--columns", "name,read_bytes")[0]["name"] == "conv1"


def test_a_rule_stands_below_bytes() -> None:
    assert "read_bytes: what a layer takes" in run("show", "lenet5", "--columns", "name,read_bytes").stdout
    assert "read_bytes: what" not in run("show", "lenet5", "--columns", "name,params").stdout


def test_an_unknown_column_is_answered_with_the_nearest() -> None:
    assert "did you mean `connections`?" in run("show", "lenet5", "--columns", "name,conections", code=2).stderr
    assert "--columns takes names" in run("show", "lenet5", "--columns", ",", code=2).stderr
    assert "leave --columns or" in run("show", "lenet5", "--columns", "name", "--published", code=2).stderr


def test_what_torchvision_calls_by_the_name_is_said_in_one_line() -> None:
    line = "torchvision's resnet50 (4.089 G MACs) is resnet50@torchvision."
    assert line in run("show", "resnet50").stdout.splitlines()
    assert line not in run("show", "resnet50", "--format", "csv").stdout
    of_alexnet = run("show", "alexnet").stdout
    assert "torchvision's alexnet (714.2 M MACs, 61.10 M params) is alexnet@torchvision." in of_alexnet
    assert "torchvision's" not in run("show", "resnet18").stdout  # costs the same
    assert "torchvision's" not in run("show", "resnet50@torchvision").stdout
    scaled = analyze("resnet50@torchvision", set={"resolution": 448}).totals.macs
    assert f"({scaled / 1e9:.2f} G MACs)" in run("show", "resnet50", "--set", "resolution=448").stdout


def test_it_is_said_of_a_users_own_file_too(tmp_path: Path) -> None:
    file = spec(tmp_path, NET.replace("tiny@wide: {width", "tiny@keras: {width"))
    assert "keras's tiny (" in run("show", file).stdout


def test_sources_are_cited_as_people_do_and_ours_stands_beside() -> None:
    shown = " ".join(run("show", "vgg16", "--published").stdout.split())
    assert "138M 138,357,544 ROUNDS Simonyan and Zisserman 2015, Table 2" in shown
    shown = " ".join(run("show", "googlenet", "--published").stdout.split())
    assert "weights 2.7K (ours 9,408) ≠" in shown  # 64 x 3 x 7 x 7
    assert "Szegedy et al. 2014, Table 1" in shown


# blocks


def test_a_block_is_the_sum_of_its_layers() -> None:
    """Inception 3a of GoogLeNet by hand: 163,328 weights, at 28 x 28 each once; 368 biases."""
    shown = run("explain", "googlenet", "inception_3a", columns=100).stdout
    lines = [" ".join(line.split()) for line in shown.splitlines()]
    assert lines[0] == "inception_3a of googlenet: 192x28x28 to 256x28x28"
    assert any(line.startswith("weights 163,328 3x3.conv_2 110,592 (67.7%)") for line in lines)
    assert any(line.startswith(f"MACs {163_328 * 784:,} 3x3.conv_2 86,704,128 (67.7%)") for line in lines)
    assert any(line.startswith("biases 368 ") for line in lines)
    assert "inception_3a: concat" in lines  # and how its branches are joined
    found = rows("explain", "googlenet", "inception_3a")
    weights = [row for row in found if row["quantity"] == "weights"]
    assert sum(int(row["value"]) for row in weights) == int(weights[0]["sum"]) == 163_328
    assert weights[0]["layer"] == "inception_3a.3x3.conv_2"
    (network,) = json.loads(run("explain", "googlenet", "inception_3a", "--format", "json").stdout)["networks"]
    assert (network["scope"], network["totals"]["weights"]) == ("inception_3a", 163_328)


@pytest.mark.parametrize("name", ["conv2.1", "conv2.1.residual", "CONV2.1", "conv2"])
def test_blocks_of_every_depth_are_summed(name: str) -> None:
    part = analyze("resnet50", scope=name.lower())
    shown = run("explain", "resnet50", name, columns=120).stdout
    assert shown.startswith(f"{name.lower()} of resnet50: ")
    assert f"{part.totals.macs:,}" in shown


def test_a_block_of_a_head_and_an_unknown_one() -> None:
    assert "of googlenet: " in run("explain", "googlenet", "aux1").stdout.splitlines()[0]
    assert "did you mean `inception_3a`" in run("explain", "googlenet", "inception_3aa", code=2).stderr


def test_bytes_and_intensity_of_what_is_not_known_are_bounds_or_nothing(tmp_path: Path) -> None:
    """By hand: it reads 8*30*30 numbers of fp32 and its parameters, and gives 16*15*15."""
    path = tmp_path / "o.yaml"
    text = "network: o\ninput: image(3, 32, 32)\nlayers:\n  a: conv(8, 3)\n  b: opaque(16, stride=2)\n"
    path.write_text(text, "utf-8")

    def shown() -> list[list[str]]:
        asked = ("--columns", "name,read_bytes,intensity,params,receptive_field", "--units", "raw")
        lines = run("show", str(path), *asked, columns=120).stdout.splitlines()
        return [re.split(r"  +", line.strip()) for line in lines if line.startswith(("b ", "total"))]

    total = 28_800 + 4 * (3 * 32 * 32 + 224)
    assert shown() == [["b", "≥ 28,800 B", "≥ 0", "≥ 4x4"], ["total", f"≥ {total:,} B", "≥ 224", "≥ 4x4"]]
    assert rows("show", str(path), "--columns", "intensity")[1] == {"intensity": ""}
    path.write_text(text.replace("stride=2", "stride=2, params=40, macs=400"), "utf-8")
    least = 800 / (28_960 + 14_400)
    assert shown()[0] == ["b", "28,960 B", f"≥ {least:.3f}", "40", "≥ 4x4"]
    assert shown()[1][:2] == ["total", f"{total + 160:,} B"]
    assert shown()[1][2].startswith("≥ ")


def test_rules_of_large_numbers_stay_within_the_window() -> None:
    """The logits of llama3_405b take 128,256 * 16,384 * 2,048 multiply-accumulates; their line has all digits."""
    lines = run("explain", "llama3_405b", "logits", columns=80).stdout.splitlines()
    assert max(map(len, lines)) <= 80
    assert any(line.startswith("MACs") and line.endswith(f"= {128_256 * 16_384 * 2_048:,}") for line in lines)

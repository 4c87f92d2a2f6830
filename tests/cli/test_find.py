"""`archcalc find` as a user sees it: at 80 and 120 columns, piped, for programs, with typos."""

from __future__ import annotations

import csv
import io
import json
from pathlib import Path

import pytest

from tests.cli.running import NET, run, spec

pytestmark = pytest.mark.usefixtures("shared_library")
ASKED = ("--where", "macs < 600M", "--where", "params <= 6M", "--task", "ImageNet")


def test_a_line_for_each_network_and_what_was_left_out() -> None:
    lines = run("find", *ASKED, "--with", "accuracy", "--sort", "-macs", columns=120).stdout.splitlines()
    assert lines[0].split() == ["network", "input", "params", "MACs", "top1", "top5", "measured", "by"]
    (line,) = [line for line in lines if line.startswith("mobilenet_v2 ")]
    assert line.split()[:8] == ["mobilenet_v2", "3x224x224", "3.505", "M", "300.8", "M", "72.154", "90.822"]
    assert "torchvision, MobileNet_V2_Weights" in line
    rows = list(csv.DictReader(io.StringIO(run("find", *ASKED, "--format", "csv").stdout)))
    assert all(int(row["macs"]) < 600_000_000 and int(row["params"]) <= 6_000_000 for row in rows)
    assert all(sum(line.startswith(f"{row['name']} ") for line in lines) == 1 for row in rows)
    (count,) = [line for line in lines if " networks | " in line]
    listed = csv.DictReader(io.StringIO(run("list", "--format", "csv").stdout))
    of_task = sum(row["task"] == "ImageNet" for row in listed)
    assert count.startswith(f"{len(rows)} of {of_task} networks | ")
    narrow = run("find", *ASKED, "--with", "accuracy", columns=80).stdout.splitlines()
    assert all(len(line) <= 80 for line in narrow)
    assert any("72.154" in line for line in narrow)


def test_columns_that_are_asked_about_are_shown() -> None:
    lines = run("find", "--where", "connections < 1M", columns=100).stdout.splitlines()
    assert "connections" in lines[0]
    (lenet,) = [line for line in lines if line.startswith("lenet5 ")]
    assert "340.9 K" in lenet  # 340,908: LeCun et al. 1998, section II.B


def test_csv_and_json_hold_the_same() -> None:
    rows = list(csv.DictReader(io.StringIO(run("find", "--where", "top1 > 85", "--format", "csv").stdout)))
    found = json.loads(run("find", "--where", "top1 > 85", "--format", "json").stdout)["networks"]
    assert (
        [row["name"] for row in rows] == [each["name"] for each in found] == ["efficientnet_v2_m", "efficientnet_v2_l"]
    )
    assert [row["top1"] for row in rows] == ["85.112", "85.808"]
    assert rows[0]["accuracy_source"] == "torchvision, EfficientNet_V2_M_Weights.IMAGENET1K_V1"
    assert [each["accuracies"][0]["top1"] for each in found] == [85.112, 85.808]
    assert [int(row["macs"]) for row in rows] == [each["totals"]["macs"] for each in found]
    plain = run("find", "--top", "1", "--format", "csv").stdout
    assert "top1" not in plain.splitlines()[0]


def test_markdown() -> None:
    assert "| lenet5 | 1x32x32 | 60,000 |" in run("find", "--task", "digits", "--format", "markdown").stdout


def test_a_file_of_ones_own(tmp_path: Path) -> None:
    file = spec(tmp_path)
    bad = spec(tmp_path, NET.replace("maxpool", "macspool"), "bad.yaml")
    done = run("find", str(tmp_path), "--sort", "-params", "--format", "csv")
    rows = list(csv.DictReader(io.StringIO(done.stdout)))
    assert [(row["name"], row["file"]) for row in rows] == [("tiny", file), ("tiny@wide", file)]
    assert f"left out: {bad} has 1 finding (archcalc validate {bad})" in done.stderr


def test_nothing_found_is_a_finding() -> None:
    done = run("find", "--where", "macs < 10", code=1)
    assert "No network meets macs < 10: none has such macs; lenet5 comes nearest, with 325.7 K." in done.stdout
    assert run("find", "--where", "macs < 10", "--format", "csv", code=1).stdout == ""


def test_typos_are_answered() -> None:
    assert "did you mean `macs`?" in run("find", "--where", "mac < 1G", code=2).stderr
    assert "did you mean `ImageNet`?" in run("find", "--task", "ImagNet", code=2).stderr
    refused = run("find", "nowhere", code=2).stderr
    assert "there is no file or folder `nowhere`" in refused
    assert "`archcalc list resnet` finds networks by a part of their names" in refused
    assert "no dtype is called `fp33`" in run("find", "--dtype", "fp33", code=2).stderr
    assert "not one of accuracy" in run("find", "--with", "speed", code=2).stderr


def test_a_list_of_names_that_hold_a_word() -> None:
    lines = run("list", "ShuffleNet-v2", "--format", "csv").stdout.splitlines()[1:]
    assert len(lines) == 8
    assert all(line.startswith("shufflenet_v2_") for line in lines)
    (row,) = csv.DictReader(io.StringIO(run("list", "googlenet@naive", "--format", "csv").stdout))
    assert row["name"] == "googlenet@naive"
    assert run("list", "Network in", "--format", "csv").stdout.count("nin-") == 3  # the family's title
    assert "did you mean `shuffle`?" in run("list", "shufle", code=2).stderr
    assert "`archcalc list` lists all networks" in run("list", "qqqqqqqqqq", code=2).stderr

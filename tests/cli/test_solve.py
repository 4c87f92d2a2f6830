"""`archcalc solve` and `archcalc scale`: what is printed, and what is said of mistakes."""

from __future__ import annotations

import json

import pytest

from tests.cli.running import run

MISTAKES = [
    (["solve", "resnet50", "--for", "reolution", "--max", "macs=2G"], "did you mean `resolution`"),
    (["solve", "resnet50", "--for", "resolution"], "there is no limit to keep to"),
    (["solve", "resnet50", "--for", "resolution", "--max", "macs=2X"], "is no amount of macs"),
    (["solve", "resnet50", "--for", "resolution", "--max", "flops=2G"], "no quantity is called `flops`"),
    (["solve", "resnet50", "--for", "resolution", "--max", "macs=2G", "--step", "0"], "--step takes a number above 0"),
    (["solve", "resnet50", "--for", "resolution", "--quantity", "macs"], "--like is not given"),
    (["solve", "resnet50", "--for", "resolution", "--like", "vgg61"], "`vgg16`"),
    (["scale", "resnet50", "--grid", "1:2"], "--grid takes FIRST:LAST:STEP"),
    (["scale", "resnet50", "--factor", "depth"], "--factor takes NAME=VALUE"),
    (["scale", "resnet50", "--step", "widht=1/8"], "did you mean `width`"),
    (["scale", "resnet50", "--factor", "dept=1.2"], "did you mean `depth`"),
]


@pytest.mark.parametrize(("arguments", "said"), MISTAKES)
def test_mistakes(arguments: list[str], said: str) -> None:
    result = run(*arguments, code=2)
    assert said in result.stderr
    assert result.stdout == ""


def test_the_answer_comes_first() -> None:
    result = run("solve", "resnet50@torchvision", "--for", "resolution", "--max", "macs=2G")
    first = result.stdout.splitlines()[0]
    assert first == "resnet50@torchvision: the largest resolution is 152; at 153, macs passes 2G"


def test_json_has_both_sides() -> None:
    result = run("solve", "vgg16", "--for", "width", "--like", "resnet50", "--quantity", "params", "--format", "json")
    (found,) = json.loads(result.stdout)["solutions"]
    assert found["largest"]["params"] <= 25_557_032 < found["next"]["params"]
    assert found["limits"] == {"params": 25_557_032}


def test_scaling_marks_the_last_that_fits() -> None:
    result = run("scale", "resnet18", "--max", "macs=4G")
    marks = [line.split()[-1] for line in result.stdout.splitlines() if line.endswith(("largest within", "over"))]
    assert marks == ["within", "over"]


def test_the_largest_that_fits_stands_once_and_in_its_place() -> None:
    for by in ("0.5", "0.63"):  # 0.63 is the largest phi itself
        text = run("scale", "resnet18", "--max", "macs=4G", "--by", by).stdout
        (largest,) = [line.split()[0] for line in text.splitlines() if line.endswith("largest within")]
        assert largest == "0.63"
        csv_lines = run("scale", "resnet18", "--max", "macs=4G", "--by", by, "--format", "csv").stdout.splitlines()
        phis = [float(line.split(",")[1]) for line in csv_lines[1:]]
        assert phis == sorted(set(phis))
        assert 0.63 in phis

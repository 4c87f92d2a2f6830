"""Inputs whose channels seem to come last: the order that was meant, by hand."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from archcalc.engine.channels_last import channels_last, in_order
from archcalc.engine.network import load
from archcalc.ops import Shape
from archcalc.spec.library import all_names
from tests.cli.running import run

LAST = [
    ((224, 224, 3), (3, 224, 224)),
    ((480, 640, 3), (3, 480, 640)),
    ((28, 28, 1), (1, 28, 28)),
    ((16, 112, 112, 3), (3, 16, 112, 112)),
    ((16_000, 1), (1, 16_000)),
]
FIRST = [(3, 224, 224), (1, 28, 28), (3, 16, 112, 112), (1, 16_000), (512, 7, 7), (64, 8, 8), (768, 1), (4096, 1, 1)]


@pytest.mark.parametrize(("given", "meant"), LAST)
def test_the_order_that_was_meant(given: tuple[int, ...], meant: tuple[int, ...]) -> None:
    assert in_order(Shape(given[0], given[1:])) == Shape(meant[0], meant[1:])


@pytest.mark.parametrize("given", FIRST)
def test_channels_first_are_not_doubted(given: tuple[int, ...]) -> None:
    assert in_order(Shape(given[0], given[1:])) is None


def test_what_the_spec_reads_decides() -> None:
    """128 steps of 9 channels where the spec reads 9; and one step of 4,096 features where it reads 4,096."""
    assert in_order(Shape(128, (9,)), Shape(9, (64,))) == Shape(9, (128,))
    assert in_order(Shape(4096, (1,)), Shape(4096, (128,))) is None
    assert in_order(Shape(9, (128,)), Shape(9, (64,))) is None


@pytest.mark.parametrize("name", all_names())
def test_no_network_of_the_library_is_doubted(name: str) -> None:
    assert channels_last(load(name)) == []


def test_a_warning_beside_the_table_and_in_validate(tmp_path: Path) -> None:
    path = tmp_path / "n.yaml"
    path.write_text("network: n\ninput: image(224, 224, 3)\nlayers: conv(8, 3, padding=half)\n")
    found = run("show", "resnet18", "--input", "224x224x3")
    assert "warning[channels-last]: resnet18 reads 224x224x3 as 224 channels of 224x3" in found.stderr
    assert "help: channels come first: --input 3x224x224" in found.stderr
    assert "warning" not in found.stdout
    assert "warning" not in run("show", "resnet18", "--input", "3x64x64").stderr
    text = run("validate", str(path)).stdout
    assert "warning[channels-last]" in text
    assert "channels come first: image(3, 224, 224)" in text
    assert text.endswith("1 file, 1 network: no findings, 1 warning\n")
    (warning,) = json.loads(run("validate", str(path), "--format", "json").stdout)
    assert (warning["severity"], warning["code"], warning["line"]) == ("warning", "channels-last", 2)
    assert run("validate", str(path), "--format", "github").stdout.startswith("::warning file=")

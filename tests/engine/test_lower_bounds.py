"""What is not told is "at least" in every quantity that it touches; what is told stays exact."""

from __future__ import annotations

import csv
import io
import json
from pathlib import Path

import pytest

from archcalc.engine.groups import grouped
from archcalc.engine.network import analyze
from archcalc.results.cost import NetworkCost
from tests.cli.running import run

# A deformable convolution whose sampling is not told: 64*64*9 + 64 = 36,928 and 64*64*9*64*64 = 150,994,944 by hand.
TOLD = """network: t
input: image(64, 64, 64)
layers:
  offset: conv(18, 3, padding=1)
  d: opaque(64, params=36928, macs=150994944)
  after: conv(8, 3, padding=1)
"""
ALWAYS = {
    "flops",
    "connections",
    "neurons",
    "activations",
    "peak_activations",
    "depth",
    "depth_with_pooling",
    "receptive_field",
}
STORED = {"params", "weights", "biases", "stored_params", "size_bytes"}


def cost(tmp_path: Path, text: str) -> NetworkCost:
    path = tmp_path / "t.yaml"
    path.write_text(text)
    return analyze(f"{path}")


@pytest.mark.parametrize(
    ("given", "more"),
    [
        ("params=36928, macs=150994944", set()),
        ("macs=150994944", STORED),
        ("params=36928", {"macs"}),
        ("stride=1", STORED | {"macs"}),
    ],
)
def test_every_total_that_it_touches(tmp_path: Path, given: str, more: set[str]) -> None:
    found = cost(tmp_path, TOLD.replace("params=36928, macs=150994944", given))
    asked = ALWAYS | STORED | {"macs"}
    assert {name for name in asked if found.is_lower_bound(name)} == ALWAYS | more
    assert found.is_lower_bound("flops_arithmetic")
    assert found.totals.at_least


def test_what_is_told_by_row(tmp_path: Path) -> None:
    """`offset` is exact; of `d` all but params and MACs is not told; `after` sees through it, and is exact beside."""
    offset, hidden, after = cost(tmp_path, TOLD).layers
    assert offset.lower_bounds == frozenset()
    assert {"connections", "neurons", "activations", "receptive_field", "flops"} <= hidden.lower_bounds
    assert not {"params", "macs", "size_bytes"} & hidden.lower_bounds
    assert after.lower_bounds == {"receptive_field"}


def test_a_field_beside_it_is_exact(tmp_path: Path) -> None:
    """3x3 of a convolution that does not read it."""
    text = TOLD.replace("  after: conv(8, 3, padding=1)", "  m: concat(tap(offset) >> conv(4, 1), identity)")
    rows = {row.name: row for row in cost(tmp_path, text).layers}
    assert rows["m.conv"].lower_bounds == frozenset()
    assert rows["m"].lower_bounds == {"receptive_field"}


def test_a_network_without_it_has_no_bounds() -> None:
    found = analyze("resnet18")
    assert not any(row.lower_bounds for row in found.layers)
    assert not found.totals.at_least


def test_sums_of_rows_hold_those_of_their_rows(tmp_path: Path) -> None:
    by_type = {row.type: row for row in grouped(cost(tmp_path, TOLD), "type")}
    assert "connections" in by_type["opaque"].lower_bounds
    assert "connections" not in by_type["conv"].lower_bounds


def test_text_markdown_csv_and_json_say_so_and_strict_fails(tmp_path: Path) -> None:
    path = tmp_path / "t.yaml"
    path.write_text(TOLD)
    for format in ("table", "markdown"):
        text = run("show", str(path), "--format", format).stdout
        assert "≥ 7x7" not in text
        assert "≥ 5x5" in text
        assert "≥ 2" in text  # depth: offset, after, and what d holds
    layers = list(csv.DictReader(io.StringIO(run("show", str(path), "--format", "csv").stdout)))
    assert [row["lower_bounds"] for row in layers] == [
        "",
        "flops_arithmetic connections neurons activations receptive_field local_receptive_field",
        "receptive_field local_receptive_field",
    ]
    (network,) = json.loads(run("show", str(path), "--format", "json").stdout)["networks"]
    assert {"connections", "neurons", "depth", "receptive_field"} <= set(network["totals"]["lower_bounds"])
    assert not {"params", "macs"} & set(network["totals"]["lower_bounds"])
    assert network["layers"][1]["lower_bounds"][0] == "flops_arithmetic"
    assert "unknown-cost" in run("show", str(path), "--strict", code=1).stderr
    compared = run("compare", str(path), "resnet18").stdout
    assert "≥ 5x5" in compared

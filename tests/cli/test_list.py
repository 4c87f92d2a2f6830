from __future__ import annotations

import csv
import io
import json
from pathlib import Path

import pytest

from archcalc.spec import library
from tests.cli.running import NET, run


def test_networks_stand_family_by_family() -> None:
    lines = run("list", columns=80).stdout.splitlines()
    assert lines[0].split() == ["network", "input", "params", "MACs", "layers", "depth", "field"]
    family = lines.index("VGG, 2014")
    assert lines[family + 1].split()[:2] == ["vgg11", "3x224x224"]
    assert any(line.split()[:6] == ["googlenet", "3x224x224", "6.999", "M", "1.583", "G"] for line in lines)
    assert all(len(line) <= 80 for line in lines)


def test_sorted_by_a_column_families_are_mixed() -> None:
    rows = list(csv.DictReader(io.StringIO(run("list", "--sort", "macs", "--format", "csv").stdout)))
    macs = [int(row["macs"]) for row in rows]
    assert macs == sorted(macs, reverse=True)
    by_name = list(csv.DictReader(io.StringIO(run("list", "--sort", "name", "--format", "csv").stdout)))
    assert by_name[0]["name"] == "alexnet"


def test_top_keeps_the_first() -> None:
    rows = list(csv.DictReader(io.StringIO(run("list", "--top", "2", "--format", "csv").stdout)))
    assert [row["name"] for row in rows] == ["vgg19", "vgg19@bn"]


def test_json_has_totals() -> None:
    found = json.loads(run("list", "--format", "json").stdout)
    (lenet,) = [network for network in found["networks"] if network["name"] == "lenet5"]
    assert lenet["totals"]["params"] == 60_000
    assert lenet["totals"]["connections"] == 340_908
    assert lenet["input"] == [1, 32, 32]


def test_markdown() -> None:
    assert "| lenet5 | 1x32x32 | 60,000 |" in run("list", "--format", "markdown").stdout


def test_a_broken_file_does_not_break_the_list(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "tiny.yaml").write_text(NET, encoding="utf-8")
    (tmp_path / "bad.yaml").write_text(NET.replace("maxpool", "macspool"), encoding="utf-8")
    for module in (library, __import__("archcalc.engine.library", fromlist=["x"])):
        monkeypatch.setattr(module, "specs_folder", lambda: tmp_path)
    library.read_file.cache_clear()
    found = run("list")
    library.read_file.cache_clear()
    assert "tiny@wide" in found.stdout
    assert "left out: specs/bad.yaml has" in found.stderr
    assert "archcalc validate specs/bad.yaml" in found.stderr


def test_an_unknown_column_is_an_error() -> None:
    assert "did you mean `macs`?" in run("list", "--sort", "mac", code=2).stderr

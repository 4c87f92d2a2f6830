"""The command reconcile."""

from __future__ import annotations

import csv
import json
import re
import subprocess
import sys
from pathlib import Path

import pytest

from archcalc.engine.cost.conventions import TOOLS
from archcalc.source import extra
from tests.cli.running import run

torch = pytest.importorskip("torch")
pytest.importorskip("torchvision")
pytestmark = pytest.mark.torch


# the command


def test_table_answers_why() -> None:
    for columns in (80, 120):
        lines = run("reconcile", "resnet50@torchvision", "--recorded", columns=columns).stdout.splitlines()
        assert max(map(len, lines)) <= columns
        text = " ".join(" ".join(lines).split())
        for figure in ("4.089 G", "4,100,300,288", "4,111,512,576", "4,132,436,968", "4,133,742,592"):
            assert figure in text
        assert "batch_norm normalised elements 11,113,984 1 to torchprofile; 2 to fvcore, ptflops" in text
        assert "unexplained" not in text


def test_csv_and_json(tmp_path: Path) -> None:
    rows = list(csv.DictReader(run("reconcile", "vgg11", "--recorded", "--format", "csv").stdout.splitlines()))
    assert len(rows) == len(TOOLS)
    for row in rows:
        ours = sum(int(row[part]) for part in ("macs", "bias", "norm", "activation", "pooling", "other"))
        assert ours == int(row["ours"])
        assert row["difference"] == "0"
        if row["rounded_to"] == "1":
            assert int(row["figure"]) == ours + int(row["coding"])
    target = tmp_path / "vgg11.json"
    assert run("reconcile", "vgg11", "--recorded", "--tools", "fvcore, thop", "-o", str(target)).stdout == ""
    found = json.loads(target.read_text(encoding="utf-8"))["reconciliation"]
    assert found["is_explained"] is True
    assert [tool["tool"] for tool in found["tools"]] == ["fvcore", "thop"]
    assert [part["number"] for tool in found["tools"] for part in tool["coding_parts"]] == [25_088, 50_176]


def test_against_papers() -> None:
    text = run("reconcile", "vgg16", "--recorded", "--against", "paper").stdout
    assert "138M" in text
    assert "Simonyan and Zisserman 2015, Table 2" in text
    assert "Published" not in run("reconcile", "vgg16", "--recorded").stdout


def test_mistakes() -> None:
    assert "did you mean `ptflops`?" in run("reconcile", "vgg16", "--tools", "ptflop", code=2).stderr
    assert "paper" in run("reconcile", "vgg16", "--against", "papers", code=2).stderr
    assert "error[unknown-network]" in run("reconcile", "nothing-of-this-name", code=2).stderr


def test_without_torch(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(extra, "find_spec", lambda module: None)
    outcome = run("reconcile", "vgg16", code=3)
    assert re.search(r"pip install .*\[torch\]'", outcome.stderr)
    assert "error[unknown-network]" in run("reconcile", "nothing-of-this-name", code=2).stderr


def test_recorded_figures_need_no_torch() -> None:
    """In a process that cannot import it: the figures, and the coding that was read from traces when it could."""
    code = (
        "import sys; sys.modules['torch'] = sys.modules['torchvision'] = None\n"
        "from archcalc.torch_bridge.counters.reconcile import reconcile\n"
        "for name in ('vgg16', 'inception_v3'):\n"
        "    result = reconcile(name, recorded=True)\n"
        "    assert len(result.tools) == 12 and result.is_explained, result\n"
    )
    subprocess.run([sys.executable, "-c", code], check=True, capture_output=True)

"""The command memory: its tables, its files, and what it refuses."""

from __future__ import annotations

import csv
import io
import json
from pathlib import Path

import pytest

import archcalc
from tests.cli.running import run
from tests.engine.test_memory import DECODER, MLP, RESIDUAL


@pytest.fixture
def files(tmp_path: Path) -> Path:
    for name, text in (("mlp", MLP), ("residual", RESIDUAL), ("decoder", DECODER)):
        (tmp_path / f"{name}.yaml").write_text(text, encoding="utf-8")
    return tmp_path


@pytest.mark.parametrize("columns", [80, 120])
def test_the_tables(files: Path, columns: int) -> None:
    found = run("memory", f"{files}/mlp.yaml", "--train", "--optimizer", "sgd", "--batch", "2", columns=columns).stdout
    lines = [" ".join(line.split()) for line in found.splitlines()]
    assert lines[0].startswith("mlp: 2.042 MiB to train a batch of 2 at fp32, most at fc1 (backward)")
    assert any(line.startswith("gradients of parameters 1.017 MiB") for line in lines)
    assert any(line.startswith("macs_backward 594,400 ") or line.startswith("macs_backward 594.4 K") for line in lines)
    assert max(map(len, found.splitlines())) <= columns


@pytest.mark.parametrize("more", [[], ["--train", "--ranks", "dp=4,tp=2", "--zero", "3", "--recompute", "block"]])
def test_parts_add_up_in_every_format(files: Path, more: list[str]) -> None:
    of = ["memory", f"{files}/decoder.yaml", *more]
    rows = list(csv.DictReader(io.StringIO(run(*of, "--format", "csv").stdout)))
    parts = sum(int(row["size_bytes"]) for row in rows if row["what"] == "part")
    (peak,) = [int(row["size_bytes"]) for row in rows if row["what"] == "peak"]
    assert parts == peak
    found = json.loads(run(*of, "--format", "json").stdout)
    assert found["peak_bytes"] == peak
    assert sum(each["size_bytes"] for each in found["alive"]) == found["tensors_bytes"]
    if more:
        assert sum(each["size_bytes"] for each in found["ranks"]["shares"]) == found["ranks"]["rank_bytes"]
    assert "| peak |" in run(*of, "--format", "markdown").stdout.replace("**", "")


def test_python_gives_the_same(files: Path) -> None:
    file = f"{files}/residual.yaml"
    found = archcalc.memory(file, train=True, fit="2MiB", variable="resolution", frozen=["stem"])
    told = run(
        "memory", file, "--train", "--fit", "2MiB", "--for", "resolution", "--frozen", "stem", "--format", "json"
    )
    assert found.to_dict() == json.loads(told.stdout)
    assert found.value.fit is not None
    assert (
        len(found.to_frame())
        == len(json.loads(told.stdout)["training"]["layers"])
        + sum(len(json.loads(told.stdout)[name]) for name in ("parts", "rules", "alive"))
        + 2
    )


def test_a_budget_of_memory(files: Path) -> None:
    told = run("check", f"{files}/mlp.yaml", "--max", "peak_memory=1MiB", "--format", "csv", code=1).stdout
    assert str(4 * (266_610 + 784 + 300 + 100)) in told


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["mlp.yaml", "--frozen", "fc1"], "--frozen is of training"),
        (["mlp.yaml", "--train", "--frozen", "fc7"], "no layer that `fc7` names"),
        (["mlp.yaml", "--train", "--optimizer", "sdg"], "sdg"),
        (["mlp.yaml", "--train", "--master", "fp33"], "fp33"),
        (["mlp.yaml", "--train", "--ranks", "dp=2,xp=3"], "`xp=3` says nothing of ranks"),
        (["mlp.yaml", "--train", "--ranks", "dp=two"], "`dp=two` says nothing of ranks"),
        (["mlp.yaml", "--train", "--ranks", "ep=2,dp=2"], "has no experts"),
        (["mlp.yaml", "--for", "resolution"], "within --fit"),
        (["mlp.yaml", "--fit", "lots"], "`lots` is no amount of size_bytes"),
        (["mlp.yaml", "--fit", "1KiB"], "does not fit into 1KiB"),
        (["residual.yaml", "--fit", "1GiB", "--for", "resolutoin"], "did you mean `resolution`"),
        (["decoder.yaml", "--train", "--past", "8"], "keeps no gradients"),
        (["residual.yaml", "--step"], "step"),
        (["mlp.yaml", "--batch", "0"], "the batch is 0"),
    ],
)
def test_refusals_are_told_in_one_sentence(files: Path, arguments: list[str], said: str) -> None:
    name, *more = arguments
    outcome = run("memory", f"{files}/{name}", *more, code=None)
    assert outcome.code in (1, 2)
    assert said in " ".join(outcome.stderr.split())
    assert not outcome.stdout

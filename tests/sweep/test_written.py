"""`archcalc find FILE.parquet`: rows of a sweep that was written are chosen as the sweep chooses them."""

from __future__ import annotations

import csv
import io
from pathlib import Path

import pytest

pytest.importorskip("pyarrow")

import pyarrow as pa
import pyarrow.parquet as pq

import archcalc
from archcalc.engine.sweep.written import chosen_of
from archcalc.source import SpecError
from tests.cli.running import run

CHOICES = (
    {"where": ["macs < 100M"], "sort": "params", "top": 7},
    {"where": ["op[0] == skip", "params >= 500K"], "pareto": "macs,-params"},
    {"pareto": "params,-macs", "top": 3},
    {"sort": "-macs", "where": ["op[5] != zeroize"]},
)


@pytest.fixture(scope="module")
def cells(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """All cells of NAS-Bench-201."""
    path = tmp_path_factory.mktemp("sweep") / "cells.parquet"
    run("sweep", "nas_bench_201", "--quantity", "macs,params", "-o", str(path))
    return path


@pytest.mark.parametrize("choice", CHOICES)
def test_rows_are_those_that_the_sweep_chooses(cells: Path, choice: dict[str, object]) -> None:
    given: dict[str, object] = {"where": [], **choice}
    found = chosen_of(cells, **given)  # type: ignore[arg-type]
    swept = archcalc.sweep("nas_bench_201", quantities=["macs", "params"], **given)  # type: ignore[arg-type]
    assert len(found) == len(swept) > 0
    for name in swept.heading.columns:
        assert found.columns[name].tolist() == swept.columns[name].tolist()


def test_row_groups_and_decimals(tmp_path: Path) -> None:
    """Widths of 0.5 and 1.25 are those, in a file of three row groups."""
    path = tmp_path / "w.parquet"
    run("sweep", "resnet50", "--over", "width=0.5:1.5:0.25", "--over", "resolution=128:256:64", "-o", str(path))
    table = pq.read_table(path)
    pq.write_table(table, path, row_group_size=5)
    found = chosen_of(path, ["width == 1.25", "resolution > 128"])
    assert list(zip(found.columns["width"], found.columns["resolution"], strict=True)) == [(1.25, 192), (1.25, 256)]
    assert found.columns["macs"][0] == archcalc.analyze("resnet50", set={"width": "5/4", "resolution": 192}).totals.macs
    assert len(chosen_of(path, ["width < 0.7"])) == 3


def test_the_command(cells: Path) -> None:
    shown = run("find", str(cells), "--where", "macs < 100M", "--top", "2", columns=80)
    assert "2 of 15,625 rows" in " ".join(shown.stdout.split())
    assert "conv1x1, conv1x1, conv1x1, conv1x1, conv3x3, conv3x3" in shown.stdout
    rows = list(csv.DictReader(io.StringIO(run("find", str(cells), "--top", "1", "--format", "csv").stdout)))
    # the published largest cell: 1.531546 M parameters with its biases, and 220.12 M MACs
    assert [(row["macs"], row["params"]) for row in rows] == [("220119680", "1531546")]


@pytest.mark.parametrize(
    ("options", "code", "says"),
    [
        (["--where", "macs < 1"], 1, "0 of 15,625 rows"),
        (["--where", "op[0] == skpi"], 2, "did you mean `skip`"),
        (["--where", "op[7] == skip"], 2, "this sweep has no column `op[7]`"),
        (["--task", "ImageNet"], 2, "the rows of a sweep have no --task"),
        (["./specs"], 2, "a sweep is looked through alone"),
    ],
)
def test_what_is_wrong_is_told(cells: Path, options: list[str], code: int, says: str) -> None:
    shown = run("find", str(cells), *options, code=code)
    assert says in " ".join((shown.stdout + shown.stderr).split())


def test_other_files_are_no_sweeps(tmp_path: Path) -> None:
    text, other = tmp_path / "text.parquet", tmp_path / "other.parquet"
    text.write_text("macs\n1\n", encoding="utf-8")
    pq.write_table(pa.table({"a": [1]}), other)
    for path, code in ((text, "no-table"), (other, "no-table"), (tmp_path / "none.parquet", "no-such-file")):
        with pytest.raises(SpecError) as error:
            chosen_of(path)
        assert error.value.diagnostics[0].code == code

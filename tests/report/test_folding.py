"""Rows of blocks that cost what an earlier one does: which are folded, that sums are exact, and when all are shown."""

from __future__ import annotations

import csv
import io
from pathlib import Path

import pytest

import archcalc
from archcalc.engine.folding import folded
from archcalc.engine.groups import ADDED
from archcalc.engine.network import Network
from archcalc.results.cost import LayerCost
from archcalc.source import Source
from archcalc.spec.library import choose
from archcalc.spec.read import read_spec
from tests.cli.running import run


def layers(text: str) -> list[LayerCost]:
    source = Source("own.yaml", f"network: own\n{text}")
    return archcalc.analyze(Network(*choose(read_spec(source)))).layers


def told(rows: list[LayerCost]) -> list[str]:
    return [f"{row.name}: {row.notation}" if row.like else row.name for row in rows]


@pytest.mark.parametrize("name", ["vit_b_16", "llama3_8b", "t5_small", "jamba", "detr_resnet50", "swin_t"])
def test_sums_are_those_of_all_rows(name: str) -> None:
    rows = archcalc.analyze(name).layers
    fewer = folded(rows)
    assert len(fewer) < len(rows)
    for quantity in ADDED:
        assert sum(getattr(row, quantity) for row in fewer) == sum(getattr(row, quantity) for row in rows), quantity
    at = [index for row in fewer for index in row.nodes]
    assert at == [index for row in rows for index in row.nodes]  # in their order, each once


@pytest.mark.parametrize("name", ["resnet152", "densenet121", "googlenet", "efficientnet_b0"])
def test_blocks_from_which_more_is_seen_are_others(name: str) -> None:
    rows = archcalc.analyze(name).layers
    assert folded(rows) == rows


def test_equal_blocks_need_not_follow_the_one_that_they_are_like() -> None:
    rows = layers(
        "input: tokens(8)\nmodules:\n  block(width):\n    up: linear(width)\n    down: linear(4)\n"
        "layers:\n  table: embedding(10, 4)\n  blocks: (block(w) for w in [6, 6, 6, 8, 6, 8, 8])\n"
        "  out: linear(2) * 2\n"
    )
    names = ["table", "blocks.1.up", "blocks.1.down", "blocks.2-3: as blocks.1", "blocks.4.up", "blocks.4.down"]
    names += ["blocks.5: as blocks.1", "blocks.6-7: as blocks.4", "out.1", "out.2"]
    assert told(folded(rows)) == names  # a row in place of one row is none fewer
    both = folded(rows)[3]
    assert both.like
    assert (both.times, both.params, both.macs) == (2, 2 * (4 * 6 + 6 + 6 * 4 + 4), 2 * 8 * (4 * 6 + 6 * 4))


def test_blocks_in_a_block_are_folded_before_it_is_repeated() -> None:
    rows = layers(
        "input: tokens(8)\nmodules:\n  narrow:\n    up: linear(6)\n    down: linear(4)\n"
        "  wide: linear(8) >> linear(4)\n"
        "layers:\n  table: embedding(10, 4)\n  blocks: (narrow * 3 >> wide) * 3\n"
    )
    assert told(folded(rows)) == [
        *("table", "blocks.1.narrow_1.up", "blocks.1.narrow_1.down", "blocks.1.narrow_2-3: as blocks.1.narrow_1"),
        *("blocks.1.wide.linear_1", "blocks.1.wide.linear_2", "blocks.2-3: as blocks.1"),
    ]


def test_a_long_table_has_a_row_for_blocks_that_are_alike() -> None:
    lines = run("show", "llama3_405b", columns=120).stdout.splitlines()
    (row,) = [line.split() for line in lines if line.startswith("blocks.3-126 ")]
    # 2 x 16384^2 + 2 x 16384 x 1024 + 3 x 16384 x 53248 weights and two norms of 16384 in each of 124 blocks
    block = 2 * 16384**2 + 2 * 16384 * 1024 + 3 * 16384 * 53248 + 2 * 16384
    assert row[1:3] == ["as", "blocks.2,"]
    assert f"{124 * block / 1e9:.1f} G" in " ".join(row)
    assert len(lines) < 70
    assert any(line.startswith("38 rows for 2,145: ") for line in lines)


@pytest.mark.parametrize("asked", [["--unfold"], ["--sort", "macs"], ["--format", "markdown"], ["-o", "all.txt"]])
def test_all_rows_where_they_are_asked_for(asked: list[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    found = run("show", "vit_b_16", *asked).stdout or Path("all.txt").read_text(encoding="utf-8")
    assert all(f"encoder.{number}.add_1.attention.linear" in found for number in range(1, 13))
    assert "rows for" not in found


def test_data_have_all_rows() -> None:
    rows = list(csv.DictReader(io.StringIO(run("show", "vit_b_16", "--format", "csv").stdout)))
    assert [row["name"] for row in rows] == [layer.name for layer in archcalc.analyze("vit_b_16").layers]


def test_a_row_of_several_blocks_is_no_path_and_says_which_are(tmp_path: Path) -> None:
    file = tmp_path / "deep.yaml"
    file.write_text(
        "network: deep\ninput: features(8)\nmodules: {block: linear(8) >> relu}\nlayers:\n  blocks: block * 99\n",
        encoding="utf-8",
    )
    assert "\nblocks.2-99 " in run("show", str(file)).stdout
    help = "this is a row of 98 blocks that are alike; name one of them: `blocks.2`"
    for asked in (["show", str(file), "--scope", "blocks.2-99"], ["explain", str(file), "blocks.2-99"]):
        assert help in run(*asked, code=2).stderr
    assert (
        help.replace("98 ", "2 ").replace(".2", ".3.relu")
        in run("explain", str(file), "blocks.3-4.relu", code=2).stderr
    )
    assert "a row of" not in run("explain", str(file), "blocks.2-100", code=2).stderr

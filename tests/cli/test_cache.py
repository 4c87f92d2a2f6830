"""The command cache: its tables, its files, and what it refuses."""

from __future__ import annotations

import csv
import io
import json
from pathlib import Path

import pytest

import archcalc
from tests.cli.running import run
from tests.engine.test_cache import DECODER, LATENT


@pytest.fixture
def latent(tmp_path: Path) -> str:
    file = tmp_path / "latent.yaml"
    file.write_text(LATENT, encoding="utf-8")
    return str(file)


@pytest.mark.parametrize("columns", [80, 120])
def test_the_tables(latent: str, columns: int) -> None:
    found = run("cache", latent, "--past", "8191", "--max", "16GiB", columns=columns).stdout
    lines = [line.split() for line in found.splitlines()]
    assert " ".join(found.split()).startswith(
        "latent: 549.0 MiB at bf16 after 8,192 positions; within 16GiB, a past of 244,475 at most"
    )
    assert ["latent", "61", "287.8", "M", "549.0", "MiB", "100.0%", "68.63", "KiB"] in lines
    (hidden,) = [line for line in lines if line[:1] == ["formula_hidden"]]
    assert hidden[1:4] in (["13.34", "GiB", "24.9x"], ["", "", ""])
    assert max(map(len, found.splitlines())) <= columns


def test_csv_and_json_say_where_a_rule_is_from(latent: str) -> None:
    rows = list(csv.DictReader(io.StringIO(run("cache", latent, "--past", "8191", "--format", "csv").stdout)))
    assert {row["what"] for row in rows} == {"kept", "needed", "engine", "formula"}
    assert all(row["source"] for row in rows if row["what"] in ("engine", "formula"))
    by_name = {row["name"]: row for row in rows}
    assert by_name["all"]["size_bytes"] == by_name["latent"]["size_bytes"] == str(70_272 * 8192)
    found = json.loads(run("cache", latent, "--past", "8191", "--batch", "2", "--format", "json").stdout)
    assert found["size_bytes"] == 2 * 70_272 * 8192
    assert found["next_bytes"] == 70_272
    assert {row["name"] for row in found["reserved"]} >= {"vllm", "llama_cpp", "formula_heads"}


def test_python_gives_the_same(latent: str) -> None:
    found = archcalc.cache(latent, past=8191, max="16GiB")
    assert found.value.largest_past == 16 * 2**30 // 70_272 - 1
    assert found.to_dict() == json.loads(
        run("cache", latent, "--past", "8191", "--max", "16GiB", "--format", "json").stdout
    )
    assert len(found.to_frame()) == len(list(found.value.parts)) + 1 + len(list(found.value.reserved))


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["lenet5", "--past", "3"], "error[nothing-kept]: lenet5 keeps nothing from step to step"),
        (["latent", "--dtype", "fp9"], "did you mean `fp8`?"),
        (["latent", "--max", "lots"], "`lots` is no amount of state_bytes"),
        (["latent", "--max", "3"], "state_bytes is"),
        (["latent", "--batch", "0"], "the batch is 0"),
    ],
)
def test_what_is_refused(latent: str, arguments: list[str], said: str) -> None:
    words = [latent if word == "latent" else word for word in arguments]
    found = run("cache", *words, code=None)
    assert said in " ".join(found.stderr.split())
    assert not found.stdout


def test_without_a_past_it_is_what_show_says(tmp_path: Path) -> None:
    file = tmp_path / "decoder.yaml"
    file.write_text(DECODER, encoding="utf-8")
    found = json.loads(run("cache", str(file), "--format", "json").stdout)
    (network,) = json.loads(run("show", str(file), "--dtype", "bf16", "--format", "json").stdout)["networks"]
    assert (found["length"], found["past"]) == (16, 0)
    assert found["size_bytes"] == network["totals"]["state_bytes"]

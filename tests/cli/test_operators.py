from __future__ import annotations

import csv
import io
import json

import pytest

from archcalc.ops import OPERATORS
from tests.cli.running import run


def test_operators_are_listed() -> None:
    found = run("ops", columns=80).stdout
    assert all(len(line) <= 80 for line in found.splitlines())
    assert f"{len(OPERATORS)} operators" in found
    for name in ("relu", "concat", "linear("):
        assert any(line.startswith(name) for line in found.splitlines())


@pytest.mark.parametrize("name", sorted(OPERATORS))
def test_every_operator_has_a_page(name: str) -> None:
    found = run("ops", name, columns=100).stdout
    assert found.startswith(f"{name}\n")
    for words in ("Shapes:", "Counts:", "Source:", "torch: "):
        assert words in found
    for argument in OPERATORS[name].arguments:
        assert f"\n{argument} " in found


def test_operators_for_programs() -> None:
    found = json.loads(run("ops", "--format", "json").stdout)
    assert {row["name"] for row in found["operators"]} == set(OPERATORS)
    (conv,) = json.loads(run("ops", "conv", "--format", "json").stdout)["operators"]
    assert [row["name"] for row in conv["arguments"]][:3] == ["channels", "kernel", "stride"]
    assert run("ops", "--format", "csv").stdout.startswith("name,family,signature,summary\n")
    assert run("ops", "conv", "--format", "markdown").stdout.startswith("# conv\n")


def test_an_unknown_operator_has_suggestions() -> None:
    assert "did you mean `maxpool`" in run("ops", "maxpol", code=2).stderr
    assert "lists them all" in run("ops", "zzzzzzz", code=2).stderr


def test_arguments_as_csv() -> None:
    (channels, *_) = csv.DictReader(io.StringIO(run("ops", "linear", "--format", "csv").stdout))
    assert (channels["name"], channels["default"]) == ("channels", "")
    assert run("ops", "relu", "--format", "csv").stdout == "name,takes,default,doc\n"  # none, but readers need names

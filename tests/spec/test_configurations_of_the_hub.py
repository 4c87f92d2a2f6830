"""Configurations in the form of the hub, with the keys of older versions: `hub.json`, written from memory of the files.

Parameters are those that transformers 5.24.0 builds of them, on meta; of mt5-small those of its checkpoint, which has
an output of its own that version 5 ties to the embedding. `id2label` stands there as the number of its entries.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

import archcalc

HUB: dict[str, dict[str, Any]] = json.loads((Path(__file__).parent / "hub.json").read_text(encoding="utf-8"))
OTHERWISE = {"distilbert-base-uncased"}  # names the class with the head of its training
TIED = {"mt5-small": 172_119_424}


def configuration(name: str) -> dict[str, Any]:
    values: dict[str, Any] = dict(HUB[name]["config"])
    if "id2label" in values:
        values["id2label"] = {str(number): "" for number in range(values["id2label"])}
    return values


@pytest.mark.parametrize("name", HUB)
def test_parameters_are_those_of_the_published_network(name: str, tmp_path: Path) -> None:
    path = tmp_path / "config.json"
    path.write_text(json.dumps(configuration(name)), encoding="utf-8")
    found = archcalc.analyze(str(path))
    assert found.totals.params == HUB[name]["params"]
    assert bool(found.remarks) is (name in OTHERWISE)


@pytest.mark.slow
@pytest.mark.torch
@pytest.mark.parametrize("name", HUB)
def test_transformers_builds_as_many(name: str) -> None:
    pytest.importorskip("torch", reason="the torch extra is not installed")
    pytest.importorskip("transformers", reason="the zoo extra is not installed")
    from archcalc.torch_bridge.zoo.models import parameters
    from tests.zoo.configurations import built

    assert parameters(built(configuration(name))) == TIED.get(name, HUB[name]["params"])

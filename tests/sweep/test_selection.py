"""What is kept of a sweep: filters, the Pareto front by brute force, order, the first few."""

from __future__ import annotations

from collections.abc import Callable
from fractions import Fraction
from itertools import product
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import archcalc
from archcalc.engine.sweep.selection import front
from archcalc.results.sweep import Sweep
from archcalc.source import SpecError
from tests.sweep.test_costs import network_of

OVER = {"resolution": "32:128:16", "width": "0.25:1:0.25", "depth": "[2,2,2,2];[3,4,6,3]"}
Row = dict[str, Any]


def rows(found: Sweep) -> list[Row]:
    names = list(found.columns)
    return [
        dict(zip(names, row, strict=True)) for row in zip(*(of.tolist() for of in found.columns.values()), strict=True)
    ]


ALL = rows(archcalc.sweep(["resnet18", "resnet50"], OVER))


@pytest.mark.parametrize(
    ("where", "keeps"),
    [
        (["macs < 600M"], lambda row: row["macs"] < 600_000_000),
        (["macs <= 600M", "params>5M"], lambda row: row["macs"] <= 600_000_000 and row["params"] > 5_000_000),
        (["size_bytes < 30MiB"], lambda row: row["size_bytes"] < 30 * 2**20),
        (["resolution >= 64", "resolution != 80"], lambda row: row["resolution"] >= 64 and row["resolution"] != 80),
        (["width > 0.3"], lambda row: row["width"] > 0.3),
        (["width <= 0.3"], lambda row: row["width"] <= 0.3),
        (["width < 0.3"], lambda row: row["width"] < 0.3),
        (["width >= .3"], lambda row: row["width"] >= 0.3),
        (["width == 3/4"], lambda row: row["width"] == 0.75),
        (["width == 0.3"], lambda row: False),
        (["width != 0.3", "width >= 1/2"], lambda row: row["width"] >= 0.5),
        (["depth == [2,2,2,2]"], lambda row: row["depth"] == "[2,2,2,2]"),
        (["depth != [2, 2, 2,2]"], lambda row: row["depth"] != "[2,2,2,2]"),
        (["params < 99999999999999999999"], lambda row: True),
    ],
)
def test_filters(where: list[str], keeps: Callable[[Row], bool]) -> None:
    expected = [row for row in ALL if keeps(row)]
    assert rows(archcalc.sweep(["resnet18", "resnet50"], OVER, where=where)) == expected


def dominated(row: Row, other: Row, objectives: dict[str, int]) -> bool:
    pairs = [(sign * row[name], sign * other[name]) for name, sign in objectives.items()]
    return all(theirs <= ours for ours, theirs in pairs) and any(theirs < ours for ours, theirs in pairs)


@pytest.mark.parametrize(
    ("pareto", "objectives"),
    [
        ("macs", {"macs": 1}),
        ("macs,params", {"macs": 1, "params": 1}),
        ("macs,-resolution", {"macs": 1, "resolution": -1}),
        ("max:resolution,macs,-width", {"resolution": -1, "macs": 1, "width": -1}),
        ("params,min:macs,-activations,-neurons", {"params": 1, "macs": 1, "activations": -1, "neurons": -1}),
    ],
)
@pytest.mark.parametrize("chunk", [2**18, 10])
def test_the_pareto_front(pareto: str, objectives: dict[str, int], chunk: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("archcalc.engine.sweep.plan.CHUNK", chunk)
    expected = [row for row in ALL if not any(dominated(row, other, objectives) for other in ALL)]
    found = rows(archcalc.sweep(["resnet18", "resnet50"], OVER, pareto=pareto))
    assert sorted(map(str, found)) == sorted(map(str, expected))
    name, sign = next(iter(objectives.items()))
    assert [sign * row[name] for row in found] == sorted(sign * row[name] for row in found)  # the best first


@given(st.lists(st.tuples(*[st.integers(0, 4)] * 3), max_size=30), st.integers(1, 3))
def test_any_front(points: list[tuple[int, ...]], objectives: int) -> None:
    cut = [point[:objectives] for point in points]
    expected = [
        number
        for number, point in enumerate(cut)
        if not any(other != point and all(a <= b for a, b in zip(other, point, strict=True)) for other in cut)
    ]
    columns = [np.array([point[at] for point in cut], dtype=np.int64) for at in range(objectives)]
    assert front(columns, None, len(cut)).tolist() == expected


@pytest.mark.parametrize("chunk", [2**18, 10])
def test_order_and_the_first_few(chunk: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("archcalc.engine.sweep.plan.CHUNK", chunk)
    names = ["resnet18", "resnet50"]
    by_macs = sorted(ALL, key=lambda row: -row["macs"])
    assert rows(archcalc.sweep(names, OVER, sort="macs")) == by_macs
    assert rows(archcalc.sweep(names, OVER, top=5)) == by_macs[:5]
    assert rows(archcalc.sweep(names, OVER, sort="-width", top=9)) == sorted(ALL, key=lambda row: row["width"])[:9]
    assert rows(archcalc.sweep(names, OVER, sort="depth")) == sorted(ALL, key=lambda row: row["depth"])
    objectives = {"params": 1, "macs": -1}
    small = [row for row in ALL if row["macs"] < 100_000_000]
    best = [row for row in small if not any(dominated(row, other, objectives) for other in small)]
    found = archcalc.sweep(names, OVER, where=["macs < 100M"], pareto="params,-macs", sort="macs", top=3)
    assert rows(found) == sorted(best, key=lambda row: -row["macs"])[:3]


def test_numbers_past_64_bits_are_ordered_and_filtered() -> None:
    over = {"resolution": "3200000000,6400000000,32", "width": "1,2"}
    found = rows(archcalc.sweep("resnet50@torchvision", over, sort="macs", quantities=["macs", "params"]))
    assert [row["macs"] for row in found] == sorted((row["macs"] for row in found), reverse=True)
    less = rows(archcalc.sweep("resnet50@torchvision", over, where=["macs < 9999999999T"], quantities=["macs"]))
    assert [row["resolution"] for row in less] == [32, 32]
    best = rows(archcalc.sweep("resnet50@torchvision", over, pareto="macs,-resolution", quantities=["macs"]))
    assert [row["resolution"] for row in best] == [32, 3_200_000_000, 6_400_000_000]


def test_fractions_that_are_no_decimals_are_compared_exactly() -> None:
    over = {"channels": "1/3:5/3:1/3"}
    text = "network: n\ninput: image(3, 8, 8)\nvariables: {channels: 1}\nlayers:\n  a: conv(6*channels, 1)\n"
    found = archcalc.sweep(network_of(text), over, sort="-channels")
    assert found.columns["channels"].tolist() == ["1/3", "2/3", "1", "4/3", "5/3"]
    assert found.columns["params"].tolist() == [(3 + 1) * c for c in (2, 4, 6, 8, 10)]
    assert len(archcalc.sweep(network_of(text), over, where=["channels > 2/3"])) == 3


@pytest.mark.parametrize(
    ("options", "code"),
    [
        ({"where": ["macs < +2%"]}, "bad-condition"),
        ({"where": ["macs"]}, "bad-condition"),
        ({"where": ["width < wide"]}, "bad-condition"),
        ({"where": ["depth < 3"]}, "bad-condition"),
        ({"where": ["depth == [2,2,2]"]}, "bad-condition"),
        ({"where": ["macs < 3Q"]}, "bad-condition"),
        ({"where": ["mac < 3"]}, "unknown-column"),
        ({"where": ["peak_activations < 3"]}, "unknown-column"),
        ({"pareto": "macs,par"}, "unknown-column"),
        ({"pareto": "macs,depth"}, "bad-objective"),
        ({"sort": "mac"}, "unknown-column"),
        ({"quantities": ["flops"]}, "unknown-quantity"),
    ],
)
def test_mistakes_in_what_is_chosen(options: dict[str, Any], code: str) -> None:
    with pytest.raises(SpecError) as found:
        archcalc.sweep("resnet18", OVER, **options)
    assert found.value.diagnostics[0].code == code
    assert found.value.diagnostics[0].help or code == "bad-objective"


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ({"batch": 0}, "batch is 0"),
        ({"top": 0}, "top is 0"),
        ({"sample": -3}, "sample is -3"),
        ({"seed": -1}, "seed is -1"),
        ({"dtype": "fp99"}, "no dtype is called fp99"),
        ({"quantities": []}, "one quantity at least"),
    ],
)
def test_arguments_that_are_none(options: dict[str, Any], said: str) -> None:
    with pytest.raises(ValueError, match=said):
        archcalc.sweep("resnet18", OVER, **options)


def test_every_value_of_a_width_is_exact() -> None:
    found = archcalc.sweep("resnet18", {"width": "0.1:3:0.1"}, set={"resolution": 32})
    exact = [Fraction(k, 10) for k in range(1, 31) if (64 * k) % 10 == 0]
    assert found.columns["width"].tolist() == [float(value) for value in exact]
    assert [Fraction(repr(value)) for value in found.columns["width"].tolist()] == exact


def test_products_of_axes_are_in_the_order_of_the_options() -> None:
    found = archcalc.sweep("resnet18", {"width": "0.5,1", "resolution": "32,64"}).columns
    pairs = list(zip(found["width"].tolist(), found["resolution"].tolist(), strict=True))
    assert pairs == list(product([0.5, 1.0], [32, 64]))

"""What is found in a space without going through it, against going through all of it, and arithmetic by hand."""

from __future__ import annotations

from collections import Counter
from functools import cache
from typing import Any

import numpy as np
import pytest

import archcalc
from archcalc.engine.network import Network
from archcalc.engine.sweep.plan import make_plan
from archcalc.engine.sweep.run import collected
from archcalc.engine.sweep.search import Search
from archcalc.results.sweep import Sweep
from archcalc.source import Source, SpecError
from archcalc.spec.library import choose
from archcalc.spec.read import read_spec

# name -> network and what narrows its space: few enough to go through
NARROWED: dict[str, tuple[str, dict[str, Any]]] = {
    "nas_bench_201": (
        "nas_bench_201",
        {"op[0]": ["skip", "conv3x3"], "op[3]": ["zeroize", "conv1x1"], "op[5]": ["conv1x1", "unheard_of"]},
    ),
    "ofa_mobilenet_v3": (
        "ofa_mobilenet_v3",
        {"depth[0]": [2, 3], "kernel[1]": [3, 7], "kernel[2]": [3, 5], "kernel[4]": [3, 5, 7], "expansion[4]": [3, 6]},
    ),
    "resnet50": ("resnet50", {**{f"depth[{at}]": range(1, 5) for at in range(4)}, "resolution": [64, 96, 224]}),
    "darts": ("darts", {f"normal_op[{at}]": ["max_pool_3x3", "sep_conv_5x5", "skip_connect"] for at in (0, 1, 5)}),
}

CHAIN = """\
network: chain
input: image(3, 16, 16)
variables: {depth: 2, kernel: '[3] * 4', width: '[8] * 4', stride: '[1] * 4'}
modules:
  stage(base): (block(kernel[base + i], width[base + i], stride[base + i]) for i in range(depth))
  block(k, w, s): conv(w, k, stride=s, padding=0) >> relu
layers: {stem: 'conv(4, 3, padding=half)', body: stage(0), pool: global_avgpool, fc: linear(10)}
"""
CHAINED = {
    "depth": range(1, 5),
    **{f"kernel[{at}]": [3, 7] for at in range(4)},
    **{f"width[{at}]": [8, 12] for at in range(3)},
    "stride[1]": [1, 2],
}


def narrowed(name: str) -> tuple[Any, dict[str, Any], dict[str, str]]:
    """A network, its axes, and what is set of the others."""
    if name == "chain":
        return Network(*choose(read_spec(Source("net.yaml", CHAIN)))), CHAINED, {}
    network, over = NARROWED[name]
    space = make_plan(network, [], quantities=["macs"], sample=1).axes if network != "resnet50" else ()
    kept = {axis.name for axis in space} if name == "nas_bench_201" else set(over)
    return network, over, {axis.name: str(axis.value(0)) for axis in space if axis.name not in kept}


def both(name: str, **chosen: Any) -> tuple[Sweep, Sweep]:
    """What is found, and what going through all of it chooses."""
    network, over, fixed = narrowed(name)
    plan = make_plan(network, over, set=fixed, quantities=["params", "macs"], **chosen)
    assert plan.points < 40_000
    return Search(plan).found(), collected(plan)


def rows(found: Sweep, names: Any = None) -> Counter[tuple[Any, ...]]:
    names = found.heading.columns if names is None else names
    return Counter(zip(*[found.columns[name].tolist() for name in names], strict=True))


@pytest.mark.parametrize("name", ["chain", *[pytest.param(name, marks=pytest.mark.slow) for name in NARROWED]])
def test_the_first_few_cost_what_they_do_where_all_are_gone_through(name: str) -> None:
    for chosen in (
        {"top": 7},
        {"top": 20, "sort": "-params"},
        {"top": 5, "sort": "params", "where": [limit(name, "params", 0.7)]},
        {"top": 6, "sort": "macs", "where": [limit(name, "params", 0.6)]},
        {"top": 6, "sort": "-macs", "where": [limit(name, "params", 0.5, ">=")]},
        {"top": 4, "sort": "macs", "where": [limit(name, "macs", 0.5), limit(name, "params", 0.4, ">")]},
    ):
        found, gone_through = both(name, **chosen)
        by = chosen.get("sort", "macs").removeprefix("-")  # type: ignore[attr-defined]
        assert found.columns[by].tolist() == gone_through.columns[by].tolist(), chosen
        assert lost(found) == lost(gone_through)


@cache
def limit(name: str, column: str, part: float, sign: str = "<=") -> str:
    """A condition that about so many of all meet."""
    network, over, fixed = narrowed(name)
    columns = archcalc.sweep(network, over, set=fixed, quantities=["params", "macs"]).columns
    return f"{column} {sign} {int(np.quantile(columns[column], part))}"


def lost(found: Sweep) -> dict[str, int]:
    return {of.code: of.points for of in found.tally.left_out}


@pytest.mark.parametrize("name", ["chain", *[pytest.param(name, marks=pytest.mark.slow) for name in NARROWED]])
def test_fronts_and_what_meets_conditions_are_the_same(name: str) -> None:
    for chosen in (
        {"pareto": "macs,-params"},
        {"pareto": "-macs,params", "where": [limit(name, "macs", 0.6)]},
        {"pareto": "params,-macs", "where": [limit(name, "params", 0.3, ">")]},
        {"where": [limit(name, "macs", 0.1)]},
        {"where": [limit(name, "macs", 0.3), limit(name, "params", 0.2, ">")], "sort": "params"},
    ):
        found, gone_through = both(name, **chosen)
        assert rows(found) == rows(gone_through), chosen
        assert lost(found) == lost(gone_through)


def test_conditions_on_axes_and_objectives_that_are_axes() -> None:
    found, gone_through = both(
        "resnet50", pareto="macs,-resolution,-depth[1]", where=["resolution >= 96", "depth[0] != 2"]
    )
    assert rows(found) == rows(gone_through)
    found, gone_through = both("nas_bench_201", top=9, sort="-macs", where=["op[4] == conv3x3", "op[0] != conv3x3"])
    assert found.columns["macs"].tolist() == gone_through.columns["macs"].tolist()
    assert set(found.columns["op[4]"]) == {"conv3x3"}


def test_draws_meet_the_conditions_and_each_that_does_is_as_likely() -> None:
    condition = limit("chain", "macs", 0.03)
    _, gone_through = both("chain", where=[condition])
    network, over, _ = narrowed("chain")
    found = archcalc.sweep(network, over, quantities=["params", "macs"], where=[condition], sample=900, seed=3)
    assert found.searched is not None
    assert found.searched.meeting == len(gone_through)
    drawn, there = rows(found), rows(gone_through)
    assert set(drawn) <= set(there)
    expected = 900 / len(there)
    squares = sum((drawn[each] - expected) ** 2 / expected for each in there)
    assert squares < 2 * len(there)  # chi-squared: its mean is the number of those that meet it


def test_the_largest_networks_of_once_for_all_of_three_sextillion() -> None:
    """All deepest, kernels of 7, expansions of 6: 566,170,656 MACs by the arithmetic of test_spaces."""
    found = archcalc.sweep("ofa_mobilenet_v3", quantities=["params", "macs"], top=2)
    first = {name: of[0] for name, of in found.columns.items()}
    assert found.tally.computed == 3**45
    assert {first[f"kernel[{at}]"] for at in range(20)} == {7}
    assert {first[f"expansion[{at}]"] for at in range(20)} == {6}
    assert first["macs"] == archcalc.analyze("ofa_mobilenet_v3").totals.macs == 566_170_656
    assert found.columns["macs"][1] < first["macs"]


def test_what_is_too_much_to_list_says_how_many_there_are() -> None:
    with pytest.raises(SpecError) as error:
        archcalc.sweep("ofa_mobilenet_v3", quantities=["macs"], set={"kernel": "[3] * 20"}, where=["macs < 150M"])
    diagnostic = error.value.diagnostics[0]
    assert diagnostic.code == "too-many-points"
    assert "meet the conditions" in diagnostic.message
    assert "--top" in str(diagnostic.help)

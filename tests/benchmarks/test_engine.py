"""Timings of the engine, in process; what is asserted is what grows how, never seconds."""

from __future__ import annotations

import inspect
import time
from typing import Any

import pytest

import archcalc
from archcalc.claims.audit import audit
from archcalc.claims.check import check_ledger
from archcalc.engine.cost.analyze import total
from archcalc.source import Source
from archcalc.spec.library import specs_folder
from tests.benchmarks.workloads import chain, every_network, from_file, from_source

pytestmark = pytest.mark.benchmark


@pytest.mark.parametrize(
    ("file", "name"), [("resnet.yaml", "resnet152"), ("googlenet.yaml", "googlenet"), ("vgg.yaml", "vgg16")]
)
def test_file_to_totals(benchmark: Any, file: str, name: str) -> None:
    cost = benchmark.pedantic(from_file, args=(specs_folder() / file, name), rounds=15, warmup_rounds=1)
    assert cost.totals.macs > 1_000_000_000


def test_every_network(benchmark: Any) -> None:
    assert benchmark.pedantic(every_network, rounds=3) > 50


def test_expansion(benchmark: Any) -> None:
    network = archcalc.load("resnet152")
    assert benchmark.pedantic(network.graph, rounds=15).nodes


def test_totals(benchmark: Any) -> None:
    graph = archcalc.load("resnet152").graph()
    assert benchmark.pedantic(total, args=(graph,), rounds=30).params == 60_192_808


def test_layers_and_receptive_fields(benchmark: Any) -> None:
    def rows() -> int:
        cost = archcalc.analyze("resnet152")
        return sum(layer.receptive_field is not None for layer in cost.layers)

    assert benchmark.pedantic(rows, rounds=10) > 200


def test_closed_form(benchmark: Any) -> None:
    form = benchmark.pedantic(archcalc.closed_form, args=("resnet152", ["resolution"]), rounds=10)
    assert "ceil(resolution/32)" in str(form)


@pytest.mark.parametrize("kind", ["repeated", "unrolled"])
def test_ten_thousand_layers(benchmark: Any, kind: str) -> None:
    source = chain(kind, 10_000)
    cost = benchmark.pedantic(from_source, args=(source,), rounds=2)
    assert cost.totals.layers == cost.totals.depth == 10_000
    assert cost.totals.macs == 10_000 * 8 * 8 * 9 * 256


@pytest.mark.parametrize("kind", ["repeated", "unrolled"])
def test_time_grows_with_the_layers(kind: str) -> None:
    """Ten times the layers take about ten times as long: far from the hundred of what grows with the square."""

    def best(length: int) -> float:
        source = chain(kind, length)
        taken = []
        for _ in range(3):
            start = time.process_time()  # in which others on the machine have no part
            from_source(source)
            taken.append(time.process_time() - start)
        return min(taken)

    from_source(chain(kind, 10))
    assert best(20_000) < 30 * best(2_000)


def test_audit_of_45000_rows(benchmark: Any) -> None:
    """Figures that are nearly all wrong, of ten networks, so that all explanations are tried."""
    names = ("resnet18", "resnet34", "resnet50", "vgg16", "vgg19", "alexnet", "densenet121", "squeezenet1_0")
    rows = [f"{names[row % len(names)]},{0.3 + row / 2000:.3f}" for row in range(45_000)]
    source = Source("table.csv", "\n".join(["model,GMACs", *rows]))
    assert len(benchmark.pedantic(audit, (source,), rounds=1).figures) == 45_000


def test_ledger(benchmark: Any) -> None:
    """Every published figure, files and all."""
    assert len(benchmark.pedantic(check_ledger, rounds=5).results) > 500


def test_two_million_lengths_and_pasts(monkeypatch: pytest.MonkeyPatch) -> None:
    """llama3_8b over length x past: expanded once for all; all else are the points that the engine computes again."""
    network = archcalc.load("llama3_8b")
    expanded: list[set[str]] = []  # the free variables of each expansion
    signature = inspect.signature(type(network).graph)
    expand = type(network).graph

    def counted(*arguments: Any, **named: Any) -> Any:
        expanded.append({*signature.bind(*arguments, **named).arguments.get("free", ())})
        return expand(*arguments, **named)

    monkeypatch.setattr(type(network), "graph", counted)
    over = {"length": range(1, 2049), "past": range(1000)}
    found = archcalc.sweep(network, over, quantities=["macs", "state"])
    assert found.tally.computed == 2_048_000
    assert expanded.count({"length", "past"}) == 1
    assert len([names for names in expanded if names]) == 1
    assert len(expanded) < 20

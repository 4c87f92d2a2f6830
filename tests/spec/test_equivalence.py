"""Two ways to write one network give one graph; so do two ways to expand it, and two ways to read it."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from archcalc.engine.network import Network, analyze
from archcalc.graph import Graph
from archcalc.source import Source, SpecError, located, read_source
from archcalc.spec import expander as expansion
from archcalc.spec.expand import expand
from archcalc.spec.read import read_spec
from tests.spec.cases import paths
from tests.spec.test_anything import SMALL, specs

ALL = [*sorted((Path(__file__).parents[2] / "specs").glob("*.yaml")), *paths("valid")]
HEAD = "network: n\ninput: image(4, 8, 8)\n"


def graph_of(text: str, **settings: Any) -> Graph:
    return Network(read_spec(Source("t.yaml", text)), "n").graph(settings)


def shown(graph: Graph) -> list[tuple[object, ...]]:
    """All that a graph says, but for places in the file."""
    nodes = [(n.name, n.layer, n.operator, n.inputs, n.x, n.y, n.shares) for n in graph.nodes]
    ends = (graph.output, tuple(graph.heads.items()), tuple(graph.outputs.items()), graph.first_head)
    return [*nodes, ends, tuple(graph.assumptions)]


def computed(graph: Graph) -> list[tuple[object, ...]]:
    """All but the names."""
    return [(n.operator, n.inputs, n.x, n.y, n.shares) for n in graph.nodes]


class NoTemplates(dict[Any, Any]):
    """Remembers nothing, so that every call of a module is expanded."""

    def __setitem__(self, key: Any, value: Any) -> None:
        """Forget it."""


def unreplayed(monkeypatch: pytest.MonkeyPatch) -> None:
    plain = expansion.Expander.__init__

    def without(self: Any, *arguments: Any) -> None:
        plain(self, *arguments)
        self.templates = NoTemplates()

    monkeypatch.setattr(expansion.Expander, "__init__", without)


@pytest.mark.parametrize("path", ALL, ids=lambda path: path.stem)
def test_a_replayed_module_is_an_expanded_one(path: Path) -> None:
    spec = read_spec(read_source(path))
    for name in spec.names():
        with pytest.MonkeyPatch.context() as monkeypatch:
            replayed = expand(spec, name)
            unreplayed(monkeypatch)
            expanded = expand(spec, name)
        assert shown(replayed) == shown(expanded)


@given(specs())
def test_a_replayed_module_is_an_expanded_one_in_any_spec(text: str) -> None:
    try:
        spec = read_spec(Source("t.yaml", text))
    except SpecError:
        return
    for name in spec.names():
        with pytest.MonkeyPatch.context() as monkeypatch:
            replayed = outcome(spec, name)
            unreplayed(monkeypatch)
            expanded = outcome(spec, name)
        assert replayed == expanded


def outcome(spec: Any, name: str) -> Any:
    try:
        return shown(expand(spec, name, limits=SMALL))
    except SpecError as error:
        limits = {"too-many-steps", "too-many-layers"}
        return {"a limit" if found.code in limits else (found.code, found.message) for found in error.diagnostics}


@pytest.mark.parametrize("path", ALL, ids=lambda path: path.stem)
def test_both_readers_of_yaml_give_the_same(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    before = read_spec(read_source(path))
    monkeypatch.setattr(located, "_LOADER", yaml.SafeLoader)
    after = read_spec(read_source(path))
    assert before.names() == after.names()
    for name in before.names():
        assert shown(expand(before, name)) == shown(expand(after, name))


# Pairs that say the same, names and all.
SAME = {
    "a chain and a list": ("layers: conv(4, 1) >> relu", "layers:\n  - conv(4, 1)\n  - relu"),
    "quotes": ("layers: {a: 'conv(4, 1)'}", "layers:\n  a: conv(4, 1)"),
    "lines": ("layers:\n  a: conv(4, 1) >> relu", "layers:\n  a:\n    conv(4,\n      1) >>\n    relu"),
    "a bare name": ("layers: relu", "layers: relu()"),
    "by name": ("layers: conv(2, 3, 1, half)", "layers: conv(padding=half, kernel=3, channels=2)"),
    "a variable": ("variables: {w: 5}\nlayers: conv(w * 2, 1)", "layers: conv(10, 1)"),
    "a derived variable": ("variables: {w: v, v: 5}\nlayers: conv(w, 1)", "layers: conv(5, 1)"),
    "a default": ("defaults: {conv: {kernel: 1}}\nlayers: conv(3)", "layers: conv(3, 1)"),
    "a default argument": (
        "modules: {m(n=3): 'conv(n, 1)'}\nlayers: {a: m}",
        "modules: {m(n): 'conv(n, 1)'}\nlayers: {a: m(3)}",
    ),
    "a generator of branches": (
        "layers: concat(conv(n, 1) for n in (1, 2))",
        "layers: concat(conv(1, 1), conv(2, 1))",
    ),
    "branches below each other": ("layers: concat(relu, tanh)", "layers:\n  concat:\n    - relu\n    - tanh"),
    "none": ("layers: concat(relu, none, tanh)", "layers: concat(relu, tanh)"),
    "identity": ("layers: {a: identity, b: relu}", "layers: {b: relu}"),
    "no times": ("layers: {a: relu * 0, b: relu}", "layers: {b: relu}"),
    "one branch": ("layers:\n  a: concat(relu)\n  b: tanh", "layers:\n  a: concat(relu, none)\n  b: tanh"),
    "a condition": ("layers: {a: relu if 1 < 2 else tanh}", "layers: {a: relu}"),
    "an identity norm": ("layers: conv(3, 1, norm=identity)", "layers: conv(3, 1)"),
    "a variant": (
        "variables: {w: 3}\nvariants: {n: {w: 4}}\nlayers: conv(w, 1)",
        "variables: {w: 4}\nlayers: conv(w, 1)",
    ),
    "the network's input": ("layers:\n  a: relu", "layers:\n  a: tap(input) >> relu"),
}
# Pairs that compute the same under other names.
ALIKE = {
    "three times": ("layers: conv(4, 1) * 3", "layers: {a: 'conv(4, 1)', b: 'conv(4, 1)', c: 'conv(4, 1)'}"),
    "a generator": ("layers: (conv(n, 1) for n in (1, 2))", "layers: conv(1, 1) >> conv(2, 1)"),
    "taken apart": ("layers: concat(relu, concat(tanh, softmax))", "layers: concat(relu, tanh, softmax)"),
    "a block written out": (
        "modules:\n  m(n):\n    - add:\n        a: conv(n, 1)\n        b: identity\n    - relu\nlayers: m(4) >> m(4)",
        "layers:\n"
        + "".join(f"  {k}:\n    - add:\n        a: conv(4, 1)\n        b: identity\n    - relu\n" for k in "xy"),
    ),
    "a block of several": (
        "modules:\n  m: conv(4, 1) >> relu\nlayers: m * 3",
        "layers: conv(4, 1) >> relu >> conv(4, 1) >> relu >> conv(4, 1) >> relu",
    ),
    "a body as an argument": (
        "modules:\n  m(b): b >> relu\nlayers: m(conv(4, 1) >> tanh)",
        "layers: conv(4, 1) >> tanh >> relu",
    ),
    "recursion": (
        "modules:\n  m(n): (relu >> m(n - 1)) if n > 0 else relu\nlayers: m(3)",
        "layers: relu * 4",
    ),
}


@pytest.mark.parametrize("pair", SAME.values(), ids=SAME)
def test_two_ways_to_write_a_network(pair: tuple[str, str]) -> None:
    one, other = (graph_of(HEAD + text + "\n") for text in pair)
    assert shown(one) == shown(other)


@pytest.mark.parametrize("pair", ALIKE.values(), ids=ALIKE)
def test_two_ways_to_compute_a_network(pair: tuple[str, str]) -> None:
    one, other = (graph_of(HEAD + text + "\n") for text in pair)
    assert computed(one) == computed(other)


BRANCHES = ["conv(4, 1)", "relu", "maxpool(3, 1, half) >> conv(2, 1)", "conv(2, 3, padding=half)", "identity"]


@given(st.permutations(BRANCHES))
def test_the_order_of_branches_does_not_change_totals(branches: list[str]) -> None:
    def figures(order: list[str]) -> tuple[int, ...]:
        spec = read_spec(Source("t.yaml", f"{HEAD}layers: concat({', '.join(order)}) >> conv(3, 1)\n"))
        totals = analyze(Network(spec, "n")).totals
        return totals.params, totals.macs, totals.flops, totals.activations, totals.depth, totals.layers

    assert figures(branches) == figures(BRANCHES)


def test_a_module_in_its_file_or_set_from_outside() -> None:
    text = HEAD + "variables: {block: relu, n: 2}\nmodules: {m: 'conv(3, 1)'}\nlayers: {a: block, b: m * n}\n"
    assert shown(graph_of(text, block="m", n="1 + 2")) == shown(graph_of(text.replace("relu, n: 2", "m, n: 3")))

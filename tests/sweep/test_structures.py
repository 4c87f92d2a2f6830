"""Structures by tables against the integer engine: every quantity equal, refused where it refuses and nowhere else."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from archcalc.engine.library import spec_files
from archcalc.engine.memory.form import ON_A_MACHINE
from archcalc.engine.network import Network, load
from archcalc.engine.sweep import tables
from archcalc.engine.sweep.axes import axis_of
from archcalc.engine.sweep.expansion import SWEEPABLE, Question, costs_at
from archcalc.engine.sweep.plan import make_plan
from archcalc.engine.sweep.structures import Structures
from archcalc.engine.sweep.walk import Added, Walk
from archcalc.results.sweep import Axis
from archcalc.source import SpecError
from archcalc.spec.library import read_file

SPACES = Path(__file__).parent / "spaces"
PEAK = "peak_activations"
OF_THE_WHOLE = ("saved_bytes", PEAK, *ON_A_MACHINE)
EVERY = tuple(name for name in SWEEPABLE if name not in OF_THE_WHOLE)
ALL = tuple(
    name for name in EVERY if not name.startswith("flops_") or name == "flops_fvcore"
)  # a convention is an analysis
FEW = ("params", "macs", "activations", "depth", "depth_with_pooling")


def axis(name: str, values: Any) -> Axis:
    """Values at a position, whatever the command line can say."""
    return axis_of("values", values)._replace(name=name)


def space(name: str) -> tuple[Network, list[Axis]]:
    """The three spaces that the design was tried on."""
    if name == "resnet50":
        return load("resnet50"), [axis(f"depth[{at}]", range(1, 9)) for at in range(4)]
    network = load(SPACES / f"{name}.yaml")
    if name == "nas_bench_201":
        words = ["zeroed", "skip", "conv1x1", "conv3x3", "avgpool3"]
        return network, [axis(f"op[{at}]", words) for at in range(6)]
    depth = [axis(f"depth[{at}]", [2, 3, 4]) for at in range(5)]
    kernel = [axis(f"kernel[{at}]", [3, 5, 7]) for at in range(20)]
    return network, [*depth, *kernel, *[axis(f"expansion[{at}]", [3, 4, 6]) for at in range(20)]]


def draws(axes: Sequence[Axis], count: int, seed: int = 0) -> dict[str, Any]:
    random = np.random.default_rng(seed)
    return {axis.name: random.integers(0, axis.size, count) for axis in axes}


def every(axes: Sequence[Axis]) -> dict[str, Any]:
    places = np.indices([axis.size for axis in axes]).reshape(len(axes), -1)
    return {axis.name: place for axis, place in zip(axes, places, strict=True)}


def by_itself(network: Network, question: Question, settings: Mapping[str, Any]) -> Any:
    try:
        return costs_at(network, question, settings)
    except SpecError as error:
        return error.diagnostics[0].code


def check(
    network: Network, axes: Sequence[Axis], codes: Mapping[str, Any], quantities: Sequence[str], limit: int
) -> Structures:
    """Hold every structure against the engine."""
    size = len(next(iter(codes.values()))) if codes else 1
    question = Question(tuple(quantities))
    structures = Structures(network, question, axes, [], limit)
    found = structures.evaluate(codes, size)
    for at in range(size):
        settings = {axis.name: axis.value(int(codes[axis.name][at])) for axis in axes}
        error = int(found.refusals[at, 0])
        given: Any = structures.codes[error] if error else {name: int(of[at, 0]) for name, of in found.costs.items()}
        assert given == by_itself(network, question, settings), settings
    return structures


@pytest.mark.parametrize("limit", [1, 8, 256])
@pytest.mark.parametrize("name", ["resnet50", "nas_bench_201", "ofa_mobilenet_v3"])
def test_spaces_are_exact_wherever_they_are_cut(name: str, limit: int) -> None:
    network, axes = space(name)
    structures = check(network, axes, draws(axes, 10, limit), ALL, limit)
    assert not structures.is_whole
    assert structures.expansions_made <= 600


def test_where_there_are_more_shapes_than_are_told_apart(monkeypatch: pytest.MonkeyPatch) -> None:
    """Structures are then expanded one by one: no two shapes have one number."""
    monkeypatch.setattr(tables, "MOST_SHAPES", 6)
    network, axes = space("resnet50")
    assert check(network, axes, draws(axes, 5), EVERY, 64).is_whole


@pytest.mark.slow
@pytest.mark.parametrize("name", ["resnet50", "nas_bench_201", "ofa_mobilenet_v3"])
def test_a_thousand_structures_of_each_space(name: str) -> None:
    network, axes = space(name)
    check(network, axes, draws(axes, 1000), EVERY, 64)


@pytest.mark.slow
@pytest.mark.parametrize(("name", "count"), [("darts", 200), ("nas_bench_201", 100), ("ofa_mobilenet_v3", 100)])
def test_spaces_of_the_library(name: str, count: int) -> None:
    network = load(name)
    plan = make_plan(name, [], sample=1)
    check(network, plan.axes, draws(plan.axes, count, 3), FEW, 64)


@pytest.mark.parametrize(("name", "is_apart"), [("darts", True), ("nas_bench_101", False)])
def test_what_is_no_faster_apart_is_expanded_as_a_whole(name: str, is_apart: bool) -> None:
    """In NAS-Bench-101 all widths of a cell depend on all of its edges."""
    assert make_plan(name, [], quantities=["macs"], sample=100).apart == (is_apart,)


@pytest.mark.slow
def test_all_cells_of_nas_bench_201() -> None:
    network, axes = space("nas_bench_201")
    check(network, axes, every(axes), FEW, 64)


def test_the_figures_of_nas_bench_201() -> None:
    """Dong and Yang 2020: 15,625 cells; the largest and the smallest as its tables print them, and 10 biases."""
    network, axes = space("nas_bench_201")
    found = Structures(network, Question(("params", "macs")), axes, []).evaluate(every(axes), 15625)
    assert (found.costs["params"].max(), found.costs["macs"].max()) == (1_531_546, 220_119_680)
    assert (found.costs["params"].min(), found.costs["macs"].min()) == (73_306, 7_783_040)


@pytest.mark.parametrize("limit", [1, 64])
@pytest.mark.parametrize("name", ["resnet50", "ofa_mobilenet_v3"])
def test_peaks_where_units_are_a_chain(name: str, limit: int) -> None:
    network, axes = space(name)
    structures = check(network, axes, draws(axes, 5, 1), (PEAK, "macs"), limit)
    assert structures.expansions_made <= 600
    assert not structures.is_whole


def test_a_peak_inside_a_cell_is_found_cell_by_cell() -> None:
    network, axes = space("nas_bench_201")
    check(network, axes, draws(axes, 6, 2), (PEAK,), 8)


def networks() -> list[Network]:
    found = [(read_file(path, name)) for name, path in spec_files()]
    return [Network(spec, each) for spec in found for each in spec.names()]


def cut(network: Network, limit: int) -> None:
    """A network that is not swept, cut at its entries or, with a limit of 0, at every operation."""
    for with_heads in (False, True):
        question = Question(ALL, with_heads=with_heads)
        structures = Structures(network, question, [], [], limit)
        found = structures.evaluate({}, 1)
        error = int(found.refusals[0, 0])
        given: Any = structures.codes[error] if error else {name: int(of[0, 0]) for name, of in found.costs.items()}
        assert given == by_itself(network, question, {}), network.name
        if not network.spec.heads:
            break


@pytest.mark.parametrize("limit", [0, 64])
@pytest.mark.parametrize(
    "name", ["googlenet", "resnet50", "densenet121", "enet", "squeezenet1_0@pruned", "mobilenet_v3_large", "gemma2_9b"]
)
def test_networks_of_the_library_cut(name: str, limit: int) -> None:
    cut(load(name), limit)


@pytest.mark.slow
@pytest.mark.parametrize("limit", [0, 64])
def test_every_network_of_the_library_cut(limit: int) -> None:
    for network in networks():
        cut(network, limit)


MODULES = """
modules:
  narrow: conv(x.channels // 2, 1, norm=batch_norm)
  block(c, k=3): {a: 'conv(c, k, padding=half) >> relu', b: 'conv(x.channels, 1) >> relu >> conv(x.channels, 1)'}
  residual(c): {add: {main: 'conv(c, 3, padding=half)', shortcut: 'identity if x.channels == c else conv(c, 1)'}}
  cell(a, b, c): {n0: identity, n1: 'a(8)', n2: 'add(tap(n0) >> b(8), c(8))'}
  wide(c): conv(c, 3, padding=half)
  none_of(c): identity
"""
OP = "op: [wide, wide, wide]"
SMALL = {
    # what is a trap, as its name says: the layers, the variables, the axes
    "x is the input of the entry all along its chain": (
        "one: 'conv(w, 1) >> conv(x.channels, k, padding=half) >> conv(x.channels * 2, 1)'\n  two: conv(4, 1)",
        "w: 8, k: 3",
        {"w": "3,8", "k": "1,3,5"},
    ),
    "a module's x is its input": (
        "one: conv(w, 1)\n  two: 'block(8, k) >> narrow >> block(w)'",
        "w: 8, k: 3",
        {"w": "4,8", "k": "1,3"},
    ),
    "merges that are taken apart": (
        "s: conv(8, 1)\n  one: 'add(conv(8, k, padding=half), add(conv(8, 1), conv(8, j, padding=half)))'",
        "k: 3, j: 3",
        {"k": "1,3,5", "j": "1,3,5"},
    ),
    "a merge of one kind in another": (
        "one: 'concat(conv(a, 1), add(conv(b, 1), conv(4, 1)))'\n  two: conv(2, 1)",
        "a: 4, b: 4",
        {"a": "1:4", "b": "4,5"},
    ),
    "branches left out, and several from a generator": (
        "s: conv(8, 1)\n  one: 'add(wide(8) if a else none, (conv(8, k, padding=half) for k in ks), identity)'",
        "a: true, ks: [1]",
        {"a": "true,false", "ks": "[1,3];[3];[5,5,1]"},
    ),
    "earlier layers by name": (
        "s: conv(8, k, padding=half)\n  t: conv(8, j, padding=half)\n  one: 'add(s, t, wide(8))'\n"
        "  two: 'concat(tap(s) >> conv(w, 1), identity)'",
        "k: 1, j: 3, w: 2",
        {"k": "1,3", "j": "1,3", "w": "2,3"},
    ),
    "a layer that nothing reads": (
        "s: conv(8, 1)\n  t: 'tap(s) if skip else conv(8, 3, padding=half)'\n  one: 'tap(s) if not skip else wide(8)'",
        "skip: false",
        {"skip": "true,false"},
    ),
    "cells of operations without and with parameters": (
        "s: conv(8, 1)\n  one: 'cell(op[0], op[1], op[2]) * n'\n  two: 'cell(op[2], op[1], wide)'",
        f"n: 2, {OP}",
        {"n": "0,1,3", "op[0]": "wide,none_of", "op[1]": "wide,none_of", "op[2]": "wide,none_of"},
    ),
    "repeats that change the shape": (
        "s: conv(16, 1)\n  one: narrow * n\n  two: 'residual(w) * n'",
        "n: 1, w: 8",
        {"n": "0:5", "w": "4,8"},
    ),
    "branches that do not fit": (
        "s: conv(8, 1)\n  one: 'add(conv(a, 1), conv(b, 1), conv(8, 1))'\n  two: conv(c, 1)",
        "a: 8, b: 8, c: 1",
        {"a": "7,8", "b": "8,9", "c": "0,1,1/2"},
    ),
    "a shared body": (
        "s: conv(8, k, padding=half)\n  t: share(s) if again else conv(8, 1)\n  one: conv(w, 1)",
        "again: true, k: 3, w: 8",
        {"again": "true,false", "k": "1,3", "w": "1:3"},
    ),
    "variables of variables, defaults and lists": (
        "s: conv(c2, 1)\n  one: '(conv(w, k, padding=half) for w in widths)'\n"
        "  two: 'conv(len(widths), 1, activation=act)'",
        "c: 4, c2: 2 * c, widths: [c, c2], k: 3, act: relu",
        {"c": "2,4", "widths[0]": "1,c", "k": "1,3", "act": "relu,tanh,none"},
    ),
    "a list within a list": (
        "s: conv(8, 1)\n  one: '(conv(8, ks[u][i], padding=half) for i in range(n))'",
        "u: 1, n: 2, ks: [[1, 3], [3, 1]]",
        {"u": "0,1,2", "n": "1:3", "ks[1][0]": "1,3,5", "ks[1][1]": "1,3"},
    ),
    "a layer kept as an argument": (
        "s: conv(8, 1)\n  one: 'twice(wide(w)) >> twice(last)'",
        "w: 8, last: relu",
        {"w": "4,8", "last": "relu,wide(4),identity"},
    ),
    "earlier layers as arguments, also by an index": (
        "s: conv(8, k, padding=half)\n  t: conv(8, 1)\n  one: 'edge(s, op[0])'\n"
        "  two: 'add(edge([s, t, one][i], op[1]), edge(t, wide))'",
        f"k: 3, i: 0, {OP}",
        {"k": "1,3", "i": "0:2", "op[0]": "wide,none_of", "op[1]": "wide,none_of"},
    ),
    "variables that are made of one another": (
        "s: conv(first, 1)\n  one: 'wide(second) if third > 5 else wide(third)'\n  two: 'deep(second, third)'",
        "a: [1, 2], first: '4 * a[0]', second: 'first + a[1]', third: second - first",
        {"a[0]": "1:3", "a[1]": "1,7"},
    ),
    "an input that varies, and a fraction of a width": (
        "s: conv(8 * w, 3)\n  one: 'conv(make_divisible(16 * w, 8), 3) * n'",
        "w: 1, n: 1",
        {"w": "0.25:1.5:0.125", "n": "1:4", "size": "4,9,16"},
    ),
}


def small(layers: str, variables: str) -> Network:
    more = "  twice(layer): 'layer >> layer'\n  edge(source, op): 'tap(source) >> op(8)'\n"
    more += "  deep(b, c): 'deeper(b + c, c)'\n  deeper(d, c): 'conv(d, 1) >> conv(d - c, 1)'\n"
    return load(
        f"network: small\ninput: image(3, size, size)\nvariables: {{size: 16, {variables}}}\n"
        f"defaults: {{conv: {{bias: false}}}}{MODULES}{more}layers:\n  {layers}\n"
    )


@pytest.mark.parametrize("limit", [0, 1, 3, 64])
@pytest.mark.parametrize("trap", SMALL)
def test_traps(trap: str, limit: int) -> None:
    layers, variables, over = SMALL[trap]
    axes = [axis(name, values) for name, values in over.items()]
    check(small(layers, variables), axes, every(axes), FEW, limit)


@pytest.mark.parametrize("limit", [1, 64])
def test_what_a_spec_requires_refuses_first(limit: int) -> None:
    network = load(
        "network: small\ninput: image(size, 8, 8)\nvariables: {size: 3, n: [1, 1, 1]}\n"
        "requires: {few layers: sum(n) <= 4, no two: 'not (size == 0 and n[0] == 2)'}\n"
        "layers:\n  a: conv(4, 3) * n[0]\n  b: conv(4, 3) * n[1]\n  c: conv(4, 3) * n[2]\n"
    )
    axes = [axis("size", "0,3"), *[axis(f"n[{at}]", "0:3") for at in range(3)]]
    check(network, axes, every(axes), FEW, limit)


@pytest.mark.parametrize("trap", SMALL)
def test_peaks_of_traps(trap: str) -> None:
    layers, variables, over = SMALL[trap]
    axes = [axis(name, values) for name, values in over.items()]
    check(small(layers, variables), axes, every(axes), (PEAK,), 1)


def test_what_is_assumed_of_free_sizes_is_told_of_each_part() -> None:
    """Two bodies that are equal are found once; each refuses the widths that its groups do not divide."""
    halves = "(conv(w, 1) >> conv(8, 3, padding=half, groups=2))"
    layers = f"s: conv(8, 1)\n  a: '{halves} if at == 0 else wide(8)'\n  b: '{halves} if at == 1 else wide(8)'"
    network, structural, free = small(layers, "w: 8, at: 0"), axis("at", "0,1"), axis("w", "4:7")
    question = Question(FEW)
    structures = Structures(network, question, [structural], [free], 0)
    for at in (0, 1):  # one after the other
        found = structures.evaluate({"at": np.array([at])}, 1)
        for point, w in enumerate(range(4, 8)):
            error = int(found.refusals[0, point])
            given: Any = structures.codes[error] if error else {of: int(x[0, point]) for of, x in found.costs.items()}
            assert given == by_itself(network, question, {"at": at, "w": w})
        assert (found.refusals[0] != 0).tolist() == [False, True, False, True]


def test_slices_of_any_size_give_the_same(monkeypatch: pytest.MonkeyPatch) -> None:
    network, axes = space("nas_bench_201")
    free, codes = [axis("classes", "10,100,120")], draws(axes, 50, 5)
    question = Question(FEW)
    found = []
    for sizes in ({}, {"SLICE": 7, "FIRST": 3, "FILLING": 20}):
        for name, size in sizes.items():
            monkeypatch.setattr(f"archcalc.engine.sweep.structures.{name}", size)
        for chosen in (None, np.arange(50) % 3):
            found.append(Structures(network, question, axes, free).evaluate(codes, 50, chosen))
    for whole, parts in zip(found[:2], found[2:], strict=True):
        assert (parts.refusals == whole.refusals).all()
        assert all((parts.costs[name] == costs).all() for name, costs in whole.costs.items())


def test_part_of_a_walk_costs_what_its_structures_cost() -> None:
    """By hand: a row of 5 and one of 7, in some structures, and twice in all."""
    table = tables.Table(1, 1, 1)
    table.add(tables.blank(1, 1, 1, 2)._replace(costs=np.array([[[5], [7]]])))
    walk = Walk(6, lambda _: np.arange(6), None, 1, 1)
    walk.added.append(Added(table, np.array([1, 2, 1]), np.array([0, 3, 4]), 1))
    walk.added.append(Added(table, np.array([1, 1, 1, 1, 2, 2]), None, 2))
    whole = [15, 10, 10, 17, 19, 14]
    assert walk.costs(0)[:, 0].tolist() == walk.all_costs(1)[0, :, 0].tolist() == whole
    for size in (1, 2, 4):
        parts = [walk.between(begin, begin + size) for begin in range(0, 6, size)]
        assert np.concatenate([part.costs(0) for part in parts])[:, 0].tolist() == whole
        assert np.concatenate([part.code(0) for part in parts]).tolist() == [*range(6)]

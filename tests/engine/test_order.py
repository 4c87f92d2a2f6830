"""Totals of graphs whose repeats are not written out are those of all their operations."""

from __future__ import annotations

from dataclasses import astuple
from textwrap import indent

import pytest

from archcalc.engine.cost.analyze import total
from archcalc.engine.network import load
from archcalc.engine.step import steps_of
from archcalc.graph import Graph
from archcalc.results.phase import Phase
from archcalc.source import SpecError

HEAD = "network: toy\ninput: image(8, 16, 16)\ndefaults: {conv: {padding: half, norm: batch_norm, activation: relu}}\n"
BLOCK = "  block(n): add(identity, conv(n, 3) >> conv(n, 1)) >> relu\n"
BODIES = {  # modules; layers, one a line; how many operations are written, of each body two, one at the network's input
    "in a row": (BLOCK, "a: block(8) * 5", 16),
    "in two places": (BLOCK, "a: block(8) * 2\nb: conv(8, 3, stride=2)\nc: block(8) * 3\nd: block(8)", 27),
    "in each other": (BLOCK + "  stage(n): block(n) * 3 >> maxpool(1)\n", "a: stage(8) * 4", 18),
    "beside": (BLOCK, "a: block(8)\nb: concat(block(8) * 2, block(8) >> conv(4, 1), identity)", 20),
    "skipped over": (BLOCK, "a: conv(8, 1)\nb: block(8) * 4\nc: add(identity, tap(a))", 12),
    "wide inside": ("  up(n): conv(4*n, 1) >> conv(n, 3)\n", "a: up(8) * 6", 12),
    "of trees": (
        "  tree(n): (conv(8, 3) if n == 0 else (add(tree(n - 1), conv(8, 1) >> tree(n - 1)) >> conv(8, 1)))\n",
        "a: conv(8, 1)\nb: tree(4) >> tree(3)",
        34,
    ),
    "written out where weights are shared": (BLOCK, "a: conv(8, 3)\nb: block(8) * 2\nc: share(a)", 22),
}


def of(modules: str, layers: str) -> Graph:
    """The graph of a network with these modules and layers."""
    return load(f"{HEAD}modules:\n{modules}layers:\n{indent(layers, '  ')}\n").graph()


def unfolded(graph: Graph) -> Graph:
    """The same with every operation written."""
    return Graph(
        graph.name, graph.title, graph.inputs, graph.nodes, graph.output, graph.heads, graph.outputs, graph.first_head,
        step=graph.step, has_sources=graph.has_sources,
    )  # fmt: skip


def check(graph: Graph) -> None:
    plain = unfolded(graph)
    assert graph.count == len(graph.nodes) == plain.count
    for batch in (1, 3):
        phases = [Phase(steps_of(of)) for of in (graph, plain)]
        assert phases[0] == phases[1]
        folded, whole = (total(of, batch, phase=phase) for of, phase in zip((graph, plain), phases, strict=True))
        assert astuple(folded) == astuple(whole)
    for index in (0, graph.count // 2, graph.count - 1):
        assert graph.node(index) == graph.nodes[index]


@pytest.mark.parametrize("name", BODIES)
def test_repeats_count_as_what_they_stand_for(name: str) -> None:
    modules, layers, written = BODIES[name]
    graph = of(modules, layers)
    assert len(graph.written) == written
    assert bool(graph.repeats) == (written < graph.count)
    check(graph)


def test_a_repeat_ends_where_a_body_does() -> None:
    """What is repeated may be an original itself: its operations are no part of the repeat before it."""
    modules = "  one(n): conv(n, 3)\n  three(n): one(n) * 3\n"
    for layers in ("a: one(8) * 2 >> three(8) * 2", "a: three(8) * 2 >> one(8) * 2 >> three(8) >> one(8)"):
        graph = of(modules, layers)
        assert graph.repeats
        check(graph)


def test_copies_of_a_module_that_holds_another_alone_are_named_after_it() -> None:
    """Both have the same operations as their originals, under different paths."""
    modules = "  one(n):\n    x: conv(n, 3, norm=none, activation=none)\n  two(n):\n    y: one(n)\n"
    graph = of(modules, "a: maxpool(1)\nb: two(8) >> one(8) * 2 >> two(8)")
    assert [node.name for node in graph.nodes[1:]] == ["b.two_1.y.x", "b.one_1.x", "b.one_2.x", "b.two_2.y.x"]


@pytest.mark.parametrize("name", ["resnet152", "vit_b_16", "llama3_405b", "gpt2", "googlenet", "t5_small", "swin_t"])
def test_networks_count_as_all_their_operations(name: str) -> None:
    check(load(name).graph(with_heads=False))


def test_a_deep_network_is_not_written_out_for_its_totals() -> None:
    graph = load("resnet152").graph()
    total(graph)
    assert len(graph.written) == 94
    assert "nodes" not in vars(graph)


def test_what_is_in_a_copy_is_found_by_its_name() -> None:
    modules = "  pair(n):\n    first: conv(n, 3)\n    second: conv(n, 1)\n"
    graph = of(modules, "a: conv(8, 1)\nb: pair(8)\nc: pair(8)\nd: pair(8)\ne: add(identity, tap(c.first))")
    names = [node.name for node in graph.nodes]
    read = [names[index] for index in graph.nodes[graph.output].inputs]
    assert read == ["d.second.activation", "c.first.activation"]
    check(graph)


def test_layers_of_one_name_in_copies_are_told() -> None:
    modules = "  pair(n):\n    x: conv(n, 3)\n"
    with pytest.raises(SpecError) as caught:
        of(modules, "a: pair(8) * 4\nb:\n  - c: pair(8) * 2\n    d: identity\n  - c: pair(8) * 2\n    d: identity")
    assert caught.value.diagnostics[0].code == "duplicate-layer"


def test_what_nothing_reads_in_copies_is_told() -> None:
    modules = "  lost(n):\n    - conv(n, 3)\n    - tap(x) >> conv(n, 1)\n"
    with pytest.raises(SpecError) as caught:
        of(modules, "a: conv(8, 1)\nb: lost(8) * 3")
    assert caught.value.diagnostics[0].code == "unread-layer"


def test_copies_that_nothing_goes_on_from_are_told() -> None:
    with pytest.raises(SpecError) as caught:
        of(BLOCK, "a: conv(8, 1)\nb: block(8) * 3\nc: tap(a) >> block(8) * 2")
    (found,) = caught.value.diagnostics
    assert (found.code, found.message) == ("unread-layer", "nothing reads the layer `b.3.relu`")


def test_shapes_of_whole_numbers_are_remembered_and_those_of_free_variables_leave_their_assumptions_each_time() -> None:
    network = load(
        f"{HEAD.replace('8, 16, 16', '8, side, side')}variables: {{side: 16}}\nlayers: conv(8, 7, padding=0)\n"
    )
    whole = [network.graph().nodes[0].y for _ in range(2)]
    assert whole[0] is whole[1]
    free = [network.graph(free=["side"]) for _ in range(2)]
    assert free[0].assumptions
    assert [str(of) for of in free[0].assumptions] == [str(of) for of in free[1].assumptions]

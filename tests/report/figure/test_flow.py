"""Modules in which a name is read from afar: a line for every read, as their papers draw them."""

from __future__ import annotations

from itertools import combinations

import pytest

from archcalc.engine.structure import structured
from archcalc.report.figure.build import build
from archcalc.report.figure.flow import Flow, Knot
from archcalc.report.figure.frame import Frames
from archcalc.report.figure.items import Figure, Op
from archcalc.report.figure.manner import Manner
from archcalc.report.figure.order import CROSSING, Net, cost, ordered
from archcalc.report.figure.page import arranged
from archcalc.report.figure.sketch import Line


def figure(name: str) -> Figure:
    found = structured(name)
    return build(found.cost, found.structure, found.amounts)


def flow_of(made: Figure, module: str) -> Flow:
    flow = next(form for form in made.forms if form.module == module).flow
    assert flow is not None
    return flow


def word(knot: Knot) -> str:
    item = knot.item
    role = f"{knot.role.name}: " if knot.role is not None else ""
    return role + ("" if item is None else item.text if isinstance(item, Op) else item.word)


def readers(flow: Flow) -> dict[str, list[str]]:
    """What each knot reads; what comes in is `in`."""
    by_output = {knot.output: word(knot) for knot in flow.knots} | {flow.entry: "in"}
    return {word(knot): [by_output[read] for read in knot.reads] for knot in flow.knots}


def test_the_gate_of_mamba_is_a_branch() -> None:
    """Gu and Dao 2023, figure 3: one projection is read by convolution and scan, and by the gate beside them."""
    found = readers(flow_of(figure("mamba_130m"), "mamba1"))
    wide = "linear, 3,072"
    assert found[wide] == ["in"]
    assert found["split"] == found["split, SiLU"] == [wide]
    assert found["×"] == ["selective scan", "split, SiLU"]
    assert sorted(found["selective scan"]) == ["B: split", "C: split", "linear, 1,536", "x: "]


def test_latent_attention_compresses_queries_and_keys_side_by_side() -> None:
    """DeepSeek-V2, figure 2: both are made of the input; keys and values of one latent, the rest of keys beside it."""
    flow = flow_of(figure("deepseek_v3"), "latent")
    found = readers(flow)
    assert found["linear, 1,536"] == found["linear, 576"] == ["in"]  # 512 + 64
    assert [word(knot) for knot in flow.layers[0].values() if knot] == ["linear, 1,536", "linear, 576"]
    assert found["rope: split, rotary"] == found["split, RMS norm"] == ["linear, 576"]
    assert found["nope: split"] == found["v: split"] == ["linear, 32,768"]  # 128 (128 + 128)
    assert found["attention, 128 heads"] == ["q: rotary", "k: concat", "v: split"]


def test_the_cell_of_nas_bench_201_has_six_edges() -> None:
    """Dong and Yang 2020, figure 1: node 1 reads node 0; node 2 both; node 3 all three."""
    flow = flow_of(figure("nas_bench_201"), "cell")
    joints = [knot for knot in flow.knots if knot.is_joint]
    assert [len(knot.reads) for knot in joints] == [2, 3]
    into = [knot for knot in flow.knots if knot.reads == [flow.entry]]
    assert len(into) == 3
    assert "from" not in " ".join(text.text for text in arranged(figure("nas_bench_201"), "a4", None).texts())


def test_what_is_in_a_row_has_no_flow() -> None:
    made = [*figure("resnet50").forms, *figure("googlenet").forms, *figure("llama3_8b").forms]
    assert [form.title for form in made if form.flow is not None] == []


def test_a_pill_is_cut_where_something_reads_within() -> None:
    text = """
network: n
input: features(4)
modules:
  twice:
    a: relu
    b: sigmoid
    c: mul(identity, tap(a))
layers:
  x: twice
  y: twice
  z: twice >> linear(3)
"""
    assert readers(flow_of(figure(text), "twice")) == {"ReLU": ["in"], "sigmoid": ["ReLU"], "×": ["sigmoid", "ReLU"]}


# order and places


def test_lines_that_need_not_cross_do_not() -> None:
    channels = [[Net((0,), (1, 2))], [Net((1,), (4,)), Net((2,), (3,))]]
    assert cost([1, 0, 2, 3, 4], channels) >= CROSSING
    assert cost(ordered([1, 0, 2, 3, 4], channels), channels) < CROSSING


@pytest.mark.parametrize("name", ["mamba_130m", "deepseek_v3@absorbed", "nas_bench_201", "dit_s_8"])
@pytest.mark.parametrize("is_narrow", [False, True])
def test_no_line_lies_on_another(name: str, is_narrow: bool) -> None:
    made = figure(name)
    flows = [form for form in made.forms if form.flow is not None]
    assert flows
    for form in flows:
        sketch = Frames(made, manner=Manner(is_narrow=is_narrow)).wired(form)
        assert sketch is not None
        own = [line for line in sketch.lines() if is_of_flow(line)]
        assert len(own) > 1
        assert not [pair for pair in combinations(own, 2) if is_on(*pair)]


def is_of_flow(line: Line) -> bool:
    return len(line.points) == 2 and line.colour == "edge"


def is_on(one: Line, other: Line) -> bool:
    """Whether two pieces share more than a point."""
    for axis in (0, 1):
        if one.points[0][axis] == one.points[1][axis] and other.points[0][axis] == other.points[1][axis]:
            first, second = (sorted(point[1 - axis] for point in line.points) for line in (one, other))
            is_near = abs(one.points[0][axis] - other.points[0][axis]) < 1
            if is_near and min(first[1], second[1]) - max(first[0], second[0]) > 0.1:
                return True
    return False

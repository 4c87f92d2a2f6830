"""Figures of all networks: texts in their places, sums exact, valid XML, equal bytes; and what is drawn of some."""

from __future__ import annotations

import xml.etree.ElementTree as ET
from collections.abc import Iterator
from typing import Any

import pytest

from archcalc.engine.structure import Structured, structured
from archcalc.report.figure.build import Choice, build
from archcalc.report.figure.chart import chart_of, dot, mermaid
from archcalc.report.figure.colours import palette
from archcalc.report.figure.draw import figure_svg, kinds_of
from archcalc.report.figure.items import Call, Figure, Fork, Op
from archcalc.report.figure.page import PAPERS, arranged
from archcalc.report.figure.sketch import Box, Line, Rectangle, Sketch, Text
from archcalc.report.figure.skips import chains, nested, rungs
from archcalc.report.figure.svg import svg
from archcalc.spec.library import all_names
from tests.report.figure.checks import faults

FEW = (
    "googlenet", "resnet50", "densenet121", "vgg16", "unet", "lenet5", "seresnet50", "enet", "bart_base", "alexnet",
    "mixtral_8x7b", "mobilenet_v2", "inception_resnet_v1", "fractalnet20", "ssd300", "sd_unet", "jamba",
    "clip_vit_b_32", "deepseek_v3@absorbed", "mamba_130m", "nas_bench_201",
)  # fmt: skip


def library() -> list[Any]:
    return [name if name in FEW else pytest.param(name, marks=pytest.mark.slow) for name in all_names()]


def figure_of(found: Structured, choice: Choice | None = None) -> Figure:
    return build(found.cost, found.structure, found.amounts, choice)


def figure(name: str, **choice: Any) -> Figure:
    return figure_of(structured(name), Choice(**choice))


@pytest.mark.parametrize("name", library())
@pytest.mark.parametrize("page", list(PAPERS))
def test_a_figure_is_as_it_should_be(name: str, page: str) -> None:
    found = structured(name)
    made = figure_of(found)
    sketch = arranged(made, page, None)
    assert list(faults(sketch)) == []
    colours = palette(kinds_of(made), False)
    text = svg(sketch, colours, made.description, made.facts)
    assert text == figure_svg_again(name, page)
    assert len(text) < 150_000
    root = ET.fromstring(text)
    assert [child.tag.rpartition("}")[2] for child in root][:2] == ["title", "desc"]
    assert not [word for word in ("<script", "href", "@import", "url(", "<image", "/work", "/home") if word in text]
    assert sketch.width <= PAPERS[page].width
    assert page != "a4" or sketch.height <= PAPERS[page].height
    totals = found.cost.totals
    wanted = {name: getattr(totals, name) for name in ("macs", "params", "activations", "state")}
    wanted["memory"] = 4 * (totals.params + totals.activations)  # bytes
    for quantity, total in wanted.items():
        rows = sum(made.sum(row, quantity) for row in made.rows)
        assert rows == made.total[quantity] == total


def figure_svg_again(name: str, page: str) -> str:
    made = figure(name)
    return svg(arranged(made, page, None), palette(kinds_of(made), False), made.description, made.facts)


# what is drawn


def boxes(made: Figure) -> list[tuple[str, str, int]]:
    return [(row.name, row.item.module, row.item.times) for row in made.rows if isinstance(row.item, Call)]


def test_names_of_the_author_are_not_folded() -> None:
    calls = boxes(figure("googlenet"))
    assert [name for name, *_ in calls] == [
        f"inception_{of}" for of in ("3a", "3b", "4a", "4b", "4c", "4d", "4e", "5a", "5b")
    ]
    assert {(module, times) for _, module, times in calls} == {("inception", 1)}


def test_calls_in_a_row_are_one_box() -> None:
    """He et al. 2015, table 1: 3, 4, 6 and 3 blocks; Huang et al. 2017, table 1: 6, 12, 24 and 16 layers."""
    assert boxes(figure("resnet50")) == [
        (f"conv{at}", "bottleneck", of) for at, of in zip((2, 3, 4, 5), (3, 4, 6, 3), strict=True)
    ]
    dense = [times for _, module, times in boxes(figure("densenet121")) if module == "dense"]
    assert dense == [6, 12, 24, 16]


def test_skips_of_a_u_nest() -> None:
    """Ronneberger et al. 2015, figure 1: four levels hand their maps over, of 64 to 512 channels."""
    made = figure("unet")
    pairs = nested(made.rows)
    assert [made.rows[source].item.y.channels for source, _ in pairs] == [64, 128, 256, 512]
    assert [made.rows[target].name for _, target in pairs] == ["up1", "up2", "up3", "up4"]


def test_many_skips_are_the_rungs_of_a_ladder() -> None:
    """Rombach et al. 2022, as released: two residual blocks and a convolution a level, at widths 1, 2, 4, 4."""
    made = figure("sd_unet")
    rows = max(chains(made.rows), key=len)
    pairs = rungs(rows)
    assert [rows[source].name for source, _ in pairs] == [
        *("stem", "d1a", "d1b", "d1c", "d2a", "d2b", "d2c", "d3a", "d3b", "d3c", "d4a", "d4b")
    ]
    assert [rows[source].item.y.channels for source, _ in pairs] == [320] * 4 + [640] * 3 + [1280] * 5
    drawn = {box.nodes for box in arranged(made, "a4", None).boxes() if box.bar is None and box.nodes}
    assert all(tuple((part.first, part.last) for part in row.item.parts) in drawn for row in rows)
    assert not [form.title for form in made.forms if form.is_entry]  # boxes say what is in them
    opened = {form.title for form in made.forms}
    assert {"residual", "transformer", "self_attention", "cross_attention", "geglu", "up"} == opened
    assert not [text.text for text in arranged(made, "a4", None).texts() if "not opened" in text.text]
    assert nested(figure("unet").rows)
    assert not rungs(figure("resnet50").rows)


def test_what_is_not_known_is_at_least_what_is_told() -> None:
    """By hand: 8*27 + 8 + 16*10 + 10 parameters, 8*27*30*30 + 16*10 MACs."""
    text = "network: o\ninput: image(3, 32, 32)\nlayers:\n  a: conv(8, 3)\n  b: {}\n  c: global_avgpool >> linear(10)"
    unknown = figure(text.format("opaque(16)"))
    assert "at least 394 parameters · at least 195 K MACs · at least 2 layers" in unknown.facts
    assert unknown.description == "o: at least 195 K MACs, at least 394 parameters"
    assert figure(text.format("opaque(16, params=6, macs=0)")).description == "o: 195 K MACs, 400 parameters"


LEVELS = range(8)
LADDER = "\n".join(
    [
        "network: ladder\ninput: image(3, 64, 64)\nvariables: {kernel: 3}\ndefaults:\n  conv: {padding: half}\nlayers:",
        *(f"  d{at}: conv({8 + at}, kernel) * 2" for at in LEVELS),
        "  mid: conv(32, kernel)",
        *(f"  u{at}: concat(identity, d{at}) >> conv({8 + at}, kernel) * 2" for at in reversed(LEVELS)),
    ]
)


def test_boxes_of_a_ladder_say_all_that_is_in_entries() -> None:
    made = figure(LADDER)
    texts = [str(text.text) for text in arranged(made, "a4", None).texts()]
    assert {f"u{at}: concat, 3×3 conv, {8 + at} ×2" for at in LEVELS} <= {*texts}
    assert not made.forms


def test_bars_of_a_ladder_and_of_the_column_beside_it_are_at_one_scale() -> None:
    """A page moves all bars of a lane by the longest of them, and puts those of one row one behind the other."""
    words = "  e0: tap(words) >> linear(8000)\n  e1: linear(6000)\n  e2: linear(32)\n  d0: tap(picture) >>"
    text = LADDER.replace("image(3, 64, 64)", "\n  picture: image(3, 64, 64)\n  words: features(64)")
    made = figure(text.replace("  d0:", words).replace("mid: conv(32, kernel)", "mid: add(conv(32, kernel), tap(e2))"))
    bars = [(box.bar, box.area) for box in arranged(made, "a4", None).boxes() if box.bar is not None]
    most = max(made.sum(row, "macs") for row in made.rows)
    rows = [of.row for of, _ in bars if of.lane == 0]
    assert sorted(rows) == [at for at, row in enumerate(made.rows) if made.sum(row, "macs")]  # each row once
    for of, area in bars:
        if of.lane == 0:
            assert area.width == pytest.approx(of.full * made.sum(made.rows[of.row], "macs") / most)
            assert of.spans == tuple((part.first, part.last) for part in made.rows[of.row].item.parts)


@pytest.mark.parametrize("more", ["heads:\n  aux: tap(mid) >> conv(2, 1)", "outputs:\n  far: tap(u7) >> conv(2, 1)"])
def test_entries_are_opened_unless_their_boxes_say_what_is_in_them(more: str) -> None:
    """A ladder has no place for a head, nor for what goes on from its middle."""
    made = figure(f"{LADDER}\n{more}")
    said = {str(text.text) for text in arranged(made, "a4", None).texts()}
    for at in LEVELS:
        is_opened = any(form.title == f"u{at}" and form.mark for form in made.forms)
        assert is_opened != (f"u{at}: concat, 3×3 conv, {8 + at} ×2" in said), at


def test_a_form_is_opened_once() -> None:
    made = figure("resnet50")
    assert [(form.title, form.number, form.of, form.chosen.path, len(form.calls)) for form in made.forms] == [
        ("bottleneck", 1, 2, "conv4.block_1", 4),
        ("bottleneck", 2, 2, "conv4.block_2", 12),
    ]


def test_open_says_which_instance() -> None:
    assert figure("googlenet", open="inception_4e").forms[0].chosen.path == "inception_4e"
    assert [form.chosen.path for form in figure("resnet50", open="conv2").forms] == ["conv2.1", "conv2.2"]


def test_depth_says_how_far_modules_are_opened() -> None:
    assert figure("mixtral_8x7b", depth=1).forms == []
    assert [form.title for form in figure("mixtral_8x7b", depth=2).forms] == ["block"]
    assert [form.title for form in figure("mixtral_8x7b", depth=3).forms] == ["block", "attention", "mixture"]


def test_a_scope_is_a_figure_of_its_own() -> None:
    made = figure("googlenet", scope="inception_3a")
    assert made.total["macs"] == structured("googlenet").cost["inception_3a"].totals.macs
    assert made.name == "inception_3a of googlenet"


def test_frames_of_a_scope_tell_of_it_alone() -> None:
    """Calls elsewhere counted too: 1986.8% of all MACs."""
    made = figure("deepseek_v3", scope="blocks.1")
    inside = {index for row in made.rows for index in row.nodes}
    assert all(index in inside for form in made.forms for part in form.calls for index in part.nodes)
    assert all(made.sum(form.chosen, "macs") <= made.total["macs"] for form in made.forms)
    first = next(form for form in made.forms if form.is_entry)
    assert isinstance(first.chain[0], Fork)  # the merge, not its branch alone
    assert first.chain[0].word == "+"


def test_heads_are_apart() -> None:
    made = figure("googlenet")
    assert [row.name for row in made.heads] == ["aux1", "aux2"]
    assert not {index for row in made.heads for index in row.nodes} & {
        index for row in made.rows for index in row.nodes
    }


def test_branches_have_their_names() -> None:
    (fork,) = figure("googlenet").forms[0].chain
    assert isinstance(fork, Fork)
    assert [branch.name for branch in fork.branches] == ["1x1", "3x3", "5x5", "pool"]


def test_sources_of_another_side_are_named() -> None:
    cross = next(form for form in figure("bart_base").forms if form.module == "cross_attention")
    fork = cross.chain[0]
    assert isinstance(fork, Fork)
    assert [(branch.name, branch.source) for branch in fork.branches] == [("q", ""), ("k", "encoder"), ("v", "encoder")]
    texts = [text.text for text in arranged(figure("bart_base"), "a4", None).texts()]
    assert "k from encoder" in texts


def test_experts_say_how_many_there_are_and_work() -> None:
    """Jiang et al. 2024: 8 experts, 2 used for each token."""
    texts = [text.text for text in arranged(figure("mixtral_8x7b"), "a4", None).texts()]
    assert "expert ×8, 2 used" in texts


def test_equal_layers_in_a_row_are_one_box() -> None:
    (first, *_) = figure("vgg16").rows
    assert isinstance(first.item, Op)
    assert (first.item.text, first.item.times) == ("3×3 conv, 64", 2)


HOSTILE = """
network: small
title: 'a <b> & "c"'
input: image(3, 8, 8)
layers:
  first: conv(4, 3, padding=1) >> relu
  last: global_avgpool
"""


def test_names_are_escaped() -> None:
    text = figure_svg(figure(HOSTILE))
    assert ET.fromstring(text) is not None
    assert "a &lt;b&gt; &amp;" in text


@pytest.mark.parametrize(
    "text",
    [
        "network: n\ninput: features(4)\nlayers:\n  only: linear(2)\n",
        "network: n\ninput: image(3, 8, 8)\nlayers:\n  a: concat(identity, identity)\n",
        "network: n\ninput: image(3, 8, 8)\nlayers:\n  a: conv(3, 1)\n  b: add(a, tap(input))\n"
        "  c: add(b, a, tap(input))\n",
        "network: n\ninput: tokens(4)\nlayers:\n  a: add(identity, identity) * 0 >> embedding(9, 4)\n  b: lstm(3)\n",
        "network: n\ninput: volume(1, 4, 4, 4)\nlayers:\n  a: conv(2, 3, padding=1) * 3 >> maxpool(2)\n",
        "network: n\ninput:\n  p: image(1, 4, 4)\n  q: image(1, 4, 4)\nlayers:\n  a: tap(p) >> conv(2, 1)\n"
        "  b: tap(q) >> conv(2, 1)\n  c: add(a, b)\n",
        "network: n\ninput: image(3, 8, 8)\nlayers:\n"
        + "".join(f"  a_name_that_goes_on_and_on_and_on_for_ever_and_a_day_{at}: conv(3, 1)\n" for at in range(60)),
    ],
)
@pytest.mark.parametrize("page", list(PAPERS))
def test_what_is_not_in_the_library_draws_too(text: str, page: str) -> None:
    made = figure(text)
    sketch = arranged(made, page, None)
    assert list(faults(sketch)) == []
    assert sketch.width <= PAPERS[page].width


# the checks themselves


def spoilt() -> Iterator[tuple[Sketch, str]]:
    cases: list[tuple[list[Box | Line | Text], str]] = [
        ([Text(95, 50, "wide", 11)], "off the page"),
        ([Text(10, 50, "one"), Text(20, 52, "other")], "overlap"),
        ([Text(10, 50, "much too long", within=Rectangle(8, 40, 30, 20))], "out of its box"),
        ([Text(10, 50, "small", 8)], "small"),
        ([Text(10, 50, "text"), Line(((0, 47), (90, 47)))], "on a line"),
        ([Text(10, 50, "text"), Box(Rectangle(20, 30, 40, 40), "paper", "edge")], "on an edge"),
    ]
    for shapes, fault in cases:
        sketch = Sketch(100, 100)
        sketch.shapes.extend(shapes)
        yield sketch, fault


@pytest.mark.parametrize(("sketch", "fault"), list(spoilt()))
def test_the_checks_see_what_is_wrong(sketch: Sketch, fault: str) -> None:
    assert any(found.startswith(fault) for found in faults(sketch))


OPTIONS: list[tuple[str, dict[str, Any], str | None]] = [
    ("googlenet", {"scope": "inception_3a"}, None),
    ("resnet50", {"scope": "conv4.block_2"}, "params"),
    ("resnet50", {"scope": "conv1"}, None),
    ("unet", {}, "activations"),
    ("llama3_8b", {}, "state"),
    ("bart_base", {"open": "decoder"}, None),
    ("mixtral_8x7b", {"open": "swiglu"}, "params"),
    ("jamba", {"depth": 2}, "activations"),
]


@pytest.mark.parametrize(("name", "choice", "quantity"), OPTIONS)
@pytest.mark.parametrize("page", list(PAPERS))
def test_options_leave_texts_in_their_places(
    name: str, choice: dict[str, Any], quantity: str | None, page: str
) -> None:
    assert list(faults(arranged(figure(name, **choice), page, quantity))) == []


@pytest.mark.parametrize("name", FEW)
def test_charts_name_each_box_once(name: str) -> None:
    made = figure(name)
    chart = chart_of(made)
    members = [at for _, group in chart.groups for at in group]
    assert sorted(members) == list(range(len(chart.nodes)))
    assert {end for begin, end, *_ in chart.edges for end in (begin, end)} <= set(members)
    rows = [row for row in made.rows if row.reads is not None]
    assert len(chart.edges) >= len(rows)
    colours = palette(kinds_of(made), True)
    assert mermaid(made, colours).count(":::") == dot(made, colours).count("fillcolor=") == len(chart.nodes)

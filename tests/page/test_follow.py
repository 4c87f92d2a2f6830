"""Figures of pages follow the sliders: at another setting they say what the figure of that setting says."""

from __future__ import annotations

import re
from fractions import Fraction
from typing import Any

import pytest

from archcalc.dims import evaluate
from archcalc.engine.live import live
from archcalc.engine.network import load
from archcalc.engine.structure import structured
from archcalc.report.figure.build import build
from archcalc.report.figure.draw import linked_svg
from archcalc.report.figure.items import Figure
from archcalc.report.figure.page import arranged
from archcalc.report.figure.svg import Links
from archcalc.report.page.code import Program
from archcalc.report.page.follow import Following
from archcalc.results.formula import is_met
from archcalc.results.live import Live, Texts
from archcalc.spec.library import all_names
from tests.page.settings import drawn
from tests.report.figure.test_figures import LADDER

# Columns, a U, dense blocks, experts, two inputs, what a variable gives its groups, and a ladder.
SAMPLE = [
    ("resnet18", {"resolution": 96, "width": Fraction(1, 2)}),
    ("unet", {"width": 32, "resolution": 700}),
    ("densenet121", {"resolution": 256}),
    ("mixtral_8x7b", {"experts": 4, "top": 1}),
    ("t5_small", {"width": 256}),
    ("vit_b_16", {"resolution": 384, "classes": 10}),
    pytest.param(LADDER, {"kernel": 5}, id="ladder"),
]


def figure(name: str, set: dict[str, Any]) -> tuple[Figure, Links]:
    found = structured(name, set)
    made, links = build(found.cost, found.structure, found.amounts), Links()
    linked_svg(made, arranged(made, "a4", None), links)
    return made, links


def unmarked(made: Figure) -> list[str]:
    """Texts that stay as they were drawn at every setting."""
    return sorted(
        re.findall(r"<text (?![^>]*data-told)[^>]*>([^<]*)<", linked_svg(made, arranged(made, "a4", None), Links()))
    )


def following(name: str) -> tuple[Live, Following, Links]:
    of, found = live(name), structured(name)
    made, links = build(found.cost, found.structure, found.amounts), Links()
    linked_svg(made, arranged(made, "a4", None), links)
    return of, Following(of, made, found.structure.walk(), Program([each.name for each in of.free]).place), links


def told(texts: Texts, numbers: dict[str, int]) -> str:
    return "".join(part if isinstance(part, str) else str(evaluate(part, numbers)) for part in texts)


@pytest.mark.parametrize(("name", "set"), SAMPLE)
def test_texts_are_those_of_the_figure_at_that_setting(name: str, set: dict[str, Any]) -> None:
    of, follows, links = following(name)
    free = {each.name: each for each in of.free}
    assert set.keys() <= free.keys()
    numbers = {**follows.drawn, **{variable: int(value / free[variable].unit) for variable, value in set.items()}}
    there_drawn, wanted = figure(name, set)
    assert unmarked(follows.figure) == unmarked(there_drawn)
    assert len(wanted.texts) == len(links.texts)
    changed = 0
    for text, there in zip(links.texts, wanted.texts, strict=True):
        pieces = follows.pieces_of(text)
        assert pieces is not None, text
        assert "".join(follows.written(piece, numbers) for piece in pieces) == there
        changed += text != there
    assert changed > 5


def test_heads_for_training_are_not_followed() -> None:
    _, follows, links = following("googlenet")
    left = {str(text) for text in links.texts if follows.text(text)[:1] == [None]}
    assert "1,024 · 2.10 M" in left  # of the first layer of a head; Szegedy et al. 2014, section 5
    assert not left & {"128 · 25.7 M", "64×112×112"}


@pytest.mark.slow
@pytest.mark.parametrize("name", sorted(all_names()))
def test_most_texts_of_every_network_are_followed(name: str) -> None:
    _, follows, links = following(name)
    left = [text for text in links.texts if follows.text(text)[:1] == [None]]
    assert len(left) <= max(8, len(links.texts) // 10), left


@pytest.mark.parametrize("name", ["alexnet", "gpt2", "vit_b_16"])
def test_a_refusal_is_said_as_the_engine_says_it(name: str) -> None:
    network = load(name)
    of = live(network)
    count = 0
    for numbers, cost, said in drawn(network, of, 24):
        broken = [each for each in of.assumptions if not is_met(each, numbers)]
        if cost is not None or any(each.relation == "!=" for each in broken):
            continue
        refusal = of.refusals[broken[0]]
        assert told(refusal.sentence, numbers) == said, numbers
        assert refusal.layer in {layer.layer.name for layer in of.layers}
        count += 1
    assert count >= 3


@pytest.mark.parametrize("name", ["resnet18", "deeplab_v3", "googlenet"])
def test_fields_are_the_same_elsewhere_but_for_what_they_depend_on(name: str) -> None:
    network = load(name)
    of = live(network)
    same = 0
    for numbers, cost, _ in drawn(network, of, 14, seed=3):
        moved = {variable for variable, number in numbers.items() if number != of.point[variable]}
        for layer, there in zip(of.layers, cost.layers if cost else (), strict=False):
            if not layer.field_by & moved:
                assert layer.layer.local_receptive_field == there.local_receptive_field, layer.layer.name
                same += 1
    assert same > 2 * len(of.layers)

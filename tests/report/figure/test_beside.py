"""Networks side by side: one scale, maps of one size at one height, texts in their places."""

from __future__ import annotations

import xml.etree.ElementTree as ET
from pathlib import Path

import pytest

from archcalc.engine.structure import structured
from archcalc.report.figure.beside import beside, beside_svg
from archcalc.report.figure.build import build
from archcalc.report.figure.items import Figure
from archcalc.report.figure.sketch import Sketch, Text
from tests.cli.running import run
from tests.report.figure.checks import faults


def figures(*names: str) -> list[Figure]:
    found = [structured(name) for name in names]
    return [build(each.cost, each.structure, each.amounts) for each in found]


def text_of(sketch: Sketch, wanted: str, number: int = 0) -> Text:
    return [text for text in sketch.texts() if text.text == wanted][number]


PAIRS = [
    ("googlenet", "vgg16"),
    ("resnet50", "mobilenet_v2"),
    ("alexnet", "unet"),
    ("bert_base", "t5_base"),
    ("lenet5", "bilstm"),
    ("resnet18", "resnet34", "densenet121"),
]


@pytest.mark.parametrize("names", PAIRS, ids=" ".join)
def test_texts_are_in_their_places(names: tuple[str, ...]) -> None:
    found = figures(*names)
    assert list(faults(beside(found))) == []
    text = beside_svg(found)
    assert ET.fromstring(text).tag.endswith("svg")
    assert beside_svg(figures(*names)) == text


def test_maps_of_one_size_begin_at_one_height() -> None:
    sketch = beside(figures("googlenet", "vgg16"))
    for one, other in (("pool1", "pool2"), ("pool2", "pool3"), ("pool3", "pool4"), ("pool4", "pool5")):
        left = text_of(sketch, one)
        right = text_of(sketch, other, 1)
        assert left.y == right.y
        assert right.x > left.x + 300
    assert text_of(sketch, "classifier").y == text_of(sketch, "fc6").y


def test_bars_are_at_one_scale() -> None:
    """conv1 of VGG-16 has 1,936 M MACs, conv2 of GoogLeNet 346.8 M."""
    sketch = beside(figures("googlenet", "vgg16"))
    bars = [box.area for box in sketch.boxes() if box.fill.startswith("bar_")]
    long = {}
    for text in ("346.8 M", "1.936 G"):
        at = text_of(sketch, text)
        long[text] = next(bar.width for bar in bars if abs(bar.bottom - at.y - 1.4) < 3 and 0 < at.x - bar.x < 60)
    assert long["1.936 G"] / long["346.8 M"] == pytest.approx(1935.7 / 346.8, rel=0.01)


def test_the_command_draws(tmp_path: Path) -> None:
    path = tmp_path / "both.svg"
    assert run("compare", "lenet5", "alexnet", "--draw", "-o", str(path)).stderr == f"{path}: drawn\n"
    assert path.read_text(encoding="utf-8") == run("compare", "lenet5", "alexnet", "--draw").stdout


MISTAKES = [
    (["--draw", "-o", "both.csv"], "drawn as .svg, .png, .pdf"),
    (["--draw", "--by", "op"], "a figure has no --by"),
    (["--draw", "--set", "widht=2"], "no variable"),
]


@pytest.mark.parametrize(("options", "said"), MISTAKES)
def test_mistakes(options: list[str], said: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    assert said in run("compare", "lenet5", "alexnet", *options, code=2).stderr
    assert not list(tmp_path.iterdir())

"""`archcalc draw`: files by their endings, and what is said of mistakes."""

from __future__ import annotations

import xml.etree.ElementTree as ET
from pathlib import Path

import pytest

import archcalc
from tests.cli.running import run

MISTAKES = [
    (["googlenet", "-o", "figure.gif"], "a figure ends in .svg, .png, .pdf, .mmd, .dot"),
    (["googlnet"], "`googlenet`"),
    (["googlenet", "--open", "inception_4x"], "inception_4"),
    (["googlenet", "--scope", "inception_9z"], "inception_"),
    (["lenet5", "--connections", "C5"], "--connections C3"),
    (["lenet5", "--field", "C33"], "did you mean"),
    (["lenet5", "--field", "C3", "--connections", "C3"], "are two pictures"),
    (["lenet5", "--field", "C3", "-o", "field.dot"], "not written as .dot"),
    (["googlenet", "--set", "resolutoin=96"], "`resolution`"),
    (["googlenet", "-o", "no/such/folder/figure.svg"], "make the folder first"),
]


@pytest.mark.parametrize(("arguments", "said"), MISTAKES)
def test_mistakes(arguments: list[str], said: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    result = run("draw", *arguments, code=2)
    assert said in result.stderr
    assert result.stdout == ""
    assert not list(tmp_path.iterdir())


def test_without_a_file_svg_goes_to_stdout() -> None:
    result = run("draw", "lenet5")
    assert ET.fromstring(result.stdout).tag.endswith("svg")
    assert result.stderr == ""


@pytest.mark.parametrize(
    ("ending", "begins"), [("svg", b"<svg "), ("png", b"\x89PNG"), ("pdf", b"%PDF"), ("mmd", b"---\n")]
)
def test_the_ending_says_how_it_is_written(ending: str, begins: bytes, tmp_path: Path) -> None:
    if ending in ("png", "pdf"):
        pytest.importorskip("vl_convert")
    path = tmp_path / f"figure.{ending}"
    result = run("draw", "lenet5", "-o", str(path))
    assert result.stderr == f"{path}: drawn\n"
    assert path.read_bytes().startswith(begins)


def test_dot_names_every_box(tmp_path: Path) -> None:
    path = tmp_path / "figure.dot"
    run("draw", "googlenet", "-o", str(path))
    text = path.read_text()
    assert text.startswith('digraph "googlenet" {')
    assert text.count("inception_") == 9
    assert text.count("{") == text.count("}")


def test_mermaid_has_edges_with_shapes(tmp_path: Path) -> None:
    path = tmp_path / "figure.mmd"
    run("draw", "resnet50", "-o", str(path))
    text = path.read_text()
    assert "flowchart TD" in text
    assert "conv4: bottleneck ×6 (A, B)" in text
    assert '-->|"1024×14×14"|' in text


def test_options_change_what_is_drawn() -> None:
    usual = run("draw", "googlenet").stdout
    assert "calls of inception" in usual
    assert "of parameters" in usual
    for option in (
        ["--page", "slide"],
        ["--dark"],
        ["--depth", "1"],
        ["--quantity", "activations"],
        ["--open", "inception_4e"],
    ):
        other = run("draw", "googlenet", *option).stdout
        assert other != usual, option
    assert "of activations" in run("draw", "googlenet", "--quantity", "activations").stdout
    assert "3×96×96" in run("draw", "googlenet", "--set", "resolution=96").stdout


def test_in_python_it_is_the_same() -> None:
    assert archcalc.draw("lenet5").svg == run("draw", "lenet5").stdout
    assert archcalc.analyze("lenet5").draw().svg == archcalc.draw("lenet5").svg
    assert archcalc.draw("lenet5")._repr_svg_().startswith("<svg")
    with pytest.raises(ValueError, match="a4 or slide"):
        archcalc.draw("lenet5", page="a5")
    with pytest.raises(ValueError, match="at least 1"):
        archcalc.draw("lenet5", depth=0)
    with pytest.raises(ValueError, match="not flops"):
        archcalc.draw("lenet5", quantity="flops")

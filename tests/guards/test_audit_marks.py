"""Marks of footnotes and references in tables of `archcalc audit`: no digit of them is of a name or of a figure."""

from __future__ import annotations

import pytest

from archcalc.claims.audit import audit
from archcalc.claims.names import Names
from archcalc.claims.tables import read_table
from archcalc.source import Source

_MARKS = ("[^2]", " [^note]", "[2]", " [2, 41]", "²", "^{2}", "^2", "[^1][^2]")


@pytest.mark.parametrize("mark", _MARKS)
def test_a_mark_makes_no_other_network_of_a_name(mark: str) -> None:
    assert Names().meant(f"ResNet-50{mark}").network == "resnet50"  # and not resnet50_v2


def test_what_is_of_a_name_stays() -> None:
    names = Names()
    assert names.meant("ResNet-50-v2 [2]").network == "resnet50_v2"
    assert names.meant("Swin-B [384]").resolution == (384, 384)
    assert names.meant("ViT-L/16@384²").resolution == (384, 384)


def test_markdown_shows_no_marks() -> None:
    text = "| model | params (10<sup>6</sup>)[^1] |\n|---|---|\n| ResNet-50<sup>a</sup> | 25.6[^3] |\n"
    table = read_table(Source("table.md", text))
    assert table.columns == ["model", "params (10⁶)"]
    assert table.rows[0].cells == {"model": "ResNet-50", "params (10⁶)": "25.6"}


def test_figures_with_marks_are_right() -> None:
    """Torchvision's model has 25,557,032 parameters and 4,089,184,256 multiply-accumulates; 4.1² is not 4.12."""
    text = (
        "| model | params (10<sup>6</sup>) | GMACs[^1] |\n|---|---|---|\n"
        "| torchvision:resnet50[^2] | 25.6[^3] | 4.1<sup>2</sup> |\n"
    )
    assert [figure.judgement for figure in audit(Source("table.md", text)).figures] == ["right", "right"]

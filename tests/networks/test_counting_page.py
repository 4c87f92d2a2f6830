"""Every figure of specs/counting.md, computed again from the expression beside it."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest

import archcalc

PAGE = Path(__file__).parents[2] / "specs" / "counting.md"
ROWS = re.findall(r"^\| ([0-9,]+) \| `([^`]+)` \|", PAGE.read_text(encoding="utf-8"), re.MULTILINE)


def total(quantity: str) -> Any:
    def computed(name: str, with_heads: bool = False) -> int:
        return int(getattr(archcalc.analyze(name, with_heads=with_heads).totals, quantity))

    return computed


def field(name: str, layer: str) -> int:
    """Rows of the input that one position of a layer sees."""
    (found,) = [row.receptive_field for row in archcalc.analyze(name).layers if row.name == layer]
    assert found is not None
    return found.size[0]


KNOWN = {name: total(name) for name in ("params", "macs", "connections", "neurons")} | {"field": field}


def test_the_page_has_its_figures() -> None:
    assert len(ROWS) >= 25
    assert len(ROWS) == PAGE.read_text(encoding="utf-8").split("## Figures")[1].count("\n|") - 2


@pytest.mark.parametrize(("figure", "expression"), ROWS)
def test_a_figure_is_what_its_expression_gives(figure: str, expression: str) -> None:
    assert eval(expression, {"__builtins__": {}}, KNOWN) == int(figure.replace(",", ""))


def test_quantities_of_the_page_are_columns() -> None:
    text = PAGE.read_text(encoding="utf-8")
    totals = archcalc.analyze("lenet5").totals
    named = re.findall(r"^\| `(\w+)` \|", text.partition("\n## ")[0], re.MULTILINE)
    assert named
    assert all(hasattr(totals, name) for name in named if name not in ("flops_", "receptive_field"))

"""Connection tables and pyramids."""

from __future__ import annotations

import xml.etree.ElementTree as ET

import pytest

from archcalc.engine.network import analyze
from archcalc.report.figure.lecture import connections_svg, field_svg, levels_of
from archcalc.source import SpecError


def test_the_table_of_c3_is_that_of_the_paper() -> None:
    """LeCun et al. 1998, table I: 60 crosses, rows of 10; columns of 3, 4 and 6."""
    text = connections_svg(analyze("lenet5"), "C3")
    root = ET.fromstring(text)
    crosses = [of for of in root if of.tag.endswith("rect") and of.get("fill") == "#74aede"]
    assert len(crosses) == 60
    columns = [
        sum(of.get("x") == x for of in crosses)
        for x in sorted({of.get("x") for of in crosses}, key=lambda x: float(x or 0))
    ]
    assert columns == [3] * 6 + [4] * 9 + [6]
    assert "60 of 96 pairs" in text


def test_the_pyramid_of_vgg() -> None:
    """By hand: from pool5 down, x -> 2x for a pool and x -> x + 2 for a convolution: 212 pixels."""
    levels = levels_of(analyze("vgg16"), "pool5")
    assert [level.seen for level in levels][:5] == [(1, 1), (2, 2), (4, 4), (6, 6), (8, 8)]
    assert levels[-1].seen == (212, 212)


ENDS = [("vgg16", "pool5"), ("resnet50", "conv5"), ("googlenet", "inception_5b"), ("alexnet", "pool5")]


@pytest.mark.parametrize(("name", "layer"), ENDS)
def test_the_pyramid_ends_in_the_receptive_field(name: str, layer: str) -> None:
    cost = analyze(name)
    levels = levels_of(cost, layer)
    inside = [of for of in cost.layers if of.name == layer or of.name.startswith(f"{layer}.")][-1]
    assert inside.receptive_field is not None
    assert levels[-1].seen == inside.receptive_field.size
    ET.fromstring(field_svg(cost, layer))


@pytest.mark.parametrize(
    ("call", "code"),
    [
        (lambda: connections_svg(analyze("lenet5"), "C9"), "unknown-layer"),
        (lambda: connections_svg(analyze("vgg16"), "conv1"), "no-connections"),
        (lambda: field_svg(analyze("vgg16"), "fc8"), "no-spatial-axes"),
        (lambda: field_svg(analyze("unet"), "up1"), "no-field"),
        (lambda: field_svg(analyze("googlenet"), "pool5"), "no-field"),
    ],
)
def test_what_cannot_be_drawn_is_told(call: object, code: str) -> None:
    with pytest.raises(SpecError) as refused:
        call()  # type: ignore[operator]
    assert refused.value.diagnostics[0].code == code

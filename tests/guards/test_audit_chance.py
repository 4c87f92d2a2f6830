"""How many figures an audit accepts by chance: of all figures of two digits around what is true, few."""

from __future__ import annotations

import pytest

from archcalc import analyze
from archcalc.claims.audit import audit
from archcalc.source import Source

MOST = 8  # of figures from half to two and a half times what is true: 41 to 81 of two digits


def accepted(model: str, column: str, figures: list[str]) -> list[str]:
    """Figures that are right, or explained by what tools and papers mean (grades 1 and 2)."""
    found = audit(
        Source("table.csv", "\n".join([f"model\t{column}", *(f"{model}\t{each}" for each in figures)]))
    ).figures
    assert len(found) == len(figures)
    return [
        figure.printed
        for figure in found
        if figure.judgement == "right" or (figure.judgement == "explained" and figure.grade in (1, 2))
    ]


@pytest.mark.parametrize("column", ["GMACs", "GFLOPs"])
@pytest.mark.parametrize("model", ["resnet50", "resnet50@torchvision"])
def test_of_81_figures_few_are_accepted(model: str, column: str) -> None:
    """All figures of two digits from 2.0 to 10.0 G; what is true of the network is among those that are."""
    figures = [f"{tenths // 10}.{tenths % 10}" for tenths in range(20, 101)]
    found = accepted(model, column, figures)
    assert len(figures) == 81
    assert {"3.9", "4.1"} <= set(found)
    assert len(found) <= MOST, found


def two_digits(value: float) -> list[str]:
    """All figures of two digits from half to two and a half times a value: 0.99, 1.0, 9.9, 10, 99, 100, 110."""
    found = []
    for exponent in range(-2, 6):
        for digits in range(10, 100):
            number = digits * 10.0 ** (exponent - 1)
            if value / 2 <= number <= 2.5 * value:
                found.append(f"{number:.{max(0, 1 - exponent)}f}")
    return found


NETWORKS = ["vgg16", "squeezenet1_0", "mobilenet_v3_large"]
MORE = ["alexnet", "resnet18", "densenet121", "inception_v3", "efficientnet_b0", "vit_b_16", "convnext_tiny", "swin_t"]


@pytest.mark.parametrize("column", ["GMACs", "GFLOPs", "params (M)"])
@pytest.mark.parametrize("model", [*NETWORKS, *(pytest.param(name, marks=pytest.mark.slow) for name in MORE)])
def test_of_other_networks_few_are_accepted_too(model: str, column: str) -> None:
    totals = analyze(model).totals
    value = totals.params / 10**6 if column == "params (M)" else totals.macs / 10**9
    figures = two_digits(value)
    found = accepted(model, column, figures)
    assert len(figures) > 40
    nearest = min(figures, key=lambda figure: abs(float(figure) - value))
    if column != "GFLOPs" and value < 100:  # two for a multiply-accumulate may be meant; 140 has three digits
        assert nearest in found
    assert len(found) <= MOST, found

"""Figures that stand in the reports: one or two of each kind of network; `archcalc draw` makes those of all."""

from __future__ import annotations

from archcalc.engine.network import Network
from archcalc.engine.structure import structured
from archcalc.report.figure.build import build
from archcalc.report.figure.draw import figure_svg
from archcalc.report.figure.lecture import connections_svg, field_svg
from archcalc.results.cost import NetworkCost
from archcalc.spec.library import find

DRAWN = (
    "googlenet",
    "resnet50",
    "densenet121",
    "vgg16",
    "inception_v4",
    "unet",
    "bart_base",
    "mixtral_8x7b",
    "clip_vit_b_32",
    "yolo_v3",
)


def figures_of(cost: NetworkCost) -> dict[str, str]:
    """Files of a network's figures by their path in the reports; none for most."""
    found: dict[str, str] = {}
    if cost.name in DRAWN:
        made = structured(Network(*find(cost.name)))
        found[f"figures/{cost.name}.svg"] = figure_svg(build(made.cost, made.structure, made.amounts))
    if cost.name == "lenet5":
        found["figures/lenet5-C3.svg"] = connections_svg(cost, "C3")
    if cost.name == "vgg16":
        found["figures/vgg16-pool5.svg"] = field_svg(cost, "pool5")
    return found

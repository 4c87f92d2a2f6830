"""Figures that stand in the reports: each network as `archcalc draw` draws it, and two pictures for lectures."""

from __future__ import annotations

from functools import lru_cache

from archcalc.engine.network import Network
from archcalc.engine.structure import structured
from archcalc.report.figure.build import build
from archcalc.report.figure.draw import figure_svg
from archcalc.report.figure.lecture import connections_svg, field_svg
from archcalc.results.cost import NetworkCost
from archcalc.spec.library import find


def figures_of(cost: NetworkCost) -> dict[str, str]:
    """Files of a network's figures by their path in the reports."""
    found = {f"figures/{cost.name}.svg": figure(cost.name)}
    if cost.name == "lenet5":
        found["figures/lenet5-C3.svg"] = connections_svg(cost, "C3")
    if cost.name == "vgg16":
        found["figures/vgg16-pool5.svg"] = field_svg(cost, "pool5")
    return found


@lru_cache(maxsize=1024)
def figure(name: str) -> str:
    """A network of the library as SVG, on A4; drawn once in a process."""
    made = structured(Network(*find(name)))
    return figure_svg(build(made.cost, made.structure, made.amounts))

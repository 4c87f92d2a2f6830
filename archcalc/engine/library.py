"""Costs of all networks that come with archcalc."""

from __future__ import annotations

from archcalc.engine.network import Network, analyze
from archcalc.results import NetworkCost
from archcalc.source import SpecError
from archcalc.spec.library import read_file, specs_folder

Broken = tuple[str, SpecError]


def analysed_families() -> tuple[list[list[NetworkCost]], list[Broken]]:
    """Networks by file, in the order of each file; and what of the specs does not read or expand."""
    families: list[list[NetworkCost]] = []
    broken: list[Broken] = []
    for path in sorted(specs_folder().glob("*.yaml")):
        name = f"specs/{path.name}"
        try:
            spec = read_file(path, name)
        except SpecError as error:
            broken.append((name, error))
            continue
        members = []
        for network in spec.names():
            try:
                members.append(analyze(Network(spec, network)))
            except SpecError as error:
                broken.append((name, error))
        families.append(members)
    return families, broken

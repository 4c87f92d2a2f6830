"""Costs of all networks that come with archcalc."""

from __future__ import annotations

from archcalc.engine.network import Network, analyze
from archcalc.results.cost import NetworkCost
from archcalc.source import SpecError
from archcalc.spec.library import read_file, specs_folder

Broken = tuple[str, SpecError]


def analysed_families(is_known_good: bool = False) -> tuple[list[list[NetworkCost]], list[Broken]]:
    """Networks by file, in the order of each file; and what of the specs does not read or expand.

    With `is_known_good`, what is found without expanding a network is not looked for, except in a file that fails.
    """
    families: list[list[NetworkCost]] = []
    broken: list[Broken] = []
    for path in sorted(specs_folder().glob("*.yaml")):
        name = f"specs/{path.name}"
        try:
            spec = read_file(path, name, is_known_good)
        except SpecError as error:
            broken.append((name, error))
            continue
        members = []
        for network in spec.names():
            try:
                members.append(analyze(Network(spec, network)))
            except SpecError as error:
                broken.append((name, error))
                if is_known_good:
                    try:
                        read_file(path, name)
                    except SpecError as found:
                        broken[-1] = (name, found)
                        members = []
                        break
        families.append(members)
    return families, broken

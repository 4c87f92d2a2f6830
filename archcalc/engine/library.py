"""Several networks at once: those of a file, and all that come with archcalc; networks sent to other processes."""

from __future__ import annotations

from functools import lru_cache
from pathlib import Path
from typing import NamedTuple

from archcalc.engine.network import Network, analyze, load
from archcalc.results.cost import NetworkCost
from archcalc.source import Source, SpecError
from archcalc.spec.library import choose, file_and_variant, looks_like_file, read_file, specs_folder
from archcalc.spec.read import read_spec

Broken = tuple[str, SpecError]


def networks_of(name: str) -> list[Network]:
    """The network of a name; all networks of a file that is named without one of them.

    Raises:
        SpecError: there is none, or all that is wrong with the file.
    """
    if looks_like_file(name) and not file_and_variant(name)[1]:
        spec = read_file(Path(name), name)
        return [Network(spec, each) for each in spec.names()] or [Network(*choose(spec))]
    return [load(name)]


class NetworkText(NamedTuple):
    """A network as it travels: the text of its file, and its name there."""

    file: str
    text: str
    name: str


def text_of(network: Network) -> NetworkText:
    """What another process needs to have the same network."""
    return NetworkText(network.spec.source.name, network.spec.source.text, network.name)


@lru_cache(maxsize=64)
def network_of(given: NetworkText) -> Network:
    """The network that was sent."""
    return Network(*choose(read_spec(Source(given.file, given.text)), given.name))


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

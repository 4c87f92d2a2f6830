"""Several networks at once: those of a file, and all that come with archcalc; networks sent to other processes."""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache
from pathlib import Path

from archcalc.engine.inputs import Given
from archcalc.engine.network import Network, analyze, load
from archcalc.importing.sources import kind_of, refusal
from archcalc.named import NamedTuple
from archcalc.results.cost import NetworkCost
from archcalc.source import Diagnostic, Source, SpecError
from archcalc.source.places import specs_folder
from archcalc.spec.library import (
    choose,
    file_and_variant,
    is_configuration,
    is_spec,
    looks_like_file,
    read_file,
)
from archcalc.spec.read import read_spec

Broken = tuple[str, SpecError]


def networks_of(name: str, input: Given = None) -> list[Network]:
    """The network of a name; all networks of a file that is named without one of them.

    Args:
        name: as `load` takes it.
        input: the input to read a model of another framework at.

    Raises:
        SpecError: there is none, or all that is wrong with the file.
    """
    is_other = kind_of(name) is not None or is_configuration(name) or refusal(name) is not None
    if looks_like_file(name) and not is_other and not file_and_variant(name)[1]:
        spec = read_file(Path(name), name)
        return [Network(spec, each) for each in spec.names()] or [Network(*choose(spec))]
    return [load(name, input)]


IMPLEMENTATIONS = ("torchvision", "tf", "keras", "timm")
"""Libraries whose network people often mean by a plain name; each has a variant `NAME@LIBRARY`."""


def implementations(network: Network) -> list[Network]:
    """What libraries call by the plain name of a network, where the spec has it as a variant."""
    names = [f"{network.name}@{library}" for library in IMPLEMENTATIONS] if "@" not in network.name else []
    return [Network(network.spec, name) for name in names if name in network.spec.variants]


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


def analysed_families(
    is_known_good: bool = False, places: Sequence[str] = (), dtype: str = "fp32"
) -> tuple[list[list[NetworkCost]], list[Broken]]:
    """Networks by file, in the order of each file; and what of the specs does not read or expand.

    Args:
        is_known_good: do not look for what is found without expanding a network, except in a file that fails.
        places: files and folders; without any, the specs that come with archcalc.
        dtype: of the weights, for their size.

    Raises:
        SpecError: there is no such place, or no spec in it.
    """
    families: list[list[NetworkCost]] = []
    broken: list[Broken] = []
    for name, path in spec_files(places):
        try:
            spec = read_file(path, name, is_known_good)
        except SpecError as error:
            broken.append((name, error))
            continue
        members = []
        for network in spec.names():
            try:
                members.append(analyze(Network(spec, network), dtype=dtype))
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


def spec_files(places: Sequence[str] = ()) -> list[tuple[str, Path]]:
    """Files of specs with the names that people know them by; of a folder those in it at any depth.

    A YAML file in a folder that does not begin a network is none; hidden folders are left out.

    Raises:
        SpecError: there is no such place, or no spec in it.
    """
    if not places:
        return [(f"specs/{path.name}", path) for path in sorted(specs_folder().glob("*.yaml"))]
    found: dict[str, Path] = {}
    for place in places:
        folder = Path(place)
        if not folder.is_dir():
            if not folder.is_file():
                message = f"there is no file or folder `{place}`"
                help = "give ./specs or ./my.yaml; `archcalc list resnet` finds networks by a part of their names"
                raise SpecError([Diagnostic("no-such-file", message, help=help)])
            found[place] = folder
            continue
        files = [path for path in folder.rglob("*") if path.suffix in (".yaml", ".yml") and path.is_file()]
        inside = {path: path.relative_to(folder).parts for path in files}
        specs = [path for path in sorted(files) if not _is_hidden(inside[path]) and is_spec(path)]
        if not specs:
            message = f"there is no spec in `{place}`"
            raise SpecError([Diagnostic("no-such-file", message, help="a spec is a .yaml file that has `network:`")])
        found |= {str(path): path for path in specs}
    return list(found.items())


def _is_hidden(parts: Sequence[str]) -> bool:
    return any(part.startswith(".") for part in parts)

"""Names of networks as people write them in tables: `ConvNeXt-T`, `WRN-28-10`, `microsoft/resnet-50`.

A name of a table is a text and nothing else: it is looked up in the library and in the files that the user passed, and
never opens a file.
"""

from __future__ import annotations

from collections.abc import Sequence
from difflib import get_close_matches
from functools import cache
from typing import NamedTuple

from archcalc.claims.spellings import bare, beginnings, loosely, plain, readings, variants_of
from archcalc.engine.library import networks_of
from archcalc.engine.network import Network, load
from archcalc.source import Diagnostic, SpecError, suggest_many
from archcalc.spec.library import all_names, index

LONGEST = 200  # characters of a name that may be one


class Meant(NamedTuple):
    """What a name of a table was taken for: a network, or nothing and what there is to say of that."""

    network: str
    why: str = ""
    resolution: tuple[int, ...] = ()  # of the images, where the name says it: ViT-L/16@384


class Names:
    """The networks that a table may name: those of the library, and those of files that the user passed."""

    def __init__(self, files: Sequence[str] = ()) -> None:
        """Read the files.

        Raises:
            SpecError: one does not read.
        """
        self._own: dict[str, Network] = {}
        self._found: dict[str, Meant] = {}
        for path in files:
            networks = networks_of(path)
            for network in networks:
                for key in (network.name, f"{path}:{network.name}"):
                    self._own.setdefault(key, network)
            if len(networks) == 1:
                self._own.setdefault(path, networks[0])

    def meant(self, model: str) -> Meant:
        """The network of a model's name; without one, what may have been meant."""
        found = self._found.get(model)
        if found is None:
            found = self._found[model] = self._meant(model)
        return found

    def _meant(self, model: str) -> Meant:
        name = model.strip()
        if name in self._own:
            return Meant(name)
        if len(name) > LONGEST:
            return Meant("")
        families = []
        for reading in readings(name):
            spelling = _names().get(reading.key)
            if spelling is None:
                continue
            if not _counts(spelling):
                families.append(spelling)
                continue
            others = (f"{spelling}@{variant}" for variant in variants_of(name) if "@" not in spelling)
            return Meant(next((other for other in others if other in _spellings()), spelling), "", reading.resolution)
        if families:
            return Meant("", f"a family: name one of {_members(families[0])}")
        return Meant("", _nearest(name))

    def network(self, name: str) -> Network:
        """The network of a name that `meant` gave."""
        return self._own.get(name) or _loaded(name)

    def variants(self, name: str) -> list[str]:
        """Other definitions of a network: `resnet50@torchvision` for `resnet50`."""
        if name in self._own:
            own = self._own[name]
            base = own.name.partition("@")[0]
            others = [key for key, other in self._own.items() if other.spec is own.spec and ":" not in key]
            return [key for key in others if key.partition("@")[0] == base and self._own[key] is not own]
        base = name.partition("@")[0]
        return [each for each in _spellings() if each.partition("@")[0] == base and each != name and _counts(each)]

    def neighbours(self, name: str) -> list[str]:
        """Other networks of the same file, whose row may have slipped."""
        if name in self._own:
            return []
        base = name.partition("@")[0]
        return [each for each in _loaded(name).spec.names() if each.partition("@")[0] != base]


@cache
def _spellings() -> tuple[str, ...]:
    return tuple(spelling for spelling, _ in index().values())


@cache
def _names() -> dict[str, str]:
    """Names of the library without marks and case, and their spelling."""
    spellings = {plain(spelling): spelling for spelling in _spellings()}
    loose: dict[str, list[str]] = {}
    for key, spelling in spellings.items():
        loose.setdefault(loosely(key), []).append(spelling)
    return {key: of[0] for key, of in loose.items() if len(of) == 1} | spellings


def _nearest(name: str) -> str:
    """What may have been meant; where nothing is near, what is least far of those that begin alike."""
    for beginning in beginnings(name):
        for reading in readings(beginning):
            if reading.key in _names() and _counts(_names()[reading.key]):
                return f"the nearest of ours is {_names()[reading.key]}"
    key = plain(bare(name))
    near = dict.fromkeys(_names()[one] for one in suggest_many(key, _names()))
    if near:
        return f"did you mean {' or '.join(near)}?"
    far = get_close_matches(key, _names(), 1, 0.2)
    return f"the nearest of ours is {_names()[far[0]]}" if far else ""


def _members(family: str) -> str:
    """The networks of a family, the first of them where they are many."""
    names = all_names([dict(index().values())[family]])
    return ", ".join(names[:6]) + (f" and {len(names) - 6} more" if len(names) > 6 else "")


@cache
def _counts(name: str) -> bool:
    try:
        _loaded(name)
    except SpecError:
        return False
    return True


@cache
def _loaded(name: str) -> Network:
    if name not in _spellings():  # what is no name of the library must not be taken for a file
        raise SpecError([Diagnostic("unknown-network", f"no network is called `{name}`")])
    return load(name)

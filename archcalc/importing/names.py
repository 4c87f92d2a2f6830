"""Names of the source as names of a spec: the one place that makes them."""

from __future__ import annotations

import re
from collections.abc import Iterable, MutableSet
from functools import lru_cache
from keyword import iskeyword

from archcalc.ops import OPERATORS
from archcalc.spec.elsewhere import merge_meant
from archcalc.spec.functions import FUNCTIONS
from archcalc.spec.words import RESERVED, UNNAMEABLE

_NOT_IN_NAMES = re.compile(r"[^A-Za-z0-9]+")
_CAPITALS = re.compile(r"(?<=[a-z0-9])(?=[A-Z][a-z])|(?<=[a-z])(?=[A-Z])")
_COUNTED = re.compile(r"_\d+\Z")
_LETTERS = "abcdefghijklmnopqrstuvwxyz"
_IN_SERIES = re.compile(r"\d+[a-z]?\d*(?=_|\Z)")
_NUMBER = re.compile(r"\d+\Z")
_STEM = re.compile(r"(.*?)[_.]?(\d+|(?<=\d)[a-z]|(?<=\d)[a-z]\d+)\Z")


@lru_cache(maxsize=4096)
def plain(text: str) -> str:
    """A text as an identifier: letters, digits and single underscores, a letter first; empty where nothing is left."""
    name = _NOT_IN_NAMES.sub("_", text).strip("_")
    if name and name[0].isdigit():
        return "" if name.isdigit() else f"l_{name}"
    return f"{name}_" if iskeyword(name) else name


def of_class(kind: str) -> str:
    """`InvertedResidual` as `inverted_residual`, `CNBlock` as `cn_block`."""
    name = re.sub(r"(?<=[A-Z])(?=[A-Z][a-z])", "_", kind.rpartition(".")[2])
    return plain(_CAPITALS.sub("_", name).lower())


def is_number(text: str) -> bool:
    """Whether a name says no more than a place in a list."""
    return bool(_NUMBER.match(text))


def stem(text: str) -> str:
    """`res2` of `res2a`, `layer` of `layer1`: what the names of a series have in common; empty where it is none."""
    found = _STEM.match(text)
    return found.group(1) if found else ""


def series(text: str) -> tuple[str, str]:
    """A name without its numbers, and what stands before the first: equal for names of one series."""
    found = _IN_SERIES.search(text)
    return _IN_SERIES.sub("#", text), text[: found.start()].rstrip("_") if found else ""


def fresh(wanted: str, used: MutableSet[str] | Iterable[str], forbidden: Iterable[str] = ()) -> str:
    """A name that is not used and not forbidden: the wanted one, or with a number."""
    name, number = wanted, 1
    while name in used or name in forbidden:
        number += 1
        name = f"{wanted}_{number}"
    if isinstance(used, MutableSet):
        used.add(name)
    return name


def entry(text: str, used: MutableSet[str], is_referred: bool = False, hidden: Iterable[str] = ()) -> str:
    """The name of an entry. What is referred to has none that means something else where an expression names it."""
    wanted = plain(text) or "layer"
    word = _COUNTED.sub("", wanted)  # layers without a name are called so, with a number
    if (
        merge_meant(wanted) is not None
        or wanted in UNNAMEABLE
        or (is_referred and (word in RESERVED or word in hidden))
    ):
        wanted = f"{word}_out"
    return fresh(wanted, used)


def module(kind: str, used: MutableSet[str]) -> str:
    """The name of a module for a class of the source."""
    wanted = of_class(kind.partition(" ")[0]) or "block"
    if wanted in RESERVED or wanted in OPERATORS or wanted in FUNCTIONS:
        wanted = f"{wanted}_block"
    name, at = wanted, 0
    while name in used:  # no number: that is how layers are counted that have no names
        at += 1
        name = f"{wanted}_{_LETTERS[at % 26] * (at // 26 + 1)}"
    used.add(name)
    return name


def argument(text: str, used: MutableSet[str]) -> str:
    """The name of an argument or a variable: it may be a word of the language, but no operator's."""
    wanted = plain(text) or "value"
    if wanted in RESERVED:
        wanted = f"{wanted}_" if f"{wanted}_" not in used else wanted
    return fresh(wanted, used)

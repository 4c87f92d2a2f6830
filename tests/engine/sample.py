"""Which networks of the library every run of a test over all of them takes, and which variables it leaves free."""

from __future__ import annotations

from collections.abc import Iterable
from fractions import Fraction
from functools import cache
from math import lcm
from pathlib import Path
from typing import Any

import pytest

from archcalc import load
from archcalc.spec.library import all_names, index, plain

MOST_NODES = 600
MULTIPLIER = 16  # a width up to here multiplies widths of layers; above, it is one itself
LENGTHS = ("length", "past", "source_length", "vocabulary")
GROUP_NORMALISED = "sd_unet"  # 32 groups divide its widths, too
HALVED = "mlp_mixer"  # positions are mixed through half of its widths
# Pictures and text are no step of a decoder: no past of theirs is free.
STEPPED_TOGETHER = ("llava", "paligemma", "gemma3_multimodal")
TURNED = ("gptj", "codegen")  # a number of channels turns: as a share of a head's it divides by the width


@cache
def _nodes(name: str) -> int:
    return len(load(name).graph().nodes)


@cache
def _smallest() -> frozenset[str]:
    """The least network of each file."""
    least: dict[Path, str] = {}
    for name in all_names():
        path = index()[plain(name)][1]
        least[path] = min(least.get(path, name), name, key=_nodes)
    return frozenset(least.values())


def sampled(names: Iterable[str] | None = None) -> list[Any]:
    """Networks, all by default, for `parametrize`; slow are those of many nodes.

    They repeat, in more blocks, what a smaller network of their file has.
    """
    return [
        name
        if _nodes(name) <= MOST_NODES or name in _smallest()
        else pytest.param(name, marks=pytest.mark.slow, id=name)
        for name in (all_names() if names is None else names)
    ]


def one_of_each_file() -> list[Any]:
    """All networks for `parametrize`, where what is held is that of a family; slow are all but the least of each."""
    return [
        name if name in _smallest() else pytest.param(name, marks=pytest.mark.slow, id=name) for name in all_names()
    ]


def is_multiplier(name: str) -> bool:
    """Whether a network's width is a number that widths of layers are multiplied by, or that of its images."""
    loaded = load(name)
    return "height" in loaded.spec.settable or loaded.value("width") <= MULTIPLIER


def lengths_of(name: str) -> dict[str, int]:
    """The numbers of positions and of words that a network leaves free, each with the least that it takes."""
    settable = load(name).spec.settable
    return {
        key: 0 if key == "past" else 1
        for key in LENGTHS
        if key in settable and not (key == "past" and name.startswith(STEPPED_TOGETHER))
    }


def unit_of_width(name: str) -> int:
    """What a width of layers is a multiple of: where heads share it, pairs of them and the width of one."""
    loaded = load(name)
    width = loaded.value("width")
    heads = 1
    for key in loaded.spec.settable:
        if key == "heads" or key.endswith("_heads"):
            counts = loaded.value(key)
            heads = lcm(heads, *(counts if isinstance(counts, tuple) else [counts]))
    if heads == 1:
        return 2 if name.startswith(HALVED) else 1
    unit = lcm(2 * heads, width // heads)
    return unit if width % unit == 0 and not name.startswith(GROUP_NORMALISED) else width


def free_width(name: str) -> dict[str, Fraction | int]:
    """A network's width with the unit that tests leave it free in; none where it has a list of widths or no width."""
    loaded = load(name)
    if "width" not in loaded.spec.settable or isinstance(loaded.value("width"), tuple) or name.startswith(TURNED):
        return {}
    if "height" in loaded.spec.settable:
        return {"width": 1}
    return {"width": Fraction(1, 4) if is_multiplier(name) else unit_of_width(name)}

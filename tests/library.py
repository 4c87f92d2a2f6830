"""The whole library analysed once in a process, for tests of what is then made of it."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cache
from typing import TypeAlias

from archcalc.engine import library
from archcalc.engine.library import Broken
from archcalc.results.cost import NetworkCost

Analysed: TypeAlias = tuple[list[list[NetworkCost]], list[Broken]]
analysed_families = library.analysed_families


@cache
def families(dtype: str = "fp32") -> Analysed:
    """Every network of the library, file by file."""
    return analysed_families(True, dtype=dtype)


def shared(is_known_good: bool = False, places: Sequence[str] = (), dtype: str = "fp32") -> Analysed:
    """What commands call: the library from before, anything else anew."""
    if places or not is_known_good:
        return analysed_families(is_known_good, places, dtype)
    found, broken = families(dtype)
    return [[*members] for members in found], [*broken]

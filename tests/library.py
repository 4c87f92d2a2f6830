"""The whole library analysed, and its ledger checked, once in a process: for tests of what is then made of it."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cache
from pathlib import Path
from typing import Any, TypeAlias

from archcalc.claims import check
from archcalc.engine import library
from archcalc.engine.library import Broken
from archcalc.results.claim import Ledger
from archcalc.results.cost import NetworkCost

Analysed: TypeAlias = tuple[list[list[NetworkCost]], list[Broken]]
analysed_families = library.analysed_families
check_ledger = check.check_ledger


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


@cache
def shipped() -> Ledger:
    """The ledger that comes with archcalc."""
    return check_ledger()


def shared_ledger(folder: Path | None = None, is_wanted: Any = None) -> Ledger:
    """What commands call: the whole ledger from before, anything else anew."""
    return shipped() if folder is None and is_wanted is None else check_ledger(folder, is_wanted)

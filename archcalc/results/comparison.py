"""Networks side by side, and where their costs differ."""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple

from archcalc.results.cost import NetworkCost


class Split(NamedTuple):
    """One network's part of a division of its costs."""

    macs: int = 0
    params: int = 0
    operations: int = 0
    outputs: int = 0  # of operations with weights


@dataclass(slots=True, eq=False, match_args=False)
class Comparison:
    """Networks side by side. Divisions hold, under each label, one part for each network in order."""

    networks: list[NetworkCost]
    by_map_size: dict[str, list[Split]]  # extents of what a layer gives, the largest first
    by_kind: dict[str, list[Split]]  # kind of operation: conv 3x3, linear


class Cause(NamedTuple):
    """Where the difference of two networks lies: labels of a division, and their part of the difference."""

    labels: tuple[str, ...]
    part: int
    whole: int

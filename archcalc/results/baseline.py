"""What a table that was written earlier says, beside what is counted now."""

from __future__ import annotations

from typing import NamedTuple


class Deviation(NamedTuple):
    """A cell, a row or a column of a baseline that is not as it would be written now."""

    file: str
    line: int
    row: str  # name of the layer or network; nothing: all rows
    column: str  # nothing: the whole row
    was: str | None  # None: not in the baseline
    now: str | None  # None: no longer there


class Baseline(NamedTuple):
    """A table that was compared."""

    file: str
    networks: tuple[str, ...]
    rows: int
    deviations: tuple[Deviation, ...]

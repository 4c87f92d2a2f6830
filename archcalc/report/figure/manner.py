"""How opened modules are drawn, by the room that there is: distances, and what boxes say."""

from __future__ import annotations

from math import inf
from typing import NamedTuple

GAP, TIGHT = 13.0, 8.0  # between boxes in a row; where a figure would not fit its page
UNBROKEN = inf  # height from which boxes stand in two columns
BETWEEN = 9.0  # branches
FAN, NAMED_FAN = 11.0, 21.0  # from the line across to the branches; with names
LONG = 17.0  # an arrow with a shape beside it


class Manner(NamedTuple):
    """A way to draw frames."""

    gap: float = GAP
    tall: float = UNBROKEN  # what is higher stands in two columns
    is_narrow: bool = False  # few boxes side by side, where lines join them
    is_short: bool = False  # boxes do not say what they cost

    @property
    def is_tight(self) -> bool:
        """Whether room is short."""
        return self.gap < GAP

    @property
    def long(self) -> float:
        """Length of the arrows that come in and go out."""
        return LONG - 3.0 * self.is_tight

    @property
    def padding(self) -> float:
        """Between the text of a box and its side."""
        return 4.5 if self.is_short else 7.0

    @property
    def between(self) -> float:
        """Between branches."""
        return BETWEEN - 2.5 * self.is_short

    @property
    def clear(self) -> float:
        """From the line across to a text below it."""
        return 3.0 - 3.0 * self.is_short

    def fan(self, name: str) -> float:
        """From the line across to a branch, which may have a name."""
        return (NAMED_FAN if name else FAN) - (4.0 if name else 2.0) * self.is_short

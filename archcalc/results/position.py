"""Where a value is set: a whole variable, `kernel`, or an item of a list, `kernel[3]`, `kernel[2][0]`, `kernel[*]`."""

from __future__ import annotations

import re

from archcalc.named import NamedTuple

EVERY = -1  # of indices: each item of the list

_POSITION = r"(?a)\s*([A-Za-z_]\w*)((?:\s*\[\s*(?:[0-9]{1,9}|\*)\s*\])*)\s*\Z"
_INDEX = r"[0-9]+|\*"


class Position(NamedTuple):
    """A variable, and the indices of an item of it; none: the whole variable."""

    variable: str
    indices: tuple[int, ...] = ()

    def __str__(self) -> str:
        return self.variable + "".join(f"[{'*' if index == EVERY else index}]" for index in self.indices)

    def overlaps(self, other: Position) -> bool:
        """Whether both can set the same item."""
        return self.variable == other.variable and all(
            a == b or EVERY in (a, b) for a, b in zip(self.indices, other.indices, strict=False)
        )

    def is_closer(self, other: Position, item: Position) -> bool:
        """Whether it names an item by more of its indices than another that stands for the item too."""
        return self.overlaps(item) and len(self.indices) >= len(other.indices) and self._named > other._named

    @property
    def _named(self) -> int:
        return sum(index != EVERY for index in self.indices)


def position_of(text: str) -> Position | None:
    """What is written `kernel[3]` or `kernel`; None: it is no position."""
    found = re.match(_POSITION, text)
    if found is None:
        return None
    indices = tuple(EVERY if each == "*" else int(each) for each in re.findall(_INDEX, found[2]))
    return Position(found[1], indices)

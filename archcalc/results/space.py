"""What a spec says may vary: the axes of its space, and how many networks they are together."""

from __future__ import annotations

from typing import NamedTuple


class SpaceAxis(NamedTuple):
    """A variable, or items of one, and its values."""

    name: str  # as written: `kernel[*]`
    values: tuple[str, ...]  # as written: a range is one
    size: int  # different values
    times: int  # items that it is for, each by itself


class Space(NamedTuple):
    """The axes, and how many combinations of their values there are, exactly."""

    axes: tuple[SpaceAxis, ...]
    size: int

"""Receptive fields as data."""

from __future__ import annotations

from fractions import Fraction
from typing import Protocol

from archcalc.named import NamedTuple


class ReceptiveField(NamedTuple):
    """What one output position sees of the input along each axis, in input pixels.

    `size` ignores the border of the input, as is usual; `first_centre` is the centre of the first position's field.
    After an operation that reads a whole axis all positions see the same: `size` is then what they see inside the
    input, as a rule its extent, and `jump` is 0. `is_at_least` where more may be seen: what an operation on the way
    reads is not known, or positions differ in too many ways.
    """

    size: tuple[int, ...]
    jump: tuple[Fraction, ...]
    first_centre: tuple[Fraction, ...]
    is_at_least: bool = False

    @property
    def is_global(self) -> bool:
        """Whether along some axis every position sees the same."""
        return 0 in self.jump


class Fields(Protocol):
    """Receptive fields of a graph, found when asked for."""

    def after(self, index: int) -> ReceptiveField | None:
        """Field of one output position of a node."""
        ...

    def local(self, index: int) -> ReceptiveField | None:
        """The same by the path without operations that read a whole axis."""
        ...

    def has_ended(self, index: int) -> tuple[bool, ...]:
        """Whether every path reads an axis whole, so that its local field grows no more, for each axis."""
        ...

    def is_uniform(self, index: int) -> bool:
        """Whether all positions of a map see alike: nothing was upsampled before that is not made up for."""
        ...

    def is_cut_off(self, index: int) -> bool:
        """Whether the pattern of what its positions see is longer than it is followed, so that the field is a bound."""
        ...

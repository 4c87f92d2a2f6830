"""What many configurations of networks cost: axes, the configurations that are kept, and what was left out."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from fractions import Fraction
from functools import cached_property
from typing import TYPE_CHECKING, Any, NamedTuple, TypeAlias

import numpy as np
import numpy.typing as npt

from archcalc.results.position import Position, position_of

if TYPE_CHECKING:
    import pandas as pd

Column: TypeAlias = "npt.NDArray[Any]"
Columns: TypeAlias = "dict[str, Column]"
Value: TypeAlias = "int | Fraction | str"

EXACT_DECIMALS = 10**15  # a float holds a decimal of so many digits and gives it back


class Axis(NamedTuple):
    """A variable, or an item of one, and its values: whole multiples of a unit, or texts (words, lists)."""

    name: str
    unit: Fraction  # 0: the values are texts
    multiples: Column
    texts: tuple[str, ...] = ()

    @property
    def position(self) -> Position:
        """What it sets: `kernel`, `kernel[3]`."""
        return position_of(self.name) or Position(self.name)

    @property
    def variable(self) -> str:
        """The variable that it is, or of which it is an item."""
        return self.position.variable

    @property
    def size(self) -> int:
        """How many values."""
        return len(self.texts) or len(self.multiples)

    @property
    def is_numeric(self) -> bool:
        """Whether the values are numbers."""
        return self.unit != 0

    def value(self, index: int) -> Value:
        """One value, exactly."""
        if not self.is_numeric:
            return self.texts[index]
        found = int(self.multiples[index]) * self.unit
        return found.numerator if found.denominator == 1 else found

    def column(self, indices: Column) -> Column:
        """Values as a column: integers, decimals that a float gives back exactly, or else texts."""
        return np.take(self._values(), indices)

    def __reduce__(self) -> tuple[Any, ...]:
        """A range travels as its ends, whatever its length."""
        is_long = len(self.multiples) > 2
        first, step = (int(self.multiples[0]), int(self.multiples[1] - self.multiples[0])) if is_long else (0, 0)
        if step > 0 and np.array_equal(self.multiples, np.arange(first, first + step * self.size, step)):
            return _range, (self.name, self.unit, first, step, self.size)
        return Axis, tuple(self)

    def _values(self) -> Column:
        if not self.is_numeric:
            return np.array(self.texts, dtype=object)
        if self.unit.denominator == 1:
            return self.multiples * self.unit.numerator
        digits = 10 ** max(_power(self.unit.denominator, 2), _power(self.unit.denominator, 5))
        largest = max(abs(int(self.multiples.max())), abs(int(self.multiples.min())))
        if digits % self.unit.denominator == 0 and largest * self.unit.numerator * digits < EXACT_DECIMALS:
            return (self.multiples * self.unit.numerator).astype(np.float64) / self.unit.denominator
        return np.array([str(self.value(index)) for index in range(self.size)], dtype=object)


def _range(name: str, unit: Fraction, first: int, step: int, size: int) -> Axis:
    return Axis(name, unit, np.arange(first, first + step * size, step))


def _power(number: int, of: int) -> int:
    """How often a number is divisible by another."""
    power = 0
    while number % of == 0:
        number, power = number // of, power + 1
    return power


class LeftOut(NamedTuple):
    """Configurations that are no network, by the code of the error, and the first of them."""

    network: str
    code: str
    points: int
    number: int  # of the first; -1: it is any of them
    settings: str  # of the first
    message: str  # of the first
    help: str = ""  # the way out of it


@dataclass(slots=True)
class Tally:
    """What was found while configurations were computed."""

    computed: int = 0
    kept: int = 0
    checked: int = 0  # computed once more, one by one
    wide: frozenset[str] = frozenset()  # quantities that 64 bits do not hold, computed in Python's integers
    lower_bounds: frozenset[str] = frozenset()  # networks with an operation of unknown cost
    left_out: list[LeftOut] = field(default_factory=list)

    def add(self, other: Tally) -> None:
        """Take in what was found elsewhere."""
        self.computed += other.computed
        self.kept += other.kept
        self.checked += other.checked
        self.wide |= other.wide
        self.lower_bounds |= other.lower_bounds
        found = {(of.network, of.code): of for of in self.left_out}
        for of in other.left_out:
            known = found.get((of.network, of.code))
            if known is not None:
                first = min(known, of, key=lambda each: each.number)
                of = first._replace(points=known.points + of.points)  # noqa: PLW2901
            found[of.network, of.code] = of
        self.left_out = list(found.values())

    @property
    def lost(self) -> int:
        """Configurations that are no network."""
        return sum(of.points for of in self.left_out)


class Heading(NamedTuple):
    """What a sweep is of."""

    networks: tuple[str, ...]
    axes: tuple[Axis, ...]
    quantities: tuple[str, ...]
    points: int  # configurations, or those drawn
    sample: int | None
    seed: int
    looped: Mapping[str, tuple[str, ...]]  # axes by network of which each value is expanded anew
    lacking: Mapping[str, tuple[str, ...]]  # variables that networks do not have, which are left out for that

    @property
    def columns(self) -> tuple[str, ...]:
        """Names of columns in their order."""
        return ("network", *(axis.name for axis in self.axes), *self.quantities)


class Searched(NamedTuple):
    """How configurations were found of a space that nobody goes through."""

    meeting: float | None = None  # how many meet the conditions, if that was counted; exact below 2^53
    share: float | None = None  # of draws that met all conditions, where one alone was drawn by
    equal: float = 0.0  # how many more cost the same as one of those that were chosen


class Sweep:
    """Configurations and their costs, in pieces; the columns are made when they are first asked for."""

    def __init__(
        self,
        heading: Heading,
        tally: Tally,
        pieces: Callable[[], Iterator[Columns]],
        searched: Searched | None = None,
    ) -> None:
        self.heading, self.tally = heading, tally
        self.pieces = pieces
        self.searched = searched  # None: all configurations were computed

    @cached_property
    def columns(self) -> Columns:
        """NumPy arrays by name: the network, each axis, each quantity."""
        return joined(self.heading.columns, list(self.pieces()))

    def __len__(self) -> int:
        return self.tally.kept

    def to_frame(self) -> pd.DataFrame:
        """The columns in pandas."""
        import pandas as pd

        return pd.DataFrame(self.columns)

    def __repr__(self) -> str:
        return (
            f"Sweep({self.tally.kept:,} of {self.tally.computed:,} configurations: {', '.join(self.heading.columns)})"
        )


def joined(names: Iterable[str], pieces: Sequence[Columns]) -> Columns:
    """Pieces one below the other."""
    if not pieces:
        return {name: np.empty(0, np.int64) for name in names}
    return {name: np.concatenate([piece[name] for piece in pieces]) for name in names}

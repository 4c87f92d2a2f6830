"""Numbers that are functions of what a layer reads: whole windows, and as many positions as there were before.

`pad(((0, 0), (0, 5)))` of 23 columns at one size and `pad(0)` of 28 at another is `ceil(x.width/7)*7 - x.width`.
"""

from __future__ import annotations

from collections.abc import Callable
from math import gcd
from typing import Any

from archcalc.importing.canonical import pairs, per_axis
from archcalc.importing.terms import Arithmetic, Extent, Function, Op
from archcalc.importing.units import Unit, Units, plain_padding

WORDS = {1: ("length",), 2: ("height", "width"), 3: ("depth", "height", "width")}
SIZES = {"upsample": "size", "slice_positions": "stop", "adaptive_avgpool": "size", "adaptive_maxpool": "size"}
"""Arguments that are extents of what comes out; of others a rule finds what they are made of."""
Extents = tuple[tuple[int, ...], tuple[int, ...]]
ByVariables = Callable[[int, int, int], Any]


class Relations:
    """Which values of two readings have the same extents, and what windows there are."""

    def __init__(self, units: Units, second: Units, by_variables: ByVariables) -> None:
        self.units, self.second = units, second
        self.by_variables = by_variables  # of a number at both sizes along an axis, counted from the last: -1, -2, ...
        self.values: dict[Extents, list[int]] = {}
        for at in range(len(units.calls.inputs)):
            self.note(-1 - at, -1 - at)
        for one, other in zip(units.all, second.all, strict=True):
            self.note(one.value, other.value)
        blocks = [dict(unit.op.arguments).get("blocks") for unit in units.all if unit.op.name == "attend"]
        self.windows = [value for value in dict.fromkeys(blocks) if value is not None]

    def note(self, one: int, other: int) -> None:
        """Hold the extents of a value."""
        self.values.setdefault(self.extents(one, other), []).append(one)

    def extents(self, one: int, other: int) -> Extents:
        """Of a value, at both sizes."""
        return _numbers(self.units.calls.shape(one).spatial), _numbers(self.second.calls.shape(other).spatial)

    def op(self, one: Unit, other: Unit) -> Op | None:
        """A layer that is both, at their sizes, by the extents of what it reads; None where there is none."""
        if one.op.name != other.op.name or len(one.inputs) != 1 or len(other.inputs) != 1:
            return None
        mine, theirs = dict(one.op.arguments), dict(other.op.arguments)
        differ = [key for key in {**mine, **theirs} if mine.get(key) != theirs.get(key)]
        if differ not in (["padding"], [SIZES.get(one.op.name)]):
            return None
        (name,) = differ
        before = self.extents(one.inputs[0], other.inputs[0])
        found = (
            self.padding(before, mine.get(name, 0), theirs.get(name, 0))
            if name == "padding"
            else self.size(one, before, mine.get(name), theirs.get(name))
        )
        if found is None:
            return None
        given = mine if name in mine else theirs
        return Op(one.op.name, tuple([(key, found if key == name else mine[key]) for key in given]))

    def extent(self, extents: Extents, axis: int) -> Extent:
        """Positions along an axis of the values that have these extents."""
        first, second = extents[0][axis], extents[1][axis]
        function = self.by_variables(first, second, axis - len(extents[0]))
        words = WORDS[len(extents[0])]
        return Extent(words[axis], frozenset(self.values[extents]), first if function is None else function)

    def size(self, unit: Unit, before: Extents, mine: Any, theirs: Any) -> Any:
        """As many positions as an earlier value has; all of them where the layer does not say."""
        rank = len(before[0])
        few, many = (
            _numbers(per_axis(said, rank) if said else everything)
            for said, everything in ((mine, before[0]), (theirs, before[1]))
        )
        earlier = [value for value in self.values.get((few, many), []) if value < unit.value]
        if not earlier or rank not in WORDS:
            return None
        found = [self.extent((few, many), axis)._replace(values=frozenset(earlier)) for axis in range(rank)]
        return tuple(found) if rank > 1 else found[0]

    def padding(self, before: Extents, mine: Any, theirs: Any) -> Any:
        """Positions added so that windows are whole."""
        rank = len(before[0])
        if rank not in WORDS or isinstance(mine, str) or isinstance(theirs, str):
            return None
        sides = list(zip(pairs(mine, rank, 1, 1), pairs(theirs, rank, 1, 1), strict=True))
        found: list[tuple[Any, Any]] = []
        for axis, (one, other) in enumerate(sides):
            if one == other == (0, 0):  # rows are padded as columns are, where that is none at both sizes
                found.append((0, self.as_beside(before, axis, sides)))
                continue
            both = [
                few if few == many else self.rest(before, axis, few, many) for few, many in zip(one, other, strict=True)
            ]
            if None in both:
                return None
            found.append((both[0], both[1]))
        return plain_padding(tuple(found))

    def as_beside(self, before: Extents, axis: int, sides: list[Any]) -> Any:
        """Positions that are added after an extent as they are along the other axis of an image, or none."""
        beside = 2 * len(sides) - 3 - axis
        if axis < len(sides) - 2 or beside < 0:
            return 0
        (_, one), (_, other) = sides[beside]
        window = 0 if one == other else self.window(before, beside, one, other)
        return self.rest(before, axis, 0, 0, (window,)) or 0 if window else 0

    def window(self, before: Extents, axis: int, one: int, other: int) -> int:
        """Windows that are whole after so many positions were added at both sizes; 0 where there are none."""
        first, second = before[0][axis], before[1][axis]
        known = [per_axis(window, len(before[0]))[axis] for window in self.windows]
        windows = [*known, *range(2, gcd(first + one, second + other) + 1)]
        return next((each for each in windows if (-first % each, -second % each) == (one, other)), 0)

    def rest(self, before: Extents, axis: int, one: int, other: int, windows: tuple[int, ...] = ()) -> Any:
        """What an extent lacks of whole windows; None where no window says so."""
        window = windows[0] if windows else self.window(before, axis, one, other)
        if not window or (-before[0][axis] % window, -before[1][axis] % window) != (one, other):
            return None
        extent = self.extent(before, axis)
        if window == 2:
            return Arithmetic("%", extent, 2)
        return Arithmetic("-", Arithmetic("*", Function("ceil", (Arithmetic("/", extent, window),)), window), extent)


def _numbers(extents: Any) -> tuple[int, ...]:
    return tuple([int(extent) for extent in extents])

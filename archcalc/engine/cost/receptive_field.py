"""Receptive fields: what one output position of each operation sees of the input.

The recurrences of Araujo, Norris and Sim 2019, carried as the interval [low, high] of input pixels that a position
reads, and the jump between positions; after upsampling, for each position of a cycle. Merges take the union of their
branches. After an operation that reads a whole axis, every position sees the same; the local field is then that of the
path without such operations, and where there is no such path, that of the maps before the first of them.
"""

from __future__ import annotations

from collections.abc import Sequence
from fractions import Fraction
from functools import lru_cache
from operator import is_
from typing import Any, TypeAlias

from archcalc.engine.cost.lattice import MOST_STEPS, START, Lattice, Read, Steps, denser, hull, shifted, slid, union
from archcalc.graph import NETWORK_INPUT, Graph
from archcalc.named import NamedTuple
from archcalc.ops import CAUSAL, GLOBAL, NOTHING, POINTWISE, Shape, Window
from archcalc.results.field import ReceptiveField


class Axis(NamedTuple):
    """What the positions along one axis see.

    Attributes:
        extent: how many positions there are.
        reach: pixels that all of them see together by that path; no more than there are, on the maps in between too.
        local: by the path without operations that read a whole axis; it stays as it is after one where all paths
            have some.
        seen: pixels seen by way of operations that read a whole axis, inside the input; None where there are none.
        is_causal: whether a position sees of these only what is before its own.
        is_past: whether every path has such an operation.
        is_at_least: whether there may be more: of an operation on the way it is not known what it reads.
    """

    extent: int
    reach: Read | None
    local: Lattice = START
    seen: Read | None = None
    is_causal: bool = False
    is_past: bool = False
    is_at_least: bool = False

    def field(self, pixels: int | None) -> tuple[int, Fraction, Fraction, bool]:
        """Size, jump, first centre, and whether there may be more; of `pixels` in all there are no more."""
        local, bound = self.local, self.is_at_least or self.local.is_lost
        if self.seen is None:
            return local.size, local.jump, local.first_centre, bound
        if self.is_past and not self.is_causal:
            ends = [self.seen, self.seen]
        else:
            own = [_inside(local.at(position), self.reach) for position in (0, self.extent - 1)]
            ends = [hull([self.seen, each]) or self.seen for each in own]
            if self.is_causal and own[0]:
                ends[0] = Read(ends[0].low, own[0].high)
        jump = Fraction(0) if ends[0] == ends[1] and not self.is_causal else local.jump
        bound = bound and not all(end.size == pixels for end in ends)
        return max(end.size for end in ends), jump, Fraction(ends[0].low + ends[0].high, 2), bound


_AS_BEFORE = object()  # instead of a window: a position sees what it saw, on a map of the same extents
Axes: TypeAlias = "tuple[Axis, ...] | None"  # None: nothing of the input is seen


class ReceptiveFields:
    """The field after each node of a graph; found when first asked for, the nodes before it too."""

    def __init__(self, graph: Graph, most_steps: int = MOST_STEPS) -> None:
        self._graph = graph
        pixels: tuple[Any, ...] = graph.input.spatial  # whole numbers here
        # Axes that are alike are one object, here and after whatever does the same along them: found once.
        alike = {extent: Axis(extent, Read(0, extent - 1)) for extent in pixels}
        self._input = tuple([alike[extent] for extent in pixels])
        self._axes: list[Axes] = []
        self._fields: dict[tuple[int, bool], ReceptiveField] = {}  # by identity of axes, which most nodes share
        self._windows: dict[Any, Any] = {}
        self.steps = Steps(most_steps)

    def after(self, index: int) -> ReceptiveField | None:
        """Field of one output position of a node; None where it sees nothing that has axes."""
        axes = self._after(index)
        if not axes:
            return None
        known = self._fields.get((id(axes), False))
        if known is None:
            known = self._fields[id(axes), False] = _field(axes, tuple([axis.extent for axis in self._input]))
        return known

    def local(self, index: int) -> ReceptiveField | None:
        """The same by the path without operations that read a whole axis."""
        axes = self._after(index)
        if not axes:
            return None
        known = self._fields.get((id(axes), True))
        if known is None:
            own = tuple([Axis(1, None, axis.local, is_at_least=axis.is_at_least) for axis in axes])
            known = self._fields[id(axes), True] = _field(own, ())
        return known

    def is_cut_off(self, index: int) -> bool:
        """Whether the pattern of what its positions see is longer than it is followed, so that the field is a bound."""
        return any(axis.local.is_lost for axis in self._after(index) or ())

    def is_uniform(self, index: int) -> bool:
        """Whether all positions along an axis see alike: nothing was upsampled before that is not made up for."""
        return all(axis.local.is_uniform for axis in self._after(index) or ())

    def has_ended(self, index: int) -> tuple[bool, ...]:
        """Whether every path reads an axis whole, so that its local field grows no more, for each axis."""
        return tuple(axis.is_past for axis in self._after(index) or ())

    def _after(self, index: int) -> Axes:
        if index < 0:
            return self._input if index == NETWORK_INPUT else None
        found, windows, steps = self._axes, self._windows, self.steps
        for _, _, operator, inputs, x, y, _, _ in self._graph.nodes[len(found) : index + 1]:
            key = id(operator), id(x)  # by identity: nodes share their operators and shapes
            window = windows.get(key)
            if window is None:
                window = operator.window(x) if inputs else NOTHING
                if isinstance(x, Shape) and x.spatial == y.spatial and _reads_its_own(window):
                    window = _AS_BEFORE
                windows[key] = window
            if window is _AS_BEFORE:  # as most do
                found.append(found[inputs[0]] if inputs[0] >= 0 else self._after(inputs[0]))
                continue
            if isinstance(x, Shape):  # of others that it reads too, it takes but places
                axes = (found[inputs[0]] if inputs[0] >= 0 else self._after(inputs[0])) if inputs else None
                if window != POINTWISE:
                    axes = self._through(axes, window, y)
            else:
                known = [found[other] if other >= 0 else self._after(other) for other in inputs]
                if window == POINTWISE:
                    known = [_cut(axes, of, y) for axes, of in zip(known, x, strict=True)]
                else:
                    known = [self._through(axes, window, y) for axes in known]
                axes = _union(known, steps)
            found.append(_on(axes, y))
        return found[index]

    def _through(self, axes: Axes, window: Any, y: Shape) -> Axes:
        if window == POINTWISE or not axes:
            return axes
        if window == NOTHING:
            return None
        whole: tuple[Any, ...] = (window in (GLOBAL, CAUSAL),) * len(axes)
        if isinstance(window, Window):
            if len(window.kernel) != len(axes):  # its positions no longer lie along the axes of the input
                return tuple(axis._replace(is_at_least=True) for axis in axes)
            whole = window.whole or whole
        found: list[Axis] = []
        is_map = y.rank == len(axes)
        extents: tuple[Any, ...] = y.spatial if is_map else ()  # whole numbers here
        for number, axis in enumerate(axes):
            if number and axis is axes[number - 1] and _is_alike(window, whole, extents, number):
                found.append(found[-1])
            elif whole[number] is True:
                found.append(_whole(axis, window == CAUSAL))
            elif axis.is_past:
                found.append(axis)
            else:
                # what is made a row of patches still lies along the axes of the input
                extent: Any = extents[number] if is_map else max(1, axis.extent // window.stride[number])
                found.append(_moved(axis, extent, window, number, self.steps))
        if isinstance(window, Window) and not window.is_known:
            return tuple(axis._replace(is_at_least=True) for axis in found)
        return axes if all(map(is_, found, axes)) else tuple(found)


@lru_cache(maxsize=4096)
def _field(axes: tuple[Axis, ...], pixels: tuple[int, ...]) -> ReceptiveField:
    among = pixels if len(pixels) == len(axes) else (None,) * len(axes)
    found = [axis.field(extent) for axis, extent in zip(axes, among, strict=True)]
    sizes, jumps, centres, bounds = zip(*found, strict=True)
    return ReceptiveField(sizes, jumps, centres, any(bounds))


def _on(axes: Axes, y: Shape) -> Axes:
    """Axes on the map that an operation gives."""
    if not axes or len(axes) != y.rank:
        return axes
    extents: tuple[Any, ...] = y.spatial  # whole numbers here
    for axis, extent in zip(axes, extents, strict=True):
        if axis.extent != extent:
            break
    else:
        return axes
    found: list[Axis] = []
    for axis, extent in zip(axes, extents, strict=True):
        if axis.extent == extent:
            found.append(axis)
        elif found and axis is axes[len(found) - 1] and found[-1].extent == extent:
            found.append(found[-1])
        else:
            found.append(axis._replace(extent=extent))
    return tuple(found)


def _reads_its_own(window: Any) -> bool:
    """Whether a position reads its own position alone: 1x1 convolutions, say."""
    if not isinstance(window, Window):
        return bool(window == POINTWISE)
    kernel, stride, padding, dilation, upsample, whole, is_known = window
    ones = (*kernel, *stride, *dilation, *upsample)
    return is_known and not any(padding) and not any(whole) and all(number == 1 for number in ones)


def _is_alike(window: Any, whole: Sequence[Any], extents: Sequence[int], number: int) -> bool:
    """Whether a window does along an axis what it does along the one before it."""
    before = number - 1
    if whole[number] is not whole[before] or (extents and extents[number] != extents[before]):
        return False
    if not isinstance(window, Window):
        return True
    kernel, stride, padding, dilation, upsample = window[:5]
    return (
        kernel[number] == kernel[before]
        and stride[number] == stride[before]
        and padding[number] == padding[before]
        and dilation[number] == dilation[before]
        and (not upsample or upsample[number] == upsample[before])
    )


def _moved(axis: Axis, extent: int, window: Window, number: int, steps: Steps) -> Axis:
    numbers: Any = (window.kernel, window.stride, window.padding, window.dilation)  # whole numbers here
    kernel, stride, padding, dilation = (part[number] for part in numbers)
    if window.upsample:
        upsample: Any = window.upsample[number]
        first = -((dilation * (kernel - 1) - padding) // upsample)
        last = ((extent - 1) * stride + padding) // upsample
        local = denser(axis.local, kernel, padding, dilation, upsample, steps)
        if stride != 1:  # upsampling by a fraction
            local = slid(local, 1, stride, 0, 1, steps)
    else:
        first, last = -padding, (extent - 1) * stride - padding + dilation * (kernel - 1)
        local = slid(axis.local, kernel, stride, padding, dilation, steps)
    return Axis(extent, _part(axis, first, last), local, *axis[3:])


def _part(axis: Axis, first: int, last: int) -> Read | None:
    """Pixels that some of the positions see together."""
    if first <= 0 and last >= axis.extent - 1:
        return axis.reach
    return _inside(axis.local.between(max(first, 0), min(last, axis.extent - 1)), axis.reach)


def _whole(axis: Axis, is_causal: bool) -> Axis:
    """Every position is read, or every one before: from the first one's field to the last one's."""
    is_causal = is_causal and (axis.seen is None or axis.is_causal)
    if axis.is_past:
        return axis if axis.is_causal == is_causal else axis._replace(is_causal=is_causal)
    seen = hull([axis.seen, axis.reach]) or Read(0, -1)
    return axis._replace(seen=seen, is_causal=is_causal, is_past=True)


def _inside(read: Read | None, reach: Read | None) -> Read | None:
    """What of it there is to be seen."""
    if read is None or reach is None or read.low > reach.high or read.high < reach.low:
        return None
    return Read(max(read.low, reach.low), min(read.high, reach.high))


def _cut(axes: Axes, x: Shape, y: Shape) -> Axes:
    """A branch cut, centred, to the extents of what it is merged to; one that is repeated stays as it is."""
    if axes is None or x.spatial == y.spatial or len(axes) != x.rank:
        return axes
    kept: tuple[Any, ...] = y.spatial  # whole numbers here
    found: list[Axis] = []
    for number, (axis, extent) in enumerate(zip(axes, kept, strict=True)):
        is_alike = number and axis is axes[number - 1] and extent == kept[number - 1]
        found.append(found[-1] if is_alike else _cut_along(axis, extent))
    return tuple(found)


def _cut_along(axis: Axis, extent: int) -> Axis:
    cut = max(axis.extent - extent, 0) // 2
    if axis.is_past or axis.extent == 1:
        return axis
    return axis._replace(extent=extent, reach=_part(axis, cut, cut + extent - 1), local=shifted(axis.local, cut))


def _union(branches: Sequence[Axes], steps: Steps) -> Axes:
    """What any branch sees; one that sees nothing of the input adds nothing."""
    seeing = [branch for branch in branches if branch is not None]
    if seeing and all(axes is seeing[0] for axes in seeing):
        return seeing[0]
    found: list[Axis] = []
    before: tuple[Axis, ...] = ()
    for axes in zip(*seeing, strict=True):
        found.append(found[-1] if found and all(map(is_, axes, before)) else _together(axes, steps))
        before = axes
    if not seeing:
        return None
    # What adds nothing to a branch is that branch, so that what follows is known already.
    return seeing[0] if all(map(is_, found, seeing[0])) else tuple(found)


def _together(axes: Sequence[Axis], steps: Steps) -> Axis:
    if all(axis is axes[0] for axis in axes):
        return axes[0]
    local = [axis for axis in axes if not axis.is_past] or axes
    beyond = [axis for axis in axes if axis.seen]
    found = Axis(
        max(axis.extent for axis in axes),
        hull(axis.reach for axis in local),
        union([axis.local for axis in local], steps),
        hull(axis.seen for axis in beyond),
        is_causal=bool(beyond) and all(axis.is_causal for axis in beyond),
        is_past=local is axes,
        is_at_least=any(axis.is_at_least for axis in axes),
    )
    return axes[0] if found == axes[0] else found

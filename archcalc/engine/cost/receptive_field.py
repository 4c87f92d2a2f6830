"""Receptive fields: what one output position of each operation sees of the input.

The recurrences of Araujo, Norris and Sim 2019, carried as the interval [low, high] of input pixels that a position
reads, and the jump between positions; after upsampling, for each position of a cycle. Merges take the union of their
branches.
"""

from __future__ import annotations

from collections.abc import Sequence
from fractions import Fraction
from functools import lru_cache
from math import gcd, lcm
from typing import Any, NamedTuple

from archcalc.graph import NETWORK_INPUT, Graph
from archcalc.ops import GLOBAL, POINTWISE, Shape
from archcalc.results.cost import ReceptiveField


class Axis(NamedTuple):
    """One axis: the input pixels that each position of a cycle reads, from its low to its high, both included.

    Positions repeat their pattern every `len(lows)`, `cycle` pixels further on. One position makes a cycle, but for
    upsampled maps, whose neighbours read differently. A position that reads nothing has a low above its high.
    """

    lows: tuple[int, ...]
    highs: tuple[int, ...]
    cycle: int

    @property
    def jump(self) -> Fraction:
        """Pixels from one position to the next."""
        return Fraction(self.cycle, len(self.lows))

    def at(self, position: int) -> tuple[int, int]:
        """What a position reads."""
        cycles, phase = divmod(position, len(self.lows))
        return self.lows[phase] + cycles * self.cycle, self.highs[phase] + cycles * self.cycle


NOWHERE = 1 << 62  # the low of a position that reads nothing, and minus its high


class ReceptiveFields:
    """The field after each node of a graph; found when first asked for, the nodes before it too."""

    def __init__(self, graph: Graph) -> None:
        self._graph = graph
        start = (Axis((0,), (0,), 1),) * graph.input.rank
        self._axes: list[tuple[Axis, ...]] = []
        self._input = start
        self._windows: dict[Any, Any] = {}

    def after(self, index: int) -> ReceptiveField | None:
        """Field of one output position of a node; None where the input has no axes (features)."""
        axes = self._after(index)
        return _field(axes) if axes else None

    def _of_input(self, index: int) -> tuple[Axis, ...]:
        """Fields are of the first input: what comes from the others alone has none."""
        return self._input if index == NETWORK_INPUT else ()

    def _after(self, index: int) -> tuple[Axis, ...]:
        if index < 0:
            return self._of_input(index)
        nodes = self._graph.nodes
        for at in range(len(self._axes), index + 1):
            node = nodes[at]
            known = [self._of_input(other) if other < 0 else self._axes[other] for other in node.inputs]
            if not known:  # it reads nothing
                self._axes.append(())
                continue
            seen = known[0]
            if isinstance(node.x, Shape):
                key = (node.operator, node.x)
                window = self._windows.get(key)
                if window is None:
                    window = self._windows[key] = node.operator.window(node.x)
                self._axes.append(_through(seen, window, node.x))
            else:
                known = [_cut(axes, x, node.y) for axes, x in zip(known, node.x, strict=True)]
                self._axes.append(_union(known) if len(known) > 1 else known[0])
        return self._axes[index]


@lru_cache(maxsize=4096)
def _field(axes: tuple[Axis, ...]) -> ReceptiveField:
    return ReceptiveField(
        tuple(max(0, *(high - low + 1 for low, high in zip(axis.lows, axis.highs, strict=True))) for axis in axes),
        tuple(axis.jump for axis in axes),
        tuple(_first_centre(axis) for axis in axes),
    )


def _first_centre(axis: Axis) -> Fraction:
    """Of the first position that reads anything, taken back to where the first would be."""
    phase = next((phase for phase, low in enumerate(axis.lows) if low <= axis.highs[phase]), 0)
    return Fraction(axis.lows[phase] + axis.highs[phase], 2) - phase * axis.jump


def _through(axes: tuple[Axis, ...], window: Any, x: Shape) -> tuple[Axis, ...]:
    if window == POINTWISE or not axes:
        return axes
    if window == GLOBAL:
        extents: tuple[Any, ...] = x.spatial if x.rank == len(axes) else (1,) * len(axes)
        return tuple(_whole(axis, extent) for axis, extent in zip(axes, extents, strict=True))
    if len(window.kernel) != len(axes):  # after the image was made a sequence or a vector
        return axes
    found = []
    for number, axis in enumerate(axes):
        kernel, stride, padding, dilation = (
            part[number] for part in (window.kernel, window.stride, window.padding, window.dilation)
        )
        if window.upsample:
            denser = _denser(axis, kernel, padding, dilation, window.upsample[number])
            found.append(denser if stride == 1 else _slid(denser, 1, stride, 0, 1))
        elif len(axis.lows) == 1:
            low = axis.lows[0] - padding * axis.cycle
            high = axis.highs[0] + (dilation * (kernel - 1) - padding) * axis.cycle
            found.append(Axis((low,), (high,), axis.cycle * stride))
        else:
            found.append(_slid(axis, kernel, stride, padding, dilation))
    return tuple(found)


def _slid(axis: Axis, kernel: int, stride: int, padding: int, dilation: int) -> Axis:
    """A window that slides: output j reads inputs j * stride - padding + t * dilation."""
    phases = len(axis.lows) // gcd(len(axis.lows), stride)
    read = [[axis.at(output * stride - padding + tap * dilation) for tap in range(kernel)] for output in range(phases)]
    return _axis(read, axis.cycle * (stride * phases // len(axis.lows)))


def _denser(axis: Axis, kernel: int, padding: int, dilation: int, upsample: int) -> Axis:
    """A transposed window: output j reads the inputs i for which j + padding = i * upsample + t * dilation."""
    read = [
        [
            axis.at((output + padding - tap * dilation) // upsample)
            for tap in range(kernel)
            if (output + padding - tap * dilation) % upsample == 0
        ]
        for output in range(len(axis.lows) * upsample)
    ]
    return _axis(read, axis.cycle)


def _whole(axis: Axis, extent: int) -> Axis:
    """Every position is read: from the first one's field to the last one's; neighbours would be as far as before."""
    ends = [
        (axis.at(phase), axis.at(extent - 1 - (extent - 1 - phase) % len(axis.lows)))
        for phase in range(min(len(axis.lows), extent))
    ]
    low, high = min(first[0] for first, _ in ends), max(last[1] for _, last in ends)
    return Axis((low,) * len(axis.lows), (high,) * len(axis.lows), axis.cycle)


def _axis(read: list[list[tuple[int, int]]], cycle: int) -> Axis:
    """The hull of what each position reads, with the shortest cycle that says the same."""
    lows = [min((low for low, _ in taps), default=NOWHERE) for taps in read]
    highs = [max((high for _, high in taps), default=-NOWHERE) for taps in read]
    phases = len(read)
    for shorter in range(1, phases):
        step, rest = divmod(cycle * shorter, phases)
        if phases % shorter == 0 and not rest and _repeats(lows, shorter, step) and _repeats(highs, shorter, step):
            return Axis(tuple(lows[:shorter]), tuple(highs[:shorter]), step)
    return Axis(tuple(lows), tuple(highs), cycle)


def _repeats(values: list[int], after: int, step: int) -> bool:
    return all(later == earlier + step for earlier, later in zip(values, values[after:], strict=False))


def _cut(axes: tuple[Axis, ...], x: Shape, y: Shape) -> tuple[Axis, ...]:
    """A branch cut, centred, to the extents of what it is merged to; one that is repeated stays as it is."""
    if x.spatial == y.spatial or len(axes) != x.rank:
        return axes
    cuts = [int(max(extent - kept, 0)) // 2 for extent, kept in zip(x.spatial, y.spatial, strict=True)]
    return tuple(
        _axis([[axis.at(position + cut)] for position in range(len(axis.lows))], axis.cycle)
        for axis, cut in zip(axes, cuts, strict=True)
    )


def _union(branches: list[tuple[Axis, ...]]) -> tuple[Axis, ...]:
    full = max(len(branch) for branch in branches)
    kept = [branch for branch in branches if len(branch) == full]
    return tuple(_hull(axes) for axes in zip(*kept, strict=True))


def _hull(axes: Sequence[Axis]) -> Axis:
    """What any branch reads; the jump is the largest, which a merge of unequal ones can only be said to have."""
    phases = lcm(*(len(axis.lows) for axis in axes))
    furthest = max(axes, key=lambda axis: axis.jump)
    read = [[axis.at(position) for axis in axes if axis.jump == furthest.jump] for position in range(phases)]
    for axis in axes:
        if axis.jump != furthest.jump:
            for position, taps in enumerate(read):
                shift = furthest.at(position)[0] - furthest.lows[0]
                taps.append((axis.lows[0] + shift, axis.highs[0] + shift))
    if len(read) == 1:
        return Axis((min(low for low, _ in read[0]),), (max(high for _, high in read[0]),), furthest.cycle)
    return _axis(read, furthest.cycle * (phases // len(furthest.lows)))

"""Receptive fields: what one output position of each operation sees of the input.

The recurrences of Araujo, Norris and Sim 2019, carried as the interval [low, high] of input pixels that the first
output position reads, and the jump between positions. Merges take the union of their branches.
"""

from __future__ import annotations

from fractions import Fraction
from functools import lru_cache
from typing import Any, NamedTuple

from archcalc.graph import NETWORK_INPUT, Graph
from archcalc.ops import GLOBAL, POINTWISE, Shape, Window
from archcalc.results.cost import ReceptiveField


class Axis(NamedTuple):
    """One axis: input pixels that the first position reads, both ends included, and pixels between positions."""

    low: Any  # int, or Fraction where positions fall between pixels
    high: Any
    jump: Any


class ReceptiveFields:
    """The field after each node of a graph; found when first asked for, the nodes before it too."""

    def __init__(self, graph: Graph) -> None:
        self._graph = graph
        start = (Axis(0, 0, 1),) * graph.input.rank
        self._axes: list[tuple[Axis, ...]] = []
        self._input = start
        self._windows: dict[Any, Any] = {}

    def after(self, index: int) -> ReceptiveField | None:
        """Field of one output position of a node; None where the input has no axes (features)."""
        axes = self._after(index)
        return _field(axes) if axes else None

    def _after(self, index: int) -> tuple[Axis, ...]:
        if index == NETWORK_INPUT:
            return self._input
        nodes = self._graph.nodes
        for at in range(len(self._axes), index + 1):
            node = nodes[at]
            known = [self._input if other == NETWORK_INPUT else self._axes[other] for other in node.inputs]
            seen = known[0]
            if isinstance(node.x, Shape):
                key = (node.operator, node.x)
                window = self._windows.get(key)
                if window is None:
                    window = self._windows[key] = node.operator.window(node.x)
                self._axes.append(_through(seen, window, node.x))
            else:
                self._axes.append(_union(known) if len(known) > 1 else seen)
        return self._axes[index]


@lru_cache(maxsize=4096)
def _field(axes: tuple[Axis, ...]) -> ReceptiveField:
    return ReceptiveField(
        tuple(int(axis.high - axis.low + 1) for axis in axes),
        tuple(Fraction(axis.jump) for axis in axes),
        tuple(Fraction(axis.low + axis.high) / 2 for axis in axes),
    )


def _through(axes: tuple[Axis, ...], window: Any, x: Shape) -> tuple[Axis, ...]:
    if window == POINTWISE or not axes:
        return axes
    if window == GLOBAL:
        # Every position is read: from the first position's field to the last one's.
        extents = x.spatial if x.rank == len(axes) else (1,) * len(axes)
        return tuple(
            Axis(axis.low, axis.high + (extent - 1) * axis.jump, axis.jump)
            for axis, extent in zip(axes, extents, strict=True)
        )
    assert isinstance(window, Window)
    if len(window.kernel) != len(axes):  # after the image was made a sequence or a vector
        return axes
    found = []
    for number, axis in enumerate(axes):
        extent = window.dilation[number] * (window.kernel[number] - 1) + 1
        padding, jump = window.padding[number], axis.jump
        upsample: Any = window.upsample[number] if window.upsample else 1
        if upsample == 1:
            low = axis.low - padding * jump
            high = axis.high + (extent - 1 - padding) * jump
            found.append(Axis(low, high, jump * window.stride[number]))
        else:  # outputs are denser: of the input positions, every `upsample`-th output reads a new one
            taps = -(-extent // upsample)
            before = (extent - 1 - padding) // upsample
            low = axis.low - before * jump
            high = axis.high + (taps - 1 - before) * jump
            step = Fraction(jump) / upsample
            found.append(Axis(low, high, int(step) if step.denominator == 1 else step))
    return tuple(found)


def _union(branches: list[tuple[Axis, ...]]) -> tuple[Axis, ...]:
    full = max(len(branch) for branch in branches)
    kept = [branch for branch in branches if len(branch) == full]
    return tuple(
        Axis(
            min(axis.low for axis in axes),
            max(axis.high for axis in axes),
            max(axis.jump for axis in axes),
        )
        for axes in zip(*kept, strict=True)
    )

"""Caffe's blobs: axes in any order over what archcalc calls channels and extents.

Reshape, Permute and Flatten only rename. A blob holds what each of its axes, the batch apart, is made of: factors of
the channels and extents of the call that gives it, the outer ones first. An operation is written where a layer reads
them, as the operator that makes them so (`flatten`, `to_sequence`, `channel_shuffle`).
"""

from __future__ import annotations

from math import prod
from typing import Any

from archcalc.named import NamedTuple
from archcalc.ops import Shape


class Factor(NamedTuple):
    """A part of an axis of a shape: `axis` 0 is that of the channels. Its numbers stand `stride` apart on that axis."""

    axis: int
    stride: int
    size: int


Axis = tuple[Factor, ...]


class Blob(NamedTuple):
    """What a call gives, or an input (-1, -2, ...), as Caffe sees it."""

    call: int
    shape: Shape
    axes: tuple[Axis, ...]

    @property
    def extents(self) -> tuple[int, ...]:
        """Caffe's shape, the batch apart."""
        return tuple(prod(factor.size for factor in axis) for axis in self.axes)

    @property
    def is_plain(self) -> bool:
        """Whether its axes are the channels and then the extents."""
        return self.axes == axes_of(self.shape)

    def is_channels(self, axis: int) -> bool:
        """Whether an axis is all of the channels, in order."""
        return self.axes[axis] == axes_of(self.shape)[0]

    def place(self, axis: int) -> int | None:
        """The place in `axes` of an axis as Caffe numbers them: the batch is 0, the last is -1. None: there is none."""
        found = axis + len(self.axes) if axis < 0 else axis - 1
        return found if 0 <= found < len(self.axes) else None

    def reshaped(self, extents: tuple[int, ...]) -> Blob | None:
        """The same numbers in other axes; None where an axis would begin within a factor."""
        left = [factor for axis in self.axes for factor in axis]
        axes: list[Axis] = []
        for extent in extents:
            taken: list[Factor] = []
            wanted = extent
            while wanted > 1:
                if not left:
                    return None
                factor = left.pop(0)
                if wanted % factor.size == 0:
                    taken.append(factor)
                    wanted //= factor.size
                elif factor.size % wanted == 0:
                    inner = factor.size // wanted
                    taken.append(Factor(factor.axis, factor.stride * inner, wanted))
                    left.insert(0, Factor(factor.axis, factor.stride, inner))
                    wanted = 1
                else:
                    return None
            axes.append(_joined(taken))
        return None if left else self._replace(axes=tuple(axes))

    def permuted(self, order: list[int]) -> Blob:
        """The axes in another order."""
        return self._replace(axes=tuple(self.axes[at] for at in order))

    @property
    def factors(self) -> Axis:
        """All factors in a row."""
        return _joined([factor for axis in self.axes for factor in axis])

    @property
    def is_in_order(self) -> bool:
        """Whether its numbers lie as those of its call."""
        return self.factors == tuple(factor for axis in axes_of(self.shape) for factor in axis)


def plain(call: int, shape: Shape) -> Blob:
    """What a call gives, as it stands."""
    return Blob(call, shape, axes_of(shape))


def axes_of(shape: Shape) -> tuple[Axis, ...]:
    """The axes of a shape; one of extent 1 has no factors."""
    sizes: tuple[Any, ...] = shape.spatial if shape.channels is None else (shape.channels, *shape.spatial)
    return tuple((Factor(axis, 1, size),) if size > 1 else () for axis, size in enumerate(sizes))


def _joined(factors: list[Factor]) -> Axis:
    """Neighbours that are one part of an axis made one."""
    found: list[Factor] = []
    for factor in factors:
        if found and found[-1].axis == factor.axis and found[-1].stride == factor.stride * factor.size:
            last = found.pop()
            found.append(Factor(factor.axis, factor.stride, last.size * factor.size))
        else:
            found.append(factor)
    return tuple(found)

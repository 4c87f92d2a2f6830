"""What the axes of a tensor are: parts of the channels and positions of something that archcalc knows.

An axis is a list of factors, the slowest first, as row-major memory has them: `view(n, 3, heads, width)` splits the
channels into three factors, `permute` moves whole axes, `flatten` puts lists one after the other. None of these is an
operation of a network: they only rename. Axes of extent 1 have no factors, so that the batch of one never shows.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from archcalc.named import NamedTuple

CHANNELS = 0
"""Role of the channels; the spatial axes have 1, 2 and 3."""

REPEATED = -1
"""Role of an axis along which everything is the same."""


class AxesError(ValueError):
    """Axes that cannot be said as parts of channels and positions."""


class Factor(NamedTuple):
    """A part of an axis of the shape: every `stride`-th index of `role`, `size` of them."""

    role: int
    stride: int
    size: int


Axis = tuple[Factor, ...]


def extent(axis: Axis) -> int:
    """Indices along an axis."""
    number = 1
    for factor in axis:
        number *= factor.size
    return number


def merged(factors: Iterable[Factor]) -> Axis:
    """Neighbouring parts of one role put together, where they follow each other as in that role."""
    found: list[Factor] = []
    for factor in factors:
        if factor.size == 1:
            continue
        if found and found[-1].role == factor.role and found[-1].stride == factor.stride * factor.size:
            found.append(Factor(factor.role, factor.stride, found.pop().size * factor.size))
        else:
            found.append(factor)
    return tuple(found)


def whole(role: int, size: int) -> Axis:
    """All of an axis of the shape."""
    return () if size == 1 else (Factor(role, 1, size),)


def reshaped(axes: Sequence[Axis], shape: Sequence[int]) -> tuple[Axis, ...]:
    """Axes after a view: the same order of elements, other extents.

    Raises:
        AxesError: a new axis would end within a factor that does not divide so.
    """
    left = [factor for axis in axes for factor in axis if factor.size != 1]
    left = list(merged(left))
    left.reverse()  # the slowest is last
    result: list[Axis] = []
    for size in shape:
        found: list[Factor] = []
        lacking = size
        while lacking > 1:
            if not left:
                raise AxesError(f"a view of {tuple(shape)} has more elements than there are")
            factor = left.pop()
            if lacking % factor.size == 0:
                found.append(factor)
                lacking //= factor.size
            elif factor.size % lacking == 0:
                inner = factor.size // lacking
                found.append(Factor(factor.role, factor.stride * inner, lacking))
                left.append(Factor(factor.role, factor.stride, inner))
                lacking = 1
            else:
                raise AxesError(f"an axis of {size} ends within one of {factor.size}")
        result.append(merged(found))
    if left:
        raise AxesError(f"a view of {tuple(shape)} has fewer elements than there are")
    return tuple(result)


def complete(axes: Sequence[Axis], role: int, size: int) -> bool:
    """Whether all indices of a role occur in these axes, each once, however they are cut and ordered."""
    parts = sorted((factor for axis in axes for factor in axis if factor.role == role), key=lambda part: part.stride)
    reach = 1
    for part in parts:
        if part.stride != reach:
            return False
        reach *= part.size
    return reach == size


def roles(axis: Axis) -> set[int]:
    """Of which roles an axis has parts."""
    return {factor.role for factor in axis}


def renamed(axes: Sequence[Axis], names: dict[int, int]) -> tuple[Axis, ...]:
    """The same cuts with other roles."""
    return tuple([tuple([factor._replace(role=names[factor.role]) for factor in axis]) for axis in axes])

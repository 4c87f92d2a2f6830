"""Windows that hang over the ends of an axis: how many of their positions are there."""

from __future__ import annotations

from typing import NamedTuple

from archcalc.dims.atoms import Dim
from archcalc.dims.decide import at_most_bound, less
from archcalc.dims.polynomial import total
from archcalc.dims.requirements import RequirementError
from archcalc.dims.vocabulary import ceil_div, maximum, minimum, select

MOST_HANGING = 256  # windows over one end that a closed form has terms for


class Inside(NamedTuple):
    """What lies inside: taps of all windows over an axis, and windows that have any."""

    taps: Dim
    windows: Dim


def windows_inside(
    extent: Dim, outputs: Dim, kernel: Dim, stride: Dim, before: Dim, after: Dim, dilation: Dim
) -> Inside:
    """Taps t * dilation of windows that begin at -before, stride - before, ... and lie from 0 to extent - 1.

    Args:
        extent: positions of the axis.
        outputs: windows.
        kernel: taps of a window.
        stride: from one window to the next.
        before: how far the first window begins before the axis.
        after: how far the last window may end behind it, at most.
        dilation: from one tap to the next.

    Raises:
        RequirementError: `hanging-windows`, where the window depends on a variable, or hangs over too far for a form.
    """
    if isinstance(before, int) and isinstance(after, int) and before == after == 0:
        return Inside(kernel * outputs, outputs)
    if not all(isinstance(number, int) for number in (kernel, stride, dilation)):
        raise _undecided()
    assert isinstance(kernel, int)
    assert isinstance(stride, int)
    assert isinstance(dilation, int)
    if isinstance(extent, int) and isinstance(outputs, int) and isinstance(before, int):
        reached = _below(extent, outputs, kernel, stride, before, dilation)
        taps = reached - _below(0, outputs, kernel, stride, before, dilation)
        if dilation >= extent:  # of a window one tap at most
            return Inside(taps, taps)
        reach = (kernel - 1) * dilation
        too_early = min(max(-((reach - before) // stride), 0), outputs)
        return Inside(taps, min(max(-((-extent - before) // stride), 0), outputs) - too_early)
    return _closed(extent, outputs, kernel, stride, before, after, dilation)


def _below(end: int, outputs: int, kernel: int, stride: int, before: int, dilation: int) -> int:
    """Taps that lie below a position."""
    whole = min(max(-(((kernel - 1) * dilation - end - before) // stride), 0), outputs)  # windows with all their taps
    some = min(max(-((-end - before) // stride), 0), outputs)
    first = end + before - (some - 1) * stride + dilation - 1
    return whole * kernel + _floor_sum(some - whole, dilation, stride, first)


def _floor_sum(number: int, divisor: int, step: int, first: int) -> int:
    """The sum of (first + i * step) // divisor over i below a number, in as many steps as Euclid's algorithm takes."""
    found = 0
    while number > 0:
        found += number * (number - 1) // 2 * (step // divisor) + number * (first // divisor)
        step, first = step % divisor, first % divisor
        last = step * number + first
        if last < divisor:
            break
        number, first = divmod(last, divisor)
        step, divisor = divisor, step
    return found


def _closed(extent: Dim, outputs: Dim, kernel: int, stride: int, before: Dim, after: Dim, dilation: int) -> Inside:
    """With a term for each window that may hang over an end."""
    over = (outputs - 1) * stride - before + (kernel - 1) * dilation - (extent - 1)
    ends = [bound for bound in (at_most_bound(over), at_most_bound(after)) if bound is not None]
    first = at_most_bound(before)
    if first is None or not ends:
        raise _undecided()
    last = min(ends)
    if max(first, last) > MOST_HANGING * stride:
        raise _undecided()

    def outside(by: Dim, most: int) -> Dim:
        """Taps outside of the windows over one end, the furthest of which hangs over by so much."""
        hanging = range(-(-most // stride))
        taps = [minimum(maximum(ceil_div(by - number * stride, dilation), 0), kernel) for number in hanging]
        return total(select(less(number, outputs), out, 0) for number, out in zip(hanging, taps, strict=True))

    def whole(by: Dim, most: int) -> Dim:
        """Windows that lie outside with all their taps."""
        reach = (kernel - 1) * dilation
        return minimum(maximum(ceil_div(by - reach, stride), 0), outputs) if most > reach else 0

    taps = kernel * outputs - outside(before, first) - outside(over, last)
    windows = outputs - whole(before, first) - whole(over, last)
    return Inside(taps, windows if dilation == 1 else select(less(extent, dilation), taps, windows))


def _undecided() -> RequirementError:
    return RequirementError(
        "hanging-windows",
        "a pooling whose window depends on a variable hangs over the edge: what it computes there has no closed form",
        "give the variable a value",
    )

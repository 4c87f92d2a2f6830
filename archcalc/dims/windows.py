"""Windows that hang over the ends of an axis: how many of their positions are there."""

from __future__ import annotations

from math import gcd

from archcalc.dims.atoms import Dim
from archcalc.dims.decide import at_most_bound, equal, less
from archcalc.dims.polynomial import total
from archcalc.dims.requirements import RequirementError
from archcalc.dims.vocabulary import ceil_div, maximum, minimum, never_below, select
from archcalc.named import NamedTuple

MOST_HANGING = 256  # terms of a closed form for what hangs over one end


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
        RequirementError: `hanging-windows`, where kernel and dilation both depend on variables.
    """
    if isinstance(before, int) and isinstance(after, int) and before == after == 0:
        return Inside(kernel * outputs, outputs)
    if (
        isinstance(extent, int)
        and isinstance(outputs, int)
        and isinstance(kernel, int)
        and isinstance(stride, int)
        and isinstance(before, int)
        and isinstance(dilation, int)
    ):
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


def _closed(extent: Dim, outputs: Dim, kernel: Dim, stride: Dim, before: Dim, after: Dim, dilation: Dim) -> Inside:
    reach = (kernel - 1) * dilation
    over = (outputs - 1) * stride - before + reach - (extent - 1)
    ends = [bound for bound in (at_most_bound(over), at_most_bound(after)) if bound is not None]
    out = [
        _outside(by, most, outputs, kernel, stride, dilation)
        for by, most in ((before, at_most_bound(before)), (over, min(ends) if ends else None))
    ]
    windows = outputs - total(  # those that lie outside with all their taps
        minimum(maximum(ceil_div(by - reach, stride), 0), outputs)
        for by, within in ((before, before - reach), (over, after - reach))
        if not never_below(0, within)
    )
    taps = kernel * outputs - total(out)
    return Inside(taps, windows if equal(dilation, 1) is True else select(less(extent, dilation), taps, windows))


def _outside(by: Dim, most: int | None, outputs: Dim, kernel: Dim, stride: Dim, dilation: Dim) -> Dim:
    """Taps outside of the windows over one end, the furthest of which hangs over by so much, at most by `most`."""
    if isinstance(stride, int) and isinstance(dilation, int) and most is not None and most <= MOST_HANGING * stride:
        hanging = range(-(-most // stride))  # a term for each window that may hang over
        taps = [minimum(maximum(ceil_div(by - number * stride, dilation), 0), kernel) for number in hanging]
        return total(select(less(number, outputs), out, 0) for number, out in zip(hanging, taps, strict=True))
    if isinstance(dilation, int) and dilation <= MOST_HANGING:
        # of windows so many apart that their taps lie on the same positions, each has a fixed number fewer outside
        apart = dilation // gcd(stride, dilation) if isinstance(stride, int) else dilation
        fewer = apart * stride // dilation
        ends = [(ceil_div(by - first * stride, dilation), ceil_div(outputs - first, apart)) for first in range(apart)]
        return total(_falling(end, fewer, many) - _falling(end - kernel, fewer, many) for end, many in ends)
    if isinstance(kernel, int) and kernel <= MOST_HANGING:
        ends_of_taps = (ceil_div(by - tap * dilation, stride) for tap in range(kernel))
        return total(minimum(maximum(windows, 0), outputs) for windows in ends_of_taps)
    raise RequirementError(
        "hanging-windows",
        "how far a pooling whose kernel and dilation depend on variables hangs over the edge has no closed form",
        "give one of them a value",
    )


def _falling(first: Dim, step: Dim, most: Dim) -> Dim:
    """The sum of first, first - step, ... as long as they are above 0, of so many at most."""
    number = minimum(maximum(ceil_div(first, step), 0), most)
    return number * first - step * (number * (number - 1) // 2)

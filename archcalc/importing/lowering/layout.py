"""A tensor brought to a layout that an operator reads: which renaming of ours that takes, if any."""

from __future__ import annotations

from collections.abc import Sequence
from fractions import Fraction
from functools import lru_cache
from typing import Any

from archcalc.importing.axes import CHANNELS, Axis, Factor, extent, merged, roles, whole
from archcalc.importing.lowering.context import Lowering, UnsupportedError, View


@lru_cache(maxsize=1024, typed=True)
def number(value: Any) -> Any:
    """A number as the language has it: a whole one, or the exact decimal that was written."""
    if isinstance(value, bool) or value is None:
        return value
    exact = Fraction(str(value)) if isinstance(value, float) else Fraction(value)
    return int(exact) if exact.denominator == 1 else exact


def alike(values: Sequence[int]) -> Any:
    """One number where all are that number."""
    values = tuple(values)
    return values[0] if len(set(values)) == 1 else values


def settled(low: Lowering, view: View, channel: int | None, spatial: Sequence[int]) -> int:
    """The call whose channels and extents are these axes of a tensor, in this order.

    Raises:
        UnsupportedError: no renaming of the language brings it there, or other axes hold something.
    """
    named = {axis % len(view.axes) for axis in ((channel, *spatial) if channel is not None else spatial)}
    if any(axis for number, axis in enumerate(view.axes) if number not in named):
        raise UnsupportedError("examples or windows lie along its batch")
    channels = view.axes[channel] if channel is not None else ()
    return _settled(low, view.node, channels, [view.axes[axis] for axis in spatial])


def _settled(low: Lowering, node: int, channels: Axis, spatial: Sequence[Axis]) -> int:
    sizes = low.sizes(node)
    rank = len(sizes) - 1
    full = whole(CHANNELS, sizes[CHANNELS])
    extents = [whole(role, size) for role, size in enumerate(sizes)][1:]
    positions = [part for axis in spatial for part in axis]
    if any(part.role < 0 for part in (*channels, *positions)):
        raise UnsupportedError("it holds the same numbers several times over")
    if channels == full and list(spatial) == extents:
        return node
    if channels == full:
        return _same_channels(low, node, spatial, extents)
    if roles(channels) <= {CHANNELS} and CHANNELS not in roles(tuple(positions)):
        if _positions(positions) == _positions(part for axis in extents for part in axis):
            shuffled = _shuffled(low, node, channels)
            return shuffled if list(spatial) == extents else _settled(low, shuffled, full, spatial)
        raise UnsupportedError("channels and positions of it are ordered anew at once")
    if not positions:
        return low.call("flatten", [node])
    if rank and list(spatial) == [full] and channels == _positions(part for axis in extents for part in axis):
        return transposed(low, node)
    if len(spatial) == rank and CHANNELS in roles(tuple(positions)):
        return _to_positions(low, node, channels, spatial)
    if CHANNELS not in roles(tuple(positions)):
        return _to_channels(low, node, channels, spatial)
    raise UnsupportedError("channels and positions of it change places")


def _positions(parts: Any) -> Axis:
    return merged(parts)


def _same_channels(low: Lowering, node: int, spatial: Sequence[Axis], extents: list[Axis]) -> int:
    """Positions in a row, or as rows of an image."""
    sizes = low.sizes(node)
    positions = [part for axis in spatial for part in axis]
    rank = len(sizes) - 1
    if merged(positions) != merged(part for axis in extents for part in axis):
        raise UnsupportedError("positions of it are in another order")
    if not spatial:
        return low.call("flatten", [node])
    if rank == 0:
        raise UnsupportedError("features are read as positions")
    if len(spatial) == 1:
        return low.call("to_sequence", [node])
    if rank > 1:
        node = low.call("to_sequence", [node])
    if len(spatial) == 2:
        height, width = map(extent, spatial)
        return low.call("to_image", [node], arguments={"height": height, "width": width})
    raise UnsupportedError(f"a sequence is read with {len(spatial)} axes")


def transposed(low: Lowering, node: int) -> int:
    """All positions as channels, and all channels as positions; of what was transposed, what it was before."""
    if low.shape(node).rank > 1:
        node = low.call("to_sequence", [node])
    if node >= 0 and low.calls[node].operator.name == "transpose":
        return low.calls[node].inputs[0]
    return low.call("transpose", [node])


def is_transposed(low: Lowering, node: int) -> bool:
    """Whether channels of a call are positions of the network, since a transposition that no other has undone."""
    found = False
    while node >= 0:
        call = low.calls[node]
        found ^= call.operator.name == "transpose"
        node = call.inputs[0] if call.inputs else -1
    return found


def turned_back(low: Lowering, view: View) -> View:
    """A tensor whose axes the source exchanges a second time: here, too, what reads it next reads channels again."""
    node, sizes = view.node, low.sizes(view.node)
    held = [axis for axis in view.axes if axis]
    if len(sizes) != 2 or sorted(held) != [whole(role, size) for role, size in enumerate(sizes) if size > 1]:
        return view
    if len(held) < 2 or not is_transposed(low, node):
        return view
    made = transposed(low, node)
    roles_now = {0: 1, 1: 0}
    return View(made, tuple([tuple([part._replace(role=roles_now[part.role]) for part in axis]) for axis in view.axes]))


def _shuffled(low: Lowering, node: int, channels: Axis) -> int:
    """Channels of all groups in turn."""
    if len(channels) != 2 or channels[0].stride != 1 or channels[1].stride != channels[0].size:
        raise UnsupportedError("channels of it are in another order")
    groups = channels[1].size
    for index in range(max(node, 0), len(low.calls)):  # parts of it are taken one by one: it is one operation
        call = low.calls[index]
        if call.operator.name == "channel_shuffle" and call.inputs == (node,) and call.operator.groups == groups:  # type: ignore[attr-defined]
            return index
    return low.call("channel_shuffle", [node], arguments={"groups": groups})


def _to_channels(low: Lowering, node: int, channels: Axis, spatial: Sequence[Axis]) -> int:
    """Neighbouring positions as channels, then the rest as it is asked for."""
    sizes = low.sizes(node)
    factors = [1] * (len(sizes) - 1)
    for part in channels:
        if part.role == CHANNELS:
            continue
        if part.stride != 1:
            raise UnsupportedError("positions that are apart become channels")
        factors[part.role - 1] = part.size
    left: list[Axis] = []
    for axis in spatial:
        parts = []
        for part in axis:
            factor = factors[part.role - 1]
            if part.stride % factor:
                raise UnsupportedError("positions of it are ordered anew")
            parts.append(Factor(part.role, part.stride // factor, part.size))
        left.append(merged(parts))
    made = low.call("pixel_unshuffle", [node], arguments={"factor": alike(factors)})
    return _settled(low, made, whole(CHANNELS, low.sizes(made)[CHANNELS]), left)


def _to_positions(low: Lowering, node: int, channels: Axis, spatial: Sequence[Axis]) -> int:
    """Channels as neighbouring positions."""
    sizes = low.sizes(node)
    factors = []
    for role, axis in enumerate(spatial, 1):
        inner = [part for part in axis if part.role == CHANNELS]
        outer = tuple([part for part in axis if part.role != CHANNELS])
        if outer != whole(role, sizes[role]) or len(inner) > 1 or (inner and axis[-1] != inner[0]):
            raise UnsupportedError("channels and positions of it change places")
        factors.append(inner[0].size if inner else 1)
    if not roles(channels) <= {CHANNELS}:
        raise UnsupportedError("channels and positions of it change places")
    return low.call("pixel_shuffle", [node], arguments={"factor": alike(factors)})


def natural(low: Lowering, view: View) -> tuple[int, int | None, list[int]]:
    """A call with an axis for each axis of the tensor: the call, which axis the channels are, and which the extents.

    Raises:
        UnsupportedError: channels are cut over several axes.
    """
    with_channels = [number for number, axis in enumerate(view.axes) if CHANNELS in roles(axis)]
    if len(with_channels) > 1:
        raise UnsupportedError("its channels lie along several axes")
    channel = with_channels[0] if with_channels else None
    spatial = [number for number, axis in enumerate(view.axes) if axis and number != channel]
    sizes = low.sizes(view.node)
    if channel is not None and view.axes[channel] == whole(CHANNELS, sizes[CHANNELS]) and set(sizes[1:]) <= {1}:
        return view.node, channel, spatial  # one position stays one
    return settled(low, view, channel, spatial), channel, spatial


def natural_axes(low: Lowering, node: int, rank: int, channel: int | None, spatial: Sequence[int]) -> tuple[Axis, ...]:
    """Axes of a tensor with so many, of which these are a call's channels and extents."""
    sizes = low.sizes(node)
    axes: list[Axis] = [()] * rank
    if channel is not None:
        axes[channel] = whole(CHANNELS, sizes[CHANNELS])
    for role, axis in enumerate(spatial, 1):
        axes[axis] = whole(role, sizes[role])
    return tuple(axes)

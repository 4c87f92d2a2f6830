"""Shifted windows: a map moved on, attention in blocks, and the map moved back are one operator with a shift."""

from __future__ import annotations

from archcalc.importing.calls import Call
from archcalc.importing.lowering.layout import alike
from archcalc.ops import Shape

BETWEEN = {"conv", "linear", "slice_channels", "rms_norm", "layer_norm", "scale", "channel_scale", "dropout"}


def shifted_windows(calls: list[Call]) -> dict[int, int]:
    """Say the shift in the attention, and nothing of the two moves, wherever they belong together.

    Gives for each move that is gone the call that it read.
    """
    gone: dict[int, int] = {}
    readers: dict[int, list[int]] = {}
    for number, call in enumerate(calls):
        for node in call.inputs:
            readers.setdefault(node, []).append(number)
    for number, call in enumerate(calls):
        if call.operator.name != "attend" or call.operator.values()["blocks"] is None:
            continue
        data = [
            node for node, role in zip(call.inputs, call.roles, strict=True) if role in ("q", "k", "v", "kv", "qkv")
        ]
        moves = {_before(calls, node) for node in data}
        back = _behind(calls, readers, number)
        first = next(iter(moves))
        if len(moves) != 1 or first is None or back is None:
            continue
        on, off = (_shift(calls[each]) for each in (first, back))
        extents = calls[first].shape.spatial
        if any((a + b) % size for a, b, size in zip(on, off, extents, strict=True)):  # type: ignore[operator]
            continue
        values = {**call.operator.values(), "shift": alike(off)}
        call.operator = type(call.operator).of(values).variant(given=call.operator.given)
        for move in (first, back):
            source = gone[move] = calls[move].inputs[0]
            for reader in readers.get(move, ()):
                calls[reader].inputs = tuple([source if node == move else node for node in calls[reader].inputs])
    return gone


def _before(calls: list[Call], node: int) -> int | None:
    """The move before what a branch is made of, position by position."""
    while node >= 0:
        call = calls[node]
        if call.operator.name == "roll":
            return node
        if call.operator.name not in BETWEEN or len(call.inputs) != 1 or not _is_pointwise(calls, call):
            return None
        node = call.inputs[0]
    return None


def _behind(calls: list[Call], readers: dict[int, list[int]], node: int) -> int | None:
    """The move behind what is made of the attention, position by position."""
    while len(readers.get(node, ())) == 1:
        node = readers[node][0]
        call = calls[node]
        if call.operator.name == "roll":
            return node
        if call.operator.name not in BETWEEN or len(call.inputs) != 1 or not _is_pointwise(calls, call):
            return None
    return None


def _is_pointwise(calls: list[Call], call: Call) -> bool:
    before = calls[call.inputs[0]].shape if call.inputs[0] >= 0 else Shape(None)
    return before.spatial == call.shape.spatial


def _shift(call: Call) -> tuple[int, ...]:
    shift = call.operator.values()["shift"]
    return tuple(shift) if isinstance(shift, tuple) else (shift,) * call.shape.rank

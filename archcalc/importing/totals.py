"""What calls cost, by the rules of their operators: known before there is a text, and without one."""

from __future__ import annotations

from typing import Any

from archcalc.importing.calls import Call, Calls
from archcalc.named import NamedTuple


class Totals(NamedTuple):
    """Sums over all calls, of one example; a tensor that several calls have is stored once.

    `bounds` are those of them that are "at least": some operation does not tell.
    """

    params: int
    macs: int
    buffers: int
    bounds: frozenset[str]


def totals_of(calls: Calls) -> Totals:
    """Parameters, MACs and buffers of a network as read."""
    params = macs = buffers = 0
    stored: set[tuple[str, ...]] = set()
    bounds: set[str] = set()
    for call in calls.calls:
        operator = call.operator.variant(given=call.roles) if call.roles else call.operator
        x = x_of(calls, call)
        copies = operator.copies
        bounds |= operator.not_told() & {"params", "macs", "buffers"}
        macs += _whole(operator.arithmetic(x, call.shape).macs) * _whole(copies.computed)
        if call.weights and call.weights in stored:
            continue
        stored.add(call.weights)
        found = operator.parameters(x)
        params += _whole(found.weights + found.biases + found.norm) * _whole(copies.stored)
        buffers += _whole(found.buffers) * _whole(copies.stored)
    return Totals(params, macs, buffers, frozenset(bounds))


def x_of(calls: Calls, call: Call) -> Any:
    """What a call reads, as the rules of its operator take it."""
    shapes = tuple([calls.shape(index) for index in call.inputs])
    return shapes if call.operator.merges else () if call.operator.sources else shapes[0]


def _whole(value: Any) -> int:
    return int(value)

"""What the tests of prototxts share: a text as calls, and what calls cost by the rules of their operators."""

from __future__ import annotations

from pathlib import Path
from typing import Any, NamedTuple

from archcalc.importing.calls import Call, Calls
from archcalc.importing.prototxt import read_prototxt

IMAGE = 'name: "net" input: "data" input_dim: 1 input_dim: 3 input_dim: {0} input_dim: {0} '


class Totals(NamedTuple):
    """Sums over the calls, each tensor stored once."""

    params: int
    macs: int
    buffers: int


def read(tmp_path: Path, text: str, **how: Any) -> Calls:
    """The calls of a text."""
    path = tmp_path / "net.prototxt"
    path.write_text(text)
    return read_prototxt(path, **how)


def x_of(calls: Calls, call: Call) -> Any:
    """What a call reads, as its operator's rules take it."""
    shapes = tuple(calls.shape(index) for index in call.inputs)
    return shapes if call.operator.merges else () if call.operator.sources else shapes[0]


def totals(calls: Calls) -> Totals:
    """Parameters, MACs and buffers by the operators' own rules."""
    params = macs = buffers = 0
    stored: set[tuple[str, ...]] = set()
    for call in calls.calls:
        x = x_of(calls, call)
        found = call.operator.parameters(x)
        if not call.weights or call.weights not in stored:
            stored.add(call.weights)
            params += int(found.weights + found.biases + found.norm)
            buffers += int(found.buffers)
        macs += int(call.operator.arithmetic(x, call.shape).macs)
    return Totals(params, macs, buffers)


def line(calls: Calls) -> list[str]:
    """Each call in short: its operator and what it gives."""
    return [f"{call.operator.name} {call.shape}" for call in calls.calls]

"""The head of a spec: its name, its inputs, and the numbers that a user may set."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import Any

from archcalc.importing import names
from archcalc.importing.calls import Calls
from archcalc.importing.terms import Variable
from archcalc.importing.units import Units
from archcalc.ops import Shape
from archcalc.spec.words import INPUT

_AXES = {"image": ("height", "width"), "volume": ("depth", "height", "width"), "sequence": ("length",)}


@dataclass(slots=True, eq=False, repr=False)
class Head:
    """What stands before the layers."""

    network: str
    inputs: dict[str, tuple[Shape, tuple[Any, ...]]] = field(default_factory=dict)
    variables: dict[str, Any] = field(default_factory=dict)
    names: dict[int, str] = field(default_factory=dict)  # of inputs that are read, by value
    renamed: dict[str, str] = field(default_factory=dict)  # names of the source to those of the text


def head_of(
    calls: Calls, units: Units, is_fixed: bool = False, second: Calls | None = None, is_square: bool = True
) -> Head:
    """Name the network, its inputs, and the extents of these, which are variables unless they are fixed.

    One variable serves height and width where these are equal, in a second reading too, unless it is said that none is.
    """
    head = Head(network_name(calls.name))
    read = [at for at in range(len(calls.inputs)) if units.readers[-1 - at]] or [0]
    used: set[str] = set()
    for at, name in enumerate(calls.inputs):
        if at in read:
            new = INPUT if len(read) == 1 else names.argument(name, used)
            head.names[-1 - at] = new
            head.renamed[name] = new
    is_alone = len(read) == 1
    for at in read:
        name, shape = list(calls.inputs.items())[at]
        prefix = "" if is_alone else head.renamed[name]
        numbers = shape.spatial if shape.channels is None else (shape.channels, *shape.spatial)
        other = None if second is None else second.inputs.get(name)
        is_one = is_square and len(set((other or shape).spatial[-2:])) == 1
        said = numbers if is_fixed else extents(head, shape, prefix, calls, is_one)
        head.inputs[head.renamed[name]] = shape, said
    return head


def network_name(text: str) -> str:
    """The name of a network: letters, digits, `_` and `-`."""
    return re.sub(r"[^A-Za-z0-9_-]+", "_", text).strip("_-") or "network"


def extents(head: Head, shape: Shape, prefix: str, calls: Calls, is_square: bool) -> tuple[Any, ...]:
    """Channels and extents of an input; what a user may change is a variable."""
    said: list[Any] = [] if shape.channels is None else [shape.channels]
    words = list(_AXES.get(shape.kind, ("length",) * shape.rank))
    symbols = {value: name for name, value in calls.free.items()}
    if shape.rank >= 2 and shape.spatial[-1] == shape.spatial[-2] and is_square:
        words[-2:] = ["resolution", "resolution"]
    mine: dict[str, str] = {}
    for word, extent in zip(words, shape.spatial, strict=True):
        symbol = names.plain(symbols.get(extent, ""))  # type: ignore[arg-type]
        wanted = symbol or (f"{prefix}_{word}" if prefix and head.variables.get(word, extent) != extent else word)
        name = mine.get(wanted)
        if name is None:
            taken = {*head.variables, *head.names.values()} - (
                {wanted} if head.variables.get(wanted) == extent else set()
            )
            name = mine[wanted] = names.argument(wanted, taken)
        head.variables[name] = extent
        said.append(Variable(name))
    return tuple(said)

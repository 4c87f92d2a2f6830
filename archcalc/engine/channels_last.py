"""Inputs that were probably given channels last: a table of their costs would be whole, and of another network."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from archcalc.engine.inputs import Given, input_shapes
from archcalc.engine.network import Network, setting
from archcalc.ops import Shape
from archcalc.source import Diagnostic, Span
from archcalc.spec.expand import shapes_of

MOST_CHANNELS = 4
"""Pictures and sound have at most so many channels: grey, stereo, colours, colours and opacity."""
LEAST_EXTENT = 8
LEAST_LENGTH = 1_000  # of a sequence: shorter ones of one position are steps of a longer one


def channels_last(network: Network, given: Given = None, set: Mapping[str, Any] | None = None) -> list[Diagnostic]:
    """A warning for each input, of the spec or from outside, whose last number is most likely its channels."""
    spec = network.spec
    overrides = {name: setting(name, value, at) for at, (name, value) in enumerate((set or {}).items())}
    own = shapes_of(spec, network.name, overrides)
    outside = input_shapes(spec, given)
    found = []
    for name, shape in own.items():
        read = outside.get(name, shape)
        meant = in_order(read, shape if name in outside else None)
        if meant is None:
            continue
        kind = read.kind
        is_typed = name in outside
        written = f"{read}" if is_typed else f"{kind}({', '.join(map(str, _sizes(read)))})"
        instead = f"{meant}" if is_typed else f"{kind}({', '.join(map(str, _sizes(meant)))})"
        message = f"{network.name} reads {written} as {read.channels} channels of {'x'.join(map(str, read.spatial))}"
        help = f"channels come first: {'--input ' if is_typed else ''}{instead}, if that is meant"
        span: Span | None = None if is_typed else spec.inputs[name].span()
        source = None if is_typed else spec.source
        found.append(Diagnostic("channels-last", message, span, source, help, severity="warning"))
    return found


def in_order(shape: Shape, expected: Shape | None = None) -> Shape | None:
    """The shape with its last number first, where that is most likely meant; `expected` is the one of the spec."""
    if shape.channels is None or shape.rank == 0 or not all(isinstance(size, int) for size in _sizes(shape)):
        return None
    first, *between, last = _sizes(shape)
    meant = Shape(last, (first, *between))
    if expected is not None and isinstance(expected.channels, int) and expected.channels != last:
        return None if expected.channels == first or not _looks_last(first, between, last) else meant
    if expected is not None and expected.channels == last:
        return meant if first != last and all(extent > last for extent in (first, *between)) else None
    return meant if _looks_last(first, between, last) else None


def _looks_last(first: int, between: Iterable[int], last: int) -> bool:
    if last > MOST_CHANNELS:
        return False
    extents = list(between)
    if not extents:
        return first >= LEAST_LENGTH
    return first > MOST_CHANNELS and all(extent >= LEAST_EXTENT for extent in extents) and _alike([first, *extents])


def _alike(extents: list[int]) -> bool:
    """Whether extents are those of one picture or volume: its height and width are of one magnitude."""
    *_, height, width = extents
    return height <= 4 * width and width <= 4 * height


def _sizes(shape: Shape) -> tuple[Any, ...]:
    return (shape.channels, *shape.spatial)

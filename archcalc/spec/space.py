"""`space:` of a file: the variables, or items of lists, that vary, and their values; `requires:`, what must hold."""

from __future__ import annotations

from collections.abc import Callable
from functools import cache
from math import prod
from typing import TYPE_CHECKING, Any

from archcalc.results.position import EVERY, Position, position_of
from archcalc.results.space import Space, SpaceAxis
from archcalc.source import Span, SpecError, YamlMapping, YamlNode, YamlScalar, YamlSequence
from archcalc.spec.axis_values import (
    MOST_VALUES,
    Item,
    Range,
    ValuesError,
    as_text,
    count_of,
    read_item,
    read_values,
    shown,
)
from archcalc.spec.expand import value_of
from archcalc.spec.model import Spec, WrittenAxis

if TYPE_CHECKING:
    from archcalc.spec.read import _Reader

SAMPLE = "depth: 1:4, width: [0.5, 1], 'kernel[*]: [3, 5, 7]' for each item of a list, kernel[0] for one"


class NoListError(Exception):
    """There is no list where `[*]` or an index stands, or it has no such item."""


def read_space(reader: _Reader, node: YamlNode) -> None:
    """Read the value of `space:`: values by variable; under the name of a network, those of that network."""
    for key, value in reader.mapping(node, "space"):
        if isinstance(value, YamlMapping):
            found = reader.spec.space.setdefault(key.value, (key.span, []))[1]
            for name, values in value.items:
                _read_axis(reader, found, name, values)
        else:
            found = reader.spec.space.setdefault("", (key.span, []))[1]
            _read_axis(reader, found, key, value)


def _read_axis(reader: _Reader, found: list[WrittenAxis], key: YamlScalar, node: YamlNode) -> None:
    position = position_of(key.value)
    if position is None:
        message = f"`{key.value}` names no variable and no item of one"
        reader.report("bad-axis", message, key.span, SAMPLE)
        return
    items: list[Item] = []
    places: list[Span] = []
    for part in node.items if isinstance(node, YamlSequence) else [node]:
        if isinstance(part, YamlMapping) or (isinstance(part, YamlSequence) and not part.flow):
            reader.report("bad-axis", "a value of an axis is expected here", Span(part.start, part.start + 1), SAMPLE)
            return
        text = part.text if isinstance(part, YamlScalar) else reader.source.text[part.start : part.end]
        try:
            if isinstance(node, YamlSequence):
                read = [(read_item(text, 0, len(text)), 0, len(text))]
            else:
                read = read_values(text)
        except ValuesError as error:
            place = Span(part.start + error.start, part.start + max(error.end, error.start + 1))
            reader.report("bad-axis", error.message, place, SAMPLE)
            return
        items += [item for item, _, _ in read]
        places += [Span(part.start + start, part.start + max(end, start + 1)) for _, start, end in read]
    written = WrittenAxis(position, key.span, tuple(items), tuple(places))
    if not items:
        reader.report("bad-axis", f"`{position}` has no value", key.span, SAMPLE)
    elif sum(each.length if isinstance(each, Range) else 1 for each in items) > MOST_VALUES:
        reader.report("bad-axis", f"an axis has at most {MOST_VALUES:,} values", key.span)
    else:
        other = next((each for each in found if _is_twice(each.position, position)), None)
        if other is not None:
            message = f"`{position}` is in `{other.position}` too"
            reader.report("bad-axis", message, key.span, "each variable, or item of one, has one axis")
        found.append(written)


def _is_twice(a: Position, b: Position) -> bool:
    """Whether both say of one item what it may be, and none of them names it more closely."""
    return a.overlaps(b) and not a.is_closer(b, b) and not b.is_closer(a, a)


def space_of(spec: Spec, network: str) -> list[WrittenAxis]:
    """The axes of a network as written: those of all the file, then those of what it starts from, then its own."""
    found: list[WrittenAxis] = []
    for name in dict.fromkeys(("", network.partition("@")[0], network)):
        if name in spec.space:
            own = spec.space[name][1]
            found = [each for each in found if not any(each.position.overlaps(of.position) for of in own)] + own
    return found


def axes_of(spec: Spec, network: str) -> list[tuple[Position, WrittenAxis]]:
    """The axes of a network, `[*]` taken apart: one for each item of the list as it is in this network.

    Raises:
        SpecError: at the place in the file, where there is no such list or item.
    """
    found = []
    written = space_of(spec, network)
    for each in written:
        try:
            positions = positions_at(each.position, lambda name: value_of(spec, network, name))
        except NoListError as error:
            help = "the variable's value in this network says how many items there are"
            raise SpecError([spec.diagnostic("bad-axis", f"{network}: {error}", each.span, help)]) from None
        others = [other.position for other in written if other is not each]
        found += [
            (position, each)
            for position in positions
            if not any(other.is_closer(each.position, position) for other in others)
        ]
    return found


def positions_at(position: Position, value: Callable[[str], Any]) -> list[Position]:
    """The items that a position stands for, by the values of variables and of items.

    Raises:
        NoListError: there is no list, or it has no such item.
    """
    found = [Position(position.variable)]
    for index in position.indices:
        longer = []
        for each in found:
            items = value(str(each))
            if type(items) is not tuple:
                raise NoListError(f"`{each}` is no list, and `{position}` an item of one")
            if index >= len(items):
                raise NoListError(f"`{each}` is a list of {len(items)}, and has no item {index}")
            chosen = range(len(items)) if index == EVERY else (index,)
            longer += [each._replace(indices=(*each.indices, number)) for number in chosen]
        found = longer
    return found


def result_of(spec: Spec, network: str) -> Space | None:
    """The space of a network, as it is told; None: the file says none.

    Raises:
        SpecError: at the place in the file, where there is no such list or item.
    """
    if not spec.space or not space_of(spec, network):
        return None
    positions = [each.position for _, each in axes_of(spec, network)]
    axes = tuple(
        SpaceAxis(
            str(each.position),
            tuple(map(item_text, each.values)),
            count_of(list(each.values)),
            positions.count(each.position),
        )
        for each in space_of(spec, network)
    )
    return Space(axes, prod(axis.size**axis.times for axis in axes))


def first_value(item: Item) -> str:
    """A value as a setting takes it; of a range the first."""
    return str(item.start) if isinstance(item, Range) else str(item)


def last_value(item: Item) -> str:
    """The last value of a range; any other value is its own last."""
    return str(item.start + (item.length - 1) * item.step) if isinstance(item, Range) else str(item)


@cache
def item_text(item: Item) -> str:
    """A value, or a range of them, as it is written."""
    return str(item) if isinstance(item, Range) else as_text(shown(item))

"""Axes of a sweep, from what is typed, from Python, and from the `space:` of a spec."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from fractions import Fraction
from functools import partial, reduce
from math import gcd
from typing import Any, NoReturn

import numpy as np

from archcalc.engine.network import Network
from archcalc.results.position import EVERY, Position, position_of
from archcalc.results.sweep import Axis, Value
from archcalc.source import Diagnostic, Source, Span, SpecError
from archcalc.spec.axis_values import MOST_VALUES, Item, Range, ValuesError, as_text, read_values
from archcalc.spec.expression import free_names
from archcalc.spec.space import NoListError, axes_of, positions_at

SAMPLE = "--over resolution=96:320:32, width=0.25:1.5:0.25, n=3,5,7, 'kernel[3]=3,5' or 'depth=[2,2,2,2];[3,4,6,3]'"

__all__ = ["as_text", "axes_in", "axis", "axis_of", "settings_text", "variable_of"]


def axis(text: str) -> Axis:
    """An axis that is typed: a name, `=`, and its values.

    Raises:
        SpecError: at the place in the text.
    """
    name, sign, _ = text.partition("=")
    position = position_of(name) if sign else None
    if position is None:
        _refuse(text, 0, len(name) or 1, f"an axis is a variable, `=` and its values, not `{text}`")
    try:
        found = read_values(text, len(name) + 1)
        return made(str(position), [item for item, _, _ in found])
    except ValuesError as error:
        _refuse(text, error.start or len(name) + 1, error.end or len(text), error.message)


def axis_of(name: str, values: Any) -> Axis:
    """An axis from Python: a text as typed (`96:320:32`), or numbers, words, lists.

    Raises:
        SpecError: there are no values, or one of them is none.
    """
    if isinstance(values, str):
        return axis(f"{name}={values}")
    given = [values] if isinstance(values, (int, float, Fraction)) else list(values)
    texts = [_text(value) for value in given]
    separator = ";" if any("," in each for each in texts) else ","
    return axis(f"{name}={separator.join(texts)}")


def _text(value: Any) -> str:
    if isinstance(value, bool | np.bool_):
        return str(bool(value)).lower()
    if isinstance(value, float | np.floating):
        return f"{Fraction(repr(float(value)))}"  # the decimal that is written
    if isinstance(value, (list, tuple)):
        return f"[{','.join(map(_text, value))}]"
    return str(value)


def made(name: str, found: Sequence[Item]) -> Axis:
    """An axis of the values that are written.

    Raises:
        ValuesError: they are too many; without a place.
    """
    numbers = [each for each in found if not isinstance(each, str)]
    if sum(each.length if isinstance(each, Range) else 1 for each in found) > MOST_VALUES:
        raise ValuesError(0, 0, f"an axis has at most {MOST_VALUES:,} values")
    if len(numbers) == len(found):
        return _numeric(name, numbers)
    texts: list[str] = []
    for each in found:
        if isinstance(each, Range):
            texts.extend(str(each.start + number * each.step) for number in range(each.length))
        else:
            texts.append(str(each))
    return Axis(name, Fraction(0), np.empty(0, np.int64), tuple(dict.fromkeys(texts)))


def axes_in(networks: Sequence[Network], over: Sequence[Axis], settings: Mapping[str, str]) -> list[Axis]:
    """The axes of a sweep: those asked for, `[*]` taken apart, and those of the space of the networks that are left.

    An axis that is asked for, or a variable that is set, stands in place of the axes of the space that it meets; one of
    an item that is named in place of what `[*]` says of it. Networks of different spaces have those asked for alone.

    Raises:
        SpecError: a list has no such item, or the networks have different spaces.
    """
    written = [each.position for each in over]
    fixed = [position_of(name) or Position(name) for name in settings]
    asked = [
        axis
        for each in over
        for axis in _apart(each, networks, settings, over)
        if not any(
            axis.position != each.position and other.is_closer(each.position, axis.position) for other in written
        )
        and not any(other.is_closer(each.position, axis.position) for other in fixed)
    ]
    taken = written + fixed
    spaces: dict[tuple[Any, ...], list[Axis]] = {}
    for network in networks:
        found = [
            made(str(position), list(each.values))
            for position, each in axes_of(network.spec, network.name)
            if not any(position.overlaps(other) for other in taken)
        ]
        spaces.setdefault(tuple((axis.name, axis.unit, axis.texts, axis.multiples.tobytes()) for axis in found), found)
    if len(spaces) > 1 and asked:
        return asked
    if len(spaces) > 1:
        names = ", ".join(network.name for network in networks)
        message, help = f"{names} have different spaces", "one sweep for each network, or --over axes that all have"
        raise SpecError([Diagnostic("bad-axis", message, help=help)])
    own = next(iter(spaces.values()), [])
    order = list(dict.fromkeys(axis.variable for axis in own + asked))
    # what narrows an item of the space stands where the item stood
    return sorted(own + asked, key=lambda axis: (order.index(axis.variable), axis.position.indices)) if own else asked


def _apart(axis: Axis, networks: Sequence[Network], settings: Mapping[str, str], over: Sequence[Axis]) -> list[Axis]:
    """An axis for each item that it stands for; the lists of all networks are of one length."""
    if not axis.position.indices:
        return [axis]
    found: dict[tuple[Position, ...], None] = {}
    for network in networks:
        placed = network.spec.settings(network.name).get(axis.variable)
        if placed is None:
            continue
        decisive = {axis.variable, *free_names(placed.expression)}
        if EVERY not in axis.position.indices and any(
            each.variable in decisive and each.position.indices < axis.position.indices for each in over
        ):
            found[axis.position,] = None  # another axis says how many items there are
            continue
        own = {name: of for name, of in settings.items() if variable_of(name) in network.spec.settable}
        try:
            found[tuple(positions_at(axis.position, partial(network.value, set=own)))] = None
        except NoListError as error:
            help = f"--over '{axis.variable}=...' is all of it"
            raise SpecError([Diagnostic("bad-axis", f"{network.name}: {error}", help=help)]) from None
    if len(found) > 1:
        message = f"{axis.name} is a list of another length in some of the networks"
        raise SpecError([Diagnostic("bad-axis", message, help="one sweep for each network")])
    return [axis._replace(name=str(position)) for position in next(iter(found), (axis.position,))]


def variable_of(name: str) -> str:
    """The variable that a name is, or of which it is an item."""
    position = position_of(name)
    return position.variable if position else name


def _numeric(name: str, found: Sequence[Fraction | Range]) -> Axis:
    ranges = [each if isinstance(each, Range) else Range(each, Fraction(1), 1) for each in found]
    unit = reduce(_common, [value for each in ranges for value in (each.start, each.step)[: each.length]], Fraction(0))
    if unit.denominator == 1:  # 0 where all values are
        unit = Fraction(1)
    ends = max(abs((each.start + each.length * each.step) / unit) for each in ranges)
    is_small = ends * unit.numerator < 2**62
    parts = []
    for each in ranges:
        first, by = int(each.start / unit), int(each.step / unit) or 1
        last = first + each.length * by
        parts.append(
            np.arange(first, last, by, dtype=np.int64) if is_small else np.array(range(first, last, by), dtype=object)
        )
    multiples = np.concatenate(parts)
    if len(parts) > 1:
        _, places = np.unique(multiples, return_index=True)
        multiples = multiples[np.sort(places)]
    return Axis(name, unit, multiples)


def _common(a: Fraction, b: Fraction) -> Fraction:
    """The largest number that both are multiples of."""
    return Fraction(gcd(a.numerator * b.denominator, b.numerator * a.denominator), a.denominator * b.denominator)


def _refuse(text: str, start: int, end: int, message: str) -> NoReturn:
    place = Span(min(start, max(len(text) - 1, 0)), max(end, start + 1))
    raise SpecError([Diagnostic("bad-axis", message, place, Source("--over", text), SAMPLE)])


def settings_text(settings: Iterable[tuple[str, Value]]) -> str:
    """`resolution=96 width=1/4`, as `--set` takes them."""
    return " ".join(f"{name}={value}" for name, value in settings)

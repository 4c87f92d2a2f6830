"""Numbers as people read them: SI for counts, IEC for bytes, exact where they are short."""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache
from typing import Literal

from archcalc.ops import Shape
from archcalc.results.cost import json_number
from archcalc.results.field import ReceptiveField
from archcalc.results.rows import exact as exact

Units = Literal["si", "raw"]

EXACT_BELOW = 100_000  # a count below this is written out
_SI = ("", " K", " M", " G", " T", " P", " E", " Z", " Y")
_IEC = (" B", " KiB", " MiB", " GiB", " TiB", " PiB", " EiB")


@lru_cache(maxsize=1 << 14, typed=True)  # rows of a table have many of their numbers from others
def count(value: int, units: Units = "si") -> str:
    """A count: `9,472`, `1.583 G`; every digit under `raw`."""
    if units == "raw" or abs(value) < EXACT_BELOW:
        return f"{value:,}"
    return _scaled(value, 1000, _SI)


@lru_cache(maxsize=1 << 14, typed=True)
def size(value: int, units: Units = "si") -> str:
    """Bytes: `26.70 MiB`; every digit under `raw`."""
    if units == "raw" or value < 1024:
        return f"{value:,} B"
    return _scaled(value, 1024, _IEC)


def amount(value: int, quantity: str, units: Units = "si") -> str:
    """A quantity by its column name: bytes as a size, all others as a count."""
    from archcalc.results.budget import PEAK_MEMORY  # and with it what budgets are made of, for this alone

    return size(value, units) if quantity.endswith("_bytes") or quantity == PEAK_MEMORY else count(value, units)


def _scaled(value: int, step: int, names: Sequence[str]) -> str:
    """Four significant digits, rounded half up in whole numbers."""
    power = 0
    while power + 1 < len(names) and abs(value) >= step ** (power + 1):
        power += 1
    unit = step**power
    for decimals in (3, 2, 1, 0):
        scaled = (2 * value * 10**decimals + unit) // (2 * unit)
        if abs(scaled) < 10_000 or decimals == 0:
            break
    if decimals == 0 and abs(scaled) >= step and power + 1 < len(names):
        scaled, decimals, power = 1000, 3, power + 1  # 1000 K is 1.000 M
    whole, part = divmod(scaled, 10**decimals)
    return f"{whole:,}{f'.{part:0{decimals}d}' if decimals else ''}{names[power]}"


def percent(part: float, whole: float) -> str:
    """A share: `58.4%`, `<0.1%` for what is there but small, nothing for what is not."""
    if part == 0 or whole == 0:
        return ""
    tenths = int((2000 * part + whole) // (2 * whole))
    return f"{tenths // 10}.{tenths % 10}%" if tenths else "<0.1%"


def with_percent(part: int, whole: int) -> str:
    """A count and its share: `98,376,192 (6.1%)`."""
    share = percent(part, whole)
    return f"{part:,} ({share})" if share else f"{part:,}"


def ratio(value: int, other: int) -> str:
    """How many times the other: `9.77x`, `0.05x`; nothing where there is no such number."""
    if other == 0:
        return "1.00x" if value == 0 else ""
    return f"{_short(value, other)}x"


def times(larger: int, smaller: int) -> str:
    """A ratio for a sentence: `9.8x`, `1.06x`, `120x`."""
    if 2 * smaller > larger:
        return f"{decimal(larger, smaller, 2 if 100 * larger > 101 * smaller else 4)}x"
    return f"{decimal(larger, smaller, 1 if larger < 100 * smaller else 0)}x"


def _short(value: int, other: int) -> str:
    if value >= 100 * other:
        return decimal(value, other, 0)
    if value >= 10 * other:
        return decimal(value, other, 1)
    return decimal(value, other, 2 if 100 * value >= other else 4)


def decimal(value: int, other: int, decimals: int) -> str:
    """A ratio of whole numbers with so many decimals, rounded half up."""
    scaled = (2 * value * 10**decimals + other) // (2 * other)
    whole, part = divmod(scaled, 10**decimals)
    return f"{whole:,}.{part:0{decimals}d}" if decimals else f"{whole:,}"


def seconds(value: float) -> str:
    """A time that was measured, with four digits: `27.94 ms`."""
    for unit, name in ((1.0, "s"), (1e-3, "ms"), (1e-6, "us")):
        if abs(value) >= 0.99995 * unit:
            return f"{_four_digits(value / unit)} {name}"
    return f"{_four_digits(value / 1e-9)} ns"


def rate(value: float | None) -> str:
    """Something a second, or for each of something else: `35.79`, `129.9 G`; nothing where there is none."""
    if value is None:
        return ""
    return count(round(value)) if abs(value) >= 1000 else _four_digits(value)


def per_byte(value: float) -> str:
    """FLOPs for each byte: `61.24`."""
    return _four_digits(value)


def _four_digits(value: float) -> str:
    decimals = 3
    while decimals and abs(round(value, decimals)) >= 10 ** (4 - decimals):
        decimals -= 1
    return f"{value:,.{decimals}f}"


def extents(sizes: Sequence[object]) -> str:
    """`112x112`."""
    return "x".join(map(str, sizes))


def shape(value: Shape) -> str:
    """`64x112x112`, channels first; nothing for a row that has no shape of its own."""
    return str(value)


def field(value: ReceptiveField | None) -> str:
    """Size of a receptive field: `211x211`; of one that may be larger `≥ 3x3`."""
    return f"{'≥ ' if value.is_at_least else ''}{extents(value.size)}" if value else ""


def seen(value: ReceptiveField | None, of: Shape) -> str:
    """Size of a receptive field; `whole` where every position sees all of the input."""
    is_whole = value is not None and value.is_global and value.size == of.spatial
    return "whole" if is_whole else field(value)


def jump(value: ReceptiveField | None) -> str:
    """Pixels between neighbouring positions: `32`, or `32x16` where the axes differ."""
    if value is None:
        return ""
    jumps = [json_number(step) for step in value.jump]
    return str(jumps[0]) if len(set(jumps)) == 1 else extents(jumps)


def plural(number: int, noun: str) -> str:
    """`1 layer`, `84 layers`."""
    return f"{number:,} {noun}{'' if number == 1 else 's'}"


def listed(words: Sequence[str], last: str = "and") -> str:
    """`a, b and c`."""
    return words[0] if len(words) == 1 else f"{', '.join(words[:-1])} {last} {words[-1]}" if words else ""

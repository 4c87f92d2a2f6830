"""Values of an axis as they are written: `96:320:32` (ends included), `0.25:1.5:0.25`, `3,5,7`, `[2,2];[3,4]`."""

from __future__ import annotations

import re
from collections.abc import Iterator
from fractions import Fraction
from typing import NamedTuple, NoReturn

from archcalc.spec.expression_text import Problem
from archcalc.spec.number import exact_number
from archcalc.spec.parse import parse_expression

MOST_VALUES = 10_000_000
LARGEST = 10**15  # of a value, so that sizes made of it stay below 2^63, as those of a spec must


class Range(NamedTuple):
    """Numbers in equal steps."""

    start: Fraction
    step: Fraction
    length: int

    def __str__(self) -> str:
        last = self.start + (self.length - 1) * self.step
        return f"{shown(self.start)}:{shown(last)}" + (f":{shown(self.step)}" if self.step != 1 else "")


Item = Fraction | Range | str


class ValuesError(Exception):
    """What is wrong with the text of an axis, and where."""

    def __init__(self, start: int, end: int, message: str) -> None:
        super().__init__(message)
        self.start, self.end, self.message = start, end, message


def read_values(text: str, begin: int = 0) -> list[tuple[Item, int, int]]:
    """The values of a text from an offset on, each with the offsets where it stands.

    Raises:
        ValuesError: one of them is none.
    """
    return [(read_item(text, start, end), start, end) for start, end in _items(text, begin)]


def read_item(text: str, start: int, end: int) -> Item:
    """One value: a number, a range, or a word or list as it is written.

    Raises:
        ValuesError: it is none.
    """
    item = text[start:end]
    if not item.strip():
        _refuse(start, end, "a value is missing")
    if ":" in item:
        return _range(text, start, end)
    number = exact_number(item)
    if number is not None:
        _check_size(start, end, number)
        return number
    parsed = parse_expression(item)
    if isinstance(parsed, Problem):
        _refuse(start + parsed.start, start + parsed.end, parsed.message)
    return as_text(item)


def as_text(written: str) -> str:
    """A word or a list as an axis has it, without spaces around its commas."""
    return re.sub(r"\s*,\s*", ",", written.strip())


def count_of(items: list[Item]) -> int:
    """How many different values they are."""
    if len(items) == 1:
        return items[0].length if isinstance(items[0], Range) else 1
    found: set[Fraction | str] = set()
    for item in items:
        found.update(values_of(item))
    return len(found)


def values_of(item: Item) -> Iterator[Fraction | str]:
    """Each value that is written as one item."""
    if isinstance(item, Range):
        yield from (item.start + number * item.step for number in range(item.length))
    else:
        yield item


def shown(value: Fraction | str) -> str:
    """A value as the language writes it: a decimal where it is one."""
    if isinstance(value, str) or value.denominator == 1:
        return str(value)
    for places in range(1, 16):
        if (value * 10**places).denominator == 1:
            digits = f"{abs(int(value * 10**places)):0{places + 1}}"
            return f"{'-' * (value < 0)}{digits[:-places]}.{digits[-places:]}"
    return str(value)


def _items(text: str, begin: int) -> Iterator[tuple[int, int]]:
    """Where values stand: between `;` if there is one, else between commas outside of brackets."""
    separator = ";" if ";" in text[begin:] else ","
    depth, start = 0, begin
    for at in range(begin, len(text)):
        character = text[at]
        depth += (character in "[(") - (character in "])")
        if character == separator and depth == 0:
            yield start, at
            start = at + 1
    yield start, len(text)


def _range(text: str, start: int, end: int) -> Range:
    parts: list[Fraction] = []
    at = start
    for part in text[start:end].split(":"):
        number = exact_number(part)
        if number is None:
            _refuse(at, at + len(part), f"a range is START:END or START:END:STEP, and `{part}` is no number")
        _check_size(at, at + len(part), number)
        parts.append(number)
        at += len(part) + 1
    if len(parts) > 3:
        _refuse(start, end, "a range has a start, an end and a step")
    first, last, step = (*parts, Fraction(1))[:3]
    if step <= 0:
        _refuse(start, end, "the step of a range is more than 0")
    if last < first:
        _refuse(start, end, f"the range ends at {last}, before it begins at {first}")
    return Range(first, step, int((last - first) // step) + 1)


def _check_size(start: int, end: int, number: Fraction) -> None:
    if max(abs(number.numerator), number.denominator) > LARGEST:
        _refuse(start, end, "values of a sweep have 15 digits at most")


def _refuse(start: int, end: int, message: str) -> NoReturn:
    raise ValuesError(start, end, message)

"""Values that a variable takes in a sweep: `96:320:32` (ends included), `0.25:1.5:0.25`, `3,5,7`, `[2,2];[3,4]`."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from fractions import Fraction
from functools import reduce
from math import gcd
from typing import Any, NamedTuple, NoReturn

import numpy as np

from archcalc.results.sweep import Axis, Value
from archcalc.source import Diagnostic, Source, Span, SpecError
from archcalc.spec.expression_text import Problem
from archcalc.spec.number import exact_number
from archcalc.spec.parse import parse_expression

MOST_VALUES = 10_000_000
LARGEST = 10**15  # of a value, so that sizes made of it stay below 2^63, as those of a spec must
SAMPLE = "--over resolution=96:320:32, width=0.25:1.5:0.25, n=3,5,7 or 'depth=[2,2,2,2];[3,4,6,3]'"


class _Range(NamedTuple):
    start: Fraction
    step: Fraction
    length: int


def axis(text: str) -> Axis:
    """An axis that is typed: a name, `=`, and its values.

    Raises:
        SpecError: at the place in the text.
    """
    name, sign, _ = text.partition("=")
    if not sign or not re.fullmatch(r"\s*[A-Za-z_]\w*\s*", name):
        _refuse(text, 0, len(name) or 1, f"an axis is a variable, `=` and its values, not `{text}`")
    return _read(name.strip(), text, len(name) + 1)


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


def as_text(written: str) -> str:
    """A word or a list as the axis has it, without spaces around its commas."""
    return re.sub(r"\s*,\s*", ",", written.strip())


def _text(value: Any) -> str:
    if isinstance(value, bool | np.bool_):
        return str(bool(value)).lower()
    if isinstance(value, float | np.floating):
        return f"{Fraction(repr(float(value)))}"  # the decimal that is written
    if isinstance(value, (list, tuple)):
        return f"[{','.join(map(_text, value))}]"
    return str(value)


def _read(name: str, text: str, begin: int) -> Axis:
    found: list[Fraction | _Range | str] = []
    for start, end in _items(text, begin):
        found.append(_item(text, start, end))
    numbers = [each for each in found if not isinstance(each, str)]
    if len(numbers) == len(found):
        made = _numeric(name, numbers)
        if made is None:
            _refuse(text, begin, len(text), f"an axis has at most {MOST_VALUES:,} values")
        return made
    texts: list[str] = []
    for each in found:
        if isinstance(each, _Range):
            if each.length > MOST_VALUES:
                _refuse(text, begin, len(text), f"an axis has at most {MOST_VALUES:,} values")
            texts.extend(str(each.start + number * each.step) for number in range(each.length))
        else:
            texts.append(str(each))
    return Axis(name, Fraction(0), np.empty(0, np.int64), tuple(dict.fromkeys(texts)))


def _numeric(name: str, found: Sequence[Fraction | _Range]) -> Axis | None:
    ranges = [each if isinstance(each, _Range) else _Range(each, Fraction(1), 1) for each in found]
    if sum(each.length for each in ranges) > MOST_VALUES:
        return None
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


def _item(text: str, start: int, end: int) -> Fraction | _Range | str:
    item = text[start:end]
    if not item.strip():
        _refuse(text, start, end, "a value is missing")
    if ":" in item:
        return _range(text, start, end)
    number = exact_number(item)
    if number is not None:
        _check_size(text, start, end, number)
        return number
    parsed = parse_expression(item)
    if isinstance(parsed, Problem):
        _refuse(text, start + parsed.start, start + parsed.end, parsed.message)
    return as_text(item)


def _range(text: str, start: int, end: int) -> _Range:
    parts: list[Fraction] = []
    at = start
    for part in text[start:end].split(":"):
        number = exact_number(part)
        if number is None:
            _refuse(text, at, at + len(part), f"a range is START:END or START:END:STEP, and `{part}` is no number")
        _check_size(text, at, at + len(part), number)
        parts.append(number)
        at += len(part) + 1
    if len(parts) > 3:
        _refuse(text, start, end, "a range has a start, an end and a step")
    first, last, step = (*parts, Fraction(1))[:3]
    if step <= 0:
        _refuse(text, start, end, "the step of a range is more than 0")
    if last < first:
        _refuse(text, start, end, f"the range ends at {last}, before it begins at {first}")
    return _Range(first, step, int((last - first) // step) + 1)


def _check_size(text: str, start: int, end: int, number: Fraction) -> None:
    if max(abs(number.numerator), number.denominator) > LARGEST:
        _refuse(text, start, end, "values of a sweep have 15 digits at most")


def _refuse(text: str, start: int, end: int, message: str) -> NoReturn:
    place = Span(min(start, max(len(text) - 1, 0)), max(end, start + 1))
    raise SpecError([Diagnostic("bad-axis", message, place, Source("--over", text), SAMPLE)])


def settings_text(settings: Iterable[tuple[str, Value]]) -> str:
    """`resolution=96 width=1/4`, as `--set` takes them."""
    return " ".join(f"{name}={value}" for name, value in settings)

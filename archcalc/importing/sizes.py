"""Numbers that are functions of the input: what two readings of one network at two sizes tell.

`upsample(size=28)` at 224 and `upsample(size=36)` at 288 is `upsample(size=resolution//8)`.
"""

from __future__ import annotations

from collections.abc import Iterator
from fractions import Fraction
from typing import Any

from archcalc.importing.extents import Relations
from archcalc.importing.heads import Head
from archcalc.importing.terms import Arithmetic, Function, Op, Variable
from archcalc.importing.units import Units

LARGEST = 512  # of divisors that are tried


def with_sizes(units: Units, second: Units, head: Head, values: dict[str, int]) -> list[str]:
    """Say what differs between two readings by the variables of the input.

    Args:
        units: the layers as first read; their arguments are changed in place.
        second: those of the second reading.
        head: with the variables and their values as first read.
        values: of these variables in the second reading.

    Returns:
        What differs in another way than by numbers, or by numbers for which no function was found.
    """
    if len(units.all) != len(second.all):
        return [f"at another size it has {len(second.all)} layers and not {len(units.all)}"]
    known = [(name, value, values[name]) for name, value in head.variables.items() if values.get(name, value) != value]
    told: list[str] = []
    relations: Relations | None = None
    for one, other in zip(units.all, second.all, strict=True):
        if one.op == other.op:
            continue
        relations = relations or Relations(
            units, second, lambda few, many, axis: _value(few, many, along(head, known, axis))
        )
        found = relations.op(one, other) or _value(one.op, other.op, known)
        if found is None:
            name = units.calls.calls[one.calls[0]].name or one.op.name
            told.append(f"at another size `{name}` is {shown(other.op)} and not {shown(one.op)}")
        else:
            one.op = found
    return told


def along(head: Head, known: list[tuple[str, int, int]], axis: int) -> list[tuple[str, int, int]]:
    """Of the variables of the input those of one axis, counted from the last."""
    names = {said[axis] for _, said in head.inputs.values() if len(said) >= -axis}
    return [each for each in known if Variable(each[0]) in names]


def _value(one: Any, other: Any, known: list[tuple[str, int, int]]) -> Any:
    """One value that is both, at their sizes; None where there is none."""
    if one == other and type(one) is type(other):
        return one
    if type(one) is Op and type(other) is Op and one.name == other.name:
        mine, theirs = dict(one.arguments), dict(other.arguments)
        if list(mine) != list(theirs):
            return None
        arguments = [(name, _value(mine[name], theirs[name], known)) for name in mine]
        same = [value is not None or mine[name] is None for name, value in arguments]
        return Op(one.name, tuple(arguments)) if all(same) else None
    if type(one) is tuple or type(other) is tuple:
        rank = len(one) if type(one) is tuple else len(other)
        pair = [value if type(value) is tuple else (value,) * rank for value in (one, other)]
        if len(pair[0]) != len(pair[1]):
            return None
        items = [_value(a, b, known) for a, b in zip(*pair, strict=True)]
        return None if any(item is None for item in items) else tuple(items)
    if type(one) is int and type(other) is int:
        return next(_functions(one, other, known), None)
    return None


def _functions(one: int, other: int, known: list[tuple[str, int, int]]) -> Iterator[Any]:
    """Functions of an extent that have these two values, the plainest first."""
    for divisor in _divisors():
        for name, first, second in known:
            if (first // divisor, second // divisor) == (one, other):
                yield Variable(name) if divisor == 1 else Arithmetic("//", Variable(name), divisor)
    for name, first, second in known:
        variable = Variable(name)
        for divisor in _divisors():
            if (-(-first // divisor), -(-second // divisor)) == (one, other):
                yield Function("ceil", (Arithmetic("/", variable, divisor),))
        # A multiple alone: with a rest beside it there is one through any two points, which says nothing.
        slope = Fraction(other - one, second - first)
        if slope.denominator == 1 and slope > 1 and one == slope * first:
            yield Arithmetic("*", int(slope), variable)
        for divisor in _divisors():
            few, many = first // divisor, second // divisor
            inner = variable if divisor == 1 else Arithmetic("//", variable, divisor)
            if many != few and one - few == other - many:
                yield Arithmetic("+" if one > few else "-", inner, abs(one - few))
            if many != few and one - few**2 == other - many**2:
                square = Arithmetic("**", inner, 2)
                yield square if one == few**2 else Arithmetic("+" if one > few**2 else "-", square, abs(one - few**2))


def _divisors() -> list[int]:
    """Powers of two first: that is what strides make."""
    powers = [2**power for power in range(10)]
    return powers + [number for number in range(3, LARGEST) if number not in powers]


def shown(op: Op) -> str:
    """A layer in a message."""
    said = [f"{name}={value}" for name, value in op.arguments if type(value) is not Op]
    return f"{op.name}({', '.join(said)})"

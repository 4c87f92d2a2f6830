"""Functions of the language: exact on decimals, and on free variables where the result stays exact."""

from __future__ import annotations

from collections.abc import Callable
from fractions import Fraction
from functools import reduce
from math import log
from typing import TYPE_CHECKING, Any

from archcalc.dims import FREE, Dim, RequirementError, make_divisible, ratio
from archcalc.ops import describe
from archcalc.source import Span

if TYPE_CHECKING:
    from archcalc.spec.evaluate import Evaluator

Function = Callable[["Evaluator", str, list[Any], Span], Any]


def _arity(evaluator: Evaluator, name: str, values: list[Any], counts: tuple[int, ...], span: Span) -> None:
    if len(values) not in counts:
        wanted = " or ".join(map(str, counts))
        plural = "s" * (counts != (1,))
        message = f"{name} takes {wanted} argument{plural}, not {len(values)}"
        evaluator.fail("argument-count", message, span)


def _numbers(evaluator: Evaluator, name: str, values: list[Any], span: Span) -> list[Any]:
    evaluator.step(span, len(values) // 4)
    for value in values:
        if not isinstance(value, (int, Fraction, *FREE)) or isinstance(value, bool):
            evaluator.fail("not-a-number", f"{name} needs numbers, not {describe(value)}", span)
    return values


def _list(evaluator: Evaluator, name: str, values: list[Any], span: Span) -> tuple[Any, ...]:
    _arity(evaluator, name, values, (1,), span)
    if type(values[0]) is not tuple:
        evaluator.fail("not-a-list", f"{name} needs a list, not {describe(values[0])}", span)
    found: tuple[Any, ...] = values[0]
    return found


def _rounding(of_number: Callable[[Any], Dim]) -> Function:
    def function(evaluator: Evaluator, name: str, values: list[Any], span: Span) -> Any:
        _arity(evaluator, name, values, (1,), span)
        (value,) = _numbers(evaluator, name, values, span)
        return of_number(value)

    return function


def _extreme(of_two: Callable[[Any, Any], Any], of_numbers: Callable[[list[Any]], Any]) -> Function:
    def function(evaluator: Evaluator, name: str, values: list[Any], span: Span) -> Any:
        items = list(values[0]) if len(values) == 1 and type(values[0]) is tuple else values
        if not _numbers(evaluator, name, items, span):
            evaluator.fail("argument-count", f"{name} needs at least one number", span)
        return reduce(of_two, items) if any(isinstance(value, FREE) for value in items) else of_numbers(items)

    return function


def _len(evaluator: Evaluator, name: str, values: list[Any], span: Span) -> int:
    return len(_list(evaluator, name, values, span))


def _sum(evaluator: Evaluator, name: str, values: list[Any], span: Span) -> Any:
    total: Any = 0
    for value in _numbers(evaluator, name, list(_list(evaluator, name, values, span)), span):
        total = ratio.add(total, value) if isinstance(total, FREE) or isinstance(value, FREE) else total + value
        if isinstance(total, Fraction):  # bounded as it grows, or adding a million takes minutes
            evaluator.bounded(total, span)
    return total


def _range(evaluator: Evaluator, name: str, values: list[Any], span: Span) -> tuple[int, ...]:
    _arity(evaluator, name, values, (1, 2, 3), span)
    for value in _numbers(evaluator, name, values, span):
        if not isinstance(value, int):
            if isinstance(value, FREE):
                message = f"range depends on {value}, which is free; it decides the structure"
                evaluator.fail("structural-variable", message, span, "give it a value: one expansion for each")
            help = "floor(...) or round(...) gives a whole number"
            evaluator.fail("not-whole", f"range needs whole numbers, not {describe(value)}", span, help)
    if len(values) == 3 and values[2] == 0:
        evaluator.fail("division-by-zero", "a range with a step of 0", span)
    found = range(*values)
    # From its ends, for len() of a long range fails beyond the machine's word.
    evaluator.step(span, max(0, (found.stop - found.start) // found.step))
    return tuple(found)


def _make_divisible(evaluator: Evaluator, name: str, values: list[Any], span: Span) -> Any:
    _arity(evaluator, name, values, (2,), span)
    value, divisor = _numbers(evaluator, name, values, span)
    if not isinstance(divisor, int) or divisor < 1:
        message = f"{name} needs a whole divisor of 1 or more, not {describe(divisor)}"
        evaluator.fail("bad-divisor", message, span)
    try:
        return make_divisible(value, divisor)
    except (RequirementError, ValueError) as error:
        evaluator.fail("bad-divisor", f"{name}: {error}", span)


MOST_POWER = 4096  # of a rounded logarithm


def _round_log(evaluator: Evaluator, name: str, values: list[Any], span: Span) -> int:
    """The whole number nearest to the logarithm, decided by powers of exact numbers; halves to even, as `round`."""
    _arity(evaluator, name, values, (2,), span)
    for value in _numbers(evaluator, name, values, span):
        if isinstance(value, FREE):
            message = f"{name} depends on {value}, which is free; it decides the structure"
            evaluator.fail("structural-variable", message, span, "give it a value: one expansion for each")
    x, base = map(Fraction, values)
    if x <= 0 or base <= 1:
        message = (
            f"{name} needs a number above 0 and a base above 1, not {describe(values[0])} and {describe(values[1])}"
        )
        evaluator.fail("bad-logarithm", message, span, f"{name}(8, 2) is 3")
    power = round((log(x.numerator) - log(x.denominator)) / log(base))
    if abs(power) > MOST_POWER:
        evaluator.fail("bad-logarithm", f"{name} is more than {MOST_POWER:,} in size", span, "take a larger base")
    evaluator.step(span, abs(power))
    # x = base**(power - 1/2) or more, and base**(power + 1/2) or less; the estimate is one off at most
    while x**2 < base ** (2 * power - 1) or (x**2 == base ** (2 * power - 1) and power % 2):
        power -= 1
    while x**2 > base ** (2 * power + 1) or (x**2 == base ** (2 * power + 1) and power % 2):
        power += 1
    return power


FUNCTIONS: dict[str, Function] = {
    "ceil": _rounding(ratio.ceil),
    "floor": _rounding(ratio.floor),
    "len": _len,
    "make_divisible": _make_divisible,
    "max": _extreme(ratio.largest, max),
    "min": _extreme(ratio.smallest, min),
    "range": _range,
    "round": _rounding(ratio.nearest),
    "round_log": _round_log,
    "sum": _sum,
}

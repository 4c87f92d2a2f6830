"""Arithmetic, comparisons and conditions: exact on whole numbers, on decimals, and on numbers that stay free."""

from __future__ import annotations

import operator as python
from collections.abc import Callable
from fractions import Fraction
from typing import Any

from archcalc.dims import FREE, Condition, assume, at_least_bound, ratio
from archcalc.ops import describe
from archcalc.source import Span
from archcalc.spec.expression import (
    Binary,
    Compare,
    Expression,
    Logic,
)
from archcalc.spec.limits import LARGEST, how_to_raise
from archcalc.spec.trail import Trail
from archcalc.spec.values import Keys, Scope


class Calculator(Trail):
    """Computes with the values of expressions; how a value is found is left to `value`."""

    keys: Keys

    def value(self, expression: Expression, scope: Scope, base: int) -> Any:
        """Value of an expression."""
        raise NotImplementedError

    def calculate(self, expression: Binary, left: Any, right: Any, base: int) -> Any:
        """Exact arithmetic within the limits."""
        span = Span(base + expression.start, base + expression.end)
        sign = expression.operator
        if sign in ("/", "//", "%") and right == 0:
            self.fail("division-by-zero", "division by zero", span)
        symbolic = isinstance(left, FREE) or isinstance(right, FREE)
        if symbolic and sign in ("/", "//", "%") and (at_least_bound(ratio.parts(right)[0]) or 0) < 1:
            message = f"{left} is divided by {right}, which is not 1 or more for all values"
            self.fail("bad-divisor", message, span, "give the free variable a value, or divide by a maximum: max(1, n)")
        if sign == "**":
            if not isinstance(right, int) or right < 0:
                self.fail("bad-power", "a power has a whole exponent of 0 or more", span)
            if right > 64 and not (isinstance(left, int) and abs(left) <= 1):
                self.fail("integer-size", "a number of 2^63 or more", span, how_to_raise("integer"))
            result: Any = ratio.power(left, right) if symbolic else left**right
        elif symbolic:
            result = _FREE_ARITHMETIC[sign](left, right)
            if result is None:
                message = f"({left}) / ({right}) is not a polynomial over a whole number"
                self.fail("symbolic-quotient", message, span, "use // to round down")
        else:
            result = Fraction(left) / right if sign == "/" else ARITHMETIC[sign](left, right)
        return self.bounded(result, span)

    def bounded(self, value: Any, span: Span) -> Any:
        """A result within 64 bits; a decimal that is whole becomes a whole number."""
        if isinstance(value, Fraction):
            if value.denominator == 1:
                value = value.numerator
            elif value.denominator >= LARGEST or abs(value.numerator) >= LARGEST:
                self.fail("integer-size", "a fraction whose parts are 2^63 or more", span, how_to_raise("integer"))
        if isinstance(value, int) and abs(value) >= LARGEST:
            self.fail("integer-size", "a number of 2^63 or more", span, how_to_raise("integer"))
        return value

    def number(self, expression: Expression, scope: Scope, base: int) -> Any:
        """A number, or an error."""
        return self.as_number(self.value(expression, scope, base), expression, base)

    def as_number(self, value: Any, expression: Expression, base: int) -> Any:
        """The value if it is a number."""
        if isinstance(value, _NUMBERS) and not isinstance(value, bool):
            return value
        is_layer = describe(value) == "a layer"
        self.fail(
            "not-a-number",
            f"a number is needed here, not {describe(value)}",
            Span(base + expression.start, base + expression.end),
            "a >> b is one layer after the other, add(a, b) the sum of what both give" if is_layer else None,
        )

    def whole(self, expression: Expression, scope: Scope, base: int, what: str) -> int:
        """A whole number for something structural: a repeat count, an index."""
        value = self.number(expression, scope, base)
        span = Span(base + expression.start, base + expression.end)
        if isinstance(value, FREE):
            names = ", ".join(sorted(value.variables()))
            self.fail(
                "structural-variable",
                f"{what} depends on {names}, which is free; it decides the structure",
                span,
                f"give {names} a value: one expansion for each",
            )
        if isinstance(value, Fraction):
            self.fail(
                "not-whole",
                f"{what} is {describe(value)}; it must be a whole number",
                span,
                "floor(...) or round(...) gives a whole number",
            )
        return value  # type: ignore[no-any-return]

    def of_compare(self, expression: Compare, scope: Scope, base: int) -> bool:
        """One comparison."""
        left = self.value(expression.left, scope, base)
        right = self.value(expression.right, scope, base)
        sign = expression.operator
        if type(left) is type(right) and type(left) in (int, str) and sign in ("==", "!="):  # as most are
            return bool(left == right) == (sign == "==")
        span = Span(base + expression.start, base + expression.end)
        if sign in ("in", "not in"):
            if not (isinstance(right, tuple) and type(right) is tuple):
                self.fail("not-a-list", f"`in` needs a list on its right, not {describe(right)}", span)
            self.step(span, len(right) // 4)
            found = any(self.equals(left, item, span) for item in right)
            return found == (sign == "in")
        if sign in ("==", "!="):
            return self.equals(left, right, span) == (sign == "==")
        left = self.as_number(left, expression.left, base)
        right = self.as_number(right, expression.right, base)
        if isinstance(left, FREE) or isinstance(right, FREE):
            return self.decide(sign, left, right, span)
        return bool(_ORDER[sign](left, right))

    def equals(self, left: Any, right: Any, span: Span) -> bool:
        """Equality; between numbers that depend on free variables, undecided counts as unequal and is recorded."""
        if isinstance(left, FREE) or isinstance(right, FREE):
            if not _are_numbers(left, right):
                return False
            found = ratio.is_equal(left, right)
            if isinstance(found, Condition):
                assume(f"{left} is not {right} ({self.place(span)})", "unequal", found.left, found.right, "!=")
                return False
            return found
        if isinstance(left, bool) != isinstance(right, bool):
            return False
        return bool(left == right) if _are_numbers(left, right) else bool(self.keys.key(left) == self.keys.key(right))

    def decide(self, sign: str, left: Any, right: Any, span: Span) -> bool:
        """An order between numbers that depend on free variables."""
        a, b = (right, left) if sign in ("<=", ">") else (left, right)
        found = ratio.is_less(a, b)
        if isinstance(found, Condition):
            self.fail(
                "undecided-condition",
                f"it depends on the free variables whether {left} {sign} {right}",
                span,
                "give one of them a value with --set",
            )
        return found == (sign in ("<", ">"))

    def of_logic(self, expression: Logic, scope: Scope, base: int) -> bool:
        """`and`, `or`: decided from the left."""
        stop = expression.operator == "or"
        for operand in expression.operands:
            if self.truth(operand, scope, base) == stop:
                return stop
        return not stop

    def truth(self, expression: Expression, scope: Scope, base: int) -> bool:
        """A condition, or an error."""
        value = self.value(expression, scope, base)
        if isinstance(value, bool):
            return value
        span = Span(base + expression.start, base + expression.end)
        self.fail(
            "not-a-condition",
            f"a condition is needed here, not {describe(value)}",
            span,
            "compare: stride == 1",
        )


def _are_numbers(left: Any, right: Any) -> bool:
    return isinstance(left, _NUMBERS) and isinstance(right, _NUMBERS)


_NUMBERS = (int, Fraction, *FREE)
EXACT = ("*", "+", "-")  # whole numbers give a whole number
ARITHMETIC: dict[str, Callable[[Any, Any], Any]] = {
    "+": python.add,
    "-": python.sub,
    "*": python.mul,
    "//": python.floordiv,
    "%": python.mod,
}
_FREE_ARITHMETIC: dict[str, Callable[[Any, Any], Any]] = {
    "+": ratio.add,
    "-": ratio.subtract,
    "*": ratio.multiply,
    "/": ratio.divide,
    "//": ratio.floor_divide,
    "%": ratio.modulo,
}
_ORDER: dict[str, Callable[[Any, Any], bool]] = {
    "<": python.lt,
    "<=": python.le,
    ">": python.gt,
    ">=": python.ge,
}

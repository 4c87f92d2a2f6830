"""Finished formulas as SymPy expressions, to print and to solve; no rule computes with these."""

# what the methods of an algebra mean is said once, at `dims.Algebra`

from __future__ import annotations

from typing import Any

import sympy as typed_sympy

from archcalc.dims import Dim, fold

sympy: Any = typed_sympy  # SymPy's functions have no types


def to_sympy(x: Dim) -> typed_sympy.Expr:
    """The same integers as x: variables by `symbol`, floor(a/b) for a // b, Max, Min, Piecewise."""
    expression: typed_sympy.Expr = fold(x, _Expressions())
    return expression


def symbol(name: str, at_least: int = 1) -> typed_sympy.Symbol:
    """The symbol of a variable; SymPy may use that it is positive, or not negative, where declared so."""
    known = {"positive": True} if at_least >= 1 else {"nonnegative": True} if at_least == 0 else {}
    made: typed_sympy.Symbol = sympy.Symbol(name, integer=True, **known)
    return made


class _Expressions:
    def constant(self, value: int) -> Any:
        return sympy.Integer(value)

    def variable(self, name: str, at_least: int) -> Any:
        return symbol(name, at_least)

    def sum(self, terms: list[Any]) -> Any:
        return sympy.Add(*terms)

    def multiply(self, a: Any, b: Any) -> Any:
        return sympy.Mul(a, b)

    def power(self, base: Any, exponent: int) -> Any:
        return sympy.Pow(base, exponent)

    def floor_divide(self, number: Any, divisor: Any) -> Any:
        return sympy.floor(number / divisor)

    def maximum(self, a: Any, b: Any) -> Any:
        return sympy.Max(a, b)

    def minimum(self, a: Any, b: Any) -> Any:
        return sympy.Min(a, b)

    def select(self, relation: str, left: Any, right: Any, a: Any, b: Any) -> Any:
        holds = sympy.Lt(left, right) if relation == "<" else sympy.Eq(left, right)
        return sympy.Piecewise((a, holds), (b, True))

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


def to_srepr(x: Dim) -> str:
    """What `sympy.sympify` reads back as the same expression."""
    return str(sympy.srepr(to_sympy(x)))


def to_latex(x: Dim) -> str:
    """SymPy's LaTeX, with names of more than one letter upright, and floor(r/2 + 1/2) as the ceiling that it is."""
    expression: Any = to_sympy(x).replace(sympy.floor, _ceiling)
    names = {of: _upright(of.name) for of in expression.free_symbols}
    between = r" \, " if any(len(of.name) > 1 for of in names) else None
    return str(sympy.latex(expression, symbol_names=names, mul_symbol=between))


def _ceiling(number: Any) -> Any:
    constant, rest = number.as_coeff_Add()
    is_ceiling = constant.q > 1 and constant.p == constant.q - 1 and (rest * constant.q).is_integer
    return sympy.ceiling(rest) if is_ceiling else sympy.floor(number)


def _upright(name: str) -> str:
    escaped = name.replace("_", r"\_")
    return name if len(name) == 1 else rf"\mathrm{{{escaped}}}"


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

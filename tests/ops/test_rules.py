"""The syntax of rules: what would not hold for polynomials is refused, in rules and in all that they call."""

from __future__ import annotations

import ast
import inspect
import textwrap
from collections.abc import Callable, Iterator
from types import FunctionType
from typing import Any

import pytest

from archcalc.ops import OPERATORS, RULES, RULES_WITH_DEFAULT, Operator, Shape, Window
from tests.ops.test_every_operator import documented

# `torch` describes a module for whole numbers and is never run on polynomials.
COUNTING_RULES = tuple(rule for rule in RULES if rule != "torch")
ARITHMETIC = (ast.Add, ast.Sub, ast.Mult, ast.FloorDiv, ast.Pow)
REFUSED_CALLS = {
    "float",
    "int",
    "round",
    "abs",
    "min",
    "max",
    "divmod",
    "pow",
    "bool",
    "any",
    "all",
    "sorted",
}
REFUSED_STATEMENTS = (ast.While, ast.Assert, ast.Match, ast.Try)
FLAGS = {
    declared.attribute for cls in OPERATORS.values() for declared in cls.arguments.values() if declared.kind == "flag"
}
NUMBERS = {
    (cls, declared.attribute)
    for cls in OPERATORS.values()
    for declared in cls.arguments.values()
    if declared.kind not in ("flag", "word")
}


class Law:
    """Collects what one function does against the law; `flags` are the names that it may branch on."""

    def __init__(self, function: ast.FunctionDef, flags: set[str]) -> None:
        arguments = [*function.args.args, *function.args.kwonlyargs]
        annotated = {
            arg.arg for arg in arguments if isinstance(arg.annotation, ast.Name) and arg.annotation.id == "bool"
        }
        self.names = annotated
        self.attributes = flags
        self.broken: list[str] = []
        for statement in function.body:
            for node in ast.walk(statement):
                self.check(node)

    def check(self, node: ast.AST) -> None:
        if isinstance(node, REFUSED_STATEMENTS):
            self.refuse(node, type(node).__name__.lower())
        elif isinstance(node, (ast.BinOp, ast.AugAssign)):
            self.check_arithmetic(node)
        elif isinstance(node, ast.UnaryOp):
            if isinstance(node.op, ast.Invert):
                self.refuse(node, "~")
            elif isinstance(node.op, ast.Not):
                self.check_condition(node)
        elif isinstance(node, (ast.Compare, ast.BoolOp)):
            self.check_condition(node)
        elif isinstance(node, ast.IfExp):
            self.check_condition(node.test)
        elif isinstance(node, ast.If):
            if not self.refuses_polynomials(node):
                self.check_condition(node.test)
        elif isinstance(node, ast.comprehension):
            for test in node.ifs:
                self.check_condition(test)
        elif isinstance(node, ast.Constant) and isinstance(node.value, float):
            self.refuse(node, "a float")
        elif isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id in REFUSED_CALLS:
            self.refuse(node, f"{node.func.id}()")
        elif isinstance(node, ast.Name) and node.id in ("math", "Fraction", "np", "sympy"):
            self.refuse(node, node.id)

    def refuse(self, node: ast.AST, what: str) -> None:
        self.broken.append(f"line {getattr(node, 'lineno', 0)}: {what}: {ast.unparse(node)[:80]}")

    def check_arithmetic(self, node: ast.BinOp | ast.AugAssign) -> None:
        if not isinstance(node.op, ARITHMETIC):
            self.refuse(node, type(node.op).__name__)
        elif isinstance(node.op, ast.Pow):
            power = node.right if isinstance(node, ast.BinOp) else node.value
            if not (isinstance(power, ast.Constant) and isinstance(power.value, int)):
                self.refuse(node, "power that is not a literal")

    def check_condition(self, node: ast.expr) -> None:
        if not self.is_condition(node):
            self.refuse(node, "decided on a number")

    def refuses_polynomials(self, node: ast.If) -> bool:
        """`if isinstance(x, Polynomial): raise`: a polynomial may be refused, never treated otherwise."""
        test = node.test
        asked = (
            isinstance(test, ast.Call)
            and ast.unparse(test).endswith(", Polynomial)")
            and isinstance(test.func, ast.Name)
        )
        return asked and not node.orelse and len(node.body) == 1 and isinstance(node.body[0], ast.Raise)

    def is_condition(self, node: ast.expr) -> bool:
        """Flags, words, None, kinds of values, ranks."""
        if isinstance(node, ast.BoolOp):
            return all(map(self.is_condition, node.values))
        if isinstance(node, ast.UnaryOp):
            return isinstance(node.op, ast.Not) and self.is_condition(node.operand)
        if isinstance(node, ast.Name):
            return node.id in self.names
        if isinstance(node, ast.Attribute):
            return node.attr in self.attributes
        if isinstance(node, ast.Call):
            text = ast.unparse(node)
            return text.startswith("isinstance(") and text.endswith((", tuple)", ", str)", ", Window)"))
        if not isinstance(node, ast.Compare) or len(node.ops) != 1:
            return False
        left, right, how = node.left, node.comparators[0], node.ops[0]
        if isinstance(how, (ast.Is, ast.IsNot)):
            return isinstance(right, ast.Constant) and right.value is None
        if not isinstance(how, (ast.Eq, ast.NotEq)):
            return False
        if any(isinstance(side, ast.Constant) and isinstance(side.value, str) for side in (left, right)):
            return True
        if all(map(is_rank, (left, right))):
            return not all(isinstance(side, ast.Constant) for side in (left, right))
        return self.is_condition(left) and self.is_condition(right)


def is_rank(node: ast.expr) -> bool:
    """A number of axes: `len(...)`, `x.rank`, `rank`, literal numbers and products of these."""
    if isinstance(node, ast.BinOp):
        return is_rank(node.left) and is_rank(node.right)
    if isinstance(node, ast.Call):
        return isinstance(node.func, ast.Name) and node.func.id == "len"
    if isinstance(node, ast.Attribute):
        return node.attr == "rank"
    if isinstance(node, ast.Constant):
        return type(node.value) is int
    return isinstance(node, ast.Name) and node.id == "rank"


def called(function: FunctionType, cls: type | None) -> Iterator[tuple[FunctionType, type | None]]:
    """Functions of `archcalc.ops` that a function names, methods of its class included."""
    stack = [function.__code__]
    while stack:
        code = stack.pop()
        stack += [constant for constant in code.co_consts if isinstance(constant, type(code))]
        for name in code.co_names:
            found = function.__globals__.get(name)
            owner = None
            if cls is not None and isinstance(vars(cls).get(name), FunctionType):
                found, owner = vars(cls)[name], cls
            if isinstance(found, FunctionType) and found.__module__.startswith("archcalc.ops"):
                yield found, owner


def reached(roots: list[tuple[FunctionType, type | None]]) -> dict[FunctionType, type | None]:
    """The functions given and all that they call."""
    seen: dict[FunctionType, type | None] = {}
    while roots:
        function, cls = roots.pop()
        if function not in seen:
            seen[function] = cls
            roots += called(function, cls)
    return seen


def rules_of(cls: type[Operator]) -> list[tuple[FunctionType, type | None]]:
    return [(vars(cls)[rule], cls) for rule in (*COUNTING_RULES, *RULES_WITH_DEFAULT) if rule in vars(cls)]


def parse(function: Callable[..., Any]) -> ast.FunctionDef:
    node = ast.parse(textwrap.dedent(inspect.getsource(function))).body[0]
    assert isinstance(node, ast.FunctionDef)
    return node


def functions() -> list[Any]:
    roots = [pair for cls in OPERATORS.values() for pair in rules_of(cls)]
    for cls in (Shape, Window):
        getters = [value.fget for value in vars(cls).values() if isinstance(value, property)]
        roots += [(getter, cls) for getter in getters if isinstance(getter, FunctionType)]
    found = reached(roots)
    return [
        pytest.param(function, cls, id=f"{function.__module__.rpartition('.')[2]}.{function.__qualname__}")
        for function, cls in sorted(found.items(), key=lambda item: (item[0].__module__, item[0].__qualname__))
    ]


@pytest.mark.parametrize(("function", "cls"), functions())
def test_rules_hold_for_polynomials(function: FunctionType, cls: type | None) -> None:
    """Arithmetic and decisions that mean the same for ints and polynomials, and nothing else."""
    flags = FLAGS if cls is None else FLAGS - {name for owner, name in NUMBERS if owner is cls}
    assert Law(parse(function), flags).broken == []


@pytest.mark.parametrize(
    "line",
    [
        "return x / 2",
        "x /= 2",
        "return x % 2",
        "return x << 2",
        "return x & 1",
        "return ~x",
        "return x ** y",
        "x **= y",
        "return 0.5",
        "return float(x)",
        "return int(x)",
        "return round(x)",
        "return abs(x)",
        "return min(x, y)",
        "return max(x, y)",
        "return math.ceil(x)",
        "return x < y",
        "return x <= 1",
        "return x > y",
        "return x >= y",
        "return x == y",
        "return x != 1",
        "return x in (1, 2)",
        "return 1 < 2 < x",
        "if x: return 1",
        "if self.channels: return 1",
        "if x.channels == 1: return 1",
        "if not x: return 1",
        "if self.bias and x: return 1",
        "if x is y: return 1",
        "if isinstance(x, int): return 1",
        "if isinstance(x, Polynomial): return 1",
        "return x or 1",
        "return not x",
        "return 1 if x else 2",
        "while x: x = x - 1",
        "assert x",
        "return [a for a in x if a]",
        "return any(x)",
        "try: return 1\n  except ValueError: return 2",
        "match x:\n    case 1: return 2",
    ],
)
def test_the_law_refuses(line: str) -> None:
    function = ast.parse(f"def rule(self, x, y):\n  {line}").body[0]
    assert isinstance(function, ast.FunctionDef)
    assert Law(function, FLAGS).broken


@pytest.mark.parametrize(
    "line",
    [
        "return (x + 1 - y) * 2 // y",
        "return x ** 2",
        "if self.bias: return 1",
        "if self.padding == 'same': return 1",
        "if self.table is None: return 1",
        "if x.kind != 'tokens' and not flag: return 1",
        "if isinstance(x, tuple) and len(x) == 2 * rank: return 1",
        "if x.rank == 0: return 1",
        "if (self.size is None) == (self.sides is None): return 1",
        "if isinstance(x, Polynomial): raise ValueError",
        "for extent in x.spatial: y = y + extent",
        "return 1 if self.bias else 0",
    ],
)
def test_the_law_allows(line: str) -> None:
    function = ast.parse(f"def rule(self, x, y, flag: bool):\n  {line}").body[0]
    assert isinstance(function, ast.FunctionDef)
    assert Law(function, FLAGS).broken == []


@pytest.mark.parametrize("cls", OPERATORS.values(), ids=OPERATORS)
def test_operators_do_not_inherit(cls: type[Operator]) -> None:
    """Every rule is the operator's own."""
    assert cls.__bases__ == (Operator,)
    assert all(rule in vars(cls) for rule in RULES)


def codes(function: FunctionType) -> Iterator[str]:
    """Codes of the refusals in a function."""
    places = {"RequirementError": 0, "require_equal": 2, "require_divides": 2, "require_at_least": 2}
    for node in ast.walk(parse(function)):
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id in places:
            code = node.args[places[node.func.id]]
            assert isinstance(code, ast.Constant)
            assert isinstance(code.value, str)
            yield code.value


@pytest.mark.parametrize("cls", OPERATORS.values(), ids=OPERATORS)
def test_documented_errors_exist(cls: type[Operator]) -> None:
    """No docstring names a code that no rule of the operator can give."""
    possible = {code for function in reached(rules_of(cls)) for code in codes(function)}
    assert documented(cls) <= possible

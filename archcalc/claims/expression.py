"""Expressions over quantities: Python's own `ast` reads them, a white list admits them."""

from __future__ import annotations

import ast
from fractions import Fraction
from functools import lru_cache
from typing import NamedTuple, NoReturn

from archcalc.source import suggestion

MAX_LENGTH = 2_000
MAX_DEPTH = 50
AGGREGATES = ("min", "max", "sum", "prod", "len")
SIGNS: dict[type[ast.AST], str] = {
    ast.Add: "+",
    ast.Sub: "-",
    ast.Mult: "*",
    ast.Div: "/",
    ast.FloorDiv: "//",
    ast.Mod: "%",
    ast.Pow: "**",
    ast.Lt: "<",
    ast.LtE: "<=",
    ast.Gt: ">",
    ast.GtE: ">=",
    ast.Eq: "==",
    ast.NotEq: "!=",
}


class Problem(NamedTuple):
    """What is wrong in an expression, at offsets into its text."""

    code: str
    message: str
    start: int
    end: int
    help: str


class ExpressionError(Exception):
    """An expression that is none."""

    def __init__(self, problem: Problem) -> None:
        super().__init__(problem.message)
        self.problem = problem


class Formula(NamedTuple):
    """An expression that was admitted, and the networks that it speaks of."""

    tree: ast.expr
    text: str
    networks: tuple[str, ...]


@lru_cache(maxsize=2048)
def parse_formula(text: str, functions: tuple[str, ...]) -> Formula:
    """Read an expression; `functions` take a network first.

    Raises:
        ExpressionError: with the first thing that is wrong with it.
    """
    if len(text) > MAX_LENGTH:
        _fail(
            "expression-length", f"the expression has more than {MAX_LENGTH:,} characters", 0, len(text), "shorten it"
        )
    if not text.isascii():
        at = next(index for index, character in enumerate(text) if not character.isascii())
        _fail("not-ascii", f"`{text[at]}` has no meaning in an expression", at, at + 1, "write + - * / // ** ( ) [ ]")
    try:
        tree = ast.parse(f"({text.replace(chr(10), ' ')})", mode="eval").body
    except (SyntaxError, ValueError, RecursionError, MemoryError) as error:
        at = min(max((getattr(error, "offset", None) or 2) - 2, 0), max(len(text) - 1, 0))
        _fail("not-an-expression", "this is not an expression", at, at + 1, _SAMPLE)
    reader = _Reader(text, functions)
    reader.admit(tree)
    return Formula(tree, text, tuple(dict.fromkeys(reader.networks)))


_SAMPLE = 'params("alexnet") / params("googlenet")'


def _fail(code: str, message: str, start: int, end: int, help: str) -> NoReturn:
    raise ExpressionError(Problem(code, message, start, max(end, start + 1), help))


class _Reader:
    """Walks a tree, and refuses what an expression may not hold."""

    def __init__(self, text: str, functions: tuple[str, ...]) -> None:
        self.text = text
        self.functions = functions
        self.networks: list[str] = []
        self.depth = 0

    def fail(self, code: str, message: str, node: ast.expr | ast.keyword, help: str) -> NoReturn:
        _fail(code, message, node.col_offset - 1, (node.end_col_offset or node.col_offset + 1) - 1, help)

    def written(self, node: ast.expr | ast.keyword) -> str:
        return self.text[node.col_offset - 1 : (node.end_col_offset or 0) - 1]

    def admit(self, node: ast.expr) -> None:
        self.depth += 1
        if self.depth > MAX_DEPTH:
            self.fail("expression-depth", f"more than {MAX_DEPTH} operations stand in each other", node, "shorten it")
        self.admit_one(node)
        self.depth -= 1

    def admit_one(self, node: ast.expr) -> None:
        match node:
            case ast.Constant(value=bool() | str() | complex() | bytes() | None):
                self.fail("not-a-number", f"`{self.written(node)}` is not a number", node, _SAMPLE)
            case ast.Constant():
                try:
                    is_exact = Fraction(self.written(node)) == Fraction(str(node.value))
                except ValueError:
                    is_exact = False
                if not is_exact:
                    self.fail("not-a-number", f"`{self.written(node)}` is not a number", node, "64, 0.5")
            case ast.UnaryOp(op=ast.USub(), operand=operand):
                self.admit(operand)
            case ast.BinOp(op=op, left=left, right=right) if type(op) in SIGNS:
                self.admit(left)
                self.admit(right)
            case ast.Compare(ops=ops, left=left, comparators=others) if all(type(op) in SIGNS for op in ops):
                for operand in (left, *others):
                    self.admit(operand)
            case ast.List(elts=items) | ast.Tuple(elts=items):
                for item in items:
                    self.admit(item)
            case ast.Subscript(value=value, slice=ast.Slice(lower=lower, upper=upper, step=None)):
                self.admit(value)
                for edge in (lower, upper):
                    if edge is not None:
                        self.admit(edge)
            case ast.Subscript(value=value, slice=index) if not isinstance(index, ast.Slice):
                self.admit(value)
                self.admit(index)
            case ast.Call(func=ast.Name(id=name)):
                self.call(name, node)
            case _:
                self.fail(
                    "not-in-language",
                    f"an expression does not have `{self.written(node)}`",
                    node,
                    "numbers, quantities of networks, + - * / // % **, comparisons, lists, min max sum prod len",
                )

    def call(self, name: str, node: ast.Call) -> None:
        if name in AGGREGATES:
            if node.keywords:
                self.fail("unknown-argument", f"{name} takes numbers or a list", node.keywords[0], f"{name}(1, 2)")
            for argument in node.args:
                self.admit(argument)
            return
        if name not in self.functions:
            known = (*self.functions, *AGGREGATES)
            help = suggestion(name, known, f"there are {', '.join(known)}")
            self.fail("unknown-function", f"no quantity is called `{name}`", node.func, help)
        for argument in node.args:
            if not (isinstance(argument, ast.Constant) and isinstance(argument.value, str)):
                self.fail("not-a-text", f"`{self.written(argument)}` must be a name in quotes", argument, _SAMPLE)
        least, most = ARGUMENTS.get(name, (1, 2))
        if not least <= len(node.args) <= most:
            wanted = f"{least}" if least == most else f"{least} to {most}"
            self.fail(
                "argument-count",
                f"`{name}` takes {wanted} names, not {len(node.args)}",
                node,
                SAMPLES.get(name, f'{name}("googlenet", "inception_3a")'),
            )
        self.networks.append(node.args[0].value)  # type: ignore[attr-defined]  # a text, as was seen above
        for keyword in node.keywords:
            if keyword.arg is None:
                self.fail("not-in-language", "an expression does not have `**` before a name", keyword, _SAMPLE)
            self.constant(keyword.value)

    def constant(self, node: ast.expr) -> None:
        """The value of a setting: a number, a word, a list of numbers, true or false."""
        match node:
            case ast.Constant(value=str()) | ast.Name(id="true" | "false" | "none"):
                return
            case ast.List(elts=items) | ast.Tuple(elts=items):
                for item in items:
                    self.constant(item)
            case ast.Constant():
                self.admit(node)
            case _:
                self.fail(
                    "not-a-setting",
                    f"`{self.written(node)}` is no value of a setting",
                    node,
                    "256, 0.5, true, [3, 64, 64]",
                )


# How many names a function takes, where that is not a network and a path.
ARGUMENTS = {"argument": (3, 3), "count": (2, 2)}
SAMPLES = {"argument": 'argument("alexnet", "conv2", "groups")', "count": 'count("squeezenet1_0", "fire*")'}

"""Expression text to expressions: Python's own `ast` reads it, a white list admits it.

Equal texts share one parse; whoever holds an expression knows where its text begins in the file.
"""

from __future__ import annotations

import _ast as ast  # the nodes, without what the library does with them: an eightieth of `show`
import re
from collections.abc import Callable
from fractions import Fraction
from functools import lru_cache
from keyword import iskeyword
from typing import Any

from archcalc.spec.elsewhere import told
from archcalc.spec.expression import (
    Binary,
    Call,
    Chain,
    Choice,
    Compare,
    Expression,
    Generator,
    Index,
    Items,
    Listing,
    Logic,
    Name,
    Number,
    Path,
    Unary,
)
from archcalc.spec.expression_text import ExpressionError, Problem, check_text, fail, refuse_syntax
from archcalc.spec.limits import DEFAULT_LIMITS, LARGEST, how_to_raise

MAX_DEPTH = 100  # operations nested in one expression; recursion over it stays far below Python's own limit


_BINARY: dict[type[ast.operator], str] = {
    ast.Add: "+",
    ast.Sub: "-",
    ast.Mult: "*",
    ast.Div: "/",
    ast.FloorDiv: "//",
    ast.Mod: "%",
    ast.Pow: "**",
}
_COMPARE: dict[type[ast.cmpop], str] = {
    ast.Eq: "==",
    ast.NotEq: "!=",
    ast.Lt: "<",
    ast.LtE: "<=",
    ast.Gt: ">",
    ast.GtE: ">=",
    ast.In: "in",
    ast.NotIn: "not in",
}
_REFUSED: dict[type[ast.AST], tuple[str, str | None]] = {
    ast.Lambda: ("a lambda", "write a module with arguments"),
    ast.SetComp: ("a set", None),
    ast.DictComp: ("a dictionary", None),
    ast.Dict: ("a dictionary", "arguments are given by name: conv(64, kernel=3)"),
    ast.Set: ("a set", "a list is written [1, 2, 3]"),
    ast.JoinedStr: ("a string", "a word is written without quotes"),
    ast.NamedExpr: ("an assignment", "a derived value belongs under `variables:`"),
    ast.Await: ("await", None),
    ast.Yield: ("yield", None),
    ast.YieldFrom: ("yield", None),
    ast.Starred: ("an unpacking `*`", "write the items out"),
    ast.Slice: ("a slice", "take single items: depth[0]"),
}
_ITEM_CALLED = (
    "an item of a list that takes arguments is called under a name: a module `apply(op, c): op(c)` and apply(ops[0], c)"
)
_PLAIN = re.compile(r"(?:[A-Za-z_]\w*|[1-9][0-9]{0,17}|0)\Z", re.ASCII)
_NUMBER = re.compile(r"[0-9]+(\.[0-9]+)?\Z|\.[0-9]+\Z")


def _plain(text: str) -> Expression:
    """A bare name or a small whole number, which most values are: no need of `ast`."""
    if text.isdigit():
        return Number(0, len(text), int(text))
    return Name(0, len(text), text)


@lru_cache(maxsize=16384)
def parse_expression(text: str) -> Expression | Problem:
    """Parse the text of one expression; equal texts give one object. A problem is returned, not raised."""
    try:
        if _PLAIN.match(text) and not iskeyword(text) and len(text) <= DEFAULT_LIMITS.expression:
            return _plain(text)
        check_text(text)
        if not text.strip():
            fail(
                "empty-expression",
                "an expression is missing",
                0,
                1,
                "a layer is written conv(64, 3); one that does nothing is written identity",
            )
        if text.lstrip().startswith(">>"):
            at = text.index(">>")
            fail(
                "leading-chain",
                "an expression cannot begin with `>>`",
                at,
                at + 2,
                "end the line before with `>>`, or give the layer before a name",
            )
        # In brackets, line breaks are layout: offsets stay those of the text, less one.
        padded = "(" + text.replace("\n", " ") + "\n)"
        try:
            tree = compile(padded, "<expression>", "eval", ast.PyCF_ONLY_AST, dont_inherit=True)
        except SyntaxError as error:
            refuse_syntax(text, error)
        except (ValueError, MemoryError, RecursionError):
            fail(
                "expression-depth",
                "the expression is nested too deeply",
                0,
                len(text),
                "give inner parts names",
            )
        assert isinstance(tree, ast.Expression)
        if isinstance(tree.body, ast.Tuple) and padded[tree.body.col_offset] == "(" and tree.body.col_offset == 0:
            fail(
                "bare-comma",
                "a comma stands outside of brackets",
                text.find(","),
                text.find(",") + 1,
                "a list is written [1, 2, 3], a pair (1, 2)",
            )
        return _Reader(text).read(tree.body, 0)
    except ExpressionError as error:
        return error.problem


class _Reader:
    """Turns Python's tree into expressions, refusing what the language does not have."""

    def __init__(self, text: str) -> None:
        self.text = text

    def span(self, node: ast.expr | ast.keyword) -> tuple[int, int]:
        """Offsets into the text; `ast` counts one more for the bracket put before it."""
        if node.col_offset == 0:  # a generator or a tuple for which that bracket counts as its own
            return 0, len(self.text)
        return node.col_offset - 1, (node.end_col_offset or 1) - 1

    def parenthesised(self, node: ast.expr) -> bool:
        """Whether the node stands in brackets of its own."""
        start, end = self.span(node)
        return self.text[:start].rstrip().endswith("(") and self.text[end:].lstrip().startswith(")")

    def read(self, node: ast.expr, depth: int) -> Expression:
        start, end = self.span(node)
        if depth > MAX_DEPTH:
            fail(
                "expression-depth",
                f"more than {MAX_DEPTH} operations nested in one another",
                start,
                end,
                "give inner parts names",
            )
        method = _READ.get(type(node))
        if method is None:
            what, help = _REFUSED.get(type(node), (f"`{self.text[start:end]}`", None))
            fail("not-in-language", f"the language does not have {what}", start, end, help)
        return method(self, node, start, end, depth + 1)

    def constant(self, node: ast.Constant, start: int, end: int, depth: int) -> Expression:
        written = self.text[start:end]
        if type(node.value) is int and written.isdigit() and node.value < LARGEST:  # as most are
            return Number(start, end, node.value)
        if isinstance(node.value, bool) or node.value is None:
            fail("python-word", f"`{written}` is written `{written.lower()}`", start, end)
        if not isinstance(node.value, (int, float)) or not _NUMBER.match(written):
            fail(
                "number",
                f"`{written}` is not a number of the language",
                start,
                end,
                "write whole numbers and decimals: 64, 0.5",
            )
        value = Fraction(written) if "." in written else int(written)
        if value >= LARGEST or (isinstance(value, Fraction) and value.denominator >= LARGEST):
            fail(
                "integer-size",
                f"`{written}` is 2^63 or more, or has too many decimals",
                start,
                end,
                how_to_raise("integer"),
            )
        if isinstance(value, Fraction) and value.denominator == 1:
            value = int(value)
        return Number(start, end, value)

    def name(self, node: ast.Name, start: int, end: int, depth: int) -> Expression:
        return Name(start, end, node.id)

    def attribute(self, node: ast.Attribute, start: int, end: int, depth: int) -> Expression:
        parts = [node.attr]
        inner: ast.expr = node.value
        while isinstance(inner, ast.Attribute):
            parts.append(inner.attr)
            inner = inner.value
        if not isinstance(inner, ast.Name):
            fail(
                "not-in-language",
                "only x and layers have parts",
                start,
                end,
                "x.channels, x.height, x.width, x.length, or the path of a layer",
            )
        else:
            parts.append(inner.id)
        return Path(start, end, tuple(reversed(parts)))

    def items(self, node: ast.Tuple | ast.List, start: int, end: int, depth: int) -> Expression:
        return Items(start, end, tuple(self.read(item, depth) for item in node.elts))

    def unary(self, node: ast.UnaryOp, start: int, end: int, depth: int) -> Expression:
        if isinstance(node.op, ast.Invert):
            fail("not-in-language", "the language does not have `~`", start, end)
        sign = "not" if isinstance(node.op, ast.Not) else "-" if isinstance(node.op, ast.USub) else "+"
        return Unary(start, end, sign, self.read(node.operand, depth))

    def binary(self, node: ast.BinOp, start: int, end: int, depth: int) -> Expression:
        if isinstance(node.op, ast.RShift):
            parts: list[ast.expr] = []
            inner: ast.expr = node
            while isinstance(inner, ast.BinOp) and isinstance(inner.op, ast.RShift):
                parts.append(inner.right)
                inner = inner.left
            parts.append(inner)
            read = [self.read(part, depth) for part in reversed(parts)]
            flat = [piece for part in read for piece in (part.parts if isinstance(part, Chain) else (part,))]
            return Chain(start, end, tuple(flat))
        sign = _BINARY.get(type(node.op))
        if sign is None:
            fail(
                "not-in-language",
                "the language does not have this operator",
                start,
                end,
                "+ - * // % ** and >> are the operators",
            )
        return Binary(start, end, sign, self.read(node.left, depth), self.read(node.right, depth))

    def compare(self, node: ast.Compare, start: int, end: int, depth: int) -> Expression:
        operands = [self.read(operand, depth) for operand in (node.left, *node.comparators)]
        compared = []
        for left, sign, right in zip(operands, node.ops, operands[1:], strict=False):
            name = _COMPARE.get(type(sign))
            if name is None:
                fail("not-in-language", "`is` is written `==`", start, end)
            compared.append(Compare(left.start, right.end, name, left, right))
        return compared[0] if len(compared) == 1 else Logic(start, end, "and", tuple(compared))

    def logic(self, node: ast.BoolOp, start: int, end: int, depth: int) -> Expression:
        sign = "and" if isinstance(node.op, ast.And) else "or"
        return Logic(start, end, sign, tuple(self.read(value, depth) for value in node.values))

    def choice(self, node: ast.IfExp, start: int, end: int, depth: int) -> Expression:
        for side in (node.body, node.orelse):
            if isinstance(side, ast.BinOp) and isinstance(side.op, ast.RShift) and not self.parenthesised(side):
                first, last = self.span(side)
                body, condition, other = (
                    self.text[slice(*self.span(part))] for part in (node.body, node.test, node.orelse)
                )
                if side is node.body:
                    head, _, tail = (piece.strip() for piece in body.rpartition(">>"))
                    first_reading = f"({body}) if {condition} else {other}"
                    second_reading = f"{head} >> ({tail} if {condition} else {other})"
                else:
                    head, _, tail = (piece.strip() for piece in other.partition(">>"))
                    first_reading = f"{body} if {condition} else ({other})"
                    second_reading = f"({body} if {condition} else {head}) >> {tail}"
                fail(
                    "ambiguous-choice",
                    "`if` beside `>>` can be read in two ways",
                    first,
                    last,
                    f"write {first_reading}, or {second_reading}",
                )
        return Choice(
            start,
            end,
            self.read(node.body, depth),
            self.read(node.test, depth),
            self.read(node.orelse, depth),
        )

    def index(self, node: ast.Subscript, start: int, end: int, depth: int) -> Expression:
        return Index(start, end, self.read(node.value, depth), self.read(node.slice, depth))

    def call(self, node: ast.Call, start: int, end: int, depth: int) -> Expression:
        if not isinstance(node.func, ast.Name):
            first, last = self.span(node.func)
            help = told(node.func.attr, None) if isinstance(node.func, ast.Attribute) else None
            if isinstance(node.func, ast.Subscript):
                help = _ITEM_CALLED
            fail("not-in-language", "only a name can be called", first, last, help or "give the layer or module a name")
        named: list[tuple[str, Expression]] = []
        places: list[tuple[int, int]] = []
        for given in node.keywords:
            first, last = self.span(given)
            if given.arg is None:
                fail(
                    "not-in-language",
                    "the language does not have an unpacking `**`",
                    first,
                    last,
                    "write the arguments out",
                )
            if given.arg in [name for name, _ in named]:
                fail(
                    "repeated-argument",
                    f"the argument `{given.arg}` is given twice",
                    first,
                    first + len(given.arg),
                    "remove one of the two",
                )
            named.append((given.arg, self.read(given.value, depth)))
            places.append((first, first + len(given.arg)))
        arguments = tuple(self.read(argument, depth) for argument in node.args)
        return Call(start, end, node.func.id, arguments, tuple(named), tuple(places))

    def listing(self, node: ast.ListComp, start: int, end: int, depth: int) -> Expression:
        return Listing(start, end, self.generator(node, start, end, depth))

    def generator(self, node: ast.GeneratorExp | ast.ListComp, start: int, end: int, depth: int) -> Generator:
        only = node.generators[0]
        if len(node.generators) > 1 or only.ifs or only.is_async or not isinstance(only.target, ast.Name):
            fail(
                "generator",
                "there is one `for`, with one name and no `if`",
                start,
                end,
                "(conv(n, 3) for n in widths)",
            )
        return Generator(start, end, self.read(node.elt, depth), only.target.id, self.read(only.iter, depth))


_READ: dict[type[ast.expr], Callable[[_Reader, Any, int, int, int], Expression]] = {
    ast.Constant: _Reader.constant,
    ast.Name: _Reader.name,
    ast.Attribute: _Reader.attribute,
    ast.Tuple: _Reader.items,
    ast.List: _Reader.items,
    ast.UnaryOp: _Reader.unary,
    ast.BinOp: _Reader.binary,
    ast.Compare: _Reader.compare,
    ast.BoolOp: _Reader.logic,
    ast.IfExp: _Reader.choice,
    ast.Subscript: _Reader.index,
    ast.Call: _Reader.call,
    ast.GeneratorExp: _Reader.generator,
    ast.ListComp: _Reader.listing,
}

"""Terms as expressions of the language: by precedence, never by gluing strings whose insides are not known."""

from __future__ import annotations

from fractions import Fraction
from typing import Any

from archcalc.importing.terms import (
    Arithmetic,
    Chain,
    Choice,
    Extent,
    Function,
    Layer,
    Listed,
    Local,
    Merge,
    Nothing,
    Op,
    Outer,
    Repeat,
    Share,
    Tap,
    Use,
    Variable,
)
from archcalc.ops import OPERATORS, Table

# As Python reads it: what binds less needs brackets inside of what binds more.
CHOICE, OR, AND, NOT, COMPARE, CHAIN, SUM, PRODUCT, UNARY, POWER, ATOM = range(11)
_LEVELS = {
    "or": OR,
    "and": AND,
    "+": SUM,
    "-": SUM,
    "*": PRODUCT,
    "/": PRODUCT,
    "//": PRODUCT,
    "%": PRODUCT,
    "**": POWER,
    **dict.fromkeys(("==", "!=", "<", "<=", ">", ">=", "in"), COMPARE),
}
Defaults = dict[str, dict[str, Any]]


class Expressions:
    """Writes terms; `defaults` are those of the file, `tables` gets the drawn tables that it meets."""

    def __init__(
        self, defaults: Defaults, tables: dict[Table, str] | None = None, of_modules: Defaults | None = None
    ) -> None:
        self.defaults = defaults
        self.of_modules = {} if of_modules is None else of_modules
        self.tables = {} if tables is None else tables

    def text(self, term: Any) -> str:
        """A term by itself."""
        return self.at(term)[0]

    def within(self, term: Any, level: int) -> str:
        """A term inside of something that binds so strongly."""
        text, own = self.at(term)
        return f"({text})" if own < level else text

    def at(self, term: Any) -> tuple[str, int]:
        """The text of a term, and how strongly it binds."""
        kind = type(term)
        if kind is Chain:
            return self.chain(term)
        if kind is Op:
            return self.op(term), ATOM
        if kind is Use:
            return self.use(term), ATOM
        if kind is Merge:
            branches = [self.text(branch.term) for branch in term.branches]
            return f"{term.op.name}({', '.join([*branches, *self.named(term.op)])})", ATOM
        if kind is Repeat:
            return f"{self.within(term.term, PRODUCT)} * {self.within(term.count, UNARY)}", PRODUCT
        if kind is Choice:
            return self.choice(term), CHOICE
        if kind is Tap:
            return f"tap({self.reference(term.of)})", ATOM
        if kind is Share:
            return f"share({self.reference(term.of)})", ATOM
        if kind is Layer:
            name = self.reference(term.of)
            return ("tap(x)" if name == "x" else name), ATOM
        if kind is Nothing:
            return "none", ATOM
        if kind is Arithmetic:
            level = _LEVELS[term.operator]
            left, right = self.within(term.left, level), self.within(term.right, level + 1)
            sign = term.operator if level == PRODUCT else f" {term.operator} "
            return f"{left}{sign}{right}", level
        return self.value(term), ATOM if not isinstance(term, (int, Fraction)) or term >= 0 else UNARY

    def chain(self, term: Chain) -> tuple[str, int]:
        """Parts in a row; one alone needs no arrow."""
        if not term.items:
            return "identity", ATOM
        if len(term.items) == 1:
            return self.at(term.items[0].term)
        return " >> ".join([self.within(item.term, CHAIN) for item in term.items]), CHAIN

    def choice(self, term: Choice) -> str:
        """`a if condition else b`; another choice may stand last without brackets."""
        sides = []
        for side, level in ((term.then, OR), (term.otherwise, CHOICE)):
            text, own = self.at(side)
            sides.append(f"({text})" if own < level or own == CHAIN else text)
        return f"{sides[0]} if {self.within(term.condition, OR)} else {sides[1]}"

    # calls

    def op(self, op: Op) -> str:
        """A call of an operator: what it needs by position, all else by name."""
        declared = OPERATORS[op.name].arguments
        given = dict(op.arguments)
        by_position = []
        for name, argument in declared.items():
            if not argument.is_required or name not in given or isinstance(given[name], Local):
                break
            by_position.append(self.text(given[name]))
        found = [*by_position, *self.named(op, len(by_position))]
        if not by_position and op.name == "unpool":
            found = [self.reference(given["pool"])]
        return f"{op.name}({', '.join(found)})" if found else op.name

    def named(self, op: Op, skipped: int = 0) -> list[str]:
        """Arguments by name, but for those that the file's defaults say."""
        defaults = self.defaults.get(op.name, {})
        declared = OPERATORS[op.name].arguments
        given = dict(op.arguments)
        found = []
        for name in (*list(declared)[skipped:], "trainable"):
            own = True if name == "trainable" else declared[name].default
            value, usual = given.get(name, own), defaults.get(name, own)
            if name == "stride" and value is None and usual == given.get("kernel"):
                continue  # what a window without a stride has
            if name == "padding" and {value, usual} == {0, "half"} and is_one(given.get("kernel")):
                continue  # both say the same
            if value != usual:
                found.append(f"{name}={self.text(value)}")
        return found

    def use(self, use: Use) -> str:
        """A call of a module: what has a default goes by name, and only where it differs."""
        module = use.module if isinstance(use.module, str) else use.module.id
        usual = self.of_modules.get(module, {})
        found = []
        for name, value in use.arguments:
            if name not in usual:
                found.append(self.text(value))
            elif value != usual[name]:
                found.append(f"{name}={self.text(value)}")
        return f"{module}({', '.join(found)})" if found else str(module)

    # values

    def reference(self, of: Any) -> str:
        """The path of an earlier layer, or the argument that stands for it."""
        if isinstance(of, Outer):  # of a body whose arguments have no names yet: for its length
            return f"layer{of.number}"
        return str(of.path if isinstance(of, Local) else of.id)

    def value(self, value: Any) -> str:
        """A value that is no layer."""
        if value is None:
            return "none"
        if isinstance(value, bool):
            return "true" if value else "false"
        if isinstance(value, Fraction):
            return decimal(value)
        if isinstance(value, Table):
            return self.tables.setdefault(value, f"table{len(self.tables) + 1}")
        if isinstance(value, Variable):
            return value.id
        if isinstance(value, Local):
            return value.path
        if isinstance(value, Extent):  # of a body whose input has no name yet: for its length
            return f"x.{value.word}"
        if isinstance(value, Listed):
            return f"[{', '.join([self.text(item) for item in value.items])}]"
        if isinstance(value, Function):
            return f"{value.name}({', '.join([self.text(part) for part in value.arguments])})"
        if type(value) is tuple:
            items = [self.text(item) for item in value]
            return f"({', '.join(items)}{',' * (len(items) == 1)})"
        return str(value)


def is_one(kernel: Any) -> bool:
    """Whether a window is one position."""
    return kernel == 1 or (type(kernel) is tuple and set(kernel) == {1})


def decimal(value: Fraction) -> str:
    """An exact decimal, or a quotient where there is none."""
    rest, digits = value.denominator, 0
    for factor in (2, 5):
        count = 0
        while rest % factor == 0:
            rest //= factor
            count += 1
        digits = max(digits, count)
    if rest != 1 or digits > 17:
        return f"{value.numerator}/{value.denominator}"
    scaled = str(abs(value.numerator) * 10**digits // value.denominator).rjust(digits + 1, "0")
    sign = "-" if value < 0 else ""
    return f"{sign}{scaled[:-digits]}.{scaled[-digits:]}" if digits else f"{sign}{scaled}"

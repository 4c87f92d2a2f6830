"""A spec as read: names, bodies and expressions, each with its place in the file. Nothing is evaluated here."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from archcalc.named import NamedTuple
from archcalc.ops import Table
from archcalc.source import Diagnostic, Source, Span
from archcalc.spec.expression import Call, Expression
from archcalc.spec.storage import Pattern

if TYPE_CHECKING:
    from archcalc.results.budget import Limit
    from archcalc.results.position import Position
    from archcalc.spec.axis_values import Item
    from archcalc.spec.huggingface import HuggingFace


class Placed:
    """An expression and the offset in the file where its text begins."""

    __slots__ = ("_expression", "_read", "base")

    def __init__(self, expression: Expression | None, base: int, read: Callable[[], Expression] | None = None) -> None:
        self._expression = expression
        self._read = read  # where the expression is read when it is first asked for
        self.base = base

    @property
    def expression(self) -> Expression:
        """The expression, which may be read only now."""
        if self._expression is None:
            assert self._read is not None
            self._expression = self._read()
        return self._expression

    def span(self, part: Expression | None = None) -> Span:
        """Where it, or a part of it, stands in the file."""
        found = part or self.expression
        return Span(self.base + found.start, self.base + found.end)


class Line:
    """A body that is one expression."""

    __slots__ = ("placed",)

    def __init__(self, placed: Placed) -> None:
        self.placed = placed


class Entry(NamedTuple):
    """A named body."""

    name: str
    span: Span  # of the name
    body: Body


class Entries:
    """Named bodies in order: a mapping."""

    __slots__ = ("items",)

    def __init__(self, items: list[Entry]) -> None:
        self.items = items


class Bodies:
    """Unnamed bodies in order: a list."""

    __slots__ = ("items", "steps")

    def __init__(self, items: list[Body]) -> None:
        self.items = items


class Merge:
    """The long form of a merge: its key, and branches with names or without."""

    __slots__ = ("base", "branches", "call", "entries")

    def __init__(self, call: Call, base: int, branches: list[Body], entries: list[Entry]) -> None:
        self.call = call
        self.base = base
        self.branches = branches  # without names
        self.entries = entries  # with names; one of the two lists is empty


Body = Line | Entries | Bodies | Merge


class Parameter(NamedTuple):
    """An argument of a module."""

    name: str
    default: Placed | None


class Module:
    """A parameterised block; in a file that is known to be good, read when its parts are first asked for."""

    __slots__ = ("_parts", "_read", "name", "span")

    def __init__(self, name: str, span: Span, read: Callable[[], tuple[tuple[Parameter, ...], Body]]) -> None:
        self.name = name
        self.span = span
        self._read = read
        self._parts: tuple[tuple[Parameter, ...], Body] | None = None

    def parts(self) -> tuple[tuple[Parameter, ...], Body]:
        """Arguments and body."""
        if self._parts is None:
            self._parts = self._read()
        return self._parts

    @property
    def parameters(self) -> tuple[Parameter, ...]:
        """Its arguments in order."""
        return self.parts()[0]

    @property
    def body(self) -> Body:
        """What it stands for."""
        return self.parts()[1]


class Variant:
    """Named settings of the variables, read as the parts of a module are; `a@b` starts from `a`."""

    __slots__ = ("_read", "_settings", "name", "span")

    def __init__(self, name: str, span: Span, read: Callable[[], dict[str, Placed]]) -> None:
        self.name = name
        self.span = span
        self._read = read
        self._settings: dict[str, Placed] | None = None

    def settings(self) -> dict[str, Placed]:
        """Variables with the expressions that give them."""
        if self._settings is None:
            self._settings = self._read()
        return self._settings


class WrittenAxis(NamedTuple):
    """A variable, or items of a list, that may vary: an entry of `space:`."""

    position: Position
    span: Span  # of what names it
    values: tuple[Item, ...]
    places: tuple[Span, ...]  # of the values


class Spec:
    """A file of the language."""

    def __init__(self, source: Source) -> None:
        self.source = source
        self.network: str = ""
        self.title: str = ""
        self.reference: str = ""  # key of the source: `source:` in the file
        self.year: int | None = None
        self.tasks: dict[str, tuple[Span, str]] = {}  # by network; "": all
        self.notes: list[str] = []
        self.remarks: list[str] = []  # what every result says of it
        self.inputs: dict[str, Placed] = {}  # one without a name is called `input`
        self.input_spans: dict[str, Span] = {}  # of the names that are written
        self.step: list[str] = []  # inputs that are new in each step, where the file says so
        self.variables: dict[str, Placed] = {}
        self.defaults: dict[str, dict[str, tuple[Span, Placed]]] = {}
        self.variants: dict[str, Variant] = {}
        self.modules: dict[str, Module] = {}
        self.tables: dict[str, Table] = {}
        self.layers: Body | None = None
        self.heads: list[Entry] = []
        self.outputs: list[Entry] = []
        self.storage: dict[str, tuple[Span, list[Pattern]]] = {}
        self.budget: dict[str, tuple[Span, dict[str, Limit]]] = {}  # by network; "": all
        self.space: dict[str, tuple[Span, list[WrittenAxis]]] = {}  # by network; "": all
        self.requires: dict[str, Placed] = {}  # conditions by what they say in words
        self.huggingface: Callable[[], HuggingFace] | None = None  # how a config.json gives them, when that is asked
        self.settable: dict[str, Span] = {}  # variables, and what only variants set
        self.unread: set[str] = set()  # names in what could not be read, which may be given there
        self.unclear: set[str] = set()  # names of two things, and modules of unread arguments
        # What expansions find of what is written, whatever its variables are; the next ones find it here.
        self.places: dict[Any, Any] = {}  # parts of bodies with their names
        self.branch_places: dict[Any, Any] = {}  # those of branches
        self.strangers: dict[Expression, tuple[str, ...]] = {}
        self.read_at: Any = None  # of a model of another framework: the input asked for, which its inputs already are

    def settings(self, variant: str) -> dict[str, Placed]:
        """Variables of a variant with the expressions that give them, those of its base included."""
        found = dict(self.variables)
        chain = [variant]
        while "@" in chain[-1]:
            chain.append(chain[-1].partition("@")[0])
        for name in reversed(chain):
            if name in self.variants:
                found.update(self.variants[name].settings())
        return found

    def task_of(self, network: str) -> str:
        """What a network of this file is for: what is said of it, of what it starts from, or of all of the file."""
        for name in (network, network.partition("@")[0], ""):
            if name in self.tasks:
                return self.tasks[name][1]
        return ""

    @property
    def step_inputs(self) -> tuple[str, ...]:
        """Inputs that are new in each step: what `step:` names, or the last."""
        return tuple(self.step or list(self.inputs)[-1:])

    def source_span(self) -> Span:
        """Where the file begins, for what is wrong with all of it."""
        return Span(0, len(self.source.line(1)) or 1)

    def names(self) -> list[str]:
        """Networks of this file: the variants, and the file's own name where its variables all have values."""
        plain = [self.network] if self.network not in self.variants and self.is_complete() else []
        return plain + list(self.variants)

    def is_complete(self) -> bool:
        """Whether every variable has a value without a variant."""
        return all(name in self.variables for name in self.settable)

    def diagnostic(self, code: str, message: str, span: Span, help: str | None = None, *notes: str) -> Diagnostic:
        """A diagnostic at a place of this file."""
        return Diagnostic(code, message, span, self.source, help, notes)

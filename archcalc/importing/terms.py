"""Layers and values as the decompiler holds them before they are text: trees that are equal where they say the same.

Each has its `kind` as the last field, so that tuples of two kinds are never equal.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from fractions import Fraction
from typing import Any

from archcalc.named import NamedTuple

# Values of arguments are numbers, words, flags, None and tuples of them as in `ops`, and these:


class Ref(NamedTuple):
    """An earlier value by its index; what it is called is known when the body that it stands in is whole."""

    value: int
    kind: str = "ref"


class Body(NamedTuple):
    """An earlier body as it stands, from its first part to the one that gives `value`."""

    first: int
    value: int
    kind: str = "body"


class Local(NamedTuple):
    """An earlier layer by its path in the body that this stands in; `x` is the input of that body."""

    path: str
    kind: str = "local"


class Outer(NamedTuple):
    """An earlier layer of the body around, which a module takes as an argument, by its number."""

    number: int
    kind: str = "outer"


class Variable(NamedTuple):
    """A name that stands for a value: an argument, a variable, `x.channels`."""

    id: str
    kind: str = "variable"


class Arithmetic(NamedTuple):
    """`left operator right`; comparisons and `and` are among the operators."""

    operator: str
    left: Any
    right: Any
    kind: str = "arithmetic"


class Function(NamedTuple):
    """`make_divisible(x, 8)`."""

    name: str
    arguments: tuple[Any, ...]
    kind: str = "function"


class Extent(NamedTuple):
    """Positions along an axis of any of these values, which have as many at all sizes; `x.height` where one is `x`."""

    word: str  # height, width, length
    values: frozenset[int]
    otherwise: Any  # the same by the variables of the file, or the number at the first size
    kind: str = "extent"


class Listed(NamedTuple):
    """A list as the value of a variable."""

    items: tuple[Any, ...]
    kind: str = "listed"


# Layers:


class Op(NamedTuple):
    """A call of an operator with all arguments that are not the operator's own defaults, in their order."""

    name: str
    arguments: tuple[tuple[str, Any], ...] = ()
    kind: str = "op"


class Use(NamedTuple):
    """A call of a module with values for its parameters, in their order."""

    module: Any  # its name; a variable that holds it where networks differ
    arguments: tuple[tuple[str, Any], ...] = ()
    kind: str = "use"


class Item(NamedTuple):
    """A part of a chain. `name` is empty where the source has none; what is referred to is `kept` under its name.

    Before a body is whole, `name` is a pair: that of the source, and the value that the part gives.
    """

    name: Any
    term: Any
    kept: bool = False
    kind: str = "item"


class Chain(NamedTuple):
    """Parts in a row; without any, it gives what it reads."""

    items: tuple[Item, ...]
    kind: str = "chain"


class Merge(NamedTuple):
    """Branches from one input and the operator that merges them; a branch is an `Item`."""

    op: Op
    branches: tuple[Item, ...]
    kind: str = "merge"


class Repeat(NamedTuple):
    """A layer so many times in a row."""

    term: Any
    count: Any
    kind: str = "repeat"


class Choice(NamedTuple):
    """One of two layers, by a condition."""

    condition: Any
    then: Any
    otherwise: Any
    kind: str = "choice"


class Tap(NamedTuple):
    """Go on from an earlier value."""

    of: Any  # Ref, then Local or Outer
    kind: str = "tap"


class Layer(NamedTuple):
    """An earlier value as a branch."""

    of: Any
    kind: str = "layer"


class Share(NamedTuple):
    """An earlier layer or body again, with its weights."""

    of: Any  # Ref of a layer, `Body` of one; then Local
    kind: str = "share"


class Nothing(NamedTuple):
    """A branch that is left out."""

    kind: str = "nothing"


IDENTITY = Chain(())
NOTHING = Nothing()
ABSENT: Any = type("Absent", (), {"__repr__": lambda _: "absent"})()  # no value, where a part is not there


PLAIN = frozenset({int, str, bool, type(None), Fraction})
"""Types of values that have no parts."""


def parts(term: Any) -> tuple[Any, ...]:
    """What a term, or a value, is made of directly."""
    of = _PARTS.get(type(term))
    return () if of is None else of(term)


def _of_call(term: Op | Use) -> tuple[Any, ...]:
    values = [value for _, value in term.arguments]
    return tuple(values if isinstance(term[0], str) else [term[0], *values])


def _of_fields(term: tuple[Any, ...]) -> tuple[Any, ...]:
    return tuple(term)[:-1]


_PARTS: Mapping[type, Callable[[Any], tuple[Any, ...]]] = {
    tuple: lambda term: term,
    Op: _of_call,
    Use: _of_call,
    Chain: lambda term: tuple([item.term for item in term.items]),
    Merge: lambda term: (term.op, *[branch.term for branch in term.branches]),
    Arithmetic: lambda term: (term.left, term.right),
    Function: lambda term: term.arguments,
    **dict.fromkeys((Repeat, Choice, Tap, Layer, Share), _of_fields),
}


def mapped(term: Any, change: Callable[[Any], Any]) -> Any:
    """The same term with each direct part changed."""
    kind = type(term)
    if kind in PLAIN:
        return term
    if kind is Op or kind is Use:
        name = term[0] if isinstance(term[0], str) else change(term[0])
        return kind(name, tuple([(argument, change(value)) for argument, value in term.arguments]))
    if kind is Chain:
        return Chain(tuple([item._replace(term=change(item.term)) for item in term.items]))
    if kind is Merge:
        branches = tuple([branch._replace(term=change(branch.term)) for branch in term.branches])
        return Merge(change(term.op), branches)
    if kind is Arithmetic:
        return Arithmetic(term.operator, change(term.left), change(term.right))
    if kind is Function:
        return Function(term.name, tuple([change(value) for value in term.arguments]))
    if kind in (Repeat, Choice, Tap, Layer, Share):
        return kind(*[change(part) for part in term[:-1]])
    if kind is tuple:
        return tuple([change(part) for part in term])
    return term


def replaced(term: Any, change: Any) -> Any:
    """The term with `change` applied to every part, deepest first."""
    return change(mapped(term, lambda part: replaced(part, change)))


def is_layer(term: Any) -> bool:
    """Whether a term stands for a layer, and not for a value."""
    return isinstance(term, (Op, Use, Chain, Merge, Repeat, Choice, Tap, Layer, Share, Nothing))


def walk(term: Any) -> Iterator[Any]:
    """A term and all its parts but numbers and words, itself first."""
    waiting = [term]
    while waiting:
        part = waiting.pop()
        yield part
        of = _PARTS.get(type(part))
        if of is not None:
            waiting += [each for each in reversed(of(part)) if type(each) not in PLAIN]


def refs(term: Any) -> list[int]:
    """Values that a term refers to, in order, as often as it does."""
    found: list[int] = []
    waiting = [term]
    while waiting:
        part = waiting.pop()
        if type(part) is Ref:
            found.append(part.value)
            continue
        of = _PARTS.get(type(part))
        if of is not None:
            waiting += [each for each in reversed(of(part)) if type(each) not in PLAIN]
    return found


def first_value(term: Any, value: int) -> int:
    """What the first part of a body gives, which itself gives a value."""
    while type(term) is Chain and term.items:
        value, term = term.items[0].name[1], term.items[0].term
    return value


def alone(term: Any) -> Any:
    """A term without chains of one part around it."""
    while type(term) is Chain and len(term.items) == 1 and not term.items[0].kept:
        term = term.items[0].term
    return term

"""Bodies with the names of what is referred to: the terms of a region, whole and by themselves."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from archcalc.importing import names
from archcalc.importing.contract import ROLE
from archcalc.importing.terms import (
    IDENTITY,
    Body,
    Chain,
    Choice,
    Extent,
    Item,
    Layer,
    Local,
    Merge,
    Op,
    Outer,
    Ref,
    Repeat,
    Share,
    Use,
    Variable,
    first_value,
    mapped,
    walk,
)
from archcalc.named import NamedTuple

INPUT_OF_BODY = Local("x")


class Whole(NamedTuple):
    """A body in which every reference has a name; `outer` are the values that it takes from around."""

    chain: Chain
    outer: list[int]


def whole(
    chain: Chain,
    main: int | None,
    known: dict[int, str],
    hidden: Iterable[str] = (),
    used: set[str] | None = None,
    modules: Iterable[str] = (),
) -> Whole:
    """Name what a body refers to.

    Args:
        chain: with pairs of names and values as names of items, and values in references.
        main: the value that the body reads; `x` inside of it.
        known: paths of values that have one already: inputs of the network, and layers of the bodies before.
        hidden: names that something else in the file has.
        used: names that entries of this body have already; those that it gets are added.
        modules: names of modules, which a layer cannot have that stands for itself as an argument or a branch.

    Returns:
        The chain with plain names, and the values that are neither in it nor known.
    """
    found = [part for part in walk(chain) if type(part) in (Ref, Share, Body, Use)]
    referred = {part.value for part in found if type(part) is Ref}
    shared = {part.of.value for part in found if type(part) is Share and type(part.of) is Ref}
    bodies = {part for part in found if type(part) is Body}
    passed = {part.value for use in found if type(use) is Use for _, part in use.arguments if type(part) is Ref}
    if main is not None and main not in known and main in passed:  # `x` is no argument: its name is one
        chain = Chain((Item(("start", main), IDENTITY), *chain.items))
    bare = passed | {part.of.value for part in walk(chain) if type(part) is Layer and type(part.of) is Ref}
    namer = _Namer(referred, shared, bodies, hidden)
    namer.hidden_of.update({value: {*hidden, *modules} for value in bare})
    named = namer.chain(chain, "", set() if used is None else used)
    paths = {**known, **namer.paths}
    outer: list[int] = []

    def resolve(part: Any) -> Any:
        if type(part) is Body:
            return Local(namer.bodies[part])
        if type(part) is Share and type(part.of) is Ref and part.of.value in namer.layers:
            return Share(Local(namer.layers[part.of.value]))
        if type(part) is Ref:
            if part.value in paths:
                return Local(paths[part.value])
            if part.value == main:
                return INPUT_OF_BODY
            if part.value not in outer:
                outer.append(part.value)
            return Outer(outer.index(part.value))
        if type(part) is Extent:
            return Variable(f"{INPUT_OF_BODY.path}.{part.word}") if main in part.values else part.otherwise
        return mapped(part, resolve)

    resolved = resolve(named)
    known.update(namer.paths)
    return Whole(resolved, outer)


class _Namer:
    """Gives names to the items of a chain, those that are referred to first.

    What a body gives is called as the body, not as the last of its parts, unless that part is shared.
    """

    def __init__(self, referred: set[int], shared: set[int], again: set[Body], hidden: Iterable[str]) -> None:
        self.referred = referred
        self.shared = shared
        self.again = again
        self.hidden = set(hidden)
        self.hidden_of: dict[int, set[str]] = {}  # of some values more
        self.paths: dict[int, str] = {}
        self.layers: dict[int, str] = {}  # of values that are shared: the layer itself
        self.bodies: dict[Body, str] = {}

    def keeps(self, item: Any, around: int | None = None) -> bool:
        """Whether an item, or something in it, is referred to.

        Args:
            item: of a chain.
            around: the value of the body that it stands in, which has a name itself.
        """
        value = item.name[1]
        if (
            value in self.shared
            or (self.again and body_of(item) in self.again)
            or (value in self.referred and value != around)
        ):
            return True
        return type(item.term) is Chain and any(self.keeps(inner, around) for inner in item.term.items)

    def chain(self, chain: Chain, prefix: str, used: set[str], around: int | None = None) -> Chain:
        items: list[Any] = []
        for item in chain.items:
            self.spliced(item, items, around)
        kept = [self.keeps(item, around) for item in items]
        given: dict[int, str] = {}
        for turn in (True, False):
            for at, item in enumerate(items):
                if kept[at] is turn and (turn or names.plain(item.name[0])):
                    wanted = names.plain(item.name[0]) or word_of(item.term)
                    given[at] = names.entry(wanted, used, turn, self.hidden_of.get(item.name[1], self.hidden))
        named = []
        for at, item in enumerate(items):
            name = given.get(at, "")
            path = f"{prefix}.{name}" if prefix else name
            if kept[at]:
                self.paths.setdefault(item.name[1], path)
                self.layers[item.name[1]] = path
                self.bodies.setdefault(body_of(item), path)
            named.append(
                Item(
                    name,
                    self.within(item.term, path, item.name[1]) if kept[at] else self.within(item.term, "", around),
                    kept[at],
                )
            )
        return Chain(tuple(named))

    def spliced(self, item: Any, items: list[Any], around: int | None) -> None:
        """A chain that nothing can name, and that holds what is referred to, stands in the chain around it."""
        is_nameless = not names.plain(item.name[0])
        if type(item.term) is Chain and is_nameless and any(self.keeps(inner, around) for inner in item.term.items):
            *inner, last = item.term.items
            for part in inner:
                self.spliced(part, items, around)
            self.spliced(last, items, around)
        else:
            items.append(item)

    def within(self, term: Any, path: str = "", around: int | None = None) -> Any:
        """What stands in a term: chains there have names of their own."""
        if type(term) is Chain:
            return self.chain(term, path, set(), around)
        if type(term) is Merge:
            used: set[str] = set()
            branches = []
            for branch in term.branches:
                text, value = branch.name
                name = text if value == ROLE else names.entry(text, used) if names.plain(text) else ""
                branches.append(Item(name, self.within(branch.term)))
            return Merge(term.op, tuple(branches))
        if type(term) in (Repeat, Choice):
            return mapped(term, self.within)
        return term


def body_of(item: Any) -> Body:
    """A part of a chain as what may be shared."""
    return Body(first_value(item.term, item.name[1]), item.name[1])


def word_of(term: Any) -> str:
    """What a layer without a name is called: as its operator or module."""
    while True:
        if isinstance(term, (Op, Use)):
            return str(term[0])
        if isinstance(term, Merge):
            return term.op.name
        if isinstance(term, Repeat):
            term = term.term
        elif isinstance(term, Choice):
            term = term.then
        elif isinstance(term, Chain):
            words = [word for word in (word_of(item.term) for item in term.items) if word != "layer"]
            return words[-1] if words else "layer"
        else:
            return "layer"


def at_root(chain: Chain, start: int) -> tuple[Chain, bool]:
    """The body of the network, where `x` is what an entry reads; other extents are functions of the network's input.

    Returns:
        The body, and whether there are such.
    """
    is_function = False
    items = []
    for item in chain.items:

        def change(part: Any, main: int = start) -> Any:
            nonlocal is_function
            if type(part) is not Extent:
                return mapped(part, lambda inner: change(inner, main))
            is_known = main in part.values
            is_function |= not is_known
            return Variable(f"{INPUT_OF_BODY.path}.{part.word}") if is_known else part.otherwise

        items.append(item._replace(term=change(item.term, start)))
        start = item.name[1]
    return Chain(tuple(items)), is_function

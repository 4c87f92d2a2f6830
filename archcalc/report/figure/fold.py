"""From the parts of a network to what is drawn: what repeats once, small ones together, modules apart."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from typing import Any

from archcalc.graph import Graph
from archcalc.ops import Shape
from archcalc.report.figure.items import Branch, Call, Fork, Item, Op
from archcalc.report.figure.told import joined, rest_of, word_of
from archcalc.report.figure.words import label_of
from archcalc.results.structure import Part

INLINE = 3  # boxes of a module that is drawn within another, not behind a letter


class Folder:
    """Folds parts of one network."""

    def __init__(self, graph: Graph, parts: Sequence[Part]) -> None:
        self.graph = graph
        self.names: dict[int, str] = {-1 - at: name for at, name in enumerate(graph.inputs)}
        self.words = _words(parts)
        self._keys: dict[int, Any] = {}  # key of a call by the identity of its arguments: copies have the same
        self._forms: dict[str, dict[Any, int]] = {}  # of a module: keys, and their numbers from 1
        for part in parts:
            for inner in part.walk():
                if inner.kind in ("entry", "output", "head") and inner.output is not None and inner.output >= 0:
                    self.names.setdefault(inner.output, inner.name)

    # items

    def chain(self, part: Part, home: str, inline: bool) -> list[Item]:
        """What a part puts in a row, folded; `inline`: within an opened module, where small modules are drawn open."""
        return folded([item for inner in part.parts for item in self.items(inner, home, inline)])

    def items(self, part: Part, home: str, inline: bool = False) -> list[Item]:
        """What is drawn of a part."""
        if part.kind == "operation":
            return [self.operation(part, home)]
        if part.kind == "merge":
            fork = self.fork(part, home, inline)
            return fork.branches[0].items if not fork.word and len(fork.branches) == 1 else [fork]
        if part.kind == "module":
            return self.module(part, home, inline)
        if part.kind in ("entry", "output", "head"):
            home = part.path
        found = self.chain(part, home, inline)
        if part.kind == "share":
            for item in found:
                if isinstance(item, Op):
                    item.is_shared = True
        return found

    def operation(self, part: Part, home: str) -> Op:
        """A box."""
        node = self.graph.nodes[part.first]
        last = self.graph.nodes[part.last - 1]
        reads = part.input if node.inputs else None
        copies = (node.operator.copies.stored, node.operator.copies.computed)
        return Op([label_of(node)], [part], home, reads, last.y, is_shared=node.shares >= 0, copies=copies)

    def module(self, part: Part, home: str, inline: bool) -> list[Item]:
        """A call: its operation where it has one alone, what it puts in a row where it only does that, else a box."""
        inner = self.chain(part, part.path, inline)
        if not inner:
            return []
        if len(inner) == 1 and isinstance(inner[0], Op) and (len(inner[0].labels) == 1 or inner[0].is_small):
            inner[0].home = home
            return inner
        calls = [item for item in inner if isinstance(item, Call)]
        if len(calls) == len(inner) and len({call.module for call in calls}) == 1:
            for call in calls:
                call.home = home
            return inner
        if inline and _boxes(inner) <= INLINE:
            for item in inner:
                item.home = home if item.home == part.path else item.home
            return inner
        word = self.words.get(part.name, part.name)
        y = self.shape(part.output)
        return [Call(part.name, word, home, [part], [self.form(part)], reading(inner), y, inner=inner)]

    def fork(self, part: Part, home: str, inline: bool) -> Fork:
        """A merge and its branches."""
        branches = []
        for branch in part.parts:
            items = self.chain(branch, home, inline)
            source = ""
            if items:
                reads = reading(items)
                if reads is not None and reads != part.input:
                    source = self.name_of(reads)
            elif branch.output is not None and branch.output != part.input:
                source = self.name_of(branch.output)
            name = "" if branch.name.startswith("branch ") else branch.name
            branches.append(Branch(name, items, source, branch))
        word, y = "", self.shape(part.output)
        if part.node >= 0:
            label = label_of(self.graph.nodes[part.node])
            texts = [word_of(part.node, label.word), *([rest_of(part.node, label.rest)] if label.rest else [])]
            word = joined(", ", texts)
        else:
            y = self.shape(part.last - 1)
        reads = part.input if any(not branch.source for branch in branches) else None
        if reads is None and branches and branches[0].items:
            reads = reading(branches[0].items)
        key = (word, tuple(_branch_key(branch, True) for branch in branches))
        return Fork(word, branches, [part], home, reads, y, key)

    def shape(self, index: int | None) -> Shape:
        """What an operation or an input gives; a shape of nothing where there is none."""
        return Shape(None) if index is None else self.graph.shape(index)

    def name_of(self, index: int) -> str:
        """What an operation is called where something reads it from afar."""
        return self.names.get(index) or self.graph.nodes[index].layer.rpartition(".")[2]

    # forms

    def form(self, part: Part) -> int:
        """Number of a call's form among those of its module, from 1: kinds, kernels and branches, not sizes."""
        key = self._keys.get(id(part.arguments))
        if key is None:
            key = self._keys[id(part.arguments)] = _key(self.chain(part, part.path, False))
        numbers = self._forms.setdefault(part.name, {})
        return numbers.setdefault(key, len(numbers) + 1)

    def forms(self, module: str) -> int:
        """How many forms of a module there are."""
        return max(len(self._forms.get(module, ())), 1)


def _words(parts: Sequence[Part]) -> dict[str, str]:
    """What modules are called in figures, where that is not their name.

    The word in the text, which may be a variable that holds the module (`fire`), where its entries are named after it
    and it holds no other one.
    """
    written: dict[str, set[str]] = {}
    held: dict[str, set[str]] = {}
    named: set[str] = set()
    for part in parts:
        for inner in part.walk():
            if inner.kind == "module" and inner.written:
                written.setdefault(inner.name, set()).add(inner.written)
                held.setdefault(inner.written, set()).add(inner.name)
                own = re.compile(rf"{re.escape(inner.written)}(_\d+)?")  # what a call is called that has no other name
                pieces = inner.path.split(".")
                if any(piece.startswith(inner.written) and not own.fullmatch(piece) for piece in pieces):
                    named.add(inner.name)
    words = {name: next(iter(found)) for name, found in written.items() if len(found) == 1 and name in named}
    return {name: word for name, word in words.items() if held[word] == {name}}


def reading(items: Sequence[Item]) -> int | None:
    """What items in a row go on from."""
    return items[0].reads if items else None


def folded(items: Iterable[Item]) -> list[Item]:
    """Equal neighbours as one, unless their author gave them names of their own; small ones in one pill."""
    found: list[Item] = []
    for item in items:
        before = found[-1] if found else None
        if isinstance(item, Op) and isinstance(before, Op):
            joined = item.reads == before.parts[-1].output
            if joined and item.labels == before.labels and item.home == before.home and not item.is_small:
                before.parts += item.parts
                before.times += item.times
                before.y = item.y
                continue
            if joined and item.is_small and before.is_small and len(before.labels) < 3:
                before.labels = [*before.labels, *item.labels]
                before.parts += item.parts
                before.y = item.y
                continue
        elif isinstance(item, Call) and isinstance(before, Call):
            if item.module == before.module and item.home == before.home and not item.is_entry:
                before.parts += item.parts
                before.forms += item.forms
                before.inner = []
                before.y = item.y
                continue
        elif isinstance(item, Fork) and isinstance(before, Fork) and is_same_fork(item, before):
            before.parts += item.parts
            before.y = item.y
            continue
        found.append(item)
    return found


def is_same_fork(item: Fork, before: Fork) -> bool:
    """Whether a merge is the one before it again."""
    return bool(item.word) and item.key == before.key and item.home == before.home


def _key(items: Sequence[Item], exact: bool = False) -> Any:
    return tuple(_item_key(item, exact) for item in items)


def _item_key(item: Item, exact: bool) -> Any:
    if isinstance(item, Op):
        return (tuple(item.labels), item.times) if exact else tuple([label.word for label in item.labels])
    if isinstance(item, Call):
        return item.module, tuple(item.forms if exact else dict.fromkeys(item.forms))
    branches = tuple(_branch_key(branch, exact) for branch in item.branches)
    return (item.word, item.times, branches) if exact else (item.word.partition(",")[0], branches)


def _branch_key(branch: Branch, exact: bool) -> Any:
    return branch.is_identity, bool(branch.source), _key(branch.items, exact)


def _boxes(items: Sequence[Item]) -> int:
    """How much room items take within others: boxes, merges as two; behind a letter is what holds modules."""
    room = 0
    for item in items:
        if isinstance(item, Call):
            return INLINE + 1
        room += 1 if isinstance(item, Op) else 1 + sum(_boxes(branch.items) for branch in item.branches)
    return room


def has_fork(items: Sequence[Item]) -> bool:
    """Whether branches are among the items."""
    return any(isinstance(item, Fork) for item in items)

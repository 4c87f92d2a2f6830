"""Parts of a chain that stand several times in a row and refer to each other, as a module.

Such are blocks that part and meet in other ways than merges say, and those of decoders, which all read one encoder.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from typing import Any

from archcalc.importing import names
from archcalc.importing.bodies import whole
from archcalc.importing.contract import NOBODY
from archcalc.importing.definitions import Definitions, Instance, structure
from archcalc.importing.repeats import nameless
from archcalc.importing.terms import Body, Chain, Item, Ref, Tap, refs, replaced, walk

LONGEST = 16  # parts of a block
LEAST = 3  # parts that are saved


class Folds:
    """Folds the chains of one text."""

    def __init__(
        self,
        referred: Counter[int],
        definitions: Definitions,
        inputs: dict[int, str],
        channels: Callable[[Any], Any],
    ) -> None:
        self.referred = referred  # how often each value is referred to, anywhere
        self.definitions = definitions
        self.inputs = inputs
        self.channels = channels
        self.made = 0  # modules

    def chain(self, chain: Chain, main: int | None) -> Chain:
        """A chain, and those in it, with a call of a module for each part that stands several times in a row."""
        if not refs(chain):
            return chain  # nor does anything in it refer to itself
        items: list[Item] = []
        before = main
        for item in chain.items:
            inner = self.chain(item.term, before) if type(item.term) is Chain else item.term
            items.append(item._replace(term=inner))
            before = item.name[1]
        keys = [structure(replaced(nameless(item.term), unreferred)) for item in items]
        found: list[Item] = []
        at = 0
        while at < len(items):
            period, count = self.best(items, keys, at, main)
            uses = (
                self.calls(items[at : at + period * count], period, before_of(items, at, main)) if count > 1 else None
            )
            if uses is None:
                found.append(items[at])
                at += 1
            else:
                found += uses
                at += period * count
        return Chain(tuple(found))

    def best(self, items: list[Item], keys: list[Any], at: int, main: int | None) -> tuple[int, int]:
        """How many parts from one on are a block, and how often it stands there: what saves most."""
        best = (1, 1)
        if before_of(items, at, main) == NOBODY:
            return best
        for period in range(2, min(LONGEST, (len(items) - at) // 2) + 1):
            if items[at + period - 1].name[1] == NOBODY:
                continue
            first = self.places(items[at : at + period], before_of(items, at, main))
            count = 1
            while first is not None and keys[at : at + period] == keys[at + count * period : at + (count + 1) * period]:
                start = at + count * period
                if self.places(items[start : start + period], before_of(items, start, main)) != first:
                    break
                count += 1
            if period * (count - 1) >= LEAST and period * (count - 1) > best[0] * (best[1] - 1):
                best = (period, count)
        return best

    def places(self, parts: list[Item], before: int | None) -> list[Any] | None:
        """What its references mean to a block: its own parts by number, its input, or values from around.

        None where it refers to nothing of its own, or something else refers to what is inside it.
        """
        own: dict[int, int] = {}
        mine: Counter[int] = Counter()
        for part in walk(Chain(tuple(parts))):
            if type(part) is Chain:
                for item in part.items:
                    if item.name[1] != NOBODY:
                        own.setdefault(item.name[1], len(own))
            elif type(part) is Ref:
                mine[part.value] += 1
        last = parts[-1].name[1]
        if any(self.referred[value] > mine[value] for value in own if value != last):
            return None
        if not any(value in own for value in mine):
            return None
        found: list[Any] = []
        for part in walk(Chain(tuple(parts))):
            if type(part) is Ref:
                value = part.value
                found.append(("own", own[value]) if value in own else "x" if value == before else ("around", value))
        return found

    def calls(self, items: list[Item], period: int, before: int | None) -> list[Item] | None:
        """Calls of a module for each of so many parts; None where they have none in common."""
        instances = []
        for at in range(0, len(items), period):
            parts = items[at : at + period]
            hidden = {*self.definitions.used, *self.inputs.values()}
            body = whole(Chain(tuple([in_block(part) for part in parts])), before, dict(self.inputs), hidden)
            last = parts[-1].name[1]
            instances.append(Instance(body, self.channels(before), self.channels(last), {}))
            before = last
        uses = self.definitions.define("block", instances)
        if len(uses) < len(instances):
            return None
        self.made += 1
        return [Item(("", items[(at + 1) * period - 1].name[1]), uses[at]) for at in range(len(instances))]


def before_of(items: list[Item], at: int, main: int | None) -> int | None:
    """The value that flows into a part of a chain; `NOBODY` where none has a name."""
    if at == 0:
        return main
    item = items[at - 1]
    if item.name[1] == NOBODY and type(item.term) is Tap and type(item.term[0]) is Ref:
        return item.term[0].value
    return int(item.name[1])


def in_block(item: Item) -> Item:
    """A part without its number in a series: `norms_3` is `norms` in every block."""
    text, value = item.name
    return item._replace(name=(names.stem(text) or text, value))


def unreferred(part: Any) -> Any:
    """A part of a term without what it refers to."""
    return Ref(0) if type(part) is Ref else part


def references(chain: Chain) -> Counter[int]:
    """How often each value is referred to in a chain."""
    return Counter(part.value for part in walk(chain) if type(part) in (Ref, Body))

"""Blocks of a network whose source has no modules: a merge and the norms and activations after it, pairs of layers."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable
from typing import Any

from archcalc.importing import names
from archcalc.importing.bodies import whole
from archcalc.importing.contract import NOBODY, ROLE
from archcalc.importing.definitions import Definitions, Instance
from archcalc.importing.regions import Region, Tree
from archcalc.importing.terms import Chain, Item, Merge, Op, Ref, alone, replaced, walk
from archcalc.importing.units import ACTIVATIONS, NORMS
from archcalc.named import NamedTuple
from archcalc.ops import OPERATORS

SMALLEST = 3  # layers of a merge that may be a block
LEAST = 3  # pairs of layers that are blocks
_END = re.compile(r"[_\W]*(?:\d+[a-z]?\d*)?\Z")
SEPARABLE = ("depthwise", "conv")


class Block(NamedTuple):
    """Some parts of a chain, from one up to another, that may be a module."""

    first: int
    last: int
    kind: str
    key: tuple[Any, ...]


def blocked(
    chain: Chain, main: int | None, definitions: Definitions, inputs: dict[int, str], channels: Callable[[Any], Any]
) -> Chain:
    """A chain in which blocks that are alike are calls of modules.

    Args:
        chain: with pairs of names and values as names of items.
        main: the value that it reads.
        definitions: the modules of the text; new ones are added.
        inputs: names of the network's inputs, by value.
        channels: of a value.
    """
    referred = Counter(part.value for part in walk(chain) if type(part) is Ref)
    blocks = [
        block
        for block in cut(found_in(chain.items, referred))
        if is_closed(chain.items[block.first : block.last], referred)
    ]
    by_key: dict[Any, list[Block]] = {}
    for block in blocks:
        by_key.setdefault(block.key, []).append(block)
    calls: dict[Block, Any] = {}
    for alike in by_key.values():
        there: list[tuple[Block, Instance]] = []
        for block in alike:
            before = main if block.first == 0 else chain.items[block.first - 1].name[1]
            if before != NOBODY:
                inside = shortened(chain.items[block.first : block.last])
                there.append(
                    (
                        block,
                        Instance(
                            whole(inside, before, dict(inputs)),
                            channels(before),
                            channels(chain.items[block.last - 1].name[1]),
                            {},
                        ),
                    )
                )
        if len(there) > 1:
            uses = definitions.define(kind_of(alike, chain), [instance for _, instance in there])
            calls.update({there[at][0]: use for at, use in uses.items()})
    items: list[Item] = []
    at = 0
    for block in blocks:
        items += chain.items[at : block.first]
        parts = chain.items[block.first : block.last]
        if block in calls:
            items.append(Item((common_name(parts), parts[-1].name[1]), calls[block]))
        else:
            items += parts
        at = block.last
    return Chain((*items, *chain.items[at:]))


def found_in(items: tuple[Item, ...], referred: Counter[int]) -> list[Block]:
    """Blocks that do not overlap, in order."""
    found: list[Block] = []
    pairs = sum(is_pair(items, at, referred) for at in range(len(items)))
    at = 0
    while at < len(items):
        merge = alone(items[at].term)
        last = at + 1
        if type(merge) is Merge and size_of(merge) >= SMALLEST:
            while last < len(items) and follows(items[last]) and items[last - 1].name[1] not in referred:
                last += 1
            tail = tuple([item.term.name for item in items[at + 1 : last]])
            roles = tuple([branch.name[0] for branch in merge.branches]) if OPERATORS[merge.op.name].roles else ()
            found.append(Block(at, last, merge.op.name, (merge.op.name, roles, tail)))
        elif pairs >= LEAST and is_pair(items, at, referred):
            last = at + 2
            found.append(Block(at, last, "separable", SEPARABLE))
        at = last
    return found


def cut(blocks: list[Block]) -> list[Block]:
    """Blocks of one merge end as most of them do: the norm after the last may be the network's own."""
    tails: dict[Any, Counter[Any]] = {}
    for block in blocks:
        if block.key != SEPARABLE:
            tails.setdefault(block.key[:2], Counter())[block.key[2]] += 1
    found = []
    for block in blocks:
        usual = tails[block.key[:2]].most_common(1)[0][0] if block.key != SEPARABLE else ()
        if block.key != SEPARABLE and block.key[2][: len(usual)] == usual:
            found.append(block._replace(last=block.first + 1 + len(usual), key=(*block.key[:2], usual)))
        else:
            found.append(block)
    return found


def is_closed(items: tuple[Item, ...], referred: Counter[int]) -> bool:
    """Whether nothing outside of these parts refers to what is in them, but for what the last gives."""
    mine = Counter(part.value for part in walk(Chain(items)) if type(part) is Ref)
    for part in walk(Chain(items)):
        for item in part.items if type(part) is Chain else part.branches if type(part) is Merge else ():
            if item is not items[-1] and referred[item.name[1]] > mine[item.name[1]]:
                return False
    return True


def is_pair(items: tuple[Item, ...], at: int, referred: Counter[int]) -> bool:
    """Whether a depthwise convolution and the one that mixes its channels begin here."""
    pair = items[at : at + 2]
    if len(pair) < 2 or any(type(item.term) is not Op for item in pair) or pair[0].name[1] in referred:
        return False
    return tuple([item.term.name for item in pair]) == SEPARABLE and dict(pair[1].term.arguments).get("kernel") == 1


def follows(item: Item) -> bool:
    """Whether a layer after a merge belongs to its block."""
    return type(item.term) is Op and OPERATORS[item.term.name].family in NORMS | ACTIVATIONS


def size_of(merge: Merge) -> int:
    """Layers in a merge and itself."""
    return 1 + sum(type(part) is Op for branch in merge.branches for part in walk(branch.term))


def common_name(items: tuple[Item, ...]) -> str:
    """What the names of all layers of a block begin with, or the name of its merge."""
    found = [item.name[0] for part in walk(Chain(items)) if type(part) is Chain for item in part.items]
    prefix = beginning([name for name in found if name]).rstrip("_./-: ")
    own = [name for name in found if name == prefix]
    if len(prefix) >= 3 and (own or any(name[len(prefix) : len(prefix) + 1] in "_./-:" for name in found if name)):
        return prefix
    return str(items[0].name[0])


def shortened(items: tuple[Item, ...]) -> Chain:
    """A block in which names do not begin with what all of them have in common."""
    prefix = common_name(items)

    def short(name: Any) -> Any:
        text, value = name
        rest = text[len(prefix) :].lstrip("_./-: ") if text.startswith(prefix) else text
        return (rest, value) if prefix and value != ROLE else name

    def change(part: Any) -> Any:
        if type(part) is Chain:
            return Chain(tuple([item._replace(name=short(item.name)) for item in part.items]))
        if type(part) is Merge:
            return Merge(part.op, tuple([branch._replace(name=short(branch.name)) for branch in part.branches]))
        return part

    return replaced(Chain(items), change)  # type: ignore[no-any-return]


def beginning(texts: list[str]) -> str:
    """What all texts begin with."""
    first, last = min(texts, default=""), max(texts, default="")
    count = next((at for at, (a, b) in enumerate(zip(first, last, strict=False)) if a != b), min(len(first), len(last)))
    return first[:count]


def kind_of(blocks: list[Block], chain: Chain) -> str:
    """What a module of these blocks is called."""
    if blocks[0].kind in ("separable",):
        return blocks[0].kind
    words = {_END.sub("", common_name(chain.items[block.first : block.last])) for block in blocks}
    word = words.pop() if len(words) == 1 else ""
    if blocks[0].kind == "add":
        return "residual"
    return word if len(word) >= 4 and names.plain(word) else "block"


# where modules have names, but no classes


def name_kinds(tree: Tree) -> None:
    """Give runs of modules of no known class one of their own, where they are alike by their names.

    Those that a list has by number (`layer1/0`, `layer1/1`) are alike, and those of one name or one series that have
    the same layers (`inception3a`, `inception3b`); but not what holds a list itself.
    """
    alike: dict[tuple[Any, ...], list[Region]] = {}
    for region in tree.root.regions():
        if region.parent is None or region.scope.kind or len(region.gives) != 1 or region.units < 2:
            continue
        word = word_for(region)
        if names.is_number(region.scope.name):
            alike.setdefault((word, region.depth), []).append(region)
        elif not any(isinstance(child, Region) and names.is_number(child.scope.name) for child in region.children):
            alike.setdefault((word, layers_of(tree, region)), []).append(region)
    for number, ((word, *_), regions) in enumerate(alike.items()):
        if len(regions) > 1:
            for region in regions:
                region.scope = region.scope._replace(kind=f"{word or 'block'} {number}")  # no class of the source
                region.is_inline = region.is_bound


def layers_of(tree: Tree, region: Region) -> tuple[str, ...]:
    """Operators of all layers of a region, in order."""
    return tuple([unit.op.name for unit in tree.units_in(region)])


def word_for(region: Region) -> str:
    """The name of a run of a module without its number; of a number alone, that of what it is a part of."""
    around: Region | None = region
    while around is not None and (not names.plain(around.scope.name) or names.is_number(around.scope.name)):
        around = around.parent
    return _END.sub("", around.scope.name) if around is not None else ""

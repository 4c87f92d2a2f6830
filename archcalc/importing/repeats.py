"""What stands several times in a row, written once with its count."""

from __future__ import annotations

from typing import Any

from archcalc.importing import names
from archcalc.importing.terms import Chain, Choice, Item, Merge, Repeat, alone, is_layer, mapped
from archcalc.ops import OPERATORS

LONGEST = 8  # parts of what is repeated


def repeated(term: Any, longest: int = LONGEST) -> Any:
    """A layer in which every chain says repeats of so many parts by their count, and a series by its name."""
    if type(term) is Chain:
        return _chain(Chain(tuple([item._replace(term=repeated(item.term, longest)) for item in term.items])), longest)
    if type(term) is Merge:
        branches = [branch._replace(term=repeated(branch.term, longest)) for branch in term.branches]
        return Merge(term.op, tuple(branches))
    if type(term) is Choice or type(term) is Repeat:
        return mapped(term, lambda part: repeated(part, longest) if is_layer(part) else part)
    return term


def _chain(chain: Chain, longest: int) -> Chain:
    items: list[Item] = []
    first: dict[int, str] = {}  # what the first part of a repeat was called, by the place of the repeat
    at = 0
    while at < len(chain.items):
        period, count = _best(chain.items, at, longest)
        first[len(items)] = chain.items[at].name
        if count > 1:
            items.append(_counted(chain.items[at : at + period * count], period, count))
        else:
            items.append(chain.items[at])
        at += period * count
    return Chain(tuple(_grouped(items, first) if longest > 1 else items))


def _best(items: tuple[Item, ...], at: int, longest: int) -> tuple[int, int]:
    """Length of what repeats from here on, and how often: what covers most, then the shortest."""
    found = (1, 1)
    first = items[at]
    if first.kept or holds_kept(first.term):
        return found
    same = nameless(first.term)
    for period in range(1, min(longest, (len(items) - at) // 2) + 1):
        if nameless(items[at + period].term) != same:
            continue
        block = items[at : at + period]
        count = 1
        while _is_again(block, items[at + period * count : at + period * (count + 1)]):
            count += 1
        if count > 1 and period * count > found[0] * found[1]:
            found = (period, count)
    return found


def _is_again(block: tuple[Item, ...], other: tuple[Item, ...]) -> bool:
    """Whether parts are the same once more, and called as in a series."""
    if len(block) != len(other):
        return False
    for one, two in zip(block, other, strict=True):
        if one.kept or two.kept or nameless(one.term) != nameless(two.term) or holds_kept(one.term):
            return False
        if one.name and two.name:
            if is_stage(one):
                return False
            (mine, _), (theirs, _) = names.series(one.name), names.series(two.name)
            if mine != theirs or "#" not in mine:
                return False
    return True


def _counted(items: tuple[Item, ...], period: int, count: int) -> Item:
    block = tuple(
        [item._replace(term=unless_same(item.term, items[period + at].term)) for at, item in enumerate(items[:period])]
    )
    stems = {names.stem(item.name) for item in items}
    if len(stems) > 1:
        stems = {names.series(item.name)[1] for item in items}
    name = stems.pop() if len(stems) == 1 else ""
    if period > 1:
        term: Any = Chain(tuple([item._replace(name="") for item in block]))
        return Item(name, Repeat(term, count))
    term = block[0].term
    while type(term) is Chain and len(term.items) == 1:
        term = term.items[0].term
    if type(term) is Repeat and isinstance(term.count, int):
        return Item(name, Repeat(term.term, term.count * count))
    return Item(name, Repeat(term, count))


def _grouped(items: list[Item], first: dict[int, str]) -> list[Item]:
    """Parts of one series that holds a repeat, as one part with the name of the series; no name stands twice."""
    found: list[Item] = []
    used: set[str] = set()
    at = 0
    while at < len(items):
        stem = _series(items[at])
        last = at + 1
        while stem and last < len(items) and _series(items[last]) == stem:
            last += 1
        group = items[at:last]
        is_plain = not any(item.kept or is_stage(item) for item in group)
        if len(group) > 1 and is_plain and any(type(item.term) is Repeat for item in group):
            group = [Item(stem, Chain(tuple([item._replace(name="") for item in group])))]
        for place, item in enumerate(group, at):
            name = first[place] if item.name in used else item.name
            found.append(item._replace(name=name))
            used.add(name)
        at = last
    return found


def is_stage(item: Item) -> bool:
    """Whether a part is several layers that the source has under one name: that name stays."""
    term = alone(item.term)
    return type(term) is Chain and len(term.items) > 1


def _series(item: Item) -> str:
    """The name of the series of a part: its own where it is a repeat, else the stem of its name."""
    return str(item.name) if type(item.term) is Repeat else names.stem(item.name)


def nameless(term: Any) -> Any:
    """A layer without the names that say nothing to the reader: equal where two layers are the same."""
    if type(term) is Chain:
        if len(term.items) == 1 and not term.items[0].kept:
            return nameless(term.items[0].term)
        return Chain(tuple([_nameless(item, item.kept) for item in term.items]))
    if type(term) is Merge:
        has_roles = OPERATORS[term.op.name].roles is not None
        return Merge(term.op, tuple([_nameless(branch, has_roles) for branch in term.branches]))
    if type(term) is Repeat or type(term) is Choice:
        return mapped(term, lambda part: nameless(part) if is_layer(part) else part)
    return term


def _nameless(item: Item, is_told: bool) -> Item:
    return Item(item.name if is_told else "", nameless(item.term), item.kept)


def unless_same(term: Any, other: Any) -> Any:
    """A layer with its names where the next one has them too, else without."""
    return term if term == other else nameless(term)


def holds_kept(term: Any) -> bool:
    """Whether something in a term needs its name: it is referred to, or is a branch whose name has a meaning."""
    if type(term) is Chain:
        return any(item.kept or holds_kept(item.term) for item in term.items)
    if type(term) is Merge:
        return has_roles(term) or any(holds_kept(branch.term) for branch in term.branches)
    if type(term) is Repeat or type(term) is Choice:
        return any(holds_kept(part) for part in term[:-1])
    return False


def has_roles(merge: Merge) -> bool:
    """Whether branches have roles that their number does not tell."""
    roles = OPERATORS[merge.op.name].roles
    return roles is not None and roles.of_unnamed(len(merge.branches)) != tuple([of.name for of in merge.branches])

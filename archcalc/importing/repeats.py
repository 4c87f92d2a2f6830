"""What stands several times in a row, written once with its count."""

from __future__ import annotations

from typing import Any

from archcalc.importing import names
from archcalc.importing.terms import Chain, Choice, Item, Merge, Repeat

LONGEST = 8  # parts of what is repeated


def repeated(term: Any) -> Any:
    """A layer in which every chain says repeats by their count."""
    if type(term) is Chain:
        return _chain(Chain(tuple([item._replace(term=repeated(item.term)) for item in term.items])))
    if type(term) is Merge:
        return Merge(term.op, tuple([branch._replace(term=repeated(branch.term)) for branch in term.branches]))
    if type(term) is Choice:
        return Choice(term.condition, repeated(term.then), repeated(term.otherwise))
    if type(term) is Repeat:
        return Repeat(repeated(term.term), term.count)
    return term


def _chain(chain: Chain) -> Chain:
    items: list[Item] = []
    at = 0
    while at < len(chain.items):
        period, count = _best(chain.items, at)
        if count > 1:
            items.append(_counted(chain.items[at : at + period * count], period, count))
        else:
            items.append(chain.items[at])
        at += period * count
    return Chain(tuple(_grouped(items)))


def _best(items: tuple[Item, ...], at: int) -> tuple[int, int]:
    """Length of what repeats from here on, and how often: what covers most, then the shortest."""
    found = (1, 1)
    first = items[at]
    if first.kept:
        return found
    for period in range(1, min(LONGEST, (len(items) - at) // 2) + 1):
        if items[at + period].term != first.term:
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
        if one.kept or two.kept or one.term != two.term:
            return False
        if one.name and two.name and (names.stem(one.name) != names.stem(two.name) or not names.stem(one.name)):
            return False
    return True


def _counted(items: tuple[Item, ...], period: int, count: int) -> Item:
    block = items[:period]
    stems = {names.stem(item.name) for item in items}
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


def _grouped(items: list[Item]) -> list[Item]:
    """Parts of one series that holds a repeat, as one part with the name of the series."""
    found: list[Item] = []
    at = 0
    while at < len(items):
        stem = _series(items[at])
        last = at + 1
        while stem and last < len(items) and _series(items[last]) == stem:
            last += 1
        group = items[at:last]
        if len(group) > 1 and any(type(item.term) is Repeat for item in group) and not any(i.kept for i in group):
            found.append(Item(stem, Chain(tuple([item._replace(name="") for item in group]))))
        else:
            found += group
        at = last
    return found


def _series(item: Item) -> str:
    """The name of the series of a part: its own where it is a repeat, else the stem of its name."""
    return str(item.name) if type(item.term) is Repeat else names.stem(item.name)

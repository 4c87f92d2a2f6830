"""Skips of a U: what one side hands on, and where the other side reads it, the first last."""

from __future__ import annotations

from collections.abc import Sequence

from archcalc.report.figure.items import Call, Fork, Item, Row

MOST_SKIPS = 6  # of a U that is drawn with all boxes of its sides
Pairs = list[tuple[int, int]]


def nested(rows: Sequence[Row], goes_on: bool = False) -> Pairs:
    """Rows that hand on and those that read them, where there are two or more and they nest; else nothing.

    Args:
        rows: of the network, or of one column.
        goes_on: whether more skips, and reads of what is no row, are no hindrance.
    """
    by_output = {row.output: number for number, row in enumerate(rows)}
    found: Pairs = []
    for number, row in enumerate(rows):
        if number and row.reads != rows[number - 1].output:
            return []
        sources = [by_output[read] for read in row.others if read in by_output]
        if len(sources) > 1 or (len(sources) != len(row.others) and not goes_on):
            return []
        found += [(source, number) for source in sources]
    found.sort()
    targets = [target for _, target in found]
    is_nested = targets == sorted(targets, reverse=True) and len(set(targets)) == len(targets)
    is_two_sided = bool(found) and found[-1][0] < min(targets)
    distinct = len({source for source, _ in found}) == len(found)
    is_short = goes_on or len(found) <= MOST_SKIPS
    return found if len(found) >= 2 and is_short and is_nested and is_two_sided and distinct else []


def chains(rows: Sequence[Row]) -> list[list[Row]]:
    """Rows of each column: a chain begins at an input or at nothing; rows that only give to others are the last one."""
    found: list[list[Row]] = []
    sources: list[Row] = []  # that read nothing, and that no row goes on from at once
    last: Row | None = None
    for row, following in zip(rows, [*rows[1:], None], strict=True):
        if row.reads is None and (following is None or following.reads != row.output) and len(rows) > 1:
            sources.append(row)
            continue
        starts = row.reads is None or row.reads < 0
        follows = last is not None and row.reads == last.output
        if not found or (starts and not follows):
            found.append([])
        found[-1].append(row)
        last = row
    return [*found, sources] if sources else found


def laddered(rows: Sequence[Row], heads: Sequence[Row]) -> int | None:
    """The number of the chain that is drawn as a ladder, whose boxes say what is in entries; None: there is none.

    Args:
        rows: of the network.
        heads: for training only, which ladders have no place for.
    """
    if heads or nested(rows):
        return None
    return next((number for number, chain in enumerate(chains(rows)) if rungs(chain)), None)


def rungs(rows: Sequence[Row]) -> Pairs:
    """The same where the readers are entries that put what they read together, and then call modules."""
    pairs = nested(rows, True)
    return pairs if all(told_by_words(rows[target].item) for _, target in pairs) else []


def told_by_words(item: Item) -> list[Item]:
    """What an entry is made of, where the words for it tell all: a merge without branches of its own, and calls.

    A module that only calls others, one after the other, is told by these.
    """
    if not isinstance(item, Call) or not item.inner:
        return []
    inner = _called(item.inner)
    if not item.is_entry:
        return inner if inner != item.inner or _is_calls(inner) else []
    first, *rest = inner
    is_plain = isinstance(first, Fork) and all(not branch.items for branch in first.branches)
    return inner if is_plain and not any(isinstance(of, Fork) for of in rest) else []


def _called(items: Sequence[Item]) -> list[Item]:
    """Items, and in place of a call of calls these."""
    found: list[Item] = []
    for item in items:
        is_open = isinstance(item, Call) and item.times == 1 and _is_calls(item.inner)
        found += _called(item.inner) if is_open and isinstance(item, Call) else [item]
    return found


def _is_calls(items: Sequence[Item]) -> bool:
    return len(items) > 1 and all(isinstance(item, Call) and item.times == 1 for item in items)

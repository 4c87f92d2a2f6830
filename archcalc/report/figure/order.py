"""From left to right: an order of strands in which few lines cross, and these are short."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import combinations
from typing import NamedTuple

CROSSING, TURNED = 40, 2  # worth of a crossing, and of branches in another order than the author's; length has 1
MOST_TRIED, MOST_WORK = 1500, 400_000  # orders, and pairs of lines in all of them


class Net(NamedTuple):
    """Strands that a line goes from, and those that it goes to; one of both is one strand."""

    sources: tuple[int, ...]
    targets: tuple[int, ...]


def ordered(first: Sequence[int], channels: Sequence[Sequence[Net]]) -> list[int]:
    """An order of strands: from the first one, each to the best place, as long as that helps.

    Args:
        first: all strands, in the order in which the author has them.
        channels: what runs between layers.
    """
    order = list(first)
    least = cost(order, channels)
    left, improved = min(MOST_TRIED, MOST_WORK // (_work(channels) + 1)), True
    while improved:
        improved = False
        for strand in first:
            rest = [other for other in order if other != strand]
            for at in range(len(order)):
                moved = [*rest[:at], strand, *rest[at:]]
                if moved == order:
                    continue
                if not left:
                    return order
                left -= 1
                found = cost(moved, channels)
                if found < least:
                    least, order, improved = found, moved, True
    return order


def _work(channels: Sequence[Sequence[Net]]) -> int:
    """Pairs of lines that are compared to know how bad an order is."""
    sizes = ([len(sources) * len(targets) for sources, targets in nets] for nets in channels)
    return sum(one * other for of in sizes for one, other in combinations(of, 2))


def cost(order: Sequence[int], channels: Sequence[Sequence[Net]]) -> int:
    """How bad an order is."""
    rank = {strand: at for at, strand in enumerate(order)}
    found = 0
    for nets in channels:
        spans = []
        for sources, targets in nets:
            begins, ends = [rank[of] for of in sources], [rank[of] for of in targets]
            lowest, highest = min(*begins, *ends), max(*begins, *ends)
            found += highest - lowest
            found += TURNED * sum(one > other for one, other in combinations(begins, 2))
            spans.append((lowest, highest, [(begin, end) for begin in begins for end in ends]))
        for (low, high, one), (least, most, other) in combinations(spans, 2):
            if low <= most and least <= high:
                crossings = sum((begin - start) * (end - stop) < 0 for begin, end in one for start, stop in other)
                found += CROSSING * crossings
    return found

"""Rectangles on a page: each at the first free place from the top, in several orders; the best arrangement wins."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from typing import NamedTuple

APART = 14.0  # between rectangles
CLOSE = 10.0  # the same where room is short
STEPS = 7  # widths that are tried, from the least up
MOST_TRIES = 130  # further orders of a sheet, where the usual ones do not fit
SEARCHED = 3  # sheets whose further orders are tried

Size = tuple[float, float]
Edges = tuple[float, float, float, float]  # left, top, right, bottom


class Room(NamedTuple):
    """What a page has for rectangles."""

    width: float
    height: float
    apart: float = APART  # between rectangles


class Sheet(NamedTuple):
    """Rectangles to be put on a page: the first ones in their order, before all others."""

    sizes: list[Size]
    fixed: int
    cost: float = 0.0  # how much lower it must be to be taken before another that fits too
    places: tuple[tuple[float, float], ...] = ()  # of the first ones, where that is decided


class Placed(NamedTuple):
    """Rectangles on a page: places in the order of what was given, and the size of all."""

    places: list[tuple[float, float]]
    width: float
    height: float


class Found(NamedTuple):
    """An arrangement: how much it has to be scaled down, then its height and cost; which sheet; and where."""

    rank: tuple[float, float]
    sheet: int
    placed: Placed


def best(sheets: Sequence[Sheet], room: Room) -> tuple[int, Placed]:
    """The lowest arrangement that fits the page; where none does, the one that is printed largest.

    Returns:
        Number of the sheet, and its rectangles' places.
    """
    found = [min(usual(number, sheet, room), key=lambda each: each.rank) for number, sheet in enumerate(sheets)]
    first = min(found, key=lambda each: each.rank)
    if first.rank[0] > 1:
        nearest = sorted((each for each in found if may_fit(sheets[each.sheet], room)), key=lambda each: each.rank)
        first = min(
            [first, *(searched(each.sheet, sheets[each.sheet], room) for each in nearest[:SEARCHED])],
            key=lambda of: of.rank,
        )
    return first.sheet, first.placed


def may_fit(sheet: Sheet, room: Room) -> bool:
    """Whether the page is as large as all rectangles with their gaps are together; if not, no order fits."""
    areas = sum((wide + room.apart) * (high + room.apart) for wide, high in sheet.sizes)
    return areas <= (room.width + room.apart) * (room.height + room.apart) + 1


def usual(number: int, sheet: Sheet, room: Room) -> list[Found]:
    """A sheet in the order given, the highest first, and the widest first; in widths from the least up."""
    sizes, first = sheet.sizes, list(range(sheet.fixed))
    rest = list(range(sheet.fixed, len(sizes)))
    orders = [first + rest]
    for side in (1, 0):
        order = first + sorted(rest, key=lambda at: -sizes[at][side])
        if order not in orders:
            orders.append(order)
    least = max(wide for wide, _ in sizes)
    if sheet.places:
        least = max(least, *(x + sizes[at][0] for at, (x, _) in enumerate(sheet.places)))
    spare = max(room.width - least, 0.0)
    widths = [least + spare * step / STEPS for step in range(STEPS + 1)] if spare else [least]
    return [arrangement(number, sheet, order, width, room) for width in widths for order in orders]


def searched(number: int, sheet: Sheet, room: Room) -> Found:
    """A better order: pairs change places, and one goes to the other side of the page, as long as that helps."""
    sizes, first = sheet.sizes, list(range(sheet.fixed))
    rest = range(sheet.fixed, len(sizes))
    order = first + sorted(rest, key=lambda at: -sizes[at][0] * sizes[at][1])
    found = arrangement(number, sheet, order, room.width, room)
    right: frozenset[int] = frozenset()  # what is put at the first free place from the right
    tries, improved = 0, True
    while improved and tries < MOST_TRIES:
        improved = False
        for one in range(sheet.fixed, len(order)):
            for other in range(sheet.fixed, one + 1):
                changed = list(order)
                changed[one], changed[other] = changed[other], changed[one]
                sides = right ^ {order[one]} if one == other else right
                tries += 1
                tried = arrangement(number, sheet, changed, room.width, room, sides)
                if tried.rank < found.rank:
                    found, order, right, improved = tried, changed, sides, True
    return found


def arrangement(
    number: int, sheet: Sheet, order: Sequence[int], limit: float, room: Room, right: Collection[int] = ()
) -> Found:
    """One arrangement with its rank."""
    placed = packed(sheet.sizes, order, limit, sheet.places, right, room.apart)
    scale = max(placed.width / room.width, placed.height / room.height, 1.0)
    return Found((scale, placed.height + 0.05 * placed.width + sheet.cost), number, placed)


def packed(
    sizes: Sequence[Size],
    order: Sequence[int],
    limit: float,
    decided: Sequence[tuple[float, float]] = (),
    right: Collection[int] = (),
    apart: float = APART,
) -> Placed:
    """Rectangles one after the other, each at the first free place from the top, then from its side.

    Args:
        sizes: of all rectangles.
        order: in which they are put.
        limit: the right edge of the page.
        decided: places of the first rectangles, which are taken before.
        right: rectangles whose side is the right one.
        apart: the least distance of two.
    """
    taken: list[Edges] = [(x, y, x + sizes[at][0], y + sizes[at][1]) for at, (x, y) in enumerate(decided)]
    places: list[tuple[float, float]] = [*decided, *[(0.0, 0.0)] * (len(sizes) - len(decided))]
    for at in order:
        if at < len(decided):
            continue
        wide, high = sizes[at]
        ys = sorted({0.0, *[bottom + apart for *_, bottom in taken]})
        if at in right:
            ends = sorted({limit, *[left - apart for left, *_ in taken]}, reverse=True)
            xs = [end - wide for end in ends if end >= wide] or [0.0]
        else:
            xs = sorted({0.0, *[edge + apart for _, _, edge, _ in taken]})
        x, y = places[at] = _first_free(taken, xs, ys, (wide, high), limit, apart - 0.01)
        taken.append((x, y, x + wide, y + high))
    return Placed(places, max([edge for _, _, edge, _ in taken]), max([bottom for *_, bottom in taken]))


def _first_free(
    taken: Sequence[Edges], xs: Sequence[float], ys: Sequence[float], size: Size, limit: float, near: float
) -> tuple[float, float]:
    wide, high = size
    for y in ys:
        low = y + high + near
        beside = [(left, edge + near) for left, top, edge, bottom in taken if top < low and y < bottom + near]
        for x in xs:
            if x and x + wide > limit + 0.01:
                break
            end = x + wide + near
            for left, edge in beside:
                if left < end and x < edge:
                    break
            else:
                return x, y
    raise AssertionError("below all others there is room")

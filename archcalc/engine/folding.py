"""Long tables for readers: blocks that cost what an earlier one costs stand in one row, `blocks.3-126`."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import groupby
from operator import attrgetter

from archcalc.engine.groups import ADDED, NO_SHAPE, NoFields, summed
from archcalc.named import NamedTuple
from archcalc.results.cost import LayerCost
from archcalc.results.field import ReceptiveField

_FIGURES = attrgetter(*ADDED, "type", "notation", "in_shape", "out_shape", "status", "head", "lower_bounds")


class _Row(NamedTuple):
    parts: tuple[str, ...]  # of its name
    figures: int  # the same number for all that show the same, but for their names
    cost: LayerCost


class _Block(NamedTuple):
    """Rows whose names begin with the same path."""

    path: str
    stem: str  # what of the path is before its number: `blocks.`, `conv4.bottleneck_`
    number: int | None
    rows: list[_Row]


def folded(rows: Sequence[LayerCost]) -> list[LayerCost]:
    """The rows of a network in their order, less those of blocks that are like others.

    The first of equal blocks keeps its rows. Blocks after it that follow each other are one row with their sums. Equal
    are blocks whose rows have the same figures one by one, and the same names after the path: one from which more of
    the input is seen than from the other, or whose attention has a window, is another.
    """
    figures: dict[object, int] = {}
    seen = _Seen()
    found = []
    for row in rows:
        shown = _FIGURES(row), seen.number(row.receptive_field), seen.number(row.local_receptive_field)
        found.append(_Row(tuple(row.name.split(".")), figures.setdefault(shown, len(figures)), row))
    return _folded(found, 0)


class _Seen:
    """Numbers of receptive fields, the same for equal ones; most rows share theirs, and fractions take long to hash."""

    def __init__(self) -> None:
        self._numbers: dict[ReceptiveField | None, int] = {}
        self._known: dict[int, tuple[ReceptiveField | None, int]] = {}  # by identity, which holds while they are here

    def number(self, field: ReceptiveField | None) -> int:
        """The number of a field."""
        known = self._known.get(id(field))
        if known is None:
            known = self._known[id(field)] = field, self._numbers.setdefault(field, len(self._numbers))
        return known[1]


def _folded(rows: Sequence[_Row], depth: int) -> list[LayerCost]:
    """Rows whose names are alike in their first parts, so many."""
    if len(rows) == 1 or all(len(row.parts) <= depth for row in rows):
        return [row.cost for row in rows]
    blocks: list[tuple[_Block, _Block | None]] = []  # each with the one that it is like
    first: dict[object, _Block] = {}
    following: object = None
    for block in _blocks(rows, depth):
        if following != (block.stem, block.number):
            first = {}
        earlier = block
        if block.number is not None:
            following = block.stem, block.number + 1
            kind = tuple([(row.parts[depth + 1 :], row.figures) for row in block.rows])
            earlier = first.setdefault(kind, block)
        blocks.append((block, None if earlier is block else earlier))
    found: list[LayerCost] = []
    for _, pairs in groupby(blocks, key=lambda pair: id(pair[1])):
        run, (like, *_) = zip(*pairs, strict=True)
        if like is None or sum(len(block.rows) for block in run) == 1:
            for block in run:
                found += _folded(block.rows, depth + 1)
        else:
            found.append(_repeated(run, like))
    return found


def _blocks(rows: Sequence[_Row], depth: int) -> Iterator[_Block]:
    """Rows that follow each other and have the same part of their names at that depth, together."""
    for part, members in groupby(rows, key=lambda row: row.parts[depth] if len(row.parts) > depth else ""):
        block = list(members)
        path = ".".join(block[0].parts[: depth + 1])
        digits = part.rpartition("_")[2]
        is_number = digits.isdecimal() and digits.isascii() and len(digits) < 10
        yield _Block(path, path[: len(path) - len(digits)], int(digits) if is_number else None, block)


def _repeated(blocks: Sequence[_Block], like: _Block) -> LayerCost:
    """Blocks that are like an earlier one, as one row."""
    name, last, times = blocks[0].path, blocks[-1].number, len(blocks)
    one = summed(name, [row.cost for row in blocks[0].rows])
    return one._replace(
        name=name if times == 1 else f"{name}-{last}",
        notation=f"as {like.path}",
        in_shape=NO_SHAPE,
        out_shape=NO_SHAPE,
        fields=NoFields(),
        nodes=tuple([index for block in blocks for row in block.rows for index in row.cost.nodes]),
        like=like.path,
        times=times,
        **{key: getattr(one, key) * times for key in ADDED},
    )

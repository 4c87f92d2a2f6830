"""Texts that know which numbers they tell, so that a page can tell them again at another setting."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import NamedTuple, TypeAlias

from archcalc.results.structure import Part

Spans: TypeAlias = "tuple[tuple[int, int], ...]"  # operations, as first and last + 1


class Sizes(NamedTuple):
    """What an operation gives, or an input (-1, -2, ...): `64×112×112`; its channels alone."""

    node: int
    channels: bool = False


class Amount(NamedTuple):
    """What operations have of a quantity: `173 M`; or their share of all that the figure tells of."""

    quantity: str
    spans: Spans | None  # None: of all rows
    is_share: bool = False


class Labelled(NamedTuple):
    """What a box says of an operation: its word, or what follows that."""

    node: int
    is_rest: bool = False


class Copies(NamedTuple):
    """How many experts an operation has, or how many of them work."""

    node: int
    is_stored: bool


class Given(NamedTuple):
    """An argument of a module's call."""

    part: Part
    name: str


Piece: TypeAlias = "str | Sizes | Amount | Labelled | Copies | Given"


class Bar(NamedTuple):
    """A piece of a bar: its length is to `full` as its amount is to that of the longest bar of the lane."""

    lane: int  # bars of one lane are at one scale
    row: int  # pieces of one row stand one behind the other
    quantity: str
    spans: Spans
    x: float  # where the row begins
    full: float


class Told(str):
    """A text with the pieces that it is made of; without pieces: numbers that no form is known of."""

    __slots__ = ("pieces",)
    pieces: tuple[Piece, ...]

    def __new__(cls, text: str, *pieces: Piece) -> Told:
        """A text of one number."""
        made = super().__new__(cls, text)
        made.pieces = pieces
        return made

    def cut(self, text: str) -> Told:
        """What is left of it where there is no room for all."""
        return Told(text)


def told(*texts: str) -> str:
    """Texts one after the other; one that knows its numbers, if any of them does."""
    if not any(isinstance(text, Told) for text in texts):
        return "".join(texts)
    pieces: list[Piece] = []
    for text in texts:
        if isinstance(text, Told) and not text.pieces:
            return Told("".join(texts))
        pieces += text.pieces if isinstance(text, Told) else [text] if text else []
    return Told("".join(texts), *pieces)


def joined(sign: str, texts: Iterable[str]) -> str:
    """Texts with a sign between them, as `told`."""
    found: list[str] = []
    for text in texts:
        found += [sign, text] if found else [text]
    return told(*found)


def spans_of(parts: Sequence[Part]) -> Spans:
    """Operations of parts; what follows one another is one span."""
    found: list[tuple[int, int]] = []
    for part in parts:
        if found and found[-1][1] == part.first:
            found[-1] = found[-1][0], part.last
        else:
            found.append((part.first, part.last))
    return tuple(found)


def spans_of_nodes(nodes: Iterable[int]) -> Spans:
    """Operations by their indices; what follows one another is one span."""
    found: list[tuple[int, int]] = []
    for index in nodes:
        if found and found[-1][1] == index:
            found[-1] = found[-1][0], index + 1
        else:
            found.append((index, index + 1))
    return tuple(found)


def rest_of(node: int, rest: Sequence[str]) -> str:
    """What follows the word of a box."""
    text = ", ".join(rest)
    return Told(text, Labelled(node, True)) if any(letter.isdigit() for letter in text) else text


def word_of(node: int, word: str) -> str:
    """The word of a box."""
    return Told(word, Labelled(node)) if any(letter.isdigit() for letter in word) else word

"""Somebody's table of results beside what is computed: what each figure is, and why it differs."""

from __future__ import annotations

from fractions import Fraction
from typing import Literal, NamedTuple

Judgement = Literal["right", "explained", "wrong", "unread", "unknown model"]
JUDGEMENTS: tuple[Judgement, ...] = ("right", "explained", "wrong", "unread", "unknown model")


class Figure(NamedTuple):
    """A cell of a table, and what became of it."""

    line: int
    model: str  # as written
    network: str  # what it was taken for; nothing: no network of ours
    column: str  # as written
    quantity: str
    printed: str
    judgement: Judgement
    computed: int | None  # what the column asks for
    why: str = ""  # which conventions or variants explain it, or what was meant by an unknown name
    others: tuple[str, ...] = ()  # explanations that are as simple
    factor: Fraction | None = None  # printed by computed, where it is wrong


class Audit(NamedTuple):
    """A table that was held against our specs."""

    file: str
    rows: int
    figures: tuple[Figure, ...]
    ignored: tuple[str, ...]  # columns that were not read

    def count(self, judgement: Judgement) -> int:
        """Figures of a judgement."""
        return sum(figure.judgement == judgement for figure in self.figures)

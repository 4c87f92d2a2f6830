"""Somebody's table of results beside what is computed: what each figure is, and why it differs."""

from __future__ import annotations

from fractions import Fraction
from typing import Literal, NamedTuple

Judgement = Literal["right", "explained", "wrong", "unread", "unknown model"]
JUDGEMENTS: tuple[Judgement, ...] = ("right", "explained", "wrong", "unread", "unknown model")

# How good an explanation is, from the best; `--strict` takes the first two.
GRADES = {
    1: "the exact convention of a tool, or another variant of the network",
    2: "a unit: 1,024 for a thousand, MiB, buffers counted",
    3: "a multiple: doubled, halved, a batch left in",
    4: "other settings than the table says: a resolution, classes, heads, a dtype",
    5: "far-fetched: parts left out, two explanations at once",
}
STRICT = 2


class Figure(NamedTuple):
    """A cell of a table, and what became of it."""

    line: int
    model: str  # as written
    network: str  # what it was taken for; nothing: no network of ours
    column: str  # as written
    quantity: str
    printed: str
    judgement: Judgement
    computed: int | None  # what the figure is: where it is explained, that which explains it
    plain: int | None = None  # what the column asks for
    why: str = ""  # which conventions or variants explain it, or what was meant by an unknown name
    grade: int | None = None  # of the explanation: a key of GRADES
    others: tuple[str, ...] = ()  # explanations that are as good
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

    def findings(self, allow_unknown: bool = False, strict: bool = False) -> list[Figure]:
        """Figures that fail: the wrong ones, those that could not be matched, and weak explanations where `strict`."""
        failing = {"wrong"} if allow_unknown else {"wrong", "unread", "unknown model"}
        return [
            figure
            for figure in self.figures
            if figure.judgement in failing or (strict and figure.grade is not None and figure.grade > STRICT)
        ]

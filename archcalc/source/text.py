"""A text whose every offset is a line and a column."""

from __future__ import annotations

import re
from bisect import bisect_right

from archcalc.named import NamedTuple


class Span(NamedTuple):
    """A stretch of a text, in characters from its beginning; `end` is the first beyond it."""

    start: int
    end: int


class Source:
    """A named text. Line ends are all made LF and a byte order mark is dropped."""

    __slots__ = ("_starts", "name", "text")

    def __init__(self, name: str, text: str) -> None:
        self.name = name
        text = text.removeprefix("\ufeff")
        self.text = text.replace("\r\n", "\n").replace("\r", "\n") if "\r" in text else text
        self._starts: list[int] | None = None

    def __repr__(self) -> str:
        return f"Source({self.name!r}, {len(self.text)} characters)"

    def _line_starts(self) -> list[int]:
        if self._starts is None:
            self._starts = [0, *(found.end() for found in re.finditer("\n", self.text))]
        return self._starts

    def position(self, offset: int) -> tuple[int, int]:
        """Line and column of an offset, both from 1."""
        starts = self._line_starts()
        offset = max(0, min(offset, len(self.text)))
        number = bisect_right(starts, offset)
        return number, offset - starts[number - 1] + 1

    def place(self, offset: int) -> str:
        """`resnet.yaml:24:10`, for use within a sentence."""
        number, column = self.position(offset)
        return f"{self.name.rpartition('/')[2]}:{number}:{column}"

    def line(self, number: int) -> str:
        """The text of a line, counted from 1, without its end."""
        starts = self._line_starts()
        end = starts[number] - 1 if number < len(starts) else len(self.text)
        return self.text[starts[number - 1] : end]

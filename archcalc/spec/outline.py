"""A file that is known to be good in outline: modules and variants that nobody asks for are not read by YAML.

Keys are told by how their lines begin, as in the files that come with archcalc; a section that is written in another
way is read as a whole.
"""

from __future__ import annotations

from collections.abc import Iterator
from itertools import pairwise

from archcalc.named import NamedTuple
from archcalc.source import Source, Span

IN_PARTS = ("variants", "modules")
_NO_KEYS = "'\"?[{&*!|>%@`-"  # a line that begins so is no plain key


class Part(NamedTuple):
    """An entry of a section: its key, and where it stands."""

    key: str
    start: int
    end: int

    @property
    def span(self) -> Span:
        """Where the key stands."""
        return Span(self.start, self.start + len(self.key))


class Outline(NamedTuple):
    """Where the text stands that is read at once, and the parts of the other sections."""

    whole: list[Span]
    sections: dict[str, list[Part]]


def outline_of(source: Source) -> Outline:
    """Which parts of a file may wait."""
    text = source.text
    whole: list[Span] = []
    sections: dict[str, list[Part]] = {}
    begin = 0  # of what is read at once
    at = 0
    head, start, keys = "", 0, [("", 0)]  # of the section: its name, where it begins, and its keys with their places
    waits = False  # whether it is one in parts, so far
    for line in [*text.split("\n"), "end"]:  # without patterns: to compile one takes longer than to read a file
        if line and line[0] not in " #":
            if waits and keys:
                ends = [*[place for _, place in keys[1:]], at]
                sections[head] = [Part(key, place, end) for (key, place), end in zip(keys, ends, strict=True)]
                whole.append(Span(begin, start))
                begin = at
            head, _, rest = line.partition(":")
            waits = head in IN_PARTS and not rest.partition("#")[0].strip()
            start, keys = at, []
        elif waits and line[2:3].strip(" #"):
            key, colon, rest = line[2:].partition(":")
            waits = line[:2] == "  " and key[0] not in _NO_KEYS and bool(colon) and rest[:1] in ("", " ")
            keys.append((key, at + 2))
        at += len(line) + 1
    whole.append(Span(begin, len(text)))
    return Outline([span for span in whole if span.end > span.start], sections)


def names_set(source: Source, part: Part) -> Iterator[tuple[str, Span]] | None:
    """Variables that a variant sets, where it is written in braces; None: it is not."""
    begin = part.start + len(part.key) + 1
    written = source.text[begin : part.end]
    return _names(written, begin) if written.lstrip().startswith("{") else None


def _names(written: str, begin: int) -> Iterator[tuple[str, Span]]:
    pieces = written.split(":")
    for piece, following in pairwise(pieces):
        name = piece[max(piece.rfind("{"), piece.rfind(",")) + 1 :].strip()
        end = begin + len(piece)
        if name.isidentifier() and following[:1].isspace():
            yield name, Span(end - len(name), end)
        begin = end + 1

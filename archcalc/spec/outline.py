"""A file that is known to be good in outline: modules and variants that nobody asks for are not read by YAML.

Of its lines it is told where they begin, by patterns that hold for the files that come with archcalc; a section that is
written in another way is read as a whole.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from archcalc.named import NamedTuple
from archcalc.source import Source, Span

IN_PARTS = ("variants", "modules")
# Each begins with what is looked for as a word, which takes a tenth of the time of `^`.
_SECTION = re.compile(r"\n([a-z]+):(?: *(?:#.*)?(?=\n))?")
_LINE = re.compile(r"\n  (?! |#|\n)(?:([^'\"?\[{&*!|>%@`\n-][^:\n]*):(?=[ \n]))?")
_SETTING = re.compile(r"[{,]\s*(\w+):(?=\s)")


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
    heads = [*_SECTION.finditer(text)]  # but the first, which is no section in parts where the file begins with it
    ends = [*[head.start(1) for head in heads[1:]], len(text)]
    whole: list[Span] = []
    sections: dict[str, list[Part]] = {}
    begin = 0
    for head, end in zip(heads, ends, strict=True):
        if head[1] not in IN_PARTS or not text.startswith("\n", head.end()):
            continue
        lines = [*_LINE.finditer(text, head.end(), end - 1)]
        if not all(line[1] for line in lines):
            continue
        starts = [line.start(1) for line in lines]
        sections[head[1]] = [
            Part(line[1], *place) for line, *place in zip(lines, starts, [*starts[1:], end], strict=True)
        ]
        whole.append(Span(begin, head.start(1)))
        begin = end
    whole.append(Span(begin, len(text)))
    return Outline([span for span in whole if span.end > span.start], sections)


def names_set(source: Source, part: Part) -> Iterator[tuple[str, Span]] | None:
    """Variables that a variant sets, where it is written in braces; None: it is not."""
    text = source.text
    begin = part.start + len(part.key) + 1
    if not text[begin : part.end].lstrip().startswith("{"):
        return None
    return ((found[1], Span(*found.span(1))) for found in _SETTING.finditer(text, begin, part.end))

"""A diagnostic is a code, a sentence and a place; here it is shown to people, to programs and to GitHub."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Literal, overload

from archcalc.named import NamedTuple
from archcalc.source.visible import visible

if TYPE_CHECKING:
    from collections.abc import Iterable

    from archcalc.source.text import Source, Span

WIDTH = 110
"""No line of an excerpt is wider than this [columns]."""
NARROWEST = 30

_UNPRINTABLE = r"[\x00-\x1f\x7f-\x9f\u200b-\u200f\u2028-\u202e\u2060-\u2069\ud800-\udfff\ufeff]"


class Note(NamedTuple):
    """A remark on a diagnostic; its place, if it has one, follows in parentheses."""

    text: str
    span: Span | None = None


class Diagnostic(NamedTuple):
    """One finding: a lasting code, a sentence, a place; help says what to write instead.

    An `error` has no result; a `warning` has one that was probably not meant; a `note` says what is easily missed.
    """

    code: str
    message: str
    span: Span | None = None
    source: Source | None = None
    help: str | None = None
    notes: tuple[str | Note, ...] = ()
    severity: Literal["error", "warning", "note"] = "error"

    def _edge(self, end: bool) -> tuple[int | None, int | None]:
        if self.source is None or self.span is None:
            return None, None
        return self.source.position(self.span.end if end else self.span.start)

    @property
    def line(self) -> int | None:
        """Line of the first character, from 1."""
        return self._edge(end=False)[0]

    @property
    def column(self) -> int | None:
        """Column of the first character, from 1."""
        return self._edge(end=False)[1]

    @property
    def end_line(self) -> int | None:
        """Line of the first character after the span."""
        return self._edge(end=True)[0]

    @property
    def end_column(self) -> int | None:
        """Column of the first character after the span."""
        return self._edge(end=True)[1]

    def overlaps(self, other: Diagnostic) -> bool:
        """Whether both are of one place of a file, or one is within the other."""
        one, of = self.span, other.span
        if one is None or of is None or self.source is not other.source:
            return False
        return one.start < of.end and of.start < one.end

    def note_texts(self) -> list[str]:
        """The notes as sentences, each with its place."""
        return [
            f"{note.text} ({self.source.place(note.span.start)})" if note.span and self.source else note.text
            for note in (note if isinstance(note, Note) else Note(note) for note in self.notes)
        ]


class SpecError(Exception):
    """What is wrong with a spec: one diagnostic or more, in the order of their places."""

    diagnostics: tuple[Diagnostic, ...]

    def __init__(self, diagnostics: Iterable[Diagnostic]) -> None:
        self.diagnostics = tuple(sort_diagnostics(diagnostics))
        super().__init__(self.diagnostics)

    def __str__(self) -> str:
        return render_text(self.diagnostics)


def sort_diagnostics(diagnostics: Iterable[Diagnostic]) -> list[Diagnostic]:
    """By file, then by place; those that concern a file as a whole come first."""
    return sorted(diagnostics, key=lambda d: (d.source.name if d.source else "", d.span or (-1, -1), d.code))


def unique(diagnostics: Iterable[Diagnostic]) -> list[Diagnostic]:
    """The same finding once: one code and sentence at one place, whatever way led there."""
    found: dict[tuple[object, ...], Diagnostic] = {}
    for diagnostic in diagnostics:
        source = diagnostic.source.name if diagnostic.source else ""
        found.setdefault((diagnostic.code, diagnostic.message, source, diagnostic.span), diagnostic)
    return list(found.values())


def render_text(diagnostics: Iterable[Diagnostic], width: int | None = None) -> str:
    """For people: the sentence, the place, the line with carets under the words meant, notes and help.

    All is wrapped, and lines of the file are cut, at a width [columns], without which sentences stay whole.
    """
    width = width and max(width, NARROWEST)
    return "\n\n".join("\n".join(_render(diagnostic, width)) for diagnostic in diagnostics)


def _render(diagnostic: Diagnostic, width: int | None) -> Iterable[str]:
    source, span, number = diagnostic.source, diagnostic.span, diagnostic.line
    gutter = " " * len(str(number or 0))
    yield from _sentence(f"{diagnostic.severity}[{diagnostic.code}]: ", diagnostic.message, width, "  ")
    if source is not None and (span is None or number is None):
        yield f"{gutter}--> {_printable(source.name)}"
    elif source is not None and span is not None and number is not None:
        column = source.position(span.start)[1]
        yield f"{gutter}--> {_printable(source.name)}:{number}:{column}"
        text, left, right = _excerpt(
            source.line(number),
            column - 1,
            column - 1 + span.end - span.start,
            min(width or WIDTH, WIDTH) - len(gutter) - 3,
        )
        yield f"{gutter} |"
        yield f"{number} | {text}"
        yield f"{gutter} | {' ' * _width(text[:left])}{'^' * max(1, _width(text[left:right]))}"
    remarks = [("note", note) for note in diagnostic.note_texts()]
    if diagnostic.help:
        remarks.append(("help", diagnostic.help))
    for kind, remark in remarks:
        head, *more = remark.splitlines() or [""]
        below = f"{gutter}   {' ' * len(kind)}  "
        yield from _sentence(f"{gutter} = {kind}: ", head, width, below)
        for line in more:
            yield from _sentence(below, line, width, below)


def _sentence(before: str, text: str, width: int | None, below: str) -> Iterable[str]:
    """What stands before a sentence and the sentence, in lines of a width; later ones have a margin instead."""
    whole = before + _printable(text)
    if width is None or _width(whole) <= width:
        return [whole]
    from textwrap import wrap

    return wrap(whole, width, subsequent_indent=below, break_long_words=False, break_on_hyphens=False)


def _excerpt(line: str, left: int, right: int, room: int) -> tuple[str, int, int]:
    """The line, cut down around the span to what there is room for, and the span in it."""
    first = max(0, min(left - room // 3, len(line) - room))
    shown = line[first : first + room]
    if first:
        shown = f"...{shown[3:]}"
    if first + room < len(line):
        shown = f"{shown[:-3]}..."
    return _printable(shown), left - first, min(right - first, len(shown))


def _printable(text: str) -> str:
    """One line that a terminal shows as it stands: a character for each of the text's."""
    return re.sub(_UNPRINTABLE, "\N{REPLACEMENT CHARACTER}", text.replace("\t", " ").replace("\n", " "))


def _width(text: str) -> int:
    if text.isascii():
        return len(text)
    from unicodedata import combining, east_asian_width

    return sum(0 if combining(c) else 2 if east_asian_width(c) in "WF" else 1 for c in text)


def to_json(diagnostics: Iterable[Diagnostic]) -> str:
    """For programs: a list of objects; lines and columns count from 1, and the end is exclusive."""
    import json

    return json.dumps(
        [
            {
                "severity": d.severity,
                "code": d.code,
                "message": d.message,
                "file": d.source.name if d.source else None,
                "line": d.line,
                "column": d.column,
                "end_line": d.end_line,
                "end_column": d.end_column,
                "help": d.help,
                "notes": d.note_texts(),
            }
            for d in diagnostics
        ],
        indent=2,
    )


def to_github(diagnostics: Iterable[Diagnostic]) -> str:
    """For GitHub Actions: one `::error`, `::warning` or `::notice` command a line, shown beside the changed file."""
    return "\n".join(map(_command, diagnostics))


def _command(diagnostic: Diagnostic) -> str:
    properties = {
        "file": diagnostic.source.name if diagnostic.source else None,
        "line": diagnostic.line,
        "col": diagnostic.column,
        "endLine": diagnostic.end_line,
        "endColumn": diagnostic.end_column,
        "title": diagnostic.code,
    }
    # As in actions/toolkit, packages/core/src/command.ts: `:` and `,` end a property, not a message.
    given = ",".join(
        f"{name}={_escaped(str(value)).replace(':', '%3A').replace(',', '%2C')}"
        for name, value in properties.items()
        if value is not None
    )
    remarks = [diagnostic.message, *(f"note: {note}" for note in diagnostic.note_texts())]
    if diagnostic.help:
        remarks.append(f"help: {diagnostic.help}")
    message = _escaped("\n".join(remarks))
    kind = "notice" if diagnostic.severity == "note" else diagnostic.severity
    return f"::{kind} {given}::{message}"


def _escaped(text: str) -> str:
    """Ends of lines as GitHub reads them, every other control character as `visible` writes it."""
    lines = re.sub(r"[^\r\n]+", lambda line: visible(line[0]), text)
    return lines.replace("%", "%25").replace("\r", "%0D").replace("\n", "%0A")


def suggest(word: str, candidates: Iterable[str]) -> str | None:
    """The candidate that was probably meant, or None if none is near; case and `-` or `_` do not matter."""
    return next(iter(suggest_many(word, candidates, n=1)), None)


@overload
def suggestion(word: str, candidates: Iterable[str], otherwise: str, most: int = 1) -> str: ...


@overload
def suggestion(word: str, candidates: Iterable[str], otherwise: None = None, most: int = 1) -> str | None: ...


def suggestion(word: str, candidates: Iterable[str], otherwise: str | None = None, most: int = 1) -> str | None:
    """Help for a word that is none: the candidates that were probably meant, or what else there is to say."""
    near = suggest_many(word, candidates, most)
    return f"did you mean {', '.join(f'`{name}`' for name in near)}?" if near else otherwise


def suggest_many(word: str, candidates: Iterable[str], n: int = 3) -> list[str]:
    """Up to `n` candidates near to the word, the nearest first."""
    if len(word) > 80:  # nobody's slip, and the comparison takes time with the square of the length
        return []
    from difflib import get_close_matches

    def plain(name: str) -> str:
        return name.casefold().replace("-", "_")

    names: dict[str, str] = {}
    for candidate in candidates:
        names.setdefault(plain(candidate), candidate)
    return [names[near] for near in get_close_matches(plain(word), names, n)]

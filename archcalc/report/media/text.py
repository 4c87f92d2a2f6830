"""A document as lines of plain text, each a list of stretches with the name of a style."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from textwrap import wrap
from typing import Literal

from archcalc.report.media.blocks import (
    CONVENIENCE,
    Bar,
    Block,
    Cell,
    Column,
    Document,
    Heading,
    Items,
    Paragraph,
    Section,
    Table,
    Total,
    Verbatim,
    printable,
)

Style = Literal["", "bold", "dim", "bar"]
Line = list[tuple[str, Style]]

GAP = 2  # columns between two columns
PROSE = 100  # prose is not wider
NARROWEST_BAR, BAR, WIDEST_BAR = 6, 16, 40
_EIGHTHS = " ▏▎▍▌▋▊▉█"
_ASCII = str.maketrans(
    {**dict.fromkeys(_EIGHTHS[4:], "#"), **dict.fromkeys(_EIGHTHS[1:4], " ")}
    | {"…": ".", "─": "-", "≥": ">", "≤": "<", "≠": "!", "≈": "~", "×": "x"}
)


def lines(document: Document, width: int | None = None) -> list[Line]:
    """Lines of a document, no longer than `width` where tables have columns to spare; None: nothing is left out."""
    found: list[Line] = []
    dropped: list[str] = []
    for block in printable(document):
        if found and not _follows(block):
            found.append([])
        found.extend(_lines(block, width, dropped))
    if dropped:
        names = ", ".join(dict.fromkeys(dropped))
        text = f"left out at {width} columns: {names} (a wider window or --format csv has all)"
        found.extend([(line, "dim")] for line in wrap(text, min(width or PROSE, PROSE)))
    return found


def plain(document: Document, width: int | None = None) -> str:
    """The same as one text."""
    return "".join("".join(text for text, _ in line).rstrip() + "\n" for line in lines(document, width))


def ascii_only(text: str) -> str:
    """For a stream that cannot show more: bars of `#`."""
    return text.translate(_ASCII)


def shorten(text: str, width: int) -> str:
    """Cut the middle out: of the longest parts of a dotted name first, for names differ by digits at ends of parts."""
    if len(text) <= width:
        return text
    whole = text.split(".")
    parts = list(whole)
    for least in (4, 3) if len(parts) > 1 else ():  # `b…_3`, and `…_3` where that is not enough
        while len(text) > width:
            long = [index for index, part in enumerate(parts) if len(part) > least and len(whole[index]) > 4]
            if not long:
                break
            longest = max(long, key=lambda index: (len(parts[index]), -index))
            kept = max(least, len(parts[longest]) - (len(text) - width))
            parts[longest] = f"{whole[longest][: kept - 3]}…{whole[longest][-2:]}"
            text = ".".join(parts)
    if len(text) <= width:
        return text
    right = width // 2
    return f"{text[: width - right - 1].rstrip('…')}…{text[len(text) - right :].lstrip('…')}"


def _follows(block: Block) -> bool:
    """Whether a block belongs to the one above it, with no empty line between."""
    return isinstance(block, Paragraph) and block.quiet


def _lines(block: Block, width: int | None, dropped: list[str]) -> Iterator[Line]:
    room = min(width or PROSE, PROSE)
    match block:
        case Heading():
            for line in wrap(block.text, width or len(block.text) or 1, break_long_words=False, break_on_hyphens=False):
                yield [(line, "bold")]
        case Paragraph():
            for line in wrap(block.text, room, break_long_words=False, break_on_hyphens=False):
                yield [(line, "dim" if block.quiet else "")]
        case Verbatim():
            for line in block.text.splitlines():
                yield [(line, "")]
        case Items():
            for item in block.lines:
                for number, line in enumerate(wrap(item, room - 2, break_long_words=False, break_on_hyphens=False)):
                    yield [("- " if number == 0 else "  ", ""), (line, "")]
        case Table():
            yield from _table(block, width, dropped)


def _table(table: Table, width: int | None, dropped: list[str]) -> Iterator[Line]:
    table = settled(table, width, dropped)
    columns = table.columns
    rows = [_cells(row) for row in table.rows]
    kept, widths = fit(columns, [cells for cells in rows if cells is not None], width)
    dropped.extend(columns[index].title for index in range(len(columns)) if index not in kept and columns[index].title)
    if any(columns[index].title for index in kept):
        titles = [_title_lines(column.title, width) for column, width in zip(columns, widths, strict=True)]
        height = max(len(titles[index]) for index in kept)
        for number in range(height):
            line_of = [[""] * (height - len(title)) + title for title in titles]
            yield [(_row([title[number] for title in line_of], columns, kept, widths).rstrip(), "bold")]
        yield [("─" * (sum(widths[index] for index in kept) + GAP * (len(kept) - 1)), "dim")]
    for row, cells in zip(table.rows, rows, strict=True):
        if isinstance(row, Section):
            yield [(row.text, "bold")]
            continue
        assert cells is not None
        if isinstance(row, Total):
            yield [("─" * (sum(widths[index] for index in kept) + GAP * (len(kept) - 1)), "dim")]
        for part in _wrapped(cells, columns, widths):
            line: Line = []
            for place, index in enumerate(kept):
                cell, width = part[index], widths[index]
                gap = " " * GAP if place else ""
                if isinstance(cell, Bar):
                    line.extend([(gap, ""), (f"{drawn(cell, width):<{width}}", "bar")])
                else:
                    line.append((gap + _aligned(_cut(cell, columns[index], width), columns[index], width), ""))
            yield line


def _wrapped(cells: Sequence[Cell], columns: list[Column], widths: list[int]) -> Iterator[Sequence[Cell]]:
    """The lines of a row: one, unless a cell is wrapped."""
    rest = list(cells)
    while True:
        first: list[Cell] = []
        more: list[Cell] = []
        for cell, column, width in zip(rest, columns, widths, strict=True):
            if isinstance(cell, str) and len(cell) > width > 0 and (head := _head(cell, column, width)):
                first.append(head.rstrip())
                more.append(cell[len(head) :].lstrip())
            else:
                first.append(cell)
                more.append("")
        yield first
        if not any(more):
            return
        rest = more


def _head(text: str, column: Column, width: int) -> str:
    """What of a cell that is too long stands in its first line; nothing: it has one line, and is shortened."""
    if column.cut == "terms":
        return _terms(text, width)
    if column.cut == "wrap":
        return _filled(text, width)
    before, arrow, _ = text.partition("-> ")
    return before if arrow and column.cut == "middle" else ""  # each name of what was renamed has a line


def _filled(text: str, width: int) -> str:
    """As much of a text as fits: words, factors of a product, or parts of a name that is longer than the column."""
    chunks = re.split(r"(?<=[ *])(?![*≠])", text)
    head = chunks[0]
    for chunk in chunks[1:]:
        if len((head + chunk).rstrip()) > width:
            break
        head += chunk
    if len(head.rstrip()) <= width:
        return head
    parts = (max(text.rfind(mark, 0, width) for mark in marks) + 1 for marks in ("./", "_@-"))
    return text[: next(filter(None, parts), width)]


def _terms(text: str, width: int) -> str:
    """As many terms of a sum as fit; where not even one does, as much of it."""
    ends = [found.start() for found in re.finditer(r" [+-] ", text[: width + 3]) if found.start()]
    whole = [end for end in ends if text.count("(", 0, end) == text.count(")", 0, end)]
    return text[: max(whole or ends)] if ends else _filled(text, width)


def _cut(text: str, column: Column, width: int) -> str:
    if len(text) <= width or column.cut == "middle":
        return shorten(text, width)
    return f"{text[: width - 1]}…" if column.cut == "end" else text


def _title_lines(title: str, width: int) -> list[str]:
    """A title, in two lines where it has two parts and does not fit in one: resnet50 and @torchvision."""
    if len(title) <= width:
        return [title]
    parts = [part for part in re.split(r"(?=@)| ", title, maxsplit=1) if part]
    return [shorten(part, width) for part in parts]


def _row(cells: Sequence[str], columns: list[Column], kept: list[int], widths: list[int]) -> str:
    return (" " * GAP).join(_aligned(cells[index], columns[index], widths[index]) for index in kept)


def _aligned(text: str, column: Column, width: int) -> str:
    return f"{text:>{width}}" if column.align == "right" else f"{text:<{width}}"


def _cells(row: Sequence[Cell] | Section | Total) -> Sequence[Cell] | None:
    if isinstance(row, Section):
        return None
    return row.cells if isinstance(row, Total) else row


def settled(table: Table, width: int | None, dropped: list[str]) -> Table:
    """A table one of whose columns holds what those held that there is no room for, without these."""
    gone: frozenset[str] = frozenset()
    shown = table
    while table.without is not None:
        rows = [cells for cells in map(_cells, shown.rows) if cells is not None]
        kept, _ = fit(shown.columns, rows, width)
        going = [column.title for index, column in enumerate(shown.columns) if index not in kept]
        if not going:
            break
        dropped.extend(going)
        gone |= frozenset(going)
        shown = table.without(gone)
    return shown


def fit(columns: list[Column], rows: list[Sequence[Cell]], width: int | None) -> tuple[list[int], list[int]]:
    """Which columns are shown, and how wide each is."""
    natural = [
        BAR
        if column.is_bar
        else max([len(column.title), *(len(row[index]) for row in rows if isinstance(row[index], str))])
        for index, column in enumerate(columns)
    ]
    least = [
        NARROWEST_BAR if column.is_bar else min(size, column.least or size)
        for column, size in zip(columns, natural, strict=True)
    ]
    kept = list(range(len(columns)))
    if width is None:
        return kept, natural

    def needed(sizes: list[int]) -> int:
        return sum(sizes[index] for index in kept) + GAP * (len(kept) - 1)

    def drop(at_least: int, sizes: list[int]) -> None:
        while needed(sizes) > width:
            going = columns[max(kept, key=lambda index: columns[index].drop)]
            if going.drop < at_least:
                return
            alike = (going.drop, going.title)  # the same of another network goes too
            kept[:] = [index for index in kept if (columns[index].drop, columns[index].title) != alike]

    without_bars = [low if column.is_bar else size for column, size, low in zip(columns, natural, least, strict=True)]
    drop(CONVENIENCE, without_bars)
    drop(1, least)
    widths = list(least)
    spare = width - needed(widths)
    # What is left goes to shortened columns first, evenly, then to the bars.
    short = [index for index in kept if not columns[index].is_bar and widths[index] < natural[index]]
    while spare > 0 and short:
        for index in short:
            if spare > 0:
                widths[index] += 1
                spare -= 1
        short = [index for index in short if widths[index] < natural[index]]
    bars = [index for index in kept if columns[index].is_bar]
    for index in bars:
        widths[index] = min(WIDEST_BAR, widths[index] + max(0, spare) // len(bars))
    return kept, widths


def drawn(bar: Bar, width: int) -> str:
    """A bar in eighths of a character; what is there at all is seen."""
    if bar.whole <= 0 or bar.part <= 0:
        return ""
    eighths = max(1, min(8 * width, (2 * 8 * width * bar.part + bar.whole) // (2 * bar.whole)))
    return "█" * (eighths // 8) + _EIGHTHS[eighths % 8].strip()

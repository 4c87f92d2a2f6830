"""What a report consists of, before anybody has chosen how it looks: headings, paragraphs, tables."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Literal

from archcalc.named import NamedTuple
from archcalc.source import visible


class Bar(NamedTuple):
    """A cell drawn as long as its part of the whole."""

    part: int
    whole: int


Cell = str | Bar


class Column(NamedTuple):
    """A column of a table, and what may happen to it where there is no room for all.

    First, columns with `drop` of `CONVENIENCE` or more go, the highest first; then cells are shortened, not below
    `least` characters; then other columns with a `drop` go. The rest stays.
    """

    title: str
    align: Literal["left", "right"] = "left"
    drop: int = 0  # 0: never
    least: int = 0  # 0: never shortened
    is_bar: bool = False
    is_markdown: bool = False  # its cells are Markdown of our own: links
    cut: Literal["middle", "end", "wrap", "terms"] = "middle"  # how cells are shortened; terms: wrapped between them


CONVENIENCE = 10


class Section(NamedTuple):
    """A line of its own between the rows of a table."""

    text: str


class Total(NamedTuple):
    """A row apart from those above it: their sum."""

    cells: Sequence[Cell]


class Table:
    """Rows under named columns.

    Where a column holds what others that had to go held, `without` makes the table anew, without columns of these
    titles.
    """

    __slots__ = ("columns", "rows", "without")

    def __init__(
        self,
        columns: list[Column],
        rows: list[Sequence[Cell] | Section | Total] | None = None,
        without: Callable[[frozenset[str]], Table] | None = None,
    ) -> None:
        self.columns = columns
        self.rows = [] if rows is None else rows
        self.without = without


class Heading(NamedTuple):
    """A line that says what follows."""

    text: str
    level: int = 2


class Paragraph(NamedTuple):
    """Prose, wrapped to the width."""

    text: str
    quiet: bool = False  # a footer


class Verbatim(NamedTuple):
    """Lines that stay as they are."""

    text: str


class Items(NamedTuple):
    """Short lines, one below the other."""

    lines: Sequence[str]
    is_plain: bool = False  # nothing in them is meant as Markdown


def printable(document: Document) -> Document:
    """The same without control characters in what may be somebody else's text: cells, titles, lines."""
    return [_printable(block) for block in document]


def _printable(block: Block) -> Block:
    match block:
        case Heading() | Paragraph():
            return block._replace(text=visible(block.text))
        case Items():
            return block._replace(lines=[visible(line) for line in block.lines])
        case Verbatim():
            lines = ["\t".join(map(visible, line.split("\t"))) for line in block.text.split("\n")]
            return Verbatim("\n".join(lines))
        case Table():
            columns = [column._replace(title=visible(column.title)) for column in block.columns]
            without = block.without
            made = None if without is None else lambda gone: _printable_table(without(gone))
            return Table(columns, [_printable_row(row) for row in block.rows], made)


def _printable_table(table: Table) -> Table:
    made = _printable(table)
    assert isinstance(made, Table)
    return made


def _printable_row(row: Sequence[Cell] | Section | Total) -> Sequence[Cell] | Section | Total:
    if isinstance(row, Section):
        return Section(visible(row.text))
    if isinstance(row, Total):
        return Total([_printable_cell(cell) for cell in row.cells])
    return [_printable_cell(cell) for cell in row]


def _printable_cell(cell: Cell) -> Cell:
    return visible(cell) if isinstance(cell, str) else cell


Block = Table | Heading | Paragraph | Verbatim | Items
Document = list[Block]


def number(title: str, drop: int = 0, least: int = 0) -> Column:
    """A column of numbers."""
    return Column(title, "right", drop, least)


def bar(drop: int = 20) -> Column:
    """A column of bars, the first to go."""
    return Column("", "left", drop, is_bar=True)

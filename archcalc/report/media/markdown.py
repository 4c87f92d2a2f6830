"""A document as Markdown; bars are left out, for their numbers stand beside them."""

from __future__ import annotations

import re
from collections.abc import Iterator

from archcalc.report.media.blocks import (
    Block,
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

_LINK = re.compile(r"\[(?=[^\[\]]*\]\s?[(\[:])")  # of a link or an image, or what one refers to


def markdown(document: Document) -> str:
    """The whole text."""
    return "\n\n".join("\n".join(_block(block)) for block in printable(document)) + "\n"


def _block(block: Block) -> Iterator[str]:
    match block:
        case Heading():
            yield f"{'#' * block.level} {escaped(block.text)}"
        case Paragraph():
            yield block.text
        case Verbatim():
            yield from ("```", block.text.rstrip("\n"), "```")
        case Items():
            yield from (f"- {escaped(line) if block.is_plain else line}" for line in block.lines)
        case Table():
            yield from _table(block)


def _table(table: Table) -> Iterator[str]:
    kept = [index for index, column in enumerate(table.columns) if not column.is_bar]
    yield _row([escaped(table.columns[index].title) for index in kept])
    yield _row(["---:" if table.columns[index].align == "right" else "---" for index in kept])
    for row in table.rows:
        if isinstance(row, Section):
            yield _row([f"**{escaped(row.text)}**", *[""] * (len(kept) - 1)])
            continue
        is_total = isinstance(row, Total)
        cells = [str((row.cells if isinstance(row, Total) else row)[index]) for index in kept]
        cells = [
            cell if table.columns[index].is_markdown else escaped(cell) for index, cell in zip(kept, cells, strict=True)
        ]
        yield _row([f"**{cell}**" if is_total and cell else cell for cell in cells])


def _row(cells: list[str]) -> str:
    return f"| {' | '.join(cells)} |"


def escaped(text: str) -> str:
    """Text that Markdown would read as something else."""
    plain = text.replace("\\", "\\\\").replace("|", "\\|").replace("*", "\\*").replace("<", "&lt;")
    return _LINK.sub(r"\\[", plain)

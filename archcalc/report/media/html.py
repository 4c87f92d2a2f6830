"""A document as HTML: a part of a page, with tables that the page sorts and filters."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from html import escape

from archcalc.report.media.blocks import (
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

_NOTEBOOK = {
    "scroll": "overflow-x: auto",
    "number": "text-align: right",
    "quiet": "opacity: 0.8",
    "hidden": "display: none",
    "bar": "display: inline-block; width: 8em; height: 0.7em; background: #8884",
}


def html(document: Document, deeper: int = 0) -> str:
    """The whole text.

    Args:
        document: what is written.
        deeper: levels that its headings stand below those of the document alone.
    """
    lines: list[str] = []
    label = ""  # of a table: the heading above it, and which one it is below that
    tables = 0
    for block in printable(document):
        if isinstance(block, Heading):
            label, tables = block.text, 0
        tables += isinstance(block, Table)
        lines += _block(block, deeper, f"{label}, table {tables}" if label else f"table {tables}")
    return "".join(f"{line}\n" for line in lines)


def notebook_html(document: Document) -> str:
    """The whole text for a notebook, which has styles of its own for tables: bars and alignment beside them."""
    text = html(document, deeper=2)
    for name, style in _NOTEBOOK.items():
        text = text.replace(f'class="{name}"', f'style="{style}"')
    text = text.replace('<th scope="row">', '<th scope="row" style="text-align: left">')
    text = text.replace('<i style="', '<i style="display: block; height: 100%; background: #74aede; ')
    return text.replace(' tabindex="0" role="region"', "")


def coded(text: str) -> str:
    """Text as HTML, with `code` for what stands between backticks."""
    return re.sub(r"`([^`\n]+)`", r"<code>\1</code>", escape(text))


def _block(block: Block, deeper: int, label: str) -> Iterator[str]:
    match block:
        case Heading():
            level = min(block.level + deeper, 6)
            yield f"<h{level}>{escape(block.text)}</h{level}>"
        case Paragraph():
            quiet = ' class="quiet"' if block.quiet else ""
            yield f"<p{quiet}>{coded(block.text)}</p>"
        case Verbatim():
            yield f'<pre class="scroll" tabindex="0">{escape(block.text)}</pre>'
        case Items():
            yield "<ul>"
            yield from (f"<li>{coded(line)}</li>" for line in block.lines)
            yield "</ul>"
        case Table():
            yield from table_html(block, label)


def table_html(table: Table, label: str) -> Iterator[str]:
    """A table of class `rows`, in a box that scrolls sideways where it has to."""
    yield f'<div class="scroll" tabindex="0" role="region" aria-label="{escape(label)}"><table class="rows"><thead><tr>'
    yield "".join(f'<th scope="col"{_aligned(column)}>{_title(column)}</th>' for column in table.columns)
    yield "</tr></thead><tbody>"
    totals = []
    for row in table.rows:
        if isinstance(row, Section):
            yield f'<tr class="section"><th colspan="{len(table.columns)}">{escape(row.text)}</th></tr>'
        elif isinstance(row, Total):
            totals.append(_row(table.columns, row.cells))
        else:
            yield _row(table.columns, row)
    yield "</tbody>" + (f"<tfoot>{''.join(totals)}</tfoot>" if totals else "") + "</table></div>"


def _title(column: Column) -> str:
    return '<span class="hidden">part</span>' if column.is_bar or not column.title else escape(column.title)


def _row(columns: Sequence[Column], cells: Sequence[Cell]) -> str:
    made = [_cell(column, cell, number) for number, (column, cell) in enumerate(zip(columns, cells, strict=True))]
    return f"<tr>{''.join(made)}</tr>"


def _cell(column: Column, cell: Cell, number: int) -> str:
    if isinstance(cell, Bar):
        part = 100 * cell.part / cell.whole if cell.whole else 0.0
        return f'<td><span class="bar" aria-hidden="true"><i style="width:{part:.2f}%"></i></span></td>'
    if not number:
        return f'<th scope="row">{escape(cell)}</th>'
    return f"<td{_aligned(column)}>{coded(cell)}</td>"


def _aligned(column: Column) -> str:
    return ' class="number"' if column.align == "right" else ""

r"""A document's tables as LaTeX, to be put into a paper: booktabs, with captions and labels.

What stands above a table is its caption, what stands below it a note under it; what the document ends with, as the
assumptions, holds for all tables and stands under each. Bars are left out, for their numbers stand beside them. As on
a terminal, columns go and long notations are cut where there is no room for all, and a comment says which. Tables of
more rows than fit on a page are a `longtable`.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import NamedTuple

from archcalc.report.media.blocks import (
    Cell,
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
from archcalc.report.media.text import fit, settled

ROWS_ON_A_PAGE = 45
WIDTH = 80  # characters of footnotes that fill a line of an article
CAPTION = "What networks cost"  # where nothing stands above a table

# Marks that stand for themselves in LaTeX only so. A bracket or star after `\\` would be its argument.
_ESCAPES = {
    "\\": r"\textbackslash{}",
    "{": r"\{",
    "}": r"\}",
    "$": r"\$",
    "&": r"\&",
    "#": r"\#",
    "%": r"\%",
    "_": r"\_",
    "~": r"\textasciitilde{}",
    "^": r"\textasciicircum{}",
    "<": r"\textless{}",
    ">": r"\textgreater{}",
    "|": r"\textbar{}",
    '"': r"{''}",
    "`": r"\textasciigrave{}",
    "[": "{[}",
    "]": "{]}",
    "*": "{*}",
    "…": r"\ldots{}",
    "×": r"$\times$",
    "→": r"$\rightarrow$",
    "≥": r"$\geq$",
    "≤": r"$\leq$",
    "≠": r"$\neq$",
    "≈": r"$\approx$",
    "±": r"$\pm$",
    "µ": r"$\mu$",
    "²": r"$^2$",
    "³": r"$^3$",
    "√": r"$\surd$",
    "∞": r"$\infty$",
    "–": "--",
    "—": "---",
    "\u2019": "'",
    "\u00a0": "~",
}


class _Fitted(NamedTuple):
    """A table that fits, and how its columns are aligned."""

    table: Table
    alignment: str


@dataclass(slots=True)
class _Float:
    """Tables under one caption."""

    caption: str = ""
    notes: list[str] = field(default_factory=list)
    tables: list[Table] = field(default_factory=list)


def latex(document: Document, width: int = WIDTH) -> str:
    """The tables, each with a caption and a label of its own, of so many characters a line.

    Raises:
        ValueError: there is no table.
    """
    floats = _floats(printable(document))
    if not floats:
        raise ValueError("there is no table")
    dropped: list[str] = []
    labels: dict[str, int] = {}
    is_long = any(_is_long(found.tables) for found in floats)
    packages = "booktabs and longtable" if is_long else "booktabs"
    parts = [f"% needs the package{'s' if is_long else ''} {packages}"]
    for found in floats:
        label = _label(found.caption or CAPTION)
        labels[label] = labels.get(label, 0) + 1
        fitted = [_fitted(table, width, dropped) for table in found.tables]
        parts.append(_float(found, fitted, label if labels[label] == 1 else f"{label}-{labels[label]}"))
    if dropped:
        names = ", ".join(dict.fromkeys(dropped))
        more = "COLUMNS=120 in the environment makes room for more on stdout"
        parts[0] += f"\n% left out at {width} characters: {names} ({more})"
    return "\n\n".join(parts) + "\n"


def _fitted(table: Table, width: int, dropped: list[str]) -> _Fitted:
    """A table without bars and what there is no room for; prose goes over several lines."""
    table = settled(table, width, dropped)
    shown = [index for index, column in enumerate(table.columns) if not column.is_bar]
    columns = [table.columns[index] for index in shown]
    rows = [row if isinstance(row, Section) else [str(_cells(row)[index]) for index in shown] for row in table.rows]
    kept, widths = fit(columns, [row for row in rows if not isinstance(row, Section)], width)
    dropped.extend(column.title for place, column in enumerate(columns) if place not in kept and column.title)
    alignment = ["r" if columns[place].align == "right" else "l" for place in kept]
    found = Table([columns[place] for place in kept])
    for row, before in zip(rows, table.rows, strict=True):
        if isinstance(row, Section):
            found.rows.append(row)
            continue
        cells: list[Cell] = []
        for number, place in enumerate(kept):
            cell, room, how = row[place], widths[place], columns[place].cut
            if len(cell) > room and how == "end":
                cell = f"{cell[: room - 1].rstrip()}…"
            elif len(cell) > room and how == "wrap":
                alignment[number] = f"p{{{room / width:.2f}\\linewidth}}"
            cells.append(cell)
        found.rows.append(Total(cells) if isinstance(before, Total) else cells)
    return _Fitted(found, "".join(alignment))


def _cells(row: Sequence[Cell] | Total) -> Sequence[Cell]:
    return row.cells if isinstance(row, Total) else row


def _floats(document: Document) -> list[_Float]:
    """Tables that follow each other share what stands above the first."""
    found: list[_Float] = []
    above: list[str] = []
    below: list[str] = []
    for block in document:
        match block:
            case Table():
                if not found or above:
                    if found:
                        found[-1].notes.extend(below)
                    found.append(_Float(above[0] if above else "", above[1:]))
                    above, below = [], []
                found[-1].tables.append(block)
            case Paragraph(text, quiet=True):
                below.append(text)
            case Heading() | Paragraph():
                above.append(block.text)
            case Items():
                above.extend(block.lines)
            case Verbatim():
                above.extend(block.text.splitlines())
    for each in found:
        each.notes.extend([*above, *below])
    return found


def _float(found: _Float, tables: Sequence[_Fitted], label: str) -> str:
    caption = f"\\caption{{{escaped(found.caption or CAPTION)}}}\\label{{{label}}}"
    notes = "\\par\\smallskip\n".join(map(escaped, found.notes))
    if _is_long(found.tables):
        first, *rest = tables
        parts = ["\\begingroup", "\\footnotesize", "\\setlength{\\tabcolsep}{4pt}", _longtable(first, caption)]
        parts += [f"\\begin{{center}}\n{_tabular(table)}\n\\end{{center}}" for table in rest]
        return "\n".join([*parts, *([f"\\noindent {notes}"] if notes else []), "\\endgroup"])
    drawn = "\n\\par\\medskip\n".join(map(_tabular, tables))
    lines = ["\\begin{table}", "\\centering", "\\footnotesize", "\\setlength{\\tabcolsep}{4pt}", caption, drawn]
    return "\n".join([*lines, *([f"\\par\\smallskip\n{notes}"] if notes else []), "\\end{table}"])


def _is_long(tables: Sequence[Table]) -> bool:
    return sum(len(table.rows) for table in tables) > ROWS_ON_A_PAGE


def _tabular(found: _Fitted) -> str:
    head, body = _head(found.table), _rows(found.table)
    lines = ["\\toprule", *([head, "\\midrule"] if head else []), *body, "\\bottomrule"]
    return "\n".join([f"\\begin{{tabular}}{{{found.alignment}}}", *lines, "\\end{tabular}"])


def _longtable(found: _Fitted, caption: str) -> str:
    head = _head(found.table)
    header = [head, "\\midrule"] if head else []
    first = [f"{caption} \\\\", "\\toprule", *header, "\\endfirsthead"]
    later = ["\\toprule", *header, "\\endhead", "\\bottomrule", "\\endfoot"]
    body = [*first, *later, *_rows(found.table)]
    return "\n".join([f"\\begin{{longtable}}{{{found.alignment}}}", *body, "\\end{longtable}"])


def _head(table: Table) -> str:
    titles = [column.title for column in table.columns]
    return _row(titles) if any(titles) else ""


def _rows(table: Table) -> Iterable[str]:
    for number, row in enumerate(table.rows):
        if isinstance(row, Section):
            space = "\\addlinespace\n" if number else ""
            yield f"{space}\\multicolumn{{{len(table.columns)}}}{{l}}{{\\textit{{{escaped(row.text)}}}}} \\\\"
            continue
        line = _row([str(cell) for cell in _cells(row)])
        yield f"\\midrule\n{line}" if isinstance(row, Total) else line


def _row(cells: Sequence[str]) -> str:
    return f"{' & '.join(map(escaped, cells))} \\\\"


def escaped(text: str) -> str:
    """Text that LaTeX prints as it is written; what stands in backquotes is set as code."""
    parts = re.split(r"`([^`]+)`", " ".join(text.split()))
    return "".join(f"\\texttt{{{_plain(part)}}}" if index % 2 else _plain(part) for index, part in enumerate(parts))


def _plain(text: str) -> str:
    # Dashes in a row would be one dash of another length.
    return "".join(_ESCAPES.get(mark, mark) for mark in re.sub("-(?=-)", "-\u200b", text)).replace("\u200b", "{}")


def _label(caption: str) -> str:
    """`tab:resnet50`, from the caption's first words."""
    words = re.findall("[a-z0-9]+", caption.partition(":")[0].lower())
    return f"tab:{'-'.join(words[:6])}"

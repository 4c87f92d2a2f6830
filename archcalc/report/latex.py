r"""A document's tables as LaTeX, to be put into a paper: booktabs, with captions and labels.

What stands above a table is its caption, what stands below it a note under it; what the document ends with, as the
assumptions, holds for all tables and stands under each. Bars are left out, for their numbers stand beside them. Tables
of more rows than fit on a page are a `longtable`.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

from archcalc.report.blocks import Document, Heading, Items, Paragraph, Section, Table, Total, Verbatim

ROWS_ON_A_PAGE = 45
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
    "×": r"$\times$",  # noqa: RUF001 - as in titles
    "→": r"$\rightarrow$",
    "≥": r"$\geq$",
    "≤": r"$\leq$",
    "≈": r"$\approx$",
    "±": r"$\pm$",
    "µ": r"$\mu$",
    "²": r"$^2$",
    "³": r"$^3$",
    "√": r"$\surd$",
    "∞": r"$\infty$",
    "–": "--",  # noqa: RUF001 - as in titles
    "—": "---",
    "\u2019": "'",
    "\u00a0": "~",
}


@dataclass(slots=True)
class _Float:
    """Tables under one caption."""

    caption: str = ""
    notes: list[str] = field(default_factory=list)
    tables: list[Table] = field(default_factory=list)


def latex(document: Document) -> str:
    """The tables, each with a caption and a label of its own.

    Raises:
        ValueError: there is no table.
    """
    floats = _floats(document)
    if not floats:
        raise ValueError("there is no table")
    labels: dict[str, int] = {}
    is_long = any(_is_long(found.tables) for found in floats)
    packages = "booktabs and longtable" if is_long else "booktabs"
    parts = [f"% needs the package{'s' if is_long else ''} {packages}"]
    for found in floats:
        label = _label(found.caption or CAPTION)
        labels[label] = labels.get(label, 0) + 1
        parts.append(_float(found, label if labels[label] == 1 else f"{label}-{labels[label]}"))
    return "\n\n".join(parts) + "\n"


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


def _float(found: _Float, label: str) -> str:
    caption = f"\\caption{{{escaped(found.caption or CAPTION)}}}\\label{{{label}}}"
    notes = "\\par\\smallskip\n".join(f"{{\\footnotesize {escaped(note)}}}" for note in found.notes)
    if _is_long(found.tables):
        first, *rest = found.tables
        parts = ["\\begingroup", "\\small", _longtable(first, caption)]
        parts += [f"\\begin{{center}}\n{_tabular(table)}\n\\end{{center}}" for table in rest]
        return "\n".join([*parts, *([f"\\noindent {notes}"] if notes else []), "\\endgroup"])
    tables = "\n\\par\\medskip\n".join(map(_tabular, found.tables))
    lines = ["\\begin{table}", "\\centering", "\\small", caption, tables]
    return "\n".join([*lines, *([f"\\par\\smallskip\n{notes}"] if notes else []), "\\end{table}"])


def _is_long(tables: Sequence[Table]) -> bool:
    return sum(len(table.rows) for table in tables) > ROWS_ON_A_PAGE


def _tabular(table: Table) -> str:
    head, body = _head(table), _rows(table)
    lines = ["\\toprule", *([head, "\\midrule"] if head else []), *body, "\\bottomrule"]
    return "\n".join([f"\\begin{{tabular}}{{{_alignment(table)}}}", *lines, "\\end{tabular}"])


def _longtable(table: Table, caption: str) -> str:
    head = _head(table)
    header = [head, "\\midrule"] if head else []
    first = [f"{caption} \\\\", "\\toprule", *header, "\\endfirsthead"]
    later = ["\\toprule", *header, "\\endhead", "\\bottomrule", "\\endfoot"]
    body = [*first, *later, *_rows(table)]
    return "\n".join([f"\\begin{{longtable}}{{{_alignment(table)}}}", *body, "\\end{longtable}"])


def _kept(table: Table) -> list[int]:
    return [index for index, column in enumerate(table.columns) if not column.is_bar]


def _alignment(table: Table) -> str:
    return "".join("r" if table.columns[index].align == "right" else "l" for index in _kept(table))


def _head(table: Table) -> str:
    titles = [table.columns[index].title for index in _kept(table)]
    return _row(titles) if any(titles) else ""


def _rows(table: Table) -> Iterable[str]:
    kept = _kept(table)
    for number, row in enumerate(table.rows):
        if isinstance(row, Section):
            space = "\\addlinespace\n" if number else ""
            yield f"{space}\\multicolumn{{{len(kept)}}}{{l}}{{\\textit{{{escaped(row.text)}}}}} \\\\"
            continue
        cells = row.cells if isinstance(row, Total) else row
        line = _row([str(cells[index]) for index in kept])
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

"""Tables as people write them: CSV, TSV, semicolons, Markdown, LaTeX or JSON."""

from __future__ import annotations

import csv
import io
import json
import re
from collections import Counter
from collections.abc import Iterable, Iterator
from html import unescape
from typing import Any, NamedTuple, NoReturn

from archcalc.claims.headings import has_no_unit, heading
from archcalc.source import Diagnostic, Source, SpecError


class Record(NamedTuple):
    """A row: the line on which it stands, and its cells by column."""

    line: int
    cells: dict[str, str]
    surplus: int = 0  # cells that have no column


class TableText(NamedTuple):
    """A table that was read."""

    columns: list[str]
    rows: list[Record]
    separator: str = ""  # of its cells, where it is separated values


_RULE = re.compile(r"\s*\|?\s*:?-+:?\s*(\|\s*:?-+:?\s*)*\|?\s*\Z")
_TABULAR = re.compile(r"\\begin\{(tabular\*?|tabularx|longtable|tabu|NiceTabular|tblr)\}")
_IS_SIZE = re.compile(r"[0-9]{3,4}(?:px|²|\^2|[x×][0-9]{3,4})?").fullmatch
_IS_DIGITS = re.compile(r"[0-9]+").fullmatch
_RAISED = str.maketrans("0123456789", "⁰¹²³⁴⁵⁶⁷⁸⁹")
_HELP = "a table has a heading line with a column `model`, and one of params, macs or flops"
LONGEST_FIELD = 1 << 20  # characters of a cell


def read_table(source: Source) -> TableText:
    """Columns and rows of a table, whichever way it is written.

    Raises:
        SpecError: it is no table.
    """
    text = source.text.lstrip()
    if text.startswith(("[", "{")):
        rows = list(_json_rows(source))
        table = TableText(list(dict.fromkeys(column for row in rows for column in row.cells)), rows)
    elif _TABULAR.search(text):
        from archcalc.claims.latex_tables import latex_rows

        table = _best([_table_of(cells) for cells in latex_rows(source.text)])
    elif any(_RULE.match(line) and "|" in line for line in source.text.split("\n")[1:]):
        table = _best(list(_markdown_tables(source)))
    else:
        table = _separated(source)
    if not table.rows:
        _refuse(source, "it has no rows")
    return table


def transposed(table: TableText) -> TableText:
    """A table with a column for each row; its rows are said to stand on the line of the heading."""
    first, *models = table.columns or [""]
    columns = ["model", *_distinct(record.cells.get(first, "") for record in table.rows)]
    line = table.rows[0].line - 1 if table.rows else 1
    rows = [
        Record(line, dict(zip(columns, [model, *(record.cells.get(model, "") for record in table.rows)], strict=True)))
        for model in models
    ]
    return TableText(columns, rows, table.separator)


def _best(tables: list[TableText]) -> TableText:
    """The first table of a page that has models and figures; without one, the first."""
    for table in tables:
        found = {each.quantity for each in map(heading, table.columns) if each is not None and not each.is_condition}
        if table.rows and "model" in found and len(found) > 1:
            return table
    return tables[0]


def _separated(source: Source) -> TableText:
    first = next((line for line in source.text.split("\n") if line.strip()), "")
    separator = max("\t;,", key=first.count)
    columns: list[str] = []
    lines: list[tuple[int, list[str]]] = []
    csv.field_size_limit(LONGEST_FIELD)
    reader = csv.reader(io.StringIO(source.text, newline=""), delimiter=separator, skipinitialspace=True)
    line = 1
    try:
        for cells in reader:
            if any(map(str.strip, cells)):
                if columns:
                    lines.append((line, cells))
                else:
                    columns = [cell.strip() for cell in cells]
            line = reader.line_num + 1
    except csv.Error as error:
        _refuse(source, str(error))
    if lines and _is_second(columns, lines[0][1]):
        columns = _joined(columns, lines.pop(0)[1])
    columns = _distinct(columns)
    # Empty cells at the end are none, as long as all rows have them: `resnet18,1,814,` has one more.
    usual = min((len(cells) - len(columns) for _, cells in lines), default=0)
    return TableText(columns, [_record(line, columns, cells, max(0, usual)) for line, cells in lines], separator)


def _record(line: int, columns: list[str], cells: list[str], usual: int = 1000) -> Record:
    """A row; so many empty cells more than columns are usual."""
    surplus = sum(bool(cell.strip()) for cell in cells[len(columns) :])
    surplus = surplus or max(0, len(cells) - len(columns) - usual)
    return Record(line, dict(zip(columns, map(str.strip, cells), strict=False)), surplus)


def _distinct(names: Iterable[str]) -> list[str]:
    """Names of columns; the second `params` is `params [2]`."""
    columns: list[str] = []
    counts: Counter[str] = Counter()
    for name in names:
        counts[name] += 1
        columns.append(name if counts[name] == 1 else f"{name} [{counts[name]}]")
    return columns


def _table_of(lines: list[tuple[int, list[str]]]) -> TableText:
    """A table of lines of cells: the first that names a model heads it, with a second line of it where there is one."""
    heads = [index for index, (_, cells) in enumerate(lines) if _heads(cells)]
    start = heads[0] if heads else 0
    names = lines[start][1] if lines else []
    if start and _names_figures(lines[start - 1][1]):
        names = _joined(lines[start - 1][1], names)
    elif start + 1 < len(lines) and _is_second(names, lines[start + 1][1]):
        start += 1
        names = _joined(names, lines[start][1])
    columns = _distinct(names)
    return TableText(columns, [_record(line, columns, cells) for line, cells in lines[start + 1 :] if any(cells)])


def _is_second(first: list[str], second: list[str]) -> bool:
    """Whether a line goes on with the heading: it names what is computed, or sizes below such a name."""
    is_of_sizes = not second[0].strip() and any(map(_IS_SIZE, second)) and _names_figures(first)
    is_headless = not _heads(first) and _heads(second) and _names_figures(_joined(first, second))
    return is_of_sizes or is_headless or (_names_figures(second[1:]) and not _is_row(first, second))


def _is_row(columns: list[str], cells: list[str]) -> bool:
    """Whether a line is of a model: one is named in its column, or where no column is called that, figures stand there.

    A cell of it may be a word of headings: MACs, in a column that says what is counted.
    """
    model = next((cell.strip() for column, cell in zip(columns, cells, strict=False) if _heads([column])), None)
    return any(map(has_no_unit, cells)) if model is None else bool(model) and not _heads([model])


def _joined(first: list[str], second: list[str]) -> list[str]:
    """Names of columns that stand in two lines; what spans several columns holds for all of them."""
    names = []
    upper = ""
    for number in range(max(len(first), len(second))):
        upper = (first[number].strip() if number < len(first) else "") or upper
        lower = second[number].strip() if number < len(second) else ""
        together = f"{upper} {lower}".strip()
        size = f"{upper} @{lower}" if _IS_SIZE(lower) else ""
        names.append(next((each for each in (size, together, lower, upper) if each and heading(each)), together))
    return names


def _names_figures(cells: Iterable[str]) -> bool:
    """Whether one of the cells names what is computed."""
    return any(
        found is not None and found.quantity != "model" and not found.is_condition for found in map(heading, cells)
    )


def _heads(cells: list[str]) -> bool:
    return any(found is not None and found.quantity == "model" for found in map(heading, cells))


def _markdown_tables(source: Source) -> Iterator[TableText]:
    """All tables of a page."""
    lines = source.text.split("\n")
    for rule, text in enumerate(lines):
        if not rule or not _RULE.match(text) or "|" not in text or "|" not in lines[rule - 1]:
            continue
        columns = _distinct(_shown(cell) for cell in _markdown_cells(lines[rule - 1]))
        rows = []
        for number, line in enumerate(lines[rule + 1 :], rule + 2):
            if "|" not in line:
                break
            cells = [_shown(cell) for cell in _markdown_cells(line)]
            if any(cells):
                rows.append(_record(number, columns, cells))
        yield TableText(columns, rows)


def _markdown_cells(line: str) -> list[str]:
    stripped = line.strip().removeprefix("|")
    stripped = stripped[:-1] if stripped.endswith("|") and not stripped.endswith("\\|") else stripped
    return [cell.replace("\\|", "|") for cell in re.split(r"(?<!\\)\|", stripped)]


def _shown(cell: str) -> str:
    """What a cell of Markdown shows: the text of links, raised digits, and neither stars nor marks of footnotes."""
    text = re.sub(r"\[\^[^\[\]]+\]", "", cell)
    text = re.sub(r"<sup>\s*(.*?)\s*</sup>", _raised, text, flags=re.IGNORECASE)
    text = re.sub(r"!?\[([^\]]*)\]\((?:[^()]|\([^()]*\))*\)", r"\1", text)
    text = re.sub(r"<br\s*/?>", " ", text, flags=re.IGNORECASE)
    return unescape(re.sub(r"(\*\*|__|`|<[^>]+>)", "", text)).replace("\xa0", " ").strip()


def _raised(found: re.Match[str]) -> str:
    """Digits in `<sup>` as raised ones, 10⁶ or ResNet-50²; anything else in it is a mark of a footnote."""
    return found[1].translate(_RAISED) if _IS_DIGITS(found[1]) else ""


def _json_rows(source: Source) -> Iterator[Record]:
    """Objects of a list, or of an object: of its first list, or by their names."""
    try:
        # Numbers stay as written: 25.60 has four digits.
        value: Any = json.loads(source.text, parse_float=str, parse_int=str)
    except (ValueError, RecursionError) as error:
        _refuse(source, f"it is not JSON: {error}")
    if isinstance(value, dict):
        lists = [item for item in value.values() if isinstance(item, list)]
        if lists:
            value = lists[0]
        else:
            value = [{"model": name, **item} for name, item in value.items() if isinstance(item, dict)]
    line, at = 1, 0
    for item in value:
        if not isinstance(item, dict):
            _refuse(source, "a row of JSON is an object with the columns as names")
        cells = {str(name): _text_of(text) for name, text in item.items() if isinstance(text, (str, list))}
        name = next(iter(cells.values()), "")
        found = source.text.find(json.dumps(name), at)
        if found >= 0:
            at = found + 1
            line = source.position(found)[0]
        yield Record(line, cells)


def _text_of(value: str | list[Any]) -> str:
    """A value of JSON as a cell: an input of [3, 224, 224] is 3x224x224."""
    return value if isinstance(value, str) else "x".join(map(str, value))


def _refuse(source: Source, message: str) -> NoReturn:
    raise SpecError([Diagnostic("no-table", f"{source.name}: {message}", None, None, _HELP)])

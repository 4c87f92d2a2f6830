"""Tables as people write them: CSV, TSV, Markdown or JSON; columns and units known by their names."""

from __future__ import annotations

import csv
import io
import json
import re
from collections import Counter
from collections.abc import Iterable, Iterator
from typing import Any, NamedTuple, NoReturn

from archcalc.source import Diagnostic, Source, SpecError


class Record(NamedTuple):
    """A row: the line on which it stands, and its cells by column."""

    line: int
    cells: dict[str, str]


class Heading(NamedTuple):
    """What a column holds: `model`, a quantity or `flops`, and the unit that its name gives."""

    column: str
    quantity: str
    unit: str  # a prefix: K, M, G, T; for bytes KB, MiB...; nothing where the name gives none


# Names of columns without marks and case.
_NAMES = {
    **dict.fromkeys(("model", "models", "network", "net", "name", "architecture", "arch", "backbone"), "model"),
    **dict.fromkeys(("params", "param", "parameters", "nparams", "numparams", "parameter", "paramcount"), "params"),
    **dict.fromkeys(("weights", "nweights"), "weights"),
    **dict.fromkeys(("macs", "mac", "multadds", "multadd", "madds", "madd", "multiplyadds", "macc", "maccs"), "macs"),
    **dict.fromkeys(("multiplyaccumulates", "multaccs"), "macs"),
    **dict.fromkeys(("flops", "flop", "ops", "operations", "numflops"), "flops"),
    **dict.fromkeys(("activations", "acts", "activation"), "activations"),
    **dict.fromkeys(("size", "modelsize", "filesize", "weightsize"), "size_bytes"),
}
_PREFIXES = {"k": "K", "m": "M", "g": "G", "b": "G", "t": "T", "thousand": "K", "million": "M", "millions": "M"}
_PREFIXES |= {"mio": "M", "billion": "G", "billions": "G", "bn": "G", "trillion": "T"}
_EXPONENTS = {"3": "K", "6": "M", "9": "G", "12": "T"}
_BYTES = {"b": "B", **{f"{prefix}{i}b": f"{prefix.upper()}{i}B" for prefix in "kmgt" for i in ("", "i")}}
_EXPONENT = re.compile(r"(?:(?:[x×*·]?\s*10\s*(?:\^|\*\*)?)|1?e\+?)\s*\{?0?(3|6|9|12)\}?\Z", re.IGNORECASE)
_UNIT = re.compile(r"[(\[{]\s*([^()\[\]{}]*?)\s*[)\]}]")
_SCIENTIFIC = re.compile(r"([0-9]+)(?:\.([0-9]+))?\s*(?:[x×*·]\s*10\s*(?:\^|\*\*)?|e\+?)\s*([0-9]{1,2})\Z", re.I)
_RULE = re.compile(r"\s*\|?\s*:?-+:?\s*(\|\s*:?-+:?\s*)*\|?\s*\Z")
_SPEED = re.compile(r"/ ?s\b|/ ?sec|per second|p\.?s\.\Z")
_HELP = "a table has a heading line with a column `model`, and one of params, macs or flops"


def read_table(source: Source) -> tuple[list[str], list[Record]]:
    """Columns and rows of a table, whichever way it is written.

    Raises:
        SpecError: it is no table.
    """
    text = source.text.lstrip()
    if text.startswith(("[", "{")):
        rows = list(_json_rows(source))
        columns = list(dict.fromkeys(column for row in rows for column in row.cells))
    elif any(_RULE.match(line) and "|" in line for line in source.text.split("\n")[1:]):
        columns, rows = _markdown_rows(source)
    else:
        columns, rows = _separated_rows(source)
    if not rows:
        _refuse(source, "it has no rows")
    return columns, rows


def heading(column: str) -> Heading | None:
    """What a column holds, by its name; None: nothing that is computed."""
    units = [found.strip() for found in _UNIT.findall(column)]
    bare = _UNIT.sub(" ", column).partition("@")[0]
    if _SPEED.search(column.lower()):
        return None
    for separator in (",", "/"):
        if separator in bare:
            bare, _, unit = bare.partition(separator)
            units.append(unit.strip())
    words = re.findall("[a-z0-9]+", bare.lower().replace("#", " n ").replace("no.", " n ").replace("№", " n "))
    name = "".join(words)
    ways = [(name, ""), (name.removeprefix("n"), ""), ("".join(words[:-1]), words[-1] if words else "")]
    ways += [(name[1:], name[:1]), (name.removeprefix("total"), "")]
    for stem, unit in ways:
        quantity = _NAMES.get(stem)
        if quantity is None or (unit and not _unit(unit, quantity)):
            continue
        given = next((found for found in (_unit(text, quantity) for text in [unit, *units]) if found), "")
        # A size without bytes is most often that of the input.
        return None if quantity == "size_bytes" and not given else Heading(column, quantity, given)
    return None


def figure_text(cell: str, unit: str) -> str:
    """A cell with its unit, as `printed.read_printed` takes it: `25.6` under `params (M)` is `25.6M`."""
    text = cell.strip().strip("*†‡§`").strip()
    found = _SCIENTIFIC.match(text)
    if found and 1 <= int(found[3]) <= 12:
        whole, decimals = found[1], found[2] or ""
        # The next larger prefix, for it keeps the digits that count: 3.1e10 is 0.031T, not 31.0G.
        places = len(decimals) + -int(found[3]) % 3
        digits = f"{whole}{decimals}".rjust(places + 1, "0")
        split = len(digits) - places
        return f"{digits[:split]}{'.' if places else ''}{digits[split:]}{'KMGT'[-(-int(found[3]) // 3) - 1]}"
    return f"{text}{unit}" if unit and has_no_unit(text) else text


def has_no_unit(text: str) -> bool:
    """Whether a cell is digits alone, with a sign before it or without."""
    return re.fullmatch(r"[~≈<>≤≥=]*\s*[0-9][0-9.,]*", text.strip()) is not None


def _unit(text: str, quantity: str) -> str:
    """A unit as a prefix: `M`, `10^6`, `GFLOPs`; of bytes `MiB`."""
    plain = text.strip().lower().replace(" ", "")
    if quantity == "size_bytes":
        return _BYTES.get(plain, "")
    if plain in _PREFIXES:
        return _PREFIXES[plain]
    exponent = _EXPONENT.match(plain)
    if exponent:
        return _EXPONENTS[exponent[1]]
    if plain[1:] in _NAMES and plain[:1] in _PREFIXES:
        return _PREFIXES[plain[:1]]
    return ""


def _separated_rows(source: Source) -> tuple[list[str], list[Record]]:
    first = next((line for line in source.text.split("\n") if line.strip()), "")
    separator = max("\t;,", key=first.count)
    columns: list[str] = []
    rows: list[Record] = []
    reader = csv.reader(io.StringIO(source.text, newline=""), delimiter=separator, skipinitialspace=True)
    try:
        for cells in reader:
            if not any(cell.strip() for cell in cells):
                continue
            if not columns:
                columns = _distinct(cell.strip() for cell in cells)
            else:
                rows.append(Record(reader.line_num, dict(zip(columns, map(str.strip, cells), strict=False))))
    except csv.Error as error:
        _refuse(source, str(error))
    return columns, rows


def _distinct(names: Iterable[str]) -> list[str]:
    """Names of columns; the second `params` is `params [2]`."""
    columns: list[str] = []
    counts: Counter[str] = Counter()
    for name in names:
        counts[name] += 1
        columns.append(name if counts[name] == 1 else f"{name} [{counts[name]}]")
    return columns


def _markdown_rows(source: Source) -> tuple[list[str], list[Record]]:
    """Rows of the first table of a page."""
    lines = source.text.split("\n")
    rule = next(index for index, line in enumerate(lines) if index and _RULE.match(line) and "|" in line)
    columns = _distinct(_shown(cell) for cell in _markdown_cells(lines[rule - 1]))
    rows = []
    for number, line in enumerate(lines[rule + 1 :], rule + 2):
        if "|" not in line:
            break
        cells = [_shown(cell) for cell in _markdown_cells(line)]
        if any(cells):
            rows.append(Record(number, dict(zip(columns, cells, strict=False))))
    return columns, rows


def _markdown_cells(line: str) -> list[str]:
    stripped = line.strip().removeprefix("|")
    stripped = stripped[:-1] if stripped.endswith("|") and not stripped.endswith("\\|") else stripped
    return [cell.replace("\\|", "|") for cell in re.split(r"(?<!\\)\|", stripped)]


def _shown(cell: str) -> str:
    """What a cell of Markdown shows: the text of links, and no stars."""
    text = re.sub(r"!?\[([^\]]*)\]\([^)]*\)", r"\1", cell)
    return re.sub(r"(\*\*|__|`|<[^>]+>)", "", text).replace("&nbsp;", " ").strip()


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
        cells = {str(name): text for name, text in item.items() if isinstance(text, str)}
        name = next(iter(cells.values()), "")
        found = source.text.find(json.dumps(name), at)
        if found >= 0:
            at = found + 1
            line = source.position(found)[0]
        yield Record(line, cells)


def _refuse(source: Source, message: str) -> NoReturn:
    raise SpecError([Diagnostic("no-table", f"{source.name}: {message}", None, None, _HELP)])

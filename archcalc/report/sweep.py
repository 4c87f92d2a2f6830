"""Sweeps: a table of the first rows, and all of them as CSV, JSON or Parquet, piece by piece."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Iterator, Sequence
from fractions import Fraction
from itertools import islice
from pathlib import Path
from typing import Any

from archcalc import __version__
from archcalc.report.media.blocks import CONVENIENCE, Bar, Cell, Document, Heading, Items, Paragraph, Table, bar, number
from archcalc.report.media.blocks import Column as TableColumn
from archcalc.report.media.numbers import Units, amount, exact, listed, plural
from archcalc.results.sweep import Axis, Column, LeftOut, Searched, Sweep

SHOWN = 40  # rows of a table
MOST_ITEMS = 4  # axes that have a column each in a table; of more, items of a list share one
LEAST = 14  # characters of such a column, before others go
EXACT = 1 << 53  # up to there a float holds each whole number
FLUSHED = 20_000  # rows of a text that are made at once
# Columns of a table that there may be no room for, the first to go last; the bars stay longer than all of them.
_LESS = ("activations", "size_bytes", "connections", "neurons", "buffers", "weights", "biases", "norm_params")


def swept(found: Sweep, units: Units = "si", shown: int = SHOWN, said: Sequence[str] = ()) -> Document:
    """The first rows as a table with bars of their MACs, or of the first quantity; and what else there is to say.

    Args:
        found: the rows, and how they came about.
        units: of amounts.
        shown: rows of the table.
        said: what stands below it, in place of how exact they are.
    """
    heading = found.heading
    is_many = len(heading.networks) > 1
    columns = [TableColumn("network", least=12)] * is_many
    lists = _lists(heading.axes)
    of_lists = {name: title for title, items in lists.items() for name in items}
    for axis in heading.axes:
        title = of_lists.get(axis.name)
        if title is None:
            columns.append(number(axis.name) if axis.is_numeric else TableColumn(axis.name))
        elif lists[title][0] == axis.name:
            columns.append(TableColumn(title, least=LEAST, cut="wrap"))
    columns += [number(name, _LESS.index(name) + 11 if name in _LESS else 0) for name in heading.quantities]
    names = [column.title for column in columns]
    drawn = "macs" if "macs" in heading.quantities else heading.quantities[0]
    beside = names.index(drawn) + 1
    rows = [_gathered(row, lists) for row in islice(rows_of(found), shown)]
    most = max((row[drawn] for row in rows), default=0)
    table = Table([*columns[:beside], bar(CONVENIENCE), *columns[beside:]])
    for row in rows:
        cells: list[Cell] = [_cell(row[name], name, heading.axes, units) for name in names]
        table.rows.append([*cells[:beside], Bar(row[drawn], most), *cells[beside:]])
    kept = found.tally.kept
    title = plural(len(found), "configuration")
    document: Document = [Heading(f"{listed(heading.networks)}: {title}", 1), table] if kept else [Heading(title, 1)]
    if kept > shown:
        document.append(Paragraph(f"the first {shown} of {kept:,} rows; -o FILE.csv has all", quiet=True))
    first, *more = said or told(found)
    document.append(Paragraph(first, quiet=True))
    if more:
        document.append(Items(more, is_plain=True))
    return document


def _lists(axes: Sequence[Axis]) -> dict[str, list[str]]:
    """Lists of which a table has all items as one column, by its title."""
    found: dict[str, list[str]] = {}
    if len(axes) <= MOST_ITEMS:
        return found
    for variable in dict.fromkeys(axis.variable for axis in axes):
        items = [axis.name for axis in axes if axis.variable == variable]
        first = axes[[axis.name for axis in axes].index(items[0])].position.indices
        if len(items) > 1 and len(first) == 1:
            begin, end = first[0], first[0] + len(items) - 1
            if items == [f"{variable}[{at}]" for at in range(begin, end + 1)]:
                found[f"{variable}[{begin}..{end}]"] = items
    return found


def _gathered(row: dict[str, Any], lists: dict[str, list[str]]) -> dict[str, Any]:
    """A row with the items of lists in one cell each."""
    return row | {title: ", ".join(str(row[name]) for name in items) for title, items in lists.items()}


def told(found: Sweep) -> list[str]:
    """How many configurations there were and how exact they are; then a line for each reason to leave some out."""
    heading, tally = found.heading, found.tally
    computed = plural(tally.computed, "configuration")
    parts = [f"{computed} drawn, seed {heading.seed}" if heading.sample else f"{computed} computed"]
    if found.searched is not None:
        parts = _searched(found, found.searched)
    if tally.lost:
        parts.append(f"no network: {tally.lost:,}")
    if found.searched is None and (other := tally.computed - tally.lost - tally.kept) > 0:
        parts.append(f"not chosen: {other:,}")
    if tally.wide:
        parts.append(f"{listed(sorted(tally.wide))} past 64 bits, in Python's integers")
    else:
        parts.append("exact in 64 bits")
    noun = "structures" if any(heading.looped.values()) else "configurations"
    of = tally.computed if found.searched is None else tally.kept
    parts.append(f"checked {tally.checked} of {of:,} {noun} against the exact engine: equal")
    bounds = [f"{name}: at least, for an operation of unknown cost is in it" for name in sorted(tally.lower_bounds)]
    lacking = [lacking_text(name, names) for name, names in heading.lacking.items()]
    return ["; ".join(parts), *lacking, *bounds, *map(_left_out, tally.left_out)]


def _searched(found: Sweep, how: Searched) -> list[str]:
    """How configurations were found without going through all of them."""
    tally, heading = found.tally, found.heading
    if heading.sample is None:
        parts = [f"found among {tally.computed:,} configurations without going through them"]
        if how.equal:
            parts.append(f"{many(how.equal)} more cost the same as one of these")
        return parts
    about = "about " if how.share is not None else ""
    share = 100 * (how.meeting or 0) / tally.computed
    parts = [f"drawn from {about}{many(how.meeting or 0)} that meet the conditions, {share:.3g}% of {tally.computed:,}"]
    if tally.kept < heading.sample:
        parts.append(f"{heading.sample:,} were asked for")
    return [*parts, f"seed {heading.seed}"]


def many(count: float) -> str:
    """A number of configurations, which is exact as long as a float holds it."""
    return f"{count:,.0f}" if count < EXACT else f"{count:.3g}"


def deciding_text(network: str, axes: Sequence[Axis], is_apart: bool) -> str:
    """Which axes decide the structure of a network, and what is done about it."""
    places: dict[str, list[str]] = {}
    for axis in axes:
        places.setdefault(axis.variable, []).append(axis.name)
    shown = [names[0] if len(names) == 1 else f"{names[0]} to {names[-1]}" for names in places.values()]
    verb = "decides" if len(axes) == 1 else "decide"
    way = "each part of it is expanded once" if is_apart else "one expansion for each structure"
    return f"{network}: {listed(shown)} {verb} the structure; {way}"


def lacking_text(network: str, variables: Sequence[str]) -> str:
    """Why a network is left out of a sweep of several."""
    return f"{network} is left out: it has no variable {listed(variables, 'or')}"


def _left_out(of: LeftOut) -> str:
    way_out = f"; {of.help}" if of.help else ""
    at = "for example at" if of.number < 0 else "first at"
    return f"{of.network}: {of.code} in {of.points:,}, {at} {of.settings}: {of.message}{way_out}"


def _cell(value: Any, name: str, axes: tuple[Axis, ...], units: Units) -> str:
    if isinstance(value, str):
        return value
    if isinstance(value, float):
        return exact(Fraction(repr(value)))
    if any(axis.name == name for axis in axes):
        return str(value)
    return amount(value, name, units)


def rows_of(found: Sweep) -> Iterator[dict[str, Any]]:
    """All rows, by the names of the columns."""
    names = found.heading.columns
    for piece in found.pieces():
        for begin in range(0, len(piece[names[0]]), FLUSHED):
            lists = [_items(piece[name][begin : begin + FLUSHED]) for name in names]
            yield from (dict(zip(names, row, strict=True)) for row in zip(*lists, strict=True))


def _items(values: Column) -> list[Any]:
    found: list[Any] = values.tolist()
    return found


def csv_pieces(found: Sweep) -> Iterator[str]:
    """All rows, with a line of names above them."""
    names = found.heading.columns
    yield f"{','.join(names)}\n"
    for piece in found.pieces():
        for begin in range(0, len(piece[names[0]]), FLUSHED):
            out = io.StringIO()
            lists = [_items(piece[name][begin : begin + FLUSHED]) for name in names]
            csv.writer(out, lineterminator="\n").writerows(zip(*lists, strict=True))
            yield out.getvalue()


def json_pieces(found: Sweep) -> Iterator[str]:
    """An object that says what was swept, with all rows, one a line."""
    heading, tally = found.heading, found.tally
    members = {
        "archcalc": __version__,
        "networks": list(heading.networks),
        "axes": [axis.name for axis in heading.axes],
        "quantities": list(heading.quantities),
        "sample": heading.sample,
        "seed": heading.seed if heading.sample else None,
        "looped": {name: list(axes) for name, axes in heading.looped.items()},
        "lacking": {name: list(names) for name, names in heading.lacking.items()},
        "computed": tally.computed,
        "kept": tally.kept,
        "checked": tally.checked,
        "past_64_bits": sorted(tally.wide),
        "lower_bounds": sorted(tally.lower_bounds),
        "left_out": [
            {name: value for name, value in of._asdict().items() if name != "number"} for of in tally.left_out
        ],
    }
    text = ",\n".join(f"  {json.dumps(name)}: {json.dumps(value)}" for name, value in members.items())
    yield f'{{\n{text},\n  "rows": ['
    separator = "\n"
    for row in rows_of(found):
        yield f"{separator}    {json.dumps(row)}"
        separator = ",\n"
    yield "\n  ]\n}\n"


def write_parquet(found: Sweep, path: Path) -> None:
    """All rows, a row group for each piece.

    Raises:
        SpecError: a number has too many digits for any type of Parquet.
    """
    import pyarrow.parquet as pq

    from archcalc.engine.sweep.parts import schema_of, to_arrow

    schema = schema_of(found.heading, found.tally.wide)
    with pq.ParquetWriter(path, schema) as writer:
        for piece in found.pieces():
            made = to_arrow(piece, schema)
            if made.num_rows:
                writer.write_table(made)

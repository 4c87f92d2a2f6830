"""A CSV of ours from earlier, computed anew: every cell that would be written otherwise now."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple, NoReturn

from archcalc.engine.cost.conventions import CONVENTIONS
from archcalc.engine.groups import grouped
from archcalc.engine.network import Network, analyze, load
from archcalc.report.media import data, numbers
from archcalc.results.baseline import Baseline, Deviation
from archcalc.results.cost import LayerCost, NetworkCost
from archcalc.results.storage import bits_of
from archcalc.source import Diagnostic, Source, SpecError, read_source
from archcalc.spec.library import index, plain

MOST_BYTES = 1 << 26
_HELP = "archcalc show NET --format csv writes a table of layers, archcalc list --format csv one of totals"


class _Row(NamedTuple):
    line: int
    cells: dict[str, str]


def compare_baseline(path: Path, networks: Sequence[Network] = (), **settings: Any) -> Baseline:
    """Compute a table anew: one of layers, of the network given or else named as the file is; or one of totals.

    Args:
        path: the table.
        networks: networks that it may be of.
        settings: what they are counted with, as `analyze` takes it; a table of totals says the rest itself.

    Raises:
        SpecError: it is no such table, or a network of it cannot be counted.
    """
    source = read_source(path, limit=MOST_BYTES, kind="a table that archcalc wrote, as CSV")
    columns, rows = _read(source)
    if {"batch", "convention"} <= set(columns):
        names = {network.name: network for network in networks}
        costs = [_as_in_totals(source, row, names, settings) for row in rows]
        computed = _cells(data.totals_csv(costs))
        pairs = [(row, now) for row, now in zip(rows, computed, strict=True)]
        found = [deviation for row, now in pairs for deviation in _cells_differ(source.name, row, now)]
        unknown = _unknown_columns(source.name, columns, computed)
        return Baseline(source.name, tuple(cost.name for cost in costs), len(rows), (*unknown, *found))
    networks = [network for network in networks if network.name == path.stem] or networks
    if len(networks) > 1:
        names_given = numbers.listed([network.name for network in networks])
        _refuse(source, f"it holds layers of one network, and {names_given} are given", "give one: my.yaml:variant")
    network = networks[0] if networks else _named_as(source, path.stem)
    cost = _as_in_layers(network, columns, rows, settings)
    now_rows = {row["name"]: row for row in _cells(data.layers_csv(cost, _rows_as_in(cost, rows)))}
    return Baseline(
        source.name,
        (cost.name,),
        len(rows),
        tuple(_rows_differ(source.name, columns, rows, now_rows)),
    )


def _named_as(source: Source, name: str) -> Network:
    """The network that the file of a table is named after."""
    if plain(name) not in index():
        message = f"the table {source.name} is named after no network: `{name}`"
        help = f"say which it is of: archcalc check NET --baseline {source.name}"
        raise SpecError([Diagnostic("unknown-network", message, help=help)])
    return load(name)


# reading


def _read(source: Source) -> tuple[list[str], list[_Row]]:
    reader = csv.reader(io.StringIO(source.text, newline=""))
    rows: list[_Row] = []
    columns: list[str] = []
    try:
        for cells in reader:
            if not columns:
                columns = cells
                if "name" not in columns or not {"params", "macs"} & set(columns):
                    _refuse(source, "it is no table that archcalc wrote: it has no columns `name` and `params`", _HELP)
            elif len(cells) == len(columns):
                rows.append(_Row(reader.line_num, dict(zip(columns, cells, strict=True))))
            elif cells:
                _refuse(source, f"line {reader.line_num} has {len(cells)} cells under {len(columns)} columns", _HELP)
    except csv.Error as error:
        _refuse(source, f"it is not CSV: {error}", _HELP)
    if not rows:
        _refuse(source, "it has no rows", _HELP)
    if rows[0].cells.get("state") in ("counted", "zero", "unknown"):  # as that column was called before
        columns = ["status" if name == "state" else name for name in columns]
        rows = [row._replace(cells=dict(zip(columns, row.cells.values(), strict=True))) for row in rows]
    return columns, rows


def _refuse(source: Source, message: str, help: str) -> NoReturn:
    raise SpecError([Diagnostic("bad-baseline", f"{source.name}: {message}", None, None, help)])


def _cells(text: str) -> list[dict[str, str]]:
    return list(csv.DictReader(io.StringIO(text, newline="")))


# computing


def _convention(columns: Sequence[str]) -> str:
    names = [column.removeprefix("flops_") for column in columns if column.startswith("flops_")]
    return next((name for name in names if name in CONVENTIONS), "macs")


def _as_in_layers(
    network: Network, columns: Sequence[str], rows: Sequence[_Row], settings: Mapping[str, Any]
) -> NetworkCost:
    with_heads = any(row.cells.get("head") for row in rows)
    return analyze(network, **{"convention": _convention(columns), "with_heads": with_heads, **settings})


def _rows_as_in(cost: NetworkCost, rows: Sequence[_Row]) -> Sequence[LayerCost]:
    """Layers, operations, stages or types: the division that has most of the rows, and fewest besides."""

    def likeness(division: Sequence[LayerCost]) -> tuple[int, int]:
        notations = {row.name: row.notation for row in division}
        names = [(row.cells["name"], row.cells.get("notation")) for row in rows]
        return sum(notations.get(name) == (said or notations.get(name, "")) for name, said in names), -len(division)

    return max([grouped(cost, by, None) for by in ("layer", "op", "stage", "type")], key=likeness)


def _as_in_totals(
    source: Source, row: _Row, networks: Mapping[str, Network], settings: Mapping[str, Any]
) -> NetworkCost:
    """The network of a row, as its cells say; what is said of a network that is given holds over them."""
    cells = row.cells
    network = networks.get(cells["name"])
    said: dict[str, Any] = {
        "convention": cells["convention"],
        "dtype": cells.get("dtype") or "fp32",
        "scope": cells.get("scope", ""),
        "with_heads": cells.get("with_heads") == "true",
        "step": cells.get("step") == "true",
        "batch": _whole(source, row, "batch", cells["batch"]),
    }
    said |= settings if network else {}
    network = network or load(cells["name"], may_run=False)
    try:
        now = _cells(data.totals_csv([analyze(network, **said)]))[0]
        if "input" not in said and "input" in cells and cells["input"] != now["input"]:
            said["input"] = _inputs(source, row, cells["input"])
        if "bits" in cells and cells["bits"] != now["bits"] and (bits := bits_of(cells["bits"])):
            said["bits"] = bits
        if "density" in cells and cells["density"] != now["density"] and " " not in cells["density"]:
            said["density"] = cells["density"]
        return analyze(network, **said)
    except ValueError as error:
        _refuse(source, f"line {row.line}: {error}", _HELP)


def _inputs(source: Source, row: _Row, text: str) -> list[int] | dict[str, list[int]]:
    """`3x224x224`, or `picture=3x224x224 caption=77`."""
    if "=" not in text:
        return [_whole(source, row, "input", size) for size in text.split("x")]
    named = [part.partition("=") for part in text.split()]
    return {name: [_whole(source, row, "input", size) for size in sizes.split("x")] for name, _, sizes in named}


def _whole(source: Source, row: _Row, column: str, text: str) -> int:
    try:
        return int(text)
    except ValueError:
        _refuse(source, f"line {row.line}: `{text[:60]}` under `{column}` is no whole number", _HELP)


# comparing


def _unknown_columns(file: str, columns: Sequence[str], now: Sequence[Mapping[str, str]]) -> Iterator[Deviation]:
    for column in columns:
        if column not in now[0]:
            yield Deviation(file, 1, "", column, column, None)


def _cells_differ(file: str, row: _Row, now: Mapping[str, str]) -> Iterator[Deviation]:
    for column, was in row.cells.items():
        if column in now and now[column] != was:
            yield Deviation(file, row.line, row.cells["name"], column, was, now[column])


def _rows_differ(
    file: str, columns: Sequence[str], rows: Sequence[_Row], now: Mapping[str, Mapping[str, str]]
) -> Iterator[Deviation]:
    yield from _unknown_columns(file, columns, list(now.values()))
    for row in rows:
        name = row.cells["name"]
        if name in now:
            yield from _cells_differ(file, row, now[name])
        else:
            yield Deviation(file, row.line, name, "", name, None)
    known = {row.cells["name"] for row in rows}
    for name in now:
        if name not in known:
            yield Deviation(file, rows[-1].line, name, "", None, name)

"""All networks: a line for each, family by family."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from math import prod
from typing import Any, TypeAlias

from archcalc.report.media import numbers
from archcalc.report.media.blocks import Bar, Cell, Column, Document, Paragraph, Section, Table, bar, number
from archcalc.report.media.numbers import Units
from archcalc.report.show import at_least
from archcalc.results.cost import TOTALS

Listed: TypeAlias = Mapping[str, Any]
"""A network as `totals_object` gives it."""


def catalogue(families: Sequence[tuple[str, Sequence[Listed]]], units: Units) -> Document:
    """Networks with a heading for each family that has one."""
    networks = [network for _, members in families for network in members]
    if not networks:
        return [Paragraph("There are no networks.")]
    table = Table(
        [
            Column("network", least=24),
            number("input", drop=2),
            number("params"),
            number("MACs"),
            bar(),
            number("layers", drop=12),
            number("depth", drop=1),
            number("field", drop=13),
            number("local field", drop=11),
        ]
    )
    most = max(network["totals"]["macs"] for network in networks)
    for title, members in families:
        if title:
            table.rows.append(Section(title))
        table.rows.extend(row(network, most, units) for network in members)
    return [table, footer(networks)]


def grouped(
    families: Sequence[Sequence[Listed]], by: str | None = None, column: str | None = None, top: int | None = None
) -> list[tuple[str, list[Listed]]]:
    """Networks under their titles: by family where nothing else is asked for, in one row where they are sorted."""
    if by == "family" or (by is None and column is None):
        groups = [(family_title(members), list(members)) for members in families if members]
    else:
        by_title: dict[str, list[Listed]] = {}
        for network in (network for members in families for network in members):
            by_title.setdefault(_title(network, by), []).append(network)
        # years in their order, tasks by their names; what has none comes last
        groups = sorted(by_title.items(), key=lambda group: (group[0].startswith("no "), group[0]))
    if column is not None:
        groups = [(title, sorted(members, key=lambda network: key(network, column))[:top]) for title, members in groups]
    return groups


def _title(network: Listed, by: str | None) -> str:
    if by == "year":
        return "no year" if network["year"] is None else str(network["year"])
    if by == "task":
        return network["task"] or "no task"
    return ""


def row(network: Listed, most: int, units: Units) -> list[Cell]:
    """A network in one line."""
    totals = network["totals"]
    bounds = totals["lower_bounds"]
    return [
        network["name"],
        input_text(network),
        at_least(numbers.count(totals["params"], units), "params" in bounds),
        at_least(numbers.count(totals["macs"], units), "macs" in bounds),
        Bar(totals["macs"], most),
        str(totals["layers"]),
        at_least(str(totals["depth"]), "depth" in bounds),
        seen(network),
        _extents(totals["local_receptive_field"], "local_receptive_field" in bounds),
    ]


def first_input(network: Listed) -> list[int]:
    """Sizes of the first input."""
    given = network["input"]
    return list(next(iter(given.values())) if isinstance(given, Mapping) else given)


def input_text(network: Listed) -> str:
    """`3x224x224`; of several inputs `picture 3x224x224, caption 77`."""
    given = network["input"]
    if isinstance(given, Mapping):
        return ", ".join(f"{name} {numbers.extents(sizes)}" for name, sizes in given.items())
    return numbers.extents(given)


def seen(network: Listed) -> str:
    """Size of the receptive field; `whole` where every position sees all of the input."""
    totals = network["totals"]
    size = totals["receptive_field"]
    if size and 0 in totals["jump"] and size == first_input(network)[-len(size) :]:
        return "whole"
    return _extents(size, "receptive_field" in totals["lower_bounds"])


def _extents(size: Sequence[int] | None, is_at_least: bool) -> str:
    return f"{'≥ ' if is_at_least else ''}{numbers.extents(size)}" if size else ""


def family_title(members: Sequence[Listed]) -> str:
    """What stands above the networks of a family: its title, year and tasks."""
    tasks = dict.fromkeys(network["task"] for network in members)
    first = members[0]
    return ", ".join(part for part in (first["family"], str(first["year"] or ""), *tasks) if part)


def footer(networks: Sequence[Listed]) -> Paragraph:
    """What holds for all of them."""
    many = numbers.plural(len(networks), "network")
    return Paragraph(
        f"{many} | batch {networks[0]['batch']} | MACs are multiply-accumulate pairs; heads left out", quiet=True
    )


def key(network: Listed, column: str) -> tuple[int, str]:
    """Order of networks under a column: numbers from the largest, names from A."""
    if column in ("name", "family", "task"):
        return 0, str(network[column]).lower()
    if column == "year":
        return network["year"] or 0, ""
    if column == "input":
        return -prod(first_input(network)), ""
    totals = network["totals"]
    return -totals[f"flops_{network['convention']}" if column == "flops" else column], ""


def sortable() -> Iterable[str]:
    """Columns that networks may be sorted by."""
    return ["name", "family", "year", "task", "input", *TOTALS]

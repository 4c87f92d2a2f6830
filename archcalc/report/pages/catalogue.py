"""All networks: a line for each, family by family."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from archcalc.report.media import numbers
from archcalc.report.media.blocks import Bar, Cell, Column, Document, Paragraph, Section, Table, bar, number
from archcalc.report.media.numbers import Units
from archcalc.report.show import at_least
from archcalc.results.cost import NetworkCost, Totals


def catalogue(families: Sequence[tuple[str, Sequence[NetworkCost]]], units: Units) -> Document:
    """Networks with a heading for each family that has one."""
    costs = [cost for _, members in families for cost in members]
    if not costs:
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
    most = max(cost.totals.macs for cost in costs)
    for title, members in families:
        if title:
            table.rows.append(Section(title))
        table.rows.extend(row(cost, most, units) for cost in members)
    return [table, footer(costs)]


def grouped(
    families: Sequence[Sequence[NetworkCost]], by: str | None = None, column: str | None = None, top: int | None = None
) -> list[tuple[str, list[NetworkCost]]]:
    """Networks under their titles: by family where nothing else is asked for, in one row where they are sorted."""
    if by == "family" or (by is None and column is None):
        groups = [(family_title(members), list(members)) for members in families if members]
    else:
        by_title: dict[str, list[NetworkCost]] = {}
        for cost in (cost for members in families for cost in members):
            by_title.setdefault(_title(cost, by), []).append(cost)
        # years in their order, tasks by their names; what has none comes last
        groups = sorted(by_title.items(), key=lambda group: (group[0].startswith("no "), group[0]))
    if column is not None:
        groups = [(title, sorted(members, key=lambda cost: key(cost, column))[:top]) for title, members in groups]
    return groups


def _title(cost: NetworkCost, by: str | None) -> str:
    if by == "year":
        return "no year" if cost.year is None else str(cost.year)
    if by == "task":
        return cost.task or "no task"
    return ""


def row(cost: NetworkCost, most: int, units: Units) -> list[Cell]:
    """A network in one line."""
    totals = cost.totals
    return [
        cost.name,
        cost.input_text,
        at_least(numbers.count(totals.params, units), cost.is_lower_bound("params")),
        at_least(numbers.count(totals.macs, units), cost.is_lower_bound("macs")),
        Bar(totals.macs, most),
        str(totals.layers),
        at_least(str(totals.depth), cost.is_lower_bound("depth")),
        numbers.seen(cost.receptive_field, cost.input),
        numbers.field(cost.local_receptive_field),
    ]


def family_title(members: Sequence[NetworkCost]) -> str:
    """What stands above the networks of a family: its title, year and tasks."""
    tasks = dict.fromkeys(cost.task for cost in members)
    return ", ".join(part for part in (members[0].title, str(members[0].year or ""), *tasks) if part)


def footer(costs: Sequence[NetworkCost]) -> Paragraph:
    """What holds for all of them."""
    networks = numbers.plural(len(costs), "network")
    return Paragraph(
        f"{networks} | batch {costs[0].batch} | MACs are multiply-accumulate pairs; heads left out", quiet=True
    )


def key(cost: NetworkCost, column: str) -> tuple[int, str]:
    """Order of networks under a column: numbers from the largest, names from A."""
    if column in ("name", "family", "task"):
        return 0, str(cost.title if column == "family" else getattr(cost, column)).lower()
    if column == "year":
        return cost.year or 0, ""
    if column == "input":
        return -int(cost.input.elements), ""
    return -int(getattr(cost.totals, column)), ""


def sortable() -> Iterable[str]:
    """Columns that networks may be sorted by."""
    return ["name", "family", "year", "task", "input", *Totals.__slots__]

"""Which configurations of a sweep are kept, and in which order: filters, the Pareto front, the first few."""

from __future__ import annotations

from collections.abc import Sequence
from fractions import Fraction
from math import ceil, floor
from typing import NamedTuple, NoReturn, Protocol

import numpy as np

from archcalc.engine.cost.quantities import instead_of
from archcalc.engine.limits.conditions import COMPARISONS, Comparison, comparison
from archcalc.engine.sweep.axes import as_text
from archcalc.engine.sweep.expansion import SWEEPABLE
from archcalc.results.sweep import Axis, Column
from archcalc.source import Diagnostic, SpecError, suggestion
from archcalc.spec.number import exact_number


class Filter(NamedTuple):
    """A column compared with a number, or with a text."""

    column: str
    sign: str
    amount: Fraction | str

    def keeps(self, values: Column, unit: Fraction) -> Column:
        """Where it holds of whole multiples of a unit, or of texts; in whole numbers."""
        if isinstance(self.amount, str):
            return np.asarray(COMPARISONS[self.sign](values, self.amount), dtype=bool)
        limit = self.amount / unit
        if self.sign in ("==", "!=") and limit.denominator != 1:
            return np.full(values.shape, self.sign == "!=")
        whole = ceil(limit) if self.sign in ("<", ">=") else floor(limit)
        return np.asarray(COMPARISONS[self.sign](values, whole), dtype=bool)


class Order(NamedTuple):
    """A column to go by; `is_reversed` where a `-` stands before its name."""

    column: str
    is_reversed: bool


class Table(Protocol):
    """Configurations by column."""

    def column(self, name: str) -> Column:
        """The values of a column, as they are written."""

    def exact(self, name: str) -> tuple[Column, Fraction]:
        """Whole multiples and what they are multiples of; texts with a unit of 0."""

    def __len__(self) -> int: ...


class Selection(NamedTuple):
    """What is kept: all filters hold, nothing is better in every objective, the first by an order."""

    where: tuple[Filter, ...] = ()
    pareto: tuple[Order, ...] = ()  # the smaller the better, unless reversed
    sort: Order | None = None  # the largest first, unless reversed; texts from A
    top: int | None = None

    @property
    def is_local(self) -> bool:
        """Whether a row stays or goes whatever other rows there are, and rows stay in their order."""
        return not self.pareto and self.sort is None and self.top is None

    def kept(self, table: Table) -> Column | None:
        """Rows of a part of a sweep that may be among those kept in the end, in their order; None: all."""
        found = None
        if self.where:
            keeps = np.full(len(table), True)
            for each in self.where:
                keeps &= each.keeps(*table.exact(each.column))
            found = np.flatnonzero(keeps)
        if self.pareto:
            found = front([_key(table, order, found) for order in self.pareto], found, len(table))
        elif self.top is not None and self.sort is not None:
            key = _key(table, self.sort._replace(is_reversed=not self.sort.is_reversed), found)
            first = np.sort(np.argsort(key, kind="stable")[: self.top])
            found = first if found is None else found[first]
        return found

    def ordered(self, table: Table) -> Column:
        """Rows of a whole sweep, of those kept of its parts, in the end."""
        found = np.arange(len(table))
        if self.pareto:
            found = front([_key(table, order, None) for order in self.pareto], None, len(table))
        if self.sort is not None:
            key = _key(table, self.sort._replace(is_reversed=not self.sort.is_reversed), found)
            found = found[np.argsort(key, kind="stable")]
        return found[: self.top]


def _key(table: Table, order: Order, rows: Column | None) -> Column:
    """Numbers that ascend with a column, or against it."""
    values, unit = table.exact(order.column)
    if rows is not None:
        values = values[rows]
    if unit == 0:  # from A, so that the direction is that of the largest first
        values = -np.unique(values.astype(str), return_inverse=True)[1]
    elif values.dtype == object:
        values = np.unique(values, return_inverse=True)[1]
    return -values if order.is_reversed else values


def front(objectives: Sequence[Column], rows: Column | None, size: int) -> Column:
    """Of these rows, those that no other is below in one objective and not above in any; equal ones stay together."""
    rows = np.arange(size) if rows is None else rows
    if not len(rows):
        return rows
    order = np.lexsort(objectives[::-1])
    sorted_by = [objective[order] for objective in objectives]
    if len(objectives) == 1:
        kept = sorted_by[0] == sorted_by[0][0]
    elif len(objectives) == 2:
        kept = _front_of_two(*sorted_by)
    else:
        kept = _front_of_many(np.stack(sorted_by, axis=1))
    return np.sort(rows[order[kept]])


def _front_of_two(first: Column, second: Column) -> Column:
    """In ascending order: a row stays if its second is below all seconds before it, or it equals one that stays."""
    lowest = np.minimum.accumulate(second)
    begins = np.concatenate(([True], second[1:] < lowest[:-1]))
    same = np.concatenate(([False], (first[1:] == first[:-1]) & (second[1:] == second[:-1])))
    leader = np.maximum.accumulate(np.where(same, 0, np.arange(len(first))))
    return np.asarray(begins[leader])


def _front_of_many(objectives: Column) -> Column:
    """In ascending order no row is dominated by a later one: each in turn strikes out what it dominates."""
    kept = np.full(len(objectives), False)
    waiting = np.arange(len(objectives))
    while len(waiting):
        best = objectives[waiting[0]]
        rest = objectives[waiting]
        equal = (rest == best).all(axis=1)
        kept[waiting[equal]] = True
        waiting = waiting[~equal & (rest < best).any(axis=1)]
    return kept


def selection(
    axes: Sequence[Axis],
    quantities: Sequence[str],
    where: Sequence[str] = (),
    pareto: str | Sequence[str] = (),
    sort: str | None = None,
    top: int | None = None,
) -> Selection:
    """What is typed: `macs < 600M`, `macs,-resolution`, `params`.

    Raises:
        SpecError: no condition, or an unknown column.
    """
    by_name = {axis.name: axis for axis in axes}
    names = [*by_name, *quantities]
    filters = tuple(_filter(text, by_name, quantities) for text in where)
    words = pareto.split(",") if isinstance(pareto, str) else pareto
    objectives = tuple(_order(word, names) for word in words)
    for each in objectives:
        if each.column in by_name and not by_name[each.column].is_numeric:
            _refuse("bad-objective", f"{each.column} is no number, so that none of its values is better")
    by = _order(sort, ["network", *names]) if sort is not None else None
    if by is None and objectives:
        by = Order(objectives[0].column, not objectives[0].is_reversed)  # the best of the first objective first
    if by is None and top is not None:
        by = Order("macs" if "macs" in quantities else quantities[0], False)
    return Selection(filters, objectives, by, top)


def _filter(text: str, axes: dict[str, Axis], quantities: Sequence[str]) -> Filter:
    given = comparison(text, "macs < 600M, or resolution >= 128")
    if given.column in axes:
        return _filter_of_axis(given, axes[given.column])
    if given.column not in quantities:
        _refuse_column(given.column, [*axes, *quantities])
    return Filter(given.column, given.sign, Fraction(given.amount()))


def _filter_of_axis(given: Comparison, axis: Axis) -> Filter:
    if not axis.is_numeric:
        if given.sign not in ("==", "!="):
            given.refuse(f"{axis.name} is no number", f"{axis.name} == ...")
        value, values = as_text(given.right), axis.texts
        if value not in values:
            help = suggestion(value, values, f"values are {', '.join(values)}")
            given.refuse(f"{axis.name} is never `{given.right}`", help)
        return Filter(axis.name, given.sign, value)
    amount = exact_number(given.right)
    if amount is None:
        given.refuse(f"`{given.right}` is no number", f"{axis.name} {given.sign} 3/4")
    return Filter(axis.name, given.sign, amount)


def _order(word: str, names: Sequence[str]) -> Order:
    """`macs`, `-macs`, `max:macs`, `min:macs`."""
    plain = word.strip().removeprefix("min:")
    name = plain.removeprefix("max:") if plain.startswith("max:") else plain.removeprefix("-")
    if name not in names:
        _refuse_column(name, names)
    return Order(name, name != plain)


def _refuse_column(name: str, names: Sequence[str]) -> NoReturn:
    if name in SWEEPABLE:
        help = f"--quantity {name},... computes it"
    elif name == "flops":
        help = instead_of(name, names)
    else:
        help = suggestion(name, names, f"columns are {', '.join(names)}")
    _refuse("unknown-column", f"this sweep has no column `{name}`", help)


def _refuse(code: str, message: str, help: str | None = None) -> NoReturn:
    raise SpecError([Diagnostic(code, message, help=help)])

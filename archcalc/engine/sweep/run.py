"""Many configurations of networks at once: planned, computed chunk by chunk, collected."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from fractions import Fraction
from typing import Any

import numpy as np

from archcalc.engine.network import AnyNetwork
from archcalc.engine.sweep.chunk import Rows, Runner
from archcalc.engine.sweep.parts import Store
from archcalc.engine.sweep.plan import Plan, make_plan
from archcalc.results.sweep import Axis, Column, Columns, Sweep, Tally, joined
from archcalc.spec.limits import DEFAULT_LIMITS, Limits

Progress = Callable[[int], None]  # is told how many points are done


def sweep(
    networks: AnyNetwork | Sequence[AnyNetwork],
    over: Mapping[str, Any] | None = None,
    *,
    set: Mapping[str, Any] | None = None,
    quantities: Sequence[str] | None = None,
    where: Sequence[str] = (),
    pareto: str | Sequence[str] = (),
    sort: str | None = None,
    top: int | None = None,
    sample: int | None = None,
    seed: int = 0,
    batch: int = 1,
    dtype: str = "fp32",
    with_heads: bool = False,
    limits: Limits = DEFAULT_LIMITS,
) -> Sweep:
    """What all configurations of a network, or of several, cost: exact integers in NumPy arrays.

    Where few are chosen of very many that differ in structure, by costs that add up or by axes, they are found without
    going through all; which of those that are equal in the column that `top` goes by is then not said.

    Args:
        networks: names, files, or what `load` gave.
        over: values of variables, or of items of lists: `{"resolution": "96:320:32", "kernel[*]": [3, 5]}`; `batch` is
            one too. They stand in place of the axes of a spec's `space:` that they meet; without any, all of it.
        set: values of other variables.
        quantities: the columns of costs: any that add up, `flops_arithmetic` among them; without, what a network stores
            and its MACs, connections, neurons and activations.
        where: conditions that all hold: `["macs < 600M"]`.
        pareto: objectives, the smaller the better, with `-` the larger: `"macs,-resolution"`; what nothing is
            better than in all of them is kept.
        sort: a column, the largest first; with `-` the smallest.
        top: so many rows, the first by `sort`.
        sample: so many configurations drawn at random, each on its own, where there are more: of those that meet
            `where`, if they can be counted.
        seed: of the sample.
        batch: examples at once; multiplies macs, flops and activations.
        dtype: of the weights, for their size.
        with_heads: count train-only heads too.
        limits: bounds on the work.

    Raises:
        SpecError: an unknown network, variable, column or condition, or values that are none.
        ValueError: an unknown dtype, no quantities, or a batch, top, sample or seed that is too small.
        SweepMismatchError: a configuration computed once more by the integer engine costs something else.
    """
    plan = make_plan(
        networks,
        over or {},
        set=set,
        quantities=quantities,
        where=where,
        pareto=pareto,
        sort=sort,
        top=top,
        sample=sample,
        seed=seed,
        batch=batch,
        dtype=dtype,
        with_heads=with_heads,
        limits=limits,
    )
    from archcalc.engine.sweep.search import searched

    found = searched(plan)
    return collected(plan) if found is None else found


class Kept:
    """Columns that were computed, as a table to choose from."""

    def __init__(self, axes: Sequence[Axis], columns: Columns) -> None:
        self._columns = columns
        self.numeric = {axis.name for axis in axes if axis.is_numeric}
        self.texts = {"network", *(axis.name for axis in axes)} - self.numeric

    def __len__(self) -> int:
        return len(next(iter(self._columns.values())))

    def column(self, name: str) -> Column:
        """The values of a column, as they are written."""
        return self._columns[name]

    def exact(self, name: str) -> tuple[Column, Fraction]:
        """Values to compare; texts with a unit of 0."""
        values = self._columns[name]
        if name in self.numeric and values.dtype == object:  # fractions are written as texts
            values = np.array([Fraction(value) for value in values], dtype=object)
        return values, Fraction(0 if name in self.texts else 1)

    def columns(self) -> Columns:
        """All of them."""
        return self._columns


def collected(
    plan: Plan, store: Store | None = None, progress: Progress | None = None, most: int | None = None
) -> Sweep:
    """Compute a plan in this process; with a store, what is there is not computed again.

    Without one, rows are in memory: of `most` that are asked for, little more than those.
    """
    runner = Runner(plan)
    return gathered(plan, (compute(runner, store, number) for number in range(plan.chunks)), store, progress, most)


def compute(runner: Runner, store: Store | None, number: int) -> tuple[Tally, Rows | None]:
    """One chunk: its rows, or None where they are in the store."""
    found = None if store is None else store.found(number)
    if found is not None:
        return found, None
    rows, tally = runner.run(number)
    if store is None:
        return tally, rows
    store.write(number, rows.columns(), tally)
    return tally, None


def gathered(
    plan: Plan,
    chunks: Iterable[tuple[Tally, Rows | Kept | None]],
    store: Store | None,
    progress: Progress | None,
    most: int | None = None,
) -> Sweep:
    """The result of all chunks, in their order."""
    tally = Tally()
    rows: list[Rows | Kept] = []
    is_enough = False
    for found, kept in chunks:
        tally.add(found)
        if kept is not None and not is_enough:
            rows.append(kept)
        is_enough = most is not None and plan.selection.is_local and tally.kept >= most
        if progress is not None:
            progress(tally.computed)
    tally.left_out.sort(key=lambda of: (plan.names.index(of.network), of.number))

    def pieces() -> Iterator[Columns]:
        return (each.columns() for each in rows) if store is None else map(store.columns, range(plan.chunks))

    if plan.selection.is_local:
        return Sweep(plan.heading, tally, pieces)
    table = Kept(plan.axes, joined(plan.heading.columns, list(pieces())))
    order = plan.selection.ordered(table)
    columns = {name: values[order] for name, values in table.columns().items()}
    tally.kept = len(order)
    return Sweep(plan.heading, tally, lambda: iter([columns]))

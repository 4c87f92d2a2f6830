"""Sweeps that were written as Parquet: rows chosen of them, a row group at a time."""

from __future__ import annotations

from collections.abc import Sequence
from fractions import Fraction
from pathlib import Path

import numpy as np

from archcalc.engine.sweep.axes import axis_of
from archcalc.engine.sweep.expansion import SWEEPABLE
from archcalc.engine.sweep.parts import columns_of
from archcalc.engine.sweep.selection import selection
from archcalc.results.sweep import Axis, Column, Columns, Heading, Sweep, Tally, joined
from archcalc.source import Diagnostic, SpecError
from archcalc.source.extra import require


def chosen_of(
    path: Path,
    where: Sequence[str] = (),
    pareto: str | Sequence[str] = (),
    sort: str | None = None,
    top: int | None = None,
) -> Sweep:
    """Rows of a file that `archcalc sweep -o FILE.parquet` wrote, chosen as `sweep` chooses them.

    Args:
        path: the file.
        where: conditions that all hold: `macs < 600M`, `kernel[0] == 3`.
        pareto: keep what nothing else is better than in all of these columns; the larger is better with a minus.
        sort: the largest first, with a minus the smallest first.
        top: so many rows.

    Raises:
        SpecError: there is no such file, it holds no sweep, or a condition names no column.
        MissingExtraError: pyarrow is not installed.
    """
    require("pyarrow", extra="cluster")
    import pyarrow as pa
    import pyarrow.parquet as pq

    if not path.is_file():
        raise SpecError([Diagnostic("no-such-file", f"there is no file `{path}`", help="archcalc sweep -o writes one")])
    try:
        file = pq.ParquetFile(path)
    except (pa.ArrowInvalid, OSError):
        raise _no_sweep(path) from None
    with file:
        names = file.schema_arrow.names
        quantities = [name for name in names if name in SWEEPABLE]
        if names[:1] != ["network"] or not quantities or names[-len(quantities) :] != quantities:
            raise _no_sweep(path)
        groups = range(file.num_row_groups)
        axes = {
            name: axis_of(name, _distinct([columns_of(file.read_row_group(at, [name]))[name] for at in groups]))
            for name in names[1 : -len(quantities)]
        }
        chosen = selection(list(axes.values()), quantities, where, pareto, sort, top)
        pieces: list[Columns] = []
        networks: dict[str, None] = {}
        for at in groups:
            piece = columns_of(file.read_row_group(at))
            networks |= dict.fromkeys(piece["network"].tolist())
            rows = chosen.kept(_Rows(piece, axes))
            pieces.append(piece if rows is None else {name: values[rows] for name, values in piece.items()})
        count = file.metadata.num_rows
    columns = joined(names, pieces)
    rows = chosen.ordered(_Rows(columns, axes))
    columns = {name: values[rows] for name, values in columns.items()}
    heading = Heading(tuple(networks), tuple(axes.values()), tuple(quantities), count, None, 0, {}, {})
    return Sweep(heading, Tally(computed=count, kept=len(rows)), lambda: iter([columns]))


class _Rows:
    """Rows as a selection asks for them."""

    def __init__(self, columns: Columns, axes: dict[str, Axis]) -> None:
        self.columns, self.axes = columns, axes

    def column(self, name: str) -> Column:
        """The values of a column, as they are written."""
        return self.columns[name]

    def exact(self, name: str) -> tuple[Column, Fraction]:
        """Whole multiples of the axis' unit; a decimal of at most 15 digits is the one that is nearest."""
        values, axis = self.columns[name], self.axes.get(name)
        if name == "network" or (axis is not None and not axis.is_numeric):
            return values, Fraction(0)
        if axis is None or values.dtype.kind != "f":
            unit = Fraction(1) if axis is None else axis.unit
            return values // int(unit), unit
        return np.rint(values / float(axis.unit)).astype(np.int64), axis.unit

    def __len__(self) -> int:
        return len(self.columns["network"])


def _distinct(parts: Sequence[Column]) -> list[object]:
    found: list[object] = np.unique(np.concatenate(parts)).tolist() if parts else []
    return found


def _no_sweep(path: Path) -> SpecError:
    help = "archcalc sweep NET --over ... -o FILE.parquet writes one; audit reads tables of others"
    return SpecError([Diagnostic("no-table", f"`{path}` is no table that archcalc sweep has written", help=help)])

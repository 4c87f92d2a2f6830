"""Numbered neighbours as one row, where a page has no room for all: `cell8 to cell12`."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import replace

from archcalc.report.figure.items import Call, Figure, Row

LEAST = 3  # rows that become one
_COUNTED = re.compile(r"(.*?)(?:(\d+)|([A-Za-z]))")  # by a number, or by a letter at the end: `inception_4b`


def with_runs(figure: Figure) -> Figure:
    """The figure with each run of calls of one module whose names count up as one row; itself where there is none.

    A run ends where a head begins, which stands beside the row that it reads.
    """
    heads = {head.reads for head in figure.heads}
    rows: list[Row] = []
    run: list[Row] = []
    for row in figure.rows:
        if run and (run[-1].output in heads or not _goes_on(run[-1], row)):
            rows += _joined(run)
            run = []
        run.append(row)
    rows += _joined(run)
    return figure if len(rows) == len(figure.rows) else replace(figure, rows=rows)


def _goes_on(before: Row, row: Row) -> bool:
    one, other = before.item, row.item
    if not isinstance(one, Call) or not isinstance(other, Call) or not (before.is_only and row.is_only):
        return False
    names = _count(before.name), _count(row.name)
    is_next = names[0] is not None and names[1] is not None and _after(names[0]) == names[1]
    is_alike = (one.module, one.forms, one.y) == (other.module, other.forms, other.y)
    return is_next and is_alike and before.output in (row.reads, *row.others) and not one.is_entry


def _count(name: str) -> tuple[str, int, bool] | None:
    """What stands before the number or letter at the end of a name, that, and whether it is a number."""
    found = _COUNTED.fullmatch(name)
    if found is None:
        return None
    return found[1], int(found[2]) if found[2] else ord(found[3]), bool(found[2])


def _after(name: tuple[str, int, bool]) -> tuple[str, int, bool]:
    return name[0], name[1] + 1, name[2]


def _joined(run: Sequence[Row]) -> list[Row]:
    """Rows that count up as one, if they are many enough."""
    if len(run) < LEAST:
        return list(run)
    calls = [row.item for row in run if isinstance(row.item, Call)]
    parts = [part for call in calls for part in call.parts]
    forms = [form for call in calls for form in call.forms]
    names = [row.name for row in run for _ in row.item.parts]
    item = replace(calls[0], parts=parts, forms=forms, inner=[])
    first, last = parts[0].first, parts[-1].last
    reads = (read for row in run for read in (row.reads, *row.others) if read is not None)
    others = dict.fromkeys(read for read in reads if not first <= read < last and read != run[0].reads)
    name = f"{run[0].name} to {run[-1].name}"
    return [replace(run[0], name=name, item=item, others=list(others), output=run[-1].output, names=names)]

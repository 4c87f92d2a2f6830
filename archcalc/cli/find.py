"""The command find."""

from __future__ import annotations

from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer

from archcalc.cli.completion import complete_found_column, complete_task
from archcalc.cli.inputs import known, tell_left_out
from archcalc.cli.options import (
    DtypeOption,
    Format,
    FormatOption,
    OutputOption,
    UnitsChoice,
    UnitsOption,
)
from archcalc.cli.output import FINDINGS, deliver, fail, guarded


class WithChoice(StrEnum):
    """What stands beside the costs."""

    ACCURACY = "accuracy"


@guarded
def find(
    places: Annotated[
        list[str] | None,
        typer.Argument(
            metavar="PLACE",
            help="Folders and files of specs, or a FILE.parquet of `archcalc sweep`; without any, all networks of "
            "`archcalc list`.",
            show_default=False,
        ),
    ] = None,
    where: Annotated[
        list[str] | None,
        typer.Option(
            "--where",
            metavar="CONDITION",
            help="What must hold: 'macs < 600M', 'params <= 6M', 'top1 >= 75'; repeatable.",
            autocompletion=complete_found_column,
        ),
    ] = None,
    task: Annotated[
        str | None,
        typer.Option(
            "--task", metavar="TASK", help="What they are for: ImageNet, CIFAR.", autocompletion=complete_task
        ),
    ] = None,
    pareto: Annotated[
        str | None,
        typer.Option(
            "--pareto",
            autocompletion=complete_found_column,
            metavar="COLUMNS",
            help="Keep what nothing else is better than in all: macs,params; the larger is better with a minus: "
            "macs,-top1.",
        ),
    ] = None,
    sort: Annotated[
        str | None,
        typer.Option(
            "--sort",
            metavar="COLUMN",
            help="Largest first, with a minus smallest first; texts from A.",
            autocompletion=complete_found_column,
        ),
    ] = None,
    top: Annotated[
        int | None,
        typer.Option("--top", metavar="N", min=1, help="The N networks with most MACs, or first by --sort."),
    ] = None,
    beside: Annotated[
        WithChoice | None,
        typer.Option("--with", help="Accuracies that were published beside the costs, with their sources."),
    ] = None,
    dtype: DtypeOption = "fp32",
    format: FormatOption = None,
    output: OutputOption = None,
    units: UnitsOption = UnitsChoice.SI,
) -> None:
    """Find networks by cost, task and published accuracy.

    Columns are those of the totals (params, macs, size_bytes, depth, flops_fvcore, ...), year, resolution (the largest
    extent of the input), top1 and top5 (percent, of the ledger), name, family and task; of a sweep those that it has.
    """
    if places and any(Path(place).suffix.lower() == ".parquet" for place in places):
        refused = ("--task", task), ("--with", beside), ("--dtype", None if dtype == "fp32" else dtype)
        find_in_sweep(
            places, [name for name, given in refused if given], where, pareto, sort, top, format, output, units
        )
        return
    from archcalc.claims.find import find as find_networks
    from archcalc.report.found import found_object, found_row, listed
    from archcalc.report.media import data
    from archcalc.results.cost import DTYPES

    found = find_networks(
        *(places or []),
        where=where or [],
        task=task,
        pareto=pareto or [],
        sort=sort,
        top=top,
        dtype=known(dtype, DTYPES, "dtype"),
        with_accuracy=beside is WithChoice.ACCURACY,
    )
    tell_left_out(found.broken)
    deliver(
        format,
        output,
        lambda: listed(found, units.value),
        lambda: data.csv_text([found_row(row, found) for row in found.networks]),
        lambda: data.json_text([found_object(row, found) for row in found.networks]),
    )
    if not found.networks:
        raise typer.Exit(FINDINGS)


def find_in_sweep(
    places: list[str],
    refused: list[str],
    where: list[str] | None,
    pareto: str | None,
    sort: str | None,
    top: int | None,
    format: Format | None,
    output: Path | None,
    units: UnitsChoice,
) -> None:
    """Choose rows of a sweep that was written."""
    from archcalc.engine.sweep.written import chosen_of
    from archcalc.report.media import data
    from archcalc.report.sweep import csv_pieces, rows_of, swept

    if len(places) > 1:
        fail("bad-option", "a sweep is looked through alone", f"archcalc find {places[0]}")
    if refused:
        fail("bad-option", f"the rows of a sweep have no {refused[0]}", "archcalc find without a sweep has it")
    found = chosen_of(Path(places[0]), where or [], pareto or [], sort, top)
    said = [f"{len(found):,} of {found.tally.computed:,} rows of {places[0]}"]
    deliver(
        format,
        output,
        lambda: swept(found, units.value, said=said),
        lambda: "".join(csv_pieces(found)),
        lambda: data.json_text(list(rows_of(found))),
    )
    if not len(found):
        raise typer.Exit(FINDINGS)

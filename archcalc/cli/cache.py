"""The command cache."""

from __future__ import annotations

from typing import Annotated

import typer

from archcalc.cli.inputs import known, settings, tell_remarks
from archcalc.cli.options import (
    BatchOption,
    DtypeOption,
    FormatOption,
    NetworkName,
    OutputOption,
    SetOption,
    UnitsChoice,
    UnitsOption,
)
from archcalc.cli.output import deliver, fail, guarded


@guarded
def cache(
    network: NetworkName,
    past: Annotated[
        int | None,
        typer.Option("--past", metavar="N", min=0, help="Positions of earlier steps.", show_default=False),
    ] = None,
    length: Annotated[
        int | None,
        typer.Option(
            "--length",
            metavar="N",
            min=1,
            help="New positions: with --past 1, without it as many as the spec has.",
            show_default=False,
        ),
    ] = None,
    batch: BatchOption = 1,
    dtype: DtypeOption = "bf16",
    context: Annotated[
        int | None,
        typer.Option(
            "--context",
            metavar="N",
            min=1,
            help="Positions for which engines reserve that allocate all at once; without, those that there are.",
            show_default=False,
        ),
    ] = None,
    maximum: Annotated[
        str | None,
        typer.Option("--max", metavar="BYTES", help="Find the longest past within it: 16GiB.", show_default=False),
    ] = None,
    set: SetOption = None,
    format: FormatOption = None,
    output: OutputOption = None,
    units: UnitsOption = UnitsChoice.SI,
) -> None:
    """Tell what a cache takes, and what engines reserve for it.

    Needed is what the next step reads: keys and values, latents, recurrent states, by kind of layer. Beside it stands
    what named engines allocate for the same, and what formulas of other calculators give, each with how many times
    what is needed: `archcalc cache deepseek_v3 --past 8192 --batch 4 --dtype fp8`.
    """
    from archcalc.engine.cost.cache import cache_of
    from archcalc.report.cache import cache_object, kept, rows
    from archcalc.report.media import data
    from archcalc.results.cost import DTYPES

    known(dtype, DTYPES, "dtype")
    if batch < 1:
        fail("bad-batch", f"the batch is {batch}; it is 1 or more", "--batch 1")
    found = cache_of(network, past, length, batch, dtype, context, maximum, settings(set or []))
    tell_remarks(network)
    deliver(
        format,
        output,
        lambda: kept(found, units.value),
        lambda: data.csv_text(rows(found)),
        lambda: data.json_lines(data.versioned(**cache_object(found))),
    )

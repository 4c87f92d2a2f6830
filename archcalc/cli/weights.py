"""The command weights."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from archcalc.cli.completion import complete_network
from archcalc.cli.inputs import Request, analysed, settings
from archcalc.cli.options import FormatOption, OutputOption, SetOption
from archcalc.cli.output import FINDINGS, deliver, fail, guarded


@guarded
def weights(
    path: Annotated[
        Path,
        typer.Argument(
            metavar="FILE", help=".safetensors, .safetensors.index.json, .gguf, or a folder.", show_default=False
        ),
    ],
    against: Annotated[
        str | None,
        typer.Option(
            "--against",
            metavar="NET",
            help="The network that they are of: a name, or a file; without, that of the folder's config.json.",
            autocompletion=complete_network,
        ),
    ] = None,
    set: SetOption = None,
    format: FormatOption = None,
    output: OutputOption = None,
) -> None:
    """Tell what a file of weights holds.

    Names, shapes and types are read from the header, no weight is. With --against, or where a folder has a config.json
    whose model a spec describes, its parameters stand beside the network's, and what differs has its reason: buffers, a
    tied head that is stored twice, packed 4-bit numbers and their scales, a layer more; exit code 1 says that a
    difference has none.
    """
    from archcalc.report.media import data
    from archcalc.report.weights import inventory_object, rows
    from archcalc.report.weights import weights as document
    from archcalc.weights.beside import network_beside
    from archcalc.weights.inventory import inventory
    from archcalc.weights.read import read_weights

    file = read_weights(path)
    if against is None:
        cost, why = network_beside(path, settings(set or []))
        if set and cost is None:
            fail("bad-option", "--set is of a network, and none is told", "--against NET")
    else:
        cost, why = analysed([against], Request(set))[0], ""
    found = inventory(file, cost, why)
    deliver(
        format,
        output,
        lambda: document(found),
        lambda: data.csv_text(rows(found), list(rows(found)[0]) if found.groups else ["tensors"]),
        lambda: data.json_lines(data.versioned(**inventory_object(found))),
    )
    if found.unexplained:
        raise typer.Exit(FINDINGS)

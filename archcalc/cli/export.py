"""The command export: a network as a file of another program."""

from __future__ import annotations

import sys
from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer

from archcalc.cli.inputs import limits, settings, sizes, tell_remarks
from archcalc.cli.options import HeadsOption, InputOption, LimitOption, NetworkName, SetOption
from archcalc.cli.output import fail, guarded, send, writing, writing_stdout


class ExportFormat(StrEnum):
    """What a network is written as."""

    MODEL_EXPLORER = "model-explorer"
    SCALESIM = "scalesim"
    ONNX = "onnx"


@guarded
def export(
    network: NetworkName,
    format: Annotated[
        ExportFormat | None,
        typer.Option("--format", help="Without it: by the ending of -o FILE (.json, .csv, .onnx).", show_default=False),
    ] = None,
    output: Annotated[
        Path | None,
        typer.Option(
            "-o", "--output", metavar="FILE", help="Write to a file, whole or not at all.", show_default=False
        ),
    ] = None,
    set: SetOption = None,
    input: InputOption = None,
    with_heads: HeadsOption = False,
    limit: LimitOption = None,
) -> None:
    """Write a network as a file of another program, of one example.

    model-explorer: a graph of nested blocks with costs for Google's viewer, and FILE.macs.json, FILE.params.json and
    FILE.activations.json to lay over it. scalesim: a topology CSV of SCALE-Sim with every MAC. onnx: a graph with
    shapes and without weights, as Netron opens it; needs the extra onnx.
    """
    from archcalc.python.export import ENDINGS
    from archcalc.python.export import export as exported

    ending = output.suffix.lower() if output is not None else ""
    if format is None:
        if ending not in ENDINGS:
            known = " or ".join(f"--format {name}" for name in ENDINGS.values())
            what = "nothing says as what to write it" if output is None else f"`{output}` does not end as a format does"
            fail("bad-option", what, known)
        format = ExportFormat(ENDINGS[ending])
    elif ending in ENDINGS and ENDINGS[ending] != format:
        fail("bad-option", f"`{output}` ends in {ending}, and {format} would be in it", f"--format {ENDINGS[ending]}")
    if output is None and format is ExportFormat.ONNX and sys.stdout.isatty():
        fail("bad-option", "ONNX is no text, and a terminal shows nothing of it", f"-o {network}.onnx")
    made = exported(network, format, settings(set or []), sizes(input), with_heads, limits(limit or []))
    if output is None:
        if format is ExportFormat.ONNX:
            with writing_stdout():
                sys.stdout.buffer.write(made.content)
                sys.stdout.flush()
        else:
            send(made.text, None)
    else:
        with writing(output):
            for path in made.save(output):
                typer.echo(f"{path}: written", err=True)
    tell_remarks(network)
    for note in made.notes:
        typer.echo(note, err=True)

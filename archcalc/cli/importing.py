"""The command import."""

from __future__ import annotations

from typing import Annotated

import typer

from archcalc.cli.options import OutputOption
from archcalc.cli.output import fail, guarded, send


@guarded
def import_spec(
    source: Annotated[
        str,
        typer.Argument(metavar="SOURCE", help="A config.json of transformers, or its folder.", show_default=False),
    ],
    output: OutputOption = None,
) -> None:
    """Write a spec of a network that stands elsewhere.

    Of a configuration it is the spec of its family with the values that the configuration gives; every key of it is
    read, or named in an error. The spec goes to stdout or, whole, into a file; what it costs is said on stderr.
    """
    from archcalc.engine.network import analyze, load
    from archcalc.spec.configuration import is_configuration

    if not is_configuration(source):
        fail("not-a-source", f"`{source}` is no configuration", "a config.json of transformers, or a folder with one")
    network = load(source)
    totals = analyze(network).totals
    send(network.spec.source.text, output)
    typer.echo(f"{network.name}: {totals.params:,} params, {totals.macs:,} MACs", err=True)

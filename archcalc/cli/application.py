"""The application as typer has it: its commands, each imported when it is called."""

from __future__ import annotations

from typing import Annotated

import typer

from archcalc.cli.group import Commands

app = typer.Typer(
    name="archcalc",
    help="What a neural network costs, exactly, from a spec that reads like the table in the paper.",
    epilog="Try: archcalc compare googlenet vgg16. Exit codes: 0 fine, 1 findings, 2 usage, 3 a missing extra.",
    cls=Commands,
    rich_markup_mode=None,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100},
    no_args_is_help=True,
)


def _version(wanted: bool) -> None:
    if wanted:
        from archcalc import __version__

        typer.echo(f"archcalc {__version__}")
        raise typer.Exit


@app.callback()
def _archcalc(
    version: Annotated[
        bool, typer.Option("--version", help="Say which version this is.", callback=_version, is_eager=True)
    ] = False,
) -> None:
    """What a neural network costs, exactly, from a spec that reads like the table in the paper."""

"""The application: its commands, each imported when it is called."""

from __future__ import annotations

import os
import sys
from functools import partial
from pathlib import Path
from typing import Annotated

import typer

from archcalc.cli.completion import complete_for_bash, is_completing
from archcalc.cli.group import Commands
from archcalc.cli.output import FINDINGS, is_extent

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


def main() -> None:
    """Entry point."""
    nowhere = Path(os.devnull)
    with nowhere.open(encoding="utf-8") as unwritable, nowhere.open("w", encoding="utf-8") as lost:
        # A stream that the caller has closed is None. That a result cannot be written is told; what is said is lost.
        sys.stdout = sys.stdout or unwritable
        sys.stderr = sys.stderr or lost
        for name in ("COLUMNS", "LINES"):  # which libraries read too, and as any number
            if not is_extent(os.environ.get(name, "0")):
                del os.environ[name]
        if "_ARCHCALC_COMPLETE" in os.environ and not is_extent(os.environ.get("COMP_CWORD", "0")):
            sys.exit(FINDINGS)
        if is_completing():
            complete_for_bash(partial(app, prog_name="archcalc"))
        app(prog_name="archcalc")

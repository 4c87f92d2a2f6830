"""The application: its commands, each importing what it needs when it is called."""

from __future__ import annotations

import os
import sys
from functools import partial
from pathlib import Path
from typing import Annotated

import typer

from archcalc.cli import (
    audit,
    cache,
    check,
    diff,
    draw,
    explain,
    find,
    formula,
    importing,
    memory,
    networks,
    operators,
    page,
    profile,
    reconcile,
    report,
    roofline,
    solve,
    sweep,
    validate,
    verify,
    weights,
)
from archcalc.cli.completion import complete_for_bash, is_completing
from archcalc.cli.output import FINDINGS, is_extent
from archcalc.cli.plain import PlainCommand, PlainGroup

app = typer.Typer(
    name="archcalc",
    help="What a neural network costs, exactly, from a spec that reads like the table in the paper.",
    epilog="Try: archcalc compare googlenet vgg16. Exit codes: 0 fine, 1 findings, 2 usage, 3 a missing extra.",
    cls=PlainGroup,
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


app.command("list", cls=PlainCommand)(networks.list_networks)
app.command(cls=PlainCommand)(find.find)
app.command(cls=PlainCommand)(networks.show)
app.command(cls=PlainCommand)(networks.compare)
app.command(cls=PlainCommand)(explain.explain)
app.command(cls=PlainCommand)(diff.diff)
app.command(cls=PlainCommand)(draw.draw)
app.command(cls=PlainCommand)(page.page)
app.command(cls=PlainCommand)(formula.formula)
app.command(cls=PlainCommand)(sweep.sweep)
app.command(cls=PlainCommand)(solve.solve)
app.command(cls=PlainCommand)(solve.scale)
app.command(cls=PlainCommand)(cache.cache)
app.command(cls=PlainCommand)(memory.memory)
app.command(cls=PlainCommand)(roofline.roofline)
app.command(cls=PlainCommand)(roofline.estimate)
app.command(cls=PlainCommand)(roofline.devices)
app.command(cls=PlainCommand)(roofline.calibrate)
app.command(cls=PlainCommand)(validate.validate)
app.command(cls=PlainCommand)(check.check)
app.command(cls=PlainCommand)(check.sources)
app.command(cls=PlainCommand)(audit.audit)
app.command(cls=PlainCommand)(reconcile.conventions)
app.command(cls=PlainCommand)(reconcile.reconcile)
app.command(cls=PlainCommand)(verify.verify)
app.command("import", cls=PlainCommand)(importing.import_spec)
app.command(cls=PlainCommand)(weights.weights)
app.command(cls=PlainCommand)(profile.profile)
app.command(cls=PlainCommand)(operators.ops)
app.command(cls=PlainCommand)(report.report)


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

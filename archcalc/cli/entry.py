"""The entry point: names alone are answered without typer, whose import takes as long as all else that they need."""

from __future__ import annotations

import os
import sys
from collections.abc import Sequence
from functools import partial
from importlib import import_module
from pathlib import Path

from archcalc.cli.output import FINDINGS, is_extent


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
        if "_ARCHCALC_COMPLETE" not in os.environ and answered(sys.argv[1:]):
            sys.exit(0)
        from archcalc.cli.application import app
        from archcalc.cli.completion import complete_for_bash, is_completing

        if "_ARCHCALC_COMPLETE" in os.environ and not is_extent(os.environ.get("COMP_CWORD", "0")):
            sys.exit(FINDINGS)
        if is_completing():
            complete_for_bash(partial(app, prog_name="archcalc"))
        app(prog_name="archcalc")


def answered(typed: Sequence[str]) -> bool:
    """Whether it was `show NET` or `compare NET NET ...` without options, which is then answered: as typer would."""
    command, *names = typed or [""]
    if any(name.startswith("-") for name in names):
        return False
    if not (command == "show" and len(names) == 1) and not (command == "compare" and len(names) > 1):
        return False
    from archcalc.cli.output import guarded
    from archcalc.cli.tables import compare_networks, show_network
    from archcalc.source.later import patterns_later

    with patterns_later():  # of which fractions needs none, and textwrap one
        for name in ("fractions", "textwrap"):
            import_module(name)

    try:
        if command == "show":
            guarded(show_network)(names[0])
        else:
            guarded(compare_networks)(names)
    except RuntimeError as ended:
        from typer import Exit

        if not isinstance(ended, Exit):
            raise
        sys.exit(ended.exit_code)
    return True

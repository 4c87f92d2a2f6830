"""The command line: parse, call one function, render, exit."""

from __future__ import annotations

from archcalc.cli.entry import main

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from archcalc.cli.application import app

__all__ = ["app", "main"]


def __getattr__(name: str) -> Any:
    if name == "app":  # of typer, which is imported where it is needed
        from archcalc.cli.application import app

        return app
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")

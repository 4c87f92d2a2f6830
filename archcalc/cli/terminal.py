"""Lines on a terminal, in colour."""

from __future__ import annotations

from collections.abc import Iterable
from typing import IO

from archcalc.report.media.text import Line, ascii_only

_STYLES = {"": "", "bold": "bold", "dim": "dim", "bar": "cyan"}


def show(lines: Iterable[Line], stream: IO[str]) -> None:
    """Write lines with their styles; rich is imported here, where it is needed."""
    from rich.console import Console
    from rich.text import Text

    console = Console(file=stream, highlight=False, markup=False, soft_wrap=True)
    for line in lines:
        text = Text()
        for part, style in line:
            if console.options.ascii_only:
                part = ascii_only(part).encode("ascii", "replace").decode()  # noqa: PLW2901
            text.append(part, _STYLES[style])
        text.rstrip()
        console.print(text)

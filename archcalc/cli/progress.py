"""A bar on a terminal for what takes long; nothing in a pipe."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager


@contextmanager
def progress(total: float, unit: str = "") -> Iterator[Callable[[float, str], None]]:
    """Gives a function that is told how much of the total is done and what comes next; shown on stderr.

    With a unit, how many of it are done in a second and the time that is left are shown too.

    It draws only when told something, so that it takes no time from what is measured.
    """
    if not sys.stderr.isatty():
        yield lambda done, text: None
        return
    from rich.console import Console
    from rich.progress import (
        BarColumn,
        Progress,
        ProgressColumn,
        Task,
        TaskProgressColumn,
        TextColumn,
        TimeElapsedColumn,
        TimeRemainingColumn,
    )
    from rich.text import Text

    class Rate(ProgressColumn):
        def render(self, task: Task) -> Text:
            from archcalc.report.media.numbers import rate

            return Text(f"{rate(task.speed)} {unit}/s" if task.speed else "")

    columns: list[ProgressColumn] = [
        TextColumn("{task.description}", markup=False),
        BarColumn(),
        TaskProgressColumn(),
        TimeElapsedColumn(),
    ]
    if unit:
        columns += [Rate(), TimeRemainingColumn()]
    with Progress(*columns, console=Console(stderr=True), transient=True, auto_refresh=False) as shown:
        task = shown.add_task("", total=total)
        yield lambda done, text: shown.update(task, completed=done, description=text, refresh=True)

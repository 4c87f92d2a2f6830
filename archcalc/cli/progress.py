"""How far something is that takes long: a bar on a terminal; in a pipe, of what is counted, a line a minute."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from time import monotonic

EVERY = 60.0  # seconds from one line of a pipe to the next


@contextmanager
def progress(total: float, unit: str = "") -> Iterator[Callable[[float, str], None]]:
    """Gives a function that is told how much of the total is done and what comes next; shown on stderr.

    With a unit, how many of it are done in a second and the time that is left are shown too, from the first that is
    told; and where stderr is no terminal, a line of these once a minute.

    It draws only when told something, so that it takes no time from what is measured.
    """
    if not sys.stderr.isatty():
        yield lines(total, unit) if unit else lambda done, text: None
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
    )
    from rich.text import Text

    class Rate(ProgressColumn):
        def render(self, task: Task) -> Text:
            return Text(pace(task.completed, total, task.elapsed or 0.0, unit))

    columns: list[ProgressColumn] = [
        TextColumn("{task.description}", markup=False),
        BarColumn(),
        TaskProgressColumn(),
        TimeElapsedColumn(),
    ]
    if unit:
        columns += [Rate()]
    with Progress(*columns, console=Console(stderr=True), transient=True, auto_refresh=False) as shown:
        task = shown.add_task("", total=total)
        yield lambda done, text: shown.update(task, completed=done, description=text, refresh=True)


def lines(total: float, unit: str, now: Callable[[], float] = monotonic) -> Callable[[float, str], None]:
    """Tells a file or a pipe once a minute."""
    begun = told = now()

    def tell(done: float, text: str) -> None:
        nonlocal told
        if now() - told >= EVERY:
            told = now()
            of = f"{done:,.0f} of {total:,.0f} {unit}"
            print(f"{text}: {of}, {pace(done, total, told - begun, unit)}", file=sys.stderr, flush=True)

    return tell


def pace(done: float, total: float, seconds: float, unit: str) -> str:
    """How many are done in a second, and the time that the rest takes: `412.0 K configurations/s, 0:45 left`."""
    from archcalc.report.media.numbers import rate

    if not done or not seconds:
        return ""
    left = round((total - done) * seconds / done)
    minutes, rest = divmod(left, 60)
    hours, minutes = divmod(minutes, 60)
    shown = f"{hours}:{minutes:02d}:{rest:02d}" if hours else f"{minutes}:{rest:02d}"
    return f"{rate(done / seconds)} {unit}/s, {shown} left"

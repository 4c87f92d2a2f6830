"""Ctrl-C and requests to end, as exceptions while a command runs, so that it ends what it has begun."""

from __future__ import annotations

import signal
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType
from typing import Any, NoReturn

AT_ONCE = "end_at_once"  # the answer to Ctrl-C of a process of archcalc's own, before and after a command
SOON = 0.01  # seconds until an interrupt that was swallowed is raised again


class Terminated(KeyboardInterrupt):
    """Somebody asked this process to end, or its terminal is gone; `number` is the signal's."""

    def __init__(self, number: int) -> None:
        super().__init__()
        self.number = number


@contextmanager
def interruptible() -> Iterator[None]:
    """Signals as exceptions; where the process has its own answer to Ctrl-C, nothing is changed."""
    before = signal.getsignal(signal.SIGINT)
    if getattr(before, "__name__", "") != AT_ONCE:
        yield
        return
    ending = [getattr(signal, name) for name in ("SIGTERM", "SIGHUP") if hasattr(signal, name)]
    ending = [number for number in ending if signal.getsignal(number) is signal.SIG_DFL]
    hook = sys.unraisablehook
    sys.unraisablehook = lambda told: _again(told) if isinstance(told.exc_value, KeyboardInterrupt) else hook(told)
    for number in ending:
        signal.signal(number, _end)
    signal.signal(signal.SIGINT, signal.default_int_handler)
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, before)
        for number in ending:
            signal.signal(number, signal.SIG_DFL)
        sys.unraisablehook = hook


def _end(number: int, frame: FrameType | None) -> NoReturn:
    raise Terminated(number)


def _again(told: Any) -> None:
    """An interrupt came where Python cannot raise it, while an object was cleared away: a moment later it can."""
    if not hasattr(signal, "setitimer"):
        return
    error = told.exc_value

    def raise_it(number: int, frame: FrameType | None) -> NoReturn:
        signal.signal(signal.SIGALRM, signal.SIG_DFL)
        raise error

    signal.signal(signal.SIGALRM, raise_it)
    signal.setitimer(signal.ITIMER_REAL, SOON)

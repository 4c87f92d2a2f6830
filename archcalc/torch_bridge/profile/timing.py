"""How long something takes: clocks of CPU and GPU, warm-up, medians and quartiles."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from statistics import median, quantiles
from time import perf_counter
from typing import Any, NamedTuple

import torch

# A warm-up ends when the medians of the last WINDOW runs and of the WINDOW before differ by less than CLOSE, and
# LEAST_SECONDS are over: caches are filled then, algorithms chosen, clocks up. Or it ends after MOST_SECONDS, and says
# so. The first run, which may compile, is in none of these.
WINDOW, CLOSE, LEAST_SECONDS, MOST_SECONDS = 5, 0.05, 0.2, 30.0


class Clock:
    """Wall time of a CPU."""

    def stamp(self) -> Any:
        """Now."""
        return perf_counter()

    def finish(self) -> None:
        """Wait until everything that was asked for is done."""

    def seconds(self, start: Any, stop: Any) -> float:
        """Time between two stamps, after `finish`."""
        return float(stop - start)

    def time(self, run: Callable[[], object]) -> float:
        """Seconds that one run takes, nothing else being under way."""
        self.finish()
        start = self.stamp()
        run()
        stop = self.stamp()
        self.finish()
        return self.seconds(start, stop)


class CudaClock(Clock):
    """Time on a GPU's own stream: events, read after synchronisation.

    A run starts on an idle stream, so that what it takes to launch its kernels is in its time, as it is for a user.
    """

    def __init__(self, device: torch.device) -> None:
        self.device = device

    def stamp(self) -> Any:
        """An event in the stream."""
        event = torch.cuda.Event(enable_timing=True)  # type: ignore[no-untyped-call]
        event.record(torch.cuda.current_stream(self.device))
        return event

    def finish(self) -> None:
        """Synchronise."""
        torch.cuda.synchronize(self.device)

    def seconds(self, start: Any, stop: Any) -> float:
        """Events count milliseconds."""
        return float(start.elapsed_time(stop)) / 1000


def clock_of(device: torch.device) -> Clock:
    """The clock that tells how long a device works."""
    return CudaClock(device) if device.type == "cuda" else Clock()


class WarmUp(NamedTuple):
    """Runs that do not count, and whether they ended because times no longer changed."""

    runs: int
    is_stable: bool


def warm_up(time: Callable[[], float]) -> WarmUp:
    """Run until times are stable."""
    times: list[float] = []
    while True:
        times.append(time())
        whole = sum(times[1:])
        if len(times) > 2 * WINDOW and whole >= LEAST_SECONDS:
            before, now = median(times[-2 * WINDOW : -WINDOW]), median(times[-WINDOW:])
            if abs(now - before) < CLOSE * before:
                return WarmUp(len(times), True)
        if whole >= MOST_SECONDS:
            return WarmUp(len(times), False)


class Quartiles(NamedTuple):
    """Half of all repeats lie between the first and the third."""

    first: float
    median: float
    third: float


def quartiles(times: Sequence[float]) -> Quartiles:
    """Quartiles of the repeats, interpolated between neighbours."""
    return Quartiles(*quantiles(times, n=4, method="inclusive"))

"""Configurations a second of one network: on a grid of axes, on a list drawn from them, one by one.

    python sweep_rates.py NETWORK AXIS=VALUES AXIS=VALUES

Prints seconds of this process on one core for a configuration of each kind. A sweep is a whole call: planning,
expansion, the points that are computed once more, and the columns of params and macs in memory.
"""

from __future__ import annotations

import sys
import time
from math import prod
from typing import Any

import archcalc
from tests.benchmarks.workloads import mobile

DRAWN = 8_000_000
RUNS = 3
ONE_BY_ONE = 60
QUANTITIES = ("params", "macs")


def taken(work: Any, points: int) -> float:
    """Seconds of the processor for a point, the least of the runs."""
    least = []
    for _ in range(RUNS):
        start = time.process_time()
        found = work()
        least.append(time.process_time() - start)
        assert len(found) == points
    return min(least) / points


name, *given = sys.argv[1:]
network = mobile() if name == "mobile" else archcalc.load(name)
over = dict(text.split("=") for text in given)
axes = archcalc.sweep(network, over, quantities=QUANTITIES, sample=1).heading.axes
points = prod(axis.size for axis in axes)
indices = [[at * axis.size // ONE_BY_ONE for at in range(ONE_BY_ONE)] for axis in axes]
settings = [
    {axis.name: str(axis.value(at)) for axis, at in zip(axes, each, strict=True)} for each in zip(*indices, strict=True)
]
print(
    taken(lambda: archcalc.sweep(network, over, quantities=QUANTITIES), points),
    taken(lambda: archcalc.sweep(network, over, quantities=QUANTITIES, sample=DRAWN), DRAWN),
    taken(lambda: [archcalc.analyze(network, set=each).totals for each in settings], ONE_BY_ONE),
)

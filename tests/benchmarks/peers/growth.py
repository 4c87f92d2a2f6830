"""Seconds and peak memory [bytes] for a chain: `growth.py repeated 100000`. The memory of 1 layer is the base."""

import sys
import time

from tests.benchmarks.workloads import chain, from_source
from tests.peak_memory import peak_memory

kind, length = sys.argv[1], int(sys.argv[2])
from_source(chain(kind, 1))
source = chain(kind, length)
start = time.perf_counter()
cost = from_source(source)
taken = time.perf_counter() - start
assert cost.totals.layers == length
print(taken, peak_memory())

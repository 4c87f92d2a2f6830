"""Seconds that archcalc takes for every network of the repository, the first time in a process."""

import time

from tests.benchmarks.workloads import every_network

start = time.perf_counter()
found = every_network()
print(time.perf_counter() - start)
print(found)

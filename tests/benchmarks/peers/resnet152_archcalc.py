"""Seconds that archcalc takes from the text of resnet.yaml to the totals of ResNet-152, cold, one a line."""

import gc
import time

from archcalc.spec.library import specs_folder
from tests.benchmarks.workloads import from_file

path = specs_folder() / "resnet.yaml"
gc.collect()  # what imports leave to the collector is no part of a count
for _ in range(25):
    start = time.perf_counter()
    cost = from_file(path, "resnet152")
    print(time.perf_counter() - start)
assert cost.totals.macs == 11_282_415_616

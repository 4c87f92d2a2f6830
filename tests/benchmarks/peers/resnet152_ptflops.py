"""Seconds that ptflops takes to count an instantiated ResNet-152, one a line; its quicker backend of the two."""

import gc
import io
import time
import warnings
from importlib import import_module

from torchvision.models import resnet152

warnings.simplefilter("ignore")
count = import_module("ptflops").get_model_complexity_info  # in a virtual environment of its own
model = resnet152(weights=None).eval()
taken: dict[str, list[float]] = {"aten": [], "pytorch": []}
gc.collect()  # what imports leave to the collector is no part of a count
for backend in ("aten", "pytorch") * 3:
    start = time.perf_counter()
    count(
        model,
        (3, 224, 224),
        backend=backend,
        as_strings=False,
        print_per_layer_stat=False,
        verbose=False,
        ost=io.StringIO(),
    )
    taken[backend].append(time.perf_counter() - start)
print("\n".join(map(str, min(taken.values(), key=min))))

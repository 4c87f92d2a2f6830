#!/usr/bin/env bash
# FlopCounterMode counts torch._scaled_mm, and nothing of torch.nn.functional.scaled_mm, which does the same.
# Exit 0: it behaves as described. Anything else: it changed, or could not be tried.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet --disable-pip-version-check torch==2.14.1 numpy==2.4.6
"$folder/venv/bin/python" - "$folder" <<'PYTHON'
import sys
import warnings
from importlib.metadata import version

warnings.simplefilter("ignore")
print(", ".join(f"{name} {version(name)}" for name in ("torch", "numpy")))

import torch
from torch.nn import functional
from torch.utils.flop_counter import FlopCounterMode

a, b = torch.ones(16, 32).to(torch.float8_e4m3fn), torch.ones(48, 32).to(torch.float8_e4m3fn).t()
one, each = torch.tensor(1.0), functional.ScalingType.TensorWise
calls = {
    "torch._scaled_mm": lambda: torch._scaled_mm(a, b, one, one, out_dtype=torch.bfloat16),
    "torch.nn.functional.scaled_mm": lambda: functional.scaled_mm(
        a, b, one, each, one, each, output_dtype=torch.bfloat16
    ),
}
counted, given = {}, {}
for name, call in calls.items():
    with FlopCounterMode(display=False) as mode:
        given[name] = call()
    counted[name] = mode.get_total_flops()
    print(f"{name}: {counted[name]:,} FLOPs of {2 * 16 * 32 * 48:,}")
assert torch.equal(*given.values())
assert list(counted.values()) == [2 * 16 * 32 * 48, 0]
PYTHON

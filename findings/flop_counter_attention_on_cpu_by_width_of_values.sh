#!/usr/bin/env bash
# On the CPU FlopCounterMode counts attention only where v's head dimension differs from q's (or with dropout).
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
from torch.nn.functional import scaled_dot_product_attention
from torch.utils.flop_counter import FlopCounterMode

counted = {}
for device in ("meta", "cpu"):
    for width in (16, 8):
        q, k = torch.zeros(1, 2, 8, 16, device=device), torch.zeros(1, 2, 8, 16, device=device)
        v = torch.zeros(1, 2, 8, width, device=device)
        with FlopCounterMode(display=False) as mode:
            scaled_dot_product_attention(q, k, v)
        counted[device, width] = mode.get_total_flops()
        print(f"{device}, q and k of 16, v of {width}: {counted[device, width]:,} FLOPs")
for width in (16, 8):
    assert counted["meta", width] == 2 * 2 * 8 * 8 * (16 + width)
assert counted["cpu", 16] == 0
assert counted["cpu", 8] == counted["meta", 8]
print("on the CPU equal widths count 0 and unequal ones all there is")
PYTHON

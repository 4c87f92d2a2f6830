#!/usr/bin/env bash
# torch's nearest interpolation reads an axis of an image that stays or doubles by that ratio, one of 1-D and 3-D maps by the factor.
# Exit 0: it behaves as described. Anything else: it changed, or could not be tried.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet --disable-pip-version-check torch==2.14.1 numpy==2.4.6
"$folder/venv/bin/python" - <<'PYTHON'
from importlib.metadata import version

print(", ".join(f"{name} {version(name)}" for name in ("torch", "numpy")))

import torch
from torch.nn.functional import interpolate



def read(extent, factor, rank, other=None):
    """Which inputs the outputs along the last axis of a map read; `other` is the extent of the other axes."""
    x = torch.arange(float(extent)).expand(1, 1, *[other or extent] * (rank - 1), extent)
    y = interpolate(x, scale_factor=factor, mode="nearest")
    return [int(value) for value in y.reshape(-1, y.shape[-1])[0]]


# Output i reads floor(i / factor); of an axis of an image whose extent stays or doubles, floor(i / 1) or floor(i / 2).
expected = {
    (3, 1.25): {1: [0, 0, 1], 2: [0, 1, 2], 3: [0, 0, 1]},  # 3.75 is 3 outputs, as many as inputs
    (2, 2.25): {1: [0, 0, 0, 1], 2: [0, 0, 1, 1], 3: [0, 0, 0, 1]},  # 4.5 is 4 outputs, twice as many
}
for (extent, factor), by_rank in expected.items():
    for rank, inputs in by_rank.items():
        found = read(extent, factor, rank)
        print(f"{rank}-D, {extent} positions by {factor}: outputs read inputs {found}")
        assert found == inputs
# Each axis of an image for itself: 3 stay 3 while 4 become 5.
found = read(3, 1.25, 2, other=4)
print(f"2-D, beside an axis that grows: {found}")
assert found == [0, 1, 2]
PYTHON

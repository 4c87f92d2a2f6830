#!/usr/bin/env bash
# The shape of a float4 tensor in a safetensors file has twice the elements of the tensor that torch saves and loads.
# Exit 0: it behaves as described. Anything else: it changed, or could not be tried.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet --disable-pip-version-check torch==2.14.1 safetensors==0.8.0 numpy==2.4.6
"$folder/venv/bin/python" - "$folder" <<'PYTHON'
import sys
import warnings
from importlib.metadata import version

warnings.simplefilter("ignore")
print(", ".join(f"{name} {version(name)}" for name in ("torch", "safetensors", "numpy")))

import json
import struct
from pathlib import Path

import torch
from safetensors.torch import load_file, save_file

path = Path(sys.argv[1]) / "packed.safetensors"
packed = torch.zeros(3, 4, dtype=torch.uint8).view(torch.float4_e2m1fn_x2)
save_file({"packed": packed}, path)
with path.open("rb") as file:
    (length,) = struct.unpack("<Q", file.read(8))
    entry = json.loads(file.read(length))["packed"]
loaded = load_file(path)["packed"]
print(f"tensor {tuple(packed.shape)}, {packed.numel()} elements; in the file {entry['dtype']} {entry['shape']}; "
      f"loaded again {tuple(loaded.shape)}, {loaded.numel()} elements, {loaded.nbytes} bytes")
assert tuple(packed.shape) == tuple(loaded.shape) == (3, 4)
assert entry["shape"] == [3, 8]
PYTHON

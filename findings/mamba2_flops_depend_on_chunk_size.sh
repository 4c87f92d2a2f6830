#!/usr/bin/env bash
# FlopCounterMode's figure of transformers' Mamba-2 grows several times with chunk_size, for equal outputs.
# Exit 0: it behaves as described. Anything else: it changed, or could not be tried.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet --disable-pip-version-check torch==2.14.1 transformers==5.24.0
"$folder/venv/bin/python" - "$folder" <<'PYTHON'
import sys
import warnings
from importlib.metadata import version

warnings.simplefilter("ignore")
print(", ".join(f"{name} {version(name)}" for name in ("torch", "transformers")))

import torch
import transformers
from torch.utils.flop_counter import FlopCounterMode

counted, given = {}, {}
for chunk in (16, 64, 256):
    config = transformers.Mamba2Config(
        vocab_size=32, hidden_size=32, num_heads=4, head_dim=16, state_size=16, n_groups=1, num_hidden_layers=1,
        chunk_size=chunk,
    )
    torch.manual_seed(0)
    model = transformers.Mamba2Model(config).eval()
    tokens = torch.arange(128).reshape(1, 128) % 32
    with torch.no_grad(), FlopCounterMode(display=False) as mode:
        given[chunk] = model(tokens).last_hidden_state
    counted[chunk] = mode.get_total_flops()
    print(f"chunk_size {chunk}: {counted[chunk]:,} FLOPs for 128 tokens")
assert torch.allclose(given[16], given[64], atol=1e-4) and torch.allclose(given[16], given[256], atol=1e-4)
assert counted[16] < counted[64] < counted[256] and counted[256] > 6 * counted[16]
print("outputs are equal; the default is", transformers.Mamba2Config().chunk_size)
PYTHON

#!/usr/bin/env bash
# transformers keeps the keys and values of Falcon's new decoder for every head of queries, 16 times what Falcon-40B needs.
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

# Falcon-40B's heads: 128 of queries, 8 of keys and values, 64 channels each
config = transformers.FalconConfig(
    vocab_size=64, hidden_size=8192, num_hidden_layers=1, num_attention_heads=128, num_kv_heads=8,
    new_decoder_architecture=True,
)
with torch.device("meta"):
    model = transformers.FalconForCausalLM(config).eval()
    cache = model(torch.zeros(1, 1, dtype=torch.int64), use_cache=True).past_key_values
(layer,) = cache.layers
needed = 2 * config.num_kv_heads * config.head_dim
kept = layer.keys.numel() + layer.values.numel()
print(f"keys {tuple(layer.keys.shape)}: {kept:,} elements a token and layer; {needed:,} are distinct")
assert config.num_kv_heads == 8
assert kept == 16 * needed
PYTHON

#!/usr/bin/env bash
# FlopCounterMode counts nothing of the experts of a transformers mixture of experts, as it runs by default.
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

length, hidden, inner, top = 8, 32, 48, 2
counted = {}
for experts in ("default", "grouped_mm", "batched_mm"):
    config = transformers.MixtralConfig(
        vocab_size=64, hidden_size=hidden, intermediate_size=inner, num_hidden_layers=1, num_attention_heads=4,
        num_key_value_heads=2, num_local_experts=4, num_experts_per_tok=top,
    )
    if experts != "default":
        config._experts_implementation = experts
    with torch.device("meta"):
        model = transformers.MixtralForCausalLM(config).eval().to(torch.bfloat16)
        tokens = torch.zeros(1, length, dtype=torch.int64)
    with FlopCounterMode(display=False) as mode:
        model(tokens)
    counted[experts] = mode.get_total_flops()
    print(f"experts as {experts}: {counted[experts]:,} FLOPs")
of_experts = 2 * length * top * 3 * hidden * inner
print(f"the experts that are used: 2 * {length} tokens * {top} experts * 3 * {hidden} * {inner} = {of_experts:,}")
assert counted["default"] == counted["grouped_mm"] == counted["batched_mm"] - of_experts
print("the default leaves out exactly the experts, without a warning")
PYTHON

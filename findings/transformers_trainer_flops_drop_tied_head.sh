#!/usr/bin/env bash
# The Trainer's FLOPs of transformers leave the output layer out where it is tied to the embedding, and only there.
# Exit 0: it behaves as described. Anything else: it changed, or could not be tried.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet --disable-pip-version-check torch==2.14.1 transformers==5.24.0 accelerate==1.15.0
"$folder/venv/bin/python" - "$folder" <<'PYTHON'
import sys
import warnings
from importlib.metadata import version

warnings.simplefilter("ignore")
print(", ".join(f"{name} {version(name)}" for name in ("torch", "transformers", "accelerate")))

from types import SimpleNamespace

import torch
import transformers
from torch.utils.flop_counter import FlopCounterMode

found = {}
for tied in (False, True):
    config = transformers.LlamaConfig(
        vocab_size=1000, hidden_size=32, intermediate_size=64, num_hidden_layers=1, num_attention_heads=4,
        tie_word_embeddings=tied, attn_implementation="eager",
    )
    with torch.device("meta"):
        model, tokens = transformers.LlamaForCausalLM(config).eval(), torch.zeros(1, 16, dtype=torch.int64)
    trainer = SimpleNamespace(model=model)  # all that the method reads of a trainer
    said = transformers.Trainer.floating_point_ops(trainer, {"input_ids": tokens})
    with FlopCounterMode(display=False) as mode:
        model(tokens)
    found[tied] = said, 3 * mode.get_total_flops()
    print(f"tied {tied}: the Trainer's {said:,}, three times the forward pass {found[tied][1]:,}")
assert found[True][1] == found[False][1]
assert found[False][0] - found[True][0] == 6 * 16 * 1000 * 32
print("the same work; the tied head's 6 x 16 tokens x 32,000 weights are missing")
PYTHON

#!/usr/bin/env bash
# transformers 5 saves Mixtral and Qwen3-MoE under other names, and in other tensors, than the model has in memory.
# Exit 0: it behaves as described. Anything else: it changed, or could not be tried.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet --disable-pip-version-check torch==2.14.1 transformers==5.24.0 safetensors==0.8.0
"$folder/venv/bin/python" - "$folder" <<'PYTHON'
import sys
import warnings
from importlib.metadata import version

warnings.simplefilter("ignore")
print(", ".join(f"{name} {version(name)}" for name in ("torch", "transformers", "safetensors")))

import json
import struct
from pathlib import Path

import transformers

small = {
    "vocab_size": 64, "hidden_size": 32, "intermediate_size": 48, "num_hidden_layers": 1, "num_attention_heads": 4,
    "num_key_value_heads": 2, "head_dim": 8,
}
models = {
    "mixtral": transformers.MixtralForCausalLM(
        transformers.MixtralConfig(**small, num_local_experts=2, num_experts_per_tok=1)
    ),
    "qwen3_moe": transformers.Qwen3MoeForCausalLM(
        transformers.Qwen3MoeConfig(**small, num_experts=2, num_experts_per_tok=1, moe_intermediate_size=48)
    ),
    "gpt_oss": transformers.GptOssForCausalLM(
        transformers.GptOssConfig(**small, num_local_experts=2, num_experts_per_tok=1)
    ),
}
found = {}
for name, model in models.items():
    folder = Path(sys.argv[1]) / name
    model.save_pretrained(folder)
    with (folder / "model.safetensors").open("rb") as file:
        (length,) = struct.unpack("<Q", file.read(8))
        header = json.loads(file.read(length))
    header.pop("__metadata__", None)
    memory = model.state_dict()
    found[name] = len(memory), len(header)
    print(f"{name}: {len(memory)} names in memory, {len(header)} in the file")
    for word, names in (("memory", memory), ("file", header)):
        print(f"  {word}: {[each for each in names if 'expert' in each][:3]}")
    in_memory = sum(tensor.numel() for tensor in memory.values())
    elements = 0
    for entry in header.values():
        product = 1
        for extent in entry["shape"]:
            product *= extent
        elements += product
    assert elements == in_memory
assert found == {"mixtral": (12, 16), "qwen3_moe": (14, 18), "gpt_oss": (20, 20)}
PYTHON

#!/usr/bin/env bash
# transformers' gelu_new, GPT-2's activation, gives what torch's GELU with the tanh approximation gives, bit by bit, and
# keeps four tensors for the backward pass where that keeps one; gelu_fast keeps seven.
# Exit 0: it behaves as described. Anything else: it changed, or could not be tried.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet --disable-pip-version-check torch==2.14.1 transformers==5.24.0
"$folder/venv/bin/python" - <<'PYTHON'
from importlib.metadata import version

import torch
from transformers.activations import ACT2FN

print(", ".join(f"{name} {version(name)}" for name in ("torch", "transformers")))
torch.manual_seed(0)
x = torch.randn(2, 3, 16, requires_grad=True) * 1


def kept(function):
    """Storages as large as the input, or larger, that are kept for the backward pass, each once."""
    found = {}

    def pack(tensor):
        storage = tensor.untyped_storage()
        found[storage.data_ptr()] = storage.nbytes(), tensor  # held, so that no address comes twice
        return tensor

    with torch.autograd.graph.saved_tensors_hooks(pack, lambda tensor: tensor):
        function(x)
    return sum(size >= x.nbytes for size, _ in found.values())


native = torch.nn.GELU(approximate="tanh")
found = {name: kept(ACT2FN[name]) for name in ("gelu_new", "gelu_fast", "gelu_pytorch_tanh")}
found["torch.nn.GELU(approximate='tanh')"] = kept(native)
for name, number in found.items():
    print(f"{name}: {number} tensors as large as the input")
assert torch.equal(ACT2FN["gelu_new"](x), native(x))
assert list(found.values()) == [4, 7, 1, 1]
PYTHON

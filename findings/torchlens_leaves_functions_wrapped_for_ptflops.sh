#!/usr/bin/env bash
# After TorchLens has traced a model, torch's functions stay wrapped: ptflops' module back end then ends in a KeyError
# in the same process, until torchlens.backends.torch.wrappers.unwrap_torch() is called; its aten back end goes on.
# Exit 0: it behaves as described. Anything else: it changed, or could not be tried.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet --disable-pip-version-check torch==2.14.1 torchlens==2.36.1 ptflops==0.7.5
"$folder/venv/bin/python" - <<'PYTHON'
import warnings
from importlib.metadata import version

warnings.simplefilter("ignore")
import ptflops
import torch
import torchlens
from torch import nn
from torchlens.backends.torch.wrappers import unwrap_torch

print(", ".join(f"{name} {version(name)}" for name in ("torch", "torchlens", "ptflops")))
net = nn.Sequential(nn.Conv2d(3, 4, 3), nn.ReLU(), nn.Flatten(), nn.Linear(4 * 36, 2))


def counted(backend):
    options = {"as_strings": False, "print_per_layer_stat": False, "verbose": False}
    try:
        return ptflops.get_model_complexity_info(net, (3, 8, 8), backend=backend, **options)
    except KeyError:
        return "KeyError"


found = {"before": [counted("pytorch"), counted("aten")]}
torchlens.trace(net, torch.randn(1, 3, 8, 8))
found["after a trace"] = [counted("pytorch"), counted("aten")]
unwrap_torch()
found["unwrapped"] = [counted("pytorch"), counted("aten")]
for when, (modules, aten) in found.items():
    print(f"{when}: pytorch back end {modules}, aten back end {aten}")
assert found["before"] == found["unwrapped"] == [(4610, 402), (4322, 402)]
assert found["after a trace"] == ["KeyError", (4322, 402)]
PYTHON

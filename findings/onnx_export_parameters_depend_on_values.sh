#!/usr/bin/env bash
# torch's ONNX export of a fresh resnet18 holds fewer numbers than that of the same network with values as after training.
# Exit 0: it behaves as described. Anything else: it changed, or could not be tried.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet --disable-pip-version-check torch==2.14.1 torchvision==0.29.1 onnx==1.23.2 onnxscript==0.7.2 numpy==2.4.6
"$folder/venv/bin/python" - "$folder" <<'PYTHON'
import sys
import warnings
from importlib.metadata import version

warnings.simplefilter("ignore")
print(", ".join(f"{name} {version(name)}" for name in ("torch", "torchvision", "onnx", "onnxscript", "numpy")))

import io
from contextlib import redirect_stdout
from pathlib import Path

import onnx
import torch
import torchvision
from torch import nn


def stored(model, name):
    path = Path(sys.argv[1]) / name
    with redirect_stdout(io.StringIO()):
        torch.onnx.export(model.eval(), (torch.zeros(1, 3, 224, 224),), str(path))
    total = 0
    for tensor in onnx.load(path).graph.initializer:
        product = 1
        for extent in tensor.dims:
            product *= extent
        total += product
    return total


torch.manual_seed(0)
model = torchvision.models.resnet18()
parameters = sum(parameter.numel() for parameter in model.parameters())
fresh = stored(model, "fresh.onnx")
for module in model.modules():
    if isinstance(module, nn.BatchNorm2d):
        for tensor in (module.weight, module.bias, module.running_mean, module.running_var):
            nn.init.uniform_(tensor, 0.5, 1.5)
trained = stored(model, "trained.onnx")
print(f"parameters in torch {parameters:,}; numbers in the file: fresh {fresh:,}, with values as trained {trained:,}")
assert fresh < trained < parameters
PYTHON

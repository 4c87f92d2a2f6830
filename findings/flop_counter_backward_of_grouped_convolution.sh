#!/usr/bin/env bash
# FlopCounterMode counts the weight gradient of a grouped convolution as many times too high as it has groups.
# Exit 0: it behaves as described. Anything else: it changed, or could not be tried.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet --disable-pip-version-check torch==2.14.1 torchvision==0.29.1 numpy==2.4.6
"$folder/venv/bin/python" - "$folder" <<'PYTHON'
import sys
import warnings
from importlib.metadata import version

warnings.simplefilter("ignore")
print(", ".join(f"{name} {version(name)}" for name in ("torch", "torchvision", "numpy")))

import torch
import torchvision
from torch import nn
from torch.utils.flop_counter import FlopCounterMode


def flops(call):
    with FlopCounterMode(display=False) as mode:
        call()
    return mode.get_total_flops()


for groups in (1, 2, 4, 8):
    layer = nn.Conv2d(8, 8, 3, padding=1, groups=groups, bias=False, device="meta")
    image = torch.zeros(1, 8, 6, 6, device="meta", requires_grad=True)
    forward, both = flops(lambda: layer(image)), flops(lambda: layer(image).sum().backward())
    print(f"{groups} groups: forward {forward:,}, forward and backward {both:,}, {both / forward:g} times")
    # forward 1, gradient of the input 1, gradient of the weights 1: three; it says 2 + groups
    assert both == (2 + groups) * forward
with torch.device("meta"):
    model, image = torchvision.models.mobilenet_v2(), torch.zeros(1, 3, 224, 224)
forward, both = flops(lambda: model(image)), flops(lambda: model(image).sum().backward())
print(f"mobilenet_v2: forward {forward:,}, forward and backward {both:,}, {both / forward:.1f} times")
assert both > 20 * forward
PYTHON

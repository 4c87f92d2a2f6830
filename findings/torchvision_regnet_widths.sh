#!/usr/bin/env bash
# Three of torchvision's RegNets are wider than those of the paper, its authors' code and timm: another rounding.
# Exit 0: it behaves as described. Anything else: it changed, or could not be tried.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet --disable-pip-version-check torch==2.14.1 torchvision==0.29.1 timm==1.0.31 numpy==2.4.6
"$folder/venv/bin/python" - <<'PYTHON'
import warnings
from importlib.metadata import version

warnings.simplefilter("ignore")
print(", ".join(f"{name} {version(name)}" for name in ("torch", "torchvision", "timm")))

import timm
import torch
import torchvision
from torchvision.models.regnet import BlockParams

# torchvision's builders read their widths from tensors, and so cannot run on the meta device: they are built on the CPU.
PAIRS = {
    "regnet_x_400mf": "regnetx_004", "regnet_x_800mf": "regnetx_008", "regnet_x_1_6gf": "regnetx_016",
    "regnet_x_3_2gf": "regnetx_032", "regnet_y_400mf": "regnety_004", "regnet_y_800mf": "regnety_008",
    "regnet_y_1_6gf": "regnety_016", "regnet_y_3_2gf": "regnety_032", "regnet_y_8gf": "regnety_080",
}
differ = {}
for theirs, name in PAIRS.items():
    one, other = getattr(torchvision.models, theirs)(), timm.create_model(name)
    params = [sum(each.numel() for each in model.parameters()) for model in (one, other)]
    widths = [
        [getattr(one.trunk_output, f"block{stage}")[0].f.c[0].out_channels for stage in range(1, 5)],
        [getattr(other, f"s{stage}").b1.conv3.conv.out_channels for stage in range(1, 5)],
    ]
    same = params[0] == params[1]
    print(f"{theirs}: torchvision {widths[0]}, {params[0]:,}; timm {widths[1]}, {params[1]:,}{'' if same else '  <- differ'}")
    if not same:
        differ[theirs] = params
assert differ == {
    "regnet_x_400mf": [5_495_976, 5_157_512],
    "regnet_y_800mf": [6_432_512, 6_263_168],
    "regnet_y_8gf": [39_381_472, 39_180_068],
}
# pycls, MODEL_ZOO.md: 5.2, 6.3 and 39.2 M parameters, as timm has.
print("widths are rounded to whole groups by _make_divisible: halves up, and up again below 9/10, for the nearest")
PYTHON

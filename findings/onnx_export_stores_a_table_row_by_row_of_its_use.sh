#!/usr/bin/env bash
# Both ONNX exporters of torch compute lookups of a trained table by constant places before they write the file: Swin's
# relative position bias, 169 rows a head, is stored as 49*49, so that a file has more parameters than its model.
# Exit 0: it behaves as described. Anything else: it changed, or could not be tried.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet --disable-pip-version-check torch==2.14.1 torchvision==0.29.1 numpy==2.4.6 \
  onnx==1.23.2 onnxscript==0.7.2
"$folder/venv/bin/python" - "$folder" <<'PYTHON'
import logging
import sys
import warnings
from importlib.metadata import version
from math import prod

warnings.simplefilter("ignore")
logging.disable(logging.CRITICAL)
print(", ".join(f"{name} {version(name)}" for name in ("torch", "torchvision", "onnx", "onnxscript")))

import onnx
import torch
from torchvision.models.swin_transformer import ShiftedWindowAttention

torch.manual_seed(0)
model = ShiftedWindowAttention(32, [7, 7], [0, 0], 4).eval()
with torch.no_grad():
    for parameter in model.parameters():
        parameter.normal_()
trained = sum(parameter.numel() for parameter in model.parameters())
table = model.relative_position_bias_table.numel()
print(f"the module: {trained:,} parameters, {table:,} of them in the table of 169 rows for 4 heads")
for dynamo in (False, True):
    path = f"{sys.argv[1]}/{dynamo}.onnx"
    torch.onnx.export(model, (torch.zeros(1, 14, 14, 32),), path, dynamo=dynamo, verbose=False)
    loaded = onnx.load(path, load_external_data=False)
    stored = {item.name: tuple(item.dims) for item in loaded.graph.initializer if item.data_type == 1}
    largest = {name: shape for name, shape in stored.items() if prod(shape) == 4 * 49 * 49}
    total = sum(prod(shape) for shape in stored.values() if prod(shape) > 1)
    print(f"dynamo={dynamo}: {total:,} numbers stored, among them {largest}")
    assert len(largest) == 1
    assert not any(prod(shape) == table for shape in stored.values())
    assert total >= trained - table + 4 * 49 * 49
PYTHON

#!/usr/bin/env bash
# onnx's shape inference gives ceil_mode pools one position too many at opset 21, and torch's extents from opset 22 on.
# Exit 0: it behaves as described. Anything else: it changed, or could not be tried.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet --disable-pip-version-check torch==2.14.1 onnx==1.23.2 numpy==2.4.6
"$folder/venv/bin/python" - "$folder" <<'PYTHON'
import sys
import warnings
from importlib.metadata import version

warnings.simplefilter("ignore")
print(", ".join(f"{name} {version(name)}" for name in ("torch", "onnx", "numpy")))

import torch
from onnx import TensorProto, helper, shape_inference
from torch import nn


def inferred(opset, extent, kernel, stride, padding):
    node = helper.make_node(
        "MaxPool", ["x"], ["y"], kernel_shape=[kernel], strides=[stride], pads=[padding, padding], ceil_mode=1
    )
    graph = helper.make_graph(
        [node], "pool",
        [helper.make_tensor_value_info("x", TensorProto.FLOAT, [1, 1, extent])],
        [helper.make_tensor_value_info("y", TensorProto.FLOAT, None)],
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", opset)], ir_version=10)
    (output,) = shape_inference.infer_shapes(model, strict_mode=True).graph.output
    return output.type.tensor_type.shape.dim[2].dim_value


grid = [
    (extent, kernel, stride, padding)
    for extent in range(3, 13) for kernel in (2, 3) for stride in (1, 2, 3, 4) for padding in range(kernel // 2 + 1)
]
wrong = {}
for opset in (21, 22):
    ours = [nn.MaxPool1d(k, s, p, ceil_mode=True)(torch.zeros(1, 1, e)).shape[-1] for e, k, s, p in grid]
    more = [inferred(opset, *window) - right for window, right in zip(grid, ours)]
    wrong[opset] = sum(map(bool, more))
    assert set(more) <= {0, 1}
    print(f"opset {opset}: {wrong[opset]} of {len(grid)} windows are one position longer than in torch")
    example = next((window for window, each in zip(grid, more) if each), None)
    if example:
        print("  such as extent {}, kernel {}, stride {}, padding {}".format(*example))
assert wrong[21] > 0 and wrong[22] == 0
PYTHON

#!/usr/bin/env bash
# onnx-tool prints 0 parameters for an ONNX model whose weights are in Constant nodes.
# Exit 0: it behaves as described. Anything else: it changed, or could not be tried.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet --disable-pip-version-check onnx-tool==1.0.1 onnx==1.23.2 numpy==2.4.6
"$folder/venv/bin/python" - "$folder" <<'PYTHON'
import sys
import warnings
from importlib.metadata import version

warnings.simplefilter("ignore")
print(", ".join(f"{name} {version(name)}" for name in ("onnx-tool", "onnx", "numpy")))

import io
from contextlib import redirect_stdout
from pathlib import Path

import numpy
import onnx
import onnx_tool
from onnx import TensorProto, helper, numpy_helper

weights = numpy_helper.from_array(numpy.zeros((4, 3, 3, 3), numpy.float32), "w")
found = {}
for where in ("initializer", "Constant"):
    nodes = [helper.make_node("Conv", ["x", "w"], ["y"])]
    if where == "Constant":
        nodes.insert(0, helper.make_node("Constant", [], ["w"], value=weights))
    graph = helper.make_graph(
        nodes, "one",
        [helper.make_tensor_value_info("x", TensorProto.FLOAT, [1, 3, 8, 8])],
        [helper.make_tensor_value_info("y", TensorProto.FLOAT, [1, 4, 6, 6])],
        [weights] if where == "initializer" else [],
    )
    path = Path(sys.argv[1]) / f"{where}.onnx"
    onnx.save(helper.make_model(graph, opset_imports=[helper.make_opsetid("", 18)], ir_version=10), path)
    with redirect_stdout(io.StringIO()):
        model = onnx_tool.Model(str(path))
        model.graph.shape_infer({"x": numpy.zeros((1, 3, 8, 8), numpy.float32)})
        model.graph.profile()
    found[where] = int(model.graph.params), int(sum(model.graph.macs))
    print(f"weights in {where}: {found[where][0]} parameters, {found[where][1]:,} MACs")
assert found["initializer"][0] == 108 and found["Constant"][0] == 0
assert found["initializer"][1] == found["Constant"][1]
PYTHON

#!/usr/bin/env bash
# For ConvTranspose with SAME padding and a kernel below its stride, onnx's inference and its reference give different extents.
# Exit 0: it behaves as described. Anything else: it changed, or could not be tried.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet --disable-pip-version-check onnx==1.23.2 numpy==2.4.6
"$folder/venv/bin/python" - "$folder" <<'PYTHON'
import sys
import warnings
from importlib.metadata import version

warnings.simplefilter("ignore")
print(", ".join(f"{name} {version(name)}" for name in ("onnx", "numpy")))

import numpy
from onnx import TensorProto, helper, numpy_helper, shape_inference
from onnx.reference import ReferenceEvaluator

for kernel, stride in ((4, 4), (3, 4), (2, 4), (1, 2)):
    graph = helper.make_graph(
        [helper.make_node("ConvTranspose", ["x", "w"], ["y"], auto_pad="SAME_UPPER", strides=[stride])], "up",
        [helper.make_tensor_value_info("x", TensorProto.FLOAT, [1, 1, 5])],
        [helper.make_tensor_value_info("y", TensorProto.FLOAT, None)],
        [numpy_helper.from_array(numpy.zeros((1, 1, kernel), numpy.float32), "w")],
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 20)], ir_version=10)
    (output,) = shape_inference.infer_shapes(model, strict_mode=True).graph.output
    inferred = output.type.tensor_type.shape.dim[2].dim_value
    (given,) = ReferenceEvaluator(model).run(None, {"x": numpy.zeros((1, 1, 5), numpy.float32)})
    print(f"kernel {kernel}, stride {stride}: inferred {inferred}, reference {given.shape[2]}, 5 x stride {5 * stride}")
    assert given.shape[2] == 5 * stride
    assert inferred == (5 * stride if kernel >= stride else 4 * stride + kernel)
PYTHON

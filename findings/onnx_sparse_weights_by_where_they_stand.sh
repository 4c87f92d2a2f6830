#!/usr/bin/env bash
# A weight stored sparsely passes onnx's full check as Constant(sparse_value), and fails it as a sparse_initializer: type
# inference sees a sparse_tensor there, which Conv does not take. onnxruntime runs both; onnx's own reference evaluator
# runs neither.
# Exit 0: it behaves as described. Anything else: it changed, or could not be tried.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet --disable-pip-version-check onnx==1.23.2 onnxruntime==1.32.0 numpy==2.4.6
"$folder/venv/bin/python" - <<'PYTHON'
from importlib.metadata import version

import numpy
import onnx
import onnxruntime
from onnx import SparseTensorProto, TensorProto, helper
from onnx.reference import ReferenceEvaluator

print(", ".join(f"{name} {version(name)}" for name in ("onnx", "onnxruntime", "numpy")))
X = numpy.ones((1, 3, 8, 8), numpy.float32)


def model(as_initializer):
    stored = SparseTensorProto(dims=[4, 3, 3, 3])
    stored.values.CopyFrom(helper.make_tensor("w", TensorProto.FLOAT, [1], [2.0]))
    stored.indices.CopyFrom(helper.make_tensor("places", TensorProto.INT64, [1], [0]))
    nodes = [helper.make_node("Conv", ["x", "w"], ["y"], kernel_shape=[3, 3])]
    if not as_initializer:
        nodes.insert(0, helper.make_node("Constant", [], ["w"], sparse_value=stored))
    graph = helper.make_graph(
        nodes, "conv",
        [helper.make_tensor_value_info("x", TensorProto.FLOAT, [1, 3, 8, 8])],
        [helper.make_tensor_value_info("y", TensorProto.FLOAT, [1, 4, 6, 6])],
        sparse_initializer=[stored] if as_initializer else [],
    )
    return helper.make_model(graph, opset_imports=[helper.make_opsetid("", 21)], ir_version=10)


def tried(what):
    try:
        return what()
    except Exception as error:
        return f"{type(error).__name__}: {' '.join(str(error).split())[:110]}"


def checked(made):
    onnx.checker.check_model(made, full_check=True)
    return "accepted"


def ran(made):
    session = onnxruntime.InferenceSession(made.SerializeToString(), providers=["CPUExecutionProvider"])
    return float(session.run(None, {"x": X})[0].sum())


found = {}
for where, as_initializer in (("sparse_initializer", True), ("Constant(sparse_value)", False)):
    made = model(as_initializer)
    found[where] = [
        tried(lambda: checked(made)),
        tried(lambda: ran(made)),
        tried(lambda: float(ReferenceEvaluator(made).run(None, {"x": X})[0].sum())),
    ]
    for who, said in zip(("onnx.checker, full", "onnxruntime", "onnx.reference"), found[where]):
        print(f"{where:24} {who:20} {said}")
checks = {where: said[0] for where, said in found.items()}
assert checks["Constant(sparse_value)"] == "accepted"
assert "sparse_tensor(float)" in checks["sparse_initializer"]
assert [said[1] for said in found.values()] == [72.0, 72.0]  # one tap of 2 at 36 places
assert all(isinstance(said[2], str) for said in found.values())
PYTHON

"""Small ONNX models for tests, by `onnx.helper`; weights are zeros, for nothing reads them."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from onnx import TensorProto, helper, numpy_helper

from archcalc.importing.neutral import Operation, Program
from archcalc.importing.onnx.inputs import Given
from archcalc.importing.onnx.read import read_program

Shape = Sequence[int | str | None]


def weight(name: str, *shape: int) -> TensorProto:
    return numpy_helper.from_array(np.zeros(shape, np.float32), name)


def numbers(name: str, *values: int) -> TensorProto:
    return numpy_helper.from_array(np.asarray(values, np.int64), name)


def scalar(name: str, value: float) -> TensorProto:
    return numpy_helper.from_array(np.asarray(value, np.float32), name)


def node(op: str, inputs: str, outputs: str, **attributes: Any) -> Any:
    """`node("Conv", "x w b", "y", strides=[2, 2])`; `_` stands for an input that is left out."""
    names = ["" if name == "_" else name for name in inputs.split()]
    return helper.make_node(op, names, outputs.split(), name=attributes.pop("name", ""), **attributes)


def value(name: str, shape: Shape | None, kind: int = TensorProto.FLOAT) -> Any:
    return helper.make_tensor_value_info(name, kind, shape)


def model(
    nodes: Sequence[Any],
    inputs: Mapping[str, Shape],
    stored: Sequence[TensorProto] = (),
    outputs: Sequence[str] = ("y",),
    opset: int = 17,
    kinds: dict[str, int] | None = None,
    functions: Sequence[Any] = (),
    domains: Sequence[str] = (),
) -> Any:
    kinds = kinds or {}
    graph = helper.make_graph(
        list(nodes),
        "graph",
        [value(name, shape, kinds.get(name, TensorProto.FLOAT)) for name, shape in inputs.items()],
        [value(name, None) for name in outputs],
        list(stored),
    )
    opsets = [helper.make_opsetid("", opset), *(helper.make_opsetid(domain, 1) for domain in domains)]
    return helper.make_model(graph, opset_imports=opsets, functions=list(functions), ir_version=10)


def subgraph(nodes: Sequence[Any], outputs: Sequence[str], inputs: Sequence[Any] = (), stored: Any = ()) -> Any:
    return helper.make_graph(list(nodes), "inner", list(inputs), [value(name, None) for name in outputs], list(stored))


def read(made: Any, folder: Path, given: Given = None) -> Program:
    path = folder / "model.onnx"
    path.write_bytes(made.SerializeToString())
    return read_program(path, given)


def ops(program: Program) -> list[str]:
    return [operation.op for operation in program.operations]


def only(program: Program, op: str) -> Operation:
    (found,) = [operation for operation in program.operations if operation.op == op]
    return found


def shape(program: Program, operation: Operation, output: int = 0) -> tuple[int, ...]:
    return program.tensors[operation.outputs[output]].shape


def parameters(program: Program) -> dict[str, int]:
    """Elements of parameters that operations read, by name."""
    read_by = {index for operation in program.operations for index in operation.tensors()}
    return {
        tensor.name: tensor.elements
        for index, tensor in enumerate(program.tensors)
        if tensor.kind == "parameter" and index in read_by
    }

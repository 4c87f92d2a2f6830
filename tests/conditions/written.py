"""What exporters write and readers of files say, computed again: a function for each condition, by its id."""

from __future__ import annotations

import io
from contextlib import redirect_stdout
from pathlib import Path
from typing import Any

import numpy
import onnx
import torch
from onnx import TensorProto, helper, numpy_helper, shape_inference
from onnx.reference import ReferenceEvaluator
from torch import Tensor, nn

Figures = dict[str, int]


def exported(model: nn.Module, *inputs: Tensor, **options: Any) -> onnx.ModelProto:
    """A model as torch's exporter of TorchScript writes it; the other needs onnxscript."""
    file = io.BytesIO()
    torch.onnx.export(model.eval(), inputs, file, dynamo=False, **options)  # type: ignore[arg-type]
    return onnx.load_from_string(file.getvalue())


def stored(model: onnx.ModelProto) -> int:
    """Elements of the initializers."""
    return sum(int(numpy.prod(tensor.dims)) for tensor in model.graph.initializer)


def one_node(operator: str, sizes: list[int], opset: int, weights: Any = (), **attributes: Any) -> onnx.ModelProto:
    """A model of one operator, whose extents of the output are not given."""
    inputs = ["x", *(name for name, _ in weights)]
    graph = helper.make_graph(
        [helper.make_node(operator, inputs, ["y"], **attributes)],
        "one",
        [helper.make_tensor_value_info("x", TensorProto.FLOAT, sizes)],
        [helper.make_tensor_value_info("y", TensorProto.FLOAT, None)],
        [numpy_helper.from_array(values, name) for name, values in weights],
    )
    return helper.make_model(graph, opset_imports=[helper.make_opsetid("", opset)], ir_version=10)


def inferred(model: onnx.ModelProto) -> list[int]:
    """Extents of the output by onnx's shape inference."""
    (output,) = shape_inference.infer_shapes(model, strict_mode=True).graph.output
    return [dim.dim_value for dim in output.type.tensor_type.shape.dim]


def run(model: onnx.ModelProto, sizes: list[int]) -> list[int]:
    """Extents of what onnx's reference gives."""
    (output,) = ReferenceEvaluator(model).run(None, {"x": numpy.zeros(sizes, numpy.float32)})
    return list(output.shape)


def ceil_mode_of_pools(folder: Path) -> Figures:
    """Extents along one axis, over a grid of windows, that shape inference gives otherwise than torch."""
    figures: Figures = {}
    grid = [
        (extent, kernel, stride, padding)
        for extent in range(3, 13)
        for kernel in (2, 3)
        for stride in (1, 2, 3, 4)
        for padding in range(kernel // 2 + 1)
    ]
    for opset in (21, 22):
        wrong = 0
        for extent, kernel, stride, padding in grid:
            model = one_node(
                "MaxPool",
                [1, 1, extent],
                opset,
                kernel_shape=[kernel],
                strides=[stride],
                pads=[padding] * 2,
                ceil_mode=1,
            )
            pool = nn.MaxPool1d(kernel, stride, padding, ceil_mode=True)
            wrong += inferred(model)[-1] != pool(torch.zeros(1, 1, extent)).shape[-1]
        figures[f"differ_{opset}"] = wrong
    return figures | {"windows": len(grid)}


def transposed_convolutions_same(folder: Path) -> Figures:
    """Kernel 2, stride 4, auto_pad SAME_UPPER, 5 inputs along the axis."""
    weights = [("w", numpy.zeros((1, 1, 2), numpy.float32))]
    model = one_node("ConvTranspose", [1, 1, 5], 20, weights, auto_pad="SAME_UPPER", strides=[4])
    return {"inferred": inferred(model)[-1], "reference": run(model, [1, 1, 5])[-1], "product": 5 * 4}


def weights_in_constants(folder: Path) -> Figures:
    import onnx_tool

    values = numpy.zeros((4, 3, 3, 3), numpy.float32)
    figures: Figures = {}
    for where in ("initializers", "constants"):
        model = one_node("Conv", [1, 3, 8, 8], 18, [("w", values)])
        if where == "constants":
            constant = helper.make_node("Constant", [], ["w"], value=model.graph.initializer.pop())
            model.graph.node.insert(0, constant)
        model.graph.output[0].CopyFrom(helper.make_tensor_value_info("y", TensorProto.FLOAT, [1, 4, 6, 6]))
        path = folder / f"{where}.onnx"
        onnx.save(model, path)
        with redirect_stdout(io.StringIO()):
            found = onnx_tool.Model(str(path))
            found.graph.shape_infer({"x": numpy.zeros((1, 3, 8, 8), numpy.float32)})
            found.graph.profile()
        figures[f"initializers_{where}"] = stored(model)
        figures[f"onnx_tool_{where}"] = int(found.graph.params)
    return figures


def parameters_of_exports(folder: Path) -> Figures:
    blocks = [(nn.Conv2d(8, 8, 3, padding=1, bias=False), nn.BatchNorm2d(8), nn.ReLU()) for _ in range(4)]
    model = nn.Sequential(*(module for block in blocks for module in block))
    image = torch.zeros(1, 8, 8, 8)
    figures = {"of_model": sum(parameter.numel() for parameter in model.parameters())}
    figures["fresh"] = stored(exported(model, image))
    for module in model.modules():
        if isinstance(module, nn.BatchNorm2d):
            for tensor in (module.weight, module.bias, module.running_mean, module.running_var):
                assert tensor is not None
                nn.init.uniform_(tensor, 0.5, 1.5)
    figures["trained"] = stored(exported(model, image))
    return figures


class Tied(nn.Module):
    """A table of 100 entries of 16 whose rows are the weights of the output, too."""

    def __init__(self) -> None:
        super().__init__()
        self.table, self.output = nn.Embedding(100, 16), nn.Linear(16, 100, bias=False)
        self.output.weight = self.table.weight

    def forward(self, tokens: Tensor) -> Tensor:
        given: Tensor = self.output(self.table(tokens))
        return given


def tied_tables_in_onnx(folder: Path) -> Figures:
    model = Tied()
    return {
        "of_model": sum(parameter.numel() for parameter in model.parameters()),
        "stored": stored(exported(model, torch.zeros(1, 4, dtype=torch.int64))),
    }


def newest_opset(folder: Path) -> Figures:
    from onnx import defs

    names = {schema.name for schema in defs.get_all_schemas() if schema.domain == ""}
    default = exported(nn.GELU(), torch.zeros(1, 4))
    wanted = ("Gelu", "Attention", "RMSNormalization", "RotaryEmbedding", "SwiGLU", "LinearAttention")
    return {
        "newest": defs.onnx_opset_version(),
        "default": default.opset_import[0].version,
        "gelu_nodes": len(default.graph.node),
        **{name: int(name in names) for name in wanted},
    }

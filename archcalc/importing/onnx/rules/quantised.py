"""Whole numbers in place of real ones: the layers are those that they stand for, and count as those."""

from __future__ import annotations

from dataclasses import replace

from archcalc.importing.onnx.reader import Node, rule
from archcalc.importing.onnx.rules.layout import is_kept
from archcalc.importing.onnx.rules.pointwise import binary
from archcalc.importing.onnx.rules.products import matrix_product, product
from archcalc.importing.onnx.rules.windows import conv, global_pool
from archcalc.importing.onnx.values import Value

SAID = "quantised weights are counted as parameters, one for each; their scales and zero points are not"


def real(node: Node, value: Value) -> Value:
    """What whole numbers stand for."""
    if is_kept(value) and value.stored is not None:
        node.note(SAID)
        return replace(value, kind="float", stored=value.stored._replace(is_quantised=True), is_constant=False)
    return replace(value, kind="float") if value.kind != "float" else value


@rule("DequantizeLinear", "QuantizeLinear", "DynamicQuantizeLinear")
def quantise(node: Node) -> list[Value]:
    """From whole numbers to real ones and back; of stored ones the layer reads what they stand for."""
    x = node[0]
    if node.op == "DequantizeLinear" or not is_kept(x):
        x = real(node, x)
    one = Value((), "float", is_constant=True, is_scale=True)
    return [x, one, replace(one, kind="int")]


def _take(node: Node, *places: int) -> None:
    node.inputs = [real(node, value) if (value := node.get(place)) is not None else None for place in places]


@rule("QLinearConv", "ConvInteger")
def quantised_conv(node: Node) -> Value:
    """A convolution of whole numbers."""
    _take(node, *((0, 3, 8) if node.op == "QLinearConv" else (0, 1)))
    return conv(node)


@rule("QLinearMatMul", "MatMulInteger", "com.microsoft::DynamicQuantizeMatMul", "com.microsoft::MatMulIntegerToFloat")
def quantised_matmul(node: Node) -> Value:
    """A product of whole numbers."""
    _take(node, *((0, 3) if node.op == "QLinearMatMul" else (0, 1)))
    return product(node, node[0], node[1])


@rule("com.microsoft::QGemm")
def quantised_gemm(node: Node) -> Value:
    """A Gemm of whole numbers."""
    _take(node, 0, 3, 6)
    return matrix_product(node, node[0], node[1], node.get(2))


@rule("com.microsoft::QLinearAdd", "com.microsoft::QLinearMul")
def quantised_arithmetic(node: Node) -> Value:
    """A sum or a product of whole numbers."""
    _take(node, 0, 3)
    return binary(node, "add" if node.op == "QLinearAdd" else "mul", node[0], node[1])


@rule("com.microsoft::QLinearGlobalAveragePool", "com.microsoft::QLinearAveragePool")
def quantised_pool(node: Node) -> Value | list[Value]:
    """A pooling of whole numbers."""
    from archcalc.importing.onnx.rules.windows import pool

    node.op = node.op.removeprefix("QLinear")
    return global_pool(node) if node.op == "GlobalAveragePool" else pool(node)


@rule("com.microsoft::QLinearSigmoid", "com.microsoft::QLinearLeakyRelu", "com.microsoft::QLinearSoftmax")
def quantised_activation(node: Node) -> Value:
    """An activation of whole numbers."""
    from archcalc.importing.onnx.reader import RULES

    node.op = node.op.removeprefix("QLinear")
    node.inputs = node.inputs[:1]
    given = RULES[node.op](node)
    return given if isinstance(given, Value) else given[0]


@rule("com.microsoft::QLinearConcat")
def quantised_concat(node: Node) -> Value:
    """Whole numbers one after the other: scale and zero point first, then a tensor with its own, and so on."""
    values = [value for value in node.inputs[2::3] if value is not None]
    axis = int(node.attribute("axis", 1)) % len(values[0].shape)
    shape = (*values[0].shape[:axis], sum(value.shape[axis] for value in values), *values[0].shape[axis + 1 :])
    return node.emit("cat", shape, tensors=values, dim=axis)

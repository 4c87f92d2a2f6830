"""What is done element by element: activations, arithmetic, comparisons."""

from __future__ import annotations

from dataclasses import replace
from math import isfinite
from typing import Any

from archcalc.importing.onnx.reader import MisfitError, Node, UnreadableError, rule
from archcalc.importing.onnx.rules.weights import as_bias
from archcalc.importing.onnx.values import Kind, Value, of_numbers
from archcalc.importing.onnx.values import broadcast as together

_SAME_NAME = {
    "Relu": "relu", "Sigmoid": "sigmoid", "Tanh": "tanh", "Exp": "exp", "Log": "log", "Sqrt": "sqrt", "Neg": "neg",
    "Abs": "abs", "Erf": "erf", "Floor": "floor", "Ceil": "ceil", "Round": "round", "Reciprocal": "reciprocal",
    "Sin": "sin", "Cos": "cos", "Tan": "tan", "Sinh": "sinh", "Cosh": "cosh", "Asin": "asin", "Acos": "acos",
    "Atan": "atan", "Asinh": "asinh", "Acosh": "acosh", "Atanh": "atanh", "Sign": "sign", "Softplus": "softplus",
    "Softsign": "softsign", "HardSwish": "hardswish", "Mish": "mish", "Selu": "selu",
}  # fmt: skip
_TRUTHS = {"Not": "logical_not", "IsNaN": "isnan", "IsInf": "isinf"}


@rule(*_SAME_NAME, *_TRUTHS)
def unary(node: Node) -> Value:
    """A function of each element."""
    x = node[0]
    if node.op in ("Floor", "Round") and x.index < 0 and x.stored is not None:
        return x  # a bias that is quantised
    if node.op in _TRUTHS:
        return node.emit(_TRUTHS[node.op], x.shape, "bool", self=x)
    return node.emit(_SAME_NAME[node.op], x.shape, self=x)


@rule("LeakyRelu", "Elu", "Celu", "ThresholdedRelu", "Gelu", "Swish", "HardSigmoid", "Shrink")
def with_attributes(node: Node) -> Value:
    """Activations with a number of their own."""
    x = node[0]
    alpha = node.attribute("alpha", {"LeakyRelu": 0.01, "HardSigmoid": 0.2}.get(node.op, 1.0))
    if node.op == "LeakyRelu":
        return node.emit("leaky_relu", x.shape, self=x, negative_slope=decimal(alpha))
    if node.op in ("Elu", "Celu"):
        return node.emit(node.op.lower(), x.shape, self=x, alpha=decimal(alpha))
    if node.op == "ThresholdedRelu":
        return node.emit("threshold", x.shape, self=x, threshold=decimal(alpha), value=0)
    if node.op == "Gelu":
        return node.emit("gelu", x.shape, self=x, approximate=node.attribute("approximate", "none"))
    if node.op == "Swish":
        if alpha == 1:
            return node.emit("silu", x.shape, self=x)
        gate = node.emit("sigmoid", x.shape, self=node.emit("mul", x.shape, self=x, other=decimal(alpha)))
        return node.emit("mul", x.shape, self=x, other=gate)
    if node.op == "HardSigmoid":
        beta = node.attribute("beta", 0.5)
        if beta == 0.5:
            if abs(alpha - 1 / 6) > 1e-4:
                node.note(f"hard sigmoids of slope {decimal(alpha)} are counted as those of slope 1/6")
            return node.emit("hardsigmoid", x.shape, self=x)
        scaled = node.emit("mul", x.shape, self=x, other=decimal(alpha))
        moved = node.emit("add", x.shape, self=scaled, other=decimal(beta))
        return node.emit("clamp", x.shape, self=moved, min=0, max=1)
    bias, limit = node.attribute("bias", 0.0), node.attribute("lambd", 0.5)
    if bias == limit:
        return node.emit("softshrink", x.shape, self=x, lambd=decimal(limit))
    if bias == 0:
        return node.emit("hardshrink", x.shape, self=x, lambd=decimal(limit))
    raise UnreadableError(f"a shrinking by {bias} beyond {limit} has no operator")


def decimal(number: float) -> float:
    """A number as it was written before it was kept in 32 bits: 0.1, not 0.10000000149011612."""
    if number == int(number):
        return int(number)
    for digits in range(1, 9):
        if abs(float(f"%.{digits}g" % number) - number) <= 6e-8 * abs(number):
            return float(f"%.{digits}g" % number)
    return number


@rule("PRelu")
def prelu(node: Node) -> Value:
    """A trained slope, one for each channel or one for all."""
    x, slope = node[0], node[1]
    if slope.index < 0 and (slope.stored is not None or slope.known is not None):
        slope = slope.moved((slope.elements,), slope.known)
    return node.emit("prelu", x.shape, self=x, weight=slope)


@rule("Clip")
def clip(node: Node) -> Value:
    """What is cut off below and above: ReLU, ReLU6, hard tanh, or any two numbers."""
    x = node[0]
    low, high = (_limit(node, name, place) for name, place in (("min", 1), ("max", 2)))
    if low == 0 and high == 6:
        return node.emit("relu6", x.shape, self=x)
    if low == 0 and high is None:
        return node.emit("relu", x.shape, self=x)
    if low is not None and high is not None:
        return node.emit("hardtanh", x.shape, self=x, min_val=low, max_val=high)
    return x if low is None and high is None else node.emit("clamp", x.shape, self=x, min=low, max=high)


def _limit(node: Node, name: str, place: int) -> float | None:
    found = node.attribute(name)
    value = node.get(place)
    if value is not None:
        found = value.scalar
        if found is None:
            raise UnreadableError(f"its {name} is no constant")
    return None if found is None or abs(found) > 3.4e38 else decimal(found)


_TWO = {"Add": "add", "Sub": "sub", "Mul": "mul", "Div": "div", "Pow": "pow", "Mod": "remainder", "Atan2": "atan2"}
_MANY = {"Max": "maximum", "Min": "minimum", "Sum": "add", "Mean": "add"}
_COMPARE = {
    "Equal": "eq", "Less": "lt", "Greater": "gt", "LessOrEqual": "le", "GreaterOrEqual": "ge", "And": "logical_and",
    "Or": "logical_or", "Xor": "logical_xor",
}  # fmt: skip


@rule(*_TWO)
def arithmetic(node: Node) -> Value:
    """Of two tensors; a constant of one element is a number, and what is added to a product is its bias."""
    a, b = node[0], _along(node, node[0], node[1])
    if node.op in ("Mul", "Div") and (a.is_scale or b.is_scale):
        return _scaled(node.op, a, b)
    if node.op == "Add":
        for product, added in ((a, b), (b, a)):
            if add_bias(node, product, added):
                return product
    return binary(node, _TWO[node.op], a, b)


def _along(node: Node, a: Value, b: Value) -> Value:
    """What is added or multiplied along the axis that an attribute names, as before opset 7."""
    axis = node.attribute("axis")
    if node.opset >= 7 or axis is None or not node.attribute("broadcast", 0) or not b.shape:
        return b
    missing = len(a.shape) - int(axis) % len(a.shape) - len(b.shape)
    shape = (*b.shape, *[1] * missing)
    return b.moved(shape, None if b.known is None else b.known.reshaped(shape)) if b.index < 0 else node.view(b, shape)


def _scaled(op: str, a: Value, b: Value) -> Value:
    """What a scale of quantisation is multiplied with: another scale, or what is no work of the network."""
    value, scale = (b, a) if a.is_scale else (a, b)
    is_kept = value.index < 0
    return replace(value, is_scale=True) if is_kept and (op == "Mul" or scale is a) else value


def binary(node: Node, op: str, a: Value, b: Value) -> Value:
    """An operation of two tensors, broadcast as in NumPy."""
    shape = broadcast(a.shape, b.shape)
    kind: Kind = a.kind if a.kind == b.kind else "float"
    second = number_of(b)
    if second is not None and shape == a.shape:
        return _by_number(node, op, a, second, shape, kind)
    first = number_of(a)
    if first is not None and shape == b.shape:
        if op in ("add", "mul"):
            return _by_number(node, op, b, first, shape, kind)
        if op == "sub":
            return node.emit("rsub", shape, kind, self=b, other=first)
        if op == "div" and first == 1:
            return node.emit("reciprocal", shape, kind, self=b)
    return node.emit(op, shape, kind, self=a, other=b)


def _by_number(node: Node, op: str, x: Value, number: float, shape: tuple[int, ...], kind: Kind) -> Value:
    neutral = {"add": 0, "sub": 0, "mul": 1, "div": 1, "pow": 1}
    if neutral.get(op) == number:
        return x
    return node.emit(op, shape, kind, **{"self": x, "exponent" if op == "pow" else "other": number})


def number_of(value: Value) -> float | None:
    """The number of a constant of one element that is not trained."""
    if value.index >= 0 or not value.is_constant:
        return None
    number = value.scalar
    return decimal(number) if number is not None and isfinite(number) else number


def add_bias(node: Node, product: Value, added: Value) -> bool:
    """Make what is added to a convolution or a linear layer its bias, where that has none and nothing else reads it."""
    made = node.reader.made_by.get(product.index)
    if made is None or made.op not in ("linear", "convolution") or made.arguments.get("bias") is not None:
        return False
    axis = 1 if made.op == "convolution" else len(product.shape) - 1
    channels = product.shape[axis]
    if made.op == "convolution":
        fits = added.shape in (
            (1, channels, *[1] * (len(product.shape) - 2)),
            (channels, *[1] * (len(product.shape) - 2)),
        )
    else:
        fits = added.shape[-1:] == (channels,) and added.elements == channels
    bias = as_bias(added, channels)
    place = next(index for index, value in enumerate(node.inputs) if value is product)
    if not fits or bias is None or node.reader.uses[node.proto.input[place]] > 1:
        return False
    made.give("bias", node.reader.ref(bias, in_slot=True))
    return True


def broadcast(a: tuple[int, ...], b: tuple[int, ...]) -> tuple[int, ...]:
    """The shape of what two tensors give together."""
    found = together(a, b)
    if found is None:
        raise MisfitError(f"{a} and {b} do not fit together")
    return found


@rule(*_MANY)
def variadic(node: Node) -> Value:
    """Of any number of tensors."""
    found = node[0]
    for index in range(1, len(node.inputs)):
        found = binary(node, _MANY[node.op], found, node[index])
    return binary(node, "div", found, of_numbers([len(node.inputs)], ())) if node.op == "Mean" else found


@rule(*_COMPARE)
def compare(node: Node) -> Value:
    """A truth for each element."""
    a, b = node[0], node[1]
    number = number_of(b)
    other: Any = b if number is None else number
    return node.emit(_COMPARE[node.op], broadcast(a.shape, b.shape), "bool", self=a, other=other)


@rule("Where")
def where(node: Node) -> Value:
    """One of two, as a condition says."""
    condition, a, b = node[0], node[1], node[2]
    shape = broadcast(broadcast(condition.shape, a.shape), b.shape)
    first: Any = a if number_of(a) is None else number_of(a)
    second: Any = b if number_of(b) is None else number_of(b)
    return node.emit("where", shape, a.kind, condition=condition, self=first, other=second)


@rule("Softmax", "LogSoftmax")
def softmax(node: Node) -> Value:
    """Along one axis; before opset 13 along all from `axis` on, which is said only where it is the same."""
    x = node[0]
    axis = int(node.attribute("axis", -1 if node.opset >= 13 else 1)) % len(x.shape)
    name = "softmax" if node.op == "Softmax" else "log_softmax"
    if node.opset < 13 and any(extent != 1 for extent in x.shape[axis + 1 :]):
        rows = 1
        for extent in x.shape[:axis]:
            rows *= extent
        flat = node.view(x, (rows, x.elements // rows))
        return node.view(node.emit(name, flat.shape, self=flat, dim=1), x.shape)
    return node.emit(name, x.shape, self=x, dim=axis)


@rule("Hardmax")
def hardmax(node: Node) -> Value:
    """One for the largest, zeros elsewhere."""
    raise UnreadableError("it has no operator")

"""Weights as the operations of ATen see them: transposed where ONNX stores them the other way round."""

from __future__ import annotations

from archcalc.importing.onnx.reader import Node, UnreadableError
from archcalc.importing.onnx.values import Value


def weight(value: Value) -> Value:
    """A weight as it is stored; what is computed of weights is passed on as such."""
    return value


def transposed(node: Node, value: Value) -> Value:
    """A matrix the other way round: the same tensor where it is stored, a permutation where it is computed."""
    if len(value.shape) != 2:
        raise UnreadableError(f"a matrix is needed, and {value.shape} is given")
    turned = (value.shape[1], value.shape[0])
    if value.index < 0 and value.stored is not None:
        return value.moved(turned)
    return node.permute(value, (1, 0))


def as_bias(value: Value | None, channels: int) -> Value | None:
    """What is added to each of so many outputs, as a vector, where it is stored; None where it is not that."""
    if value is None or value.stored is None or value.kind != "float" or value.index >= 0:
        return None
    return value.moved((channels,), value.known) if value.elements == channels else None

"""Nodes on constants: what shapes, axes and masks are computed from, by the reference of the `onnx` package."""

from __future__ import annotations

import warnings
from math import prod
from typing import Any

from archcalc.importing.onnx.values import Value, of_array

MOST_ELEMENTS = 1 << 20
"""Larger constants keep their shape and lose their numbers."""

_GROW = {"ConstantOfShape", "Expand", "Tile", "Range", "EyeLike", "OneHot", "Pad", "Resize", "Upsample", "MatMul"}
_RANDOM = {
    "RandomNormal",
    "RandomNormalLike",
    "RandomUniform",
    "RandomUniformLike",
    "Multinomial",
    "Bernoulli",
    "Dropout",
}


def fold(node: Any, opset: int, inputs: list[Value | None]) -> list[Value] | None:
    """What a node of ONNX's own domain gives where all that it reads is known; None where that is not so.

    Numbers that would be too many are not computed.
    """
    if node.domain not in ("", "ai.onnx") or node.op_type in _RANDOM:
        return None
    arrays = []
    for value in inputs:
        if value is not None and value.known is None:
            return None
        arrays.append(None if value is None or value.known is None else value.known.array)
    if _size(node.op_type, arrays) > MOST_ELEMENTS:
        return None
    import numpy
    from onnx.reference.ops import load_op

    parameters = {"log": _quiet, "opsets": {"": opset}, "new_ops": None, "existing_functions": {}}
    try:
        with numpy.errstate(all="ignore"), warnings.catch_warnings(action="ignore"):
            found = load_op("", node.op_type, opset)(node, parameters).run(*arrays)
    except Exception:  # the reference knows not every operator; what it cannot is not folded
        return None
    if not all(hasattr(item, "shape") for item in found):
        return None
    return [of_array(numpy.asarray(item)) for item in found]


def _quiet(*_: Any) -> None:
    """The reference reports every step."""


def _size(op: str, arrays: list[Any]) -> int:
    """At least as many elements as are computed."""
    given = [array for array in arrays if array is not None]
    if op in _GROW:
        if op in ("ConstantOfShape", "Expand"):
            return prod(int(extent) for extent in given[-1].reshape(-1))
        if op == "Range":
            start, limit, step = (float(array.reshape(-1)[0]) for array in given)
            return int(abs((limit - start) / step)) if step else MOST_ELEMENTS + 1
        if op == "Tile":
            return int(given[0].size) * prod(int(times) for times in given[1].reshape(-1))
        if op == "MatMul":
            return int(given[0].size) * int(given[1].size)
        return prod(max(int(array.size), 1) for array in given) * 8
    rank = max((array.ndim for array in given), default=0)
    shapes = [(1,) * (rank - array.ndim) + array.shape for array in given]
    return int(prod(max(extents) for extents in zip(*shapes, strict=True)) + sum(array.size for array in given))

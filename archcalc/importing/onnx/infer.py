"""Shapes of nodes that have no rule here, by the inference of the `onnx` package, node by node."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from archcalc.importing.onnx.values import Kind, Value, kind_of

if TYPE_CHECKING:
    from archcalc.importing.onnx.reader import Node

_TYPES: dict[Kind, int] = {"float": 1, "int": 7, "bool": 9}
Result = tuple[tuple[int, ...], Kind, bool]


def outputs(node: Node, told: Mapping[str, tuple[int, ...]]) -> list[Result]:
    """(shape, kind, is open) of each output; an extent that only a run tells is given as 1, and the shape is open."""
    types = _types(node)
    found: list[Result] = []
    for name in node.proto.output:
        given = types.get(name)
        kind = kind_of(given.tensor_type.elem_type) if given is not None else "float"
        dims = None
        if given is not None and given.tensor_type.HasField("shape"):
            dims = [dim.dim_value if dim.HasField("dim_value") else None for dim in given.tensor_type.shape.dim]
        if dims is None or None in dims:
            dims = list(told[name]) if name in told else [1] if dims is None else dims
        found.append((tuple(1 if extent is None else extent for extent in dims), kind, None in dims or given is None))
    return found


def _types(node: Node) -> dict[str, Any]:
    from onnx import defs, helper, numpy_helper, shape_inference

    proto = node.reader._resolved(node)
    try:
        schema = defs.get_schema(proto.op_type, node.opset if proto.domain in ("", "ai.onnx") else 1, proto.domain)
        types, data = {}, {}
        for name, value in zip(proto.input, node.inputs, strict=True):
            if isinstance(value, Value):
                types[name] = helper.make_tensor_type_proto(_TYPES[value.kind], None if value.is_open else value.shape)
                if value.known is not None:
                    data[name] = numpy_helper.from_array(value.known.array, name)
        identifier = helper.make_opsetid("", node.opset)
        found: dict[str, Any] = shape_inference.infer_node_outputs(
            schema, proto, types, data, opset_imports=[identifier], ir_version=10
        )
    except Exception:  # of another domain, or a node that the package refuses
        return {}
    return found

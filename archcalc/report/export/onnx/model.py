"""The whole graph as an ONNX model: checked before it is given, its shapes inferred by ONNX and equal to ours."""

from __future__ import annotations

from typing import Any

import onnx
from onnx import TensorProto, helper

from archcalc.graph import NETWORK_INPUT
from archcalc.ops import ONE
from archcalc.report.export.onnx import attention, elements, sequences, windows
from archcalc.report.export.onnx.builder import BATCH, OWN_DOMAIN, RULES, Draft, Drawer, Step, Value, extents
from archcalc.results.cost import NetworkCost

OPSET, IR = 23, 11
__all__ = ["attention", "elements", "model_of", "onnx_of", "sequences", "windows"]  # whose rules are registered


def onnx_of(cost: NetworkCost) -> tuple[bytes, tuple[str, ...]]:
    """A network as the bytes of an ONNX file, and what to know of it.

    Its tensors have the shapes that the spec gives them, for any batch. A weight is a `Constant` of its shape of which
    no number is stored (`sparse_value`), so that the file is small, `onnx.checker` accepts it, and Netron and
    importers see the weight as they see any.
    """
    model, drawer = model_of(cost)
    onnx.checker.check_model(model, full_check=True)
    return model.SerializeToString(deterministic=True), _notes(drawer)


def model_of(cost: NetworkCost, with_shapes: bool = True) -> tuple[onnx.ModelProto, Drawer]:
    """The model, not yet checked; without shapes, those of operations that ONNX has are left for it to infer."""
    graph = cost.graph
    drawer = Drawer(graph)
    for number, (name, shape) in enumerate(graph.inputs.items()):
        drawer.unique(name)
        drawer.values[NETWORK_INPUT - number] = [Value(name, "first", shape)]
    last = len(graph.nodes) if cost.with_heads else graph.first_head
    for index in range(last):
        _write(drawer, index)
    given = {"output": graph.output, **graph.outputs, **(graph.heads if cost.with_heads else {})}
    outputs = {_named(drawer, name, index): drawer.values[index][0] for name, index in given.items()}
    return _model(cost, drawer, outputs, with_shapes), drawer


def _write(drawer: Drawer, index: int) -> None:
    node = drawer.graph.nodes[index]
    copies = node.operator.copies
    stored, computed = (1, 1) if copies is ONE else (int(copies.stored), int(copies.computed))
    found = []
    for copy in range(computed):
        inputs = []
        for other in node.inputs:
            values = drawer.values[other]
            inputs.append(values[copy] if len(values) > copy else values[0])
        step = Step(drawer, index, inputs, copy, (stored, computed))
        RULES[node.operator.name](step)
        assert step.given is not None
        found.append(step.given)
    drawer.values[index] = found


def _named(drawer: Drawer, name: str, index: int) -> str:
    """An output of the graph, channels first, under its name."""
    value = drawer.values[index][0]
    called = drawer.unique(name)
    made = drawer.node("Identity", [drawer.in_layout(value, "first")], 1, called, {})
    made.outputs = [called]
    return called


def _model(cost: NetworkCost, drawer: Drawer, outputs: dict[str, Value], with_shapes: bool) -> onnx.ModelProto:
    tokens = {name for name, shape in cost.graph.inputs.items() if shape.channels is None}
    inputs = [
        helper.make_tensor_value_info(
            name, TensorProto.INT64 if name in tokens else TensorProto.FLOAT, [BATCH, *extents(shape, "first")]
        )
        for name, shape in cost.graph.inputs.items()
    ]
    inputs += [
        helper.make_tensor_value_info(name, TensorProto.FLOAT, value.dims("last"))
        for name, value in drawer.more_inputs.items()
    ]
    given = [
        helper.make_tensor_value_info(name, TensorProto.FLOAT, value.dims("first")) for name, value in outputs.items()
    ]
    of_own = {name for node in drawer.nodes if node.domain for name in node.outputs}
    told = [
        helper.make_tensor_value_info(value.names[value.native], TensorProto.FLOAT, value.dims(value.native))
        for name, value in shapes(drawer).items()
        if with_shapes or name in of_own
    ]
    graph = helper.make_graph(
        [
            *(_weight(name, sizes) for name, sizes in drawer.weights.items()),
            *(_number(name, value) for name, value in drawer.numbers.items()),
            *map(_node, drawer.nodes),
        ],
        cost.name,
        inputs,
        given,
        value_info=told,
    )
    opsets = [helper.make_opsetid("", OPSET)]
    if of_own:
        opsets.append(helper.make_opsetid(OWN_DOMAIN, 1))
    model = helper.make_model(graph, opset_imports=opsets, ir_version=IR, producer_name="archcalc")
    if cost.title:
        model.doc_string = f"{cost.title}: shapes without weights"
    return model


def shapes(drawer: Drawer) -> dict[str, Value]:
    """Tensors of the network that nodes give, by their names in the graph."""
    inputs = {name for index in drawer.values if index < 0 for name in drawer.values[index][0].names.values()}
    found = {
        value.names[value.native]: value for index, values in drawer.values.items() if index >= 0 for value in values
    }
    return {name: value for name, value in found.items() if name not in inputs}


def _weight(name: str, sizes: tuple[int, ...]) -> onnx.NodeProto:
    """A tensor of a shape of which no number is stored."""
    stored = onnx.SparseTensorProto(dims=sizes)
    stored.values.CopyFrom(TensorProto(name=name, dims=[0], data_type=TensorProto.FLOAT, raw_data=b""))
    stored.indices.CopyFrom(TensorProto(dims=[0], data_type=TensorProto.INT64, raw_data=b""))
    return helper.make_node("Constant", [], [name], name=name, sparse_value=stored)


def _number(name: str, value: Any) -> onnx.NodeProto:
    """A small constant: no initializer, which importers take for a parameter."""
    items = value if isinstance(value, list) else [value]
    kind = TensorProto.FLOAT if any(isinstance(item, float) for item in items) else TensorProto.INT64
    sizes = [len(items)] if isinstance(value, list) else []
    return helper.make_node("Constant", [], [name], name=name, value=helper.make_tensor(name, kind, sizes, items))


def _node(draft: Draft) -> onnx.NodeProto:
    return helper.make_node(
        draft.kind, draft.inputs, draft.outputs, name=draft.name, domain=draft.domain, **draft.attributes
    )


def _notes(drawer: Drawer) -> tuple[str, ...]:
    said = []
    for name, operations in drawer.lacking.items():
        more = f" and {len(operations) - 1} more" if len(operations) > 1 else ""
        said.append(f"ONNX has no operator for {name}: {operations[0]}{more}, written in the domain `{OWN_DOMAIN}`")
    if drawer.is_routed:
        said.append(
            "of the experts those that are computed are fixed ones: the choice of a router is no part of a shape"
        )
    if drawer.more_inputs:
        said.append(f"what earlier steps left are inputs: {', '.join(list(drawer.more_inputs)[:3])}, ...")
    return tuple(said)

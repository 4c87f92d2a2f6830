"""Sums, means and extremes along axes."""

from __future__ import annotations

from archcalc.importing.onnx.reader import Node, UnreadableError, rule
from archcalc.importing.onnx.values import Value

_NAMES = {
    "ReduceMean": "mean", "ReduceSum": "sum", "ReduceMax": "amax", "ReduceMin": "amin", "ReduceLogSumExp": "logsumexp",
    "ReduceL2": "linalg_vector_norm", "ReduceL1": "linalg_vector_norm",
}  # fmt: skip


@rule(*_NAMES, "ReduceSumSquare", "ReduceProd", "ReduceLogSum")
def reduce(node: Node) -> Value:
    """Along the axes given, all where none are."""
    x = node[0]
    axes = node.numbers("axes", 1)
    if not axes:
        if node.attribute("noop_with_empty_axes", 0):
            return x
        axes = list(range(len(x.shape)))
    axes = sorted({axis % len(x.shape) for axis in axes})
    keeps = bool(node.attribute("keepdims", 1))
    shape = [1 if axis in axes else extent for axis, extent in enumerate(x.shape) if keeps or axis not in axes]
    name = _NAMES.get(node.op)
    if node.op == "ReduceSumSquare":
        name, x = "sum", node.emit("mul", x.shape, self=x, other=x)
    if name is None:
        raise UnreadableError("it has no operator")
    extra = {"ord": 2 if node.op == "ReduceL2" else 1} if name == "linalg_vector_norm" else {}
    return node.emit(name, shape, x.kind, self=x, dim=axes, keepdim=keeps, **extra)


@rule("ArgMax", "ArgMin")
def arg(node: Node) -> Value:
    """Where the largest or smallest stands."""
    x = node[0]
    axis, keeps = int(node.attribute("axis", 0)) % len(x.shape), bool(node.attribute("keepdims", 1))
    shape = [1 if place == axis else extent for place, extent in enumerate(x.shape) if keeps or place != axis]
    return node.emit(node.op.lower(), shape, "int", self=x, dim=axis, keepdim=keeps)


@rule("CumSum")
def cumsum(node: Node) -> Value:
    """Sums up to each place."""
    x, axis = node[0], node[1].scalar
    if axis is None:
        raise UnreadableError("its axis depends on the input")
    return node.emit("cumsum", x.shape, x.kind, self=x, dim=int(axis) % len(x.shape))


@rule("TopK")
def topk(node: Node) -> list[Value]:
    """The largest, and where they stand."""
    x, number = node[0], node.numbers("k", 1)
    if number is None:
        raise UnreadableError("how many depends on the input")
    axis = int(node.attribute("axis", -1)) % len(x.shape)
    shape = (*x.shape[:axis], number[0], *x.shape[axis + 1 :])
    given = node.emit_all("topk", [shape, shape], self=x, k=number[0], dim=axis)
    given[1].kind = "int"
    node.reader.program.tensors[given[1].index].dtype = "int"
    return given

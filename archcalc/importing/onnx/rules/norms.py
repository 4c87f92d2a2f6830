"""Normalisation: of batches, examples, groups, positions."""

from __future__ import annotations

from archcalc.importing.onnx.reader import Node, rule
from archcalc.importing.onnx.rules.layout import is_kept
from archcalc.importing.onnx.rules.pointwise import decimal
from archcalc.importing.onnx.values import Value, is_anonymous


def _eps(node: Node) -> float:
    return decimal(node.attribute("epsilon", 1e-5))


@rule("BatchNormalization")
def batch_norm(node: Node) -> Value:
    """By statistics that are kept: mean and variance are buffers."""
    x = node[0]
    for place, kind in ((3, "buffer"), (4, "buffer")):
        if node[place].index < 0 and node[place].stored is not None:
            node.reader.ref(node[place], kind, in_slot=True)
    return node.emit(
        "batch_norm",
        x.shape,
        input=x,
        weight=node[1],
        bias=node[2],
        running_mean=node[3],
        running_var=node[4],
        training=False,
        momentum=0.1,
        eps=_eps(node),
        cudnn_enabled=False,
    )


def _is_trained(value: Value, number: float) -> bool:
    """Exporters write ones and zeros where a norm has no scale and no shift of its own."""
    if value.known is None or any(each != number for each in value.known.flat()):
        return True
    return value.stored is not None and not is_anonymous(value.stored.name)


@rule("InstanceNormalization")
def instance_norm(node: Node) -> Value:
    """Each channel of one example."""
    x, scale, shift = node[0], node[1], node[2]
    return node.emit(
        "instance_norm",
        x.shape,
        input=x,
        weight=scale if _is_trained(scale, 1) else None,
        bias=shift if _is_trained(shift, 0) else None,
        running_mean=None,
        running_var=None,
        use_input_stats=True,
        momentum=0.1,
        eps=_eps(node),
        cudnn_enabled=False,
    )


@rule("GroupNormalization")
def group_norm(node: Node) -> Value:
    """Groups of channels of one example; scale and shift are of groups before opset 21, of channels since."""
    x, groups = node[0], int(node.attribute("num_groups", 1))
    scale, shift = node[1], node[2]
    named = {"input": x, "num_groups": groups, "eps": _eps(node)}
    if scale.elements == x.shape[1]:
        return node.emit("group_norm", x.shape, weight=scale, bias=shift, **named)
    given = node.emit("group_norm", x.shape, weight=None, bias=None, **named)
    if not _is_trained(scale, 1) and not _is_trained(shift, 0):
        return given
    rows = (x.shape[0], groups, x.elements // (x.shape[0] * groups))
    flat = node.view(given, rows)
    scaled = node.emit("mul", rows, self=flat, other=scale.moved((1, groups, 1)) if is_kept(scale) else scale)
    moved = node.emit("add", rows, self=scaled, other=shift.moved((1, groups, 1)) if is_kept(shift) else shift)
    return node.view(moved, x.shape)


@rule("LayerNormalization")
def layer_norm(node: Node) -> Value:
    """Over the last axes, from `axis` on."""
    x = node[0]
    return layer_norm_of(node, x, node.get(1), node.get(2))


def layer_norm_of(node: Node, x: Value, scale: Value | None, shift: Value | None) -> Value:
    """Layer normalisation with what it may be scaled and moved by."""
    axis = int(node.attribute("axis", -1)) % len(x.shape)
    over = list(x.shape[axis:])
    bias = shift if shift is None or shift.stored is not None or not is_kept(shift) else None  # a constant of zeros
    if bias is not None and bias.stored is not None and not _is_trained(bias, 0):
        bias = None
    return node.emit("layer_norm", x.shape, input=x, normalized_shape=over, weight=scale, bias=bias, eps=_eps(node))


@rule("RMSNormalization", "SimplifiedLayerNormalization", "com.microsoft::SimplifiedLayerNormalization")
def rms_norm(node: Node) -> Value:
    """By the root mean square of the last axes."""
    return rms_norm_of(node, node[0], node.get(1))


def rms_norm_of(node: Node, x: Value, scale: Value | None) -> Value:
    """Root mean square normalisation with what it may be scaled by."""
    over = list(x.shape[int(node.attribute("axis", -1)) % len(x.shape) :])
    return node.emit("rms_norm", x.shape, input=x, normalized_shape=over, weight=scale, eps=_eps(node))


@rule("LpNormalization")
def lp_norm(node: Node) -> Value:
    """Each vector along an axis divided by its norm."""
    x = node[0]
    axis = int(node.attribute("axis", -1)) % len(x.shape)
    shape = (*x.shape[:axis], 1, *x.shape[axis + 1 :])
    length = node.emit("linalg_vector_norm", shape, self=x, ord=int(node.attribute("p", 2)), dim=[axis], keepdim=True)
    return node.emit("div", x.shape, self=x, other=length)

"""Operators of `com.microsoft`, into which onnxruntime fuses others (ContribOperators.md of onnxruntime)."""

from __future__ import annotations

from archcalc.importing.onnx.reader import RULES, Node, UnreadableError, rule
from archcalc.importing.onnx.rules.norms import layer_norm_of, rms_norm_of
from archcalc.importing.onnx.rules.pointwise import binary, decimal
from archcalc.importing.onnx.rules.products import (
    attend,
    joined,
    linear,
    matrix_product,
    merge_heads,
    product,
    split_heads,
)
from archcalc.importing.onnx.rules.weights import as_bias, transposed
from archcalc.importing.onnx.rules.windows import conv
from archcalc.importing.onnx.values import Value

_ACTIVATIONS = {"Relu", "Sigmoid", "Tanh", "LeakyRelu", "Clip", "HardSigmoid", "HardSwish", "Gelu"}


def _activated(node: Node, value: Value) -> Value:
    name = node.attribute("activation", "")
    if not name:
        return value
    if name not in _ACTIVATIONS:
        raise UnreadableError(f"its activation `{name}` has no rule")
    numbers = list(node.attributes.get("activation_params") or [])
    node.op, node.inputs = name, [value]
    keys = {"Clip": ("min", "max"), "LeakyRelu": ("alpha",), "HardSigmoid": ("alpha", "beta")}.get(name, ())
    node.attributes.update(zip(keys, numbers, strict=False))
    given = RULES[name](node)
    return given if isinstance(given, Value) else given[0]


@rule("com.microsoft::FusedConv", "com.microsoft.nchwc::Conv")
def fused_conv(node: Node) -> Value:
    """A convolution, perhaps a sum, an activation."""
    given, added = conv(node), node.get(3)
    return _activated(node, given if added is None else binary(node, "add", given, added))


@rule("com.microsoft::FusedGemm")
def fused_gemm(node: Node) -> Value:
    """A Gemm and an activation."""
    return _activated(node, matrix_product(node, node[0], node[1], node.get(2)))


@rule("com.microsoft::FusedMatMul", "com.microsoft::TransposeMatMul")
def fused_matmul(node: Node) -> Value:
    """A product of matrices that may lie the other way round, times a number."""
    a, b = node[0], node[1]
    if node.attribute("transA", 0):
        a = _turned(node, a)
    if node.attribute("transB", 0):
        b = b.moved((*b.shape[:-2], b.shape[-1], b.shape[-2])) if b.index < 0 else _turned(node, b)
    given, alpha = product(node, a, b), decimal(node.attribute("alpha", 1.0))
    return given if alpha == 1 else node.emit("mul", given.shape, self=given, other=alpha)


def _turned(node: Node, value: Value) -> Value:
    rank = len(value.shape)
    return node.permute(value, (*range(rank - 2), rank - 1, rank - 2))


@rule("com.microsoft::Gelu", "com.microsoft::FastGelu", "com.microsoft::BiasGelu", "com.microsoft::QuickGelu")
def gelu(node: Node) -> Value:
    """GELU, perhaps of a sum with a bias."""
    x, bias = node[0], node.get(1)
    if bias is not None:
        from archcalc.importing.onnx.rules.pointwise import add_bias

        x = x if add_bias(node, x, bias) else binary(node, "add", x, bias)
    if node.op == "QuickGelu":
        inner = node.emit("mul", x.shape, self=x, other=decimal(node.attribute("alpha", 1.702)))
        gate = node.emit("sigmoid", x.shape, self=inner)
        return node.emit("mul", x.shape, self=x, other=gate)
    return node.emit("gelu", x.shape, self=x, approximate="tanh" if node.op == "FastGelu" else "none")


@rule("com.microsoft::BiasAdd")
def bias_add(node: Node) -> Value:
    """A sum of a tensor, a bias and a shortcut."""
    return binary(node, "add", binary(node, "add", node[0], node[1]), node[2])


@rule("com.microsoft::SkipLayerNormalization", "com.microsoft::SkipSimplifiedLayerNormalization")
def skip_layer_norm(node: Node) -> list[Value]:
    """A sum, and its normalisation; the fourth output is the sum."""
    is_rms = node.op == "SkipSimplifiedLayerNormalization"
    total = binary(node, "add", node[0], node[1])
    bias = node.get(3 if is_rms else 4)
    if bias is not None:
        total = binary(node, "add", total, bias)
    normed = rms_norm_of(node, total, node[2]) if is_rms else layer_norm_of(node, total, node[2], node.get(3))
    return [normed, normed, normed, total]


@rule("com.microsoft::EmbedLayerNormalization")
def embed_layer_norm(node: Node) -> list[Value]:
    """The embeddings of BERT, summed and normalised."""
    ids, segments = node[0], node.get(1)
    words, positions, types = node[2], node[3], node.get(4)
    shape = (*ids.shape, words.shape[1])
    total = node.emit("embedding", shape, weight=words, indices=ids)
    rows = positions.moved(
        (1, ids.shape[1], words.shape[1]), None, f"[0:{ids.shape[1]}]" * (positions.shape[0] != ids.shape[1])
    )
    total = node.emit("add", shape, self=total, other=rows)
    if segments is not None and types is not None:
        total = node.emit("add", shape, self=total, other=node.emit("embedding", shape, weight=types, indices=segments))
    return [layer_norm_of(node, total, node.get(5), node.get(6)), total, total]


@rule("com.microsoft::Attention")
def attention(node: Node) -> list[Value]:
    """Attention with the matrix of queries, keys and values within it."""
    x, matrix, bias = node[0], transposed(node, node[1]), node.get(2)
    heads = int(node.attribute("num_heads", 1))
    sizes = [int(size) for size in node.attribute("qkv_hidden_sizes") or [matrix.shape[0] // 3] * 3]
    together = linear(node, x, matrix, as_bias(bias, matrix.shape[0]))
    shapes = [(*x.shape[:-1], size) for size in sizes]
    q, k, v = node.emit_all("split_with_sizes", shapes, self=together, split_sizes=sizes, dim=2)
    return _heads(node, q, k, v, heads, heads, bool(node.attribute("unidirectional", 0)), node.get(5))


@rule("com.microsoft::MultiHeadAttention")
def multi_head_attention(node: Node) -> list[Value]:
    """Attention of queries, keys and values (batch, length, channels), or packed into one tensor."""
    q, k, v = node[0], node.get(1), node.get(2)
    if k is None or v is None or len(q.shape) != 3 or len(k.shape) != 3:
        raise UnreadableError("its packed form has no rule")
    bias = node.get(3)
    if bias is not None:
        parts = (q.shape[-1], k.shape[-1], v.shape[-1])
        at = 0
        given = []
        for value, size in zip((q, k, v), parts, strict=True):
            part = bias.moved((size,), None, f"[{at}:{at + size}]")
            given.append(node.emit("add", value.shape, self=value, other=part))
            at += size
        q, k, v = given
    heads = int(node.attribute("num_heads", 1))
    return _heads(node, q, k, v, heads, heads, bool(node.attribute("unidirectional", 0)), node.get(5))


@rule("com.microsoft::GroupQueryAttention")
def group_query_attention(node: Node) -> list[Value]:
    """Causal attention whose keys and values are shared by groups of heads."""
    q, k, v = node[0], node.get(1), node.get(2)
    heads, shared = int(node.attribute("num_heads", 1)), int(node.attribute("kv_num_heads", 1))
    if k is None or v is None:
        size = q.shape[-1] // (heads + 2 * shared)
        sizes = [heads * size, shared * size, shared * size]
        q, k, v = node.emit_all(
            "split_with_sizes", [(*q.shape[:-1], s) for s in sizes], self=q, split_sizes=sizes, dim=2
        )
    if node.attribute("do_rotary", 0):
        node.note("rotary embedding within GroupQueryAttention is not counted")
    return _heads(node, q, k, v, heads, shared, True, None, (node.get(3), node.get(4)))


def _heads(
    node: Node, q: Value, k: Value, v: Value, heads: int, shared: int, causal: bool, mask: Value | None,
    past: tuple[Value | None, Value | None] = (None, None),
) -> list[Value]:  # fmt: skip
    queries, keys, values = (split_heads(node, item, number) for item, number in ((q, heads), (k, shared), (v, shared)))
    if past[0] is not None and past[1] is not None and past[0].elements:
        keys, values = joined(node, past[0], keys, 2), joined(node, past[1], values, 2)
    scale = node.attribute("scale", 0.0)
    given = attend(node, queries, keys, values, mask, causal, scale or None)
    return [merge_heads(node, given), keys, values]


@rule("com.microsoft::MatMulNBits")
def matmul_bits(node: Node) -> Value:
    """A product with weights of few bits, packed in blocks: as many as N*K."""
    x, packed = node[0], node[1]
    shape = (int(node.attribute("N")), int(node.attribute("K")))
    node.note("weights in packed blocks are counted as parameters, one for each; their scales and zero points are not")
    if packed.stored is None:
        raise UnreadableError("its weights are not stored")
    matrix = Value(shape, "float", stored=packed.stored._replace(is_quantised=True))
    bias = node.get(5)
    return linear(node, x, matrix, None if bias is None else as_bias(bias, shape[0]))

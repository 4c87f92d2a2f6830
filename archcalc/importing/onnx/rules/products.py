"""Products of matrices: by weights (linear), of two computed tensors, attention, Einstein sums."""

from __future__ import annotations

from math import prod

from archcalc.importing.neutral import Ref
from archcalc.importing.onnx.reader import MisfitError, Node, UnreadableError, rule
from archcalc.importing.onnx.rules.weights import as_bias, transposed
from archcalc.importing.onnx.values import Value, broadcast


def is_weight(value: Value) -> bool:
    """Whether a value is stored and no number of a formula."""
    return value.index < 0 and value.stored is not None and value.elements > 1


@rule("Gemm")
def gemm(node: Node) -> Value:
    """alpha*A*B + beta*C; with stored B a linear layer."""
    return matrix_product(node, node[0], node[1], node.get(2))


def matrix_product(node: Node, a: Value, b: Value, c: Value | None) -> Value:
    """A Gemm of two matrices and what is added, as `transA` and `transB` say."""
    if len(a.shape) != 2 or len(b.shape) != 2:
        raise UnreadableError(f"its factors are no matrices: {a.shape} and {b.shape}")
    if node.attribute("transA", 0):
        a = node.permute(a, (1, 0))
    if not is_weight(b):
        b = node.permute(b, (1, 0)) if node.attribute("transB", 0) else b
        given = node.emit("matmul", (a.shape[0], b.shape[1]), self=a, other=b)
        return given if c is None else node.emit("add", given.shape, self=given, other=c)
    matrix = b if node.attribute("transB", 0) else transposed(node, b)
    bias = as_bias(c, matrix.shape[0])
    given = linear(node, a, matrix, bias)
    is_zero = c is None or c.scalar == 0
    return given if is_zero or bias is not None else node.emit("add", given.shape, self=given, other=c)


def linear(node: Node, x: Value, matrix: Value, bias: Value | None) -> Value:
    """A linear layer with weights (out, in)."""
    if x.shape[-1] != matrix.shape[1]:
        raise MisfitError(f"weights of {matrix.shape} do not fit to an input of {x.shape}")
    return node.emit("linear", (*x.shape[:-1], matrix.shape[0]), input=x, weight=matrix, bias=bias)


@rule("MatMul")
def matmul(node: Node) -> Value:
    """A product of matrices; of a stored one, a linear layer."""
    return product(node, node[0], node[1])


def product(node: Node, a: Value, b: Value) -> Value:
    """The product of two stacks of matrices."""
    if is_weight(b) and len(b.shape) == 2 and (tokens := one_hot(node, a)) is not None:
        node.note(
            "a table is read by a product with ones and zeros, as JAX writes it: counted is the look-up; the product "
            f"would be {tokens.elements * b.elements:,} multiplications"
        )
        return node.emit("embedding", (*tokens.shape, b.shape[1]), weight=b, indices=tokens)
    if is_weight(b) and prod(b.shape[:-2]) == 1 and len(b.shape) >= 2 and len(a.shape) >= len(b.shape):
        return linear(node, a, transposed(node, b.moved(b.shape[-2:])), None)
    return node.emit("matmul", product_shape(a.shape, b.shape), self=a, other=b)


def one_hot(node: Node, value: Value) -> Value | None:
    """The tokens of which a tensor is the comparison with all numbers, one after the other: as JAX looks up a row."""
    made = node.reader.made_by.get(value.index)
    if made is None or made.op != "eq" or not isinstance(made.arguments["other"], Ref):
        return None
    tensors = node.reader.program.tensors
    tokens, others = made.arguments["self"].tensor, tensors[made.arguments["other"].tensor]
    shape = tensors[tokens].shape
    if shape[-1] != 1 or tensors[tokens].dtype != "int" or others.shape[-1] != others.elements:
        return None
    given = Value(shape, "int", tokens)
    before = node.reader.made_by.get(tokens)
    if before is not None and before.op == "view" and tensors[before.arguments["self"].tensor].shape == shape[:-1]:
        return Value(shape[:-1], "int", before.arguments["self"].tensor)
    return node.view(given, shape[:-1])


def product_shape(a: tuple[int, ...], b: tuple[int, ...]) -> tuple[int, ...]:
    """The shape of a product, vectors and broadcasting as in NumPy."""
    left, right = (1, *a) if len(a) == 1 else a, (*b, 1) if len(b) == 1 else b
    if left[-1] != right[-2]:
        raise MisfitError(f"{a} and {b} do not fit")
    stack = broadcast(left[:-2], right[:-2])
    if stack is None:
        raise MisfitError(f"{a} and {b} do not fit")
    return (*stack, *([left[-2]] if len(a) > 1 else []), *([right[-1]] if len(b) > 1 else []))


@rule("Einsum")
def einsum(node: Node) -> Value:
    """A sum over named axes."""
    equation = node.attribute("equation", "").replace(" ", "")
    values = [node[index] for index in range(len(node.inputs))]
    terms, arrow, result = equation.partition("->")
    sizes: dict[str, int] = {}
    for term, value in zip(terms.split(","), values, strict=True):
        if "..." in term or len(term) != len(value.shape):
            raise UnreadableError(f"`{equation}` is not told axis by axis")
        sizes.update(zip(term, value.shape, strict=True))
    if not arrow:
        letters = terms.replace(",", "")
        result = "".join(sorted(letter for letter in set(letters) if letters.count(letter) == 1))
    return node.emit("einsum", [sizes[letter] for letter in result], equation=f"{terms}->{result}", tensors=values)


@rule("Attention")
def attention(node: Node) -> list[Value]:
    """Attention of opset 23: heads are an axis, or stand within the channels of (batch, length, channels)."""
    q, k, v = node[0], node[1], node[2]
    past_key, past_value = node.get(4), node.get(5)
    heads, shared = node.attribute("q_num_heads"), node.attribute("kv_num_heads")
    is_flat = len(q.shape) == 3
    if is_flat:
        if not heads or not shared:
            raise UnreadableError("of three axes it needs its numbers of heads")
        q, k, v = (split_heads(node, item, int(number)) for item, number in ((q, heads), (k, shared), (v, shared)))
    if past_key is not None and past_value is not None and past_key.elements:
        k, v = (joined(node, past, new, 2) for past, new in ((past_key, k), (past_value, v)))
    given = attend(node, q, k, v, node.get(3), bool(node.attribute("is_causal", 0)), node.attribute("scale"))
    if is_flat:
        given = merge_heads(node, given)
    return [given, k, v]


def split_heads(node: Node, x: Value, heads: int) -> Value:
    """(batch, length, heads*d) as (batch, heads, length, d)."""
    batch, length, channels = x.shape
    if channels % heads:
        raise UnreadableError(f"{channels} channels do not divide into {heads} heads")
    return node.permute(node.view(x, (batch, length, heads, channels // heads)), (0, 2, 1, 3))


def merge_heads(node: Node, x: Value) -> Value:
    """(batch, heads, length, d) as (batch, length, heads*d)."""
    batch, heads, length, channels = x.shape
    return node.view(node.permute(x, (0, 2, 1, 3)), (batch, length, heads * channels))


def joined(node: Node, first: Value, second: Value, dim: int) -> Value:
    """Two tensors one after the other."""
    shape = list(second.shape)
    shape[dim] += first.shape[dim]
    return node.emit("cat", shape, tensors=[first, second], dim=dim)


def attend(node: Node, q: Value, k: Value, v: Value, mask: Value | None, causal: bool, scale: float | None) -> Value:
    """Scaled dot-product attention of heads (batch, heads, length, d)."""
    shape = (*q.shape[:-1], v.shape[-1])
    return node.emit(
        "scaled_dot_product_attention",
        shape,
        query=q,
        key=k,
        value=v,
        attn_mask=mask,
        dropout_p=0.0,
        is_causal=causal,
        scale=scale,
        enable_gqa=q.shape[1] != k.shape[1],
    )


@rule("RotaryEmbedding")
def rotary(node: Node) -> Value:
    """Rotary position embedding of opset 23, by the formula: halves (or pairs) turned by given cosines and sines."""
    raise UnreadableError("its angles come from tables by position")

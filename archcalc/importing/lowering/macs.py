"""Multiply-accumulates of operations of the source that have no operator, by their shapes alone."""

from __future__ import annotations

from typing import Any

from archcalc.importing.lowering.context import RULES
from archcalc.importing.neutral import Operation, Program, Ref

CONVOLUTIONS = {"convolution", *(f"conv{n}d" for n in (1, 2, 3)), *(f"conv_transpose{n}d" for n in (1, 2, 3))}
UNKNOWN = {
    *("module", "deform_conv2d", "lstm", "gru", "bilinear", "cdist", "grid_sampler", "grid_sampler_2d"),
    *("grouped_mm", "_grouped_mm", "addbmm", "roi_align", "ps_roi_align"),
}
"""Which have a rule, or a part of one, and products for which there is no formula here."""

# Which have no rule and no products: each element by itself, sums, orders and choices of elements, other shapes. What
# stands in neither set, an operation of somebody's own above all, may multiply as much as it likes: it is not known.
WITHOUT_PRODUCTS = {
    *("abs", "acos", "acosh", "addcdiv", "addcmul", "all", "amax", "amin", "aminmax", "angle", "any", "arange"),
    *("argmax", "argmin", "argsort", "as_strided", "asin", "asinh", "atan", "atan2", "atanh", "bernoulli"),
    *("bincount", "bitwise_and", "bitwise_left_shift", "bitwise_not", "bitwise_or", "bitwise_right_shift"),
    *("bitwise_xor", "bucketize", "ceil", "celu", "channel_shuffle", "clamp", "clamp_max", "clamp_min", "col2im"),
    *("complex", "conj", "constant_pad_nd", "copy", "copysign", "cos", "cosh", "count_nonzero", "cross", "cummax"),
    *("cummin", "cumprod", "cumsum", "deg2rad", "diag", "diag_embed", "diagonal", "digamma", "empty", "empty_like"),
    *("eq", "erf", "erfc", "erfinv", "exp", "exp2", "expand", "expm1", "eye", "fill", "flip", "floor"),
    *("floor_divide", "fmax", "fmin", "fmod", "frac", "full", "full_like", "gather", "ge", "gt", "heaviside"),
    *("histc", "hypot", "i0", "im2col", "imag", "index", "index_add", "index_copy", "index_fill", "index_put"),
    *("index_select", "isfinite", "isinf", "isnan", "kthvalue", "le", "lerp", "lgamma", "linalg_cross"),
    *("linalg_vector_norm", "linspace", "log", "log10", "log1p", "log2", "logaddexp", "logaddexp2", "logcumsumexp"),
    *("logical_and", "logical_not", "logical_or", "logical_xor", "logit", "logsumexp", "lt", "masked_fill"),
    *("masked_scatter", "masked_select", "max", "maximum", "mean", "median", "min", "minimum", "mode"),
    *("multinomial", "nan_to_num", "ne", "neg", "new_empty", "new_full", "new_ones", "new_zeros", "nextafter"),
    *("nms", "nonzero", "norm", "normal", "one_hot", "ones", "ones_like", "polar", "pow", "prod", "put", "rad2deg"),
    *("rand", "rand_like", "randint", "randn", "randn_like", "randperm", "real", "reciprocal", "reflection_pad1d"),
    *("reflection_pad2d", "reflection_pad3d", "remainder", "repeat", "repeat_interleave", "replication_pad1d"),
    *("replication_pad2d", "replication_pad3d", "resize", "roll", "rot90", "round", "rsqrt", "rsub"),
    *("scalar_tensor", "scatter", "scatter_add", "scatter_reduce", "searchsorted", "select_scatter", "sgn", "sign"),
    *("signbit", "sin", "sinc", "sinh", "slice_scatter", "sort", "special_entr", "special_erfcx", "special_i0e"),
    *("special_i1", "special_log_ndtr", "sqrt", "square", "std", "std_mean", "sum", "take", "tan", "tile", "topk"),
    *("trace", "tril", "tril_indices", "triu", "triu_indices", "true_divide", "trunc", "unfold", "unique"),
    *("unique_consecutive", "unsafe_index", "var", "var_mean", "view_as_complex", "view_as_real", "where", "xlogy"),
    *("zeros", "zeros_like"),
}


def macs_of(program: Program, op: Operation) -> int | None:
    """Pairs that are multiplied and added; None: not known.

    Convolutions, products of matrices and attention by their formulas; what has a rule besides, or works on elements,
    has none. Of all else nothing is known.
    """

    def shape(value: Any) -> tuple[int, ...]:
        return program.tensors[value.tensor].shape if isinstance(value, Ref) else ()

    def elements(sizes: tuple[int, ...]) -> int:
        number = 1
        for size in sizes:
            number *= size
        return number

    arguments, given = op.arguments, program.tensors[op.outputs[0]].shape if op.outputs else ()
    if op.op in UNKNOWN:
        return None
    if op.op == "opaque":
        found: int | None = arguments.get("macs")
        return found if arguments.get("is_known", True) else None
    if op.op in CONVOLUTIONS:
        weight = shape(arguments["weight"])
        is_transposed = arguments.get("transposed", "transpose" in op.op)
        over = shape(arguments["input"]) if is_transposed else given
        spatial = len(weight) - 2
        return elements(weight) * elements(over[-spatial:]) * elements(over[: -spatial - 1])  # and of a folded batch
    if op.op == "linear":
        return elements(given) * shape(arguments["weight"])[1]
    if op.op in ("matmul", "mm", "bmm", "__matmul__"):
        first = arguments.get("self", arguments.get("input", arguments.get("tensor1")))
        return elements(given) * shape(first)[-1]
    if op.op == "addmm":
        return elements(given) * shape(arguments["mat1"])[-1]
    if op.op == "baddbmm":
        return elements(given) * shape(arguments["batch1"])[-1]
    if op.op == "scaled_dot_product_attention":
        query, key, value = (shape(arguments[name]) for name in ("query", "key", "value"))
        return elements(query[:-1]) * key[-2] * (query[-1] + value[-1])
    if op.op in ("dot", "vdot", "mv"):
        return elements(shape(arguments["self"]))
    return 0 if op.op in RULES or op.op.lstrip("_") in WITHOUT_PRODUCTS else None

"""Multiply-accumulates of operations of the source that have no operator, by their shapes alone."""

from __future__ import annotations

from typing import Any

from archcalc.importing.neutral import Operation, Program, Ref

CONVOLUTIONS = {"convolution", *(f"conv{n}d" for n in (1, 2, 3)), *(f"conv_transpose{n}d" for n in (1, 2, 3))}
UNKNOWN = {
    *("module", "deform_conv2d", "lstm", "gru", "bilinear", "cdist", "grid_sampler", "grid_sampler_2d"),
    *("grouped_mm", "_grouped_mm", "addbmm", "inverse", "linalg_inv", "linalg_solve", "roi_align", "ps_roi_align"),
    *("stft", "istft", "fft_rfft2", "fft_irfft2", "fft_fft2", "fft_fftn", "_fft_r2c", "_fft_c2r", "_fft_c2c"),
}


def macs_of(program: Program, op: Operation) -> int | None:
    """Pairs that are multiplied and added; None: not known.

    Convolutions, products of matrices and attention by their formulas; what works on elements has none.
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
    return 0

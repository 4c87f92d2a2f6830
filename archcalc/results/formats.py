"""What a stored element takes, by the word that a file uses for its type.

A block format stores a fixed number of elements together with their scales: 256 elements of Q4_K take 144 bytes.
"""

from __future__ import annotations

from archcalc.named import NamedTuple


class Block(NamedTuple):
    """So many elements in so many bytes."""

    elements: int
    size_bytes: int


# safetensors 0.8.0, `Dtype` in safetensors/src/tensor.rs: bits of one element.
SAFETENSORS: dict[str, int] = {
    "BOOL": 8,
    "F4": 4,
    "F6_E2M3": 6,
    "F6_E3M2": 6,
    "U8": 8,
    "I8": 8,
    "F8_E5M2": 8,
    "F8_E4M3": 8,
    "F8_E8M0": 8,
    "F8_E4M3FNUZ": 8,
    "F8_E5M2FNUZ": 8,
    "I16": 16,
    "U16": 16,
    "F16": 16,
    "BF16": 16,
    "I32": 32,
    "U32": 32,
    "F32": 32,
    "C64": 64,
    "F64": 64,
    "I64": 64,
    "U64": 64,
}

# gguf 0.19.0, `GGML_QUANT_SIZES` and `GGMLQuantizationType` in gguf/constants.py; the numbers are those of ggml's
# `enum ggml_type`. Numbers that are missing (4, 5, 31 to 33, 36 to 38) were types that ggml has removed.
GGML: dict[int, tuple[str, Block]] = {
    0: ("F32", Block(1, 4)),
    1: ("F16", Block(1, 2)),
    2: ("Q4_0", Block(32, 18)),
    3: ("Q4_1", Block(32, 20)),
    6: ("Q5_0", Block(32, 22)),
    7: ("Q5_1", Block(32, 24)),
    8: ("Q8_0", Block(32, 34)),
    9: ("Q8_1", Block(32, 40)),
    10: ("Q2_K", Block(256, 84)),
    11: ("Q3_K", Block(256, 110)),
    12: ("Q4_K", Block(256, 144)),
    13: ("Q5_K", Block(256, 176)),
    14: ("Q6_K", Block(256, 210)),
    15: ("Q8_K", Block(256, 292)),
    16: ("IQ2_XXS", Block(256, 66)),
    17: ("IQ2_XS", Block(256, 74)),
    18: ("IQ3_XXS", Block(256, 98)),
    19: ("IQ1_S", Block(256, 50)),
    20: ("IQ4_NL", Block(32, 18)),
    21: ("IQ3_S", Block(256, 110)),
    22: ("IQ2_S", Block(256, 82)),
    23: ("IQ4_XS", Block(256, 136)),
    24: ("I8", Block(1, 1)),
    25: ("I16", Block(1, 2)),
    26: ("I32", Block(1, 4)),
    27: ("I64", Block(1, 8)),
    28: ("F64", Block(1, 8)),
    29: ("IQ1_M", Block(256, 56)),
    30: ("BF16", Block(1, 2)),
    34: ("TQ1_0", Block(256, 54)),
    35: ("TQ2_0", Block(256, 66)),
    39: ("MXFP4", Block(32, 17)),
    40: ("NVFP4", Block(64, 36)),
    41: ("Q1_0", Block(128, 18)),
}

BLOCKS: dict[str, Block] = {name.lower(): block for name, block in GGML.values() if block.elements > 1}
"""Formats that pack several weights, by the words of `--bits` and `storage:`."""

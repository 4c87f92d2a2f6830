"""Weights in blocks of a format: by hand, and against the bytes that the package gguf makes of a matrix."""

from __future__ import annotations

from typing import Any

import pytest

import archcalc
from archcalc.engine.network import Network, analyze
from archcalc.results.formats import BLOCKS
from archcalc.results.storage import bits_each, bits_of
from archcalc.source import Source
from archcalc.spec.library import choose
from archcalc.spec.read import read_spec

MLP = """
network: mlp
input: tokens(length)
variables: {length: 4, width: 512, hidden: 1280, experts: 6}
variants:
  mlp@mixed: {}
layers:
  tokens: embedding(1000, width)
  norm:   rms_norm
  up:     linear(hidden, activation=relu)
  mixture:
    route(experts=experts, top=2):
      router: linear(experts, bias=false) >> softmax
      expert: linear(100)
  logits: linear(1000, bias=false)
storage:
  mlp@mixed:
    '*':      {bits: q4_k}
    tokens:   {bits: Q6_K}
    up:       {bits: 8}
"""


def mlp(name: str = "mlp") -> Network:
    return Network(*choose(read_spec(Source("text", MLP)), name))


def by_hand(name: str, *counts: int) -> int:
    """Bytes of the weights of operations, each in blocks of its own, the last one full."""
    block = BLOCKS[name]
    return sum(-(-count // block.elements) * block.size_bytes for count in counts)


WEIGHTS = {"tokens": 512_000, "up": 655_360, "router": 7_680, "expert": 6 * 128_000, "logits": 100_000}
OTHERS = 512 + 1280 + 6 * 100  # of the norm, biases of `up`, of the experts


@pytest.mark.parametrize("name", list(BLOCKS))
def test_weights_in_blocks_and_others_at_the_dtype(name: str) -> None:
    cost = analyze(mlp(), bits=name)
    assert cost.totals.params == sum(WEIGHTS.values()) + OTHERS
    assert cost.totals.size_bytes == by_hand(name, *WEIGHTS.values()) + 4 * OTHERS
    assert analyze(mlp(), bits=name, dtype="fp16").totals.size_bytes == cost.totals.size_bytes - 2 * OTHERS
    assert cost.storage.bits == (name,)
    assert -(-sum(layer.stored_bits for layer in cost.layers) // 8) == cost.totals.size_bytes


def test_lenet5_in_q4_k() -> None:
    """LeCun et al. 1998: weights of the layers; 144 bytes for 256, biases in fp32."""
    weights = (150, 6, 1_500, 16, 48_000, 10_080)
    others = 60_000 - sum(weights)
    expected = by_hand("q4_k", *weights) + 4 * others
    assert archcalc.analyze("lenet5", bits="q4_k").totals.size_bytes == expected == 35_120


def test_formats_by_layer() -> None:
    cost = analyze(mlp("mlp@mixed"))
    rest = [WEIGHTS[name] for name in ("router", "expert", "logits")]
    expected = by_hand("q6_k", WEIGHTS["tokens"]) + WEIGHTS["up"] + 1280 + by_hand("q4_k", *rest) + 4 * (512 + 600)
    assert cost.totals.size_bytes == expected
    assert cost.storage.bits == ("q4_k", "q6_k", 8)
    assert analyze(mlp("mlp@mixed"), bits=8).totals.size_bytes == cost.totals.params


@pytest.mark.parametrize("name", ["q4_0", "q4_1", "q5_0", "q5_1", "q8_0", "q4_k", "q5_k", "q6_k", "mxfp4", "tq2_0"])
def test_as_many_bytes_as_gguf_makes_of_a_matrix(name: str) -> None:
    gguf = pytest.importorskip("gguf", reason="gguf quantises the matrix")
    import numpy as np

    matrix = np.linspace(-1, 1, 100 * 1280, dtype=np.float32).reshape(100, 1280)
    kind = gguf.GGMLQuantizationType[name.upper()]
    try:
        packed: Any = gguf.quants.quantize(matrix, kind)
        size = packed.nbytes
    except NotImplementedError:  # gguf-py writes no k-quants; it tells their shape
        rows = gguf.quants.quant_shape_to_byte_shape(matrix.shape, kind)
        size = rows[0] * rows[1]
    spec = "network: n\ninput: features(1280)\nlayers:\n  a: linear(100, bias=false)\n"
    assert archcalc.analyze(spec, bits=name).totals.size_bytes == size


@pytest.mark.parametrize(
    ("text", "found"), [("8", 8), (" Q4_K ", "q4_k"), ("mxfp4", "mxfp4"), ("0", None), ("f16", None), ("-1", None)]
)
def test_words_of_bits(text: str, found: object) -> None:
    assert bits_of(text) == found


def test_bits_of_a_weight() -> None:
    assert [float(bits_each(word)) for word in ("q4_k", "q6_k", "q8_0", 3)] == [4.5, 6.5625, 8.5, 3]


def test_a_format_that_nobody_knows() -> None:
    with pytest.raises(ValueError, match="no format is called q4"):
        archcalc.analyze("lenet5", bits="q4")


def test_rows_that_are_not_looked_up_are_not_read() -> None:
    from archcalc.engine.cost.traffic import traffic

    cost = analyze(mlp(), bits="q4_k")
    tokens = cost.layers[0]
    ((read, _),) = traffic(cost, [tokens])
    assert read == 4 * 4 + 4 * 2 * 144  # four numbers of tokens, four rows of two blocks

"""Memory of inference and training by hand, laws of both, and the published table of ZeRO."""

from __future__ import annotations

import pickle
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from archcalc.engine.formula.closed_form import closed_form
from archcalc.engine.memory.fit import fitted
from archcalc.engine.memory.memory import Asked, memory_of
from archcalc.engine.memory.sharding import Ranks, divided
from archcalc.engine.network import load
from archcalc.results.memory import Memory, What
from archcalc.source import SpecError

MLP = """
network: mlp
input: features(784)
layers:
  fc1: linear(300, activation=relu)
  fc2: linear(100, activation=relu)
  fc3: linear(10)
"""

RESIDUAL = """
network: residual
input: image(3, resolution, resolution)
variables: {resolution: 8, depth: 3}
defaults:
  conv: {padding: half, bias: false, norm: batch_norm, activation: relu}
modules:
  block: add(identity, conv(16, 3) >> conv(16, 3, activation=none)) >> relu
layers:
  stem:   conv(16, 3)
  blocks: block * depth
  pool:   global_avgpool
  fc:     linear(10)
"""

DECODER = """
network: decoder
input: tokens(length)
variables: {length: 16, past: 0}
modules:
  block:
    - add(identity, layer_norm >> attention)
    - add(identity, layer_norm >> linear(256, activation=gelu) >> linear(64))
  attention:
    - attend(heads=4, causal=true):
        q: linear(64)
        k: linear(64) >> cache(past)
        v: linear(64) >> cache(past)
    - linear(64)
layers:
  tokens: embedding(100, 64)
  blocks: block * 2
  logits: linear(100, bias=false, weights=tokens)
"""


def needs(text: str, set: dict[str, Any] | None = None, **asked: Any) -> Memory:
    return memory_of(text, Asked(**asked), set)


def alive(found: Memory, what: What) -> int:
    return sum(each.size_bytes for each in found.ideal.alive if each.what is what)


def test_inference_by_hand() -> None:
    """The caller holds the input; a relu writes over its input; of fc1 and fc2 both are there while fc2 runs."""
    found = needs(MLP)
    assert found.weights_bytes == 4 * (784 * 300 + 300 + 300 * 100 + 100 + 100 * 10 + 10)
    assert found.ideal.size_bytes == 4 * (784 + 300 + 100)
    assert found.ideal.layer == "fc2"
    assert {(each.layer, each.size_bytes) for each in found.ideal.alive} == {
        ("input", 3136),
        ("fc1", 1200),
        ("fc2", 400),
    }
    assert found.lower_bytes == 4 * (784 + 300)
    assert found.peak_bytes == found.weights_bytes + 4736


def test_training_by_hand() -> None:
    """Two examples, SGD. Relus keep their outputs, which are the inputs that the next layers keep: each once."""
    found = needs(MLP, batch=2, train=True, optimizer="sgd")
    assert found.training is not None
    assert found.training.saved_bytes == 2 * 4 * (300 + 100)
    gradients = 4 * (784 * 300 + 300 + 300 * 100 + 100 + 100 * 10 + 10)
    assert found.training.gradients_bytes == gradients
    # The last to run: fc1 gives the gradient of its weights from that of its output.
    assert (found.ideal.layer, found.ideal.phase) == ("fc1", "backward")
    assert found.ideal.size_bytes == gradients + 2 * 4 * (784 + 300 + 10)


def test_work_by_hand() -> None:
    """The gradient of the weights everywhere, that of the input in all layers but the first."""
    found = needs(MLP, batch=2, train=True)
    assert found.training is not None
    work = {each.layer: (each.macs, each.macs_backward) for each in found.training.work}
    assert work == {
        "fc1": (2 * 784 * 300, 2 * 784 * 300),
        "fc2": (2 * 300 * 100, 4 * 300 * 100),
        "fc3": (2 * 100 * 10, 4 * 100 * 10),
    }


@pytest.mark.parametrize(("optimizer", "numbers"), [("sgd", 0), ("momentum", 1), ("adam", 2), ("adamw", 2)], ids=str)
def test_bytes_a_parameter(optimizer: str, numbers: int) -> None:
    """SGD keeps nothing, momentum a copy, Adam two; mixed precision with a master copy takes 16 bytes a parameter."""
    found = needs(MLP, train=True, optimizer=optimizer)
    assert found.training is not None
    params = found.training.trained
    assert found.training.optimizer_bytes == 4 * numbers * params
    mixed = needs(MLP, train=True, optimizer=optimizer, dtype="bf16", master="fp32")
    assert mixed.training is not None
    standing = mixed.weights_bytes + mixed.training.master_bytes + mixed.training.optimizer_bytes
    assert standing + mixed.training.gradients_bytes == (2 + 2 + 4 + 4 * numbers) * params


def test_adafactor_keeps_rows_and_columns() -> None:
    """Of a matrix of 300 x 784 the 300 and the 784; of a vector all."""
    found = needs(MLP, train=True, optimizer="adafactor")
    assert found.training is not None
    assert found.training.optimizer_bytes == 4 * (300 + 784 + 300 + 100 + 300 + 100 + 10 + 100 + 10)


def test_frozen_layers_have_no_gradient_and_keep_nothing_for_it() -> None:
    """fc1 and fc2 frozen: nothing before fc3 is kept but its own input, and only its weights have a gradient."""
    found = needs(MLP, batch=2, train=True, optimizer="sgd", frozen=("fc1", "fc2"))
    assert found.training is not None
    assert found.training.trained == 100 * 10 + 10
    assert found.training.saved_bytes == 2 * 4 * 100
    assert found.training.macs_backward == 2 * 100 * 10
    last = needs(MLP, batch=2, train=True, optimizer="sgd", frozen=("fc2", "fc3"))
    assert last.training is not None
    assert last.training.saved_bytes == 2 * 4 * (300 + 100)  # outputs of relus; linear layers keep no input
    assert last.training.macs_backward == 2 * (784 * 300 + 300 * 100 + 100 * 10)


def test_lora_on_a_convolution_keeps_more_than_without() -> None:
    """The convolution keeps its input as before, and the two matrices of rank 4 what is between them."""
    plain, lora = needs(RESIDUAL, train=True), needs(RESIDUAL, train=True, lora=4, adapted=("blocks",))
    assert plain.training is not None
    assert lora.training is not None
    between = 6 * 4 * 64 * 4  # six convolutions, 4 channels at 8x8, fp32
    stem = 4 * (16 * 64 + 2 * 16)  # what its batch norm no longer keeps: no gradient goes there
    assert lora.training.saved_bytes <= plain.training.saved_bytes + between
    assert lora.training.saved_bytes >= plain.training.saved_bytes + between - 2 * stem
    assert lora.training.added == lora.training.trained == 6 * 4 * (16 * 9 + 16)
    assert lora.training.optimizer_bytes < plain.training.optimizer_bytes


def test_recomputation_keeps_inputs_of_blocks_and_computes_them_again() -> None:
    kept, again = (
        needs(DECODER, train=True, optimizer="sgd"),
        needs(DECODER, train=True, optimizer="sgd", recompute="block"),
    )
    assert kept.training is not None
    assert again.training is not None
    # Input of each block and of the last layer, 16 positions of 64 channels, and what the embedding keeps, its tokens.
    assert again.training.saved_bytes == 3 * 16 * 64 * 4
    assert again.training.saved_bytes < kept.training.saved_bytes
    blocks = sum(each.macs for each in kept.training.work if each.layer.startswith("blocks"))
    assert again.training.macs_recomputed == blocks
    assert again.training.macs_backward == kept.training.macs_backward


def test_a_step_reads_its_cache_and_makes_little() -> None:
    """After 99 positions: keys and values of 100 in two layers of 64 channels, at fp32."""
    found = memory_of(DECODER, Asked(step=True), {"past": 99})
    assert found.cache_bytes == 2 * 2 * 100 * 64 * 4
    assert found.ideal.size_bytes < found.cache_bytes


@settings(max_examples=30, deadline=None)
@given(batch=st.integers(1, 40), depth=st.integers(1, 5), train=st.booleans())
def test_bounds_keep_their_order(batch: int, depth: int, train: bool) -> None:
    """No plan goes below the peak, no order below the bound, and more examples never take less."""
    found = needs(RESIDUAL, {"depth": depth}, batch=batch, train=train)
    more = needs(RESIDUAL, {"depth": depth}, batch=batch + 1, train=train)
    assert found.lower_bytes <= found.ideal.size_bytes <= found.eager.size_bytes
    assert found.ideal.size_bytes == sum(each.size_bytes for each in found.ideal.alive)
    assert more.peak_bytes > found.peak_bytes
    if not train:
        assert found.arena is not None
        assert found.arena.size_bytes >= found.arena.peak_bytes >= found.ideal.size_bytes


@pytest.mark.parametrize("train", [True, False])
@pytest.mark.parametrize("variable", ["batch", "resolution"])
def test_what_fits_fits_and_the_next_does_not(train: bool, variable: str) -> None:
    found = fitted(RESIDUAL, Asked(train=train), "3MiB", variable)
    fit = found.fit
    assert fit is not None
    assert fit.peak_bytes <= 3 * 2**20 < (fit.next_bytes or 0)
    assert fit.next == fit.largest + 1
    at = needs(RESIDUAL, None if variable == "batch" else {variable: fit.largest},
               batch=fit.largest if variable == "batch" else 1, train=train)  # fmt: skip
    assert at.eager_bytes == fit.peak_bytes


@pytest.mark.parametrize(
    ("asked", "code"),
    [
        (Asked(train=True, frozen=("fc*",)), "nothing-trained"),
        (Asked(train=True, frozen=("fc9",)), "unknown-scope"),
        (Asked(train=True, ranks=Ranks(dp=4, ep=2)), "bad-ranks"),
    ],
)
def test_refusals(asked: Asked, code: str) -> None:
    with pytest.raises(SpecError) as refused:
        memory_of(MLP, asked)
    assert [each.code for each in refused.value.diagnostics] == [code]


def test_nothing_fits() -> None:
    with pytest.raises(SpecError, match="does not fit into 1KiB: it needs"):
        fitted(MLP, Asked(train=True), "1KiB")


# Rajbhandari et al. 2020, Table 1: gigabytes of each device for 7.5 G, 128 G and 1 T parameters, at stages 1, 2 and 3,
# 16 bytes a parameter (section 3.1: 2 + 2 and K = 12). Table recalled; its row of 64 devices is Figure 1 too.
ZERO = {
    (7_500_000_000, 4): (52.5, 41.3, 30.0),
    (7_500_000_000, 64): (31.4, 16.6, 1.88),
    (7_500_000_000, 1024): (30.1, 15.1, 0.12),
    (128_000_000_000, 16): (608.0, 368.0, 128.0),
    (1_000_000_000_000, 1024): (4011.0, 2013.0, 15.6),
}


@pytest.mark.parametrize(("params", "ranks"), ZERO)
def test_zero_as_its_paper_prints_it(params: int, ranks: int) -> None:
    for stage, printed in zip((1, 2, 3), ZERO[params, ranks], strict=True):
        axes = Ranks(dp=ranks)
        weights = divided(2 * params, 0, axes, stage >= 3)
        gradients = divided(2 * params, 0, axes, stage >= 2)
        kept = divided(12 * params, 0, axes, stage >= 1)
        found = (weights + gradients + kept) / 1e9
        assert found == pytest.approx(printed, abs=0.06 if printed < 100 else 1)


MEGATRON = """
network: megatron
input: sequence(512, length)
variables: {length: 128, depth: 1}
modules:
  attention:
    - attend(heads=8, causal=true):
        q: linear(512)
        k: linear(512)
        v: linear(512)
    - linear(512)
  block:
    - add(identity, layer_norm >> attention >> dropout(0.1))
    - add(identity, layer_norm >> linear(2048, activation=gelu) >> linear(512) >> dropout(0.1))
layers:
  blocks: block * depth
"""


def test_a_layer_of_a_transformer_keeps_34_sbh() -> None:
    """Korthikanti et al. 2022, equation (1), at 16 bits and a byte a mask: sbh(34 + 5as/h), of which a fused attention
    keeps the 34 alone; beside it, not counted there, statistics of norms and a number for each row of attention."""

    def kept(depth: int) -> int:
        found = memory_of(MEGATRON, Asked(batch=4, dtype="bf16", train=True, cuda=True), {"depth": depth})
        assert found.training is not None
        return found.training.saved_bytes

    positions = 4 * 128
    assert kept(5) - kept(4) == positions * (34 * 512 + 4 * (2 * 2 + 8))


def test_shares_and_what_is_sent() -> None:
    """Adam with a master copy among 8 ranks, stage 2: 12 bytes a parameter an eighth each, gradients too."""
    found = needs(DECODER, train=True, dtype="bf16", master="fp32", ranks=Ranks(dp=8), zero=2)
    assert found.sharding is not None
    assert found.training is not None
    rank = {share.part: share.rank_bytes for share in found.sharding.shares}
    params = found.training.trained
    assert rank["weights"] == 2 * params
    assert rank["gradients"] == -(-2 * params // 8)
    assert rank["master"] + rank["optimizer"] == -(-4 * params // 8) + -(-8 * params // 8)
    sent = {each.operation: (each.size_bytes, each.times) for each in found.sharding.sent}
    once = -(-2 * params * 7 // 8)  # Rajbhandari et al. 2020, section 7.1: a scatter and a gather, as much as a sum
    assert sent == {"reduce-scatter of gradients": (once, 1), "all-gather of parameters": (once, 1)}


def test_tensor_parallel_ranks_add_up_twice_in_each_block_each_way() -> None:
    """Shoeybi et al. 2019, section 3: four sums of batch x length x channels for a layer, two of them backward."""
    found = needs(DECODER, train=True, ranks=Ranks(tp=2))
    assert found.sharding is not None
    (each,) = found.sharding.sent
    assert each.times == 2 * 2 * 2
    assert each.size_bytes == 2 * (16 * 64 * 4) // 2  # a ring of two: half of it, there and back
    with pytest.raises(SpecError, match=r"4 heads of .* do not divide among 3 ranks"):
        needs(DECODER, train=True, ranks=Ranks(tp=3))


@pytest.mark.parametrize(
    ("name", "variable", "values"),
    [("resnet50", "resolution", (224, 225)), ("gpt2", "length", (64, 7)), ("mobilenet_v2", "resolution", (190,))],
)
def test_what_is_saved_has_a_closed_form(name: str, variable: str, values: tuple[int, ...]) -> None:
    """At every value what the timeline of tensors keeps over the loss, but for statistics of batch norms."""
    form = closed_form(name, [variable], "saved_bytes")
    for value in values:
        training = memory_of(name, Asked(train=True), {variable: value}).training
        assert training is not None
        graph = load(name).graph({variable: value}, with_heads=False)
        shared = [
            kept.elements for node in graph.nodes for kept in node.operator.saved(node.x, node.y).made if kept.shared
        ]
        assert form(**{variable: value}) == training.saved_bytes - 4 * sum(shared)


def test_closed_form_of_gpt2_by_hand() -> None:
    """Of each position in each block, h = 768 x 4 bytes: two norms keep h and 2 statistics each; then what q, k and v
    read, these three, what attention gives and 12 numbers, what the hidden layer reads, and 4h twice. At the end the
    last norm, and what the output reads."""
    h = 768 * 4
    block = 2 * (h + 8) + h + 3 * h + h + 12 * 4 + h + 8 * h
    assert closed_form("gpt2", ["length"], "saved_bytes")(length=1) == 12 * block + (h + 8) + h


def test_adam_needs_most_while_it_updates_the_largest_tensor() -> None:
    """Two tensors of the size of the largest beside all gradients: `denom = sqrt(v) / correction + eps`."""
    found = needs(MLP, train=True, optimizer="adamw")
    gradients = 4 * (784 * 300 + 300 + 300 * 100 + 100 + 100 * 10 + 10)
    assert found.ideal.phase == "optimizer"
    assert found.ideal.size_bytes == gradients + 2 * 4 * 784 * 300 + 4 * (784 + 10)


def test_memory_of_training_travels_to_another_process() -> None:
    """784 x 300 + 300 x 100 + 100 x 10 products; of the first layer there is no gradient of an input."""
    found = memory_of(MLP, Asked(train=True))
    again: Memory = pickle.loads(pickle.dumps(found))
    assert again == found
    assert again.training is not None
    assert again.training.macs == 784 * 300 + 300 * 100 + 100 * 10
    assert again.training.macs_backward == 2 * again.training.macs - 784 * 300

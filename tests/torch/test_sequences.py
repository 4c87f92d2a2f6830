"""Modules for sequences compute what torch's do where both exist, and what the papers say where torch has none."""

from __future__ import annotations

import math
from pathlib import Path
from typing import Any

import pytest

torch = pytest.importorskip("torch")
pytestmark = pytest.mark.torch

from torch import nn  # noqa: E402
from torch.nn import functional  # noqa: E402
from torch.utils.flop_counter import FlopCounterMode  # noqa: E402

from archcalc import analyze  # noqa: E402
from archcalc.engine.cost.conventions import not_compared  # noqa: E402
from archcalc.ops import OPERATORS, Operator, Shape  # noqa: E402
from archcalc.torch_bridge.model import attention, recurrent, sequences  # noqa: E402
from archcalc.torch_bridge.model.build import make_module, to_torch  # noqa: E402
from archcalc.torch_bridge.verify.verify import verify  # noqa: E402

QKV = ("q", "k", "v")


@pytest.fixture(autouse=True)
def _seeded() -> None:
    torch.manual_seed(0)


def heads(x: Any, number: int) -> Any:
    """(batch, channels, length) as torch's attention takes it."""
    return x.view(x.shape[0], number, -1, x.shape[2]).transpose(2, 3)


@pytest.mark.parametrize("causal", [False, True])
@pytest.mark.parametrize("kv_heads", [4, 2, 1])
def test_attention_is_that_of_torch(kv_heads: int, causal: bool) -> None:
    q, k, v = torch.randn(2, 12, 5), torch.randn(2, 3 * kv_heads, 5), torch.randn(2, 2 * kv_heads, 5)
    ours = attention.Attend(QKV, 4, kv_heads, causal)(q, k, v)
    key, value = (heads(part, kv_heads).repeat_interleave(4 // kv_heads, 1) for part in (k, v))
    theirs = functional.scaled_dot_product_attention(heads(q, 4), key, value, is_causal=causal)
    torch.testing.assert_close(ours, theirs.transpose(2, 3).reshape(2, 8, 5))
    torch.testing.assert_close(attention.Attend(("q", "kv"), 4, kv_heads, causal)(q, torch.cat([k, v], 1)), ours)


def test_multi_head_attention_is_that_of_torch() -> None:
    layer = nn.MultiheadAttention(12, 3, bias=False, batch_first=True)
    x = torch.randn(2, 7, 12)
    qkv = functional.linear(x, layer.in_proj_weight).transpose(1, 2)
    y = attention.Attend(("qkv",), 3)(qkv).transpose(1, 2)
    torch.testing.assert_close(layer.out_proj(y), layer(x, x, x, need_weights=False)[0])


def test_a_step_after_a_cache_is_the_end_of_the_whole() -> None:
    """Causal queries are the last of the keys; with a window what the cache threw away is not missed."""
    q, k, v = (torch.randn(1, 8, 10) for _ in QKV)
    for window in (None, 4):
        whole = attention.Attend(QKV, 2, causal=True, window=window)(q, k, v)
        kept = 10 if window is None else 2 + window - 1
        step = attention.Attend(QKV, 2, causal=True, window=window)(q[:, :, 8:], k[:, :, -kept:], v[:, :, -kept:])
        torch.testing.assert_close(step, whole[:, :, 8:])


def test_windows_leave_out_what_is_further_away() -> None:
    """A change of a key moves the queries that read it, and no others."""
    q, k, v = (torch.randn(1, 4, 9) for _ in QKV)
    for causal, window, reached in ((True, 3, {4, 5, 6}), (False, 5, {2, 3, 4, 5, 6}), (True, None, {4, 5, 6, 7, 8})):
        layer = attention.Attend(QKV, 2, causal=causal, window=window)
        changed = v.clone()
        changed[:, :, 4] += 1
        moved = (layer(q, k, changed) - layer(q, k, v)).abs().amax((0, 1)) > 0
        assert set(moved.nonzero().flatten().tolist()) == reached


def test_blocks_attend_to_themselves() -> None:
    """Each block of 2x3 as an attention of its own."""
    qkv = torch.randn(2, 12, 4, 6)
    whole = attention.Attend(("qkv",), 2, blocks=(2, 3))(qkv)
    alone = attention.Attend(("qkv",), 2)
    for row in (0, 2):
        for column in (0, 3):
            block = qkv[:, :, row : row + 2, column : column + 3]
            torch.testing.assert_close(whole[:, :, row : row + 2, column : column + 3], alone(block))


def test_a_table_of_biases_is_looked_up_by_distance() -> None:
    """Liu et al. 2021, as torchvision indexes it: a bias on one distance moves the pairs that far apart."""
    from torchvision.models.swin_transformer import ShiftedWindowAttention

    theirs = ShiftedWindowAttention(6, [2, 2], [0, 0], 3)
    nn.init.normal_(theirs.relative_position_bias_table)
    x = torch.randn(2, 4, 6, 6)  # channels last
    qkv = theirs.qkv(x).permute(0, 3, 1, 2)
    table = theirs.relative_position_bias_table.t().unsqueeze(0)
    y = attention.Attend(("qkv", "bias"), 3, blocks=2)(qkv, table)
    torch.testing.assert_close(theirs.proj(y.permute(0, 2, 3, 1)), theirs(x), rtol=1e-4, atol=1e-5)


def test_sinks_take_a_share_and_give_nothing() -> None:
    """Xiao et al. 2023: with a sink of weight exp(s), the weights of the others are divided by one term more."""
    q, k, v = (torch.randn(1, 2, 3) for _ in QKV)
    sink = torch.tensor([[0.5]])
    y = attention.Attend((*QKV, "sinks"), 1)(q, k, v, sink)
    powers = (q.transpose(1, 2) @ k / math.sqrt(2)).exp()
    expected = (powers / (powers.sum(-1, keepdim=True) + math.exp(0.5))) @ v.transpose(1, 2)
    torch.testing.assert_close(y, expected.transpose(1, 2))


def test_a_scale_of_each_head_stands_for_the_root() -> None:
    q, k, v = (torch.randn(1, 8, 3) for _ in QKV)
    y = attention.Attend((*QKV, "scale"), 2)(q, k, v, torch.full((1, 2), 0.5))  # heads of 4: the root is 2
    torch.testing.assert_close(y, attention.Attend(QKV, 2)(q, k, v))


@pytest.mark.parametrize("last", [False, True])
@pytest.mark.parametrize("bidirectional", [False, True])
@pytest.mark.parametrize("kind", ["lstm", "gru", "rnn"])
def test_recurrent_layers_are_those_of_torch(kind: str, bidirectional: bool, last: bool) -> None:
    ours = recurrent.Recurrent(kind, 3, 4, 2, bidirectional, last=last)
    x = torch.randn(2, 3, 5)
    y, state = ours.inner(x.transpose(1, 2))
    if last:  # what torch hands over of the last layer, of one way after the other
        ends = state[0] if kind == "lstm" else state
        y = torch.cat([*ends[-2 if bidirectional else -1 :]], 1).unsqueeze(1)
    torch.testing.assert_close(ours(x), y.transpose(1, 2).squeeze(2) if last else y.transpose(1, 2))


def test_a_first_state_is_that_of_every_layer() -> None:
    ours = recurrent.Recurrent("gru", 3, 4, 2)
    x, first = torch.randn(2, 3, 5), torch.randn(2, 4)
    theirs, _ = ours.inner(x.transpose(1, 2), first.expand(2, 2, 4).contiguous())
    torch.testing.assert_close(ours(x, first), theirs.transpose(1, 2))


def test_a_scan_is_that_of_mamba() -> None:
    """Gu and Dao 2023, algorithm 2, with a loop over positions, channels and states."""
    layer = attention.Scan(("x", "dt", "B", "C"), 2, 3).double()
    nn.init.normal_(layer.logarithm)
    nn.init.normal_(layer.through)
    x, dt, b, c = (torch.randn(1, size, 4, dtype=torch.float64) for size in (2, 2, 3, 3))
    y = layer(x, dt, b, c)
    state = [[0.0] * 3 for _ in range(2)]
    for at in range(4):
        for channel in range(2):
            step = math.log(1 + math.exp(dt[0, channel, at].item()))
            total = layer.through[channel].item() * x[0, channel, at].item()
            for n in range(3):
                decay = math.exp(-step * layer.logarithm[channel, n].exp().item())
                written = step * x[0, channel, at].item() * b[0, n, at].item()
                state[channel][n] = decay * state[channel][n] + written
                total += state[channel][n] * c[0, n, at].item()
            assert y[0, channel, at].item() == pytest.approx(total, rel=1e-9)


def test_a_scan_with_heads_is_that_of_mamba_2() -> None:
    """Channels of a head share the step and the decay; two groups of B and C serve a head each."""
    whole = attention.Scan(("x", "dt", "B", "C"), 4, 3, 2).double()
    x, dt, b, c = (torch.randn(2, size, 5, dtype=torch.float64) for size in (4, 2, 6, 6))
    y = whole(x, dt, b, c)
    for head in range(2):
        alone = attention.Scan(("x", "dt", "B", "C"), 2, 3, 1).double()
        part = alone(*(v[:, head * n : (head + 1) * n] for v, n in ((x, 2), (dt, 1), (b, 3), (c, 3))))
        torch.testing.assert_close(y[:, 2 * head : 2 * head + 2], part)


def test_the_delta_rule_gives_back_what_was_written() -> None:
    """Yang et al. 2024: without decay and with beta = 1, a key of length one reads what it wrote last."""
    layer = attention.Delta(("q", "k", "v", "beta", "decay"), 1)
    nn.init.constant_(layer.logarithm, -100.0)
    k = torch.tensor([[[1.0, 0.0, 1.0], [0.0, 1.0, 0.0]]])
    v = torch.tensor([[[2.0, 3.0, 5.0]]])
    ones = torch.ones(1, 1, 3)
    assert layer(k, k, v, ones, ones)[0, 0].tolist() == pytest.approx([2.0, 3.0, 5.0])
    q = torch.tensor([[[1.0, 1.0, 0.0], [0.0, 0.0, 1.0]]])
    assert layer(q, k, v, ones, ones)[0, 0].tolist() == pytest.approx([2.0, 2.0, 3.0])


def test_delta_is_that_of_transformers() -> None:
    """Qwen3-Next's recurrent form, whose gate stands outside and which scales queries by the root."""
    modeling = pytest.importorskip("transformers.models.qwen3_next.modeling_qwen3_next")
    layer = attention.Delta(("q", "k", "v", "beta", "decay"), 4, 2)
    q, k = torch.randn(2, 6, 5), torch.randn(2, 6, 5)
    v, beta, decay = torch.randn(2, 20, 5), torch.rand(2, 4, 5), torch.randn(2, 4, 5)
    query, key = (part.view(2, 2, 3, 5).permute(0, 3, 1, 2).repeat_interleave(2, 2) for part in (q * 3**0.5, k))
    gate = -layer.logarithm.exp() * functional.softplus(decay.transpose(1, 2) + layer.bias)
    theirs, _ = modeling.torch_recurrent_gated_delta_rule(
        query, key, v.view(2, 4, 5, 5).permute(0, 3, 1, 2), gate, beta.transpose(1, 2), None, False
    )
    torch.testing.assert_close(
        layer(q, k, v, beta, decay), theirs.permute(0, 2, 3, 1).reshape(2, 20, 5), rtol=1e-4, atol=1e-5
    )


def test_pairs_of_channels_turn_and_keep_their_length() -> None:
    """Su et al. 2021: by an angle that grows with the position, so that products depend on distances alone."""
    x = torch.randn(1, 8, 6)
    turned = sequences.Rotary(8)(x)
    torch.testing.assert_close(turned[:, :, 0], x[:, :, 0])
    pairs = (turned.view(1, 4, 2, 6).norm(dim=2), x.view(1, 4, 2, 6).norm(dim=2))
    torch.testing.assert_close(*pairs)
    q, k = (sequences.Rotary(8)(torch.randn(1, 8, 1).expand(1, 8, 6)) for _ in range(2))
    products = q[0].t() @ k[0]
    torch.testing.assert_close(products[0, 2], products[3, 5])
    torch.testing.assert_close(sequences.Rotary(4)(x)[:, 4:], x[:, 4:])


def test_tables_and_tokens() -> None:
    table = sequences.Embedding(5, 3)
    tokens = torch.tensor([[0, 4, 4]])
    torch.testing.assert_close(table(tokens)[0].t(), table.weight[tokens[0]])
    positions = sequences.PositionEmbedding(7, 3, past=2)
    x = torch.randn(1, 3, 4)
    torch.testing.assert_close(positions(x) - x, positions.weight[2:6].t().unsqueeze(0))
    torch.testing.assert_close(sequences.SelectToken(2)(x), x[:, :, 2])
    torch.testing.assert_close(sequences.RepeatChannels(2)(x), torch.cat([x, x], 1))
    assert sequences.Cache(3)(x)[:, :, :3].abs().sum() == 0
    torch.testing.assert_close(sequences.Cache(3)(x)[:, :, 3:], x)
    angles = sequences.Sinusoid(4)(torch.tensor([[2.0]]))[0].tolist()
    assert angles == pytest.approx([math.sin(2), math.sin(0.02), math.cos(2), math.cos(0.02)])


def test_experts_are_chosen_weighted_and_added() -> None:
    router = torch.tensor([[[0.1], [0.5], [0.4]]])
    experts, shared = torch.tensor([[[2.0]], [[3.0]]]), torch.tensor([[[1.0]]])
    y = attention.Route(("router", "expert", "shared"), 2)(router, experts, shared)
    assert y.item() == pytest.approx(0.5 * 2 + 0.4 * 3 + 1)


def test_experts_that_work_take_their_part_of_the_batch() -> None:
    copies = [nn.Linear(3, 2) for _ in range(4)]
    x = torch.randn(6, 3)
    y = attention.Experts(copies, 3)(x)
    torch.testing.assert_close(y, torch.cat([copies[number](x[2 * number : 2 * number + 2]) for number in range(3)]))


MIXTURE = """
network: mixture
input: sequence(8, 5)
modules:
  gated: mul(linear(6, bias=false), linear(6, bias=false)) >> linear(8, bias=false)
layers:
  norm: rms_norm(scale=false)
  mixture:
    route(experts=4, top=2):
      router: linear(4, bias=false)
      expert: add(identity, gated)
"""


def test_a_mixture_is_built_with_all_experts_and_computes_few(tmp_path: Path) -> None:
    """By hand: 4 experts of 3*(8*6) weights, 2 of which work at each of 5 positions; a router of 8*4."""
    file = tmp_path / "mixture.yaml"
    file.write_text(MIXTURE)
    model = to_torch(str(file), device="meta")
    assert sum(each.numel() for each in model.parameters()) == 4 * 3 * 48 + 32
    x = torch.zeros(3, 8, 5, device="meta")
    assert counted(lambda: model(x)) == 2 * 3 * 5 * (2 * 144 + 32)
    assert model(x).shape == x.shape


COUNTED = ("attend", "scan", "delta", "lstm", "gru", "rnn", "dot", "embedding", "conv", "depthwise", "linear")


@pytest.mark.parametrize("name", COUNTED)
def test_flop_counter_mode_counts_the_macs_of_the_rules(name: str) -> None:
    """On the meta device: on the CPU torch's own fused attention and LSTM are not counted."""
    for example in OPERATORS[name].examples:
        operator, x = example.operation(OPERATORS[name])
        shapes = [x] if isinstance(x, Shape) else list(x)
        shapes += [each.y for each in [operator.values().get("initial")] if each is not None]
        with torch.device("meta"):
            module = make_module(operator.torch(x))
            tensors = [filled(shape) for shape in shapes]
            with FlopCounterMode(display=False) as counter:
                module(*tensors)
        assert counter.get_total_flops() == 2 * macs(operator, x)


def filled(x: Shape) -> Any:
    if x.channels is None:
        return torch.zeros((1, *x.spatial), dtype=torch.int64)
    return torch.zeros((1, x.channels, *x.spatial))


def macs(operator: Operator, x: Any) -> Any:
    return operator.arithmetic(x, operator.infer(x)).macs


def counted(call: Any) -> int:
    """What FlopCounterMode counts of a call."""
    with FlopCounterMode(display=False) as counter, torch.no_grad():
        call()
    return int(counter.get_total_flops())


def test_what_flop_counter_mode_does_not_count() -> None:
    """By name, so that a version that counts it is seen: nothing here is a matter of tolerance.

    On the CPU the fused kernel of attention is not counted, that for narrower values is; the fused LSTM is not, GRU
    is; on meta all are. The products of experts by `grouped_mm` are counted nowhere.
    """
    full = 2 * 2 * 5 * 5 * (4 + 4)  # two heads of 4 over 5 positions
    for device, attended, recurrent_ in (("cpu", 0, 0), ("meta", full, 2 * 6 * (4 * 4 * (3 + 4)))):
        q, k, v = (torch.zeros(1, 2, 5, 4, device=device) for _ in QKV)
        assert counted(lambda q=q, k=k, v=v: functional.scaled_dot_product_attention(q, k, v)) == attended
        narrow = v[..., :3]
        assert counted(lambda q=q, k=k, v=narrow: functional.scaled_dot_product_attention(q, k, v)) == 2 * 50 * 7
        x = torch.zeros(1, 6, 3, device=device)
        assert counted(lambda x=x, device=device: nn.LSTM(3, 4, device=device)(x)) == recurrent_
        assert counted(lambda x=x, device=device: nn.GRU(3, 4, device=device)(x)) == 2 * 6 * (3 * 4 * (3 + 4))
    tokens, experts = torch.zeros(8, 16, dtype=torch.bfloat16), torch.zeros(2, 16, 16, dtype=torch.bfloat16)
    ends = torch.tensor([4, 8], dtype=torch.int32)
    assert counted(lambda: torch._grouped_mm(tokens, experts, offs=ends)) == 0


def test_a_network_of_them_is_what_torch_and_fvcore_count() -> None:
    """Shapes, parameters, gradients and MACs of every operation, experts among them; what is not counted has a name."""
    found = verify(str(Path(__file__).with_name("every_sequence_operator.yaml")), ["torch", "fvcore"])
    assert [check for check in found.checks if check.state == "differs"] == []
    names = {
        (check.against, check.operation) for check in found.checks if check.state == "not counted" and check.operation
    }
    assert names == {("torch", "def"), *(("fvcore", of) for of in ("def", "rec.lstm", "rec.gru"))}


def test_what_was_not_compared_with_a_tool_is_named() -> None:
    file = str(Path(__file__).with_name("every_sequence_operator.yaml"))
    for convention, names in (("ptflops", {"attend", "lstm", "scan"}), ("fvcore", set()), ("arithmetic", set())):
        untold = set(not_compared(analyze(file, convention=convention)))
        assert names <= untold
        assert bool(untold) == bool(names)

"""What single layers and operations of torch become: operators, arguments, and costs that are torch's."""

# What modules of torch give is Any.
# mypy: disable-error-code="no-any-return, no-untyped-call"
from __future__ import annotations

import math
from typing import Any

import pytest

torch = pytest.importorskip("torch")

import torch.nn.functional as F  # noqa: E402, N812 - as everybody calls it
from torch import Tensor, nn  # noqa: E402

import archcalc  # noqa: E402
from archcalc.importing.decompile import decompile  # noqa: E402
from archcalc.importing.totals import totals_of  # noqa: E402
from archcalc.torch_bridge.trace import read_module  # noqa: E402
from tests.importing.torch.reading import macs, parameters  # noqa: E402

pytestmark = pytest.mark.torch


class Does(nn.Module):
    """A forward pass as a function of the module and its inputs."""

    def __init__(self, forward: Any, **layers: nn.Module | nn.Parameter) -> None:
        super().__init__()
        self.does = forward
        for name, layer in layers.items():
            setattr(self, name, layer)

    def forward(self, x: Tensor) -> Any:
        return self.does(self, x)


def names(module: nn.Module, input: Any, proven: bool = True) -> list[str]:
    """Operators, after it was held that costs are torch's and that the text is the module."""
    calls = read_module(module, input)
    totals = totals_of(calls)
    assert totals.params == parameters(module)
    assert totals.macs + calls.constant_macs == macs(module.eval().to("meta"), input)
    found = decompile(calls)
    assert bool(found.text) == proven, found.proof.differences
    return [call.operator.name for call in calls.calls]


LAYERS = [
    (nn.Conv1d(4, 6, 3, padding=1), (4, 10), ["conv"]),
    (nn.Conv2d(4, 6, (3, 5), stride=2, padding=(1, 2), dilation=(1, 1), groups=2), (4, 9, 9), ["conv"]),
    (nn.Conv2d(4, 8, 3, groups=4, padding="same"), (4, 9, 9), ["depthwise"]),
    (nn.Conv3d(2, 3, 3, bias=False), (2, 5, 5, 5), ["conv"]),
    (nn.ConvTranspose2d(4, 6, 4, 2, 1, output_padding=1), (4, 5, 5), ["deconv"]),
    (nn.Linear(5, 7), (5,), ["linear"]),
    (nn.Linear(5, 7), (3, 5), ["linear"]),
    (nn.BatchNorm2d(4, affine=False), (4, 3, 3), ["batch_norm"]),
    (nn.GroupNorm(2, 4), (4, 3, 3), ["group_norm"]),
    (nn.InstanceNorm2d(4, affine=True), (4, 3, 3), ["instance_norm"]),
    (nn.LayerNorm([4, 3, 3]), (4, 3, 3), ["layer_norm"]),
    (nn.RMSNorm(5), (3, 5), ["rms_norm"]),
    (nn.LocalResponseNorm(3, k=2.0), (4, 3, 3), ["lrn"]),
    (nn.PReLU(4), (4, 3, 3), ["prelu"]),
    (nn.MaxPool2d(3, 2, 1, ceil_mode=True), (4, 9, 9), ["maxpool"]),
    (nn.AvgPool2d(3, 2, 1, count_include_pad=False), (4, 9, 9), ["avgpool"]),
    (nn.AdaptiveAvgPool2d((3, 2)), (4, 9, 9), ["adaptive_avgpool"]),
    (nn.AdaptiveMaxPool2d(1), (4, 9, 9), ["global_maxpool"]),
    (nn.Upsample(scale_factor=2, mode="bilinear"), (4, 5, 5), ["upsample"]),
    (nn.PixelShuffle(2), (8, 3, 3), ["pixel_shuffle"]),
    (nn.ZeroPad2d((1, 2, 3, 4)), (4, 5, 5), ["pad"]),
    (nn.ChannelShuffle(2), (4, 3, 3), ["channel_shuffle"]),
    (nn.GLU(1), (4, 3, 3), ["glu"]),
    (nn.Unfold(3), (2, 5, 5), ["unfold"]),
    (nn.Dropout2d(0.3), (4, 3, 3), ["spatial_dropout"]),
    (nn.LSTM(5, 6, 2, batch_first=True, bidirectional=True), (3, 5), ["lstm"]),
    (nn.GRU(5, 6, batch_first=True), (3, 5), ["gru"]),
    (nn.MultiheadAttention(8, 2), (3, 8), ["linear", "attend", "linear"]),
]


@pytest.mark.parametrize(("module", "input", "wanted"), LAYERS, ids=lambda value: str(value)[:40])
def test_layers(module: nn.Module, input: tuple[int, ...], wanted: list[str]) -> None:
    if isinstance(module, nn.MultiheadAttention):
        module = Does(lambda self, x: self.layer(x, x, x)[0], layer=module)
    if isinstance(module, (nn.LSTM, nn.GRU)):
        calls = read_module(Does(lambda self, x: self.layer(x)[0], layer=module), input)
        assert [call.operator.name for call in calls.calls] == wanted
        assert totals_of(calls).params == parameters(module)
    else:
        assert names(module, input) == wanted


ACTIVATIONS = {
    "ReLU": "relu", "ReLU6": "relu6", "LeakyReLU": "leaky_relu", "ELU": "elu", "SELU": "selu", "CELU": "celu",
    "SiLU": "silu", "Mish": "mish", "Sigmoid": "sigmoid", "Tanh": "tanh", "Hardsigmoid": "hard_sigmoid",
    "Hardswish": "hard_swish", "Hardtanh": "hard_tanh", "Softplus": "softplus", "Softsign": "softsign",
    "LogSigmoid": "log_sigmoid", "Softshrink": "softshrink", "Hardshrink": "hardshrink", "GELU": "gelu",
    "Tanhshrink": "tanhshrink", "RReLU": "rrelu",
}  # fmt: skip


@pytest.mark.parametrize("kind", ACTIVATIONS)
def test_activations(kind: str) -> None:
    assert names(getattr(nn, kind)(), (4, 3, 3)) == [ACTIVATIONS[kind]]


WRITTEN_OUT = {
    "silu": lambda self, x: x * torch.sigmoid(x),
    "quick_gelu": lambda self, x: x * torch.sigmoid(1.702 * x),
    "gelu": lambda self, x: 0.5 * x * (1 + torch.erf(x / math.sqrt(2))),
    "gelu by tanh": lambda self, x: 0.5 * x * (1 + torch.tanh(math.sqrt(2 / math.pi) * (x + 0.044715 * x**3))),
    "hard_swish": lambda self, x: x * F.relu6(x + 3) / 6,
    "hard_sigmoid": lambda self, x: F.relu6(x + 3) / 6,
    "relu": lambda self, x: x.clamp(min=0),
    "relu6": lambda self, x: x.clamp(0, 6),
    "rms_norm": lambda self, x: F.normalize(x, dim=-1),
    "global_avgpool": lambda self, x: x.mean(1, keepdim=True),
    "roll": lambda self, x: torch.roll(x, 1, 1),
    "slice_positions": lambda self, x: x[:, 1:5:2],
    "slice_channels": lambda self, x: x[..., 2:6],
    "select_token": lambda self, x: x[:, 3],
    "scale": lambda self, x: x / 4,
    "softmax": lambda self, x: x.softmax(-1),
}


@pytest.mark.parametrize("kind", WRITTEN_OUT)
def test_what_is_written_out(kind: str) -> None:
    module = Does(lambda self, x: WRITTEN_OUT[kind](self, self.layer(x)), layer=nn.Linear(6, 8))
    assert names(module, (7, 6)) == ["linear", kind.partition(" ")[0]]


def test_attention_is_found_however_it_is_written() -> None:
    def products(self: Any, x: Tensor) -> Tensor:
        n, length, width = x.shape
        q, k, v = self.qkv(x).reshape(n, length, 3, 4, width // 4).permute(2, 0, 3, 1, 4).unbind(0)
        weights = (q @ k.transpose(-2, -1) * (width // 4) ** -0.5).softmax(-1)
        return self.out((weights @ v).transpose(1, 2).reshape(n, length, width))

    def einsum(self: Any, x: Tensor) -> Tensor:
        q, k, v = (part.unflatten(-1, (4, -1)) for part in self.qkv(x).chunk(3, -1))
        weights = torch.einsum("nqhd,nkhd->nhqk", q, k).softmax(-1)
        return self.out(torch.einsum("nhqk,nkhd->nqhd", weights, v).flatten(2))

    def fused(self: Any, x: Tensor) -> Tensor:
        q, k, v = (part.unflatten(-1, (4, -1)).transpose(1, 2) for part in self.qkv(x).chunk(3, -1))
        return self.out(F.scaled_dot_product_attention(q, k, v, is_causal=True).transpose(1, 2).flatten(2))

    for forward in (products, einsum, fused):
        module = Does(forward, qkv=nn.Linear(8, 24), out=nn.Linear(8, 8))
        assert names(module, (5, 8)) == ["linear", "attend", "linear"]
        attend = read_module(module, (5, 8)).calls[1]
        assert attend.roles == ("qkv",)
        assert attend.operator.values()["heads"] == 4
        assert attend.operator.values()["causal"] == (forward is fused)


def test_a_mask_that_is_a_constant_says_what_it_is() -> None:
    def masked(self: Any, x: Tensor) -> Tensor:
        q, k, v = self.qkv(x).chunk(3, -1)
        mask = torch.full((x.shape[1], x.shape[1]), float("-inf")).triu(1)
        return (q @ k.transpose(-2, -1) + mask).softmax(-1) @ v

    calls = read_module(Does(masked, qkv=nn.Linear(8, 24)), (5, 8))
    assert calls.calls[-1].operator.values()["causal"] is True


def test_shared_heads_and_rotary_positions() -> None:
    def turned(x: Tensor, cos: Tensor, sin: Tensor) -> Tensor:
        a, b = x.chunk(2, -1)
        return x * cos + torch.cat((-b, a), -1) * sin

    def forward(self: Any, x: Tensor) -> Tensor:
        cos = sin = x.new_ones(x.shape[1], 4)
        q = turned(self.q(x).unflatten(-1, (4, 4)).transpose(1, 2), cos, sin)
        k, v = (part.unflatten(-1, (2, 4)).transpose(1, 2) for part in (self.k(x), self.v(x)))
        k, v = (part.repeat_interleave(2, dim=1) for part in (turned(k, cos, sin), v))
        return F.scaled_dot_product_attention(q, k, v).transpose(1, 2).flatten(2)

    module = Does(forward, q=nn.Linear(16, 16), k=nn.Linear(16, 8), v=nn.Linear(16, 8))
    assert sorted(names(module, (5, 16))) == ["attend", "linear", "linear", "linear", "rotary", "rotary"]
    assert read_module(module, (5, 16)).calls[-1].operator.values()["kv_heads"] == 2


def test_windows_stay_an_image() -> None:
    def forward(self: Any, x: Tensor) -> Tensor:
        n, height, width, channels = x.shape
        x = torch.roll(x, (-1, -1), (1, 2))
        x = x.view(n, height // 4, 4, width // 4, 4, channels).permute(0, 1, 3, 2, 4, 5).reshape(-1, 16, channels)
        q, k, v = self.qkv(x).reshape(-1, 16, 3, 2, channels // 2).permute(2, 0, 3, 1, 4)
        x = self.out(F.scaled_dot_product_attention(q, k, v).transpose(1, 2).reshape(-1, 16, channels))
        x = x.view(n, height // 4, width // 4, 4, 4, channels).permute(0, 1, 3, 2, 4, 5).reshape(n, height, width, -1)
        return torch.roll(x, (1, 1), (1, 2))

    module = Does(forward, qkv=nn.Linear(8, 24), out=nn.Linear(8, 8))
    assert names(module, (8, 12, 8)) == ["conv", "attend", "conv"]
    values = read_module(module, (8, 12, 8)).calls[1].operator.values()
    assert (values["blocks"], values["shift"], values["grid"]) == (4, 1, False)


def test_channels_are_shuffled_and_positions_become_channels() -> None:
    def shuffled(self: Any, x: Tensor) -> Tensor:
        n, channels, height, width = x.shape
        return self.layer(x.view(n, 2, channels // 2, height, width).transpose(1, 2).reshape(x.shape))

    def merged(self: Any, x: Tensor) -> Tensor:
        n, channels, height, width = x.shape
        x = x.view(n, channels, height // 2, 2, width // 2, 2).permute(0, 3, 5, 1, 2, 4)
        return self.layer(x.reshape(n, 4 * channels, height // 2, width // 2))

    assert names(Does(shuffled, layer=nn.Conv2d(4, 3, 1)), (4, 6, 6)) == ["channel_shuffle", "conv"]
    assert names(Does(merged, layer=nn.Conv2d(16, 3, 1)), (4, 6, 6)) == ["pixel_unshuffle", "conv"]


def _mixed(self: Any, x: Tensor) -> Tensor:
    """Positions of each channel, as MLP-Mixer and ResMLP mix them: the second exchange is the first one's end."""
    x = x.flatten(2).transpose(1, 2)
    return x + self.gain * self.tokens(self.norm(x).transpose(1, 2)).transpose(1, 2)


def _after_channels(self: Any, x: Tensor) -> Tensor:
    """Channels first throughout: what is read next is exchanged back, and what stands beside it."""
    return self.last(self.over(self.first(x)) + x)


MIXED = {
    "an image": (
        Does(_mixed, norm=nn.LayerNorm(4), tokens=nn.Linear(6, 6), gain=nn.Parameter(torch.ones(4))),
        (4, 2, 3),
        ["layer_norm", "to_sequence", "transpose", "linear", "transpose", "channel_scale", "to_sequence", "add"],
        6 * 6 * 4,
    ),
    "a convolution over positions": (
        Does(lambda self, x: self.head(self.mix(x)), mix=nn.Conv1d(7, 5, 1), head=nn.Linear(6, 3)),
        (7, 6),
        ["conv", "transpose", "linear"],
        7 * 5 * 6 + 6 * 3 * 5,
    ),
    "channels first": (
        Does(_after_channels, first=nn.Conv1d(4, 4, 3, padding=1), over=nn.Linear(7, 7), last=nn.Conv1d(4, 2, 1)),
        (4, 7),
        ["conv", "transpose", "linear", "transpose", "add", "conv"],
        4 * 4 * 3 * 7 + 7 * 7 * 4 + 4 * 2 * 7,
    ),
    "a matrix from the left": (
        Does(lambda self, x: self.matrix @ self.first(x), first=nn.Linear(6, 4), matrix=nn.Parameter(torch.ones(3, 7))),
        (7, 6),
        ["linear", "transpose", "linear", "transpose"],
        6 * 4 * 7 + 3 * 7 * 4,
    ),
    "the last": (
        Does(lambda self, x: self.layer(x.transpose(1, 2)).transpose(1, 2), layer=nn.Linear(7, 24)),
        (7, 6),
        ["linear"],
        7 * 24 * 6,
    ),
}


@pytest.mark.parametrize("kind", MIXED)
def test_channels_and_positions_change_places(kind: str) -> None:
    module, input, wanted, macs = MIXED[kind]
    calls = read_module(module, input)
    assert [call.operator.name for call in calls.calls] == wanted
    totals = totals_of(calls)
    assert (totals.params, totals.macs) == (parameters(module), macs)
    assert decompile(calls).text


def test_zeros_around_the_input_are_the_padding_of_what_follows() -> None:
    module = Does(lambda self, x: self.layer(F.pad(x, (0, 1, 0, 1))), layer=nn.Conv2d(3, 4, 3, stride=2))
    assert names(module, (3, 8, 8)) == ["conv"]
    assert read_module(module, (3, 8, 8)).calls[0].operator.values()["padding"] == "same"


def test_gains_of_standardised_weights_are_a_scale_behind() -> None:
    module = nn.utils.parametrizations.weight_norm(nn.Conv2d(3, 4, 3))
    calls = read_module(module, (3, 8, 8))
    assert [call.operator.name for call in calls.calls] == ["conv", "channel_scale"]
    assert totals_of(calls).params == parameters(module)


def test_pieces_of_one_tensor_are_stored_once_each() -> None:
    module = nn.Transformer(8, 2, 1, 1, 16, batch_first=True)
    calls = read_module(Does(lambda self, x: self.layer(x, x), layer=module), (5, 8))
    assert totals_of(calls).params == parameters(module)
    assert decompile(calls).text
    assert "layer.decoder.layers.0.multihead_attn.in_proj_weight[8:24]" in calls.parameters


def test_weights_of_an_embedding_are_tied() -> None:
    embedding, head = nn.Embedding(10, 4), nn.Linear(4, 10)
    head.weight = embedding.weight
    calls = read_module(nn.Sequential(embedding, head), "tokens(3)")
    assert totals_of(calls).params == 10 * 4 + 10  # the table, and the biases
    assert decompile(calls).text


OPAQUE = {
    "an element": lambda self, x: self.layer(torch.sin(x)),
    "tokens mixed": lambda self, x: self.layer(x).transpose(1, 2) @ torch.ones(7, 7),
    "attention over channels": lambda self, x: self.layer(x) @ (self.layer(x).transpose(1, 2) @ self.layer(x)),
    "running sums": lambda self, x: self.layer(x).cumsum(1),
}


@pytest.mark.parametrize("kind", OPAQUE)
def test_what_has_no_operator_is_opaque_with_its_costs(kind: str) -> None:
    module = Does(OPAQUE[kind], layer=nn.Linear(6, 6))
    calls = read_module(module, (7, 6))
    unknown = [call for call in calls.calls if call.reason]
    assert unknown
    assert all(call.operator.name == "opaque" for call in unknown)
    totals = totals_of(calls)
    assert totals.params == parameters(module)
    assert totals.macs + calls.constant_macs == macs(module.to("meta"), (7, 6))
    assert decompile(calls).text


def test_work_that_is_not_known_is_at_least() -> None:
    module = Does(lambda self, x: torch.fft.rfft(self.layer(x)).real, layer=nn.Linear(6, 8))
    calls = read_module(module, (6,))
    assert "macs" in totals_of(calls).bounds
    assert totals_of(calls).macs == 48  # those of the linear layer are known


def test_an_operation_of_somebodys_own_is_not_known() -> None:
    """It may multiply as much as it likes, whatever it is called: 8x4 of the linear layer are all that is known."""

    def add(x: Tensor, w: Tensor) -> Tensor:
        return x @ w

    operation = torch.library.custom_op("archcalc_tests::add", add, mutates_args=())
    operation.register_fake(lambda x, w: x.new_empty(x.shape[0], w.shape[1]))
    weight = nn.Parameter(torch.zeros(8, 8))
    module = Does(lambda self, x: self.layer(operation(x, self.w)), layer=nn.Linear(8, 4), w=weight)
    totals = totals_of(read_module(module, (8,)))
    assert totals.params == 8 * 8 + 8 * 4 + 4
    assert totals.macs == 8 * 4
    assert "macs" in totals.bounds


def test_what_is_known_within_what_is_not_is_not_lost() -> None:
    """A convolution before a transform, both in one opaque part: 4x3x3x3 weights at 14x14 positions are known."""
    module = Does(lambda self, x: torch.fft.rfft(self.layer(x)).abs(), layer=nn.Conv2d(3, 4, 3))
    calls = read_module(module, (3, 16, 16))
    totals = totals_of(calls)
    assert totals.macs == 4 * 27 * 14 * 14
    assert "macs" in totals.bounds
    assert all(call.reason.startswith("_fft_r2c: ") for call in calls.calls if call.reason)


def test_products_of_vectors_are_counted() -> None:
    """8x8 in the layer, 8 in the product of a vector with itself, 8x8 of the matrix with it."""

    def forward(self: Any, x: Tensor) -> Tensor:
        y = self.layer(x)[0]
        return torch.dot(y, y).reshape(1, 1) + torch.mv(self.layer.weight, y)[None]

    assert totals_of(read_module(Does(forward, layer=nn.Linear(8, 8)), (8,))).macs == 64 + 8 + 64


def test_a_tensor_that_is_filled_part_by_part() -> None:
    def forward(self: Any, x: Tensor) -> Tensor:
        y = x.new_empty(*x.shape[:-1], 12)
        y[..., :4], y[..., 4:] = self.a(x), self.b(x)
        return y

    assert names(Does(forward, a=nn.Linear(6, 4), b=nn.Linear(6, 8)), (7, 6)) == ["linear", "linear", "concat"]


def test_writing_into_a_view_changes_what_it_is_a_view_of() -> None:
    def forward(self: Any, x: Tensor) -> Tensor:
        y = self.layer(x)
        y[:, 0] = 0
        return y * 2

    calls = read_module(Does(forward, layer=nn.Linear(6, 6)), (7, 6))
    assert any("write_through" in call.reason for call in calls.calls)  # never as if nothing had been written


def test_channels_brought_to_the_end_and_back() -> None:
    """A norm of the channels at each position, not of positions: 2*4 scalars."""
    module = Does(lambda self, x: self.norm(x.movedim(1, -1)).movedim(-1, 1), norm=nn.LayerNorm(4))
    assert names(module, (4, 6, 6)) == ["layer_norm"]


def test_a_tensor_that_stands_for_itself_and_is_added() -> None:
    """A token before a sequence, and the same tensor added to what the sequence gives: stored once."""

    def forward(self: Any, x: Tensor) -> Tensor:
        y = self.layer(torch.cat([self.token, x], 1))
        return y[:, :1] + self.token

    module = Does(forward, layer=nn.Linear(6, 6), token=nn.Parameter(torch.zeros(1, 1, 6)))
    assert names(module, (7, 6)) == ["trained", "join", "linear", "slice_positions", "trained", "add"]


def test_a_head_that_every_level_shares() -> None:
    """Two levels, a layer before both outputs of each: what is shared is named without what it goes on from."""

    def forward(self: Any, x: Tensor) -> Any:
        first = self.first(x)
        levels = [first, self.second(first)]
        return {f"{kind}{at}": getattr(self, kind)(self.head(y)) for at, y in enumerate(levels) for kind in ("a", "b")}

    layers = {"first": nn.Conv2d(3, 4, 3), "second": nn.Conv2d(4, 4, 3), "head": nn.Conv2d(4, 4, 1)}
    module = Does(forward, **layers, a=nn.Conv2d(4, 2, 1), b=nn.Conv2d(4, 5, 1))
    assert names(module, (3, 12, 12)) == ["conv"] * 10


def test_what_is_not_trained_is_frozen() -> None:
    """4*27 + 4 of a frozen convolution beside 4 + 4 of its norm; where nothing is trained, nothing is said."""
    module = nn.Sequential(nn.Conv2d(3, 4, 3), nn.BatchNorm2d(4))
    module[0].requires_grad_(False)
    found = archcalc.from_torch(module, (3, 8, 8))
    assert "trainable=false" in found.text
    cost = archcalc.analyze(archcalc.load(found.text))
    assert (cost.totals.params, cost.totals.trainable_params) == (120, 8)
    assert "trainable" not in archcalc.from_torch(module.requires_grad_(False), (3, 8, 8)).text


def test_inputs_outputs_and_layers_may_have_one_name() -> None:
    class Both(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.image, self.text = nn.Conv2d(3, 4, 3), nn.Linear(5, 4)

        def forward(self, image: Tensor, text: Tensor) -> dict[str, Tensor]:
            y = self.image(image)
            return {"sum": y + self.text(text)[:, :, None, None], "image": y}

    found = archcalc.import_model(Both(), {"image": (3, 8, 8), "text": (5,)})
    assert found.differences == ()
    assert list(archcalc.load(found.text).graph().inputs) == ["image", "text"]

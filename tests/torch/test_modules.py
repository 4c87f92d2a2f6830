"""Modules of our own compute what torch's do where both exist, and what the papers say where torch has none."""

from __future__ import annotations

import math
from pathlib import Path
from typing import Any

import pytest

import archcalc
from archcalc.ops import OPERATORS
from archcalc.ops.shape import features

torch = pytest.importorskip("torch")
pytestmark = pytest.mark.torch

from torch import nn  # noqa: E402
from torch.nn import functional  # noqa: E402

from archcalc.torch_bridge.model import merges, modules, norms  # noqa: E402
from archcalc.torch_bridge.model.build import make_module  # noqa: E402


@pytest.fixture(autouse=True)
def _seeded() -> None:
    torch.manual_seed(0)


@pytest.mark.parametrize("rank", [1, 2, 3])
def test_a_full_table_is_a_convolution(rank: int) -> None:
    table = modules.TableConv([[True] * 4] * 3, (3,) * rank, (2,) * rank, (1,) * rank, (1,) * rank)
    convolution = (nn.Conv1d, nn.Conv2d, nn.Conv3d)[rank - 1](3, 4, 3, 2, 1)
    weight = table.weight.detach().view(3, 4, *[3] * rank).transpose(0, 1)
    convolution.load_state_dict({"weight": weight, "bias": torch.ones(4)})
    table.load_state_dict({"weight": table.weight, "bias": torch.ones(4)})
    x = torch.randn(2, 3, *[7] * rank)
    torch.testing.assert_close(table(x), convolution(x))


def test_a_table_reads_what_it_connects() -> None:
    """Output 0 reads input 0 alone, output 1 both: what changes in input 1 changes output 1 alone."""
    table = modules.TableConv([[True, True], [False, True]], (3, 3), (1, 1), (0, 0), (1, 1), bias=False)
    assert table.weight.numel() == 3 * 9
    x = torch.randn(1, 2, 5, 5)
    changed = x.clone()
    changed[:, 1] += 1
    moved = (table(changed) - table(x)).abs().amax(dim=(0, 2, 3))
    assert moved[0] == 0
    assert moved[1] > 0


def test_subsampling_is_a_sum_times_a_coefficient_plus_a_bias() -> None:
    layer = modules.Subsample(2, (2, 2), (2, 2))
    layer.load_state_dict({"weight": torch.tensor([0.5, -1.0]), "bias": torch.tensor([1.0, 2.0])})
    x = torch.arange(8.0).view(1, 2, 2, 2)
    assert layer(x).flatten().tolist() == [(0 + 1 + 2 + 3) * 0.5 + 1, (4 + 5 + 6 + 7) * -1.0 + 2]


def test_radial_basis_functions_are_squared_distances() -> None:
    layer = modules.RBF(2, 3)
    layer.load_state_dict({"codes": torch.tensor([[1.0, 1.0], [-1.0, 1.0], [-1.0, -1.0]])})
    assert layer(torch.tensor([[2.0, 0.0]])).tolist() == [[2.0, 10.0, 10.0]]
    at_each = layer(torch.tensor([[[2.0, 1.0], [0.0, 1.0]]]))  # a sequence of two positions, channels first
    assert at_each[0, :, 0].tolist() == [2.0, 10.0, 10.0]
    assert at_each[0, :, 1].tolist() == [0.0, 4.0, 8.0]


def test_tied_weights_are_transposed_where_only_that_fits() -> None:
    encoder, decoder = nn.Linear(5, 3), modules.TiedLinear(3, 5, bias=False)
    x = torch.randn(2, 3)
    torch.testing.assert_close(decoder(x, encoder.weight), x @ encoder.weight)
    again = modules.TiedLinear(5, 3, bias=False)
    y = torch.randn(2, 5)
    torch.testing.assert_close(again(y, encoder.weight), y @ encoder.weight.t())


def test_unpooling_is_that_of_torch() -> None:
    x = torch.randn(2, 3, 9, 8)
    y, indices = functional.max_pool2d(x, 3, 2, return_indices=True)
    expected = functional.max_unpool2d(y, indices, [3, 3], [2, 2], output_size=[9, 8])
    torch.testing.assert_close(modules.Unpool((9, 8))(y, indices), expected)


@pytest.mark.parametrize("ceil", [False, True])
@pytest.mark.parametrize(("kernel", "stride", "padding"), [(3, 2, 1), (2, 2, 0), (5, 3, 2), (3, 3, 0), (2, 3, 1)])
@pytest.mark.parametrize("extents", [(11, 12), (7, 9), (13, 8)])
def test_pools_with_even_padding_are_those_of_torch(
    extents: tuple[int, int], kernel: int, stride: int, padding: int, ceil: bool
) -> None:
    x = torch.randn(2, 3, *extents)
    window: dict[str, Any] = {"kernel_size": (kernel,) * 2, "stride": (stride,) * 2, "ceil_mode": ceil}
    pads = [(padding, padding)] * 2
    torch.testing.assert_close(
        modules.MaxPool(pads, dilation=(1, 1), **window)(x), nn.MaxPool2d(kernel, stride, padding, ceil_mode=ceil)(x)
    )
    for counts in (False, True):
        torch.testing.assert_close(
            modules.AvgPool(pads, count_include_pad=counts, **window)(x),
            nn.AvgPool2d(kernel, stride, padding, ceil_mode=ceil, count_include_pad=counts)(x),
        )


def test_uneven_padding_of_a_pool() -> None:
    """By hand: a window of 3 over 4 positions, none before and one after, every second position."""
    x = torch.tensor([[[1.0, 2.0, 3.0, 4.0]]])
    window: dict[str, Any] = {"kernel_size": (3,), "stride": (2,)}
    assert modules.MaxPool([(0, 1)], **window)(x).tolist() == [[[3.0, 4.0]]]
    assert modules.AvgPool([(0, 1)], count_include_pad=False, **window)(x).flatten().tolist() == pytest.approx(
        [2.0, 3.5]
    )
    torch.testing.assert_close(modules.AvgPool([(0, 1)], **window)(x), torch.tensor([[[2.0, 7 / 3]]]))


def test_a_pool_that_reads_nothing_but_padding() -> None:
    """Padding of 2 before one position, a window of 1 at every third: the first alone, and the input is not reached."""
    x = torch.ones(1, 1, 1)
    window: dict[str, Any] = {"kernel_size": (1,), "stride": (3,)}
    assert modules.AvgPool([(2, 0)], **window)(x).tolist() == [[[0.0]]]
    assert modules.MaxPool([(2, 0)], **window)(x).tolist() == [[[-math.inf]]]
    y, place = modules.MaxPool([(2, 0)], return_indices=True, **window)(x)
    assert (y.item(), place.item()) == (-math.inf, 0)


@pytest.mark.parametrize("training", [False, True])
def test_batch_norm_without_a_scale_is_that_of_torch_with_a_scale_of_one(training: bool) -> None:
    ours, theirs = norms.BatchNorm(4, scale=False), nn.BatchNorm2d(4)
    x = torch.randn(3, 4, 5, 5) * 2 + 1
    torch.testing.assert_close(ours.train(training)(x), theirs.train(training)(x))
    torch.testing.assert_close(ours.running_mean, theirs.running_mean)
    assert [name for name, _ in ours.named_parameters()] == ["bias"]


def test_norms_of_channels_that_come_first() -> None:
    x = torch.randn(2, 6, 5)
    turned = x.transpose(1, 2)
    torch.testing.assert_close(norms.LayerNorm({0: 6})(x), nn.LayerNorm(6)(turned).transpose(1, 2))
    torch.testing.assert_close(norms.LayerNorm({0: 6, 1: 5})(x), nn.LayerNorm((6, 5))(x))
    torch.testing.assert_close(norms.LayerNorm({1: 5})(x), nn.LayerNorm(5)(x))
    turned_layer = norms.LayerNorm({1: 5, 0: 6})
    torch.testing.assert_close(turned_layer(x), nn.LayerNorm((5, 6))(turned).transpose(1, 2))
    torch.testing.assert_close(norms.RMSNorm(6)(x), nn.RMSNorm(6)(turned).transpose(1, 2))
    torch.testing.assert_close(norms.GroupNorm(3, 6, shift=False)(x), nn.GroupNorm(3, 6)(x))
    torch.testing.assert_close(norms.InstanceNorm(6, scale=False, shift=True)(x), nn.InstanceNorm1d(6)(x))


@pytest.mark.parametrize("eps", [0.5, 0.001])
@pytest.mark.parametrize(
    ("call", "expected"),
    [
        ("batch_norm({})", lambda eps: nn.BatchNorm1d(4, eps=eps)),
        ("batch_norm(shift=false, {})", lambda eps: nn.BatchNorm1d(4, eps=eps)),
        (
            "batch_norm(scale=false, statistics=false, {})",
            lambda eps: nn.BatchNorm1d(4, eps, track_running_stats=False),
        ),
        ("group_norm(2, {})", lambda eps: nn.GroupNorm(2, 4, eps)),
        ("group_norm(2, scale=false, {})", lambda eps: nn.GroupNorm(2, 4, eps)),
        ("instance_norm({})", lambda eps: nn.InstanceNorm1d(4, eps)),
        ("instance_norm(scale=true, {})", lambda eps: nn.InstanceNorm1d(4, eps)),
        ("layer_norm(whole=true, {})", lambda eps: nn.LayerNorm((4, 6), eps)),
        ("layer_norm(whole=true, shift=true, scale=false, {})", lambda eps: nn.LayerNorm((4, 6), eps)),
        ("layer_norm({})", lambda eps: AtEachPosition(nn.LayerNorm(4, eps))),
        ("rms_norm({})", lambda eps: AtEachPosition(nn.RMSNorm(4, eps))),
    ],
)
def test_norms_take_the_eps_of_torch(call: str, expected: Any, eps: float, tmp_path: Path) -> None:
    """What is added under the root, by torch's own modules; as they start, scales are 1 and shifts 0."""
    path = tmp_path / "norm.yaml"
    text = f"network: norm\ninput: sequence(4, 6)\nlayers:\n  norm: {call.format(f'eps={eps}')}\n"
    path.write_text(text, encoding="utf-8")
    model: Any = archcalc.to_torch(str(path)).eval()
    x = torch.randn(3, 4, 6)
    torch.testing.assert_close(model(x), expected(eps).eval()(x))
    path.write_text(text.replace(f"eps={eps}", "eps=0.25"), encoding="utf-8")
    other: Any = archcalc.to_torch(str(path)).eval()
    assert not torch.allclose(other(x), model(x), rtol=1e-3)


class AtEachPosition(nn.Module):
    """A norm of the last axis, of channels that come first."""

    def __init__(self, norm: nn.Module) -> None:
        super().__init__()
        self.norm = norm

    def forward(self, x: Any) -> Any:
        return self.norm(x.transpose(1, 2)).transpose(1, 2)


def test_without_an_eps_norms_have_torchs() -> None:
    """1e-5 everywhere, and the machine epsilon for the root mean square."""
    x = torch.randn(3, 4) * 1e-3
    for name, theirs in (
        ("layer_norm", nn.LayerNorm(4)),
        ("rms_norm", nn.RMSNorm(4)),
        ("batch_norm", nn.BatchNorm1d(4)),
    ):
        ours = make_module(OPERATORS[name]().torch(features(4))).eval()
        torch.testing.assert_close(ours(x), theirs.eval()(x))


def test_shuffles_are_those_of_torch() -> None:
    x = torch.randn(2, 12, 4, 6)
    torch.testing.assert_close(modules.PixelShuffle((2, 2))(x), nn.PixelShuffle(2)(x))
    torch.testing.assert_close(modules.PixelUnshuffle((2, 2))(x), nn.PixelUnshuffle(2)(x))
    torch.testing.assert_close(modules.PixelUnshuffle((2, 3))(modules.PixelShuffle((2, 3))(x)), x)


def test_merges() -> None:
    a, b, c = (torch.randn(1, 2, size, size) for size in (4, 6, 5))
    cut = [a, b[:, :, 1:5, 1:5], c[:, :, 0:4, 0:4]]  # centred, the odd row left at the end
    torch.testing.assert_close(merges.Concat("crop")(a, b, c), torch.cat(cut, 1))
    torch.testing.assert_close(merges.Add("crop")(a, b, c), cut[0] + cut[1] + cut[2])
    torch.testing.assert_close(merges.Mul("crop")(a, b, c), cut[0] * cut[1] * cut[2])
    torch.testing.assert_close(merges.Mean("crop")(a, b, c), (cut[0] + cut[1] + cut[2]) / 3)


def test_a_dropped_path_is_all_or_nothing_for_each_example() -> None:
    layer = modules.DropPath(0.25)
    x = torch.ones(4000, 3)
    y = layer.train()(x)
    assert sorted(set(y.flatten().tolist())) == pytest.approx([0, 4 / 3])
    assert ((y == 0).all(1) | (y != 0).all(1)).all()
    assert y.mean().item() == pytest.approx(1, abs=5 * math.sqrt(1 / 3 / 4000))
    torch.testing.assert_close(layer.eval()(x), x)


def test_channels_added_taken_and_scaled() -> None:
    x = torch.randn(1, 3, 2, 2, 2)
    assert modules.PadChannels(5)(x)[:, 3:].abs().sum() == 0
    torch.testing.assert_close(modules.SliceChannels(1, 3)(x), x[:, 1:3])
    torch.testing.assert_close(modules.Scale(0.5)(x), x / 2)
    scale = modules.ChannelScale(3)
    scale.load_state_dict({"weight": torch.tensor([1.0, 2.0, 3.0])})
    torch.testing.assert_close(scale(x)[:, 2], x[:, 2] * 3)


def test_the_squashing_function_passes_through_one() -> None:
    """LeCun et al. 1998, appendix A: the constants are chosen so that f(1) = 1 and f(-1) = -1."""
    assert modules.ScaledTanh()(torch.tensor([1.0, -1.0])).tolist() == pytest.approx([1, -1], abs=1e-4)

"""Windows without shared weights, deformed windows, positions moved and taken: beside what torch has."""

from __future__ import annotations

from typing import Any

import pytest

torch = pytest.importorskip("torch")
pytestmark = pytest.mark.torch

from torch import nn  # noqa: E402

from archcalc.ops import OPERATORS, image, sequence  # noqa: E402
from archcalc.torch_bridge.model import positions  # noqa: E402
from archcalc.torch_bridge.model.build import make_module  # noqa: E402

WINDOW: dict[str, Any] = {"stride": (2, 1), "padding": ((1, 1), (0, 2)), "dilation": (1, 2)}


@pytest.fixture(autouse=True)
def _seeded() -> None:
    torch.manual_seed(0)


def test_windows_are_those_of_torch() -> None:
    x = torch.randn(2, 3, 7, 9)
    theirs = nn.Unfold((3, 2), (1, 2), (1, 1), (2, 1))(x)
    ours = positions.Unfold(kernel_size=(3, 2), stride=(2, 1), padding=((1, 1),) * 2, dilation=(1, 2))(x)
    torch.testing.assert_close(ours, theirs)


def test_a_local_layer_with_one_kernel_everywhere_is_a_convolution() -> None:
    x = torch.randn(2, 3, 7, 9)
    padded = nn.functional.pad(x, (0, 2, 1, 1))
    convolution = nn.Conv2d(3, 4, (3, 2), WINDOW["stride"], 0, WINDOW["dilation"])
    expected = convolution(padded)
    layer = positions.Local(3, 4, tuple(expected.shape[2:]), kernel_size=(3, 2), **WINDOW)
    kernel = convolution.weight.detach().flatten(1).t()
    assert convolution.bias is not None
    bias = convolution.bias.detach()[:, None, None].expand(4, *expected.shape[2:])
    layer.load_state_dict({"weight": kernel.expand(expected[0, 0].numel(), -1, -1), "bias": bias})
    torch.testing.assert_close(layer(x), expected)


def test_a_local_layer_shares_nothing() -> None:
    """A change of the weights of one position moves that position alone."""
    layer = positions.Local(2, 3, (4,), kernel_size=(2,), stride=(1,), padding=((0, 0),), dilation=(1,), bias=False)
    x = torch.randn(1, 2, 5)
    before = layer(x).detach()
    with torch.no_grad():
        layer.weight[2] += 1
    assert ((layer(x) - before).abs().amax((0, 1)) > 0).tolist() == [False, False, True, False]


def test_without_offsets_a_deformed_window_is_a_window() -> None:
    pytest.importorskip("torchvision")
    x = torch.randn(2, 4, 6, 6)
    for padding in (((1, 1), (1, 1)), ((1, 0), (0, 1))):
        layer = positions.DeformConv(4, 8, (3, 3), (1, 1), padding, (1, 1), groups=2)
        padded = nn.functional.pad(x, (*padding[1], *padding[0]))
        expected = nn.functional.conv2d(padded, layer.weight, layer.bias, groups=2)
        offsets, factors = torch.zeros(2, 18, *expected.shape[2:]), torch.full((2, 9, *expected.shape[2:]), 0.5)
        torch.testing.assert_close(layer(x, offsets), expected, rtol=1e-4, atol=1e-5)
        torch.testing.assert_close(layer(x, offsets, factors), expected / 2, rtol=1e-4, atol=1e-5)


def test_positions_are_rolled_and_sliced() -> None:
    x = torch.arange(12.0).view(1, 1, 3, 4)
    rolled = make_module(OPERATORS["roll"].of({"shift": (-1, 2)}).torch(image(1, 3, 4)))(x)
    torch.testing.assert_close(rolled, torch.roll(x, (-1, 2), (2, 3)))
    sliced = make_module(OPERATORS["slice_positions"].of({"start": (1, 0), "step": (1, 3)}).torch(image(1, 3, 4)))(x)
    assert sliced.tolist() == [[[[4.0, 7.0], [8.0, 11.0]]]]
    ends = make_module(OPERATORS["slice_positions"].of({"start": 1, "stop": 4, "step": 2}).torch(sequence(1, 12)))
    assert ends(x.view(1, 1, 12)).tolist() == [[[1.0, 3.0]]]

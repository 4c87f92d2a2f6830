"""Attention within windows that are moved and masked, and over grids: what torchvision's Swin and MaxViT compute."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import pytest

import archcalc
from archcalc.engine.network import load
from tests.cli.running import run

torch = pytest.importorskip("torch")
torchvision = pytest.importorskip("torchvision")
pytestmark = pytest.mark.torch

from torch import Tensor  # noqa: E402
from torch.overrides import TorchFunctionMode  # noqa: E402

from archcalc.torch_bridge.counters.threads import one_thread  # noqa: E402
from archcalc.torch_bridge.model.attention import Attend  # noqa: E402
from archcalc.torch_bridge.model.definitions import DEFINITIONS, settle, torchvision_model  # noqa: E402
from archcalc.torch_bridge.verify.values import compare_values  # noqa: E402


class _Masked(TorchFunctionMode):
    """Pairs of which a softmax reads -100 and less: torchvision's own mask, added to what is near 0."""

    def __init__(self) -> None:
        super().__init__()
        self.pairs = 0

    def __torch_function__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        if getattr(func, "__name__", "") == "softmax":
            self.pairs += int((args[0] < -50).sum())
        return func(*args, **(kwargs or {}))


@pytest.mark.parametrize("name", ["swin_t", "swin_v2_t"])
@pytest.mark.parametrize("extents", [(224, 224), (160, 96), (64, 224)])
def test_masked_pairs_are_those_of_torchvisions_mask(name: str, extents: tuple[int, int]) -> None:
    """Heads have 32 channels, so that a pair is 32 MACs for its product and 32 for its value."""
    with one_thread(), torch.no_grad(), _Masked() as mode:
        torchvision_model(name, "cpu")(torch.zeros(1, 3, *extents))
    assert mode.pairs > 0
    assert archcalc.analyze(name, input=(3, *extents)).totals.masked == 64 * mode.pairs


@pytest.mark.parametrize("shift", [0, 1, 2, 3, 4])
@pytest.mark.parametrize("extent", [5, 10, 25])
def test_masked_along_an_axis(extent: int, shift: int) -> None:
    """Pair by pair: positions of one moved block that lie further apart than a block is long were no neighbours."""
    moved = shift if extent > 5 else 0
    places = [(position + moved) % extent for position in range(extent)]
    masked = sum(
        abs(places[query] - places[key]) >= 5
        for first in range(0, extent, 5)
        for query in range(first, first + 5)
        for key in range(first, first + 5)
    )
    text = f"network: n\ninput: sequence(6, {extent})\nlayers:\n  a:\n    attend(heads=1, blocks=5, shift={shift}):\n"
    cost = archcalc.analyze(text + "      qkv: identity\n")
    assert cost.totals.masked == masked * (2 + 2)


# The smallest at which each stage has several windows along an axis; MaxViT is built for one size.
VALUES = {"swin_t": (96, 288), "swin_v2_t": (96, 288), "maxvit_t": (224, 224)}


@pytest.mark.parametrize(
    "name",
    [
        pytest.param(name, marks=() if name in VALUES else pytest.mark.slow)
        for name in DEFINITIONS
        if name.startswith(("swin", "maxvit"))
    ],
)
def test_outputs_equal_torchvisions(name: str) -> None:
    """But for the order of additions: 1x1 convolutions here, linear layers there."""
    graph = load(name).graph(input=(3, *VALUES.get(name, (96, 160))))
    with one_thread():
        found = compare_values(graph, torchvision_model(name, "cpu"), settle)
    assert 0 < found.single < 5e-6
    assert found.double < 1e-13
    assert found.is_rounding


def test_verify_compares_values() -> None:
    out = run("verify", "swin_t", "--against", "torchvision", "--values", "--input", "3x96x96", code=0).stdout
    assert out.splitlines()[4].split()[-3:] == ["equal", "rounding", "6"]


def _no_shift(module: Attend) -> None:
    module.shift = 0


def _no_grid(module: Attend) -> None:
    module.grid = False


def _root_of_a_head(module: Attend) -> None:
    module.scale_channels = None


@pytest.mark.parametrize(
    ("name", "change"), [("swin_t", _no_shift), ("maxvit_t", _no_grid), ("maxvit_t", _root_of_a_head)]
)
def test_another_attention_is_seen(
    name: str, change: Callable[[Attend], None], monkeypatch: pytest.MonkeyPatch
) -> None:
    """The comparison above fails where windows stay, where a grid is windows, where products are scaled otherwise."""
    forward = Attend.forward

    def changed(self: Attend, *branches: Tensor) -> Tensor:
        change(self)
        return forward(self, *branches)

    monkeypatch.setattr(Attend, "forward", changed)
    graph = load(name).graph(input=(3, *((96, 160) if name == "swin_t" else (224, 224))))
    with one_thread():
        found = compare_values(graph, torchvision_model(name, "cpu"), settle)
    assert not found.is_rounding
    assert found.double > 1e-9


def test_a_grid_holds_positions_that_are_spread_evenly() -> None:
    """By hand: of 6 positions in blocks of 2, positions 0 and 3, 1 and 4, 2 and 5; equal keys, so the mean of both."""
    grid = Attend(("q", "k", "v"), 1, blocks=2, grid=True)
    v = torch.arange(6.0).reshape(1, 1, 6)
    assert grid(torch.zeros(1, 1, 6), torch.zeros(1, 1, 6), v).flatten().tolist() == [1.5, 2.5, 3.5] * 2


def test_moved_blocks_by_hand() -> None:
    """Of 6 positions in blocks of 3 moved by 1: 1 2 3, and 4 5 beside 0, which reads itself alone."""
    moved = Attend(("q", "k", "v"), 1, blocks=3, shift=1)
    v = torch.arange(6.0).reshape(1, 1, 6)
    given = moved(torch.zeros(1, 1, 6), torch.zeros(1, 1, 6), v).flatten().tolist()
    assert all(math.isclose(ours, hand, rel_tol=1e-6) for ours, hand in zip(given, [0, 2, 2, 2, 4.5, 4.5], strict=True))

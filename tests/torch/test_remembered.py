"""What torch gave on the meta device and is given again: the same shapes, FLOPs and gradients as without."""

from __future__ import annotations

from typing import Any

import pytest

torch: Any = pytest.importorskip("torch")

from torch.utils.flop_counter import FlopCounterMode  # noqa: E402

from archcalc.torch_bridge.counters import peers  # noqa: E402
from archcalc.torch_bridge.counters.counters import Remembered, _is_pure  # noqa: E402

pytestmark = pytest.mark.torch
aten = torch.ops.aten


def trained(*modes: Any) -> tuple[list[tuple[int, ...]], int]:
    """Shapes that modules give, those of the gradients, and FLOPs, of two unlike blocks, each called twice."""
    with torch.device("meta"):
        wide, narrow = (
            torch.nn.Sequential(torch.nn.Conv2d(c, c, 3), torch.nn.BatchNorm2d(c), torch.nn.ReLU(inplace=True))
            for c in (8, 4)
        )
        x, y = torch.empty(2, 8, 9, 9), torch.empty(2, 4, 9, 9)
    shapes: list[tuple[int, ...]] = []
    with FlopCounterMode(display=False) as counter:
        for block, given in ((wide, x), (narrow, y)):
            once = block(given)
            twice = block(once)
            shapes += [tuple(once.shape), tuple(twice.shape)]
            twice.sum().backward()
            shapes += [tuple(parameter.grad.shape) for parameter in block.parameters()]
    return shapes, counter.get_total_flops()


def test_it_gives_what_torch_gives() -> None:
    alone = trained()
    Remembered.given.clear()
    with Remembered():
        first = trained()
    assert any("batch_norm" in str(key[0]) for key in Remembered.given)
    with Remembered():
        again = trained()
    assert alone == first == again
    assert alone[0][:2] == [(2, 8, 7, 7), (2, 8, 5, 5)]  # two windows of 3 without padding


def test_what_writes_or_views_is_run_each_time() -> None:
    assert _is_pure(aten.convolution.default)
    assert _is_pure(aten.native_batch_norm.default)
    for written in (aten.add_.Tensor, aten.view.default, aten.transpose.int, aten.copy_.default, aten.relu_.default):
        assert not _is_pure(written), written


def test_values_are_never_remembered() -> None:
    with Remembered():
        assert torch.ones(2).add(1).tolist() == [2, 2]
        assert torch.zeros(2).add(1).tolist() == [1, 1]


def test_tools_are_run_with_one_thread(monkeypatch: pytest.MonkeyPatch) -> None:
    """Threads that wait for each other took three times the CPU; how many there were is as it was, too."""
    seen: list[int] = []

    def measure(make: peers.Make, sizes: peers.Sizes) -> int:
        seen.append(torch.get_num_threads())
        return 7

    monkeypatch.setitem(peers.PEERS, "torch_flop_counter", peers.PEERS["torch_flop_counter"]._replace(measure=measure))
    before = torch.get_num_threads()
    torch.set_num_threads(3)
    try:
        assert peers.run("torch_flop_counter", lambda device: None, (1,)).number == 7
        assert (seen, torch.get_num_threads()) == ([1], 3)
    finally:
        torch.set_num_threads(before)

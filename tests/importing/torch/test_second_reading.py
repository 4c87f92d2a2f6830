"""A second reading of the same operations is not lowered anew: it says what lowering says, or nothing."""

from __future__ import annotations

from typing import Any

import pytest

torch = pytest.importorskip("torch")

from torch import Tensor, nn  # noqa: E402

from archcalc.importing.calls import Calls  # noqa: E402
from archcalc.importing.lowering.again import at_another_size  # noqa: E402
from archcalc.torch_bridge.trace import read, read_module  # noqa: E402

pytestmark = pytest.mark.torch


class Squeezed(nn.Module):
    """Channels weighed by their means, a shortcut, and features of maps that have one size at all sizes."""

    def __init__(self) -> None:
        super().__init__()
        self.conv = nn.Conv2d(3, 8, 3, 2, 1)
        self.norm = nn.BatchNorm2d(8)
        self.reduce, self.expand = nn.Conv2d(8, 2, 1), nn.Conv2d(2, 8, 1)
        self.pool, self.mean = nn.MaxPool2d(3, 2, 1), nn.AdaptiveAvgPool2d((2, 3))
        self.fc = nn.Linear(2 * 8 * 6, 5)

    def forward(self, x: Tensor) -> Tensor:
        x = torch.relu_(self.norm(self.conv(x)))
        x = x + x * self.expand(self.reduce(x.mean((2, 3), keepdim=True)).relu()).sigmoid()
        both = torch.cat([self.pool(x), nn.functional.avg_pool2d(x, 3, 2, 1)], 1)
        y: Tensor = self.fc(self.mean(both).flatten(1))
        return y


class Of(nn.Module):
    """Something done to a map, between two convolutions."""

    def __init__(self, change: Any) -> None:
        super().__init__()
        self.first, self.second, self.change = nn.Conv2d(3, 4, 1), nn.Conv2d(4, 4, 1), change

    def forward(self, x: Tensor) -> Tensor:
        y: Tensor = self.second(self.change(self.first(x)))
        return y


def _told(calls: Calls) -> list[Any]:
    told: list[Any] = [calls.inputs, calls.outputs, calls.parameters, calls.buffers, calls.notes, calls.free]
    for call in calls.calls:
        told.append((call.operator, call.inputs, call.shape, call.weights, call.scope, call.name, call.roles))
    return told


def _read_twice(
    model: nn.Module, first: tuple[int, ...], second: tuple[int, ...], monkeypatch: pytest.MonkeyPatch
) -> tuple[Calls, Calls, bool]:
    """The second reading, the same with all of it lowered, and whether it was spared that."""
    spared: list[bool] = []
    known = at_another_size

    def watched(*given: Any) -> Calls | None:
        found = known(*given)
        spared.append(found is not None)
        return found

    monkeypatch.setattr(read, "at_another_size", watched)
    calls = read_module(model, first)
    assert calls.again is not None
    found = calls.again(second)
    assert found is not None
    monkeypatch.setattr(read, "at_another_size", lambda *_: None)
    whole = calls.again(second)
    assert whole is not None
    return found, whole, spared == [True]


def test_what_is_the_same_at_another_size_is_as_lowered(monkeypatch: pytest.MonkeyPatch) -> None:
    found, whole, is_spared = _read_twice(Squeezed(), (3, 32, 48), (3, 40, 40), monkeypatch)
    assert is_spared
    assert _told(found) == _told(whole)


CHANGES: dict[str, Any] = {
    "padded to the same": lambda x: nn.functional.conv2d(
        nn.functional.pad(x, (0, 1, 0, 1)), x.new_ones(4, 4, 3, 3), stride=2
    ),
    "a mean of one axis": nn.AdaptiveAvgPool2d((None, 1)),
    "to twice its size": lambda x: nn.functional.interpolate(x, size=(2 * x.shape[2], 2 * x.shape[3])),
    "seen as rows": lambda x: x.view(1, 4, -1).unsqueeze(2),
    "cut by its size": lambda x: x[:, :, : x.shape[2] // 2],
    "by its size": lambda x: x if x.shape[2] < 10 else x + x,
}


@pytest.mark.parametrize("change", CHANGES.values(), ids=CHANGES.keys())
def test_what_may_be_another_at_another_size_is_lowered(change: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    found, whole, is_spared = _read_twice(Of(change), (3, 8, 8), (3, 12, 12), monkeypatch)
    assert not is_spared
    assert _told(found) == _told(whole)


@pytest.mark.parametrize(("first", "second"), [((3, 3, 3), (3, 12, 12)), ((3, 12, 12), (3, 3, 3))])
def test_a_map_of_one_position_at_one_of_both_is_lowered(
    first: tuple[int, ...], second: tuple[int, ...], monkeypatch: pytest.MonkeyPatch
) -> None:
    found, whole, is_spared = _read_twice(Of(nn.AvgPool2d(3)), first, second, monkeypatch)
    assert not is_spared
    assert _told(found) == _told(whole)

"""Layers that are written down without being run: what torch itself does is written down the same."""

# mypy: disable-error-code="no-untyped-call"
from __future__ import annotations

from typing import Any

import pytest

torch = pytest.importorskip("torch")

from torch import Tensor, nn  # noqa: E402

from archcalc.importing.calls import Calls  # noqa: E402
from archcalc.torch_bridge.trace import layers, read_module  # noqa: E402
from archcalc.torch_bridge.trace.layers import LAYERS, said  # noqa: E402

pytestmark = pytest.mark.torch
KNOWN: list[tuple[nn.Module, tuple[int, ...]]] = [
    (nn.Conv1d(8, 6, 3, padding=2, dilation=2), (8, 9)),
    (nn.Conv2d(8, 6, (3, 5), stride=(2, 1), padding=(1, 0), groups=2, bias=False), (8, 9, 9)),
    (nn.Conv3d(8, 6, 3), (8, 5, 5, 5)),
    (nn.Linear(8, 3), (8,)),
    (nn.Linear(8, 3, bias=False), (8,)),
    (nn.BatchNorm1d(8), (8, 9)),
    (nn.BatchNorm2d(8, eps=1e-3, affine=False), (8, 9, 9)),
    (nn.BatchNorm3d(8), (8, 5, 5, 5)),
    (nn.LayerNorm(8, eps=1e-3), (5, 8)),
    (nn.LayerNorm(8, elementwise_affine=False), (5, 8)),
    (nn.AdaptiveAvgPool2d(1), (8, 9, 9)),
    (nn.AdaptiveAvgPool2d((3, 2)), (8, 9, 9)),
    (nn.ReLU(), (8, 9, 9)),
    (nn.ReLU(inplace=True), (8, 9, 9)),
    (nn.ReLU6(inplace=True), (8, 9, 9)),
    (nn.SiLU(), (8, 9, 9)),
    (nn.Sigmoid(), (8, 9, 9)),
    (nn.Tanh(), (8, 9, 9)),
    (nn.GELU("tanh"), (8, 9, 9)),
    (nn.GELU(), (8, 9, 9)),
    (nn.Hardswish(inplace=True), (8, 9, 9)),
    (nn.Hardsigmoid(), (8, 9, 9)),
]


class Around(nn.Module):
    """A layer between others, so that what it gives and what it writes into are read again."""

    def __init__(self, layer: nn.Module) -> None:
        super().__init__()
        self.layer = layer

    def forward(self, x: Tensor) -> Tensor:
        x = x * 2
        return self.layer(x), x + 1  # type: ignore[return-value]


def _told(calls: Calls) -> list[Any]:
    told: list[Any] = [(name, shape) for name, shape in calls.inputs.items()]
    for call in calls.calls:
        told.append((call.operator, call.inputs, call.shape, call.weights, [scope.name for scope in call.scope]))
    return [*told, calls.outputs, calls.parameters, calls.buffers, calls.notes]


@pytest.mark.parametrize(("layer", "shape"), KNOWN, ids=lambda given: str(given).replace(" ", ""))
def test_a_layer_is_what_torch_does(layer: nn.Module, shape: tuple[int, ...], monkeypatch: pytest.MonkeyPatch) -> None:
    with torch.device("meta"):
        assert said(layer.eval().to("meta"), (torch.empty(1, *shape),), {}) is not None
    known = read_module(Around(layer), shape)
    monkeypatch.setattr(layers, "LAYERS", {})
    assert _told(known) == _told(read_module(Around(layer), shape))


def test_every_known_layer_is_held() -> None:
    assert {type(layer) for layer, _ in KNOWN} == set(LAYERS)


def test_what_a_user_has_changed_runs() -> None:
    x = torch.empty(1, 8, 9, 9, device="meta")
    same = nn.Conv2d(8, 8, 3, padding="same", device="meta")
    hooked, replaced, trained = (nn.Conv2d(8, 8, 3, device="meta") for _ in range(3))
    hooked.register_forward_pre_hook(lambda *_: None)
    replaced.forward = torch.relu  # type: ignore[method-assign]
    norm = nn.BatchNorm2d(8, device="meta").train()
    circular = nn.Conv2d(8, 8, 3, padding=1, padding_mode="circular", device="meta")
    weighted = nn.utils.parametrizations.weight_norm(nn.Conv2d(8, 8, 3)).to("meta")
    derived = type("Derived", (nn.ReLU,), {})()
    for layer in (same, hooked, replaced, norm, circular, weighted, derived):
        assert said(layer, (x,), {}) is None
    assert said(trained, (x,), {}) is not None
    assert said(trained, (torch.zeros(1, 8, 9, 9),), {}) is None
    assert said(trained, (x, x), {}) is None
    assert said(trained, (), {"input": x}) is None

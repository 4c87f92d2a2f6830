"""The recurrent networks against modules of torch, written as the tutorials have them."""

from __future__ import annotations

import pytest

from archcalc.engine.network import load

torch = pytest.importorskip("torch")
pytestmark = pytest.mark.torch

from torch import Tensor, nn  # noqa: E402

from archcalc.torch_bridge.counters.threads import one_thread  # noqa: E402
from archcalc.torch_bridge.verify.values import compare_values  # noqa: E402
from archcalc.torch_bridge.verify.verify import verify  # noqa: E402


class Classifier(nn.Module):
    """Two bidirectional LSTM layers over words; classes of what the last position gives."""

    def __init__(self) -> None:
        super().__init__()
        self.words = nn.Embedding(25002, 100)
        self.lstm = nn.LSTM(100, 256, num_layers=2, bidirectional=True, batch_first=True)
        self.classes = nn.Linear(512, 2)

    def forward(self, words: Tensor) -> Tensor:
        given, _ = self.lstm(self.words(words))
        classes: Tensor = self.classes(given[:, -1])
        return classes


class Translator(nn.Module):
    """An encoder of two GRU layers, and a decoder that starts from where each of them ended."""

    def __init__(self) -> None:
        super().__init__()
        self.source = nn.Embedding(7853, 256)
        self.encoder = nn.GRU(256, 512, num_layers=2, batch_first=True)
        self.target = nn.Embedding(5893, 256)
        self.decoder = nn.GRU(256, 512, num_layers=2, batch_first=True)
        self.out = nn.Linear(512, 5893)

    def forward(self, source: Tensor, target: Tensor) -> Tensor:
        _, state = self.encoder(self.source(source))
        given, _ = self.decoder(self.target(target), state)
        logits: Tensor = self.out(given).transpose(1, 2)  # channels first
        return logits


@pytest.mark.parametrize(("name", "model"), [("bilstm", Classifier), ("seq2seq", Translator)])
def test_parameters_and_counts(name: str, model: type[nn.Module]) -> None:
    """By shape, in all, MACs as FlopCounterMode counts them on meta, and the shape of the output."""
    found = verify(name, model())
    assert found.differences == []
    assert {"params", "macs", "param_shapes", "out_shape"} <= {check.quantity for check in found.checks}


def test_outputs_of_the_classifier() -> None:
    """Both ways through both layers, with the same weights, to the last bit but for rounding."""
    graph = load("bilstm").graph({"length": 12})
    with one_thread():
        found = compare_values(graph, Classifier())
    assert found.single == 0 or found.is_rounding

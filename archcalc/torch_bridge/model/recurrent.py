"""Recurrent layers of torch over sequences whose channels come first."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor, nn

LAYERS: dict[str, Any] = {"lstm": nn.LSTM, "gru": nn.GRU, "rnn": nn.RNN}


class Recurrent(nn.Module):
    """`nn.LSTM`, `nn.GRU` or `nn.RNN`: outputs of the last layer at all positions, or at the last alone."""

    def __init__(
        self,
        kind: str,
        channels: int,
        hidden: int,
        layers: int = 1,
        bidirectional: bool = False,
        bias: bool = True,
        last: bool = False,
    ) -> None:
        super().__init__()
        self.inner = LAYERS[kind](channels, hidden, layers, bias=bias, batch_first=True, bidirectional=bidirectional)
        self.last = last
        self.reads_all = last or bidirectional  # what it gives at a position has read those behind it too

    def forward(self, x: Tensor, initial: Tensor | None = None) -> Tensor:
        """Run over the positions; the first hidden state, where given, is that of every layer."""
        inner = self.inner
        state: Any = None
        if initial is not None:
            ways = 2 if inner.bidirectional else 1
            first = initial.reshape(len(x), ways, inner.hidden_size).transpose(0, 1).repeat(inner.num_layers, 1, 1)
            state = (first, first.new_zeros(first.shape)) if isinstance(inner, nn.LSTM) else first
        y, _ = inner(x.transpose(1, 2), state)
        y = y.transpose(1, 2)
        return self._ends(y) if self.last else y

    def _ends(self, y: Tensor) -> Tensor:
        """What each way ends with: one at the last position, the way back at the first."""
        hidden = self.inner.hidden_size
        ends = [y[:, :hidden, -1]]
        return torch.cat([*ends, y[:, hidden:, 0]], 1) if self.inner.bidirectional else ends[0]

"""Modules for sequences that torch lacks, channels first; an operator's `TorchCall` names them."""

from __future__ import annotations

import torch
from torch import Tensor, nn


class Embedding(nn.Embedding):
    """A table of vectors, one for each token; channels come first."""

    def forward(self, input: Tensor) -> Tensor:
        """Look up."""
        return super().forward(input).movedim(-1, 1)


class PositionEmbedding(nn.Module):
    """Adds a vector for each position; `past` positions stood before the first."""

    weight: Tensor

    def __init__(self, entries: int, channels: int, past: int = 0, trained: bool = True) -> None:
        super().__init__()
        self.past = past
        if trained:
            self.weight = nn.Parameter(torch.randn(entries, channels) * 0.02)
        else:
            self.register_buffer("weight", sinusoids(torch.arange(entries), channels))

    def forward(self, x: Tensor) -> Tensor:
        """Add."""
        positions = x[0, 0].numel()
        return x + self.weight[self.past : self.past + positions].t().reshape(x.shape[1:])


class Rotary(nn.Module):
    """Turns neighbouring channels in pairs, the first `turned` of them, by angles that grow with the position."""

    def __init__(self, turned: int) -> None:
        super().__init__()
        self.turned = turned

    def forward(self, x: Tensor) -> Tensor:
        """Turn (Su et al. 2021, equation 34)."""
        flat = x.flatten(2) if x.dim() > 2 else x.unsqueeze(2)
        places = torch.arange(flat.shape[2], device=x.device, dtype=x.dtype)
        pairs = torch.arange(0, self.turned, 2, device=x.device, dtype=x.dtype)
        angles = (10000.0 ** (-pairs / max(self.turned, 1))).unsqueeze(1) * places
        a, b = flat[:, 0 : self.turned : 2], flat[:, 1 : self.turned : 2]
        pair = torch.stack([a * angles.cos() - b * angles.sin(), b * angles.cos() + a * angles.sin()], 2)
        return torch.cat([pair.flatten(1, 2), flat[:, self.turned :]], 1).reshape(x.shape)


class Sinusoid(nn.Module):
    """A number as sines and cosines of many frequencies."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.channels = channels

    def forward(self, x: Tensor) -> Tensor:
        """Sines, then cosines."""
        return sinusoids(x.flatten(), self.channels)


class SelectToken(nn.Module):
    """The channels of one position."""

    def __init__(self, index: int) -> None:
        super().__init__()
        self.index = index

    def forward(self, x: Tensor) -> Tensor:
        """Select."""
        return x[:, :, self.index]


class Transpose(nn.Module):
    """Channels as positions, and positions as channels."""

    def forward(self, x: Tensor) -> Tensor:
        """Transpose."""
        return x.transpose(1, 2)


class RepeatChannels(nn.Module):
    """All channels so many times over."""

    def __init__(self, times: int) -> None:
        super().__init__()
        self.times = times

    def forward(self, x: Tensor) -> Tensor:
        """Repeat."""
        return x.repeat(1, self.times, *(1,) * (x.dim() - 2))


class Cache(nn.Module):
    """So many positions of earlier steps before those of this one; zeros stand for them."""

    def __init__(self, kept: int) -> None:
        super().__init__()
        self.kept = kept

    def forward(self, x: Tensor) -> Tensor:
        """Concatenate."""
        return torch.cat([x.new_zeros((*x.shape[:2], self.kept)), x], 2)


def sinusoids(numbers: Tensor, channels: int) -> Tensor:
    """A row for each number: half of the channels sines, the rest cosines (Vaswani et al. 2017, section 3.5)."""
    half = (channels + 1) // 2
    frequencies = 10000.0 ** (-torch.arange(half, device=numbers.device, dtype=torch.get_default_dtype()) / half)
    angles = numbers.unsqueeze(1) * frequencies
    return torch.cat([angles.sin(), angles.cos()], 1)[:, :channels]

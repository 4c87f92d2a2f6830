"""Norms that torch lacks: with one of scale and shift, or over channels that come first."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional


class _ChannelAffine(nn.Module):
    """One of a trained scale and shift for each channel, which torch's norms have both of or none."""

    def __init__(self, channels: int, scale: bool = True, shift: bool = True, eps: float = 1e-5) -> None:
        super().__init__()
        self.eps = eps
        self.weight = nn.Parameter(torch.ones(channels)) if scale else None
        self.bias = nn.Parameter(torch.zeros(channels)) if shift else None


class BatchNorm(_ChannelAffine):
    """Batch normalisation with one of scale and shift."""

    running_mean: Tensor | None
    running_var: Tensor | None

    def __init__(self, channels: int, statistics: bool = True, **affine: Any) -> None:
        super().__init__(channels, **affine)
        self.register_buffer("running_mean", torch.zeros(channels) if statistics else None)
        self.register_buffer("running_var", torch.ones(channels) if statistics else None)

    def forward(self, x: Tensor) -> Tensor:
        """Normalise each channel; by the batch while training, or where there are no statistics."""
        by_batch = self.training or self.running_mean is None
        statistics = (self.running_mean, self.running_var)
        return functional.batch_norm(x, *statistics, self.weight, self.bias, by_batch, eps=self.eps)


class GroupNorm(_ChannelAffine):
    """Group normalisation with one of scale and shift."""

    def __init__(self, groups: int, channels: int, **affine: Any) -> None:
        super().__init__(channels, **affine)
        self.groups = groups

    def forward(self, x: Tensor) -> Tensor:
        """Normalise each group of channels."""
        return functional.group_norm(x, self.groups, self.weight, self.bias, self.eps)


class InstanceNorm(_ChannelAffine):
    """Instance normalisation with one of scale and shift."""

    def forward(self, x: Tensor) -> Tensor:
        """Normalise each channel of each example."""
        return functional.instance_norm(x, weight=self.weight, bias=self.bias, eps=self.eps)


class LayerNorm(nn.Module):
    """Layer normalisation of channels that come first: at each position, or of `whole` examples."""

    def __init__(
        self, axes: tuple[int, ...], whole: bool = False, scale: bool = True, shift: bool = True, eps: float = 1e-5
    ) -> None:
        super().__init__()
        self.eps = eps
        self.axes = axes if whole else axes[:1]
        self.weight = nn.Parameter(torch.ones(self.axes)) if scale else None
        self.bias = nn.Parameter(torch.zeros(self.axes)) if shift else None

    def forward(self, x: Tensor) -> Tensor:
        """Normalise over the last axes; channels are brought there and back."""
        if len(self.axes) > 1 or x.dim() == 2:
            return functional.layer_norm(x, self.axes, self.weight, self.bias, self.eps)
        return functional.layer_norm(x.movedim(1, -1), self.axes, self.weight, self.bias, self.eps).movedim(-1, 1)


class RMSNorm(nn.Module):
    """Root mean square normalisation of channels that come first, so many at a time, at each position."""

    def __init__(self, channels: int, scale: bool = True, eps: float | None = None) -> None:
        super().__init__()
        self.channels, self.eps = channels, eps
        self.weight = nn.Parameter(torch.ones(channels)) if scale else None

    def forward(self, x: Tensor) -> Tensor:
        """Channels to the last axis and back, those of each head by themselves."""
        last = x.movedim(1, -1)
        heads = last.reshape(*last.shape[:-1], -1, self.channels)
        return functional.rms_norm(heads, (self.channels,), self.weight, self.eps).flatten(-2).movedim(-1, 1)

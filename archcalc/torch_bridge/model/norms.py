"""Norms that torch lacks: with one of scale and shift, or over other axes than the last."""

from __future__ import annotations

from collections.abc import Mapping
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
    """Layer normalisation over any axes: their sizes by number, 0 the channels of a head, from 1 on the extents."""

    def __init__(
        self, sizes: Mapping[int, int], heads: int = 1, scale: bool = True, shift: bool = True, eps: float = 1e-5
    ) -> None:
        super().__init__()
        self.heads, self.eps = heads, eps
        self.axes, self.sizes = tuple(1 + axis for axis in sizes), tuple(sizes.values())
        self.weight = nn.Parameter(torch.ones(self.sizes)) if scale else None
        self.bias = nn.Parameter(torch.zeros(self.sizes)) if shift else None

    def forward(self, x: Tensor) -> Tensor:
        """Bring the axes to the end, normalise, and bring them back."""
        last = tuple(range(-len(self.axes), 0))
        each = x.reshape(len(x) * self.heads, -1, *x.shape[2:])  # heads beside the examples
        y = functional.layer_norm(each.movedim(self.axes, last), self.sizes, self.weight, self.bias, self.eps)
        return y.movedim(last, self.axes).reshape(x.shape)


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


class L2Norm(nn.Module):
    """Channels that come first, so many at a time, brought to unit length at each position."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.channels = channels

    def forward(self, x: Tensor) -> Tensor:
        """Those of each head by themselves."""
        heads = x.reshape(len(x), -1, self.channels, *x.shape[2:])
        return functional.normalize(heads, dim=2).reshape(x.shape)

"""Windows without shared weights, deformed windows, positions moved and taken: what torch has no module for."""

from __future__ import annotations

from collections.abc import Sequence
from math import prod
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional


def windows(
    x: Tensor,
    kernel_size: Sequence[int],
    stride: Sequence[int],
    padding: Sequence[tuple[int, int]],
    dilation: Sequence[int],
) -> Tensor:
    """(batch, channels, extent...) as (batch, channels, taps, positions), for maps of any rank."""
    rank = len(kernel_size)
    x = functional.pad(x, [side for pair in reversed(padding) for side in pair])
    for axis, (k, s, d) in enumerate(zip(kernel_size, stride, dilation, strict=True)):
        span = d * (k - 1) + 1
        x = x.unfold(2 + axis, span, s)[..., ::d]
    return x.flatten(2 + rank).flatten(2, 1 + rank).transpose(2, 3)


class Unfold(nn.Module):
    """Every window as channels, for maps of any rank and any padding."""

    def __init__(self, **window: Any) -> None:
        super().__init__()
        self.window = window

    def forward(self, x: Tensor) -> Tensor:
        """Take the windows."""
        return windows(x, **self.window).flatten(1, 2)


class Local(nn.Module):
    """A convolution with weights of its own at every position (Taigman et al. 2014)."""

    def __init__(self, inputs: int, channels: int, extents: tuple[int, ...], bias: bool = True, **window: Any) -> None:
        super().__init__()
        self.extents, self.window = extents, window
        taps = prod(window["kernel_size"])
        self.weight = nn.Parameter(torch.empty(prod(extents), inputs * taps, channels))
        self.bias = nn.Parameter(torch.zeros(channels, *extents)) if bias else None
        nn.init.normal_(self.weight, std=(inputs * taps) ** -0.5)

    def forward(self, x: Tensor) -> Tensor:
        """Each window times its own matrix."""
        read = windows(x, **self.window).flatten(1, 2).permute(2, 0, 1)  # (positions, batch, inputs * taps)
        y = torch.bmm(read, self.weight).permute(1, 2, 0).reshape(len(x), -1, *self.extents)
        return y if self.bias is None else y + self.bias


class DeformConv(nn.Module):
    """`torchvision.ops.deform_conv2d` with weights of its own (Dai et al. 2017; Zhu et al. 2019)."""

    def __init__(
        self,
        inputs: int,
        channels: int,
        kernel_size: tuple[int, int],
        stride: tuple[int, int],
        padding: tuple[tuple[int, int], tuple[int, int]],
        dilation: tuple[int, int],
        groups: int = 1,
        bias: bool = True,
    ) -> None:
        super().__init__()
        self.stride, self.padding, self.dilation = stride, padding, dilation
        self.weight = nn.Parameter(torch.empty(channels, inputs // groups, *kernel_size))
        self.bias = nn.Parameter(torch.zeros(channels)) if bias else None
        nn.init.kaiming_uniform_(self.weight, a=5**0.5)

    def forward(self, x: Tensor, offsets: Tensor, factors: Tensor | None = None) -> Tensor:
        """Read between pixels, then convolve."""
        from torchvision.ops import deform_conv2d

        even = all(before == after for before, after in self.padding)
        if not even:
            x = functional.pad(x, [side for pair in reversed(self.padding) for side in pair])
        (above, _), (left, _) = self.padding
        padding = (above, left) if even else (0, 0)
        y: Tensor = deform_conv2d(x, offsets, self.weight, self.bias, self.stride, padding, self.dilation, mask=factors)
        return y


class Roll(nn.Module):
    """All positions moved on around the ends."""

    def __init__(self, shifts: tuple[int, ...]) -> None:
        super().__init__()
        self.shifts = shifts

    def forward(self, x: Tensor) -> Tensor:
        """Roll."""
        return torch.roll(x, self.shifts, tuple(range(2, 2 + len(self.shifts))))


class SlicePositions(nn.Module):
    """Along each axis the positions from a start to a stop, by steps."""

    def __init__(self, ranges: tuple[tuple[int, int, int], ...]) -> None:
        super().__init__()
        self.ranges = ranges

    def forward(self, x: Tensor) -> Tensor:
        """Slice."""
        return x[(slice(None), slice(None), *(slice(*each) for each in self.ranges))]

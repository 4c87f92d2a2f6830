"""Modules that torch lacks, each of a few lines; an operator's `TorchCall` names them as `archcalc.<class>`.

They compute what the operator counts: a connection table convolves the connected pairs of maps alone, so that a
counter of FLOPs sees as many multiply-accumulates as the table has.
"""

from __future__ import annotations

from collections.abc import Sequence
from math import prod
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional

# By the number of spatial axes, from one; the stubs of torch give each another type.
_CONVOLUTIONS: Any = (functional.conv1d, functional.conv2d, functional.conv3d)
_MAXIMA: Any = (functional.max_pool1d, functional.max_pool2d, functional.max_pool3d)
_MEANS: Any = (functional.avg_pool1d, functional.avg_pool2d, functional.avg_pool3d)


class TableConv(nn.Module):
    """Convolution in which a table says which output map reads which input map (LeCun et al. 1998, Table I)."""

    inputs: Tensor
    outputs: Tensor

    def __init__(
        self,
        rows: Sequence[Sequence[bool]],
        kernel_size: tuple[int, ...],
        stride: tuple[int, ...],
        padding: tuple[int, ...],
        dilation: tuple[int, ...],
        bias: bool = True,
    ) -> None:
        super().__init__()
        pairs = [(i, j) for i, row in enumerate(rows) for j, reads in enumerate(row) if reads]
        self.rows = tuple(map(tuple, rows))
        self.kernel_size, self.stride, self.padding, self.dilation = kernel_size, stride, padding, dilation
        self.out_channels = len(rows[0])
        self.register_buffer("inputs", torch.tensor([i for i, _ in pairs]), persistent=False)
        self.register_buffer("outputs", torch.tensor([j for _, j in pairs]), persistent=False)
        self.weight = nn.Parameter(torch.empty(len(pairs), 1, *kernel_size))
        self.bias = nn.Parameter(torch.zeros(self.out_channels)) if bias else None
        nn.init.kaiming_uniform_(self.weight, a=5**0.5)

    def forward(self, x: Tensor) -> Tensor:
        """Filter the map of each pair, then add up the pairs of each output map."""
        pairs = x.index_select(1, self.inputs)
        convolve = _CONVOLUTIONS[len(self.kernel_size) - 1]
        maps: Tensor = convolve(pairs, self.weight, None, self.stride, self.padding, self.dilation, len(self.weight))
        y = maps.new_zeros((len(x), self.out_channels, *maps.shape[2:])).index_add(1, self.outputs, maps)
        return y if self.bias is None else y + _along_channels(self.bias, y)


class Subsample(nn.Module):
    """LeNet's subsampling: the sum of each window times a coefficient of its channel, plus a bias."""

    def __init__(self, channels: int, kernel_size: tuple[int, ...], stride: tuple[int, ...], bias: bool = True) -> None:
        super().__init__()
        self.kernel_size, self.stride = kernel_size, stride
        self.taps = prod(kernel_size)
        self.weight = nn.Parameter(torch.full((channels,), 1 / self.taps))
        self.bias = nn.Parameter(torch.zeros(channels)) if bias else None

    def forward(self, x: Tensor) -> Tensor:
        """Sum, scale, shift."""
        y: Tensor = _MEANS[len(self.kernel_size) - 1](x, self.kernel_size, self.stride) * self.taps
        y = y * _along_channels(self.weight, y)
        return y if self.bias is None else y + _along_channels(self.bias, y)


class RBF(nn.Module):
    """Squared distance of the features to fixed codes (LeCun et al. 1998, equation 7)."""

    codes: Tensor

    def __init__(self, features: int, outputs: int) -> None:
        super().__init__()
        self.register_buffer("codes", torch.randint(0, 2, (outputs, features)) * 2.0 - 1.0)

    def forward(self, x: Tensor) -> Tensor:
        """Distances; at each position of a sequence."""
        x = x if x.dim() == 3 else x.flatten(1)
        codes = self.codes.unsqueeze(-1) if x.dim() == 3 else self.codes
        return (x.unsqueeze(1) - codes).square().sum(2)


class TiedLinear(nn.Module):
    """A linear layer with the weights of another, given to each call; transposed where only that fits."""

    def __init__(self, inputs: int, outputs: int, bias: bool = True) -> None:
        super().__init__()
        self.size = (outputs, inputs)
        self.bias = nn.Parameter(torch.zeros(outputs)) if bias else None

    def forward(self, x: Tensor, weight: Tensor) -> Tensor:
        """Multiply by those weights; at each position of a sequence."""
        weight = weight.flatten(1)
        weight = (weight if weight.shape == self.size else weight.t()).reshape(self.size)
        if x.dim() == 3:
            return functional.linear(x.transpose(1, 2), weight, self.bias).transpose(1, 2)
        return functional.linear(x.flatten(1), weight, self.bias)


class Unpool(nn.Module):
    """Puts each element where a max pooling found it, zeros elsewhere; for maps of any rank."""

    def __init__(self, size: tuple[int, ...]) -> None:
        super().__init__()
        self.size = size

    def forward(self, x: Tensor, indices: Tensor) -> Tensor:
        """Scatter."""
        places = prod(self.size)
        flat = x.new_zeros((*x.shape[:2], places)).scatter(2, indices.flatten(2), x.flatten(2))
        return flat.view(*x.shape[:2], *self.size)


class _PaddedPool(nn.Module):
    """A pooling whose padding torch's own does not take: uneven, or more than half the kernel."""

    def __init__(
        self,
        padding: Sequence[tuple[int, int]],
        kernel_size: tuple[int, ...],
        stride: tuple[int, ...],
        dilation: tuple[int, ...] | None = None,
        ceil_mode: bool = False,
    ) -> None:
        super().__init__()
        self.padding, self.kernel_size, self.stride, self.ceil_mode = padding, kernel_size, stride, ceil_mode
        self.dilation = dilation or (1,) * len(kernel_size)

    def sides(self, x: Tensor) -> list[int]:
        """Positions to add before and after, so that all windows fit."""
        found: list[int] = []
        for extent, k, s, d, (before, after) in zip(
            x.shape[2:], self.kernel_size, self.stride, self.dilation, self.padding, strict=True
        ):
            room = extent + before + after - d * (k - 1) - 1
            windows = room // s + 1
            if self.ceil_mode:  # a last window hangs over, if it starts inside the input or the padding before it
                windows = min(-(-room // s), (extent + before - 1) // s) + 1
            found[:0] = [before, max((windows - 1) * s + d * (k - 1) + 1 - before - extent, 0)]
        return found


class MaxPool(_PaddedPool):
    """Max pooling with any padding; padding never wins. Its indices are of the input without padding."""

    def __init__(self, padding: Sequence[tuple[int, int]], return_indices: bool = False, **window: Any) -> None:
        super().__init__(padding, **window)
        self.return_indices = return_indices

    def forward(self, x: Tensor) -> Tensor | tuple[Tensor, Tensor]:
        """Pad with the lowest, then pool."""
        sides = self.sides(x)
        padded = functional.pad(x, sides, value=float("-inf"))
        window = (self.kernel_size, self.stride, 0, self.dilation)
        found: Any = _MAXIMA[len(self.kernel_size) - 1](padded, *window, return_indices=self.return_indices)
        if not self.return_indices:
            return found  # type: ignore[no-any-return]
        y, places = found
        return y, self._unpadded(places, x.shape[2:], sides[-2::-2], padded.shape[2:])

    @staticmethod
    def _unpadded(places: Tensor, extents: Sequence[int], before: Sequence[int], padded: Sequence[int]) -> Tensor:
        """Places in the padded input, counted along rows, as places in the input."""
        indices = torch.zeros_like(places)
        for axis, (extent, side, whole) in enumerate(zip(extents, before, padded, strict=True)):
            along = places // prod(padded[axis + 1 :]) % whole - side
            indices = indices * extent + along.clamp(0, extent - 1)  # a window of padding alone found nothing
        return indices


class AvgPool(_PaddedPool):
    """Average pooling with any padding; what hangs over the end never counts, padding only where it is to."""

    def __init__(self, padding: Sequence[tuple[int, int]], count_include_pad: bool = True, **window: Any) -> None:
        super().__init__(padding, **window)
        self.count_include_pad = count_include_pad

    def forward(self, x: Tensor) -> Tensor:
        """Mean of the window over the share of it that counts."""
        pool = _MEANS[len(self.kernel_size) - 1]
        counts = x.new_ones((1, 1, *x.shape[2:]))
        sides = self.sides(x)
        if self.count_include_pad:
            declared = [side for pair in reversed(self.padding) for side in pair]
            counts = functional.pad(counts, declared, value=1.0)
            rest = [side - given for side, given in zip(sides, declared, strict=True)]
        else:
            rest = sides
        share = pool(functional.pad(counts, rest), self.kernel_size, self.stride)
        mean: Tensor = pool(functional.pad(x, sides), self.kernel_size, self.stride) / share
        return mean


class Scale(nn.Module):
    """Times a fixed number."""

    def __init__(self, factor: float) -> None:
        super().__init__()
        self.factor = factor

    def forward(self, x: Tensor) -> Tensor:
        """Multiply."""
        return x * self.factor


class ChannelScale(nn.Module):
    """Times a trained factor for each channel (Touvron et al. 2021), or one for all."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.ones(channels))

    def forward(self, x: Tensor) -> Tensor:
        """Multiply."""
        return x * _along_channels(self.weight, x)


class QuickGELU(nn.Module):
    """x * sigmoid(1.702 x) (Hendrycks and Gimpel 2016, section 2)."""

    def forward(self, x: Tensor) -> Tensor:
        """Gate."""
        return x * torch.sigmoid(1.702 * x)


class Exponential(nn.Module):
    """exp(x)."""

    def forward(self, x: Tensor) -> Tensor:
        """Of each element."""
        return x.exp()


class SoftCap(nn.Module):
    """Keeps numbers within a bound: cap * tanh(x / cap) (Gemma Team 2024, section 2)."""

    def __init__(self, cap: float) -> None:
        super().__init__()
        self.cap = cap

    def forward(self, x: Tensor) -> Tensor:
        """Squash."""
        return self.cap * torch.tanh(x / self.cap)


class Maxout(nn.Module):
    """The largest of so many neighbouring channels (Goodfellow et al. 2013)."""

    def __init__(self, pieces: int) -> None:
        super().__init__()
        self.pieces = pieces

    def forward(self, x: Tensor) -> Tensor:
        """Choose."""
        return x.reshape(len(x), -1, self.pieces, *x.shape[2:]).amax(2)


class ScaledTanh(nn.Module):
    """LeNet's squashing function, 1.7159 tanh(2/3 x) (LeCun et al. 1998, appendix A)."""

    def forward(self, x: Tensor) -> Tensor:
        """Squash."""
        return 1.7159 * torch.tanh(x * (2 / 3))


class DropPath(nn.Module):
    """Leaves out a whole branch for some examples while training (Huang et al. 2016)."""

    def __init__(self, p: float) -> None:
        super().__init__()
        self.p = p

    def forward(self, x: Tensor) -> Tensor:
        """Zero examples with probability p, and scale the others so that the mean stays."""
        if not self.training or self.p == 0:
            return x
        kept = torch.rand((len(x),) + (1,) * (x.dim() - 1), device=x.device) >= self.p
        return x * kept / (1 - self.p) if self.p < 1 else x * 0


class PadChannels(nn.Module):
    """Channels of zeros at the end."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.channels = channels

    def forward(self, x: Tensor) -> Tensor:
        """Concatenate zeros."""
        return torch.cat([x, x.new_zeros((len(x), self.channels - x.shape[1], *x.shape[2:]))], 1)


class SliceChannels(nn.Module):
    """Some of the channels."""

    def __init__(self, start: int, stop: int, step: int = 1) -> None:
        super().__init__()
        self.start, self.stop, self.step = start, stop, step

    def forward(self, x: Tensor) -> Tensor:
        """Slice."""
        return x[:, self.start : self.stop : self.step]


class PixelShuffle(nn.Module):
    """Channels to positions, for maps of any rank and a factor for each axis (Shi et al. 2016)."""

    def __init__(self, factors: tuple[int, ...]) -> None:
        super().__init__()
        self.factors = factors

    def forward(self, x: Tensor) -> Tensor:
        """Split the channels into blocks, and interleave these with the positions."""
        rank = len(self.factors)
        split = x.reshape(len(x), -1, *self.factors, *x.shape[2:])
        order = [0, 1] + [axis for i in range(rank) for axis in (2 + rank + i, 2 + i)]
        sizes = [extent * factor for extent, factor in zip(x.shape[2:], self.factors, strict=True)]
        return split.permute(order).reshape(len(x), -1, *sizes)


class PixelUnshuffle(nn.Module):
    """Positions to channels: the reverse."""

    def __init__(self, factors: tuple[int, ...]) -> None:
        super().__init__()
        self.factors = factors

    def forward(self, x: Tensor) -> Tensor:
        """Split each axis into blocks, and bring these before the positions."""
        rank = len(self.factors)
        sizes = [extent // factor for extent, factor in zip(x.shape[2:], self.factors, strict=True)]
        pairs = [size for pair in zip(sizes, self.factors, strict=True) for size in pair]
        split = x.reshape(len(x), x.shape[1], *pairs)
        order = [0, 1, *range(3, 3 + 2 * rank, 2), *range(2, 2 + 2 * rank, 2)]
        return split.permute(order).reshape(len(x), -1, *sizes)


class Opaque(nn.Module):
    """An operation of which only the output's shape is known: it gives zeros."""

    def __init__(self, inputs: int, channels: int, stride: Any = 1) -> None:
        super().__init__()
        self.channels, self.stride = channels, stride

    def forward(self, x: Tensor) -> Tensor:
        """Zeros."""
        rank = x.dim() - 2
        strides = self.stride if isinstance(self.stride, tuple) else (self.stride,) * rank
        sizes = [-(-extent // stride) for extent, stride in zip(x.shape[2:], strides, strict=True)]
        return x.new_zeros((len(x), self.channels, *sizes))


class Zeros(nn.Module):
    """Zeros in place of every so-manyth position of the input."""

    def __init__(self, stride: tuple[int, ...]) -> None:
        super().__init__()
        self.stride = stride

    def forward(self, x: Tensor) -> Tensor:
        """Zeros."""
        sizes = [-(-extent // stride) for extent, stride in zip(x.shape[2:], self.stride, strict=True)]
        return x.new_zeros((*x.shape[:2], *sizes))


def _along_channels(values: Tensor, x: Tensor) -> Tensor:
    """A value for each channel, shaped so that it spreads over the positions."""
    return values.view(-1, *(1,) * (x.dim() - 2))

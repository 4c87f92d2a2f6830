"""Operators that move channels and compute nothing: shuffles, cuts, padding, exchange for positions."""

from __future__ import annotations

from typing import Any

from archcalc.dims import Dim, ceil_div, prod, require_at_least, require_divides
from archcalc.ops.arguments import argument
from archcalc.ops.base import (
    POINTWISE,
    AnyWindow,
    Arithmetic,
    Example,
    Operator,
    Parameters,
    TorchCall,
    Window,
    operator,
)
from archcalc.ops.checks import require_channels, require_spatial
from archcalc.ops.shape import Shape, features, image, sequence
from archcalc.ops.window import per_axis

COPIES = "copies"


@operator("pad_channels")
class PadChannels(Operator):
    """Channels of zeros appended.

    Shapes:  (in, extent...) -> (channels, extent...).
    Counts:  none: it copies.
    Errors:  no-channels, fewer-channels.
    Source:  He et al. 2016, section 3.3, option (A); Paszke et al. 2016 (ENet), section 3.
    """

    channels: Dim = argument("count", "output channels, no fewer than those of the input")

    def infer(self, x: Shape) -> Shape:
        """Output shape."""
        require_channels(x, self.name)
        require_at_least(
            self.channels,
            x.channels,
            "fewer-channels",
            "pad_channels to {value} cannot take away from {minimum} channels",
            help="slice_channels takes channels away",
        )
        return Shape(self.channels, x.spatial)

    def parameters(self, x: Shape) -> Parameters:
        """Nothing stored."""
        return Parameters()

    def arithmetic(self, x: Shape, y: Shape) -> Arithmetic:
        """None."""
        return Arithmetic.none(COPIES)

    def connections(self, x: Shape, y: Shape) -> Dim:
        """None: it joins no units."""
        return 0

    def window(self, x: Shape) -> AnyWindow:
        """Its own position."""
        return POINTWISE

    def torch(self, x: Shape) -> TorchCall:
        """`nn.ZeroPad1d`, `2d` or `3d` over one axis more, which is that of the channels."""
        if x.rank == 3:
            return TorchCall("archcalc.PadChannels", (self.channels,))
        sides = (0, 0) * x.rank + (0, self.channels - x.channels)
        return TorchCall(f"nn.ZeroPad{x.rank + 1}d", (sides,))

    examples = (
        Example(
            "Paszke et al. 2016 (ENet), Table 1: the other branch of bottleneck 1.0, 16 to 64 channels",
            image(16, 128, 128),
            {"channels": 64},
            image(64, 128, 128),
            {"params": 0, "macs": 0, "connections": 0},
        ),
        Example("by hand: 3 zeros", features(5), {"channels": 8}, features(8), {"params": 0, "additions": 0}),
    )


@operator("slice_channels")
class SliceChannels(Operator):
    """Some channels, from `start` up to `stop`, which is left out, every `step`th; two of them split an input.

    Shapes:  (in, extent...) -> (ceil((stop - start)/step), extent...).
    Counts:  none: it copies.
    Errors:  no-channels, channels-out-of-range.
    Source:  Ma et al. 2018 (ShuffleNet V2), section 3.2 (channel split).
    """

    start: Dim = argument("count", "first channel, counted from 0", at_least=0)
    stop: Dim = argument("count", "the channel after the last")
    step: Dim = argument("count", "from one channel to the next", 1)

    views = True

    def infer(self, x: Shape) -> Shape:
        """Output shape."""
        require_channels(x, self.name)
        require_at_least(
            self.stop,
            self.start + 1,
            "channels-out-of-range",
            "slice_channels from {start} to {value} holds no channel",
            start=self.start,
        )
        require_at_least(
            x.channels,
            self.stop,
            "channels-out-of-range",
            "slice_channels up to {minimum} needs as many channels; the input has {value}",
        )
        return Shape(ceil_div(self.stop - self.start, self.step), x.spatial)

    def parameters(self, x: Shape) -> Parameters:
        """Nothing stored."""
        return Parameters()

    def arithmetic(self, x: Shape, y: Shape) -> Arithmetic:
        """None."""
        return Arithmetic.none(COPIES)

    def connections(self, x: Shape, y: Shape) -> Dim:
        """None: it joins no units."""
        return 0

    def window(self, x: Shape) -> AnyWindow:
        """Its own position."""
        return POINTWISE

    def torch(self, x: Shape) -> TorchCall:
        """A module of its own; torch has none."""
        return TorchCall("archcalc.SliceChannels", (self.start, self.stop, self.step))

    examples = (
        Example(
            "Ma et al. 2018, Figure 3(c) and Table 5: half of the 116 channels of stage 2",
            image(116, 28, 28),
            {"start": 0, "stop": 58},
            image(58, 28, 28),
            {"params": 0, "macs": 0, "connections": 0},
        ),
        Example(
            "by hand: channels 2, 3 and 4 of 5",
            features(5),
            {"start": 2, "stop": 5},
            features(3),
            {"params": 0, "additions": 0},
        ),
        Example(
            "by hand: channels 1, 3 and 5 of 6",
            sequence(6, 4),
            {"start": 1, "stop": 6, "step": 2},
            sequence(3, 4),
            {"params": 0, "additions": 0},
        ),
    )


@operator("channel_shuffle")
class ChannelShuffle(Operator):
    """Channels of all groups taken in turn.

    Shapes:  unchanged.
    Counts:  none: it copies.
    Errors:  no-spatial-axes, indivisible-groups.
    Source:  Zhang et al. 2018 (ShuffleNet), section 3.1; torch.nn.ChannelShuffle.
    """

    groups: Dim = argument("count", "groups of channels")

    def infer(self, x: Shape) -> Shape:
        """Output shape."""
        require_spatial(x, self.name)
        require_divides(
            self.groups,
            x.channels,
            "indivisible-groups",
            "{number} input channels do not divide into {divisor} groups",
        )
        return x

    def parameters(self, x: Shape) -> Parameters:
        """Nothing stored."""
        return Parameters()

    def arithmetic(self, x: Shape, y: Shape) -> Arithmetic:
        """None."""
        return Arithmetic.none(COPIES)

    def connections(self, x: Shape, y: Shape) -> Dim:
        """None: it joins no units."""
        return 0

    def window(self, x: Shape) -> AnyWindow:
        """Its own position."""
        return POINTWISE

    def torch(self, x: Shape) -> TorchCall:
        """`nn.ChannelShuffle`."""
        return TorchCall("nn.ChannelShuffle", (self.groups,))

    examples = (
        Example(
            "Zhang et al. 2018, Table 1: stage 2 of ShuffleNet with 3 groups, 240 channels of 28x28",
            image(240, 28, 28),
            {"groups": 3},
            image(240, 28, 28),
            {"params": 0, "macs": 0, "connections": 0},
        ),
        Example(
            "by hand: 6 channels in 2 groups",
            sequence(6, 4),
            {"groups": 2},
            sequence(6, 4),
            {"params": 0, "additions": 0},
        ),
    )


@operator("pixel_shuffle")
class PixelShuffle(Operator):
    """Channels exchanged for positions: extents grow by the factor, channels shrink by its product.

    Shapes:  (in, extent...) -> (in / product(factor), extent * factor...).
    Counts:  none: it copies.
    Errors:  no-spatial-axes, axes-mismatch, indivisible-channels.
    Source:  Shi et al. 2016, equation (4); torch.nn.PixelShuffle.
    """

    factor: Any = argument("extents", "growth of the extents")

    def infer(self, x: Shape) -> Shape:
        """Output shape."""
        require_spatial(x, self.name)
        factors = per_axis(self.factor, x.rank, "factor")
        require_divides(
            prod(factors),
            x.channels,
            "indivisible-channels",
            "{number} channels do not make blocks of {divisor} positions",
        )
        return Shape(
            x.channels // prod(factors),
            tuple(extent * factor for extent, factor in zip(x.spatial, factors, strict=True)),
        )

    def parameters(self, x: Shape) -> Parameters:
        """Nothing stored."""
        return Parameters()

    def arithmetic(self, x: Shape, y: Shape) -> Arithmetic:
        """None."""
        return Arithmetic.none(COPIES)

    def connections(self, x: Shape, y: Shape) -> Dim:
        """None: it joins no units."""
        return 0

    def window(self, x: Shape) -> Window:
        """One input position, as a transposed convolution whose kernel is its stride."""
        factors = per_axis(self.factor, x.rank, "factor")
        ones = (1,) * x.rank
        return Window(kernel=factors, stride=ones, padding=(0,) * x.rank, dilation=ones, upsample=factors)

    def torch(self, x: Shape) -> TorchCall:
        """`nn.PixelShuffle`, for images and one factor."""
        if x.rank == 2 and not isinstance(self.factor, tuple):
            return TorchCall("nn.PixelShuffle", (self.factor,))
        return TorchCall("archcalc.PixelShuffle", (per_axis(self.factor, x.rank, "factor"),))

    examples = (
        Example(
            "Shi et al. 2016, section 2.2: 9 maps for each of 3 colours, 3 times larger",
            image(27, 17, 17),
            {"factor": 3},
            image(3, 51, 51),
            {"params": 0, "macs": 0, "connections": 0},
        ),
        Example(
            "by hand: 12 channels make 2 with 2*3 positions of each",
            image(12, 4, 5),
            {"factor": (2, 3)},
            image(2, 8, 15),
            {"params": 0, "additions": 0},
        ),
    )


@operator("pixel_unshuffle")
class PixelUnshuffle(Operator):
    """Positions exchanged for channels: the reverse of `pixel_shuffle`, also called space to depth.

    Shapes:  (in, extent...) -> (in * product(factor), extent / factor...).
    Counts:  none: it copies.
    Errors:  no-spatial-axes, axes-mismatch, indivisible-extent.
    Source:  torch.nn.PixelUnshuffle; Redmon and Farhadi 2017 (YOLO9000), section 2 (the passthrough layer).
    """

    factor: Any = argument("extents", "shrinkage of the extents")

    def infer(self, x: Shape) -> Shape:
        """Output shape."""
        require_spatial(x, self.name)
        factors = per_axis(self.factor, x.rank, "factor")
        for extent, factor in zip(x.spatial, factors, strict=True):
            require_divides(
                factor,
                extent,
                "indivisible-extent",
                "an extent of {number} does not divide into blocks of {divisor}",
            )
        return Shape(
            x.channels * prod(factors),
            tuple(extent // factor for extent, factor in zip(x.spatial, factors, strict=True)),
        )

    def parameters(self, x: Shape) -> Parameters:
        """Nothing stored."""
        return Parameters()

    def arithmetic(self, x: Shape, y: Shape) -> Arithmetic:
        """None."""
        return Arithmetic.none(COPIES)

    def connections(self, x: Shape, y: Shape) -> Dim:
        """None: it joins no units."""
        return 0

    def window(self, x: Shape) -> Window:
        """A block of positions."""
        factors = per_axis(self.factor, x.rank, "factor")
        return Window(kernel=factors, stride=factors, padding=(0,) * x.rank, dilation=(1,) * x.rank)

    def torch(self, x: Shape) -> TorchCall:
        """`nn.PixelUnshuffle`, for images and one factor."""
        if x.rank == 2 and not isinstance(self.factor, tuple):
            return TorchCall("nn.PixelUnshuffle", (self.factor,))
        return TorchCall("archcalc.PixelUnshuffle", (per_axis(self.factor, x.rank, "factor"),))

    examples = (
        Example(
            "Redmon and Farhadi 2017, section 2: 26x26x512 becomes 13x13x2048",
            image(512, 26, 26),
            {"factor": 2},
            image(2048, 13, 13),
            {"params": 0, "macs": 0, "connections": 0},
        ),
        Example(
            "by hand: blocks of 5 from 15 positions",
            sequence(2, 15),
            {"factor": 5},
            sequence(10, 3),
            {"params": 0, "additions": 0},
        ),
    )

"""Positions moved and taken: windows as channels, positions as channels, a roll around, every so-manyth position."""

from __future__ import annotations

from typing import Any

from archcalc.dims import Dim, ceil_div, less, prod, require_at_least, select
from archcalc.ops.arguments import argument
from archcalc.ops.base import (
    GLOBAL,
    AnyWindow,
    Arithmetic,
    Example,
    Operator,
    Parameters,
    TorchCall,
    Window,
    operator,
)
from archcalc.ops.checks import require_sequence, require_spatial
from archcalc.ops.shape import Shape, image, sequence
from archcalc.ops.window import PADDING_WORDS, all_padding, per_axis, slide, window_of

COPIES = "copies"
ANY_SHIFT = -(2**62)  # a bound that leaves out nothing


@operator("unfold")
class Unfold(Operator):
    """Every window as channels, the windows in a row.

    Shapes:  (in, extent...) -> (in * product(kernel), product(extent')), extents as for `conv`.
    Counts:  none: it copies.
    Errors:  no-spatial-axes, axes-mismatch, window-larger-than-input.
    Source:  Yuan et al. 2021 (T2T-ViT), section 3.1 (soft split); torch.nn.Unfold.
    """

    kernel: Any = argument("extents", "extent of the window, one number or one for each axis (height, width)")
    stride: Any = argument("extents", "step between windows", 1)
    padding: Any = argument(
        "padding", "zeros around the input: half, same, valid or numbers", 0, 0, words=PADDING_WORDS
    )
    dilation: Any = argument("extents", "spacing of the taps of the kernel", 1)

    def infer(self, x: Shape) -> Shape:
        """Output shape."""
        require_spatial(x, self.name)
        taps = prod(per_axis(self.kernel, x.rank, "kernel"))
        return sequence(x.channels * taps, prod(slide(x, self.kernel, self.stride, self.padding, self.dilation)))

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
        """The kernel, along the axes of the input."""
        return window_of(x, self.kernel, self.stride, self.padding, self.dilation)

    def torch(self, x: Shape) -> TorchCall:
        """`nn.Unfold` for images with even padding, else a module of its own."""
        kernel, stride, dilation = (
            per_axis(value, x.rank, name)
            for value, name in ((self.kernel, "kernel"), (self.stride, "stride"), (self.dilation, "dilation"))
        )
        pads = all_padding(x, self.kernel, self.stride, self.padding, self.dilation)
        if x.rank == 2 and all(before == after for before, after in pads):
            named = {"dilation": dilation, "padding": tuple(before for before, _ in pads), "stride": stride}
            return TorchCall("nn.Unfold", (kernel,), named)
        return TorchCall(
            "archcalc.Unfold", (), {"kernel_size": kernel, "stride": stride, "padding": pads, "dilation": dilation}
        )

    examples = (
        Example(
            "Yuan et al. 2021, section 3.2: 7x7 every 4 pixels of 224, padding 2; by hand 3*49 channels, 56*56 places",
            image(3, 224, 224),
            {"kernel": 7, "stride": 4, "padding": 2},
            sequence(147, 3136),
            {"params": 0, "macs": 0, "connections": 0},
        ),
        Example(
            "by hand: 3 windows of 2 from 4 positions", sequence(5, 4), {"kernel": 2}, sequence(10, 3), {"additions": 0}
        ),
    )


@operator("transpose")
class Transpose(Operator):
    """Channels become positions, and positions channels: what reads channels next mixes positions.

    Shapes:  (in, length) -> (length, in).
    Counts:  none: it renames.
    Errors:  sequence-needed.
    Source:  Tolstikhin et al. 2021 (MLP-Mixer), section 2, equation (1): token mixing acts on columns;
             torch.Tensor.transpose(1, 2).
    """

    views = True

    def infer(self, x: Shape) -> Shape:
        """Output shape."""
        require_sequence(x, self.name)
        return sequence(x.positions, x.channels)

    def parameters(self, x: Shape) -> Parameters:
        """Nothing stored."""
        return Parameters()

    def arithmetic(self, x: Shape, y: Shape) -> Arithmetic:
        """None."""
        return Arithmetic.none("only renames")

    def connections(self, x: Shape, y: Shape) -> Dim:
        """None: it joins no units."""
        return 0

    def window(self, x: Shape) -> AnyWindow:
        """All positions, since each is a channel of every position of the output."""
        return GLOBAL

    def torch(self, x: Shape) -> TorchCall:
        """A module of its own, on `torch.transpose`."""
        return TorchCall("archcalc.Transpose")

    examples = (
        Example(
            "Tolstikhin et al. 2021, Table 1: 196 patches of 768 channels (B/16), columns of 196 for token mixing",
            sequence(768, 196),
            {},
            sequence(196, 768),
            {"params": 0, "macs": 0, "connections": 0},
        ),
        Example("by hand: 3 channels at 5 positions", sequence(3, 5), {}, sequence(5, 3), {"additions": 0}),
    )


def _shorter_way(shift: Dim, extent: Dim) -> Dim:
    on = shift - extent * (shift // extent)
    return select(less(extent, 2 * on), on - extent, on)


@operator("roll")
class Roll(Operator):
    """All positions moved on; what leaves at one end comes in at the other.

    Shapes:  unchanged.
    Counts:  none: it copies. The receptive field leaves out what comes in at the other end.
    Errors:  no-spatial-axes, axes-mismatch.
    Source:  Liu et al. 2021 (Swin), section 3.2 (cyclic shift); torch.roll.
    """

    shift: Any = argument(
        "extents", "how far, backwards where below 0; one number or one for each axis", at_least=ANY_SHIFT
    )

    def infer(self, x: Shape) -> Shape:
        """Output shape."""
        require_spatial(x, self.name)
        per_axis(self.shift, x.rank, "shift")
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

    def window(self, x: Shape) -> Window:
        """One position, shifted: the shorter way around."""
        ones = (1,) * x.rank
        shifts = per_axis(self.shift, x.rank, "shift")
        way = tuple(_shorter_way(shift, extent) for shift, extent in zip(shifts, x.spatial, strict=True))
        return Window(kernel=ones, stride=ones, padding=way, dilation=ones)

    def torch(self, x: Shape) -> TorchCall:
        """A module of its own, on `torch.roll`."""
        return TorchCall("archcalc.Roll", (per_axis(self.shift, x.rank, "shift"),))

    examples = (
        Example(
            "Liu et al. 2021, section 3.2: windows of 7 shifted by 3",
            image(96, 56, 56),
            {"shift": -3},
            image(96, 56, 56),
            {"params": 0, "macs": 0, "connections": 0},
        ),
        Example("by hand: two positions on", sequence(2, 5), {"shift": 2}, sequence(2, 5), {"additions": 0}),
    )


@operator("slice_positions")
class SlicePositions(Operator):
    """Positions from `start` up to `stop`, which is left out, and of these every `step`th.

    Shapes:  (in, extent...) -> (in, ceil((stop - start)/step)...).
    Counts:  none: it copies.
    Errors:  no-spatial-axes, axes-mismatch, positions-out-of-range.
    Source:  numpy.ndarray, basic slicing; Jocher 2020 (YOLOv5), Focus: x[..., ::2, ::2].
    """

    start: Any = argument("extents", "first position, counted from 0, one number or one for each axis", 0, 0)
    stop: Any = argument("extents", "the position after the last; all where not given", None)
    step: Any = argument("extents", "from one position to the next", 1)

    views = True

    def _ends(self, x: Shape) -> tuple[Dim, ...]:
        return x.spatial if self.stop is None else per_axis(self.stop, x.rank, "stop")

    def infer(self, x: Shape) -> Shape:
        """Output shape."""
        require_spatial(x, self.name)
        starts, steps = per_axis(self.start, x.rank, "start"), per_axis(self.step, x.rank, "step")
        for extent, start, stop in zip(x.spatial, starts, self._ends(x), strict=True):
            require_at_least(
                stop,
                start + 1,
                "positions-out-of-range",
                "slice_positions from {start} to {value} holds no position",
                start=start,
            )
            require_at_least(
                extent,
                stop,
                "positions-out-of-range",
                "slice_positions up to {minimum} needs as many positions; the input has {value}",
            )
        ends = zip(starts, self._ends(x), steps, strict=True)
        return Shape(x.channels, tuple(ceil_div(stop - start, step) for start, stop, step in ends))

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
        """One position of every `step`, shifted inwards."""
        ones = (1,) * x.rank
        starts = per_axis(self.start, x.rank, "start")
        steps = per_axis(self.step, x.rank, "step")
        return Window(kernel=ones, stride=steps, padding=tuple(-start for start in starts), dilation=ones)

    def torch(self, x: Shape) -> TorchCall:
        """A module of its own; torch has none."""
        starts, steps = per_axis(self.start, x.rank, "start"), per_axis(self.step, x.rank, "step")
        return TorchCall("archcalc.SlicePositions", (tuple(zip(starts, self._ends(x), steps, strict=True)),))

    examples = (
        Example(
            "Jocher 2020, Focus: every second pixel of 640, from the second row on",
            image(3, 640, 640),
            {"start": (1, 0), "step": 2},
            image(3, 320, 320),
            {"params": 0, "macs": 0, "connections": 0},
        ),
        Example(
            "by hand: positions 1, 4 and 7 of 9",
            sequence(2, 9),
            {"start": 1, "stop": 8, "step": 3},
            sequence(2, 3),
            {"additions": 0},
        ),
    )

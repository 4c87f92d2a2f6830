"""Pooling to a given size: global and adaptive pooling of any rank."""

from __future__ import annotations

from typing import Any

from archcalc.dims import (
    Dim,
    Polynomial,
    RequirementError,
    adaptive_windows,
    equal,
    maximum,
    prod,
    select,
)
from archcalc.ops.arguments import argument
from archcalc.ops.base import (
    GLOBAL,
    OWN_INPUT,
    AnyWindow,
    Arithmetic,
    Example,
    Kept,
    Operator,
    Parameters,
    Saved,
    TorchCall,
    Window,
    operator,
)
from archcalc.ops.checks import require_spatial
from archcalc.ops.shape import Shape, image, rank_suffix, sequence
from archcalc.ops.window import per_axis

SIZE = "output extent, one number or one for each axis (height, width)"


def _single(x: Shape, name: str) -> Shape:
    require_spatial(x, name)
    return Shape(x.channels, (1,) * x.rank)


def _sizes(x: Shape, size: Any) -> tuple[Any, ...]:
    sizes = per_axis(size, x.rank, "size")
    for number in sizes:
        if isinstance(number, Polynomial):
            raise RequirementError(
                "adaptive-outputs",
                f"the size of an adaptive pooling cannot depend on a variable without a value ({number})",
                "its number of windows has no closed form; give the variable a value",
            )
    return sizes


def _adapted(x: Shape, name: str, size: Any) -> Shape:
    require_spatial(x, name)
    _window_taps(x, size)
    return Shape(x.channels, _sizes(x, size))


def _window_taps(x: Shape, size: Any) -> Dim:
    """Taps of all windows over one channel: along each axis the windows may overlap by a position."""
    return prod(adaptive_windows(extent, outputs) for extent, outputs in zip(x.spatial, _sizes(x, size), strict=True))


def _all_taps(x: Shape, size: Any) -> Dim:
    taps: Dim = x.channels * _window_taps(x, size)
    return taps


def _longest(extent: Dim, outputs: Dim) -> Dim:
    """The longest window along an axis; at most one more if extent and outputs share a divisor."""
    even = extent // outputs
    return select(equal(even * outputs, extent), even, (extent - 2) // outputs + 2)


def _step(extent: Dim, outputs: Dim) -> Dim:
    """From one window to the next; a single one has none, and is as a global pooling."""
    return select(equal(outputs, 1), 1, maximum(extent // outputs, 1))


def _adaptive_window(x: Shape, size: Any) -> Window:
    sizes = _sizes(x, size)
    return Window(
        kernel=tuple(_longest(extent, outputs) for extent, outputs in zip(x.spatial, sizes, strict=True)),
        stride=tuple(_step(extent, outputs) for extent, outputs in zip(x.spatial, sizes, strict=True)),
        padding=(0,) * x.rank,
        dilation=(1,) * x.rank,
        whole=tuple(equal(outputs, 1) for outputs in sizes),
    )


@operator("global_avgpool")
class GlobalAvgPool(Operator):
    """Global average pooling: the mean of each channel.

    Shapes:  (in, extent...) -> (in, 1...), the spatial axes kept.
    Counts:  additions = in * (product(extent) - 1); divisions = in; connections = in * product(extent);
             pooling = in.
    Errors:  no-spatial-axes.
    Source:  Lin et al. 2014 (Network in Network), section 3.2; torch.nn.AdaptiveAvgPool2d(1).
    """

    pooling = True

    def infer(self, x: Shape) -> Shape:
        """Output shape."""
        return _single(x, self.name)

    def parameters(self, x: Shape) -> Parameters:
        """Nothing stored."""
        return Parameters()

    def arithmetic(self, x: Shape, y: Shape) -> Arithmetic:
        """A sum and one division for each channel."""
        return Arithmetic(additions=x.elements - y.elements, divisions=y.elements, pooling=y.elements)

    def connections(self, x: Shape, y: Shape) -> Dim:
        """Every input element once."""
        return x.elements

    def window(self, x: Shape) -> AnyWindow:
        """All positions."""
        return GLOBAL

    def torch(self, x: Shape) -> TorchCall:
        """`nn.AdaptiveAvgPool1d`, `2d` or `3d` to one position."""
        return TorchCall(f"nn.AdaptiveAvgPool{rank_suffix(x)}", (1,))

    examples = (
        Example(
            "He et al. 2016, Table 1: average pool of 2048 maps of 7x7; by hand 48 and 49 times 2048",
            image(2048, 7, 7),
            {},
            image(2048, 1, 1),
            {"params": 0, "macs": 0, "additions": 98_304, "divisions": 2048, "connections": 100_352},
        ),
        Example(
            "by hand: 3 channels of 5 positions, 4 additions each",
            sequence(3, 5),
            {},
            sequence(3, 1),
            {"additions": 12, "divisions": 3, "connections": 15},
        ),
    )


@operator("global_maxpool")
class GlobalMaxPool(Operator):
    """Global max pooling: the largest element of each channel.

    Shapes:  (in, extent...) -> (in, 1...), the spatial axes kept.
    Counts:  comparisons = in * (product(extent) - 1); connections = in * product(extent); pooling = in.
    Errors:  no-spatial-axes.
    Source:  torch.nn.AdaptiveMaxPool2d(1).
    """

    pooling = True

    def infer(self, x: Shape) -> Shape:
        """Output shape."""
        return _single(x, self.name)

    def parameters(self, x: Shape) -> Parameters:
        """Nothing stored."""
        return Parameters()

    def arithmetic(self, x: Shape, y: Shape) -> Arithmetic:
        """One comparison fewer than positions, for each channel."""
        return Arithmetic(comparisons=x.elements - y.elements, pooling=y.elements)

    def connections(self, x: Shape, y: Shape) -> Dim:
        """Every input element once."""
        return x.elements

    def window(self, x: Shape) -> AnyWindow:
        """All positions."""
        return GLOBAL

    def saved(self, x: Shape, y: Shape) -> Saved:
        """Its input, and where the largest is."""
        return Saved(inputs=(0,), made=(Kept(y.elements, "indices"),))

    def torch(self, x: Shape) -> TorchCall:
        """`nn.AdaptiveMaxPool1d`, `2d` or `3d` to one position."""
        return TorchCall(f"nn.AdaptiveMaxPool{rank_suffix(x)}", (1,))

    examples = (
        Example(
            "by hand: 4 maps of 3x3, 8 comparisons each",
            image(4, 3, 3),
            {},
            image(4, 1, 1),
            {"params": 0, "comparisons": 32, "connections": 36},
        ),
        Example(
            "by hand: 2 channels of 10 positions, 9 comparisons each",
            sequence(2, 10),
            {},
            sequence(2, 1),
            {"comparisons": 18, "connections": 20},
        ),
    )


@operator("adaptive_avgpool")
class AdaptiveAvgPool(Operator):
    """Adaptive average pooling: as many windows as asked for, spread over the input.

    Shapes:  (in, extent...) -> (in, size...).
    Counts:  window i along an axis reaches from floor(i*extent/size) to ceil((i + 1)*extent/size), so that
             the taps of all windows over one map are windows = product(extent + size - gcd(extent, size));
             additions = in * (windows - product(size)); divisions = outputs; connections = in * windows;
             pooling = outputs. The receptive field takes the longest window.
    Errors:  no-spatial-axes, axes-mismatch, adaptive-outputs.
    Source:  torch.nn.AdaptiveAvgPool2d (ATen/native/AdaptivePooling.h, start_index and end_index).
    """

    size: Any = argument("extents", SIZE)

    pooling = True

    def infer(self, x: Shape) -> Shape:
        """Output shape."""
        return _adapted(x, self.name, self.size)

    def parameters(self, x: Shape) -> Parameters:
        """Nothing stored."""
        return Parameters()

    def arithmetic(self, x: Shape, y: Shape) -> Arithmetic:
        """A sum and one division for each output."""
        taps = _all_taps(x, self.size)
        return Arithmetic(additions=taps - y.elements, divisions=y.elements, pooling=y.elements)

    def connections(self, x: Shape, y: Shape) -> Dim:
        """Taps of all windows."""
        return _all_taps(x, self.size)

    def window(self, x: Shape) -> Window:
        """The longest window."""
        return _adaptive_window(x, self.size)

    def saved(self, x: Shape, y: Shape) -> Saved:
        """Its input; torch takes the mean and keeps nothing where the size is 1, as `global_avgpool` does."""
        return OWN_INPUT

    def torch(self, x: Shape) -> TorchCall:
        """`nn.AdaptiveAvgPool1d`, `2d` or `3d`."""
        size = per_axis(self.size, x.rank, "size")
        return TorchCall(f"nn.AdaptiveAvgPool{rank_suffix(x)}", (size[0] if x.rank == 1 else size,))

    examples = (
        Example(
            "by hand: 6x6 maps to 3x3 are windows of 2x2; 3 additions at each of 10*9 outputs",
            image(10, 6, 6),
            {"size": 3},
            image(10, 3, 3),
            {"params": 0, "additions": 270, "divisions": 90, "connections": 360},
        ),
        Example(
            "by hand: 5 positions to 3 are the windows 0-1, 1-3, 3-4 of 2, 3 and 2 taps",
            sequence(1, 5),
            {"size": 3},
            sequence(1, 3),
            {"additions": 4, "divisions": 3, "connections": 7},
        ),
    )


@operator("adaptive_maxpool")
class AdaptiveMaxPool(Operator):
    """Adaptive max pooling: as many windows as asked for, spread over the input.

    Shapes:  (in, extent...) -> (in, size...).
    Counts:  windows as for `adaptive_avgpool`; comparisons = in * (windows - product(size));
             connections = in * windows; pooling = outputs.
    Errors:  no-spatial-axes, axes-mismatch, adaptive-outputs.
    Source:  torch.nn.AdaptiveMaxPool2d (ATen/native/AdaptivePooling.h, start_index and end_index).
    """

    size: Any = argument("extents", SIZE)

    pooling = True

    def infer(self, x: Shape) -> Shape:
        """Output shape."""
        return _adapted(x, self.name, self.size)

    def parameters(self, x: Shape) -> Parameters:
        """Nothing stored."""
        return Parameters()

    def arithmetic(self, x: Shape, y: Shape) -> Arithmetic:
        """One comparison fewer than taps, for each output."""
        return Arithmetic(comparisons=_all_taps(x, self.size) - y.elements, pooling=y.elements)

    def connections(self, x: Shape, y: Shape) -> Dim:
        """Taps of all windows."""
        return _all_taps(x, self.size)

    def window(self, x: Shape) -> Window:
        """The longest window."""
        return _adaptive_window(x, self.size)

    def saved(self, x: Shape, y: Shape) -> Saved:
        """Its input, and where the largest are."""
        return Saved(inputs=(0,), made=(Kept(y.elements, "indices"),))

    def torch(self, x: Shape) -> TorchCall:
        """`nn.AdaptiveMaxPool1d`, `2d` or `3d`."""
        size = per_axis(self.size, x.rank, "size")
        return TorchCall(f"nn.AdaptiveMaxPool{rank_suffix(x)}", (size[0] if x.rank == 1 else size,))

    examples = (
        Example(
            "by hand: 7 rows to 2 are 4 + 4 taps, 4 columns to 2 are 2 + 2; 32 taps less 4 outputs",
            image(1, 7, 4),
            {"size": 2},
            image(1, 2, 2),
            {"params": 0, "comparisons": 28, "connections": 32},
        ),
        Example(
            "by hand: 2 positions to 3 are the windows 0, 0-1, 1: 4 taps in each of 2 channels",
            sequence(2, 2),
            {"size": 3},
            sequence(2, 3),
            {"comparisons": 2, "connections": 8},
        ),
    )

"""Values that depend on no input: trained ones (class tokens, queries, tables of biases), fixed ones, and zeros."""

from __future__ import annotations

from typing import Any

from archcalc.dims import Dim, ceil_div
from archcalc.ops.arguments import argument
from archcalc.ops.base import (
    NOTHING,
    POINTWISE,
    AnyWindow,
    Arithmetic,
    Example,
    Operator,
    Parameters,
    TorchCall,
    operator,
)
from archcalc.ops.checks import require_channels
from archcalc.ops.shape import Shape, features, image, sequence
from archcalc.ops.window import per_axis

EXTENT = "positions: one number, or one for each axis; without them it gives features"


def _given(op: Any) -> Shape:
    """The shape that is asked for."""
    if op.length is None:
        return features(op.channels)
    return Shape(op.channels, op.length if isinstance(op.length, tuple) else (op.length,))


def _torch(op: Any, is_trained: bool) -> TorchCall:
    y = _given(op)
    return TorchCall("archcalc.Constant", ((y.channels, *y.spatial),), {"trained": is_trained})


@operator("trained")
class Trained(Operator):
    """Trained values that depend on no input: a class token, queries, a table of biases.

    Shapes:  nothing -> (channels, length...), or features(channels) without `length`.
    Counts:  weights = channels * product(length); no arithmetic. connections = 0.
    Errors:  none.
    Source:  Carion et al. 2020 (DETR), section 3.2 (object queries); Raffel et al. 2020 (T5), section 2.1;
             torch.nn.Parameter.
    """

    channels: Dim = argument("count", "channels")
    length: Any = argument("extents", EXTENT, None)

    sources = True

    def infer(self, x: tuple[()]) -> Shape:
        """The shape that is asked for."""
        return _given(self)

    def parameters(self, x: tuple[()]) -> Parameters:
        """All of it."""
        return Parameters(weights=_given(self).elements)

    def arithmetic(self, x: tuple[()], y: Shape) -> Arithmetic:
        """None."""
        return Arithmetic.none("is read as it is stored")

    def connections(self, x: tuple[()], y: Shape) -> Dim:
        """None: it joins no units."""
        return 0

    def window(self, x: tuple[()]) -> AnyWindow:
        """It reads no input."""
        return POINTWISE

    def torch(self, x: tuple[()]) -> TorchCall:
        """A module of its own that gives a parameter."""
        return _torch(self, True)

    examples = (
        Example(
            "Carion et al. 2020, section 4: 100 object queries of 256 channels",
            (),
            {"channels": 256, "length": 100},
            sequence(256, 100),
            {"params": 25_600, "weights": 25_600, "macs": 0, "connections": 0},
        ),
        Example(
            "by hand: a number for each of 8 heads", (), {"channels": 8}, features(8), {"params": 8, "additions": 0}
        ),
    )


@operator("fixed")
class Fixed(Operator):
    """Fixed values that depend on no input: coordinates, a table from a formula.

    Shapes:  nothing -> (channels, length...), or features(channels) without `length`.
    Counts:  buffers = channels * product(length); no arithmetic. connections = 0.
    Errors:  none.
    Source:  Liu et al. 2022 (Swin V2), section 3.3: log-spaced coordinates; torch.nn.Module.register_buffer.
    """

    channels: Dim = argument("count", "channels")
    length: Any = argument("extents", EXTENT, None)

    sources = True

    def infer(self, x: tuple[()]) -> Shape:
        """The shape that is asked for."""
        return _given(self)

    def parameters(self, x: tuple[()]) -> Parameters:
        """All of it, as buffers."""
        return Parameters(buffers=_given(self).elements)

    def arithmetic(self, x: tuple[()], y: Shape) -> Arithmetic:
        """None."""
        return Arithmetic.none("is read as it is stored")

    def connections(self, x: tuple[()], y: Shape) -> Dim:
        """None: it joins no units."""
        return 0

    def window(self, x: tuple[()]) -> AnyWindow:
        """It reads no input."""
        return POINTWISE

    def torch(self, x: tuple[()]) -> TorchCall:
        """A module of its own that gives a buffer."""
        return _torch(self, False)

    examples = (
        Example(
            "Liu et al. 2022, section 3.3: two coordinates of 15*15 distances in a window of 8",
            (),
            {"channels": 2, "length": 225},
            sequence(2, 225),
            {"params": 0, "buffers": 450, "macs": 0, "connections": 0},
        ),
        Example("by hand: 3 numbers", (), {"channels": 3}, features(3), {"params": 0, "buffers": 3}),
    )


@operator("zeros")
class Zeros(Operator):
    """Zeros in place of what stands before: an edge that a search has cut.

    Shapes:  (channels, extent...) -> (channels, ceil(extent / stride)...).
    Counts:  none: nothing is computed of the input.
    Errors:  no-channels, axes-mismatch.
    Source:  Dong and Yang 2020 (NAS-Bench-201), section 2.1 (zeroize); Liu et al. 2019 (DARTS), section 2.1 (zero);
             torch.zeros_like.
    """

    stride: Any = argument("extents", "of every so-manyth position, one number or one for each axis", 1)

    def infer(self, x: Shape) -> Shape:
        """Channels stay; extents are divided by the stride."""
        require_channels(x, self.name)
        strides = per_axis(self.stride, x.rank, "stride")
        return Shape(x.channels, tuple(ceil_div(size, by) for size, by in zip(x.spatial, strides, strict=True)))

    def parameters(self, x: Shape) -> Parameters:
        """Nothing stored."""
        return Parameters()

    def arithmetic(self, x: Shape, y: Shape) -> Arithmetic:
        """None."""
        return Arithmetic.none("zeros, whatever the input")

    def connections(self, x: Shape, y: Shape) -> Dim:
        """None: it joins no units."""
        return 0

    def window(self, x: Shape) -> AnyWindow:
        """It reads nothing of its input."""
        return NOTHING

    def torch(self, x: Shape) -> TorchCall:
        """A module of its own that gives zeros."""
        return TorchCall("archcalc.Zeros", (per_axis(self.stride, x.rank, "stride"),))

    examples = (
        Example(
            "Dong and Yang 2020, section 2.1: an edge of the first stage, zeroized",
            image(16, 32, 32),
            {},
            image(16, 32, 32),
            {"params": 0, "macs": 0, "additions": 0, "multiplications": 0, "connections": 0},
        ),
        Example(
            "by hand: every second position of 5 x 6",
            image(8, 5, 6),
            {"stride": 2},
            image(8, 3, 3),
            {"params": 0, "macs": 0},
        ),
        Example("by hand: features have no positions", features(10), {}, features(10), {"params": 0, "additions": 0}),
    )

"""A layer whose inside is not told."""

from __future__ import annotations

from typing import Any

from archcalc.dims import Dim, ceil_div
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
from archcalc.ops.checks import require_channels
from archcalc.ops.shape import Shape, features, image
from archcalc.ops.window import per_axis

OF_PARAMETERS = frozenset(
    {
        "params",
        "weights",
        "biases",
        "norm_params",
        "buffers",
        "trainable_params",
        "active_params",
        "stored_params",
        "size_bytes",
        "read_bytes",
    }
)
OF_ARITHMETIC = frozenset({"flops", "additions", "multiplications", "divisions", "comparisons", "transcendentals"})
NEVER_TOLD = OF_ARITHMETIC | {
    "connections",
    "neurons",
    "activations",
    "peak_activations",
    "depth",
    "depth_with_pooling",
    "receptive_field",
}


@operator("opaque")
class Opaque(Operator):
    """A layer of which only the shape of its output is known, and perhaps its size and work.

    Shapes:  (in, extent...) -> (channels, ceil(extent/stride)...).
    Counts:  weights = params and macs = macs where given. All else is not known: FLOPs, connections, neurons,
             activations, depth and the receptive field after it are "at least", in every total that holds them;
             so are params and macs where they are not given.
    Errors:  no-channels, axes-mismatch.
    Source:  specs/counting.md, the three states of an operation.
    """

    channels: Dim = argument("count", "output channels")
    stride: Any = argument("extents", "total step between output positions", 1)
    params: Any = argument("count", "trainable scalars, where known", None, 0)
    macs: Any = argument("count", "multiply-accumulate pairs of one example, where known", None, 0)

    def infer(self, x: Shape) -> Shape:
        """Output shape."""
        require_channels(x, self.name)
        strides = per_axis(self.stride, x.rank, "stride")
        return Shape(
            self.channels,
            tuple(ceil_div(extent, step) for extent, step in zip(x.spatial, strides, strict=True)),
        )

    def parameters(self, x: Shape) -> Parameters:
        """What is given."""
        return Parameters(weights=0 if self.params is None else self.params)

    def arithmetic(self, x: Shape, y: Shape) -> Arithmetic:
        """What is given; what else it computes is not known."""
        if self.macs is None:
            return Arithmetic.unknown("its arithmetic is not known")
        if self.params is None:
            return Arithmetic(macs=self.macs, reason="its parameters are not known", known=False)
        return Arithmetic(macs=self.macs, reason="no more than its parameters and MACs is known", known=False)

    def not_told(self) -> frozenset[str]:
        """All but what is given and the shape of its output."""
        found = NEVER_TOLD
        if self.params is None:
            found |= OF_PARAMETERS
        return found | {"macs", "macs_once", "masked"} if self.macs is None else found

    def connections(self, x: Shape, y: Shape) -> Dim:
        """Not known."""
        return 0

    def window(self, x: Shape) -> AnyWindow:
        """Not known: at least its stride."""
        if x.rank == 0:
            return POINTWISE
        strides = per_axis(self.stride, x.rank, "stride")
        return Window(kernel=strides, stride=strides, padding=(0,) * x.rank, dilation=(1,) * x.rank, is_known=False)

    def torch(self, x: Shape) -> TorchCall:
        """A module of its own that gives zeros of the right shape."""
        return TorchCall("archcalc.Opaque", (x.channels, self.channels), {"stride": self.stride})

    examples = (
        Example(
            "by hand: ceil(15/2) = 8; nothing is known of it",
            image(3, 15, 15),
            {"channels": 8, "stride": 2},
            image(8, 8, 8),
            {"params": 0, "macs": 0, "connections": 0},
        ),
        Example(
            "by hand: as given",
            features(10),
            {"channels": 4, "params": 44, "macs": 40},
            features(4),
            {"params": 44, "macs": 40},
        ),
    )

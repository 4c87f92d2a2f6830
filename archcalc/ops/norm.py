"""Normalisation, counted as at inference.

Statistics over a set of n elements cost a mean (n - 1 additions, 1 division), n subtractions, n squares,
their mean (n - 1 additions, 1 division), the small constant (1 addition), a root, its reciprocal (1 division)
and n products. For E elements in s sets: 3E - s additions, 2E multiplications, 3s divisions, s roots.
The receptive field leaves statistics out: every position reads its own, by convention.
"""

from __future__ import annotations

from fractions import Fraction
from typing import Any

from archcalc.dims import Dim, require_divides
from archcalc.ops.arguments import argument
from archcalc.ops.base import (
    POINTWISE,
    AnyWindow,
    Arithmetic,
    Example,
    Kept,
    Operator,
    Parameters,
    Saved,
    TorchCall,
    operator,
)
from archcalc.ops.checks import require_channels, require_spatial, unchanged
from archcalc.ops.shape import Shape, image, rank_suffix, sequence

SCALE = "a trained factor for each channel"
SHIFT = "a trained summand for each channel"
EPS = "added to the variance, so that it is not 0; costs the same whatever it is"
EPS_OF_TORCH = Fraction(1, 100_000)  # of torch, unless a network's definition has another one


def affine(number: Dim, scale: bool, shift: bool) -> Dim:
    """That number for each of the trained scale and shift."""
    return number * ((1 if scale else 0) + (1 if shift else 0))


def standardised(x: Shape, sets: Dim, scale: bool, shift: bool) -> Arithmetic:
    """Mean and variance of each set, then scale and shift."""
    return Arithmetic(
        additions=3 * x.elements - sets + (x.elements if shift else 0),
        multiplications=2 * x.elements + (x.elements if scale else 0),
        divisions=3 * sets,
        transcendentals=sets,
        norm=x.elements,
    )


def torch_own(op: Any, module: str, *args: Any) -> TorchCall:
    """A module of its own, for what torch's has no arguments for."""
    return TorchCall(f"archcalc.{module}", args, {"scale": op.scale, "shift": op.shift, "eps": float(op.eps)})


@operator("batch_norm")
class BatchNorm(Operator):
    """Batch normalisation: each channel by statistics of the training set, kept as buffers.

    Shapes:  unchanged.
    Counts:  norm = in for each of scale and shift; buffers = 2 * in. At inference all of it is one factor and
             one summand a channel: multiplications = additions = outputs. Without statistics it normalises by
             those of the batch, counted for one example as `instance_norm`. connections = 0.
    Errors:  no-channels.
    Source:  Ioffe and Szegedy 2015, algorithms 1 and 2; torch.nn.BatchNorm2d.
    """

    scale: bool = argument("flag", SCALE, True)
    shift: bool = argument("flag", SHIFT, True)
    statistics: bool = argument("flag", "keep a running mean and variance for each channel", True)
    eps: Any = argument("number", EPS, EPS_OF_TORCH, 0)

    def infer(self, x: Shape) -> Shape:
        """Output shape."""
        return unchanged(x, self.name)

    def parameters(self, x: Shape) -> Parameters:
        """Scale and shift, and running mean and variance."""
        return Parameters(
            norm=affine(x.channels, self.scale, self.shift), buffers=2 * x.channels if self.statistics else 0
        )

    def arithmetic(self, x: Shape, y: Shape) -> Arithmetic:
        """One multiplication and one addition for each element."""
        if self.statistics:
            return Arithmetic(additions=y.elements, multiplications=y.elements, norm=y.elements)
        return standardised(x, x.channels, self.scale, self.shift)

    def connections(self, x: Shape, y: Shape) -> Dim:
        """None: LeCun et al. count units with weights."""
        return 0

    def window(self, x: Shape) -> AnyWindow:
        """Its own position."""
        return POINTWISE

    def saved(self, x: Shape, y: Shape) -> Saved:
        """Its input, and of each channel mean and deviation over the batch."""
        return Saved(inputs=(0,), made=(Kept(2 * x.channels, "statistics", shared=True),))

    def torch(self, x: Shape) -> TorchCall:
        """`nn.BatchNorm1d`, `2d` or `3d`, which have both of scale and shift or none."""
        if self.scale != self.shift:
            return torch_own(self, "BatchNorm", x.channels, self.statistics)
        named = {"affine": self.scale, "track_running_stats": self.statistics, "eps": float(self.eps)}
        return TorchCall(f"nn.BatchNorm{rank_suffix(x)}", (x.channels,), named)

    examples = (
        Example(
            "He et al. 2016 as in torchvision: bn1 of ResNet-50; by hand 64 + 64, and 64*112*112",
            image(64, 112, 112),
            {},
            image(64, 112, 112),
            {"params": 128, "norm": 128, "buffers": 128, "macs": 0, "additions": 802_816},
        ),
        Example(
            "by hand: shifts of 8 channels; scale folded into the layer that follows (Inception v3)",
            image(8, 3, 3),
            {"scale": False},
            image(8, 3, 3),
            {"params": 8, "buffers": 16, "additions": 72, "multiplications": 72, "connections": 0},
        ),
    )


@operator("group_norm")
class GroupNorm(Operator):
    """Group normalisation: each group of channels of one example, over all positions.

    Shapes:  unchanged.
    Counts:  norm = in for each of scale and shift; for E elements: additions = 3E - groups + E (shift),
             multiplications = 2E + E (scale), divisions = 3*groups, transcendentals = groups. connections =
             0.
    Errors:  no-channels, indivisible-groups.
    Source:  Wu and He 2018, equations (1) to (3), (7); torch.nn.GroupNorm.
    """

    groups: Dim = argument("count", "groups of channels")
    scale: bool = argument("flag", SCALE, True)
    shift: bool = argument("flag", SHIFT, True)
    eps: Any = argument("number", EPS, EPS_OF_TORCH, 0)

    def infer(self, x: Shape) -> Shape:
        """Output shape."""
        require_channels(x, self.name)
        require_divides(
            self.groups,
            x.channels,
            "indivisible-groups",
            "{number} input channels do not divide into {divisor} groups",
        )
        return x

    def parameters(self, x: Shape) -> Parameters:
        """Scale and shift."""
        return Parameters(norm=affine(x.channels, self.scale, self.shift))

    def arithmetic(self, x: Shape, y: Shape) -> Arithmetic:
        """Statistics of each group."""
        return standardised(x, self.groups, self.scale, self.shift)

    def connections(self, x: Shape, y: Shape) -> Dim:
        """None: LeCun et al. count units with weights."""
        return 0

    def window(self, x: Shape) -> AnyWindow:
        """Its own position."""
        return POINTWISE

    def saved(self, x: Shape, y: Shape) -> Saved:
        """Its input, and mean and deviation of each group."""
        return Saved(inputs=(0,), made=(Kept(2 * self.groups, "statistics"),))

    def torch(self, x: Shape) -> TorchCall:
        """`nn.GroupNorm`, which has both of scale and shift or none."""
        if self.scale != self.shift:
            return torch_own(self, "GroupNorm", self.groups, x.channels)
        return TorchCall("nn.GroupNorm", (self.groups, x.channels, float(self.eps)), {"affine": self.scale})

    examples = (
        Example(
            "by hand: 64*7*7 = 3136 elements in 32 groups; 4*3136 - 32 additions, 3*3136 multiplications",
            image(64, 7, 7),
            {"groups": 32},
            image(64, 7, 7),
            {"params": 128, "additions": 12_512, "multiplications": 9408, "divisions": 96},
        ),
        Example(
            "by hand: 6*4 = 24 elements in 2 groups, without scale and shift",
            sequence(6, 4),
            {"groups": 2, "scale": False, "shift": False},
            sequence(6, 4),
            {"params": 0, "additions": 70, "multiplications": 48, "divisions": 6, "connections": 0},
        ),
    )


@operator("instance_norm")
class InstanceNorm(Operator):
    """Instance normalisation: each channel of one example, over all positions.

    Shapes:  unchanged.
    Counts:  norm = in for each of scale and shift; for E elements: additions = 3E - in + E (shift),
             multiplications = 2E + E (scale), divisions = 3*in, transcendentals = in. connections = 0.
    Errors:  no-spatial-axes.
    Source:  Ulyanov et al. 2016, equation (4); torch.nn.InstanceNorm2d.
    """

    scale: bool = argument("flag", SCALE, False)
    shift: bool = argument("flag", SHIFT, False)
    eps: Any = argument("number", EPS, EPS_OF_TORCH, 0)

    def infer(self, x: Shape) -> Shape:
        """Output shape."""
        require_spatial(x, self.name)
        return x

    def parameters(self, x: Shape) -> Parameters:
        """Scale and shift."""
        return Parameters(norm=affine(x.channels, self.scale, self.shift))

    def arithmetic(self, x: Shape, y: Shape) -> Arithmetic:
        """Statistics of each channel."""
        return standardised(x, x.channels, self.scale, self.shift)

    def connections(self, x: Shape, y: Shape) -> Dim:
        """None: LeCun et al. count units with weights."""
        return 0

    def window(self, x: Shape) -> AnyWindow:
        """Its own position."""
        return POINTWISE

    def saved(self, x: Shape, y: Shape) -> Saved:
        """Its input, mean and deviation of each channel, and the scale once for each example."""
        return Saved(inputs=(0,), made=(Kept((3 if self.scale else 2) * x.channels, "statistics"),))

    def torch(self, x: Shape) -> TorchCall:
        """`nn.InstanceNorm1d`, `2d` or `3d`, which have both of scale and shift or none."""
        if self.scale != self.shift:
            return torch_own(self, "InstanceNorm", x.channels)
        return TorchCall(f"nn.InstanceNorm{rank_suffix(x)}", (x.channels, float(self.eps)), {"affine": self.scale})

    examples = (
        Example(
            "by hand: 3*4*4 = 48 elements in 3 sets; 3*48 - 3 additions, 2*48 multiplications",
            image(3, 4, 4),
            {},
            image(3, 4, 4),
            {"params": 0, "additions": 141, "multiplications": 96, "divisions": 9, "transcendentals": 3},
        ),
        Example(
            "by hand: 2*5 = 10 elements in 2 sets; 4*10 - 2 additions, 3*10 multiplications",
            sequence(2, 5),
            {"scale": True, "shift": True},
            sequence(2, 5),
            {"params": 4, "additions": 38, "multiplications": 30, "divisions": 6, "connections": 0},
        ),
    )


@operator("lrn")
class LRN(Operator):
    """Local response normalisation across channels: x / (k + alpha * sum of squares of neighbours)^beta.

    Shapes:  unchanged.
    Counts:  for each element a square and the factor (2 multiplications), size - 1 additions and that of k, a
             power and a division; sums at the first and last channels count in full. connections = 0.
    Errors:  no-spatial-axes.
    Source:  Krizhevsky et al. 2012, section 3.3; torch.nn.LocalResponseNorm (alpha is divided by size there).
    """

    size: Dim = argument("count", "neighbouring channels in the sum", 5)
    alpha: Any = argument("number", "factor of the sum", Fraction(1, 10_000), 0)
    beta: Any = argument("number", "power", Fraction(3, 4), 0)
    k: Any = argument("number", "summand", 1, 0)

    def infer(self, x: Shape) -> Shape:
        """Output shape."""
        require_spatial(x, self.name)
        return x

    def parameters(self, x: Shape) -> Parameters:
        """Nothing stored."""
        return Parameters()

    def arithmetic(self, x: Shape, y: Shape) -> Arithmetic:
        """Squares, sums, a power and a division for each element."""
        return Arithmetic(
            additions=self.size * y.elements,
            multiplications=2 * y.elements,
            divisions=y.elements,
            transcendentals=y.elements,
            norm=y.elements,
        )

    def connections(self, x: Shape, y: Shape) -> Dim:
        """None: LeCun et al. count units with weights."""
        return 0

    def window(self, x: Shape) -> AnyWindow:
        """Its own position."""
        return POINTWISE

    def saved(self, x: Shape, y: Shape) -> Saved:
        """Its input, what it is divided by, the base of that power, and the squares with zeros around."""
        return Saved(inputs=(0,), made=(Kept(2 * x.elements), Kept((x.channels + self.size - 1) * x.positions)))

    def torch(self, x: Shape) -> TorchCall:
        """`nn.LocalResponseNorm`."""
        return TorchCall("nn.LocalResponseNorm", (self.size, float(self.alpha), float(self.beta), float(self.k)))

    examples = (
        Example(
            "Krizhevsky et al. 2012, section 3.3: 96 maps of 55x55, k = 2; by hand 5 and 2 times 290,400",
            image(96, 55, 55),
            {"size": 5, "k": 2},
            image(96, 55, 55),
            {"params": 0, "additions": 1_452_000, "multiplications": 580_800, "divisions": 290_400},
        ),
        Example(
            "by hand: 4*2*2 = 16 elements, sums of 3",
            image(4, 2, 2),
            {"size": 3},
            image(4, 2, 2),
            {"additions": 48, "multiplications": 32, "divisions": 16, "transcendentals": 16, "connections": 0},
        ),
    )

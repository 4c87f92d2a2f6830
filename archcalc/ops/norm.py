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
from archcalc.ops.base import POINTWISE, AnyWindow, Arithmetic, Example, Operator, Parameters, TorchCall, operator
from archcalc.ops.checks import require_channels, require_spatial, unchanged
from archcalc.ops.shape import Shape, features, image, rank_suffix, sequence

SCALE = "a trained factor for each channel"
SHIFT = "a trained summand for each channel"
EPS = "added to the variance, so that it is not 0; costs the same whatever it is"
_EPS = Fraction(1, 100_000)  # of torch, unless a network's definition has another one


def _affine(number: Dim, scale: bool, shift: bool) -> Dim:
    """That number for each of the trained scale and shift."""
    return number * ((1 if scale else 0) + (1 if shift else 0))


def _standardised(x: Shape, sets: Dim, scale: bool, shift: bool) -> Arithmetic:
    """Mean and variance of each set, then scale and shift."""
    return Arithmetic(
        additions=3 * x.elements - sets + (x.elements if shift else 0),
        multiplications=2 * x.elements + (x.elements if scale else 0),
        divisions=3 * sets,
        transcendentals=sets,
        norm=x.elements,
    )


def _torch_own(op: Any, module: str, *args: Any) -> TorchCall:
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
    eps: Any = argument("number", EPS, _EPS, 0)

    def infer(self, x: Shape) -> Shape:
        """Output shape."""
        return unchanged(x, self.name)

    def parameters(self, x: Shape) -> Parameters:
        """Scale and shift, and running mean and variance."""
        return Parameters(
            norm=_affine(x.channels, self.scale, self.shift), buffers=2 * x.channels if self.statistics else 0
        )

    def arithmetic(self, x: Shape, y: Shape) -> Arithmetic:
        """One multiplication and one addition for each element."""
        if self.statistics:
            return Arithmetic(additions=y.elements, multiplications=y.elements, norm=y.elements)
        return _standardised(x, x.channels, self.scale, self.shift)

    def connections(self, x: Shape, y: Shape) -> Dim:
        """None: LeCun et al. count units with weights."""
        return 0

    def window(self, x: Shape) -> AnyWindow:
        """Its own position."""
        return POINTWISE

    def torch(self, x: Shape) -> TorchCall:
        """`nn.BatchNorm1d`, `2d` or `3d`, which have both of scale and shift or none."""
        if self.scale != self.shift:
            return _torch_own(self, "BatchNorm", x.channels, self.statistics)
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


@operator("layer_norm")
class LayerNorm(Operator):
    """Layer normalisation of one example: over the channels of each position, or over all elements.

    Shapes:  unchanged.
    Counts:  norm = in for each of scale and shift, and one set of `in` elements at each position; where
             `whole`, norm = all elements for each, and one set. For E elements in s sets: additions = 3E - s
             + E (shift), multiplications = 2E + E (scale), divisions = 3s, transcendentals = s. connections =
             0.
    Errors:  no-channels.
    Source:  Ba et al. 2016, equation (4); torch.nn.LayerNorm; Liu et al. 2022 (ConvNeXt) for each position.
    """

    scale: bool = argument("flag", "a trained factor for each element of a set", True)
    shift: bool = argument("flag", "a trained summand for each element of a set", True)
    whole: bool = argument("flag", "one set of all elements, not one for each position", False)
    eps: Any = argument("number", EPS, _EPS, 0)

    def infer(self, x: Shape) -> Shape:
        """Output shape."""
        return unchanged(x, self.name)

    def parameters(self, x: Shape) -> Parameters:
        """Scale and shift for each element of a set."""
        number = x.elements if self.whole else x.channels
        return Parameters(norm=_affine(number, self.scale, self.shift))

    def arithmetic(self, x: Shape, y: Shape) -> Arithmetic:
        """Statistics of each set."""
        return _standardised(x, 1 if self.whole else x.positions, self.scale, self.shift)

    def connections(self, x: Shape, y: Shape) -> Dim:
        """None: LeCun et al. count units with weights."""
        return 0

    def window(self, x: Shape) -> AnyWindow:
        """Its own position."""
        return POINTWISE

    def torch(self, x: Shape) -> TorchCall:
        """`nn.LayerNorm`, which takes the last axes; channels that come first need a module of its own."""
        axes = (x.channels, *x.spatial)
        if (x.rank > 0 and not self.whole) or (self.shift and not self.scale):
            return _torch_own(self, "LayerNorm", axes, self.whole)
        named = {"elementwise_affine": self.scale, "bias": self.shift, "eps": float(self.eps)}
        return TorchCall("nn.LayerNorm", (axes,), named)

    examples = (
        Example(
            "by hand: 768 channels at each of 197 positions: E = 151,296, s = 197; 4E - s, 3E and 3s",
            sequence(768, 197),
            {},
            sequence(768, 197),
            {"params": 1536, "additions": 604_987, "multiplications": 453_888, "divisions": 591},
        ),
        Example(
            "by hand: one set of 2*3*3 = 18, scale only; 3*18 - 1 additions, 3*18 multiplications",
            image(2, 3, 3),
            {"whole": True, "shift": False},
            image(2, 3, 3),
            {"params": 18, "additions": 53, "multiplications": 54, "divisions": 3, "transcendentals": 1},
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
    eps: Any = argument("number", EPS, _EPS, 0)

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
        return Parameters(norm=_affine(x.channels, self.scale, self.shift))

    def arithmetic(self, x: Shape, y: Shape) -> Arithmetic:
        """Statistics of each group."""
        return _standardised(x, self.groups, self.scale, self.shift)

    def connections(self, x: Shape, y: Shape) -> Dim:
        """None: LeCun et al. count units with weights."""
        return 0

    def window(self, x: Shape) -> AnyWindow:
        """Its own position."""
        return POINTWISE

    def torch(self, x: Shape) -> TorchCall:
        """`nn.GroupNorm`, which has both of scale and shift or none."""
        if self.scale != self.shift:
            return _torch_own(self, "GroupNorm", self.groups, x.channels)
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
    eps: Any = argument("number", EPS, _EPS, 0)

    def infer(self, x: Shape) -> Shape:
        """Output shape."""
        require_spatial(x, self.name)
        return x

    def parameters(self, x: Shape) -> Parameters:
        """Scale and shift."""
        return Parameters(norm=_affine(x.channels, self.scale, self.shift))

    def arithmetic(self, x: Shape, y: Shape) -> Arithmetic:
        """Statistics of each channel."""
        return _standardised(x, x.channels, self.scale, self.shift)

    def connections(self, x: Shape, y: Shape) -> Dim:
        """None: LeCun et al. count units with weights."""
        return 0

    def window(self, x: Shape) -> AnyWindow:
        """Its own position."""
        return POINTWISE

    def torch(self, x: Shape) -> TorchCall:
        """`nn.InstanceNorm1d`, `2d` or `3d`, which have both of scale and shift or none."""
        if self.scale != self.shift:
            return _torch_own(self, "InstanceNorm", x.channels)
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


@operator("rms_norm")
class RMSNorm(Operator):
    """Root mean square normalisation of the channels of each position, of each head by itself.

    Shapes:  unchanged.
    Counts:  norm = in / heads: all heads share the scale. A set of n: n squares, n - 1 additions, 1 division, 1
             addition, a root, its reciprocal, n multiplications; for E elements in s = heads * positions sets:
             additions = E, multiplications = 2E + E (scale), divisions = 2s, transcendentals = s.
             connections = 0.
    Errors:  no-channels, indivisible-heads.
    Source:  Zhang and Sennrich 2019, equation (4); torch.nn.RMSNorm; Yang et al. 2025 (Qwen3), section 2, for
             norms of heads.
    """

    scale: bool = argument("flag", "a trained factor for each channel of a head", True)
    heads: Dim = argument("count", "parts of the channels, each a set of its own", 1)
    eps: Any = argument("number", "added to the mean square; none: the machine epsilon of the data type", None, 0)

    def infer(self, x: Shape) -> Shape:
        """Output shape."""
        require_channels(x, self.name)
        require_divides(
            self.heads, x.channels, "indivisible-heads", "{number} channels do not divide into {divisor} heads"
        )
        return x

    def parameters(self, x: Shape) -> Parameters:
        """Scale."""
        return Parameters(norm=_affine(x.channels // self.heads, self.scale, False))

    def arithmetic(self, x: Shape, y: Shape) -> Arithmetic:
        """The mean square of each position."""
        sets = self.heads * x.positions
        return Arithmetic(
            additions=x.elements,
            multiplications=2 * x.elements + (x.elements if self.scale else 0),
            divisions=2 * sets,
            transcendentals=sets,
            norm=x.elements,
        )

    def connections(self, x: Shape, y: Shape) -> Dim:
        """None: LeCun et al. count units with weights."""
        return 0

    def window(self, x: Shape) -> AnyWindow:
        """Its own position."""
        return POINTWISE

    def torch(self, x: Shape) -> TorchCall:
        """`nn.RMSNorm`, which takes the last axes; channels that come first need a module of its own."""
        eps = None if self.eps is None else float(self.eps)
        if x.rank == 0 and self.heads == 1:
            return TorchCall("nn.RMSNorm", (x.channels,), {"elementwise_affine": self.scale, "eps": eps})
        return TorchCall("archcalc.RMSNorm", (x.channels // self.heads,), {"scale": self.scale, "eps": eps})

    examples = (
        Example(
            "by hand: 16 channels: 16 squares, 15 + 1 additions, 16 divisions as a factor, 16 scales",
            features(16),
            {},
            features(16),
            {"params": 16, "additions": 16, "multiplications": 48, "divisions": 2, "transcendentals": 1},
        ),
        Example(
            "by hand: 4 channels at each of 3 positions, without scale",
            sequence(4, 3),
            {"scale": False},
            sequence(4, 3),
            {"params": 0, "additions": 12, "multiplications": 24, "divisions": 6, "connections": 0},
        ),
        Example(
            "Yang et al. 2025, section 2: norm of queries, 32 heads of 128; by hand 32*3 sets at 3 positions",
            sequence(4096, 3),
            {"heads": 32},
            sequence(4096, 3),
            {"params": 128, "additions": 12_288, "divisions": 192, "transcendentals": 96},
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

"""Normalisation over the channels of a position, or over other axes of one example; counted as `norm` says."""

from __future__ import annotations

from typing import Any

from archcalc.dims import Dim, RequirementError, prod, require_divides
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
from archcalc.ops.checks import require_channels
from archcalc.ops.norm import EPS, EPS_OF_TORCH, affine, standardised, torch_own
from archcalc.ops.shape import Shape, features, image, sequence


@operator("layer_norm")
class LayerNorm(Operator):
    """Layer normalisation of one example: over the channels of each position, over other axes, or over all elements.

    Shapes:  unchanged.
    Counts:  norm = in for each of scale and shift, and one set of `in` elements at each position; with `heads`,
             norm = in / heads for each, which all heads share, and a set for each head of a position; where
             `whole`, norm = all elements for each, and one set; with `axes`, norm = product of their extents
             for each, and a set for each place along the other axes. For E elements in s sets: additions = 3E - s
             + E (shift), multiplications = 2E + E (scale), divisions = 3s, transcendentals = s. connections =
             0.
    Errors:  no-channels, no-such-axis, indivisible-heads.
    Source:  Ba et al. 2016, equation (4); torch.nn.LayerNorm; Liu et al. 2022 (ConvNeXt) for each position;
             Henry et al. 2020 and Dehghani et al. 2023, section 2 (norms of queries and keys), for heads.
    """

    scale: bool = argument("flag", "a trained factor for each element of a set", True)
    shift: bool = argument("flag", "a trained summand for each element of a set", True)
    whole: bool = argument("flag", "one set of all elements, not one for each position", False)
    eps: Any = argument("number", EPS, EPS_OF_TORCH, 0)
    axes: Any = argument(
        "extents", "axes of a set, by number: 0 the channels, from 1 on the extents; the channels alone", 0, 0
    )
    heads: Dim = argument("count", "parts of the channels, each a set of its own", 1)

    def _sets(self, x: Shape) -> tuple[dict[int, Dim], dict[int, Dim]]:
        """Sizes of the axes of a set, and of the others; the number of heads is an axis, too."""
        others: dict[int, Dim] = dict(enumerate((x.channels // self.heads, *x.spatial)))
        if self.whole:
            return others, {-1: self.heads}
        axes = self.axes if isinstance(self.axes, tuple) else (self.axes,)
        return {axis: others.pop(axis) for axis in axes}, {-1: self.heads, **others}

    def infer(self, x: Shape) -> Shape:
        """Output shape."""
        require_channels(x, self.name)
        axes = self.axes if isinstance(self.axes, tuple) else (self.axes,)
        left = dict(enumerate((x.channels, *x.spatial)))
        for axis in axes:
            if left.pop(axis, None) is None:
                raise RequirementError(
                    "no-such-axis",
                    f"layer_norm over axis {axis} needs an input that has it, and each axis once; it is {x.kind} {x}",
                    "axis 0 are the channels, from 1 on the extents",
                )
        require_divides(
            self.heads, x.channels, "indivisible-heads", "{number} channels do not divide into {divisor} heads"
        )
        return x

    def parameters(self, x: Shape) -> Parameters:
        """Scale and shift for each element of a set."""
        sizes, _ = self._sets(x)
        return Parameters(norm=affine(prod(sizes.values()), self.scale, self.shift))

    def arithmetic(self, x: Shape, y: Shape) -> Arithmetic:
        """Statistics of each set."""
        _, others = self._sets(x)
        return standardised(x, prod(others.values()), self.scale, self.shift)

    def connections(self, x: Shape, y: Shape) -> Dim:
        """None: LeCun et al. count units with weights."""
        return 0

    def window(self, x: Shape) -> AnyWindow:
        """Its own position."""
        return POINTWISE

    def saved(self, x: Shape, y: Shape) -> Saved:
        """Its input, and mean and deviation of what is normalised together."""
        return Saved(inputs=(0,), made=(Kept(2 * prod(self._sets(x)[1].values()), "statistics"),))

    def torch(self, x: Shape) -> TorchCall:
        """`nn.LayerNorm`, which takes the last axes; channels that come first need a module of its own."""
        sizes, others = self._sets(x)
        are_last = tuple(sizes) == tuple(range(x.rank + 1))[len(others) - 1 :]
        if self.heads != 1:
            return torch_own(self, "LayerNorm", sizes, self.heads)
        if not are_last or (self.shift and not self.scale):
            return torch_own(self, "LayerNorm", sizes)
        named = {"elementwise_affine": self.scale, "bias": self.shift, "eps": float(self.eps)}
        return TorchCall("nn.LayerNorm", (tuple(sizes.values()),), named)

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
        Example(
            "by hand: rows and columns of each of 2 channels: 2 sets of 3*4, scale and shift for each place",
            image(2, 3, 4),
            {"axes": (1, 2)},
            image(2, 3, 4),
            {"params": 24, "additions": 94, "multiplications": 72, "divisions": 6, "transcendentals": 2},
        ),
        Example(
            "by hand: 4 heads of 16 channels at 3 positions, scale and shift shared: E = 192, s = 12; 4E - s, 3E, 3s",
            sequence(64, 3),
            {"heads": 4},
            sequence(64, 3),
            {"params": 32, "additions": 756, "multiplications": 576, "divisions": 36, "transcendentals": 12},
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
        return Parameters(norm=affine(x.channels // self.heads, self.scale, False))

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

    def saved(self, x: Shape, y: Shape) -> Saved:
        """Its input, a factor for each root, and for the scale what it scales."""
        return Saved(inputs=(0,), made=(Kept(self.heads * x.positions), *([Kept(x.elements)] if self.scale else [])))

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


@operator("l2_norm")
class L2Norm(Operator):
    """Channels of each position divided by the root of their sum of squares, of each head by itself.

    Shapes:  unchanged.
    Counts:  nothing is stored. A set of n: n squares, n - 1 additions, a root, a comparison with the least
             that it is divided by, n divisions; for E elements in s = heads * positions sets: multiplications =
             divisions = E, additions = E - s, transcendentals = comparisons = s. connections = 0.
    Errors:  no-channels, indivisible-heads.
    Source:  Liu et al. 2022 (Swin V2), equation (2) (cosine attention); torch.nn.functional.normalize.
    """

    heads: Dim = argument("count", "parts of the channels, each a set of its own", 1)

    def infer(self, x: Shape) -> Shape:
        """Output shape."""
        require_channels(x, self.name)
        require_divides(
            self.heads, x.channels, "indivisible-heads", "{number} channels do not divide into {divisor} heads"
        )
        return x

    def parameters(self, x: Shape) -> Parameters:
        """Nothing stored."""
        return Parameters()

    def arithmetic(self, x: Shape, y: Shape) -> Arithmetic:
        """The sum of squares of each position."""
        sets = self.heads * x.positions
        return Arithmetic(
            additions=x.elements - sets,
            multiplications=x.elements,
            divisions=x.elements,
            comparisons=sets,
            transcendentals=sets,
            norm=x.elements,
        )

    def connections(self, x: Shape, y: Shape) -> Dim:
        """None: LeCun et al. count units with weights."""
        return 0

    def window(self, x: Shape) -> AnyWindow:
        """Its own position."""
        return POINTWISE

    def saved(self, x: Shape, y: Shape) -> Saved:
        """Its input, and of each set the root and what is divided by."""
        return Saved(inputs=(0,), made=(Kept(2 * self.heads * x.positions, "statistics"),))

    def torch(self, x: Shape) -> TorchCall:
        """A module of its own, on `torch.nn.functional.normalize`."""
        return TorchCall("archcalc.L2Norm", (x.channels // self.heads,))

    examples = (
        Example(
            "by hand: 16 channels: 16 squares, 15 additions, a root, 16 divisions",
            features(16),
            {},
            features(16),
            {"params": 0, "additions": 15, "multiplications": 16, "divisions": 16, "transcendentals": 1},
        ),
        Example(
            "Liu et al. 2022, equation (2): queries of 3 heads at 56x56; by hand 3*3136 sets of 32",
            image(96, 56, 56),
            {"heads": 3},
            image(96, 56, 56),
            {"additions": 291_648, "divisions": 301_056, "comparisons": 9_408, "connections": 0},
        ),
    )

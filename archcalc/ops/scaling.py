"""Factors: fixed ones, trained ones, and dropout, which is none at inference."""

from __future__ import annotations

from fractions import Fraction
from typing import Any

from archcalc.dims import Dim, require_at_least
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
from archcalc.ops.checks import unchanged
from archcalc.ops.shape import Shape, features, image, rank_suffix, sequence

IDENTITY = "identity at inference"
PROBABILITY = "share that training leaves out"


@operator("scale")
class Scale(Operator):
    """Multiplication by a fixed number.

    Shapes:  unchanged.
    Counts:  multiplications = outputs; connections = 0.
    Errors:  no-channels.
    Source:  Szegedy et al. 2017 (Inception-ResNet), section 3.3.
    """

    factor: Any = argument("number", "the number", at_least=-(2**62))

    def infer(self, x: Shape) -> Shape:
        """Output shape."""
        return unchanged(x, self.name)

    def parameters(self, x: Shape) -> Parameters:
        """Nothing stored."""
        return Parameters()

    def arithmetic(self, x: Shape, y: Shape) -> Arithmetic:
        """One multiplication for each element."""
        return Arithmetic(multiplications=y.elements)

    def connections(self, x: Shape, y: Shape) -> Dim:
        """None: LeCun et al. count units with weights."""
        return 0

    def window(self, x: Shape) -> AnyWindow:
        """Its own position."""
        return POINTWISE

    def torch(self, x: Shape) -> TorchCall:
        """A module of its own; torch has none."""
        return TorchCall("archcalc.Scale", (float(self.factor),))

    examples = (
        Example(
            "Szegedy et al. 2017, section 3.3: 256 maps of 35x35 scaled by 0.17; by hand 256*1225",
            image(256, 35, 35),
            {"factor": Fraction(17, 100)},
            image(256, 35, 35),
            {"params": 0, "macs": 0, "multiplications": 313_600},
        ),
        Example(
            "by hand: one multiplication for each of 5 features",
            features(5),
            {"factor": 2},
            features(5),
            {"multiplications": 5, "connections": 0},
        ),
    )


@operator("channel_scale")
class ChannelScale(Operator):
    """A trained factor for each channel, alone (LayerScale), or one for all of them.

    Shapes:  unchanged.
    Counts:  weights = in, or 1 where `shared`; multiplications = outputs; connections = outputs.
    Errors:  no-channels.
    Source:  Touvron et al. 2021 (CaiT), equation (4); Radford et al. 2021 (CLIP), section 2.5, for a single one.
    """

    shared: bool = argument("flag", "one factor for all channels", False)

    def infer(self, x: Shape) -> Shape:
        """Output shape."""
        return unchanged(x, self.name)

    def parameters(self, x: Shape) -> Parameters:
        """A factor for each channel."""
        return Parameters(weights=1 if self.shared else x.channels)

    def arithmetic(self, x: Shape, y: Shape) -> Arithmetic:
        """One multiplication for each element."""
        return Arithmetic(multiplications=y.elements)

    def connections(self, x: Shape, y: Shape) -> Dim:
        """One weight for each output."""
        return y.elements

    def window(self, x: Shape) -> AnyWindow:
        """Its own position."""
        return POINTWISE

    def saved(self, x: Shape, y: Shape) -> Saved:
        """Its input, for the gradient of the factors alone."""
        return Saved(inputs=(0,), for_weights=True)

    def torch(self, x: Shape) -> TorchCall:
        """A module of its own; torch has none."""
        return TorchCall("archcalc.ChannelScale", (1 if self.shared else x.channels,))

    examples = (
        Example(
            "Liu et al. 2022 (ConvNeXt-T), stage 1: 96 maps of 56x56; by hand 96*56*56",
            image(96, 56, 56),
            {},
            image(96, 56, 56),
            {"params": 96, "weights": 96, "macs": 0, "multiplications": 301_056},
        ),
        Example(
            "by hand: 4 factors at each of 3 positions",
            sequence(4, 3),
            {},
            sequence(4, 3),
            {"params": 4, "multiplications": 12, "connections": 12},
        ),
        Example(
            "Radford et al. 2021, section 2.5: the temperature, one trained scalar",
            features(1),
            {"shared": True},
            features(1),
            {"params": 1, "multiplications": 1, "connections": 1},
        ),
    )


def _dropped(x: Shape, op: Any) -> Shape:
    # of whole numbers: the share is a fraction, and never a polynomial
    require_at_least(
        op.p.denominator,
        op.p.numerator,
        "share-above-one",
        "{name} leaves out a share of at most 1; p is {share}",
        name=op.name,
        share=op.p,
    )
    return unchanged(x, op.name)


@operator("dropout")
class Dropout(Operator):
    """Dropout of single elements while training.

    Shapes:  unchanged.
    Counts:  none: it is the identity at inference.
    Errors:  no-channels, share-above-one.
    Source:  Srivastava et al. 2014, section 4; torch.nn.Dropout.
    """

    p: Any = argument("number", PROBABILITY, Fraction(1, 2), 0)

    in_place = True

    def infer(self, x: Shape) -> Shape:
        """Output shape."""
        return _dropped(x, self)

    def parameters(self, x: Shape) -> Parameters:
        """Nothing stored."""
        return Parameters()

    def arithmetic(self, x: Shape, y: Shape) -> Arithmetic:
        """None."""
        return Arithmetic.none(IDENTITY)

    def connections(self, x: Shape, y: Shape) -> Dim:
        """None."""
        return 0

    def window(self, x: Shape) -> AnyWindow:
        """Its own position."""
        return POINTWISE

    def saved(self, x: Shape, y: Shape) -> Saved:
        """Which elements are left out: on CPU as numbers that they are multiplied by."""
        return Saved(made=(Kept(x.elements, "mask"),))

    def torch(self, x: Shape) -> TorchCall:
        """`nn.Dropout`."""
        return TorchCall("nn.Dropout", (float(self.p),))

    examples = (
        Example(
            "Krizhevsky et al. 2012, section 4.2: half of 4096 features",
            features(4096),
            {},
            features(4096),
            {"params": 0, "macs": 0, "multiplications": 0, "comparisons": 0, "connections": 0},
        ),
        Example(
            "by hand: nothing at inference",
            sequence(3, 4),
            {"p": Fraction(1, 10)},
            sequence(3, 4),
            {"params": 0, "multiplications": 0},
        ),
    )


@operator("spatial_dropout")
class SpatialDropout(Operator):
    """Dropout of whole channels while training.

    Shapes:  unchanged.
    Counts:  none: it is the identity at inference.
    Errors:  no-channels, share-above-one.
    Source:  Tompson et al. 2015, section 3.2; torch.nn.Dropout2d.
    """

    p: Any = argument("number", PROBABILITY, Fraction(1, 2), 0)

    in_place = True

    def infer(self, x: Shape) -> Shape:
        """Output shape."""
        return _dropped(x, self)

    def parameters(self, x: Shape) -> Parameters:
        """Nothing stored."""
        return Parameters()

    def arithmetic(self, x: Shape, y: Shape) -> Arithmetic:
        """None."""
        return Arithmetic.none(IDENTITY)

    def connections(self, x: Shape, y: Shape) -> Dim:
        """None."""
        return 0

    def window(self, x: Shape) -> AnyWindow:
        """Its own position."""
        return POINTWISE

    def saved(self, x: Shape, y: Shape) -> Saved:
        """Which channels are left out."""
        return Saved(made=(Kept(x.channels, "mask"),))

    def torch(self, x: Shape) -> TorchCall:
        """`nn.Dropout1d`, `2d` or `3d`; of features, each is a channel."""
        target = "nn.Dropout" if x.rank == 0 else f"nn.Dropout{rank_suffix(x)}"
        return TorchCall(target, (float(self.p),))

    examples = (
        Example(
            "Paszke et al. 2016 (ENet), section 4: p = 0.01 in bottleneck 1",
            image(64, 128, 128),
            {"p": Fraction(1, 100)},
            image(64, 128, 128),
            {"params": 0, "macs": 0, "multiplications": 0, "connections": 0},
        ),
        Example(
            "by hand: nothing at inference",
            features(3),
            {},
            features(3),
            {"params": 0, "multiplications": 0},
        ),
    )


@operator("alpha_dropout")
class AlphaDropout(Operator):
    """Dropout that keeps mean and variance, while training.

    Shapes:  unchanged.
    Counts:  none: it is the identity at inference.
    Errors:  no-channels, share-above-one.
    Source:  Klambauer et al. 2017, section 3; torch.nn.AlphaDropout.
    """

    p: Any = argument("number", PROBABILITY, Fraction(1, 2), 0)

    in_place = True

    def infer(self, x: Shape) -> Shape:
        """Output shape."""
        return _dropped(x, self)

    def parameters(self, x: Shape) -> Parameters:
        """Nothing stored."""
        return Parameters()

    def arithmetic(self, x: Shape, y: Shape) -> Arithmetic:
        """None."""
        return Arithmetic.none(IDENTITY)

    def connections(self, x: Shape, y: Shape) -> Dim:
        """None."""
        return 0

    def window(self, x: Shape) -> AnyWindow:
        """Its own position."""
        return POINTWISE

    def saved(self, x: Shape, y: Shape) -> Saved:
        """Which elements are left out."""
        return Saved(made=(Kept(x.elements, "mask"),))

    def torch(self, x: Shape) -> TorchCall:
        """`nn.AlphaDropout`."""
        return TorchCall("nn.AlphaDropout", (float(self.p),))

    examples = (
        Example(
            "by hand: nothing at inference",
            features(8),
            {"p": Fraction(1, 20)},
            features(8),
            {"params": 0, "multiplications": 0, "connections": 0},
        ),
        Example("by hand: nothing at inference", image(2, 3, 3), {}, image(2, 3, 3), {"params": 0, "additions": 0}),
    )


@operator("drop_path")
class DropPath(Operator):
    """Leaving out a whole branch while training (stochastic depth).

    Shapes:  unchanged.
    Counts:  none: it is the identity at inference.
    Errors:  no-channels, share-above-one.
    Source:  Huang et al. 2016, section 3; Larsson et al. 2017, section 3.
    """

    p: Any = argument("number", PROBABILITY, Fraction(1, 2), 0)

    def infer(self, x: Shape) -> Shape:
        """Output shape."""
        return _dropped(x, self)

    def parameters(self, x: Shape) -> Parameters:
        """Nothing stored."""
        return Parameters()

    def arithmetic(self, x: Shape, y: Shape) -> Arithmetic:
        """None."""
        return Arithmetic.none(IDENTITY)

    def connections(self, x: Shape, y: Shape) -> Dim:
        """None."""
        return 0

    def window(self, x: Shape) -> AnyWindow:
        """Its own position."""
        return POINTWISE

    def saved(self, x: Shape, y: Shape) -> Saved:
        """Whether an example is left out."""
        return Saved(made=(Kept(1, "workspace"),))

    def torch(self, x: Shape) -> TorchCall:
        """A module of its own; torch has none."""
        return TorchCall("archcalc.DropPath", (float(self.p),))

    examples = (
        Example(
            "Larsson et al. 2017, section 4: p = 0.15 at a join",
            image(128, 56, 56),
            {"p": Fraction(15, 100)},
            image(128, 56, 56),
            {"params": 0, "macs": 0, "connections": 0},
        ),
        Example("by hand: nothing at inference", features(4), {}, features(4), {"params": 0, "multiplications": 0}),
    )

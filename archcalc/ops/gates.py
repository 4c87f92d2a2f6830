"""Activations that are more than a formula of one element: GELU with its variants, PReLU, GLU, maxout."""

from __future__ import annotations

from archcalc.dims import Dim, require_divides
from archcalc.ops.arguments import argument
from archcalc.ops.base import (
    OWN_INPUT,
    POINTWISE,
    AnyWindow,
    Arithmetic,
    Example,
    Operator,
    Parameters,
    Saved,
    TorchCall,
    operator,
)
from archcalc.ops.checks import require_channels, unchanged
from archcalc.ops.shape import Shape, features, image, sequence


@operator("gelu")
class GELU(Operator):
    """Gaussian error linear unit: x times the share of a normal distribution below x.

    Shapes:  unchanged.
    Counts:  0.5 * x * (1 + erf(x * 0.7071...)): for each element 3 multiplications, 1 addition, 1
             transcendental; approximate, 0.5 * x * (1 + tanh(0.7978... * (x + 0.044715 * x * x * x))): 6, 2
             and 1. activation = outputs; connections = 0.
    Errors:  no-channels.
    Source:  Hendrycks and Gimpel 2016, section 2; torch.nn.GELU.
    """

    approximate: bool = argument("flag", "the formula with tanh", False)

    def infer(self, x: Shape) -> Shape:
        """Output shape."""
        return unchanged(x, self.name)

    def parameters(self, x: Shape) -> Parameters:
        """Nothing stored."""
        return Parameters()

    def arithmetic(self, x: Shape, y: Shape) -> Arithmetic:
        """The operations of the formula for each element."""
        return Arithmetic(
            additions=2 * y.elements if self.approximate else y.elements,
            multiplications=6 * y.elements if self.approximate else 3 * y.elements,
            transcendentals=y.elements,
            activation=y.elements,
        )

    def connections(self, x: Shape, y: Shape) -> Dim:
        """None: LeCun et al. count units with weights."""
        return 0

    def window(self, x: Shape) -> AnyWindow:
        """Its own position."""
        return POINTWISE

    def saved(self, x: Shape, y: Shape) -> Saved:
        """Its input."""
        return OWN_INPUT

    def torch(self, x: Shape) -> TorchCall:
        """`nn.GELU`."""
        return TorchCall("nn.GELU", (), {"approximate": "tanh" if self.approximate else "none"})

    examples = (
        Example(
            "by hand: the operations of the exact formula, 10 times",
            features(10),
            {},
            features(10),
            {"params": 0, "additions": 10, "multiplications": 30, "transcendentals": 10},
        ),
        Example(
            "by hand: the operations of the formula with tanh, 4*6 times",
            sequence(4, 6),
            {"approximate": True},
            sequence(4, 6),
            {"additions": 48, "multiplications": 144, "transcendentals": 24, "connections": 0},
        ),
    )


@operator("prelu")
class PReLU(Operator):
    """Parametric rectified linear unit: a trained slope below zero.

    Shapes:  unchanged.
    Counts:  weights = in, or 1 where shared; for each element 1 comparison and 1 multiplication; activation =
             outputs; connections = 0.
    Errors:  no-channels.
    Source:  He et al. 2015, equation (1); torch.nn.PReLU (whose default is one shared slope).
    """

    shared: bool = argument("flag", "one slope for all channels", False)

    def infer(self, x: Shape) -> Shape:
        """Output shape."""
        return unchanged(x, self.name)

    def parameters(self, x: Shape) -> Parameters:
        """Slopes."""
        return Parameters(weights=1 if self.shared else x.channels)

    def arithmetic(self, x: Shape, y: Shape) -> Arithmetic:
        """A comparison and a multiplication for each element."""
        return Arithmetic(multiplications=y.elements, comparisons=y.elements, activation=y.elements)

    def connections(self, x: Shape, y: Shape) -> Dim:
        """None: LeCun et al. count units that sum."""
        return 0

    def window(self, x: Shape) -> AnyWindow:
        """Its own position."""
        return POINTWISE

    def saved(self, x: Shape, y: Shape) -> Saved:
        """Its input."""
        return OWN_INPUT

    def torch(self, x: Shape) -> TorchCall:
        """`nn.PReLU`."""
        return TorchCall("nn.PReLU", (1 if self.shared else x.channels,))

    examples = (
        Example(
            "Paszke et al. 2016 (ENet), authors' encoder.lua: after bottleneck 1.0; by hand 64*128*128",
            image(64, 128, 128),
            {},
            image(64, 128, 128),
            {"params": 64, "weights": 64, "macs": 0, "comparisons": 1_048_576, "multiplications": 1_048_576},
        ),
        Example(
            "by hand: one slope for 10 features",
            features(10),
            {"shared": True},
            features(10),
            {"params": 1, "comparisons": 10, "multiplications": 10, "connections": 0},
        ),
    )


@operator("glu")
class GLU(Operator):
    """Gated linear unit: the first half of the channels times the logistic function of the second.

    Shapes:  (in, extent...) -> (in/2, extent...).
    Counts:  for each output 1 transcendental, 1 addition, 1 division, 1 multiplication; activation = outputs;
             connections = 0.
    Errors:  no-channels, odd-channels.
    Source:  Dauphin et al. 2017, equation (1); torch.nn.GLU along dimension 1.
    """

    def infer(self, x: Shape) -> Shape:
        """Output shape."""
        require_channels(x, self.name)
        require_divides(2, x.channels, "odd-channels", "{number} channels have no halves")
        return Shape(x.channels // 2, x.spatial)

    def parameters(self, x: Shape) -> Parameters:
        """Nothing stored."""
        return Parameters()

    def arithmetic(self, x: Shape, y: Shape) -> Arithmetic:
        """A logistic function and a product for each output."""
        return Arithmetic(
            additions=y.elements,
            multiplications=y.elements,
            divisions=y.elements,
            transcendentals=y.elements,
            activation=y.elements,
        )

    def connections(self, x: Shape, y: Shape) -> Dim:
        """None: LeCun et al. count units with weights."""
        return 0

    def window(self, x: Shape) -> AnyWindow:
        """Its own position."""
        return POINTWISE

    def saved(self, x: Shape, y: Shape) -> Saved:
        """Its input, both halves."""
        return OWN_INPUT

    def torch(self, x: Shape) -> TorchCall:
        """`nn.GLU` along the channels."""
        return TorchCall("nn.GLU", (1,))

    examples = (
        Example(
            "by hand: 8 channels give 4 at each of 5 positions",
            sequence(8, 5),
            {},
            sequence(4, 5),
            {"params": 0, "multiplications": 20, "additions": 20, "divisions": 20, "transcendentals": 20},
        ),
        Example(
            "by hand: 6 features give 3",
            features(6),
            {},
            features(3),
            {"multiplications": 3, "transcendentals": 3, "connections": 0},
        ),
    )


@operator("maxout")
class Maxout(Operator):
    """The largest of so many neighbouring channels.

    Shapes:  (in, extent...) -> (in/pieces, extent...).
    Counts:  comparisons = (pieces - 1) * outputs; activation = outputs; connections = 0.
    Errors:  no-channels, indivisible-channels.
    Source:  Goodfellow et al. 2013, section 2.
    """

    pieces: Dim = argument("count", "channels of which one is chosen")

    def infer(self, x: Shape) -> Shape:
        """Output shape."""
        require_channels(x, self.name)
        require_divides(
            self.pieces, x.channels, "indivisible-channels", "{number} channels do not divide into sets of {divisor}"
        )
        return Shape(x.channels // self.pieces, x.spatial)

    def parameters(self, x: Shape) -> Parameters:
        """Nothing stored."""
        return Parameters()

    def arithmetic(self, x: Shape, y: Shape) -> Arithmetic:
        """One comparison fewer than pieces for each output."""
        return Arithmetic(comparisons=x.elements - y.elements, activation=y.elements)

    def connections(self, x: Shape, y: Shape) -> Dim:
        """None: LeCun et al. count units with weights."""
        return 0

    def window(self, x: Shape) -> AnyWindow:
        """Its own position."""
        return POINTWISE

    def saved(self, x: Shape, y: Shape) -> Saved:
        """Its input and output, which tell the largest."""
        return Saved(inputs=(0,), output=True)

    def torch(self, x: Shape) -> TorchCall:
        """A module of its own; torch has none."""
        return TorchCall("archcalc.Maxout", (self.pieces,))

    examples = (
        Example(
            "Goodfellow et al. 2013, section 4.1: 240 units with 5 pieces each; by hand 4*240",
            features(1200),
            {"pieces": 5},
            features(240),
            {"params": 0, "macs": 0, "comparisons": 960, "connections": 0},
        ),
        Example(
            "by hand: one comparison at each of 3*4 outputs",
            sequence(6, 4),
            {"pieces": 2},
            sequence(3, 4),
            {"comparisons": 12},
        ),
    )

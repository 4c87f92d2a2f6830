"""Activations that are more than a formula of one element: GELU with its variants, PReLU, GLU, softmax."""

from __future__ import annotations

from archcalc.dims import Dim, RequirementError, require_divides
from archcalc.ops.arguments import argument
from archcalc.ops.base import POINTWISE, AnyWindow, Arithmetic, Example, Operator, Parameters, TorchCall, operator
from archcalc.ops.checks import require_channels, unchanged
from archcalc.ops.shape import Shape, features, image, sequence


def _exponentials(x: Shape) -> Arithmetic:
    """A softmax over the channels of each position."""
    return Arithmetic(
        additions=2 * x.elements - x.positions,
        divisions=x.elements,
        comparisons=x.elements - x.positions,
        transcendentals=x.elements,
        activation=x.elements,
    )


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


@operator("softmax")
class Softmax(Operator):
    """Softmax over the channels of each position.

    Shapes:  unchanged.
    Counts:  over n channels n - 1 comparisons (the largest), n subtractions, n transcendentals, n - 1
             additions and n divisions, at each position; activation = outputs; connections = 0.
    Errors:  no-channels.
    Source:  Bridle 1990, equation (12); torch.nn.Softmax along dimension 1.
    """

    def infer(self, x: Shape) -> Shape:
        """Output shape."""
        return unchanged(x, self.name)

    def parameters(self, x: Shape) -> Parameters:
        """Nothing stored."""
        return Parameters()

    def arithmetic(self, x: Shape, y: Shape) -> Arithmetic:
        """Exponentials, their sum and divisions."""
        return _exponentials(x)

    def connections(self, x: Shape, y: Shape) -> Dim:
        """None: LeCun et al. count units with weights."""
        return 0

    def window(self, x: Shape) -> AnyWindow:
        """Its own position."""
        return POINTWISE

    def torch(self, x: Shape) -> TorchCall:
        """`nn.Softmax` along the channels."""
        return TorchCall("nn.Softmax", (1,))

    examples = (
        Example(
            "by hand: 1000 classes; 999 comparisons, 1000 + 999 additions, 1000 exponentials and divisions",
            features(1000),
            {},
            features(1000),
            {"comparisons": 999, "additions": 1999, "transcendentals": 1000, "divisions": 1000},
        ),
        Example(
            "by hand: 3 channels at each of 4 positions: 2 comparisons, 5 additions each",
            image(3, 2, 2),
            {},
            image(3, 2, 2),
            {"params": 0, "comparisons": 8, "additions": 20, "divisions": 12, "connections": 0},
        ),
    )


@operator("softmax2d")
class Softmax2d(Operator):
    """Softmax over the channels of each pixel; `softmax` for images only, under torch's name.

    Shapes:  (in, height, width) unchanged.
    Counts:  as for `softmax`.
    Errors:  image-needed.
    Source:  torch.nn.Softmax2d.
    """

    def infer(self, x: Shape) -> Shape:
        """Output shape."""
        if x.kind != "image":
            raise RequirementError(
                "image-needed",
                f"{self.name} reads an image; its input is {x.kind} {x}",
                "softmax reads any input",
            )
        return x

    def parameters(self, x: Shape) -> Parameters:
        """Nothing stored."""
        return Parameters()

    def arithmetic(self, x: Shape, y: Shape) -> Arithmetic:
        """Exponentials, their sum and divisions."""
        return _exponentials(x)

    def connections(self, x: Shape, y: Shape) -> Dim:
        """None: LeCun et al. count units with weights."""
        return 0

    def window(self, x: Shape) -> AnyWindow:
        """Its own position."""
        return POINTWISE

    def torch(self, x: Shape) -> TorchCall:
        """`nn.Softmax2d`."""
        return TorchCall("nn.Softmax2d")

    examples = (
        Example(
            "by hand: 3 channels at each of 4 pixels: 2 comparisons, 5 additions each",
            image(3, 2, 2),
            {},
            image(3, 2, 2),
            {"comparisons": 8, "additions": 20, "transcendentals": 12, "divisions": 12},
        ),
        Example(
            "by hand: 20 classes at each of 6 pixels: 19 comparisons, 39 additions each",
            image(20, 2, 3),
            {},
            image(20, 2, 3),
            {"params": 0, "comparisons": 114, "additions": 234, "connections": 0},
        ),
    )


@operator("softmin")
class Softmin(Operator):
    """Softmax of the negated input, over the channels of each position.

    Shapes:  unchanged.
    Counts:  as for `softmax`; a change of sign is not counted.
    Errors:  no-channels.
    Source:  torch.nn.Softmin along dimension 1.
    """

    def infer(self, x: Shape) -> Shape:
        """Output shape."""
        return unchanged(x, self.name)

    def parameters(self, x: Shape) -> Parameters:
        """Nothing stored."""
        return Parameters()

    def arithmetic(self, x: Shape, y: Shape) -> Arithmetic:
        """Exponentials, their sum and divisions."""
        return _exponentials(x)

    def connections(self, x: Shape, y: Shape) -> Dim:
        """None: LeCun et al. count units with weights."""
        return 0

    def window(self, x: Shape) -> AnyWindow:
        """Its own position."""
        return POINTWISE

    def torch(self, x: Shape) -> TorchCall:
        """`nn.Softmin` along the channels."""
        return TorchCall("nn.Softmin", (1,))

    examples = (
        Example(
            "by hand: 10 features: 9 comparisons, 10 + 9 additions",
            features(10),
            {},
            features(10),
            {"comparisons": 9, "additions": 19, "transcendentals": 10, "divisions": 10},
        ),
        Example(
            "by hand: 3 channels at each of 5 positions: 2 comparisons, 5 additions each",
            sequence(3, 5),
            {},
            sequence(3, 5),
            {"params": 0, "comparisons": 10, "additions": 25, "connections": 0},
        ),
    )


@operator("log_softmax")
class LogSoftmax(Operator):
    """Logarithm of the softmax over the channels of each position.

    Shapes:  unchanged.
    Counts:  over n channels n - 1 comparisons (the largest), n subtractions, n exponentials, n - 1 additions,
             one logarithm and n subtractions of it, at each position; activation = outputs; connections = 0.
    Errors:  no-channels.
    Source:  torch.nn.LogSoftmax along dimension 1.
    """

    def infer(self, x: Shape) -> Shape:
        """Output shape."""
        return unchanged(x, self.name)

    def parameters(self, x: Shape) -> Parameters:
        """Nothing stored."""
        return Parameters()

    def arithmetic(self, x: Shape, y: Shape) -> Arithmetic:
        """Exponentials, their sum and its logarithm."""
        return Arithmetic(
            additions=3 * x.elements - x.positions,
            comparisons=x.elements - x.positions,
            transcendentals=x.elements + x.positions,
            activation=x.elements,
        )

    def connections(self, x: Shape, y: Shape) -> Dim:
        """None: LeCun et al. count units with weights."""
        return 0

    def window(self, x: Shape) -> AnyWindow:
        """Its own position."""
        return POINTWISE

    def torch(self, x: Shape) -> TorchCall:
        """`nn.LogSoftmax` along the channels."""
        return TorchCall("nn.LogSoftmax", (1,))

    examples = (
        Example(
            "by hand: 10 features: 9 comparisons, 10 + 9 + 10 additions, 10 exponentials and a logarithm",
            features(10),
            {},
            features(10),
            {"comparisons": 9, "additions": 29, "transcendentals": 11, "divisions": 0},
        ),
        Example(
            "by hand: 3 channels at each of 4 pixels: 2 comparisons, 8 additions, 4 transcendentals each",
            image(3, 2, 2),
            {},
            image(3, 2, 2),
            {"params": 0, "comparisons": 8, "additions": 32, "transcendentals": 16, "connections": 0},
        ),
    )

"""Softmax and its variants, over the channels of each position."""

from __future__ import annotations

from archcalc.dims import Dim, RequirementError
from archcalc.ops.base import (
    OWN_OUTPUT,
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
from archcalc.ops.checks import unchanged
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

    def saved(self, x: Shape, y: Shape) -> Saved:
        """Its output."""
        return OWN_OUTPUT

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

    def saved(self, x: Shape, y: Shape) -> Saved:
        """Its output."""
        return OWN_OUTPUT

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

    def saved(self, x: Shape, y: Shape) -> Saved:
        """Its output."""
        return OWN_OUTPUT

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

    def saved(self, x: Shape, y: Shape) -> Saved:
        """Its output."""
        return OWN_OUTPUT

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

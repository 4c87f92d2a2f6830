"""Merges of exactly two branches: difference and dot product."""

from __future__ import annotations

from archcalc.dims import Dim, RequirementError, require_equal
from archcalc.ops.base import (
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
from archcalc.ops.checks import require_channels
from archcalc.ops.shape import Shape, features, image, sequence

Shapes = tuple[Shape, ...]


def _pair(x: Shapes, name: str) -> Shape:
    """The one shape of both branches."""
    if len(x) != 2:
        raise RequirementError("two-branches-needed", f"{name} has two branches; {len(x)} are given")
    first, second = x
    require_channels(first, name)
    require_channels(second, name)
    if first.rank != second.rank:
        what = f"{name} needs branches of one shape; branches give {first.kind} {first} and {second.kind} {second}"
        raise RequirementError("shape-mismatch", what)
    for a, b in zip((first.channels, *first.spatial), (second.channels, *second.spatial), strict=True):
        require_equal(
            a,
            b,
            "shape-mismatch",
            "{name} needs branches of one shape; branches give {first} and {second}",
            name=name,
            first=first,
            second=second,
        )
    return first


@operator("sub")
class Sub(Operator):
    """Difference: the first branch less the second, element by element.

    Shapes:  two branches of one shape -> that shape.
    Counts:  additions = merge = outputs. connections = 0.
    Errors:  no-channels, shape-mismatch, two-branches-needed.
    Source:  torch.sub.
    """

    merges = True
    nests = False

    def infer(self, x: Shapes) -> Shape:
        """Output shape."""
        return _pair(x, self.name)

    def parameters(self, x: Shapes) -> Parameters:
        """Nothing stored."""
        return Parameters()

    def arithmetic(self, x: Shapes, y: Shape) -> Arithmetic:
        """One subtraction for each output."""
        return Arithmetic(additions=y.elements, merge=y.elements)

    def connections(self, x: Shapes, y: Shape) -> Dim:
        """None: LeCun et al. count units with weights."""
        return 0

    def window(self, x: Shapes) -> AnyWindow:
        """Its own position."""
        return POINTWISE

    def torch(self, x: Shapes) -> TorchCall:
        """`torch.sub`."""
        return TorchCall("torch.sub")

    examples = (
        Example(
            "by hand: 3*4*5 differences",
            (image(3, 4, 5), image(3, 4, 5)),
            {},
            image(3, 4, 5),
            {"params": 0, "macs": 0, "additions": 60, "connections": 0},
        ),
        Example("by hand: 7 differences", (features(7), features(7)), {}, features(7), {"additions": 7}),
    )


@operator("dot")
class Dot(Operator):
    """Dot product of two branches over the channels, at each position.

    Shapes:  (in, extent...) twice -> (1, extent...).
    Counts:  macs = in * positions. connections = 0: it has no weights.
    Errors:  no-channels, shape-mismatch, two-branches-needed.
    Source:  Radford et al. 2021 (CLIP), Figure 3: image and text features; torch.bmm.
    """

    merges = True
    nests = False

    def infer(self, x: Shapes) -> Shape:
        """Output shape."""
        return Shape(1, _pair(x, self.name).spatial)

    def parameters(self, x: Shapes) -> Parameters:
        """Nothing stored."""
        return Parameters()

    def arithmetic(self, x: Shapes, y: Shape) -> Arithmetic:
        """A product and a sum for each pair of elements."""
        return Arithmetic(macs=x[0].elements)

    def connections(self, x: Shapes, y: Shape) -> Dim:
        """None: LeCun et al. count units with weights."""
        return 0

    def window(self, x: Shapes) -> AnyWindow:
        """Its own position."""
        return POINTWISE

    def saved(self, x: Shapes, y: Shape) -> Saved:
        """Both branches."""
        return Saved(inputs=(0, 1))

    def torch(self, x: Shapes) -> TorchCall:
        """A module of its own, on `torch.bmm`."""
        return TorchCall("archcalc.Dot")

    examples = (
        Example(
            "Radford et al. 2021, Table 20: 512 features of an image and of a text (ViT-B/32)",
            (features(512), features(512)),
            {},
            features(1),
            {"params": 0, "macs": 512, "additions": 0, "connections": 0},
        ),
        Example(
            "by hand: 4 products at each of 3 positions",
            (sequence(4, 3), sequence(4, 3)),
            {},
            sequence(1, 3),
            {"macs": 12},
        ),
    )

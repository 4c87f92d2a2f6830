"""Merges of branches: concatenation, sum, product and mean."""

from __future__ import annotations

from typing import Any

from archcalc.dims import (
    Dim,
    RequirementError,
    maximum,
    require_at_least,
    require_equal,
    total,
)
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
from archcalc.ops.shape import Shape, features, image, sequence

Shapes = tuple[Shape, ...]
ALIGN = "crop cuts the other branches, centred, to the extents of the reference; none asks for equal extents"
REFERENCE = "the branch that align=crop cuts to, counted from 0; without it the first, whatever it is"
MISMATCH = "{name} needs branches of {what}; branches give {first} and {second}"
WORDS = ("crop",)


def _branch(x: Shapes, op: Any) -> Shape:
    """The branch that is the reference."""
    for branch in x:
        require_channels(branch, op.name)
    found = dict(enumerate(x)).get(op.reference)
    if found is None:
        raise RequirementError(
            "no-such-branch", f"{op.name} has branches 0 to {len(x) - 1}; reference is {op.reference}"
        )
    return found


def _reference(x: Shapes, op: Any) -> Shape:
    """The branch that gives the output's extents."""
    found = _branch(x, op)
    for branch in x:
        if branch.rank != found.rank:
            what = f"{op.name} needs branches of one rank; branches give {found.kind} {found}"
            raise RequirementError("shape-mismatch", f"{what} and {branch.kind} {branch}")
    return found


def _crop(x: Shapes, reference: Shape, name: str) -> tuple[Dim, ...]:
    for branch in x:
        for extent, kept in zip(branch.spatial, reference.spatial, strict=True):
            require_at_least(
                extent,
                kept,
                "crop-larger-than-input",
                "{name} with align=crop cuts branches to {first}; a branch gives {second}",
                help="reference=1 cuts to the second branch, reference=0, the default, to the first",
                name=name,
                first=reference,
                second=branch,
            )
    return reference.spatial


def _extents(x: Shapes, op: Any, what: str) -> tuple[Dim, ...]:
    """Extents that all branches have, or are cut to."""
    reference = _reference(x, op)
    if op.align == "crop":
        return _crop(x, reference, op.name)
    for branch in x:
        for extent, other in zip(reference.spatial, branch.spatial, strict=True):
            require_equal(
                extent,
                other,
                "shape-mismatch",
                MISMATCH,
                name=op.name,
                what=what,
                first=reference,
                second=branch,
            )
    return reference.spatial


def _require_channels_of(reference: Shape, branch: Shape, op: Any) -> None:
    require_equal(
        reference.channels,
        branch.channels,
        "shape-mismatch",
        MISMATCH,
        help="a 1x1 projection changes the channels of a branch",
        name=op.name,
        what="one shape",
        first=reference,
        second=branch,
    )


def _channels(x: Shapes, op: Any) -> Dim:
    """Channels that all branches have."""
    reference = _reference(x, op)
    for branch in x:
        _require_channels_of(reference, branch, op)
    channels: Dim = reference.channels
    return channels


def _repeated(x: Shapes, op: Any) -> Shape:
    """The largest extents; a branch of another extent is repeated, so its extent must be 1, or it has none at all."""
    maps = tuple(branch for branch in x if branch.rank != 0)
    if op.align == "crop" or len(maps) == 0:
        maps = x
    if op.align != "crop":  # then any reference that there is does
        _branch(x, op)
        op = op.of({})
    channels, reference = _channels(maps, op), _reference(maps, op)
    if op.align == "crop":
        return Shape(channels, _crop(x, reference, op.name))
    largest = reference.spatial
    for branch in maps:
        largest = tuple(maximum(a, b) for a, b in zip(largest, branch.spatial, strict=True))
    whole = Shape(channels, largest)
    for branch in x:
        require_channels(branch, op.name)
        _require_channels_of(whole, branch, op)
    for branch in maps:
        for extent, wanted in zip(branch.spatial, largest, strict=True):
            require_equal(
                (wanted - extent) * (extent - 1),  # without a choice, so that it stays a plain requirement
                0,
                "shape-mismatch",
                MISMATCH,
                help="only a branch of extent 1, or of features, is repeated",
                name=op.name,
                what="one shape",
                first=whole,
                second=branch,
            )
    return whole


def _torch_merge(x: Shapes, op: Any, function: str, module: str) -> TorchCall:
    """A function of two tensors where torch has one, else a module of any number of them."""
    if op.align == "crop":
        return TorchCall(f"archcalc.{module}", (), {"align": op.align, "reference": int(op.reference)})
    is_function = len(x) == 2 and x[0].rank == x[1].rank  # torch repeats an extent of 1, but adds no axes at the end
    return TorchCall(function) if is_function else TorchCall(f"archcalc.{module}")


@operator("concat")
class Concat(Operator):
    """Concatenation along the channels.

    Shapes:  (in_1, extent...), (in_2, extent...), ... -> (in_1 + in_2 + ..., extent...); with align=crop the
             extents of the reference.
    Counts:  none: it copies.
    Errors:  no-channels, shape-mismatch, crop-larger-than-input, no-such-branch.
    Source:  Szegedy et al. 2015, section 4; torch.cat along dimension 1; Ronneberger et al. 2015 for the
             crop.
    """

    align: str | None = argument("word", ALIGN, None, words=WORDS)
    reference: Any = argument("number", REFERENCE, 0, 0)

    merges = True

    def infer(self, x: Shapes) -> Shape:
        """Output shape."""
        extents = _extents(x, self, "one extent")
        return Shape(total(branch.channels for branch in x), extents)

    def parameters(self, x: Shapes) -> Parameters:
        """Nothing stored."""
        return Parameters()

    def arithmetic(self, x: Shapes, y: Shape) -> Arithmetic:
        """None."""
        return Arithmetic.none("copies")

    def connections(self, x: Shapes, y: Shape) -> Dim:
        """None: it joins no units."""
        return 0

    def window(self, x: Shapes) -> AnyWindow:
        """Its own position; a crop shifts nothing but where that lies."""
        return POINTWISE

    def torch(self, x: Shapes) -> TorchCall:
        """`torch.cat`, of a list of all branches."""
        if self.align == "crop":
            return TorchCall("archcalc.Concat", (), {"align": self.align, "reference": int(self.reference)})
        return TorchCall("torch.cat", (), {"dim": 1})

    examples = (
        Example(
            "Szegedy et al. 2015, Table 1: inception (3a), 64 + 128 + 32 + 32 maps of 28x28",
            (image(64, 28, 28), image(128, 28, 28), image(32, 28, 28), image(32, 28, 28)),
            {},
            image(256, 28, 28),
            {"params": 0, "macs": 0, "additions": 0, "connections": 0},
        ),
        Example(
            "Ronneberger et al. 2015 (U-Net), Figure 1: 512 maps of 64x64 cut to 56x56, and 512 of 56x56",
            (image(512, 56, 56), image(512, 64, 64)),
            {"align": "crop"},
            image(1024, 56, 56),
            {"params": 0, "macs": 0},
        ),
    )


@operator("add")
class Add(Operator):
    """Sum of the branches, element by element; features, and extents of 1, are repeated over those of the others.

    Shapes:  k branches of one shape, but for features and extents of 1 -> the largest extents; with align=crop
             those of the reference.
    Counts:  additions = (k - 1) * outputs; merge = outputs.
    Errors:  no-channels, shape-mismatch, crop-larger-than-input, no-such-branch.
    Source:  He et al. 2016, equation (1); Ho et al. 2020, appendix B, for features; torch.add.
    """

    align: str | None = argument("word", ALIGN, None, words=WORDS)
    reference: Any = argument("number", REFERENCE, 0, 0)

    merges = True

    def infer(self, x: Shapes) -> Shape:
        """Output shape."""
        return _repeated(x, self)

    def parameters(self, x: Shapes) -> Parameters:
        """Nothing stored."""
        return Parameters()

    def arithmetic(self, x: Shapes, y: Shape) -> Arithmetic:
        """One addition fewer than branches, for each output."""
        return Arithmetic(additions=(len(x) - 1) * y.elements, merge=y.elements)

    def connections(self, x: Shapes, y: Shape) -> Dim:
        """None: LeCun et al. count units with weights."""
        return 0

    def window(self, x: Shapes) -> AnyWindow:
        """Its own position."""
        return POINTWISE

    def torch(self, x: Shapes) -> TorchCall:
        """`torch.add` of two branches."""
        return _torch_merge(x, self, "torch.add", "Add")

    examples = (
        Example(
            "He et al. 2016, Table 1: a shortcut of conv2_x of ResNet-50; by hand 256*56*56 additions",
            (image(256, 56, 56), image(256, 56, 56)),
            {},
            image(256, 56, 56),
            {"params": 0, "macs": 0, "additions": 802_816, "connections": 0},
        ),
        Example(
            "by hand: two additions at each of 4*5 elements of three branches",
            (sequence(4, 5), sequence(4, 5), sequence(4, 5)),
            {},
            sequence(4, 5),
            {"additions": 40},
        ),
    )


def _products(x: Shapes, y: Shape, op: Any) -> Dim:
    """Elements of the products before the last, each as large as what it multiplies; what is cut is cut before."""
    plain = op.of({})  # the reference may be a branch that comes after a product; where nothing is cut, none is needed
    made = [y if op.align == "crop" else plain.infer(x[:count]) for count in range(2, len(x))]
    return sum(product.elements for product in made)


@operator("mul")
class Mul(Operator):
    """Product of the branches, element by element; features, and extents of 1, are repeated over those of the others.

    Shapes:  k branches of one shape, but for features and extents of 1 -> the largest extents; with align=crop
             those of the reference.
    Counts:  multiplications = (k - 1) * outputs; merge = outputs.
    Errors:  no-channels, shape-mismatch, crop-larger-than-input, no-such-branch.
    Source:  Hu et al. 2018 (squeeze and excitation), equation (4); torch.mul.
    """

    align: str | None = argument("word", ALIGN, None, words=WORDS)
    reference: Any = argument("number", REFERENCE, 0, 0)

    merges = True

    def infer(self, x: Shapes) -> Shape:
        """Output shape."""
        return _repeated(x, self)

    def parameters(self, x: Shapes) -> Parameters:
        """Nothing stored."""
        return Parameters()

    def arithmetic(self, x: Shapes, y: Shape) -> Arithmetic:
        """One multiplication fewer than branches, for each output."""
        return Arithmetic(multiplications=(len(x) - 1) * y.elements, merge=y.elements)

    def connections(self, x: Shapes, y: Shape) -> Dim:
        """None: LeCun et al. count units with weights."""
        return 0

    def window(self, x: Shapes) -> AnyWindow:
        """Its own position."""
        return POINTWISE

    def saved(self, x: Shapes, y: Shape) -> Saved:
        """All branches, and products before the last."""
        return Saved(inputs=tuple(range(len(x))), made=(Kept(_products(x, y, self)),))

    def torch(self, x: Shapes) -> TorchCall:
        """`torch.mul` of two branches."""
        return _torch_merge(x, self, "torch.mul", "Mul")

    examples = (
        Example(
            "Hu et al. 2018, equation (4): 256 maps of 56x56, each times its scale; by hand 256*56*56",
            (image(256, 56, 56), image(256, 1, 1)),
            {},
            image(256, 56, 56),
            {"params": 0, "macs": 0, "multiplications": 802_816},
        ),
        Example(
            "by hand: one multiplication for each of 7 features",
            (features(7), features(7)),
            {},
            features(7),
            {"multiplications": 7, "connections": 0},
        ),
    )


@operator("mean")
class Mean(Operator):
    """Mean of the branches, element by element.

    Shapes:  k branches of one shape -> that shape; with align=crop the extents of the reference.
    Counts:  additions = (k - 1) * outputs; divisions = outputs; merge = outputs.
    Errors:  no-channels, shape-mismatch, crop-larger-than-input, no-such-branch.
    Source:  Larsson et al. 2017 (FractalNet), section 2 (the join layer).
    """

    align: str | None = argument("word", ALIGN, None, words=WORDS)
    reference: Any = argument("number", REFERENCE, 0, 0)

    merges = True

    def infer(self, x: Shapes) -> Shape:
        """Output shape."""
        extents = _extents(x, self, "one shape")
        return Shape(_channels(x, self), extents)

    def parameters(self, x: Shapes) -> Parameters:
        """Nothing stored."""
        return Parameters()

    def arithmetic(self, x: Shapes, y: Shape) -> Arithmetic:
        """A sum and one division for each output."""
        return Arithmetic(additions=(len(x) - 1) * y.elements, divisions=y.elements, merge=y.elements)

    def connections(self, x: Shapes, y: Shape) -> Dim:
        """None: LeCun et al. count units with weights."""
        return 0

    def window(self, x: Shapes) -> AnyWindow:
        """Its own position."""
        return POINTWISE

    def torch(self, x: Shapes) -> TorchCall:
        """A module of its own: torch's mean is over one tensor."""
        return TorchCall("archcalc.Mean", (), {"align": self.align, "reference": int(self.reference)})

    examples = (
        Example(
            "Larsson et al. 2017, section 2: a join of two columns; by hand 128*56*56 sums and divisions",
            (image(128, 56, 56), image(128, 56, 56)),
            {},
            image(128, 56, 56),
            {"params": 0, "macs": 0, "additions": 401_408, "divisions": 401_408},
        ),
        Example(
            "by hand: three additions and a division for each of 6 features of four branches",
            (features(6), features(6), features(6), features(6)),
            {},
            features(6),
            {"additions": 18, "divisions": 6, "connections": 0},
        ),
    )

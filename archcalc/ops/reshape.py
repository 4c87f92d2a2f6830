"""Operators that move elements and compute nothing: flatten, pad, crop, shuffles, cuts of channels."""

from __future__ import annotations

from typing import Any

from archcalc.dims import Dim, RequirementError, require_at_least
from archcalc.ops.arguments import argument
from archcalc.ops.base import (
    GLOBAL,
    OWN_INPUT,
    POINTWISE,
    AnyWindow,
    Arithmetic,
    Example,
    Operator,
    Parameters,
    Saved,
    TorchCall,
    Window,
    operator,
)
from archcalc.ops.checks import require_channels, require_spatial
from archcalc.ops.shape import Shape, features, image, rank_suffix, sequence
from archcalc.ops.window import explicit_padding, pairs_per_axis, per_axis

COPIES = "copies"
SIDES = "a number for all sides, one for both sides of each axis, or for each axis a pair (before, after)"
PAD_MODULES = {"zeros": "ZeroPad", "reflect": "ReflectionPad", "replicate": "ReplicationPad"}


def _shifted(x: Shape, before: tuple[Dim, ...]) -> Window:
    """A window of one position that starts so far before the input."""
    ones = (1,) * x.rank
    return Window(kernel=ones, stride=ones, padding=before, dilation=ones)


def _torch_sides(pads: tuple[tuple[Dim, Dim], ...]) -> tuple[Dim, ...]:
    """Torch pads the last axis first."""
    return tuple(side for pair in reversed(pads) for side in pair)


@operator("flatten")
class Flatten(Operator):
    """All elements as one vector of features.

    Shapes:  (in, extent...) -> features(in * product(extent)).
    Counts:  none: it renames.
    Errors:  no-channels.
    Source:  torch.nn.Flatten.
    """

    views = True

    def infer(self, x: Shape) -> Shape:
        """Output shape."""
        require_channels(x, self.name)
        return Shape(x.elements)

    def parameters(self, x: Shape) -> Parameters:
        """Nothing stored."""
        return Parameters()

    def arithmetic(self, x: Shape, y: Shape) -> Arithmetic:
        """None."""
        return Arithmetic.none("only renames")

    def connections(self, x: Shape, y: Shape) -> Dim:
        """None: it joins no units."""
        return 0

    def window(self, x: Shape) -> AnyWindow:
        """All positions, since the vector has but one."""
        return POINTWISE if x.rank == 0 else GLOBAL

    def torch(self, x: Shape) -> TorchCall:
        """`nn.Flatten`."""
        return TorchCall("nn.Flatten")

    examples = (
        Example(
            "Simonyan and Zisserman 2015, Table 1: 512 maps of 7x7 before FC-4096",
            image(512, 7, 7),
            {},
            features(25_088),
            {"params": 0, "macs": 0, "connections": 0},
        ),
        Example("by hand: 3*5 elements", sequence(3, 5), {}, features(15), {"params": 0, "additions": 0}),
    )


@operator("pad")
class Pad(Operator):
    """Positions added around the input: zeros, or what lies near the edge.

    Shapes:  (in, extent...) -> (in, extent + before + after...). Of an image, padding=(1, 2) adds one row on
             each side and two columns on each side, padding=((1, 0), (2, 3)) one row above, two columns left
             and three right; of a sequence, padding=((1, 2),) one position before and two after.
    Counts:  none: it copies.
    Errors:  no-spatial-axes, axes-mismatch, reflection-larger-than-input.
    Source:  torch.nn.ZeroPad2d, ReflectionPad2d, ReplicationPad2d.
    """

    padding: Any = argument("padding", f"positions added: {SIDES}", at_least=0)
    mode: str = argument("word", "what is added", "zeros", words=tuple(PAD_MODULES))

    def infer(self, x: Shape) -> Shape:
        """Output shape."""
        require_spatial(x, self.name)
        pads = explicit_padding(self.padding, x.rank, 1, 1)
        if self.mode == "reflect":
            for extent, pair in zip(x.spatial, pads, strict=True):
                for side in pair:
                    require_at_least(
                        extent,
                        side + 1,
                        "reflection-larger-than-input",
                        "an extent of {value} reflects into fewer positions than padding needs",
                    )
        return Shape(x.channels, tuple(extent + sum(pair) for extent, pair in zip(x.spatial, pads, strict=True)))

    def parameters(self, x: Shape) -> Parameters:
        """Nothing stored."""
        return Parameters()

    def arithmetic(self, x: Shape, y: Shape) -> Arithmetic:
        """None."""
        return Arithmetic.none(COPIES)

    def connections(self, x: Shape, y: Shape) -> Dim:
        """None: it joins no units."""
        return 0

    def window(self, x: Shape) -> Window:
        """One position, shifted."""
        return _shifted(x, tuple(before for before, _ in explicit_padding(self.padding, x.rank, 1, 1)))

    def saved(self, x: Shape, y: Shape) -> Saved:
        """Nothing of zeros; else its input, of which torch needs no more than the size."""
        return Saved() if self.mode == "zeros" else OWN_INPUT

    def torch(self, x: Shape) -> TorchCall:
        """`nn.ZeroPad2d` and its like."""
        sides = _torch_sides(explicit_padding(self.padding, x.rank, 1, 1))
        return TorchCall(f"nn.{PAD_MODULES[self.mode]}{rank_suffix(x)}", (sides,))

    examples = (
        Example(
            "LeCun et al. 1998, section II.B: digits of 28x28 in a field of 32x32",
            image(1, 28, 28),
            {"padding": 2},
            image(1, 32, 32),
            {"params": 0, "macs": 0, "connections": 0},
        ),
        Example(
            "by hand: one row above and none below, 2 columns left and 3 right",
            image(3, 4, 5),
            {"padding": ((1, 0), (2, 3)), "mode": "replicate"},
            image(3, 5, 10),
            {"params": 0, "additions": 0},
        ),
    )


@operator("crop")
class Crop(Operator):
    """Positions cut away: down to a size, centred, or so many on each side.

    Shapes:  (in, extent...) -> (in, size...), or (in, extent - before - after...). Of an image, sides=(19, 25)
             cuts 19 rows on each side and 25 columns on each side, sides=((1, 2), (3, 4)) one row above and two
             below, three columns left and four right; of a sequence, sides=((19, 25),) cuts 19 positions before
             and 25 after, and sides=(19, 25) is refused: it has one axis.
    Counts:  none: it copies.
    Errors:  no-spatial-axes, axes-mismatch, crop-arguments, crop-larger-than-input.
    Source:  Ronneberger et al. 2015 (U-Net), section 2.
    """

    size: Any = argument("extents", "output extents; what is left over is cut, the larger half after", None)
    sides: Any = argument("padding", f"positions cut: {SIDES}", None, 0)

    def _sides(self, x: Shape) -> tuple[tuple[Dim, Dim], ...]:
        """Two numbers are those of two axes, on a sequence too, which has one: a pair is written as a pair."""
        sides = self.sides
        if isinstance(sides, tuple) and len(sides) == 2 * x.rank and not isinstance(sides[0], tuple):
            if x.rank == 1:
                raise RequirementError(
                    "axes-mismatch",
                    "sides has 2 numbers for an input with 1 spatial axis",
                    f"sides=(({sides[0]}, {sides[1]}),) cuts {sides[0]} before and {sides[1]} after",
                )
            return tuple(zip(sides[::2], sides[1::2], strict=True))
        return pairs_per_axis(sides, x.rank, "sides")

    def _cuts(self, x: Shape) -> tuple[tuple[Dim, Dim], ...]:
        require_spatial(x, self.name)
        if (self.size is None) == (self.sides is None):
            raise RequirementError("crop-arguments", "crop takes one of size and sides", "crop(size=28)")
        if self.size is None:
            cuts = self._sides(x)
        else:
            spare = [extent - kept for extent, kept in zip(x.spatial, per_axis(self.size, x.rank, "size"), strict=True)]
            cuts = tuple((left // 2, left - left // 2) for left in spare)
        for extent, (before, after) in zip(x.spatial, cuts, strict=True):
            require_at_least(
                before + after,
                0,
                "crop-larger-than-input",
                "crop cannot enlarge an extent of {extent}",
                help="pad enlarges",
                extent=extent,
            )
            require_at_least(
                extent - before - after,
                1,
                "crop-larger-than-input",
                "nothing is left of an extent of {extent}",
                extent=extent,
            )
        return cuts

    def infer(self, x: Shape) -> Shape:
        """Output shape."""
        cuts = self._cuts(x)
        return Shape(x.channels, tuple(extent - sum(pair) for extent, pair in zip(x.spatial, cuts, strict=True)))

    def parameters(self, x: Shape) -> Parameters:
        """Nothing stored."""
        return Parameters()

    def arithmetic(self, x: Shape, y: Shape) -> Arithmetic:
        """None."""
        return Arithmetic.none(COPIES)

    def connections(self, x: Shape, y: Shape) -> Dim:
        """None: it joins no units."""
        return 0

    def window(self, x: Shape) -> Window:
        """One position, shifted inwards."""
        return _shifted(x, tuple(-before for before, _ in self._cuts(x)))

    def torch(self, x: Shape) -> TorchCall:
        """`nn.ZeroPad1d`, `2d` or `3d` with negative numbers."""
        sides = tuple(-side for side in _torch_sides(self._cuts(x)))
        return TorchCall(f"nn.ZeroPad{rank_suffix(x)}", (sides,))

    examples = (
        Example(
            "Ronneberger et al. 2015, Figure 1: 64x64 cut to 56x56",
            image(512, 64, 64),
            {"size": 56},
            image(512, 56, 56),
            {"params": 0, "macs": 0, "connections": 0},
        ),
        Example(
            "by hand: 10 - 1 - 2 positions",
            sequence(2, 10),
            {"sides": ((1, 2),)},
            sequence(2, 7),
            {"params": 0, "additions": 0},
        ),
    )

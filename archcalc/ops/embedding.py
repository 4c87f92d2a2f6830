"""Tokens and positions as vectors: tables that are looked up, rotations, sinusoids."""

from __future__ import annotations

from fractions import Fraction
from typing import Any

from archcalc.dims import Dim, RequirementError, require_at_least, require_divides, require_equal
from archcalc.ops.arguments import argument
from archcalc.ops.base import (
    OWN_INPUT,
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
from archcalc.ops.checks import require_spatial, unchanged
from archcalc.ops.shape import Shape, features, sequence


@operator("embedding")
class Embedding(Operator):
    """A vector for each token, looked up in a table.

    Shapes:  tokens(length) -> (channels, length).
    Counts:  weights = entries * channels; no arithmetic: a row is looked up, not multiplied. connections = 0.
    Errors:  tokens-needed.
    Source:  Bengio et al. 2003, section 2 (the matrix C); torch.nn.Embedding.
    """

    entries: Dim = argument("count", "rows of the table: the size of the vocabulary")
    channels: Dim = argument("count", "channels of a row")

    looks_up = True

    def infer(self, x: Shape) -> Shape:
        """Output shape."""
        if x.kind != "tokens":
            raise RequirementError(
                "tokens-needed", f"embedding reads tokens; its input is {x.kind} {x}", "linear(...) reads channels"
            )
        return Shape(self.channels, x.spatial)

    def parameters(self, x: Shape) -> Parameters:
        """The table."""
        return Parameters(weights=self.entries * self.channels)

    def arithmetic(self, x: Shape, y: Shape) -> Arithmetic:
        """None."""
        return Arithmetic.none("looks up a row for each token")

    def connections(self, x: Shape, y: Shape) -> Dim:
        """None: it joins no units."""
        return 0

    def window(self, x: Shape) -> AnyWindow:
        """Its own position."""
        return POINTWISE

    def saved(self, x: Shape, y: Shape) -> Saved:
        """Its tokens."""
        return OWN_INPUT

    def torch(self, x: Shape) -> TorchCall:
        """`nn.Embedding` with its channels brought first."""
        return TorchCall("archcalc.Embedding", (self.entries, self.channels))

    examples = (
        Example(
            "Radford et al. 2019 (GPT-2), table of 50,257 tokens in 768 channels; by hand 50,257*768",
            Shape(None, (1024,)),
            {"entries": 50_257, "channels": 768},
            sequence(768, 1024),
            {"params": 38_597_376, "weights": 38_597_376, "macs": 0, "connections": 0},
        ),
        Example(
            "by hand: 5 rows of 3",
            Shape(None, (7,)),
            {"entries": 5, "channels": 3},
            sequence(3, 7),
            {"params": 15, "additions": 0, "multiplications": 0},
        ),
    )


@operator("position_embedding")
class PositionEmbedding(Operator):
    """A vector for each position, added to what stands there.

    Shapes:  unchanged.
    Counts:  weights = entries * in, or positions * in without `entries`; buffers where not `trained`; additions
             = merge = outputs. connections = 0.
    Errors:  no-spatial-axes, too-many-positions.
    Source:  Dosovitskiy et al. 2021 (ViT), equation (1); Devlin et al. 2019, section 3; Vaswani et al. 2017,
             section 3.5, for a table that is not trained.
    """

    entries: Any = argument("count", "rows of the table; as many as positions where not given", None)
    past: Dim = argument("count", "positions of earlier steps, before the first of these", 0, 0)
    trained: bool = argument("flag", "the table is trained, not computed once from a formula", True)

    looks_up = True

    def _rows(self, x: Shape) -> Dim:
        rows: Dim = self.past + x.positions if self.entries is None else self.entries
        return rows

    def infer(self, x: Shape) -> Shape:
        """Output shape."""
        require_spatial(x, self.name)
        require_at_least(
            self._rows(x),
            self.past + x.positions,
            "too-many-positions",
            "position_embedding has a row for each of {value} positions; number {minimum} is read",
            help="shorten the input, or give the table more entries",
        )
        return x

    def parameters(self, x: Shape) -> Parameters:
        """The table."""
        number = self._rows(x) * x.channels
        return Parameters(weights=number) if self.trained else Parameters(buffers=number)

    def arithmetic(self, x: Shape, y: Shape) -> Arithmetic:
        """One addition for each element."""
        return Arithmetic(additions=y.elements, merge=y.elements)

    def connections(self, x: Shape, y: Shape) -> Dim:
        """None: it joins no units."""
        return 0

    def window(self, x: Shape) -> AnyWindow:
        """Its own position."""
        return POINTWISE

    def torch(self, x: Shape) -> TorchCall:
        """A module of its own; torch has none."""
        return TorchCall(
            "archcalc.PositionEmbedding", (self._rows(x), x.channels), {"past": self.past, "trained": self.trained}
        )

    examples = (
        Example(
            "Dosovitskiy et al. 2021, section 3.1: 196 patches and a class token of ViT-B/16; by hand 197*768",
            sequence(768, 197),
            {},
            sequence(768, 197),
            {"params": 151_296, "macs": 0, "additions": 151_296},
        ),
        Example(
            "by hand: the tenth of 16 rows of 4 is added to one new position",
            sequence(4, 1),
            {"entries": 16, "past": 9, "trained": False},
            sequence(4, 1),
            {"params": 0, "buffers": 64, "additions": 4, "connections": 0},
        ),
    )


@operator("rotary")
class Rotary(Operator):
    """Rotary position embedding: pairs of channels turned by an angle that grows with the position.

    Shapes:  unchanged.
    Counts:  a pair (a, b) becomes (a*cos - b*sin, b*cos + a*sin): for each turned element 2 multiplications and
             1 addition, turned = part of the elements. The angles are not counted: all layers, heads and
             examples share them. connections = 0.
    Errors:  no-channels, share-above-one, indivisible-channels.
    Source:  Su et al. 2021 (RoFormer), equation (34).
    """

    part: Any = argument("number", "share of the channels of each head that is turned", 1, 0)

    def _turned(self, x: Shape) -> Dim:
        turned: Dim = x.channels * self.part.numerator // self.part.denominator
        return turned

    def infer(self, x: Shape) -> Shape:
        """Output shape."""
        y = unchanged(x, self.name)
        # of whole numbers: the share is a fraction, and never a polynomial
        require_at_least(
            self.part.denominator,
            self.part.numerator,
            "share-above-one",
            "rotary turns a share of at most 1; part is {part}",
            part=self.part,
        )
        require_divides(
            2 * self.part.denominator,
            x.channels * self.part.numerator,
            "indivisible-channels",
            "{part} of {channels} channels cannot be turned in pairs",
            part=self.part,
            channels=x.channels,
        )
        return y

    def parameters(self, x: Shape) -> Parameters:
        """Nothing stored."""
        return Parameters()

    def arithmetic(self, x: Shape, y: Shape) -> Arithmetic:
        """Two products and a sum for each element that is turned."""
        turned = self._turned(x) * x.positions
        return Arithmetic(additions=turned, multiplications=2 * turned)

    def connections(self, x: Shape, y: Shape) -> Dim:
        """None: it joins no units."""
        return 0

    def window(self, x: Shape) -> AnyWindow:
        """Its own position."""
        return POINTWISE

    def torch(self, x: Shape) -> TorchCall:
        """A module of its own; torch has none."""
        return TorchCall("archcalc.Rotary", (self._turned(x),))

    examples = (
        Example(
            "by hand: 4096 channels at 2 positions; 2 products and a sum for each of 8192 elements",
            sequence(4096, 2),
            {},
            sequence(4096, 2),
            {"params": 0, "macs": 0, "additions": 8192, "multiplications": 16_384},
        ),
        Example(
            "by hand: a quarter of 16 channels at 3 positions",
            sequence(16, 3),
            {"part": Fraction(1, 4)},
            sequence(16, 3),
            {"additions": 12, "multiplications": 24, "connections": 0},
        ),
    )


@operator("sinusoid")
class Sinusoid(Operator):
    """A number, such as a time, as sines and cosines of many frequencies.

    Shapes:  features(1) -> features(channels).
    Counts:  each output is the sine or cosine of the number times a frequency: multiplications =
             transcendentals = channels. The frequencies are fixed, and not counted. connections = 0.
    Errors:  no-channels, one-number-needed.
    Source:  Vaswani et al. 2017, section 3.5; Ho et al. 2020, appendix B.
    """

    channels: Dim = argument("count", "output features")

    def infer(self, x: Shape) -> Shape:
        """Output shape."""
        unchanged(x, self.name)
        require_equal(
            x.elements,
            1,
            "one-number-needed",
            "sinusoid reads one number; its input is {kind} {shape}",
            kind=x.kind,
            shape=x,
        )
        return features(self.channels)

    def parameters(self, x: Shape) -> Parameters:
        """Nothing stored."""
        return Parameters()

    def arithmetic(self, x: Shape, y: Shape) -> Arithmetic:
        """A product and a sine or cosine for each output."""
        return Arithmetic(multiplications=y.elements, transcendentals=y.elements)

    def connections(self, x: Shape, y: Shape) -> Dim:
        """None: it joins no units."""
        return 0

    def window(self, x: Shape) -> AnyWindow:
        """The one number."""
        return POINTWISE

    def saved(self, x: Shape, y: Shape) -> Saved:
        """Its angles, and the frequencies."""
        half = (self.channels + 1) // 2
        return Saved(made=(Kept(half * x.elements), Kept(half, shared=True)))

    def torch(self, x: Shape) -> TorchCall:
        """A module of its own; torch has none."""
        return TorchCall("archcalc.Sinusoid", (self.channels,))

    examples = (
        Example(
            "by hand: 320 sines and cosines, as in the U-Net of Rombach et al. 2022",
            features(1),
            {"channels": 320},
            features(320),
            {"params": 0, "macs": 0, "multiplications": 320, "transcendentals": 320},
        ),
        Example(
            "by hand: three of them",
            features(1),
            {"channels": 3},
            features(3),
            {"multiplications": 3, "connections": 0},
        ),
    )

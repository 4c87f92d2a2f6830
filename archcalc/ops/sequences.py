"""Sequences taken together, taken apart, remembered from step to step; images as sequences and back."""

from __future__ import annotations

from typing import Any

from archcalc.dims import Dim, minimum, require_at_least, require_equal, total
from archcalc.ops.arguments import argument
from archcalc.ops.base import POINTWISE, AnyWindow, Arithmetic, Example, Operator, Parameters, TorchCall, operator
from archcalc.ops.checks import require_channels, require_sequence, require_spatial
from archcalc.ops.shape import Shape, features, image, sequence

COPIES = "copies"
RENAMES = "only renames"


@operator("join")
class Join(Operator):
    """Sequences one after the other.

    Shapes:  (in, length_1), (in, length_2), ... -> (in, length_1 + length_2 + ...).
    Counts:  none: it copies.
    Errors:  sequence-needed, shape-mismatch.
    Source:  Dosovitskiy et al. 2021 (ViT), equation (1); torch.cat along dimension 2.
    """

    merges = True

    def infer(self, x: tuple[Shape, ...]) -> Shape:
        """Output shape."""
        for branch in x:
            require_sequence(branch, self.name)
            require_equal(
                x[0].channels,
                branch.channels,
                "shape-mismatch",
                "join needs branches of as many channels; branches give {first} and {second}",
                help="linear(...) changes the channels of a branch",
                first=x[0],
                second=branch,
            )
        return sequence(x[0].channels, total(branch.positions for branch in x))

    def parameters(self, x: tuple[Shape, ...]) -> Parameters:
        """Nothing stored."""
        return Parameters()

    def arithmetic(self, x: tuple[Shape, ...], y: Shape) -> Arithmetic:
        """None."""
        return Arithmetic.none(COPIES)

    def connections(self, x: tuple[Shape, ...], y: Shape) -> Dim:
        """None: it joins no units."""
        return 0

    def window(self, x: tuple[Shape, ...]) -> AnyWindow:
        """Its own position, of one branch."""
        return POINTWISE

    def torch(self, x: tuple[Shape, ...]) -> TorchCall:
        """A module of its own: `torch.cat` takes no branch without a batch."""
        return TorchCall("archcalc.Join")

    examples = (
        Example(
            "Dosovitskiy et al. 2021, equation (1): a class token before 196 patches",
            (sequence(768, 1), sequence(768, 196)),
            {},
            sequence(768, 197),
            {"params": 0, "macs": 0, "connections": 0},
        ),
        Example(
            "by hand: 2 + 3 + 4 positions",
            (sequence(5, 2), sequence(5, 3), sequence(5, 4)),
            {},
            sequence(5, 9),
            {"additions": 0},
        ),
    )


@operator("select_token")
class SelectToken(Operator):
    """The channels of one position.

    Shapes:  (in, length) -> features(in).
    Counts:  none: it copies.
    Errors:  sequence-needed, token-out-of-range.
    Source:  Devlin et al. 2019 (BERT), section 3: the first token stands for the whole.
    """

    index: Dim = argument("count", "position, counted from 0; the last is x.length - 1", at_least=0)

    views = True

    def infer(self, x: Shape) -> Shape:
        """Output shape."""
        require_sequence(x, self.name)
        require_at_least(
            x.positions,
            self.index + 1,
            "token-out-of-range",
            "select_token({index}) needs {minimum} positions; the input has {value}",
            index=self.index,
        )
        return features(x.channels)

    def parameters(self, x: Shape) -> Parameters:
        """Nothing stored."""
        return Parameters()

    def arithmetic(self, x: Shape, y: Shape) -> Arithmetic:
        """None."""
        return Arithmetic.none(COPIES)

    def connections(self, x: Shape, y: Shape) -> Dim:
        """None: it joins no units."""
        return 0

    def window(self, x: Shape) -> AnyWindow:
        """The one position."""
        return POINTWISE

    def torch(self, x: Shape) -> TorchCall:
        """A module of its own; torch has none."""
        return TorchCall("archcalc.SelectToken", (self.index,))

    examples = (
        Example(
            "Dosovitskiy et al. 2021, equation (4): the class token of 197",
            sequence(768, 197),
            {"index": 0},
            features(768),
            {"params": 0, "macs": 0, "connections": 0},
        ),
        Example("by hand: the last of 5", sequence(3, 5), {"index": 4}, features(3), {"additions": 0}),
    )


@operator("to_sequence")
class ToSequence(Operator):
    """All positions in a row, the last axis running first.

    Shapes:  (in, extent...) -> (in, product(extent)).
    Counts:  none: it renames.
    Errors:  no-spatial-axes.
    Source:  Carion et al. 2020 (DETR), section 3.2: the map's positions are the encoder's sequence;
             torch.nn.Flatten(2).
    """

    views = True

    def infer(self, x: Shape) -> Shape:
        """Output shape."""
        require_spatial(x, self.name)
        return sequence(x.channels, x.positions)

    def parameters(self, x: Shape) -> Parameters:
        """Nothing stored."""
        return Parameters()

    def arithmetic(self, x: Shape, y: Shape) -> Arithmetic:
        """None."""
        return Arithmetic.none(RENAMES)

    def connections(self, x: Shape, y: Shape) -> Dim:
        """None: it joins no units."""
        return 0

    def window(self, x: Shape) -> AnyWindow:
        """Its own position."""
        return POINTWISE

    def torch(self, x: Shape) -> TorchCall:
        """`nn.Flatten` from the first spatial axis on."""
        return TorchCall("nn.Flatten", (2,))

    examples = (
        Example(
            "Carion et al. 2020, section 3.2: 256 maps of 25x25, of an image of 800x800, as 625 positions",
            image(256, 25, 25),
            {},
            sequence(256, 625),
            {"params": 0, "macs": 0, "connections": 0},
        ),
        Example("by hand: 2*3*4 positions", Shape(5, (2, 3, 4)), {}, sequence(5, 24), {"additions": 0}),
    )


@operator("to_image")
class ToImage(Operator):
    """A sequence as rows of an image.

    Shapes:  (in, height*width) -> (in, height, width).
    Counts:  none: it renames.
    Errors:  sequence-needed, positions-mismatch.
    Source:  Zheng et al. 2021 (SETR), section 3.2; torch.nn.Unflatten.
    """

    height: Dim = argument("count", "rows")
    width: Dim = argument("count", "columns")

    views = True

    def infer(self, x: Shape) -> Shape:
        """Output shape."""
        require_sequence(x, self.name)
        require_equal(
            x.positions,
            self.height * self.width,
            "positions-mismatch",
            "to_image needs {b} positions for {height} rows of {width}; the input has {a}",
            height=self.height,
            width=self.width,
        )
        return image(x.channels, self.height, self.width)

    def parameters(self, x: Shape) -> Parameters:
        """Nothing stored."""
        return Parameters()

    def arithmetic(self, x: Shape, y: Shape) -> Arithmetic:
        """None."""
        return Arithmetic.none(RENAMES)

    def connections(self, x: Shape, y: Shape) -> Dim:
        """None: it joins no units."""
        return 0

    def window(self, x: Shape) -> AnyWindow:
        """Its own position."""
        return POINTWISE

    def torch(self, x: Shape) -> TorchCall:
        """`nn.Unflatten` of the positions."""
        return TorchCall("nn.Unflatten", (2, (self.height, self.width)))

    examples = (
        Example(
            "Zheng et al. 2021, section 3.2: 1024 patches of 16x16 of an image of 512x512 as a map of 32x32",
            sequence(1024, 1024),
            {"height": 32, "width": 32},
            image(1024, 32, 32),
            {"params": 0, "macs": 0, "connections": 0},
        ),
        Example("by hand: 6 = 2*3", sequence(4, 6), {"height": 2, "width": 3}, image(4, 2, 3), {"additions": 0}),
    )


@operator("repeat_channels")
class RepeatChannels(Operator):
    """All channels so many times over.

    Shapes:  (in, extent...) -> (in * times, extent...).
    Counts:  none: it copies.
    Errors:  no-channels.
    Source:  DeepSeek-AI 2024 (DeepSeek-V2), section 2.1.3: all heads share the key that holds the position;
             torch.Tensor.repeat.
    """

    times: Dim = argument("count", "how often")

    def infer(self, x: Shape) -> Shape:
        """Output shape."""
        require_channels(x, self.name)
        return Shape(x.channels * self.times, x.spatial)

    def parameters(self, x: Shape) -> Parameters:
        """Nothing stored."""
        return Parameters()

    def arithmetic(self, x: Shape, y: Shape) -> Arithmetic:
        """None."""
        return Arithmetic.none(COPIES)

    def connections(self, x: Shape, y: Shape) -> Dim:
        """None: it joins no units."""
        return 0

    def window(self, x: Shape) -> AnyWindow:
        """Its own position."""
        return POINTWISE

    def torch(self, x: Shape) -> TorchCall:
        """A module of its own; torch has none."""
        return TorchCall("archcalc.RepeatChannels", (self.times,))

    examples = (
        Example(
            "DeepSeek-AI 2024, section 3.1.2: one key of 64 channels for 128 heads; by hand 64*128",
            sequence(64, 10),
            {"times": 128},
            sequence(8192, 10),
            {"params": 0, "macs": 0, "connections": 0},
        ),
        Example("by hand: 3 channels twice", image(3, 2, 2), {"times": 2}, image(6, 2, 2), {"additions": 0}),
    )


@operator("cache")
class Cache(Operator):
    """What earlier steps gave, before what this one gives: keys, values or latents that are kept.

    A window of w positions counts the position itself, so that of earlier ones w - 1 are read.

    Shapes:  (in, length) -> (in, past + length), or (in, min(past, window - 1) + length).
    Counts:  none: it keeps. state = in * (past + length), or in * min(past + length, window - 1).
    Errors:  sequence-needed.
    Source:  Pope et al. 2022, section 2.1; Jiang et al. 2023 (Mistral), section 2, for a window.
    """

    past: Dim = argument("count", "positions of earlier steps", at_least=0)
    span: Any = argument("count", "positions that a query reads, its own included; all where not given", None,
                         name="window")  # fmt: skip

    def _kept(self, positions: Dim) -> Dim:
        """How many of so many positions a later step reads."""
        return positions if self.span is None else minimum(positions, self.span - 1)

    keeps = True

    def infer(self, x: Shape) -> Shape:
        """Output shape."""
        require_sequence(x, self.name)
        return sequence(x.channels, self._kept(self.past) + x.positions)

    def parameters(self, x: Shape) -> Parameters:
        """Nothing stored: what is kept is no parameter."""
        return Parameters()

    def arithmetic(self, x: Shape, y: Shape) -> Arithmetic:
        """None."""
        return Arithmetic.none("keeps what it is given")

    def state(self, x: Shape, y: Shape) -> Dim:
        """Positions that the next step reads."""
        number: Dim = x.channels * self._kept(self.past + x.positions)
        return number

    def connections(self, x: Shape, y: Shape) -> Dim:
        """None: it joins no units."""
        return 0

    def window(self, x: Shape) -> AnyWindow:
        """Its own position."""
        return POINTWISE

    def torch(self, x: Shape) -> TorchCall:
        """A module of its own, which gives zeros for earlier steps."""
        return TorchCall("archcalc.Cache", (self._kept(self.past),))

    examples = (
        Example(
            "Jiang et al. 2023, section 2: a window of 4096; by hand min(6000, 4095) positions and a new one",
            sequence(1024, 1),
            {"past": 6000, "window": 4096},
            sequence(1024, 4096),
            {"params": 0, "macs": 0, "state": 4_193_280, "connections": 0},
        ),
        Example(
            "by hand: 7 positions and 3 new ones, of 4 channels",
            sequence(4, 3),
            {"past": 7},
            sequence(4, 10),
            {"additions": 0, "state": 40},
        ),
    )

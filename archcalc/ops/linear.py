"""Layers that multiply all features of a position by a matrix: linear, radial basis functions, patches."""

from __future__ import annotations

from typing import Any

from archcalc.dims import Dim, prod, require_equal
from archcalc.ops.arguments import LayerReference, argument
from archcalc.ops.base import (
    GLOBAL,
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
    Window,
    operator,
)
from archcalc.ops.checks import require_channels, require_spatial
from archcalc.ops.shape import Shape, features, image, rank_suffix, sequence
from archcalc.ops.window import per_axis, slide, window_of


def _inputs(x: Shape) -> Dim:
    """Features that one output reads: those of its position in a sequence, else all."""
    channels: Dim = x.channels if x.kind == "sequence" else x.elements
    return channels


def _outputs(x: Shape, channels: Dim, name: str) -> Shape:
    require_channels(x, name)
    return Shape(channels, x.spatial if x.kind == "sequence" else ())


def _reach(x: Shape) -> AnyWindow:
    if x.kind == "sequence" or x.rank == 0:
        return POINTWISE
    return GLOBAL


def _tied_weights(tied: LayerReference) -> Dim:
    weights: Dim = _inputs(tied.x) * tied.y.channels
    return weights


@operator("linear")
class Linear(Operator):
    """Fully connected layer: reads all features of an image, those of each position of a sequence.

    Shapes:  features, image, volume -> features(channels); (in, length) -> (channels, length).
    Counts:  in = all features (of a position, for a sequence); weights = in * channels, none of its own where
             tied; biases = channels; macs = in * channels * positions; connections = (in + bias) * channels *
             positions.
    Errors:  no-channels, tie-mismatch.
    Source:  LeCun et al. 1998, section II.B (F6); torch.nn.Linear; Press and Wolf 2017 for tied weights.
    """

    channels: Dim = argument("count", "output features")
    bias: bool = argument("flag", "one added scalar for each output feature", True)
    tied: LayerReference | None = argument(
        "layer", "an earlier layer whose weights are used, transposed where needed", None, name="weights"
    )
    norm: Any = argument("operation", "normalisation that follows", None)
    activation: Any = argument("operation", "activation that follows", None)

    weighted = True

    def infer(self, x: Shape) -> Shape:
        """Output shape."""
        y = _outputs(x, self.channels, self.name)
        if self.tied is not None:
            require_channels(self.tied.y, self.tied.name)
            if self.tied.x.kind == "tokens":  # an embedding; shapes do not tell its vocabulary
                require_equal(
                    self.tied.y.channels,
                    _inputs(x),
                    "tie-mismatch",
                    "{layer} embeds in {a} channels; these weights read {b}",
                    layer=self.tied.name,
                )
            else:
                require_equal(
                    _tied_weights(self.tied),
                    _inputs(x) * self.channels,
                    "tie-mismatch",
                    "{layer} has {a} weights; {b} are needed here",
                    layer=self.tied.name,
                )
                require_equal(  # of either side of them, without a choice, so that it stays a plain requirement
                    (_inputs(x) - _inputs(self.tied.x)) * (_inputs(x) - self.tied.y.channels),
                    0,
                    "tie-mismatch",
                    "{layer} has weights of {read} by {given}; {wanted} by {channels} are needed here",
                    layer=self.tied.name,
                    read=_inputs(self.tied.x),
                    given=self.tied.y.channels,
                    wanted=_inputs(x),
                    channels=self.channels,
                )
        return y

    def parameters(self, x: Shape) -> Parameters:
        """Stored scalars; tied weights are stored by the layer that they are tied to."""
        return Parameters(
            weights=_inputs(x) * self.channels if self.tied is None else 0,
            biases=self.channels if self.bias else 0,
        )

    def arithmetic(self, x: Shape, y: Shape) -> Arithmetic:
        """A dot product and a bias for each output."""
        added = y.elements if self.bias else 0
        return Arithmetic(macs=_inputs(x) * y.elements, additions=added, bias=added)

    def connections(self, x: Shape, y: Shape) -> Dim:
        """Incoming weights and bias of each output."""
        return (_inputs(x) + (1 if self.bias else 0)) * y.elements

    def window(self, x: Shape) -> AnyWindow:
        """All positions; of a sequence, its own."""
        return _reach(x)

    def saved(self, x: Shape, y: Shape) -> Saved:
        """Its input, for the gradient of the weights alone."""
        return Saved(inputs=(0,), for_weights=True)

    def torch(self, x: Shape) -> TorchCall:
        """`nn.Linear`; at each position of a sequence, channels first, `nn.Conv1d` with a kernel of 1.

        Tied weights are given to each call, after the input.
        """
        if self.tied is not None:
            return TorchCall("archcalc.TiedLinear", (_inputs(x), self.channels), {"bias": self.bias})
        if x.rank == 1:
            return TorchCall("nn.Conv1d", (x.channels, self.channels, 1), {"bias": self.bias})
        call = TorchCall("nn.Linear", (x.elements, self.channels), {"bias": self.bias})
        return call if x.rank == 0 else TorchCall("nn.Sequential", (TorchCall("nn.Flatten"), call))

    examples = (
        Example(
            "LeCun et al. 1998, section II.B: F6 of LeNet-5",
            features(120),
            {"channels": 84},
            features(84),
            {"params": 10_164, "weights": 10_080, "biases": 84, "macs": 10_080, "connections": 10_164},
        ),
        Example(
            "Simonyan and Zisserman 2015, Table 1: FC-4096 after 512 maps of 7x7; by hand 25,088*4096",
            image(512, 7, 7),
            {"channels": 4096},
            features(4096),
            {"params": 102_764_544, "weights": 102_760_448, "macs": 102_760_448, "additions": 4096},
        ),
        Example(
            "by hand: 5*7 weights at each of 3 positions",
            sequence(5, 3),
            {"channels": 7, "bias": False},
            sequence(7, 3),
            {"params": 35, "macs": 105, "connections": 105},
        ),
    )


@operator("rbf")
class RBF(Operator):
    """Euclidean radial basis functions, LeNet's output layer: squared distance of the input to fixed codes.

    Shapes:  features, image, volume -> features(channels); (in, length) -> (channels, length).
    Counts:  buffers = in * channels (the codes are fixed by hand); for each output a subtraction and a
             multiplication for each input and a sum: additions = (2*in - 1) * outputs, multiplications = in *
             outputs; macs = 0; connections = in * outputs.
    Errors:  no-channels.
    Source:  LeCun et al. 1998, section II.B, equation (7).
    """

    channels: Dim = argument("count", "output units, one for each code")

    weighted = True

    def infer(self, x: Shape) -> Shape:
        """Output shape."""
        return _outputs(x, self.channels, self.name)

    def parameters(self, x: Shape) -> Parameters:
        """Fixed codes."""
        return Parameters(buffers=_inputs(x) * self.channels)

    def arithmetic(self, x: Shape, y: Shape) -> Arithmetic:
        """Differences, their squares and a sum for each output."""
        return Arithmetic(additions=(2 * _inputs(x) - 1) * y.elements, multiplications=_inputs(x) * y.elements)

    def connections(self, x: Shape, y: Shape) -> Dim:
        """Inputs of each output."""
        return _inputs(x) * y.elements

    def window(self, x: Shape) -> AnyWindow:
        """All positions; of a sequence, its own."""
        return _reach(x)

    def saved(self, x: Shape, y: Shape) -> Saved:
        """Differences from all codes."""
        return Saved(made=(Kept(self.channels * x.elements),))

    def torch(self, x: Shape) -> TorchCall:
        """A module of its own; torch has none."""
        return TorchCall("archcalc.RBF", (_inputs(x), self.channels))

    examples = (
        Example(
            "LeCun et al. 1998, section II.B: the output layer of LeNet-5, 84 inputs and 10 classes",
            features(84),
            {"channels": 10},
            features(10),
            {
                "params": 0,
                "buffers": 840,
                "macs": 0,
                "connections": 840,
                "additions": 1670,
                "multiplications": 840,
            },
        ),
        Example(
            "by hand: 3*2*2 = 12 inputs, 4 codes; 12 + 11 additions and 12 squares for each",
            image(3, 2, 2),
            {"channels": 4},
            features(4),
            {"params": 0, "buffers": 48, "connections": 48, "additions": 92, "multiplications": 48},
        ),
    )


@operator("patch_embedding")
class PatchEmbedding(Operator):
    """Patches of an image as a sequence: each patch, cut without overlap, times a matrix.

    Shapes:  (in, extent...) -> (channels, product(extent // patch)); what does not fill a patch is left out.
    Counts:  weights = in * product(patch) * channels; biases = channels; macs = weights * patches;
             connections = (weights + biases) * patches.
    Errors:  no-spatial-axes, axes-mismatch, window-larger-than-input.
    Source:  Dosovitskiy et al. 2021 (ViT), section 3.1 and equation (1).
    """

    channels: Dim = argument("count", "channels of a token")
    patch: Any = argument("extents", "extent of a patch, one number or one for each axis (height, width)")
    bias: bool = argument("flag", "one added scalar for each channel", True)
    norm: Any = argument("operation", "normalisation that follows", None)

    weighted = True

    def infer(self, x: Shape) -> Shape:
        """Output shape."""
        require_spatial(x, self.name)
        patch = per_axis(self.patch, x.rank, "patch")
        return Shape(self.channels, (prod(slide(x, patch, patch, 0)),))

    def parameters(self, x: Shape) -> Parameters:
        """Stored scalars."""
        taps = prod(per_axis(self.patch, x.rank, "patch"))
        return Parameters(weights=x.channels * taps * self.channels, biases=self.channels if self.bias else 0)

    def arithmetic(self, x: Shape, y: Shape) -> Arithmetic:
        """All weights at each patch."""
        added = y.elements if self.bias else 0
        return Arithmetic(macs=self.parameters(x).weights * y.positions, additions=added, bias=added)

    def connections(self, x: Shape, y: Shape) -> Dim:
        """Weights and biases, once for each patch."""
        stored = self.parameters(x)
        return (stored.weights + stored.biases) * y.positions

    def window(self, x: Shape) -> Window:
        """A patch, along the axes of the input."""
        return window_of(x, self.patch, self.patch, 0)

    def saved(self, x: Shape, y: Shape) -> Saved:
        """Its input, as of `conv`."""
        return OWN_INPUT

    def torch(self, x: Shape) -> TorchCall:
        """A convolution whose stride is its kernel, its positions then in a row."""
        patch = per_axis(self.patch, x.rank, "patch")
        named = {"kernel_size": patch, "stride": patch, "bias": self.bias}
        convolution = TorchCall(f"nn.Conv{rank_suffix(x)}", (x.channels, self.channels), named)
        return TorchCall("nn.Sequential", (convolution, TorchCall("nn.Flatten", (2,))))

    examples = (
        Example(
            "Dosovitskiy et al. 2021, Table 1: ViT-B/16 at 224; by hand 768*768 weights, 196 patches",
            image(3, 224, 224),
            {"channels": 768, "patch": 16},
            sequence(768, 196),
            {"params": 590_592, "weights": 589_824, "macs": 115_605_504},
        ),
        Example(
            "by hand: 2*4 patches of 2x1 from 5x4, the fifth row left out; 3*2*2 = 12 weights at each",
            image(3, 5, 4),
            {"channels": 2, "patch": (2, 1), "bias": False},
            sequence(2, 8),
            {"params": 12, "macs": 96, "connections": 96},
        ),
    )

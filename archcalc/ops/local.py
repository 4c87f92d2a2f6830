"""Windows that do not share their weights, or that lie where another layer says."""

from __future__ import annotations

from typing import Any

from archcalc.dims import Dim, RequirementError, prod, require_divides, require_equal
from archcalc.ops.arguments import argument
from archcalc.ops.base import (
    GLOBAL,
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
from archcalc.ops.checks import require_spatial
from archcalc.ops.shape import Shape, image, sequence
from archcalc.ops.window import PADDING_WORDS, all_padding, per_axis, slide, window_of

ZEROS = "zeros around the input: half, same, valid or numbers"


@operator("local")
class Local(Operator):
    """Locally connected layer: a convolution with weights of its own at every position.

    Shapes:  (in, extent...) -> (channels, extent'...), extents as for `conv`.
    Counts:  weights = in * channels * product(kernel) * product(extent'); biases = channels * product(extent'); macs
             = weights; connections = weights + biases.
    Errors:  no-spatial-axes, axes-mismatch, window-larger-than-input.
    Source:  LeCun 1989, section 5 (net-3, local without shared weights); Taigman et al. 2014 (DeepFace), section 3;
             keras.layers.LocallyConnected2D.
    """

    channels: Dim = argument("count", "output channels")
    kernel: Any = argument("extents", "extent of the window, one number or one for each axis (height, width)")
    stride: Any = argument("extents", "step between windows", 1)
    padding: Any = argument("padding", ZEROS, 0, 0, words=PADDING_WORDS)
    dilation: Any = argument("extents", "spacing of the taps of the kernel", 1)
    bias: bool = argument("flag", "one added scalar for each output", True)
    norm: Any = argument("operation", "normalisation that follows", None)
    activation: Any = argument("operation", "activation that follows", None)

    weighted = True

    def infer(self, x: Shape) -> Shape:
        """Output shape."""
        require_spatial(x, self.name)
        return Shape(self.channels, slide(x, self.kernel, self.stride, self.padding, self.dilation))

    def parameters(self, x: Shape) -> Parameters:
        """A kernel for each output."""
        outputs = self.channels * prod(slide(x, self.kernel, self.stride, self.padding, self.dilation))
        taps = prod(per_axis(self.kernel, x.rank, "kernel"))
        return Parameters(weights=x.channels * taps * outputs, biases=outputs if self.bias else 0)

    def arithmetic(self, x: Shape, y: Shape) -> Arithmetic:
        """Every weight once; positions over zero padding count as papers count them."""
        added = y.elements if self.bias else 0
        return Arithmetic(macs=self.parameters(x).weights, additions=added, bias=added)

    def connections(self, x: Shape, y: Shape) -> Dim:
        """Weights and biases, once each."""
        stored = self.parameters(x)
        return stored.weights + stored.biases

    def window(self, x: Shape) -> Window:
        """The kernel."""
        return window_of(x, self.kernel, self.stride, self.padding, self.dilation)

    def saved(self, x: Shape, y: Shape) -> Saved:
        """Its windows, one after the other: each input as often as it is read."""
        return Saved(made=(Kept(x.channels * prod(per_axis(self.kernel, x.rank, "kernel")) * y.positions),))

    def torch(self, x: Shape) -> TorchCall:
        """A module of its own; torch has none."""
        named = {
            "kernel_size": per_axis(self.kernel, x.rank, "kernel"),
            "stride": per_axis(self.stride, x.rank, "stride"),
            "padding": all_padding(x, self.kernel, self.stride, self.padding, self.dilation),
            "dilation": per_axis(self.dilation, x.rank, "dilation"),
            "bias": self.bias,
        }
        extents = slide(x, self.kernel, self.stride, self.padding, self.dilation)
        return TorchCall("archcalc.Local", (x.channels, self.channels, extents), named)

    examples = (
        Example(
            "Taigman et al. 2014, section 3.1: L4, 16 filters of 9x9 over 16 maps; by hand 55*55 outputs of each",
            image(16, 63, 63),
            {"channels": 16, "kernel": 9},
            image(16, 55, 55),
            {"params": 62_774_800, "macs": 62_726_400, "connections": 62_774_800},
        ),
        Example(
            "by hand: 2 channels of 3 taps for each of 4 channels at 5 positions",
            sequence(2, 7),
            {"channels": 4, "kernel": 3, "bias": False},
            sequence(4, 5),
            {"params": 120, "weights": 120, "macs": 120, "additions": 0},
        ),
    )


@operator("deform_conv")
class DeformConv(Operator):
    """Deformable convolution: each tap lies where its offset says, between four pixels.

    The first branch is the map, the second the offsets, two for each tap, or for each tap of so many parts of the
    channels; the third, where given, a factor for each tap (version 2).

    Shapes:  (in, height, width), (parts*2*product(kernel), height', width'), (parts*product(kernel), height', width')
             -> (channels, height', width'), extents as for `conv`.
    Counts:  weights, biases, macs and connections as for `conv`. For each tap of each input map at each output: 3
             interpolations, 6 additions and 3 multiplications, as `upsample` counts them, and with factors a
             multiplication more; for each offset an addition.
    Errors:  no-spatial-axes, axes-mismatch, image-needed, indivisible-groups, two-branches-needed, offsets-mismatch,
             window-larger-than-input.
    Source:  Dai et al. 2017, equations (2) to (4); Zhu et al. 2019, equation (1); torchvision.ops.deform_conv2d.
    """

    channels: Dim = argument("count", "output channels")
    kernel: Any = argument("extents", "extent of the window, one number or (height, width)")
    stride: Any = argument("extents", "step between windows", 1)
    padding: Any = argument("padding", "zeros around the input: half, valid or numbers", 0, 0, words=PADDING_WORDS)
    dilation: Any = argument("extents", "spacing of the taps of the kernel", 1)
    groups: Dim = argument("count", "independent groups of channels", 1)
    bias: bool = argument("flag", "one added scalar for each output channel", True)

    merges = True
    weighted = True

    def _taps(self) -> Dim:
        return prod(per_axis(self.kernel, 2, "kernel"))

    def infer(self, x: tuple[Shape, ...]) -> Shape:
        """Output shape."""
        if len(x) != 2 and len(x) != 3:
            raise RequirementError(
                "two-branches-needed",
                f"deform_conv has two branches, or three with factors; {len(x)} are given",
                "deform_conv(identity, conv(18, 3), channels=64, kernel=3)",
            )
        for branch in x:
            require_spatial(branch, self.name)
            if branch.kind != "image":
                raise RequirementError(
                    "image-needed", f"deform_conv reads images; a branch gives {branch.kind} {branch}"
                )
        source, offsets = x[0], x[1]
        for channels, side in ((source.channels, "input"), (self.channels, "output")):
            require_divides(
                self.groups,
                channels,
                "indivisible-groups",
                "{number} {side} channels do not divide into {divisor} groups",
                side=side,
            )
        extents = slide(source, self.kernel, self.stride, self.padding, self.dilation)
        require_divides(
            2 * self._taps(),
            offsets.channels,
            "offsets-mismatch",
            "{number} channels of offsets do not make two for each of {taps} taps",
            taps=self._taps(),
        )
        require_divides(
            offsets.channels,
            source.channels * 2 * self._taps(),
            "offsets-mismatch",
            "the parts of {divisor} offsets do not divide {channels} channels",
            channels=source.channels,
        )
        for branch in x[1:]:
            for extent, given in zip(extents, branch.spatial, strict=True):
                require_equal(
                    extent,
                    given,
                    "offsets-mismatch",
                    "deform_conv gives {wanted}; its offsets or factors are {got}",
                    wanted=Shape(self.channels, extents),
                    got=branch,
                )
        for factors in x[2:]:
            require_equal(
                2 * factors.channels,
                offsets.channels,
                "offsets-mismatch",
                "factors are one for each pair of offsets; there are {factors} for {b} offsets",
                factors=factors.channels,
            )
        return Shape(self.channels, extents)

    def parameters(self, x: tuple[Shape, ...]) -> Parameters:
        """Stored scalars."""
        return Parameters(
            weights=self.channels * (x[0].channels // self.groups) * self._taps(),
            biases=self.channels if self.bias else 0,
        )

    def arithmetic(self, x: tuple[Shape, ...], y: Shape) -> Arithmetic:
        """Interpolate every tap, then as a convolution."""
        sampled = x[0].channels * self._taps() * y.positions
        added = y.elements if self.bias else 0
        return Arithmetic(
            macs=self.parameters(x).weights * y.positions,
            additions=6 * sampled + x[1].elements + added,
            multiplications=(3 if len(x) == 2 else 4) * sampled,
            bias=added,
        )

    def connections(self, x: tuple[Shape, ...], y: Shape) -> Dim:
        """Weights and biases, once for each output position."""
        stored = self.parameters(x)
        return (stored.weights + stored.biases) * y.positions

    def window(self, x: tuple[Shape, ...]) -> AnyWindow:
        """Wherever the offsets point."""
        return GLOBAL

    def saved(self, x: tuple[Shape, ...], y: Shape) -> Saved:
        """All branches."""
        return Saved(inputs=tuple(range(len(x))))

    def torch(self, x: tuple[Shape, ...]) -> TorchCall:
        """`torchvision.ops.deform_conv2d` with weights of its own."""
        named = {
            "kernel_size": per_axis(self.kernel, 2, "kernel"),
            "stride": per_axis(self.stride, 2, "stride"),
            "padding": all_padding(x[0], self.kernel, self.stride, self.padding, self.dilation),
            "dilation": per_axis(self.dilation, 2, "dilation"),
            "groups": self.groups,
            "bias": self.bias,
        }
        return TorchCall("archcalc.DeformConv", (x[0].channels, self.channels), named)

    examples = (
        Example(
            "Dai et al. 2017, section 2.1: 3x3 with 18 offsets; by hand 4*2*9 weights at 25 places, 2*9*25 taps",
            (image(2, 5, 5), image(18, 5, 5)),
            {"channels": 4, "kernel": 3, "padding": 1, "bias": False},
            image(4, 5, 5),
            {"params": 72, "macs": 1800, "additions": 3150, "multiplications": 1350, "connections": 1800},
        ),
        Example(
            "Zhu et al. 2019, section 3.2: 9 factors beside; by hand as above, and a product for each tap",
            (image(2, 5, 5), image(18, 5, 5), image(9, 5, 5)),
            {"channels": 4, "kernel": 3, "padding": 1},
            image(4, 5, 5),
            {"params": 76, "macs": 1800, "additions": 3250, "multiplications": 1800},
        ),
    )

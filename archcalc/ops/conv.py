"""Convolutions of any rank: ordinary, depthwise, transposed."""

from __future__ import annotations

from typing import Any

from archcalc.dims import Dim, RequirementError, maximum, prod, require_at_least, require_divides, require_equal
from archcalc.ops.arguments import Table, argument
from archcalc.ops.base import OWN_INPUT, Arithmetic, Example, Operator, Parameters, Saved, TorchCall, Window, operator
from archcalc.ops.checks import require_spatial
from archcalc.ops.shape import Shape, image, rank_suffix, sequence
from archcalc.ops.window import (
    CAUSAL_WORDS,
    PADDING_WORDS,
    all_padding,
    causal_state,
    explicit_padding,
    per_axis,
    require_causal_sequence,
    slide,
    window_of,
)

ZEROS = "zeros around the input: half, same, valid or numbers; causal puts all of them before"


def _torch_window(
    target: str, x: Shape, window: tuple[Any, Any, Any, Any], args: tuple[Any, ...], **kwargs: Any
) -> TorchCall:
    """A torch module with the window's arguments; padding that torch cannot say is a module before it."""
    kernel, stride, padding, dilation = window
    pads = all_padding(x, kernel, stride, padding, dilation)
    even = all(before == after for before, after in pads)
    call = TorchCall(
        target,
        args,
        {
            "kernel_size": per_axis(kernel, x.rank, "kernel"),
            "stride": per_axis(stride, x.rank, "stride"),
            "padding": tuple(before if even else 0 for before, _ in pads),
            "dilation": per_axis(dilation, x.rank, "dilation"),
            **kwargs,
        },
    )
    if even:
        return call
    sides = tuple(side for pair in reversed(pads) for side in pair)  # torch pads the last axis first
    return TorchCall("nn.Sequential", (TorchCall(f"nn.ZeroPad{rank_suffix(x)}", (sides,)), call))


@operator("conv")
class Conv(Operator):
    """Convolution (cross-correlation) over any number of spatial axes, with groups or a connection table.

    Shapes:  (in, extent...) -> (channels, extent'...) with
             extent' = (extent + before + after - dilation*(kernel - 1) - 1)//stride + 1 along each axis.
    Counts:  weights = channels * in/groups * product(kernel), or connected pairs of maps * product(kernel);
             biases = channels; macs = weights * product(extent');
             connections = (weights + biases) * product(extent'); with causal padding state = in * dilation *
             (kernel - 1).
    Errors:  no-spatial-axes, axes-mismatch, indivisible-groups, table-mismatch, window-larger-than-input,
             sequence-needed.
    Source:  LeCun et al. 1998, section II.A, Table I (connection table); torch.nn.Conv2d (padding, dilation).
    """

    channels: Dim = argument("count", "output channels")
    kernel: Any = argument("extents", "extent of the window, one number or one for each axis (height, width)")
    stride: Any = argument("extents", "step between windows", 1)
    padding: Any = argument("padding", ZEROS, 0, 0, words=CAUSAL_WORDS)
    dilation: Any = argument("extents", "spacing of the taps of the kernel", 1)
    groups: Dim = argument("count", "independent groups of channels", 1)
    bias: bool = argument("flag", "one added scalar for each output channel", True)
    table: Table | None = argument("table", "which output map reads which input map", None, name="connections")
    norm: Any = argument("operation", "normalisation that follows", None)
    activation: Any = argument("operation", "activation that follows", None)

    weighted = True

    def infer(self, x: Shape) -> Shape:
        """Output shape."""
        require_spatial(x, self.name)
        require_causal_sequence(x, self.padding, self.name)
        require_divides(
            self.groups,
            x.channels,
            "indivisible-groups",
            "{number} input channels do not divide into {divisor} groups",
        )
        require_divides(
            self.groups,
            self.channels,
            "indivisible-groups",
            "{number} output channels do not divide into {divisor} groups",
        )
        if self.table is not None:
            require_equal(
                self.table.inputs,
                x.channels,
                "table-mismatch",
                "the connection table has {a} rows for {b} input channels",
                help="rows are input maps, columns are output maps",
            )
            require_equal(
                self.table.outputs,
                self.channels,
                "table-mismatch",
                "the connection table has {a} columns for {b} output channels",
                help="rows are input maps, columns are output maps",
            )
            require_equal(self.groups, 1, "table-mismatch", "a connection table says what groups would; groups is {a}")
        return Shape(self.channels, slide(x, self.kernel, self.stride, self.padding, self.dilation))

    def parameters(self, x: Shape) -> Parameters:
        """Stored scalars."""
        taps = prod(per_axis(self.kernel, x.rank, "kernel"))
        pairs = self.channels * (x.channels // self.groups) if self.table is None else self.table.connected
        return Parameters(weights=pairs * taps, biases=self.channels if self.bias else 0)

    def arithmetic(self, x: Shape, y: Shape) -> Arithmetic:
        """Elementary operations; positions over zero padding count as papers count them."""
        added = y.elements if self.bias else 0
        return Arithmetic(macs=self.parameters(x).weights * y.positions, additions=added, bias=added)

    def state(self, x: Shape, y: Shape) -> Dim:
        """With causal padding, the positions before that the next one reads."""
        return causal_state(x, self.kernel, self.padding, self.dilation)

    def connections(self, x: Shape, y: Shape) -> Dim:
        """Weights and biases, once for each output position."""
        stored = self.parameters(x)
        return (stored.weights + stored.biases) * y.positions

    def window(self, x: Shape) -> Window:
        """The kernel."""
        return window_of(x, self.kernel, self.stride, self.padding, self.dilation)

    def saved(self, x: Shape, y: Shape) -> Saved:
        """Its input, for the gradient of the weights; torch keeps it where they are frozen too."""
        return OWN_INPUT

    def torch(self, x: Shape) -> TorchCall:
        """`nn.Conv1d`, `nn.Conv2d` or `nn.Conv3d`; a table needs a module of its own."""
        window = (self.kernel, self.stride, self.padding, self.dilation)
        if self.table is not None:
            return _torch_window("archcalc.TableConv", x, window, (self.table.rows,), bias=self.bias)
        channels = (x.channels, self.channels)
        return _torch_window(f"nn.Conv{rank_suffix(x)}", x, window, channels, groups=self.groups, bias=self.bias)

    examples = (
        Example(
            "LeCun et al. 1998, section II.B: C1 of LeNet-5",
            image(1, 32, 32),
            {"channels": 6, "kernel": 5},
            image(6, 28, 28),
            {"params": 156, "macs": 117_600, "connections": 122_304},
        ),
        Example(
            "Krizhevsky et al. 2012 as published in Caffe (bvlc_alexnet): conv2, two groups",
            image(96, 27, 27),
            {"channels": 256, "kernel": 5, "padding": 2, "groups": 2},
            image(256, 27, 27),
            {"params": 307_456, "macs": 223_948_800},
        ),
        Example(
            "by hand: 4 filters of 3 taps spaced 2 apart over 2 channels; 16 + 4 - 4 = 16 positions",
            sequence(2, 16),
            {"channels": 4, "kernel": 3, "padding": 2, "dilation": 2, "bias": False},
            sequence(4, 16),
            {"params": 24, "macs": 384, "connections": 384},
        ),
    )


@operator("depthwise")
class Depthwise(Operator):
    """Depthwise convolution: each channel is filtered by itself.

    Shapes:  (in, extent...) -> (in*multiplier, extent'...), extents as for `conv`.
    Counts:  weights = in * multiplier * product(kernel); biases = in * multiplier; macs = weights *
             product(extent'); connections = (weights + biases) * product(extent'); with causal padding state =
             in * dilation * (kernel - 1).
    Errors:  no-spatial-axes, axes-mismatch, window-larger-than-input, sequence-needed.
    Source:  Sifre 2014, chapter 6.2; torch.nn.Conv2d with groups equal to the input channels.
    """

    kernel: Any = argument("extents", "extent of the window, one number or one for each axis (height, width)")
    stride: Any = argument("extents", "step between windows", 1)
    padding: Any = argument("padding", ZEROS, 0, 0, words=CAUSAL_WORDS)
    dilation: Any = argument("extents", "spacing of the taps of the kernel", 1)
    multiplier: Dim = argument("count", "output channels for each input channel", 1)
    bias: bool = argument("flag", "one added scalar for each output channel", True)
    norm: Any = argument("operation", "normalisation that follows", None)
    activation: Any = argument("operation", "activation that follows", None)

    weighted = True

    def infer(self, x: Shape) -> Shape:
        """Output shape."""
        require_spatial(x, self.name)
        require_causal_sequence(x, self.padding, self.name)
        return Shape(x.channels * self.multiplier, slide(x, self.kernel, self.stride, self.padding, self.dilation))

    def parameters(self, x: Shape) -> Parameters:
        """Stored scalars."""
        channels = x.channels * self.multiplier
        taps = prod(per_axis(self.kernel, x.rank, "kernel"))
        return Parameters(weights=channels * taps, biases=channels if self.bias else 0)

    def arithmetic(self, x: Shape, y: Shape) -> Arithmetic:
        """Elementary operations; positions over zero padding count as papers count them."""
        added = y.elements if self.bias else 0
        return Arithmetic(macs=self.parameters(x).weights * y.positions, additions=added, bias=added)

    def state(self, x: Shape, y: Shape) -> Dim:
        """With causal padding, the positions before that the next one reads."""
        return causal_state(x, self.kernel, self.padding, self.dilation)

    def connections(self, x: Shape, y: Shape) -> Dim:
        """Weights and biases, once for each output position."""
        stored = self.parameters(x)
        return (stored.weights + stored.biases) * y.positions

    def window(self, x: Shape) -> Window:
        """The kernel."""
        return window_of(x, self.kernel, self.stride, self.padding, self.dilation)

    def saved(self, x: Shape, y: Shape) -> Saved:
        """Its input, for the gradient of the weights; torch keeps it where they are frozen too."""
        return OWN_INPUT

    def torch(self, x: Shape) -> TorchCall:
        """A convolution with as many groups as input channels."""
        window = (self.kernel, self.stride, self.padding, self.dilation)
        channels = (x.channels, x.channels * self.multiplier)
        return _torch_window(f"nn.Conv{rank_suffix(x)}", x, window, channels, groups=x.channels, bias=self.bias)

    examples = (
        Example(
            "Howard et al. 2017 (MobileNet), Table 1: Conv dw / s1, 3x3x32 over 112x112",
            image(32, 112, 112),
            {"kernel": 3, "padding": "half", "bias": False},
            image(32, 112, 112),
            {"params": 288, "macs": 3_612_672},
        ),
        Example(
            "by hand: two filters of 3x3 on each of 4 channels, every other position of 8x8",
            image(4, 8, 8),
            {"kernel": 3, "stride": 2, "padding": 1, "multiplier": 2},
            image(8, 4, 4),
            {"params": 80, "macs": 1152, "connections": 1280},
        ),
        Example(
            "Gu and Dao 2023, section 3.4: 4 taps before the scan; by hand 4*1536 weights, 3 positions kept",
            sequence(1536, 64),
            {"kernel": 4, "padding": "causal"},
            sequence(1536, 64),
            {"params": 7680, "macs": 393_216, "state": 4608},
        ),
    )


@operator("deconv")
class Deconv(Operator):
    """Transposed convolution: every input position adds a weighted kernel into the output.

    Shapes:  (in, extent...) -> (channels, extent'...) with
             extent' = (extent - 1)*stride - before - after + dilation*(kernel - 1) + output_padding + 1.
    Counts:  weights = in/groups * channels * product(kernel); biases = channels;
             macs = weights * product(extent), over input positions, cropped positions included;
             connections = weights * product(extent) + biases * product(extent').
    Errors:  no-spatial-axes, axes-mismatch, indivisible-groups, padding-word, output-padding-too-large,
             window-larger-than-input.
    Source:  Dumoulin and Visin 2016, section 4; torch.nn.ConvTranspose2d.
    """

    channels: Dim = argument("count", "output channels")
    kernel: Any = argument("extents", "extent of the kernel, one number or one for each axis (height, width)")
    stride: Any = argument("extents", "output positions between two input positions", 1)
    padding: Any = argument(
        "padding", "output positions cropped on each side: half, valid or numbers", 0, 0, words=PADDING_WORDS
    )
    output_padding: Any = argument("extents", "output positions added at the end", 0, 0)
    dilation: Any = argument("extents", "spacing of the taps of the kernel", 1)
    groups: Dim = argument("count", "independent groups of channels", 1)
    bias: bool = argument("flag", "one added scalar for each output channel", True)
    norm: Any = argument("operation", "normalisation that follows", None)
    activation: Any = argument("operation", "activation that follows", None)

    weighted = True

    def _pads(self, x: Shape) -> tuple[tuple[Dim, Dim], ...]:
        if self.padding == "same":
            raise RequirementError("padding-word", "deconv does not take padding=same", "give numbers, half or valid")
        return explicit_padding(self.padding, x.rank, self.kernel, self.dilation)

    def infer(self, x: Shape) -> Shape:
        """Output shape."""
        require_spatial(x, self.name)
        for channels, side in ((x.channels, "input"), (self.channels, "output")):
            require_divides(
                self.groups,
                channels,
                "indivisible-groups",
                "{number} {side} channels do not divide into {divisor} groups",
                side=side,
            )
        rank = x.rank
        strides = per_axis(self.stride, rank, "stride")
        dilations = per_axis(self.dilation, rank, "dilation")
        added = per_axis(self.output_padding, rank, "output_padding")
        for s, d, extra in zip(strides, dilations, added, strict=True):
            require_at_least(
                maximum(s, d),
                extra + 1,
                "output-padding-too-large",
                "an output_padding of {extra} is not below the stride, {stride}, or the dilation, {dilation}",
                help="torch.nn.ConvTranspose2d refuses it; pad adds positions",
                extra=extra,
                stride=s,
                dilation=d,
            )
        extents = tuple(
            (extent - 1) * s - before - after + d * (k - 1) + extra + 1
            for extent, k, s, (before, after), d, extra in zip(
                x.spatial, per_axis(self.kernel, rank, "kernel"), strides, self._pads(x), dilations, added, strict=True
            )
        )
        for extent in extents:
            require_at_least(extent, 1, "window-larger-than-input", "the padding crops the whole output away ({value})")
        return Shape(self.channels, extents)

    def parameters(self, x: Shape) -> Parameters:
        """Stored scalars."""
        taps = prod(per_axis(self.kernel, x.rank, "kernel"))
        return Parameters(
            weights=x.channels // self.groups * self.channels * taps, biases=self.channels if self.bias else 0
        )

    def arithmetic(self, x: Shape, y: Shape) -> Arithmetic:
        """Elementary operations: weights at every input position."""
        added = y.elements if self.bias else 0
        return Arithmetic(macs=self.parameters(x).weights * x.positions, additions=added, bias=added)

    def connections(self, x: Shape, y: Shape) -> Dim:
        """Weights once for each input position, biases once for each output position."""
        stored = self.parameters(x)
        return stored.weights * x.positions + stored.biases * y.positions

    def window(self, x: Shape) -> Window:
        """Input positions that reach one output position; outputs are denser by the stride."""
        rank = x.rank
        kernels = per_axis(self.kernel, rank, "kernel")
        return Window(
            kernel=kernels,
            stride=(1,) * rank,
            padding=tuple(before for before, _ in self._pads(x)),
            dilation=per_axis(self.dilation, rank, "dilation"),
            upsample=per_axis(self.stride, rank, "stride"),
        )

    def saved(self, x: Shape, y: Shape) -> Saved:
        """Its input, for the gradient of the weights; torch keeps it where they are frozen too."""
        return OWN_INPUT

    def torch(self, x: Shape) -> TorchCall:
        """`nn.ConvTranspose1d`, `nn.ConvTranspose2d` or `nn.ConvTranspose3d`; uneven padding is cropped after it."""
        rank = x.rank
        pads = self._pads(x)
        even = tuple(min(pair) for pair in pads)
        call = TorchCall(
            f"nn.ConvTranspose{rank_suffix(x)}",
            (x.channels, self.channels),
            {
                "kernel_size": per_axis(self.kernel, rank, "kernel"),
                "stride": per_axis(self.stride, rank, "stride"),
                "padding": even,
                "output_padding": per_axis(self.output_padding, rank, "output_padding"),
                "groups": self.groups,
                "bias": self.bias,
                "dilation": per_axis(self.dilation, rank, "dilation"),
            },
        )
        if all(before == after for before, after in pads):
            return call
        # torch names the sides of the last axis first
        sides = tuple(kept - side for kept, pair in zip(reversed(even), reversed(pads), strict=True) for side in pair)
        return TorchCall("nn.Sequential", (call, TorchCall(f"nn.ZeroPad{rank_suffix(x)}", (sides,))))

    examples = (
        Example(
            "Paszke et al. 2016 (ENet), Table 1: fullconv to 20 classes, 256x256 to 512x512",
            image(16, 256, 256),
            {"channels": 20, "kernel": 2, "stride": 2},
            image(20, 512, 512),
            {"params": 1300, "macs": 83_886_080},
        ),
        Example(
            "by hand: (5 - 1)*2 - 2 + 2 + 1 + 1 = 10 positions from 5; 3*4*3 weights at 5 positions",
            sequence(3, 5),
            {"channels": 4, "kernel": 3, "stride": 2, "padding": 1, "output_padding": 1},
            sequence(4, 10),
            {"params": 40, "macs": 180, "connections": 220},
        ),
    )

"""Pooling by sliding windows of any rank, and LeNet's trainable subsampling."""

from __future__ import annotations

from typing import Any

from archcalc.dims import Dim, Inside, RequirementError, prod, require_at_least
from archcalc.ops.arguments import argument
from archcalc.ops.base import (
    OWN_INPUT,
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
from archcalc.ops.shape import Shape, image, rank_suffix, sequence
from archcalc.ops.window import PADDING_WORDS, all_padding, per_axis, slide, taps_inside, window_of

KERNEL = "extent of the window, one number or one for each axis (height, width)"
STRIDE = "step between windows; the kernel unless given"
PADDING = "positions around the input that hold nothing: half, same, valid or numbers"
CEIL = "keep a last window that hangs over the end"


def _strides(kernel: Any, stride: Any) -> Any:
    return kernel if stride is None else stride


def _taps(x: Shape, kernel: Any) -> Dim:
    return prod(per_axis(kernel, x.rank, "kernel"))


def _slide(x: Shape, name: str, window: tuple[Any, Any, Any, Any], ceil: bool) -> Shape:
    require_spatial(x, name)
    kernel, stride, padding, dilation = window
    if ceil and padding == "same":
        raise RequirementError(
            "ceil-with-same",
            f"{name} takes ceil=true or padding=same, not both",
            "padding=same already gives ceil(input / stride) outputs",
        )
    return Shape(x.channels, slide(x, kernel, _strides(kernel, stride), padding, dilation, ceil))


def _require_volume(x: Shape, kernel: Any) -> None:
    """Refuse means over volumes smaller than their window, padded or not: ATen/native/Pool.h, pool3d_shape_check.

    Raises:
        RequirementError: `window-larger-than-input`.
    """
    if x.rank == 3:
        for extent, size in zip(x.spatial, per_axis(kernel, x.rank, "kernel"), strict=True):
            require_at_least(
                extent,
                size,
                "window-larger-than-input",
                "a mean over {minimum} positions of a volume does not fit into an extent of {value}, padded or not",
                help="use a smaller kernel or a larger input; torch refuses it for volumes, not for images",
            )


def _torch_pool(module: str, x: Shape, window: tuple[Any, Any, Any, Any], fill: float, **kwargs: Any) -> TorchCall:
    """A torch pool; padding that torch's pools do not take (uneven, over half the kernel) comes before."""
    kernel, stride, padding, dilation = window
    stride = _strides(kernel, stride)
    pads = all_padding(x, kernel, stride, padding, dilation)
    kernels = per_axis(kernel, x.rank, "kernel")
    direct = all(before == after and 2 * before <= k for (before, after), k in zip(pads, kernels, strict=True))
    named = {"kernel_size": kernels, "stride": per_axis(stride, x.rank, "stride")}
    if module == "MaxPool":
        named["dilation"] = per_axis(dilation, x.rank, "dilation")
    if direct:
        named["padding"] = tuple(before for before, _ in pads)
        return TorchCall(f"nn.{module}{rank_suffix(x)}", (), {**named, **kwargs})
    if kwargs["ceil_mode"] or not kwargs.get("count_include_pad", True):
        return TorchCall(f"archcalc.{module}", (), {**named, "padding": pads, **kwargs})
    sides = tuple(side for pair in reversed(pads) for side in pair)  # torch pads the last axis first
    pad = TorchCall(f"nn.ConstantPad{rank_suffix(x)}", (sides, fill))
    pool = TorchCall(f"nn.{module}{rank_suffix(x)}", (), {**named, **kwargs})
    return TorchCall("nn.Sequential", (pad, pool))


@operator("maxpool")
class MaxPool(Operator):
    """Max pooling: the largest of each window, in each channel.

    Shapes:  (in, extent...) -> (in, extent'...), extents as for `conv`; with ceil=true rounded up, as far as
             the last window starts inside the input or the padding before it.
    Counts:  comparisons = taps - windows; connections = taps; pooling = outputs. taps are positions inside the
             input, over all windows and channels: product(kernel) of each window, less what hangs over the edge or
             lies in padding; windows are those with taps, as a rule all outputs.
    Errors:  no-spatial-axes, axes-mismatch, ceil-with-same, window-larger-than-input.
    Source:  torch.nn.MaxPool2d; ceil mode as ATen/native/Pool.h, pooling_output_shape_pad_lr.
    """

    kernel: Any = argument("extents", KERNEL)
    stride: Any = argument("extents", STRIDE, None)
    padding: Any = argument("padding", PADDING, 0, 0, words=PADDING_WORDS)
    dilation: Any = argument("extents", "spacing of the taps of the window", 1)
    ceil: bool = argument("flag", CEIL, False)

    pooling = True

    def infer(self, x: Shape) -> Shape:
        """Output shape."""
        return _slide(x, self.name, (self.kernel, self.stride, self.padding, self.dilation), self.ceil)

    def parameters(self, x: Shape) -> Parameters:
        """Nothing stored."""
        return Parameters()

    def arithmetic(self, x: Shape, y: Shape) -> Arithmetic:
        """One comparison fewer than taps, for each window."""
        inside = self._inside(x, y)
        return Arithmetic(comparisons=inside.taps - inside.windows, pooling=y.elements)

    def connections(self, x: Shape, y: Shape) -> Dim:
        """Taps of all windows."""
        return self._inside(x, y).taps

    def _inside(self, x: Shape, y: Shape) -> Inside:
        stride = _strides(self.kernel, self.stride)
        return taps_inside(x, y, (self.kernel, stride, self.padding, self.dilation), self.ceil)

    def window(self, x: Shape) -> Window:
        """The kernel."""
        return window_of(x, self.kernel, _strides(self.kernel, self.stride), self.padding, self.dilation)

    def saved(self, x: Shape, y: Shape) -> Saved:
        """Its input, and where the largest are."""
        return Saved(inputs=(0,), made=(Kept(y.elements, "indices"),))

    def torch(self, x: Shape) -> TorchCall:
        """`nn.MaxPool1d`, `nn.MaxPool2d` or `nn.MaxPool3d`."""
        window = (self.kernel, self.stride, self.padding, self.dilation)
        return _torch_pool("MaxPool", x, window, float("-inf"), ceil_mode=self.ceil)

    examples = (
        Example(
            "Szegedy et al. 2015, Table 1: max pool 3x3/2 to 56x56x64; by hand 55 windows of 3, one of 2: 167**2 * 64",
            image(64, 112, 112),
            {"kernel": 3, "stride": 2, "ceil": True},
            image(64, 56, 56),
            {"params": 0, "macs": 0, "comparisons": 1_584_192, "connections": 1_784_896},
        ),
        Example(
            "by hand: windows of 2 over 7 positions start at 0, 2, 4 and, with one tap, 6: 3 comparisons, 7 taps",
            sequence(3, 7),
            {"kernel": 2, "ceil": True},
            sequence(3, 4),
            {"comparisons": 9, "connections": 21},
        ),
    )


@operator("avgpool")
class AvgPool(Operator):
    """Average pooling: the mean of each window, in each channel.

    Shapes:  (in, extent...) -> (in, extent'...), extents as for `maxpool`.
    Counts:  additions = taps - windows; divisions = outputs; connections = taps; pooling = outputs; taps and
             windows as for `maxpool`, whether or not padding counts in the divisor.
    Errors:  no-spatial-axes, axes-mismatch, ceil-with-same, window-larger-than-input.
    Source:  torch.nn.AvgPool2d.
    """

    kernel: Any = argument("extents", KERNEL)
    stride: Any = argument("extents", STRIDE, None)
    padding: Any = argument("padding", PADDING, 0, 0, words=PADDING_WORDS)
    ceil: bool = argument("flag", CEIL, False)
    count_include_pad: bool = argument("flag", "padding counts in the divisor", True)

    pooling = True

    def infer(self, x: Shape) -> Shape:
        """Output shape."""
        _require_volume(x, self.kernel)
        return _slide(x, self.name, (self.kernel, self.stride, self.padding, 1), self.ceil)

    def parameters(self, x: Shape) -> Parameters:
        """Nothing stored."""
        return Parameters()

    def arithmetic(self, x: Shape, y: Shape) -> Arithmetic:
        """A sum and one division for each output."""
        inside = self._inside(x, y)
        return Arithmetic(additions=inside.taps - inside.windows, divisions=y.elements, pooling=y.elements)

    def connections(self, x: Shape, y: Shape) -> Dim:
        """Taps of all windows."""
        return self._inside(x, y).taps

    def _inside(self, x: Shape, y: Shape) -> Inside:
        return taps_inside(x, y, (self.kernel, _strides(self.kernel, self.stride), self.padding, 1), self.ceil)

    def window(self, x: Shape) -> Window:
        """The kernel."""
        return window_of(x, self.kernel, _strides(self.kernel, self.stride), self.padding)

    def saved(self, x: Shape, y: Shape) -> Saved:
        """Its input, of which torch needs no more than the size."""
        return OWN_INPUT

    def torch(self, x: Shape) -> TorchCall:
        """`nn.AvgPool1d`, `nn.AvgPool2d` or `nn.AvgPool3d`."""
        window = (self.kernel, self.stride, self.padding, 1)
        flags = {"ceil_mode": self.ceil, "count_include_pad": self.count_include_pad}
        return _torch_pool("AvgPool", x, window, 0.0, **flags)

    examples = (
        Example(
            "Szegedy et al. 2015, section 5: 5x5/3 pooling gives 4x4x512 at (4a); by hand 24, 25 times 8,192",
            image(512, 14, 14),
            {"kernel": 5, "stride": 3},
            image(512, 4, 4),
            {"additions": 196_608, "divisions": 8192, "connections": 204_800},
        ),
        Example(
            "by hand: 3x1 windows with one row of padding keep 4 rows: 2 + 3 + 3 + 2 taps in each of 2*5 columns",
            image(2, 4, 5),
            {"kernel": (3, 1), "stride": 1, "padding": (1, 0)},
            image(2, 4, 5),
            {"additions": 60, "divisions": 40, "connections": 100},
        ),
    )


@operator("lppool")
class LPPool(Operator):
    """Power-average pooling: the p-norm of each window, in each channel.

    Shapes:  (in, extent...) -> (in, extent'...), extents as for `maxpool`, without padding.
    Counts:  transcendentals = taps + outputs (a power of each tap, one root); additions = taps - windows;
             connections = taps; pooling = outputs; taps and windows as for `maxpool`.
    Errors:  no-spatial-axes, axes-mismatch, window-larger-than-input.
    Source:  torch.nn.LPPool2d; Sermanet et al. 2012, section 2.2.
    """

    kernel: Any = argument("extents", KERNEL)
    stride: Any = argument("extents", STRIDE, None)
    power: Any = argument("number", "the p of the norm", 2)
    ceil: bool = argument("flag", CEIL, False)

    pooling = True

    def infer(self, x: Shape) -> Shape:
        """Output shape."""
        _require_volume(x, self.kernel)
        return _slide(x, self.name, (self.kernel, self.stride, 0, 1), self.ceil)

    def parameters(self, x: Shape) -> Parameters:
        """Nothing stored."""
        return Parameters()

    def arithmetic(self, x: Shape, y: Shape) -> Arithmetic:
        """Powers, their sum and one root for each output."""
        inside = self._inside(x, y)
        return Arithmetic(
            additions=inside.taps - inside.windows, transcendentals=inside.taps + y.elements, pooling=y.elements
        )

    def connections(self, x: Shape, y: Shape) -> Dim:
        """Taps of all windows."""
        return self._inside(x, y).taps

    def _inside(self, x: Shape, y: Shape) -> Inside:
        return taps_inside(x, y, (self.kernel, _strides(self.kernel, self.stride), 0, 1), self.ceil)

    def window(self, x: Shape) -> Window:
        """The kernel."""
        return window_of(x, self.kernel, _strides(self.kernel, self.stride), 0)

    def saved(self, x: Shape, y: Shape) -> Saved:
        """Its input, the powers, and of each window its mean, sign, absolute value and root."""
        return Saved(inputs=(0,), made=(Kept(x.elements), Kept(4 * y.elements)))

    def torch(self, x: Shape) -> TorchCall:
        """`nn.LPPool1d`, `nn.LPPool2d` or `nn.LPPool3d`."""
        kernels = per_axis(self.kernel, x.rank, "kernel")
        strides = per_axis(_strides(self.kernel, self.stride), x.rank, "stride")
        # nn.LPPool1d takes a number where the others take one for each axis
        window = (kernels[0], strides[0]) if x.rank == 1 else (kernels, strides)
        named = {"kernel_size": window[0], "stride": window[1], "ceil_mode": self.ceil}
        return TorchCall(f"nn.LPPool{rank_suffix(x)}", (float(self.power),), named)

    examples = (
        Example(
            "by hand: 4 outputs of 4 taps in each of 3 channels; 4 powers, 3 additions and a root each",
            image(3, 4, 4),
            {"kernel": 2},
            image(3, 2, 2),
            {"additions": 36, "transcendentals": 60, "connections": 48},
        ),
        Example(
            "by hand: (9 - 3)//2 + 1 = 4 windows of 3 taps over 9 positions",
            sequence(1, 9),
            {"kernel": 3, "stride": 2},
            sequence(1, 4),
            {"additions": 8, "transcendentals": 16, "connections": 12},
        ),
    )


@operator("subsample")
class Subsample(Operator):
    """LeNet's subsampling: the sum of each window times a trained coefficient, plus a bias.

    Shapes:  (in, extent...) -> (in, extent'...), extents as for `conv` without padding.
    Counts:  weights = in; biases = in; additions = (taps - 1) * outputs, and one more for the bias;
             multiplications = outputs; connections = (taps + bias) * outputs; pooling = outputs.
    Errors:  no-spatial-axes, axes-mismatch, window-larger-than-input.
    Source:  LeCun et al. 1998, section II.B (layers S2 and S4).
    """

    kernel: Any = argument("extents", KERNEL)
    stride: Any = argument("extents", STRIDE, None)
    bias: bool = argument("flag", "one added scalar for each channel", True)
    norm: Any = argument("operation", "normalisation that follows", None)
    activation: Any = argument("operation", "activation that follows", None)

    pooling = True

    def infer(self, x: Shape) -> Shape:
        """Output shape."""
        return _slide(x, self.name, (self.kernel, self.stride, 0, 1), False)

    def parameters(self, x: Shape) -> Parameters:
        """A coefficient and a bias for each channel."""
        return Parameters(weights=x.channels, biases=x.channels if self.bias else 0)

    def arithmetic(self, x: Shape, y: Shape) -> Arithmetic:
        """A sum, a multiplication and a bias for each output."""
        added = y.elements if self.bias else 0
        return Arithmetic(
            additions=(_taps(x, self.kernel) - 1) * y.elements + added,
            multiplications=y.elements,
            bias=added,
            pooling=y.elements,
        )

    def connections(self, x: Shape, y: Shape) -> Dim:
        """Taps and bias of each output."""
        return (_taps(x, self.kernel) + (1 if self.bias else 0)) * y.elements

    def window(self, x: Shape) -> Window:
        """The kernel."""
        return window_of(x, self.kernel, _strides(self.kernel, self.stride), 0)

    def saved(self, x: Shape, y: Shape) -> Saved:
        """Its input and, for the coefficients, the sums."""
        return Saved(inputs=(0,), made=(Kept(y.elements),))

    def torch(self, x: Shape) -> TorchCall:
        """A module of its own; torch has none."""
        kernels = per_axis(self.kernel, x.rank, "kernel")
        strides = per_axis(_strides(self.kernel, self.stride), x.rank, "stride")
        named = {"kernel_size": kernels, "stride": strides, "bias": self.bias}
        return TorchCall("archcalc.Subsample", (x.channels,), named)

    examples = (
        Example(
            "LeCun et al. 1998, section II.B: S2 of LeNet-5; by hand 3 + 1 additions at 1,176 units",
            image(6, 28, 28),
            {"kernel": 2},
            image(6, 14, 14),
            {"params": 12, "weights": 6, "biases": 6, "macs": 0, "connections": 5880, "additions": 4704},
        ),
        Example(
            "LeCun et al. 1998, section II.B: S4 of LeNet-5",
            image(16, 10, 10),
            {"kernel": 2},
            image(16, 5, 5),
            {"params": 32, "macs": 0, "connections": 2000, "multiplications": 400},
        ),
    )

"""Operators that make extents larger without weights: upsampling and max-unpooling."""

from __future__ import annotations

from fractions import Fraction
from typing import Any

from archcalc.dims import Dim, RequirementError, ceil_div, equal, maximum, require_at_least, require_equal, select
from archcalc.ops.arguments import LayerReference, argument
from archcalc.ops.base import Arithmetic, Example, Operator, Parameters, TorchCall, Window, operator
from archcalc.ops.checks import require_spatial
from archcalc.ops.shape import Shape, image, sequence
from archcalc.ops.window import per_axis

MODES = ("nearest", "bilinear", "bicubic")
LERPS = {"sequence": 1, "image": 3, "volume": 7}  # along rows, then between them, then between planes
TORCH_MODES = {"sequence": "linear", "image": "bilinear", "volume": "trilinear"}


def _extents(x: Shape, op: Any) -> tuple[Dim, ...]:
    """Extents after it: as they are asked for, or grown by a factor, what is left over cut."""
    if op.size is not None:
        return per_axis(op.size, x.rank, "size")
    scales = per_axis(op.scale, x.rank, "scale")
    return tuple(extent * s.numerator // s.denominator for extent, s in zip(x.spatial, scales, strict=True))


def _growth(x: Shape, op: Any) -> tuple[tuple[Dim, Dim], ...]:
    """For each axis: so many times denser, of which every so-manyth is taken; the second is 1 for a whole factor."""
    if op.size is None:
        return tuple((s.numerator, s.denominator) for s in per_axis(op.scale, x.rank, "scale"))
    pairs = zip(x.spatial, per_axis(op.size, x.rank, "size"), strict=True)
    return tuple(
        (
            select(equal(size // extent * extent, size), size // extent, size),
            select(equal(size // extent * extent, size), 1, extent),
        )
        for extent, size in pairs
    )


def _lerped(times: Dim, of: Dim, mode: str) -> tuple[Dim, Dim, Dim, Dim]:
    """Kernel, padding, stride and density along an axis of an interpolation, by a factor of times/of.

    By a whole factor s it is Caffe's bilinear filler: kernel 2s - s%2, padding ceil((s - 1)/2); cubic reads twice as
    far, but for 1 to 1. By p/q the centre of output j is input ((2j + 1)*q - p) / 2p, and inputs less than 1 from it
    are read, or less than 2: that many half steps of 1/2p.
    """
    further = select(equal(times, 1), 0, times) if mode == "bicubic" else 0
    reach = 4 * times if mode == "bicubic" else 2 * times
    whole = equal(of, 1)
    return (
        select(whole, times + 2 * (times // 2 + further), 2 * reach - 1),
        select(whole, times // 2 + further, reach - 1 + of - times),
        select(whole, 1, 2 * of),
        select(whole, times, 2 * times),
    )


@operator("upsample")
class Upsample(Operator):
    """Other extents by repetition or interpolation: by a factor, or to a size.

    Shapes:  (in, extent...) -> (in, floor(extent * scale)...), or (in, size...).
    Counts:  nearest: none, it copies. bilinear (linear along every axis): an interpolation of two values, a +
             t*(b - a), is 2 additions and 1 multiplication; an output takes 1 in a sequence, 3 in an image, 7
             in a volume. bicubic: 5 interpolations of four values, each 3 additions and 4 multiplications.
             The weights are not counted, since all channels share them. connections = 0.
    Errors:  no-spatial-axes, axes-mismatch, image-needed, upsample-arguments, no-positions-left.
    Source:  torch.nn.Upsample; Keys 1981 for bicubic.
    """

    scale: Any = argument("factors", "growth of the extents, which may be a fraction", None)
    mode: str = argument("word", "repetition or the kind of interpolation", "nearest", words=MODES)
    align_corners: bool = argument("flag", "first and last positions stay where they are", False)
    size: Any = argument("size", "output extents: numbers, or an earlier layer that has them", None)

    def infer(self, x: Shape) -> Shape:
        """Output shape."""
        require_spatial(x, self.name)
        if (self.scale is None) == (self.size is None):
            raise RequirementError(
                "upsample-arguments", "upsample takes one of scale and size", "upsample(2), or upsample(size=28)"
            )
        if self.mode == "bicubic" and x.kind != "image":
            raise RequirementError(
                "image-needed",
                f"{self.name} with mode=bicubic reads an image; its input is {x.kind} {x}",
                "mode=bilinear reads any input with spatial axes",
            )
        extents = _extents(x, self)
        for extent in extents:
            require_at_least(extent, 1, "no-positions-left", "upsample leaves no position of an extent")
        return Shape(x.channels, extents)

    def parameters(self, x: Shape) -> Parameters:
        """Nothing stored."""
        return Parameters()

    def arithmetic(self, x: Shape, y: Shape) -> Arithmetic:
        """Interpolations for each output."""
        if self.mode == "nearest":
            return Arithmetic.none("copies")
        if self.mode == "bicubic":
            return Arithmetic(additions=15 * y.elements, multiplications=20 * y.elements)
        lerps = LERPS[x.kind] * y.elements
        return Arithmetic(additions=2 * lerps, multiplications=lerps)

    def connections(self, x: Shape, y: Shape) -> Dim:
        """None: LeCun et al. count units with weights."""
        return 0

    def window(self, x: Shape) -> Window:
        """That of the transposed convolution that computes the same; with align_corners nearly so.

        By a factor of p/q it is that of the factor p, of which every q-th position is taken.
        """
        growth = _growth(x, self)
        scales, strides = tuple(s for s, _ in growth), tuple(stride for _, stride in growth)
        ones = (1,) * x.rank
        if self.mode == "nearest":
            return Window(kernel=scales, stride=strides, padding=(0,) * x.rank, dilation=ones, upsample=scales)
        kernels, paddings, steps, denser = zip(*[_lerped(s, stride, self.mode) for s, stride in growth], strict=True)
        return Window(kernel=kernels, stride=steps, padding=paddings, dilation=ones, upsample=denser)

    def torch(self, x: Shape) -> TorchCall:
        """`nn.Upsample`; to a size where a factor is a fraction whose product, a whole number, torch would round."""
        mode = TORCH_MODES[x.kind] if self.mode == "bilinear" else self.mode
        growth: Any = _growth(x, self)  # whole numbers here
        extents: Any = x.spatial
        by = per_axis(self.scale if self.size is None else 1, x.rank, "scale")
        whole = all(of == 1 for _, of in growth) or any(
            extent * s.numerator % s.denominator for extent, s in zip(extents, by, strict=True)
        )
        each = tuple(s / of for s, of in growth)
        factor = each[0] if len(set(each)) == 1 else each  # some tools take one number alone
        named: dict[str, Any] = {"scale_factor": factor} if whole else {"size": _extents(x, self)}
        named["mode"] = mode
        if self.mode != "nearest":
            named["align_corners"] = self.align_corners
        return TorchCall("nn.Upsample", (), named)

    examples = (
        Example(
            "by hand: 6 additions and 3 multiplications at each of 21*448*448 outputs",
            image(21, 56, 56),
            {"scale": 8, "mode": "bilinear"},
            image(21, 448, 448),
            {"params": 0, "macs": 0, "additions": 25_288_704, "multiplications": 12_644_352},
        ),
        Example(
            "by hand: each position three times",
            sequence(2, 4),
            {"scale": 3},
            sequence(2, 12),
            {"params": 0, "additions": 0, "multiplications": 0, "connections": 0},
        ),
        Example(
            "Chen et al. 2017 (DeepLab v3), section 4: logits to the size of the image, 65 to 513; by hand 6*21*513^2",
            image(21, 65, 65),
            {"size": 513, "mode": "bilinear"},
            image(21, 513, 513),
            {"params": 0, "additions": 33_159_294, "multiplications": 16_579_647},
        ),
        Example("by hand: 5*3/2 positions, rounded down", sequence(2, 5), {"scale": Fraction(3, 2)}, sequence(2, 7),
                {"additions": 0}),
    )  # fmt: skip


def _stride(before: Dim, after: Dim) -> Dim:
    """The stride of a pooling from so many positions to so many; a last window may hang over the end."""
    whole = maximum(before // after, 1)
    return select(equal(before // whole, after), whole, ceil_div(before, after))


@operator("unpool")
class Unpool(Operator):
    """Max-unpooling: each element goes where an earlier max pooling found its largest, zeros elsewhere.

    Shapes:  (in, extent...) -> (in, extents of the pool's input...).
    Counts:  none: it copies.
    Errors:  no-spatial-axes, unpool-mismatch.
    Source:  Zeiler and Fergus 2014, section 2.1; Paszke et al. 2016 (ENet), section 3; torch.nn.MaxUnpool2d.
    """

    pool: LayerReference = argument("layer", "the earlier max pooling")

    def infer(self, x: Shape) -> Shape:
        """Output shape."""
        require_spatial(x, self.name)
        require_spatial(self.pool.y, self.pool.name)
        if self.pool.y.rank != x.rank:
            raise RequirementError(
                "unpool-mismatch",
                f"unpool reads {x.kind} {x}; {self.pool.name} gives {self.pool.y.kind} {self.pool.y}",
            )
        for a, b in zip((x.channels, *x.spatial), (self.pool.y.channels, *self.pool.y.spatial), strict=True):
            require_equal(
                a,
                b,
                "unpool-mismatch",
                "unpool needs what {layer} gave, {given}; its input is {got}",
                help="bring the input to the shape that the pool gave",
                layer=self.pool.name,
                given=self.pool.y,
                got=x,
            )
        return Shape(x.channels, self.pool.x.spatial)

    def parameters(self, x: Shape) -> Parameters:
        """Nothing stored."""
        return Parameters()

    def arithmetic(self, x: Shape, y: Shape) -> Arithmetic:
        """None."""
        return Arithmetic.none("copies")

    def connections(self, x: Shape, y: Shape) -> Dim:
        """None: it joins no units."""
        return 0

    def window(self, x: Shape) -> Window:
        """One input position, as a transposed convolution whose kernel is its stride."""
        scales = tuple(map(_stride, self.pool.x.spatial, self.pool.y.spatial))
        ones = (1,) * x.rank
        return Window(kernel=scales, stride=ones, padding=(0,) * x.rank, dilation=ones, upsample=scales)

    def torch(self, x: Shape) -> TorchCall:
        """A module of its own, which takes the indices that the pool found after its input."""
        return TorchCall("archcalc.Unpool", (self.pool.x.spatial,))

    examples = (
        Example(
            "Paszke et al. 2016 (ENet), Table 1: bottleneck 4.0 undoes the pooling of bottleneck 2.0",
            image(64, 64, 64),
            {"pool": LayerReference("bottleneck2.0.pool", 0, image(64, 128, 128), image(64, 64, 64))},
            image(64, 128, 128),
            {"params": 0, "macs": 0, "connections": 0},
        ),
        Example(
            "by hand: 7 positions had been pooled to 3",
            sequence(2, 3),
            {"pool": LayerReference("pool", 4, sequence(2, 7), sequence(2, 3))},
            sequence(2, 7),
            {"params": 0, "additions": 0},
        ),
    )

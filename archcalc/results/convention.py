"""What FLOPs are to somebody: conventions, the amounts that they count, and what an operation has of these."""

from __future__ import annotations

from collections.abc import Callable
from functools import cache
from math import prod
from typing import Any

from archcalc.dims import equal, select, windows_inside
from archcalc.named import NamedTuple
from archcalc.ops import Arithmetic, Operator, Parameters, Shape
from archcalc.ops.window import all_padding, explicit_padding, per_axis


class OperationCost(NamedTuple):
    """What one operation costs for one example; the same operator on the same shape is one object."""

    parameters: Parameters
    arithmetic: Arithmetic
    connections: Any
    neurons: Any
    outputs: Any  # elements that it gives
    masked: Any
    state: Any
    active_params: Any
    single: Any = None  # of one copy, where there are several: an `OperationCost`


class Term(NamedTuple):
    """What a convention counts: an amount (a key of `AMOUNTS`), what one of it is worth, and of which operators."""

    amount: str
    worth: int = 1
    operators: frozenset[str] = frozenset()  # all of them where none is named
    named: str = ""  # in words, where those of the amount do not say enough

    @property
    def words(self) -> str:
        """What it counts, for a reader."""
        return self.named or AMOUNTS[self.amount].words

    def holds_for(self, operator: str) -> bool:
        """Whether it counts something of an operator of that name."""
        return not self.operators or operator in self.operators

    def many(self, operator: Operator, x: Any, y: Shape, cost: OperationCost) -> Any:
        """How many of it an operation has, for one example."""
        return AMOUNTS[self.amount].many(operator, x, y, cost) if self.holds_for(operator.name) else 0


class Convention(NamedTuple):
    """What somebody calls FLOPs, as data: what is counted, and what one of each is worth."""

    name: str
    about: str
    terms: tuple[Term, ...]
    source: str  # the place in a tool's code, or the paper
    version: str = ""  # of the tool
    unit: str = "FLOPs"  # what it calls the number
    functions: tuple[Term, ...] = ()  # what a call of a function adds to that of a module, which `terms` are for
    counts_means: bool = False  # whether a mean over positions, `x.mean([2, 3])`, is pooling to it
    counts_sizes: bool = False  # whether a product of extents, `height * width`, is one of numbers to it
    called: str = ""  # the tool with its version in words, where the name holds a version

    def flops(self, operator: Operator, x: Any, y: Shape, cost: OperationCost) -> Any:
        """Operations under this convention, for one example."""
        if cost.single is not None:
            return self.flops(operator, x, y, cost.single) * operator.copies.computed
        return sum([worth * of(operator, x, y, cost) for worth, of in _weights(self.terms, operator.name)])

    @property
    def elementary(self) -> dict[str, int] | None:
        """What elementary operations are worth, by field of Arithmetic; None where it looks at more than their sums."""
        is_sum = all(term.amount in Arithmetic._fields and not term.operators for term in self.terms)
        return {term.amount: term.worth for term in self.terms} if is_sum else None

    @property
    def title(self) -> str:
        """The convention in a sentence: `fvcore`, `ptflops to 0.6`."""
        return self.called or self.name

    @property
    def column(self) -> str:
        """Name of the column that holds it: never `flops` without saying whose."""
        return "macs" if self.name == "macs" else f"flops_{self.name}"


@cache
def _weights(
    terms: tuple[Term, ...], operator: str
) -> list[tuple[int, Callable[[Any, Any, Shape, OperationCost], Any]]]:
    """Those that hold for an operator of that name: what each is worth, and how many there are."""
    return [(term.worth, AMOUNTS[term.amount].of) for term in terms if term.holds_for(operator)]


class Amount(NamedTuple):
    """Something that an operation has a number of, for one example."""

    words: str
    of: Callable[[Any, Any, Shape, OperationCost], Any]  # of one copy: from operator, input, output and cost
    exactly: str = ""  # in words that no other amount has, where another has the same and is not as many

    def many(self, operator: Operator, x: Any, y: Shape, cost: OperationCost) -> Any:
        """How many of it an operation has, each of its copies that is computed."""
        if cost.single is None:
            return self.of(operator, x, y, cost)
        return self.of(operator, x, y, cost.single) * operator.copies.computed


def _inputs(operator: Any, x: Any, y: Shape, cost: OperationCost) -> Any:
    return x.elements if isinstance(x, Shape) else sum([branch.elements for branch in x])


def _arithmetic(name: str) -> Callable[[Any, Any, Shape, OperationCost], Any]:
    place = Arithmetic._fields.index(name)
    return lambda operator, x, y, cost: cost.arithmetic[place]


def _upsampled(mode: str, ranks: tuple[int, ...]) -> Callable[[Any, Any, Shape, OperationCost], Any]:
    return lambda operator, x, y, cost: y.elements if operator.mode == mode and y.rank in ranks else 0


def _windows(operator: Any, x: Shape, y: Shape, taps_of: Callable[[Any, Any], Any]) -> Any:
    """Outputs, each as often as a tool believes that a window of an adaptive pooling has taps."""
    return y.elements * prod(taps_of(extent, outputs) for extent, outputs in zip(x.spatial, y.spatial, strict=True))


def _remainder(extent: Any, outputs: Any) -> Any:
    """What torchscan takes for a window: the quotient, or one more than the remainder where there is one."""
    whole = extent // outputs
    return select(equal(whole * outputs, extent), whole, extent - whole * outputs + 1)


def _extents(operator: Any, x: Shape) -> tuple[Any, ...]:
    return per_axis(operator.kernel, x.rank, "kernel")


def _typed_taps(operator: Any, x: Shape, y: Shape, cost: OperationCost) -> Any:
    """Outputs times the kernel as typed in torch: 3 for `kernel_size=3`, 6 for `kernel_size=(2, 3)`."""
    extents = _extents(operator, x)
    return y.elements * (extents[0] if all(extent == extents[0] for extent in extents) else prod(extents))


def _flat_taps(operator: Any, x: Shape, y: Shape, cost: OperationCost) -> Any:
    """Outputs times the kernel, of a volume's its first extent alone."""
    extents = _extents(operator, x)
    return y.elements * (prod(extents) if len(extents) < 3 else extents[0])


def _averaged(operator: Any, x: Shape, y: Shape, cost: OperationCost) -> Any:
    """Taps of average pooling that are averaged: those in the padding with count_include_pad, else those inside."""
    stride = operator.kernel if operator.stride is None else operator.stride
    pads = all_padding(x, operator.kernel, stride, operator.padding, 1)
    kernels, strides = _extents(operator, x), per_axis(stride, x.rank, "stride")
    found: Any = x.channels
    for extent, outputs, taps, step, (before, after) in zip(x.spatial, y.spatial, kernels, strides, pads, strict=True):
        beyond = step - 1 if operator.ceil else 0  # how far a window may hang over what there is
        if operator.count_include_pad:
            found *= windows_inside(extent + before + after, outputs, taps, step, 0, beyond, 1).taps
        else:
            found *= windows_inside(extent, outputs, taps, step, before, after + beyond, 1).taps
    return found


def _bias_of_forward(operator: Any, x: Shape, y: Shape, cost: OperationCost) -> Any:
    """Bias additions of a transposed convolution as if its output had the size of a plain one's."""
    if not operator.bias:
        return 0
    kernel, stride, dilation = (
        per_axis(of, x.rank, "kernel") for of in (operator.kernel, operator.stride, operator.dilation)
    )
    pads = explicit_padding(operator.padding, x.rank, operator.kernel, operator.dilation)
    axes = zip(x.spatial, kernel, stride, dilation, pads, strict=True)
    channels = y.channels // operator.groups  # those of the weight's second axis
    return channels * prod([(e + 2 * p[0] - (d * (k - 1) + 1)) // s + 1 for e, k, s, d, p in axes])


def _grouped_twice(operator: Any, x: Shape, y: Shape, cost: OperationCost) -> Any:
    """MACs of a transposed convolution whose output channels are divided by the groups once too often."""
    kernel = prod(_extents(operator, x))
    return kernel * x.elements * (y.channels // operator.groups // operator.groups)


def _row(operator: Any, x: Shape) -> Any:
    """Elements of a set that a layer norm normalises."""
    return x.elements if operator.whole else x.channels


def _weights_at_outputs(operator: Any, x: Any, y: Shape, cost: OperationCost) -> Any:
    return cost.parameters.weights * y.positions


def _weights_of_all_inputs(operator: Any, x: Any, y: Shape, cost: OperationCost) -> Any:
    """As if every output read every input; not where a tool takes the weights for those of a plain convolution."""
    groups = select(equal(x.channels, y.channels), 1, operator.groups)
    return _weights_at_outputs(operator, x, y, cost) * groups


AMOUNTS: dict[str, Amount] = {
    "macs": Amount("MACs", _arithmetic("macs")),
    "additions": Amount("additions", _arithmetic("additions")),
    "multiplications": Amount("products", _arithmetic("multiplications")),
    "divisions": Amount("divisions", _arithmetic("divisions")),
    "comparisons": Amount("comparisons", _arithmetic("comparisons")),
    "transcendentals": Amount("transcendentals", _arithmetic("transcendentals")),
    "bias": Amount("bias additions", _arithmetic("bias")),
    "affine": Amount(
        "normalised elements", lambda operator, x, y, cost: cost.arithmetic.norm if cost.parameters.norm != 0 else 0
    ),
    "bare": Amount(
        "elements normalised without scale and shift",
        lambda operator, x, y, cost: 0 if cost.parameters.norm != 0 else cost.arithmetic.norm,
    ),
    "scaled": Amount(
        "normalised elements",
        lambda operator, x, y, cost: cost.arithmetic.norm if operator.scale else 0,
        "elements normalised with scale",
    ),
    "unscaled": Amount(
        "elements normalised without scale", lambda operator, x, y, cost: 0 if operator.scale else cost.arithmetic.norm
    ),
    "by_batch": Amount(
        "elements normalised by their batch",
        lambda operator, x, y, cost: 0 if operator.statistics else cost.arithmetic.norm,
    ),
    "norm_params": Amount("parameters", lambda operator, x, y, cost: cost.parameters.norm),
    "weights": Amount("weights", lambda operator, x, y, cost: cost.parameters.weights),
    "biases": Amount("biases", lambda operator, x, y, cost: cost.parameters.biases),
    "weights_at_outputs": Amount("weights times output positions", _weights_at_outputs),
    "weights_of_all_inputs": Amount(
        "weights times output positions", _weights_of_all_inputs, "weights times output positions, without groups"
    ),
    "grouped_twice": Amount("MACs", _grouped_twice, "MACs, divided by the groups twice"),
    "bias_of_forward": Amount("bias additions", _bias_of_forward, "bias additions at the size of a plain convolution"),
    "dot_products": Amount("dot products", lambda operator, x, y, cost: y.elements),
    "axes": Amount("axes", lambda operator, x, y, cost: y.rank),
    "channels": Amount("channels", lambda operator, x, y, cost: y.channels),
    "rows": Amount("sets that are normalised", lambda operator, x, y, cost: cost.arithmetic.norm // _row(operator, x)),
    "window_inputs": Amount("taps of windows", _averaged),
    "flat_taps": Amount("taps of windows", _flat_taps, "taps of windows, of volumes along the first axis"),
    "typed_taps": Amount("taps of windows", _typed_taps, "taps of windows along one axis"),
    "outputs_by_axes": Amount("outputs for each axis", lambda operator, x, y, cost: y.elements * y.rank),
    "adaptive_inputs": Amount("taps of windows", lambda operator, x, y, cost: cost.arithmetic.additions + y.elements),
    "whole_windows": Amount(
        "inputs",
        lambda operator, x, y, cost: _windows(operator, x, y, lambda extent, outputs: extent // outputs),
        "outputs times whole windows",
    ),
    "remainder_windows": Amount(
        "inputs",
        lambda operator, x, y, cost: _windows(operator, x, y, _remainder),
        "outputs times windows as torchscan takes them",
    ),
    "inputs": Amount("inputs", _inputs),
    "image_inputs": Amount("inputs", lambda operator, x, y, cost: x.elements if x.rank == 2 else 0, "inputs of images"),
    "outputs": Amount("outputs", lambda operator, x, y, cost: y.elements),
    "positions": Amount("positions", lambda operator, x, y, cost: y.positions),
    "bilinear_outputs": Amount("outputs of bilinear upsampling", _upsampled("bilinear", (2,))),
    "nearest_outputs": Amount("outputs of nearest upsampling", _upsampled("nearest", (1, 2, 3))),
    "nearest_image_outputs": Amount(
        "outputs of nearest upsampling", _upsampled("nearest", (2,)), "outputs of nearest upsampling of images"
    ),
    "linear_outputs": Amount("outputs of linear upsampling", _upsampled("bilinear", (1,))),
    "trilinear_outputs": Amount("outputs of trilinear upsampling", _upsampled("bilinear", (3,))),
    "bicubic_outputs": Amount("outputs of bicubic upsampling", _upsampled("bicubic", (2,))),
    "smooth_outputs": Amount("outputs of interpolation", _upsampled("bilinear", (1, 2, 3))),
    "taps_of_channels": Amount("taps over channels", lambda operator, x, y, cost: y.elements * operator.size),
    "padded_channels": Amount(
        "padded inputs",
        lambda operator, x, y, cost: (x.channels + operator.size - 1) * x.positions,
    ),
}

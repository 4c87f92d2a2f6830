"""A model made thin: one channel, one axis, and of each module only which positions it reads.

Kernels, strides and padding are those of the built torch modules, never archcalc's own rules. Every weight is one and
pooling is a sum over its window, so that what an output reads is where its gradient is not zero.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from fractions import Fraction
from math import lcm
from operator import getitem
from typing import Any, NamedTuple

import torch
from torch import Tensor, fx, nn
from torch.nn import functional
from torch.nn.modules import conv, padding, pooling

from archcalc.graph import Graph
from archcalc.ops import Shape
from archcalc.torch_bridge.model import merges, modules, positions, recurrent, sequences


class Slide(NamedTuple):
    """A window that slides: convolution and pooling."""

    kernel: int
    stride: int
    before: int = 0
    after: int = 0
    dilation: int = 1
    ceil: bool = False

    def apply(self, x: Tensor) -> Tensor:
        """Sum each window."""
        sides = [self.before, self.after]
        if self.ceil:
            window: Any = {"kernel_size": (self.kernel,), "stride": (self.stride,), "dilation": (self.dilation,)}
            sides = modules.MaxPool([(self.before, self.after)], **window, ceil_mode=True).sides(x)
        if any(sides):
            x = functional.pad(x, sides)
        return functional.conv1d(x, x.new_ones(1, 1, self.kernel), stride=self.stride, dilation=self.dilation)


class Spread(NamedTuple):
    """A transposed convolution."""

    kernel: int
    stride: int
    padding: int
    output_padding: int
    dilation: int

    def apply(self, x: Tensor) -> Tensor:
        """Add a kernel of ones for each position."""
        kernel, stride, padding, output_padding, dilation = self
        ones = x.new_ones(1, 1, kernel)
        return functional.conv_transpose1d(x, ones, None, stride, padding, output_padding, 1, dilation)


class Enlarge(NamedTuple):
    """Upsampling by a whole factor."""

    scale: int
    mode: str = "nearest"
    align_corners: bool | None = None

    def apply(self, x: Tensor) -> Tensor:
        """Interpolate; bicubic only exists for images."""
        scale = float(self.scale)
        if self.mode == "bicubic":
            image = functional.interpolate(x.unsqueeze(2), None, (1.0, scale), self.mode, self.align_corners)
            return image.squeeze(2)
        return functional.interpolate(x, None, scale, self.mode, self.align_corners)


class Unpool(NamedTuple):
    """Positions brought back to where a pooling found them: an output reads one of them, or none."""

    scale: int

    def apply(self, x: Tensor, pooled: Tensor) -> Tensor:
        """As many positions as the pooling had read; those that were in no window read nothing."""
        y = x.repeat_interleave(self.scale, -1)
        return functional.pad(y, (0, pooled.shape[-1] - y.shape[-1]))


class Border(NamedTuple):
    """Positions added around, or cut where negative."""

    before: int
    after: int

    def apply(self, x: Tensor) -> Tensor:
        """Pad with zeros; fields away from the border do not know what it is that is added."""
        return functional.pad(x, tuple(self))


class Join(NamedTuple):
    """A merge of branches; `reference` is the one that the others are cropped to, if any."""

    reference: int | None = None

    def apply(self, *branches: Tensor) -> Tensor:
        """Add up; a single position is repeated."""
        if self.reference is not None:
            extent = branches[self.reference].shape[-1]
            branches = tuple(x.narrow(-1, (x.shape[-1] - extent) // 2, extent) for x in branches)
        return sum(branches[1:], branches[0])


class Whole(NamedTuple):
    """Everything is read: global pooling, flattening."""

    def apply(self, x: Tensor) -> Tensor:
        """Sum all positions."""
        return x.sum(-1, keepdim=True)


class Before(NamedTuple):
    """Each position reads all up to its own: a state that goes from one to the next."""

    def apply(self, x: Tensor) -> Tensor:
        """Sum all up to each position."""
        return x.cumsum(-1)


class Same(NamedTuple):
    """Each position reads itself."""

    def apply(self, x: Tensor) -> Tensor:
        """Leave it."""
        return x


class Unknown(NamedTuple):
    """What is read is not known."""

    reason: str

    def apply(self, *_: Tensor) -> Tensor:
        """There is nothing to compute."""
        raise NotImplementedError(self.reason)


_BY_ROLES = "which positions it reads is a matter of values"
_OF_WINDOW = ("kernel_size", "stride", "padding", "dilation")
_ELSEWHERE = "its positions do not lie along the axes of the input"
Reading = Slide | Spread | Enlarge | Unpool | Border | Join | Whole | Before | Same | Unknown


class Step(NamedTuple):
    """An operation of the thin model, and the steps that it reads; step 0 is the input."""

    reading: Reading
    inputs: tuple[int, ...] = ()


class Lattice(NamedTuple):
    """How positions lie over the input.

    `jump` pixels are between neighbours; after `cycle` pixels fields begin to repeat, which is after one position
    unless something was upsampled.
    """

    jump: Fraction
    cycle: int

    @property
    def phases(self) -> int:
        """Positions whose fields may differ."""
        return int(self.cycle / self.jump)


class Thin(NamedTuple):
    """One axis of a model: its extent, its steps, and the step that gives each operation's output."""

    extent: int
    steps: list[Step]
    of: dict[int, int]

    def lattices(self) -> list[Lattice]:
        """One for each step."""
        found = [Lattice(Fraction(1), 1)]
        for reading, inputs in self.steps[1:]:
            jump = max(found[i].jump for i in inputs)
            if isinstance(reading, Slide):
                jump = found[inputs[0]].jump * reading.stride
            elif isinstance(reading, Spread):
                jump = found[inputs[0]].jump / reading.stride
            elif isinstance(reading, (Enlarge, Unpool)):
                jump = found[inputs[0]].jump / reading.scale
            found.append(Lattice(jump, lcm(jump.numerator, *(found[i].cycle for i in inputs))))
        return found

    def past(self, which: Callable[[Iterable[bool]], bool]) -> list[bool]:
        """For each step, whether all of its paths, or any of them, went through something that reads everything."""
        found: list[bool] = []
        for reading, inputs in self.steps:
            found.append(isinstance(reading, Whole | Before) or (bool(inputs) and which(found[i] for i in inputs)))
        return found

    def obstacles(self) -> list[Unknown | None]:
        """For each step, what before it cannot be run, if anything."""
        found: list[Unknown | None] = []
        for reading, inputs in self.steps:
            before = next((found[i] for i in inputs if found[i]), None)
            found.append(before or (reading if isinstance(reading, Unknown) else None))
        return found


def thin(model: fx.GraphModule, graph: Graph, axis: int) -> Thin:
    """One axis of a built model."""
    steps = [Step(Same())]
    of: dict[int, int] = {}
    places: dict[fx.Node, int] = {}
    for node in model.graph.nodes:
        if node.op == "placeholder":
            places[node] = 0
        if "index" not in node.meta or (node.target is getitem and node.args[1] == 1):  # indices of a pooling
            continue
        index = node.meta["index"]
        read: list[fx.Node] = []
        fx.map_arg(node.args, read.append)
        inputs = tuple(places[each] for each in read if each in places)
        for reading in _readings(model, node, graph, index, axis):
            if isinstance(reading, Unpool):
                pooled = read[1].args[0].args[0]  # type: ignore[union-attr]  # indices, of a pooling, of its input
                inputs = (inputs[0], places[pooled])  # type: ignore[index]
            steps.append(Step(reading, inputs))
            inputs = (len(steps) - 1,)
        places[node] = of[index] = len(steps) - 1
    return Thin(int(graph.input.spatial[axis]), steps, of)


def _readings(model: fx.GraphModule, node: fx.Node, graph: Graph, index: int, axis: int) -> list[Reading]:
    """What an fx node reads along an axis, one step after the other."""
    x, y = graph.nodes[index].x, graph.nodes[index].y
    whole = Whole() if isinstance(x, Shape) and x.rank == graph.input.rank else Same()
    if node.op == "call_function":
        return [whole if node.target is torch.flatten else Same() if node.target is getitem else Join()]
    if graph.nodes[index].operator.name in ("global_avgpool", "global_maxpool") and x.rank == graph.input.rank:
        return [whole]
    module = model.get_submodule(str(node.target))
    found = _of_module(module, x, axis) if not isinstance(x, Shape) or x.rank == graph.input.rank else None
    if found is not None:
        return found
    match module:
        case modules.Unpool() if x.rank == graph.input.rank:
            indices: Any = node.args[1]
            pool = indices.args[0]
            return [_undone(_of_module(model.get_submodule(pool.target), graph.nodes[pool.meta["index"]].x, axis))]
        case modules.Opaque():
            return [Unknown("what an opaque layer reads is not known")]
        case nn.Flatten(start_dim=1):
            return [whole]
        case sequences.Transpose():
            return [Whole()]  # of an image too: its positions are the channels
        case modules.RBF() | modules.TiedLinear() if x.rank != 1:
            return [whole]
        case nn.Linear() | nn.Conv1d(kernel_size=(1,)):
            return [Same()]  # what a linear layer reads has been flattened, or is a row of positions
    if not isinstance(x, Shape):
        return [Unknown(_BY_ROLES)]
    if x.spatial == y.spatial or x.rank == 0 or isinstance(module, nn.Flatten):
        return [Same()]
    return [Unknown(_ELSEWHERE)]


def _undone(windows: list[Reading] | None) -> Reading:
    """What an unpooling reads of what a pooling by these windows gave."""
    match windows:
        case [Slide(kernel, stride, before=0, dilation=1)] if kernel == stride:
            return Unpool(stride)  # each position was in one window, or in none
    return Unknown("windows of its pooling overlap or leave gaps; what a position reads depends on where they found it")


def _of_module(module: nn.Module, x: Any, axis: int) -> list[Reading] | None:
    """What a module reads along an axis of its own; None: nothing but its own position, or everything."""

    def along(names: str) -> list[int]:
        values = [getattr(module, name) for name in names.split()]
        return [value[axis] if isinstance(value, (tuple, list)) else value for value in values]

    match module:
        case nn.Sequential():
            return [reading for each in module for reading in _of_module(each, x, axis) or [Same()]]
        case merges.Concat() | merges.Add() | merges.Mul() | merges.Mean():
            return [Join(None if module.align is None else module.reference)]
        case conv._ConvTransposeNd():
            return [Spread(*along("kernel_size stride padding output_padding dilation"))]
        case conv._ConvNd() | modules.TableConv():
            kernel, stride, side, dilation = along("kernel_size stride padding dilation")
            return [Slide(kernel, stride, side, side, dilation)]
        case recurrent.Recurrent():
            return [Whole() if module.reads_all else Before()]
        case positions.Roll():
            shift, extent = module.shifts[axis] % x.spatial[axis], x.spatial[axis]
            shift -= extent * (2 * shift > extent)
            return [Border(shift, -shift)]  # away from the ends nothing goes around
        case positions.Local() | positions.Unfold() if isinstance(module, positions.Local) or x.rank == 1:
            kernel, stride, (before, after), dilation = (module.window[name][axis] for name in _OF_WINDOW)
            return [Slide(kernel, stride, before, after, dilation)]
        case pooling._MaxPoolNd():
            kernel, stride, side, dilation = along("kernel_size stride padding dilation")
            return [Slide(kernel, stride, side, side, dilation, module.ceil_mode)]
        case pooling._AvgPoolNd():
            kernel, stride, side = along("kernel_size stride padding")
            return [Slide(kernel, stride, side, side, ceil=bool(module.ceil_mode))]
        case pooling._LPPoolNd():
            kernel, stride = along("kernel_size stride")
            return [Slide(kernel, stride, ceil=module.ceil_mode)]
        case modules.Subsample():
            kernel, stride = along("kernel_size stride")
            return [Slide(kernel, stride)]
        case modules.MaxPool() | modules.AvgPool():
            kernel, stride, dilation = along("kernel_size stride dilation")
            return [Slide(kernel, stride, *module.padding[axis], dilation, module.ceil_mode)]
        case pooling._AdaptiveAvgPoolNd() | pooling._AdaptiveMaxPoolNd():
            (size,) = along("output_size")
            extent = x.spatial[axis]
            if size == 1:
                return [Whole()]
            if extent % size:
                return [Unknown("its windows lie unevenly; the field is given for the longest that there may be")]
            return [Slide(extent // size, extent // size)]
        case padding._ConstantPadNd() | padding._ReflectionPadNd() | padding._ReplicationPadNd():
            first = 2 * (x.rank - 1 - axis)  # torch names the sides of the last axis first
            return [Border(*module.padding[first : first + 2])]
        case nn.Upsample():
            scale = module.scale_factor[axis] if isinstance(module.scale_factor, tuple) else module.scale_factor
            if scale is None or scale != int(scale):  # None: to a size
                return [Unknown("by a fraction it spreads unevenly; the field is given for the widest part")]
            mode = module.mode if module.mode in ("nearest", "bicubic") else "linear"
            return [Enlarge(int(scale), mode, module.align_corners)]
        case nn.PixelShuffle():
            return [Enlarge(module.upscale_factor)]
        case modules.PixelShuffle():
            return [Enlarge(module.factors[axis])]
        case nn.PixelUnshuffle():
            return [Slide(module.downscale_factor, module.downscale_factor)]
        case modules.PixelUnshuffle():
            return [Slide(module.factors[axis], module.factors[axis])]
    return None

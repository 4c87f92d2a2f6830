"""Whether two models compute the same: weights of one in the other, one input, and the outputs side by side.

Parameters are matched by where they stand in the flow of data, which is noted while both run: what each reads, what
reads it, and its shape, without extents of 1 at the end (a 1x1 convolution is a linear layer) and before a matrix (a
table for a batch of one). Those that stand alike, as branches of equal shapes do, are taken in the order of execution.
"""

from __future__ import annotations

import copy
from collections import defaultdict
from collections.abc import Callable, Iterable, Sequence
from math import nan, prod
from typing import Any, NamedTuple

import torch
from torch import Tensor, nn
from torch.overrides import TorchFunctionMode
from torch.utils._pytree import tree_leaves

from archcalc.graph import Graph
from archcalc.torch_bridge.counters.counters import Uninitialised, examples, stored_buffers
from archcalc.torch_bridge.model.build import build, example_inputs

BATCH = 2
SEED = 0
# From single precision to double, rounding shrinks by 2^29; what is computed otherwise stays.
ROUNDING = 2.0**-20


class UnmatchedError(ValueError):
    """A parameter of one model has no counterpart in the other."""


class Use(NamedTuple):
    """A parameter or buffer as it is read: its name, its shape, and the uses before it whose results meet it."""

    name: str
    shape: tuple[int, ...]
    is_parameter: bool
    before: frozenset[int]


class _Origin(NamedTuple):
    """Where a tensor comes from: the last uses on its way from the input, or what was made of parameters alone."""

    before: frozenset[int] | None
    waiting: tuple[str, ...] = ()


class Uses(TorchFunctionMode):
    """Notes in which order and where in the flow of data a model reads what it stores."""

    def __init__(self, model: nn.Module, inputs: Iterable[Tensor]) -> None:
        super().__init__()
        self.found: list[Use] = []
        self._stored = stored_tensors(model)
        self._names = {id(each): name for name, each in reversed(self._stored.items())}
        for each in inputs:
            _mark(each, _Origin(frozenset()))

    def __torch_function__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        kwargs = kwargs or {}
        read = [each for each in tree_leaves((args, kwargs)) if isinstance(each, Tensor)]
        result = func(*args, **kwargs)
        given = [each for each in tree_leaves(result) if isinstance(each, Tensor)]
        if not given and getattr(func, "__name__", "") in ("__setitem__", "set_"):
            given = read[:1]  # what is written into
        if given and read:
            origin = self._origin(read)
            for each in given:
                if origin is not None and id(each) not in self._names:
                    _mark(each, origin)
        return result

    def _origin(self, read: Sequence[Tensor]) -> _Origin | None:
        origins = [self._origin_of(each) for each in read]
        waiting = tuple(dict.fromkeys(name for origin in origins if origin for name in origin.waiting))
        met = [origin.before for origin in origins if origin and origin.before is not None]
        if not met:
            return _Origin(None, waiting) if waiting else None
        before = frozenset[int]().union(*met)
        for name in waiting:
            stored = self._stored[name]
            is_parameter = isinstance(stored, nn.Parameter)
            shape = as_matrix(stored.shape) if is_parameter else as_table(stored.shape)
            self.found.append(Use(name, shape, is_parameter, before))
            before = frozenset({len(self.found) - 1})
        return _Origin(before)

    def _origin_of(self, tensor: Tensor) -> _Origin | None:
        name = self._names.get(id(tensor))
        return getattr(tensor, _MARK, None) if name is None else _Origin(None, (name,))


_MARK = "_archcalc_origin"


def _mark(tensor: Tensor, origin: _Origin) -> None:
    setattr(tensor, _MARK, origin)


def stored_tensors(model: nn.Module) -> dict[str, Tensor]:
    """Parameters, and the buffers that are stored with them and hold no whole numbers, by name."""
    buffers = {name: each for name, each in stored_buffers(model).items() if each.is_floating_point()}
    return {**dict(model.named_parameters()), **buffers}


def as_matrix(shape: Sequence[int]) -> tuple[int, ...]:
    """Without the extents of 1 at its end, a 1x1 convolution being a linear layer, and of a batch before a matrix."""
    shape = tuple(shape)
    while len(shape) > 1 and shape[-1] == 1:
        shape = shape[:-1]
    while len(shape) > 2 and shape[0] == 1:
        shape = shape[1:]
    return shape


def as_table(shape: Sequence[int]) -> tuple[int, ...]:
    """Of a buffer, a row for each position, as tables are kept here; all its leading axes are positions."""
    return (prod(shape[:-1]), shape[-1]) if len(shape) > 2 else tuple(shape)


def matched(ours: Sequence[Use], theirs: Sequence[Use]) -> dict[str, str]:
    """Which of theirs each of ours is.

    Raises:
        UnmatchedError: the first in the order of execution that has no counterpart.
    """
    for keys in (_in_the_flow, _by_shape):
        own, other = keys(ours), keys(theirs)
        if sorted(own) == sorted(other):
            break
    else:
        raise UnmatchedError(_lonely(ours, theirs))
    waiting: dict[Any, list[str]] = defaultdict(list)
    for key, use in zip(other, theirs, strict=True):
        waiting[key].append(use.name)
    found: dict[str, str] = {}
    for key, use in zip(own, ours, strict=True):
        name = waiting[key].pop(0)
        if found.setdefault(use.name, name) != name:
            raise UnmatchedError(f"{use.name} is used again where the model reads {name}, and before {found[use.name]}")
    return found


def _by_shape(uses: Sequence[Use]) -> list[Any]:
    return [(use.is_parameter, use.shape) for use in uses]


def _in_the_flow(uses: Sequence[Use]) -> list[Any]:
    """A key for each use: equal where shapes are, of it, of all that is before it and of all that is after it."""
    after: list[list[int]] = [[] for _ in uses]
    up: list[int] = []
    for index, use in enumerate(uses):
        up.append(hash((use.is_parameter, use.shape, *sorted(up[each] for each in use.before))))
        for each in use.before:
            after[each].append(index)
    down = [0] * len(uses)
    for index in reversed(range(len(uses))):
        down[index] = hash((uses[index].shape, *sorted(down[each] for each in after[index])))
    return list(zip(up, down, strict=True))


def _lonely(ours: Sequence[Use], theirs: Sequence[Use]) -> str:
    for uses, others, whose, other in ((theirs, ours, "the model's", "the spec"), (ours, theirs, "the spec's", "it")):
        left = _by_shape(others)
        for use, key in zip(uses, _by_shape(uses), strict=True):
            if key not in left:
                kind = "parameter" if use.is_parameter else "buffer"
                return f"{whose} {kind} {use.name}, {'x'.join(map(str, use.shape))}, has no counterpart in {other}"
            left.remove(key)
    raise AssertionError("all have counterparts")


class Difference(NamedTuple):
    """The largest difference of outputs, as a part of the largest output, in single and in double precision."""

    single: float
    double: float  # not a number where the model does not run in double precision

    @property
    def is_rounding(self) -> bool:
        """Whether it comes of the order of additions alone: it shrinks as the precision grows."""
        return self.double <= self.single * ROUNDING


def compare_values(graph: Graph, model: nn.Module, settle: Callable[[nn.Module], None] | None = None) -> Difference:
    """Run both on one input, with the weights of the model in ours; it is run as it is, for inference.

    What starts as ones or zeros is moved away from them in the copy that is run, so that nothing hides behind it: a
    scale of 0.000001 its branch, a variance of 1 what is added to it.

    Args:
        graph: of the network.
        model: the other model.
        settle: what is then done to the copy, as where a part of what is stored is never read.

    Raises:
        UnmatchedError: their parameters are not ours.
    """
    with torch.random.fork_rng(devices=[]), torch.no_grad():
        torch.manual_seed(SEED)
        theirs = copy.deepcopy(model).cpu().float().eval()
        for each in stored_tensors(theirs).values():
            if len(as_matrix(each.shape)) == 1:
                each.add_(torch.rand_like(each), alpha=0.1)
        if settle is not None:
            settle(theirs)
        inputs = example_inputs(graph, BATCH)
        their_uses = Uses(theirs, inputs)
        with their_uses:
            given = first_output(theirs(*(each.clone() for each in inputs)))
        with Uninitialised():
            ours = build(graph).eval()
        names = matched(_own_uses(graph), their_uses.found)
        own, stored = stored_tensors(ours), stored_tensors(theirs)
        for name, other in names.items():
            own[name].copy_(stored[other].reshape(own[name].shape))
        single = _largest(first_output(ours(*inputs)), given)
        if single == 0:
            return Difference(0, 0)
        inputs = tuple(each.double() if each.is_floating_point() else each for each in inputs)
        ours, theirs = ours.double(), theirs.double()
        try:
            return Difference(single, _largest(first_output(ours(*inputs)), first_output(theirs(*inputs))))
        except RuntimeError:  # what it makes on its way is of single precision
            return Difference(single, nan)


def _own_uses(graph: Graph) -> list[Use]:
    model = build(graph, device="meta").eval()
    inputs = examples(graph, BATCH, "meta")
    uses = Uses(model, inputs)
    with uses:
        model(*inputs)
    return uses.found


def first_output(given: Any) -> Tensor:
    """The output of a model, which may have others besides.

    Raises:
        TypeError: there is no tensor in it.
    """
    tensors = [each for each in tree_leaves(given) if isinstance(each, Tensor)]
    if not tensors:
        raise TypeError(f"the model gives {type(given).__name__}, in which there is no tensor")
    return tensors[0]


def _largest(ours: Tensor, theirs: Tensor) -> float:
    """Largest difference; the model's output may be flat where ours has extents of 1."""
    if ours.numel() != theirs.numel():
        raise UnmatchedError(f"the model gives {tuple(theirs.shape)}, the spec {tuple(ours.shape)}")
    ours, theirs = ours.flatten(), theirs.flatten()
    if torch.equal(ours, theirs):
        return 0.0
    return float((ours - theirs).abs().max() / theirs.abs().max())

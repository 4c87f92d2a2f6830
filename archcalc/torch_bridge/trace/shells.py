"""Models without memory: built on the meta device, or copied there from one that a user holds."""

from __future__ import annotations

import copy
import random
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import lru_cache
from itertools import compress
from operator import is_
from threading import get_ident
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn.parameter import UninitializedBuffer, UninitializedParameter, is_lazy
from torch.overrides import TorchFunctionMode

from archcalc.torch_bridge.trace.arguments import Arguments, caught
from archcalc.torch_bridge.trace.keras_models import emptied, is_keras
from archcalc.torch_bridge.trace.parts import every_module

LARGEST_CONSTANT = 1 << 20
"""Buffers of whole numbers up to so many elements stay what they are: positions, masks, places in tables."""


@contextmanager
def random_state_kept() -> Iterator[None]:
    """What is drawn meanwhile changes no later draw, of torch, of Python or of NumPy."""
    import sys

    numpy = sys.modules.get("numpy")
    python = random.getstate()
    of_numpy = numpy.random.get_state() if numpy else None
    torch_state = torch.random.get_rng_state()
    try:
        yield
    finally:
        torch.random.set_rng_state(torch_state)
        random.setstate(python)
        if numpy:
            numpy.random.set_state(of_numpy)


@contextmanager
def torch_settings_kept() -> Iterator[None]:
    """Type of numbers and gradients as they were, and no fused encoder layers meanwhile: they hide what they do."""
    dtype, gradients = torch.get_default_dtype(), torch.is_grad_enabled()
    fast = torch.backends.mha.get_fastpath_enabled()
    torch.backends.mha.set_fastpath_enabled(False)
    try:
        yield
    finally:
        torch.backends.mha.set_fastpath_enabled(fast)
        torch.set_default_dtype(dtype)
        torch.set_grad_enabled(gradients)


DRAWS = {Tensor.normal_, Tensor.uniform_, Tensor.exponential_, Tensor.bernoulli_}


class _Undrawn(TorchFunctionMode):
    """New tensors that only `torch.empty` makes are weights, and need no memory; nothing is drawn."""

    def __torch_function__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        kwargs = kwargs or {}
        if func is torch.empty and kwargs.get("device") is None:
            kwargs["device"] = "meta"
        if func in DRAWS and args and args[0].is_meta:
            return args[0]
        if getattr(func, "__module__", "") == "torch.nn.init":
            return args[0] if args else kwargs["tensor"]
        return func(*args, **kwargs)


@contextmanager
def _undrawn() -> Iterator[None]:
    """Layers get weights without memory and without values; those of other threads get theirs.

    The mode alone would do: not to come to what fills weights, a dozen operations for each, is half of the time.
    """
    thread = get_ident()

    def of_layers(plain: Any) -> Any:
        return lambda self: None if get_ident() == thread else plain(self)

    def of_tensors(plain: Any) -> Any:
        def fill(tensor: Tensor, *args: Any, **kwargs: Any) -> Any:
            return tensor if tensor.is_meta and get_ident() == thread else plain(tensor, *args, **kwargs)

        return fill

    filling: list[tuple[Any, str, Any]] = [(cls, "reset_parameters", of_layers) for cls in _layers_that_fill()]
    filling += [(nn.init, name, of_tensors) for name in vars(nn.init) if name.endswith("_") and name[0] != "_"]
    before = [(owner, name, vars(owner)[name]) for owner, name, _ in filling]
    try:
        for owner, name, instead in filling:
            setattr(owner, name, instead(vars(owner)[name]))
        with _Undrawn():
            yield
    finally:
        for owner, name, plain in before:
            setattr(owner, name, plain)


@lru_cache(maxsize=1)
def _layers_that_fill() -> list[type[nn.Module]]:
    """Classes of torch's layers that say how their weights are filled."""
    layers = [each for each in vars(nn).values() if isinstance(each, type) and issubclass(each, nn.Module)]
    owners = dict.fromkeys([owner for each in layers for owner in each.__mro__])
    return [owner for owner in owners if "reset_parameters" in vars(owner)]


def made(make: Callable[[], nn.Module], is_own: bool = False) -> tuple[nn.Module, Arguments]:
    """A model on the meta device, and the arguments of its constructors.

    It is made as it stands but for its weights, which get no memory: what its constructor computes of numbers is
    there. Where that fails it is made on the meta device as a whole, and at last with all of its memory.

    Args:
        make: gives the model.
        is_own: it gives a new one each time, which nobody else has: its memory is taken, and no copy made.
    """
    without = _taken if is_own else without_memory
    with random_state_kept(), torch_settings_kept(), caught() as found:
        for place in (_undrawn(), torch.device("meta")):
            try:
                with place:
                    model = make()
                return without(model, found), found
            except Exception:  # what is wrong with the constructor itself shows again
                continue
        return without(make(), found), found


class _Emptied(TorchFunctionMode):
    """A deep copy of a tensor that no module has registered is one without memory, too."""

    def __torch_function__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        if func is Tensor.__deepcopy__:
            tensor, memo = args
            if id(tensor) not in memo:
                memo[id(tensor)] = _shell(tensor)
            return memo[id(tensor)]
        return func(*args, **(kwargs or {}))


def _shell(tensor: Tensor) -> Tensor:
    """A tensor of that shape without memory; small ones of whole numbers, which say where things are, as they are."""
    if is_lazy(tensor):
        made: Any = UninitializedParameter if isinstance(tensor, UninitializedParameter) else UninitializedBuffer
        empty: Tensor = made(device="meta", dtype=tensor.dtype)  # its first input gives its shape
        return empty
    if isinstance(tensor, nn.Parameter):
        return nn.Parameter(tensor.detach().to("meta"), requires_grad=tensor.requires_grad)
    if _says_where(tensor):
        return tensor.detach().to("cpu", copy=True)
    is_plain = type(tensor) is Tensor and tensor.layout is torch.strided and tensor.is_floating_point()
    if is_plain and tensor.is_contiguous():
        return torch.empty(tensor.shape, dtype=tensor.dtype, device="meta")  # in a third of the time
    return tensor.detach().to("meta")


def _says_where(tensor: Tensor) -> bool:
    """Whether a tensor, no parameter, holds a few whole numbers."""
    is_small = not tensor.is_floating_point() and tensor.numel() <= LARGEST_CONSTANT
    return is_small and not tensor.is_meta and not isinstance(tensor, nn.Parameter)


def without_memory(model: nn.Module, found: Arguments | None = None) -> nn.Module:
    """A copy on the meta device that shares nothing with the model; what was found of its constructors is its, too."""
    if is_keras(model) and all(each.device.type == "meta" for each in model.parameters()):
        return model  # Keras copies no model whose numbers are not there
    memo: dict[int, Any] = {}
    for tensor in (*model.parameters(), *model.buffers()):
        memo[id(tensor)] = _shell(tensor)
    with _Emptied():
        copied = copy.deepcopy(model, memo)
    emptied(copied)
    for original, module in zip(model.modules(), copied.modules(), strict=False):
        if found is not None and original in found:
            found[module] = found[original]
        _drop_hooks(module)
    return copied


def is_any_lazy(model: nn.Module) -> bool:
    """Whether a parameter or a buffer has no size yet."""
    modules = every_module(model)
    stored = [each for of in modules for each in (*of._parameters.values(), *of._buffers.values())]
    return any(is_lazy(each) for each in stored if each is not None)


Held = tuple[list[Any], list[int]]


def held(model: nn.Module) -> Held:
    """What the modules of a model hold, and how much where it is a list or a table: to see what running changes."""
    modules = every_module(model)
    found = [value for module in modules for value in vars(module).values()]
    kinds = list(map(type, found))
    sized = {kind for kind in set(kinds) if issubclass(kind, (dict, list, set))}
    sizes = list(map(len, compress(found, map(sized.__contains__, kinds))))  # of tens of thousands, none by itself
    stored = [each for module in modules for each in (*module._parameters.values(), *module._buffers.values())]
    found += stored
    sizes += [each._version for each in stored if each is not None and not is_lazy(each) and not each.is_inference()]
    return found, sizes


def is_same(before: Held, after: Held) -> bool:
    """Whether a model holds what it held, the very same objects."""
    is_as_much = len(before[0]) == len(after[0]) and before[1] == after[1]
    return is_as_much and all(map(is_, before[0], after[0]))


def _taken(model: nn.Module, found: Arguments) -> nn.Module:
    """The model itself, with its memory taken; one of Keras, which holds its weights elsewhere too, is copied."""
    if is_keras(model):
        return without_memory(model, found)
    memo: dict[int, Tensor] = {}  # by what they were, all of which `kept` keeps
    kept: list[Tensor] = []

    def emptied(value: Any, depth: int = 3) -> Any:
        kind = type(value)
        if isinstance(value, Tensor):
            if value.is_meta or (not is_lazy(value) and _says_where(value)):
                return value
            if id(value) not in memo:
                kept.append(value)
                memo[id(value)] = _shell(value)
            return memo[id(value)]
        if kind not in HOLDING or not depth or PLAIN.issuperset(map(type, value.values() if kind is dict else value)):
            return value
        if kind is dict:
            for key, each in value.items():
                value[key] = emptied(each, depth - 1)
        elif kind is list:
            value[:] = [emptied(each, depth - 1) for each in value]
        elif any(isinstance(each, Tensor) for each in value):
            return tuple([emptied(each, depth - 1) for each in value])
        return value

    for module in every_module(model):
        held = vars(module)
        for name, value in held.items():
            kind = type(value)
            is_filled = value and name != "_modules" if kind in HOLDING else isinstance(value, Tensor)
            if is_filled:
                held[name] = emptied(value)
        _drop_hooks(module)
    return model


HOLDING = frozenset({dict, list, tuple})
PLAIN = frozenset({int, float, str, bool, type(None)})


def _drop_hooks(module: nn.Module) -> None:
    """Only hooks of torch's own, which make weights (weight_norm, pruning), run on the copy."""
    if not module._forward_hooks and not module._forward_pre_hooks:
        return
    for name in ("_forward_hooks", "_forward_pre_hooks"):
        hooks = getattr(module, name)
        for key, hook in list(hooks.items()):
            owner = getattr(hook, "__module__", None) or type(hook).__module__
            if not str(owner).startswith("torch."):
                del hooks[key]

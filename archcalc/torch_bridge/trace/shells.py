"""Models without memory: built on the meta device, or copied there from one that a user holds."""

from __future__ import annotations

import copy
import random
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from operator import is_
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn.parameter import UninitializedBuffer, UninitializedParameter, is_lazy
from torch.overrides import TorchFunctionMode

from archcalc.torch_bridge.trace.arguments import Arguments, caught
from archcalc.torch_bridge.trace.keras_models import emptied, is_keras

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
        if getattr(func, "__module__", "") == "torch.nn.init":
            return args[0] if args else kwargs["tensor"]
        if func in DRAWS and args and args[0].device.type == "meta":
            return args[0]
        if func is torch.empty and kwargs.get("device") is None:
            return func(*args, **{**kwargs, "device": "meta"})
        return func(*args, **kwargs)


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
        for place in (_Undrawn(), torch.device("meta")):
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
    is_small = not tensor.is_floating_point() and tensor.numel() <= LARGEST_CONSTANT and tensor.device.type != "meta"
    return tensor.detach().to("cpu", copy=True) if is_small else tensor.detach().to("meta")


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


Held = tuple[list[Any], list[int]]


def held(model: nn.Module) -> Held:
    """What the modules of a model hold, and how much where it is a list or a table: to see what running changes."""
    found: list[Any] = []
    sizes: list[int] = []
    for module in model.modules():
        values = vars(module).values()
        found.extend(values)
        sizes.extend([len(value) for value in values if isinstance(value, (dict, list, set))])
        for stored in (*module._parameters.values(), *module._buffers.values()):
            found.append(stored)
            if stored is not None and not is_lazy(stored) and not stored.is_inference():
                sizes.append(stored._version)
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
        if isinstance(value, Tensor):
            if value.is_meta:
                return value
            if id(value) not in memo:
                kept.append(value)
                memo[id(value)] = _shell(value)
            return memo[id(value)]
        if type(value) is dict and depth:
            for key, each in value.items():
                value[key] = emptied(each, depth - 1)
        elif type(value) is list and depth:
            value[:] = [emptied(each, depth - 1) for each in value]
        elif type(value) is tuple and depth and any(isinstance(each, Tensor) for each in value):
            return tuple([emptied(each, depth - 1) for each in value])
        return value

    for module in model.modules():
        held = vars(module)
        for name, value in held.items():
            if isinstance(value, (Tensor, dict, list, tuple)) and name != "_modules":
                held[name] = emptied(value)
        _drop_hooks(module)
    return model


def _drop_hooks(module: nn.Module) -> None:
    """Only hooks of torch's own, which make weights (weight_norm, pruning), run on the copy."""
    for name in ("_forward_hooks", "_forward_pre_hooks"):
        hooks = getattr(module, name)
        for key, hook in list(hooks.items()):
            owner = getattr(hook, "__module__", None) or type(hook).__module__
            if not str(owner).startswith("torch."):
                del hooks[key]

"""The modules of a model with what is known of them before anything runs, and the tensors that they store."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, NamedTuple

import torch
from torch import Tensor, nn

from archcalc.importing.neutral import Tensor as Neutral
from archcalc.torch_bridge.trace.arguments import Arguments, of_module
from archcalc.torch_bridge.trace.keras_models import is_keras
from archcalc.torch_bridge.trace.leaves import Leaf, leaf_of

LARGEST_VALUE = 4096  # elements of a constant whose numbers are kept


class Part(NamedTuple):
    """A module: where it is, what it calls itself, and whether what it does is one operation."""

    path: str
    above: str  # path of the module that holds it
    name: str
    kind: str
    arguments: dict[str, Any]  # of its constructor
    instance: int
    leaf: Leaf | None


class Parts:
    """All of a model that two readings of it have in common."""

    def __init__(self, model: nn.Module, found: Arguments) -> None:
        self.model = model
        self.found = found
        self.is_keras = is_keras(model)
        self.tensors: list[Neutral] = []
        self.known: dict[int, int] = {}  # by id of the tensor
        self.kept: dict[int, Tensor] = {}  # so that its id serves nobody else
        self._paths: dict[nn.Module, str] = {}
        for module, path in walked(model):
            self._paths.setdefault(module, path)
        self._of: dict[nn.Module, Part] = {}
        self._instances = {module: number for number, module in enumerate(self._paths)}
        parameters = list(model.named_parameters() if self.is_keras else self._stored("_parameters"))
        for path, tensor in parameters:
            is_apart = self.is_keras and not tensor.requires_grad  # statistics are parameters there
            self._hold(tensor, "buffer" if is_apart else "parameter", path.replace("_torch_params.", ""))
        for path, tensor in self._stored("_buffers"):
            self._hold(tensor, "buffer", path)
        frozen = {path for path, each in parameters if not each.requires_grad}
        # Where all are, the model is there to be used, and would be trained whole.
        self.frozen = frozen if not self.is_keras and len(frozen) < len(parameters) else set()

    def of(self, module: nn.Module) -> Part:
        """What is known of a module; one that was made while the model ran has no path."""
        part = self._of.get(module)
        if part is None:
            path = self._paths.get(module, "")
            above, _, name = path.rpartition(".")
            instance = self._instances.setdefault(module, len(self._instances))
            kind, arguments = type(module).__name__, of_module(module, self.found)
            part = Part(path, above, name or _name_of(module), kind, arguments, instance, leaf_of(module))
            self._of[module] = part
        return part

    def _hold(self, tensor: Tensor, kind: Any, name: str) -> None:
        self.known[id(tensor)] = len(self.tensors)
        self.kept[id(tensor)] = tensor
        self.tensors.append(neutral(tensor, kind, name))

    def _stored(self, kind: str) -> Iterator[tuple[str, Tensor]]:
        """Parameters or buffers with their paths, each once: as `named_parameters` has them, in one walk for all."""
        seen: set[int] = set()
        for module, path in self._paths.items():
            held = getattr(module, kind)
            for name, tensor in held.items() if held else ():
                if tensor is not None and id(tensor) not in seen:
                    seen.add(id(tensor))
                    yield f"{path}.{name}" if path else name, tensor


def neutral(tensor: Tensor, kind: Any = "value", name: str = "") -> Neutral:
    """A tensor as data, with its numbers where they say where things are."""
    dtype = tensor.dtype
    of: Any = "float" if dtype.is_floating_point or dtype.is_complex else "bool" if dtype == torch.bool else "int"
    value = None
    if kind in ("constant", "buffer") and not tensor.is_meta and tensor.numel() <= LARGEST_VALUE:
        value = tensor.detach().tolist()
    return Neutral(tuple(tensor.shape), kind, name, of, value)


def _name_of(module: nn.Module) -> str:
    """What a module that has no path calls itself, as layers of Keras do; or its class."""
    name = getattr(module, "name", None)
    return name if isinstance(name, str) and name else type(module).__name__


def every_module(model: nn.Module) -> list[nn.Module]:
    """All modules of a model, each once."""
    return list(dict.fromkeys([module for module, _ in walked(model)]))


def walked(model: nn.Module) -> Iterator[tuple[nn.Module, str]]:
    """Modules with their paths, as often as they are held: as `named_modules` has them, without its towers of calls.

    One that holds a module that it lies in, such as its parent, does not hold it again.
    """
    waiting: list[tuple[nn.Module, str, tuple[nn.Module, ...]]] = [(model, "", ())]
    while waiting:
        module, path, around = waiting.pop()
        yield module, path
        if not module._modules:
            continue
        around = (*around, module)
        for name, child in reversed(module._modules.items()):
            if child is not None and child not in around:
                waiting.append((child, f"{path}.{name}" if path else name, around))

"""What a module does when it runs without memory, as a neutral program.

A dispatch mode sees every operation. In inference mode composites (`linear`, `layer_norm`, attention) reach it whole;
those that nobody reads as a whole are taken apart. Hooks say which modules run around them.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, NamedTuple

import torch
from torch import Tensor, nn
from torch.nn.modules.module import register_module_forward_hook, register_module_forward_pre_hook
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils._pytree import tree_leaves, tree_map

from archcalc.importing.calls import Scope
from archcalc.importing.neutral import Operation, Program, Ref
from archcalc.importing.neutral import Tensor as Neutral
from archcalc.torch_bridge.trace.arguments import Arguments, of_module
from archcalc.torch_bridge.trace.forms import of_known_form, states_of_known_form
from archcalc.torch_bridge.trace.keras_models import is_keras
from archcalc.torch_bridge.trace.leaves import Leaf, leaf_of
from archcalc.torch_bridge.trace.packed import PACKING, packed_again, repacked, unpacked

LARGEST_VALUE = 4096  # elements of a constant whose numbers are kept
LIBRARIES = {"aten", "prim", "prims", "torchvision"}  # whose names the rules know
MOVES = {"to", "_to_copy"}
ASKS = {"_local_scalar_dense", "is_nonzero", "equal", "item", "nonzero", "unique_dim", "_unique2", "masked_select"}


class NeedsValuesError(Exception):
    """The model asks for numbers that a trace has not."""

    def __init__(self, operation: str) -> None:
        self.operation = operation
        super().__init__(operation)


class _Running(NamedTuple):
    """A module that runs: its scopes from the outermost on, and whether what it does is one operation."""

    module: nn.Module
    path: str
    scope: tuple[Scope, ...]
    run: int
    leaf: Leaf | None


class _Schema(NamedTuple):
    """What the schema of an operation says of it."""

    name: str
    plain: str  # without the underscore of what works in place
    arguments: tuple[str, ...]
    is_mutable: bool
    decomposes: bool


_schemas: dict[Any, _Schema] = {}


def _schema_of(func: Any) -> _Schema:
    found = _schemas.get(func)
    if found is None:
        library, _, name = func._schema.name.rpartition("::")
        if library not in LIBRARIES:  # one of somebody's own may have any name
            name = f"{library}::{name}"
        plain = name.rstrip("_") if not name.startswith("__") else name
        names = tuple([argument.name for argument in func._schema.arguments])
        decomposes = func._can_decompose() and func is not torch.ops.prim.device.default
        found = _schemas[func] = _Schema(name, plain, names, func._schema.is_mutable, decomposes)
    return found


class Tracer(TorchDispatchMode):  # type: ignore[no-untyped-call]  # torch has none here
    """Writes down what runs; `program` has it at every moment, so that what came before a failure is not lost."""

    def __init__(self, name: str, model: nn.Module, found: Arguments, whole: frozenset[str]) -> None:
        super().__init__()  # type: ignore[no-untyped-call]
        self.program = Program(name)
        self.model = model
        self.whole = whole
        self._is_keras = is_keras(model)
        self.running: list[_Running] = []
        self.failed_at: _Running | None = None
        self._found = found
        self._paths: dict[nn.Module, str] = {}
        for module, path in walked(model):
            self._paths.setdefault(module, path)
        self._instances: dict[nn.Module, int] = {module: number for number, module in enumerate(self._paths)}
        self._runs = 0
        self._known: dict[int, int] = {}  # by id of the tensor
        self._kept: list[Any] = []
        self._ids: set[int] = set()
        self._standing: dict[int, Tensor] = {}  # constants that were written into: by what they are now
        self._storages: dict[int, list[Tensor]] = {}
        parameters = list(model.named_parameters() if self._is_keras else self._stored("_parameters"))
        for path, tensor in parameters:
            is_apart = self._is_keras and not tensor.requires_grad  # statistics are parameters there
            self._hold(tensor, "buffer" if is_apart else "parameter", path.replace("_torch_params.", ""))
        for path, tensor in self._stored("_buffers"):
            self._hold(tensor, "buffer", path)
        frozen = {path for path, each in parameters if not each.requires_grad}
        if not self._is_keras and len(frozen) < len(parameters):
            self.program.frozen = frozen  # where all are, the model is there to be used, and would be trained whole

    def _stored(self, kind: str) -> Iterator[tuple[str, Tensor]]:
        """Parameters or buffers with their paths, each once: as `named_parameters` has them, in one walk for all."""
        seen: set[int] = set()
        for module, path in self._paths.items():
            for name, tensor in getattr(module, kind).items():
                if tensor is not None and id(tensor) not in seen:
                    seen.add(id(tensor))
                    yield f"{path}.{name}" if path else name, tensor

    # Tensors

    def _hold(self, tensor: Tensor, kind: Any = "value", name: str = "") -> int:
        dtype: Any = "float" if tensor.is_floating_point() or tensor.is_complex() else "int"
        dtype = "bool" if tensor.dtype == torch.bool else dtype
        value = None
        if kind in ("constant", "buffer") and tensor.device.type != "meta" and tensor.numel() <= LARGEST_VALUE:
            value = tensor.detach().tolist()
        index = self.program.add(Neutral(tuple(map(int, tensor.shape)), kind, name, dtype, value))
        self._bind(tensor, index)
        return index

    def _remember(self, tensor: Tensor) -> None:
        """Keep a tensor, so that its id serves nobody else, beside all that lie in the same memory."""
        if id(tensor) not in self._ids:
            self._ids.add(id(tensor))
            self._kept.append(tensor)
            self._storages.setdefault(tensor.untyped_storage()._cdata, []).append(tensor)

    def _bind(self, tensor: Tensor, index: int) -> None:
        self._remember(tensor)
        self._known[id(tensor)] = index

    def index(self, tensor: Tensor) -> int:
        """Of a tensor in the program; one that nobody has made is a constant."""
        if id(tensor) not in self._known:
            return self._hold(tensor, "constant")
        return self._known[id(tensor)]

    def input(self, name: str, tensor: Tensor) -> None:
        """Tell of an input of the network."""
        self.program.inputs[name] = self._hold(tensor, "input", name)

    def _argument(self, value: Any) -> Any:
        if value is None or type(value) in (int, float, bool):
            return value
        if isinstance(value, Tensor):
            return Ref(self.index(value))
        if isinstance(value, (list, tuple)):
            return [self._argument(item) for item in value]
        if isinstance(value, (torch.SymInt, torch.SymFloat)):
            return int(value)
        return value

    # Operations

    def __torch_dispatch__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        kwargs = kwargs or {}
        name, plain, names, is_mutable, decomposes = _schema_of(func)
        if self.running and self.running[-1].leaf is not None:
            states = states_of_known_form(name, args, {**dict(zip(names, args, strict=False)), **kwargs})
            return func(*_alike(args), **_alike(kwargs)) if states is None else states
        if name in PACKING:
            with self:
                return repacked(name, args)
        if decomposes and plain not in self.whole:
            with self:
                given = func.decompose(*args, **kwargs)
            if given is not NotImplemented:
                return given
        if self._is_keras and plain == "empty_like":
            plain = "alias"  # how Keras brings a tensor to the meta device
        args, kwargs = self._as_they_stand(args), self._as_they_stand(kwargs)
        tensors = _tensors_of((args, kwargs))
        is_computed = any(each.is_meta for each in tensors)
        if is_computed and name in ASKS:
            raise NeedsValuesError(name)
        if not is_computed:  # a constant of the model's own: its numbers may be asked for
            args, kwargs = tree_map(_with_memory, (list(args), dict(kwargs)))
            given = func(*args, **kwargs)
            for each in _tensors_of(given):
                if each.is_meta:
                    self._hold(each, "constant")
                else:
                    self._remember(each)
            return given
        bound = dict(zip(names, args, strict=False))
        bound.update(kwargs)
        read = {key: self._argument(value) for key, value in bound.items()}
        is_written = is_mutable and bool(tensors) and tensors[0] is (args[0] if args else None)
        if is_written and not tensors[0].is_meta:
            self._stand_in(tensors[0])
            args = self._as_they_stand(args)
        if plain in MOVES and "device" in bound:  # what is computed has no memory anywhere
            args, kwargs = tree_map(_without_memory, (list(args), dict(kwargs)))
        given = of_known_form(name, args, bound)
        if given is None:
            given = func(*args, **kwargs) if all(each.is_meta for each in tensors) else _on_meta(func, args, kwargs)
        outputs = _tensors_of(given)
        if not outputs:
            return given
        indices = tuple([self.program.add(self._shell_of(each)) for each in outputs])
        self.program.operations.append(Operation(plain, read, indices, self.scope))
        for each, index in zip(outputs, indices, strict=True):
            self._bind(each, index)
        if is_written:
            self._bind(args[0], indices[0])
            self._written_through(args[0], indices[0])
        return given

    def _as_they_stand(self, value: Any) -> Any:
        """Arguments, with what was written into as it is now."""
        if not self._standing:
            return value
        return tree_map(lambda each: self._standing.get(id(each), each) if isinstance(each, Tensor) else each, value)

    def _stand_in(self, constant: Tensor) -> None:
        """From now on a constant, and all in the same memory, are computed: something without memory goes into it."""
        known = self._storages.get(constant.untyped_storage()._cdata, [constant])
        memory = constant.untyped_storage().nbytes() // constant.element_size()
        base = torch.empty(memory, dtype=constant.dtype, device="meta")
        for each in known:
            shell = base.as_strided(each.shape, each.stride(), each.storage_offset())
            self._standing[id(each)] = shell
            self._bind(shell, self.index(each))

    @staticmethod
    def _shell_of(tensor: Tensor) -> Neutral:
        is_float = tensor.dtype.is_floating_point or tensor.dtype.is_complex
        kind = "bool" if tensor.dtype == torch.bool else "float" if is_float else "int"
        return Neutral(tuple(map(int, tensor.shape)), "value", "", kind)  # type: ignore[arg-type]

    def _written_through(self, written: Tensor, index: int) -> None:
        """What lies in the same memory as something that was written into holds other numbers from now on."""
        for other in list(self._storages.get(written.untyped_storage()._cdata, ())):
            if other is written or self._known.get(id(other)) == index:
                continue
            if other.shape == written.shape and other.stride() == written.stride():
                self._known[id(other)] = index
                continue
            before = self._known[id(other)]
            after = self.program.add(self._shell_of(other))
            into = {"input": Ref(before), "source": Ref(index)}
            self.program.operations.append(Operation("write_through", into, (after,), self.scope))
            self._known[id(other)] = after

    # Modules

    @property
    def scope(self) -> tuple[Scope, ...]:
        """Modules around what runs now."""
        return self.running[-1].scope if self.running else ()

    def _enter(self, module: nn.Module, inputs: Any) -> None:
        if self.running and self.running[-1].leaf is not None:
            return
        self._runs += 1
        path = self._paths.get(module, "")
        above = self.running[-1] if self.running else None
        scope = self._scope_of(module, path, above)
        leaf = leaf_of(module)
        self.running.append(_Running(module, path, scope, self._runs, leaf))

    def _scope_of(self, module: nn.Module, path: str, above: _Running | None) -> tuple[Scope, ...]:
        if above is None:
            return ()
        inside = path.removeprefix(f"{above.path}.") if above.path else path
        if above.path and not path.startswith(f"{above.path}."):
            return (*above.scope, self._one(module, path.rpartition(".")[2] or _name_of(module), self._runs))
        scopes, owner = list(above.scope), above.module
        *between, last = inside.split(".") if inside else [_name_of(module)]
        for part in between:
            owner = getattr(owner, part)
            scopes.append(self._one(owner, part, above.run))
        return (*scopes, self._one(module, last, self._runs))

    def _one(self, module: nn.Module, name: str, run: int) -> Scope:
        instance = self._instances.setdefault(module, len(self._instances))
        return Scope(name, type(module).__name__, of_module(module, self._found), instance, run)

    def _leave(self, module: nn.Module, given: Any) -> None:
        if not self.running or self.running[-1].module is not module:
            return
        leaf = self.running[-1].leaf
        if leaf is not None:
            self._leaf_ran(leaf, module, given)
        self.running.pop()

    def _leaf_ran(self, leaf: Leaf, module: nn.Module, given: tuple[Any, Any]) -> None:
        inputs, outputs = given
        tensors = [each for each in tree_leaves(outputs) if isinstance(each, Tensor)]
        stored = {
            name: Ref(self.index(tensor)) for name, tensor in (*module.named_parameters(), *module.named_buffers())
        }
        read = {
            "kind": leaf.kind,
            "settings": leaf.settings(module),
            "inputs": [Ref(self.index(each)) for each in tree_leaves(inputs) if isinstance(each, Tensor)],
            "stored": stored,
        }
        indices = tuple([self.program.add(self._shell_of(each)) for each in tensors])
        self.program.operations.append(Operation("module", read, indices, self.scope))
        for each, index in zip(tensors, indices, strict=True):
            self._bind(each, index)

    @contextmanager
    def hooked(self) -> Iterator[None]:
        """Follow every module that runs."""
        packed: list[tuple[nn.Module, Any]] = []  # recurrent layers that run, with the sequence that each was given

        def before(module: nn.Module, args: Any) -> Any:
            plain = unpacked(args, module.batch_first) if isinstance(module, nn.RNNBase) else None
            if plain is not None:
                packed.append((module, args[0]))
            self._enter(module, args)
            return plain

        def after(module: nn.Module, args: Any, kwargs: Any, given: Any) -> Any:
            self._leave(module, ((args, kwargs), given))
            if not packed or packed[-1][0] is not module:
                return None
            _, sequence = packed.pop()
            return packed_again(sequence, given, module.batch_first)  # type: ignore[arg-type]  # it is recurrent

        first = register_module_forward_pre_hook(before)
        last = register_module_forward_hook(after, with_kwargs=True)
        try:
            yield
        finally:
            first.remove()
            last.remove()


def _name_of(module: nn.Module) -> str:
    """What a module that has no path calls itself, as layers of Keras do; or its class."""
    name = getattr(module, "name", None)
    return name if isinstance(name, str) and name else type(module).__name__


def walked(model: nn.Module) -> Iterator[tuple[nn.Module, str]]:
    """Modules with their paths, as often as they are held: as `named_modules` has them, without its towers of calls.

    One that holds a module that it lies in, such as its parent, does not hold it again.
    """
    waiting: list[tuple[nn.Module, str, tuple[nn.Module, ...]]] = [(model, "", ())]
    while waiting:
        module, path, around = waiting.pop()
        yield module, path
        around = (*around, module)
        for name, child in reversed(module._modules.items()):
            if child is not None and child not in around:
                waiting.append((child, f"{path}.{name}" if path else name, around))


def _tensors_of(value: Any) -> list[Tensor]:
    """All tensors among arguments, or among what an operation gives, in order."""
    if isinstance(value, Tensor):
        return [value]
    found: list[Tensor] = []
    if isinstance(value, dict):
        value = value.values()
    elif not isinstance(value, (list, tuple)):
        return found
    for each in value:
        if isinstance(each, Tensor):
            found.append(each)
        elif each.__class__ in (list, tuple, dict):
            found.extend(_tensors_of(each))
    return found


def _on_meta(func: Any, args: Any, kwargs: Any) -> Any:
    return func(*_alike(args), **_alike(kwargs))


def _alike(value: Any) -> Any:
    """Arguments on one device: constants beside what has no memory have none either."""
    has_meta = any(isinstance(each, Tensor) and each.device.type == "meta" for each in tree_leaves(value))
    if not has_meta:
        return value
    return tree_map(
        lambda each: each.to("meta") if isinstance(each, Tensor) and each.device.type != "meta" else each, value
    )


def _without_memory(value: Any) -> Any:
    """No device that has memory."""
    return torch.device("meta") if isinstance(value, torch.device) else value


def _with_memory(value: Any) -> Any:
    """A device that has memory, in the place of one that has none."""
    return torch.device("cpu") if isinstance(value, torch.device) and value.type == "meta" else value

"""What a module does when it runs without memory, as a neutral program.

A dispatch mode sees every operation. In inference mode composites (`linear`, `layer_norm`, attention) reach it whole;
those that nobody reads as a whole are taken apart. Layers that are one operation are written down without being run.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from threading import RLock, get_ident
from typing import Any, NamedTuple

import torch
from torch import Tensor, nn
from torch.nn.utils.rnn import PackedSequence
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils._pytree import tree_leaves, tree_map

from archcalc.importing.calls import Scope
from archcalc.importing.neutral import Operation, Program, Ref
from archcalc.torch_bridge.trace.forms import of_known_form, states_of_known_form
from archcalc.torch_bridge.trace.layers import said
from archcalc.torch_bridge.trace.leaves import Leaf
from archcalc.torch_bridge.trace.packed import PACKING, packed_again, repacked, unpacked
from archcalc.torch_bridge.trace.parts import Part, Parts, neutral
from archcalc.torch_bridge.trace.placed import has_places, run_by_places

LIBRARIES = {"aten", "prim", "prims", "torchvision"}  # whose names the rules know
PLAIN = frozenset({int, float, bool, str, type(None)})
MOVES = {"to", "_to_copy"}
FOLLOWING = RLock()  # one thread at a time: what one puts back would else be what another has put there
ASKS = {"_local_scalar_dense", "is_nonzero", "equal", "item", "nonzero", "unique_dim", "_unique2", "masked_select"}


class NeedsValuesError(Exception):
    """The model asks for numbers that a trace has not."""

    def __init__(self, operation: str) -> None:
        self.operation = operation
        super().__init__(operation)


class _Running(NamedTuple):
    """A module that runs, with its scopes from the outermost on."""

    module: nn.Module
    part: Part
    scope: tuple[Scope, ...]
    run: int


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

    def __init__(self, name: str, parts: Parts, whole: frozenset[str]) -> None:
        super().__init__()  # type: ignore[no-untyped-call]
        self.program = Program(name, list(parts.tensors), frozen=parts.frozen)
        self.parts = parts
        self.whole = whole
        self.running: list[_Running] = []
        self._runs = 0
        self._places: dict[str, int] = {}
        self._known = dict(parts.known)  # by id of the tensor
        self._kept = dict(parts.kept)
        self._standing: dict[int, Tensor] = {}  # constants that were written into: by what they are now
        self._storages: dict[int, list[Tensor]] = {}
        for tensor in self._kept.values():
            self._storages.setdefault(tensor.untyped_storage()._cdata, []).append(tensor)

    @classmethod
    def _should_skip_dynamo(cls) -> bool:
        """Torch imports its compiler to keep it from what a mode does, and nothing of that is compiled."""
        return False

    # Tensors

    def _hold(self, tensor: Tensor, kind: Any = "value", name: str = "") -> int:
        index = self.program.add(neutral(tensor, kind, name))
        self._bind(tensor, index)
        return index

    def _remember(self, tensor: Tensor) -> None:
        """Keep a tensor, so that its id serves nobody else, beside all that lie in the same memory."""
        if id(tensor) not in self._kept:
            self._kept[id(tensor)] = tensor
            self._storages.setdefault(tensor.untyped_storage()._cdata, []).append(tensor)

    def _bind(self, tensor: Tensor, index: int) -> None:
        self._remember(tensor)
        self._known[id(tensor)] = index

    def index(self, tensor: Tensor) -> int:
        """Of a tensor in the program; one that nobody has made is a constant."""
        found = self._known.get(id(tensor))
        return self._hold(tensor, "constant") if found is None else found

    def input(self, name: str, tensor: Tensor) -> None:
        """Tell of an input of the network."""
        self.program.inputs[name] = self._hold(tensor, "input", name)

    def _argument(self, value: Any) -> Any:
        if type(value) in PLAIN:
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
        if self.running and self.running[-1].part.leaf is not None:
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
        if self.parts.is_keras and plain == "empty_like":
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
        self._ran(plain, read, given, args[0] if is_written else None)
        return given

    def _ran(self, plain: str, read: dict[str, Any], given: Any, written: Tensor | None) -> None:
        """Write down an operation with its arguments, what it gives, and into which of them it has written."""
        outputs = [given] if type(given) is Tensor else _tensors_of(given)
        if not outputs:
            return
        indices = tuple([self.program.add(neutral(each)) for each in outputs])
        self.program.operations.append(Operation(plain, read, indices, self.scope))
        for each, index in zip(outputs, indices, strict=True):
            self._bind(each, index)
        if written is not None:
            self._bind(written, indices[0])
            self._written_through(written, indices[0])

    def _layer(self, name: str, args: tuple[Any, ...], bound: dict[str, Any]) -> Tensor | None:
        """What a layer gives that is one operation, which is written down; None: it must run."""
        with torch._C._DisableTorchDispatch():
            given = of_known_form(name, args, bound)
        if given is not None:
            plain = name.removesuffix("_")
            read = {key: self._argument(value) for key, value in bound.items()}
            self._ran(plain, read, given, args[0] if plain != name else None)
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

    def _written_through(self, written: Tensor, index: int) -> None:
        """What lies in the same memory as something that was written into holds other numbers from now on."""
        for other in list(self._storages.get(written.untyped_storage()._cdata, ())):
            if other is written or self._known.get(id(other)) == index:
                continue
            if other.shape == written.shape and other.stride() == written.stride():
                self._known[id(other)] = index
                continue
            before = self._known[id(other)]
            after = self.program.add(neutral(other))
            into = {"input": Ref(before), "source": Ref(index)}
            self.program.operations.append(Operation("write_through", into, (after,), self.scope))
            self._known[id(other)] = after

    # Modules

    @property
    def scope(self) -> tuple[Scope, ...]:
        """Modules around what runs now."""
        return self.running[-1].scope if self.running else ()

    def _scope_of(self, part: Part, above: _Running | None) -> tuple[Scope, ...]:
        if above is None:
            return ()
        if part.above == above.part.path and part.path:
            return (*above.scope, _scope(part, self._runs))
        inside = part.path.removeprefix(f"{above.part.path}.") if above.part.path else part.path
        if not inside or (inside == part.path and above.part.path):
            return (*above.scope, _scope(part, self._runs))
        scopes, owner = list(above.scope), above.module
        for name in inside.split(".")[:-1]:
            owner = getattr(owner, name)
            scopes.append(_scope(self.parts.of(owner), above.run)._replace(name=name))
        return (*scopes, _scope(part, self._runs))

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
        indices = tuple([self.program.add(neutral(each)) for each in tensors])
        self.program.operations.append(Operation("module", read, indices, self.scope))
        for each, index in zip(tensors, indices, strict=True):
            self._bind(each, index)

    @contextmanager
    def followed(self) -> Iterator[None]:
        """Follow every module that runs: in the place where torch runs its hooks, which takes several times as long."""
        owner: Any = nn.Module
        FOLLOWING.acquire()
        plain = owner._call_impl
        thread = get_ident()

        def call(module: nn.Module, *args: Any, **kwargs: Any) -> Any:
            is_within = bool(self.running) and self.running[-1].part.leaf is not None
            if is_within or get_ident() != thread:
                return plain(module, *args, **kwargs)
            return self._called(plain, module, args, kwargs)

        owner._call_impl = call
        try:
            yield
        finally:
            owner._call_impl = plain
            FOLLOWING.release()

    def _called(self, plain: Any, module: Any, args: Any, kwargs: Any) -> Any:
        """What a module gives, with what it does written down."""
        sequence = args[0] if args and isinstance(module, nn.RNNBase) else None
        if isinstance(sequence, PackedSequence):
            args = unpacked(args, module.batch_first)
        depth = len(self.running)
        self._runs += 1
        part, above = self.parts.of(module), self.running[-1] if depth else None
        self.running.append(_Running(module, part, self._scope_of(part, above), self._runs))
        one = None if self._standing else said(module, args, kwargs)
        given = None if one is None else self._layer(*one)
        if given is None:
            by_places = has_places(module)
            given = run_by_places(module, args, kwargs, self._at) if by_places else plain(module, *args, **kwargs)
            if part.leaf is not None:
                self._leaf_ran(part.leaf, module, ((args, kwargs), given))
        del self.running[depth:]  # and what failed meanwhile, where somebody has caught that
        return packed_again(sequence, given, module.batch_first) if isinstance(sequence, PackedSequence) else given

    @contextmanager
    def _at(self, place: str) -> Iterator[None]:
        """What runs within stands at a place of the module that runs, as a module of no class would."""
        above = self.running[-1]
        owner: nn.Module | None = above.module
        scopes = list(above.scope)
        *folders, last = place.split(".")
        for number, name in enumerate(folders, start=1):
            inner: nn.Module | None = None if owner is None else owner._modules.get(name)
            path = ".".join(folders[:number])
            there = _scope(self.parts.of(inner), above.run) if inner is not None else self._folder(path, above.run)
            scopes.append(there._replace(name=name))
            owner = inner  # from here on none, where it has none
        self.running.append(above._replace(scope=(*scopes, self._folder(place, above.run)._replace(name=last))))
        yield
        self.running.pop()

    def _folder(self, path: str, run: int) -> Scope:
        """A place where no module is: one and the same each time."""
        return Scope(path, "", {}, -1 - self._places.setdefault(path, len(self._places)), run)


def _scope(part: Part, run: int) -> Scope:
    return Scope(part.name, part.kind, part.arguments, part.instance, run)


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

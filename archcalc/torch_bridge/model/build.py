"""From a graph to a torch model: an `fx.GraphModule` whose submodules are named as the layers are.

A layer of one operation is a module of its name (`pool1`); one of several is a folder of them, each named after its
operation (`conv1.conv`, `conv1.norm`, `conv1.activation`). The generated `forward` is code to read:
`print(model.code)`.

Every fx node that serves an operation holds its index in `meta["index"]`. One operation takes two or three fx nodes
where torch needs it (a flatten before a linear layer, the choice from a pooling that gives indices too); the last of
them gives its output.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from operator import getitem
from typing import Any, cast

import torch
from torch import Tensor, fx, nn

from archcalc.engine.network import AnyNetwork, load
from archcalc.graph import NETWORK_INPUT, Graph
from archcalc.ops import ONE, Copies, Shape, TorchCall
from archcalc.ops.embedding import Embedding
from archcalc.results.cost import shape_list
from archcalc.spec.words import INPUT
from archcalc.torch_bridge.model import attention, merges, modules, norms, positions, recurrent, sequences
from archcalc.torch_bridge.model.naming import class_name, submodule_name, variable_name

# Modules of our own by name, which torch lacks.
OUR_OWN = {
    name: found
    for room in (attention, merges, modules, norms, positions, recurrent, sequences)
    for name, found in vars(room).items()
    if isinstance(found, type) and issubclass(found, nn.Module)
}


def to_torch(
    network: AnyNetwork,
    set: Mapping[str, Any] | None = None,
    input: Shape | Sequence[int] | None = None,
    with_heads: bool = False,
    device: str | torch.device = "cpu",
) -> fx.GraphModule:
    """The torch model of a network, initialised as torch does.

    It takes a batch, channels first; of several inputs one for each, in their order or by name (`model(source=x)`), and
    whole numbers for tokens. It gives one tensor, or a dict of them by name where the network has further
    outputs or heads: `{"output": ..., "aux1": ...}`.

    Args:
        network: a name, a file, or what `load` gave.
        set: values of variables of the spec.
        input: another input than the spec's, channels first.
        with_heads: build train-only heads too.
        device: where; `meta` takes no memory.

    Raises:
        SpecError: an unknown name or variable, or the place where the spec is wrong.
    """
    network = load(network)
    return build(network.graph(set, input, with_heads=with_heads), with_heads, device)


def build(graph: Graph, with_heads: bool = False, device: str | torch.device = "cpu") -> fx.GraphModule:
    """The torch model of an expanded graph."""
    with torch.device(device):
        model = _Builder(graph, with_heads).model()
    if str(device) == "meta":
        _last[:] = [(graph, with_heads and bool(graph.heads), model)]
    return model


_last: list[tuple[Graph, bool, fx.GraphModule]] = []  # built on the meta device


def built(graph: Graph, with_heads: bool = False) -> fx.GraphModule:
    """The model without memory, to look at: the one that was built last, where it is of the same graph."""
    for known, heads, model in _last:
        if known is graph and heads == (with_heads and bool(graph.heads)):
            return model
    return build(graph, with_heads, "meta")


def example_input(graph: Graph, batch: int = 1, device: str | torch.device = "cpu") -> Tensor:
    """A random batch of the shape that the network reads, of its first input where there are several."""
    return example_inputs(graph, batch, device)[0]


def example_inputs(graph: Graph, batch: int = 1, device: str | torch.device = "cpu") -> tuple[Tensor, ...]:
    """A random batch of each input in their order: whole numbers for tokens, which every embedding has."""
    entries: list[Any] = [node.operator.entries for node in graph.nodes if isinstance(node.operator, Embedding)]
    return tuple(
        torch.randint(min(entries, default=2), (batch, *shape_list(shape)), device=device)
        if shape.channels is None
        else torch.randn((batch, *shape_list(shape)), device=device)
        for shape in graph.inputs.values()
    )


class _Builder:
    def __init__(self, graph: Graph, with_heads: bool) -> None:
        self._graph = graph
        self._with_heads = with_heads
        self._last = len(graph.nodes) if with_heads else graph.first_head
        self._fx = fx.Graph()
        self._modules: dict[str, nn.Module | nn.Parameter] = {}
        self._paths: dict[int, str] = {}  # of operations that are modules
        self._calls: dict[int, TorchCall] = {}  # that their modules were made from
        self._values: dict[int, fx.Node] = {}
        self._indices: dict[int, fx.Node] = {}  # where poolings found their largest, for those that undo them
        undone = [node.inputs[1] for node in graph.nodes[: self._last] if node.operator.name == "unpool"]
        self._with_indices = {self._first(index) for index in undone}

    def model(self) -> fx.GraphModule:
        """Add every operation, then what the model gives."""
        for number, name in enumerate(self._graph.inputs):
            called = "x" if name == INPUT else variable_name(name)
            self._values[NETWORK_INPUT - number] = self._fx.placeholder(called)
        for layer, indices in self._graph.layers(self._with_heads):
            for index in indices:
                self._add(index, _path(self._graph, layer, index, len(indices) > 1))
        graph = self._graph
        given = {**graph.outputs, **(graph.heads if self._with_heads else {})}
        output = self._values[graph.output]
        named = {name: self._values[index] for name, index in given.items()}
        self._fx.output({"output": output, **named} if named else output)
        return fx.GraphModule(_rooted(self._modules), self._fx, class_name(graph.name))

    def _add(self, index: int, path: str) -> None:
        node = self._graph.nodes[index]
        call = node.operator.torch(node.x)
        inputs = [self._for_each_expert(index, other) for other in node.inputs]
        if call.target.startswith("torch."):
            function = getattr(torch, call.target.removeprefix("torch."))
            arguments = (inputs,) if function is torch.cat else tuple(inputs)
            self._values[index] = self._emit(index, "call_function", function, arguments, dict(call.kwargs))
            self._values[index].meta["place"] = path
            return
        if _flattens(call):  # a function, so that the layer is the linear module itself
            inputs = [self._emit(index, "call_function", torch.flatten, (inputs[0], 1))]
            call = call.args[1]
        if node.operator.name == "unpool":
            inputs[1] = self._indices[node.inputs[1]]
        first = self._first(index)
        if first in self._with_indices:
            call = _giving_indices(call)
        self._place(index, path, call)
        if call.target == "archcalc.TiedLinear":
            inputs.append(self._fx.get_attr(self._weight(first)))
        given = self._emit(index, "call_module", self._paths[index], tuple(inputs))
        if first in self._with_indices:
            self._indices[index] = self._emit(index, "call_function", getitem, (given, 1))
            given = self._emit(index, "call_function", getitem, (given, 0))
        self._values[index] = given

    def _for_each_expert(self, index: int, other: int) -> fx.Node:
        """What an operation reads; what comes into experts from outside, in the batch once for each that works."""
        nodes, value = self._graph.nodes, self._values[other]
        inside = nodes[index].operator.copies
        if inside is ONE or (other >= 0 and nodes[other].operator.copies is not ONE):
            return value
        return self._emit(index, "call_function", torch.cat, ([value] * int(inside.computed),))

    def _first(self, index: int) -> int:
        """The operation that has stored the weights of this one."""
        nodes = self._graph.nodes
        while nodes[index].shares >= 0:
            index = nodes[index].shares
        return index

    def _place(self, index: int, path: str, call: TorchCall) -> None:
        """The module of an operation: one of its own, unless it is an earlier layer again."""
        nodes, shared = self._graph.nodes, self._graph.nodes[index].shares
        is_again = shared >= 0 and nodes[shared].operator is nodes[index].operator
        self._calls[index] = call
        if is_again and call == self._calls[shared]:
            self._paths[index] = self._paths[shared]
            return
        self._paths[index] = path
        module = self._modules[path] = _copied(call, nodes[index].operator.copies)
        if is_again:  # on an input of other extents, so that its window is padded otherwise
            earlier = cast(nn.Module, self._modules[self._paths[shared]])
            stored = (*earlier.parameters(), *earlier.buffers())
            for (name, _), own in zip([*module.named_parameters(), *module.named_buffers()], stored, strict=True):
                room, _, last = name.rpartition(".")
                setattr(module.get_submodule(room), last, own)

    def _weight(self, index: int) -> str:
        """Where the weights of an operation are, whose module may pad before."""
        path = self._paths[index]
        named = cast(nn.Module, self._modules[path]).named_parameters()
        name, weight = next((name, weight) for name, weight in named if name.rpartition(".")[2] == "weight")
        self._modules[f"{path}.{name}"] = weight
        return f"{path}.{name}"

    def _emit(
        self, index: int, kind: str, target: Any, arguments: tuple[Any, ...], named: dict[str, Any] | None = None
    ) -> fx.Node:
        node = self._fx.create_node(kind, target, arguments, named or {}, variable_name(self._graph.nodes[index].name))
        node.meta["index"] = index
        return node


def _rooted(placed: Mapping[str, nn.Module | nn.Parameter]) -> nn.Module:
    """A module that holds all of them in their order, which is that of execution, in folders where a path has some."""
    root = nn.Module()
    for path, each in placed.items():
        holder = root
        *folders, last = path.split(".")
        for depth, folder in enumerate(folders, start=1):
            if folder not in holder._modules:  # a merge may come later, named as the folder of its branches
                setattr(holder, folder, placed.get(".".join(folders[:depth]), nn.Module()))
            holder = holder.get_submodule(folder)
        setattr(holder, last, each)
    return root


def make_module(call: TorchCall) -> nn.Module:
    """The module that a call names: one of `torch.nn`, or of our own."""
    arguments = [make_module(value) if isinstance(value, TorchCall) else value for value in call.args]
    room, _, name = call.target.rpartition(".")
    found = getattr(nn, name) if room == "nn" else OUR_OWN[name]
    module: nn.Module = found(*arguments, **call.kwargs)
    return module


def _copied(call: TorchCall, copies: Copies) -> nn.Module:
    """The module of a call, or as many as are stored of one that has weights."""
    module = make_module(call)
    if copies is ONE or not any(True for _ in module.parameters()):
        return module
    more = [make_module(call) for _ in range(int(copies.stored) - 1)]
    return attention.Experts([module, *more], int(copies.computed))


def _giving_indices(call: TorchCall) -> TorchCall:
    """The same max pooling, giving also where in its input it found the largest."""
    if call.target == "nn.Sequential":  # the indices would be of what was padded before
        pad, pool = call.args
        sides = pad.args[0]  # torch names those of the last axis first
        call = TorchCall("archcalc.MaxPool", (tuple(zip(sides[-2::-2], sides[-1::-2], strict=True)),), pool.kwargs)
    return TorchCall(call.target, call.args, {**call.kwargs, "return_indices": True})


def _flattens(call: TorchCall) -> bool:
    return call.target == "nn.Sequential" and len(call.args) == 2 and call.args[0] == TorchCall("nn.Flatten")


def _path(graph: Graph, layer: str, index: int, is_folder: bool) -> str:
    """Where the module of an operation stands."""
    parts = layer.split(".")
    node = graph.nodes[index]
    # Beside its branches, which come before it: a module's own parameters come before those of what is in it.
    if is_folder or node.operator.roles is not None:
        parts.append(node.operator.name if node.name == layer else node.name.removeprefix(f"{layer}."))
    return ".".join(map(submodule_name, parts))

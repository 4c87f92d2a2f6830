"""How a model is coded: what of its work is done by functions and not by modules, and what changes nothing.

Tools that hook modules, or patch functions, count the same network otherwise when it is written otherwise. What the
model calls is read from its trace, on the meta device.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from operator import mul
from typing import Any, NamedTuple

import torch
from torch import fx, nn

from archcalc.engine.cost.costs import cost_of
from archcalc.graph import Graph
from archcalc.ops import OPERATORS, Operator, Shape
from archcalc.results.convention import Convention
from archcalc.results.reconciliation import Coding
from archcalc.torch_bridge.counters.counters import outputs

# Operators that functions of torch are, by name; `a + b` is one of Python's, which no tool sees.
FUNCTIONS: dict[str, str] = {
    **{name: name for name in ("relu", "relu6", "leaky_relu", "elu", "gelu", "silu", "prelu")},
    **{name: name for name in ("softmax", "layer_norm", "add", "mul")},
    **{f"{kind}_pool{rank}d": f"{kind}pool" for kind in ("max", "avg") for rank in (1, 2, 3)},
    **{f"adaptive_{kind}_pool{rank}d": f"adaptive_{kind}pool" for kind in ("max", "avg") for rank in (1, 2, 3)},
}
ADAPTIVE = (nn.AdaptiveAvgPool1d, nn.AdaptiveAvgPool2d, nn.AdaptiveAvgPool3d)


class Call(NamedTuple):
    """A function that a model calls, as the operator that it is, and the elements that it reads and gives."""

    operator: str
    inputs: int
    outputs: int


class OwnCall(NamedTuple):
    """A module of archcalc's own, for torch has none: which, of which operation, and the tensors that it is given."""

    target: str
    node: int  # its index in the graph
    given: tuple[tuple[tuple[int, ...], Any], ...]  # shape and dtype of each


class AttentionCall(NamedTuple):
    """A module that is attention with its projections, such as nn.MultiheadAttention, and what it is given."""

    target: str
    kind: str  # name of its class
    given: tuple[tuple[tuple[int, ...], Any], ...]  # shape and dtype of each
    options: tuple[tuple[str, Any], ...]  # its further arguments by name


class Calls(NamedTuple):
    """What a model calls that a tool may count otherwise."""

    functions: list[Call]
    idle: list[Shape]  # adaptive poolings whose output is their input
    linear: list[tuple[Shape, nn.Linear]]  # linear layers at each position of an image, which are 1x1 convolutions
    means: list[Shape]  # what is averaged over all its positions without a pooling
    own: list[OwnCall]
    convolutions: list[int]  # indices of operations that are convolutions here, whatever the network says
    attention: list[AttentionCall]
    sizes: list[int]  # products of extents, such as `height * width`


class _Recorder(fx.Interpreter):
    def __init__(self, module: fx.GraphModule) -> None:
        super().__init__(module)
        self.calls = Calls([], [], [], [], [], [], [], [])

    def run_node(self, n: fx.Node) -> Any:
        given = super().run_node(n)
        read = [value for value in self.fetch_args_kwargs_from_env(n)[0] if isinstance(value, torch.Tensor)]
        if n.op == "call_module":
            module: Any = self.fetch_attr(str(n.target))
            if _is_attention(module):
                tensors = tuple((tuple(value.shape), value.dtype) for value in read)
                options = tuple(n.kwargs.items())
                self.calls.attention.append(AttentionCall(str(n.target), type(module).__name__, tensors, options))
                return given
            if isinstance(module, ADAPTIVE) and given.shape == read[0].shape:
                self.calls.idle.append(Shape(given.shape[1], tuple(given.shape[2:])))
            if isinstance(module, nn.Linear) and given.dim() == 4:  # channels last
                _, *spatial, channels = read[0].shape
                self.calls.linear.append((Shape(channels, tuple(spatial)), module))
            if isinstance(module, nn.modules.conv._ConvNd) and "index" in n.meta:
                self.calls.convolutions.append(n.meta["index"])
            if _is_own(module):
                tensors = tuple((tuple(value.shape), value.dtype) for value in read)
                self.calls.own.append(OwnCall(str(n.target), n.meta["index"], tensors))
        elif not isinstance(given, torch.Tensor):
            if n.target is mul:
                self.calls.sizes.append(given)
        elif n.target in ("mean", torch.mean) and given.numel() == read[0].shape[:2].numel():
            self.calls.means.append(Shape(read[0].shape[1], tuple(read[0].shape[2:])))
        elif n.op == "call_function" and getattr(n.target, "__module__", "") != "_operator":
            name = FUNCTIONS.get(getattr(n.target, "__name__", ""))
            if name is not None:
                self.calls.functions.append(Call(name, sum(value.numel() for value in read), given.numel()))
        return given


def _is_own(module: nn.Module) -> bool:
    """Whether torch has no module that does the same: one of ours, or several in a row (a pooling that pads first)."""
    parts = module.modules()
    return isinstance(module, nn.Sequential) or any(type(part).__module__.startswith("archcalc.") for part in parts)


def _is_attention(module: nn.Module) -> bool:
    """Whether a module of torch's or torchvision's is attention: the spec has its projections as layers."""
    kind = type(module)
    return kind.__name__.lower().endswith("attention") and not kind.__module__.startswith("archcalc.")


class _Tracer(fx.Tracer):
    """Attention is one call: what is in it, tools see or do not see as a whole."""

    def is_leaf_module(self, m: nn.Module, module_qualified_name: str) -> bool:
        return _is_attention(m) or super().is_leaf_module(m, module_qualified_name)


def _traced(model: nn.Module) -> fx.GraphModule:
    return fx.GraphModule(model, _Tracer().trace(model))


def calls_of(model: nn.Module, inputs: Sequence[torch.Tensor]) -> Calls:
    """What a model on the meta device calls for one example."""
    recorder = _Recorder(model if isinstance(model, fx.GraphModule) else _traced(model))
    recorder.run(*inputs)
    return recorder.calls


class Fed(nn.Module):
    """A model that is given its inputs here, several or tokens; what it is given itself is not read."""

    def __init__(self, model: nn.Module, inputs: Sequence[torch.Tensor]) -> None:
        super().__init__()
        self.model, self.inputs = model, inputs

    def forward(self, x: torch.Tensor) -> list[torch.Tensor]:
        """All that it gives."""
        return outputs(self.model(*self.inputs))


def coding(convention: Convention, calls: Calls, graph: Graph) -> list[Coding]:
    """What a tool counts of a model beside what its convention counts of the network."""
    found: Counter[str] = Counter()
    for call in calls.functions:
        for term in convention.functions:
            if term.holds_for(call.operator):
                many = call.inputs if term.amount == "inputs" else call.outputs
                found[f"{call.operator} called as a function: {term.worth:+} for each of its {term.amount}"] += (
                    term.worth * many
                )
    for x, module in calls.linear:
        given = {"channels": module.out_features, "bias": module.bias is not None}
        written = _flops(convention, "linear", given, Shape(x.channels, (x.positions,)))
        meant = _flops(convention, "conv", {**given, "kernel": 1}, x)
        if written != meant:
            found["a 1x1 convolution written as a linear layer at each position"] += written - meant
    for node in (graph.nodes[index] for index in calls.convolutions):
        if node.operator.name != "linear":
            continue
        given = {"channels": node.operator.channels, "bias": node.operator.bias}  # type: ignore[attr-defined]
        written = _flops(convention, "conv", {**given, "kernel": 1}, node.x)
        if number := written - convention.flops(node.operator, node.x, node.y, cost_of(node.operator, node.x, node.y)):
            found["a linear layer written as a 1x1 convolution"] += number
    for x in calls.means:
        if not convention.counts_means and (number := _flops(convention, "global_avgpool", {}, x)):
            found["global average pooling written as a mean, which is not counted"] -= number
    for (operator, x), times in (_idle(calls) - _idle_of(graph)).items():
        number = times * convention.flops(operator, x, x, cost_of(operator, x, x))
        if number:
            found[f"an adaptive pooling of {x} to {x}, which changes nothing"] += number
    if convention.counts_sizes and calls.sizes:
        found["products of extents, each taken for a product of numbers"] += len(calls.sizes)
    return [Coding(words, number) for words, number in found.items()]


def _flops(convention: Convention, name: str, arguments: Mapping[str, Any], x: Shape) -> int:
    operator = OPERATORS[name].of(arguments)
    y = operator.infer(x)
    return convention.flops(operator, x, y, cost_of(operator, x, y))  # type: ignore[no-any-return]


class _Alone(nn.Module):
    """Some calls of a model's modules without the rest of it; what it is given itself is not read."""

    def __init__(self, model: nn.Module, calls: Sequence[OwnCall | AttentionCall]) -> None:
        super().__init__()
        targets = list(dict.fromkeys(call.target for call in calls))
        self.parts = nn.ModuleList([model.get_submodule(target) for target in targets])
        self.calls = [
            (targets.index(call.target), call.given, dict(call.options) if isinstance(call, AttentionCall) else {})
            for call in calls
        ]

    def forward(self, x: torch.Tensor) -> list[Any]:
        found = []
        for place, tensors, options in self.calls:
            zeros = [torch.zeros(shape, dtype=dtype, device=x.device) for shape, dtype in tensors]
            found.append(self.parts[place](*zeros, **options))
        return [each[0] if isinstance(each, tuple) else each for each in found]  # attention gives its weights, too


def coding_of_own(
    convention: Convention,
    calls: Calls,
    graph: Graph,
    make: Callable[[str], nn.Module],
    measure: Callable[[Callable[[str], nn.Module]], int],
) -> list[Coding]:
    """What a tool counts of modules of our own, run alone, beside what its convention counts of their operations."""
    by_operator: dict[str, list[OwnCall]] = {}
    for call in calls.own:
        by_operator.setdefault(graph.nodes[call.node].operator.name, []).append(call)
    found = []
    for name, own in by_operator.items():
        nodes = [graph.nodes[call.node] for call in own]
        counted = sum(
            convention.flops(node.operator, node.x, node.y, cost_of(node.operator, node.x, node.y)) for node in nodes
        )
        number = measure(lambda device, own=own: _Alone(make(device), own).eval()) - counted  # type: ignore[misc]
        if number:
            found.append(Coding(f"{name} as a module of our own, for torch has none", number))
    return found


def coding_of_attention(
    convention: Convention,
    calls: Calls,
    graph: Graph,
    make: Callable[[str], nn.Module],
    measure: Callable[[Callable[[str], nn.Module]], int],
) -> list[Coding]:
    """What a tool counts of modules that are attention, run alone, beside what its convention counts of the same."""
    if not calls.attention:
        return []
    nodes = [graph.nodes[index] for index in sorted(_attention_of(graph))]
    counted = sum(
        convention.flops(node.operator, node.x, node.y, cost_of(node.operator, node.x, node.y)) for node in nodes
    )
    number = measure(lambda device: _Alone(make(device), calls.attention).eval()) - counted
    kinds = ", ".join(dict.fromkeys(call.kind for call in calls.attention))
    return [Coding(f"attention with its projections, which is one module here: {kinds}", number)] if number else []


def _attention_of(graph: Graph) -> set[int]:
    """Indices of attention, of the projections before and after it, and of what biases and scales are made of."""
    fixed: set[int] = set()  # what depends on no input
    for index, node in enumerate(graph.nodes):
        if all(each in fixed for each in node.inputs):
            fixed.add(index)
    found: set[int] = set()
    for index, node in enumerate(graph.nodes):
        if node.operator.name == "attend":
            found.add(index)
            before = [each for each in node.inputs if each >= 0]
            while before:
                each = before.pop()
                found.add(each)
                if each in fixed or not graph.nodes[each].operator.weighted:
                    before += [of for of in graph.nodes[each].inputs if of >= 0]
            found |= {
                after for after, each in enumerate(graph.nodes) if index in each.inputs and each.operator.weighted
            }
    return found


def _idle(calls: Calls) -> Counter[tuple[Operator, Shape]]:
    return Counter((OPERATORS["adaptive_avgpool"].of({"size": x.spatial}), x) for x in calls.idle)


def _idle_of(graph: Graph) -> Counter[tuple[Operator, Shape]]:
    """The same of those that the network has itself."""
    return Counter(
        (OPERATORS["adaptive_avgpool"].of({"size": node.x.spatial}), node.x)
        for node in graph.nodes
        if node.operator.name in ("adaptive_avgpool", "global_avgpool") and node.x == node.y
    )

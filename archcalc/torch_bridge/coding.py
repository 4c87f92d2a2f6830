"""How a model is coded: what of its work is done by functions and not by modules, and what changes nothing.

Tools that hook modules, or patch functions, count the same network otherwise when it is written otherwise. What the
model calls is read from its trace, on the meta device.
"""

from __future__ import annotations

from collections import Counter
from typing import Any, NamedTuple

import torch
from torch import fx, nn

from archcalc.engine.costs import cost_of
from archcalc.graph import Graph
from archcalc.ops import OPERATORS, Operator, Shape
from archcalc.results.cost import Convention
from archcalc.results.reconciliation import Coding

# Operators that functions of torch are, by name; `a + b` is one of Python's, which no tool sees.
FUNCTIONS: dict[str, str] = {
    **{name: name for name in ("relu", "relu6", "leaky_relu", "elu", "gelu", "silu", "prelu", "softmax", "add", "mul")},
    **{f"{kind}_pool{rank}d": f"{kind}pool" for kind in ("max", "avg") for rank in (1, 2, 3)},
    **{f"adaptive_{kind}_pool{rank}d": f"adaptive_{kind}pool" for kind in ("max", "avg") for rank in (1, 2, 3)},
}
ADAPTIVE = (nn.AdaptiveAvgPool1d, nn.AdaptiveAvgPool2d, nn.AdaptiveAvgPool3d)


class Call(NamedTuple):
    """A function that a model calls, as the operator that it is, and the elements that it reads and gives."""

    operator: str
    inputs: int
    outputs: int


class Calls(NamedTuple):
    """What a model calls that a tool may count otherwise."""

    functions: list[Call]
    idle: list[Shape]  # adaptive poolings whose output is their input


class _Tracer(fx.Tracer):
    def is_leaf_module(self, m: nn.Module, module_qualified_name: str) -> bool:
        own = m.__module__.startswith("archcalc.") and not isinstance(m, fx.GraphModule)
        return own or super().is_leaf_module(m, module_qualified_name)


class _Recorder(fx.Interpreter):
    def __init__(self, module: fx.GraphModule) -> None:
        super().__init__(module)
        self.calls = Calls([], [])

    def call_module(self, target: Any, args: Any, kwargs: Any) -> Any:
        given = super().call_module(target, args, kwargs)
        if isinstance(self.fetch_attr(target), ADAPTIVE) and given.shape == args[0].shape:
            self.calls.idle.append(Shape(given.shape[1], tuple(given.shape[2:])))
        return given

    def call_function(self, target: Any, args: Any, kwargs: Any) -> Any:
        given = super().call_function(target, args, kwargs)
        operator = FUNCTIONS.get(target.__name__) if target.__module__ != "_operator" else None
        if operator is not None:
            read = [value for value in args if isinstance(value, torch.Tensor)]
            self.calls.functions.append(Call(operator, sum(value.numel() for value in read), given.numel()))
        return given


def calls_of(model: nn.Module, sizes: tuple[int, ...]) -> Calls:
    """What a model on the meta device calls for one example."""
    recorder = _Recorder(fx.GraphModule(model, _Tracer().trace(model)))
    recorder.run(torch.zeros((1, *sizes), device="meta"))
    return recorder.calls


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
    for (operator, x), times in (_idle(calls) - _idle_of(graph)).items():
        number = times * convention.flops(operator, x, x, cost_of(operator, x, x))
        if number:
            found[f"an adaptive pooling of {x} to {x}, which changes nothing"] += number
    return [Coding(words, number) for words, number in found.items()]


def _idle(calls: Calls) -> Counter[tuple[Operator, Shape]]:
    return Counter((OPERATORS["adaptive_avgpool"].of({"size": x.spatial}), x) for x in calls.idle)


def _idle_of(graph: Graph) -> Counter[tuple[Operator, Shape]]:
    """The same of those that the network has itself."""
    return Counter(
        (OPERATORS["adaptive_avgpool"].of({"size": node.x.spatial}), node.x)
        for node in graph.nodes
        if node.operator.name in ("adaptive_avgpool", "global_avgpool") and node.x == node.y
    )

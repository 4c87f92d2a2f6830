"""What a tool counts of a model that cannot be traced, module by module: which are torch's own, and which are not.

A convention says what a tool counts of torch's modules. What modules of others compute themselves is measured: the tool
is run on each alone, and on the modules that it calls, and the difference is its own.
"""

from __future__ import annotations

import copy
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from typing import Any, NamedTuple

import torch
from torch import Tensor, nn
from torch.utils._pytree import tree_flatten, tree_leaves, tree_unflatten

from archcalc.engine.cost.costs import cost_of
from archcalc.graph import Graph
from archcalc.ops import OPERATORS, Operator, Shape
from archcalc.results.convention import Convention
from archcalc.results.reconciliation import Coding

Make = Callable[[str], nn.Module]  # a model on a device
Measure = Callable[[Make], int]  # what a tool prints for it


class Given(NamedTuple):
    """A tensor that a module is given: zeros of its shape and type stand for it."""

    shape: tuple[int, ...]
    dtype: torch.dtype
    which: int  # of those of the call: one that is given twice is one

    def zeros(self, device: torch.device) -> Tensor:
        """Such a tensor."""
        return torch.zeros(self.shape, dtype=self.dtype, device=device)


class ModuleCall(NamedTuple):
    """A call of a module: which, with what, and the calls within it by their places in the list of all."""

    target: str
    module: nn.Module
    leaves: list[Any]  # of its arguments: tensors as `Given`
    tree: Any  # how they go together
    within: list[int]

    @property
    def kind(self) -> str:
        """Name of its class."""
        return type(self.module).__name__

    @property
    def key(self) -> tuple[Any, ...]:
        """Calls of which a tool counts the same: equal modules, given tensors of equal shapes."""
        shapes = tuple(tuple(each.shape) for each in self.module.parameters())
        leaves = [each if isinstance(each, Given) else type(each).__name__ for each in self.leaves]
        return (type(self.module), repr(self.module), shapes, *leaves)


def calls_within(model: nn.Module, *inputs: Tensor, **named_inputs: Any) -> list[ModuleCall]:
    """All calls of the modules of a model in one pass, that of the model itself first; it runs where it is."""
    found: list[ModuleCall] = []
    open_calls: list[int] = []
    names = {module: name for name, module in model.named_modules()}
    handles = []

    def before(module: nn.Module, arguments: Any, named: Any) -> None:
        leaves, tree = _described((arguments, named))
        if open_calls:
            found[open_calls[-1]].within.append(len(found))
        open_calls.append(len(found))
        found.append(ModuleCall(names[module], module, leaves, tree, []))

    def after(module: nn.Module, arguments: Any, given: Any) -> None:
        open_calls.pop()

    for module in names:
        handles.append(module.register_forward_pre_hook(before, with_kwargs=True))
        handles.append(module.register_forward_hook(after))
    try:
        with torch.no_grad():
            model(*inputs, **named_inputs)
    finally:
        for handle in handles:
            handle.remove()
    return found


def on_device(model: nn.Module, device: str) -> nn.Module:
    """A model of the meta device, elsewhere: all that it stores is zeros."""
    if device == "meta":
        return model
    model = model.to_empty(device=device)
    with torch.no_grad():
        for each in (*model.parameters(), *model.buffers()):
            each.zero_()
    return model


def _described(arguments: Any) -> tuple[list[Any], Any]:
    """Leaves of arguments, tensors as `Given`, and how they go together."""
    leaves, tree = tree_flatten(arguments)
    places: dict[int, int] = {}
    for each in leaves:
        if isinstance(each, Tensor):
            places.setdefault(id(each), len(places))
    described = [
        Given(tuple(each.shape), each.dtype, places[id(each)]) if isinstance(each, Tensor) else each for each in leaves
    ]
    return described, tree


class Called(nn.Module):
    """A module that is called as it was called once. What it is given itself is not read, but for what is behind it."""

    def __init__(self, part: nn.Module, leaves: Sequence[Any], tree: Any) -> None:
        super().__init__()
        self.part, self.leaves, self.tree = part, list(leaves), tree

    def given(self) -> list[Tensor]:
        """What it is called with, for tools that leave out what is computed of constants."""
        return [each.zeros(torch.device("cpu")) for each in self._of_kind().values()]

    def forward(self, x: Tensor, *given: Tensor) -> list[Tensor]:
        """All tensors that it gives."""
        kinds = self._of_kind()
        made = dict(zip(kinds, given or [each.zeros(x.device) for each in kinds.values()], strict=True))
        leaves = [made[each.which] if isinstance(each, Given) else each for each in self.leaves]
        arguments, named = tree_unflatten(leaves, self.tree)
        return tensors(self.part(*arguments, **named))

    def _of_kind(self) -> dict[int, Given]:
        return {each.which: each for each in self.leaves if isinstance(each, Given)}


def called(model: nn.Module, **inputs: Any) -> Called:
    """A model that is given these."""
    return Called(model, *_described(((), inputs)))


def tensors(given: Any) -> list[Tensor]:
    """All tensors of what a model gives, whatever it gives."""
    values = given.values() if isinstance(given, Mapping) else given
    return [each for each in tree_leaves(list(values) if isinstance(given, Mapping) else values) if _is_tensor(each)]


def _is_tensor(value: Any) -> bool:
    return isinstance(value, Tensor)


def _elementwise(name: str) -> Callable[[Any, Given], tuple[str, dict[str, Any], Shape]]:
    return lambda module, given: (name, {}, Shape(_product(given.shape), ()))


def _linear(module: Any, given: Given) -> tuple[str, dict[str, Any], Shape]:
    arguments = {"channels": module.out_features, "bias": module.bias is not None}
    return "linear", arguments, _by_position(given)


def _layer_norm(module: Any, given: Given) -> tuple[str, dict[str, Any], Shape]:
    is_affine = module.weight is not None
    return "layer_norm", {"scale": is_affine, "shift": is_affine and module.bias is not None}, _by_position(given)


def _by_position(given: Given) -> Shape:
    """Channels last, at so many positions in a row."""
    *before, channels = given.shape
    return Shape(channels, (_product(before),) if len(before) > 1 else ())


def _product(numbers: Any) -> int:
    found = 1
    for each in numbers:
        found *= each
    return found


def _conv(module: Any, given: Given) -> tuple[str, dict[str, Any], Shape]:
    sizes = {name: getattr(module, name) for name in ("stride", "padding", "dilation")}
    arguments = {"channels": module.out_channels, "kernel": module.kernel_size, "groups": module.groups, **sizes}
    return "conv", {**arguments, "bias": module.bias is not None}, _channels_first(given)


def _batch_norm(module: Any, given: Given) -> tuple[str, dict[str, Any], Shape]:
    return "batch_norm", {"scale": module.affine, "shift": module.affine}, _channels_first(given)


def _channels_first(given: Given) -> Shape:
    return Shape(given.shape[1], given.shape[2:])


# Modules of torch, as the operators that they are. Of others, torch's or not, what is counted is measured.
_OPERATORS: dict[type[nn.Module], Callable[[Any, Given], tuple[str, dict[str, Any], Shape]]] = {
    nn.Linear: _linear,
    nn.LayerNorm: _layer_norm,
    **dict.fromkeys((nn.Conv1d, nn.Conv2d, nn.Conv3d), _conv),
    **dict.fromkeys((nn.BatchNorm1d, nn.BatchNorm2d, nn.BatchNorm3d), _batch_norm),
    **{
        kind: _elementwise(name)
        for kind, name in (
            (nn.ReLU, "relu"),
            (nn.GELU, "gelu"),
            (nn.SiLU, "silu"),
            (nn.Tanh, "tanh"),
            (nn.Sigmoid, "sigmoid"),
        )
    },
}
WEIGHTED = "layers with weights"  # a 1x1 convolution may be a linear layer, a patch embedding a convolution
_ALIKE = dict.fromkeys(("conv", "depthwise", "patch_embedding", "linear"), WEIGHTED)
# Which operations of the spec the modules of others stand for, by the ends of their names.
_STANDS_FOR = {
    "Attention": frozenset({"attend", WEIGHTED}),
    "Conv1D": frozenset({WEIGHTED}),
    "Activation": frozenset({"gelu", "quick_gelu", "silu", "relu", "tanh"}),
    "AvgPool2d": frozenset({"global_avgpool"}),
    "MaxPool2d": frozenset({"maxpool"}),
}


def coding_of_modules(convention: Convention, calls: list[ModuleCall], graph: Graph, measure: Measure) -> list[Coding]:
    """What a tool counts of a model that its convention does not count of the network, by the modules' classes.

    Args:
        convention: of the tool.
        calls: of the model's modules, in one pass.
        graph: of the network.
        measure: runs the tool.
    """
    left: Counter[str] = Counter()  # of each operator, what the convention counts and no module of torch's is
    for node in graph.nodes[: graph.first_head]:
        cost = cost_of(node.operator, node.x, node.y)
        left[_ALIKE.get(node.operator.name, node.operator.name)] += convention.flops(
            node.operator, node.x, node.y, cost
        )
    own: Counter[str] = Counter()
    times: Counter[str] = Counter()
    measured: dict[tuple[Any, ...], int] = {}

    def alone(call: ModuleCall) -> int:
        if call.key not in measured:
            measured[call.key] = measure(
                lambda device: Called(on_device(copy.deepcopy(call.module), device), call.leaves, call.tree).eval()
            )
        return measured[call.key]

    for call in calls[1:]:
        operation = _operation(call)
        if operation is not None:
            operator, x = operation
            y = operator.infer(x)
            left[_ALIKE.get(operator.name, operator.name)] -= convention.flops(operator, x, y, cost_of(operator, x, y))
            continue
        own[call.kind] += alone(call) - sum(alone(calls[each]) for each in call.within)
        times[call.kind] += 1
    whole = calls[0]
    own[whole.kind] += alone(whole) - sum(alone(calls[each]) for each in whole.within)
    times[whole.kind] += 1
    found = []
    for kind, number in sorted(own.items(), key=_by_work):
        meant = next((operators for end, operators in _STANDS_FOR.items() if kind.endswith(end)), frozenset())
        further = number - sum(left.pop(name, 0) for name in meant)
        if further:
            found.append(Coding(f"{kind}, {times[kind]} of them: what each computes itself", further))
    found += [Coding(f"{name} without a module of torch's", -number) for name, number in left.items() if number]
    return found


def _by_work(of: tuple[str, int]) -> tuple[bool, int]:
    """Attention last, which may hold the linear layers of others; and what does the work before what holds it."""
    kind, number = of
    return kind.endswith("Attention"), -abs(number)


def _operation(call: ModuleCall) -> tuple[Operator, Shape] | None:
    """The operator that a module of torch's is, and its input."""
    given = next((each for each in call.leaves if isinstance(each, Given)), None)
    make = _OPERATORS.get(type(call.module))
    if make is None or given is None:
        return None
    name, arguments, x = make(call.module, given)
    return OPERATORS[name].of(arguments), x

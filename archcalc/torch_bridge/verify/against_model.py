"""A network held against a model that somebody else wrote: torchvision's, or a user's own."""

from __future__ import annotations

import copy
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator
from math import isnan
from typing import Any

import torch
from torch import Tensor, nn
from torch.func import functional_call
from torch.utils._pytree import tree_leaves
from torch.utils.flop_counter import FlopCounterMode

from archcalc.engine.cost.analyze import total
from archcalc.graph import Graph
from archcalc.results.cost import shape_list
from archcalc.results.verification import MODEL, VALUES, WITH_HEADS, Check, compare
from archcalc.torch_bridge.counters.counters import Remembered, elements, examples
from archcalc.torch_bridge.model.build import built
from archcalc.torch_bridge.verify.against_torch import BATCH, total_checks, without_input
from archcalc.torch_bridge.verify.values import UnmatchedError, as_matrix, compare_values


def own_model_checks(name: str, graph: Graph, model: nn.Module, values: bool = False) -> Iterator[Check]:
    """A user's model, for inference; for training where it has the spec's train-only heads too. It stays as it was."""
    model = copy.deepcopy(model)
    params = elements(model.parameters())
    without, with_heads = (total(graph, with_heads=heads).params for heads in (False, True))
    has_heads = without != with_heads and params == with_heads
    yield from model_checks(name, MODEL, graph, model.train(has_heads), has_heads)
    if values:
        yield values_check(name, MODEL, graph, model)


def model_checks(
    name: str, against: str, graph: Graph, model: nn.Module, with_heads: bool, is_flat: bool = False
) -> Iterator[Check]:
    """Shapes of outputs, totals, and the shape of every parameter.

    Args:
        name: of the network.
        against: whose model it is.
        graph: of the network.
        model: the other model, in the mode in which it is to run.
        with_heads: whether it has the spec's train-only heads.
        is_flat: whether its output is flat where ours has extents of 1.
    """
    batch = 1 if without_input(graph) else BATCH  # what depends on no input may be computed once for all examples
    given, flops = run_without_memory(model, graph, batch)
    suffix = WITH_HEADS if with_heads else ""
    y = graph.shape(graph.output)
    ours = (batch, y.elements) if is_flat else (batch, *shape_list(y))
    yield compare(name, against, "", f"out_shape{suffix}", ours, tuple(given[0].shape))
    for (output, index), tensor in zip(graph.outputs.items(), given[1:], strict=False):
        expected = (batch, *shape_list(graph.shape(index)))
        yield compare(name, against, output, f"out_shape{suffix}", expected, tuple(tensor.shape))
    yield from total_checks(name, against, graph, model, flops, with_heads, batch)
    yield compare(name, against, "", f"param_shapes{suffix}", *_unlike(built(graph, with_heads), model))


def run_without_memory(model: nn.Module, graph: Graph, batch: int) -> tuple[list[Tensor], int]:
    """What a model gives for a batch, and the FLOPs that FlopCounterMode counts, on the meta device.

    What holds tensors that it has not registered does not run there, and runs where it is.

    Raises:
        TypeError: it gives no tensor.
    """
    stored = {**dict(model.named_parameters()), **dict(model.named_buffers())}
    floating = [each for each in stored.values() if each.is_floating_point()]
    dtype = floating[0].dtype if floating else torch.float32
    moved = {name: each.detach().to("meta").requires_grad_(each.requires_grad) for name, each in stored.items()}
    try:
        given, flops = _counted(model, moved, _of_type(examples(graph, batch, "meta"), dtype))
    except (RuntimeError, NotImplementedError):
        device = floating[0].device if floating else torch.device("cpu")
        given, flops = _counted(model, {}, _of_type(examples(graph, batch, str(device)), dtype))
    tensors = [each for each in tree_leaves(given) if isinstance(each, Tensor)]
    if not tensors:
        raise TypeError(f"the model gives {type(given).__name__}, in which there is no tensor")
    return tensors, flops


def _counted(model: nn.Module, stored: dict[str, Tensor], inputs: tuple[Tensor, ...]) -> tuple[Any, int]:
    with Remembered(), FlopCounterMode(display=False) as mode:
        given = functional_call(model, stored, inputs) if stored else model(*inputs)
    return given, int(mode.get_total_flops())


def _of_type(inputs: Iterable[Tensor], dtype: torch.dtype) -> tuple[Tensor, ...]:
    return tuple(each.to(dtype) if each.is_floating_point() else each for each in inputs)


def values_check(
    name: str, against: str, graph: Graph, model: nn.Module, settle: Callable[[nn.Module], None] | None = None
) -> Check:
    """Outputs on one input with the same weights: equal bit for bit, or but for rounding; `settle` as there."""
    if any(node.operator.name == "opaque" for node in graph.nodes[: graph.first_head]):
        reason = "an opaque layer is a stand-in that gives zeros"
        return Check(name, against, "", VALUES, VALUES, "", "not counted", reason)
    try:
        found = compare_values(graph, model, settle)
    except UnmatchedError as error:
        return Check(name, against, "", VALUES, "matched", f"{error}", "differs")
    if found.single == 0:
        return compare(name, against, "", VALUES, "bit-equal", "bit-equal")
    of_largest = f"{found.single:.1e} of the largest output"
    if found.is_rounding:
        reason = f"{of_largest}, {found.double:.1e} in double precision"
        return compare(name, against, "", VALUES, "rounding", "rounding")._replace(reason=reason)
    in_double = "nor does it run" if isnan(found.double) else f"and {found.double:.1e}"
    theirs = f"{of_largest}, {in_double} in double precision: not rounding"
    return Check(name, against, "", VALUES, "bit-equal", theirs, "differs")


def _unlike(ours_built: nn.Module, model: nn.Module) -> tuple[str, str]:
    """How many shapes there are where all are equal; else those that only one of both has."""
    ours, theirs = _shapes(ours_built), _shapes(model)
    if ours.keys() == theirs.keys() and all(len(ours[shape]) == len(theirs[shape]) for shape in ours):
        return (f"{sum(map(len, ours.values()))} shapes",) * 2
    return _listed(ours, theirs), _listed(theirs, ours)


def _shapes(model: nn.Module) -> dict[str, list[str]]:
    """Names of parameters by their shapes."""
    shapes: dict[str, list[str]] = defaultdict(list)
    for name, each in model.named_parameters():
        shapes["x".join(map(str, as_matrix(each.shape)))].append(name)
    return dict(shapes)


def _listed(shapes: dict[str, list[str]], others: dict[str, list[str]]) -> str:
    """What others have fewer of; by name what they have nothing of."""
    found = []
    for shape, names in shapes.items():
        more = len(names) - len(others.get(shape, ()))
        if more > 0:
            found.append(f"{more} of {shape}" + f" ({names[0]})" * (len(names) == more == 1))
    return ", ".join(found) or "no others"

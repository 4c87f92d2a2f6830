"""A network held against its torch model: shapes, parameters, buffers, FlopCounterMode, gradients, fields, export."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator
from functools import partial
from typing import Any

import torch
from torch import Tensor, fx, nn

from archcalc.engine.cost.analyze import total
from archcalc.engine.cost.costs import cost_of, stored_with
from archcalc.graph import Graph
from archcalc.results.cost import shape_list
from archcalc.results.verification import WITH_HEADS, Check, compare
from archcalc.torch_bridge.counters.counters import (
    STEPS,
    CountingInterpreter,
    Remembered,
    Uninitialised,
    elements,
    examples,
    macs_of,
    outputs,
    stored_buffers,
)
from archcalc.torch_bridge.model.build import build
from archcalc.torch_bridge.verify.faults import judge
from archcalc.torch_bridge.verify.receptive_field import field_checks

BATCH = 2  # one example alone has no batch statistics


def torch_checks(name: str, graph: Graph) -> Iterator[Check]:
    """Every operation, then the whole: on the meta device, in training, heads too."""
    model = build(graph, True, "meta").train()
    interpreter = CountingInterpreter(model)
    given = interpreter.count(examples(graph, BATCH, "meta"))
    if any(each.requires_grad for each in given):
        with Remembered():
            torch.stack([each.sum() for each in given]).sum().backward()  # type: ignore[no-untyped-call]
    yield from _operation_checks(name, graph, model, interpreter)

    compared = partial(compare, name, "torch", "")
    constant = without_input(graph)
    ends = {"output": graph.output, **graph.outputs, **graph.heads}
    for (end, index), tensor in zip(ends.items(), given, strict=True):
        operation = "" if end == "output" else end
        batch = 1 if index in constant else BATCH
        expected = (batch, *shape_list(graph.shape(index)))
        yield compare(name, "torch", operation, "out_shape", expected, tuple(tensor.shape))
    flops = _flops_of_all(interpreter, constant)
    yield from total_checks(name, "torch", graph, model, flops, bool(graph.heads))
    steps = sum(key.endswith(STEPS) for key in model.state_dict())
    if steps:
        yield judge(compared(STEPS, 0, steps), "batch_norm")
    if graph.heads:
        without = build(graph, False, "meta").train()
        interpreter = CountingInterpreter(without)
        interpreter.count(examples(graph, BATCH, "meta"))
        flops = _flops_of_all(interpreter, constant)
        yield from total_checks(name, "torch", graph, without, flops, False)
    yield from field_checks(name, graph, model)


def _operation_checks(
    name: str, graph: Graph, model: fx.GraphModule, interpreter: CountingInterpreter
) -> Iterator[Check]:
    paths = {node.meta["index"]: str(node.target) for node in model.graph.nodes if node.op == "call_module"}
    parameters = _by_path(model.named_parameters(), paths.values())
    buffers = _by_path(stored_buffers(model).items(), paths.values())
    constant = without_input(graph)
    has_opaque = any(node.operator.name == "opaque" for node in graph.nodes)
    for index, node in enumerate(graph.nodes):
        compared = partial(compare, name, "torch", node.name)
        ran = interpreter.ran[index]
        arithmetic: Any = cost_of(node.operator, node.x, node.y).arithmetic
        batch = 1 if index in constant else BATCH
        kept, working = map(int, node.operator.copies)  # experts that work come one after the other in the batch
        checks = [
            compared("out_shape", (batch * working, *shape_list(node.y)), ran.shape),
            compared("macs", arithmetic.macs, macs_of(ran.flops, batch)),
        ]
        if index in paths:
            stored: Any = stored_with(graph, index)
            params = stored.weights + stored.biases + stored.norm
            own = parameters.pop(paths[index], [])  # what is shared is stored once, where it is used first
            checks.append(compared("params", params, elements(own)))
            checks.append(compared("buffers", stored.buffers, elements(buffers.pop(paths[index], []))))
            if own:
                learning = elements(each for each in own if each.grad is not None)
                check = compared("gradients", params // kept * working, learning)
                yield judge(check, "opaque") if has_opaque else check
        for check in checks:
            yield judge(check, node.operator.name)


def _flops_of_all(interpreter: CountingInterpreter, constant: frozenset[int]) -> int:
    """For a batch, as if each example had its own of what is computed once for all."""
    return sum(ran.flops * (BATCH if index in constant else 1) for index, ran in interpreter.ran.items())


def without_input(graph: Graph) -> frozenset[int]:
    """Operations that depend on no input, as trained queries: a batch of one stands for all examples."""
    found: set[int] = set()
    for index, node in enumerate(graph.nodes):
        if all(other in found for other in node.inputs):
            found.add(index)
    return frozenset(found)


def _by_path(tensors: Iterable[tuple[str, Tensor]], paths: Iterable[str]) -> dict[str, list[Tensor]]:
    """Tensors by the operation that they belong to: the longest path that their name begins with."""
    known = set(paths)
    found: dict[str, list[Tensor]] = defaultdict(list)
    for name, tensor in tensors:
        path = name.rpartition(".")[0]
        while path and path not in known:
            path = path.rpartition(".")[0]
        found[path].append(tensor)
    return found


def total_checks(
    name: str, against: str, graph: Graph, model: nn.Module, flops: int, with_heads: bool, batch: int = BATCH
) -> Iterator[Check]:
    """Parameters, buffers and MACs of the whole; FLOPs are those of a batch."""
    totals, suffix = total(graph, with_heads=with_heads), WITH_HEADS if with_heads else ""
    compared = partial(compare, name, against, "")
    yield compared(f"params{suffix}", totals.params, elements(model.parameters()))
    yield compared(f"buffers{suffix}", totals.buffers, elements(stored_buffers(model).values()))
    yield compared(f"macs{suffix}", totals.macs, macs_of(flops, batch))


def export_checks(name: str, graph: Graph) -> Iterator[Check]:
    """The model goes through torch.export, and keeps its output and parameters."""
    with Uninitialised():
        model = build(graph).eval()
    inputs = examples(graph, 1, "cpu")
    with torch.no_grad():
        exported = torch.export.export(model, inputs)
        given = outputs(exported.module()(*inputs))
    compared = partial(compare, name, "torch", "")
    yield compared("exported_out_shape", (1, *shape_list(graph.shape(graph.output))), tuple(given[0].shape))
    stored = {id(parameter): parameter for parameter in exported.parameters()}  # one may have several names there
    yield compared("exported_params", total(graph, with_heads=False).params, elements(stored.values()))

"""A network held against what fvcore counts of its torch model, module by module, at inference for one example."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterator

from archcalc.engine.cost.analyze import total
from archcalc.engine.cost.conventions import FVCORE
from archcalc.engine.cost.costs import cost_of
from archcalc.graph import Graph
from archcalc.results.verification import WITH_HEADS, Check, compare
from archcalc.torch_bridge.counters.counters import FVCORE_MACS, Uninitialised, count_by_fvcore, examples
from archcalc.torch_bridge.model.build import build
from archcalc.torch_bridge.verify.faults import judge

# Tracing does not go on the meta device (torch 2.14.1), so that a model runs on the CPU, with all that it holds.
MOST_NUMBERS = 1 << 29  # parameters and activations that are alive at once: 2 GiB at fp32
MOST_MACS = 100 * 10**9


def fvcore_checks(name: str, graph: Graph) -> Iterator[Check]:
    """MACs of every module, what fvcore calls its flops under archcalc's convention for it, and the same of the whole.

    fvcore sums the calls of a module that is called again; so it is compared once, where it is called first.
    """
    totals = total(graph, with_heads=True)
    if totals.params + totals.peak_activations > MOST_NUMBERS or totals.macs > MOST_MACS:
        reason = "fvcore traces a model while it runs in memory, and this one is too large for that"
        yield Check(name, "fvcore", "", "runs", "runs", "left out", "not counted", reason)
        return
    with Uninitialised():
        model = build(graph, True).eval()
    calls: dict[str, list[int]] = defaultdict(list)
    for node in model.graph.nodes:
        if node.op == "call_module":
            calls[str(node.target)].append(node.meta["index"])
    counted = count_by_fvcore(model, examples(graph, 1, "cpu"))
    costs = [cost_of(node.operator, node.x, node.y) for node in graph.nodes]
    flops = [FVCORE.flops(node.operator, node.x, node.y, cost) for node, cost in zip(graph.nodes, costs, strict=True)]
    for path, indices in calls.items():
        first = graph.nodes[indices[0]]
        ours = [sum(costs[index].arithmetic.macs for index in indices), sum(flops[index] for index in indices)]
        for check in _compared(name, first.name, ours, counted[path]):
            yield judge(check, first.operator.name)
    heads = WITH_HEADS if graph.heads else ""
    ours = [total(graph, with_heads=True).macs, sum(flops)]
    yield from _compared(name, "", ours, counted[""], heads)


def _compared(name: str, operation: str, ours: list[int], theirs: Counter[str], suffix: str = "") -> Iterator[Check]:
    macs = sum(number for operator, number in theirs.items() if operator in FVCORE_MACS)
    yield compare(name, "fvcore", operation, f"macs{suffix}", ours[0], macs)
    yield compare(name, "fvcore", operation, f"fvcore_flops{suffix}", ours[1], sum(theirs.values()))

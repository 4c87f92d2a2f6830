"""A graph to its costs: every layer, and the whole."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterator, Sequence
from operator import mul
from typing import Any

from archcalc.engine.cost.bounds import FIELD, fields_at_least, is_field_at_least, lower_bounds
from archcalc.engine.cost.conventions import ARITHMETIC
from archcalc.engine.cost.costs import OPERATIONS, active_with, cost_of, stored_with, tied_nodes
from archcalc.engine.cost.order import OPERATION, activations, depth, operations_of
from archcalc.engine.cost.scope import is_inside, subgraph
from archcalc.engine.cost.storage import FP32, stored_of_nodes
from archcalc.graph import Graph
from archcalc.named import NamedTuple
from archcalc.ops import Arithmetic, Parameters
from archcalc.results.convention import Convention
from archcalc.results.cost import LayerCost, Totals
from archcalc.results.field import Fields
from archcalc.results.notation import notation
from archcalc.results.phase import WHOLE, Phase, Steps
from archcalc.results.storage import Kept, Storage


def layer_costs(
    graph: Graph,
    fields: Fields,
    batch: int = 1,
    storage: Storage = FP32,
    convention: Convention = ARITHMETIC,
    with_heads: bool = True,
    scope: str = "",
    phase: Phase = WHOLE,
) -> list[LayerCost]:
    """Cost of every layer, or of those under a path; what it computes and gives is times batch.

    A layer is its operations together: what it computes is added, what it gives is what its last operation gives.
    """
    owners = _owners(graph) if graph.first_head < len(graph.nodes) else {}
    nodes = graph.nodes
    tied = tied_nodes(graph)
    steps, in_step, state_bits = phase
    counted: dict[tuple[int, ...], _Sums] = {}  # of layers that store all that they use, by identity of their rules
    worth: dict[object, int] = {}
    through = fields_at_least(graph)
    before: Kept | None = None
    is_whole = False
    found: list[LayerCost] = []
    for name, indices in graph.layers(with_heads):
        if scope and not is_inside(name, scope):
            continue
        first, last = nodes[indices[0]], nodes[indices[-1]]
        key: tuple[int, ...] = ()
        for index in indices:
            _, _, operator, _, x, y, shares, _ = nodes[index]
            if shares >= 0 or index in tied:
                one = _counted(graph, indices, tied, convention, worth)
                break
            key += (id(operator), id(x), id(y))
        else:
            known = counted.get(key)
            if known is None:
                known = counted[key] = _counted(graph, indices, tied, convention, worth)
            one = known
        weights, biases, norm, buffers, trainable, active, macs, masked, state, outputs = one[:10]
        flops, connections, neurons, status, reason = one[10:]
        state_once = 0
        if steps is not None and steps.kept:
            state_once = sum([_cost(OPERATION(nodes[index])).outputs for index in indices if index in steps.kept])
        bounds = lower_bounds(graph, indices) if status == "unknown" else frozenset()
        if is_field_at_least(fields, indices[-1], through):
            bounds |= {FIELD}
        params = weights + biases + norm
        kept = storage.of(name)
        if kept is not before:  # most are kept as the one before them
            before, is_whole = kept, kept.density == 1 and not kept.block
        stored_params, stored_bits = params, params * kept.bits
        if not is_whole:
            stored_params, stored_bits = stored_of_nodes(storage, graph, indices)
        is_once = steps is not None and not steps.repeated[indices[0]]
        times = 0 if is_once and in_step else batch
        found.append(
            LayerCost(
                name=name,
                type=first.operator.name,
                notation=notation(first.operator),
                stage=first.stage,
                in_shape=graph.shape(first.inputs[0]) if first.inputs else first.y,
                out_shape=last.y,
                params=params,
                weights=weights,
                biases=biases,
                norm_params=norm,
                buffers=buffers,
                trainable_params=trainable,
                active_params=active,
                macs=macs * times,
                macs_once=macs * batch if is_once else 0,
                masked=masked * times,
                flops=flops * times,
                connections=connections,
                neurons=neurons,
                activations=outputs * (times if last.inputs else min(times, 1)),
                state=state * batch,
                state_once=state_once * batch,
                state_bits=(state + state_once) * batch * state_bits,
                stored_params=stored_params,
                stored_bits=stored_bits,
                status=status,
                reason=reason,
                head=owners.get(indices[0], ""),
                nodes=tuple(indices),
                fields=fields,
                lower_bounds=bounds,
            )
        )
    return found


class _Sums(NamedTuple):
    """What the operations of a layer cost together, for one example."""

    weights: int
    biases: int
    norm: int
    buffers: int
    trainable: int
    active: int
    macs: int
    masked: int
    state: int
    outputs: int
    flops: int
    connections: int
    neurons: int
    status: str
    reason: str


def _counted(
    graph: Graph, indices: Sequence[int], tied: set[int], convention: Convention, worth: dict[object, int]
) -> _Sums:
    """What some operations cost together; `worth` remembers the FLOPs of each."""
    weights = biases = norm = buffers = macs = flops = connections = neurons = outputs = 0
    trainable = active = masked = state = 0
    status, reason = "zero", ""
    for index in indices:
        node = graph.nodes[index]
        cost: Any = cost_of(node.operator, node.x, node.y)
        stored: Any = stored_with(graph, index)
        arithmetic = cost.arithmetic
        weights += stored.weights
        biases += stored.biases
        norm += stored.norm
        buffers += stored.buffers
        if node.operator.trainable:
            trainable += stored.weights + stored.biases + stored.norm
        active += active_with(graph, index, tied)
        macs += arithmetic.macs
        masked += cost.masked
        state += cost.state
        outputs = cost.outputs
        key = (node.operator, node.x, node.y)
        value = worth.get(key)
        if value is None:
            value = worth[key] = convention.flops(*key, cost)
        flops += value
        connections += cost.connections
        neurons += cost.neurons
        if arithmetic.status == "unknown":
            status, reason = "unknown", arithmetic.reason
        elif arithmetic.status == "counted" and status != "unknown":
            status, reason = "counted", ""
        elif status == "zero":
            reason = arithmetic.reason
    stored_there = (weights, biases, norm, buffers, trainable, active)
    return _Sums(*stored_there, macs, masked, state, outputs, flops, connections, neurons, status, reason)


def total(
    graph: Graph,
    batch: int = 1,
    storage: Storage = FP32,
    convention: Convention = ARITHMETIC,
    with_heads: bool = True,
    within: Sequence[int] | None = None,
    phase: Phase = WHOLE,
) -> Totals:
    """Totals of a graph, from its operations: equal ones are multiplied, not added one by one.

    Args:
        graph: a network.
        batch: examples at once.
        storage: how its layers are stored.
        convention: which operations count as FLOPs.
        with_heads: count train-only heads too.
        within: indices of the operations that count; None: all.
        phase: what a step of it repeats, and whether that alone is computed.
    """
    end = graph.count if with_heads else graph.first_head
    indices: Sequence[int] = range(end) if within is None else within
    result = Totals()
    is_whole = within is None and end == graph.count
    operations = operations_of(graph) if is_whole else Counter([OPERATION(graph.nodes[index]) for index in indices])
    _add_stored(result, graph, operations, indices)
    _add_bytes(result, graph, indices, storage)
    computed: Sequence[int] | None = within
    steps = phase.steps
    if steps is not None:
        once = Counter(_computed_once(graph, indices, steps))
        result.macs_once = batch * sum([_cost(key).arithmetic.macs * count for key, count in once.items()])
        result.state_once = batch * _kept_once(graph, indices, steps)
        if phase.in_step and once:
            computed = [index for index in indices if steps.repeated[index]]
            operations -= once
    _add_computed(result, operations, batch, convention)
    result.state_bytes = -(-(result.state + result.state_once) * phase.state_bits // 8)
    if within is None:
        result.depth, result.depth_with_pooling = depth(graph)
    if computed is None:
        found = activations(graph, end, list(graph.inputs.values()), batch)
    else:
        part, outside = subgraph(graph, computed)
        found = activations(part, part.count, outside, batch)
        if within is not None:
            result.depth, result.depth_with_pooling = depth(part)
    result.layers, result.activations, result.peak_activations = found.layers, found.given, found.peak
    return result


def flops_of(graph: Graph, convention: Convention) -> int:
    """What `total` gives as FLOPs of one example, and nothing else of it: for many conventions of one graph."""
    result = Totals()
    _add_computed(result, operations_of(graph), 1, convention)
    return result.flops


def total_stored(graph: Graph, batch: int, storage: Storage, phase: Phase) -> Totals:
    """What is there before anything is computed, heads left out: parameters, their bytes, and what steps keep."""
    result, nodes = Totals(), graph.nodes[: graph.first_head]
    indices = range(len(nodes))
    _add_stored(result, graph, Counter(map(OPERATION, nodes)), indices)
    _add_bytes(result, graph, indices, storage)
    result.state *= batch
    result.state_once = 0 if phase.steps is None else batch * _kept_once(graph, indices, phase.steps)
    result.state_bytes = -(-(result.state + result.state_once) * phase.state_bits // 8)
    return result


def _cost(key: Any) -> Any:
    return cost_of(*key)


def _computed_once(graph: Graph, indices: Sequence[int], steps: Steps) -> Iterator[Any]:
    """Operations that a step does not repeat."""
    repeated = steps.repeated
    if graph.repeats and len(indices) == graph.count and all(repeated[each.begin] for each in graph.repeats):
        for start, nodes, _ in graph.segments():
            yield from [OPERATION(node) for index, node in enumerate(nodes, start) if not repeated[index]]
    elif not all(repeated):
        yield from [OPERATION(graph.nodes[index]) for index in indices if not repeated[index]]


def _kept_once(graph: Graph, indices: Sequence[int], steps: Steps) -> int:
    """Elements of one example that are computed once and read in each step."""
    kept = steps.kept.intersection(indices) if steps.kept else ()
    return sum([_cost(OPERATION(graph.node(index))).outputs for index in sorted(kept)])


def _add_bytes(result: Totals, graph: Graph, indices: Sequence[int], storage: Storage) -> None:
    """Parameters that are stored, and their bytes."""
    same = storage.bits[0] if len(storage.bits) == 1 else ""
    if isinstance(same, int) and all(density == 1 for density in storage.densities):
        result.stored_params, bits = result.params, result.params * same
    else:
        result.stored_params, bits = stored_of_nodes(storage, graph, indices)
    result.size_bytes = -(-bits // 8)


def _add_stored(result: Totals, graph: Graph, operations: Counter[Any], indices: Sequence[int]) -> None:
    """What is there whether it is computed or not: parameters, connections, neurons, state."""
    counts = operations.values()
    costs: list[Any] = [cost_of(*key) for key in operations]
    stored = _summed(counts, [cost.parameters for cost in costs], len(Parameters._fields))
    state, connections, neurons, active = _summed(
        counts, [(cost.state, cost.connections, cost.neurons, cost.active_params) for cost in costs], 4
    )
    frozen = sum(
        [
            sum(cost.parameters[:3]) * count
            for (key, count), cost in zip(operations.items(), costs, strict=True)
            if not key[0].trainable
        ]
    )
    for start, nodes, _ in graph.segments():
        for index, node in enumerate(nodes, start):
            if node.shares < 0 or index not in indices:
                continue
            # computed again, stored once
            again: Any = cost_of(node.operator, node.x, node.y)
            own: Any = stored_with(graph, index)
            stored = [number - less + kept for number, less, kept in zip(stored, again.parameters, own, strict=True)]
            active += sum(own[:3]) - again.active_params
            frozen += 0 if node.operator.trainable else sum(own[:3]) - sum(again.parameters[:3])
    for index in tied_nodes(graph):
        if index in indices:
            node = graph.node(index)
            active += active_with(graph, index, {index}) - cost_of(node.operator, node.x, node.y).active_params
    result.weights, result.biases, result.norm_params, result.buffers = stored
    result.params = result.weights + result.biases + result.norm_params
    result.trainable_params, result.active_params = result.params - frozen, active
    result.connections, result.neurons = connections, neurons
    result.state = state  # of one example, until it is known how many there are


def _add_computed(result: Totals, operations: Counter[Any], batch: int, convention: Convention) -> None:
    """What is computed, for a batch."""
    counts = operations.values()
    costs: list[Any] = [cost_of(*key) for key in operations]
    done = _summed(counts, [cost.arithmetic for cost in costs], len(OPERATIONS))
    elementary = convention.elementary
    for ((operator, x, y), count), cost in zip(operations.items(), costs, strict=True):
        if elementary is None:
            result.flops += convention.flops(operator, x, y, cost) * count * batch
        status = cost.arithmetic.status
        setattr(result, status, getattr(result, status) + count)
    (result.masked,) = _summed(counts, [(cost.masked * batch,) for cost in costs], 1)
    result.state *= batch
    arithmetic = Arithmetic(*(number * batch for number in done))
    if elementary is not None:
        result.flops = sum(worth * getattr(arithmetic, name) for name, worth in elementary.items())
    for name in OPERATIONS[: OPERATIONS.index("transcendentals") + 1]:
        setattr(result, name, getattr(arithmetic, name))


def _summed(counts: Collection[int], rows: Sequence[tuple[Any, ...]], width: int) -> list[Any]:
    """The sum of each of the first columns, every row taken so many times."""
    columns = list(zip(*rows, strict=True))[:width] or [()] * width
    return [sum(map(mul, counts, column)) for column in columns]


def _owners(graph: Graph) -> dict[int, str]:
    """Which head each node after the main network belongs to: the first part of its layer's name."""
    return {index: graph.nodes[index].stage for index in range(graph.first_head, len(graph.nodes))}

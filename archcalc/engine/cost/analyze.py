"""A graph to its costs: every layer, and the whole."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Sequence
from operator import attrgetter, mul
from typing import Any

from archcalc.engine.cost.bounds import FIELD, fields_at_least, is_field_at_least, lower_bounds
from archcalc.engine.cost.conventions import ARITHMETIC
from archcalc.engine.cost.costs import OPERATIONS, cost_of, stored_with
from archcalc.engine.cost.scope import is_inside, subgraph
from archcalc.engine.cost.storage import FP32, stored_of_nodes
from archcalc.graph import Graph, Node
from archcalc.ops import Arithmetic, Parameters, Shape
from archcalc.results.convention import Convention
from archcalc.results.cost import Fields, LayerCost, Storage, Totals, notation

_OPERATION = attrgetter("operator", "x", "y")


def layer_costs(
    graph: Graph,
    fields: Fields,
    batch: int = 1,
    storage: Storage = FP32,
    convention: Convention = ARITHMETIC,
    with_heads: bool = True,
    scope: str = "",
) -> list[LayerCost]:
    """Cost of every layer, or of those under a path; `macs`, `flops` and `activations` times batch.

    A layer is its operations together: what it computes is added, what it gives is what its last operation gives.
    """
    owners = _owners(graph) if graph.first_head < len(graph.nodes) else {}
    nodes = graph.nodes
    worth: dict[object, int] = {}
    through = fields_at_least(graph)
    found: list[LayerCost] = []
    for name, indices in graph.layers(with_heads):
        if scope and not is_inside(name, scope):
            continue
        first, last = nodes[indices[0]], nodes[indices[-1]]
        weights = biases = norm = buffers = macs = flops = connections = neurons = 0
        state, reason = "zero", ""
        for index in indices:
            node = nodes[index]
            cost = cost_of(node.operator, node.x, node.y)
            stored: Any = stored_with(graph, index)
            arithmetic: Any = cost.arithmetic
            weights += stored.weights
            biases += stored.biases
            norm += stored.norm
            buffers += stored.buffers
            macs += arithmetic.macs
            key = (node.operator, node.x, node.y)
            value = worth.get(key)
            if value is None:
                value = worth[key] = convention.flops(*key, cost)
            flops += value
            connections += cost.connections
            neurons += cost.neurons
            if arithmetic.state == "unknown":
                state, reason = "unknown", arithmetic.reason
            elif arithmetic.state == "counted" and state != "unknown":
                state, reason = "counted", ""
            elif state == "zero":
                reason = arithmetic.reason
        bounds = lower_bounds(graph, indices) if state == "unknown" else frozenset()
        if is_field_at_least(fields, indices[-1], through):
            bounds |= {FIELD}
        params = weights + biases + norm
        stored_params, stored_bits = params, params * storage.of(name).bits
        if storage.of(name).density != 1:
            stored_params, stored_bits = stored_of_nodes(storage, graph, indices)
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
                macs=macs * batch,
                flops=flops * batch,
                connections=connections,
                neurons=neurons,
                activations=elements(last.y) * batch,
                stored_params=stored_params,
                stored_bits=stored_bits,
                state=state,
                reason=reason,
                head=owners.get(indices[0], ""),
                nodes=tuple(indices),
                fields=fields,
                lower_bounds=bounds,
            )
        )
    return found


def total(
    graph: Graph,
    batch: int = 1,
    storage: Storage = FP32,
    convention: Convention = ARITHMETIC,
    with_heads: bool = True,
    within: Sequence[int] | None = None,
) -> Totals:
    """Totals of a graph, from its operations: equal ones are multiplied, not added one by one.

    Args:
        graph: a network.
        batch: examples at once.
        storage: how its layers are stored.
        convention: which operations count as FLOPs.
        with_heads: count train-only heads too.
        within: indices of the operations that count; None: all.
    """
    end = len(graph.nodes) if with_heads else graph.first_head
    indices: Sequence[int] = range(end) if within is None else within
    nodes = graph.nodes[:end] if within is None else [graph.nodes[index] for index in within]
    result = Totals()
    computed = Counter(map(_OPERATION, nodes))
    reused = [index for index, node in zip(indices, nodes, strict=True) if node.shares >= 0]
    costs = [cost_of(*key) for key in computed]
    stored = _summed(computed.values(), [cost.parameters for cost in costs], len(Parameters._fields))
    done = _summed(computed.values(), [cost.arithmetic for cost in costs], len(OPERATIONS))
    elementary = convention.elementary
    for (key, count), cost in zip(computed.items(), costs, strict=True):
        if elementary is None:
            result.flops += convention.flops(*key, cost) * count * batch
        result.connections += cost.connections * count
        result.neurons += cost.neurons * count
        state = cost.arithmetic.state
        setattr(result, state, getattr(result, state) + count)
    for index in reused:  # computed again, stored once
        node = graph.nodes[index]
        again, own = cost_of(node.operator, node.x, node.y).parameters, stored_with(graph, index)
        stored = [number - less + kept for number, less, kept in zip(stored, again, own, strict=True)]
    result.weights, result.biases, result.norm_params, result.buffers = stored
    result.params = result.weights + result.biases + result.norm_params
    arithmetic = Arithmetic(*(number * batch for number in done))
    if elementary is not None:
        result.flops = sum(worth * getattr(arithmetic, name) for name, worth in elementary.items())
    for name in OPERATIONS[: OPERATIONS.index("transcendentals") + 1]:
        setattr(result, name, getattr(arithmetic, name))
    if len(storage.bits) == 1 and all(density == 1 for density in storage.densities):
        result.stored_params, bits = result.params, result.params * storage.bits[0]
    else:
        result.stored_params, bits = stored_of_nodes(storage, graph, indices)
    result.size_bytes = -(-bits // 8)
    if within is None:
        result.layers, total_elements, peak = activations(graph, nodes, list(graph.inputs.values()))
        result.depth, result.depth_with_pooling = depth(graph)
    else:
        part, outside = subgraph(graph, within)
        result.layers, total_elements, peak = activations(part, part.nodes, outside)
        result.depth, result.depth_with_pooling = depth(part)
    result.activations, result.peak_activations = total_elements * batch, peak * batch
    return result


def _summed(counts: Collection[int], rows: Sequence[tuple[Any, ...]], width: int) -> list[Any]:
    """The sum of each of the first columns, every row taken so many times."""
    columns = list(zip(*rows, strict=True))[:width] or [()] * width
    return [sum(map(mul, counts, column)) for column in columns]


def elements(shape: Shape) -> int:
    """Elements of a shape whose sizes are whole numbers, as they are in a graph without free variables."""
    return shape.elements  # type: ignore[return-value]


def depth(graph: Graph) -> tuple[int, int]:
    """Layers with weights on the longest path to an output; and the same with pooling layers counted too.

    Shortcut projections count only where the longest path goes through them, as papers count.
    """
    nodes = graph.nodes
    weighted = [0] * (len(nodes) + len(graph.inputs))  # the last places are the inputs
    pooled = [0] * (len(nodes) + len(graph.inputs))
    for index, (_, _, operator, inputs, _, _, _, _) in enumerate(nodes):
        if len(inputs) == 1:
            most = weighted[inputs[0]]
            most_pooled = pooled[inputs[0]]
        else:
            most = max([weighted[read] for read in inputs], default=0)
            most_pooled = max([pooled[read] for read in inputs], default=0)
        weighted[index] = most + 1 if operator.weighted else most
        pooled[index] = most_pooled + 1 if operator.weighted or operator.pooling else most_pooled
    ends = [graph.output, *graph.outputs.values()]
    return max(weighted[index] for index in ends), max(pooled[index] for index in ends)


def activations(graph: Graph, nodes: list[Node], inputs: Sequence[Shape]) -> tuple[int, int, int]:
    """Layers; elements that they give; and the largest number of elements alive at once.

    Executed layer by layer in the order written. Alive are the outputs that are still to be read and the output being
    made; operations within a layer work in place. An input, of index -1, -2, ..., is alive until its last reader.
    """
    end = len(nodes)
    last_reader = list(range(end))
    last_reader.extend([-1] * len(inputs))  # the last places are the inputs
    for index, node in enumerate(nodes):
        for read in node.inputs:
            last_reader[read] = index
    for kept in (graph.output, *graph.outputs.values(), *graph.heads.values()):
        if kept < end:
            last_reader[kept] = end
    sizes: dict[int, Any] = {}  # by identity: nodes share their shapes
    freed: list[Any] = [0] * (end + 1)
    for number, shape in enumerate(inputs, 1):
        freed[last_reader[-number]] += elements(shape)
    alive = peak = sum(map(elements, inputs))
    before = 0
    layers = given = 0
    layer = None
    for index, (_, name, _, _, _, y, _, _) in enumerate(nodes):
        size = sizes.get(id(y))
        if size is None:
            size = sizes[id(y)] = elements(y)
        alive += size
        given += size
        if name == layer:  # in place of the layer's operation before
            alive -= before
            given -= before
            if last_reader[index - 1] == index:
                freed[index] -= before
        else:
            layers += 1
            layer = name
        if alive > peak:
            peak = alive
        before = size
        freed[last_reader[index]] += size
        alive -= freed[index]
    return layers, given, peak


def _owners(graph: Graph) -> dict[int, str]:
    """Which head each node after the main network belongs to: the first part of its layer's name."""
    return {index: graph.nodes[index].stage for index in range(graph.first_head, len(graph.nodes))}

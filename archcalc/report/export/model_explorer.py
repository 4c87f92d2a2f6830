"""For Google's Model Explorer: a graph whose groups are the blocks of the network, and costs to lay over it.

The viewer reads a collection of graphs as JSON, nodes with a namespace (`conv2/block_1`), attributes and incoming edges
(`GraphCollection` of `ai-edge-model-explorer`), and node data beside it, a number for each node (`GraphNodeData`).
"""

from __future__ import annotations

import json
import re
from collections import Counter
from collections.abc import Iterator, Sequence
from typing import Any

from archcalc.engine.cost.quantities import parts
from archcalc.graph import Graph, Node
from archcalc.ops import Operator
from archcalc.results.cost import NetworkCost
from archcalc.results.notation import notation

QUANTITIES = ("macs", "params", "activations")  # node data is written of each
_CALM_TO_BUSY = ({"stop": 0, "bgColor": "#ffffff"}, {"stop": 1, "bgColor": "#e06c5f"})
_LABELS = {"macs": "MACs", "params": "parameters", "activations": "activations"}


def graph_json(cost: NetworkCost) -> str:
    """The collection that the viewer opens: one graph, a node for each input, operation and output.

    A node has the id of its operation, the namespace of its layer's path, and as attributes its arguments and costs of
    one example; groups have the sums of what is in them.
    """
    graph = cost.graph
    last = len(graph.nodes) if cost.with_heads else graph.first_head
    ids, spaces, costs = _ids(graph, last), _namespaces(graph, last), _amounts(graph, last)
    nodes = [
        {
            "id": _of_input(name),
            "label": name,
            "namespace": "",
            "attrs": _pairs({"kind": shape.kind}),
            "outputsMetadata": _outputs(name, shape),
        }
        for name, shape in graph.inputs.items()
    ]
    for index, node in enumerate(graph.nodes[:last]):
        amounts = {_LABELS[name]: f"{value:,}" for name, value in costs[index].items()}
        nodes.append(
            {
                "id": ids[index],
                "label": _label(node),
                "namespace": spaces[index],
                "attrs": _pairs(
                    {"layer": node.layer, "notation": notation(node.operator), **_arguments(node), **amounts}
                ),
                "incomingEdges": [_edge(graph, ids, other, number) for number, other in enumerate(node.inputs)],
                "outputsMetadata": _outputs(node.name, node.y),
            }
        )
    for name, index in _given(cost).items():
        edge = _edge(graph, ids, index, 0)
        nodes.append({"id": f"output: {name}", "label": name, "namespace": "", "incomingEdges": [edge]})
    groups = {
        name: {_LABELS[key]: f"{value:,}" for key, value in sums.items()} for name, sums in _groups(spaces, costs)
    }
    found = {"id": cost.name, "nodes": nodes, "groupNodeAttributes": groups}
    return json.dumps({"label": cost.name, "graphs": [found]}, ensure_ascii=False) + "\n"


def node_data(cost: NetworkCost, quantity: str) -> str:
    """A number for each operation that has some of a quantity, for the viewer to lay over the graph."""
    graph = cost.graph
    last = len(graph.nodes) if cost.with_heads else graph.first_head
    ids = _ids(graph, last)
    values = {ids[index]: {"value": costs[quantity]} for index, costs in enumerate(_amounts(graph, last))}
    some = {name: found for name, found in values.items() if found["value"]}
    data = {"name": _LABELS[quantity], "results": some, "gradient": list(_CALM_TO_BUSY)}
    return json.dumps({cost.name: data}, ensure_ascii=False) + "\n"


def _amounts(graph: Graph, last: int) -> list[dict[str, int]]:
    """Costs of each operation, of one example: they add up to those of the network, in every quantity.

    What is stored elsewhere is not stored here, and a layer gives what its last operation gives.
    """
    columns: Any = [list(parts(graph, name, range(last))) for name in QUANTITIES]
    return [dict(zip(QUANTITIES, row, strict=True)) for row in zip(*columns, strict=True)]


def _label(node: Node) -> str:
    """What stands on a node: `conv1: conv`; the operator alone where its author gave it no name."""
    name, operator = node.layer.rpartition(".")[2], node.operator.name
    is_numbered = name.isdigit() or name == operator or re.fullmatch(rf"{operator}_\d+", name) is not None
    return f"{name}: {operator}" if node.name == node.layer and not is_numbered else operator


def _groups(spaces: Sequence[str], costs: Sequence[dict[str, int]]) -> Iterator[tuple[str, Counter[str]]]:
    """Sums of what is in each namespace; that without a name is the network."""
    found: dict[str, Counter[str]] = {}
    for space, amounts in zip(spaces, costs, strict=True):
        names = space.split("/")
        for name in dict.fromkeys(["", *("/".join(names[:depth]) for depth in range(1, len(names) + 1))]):
            found.setdefault(name, Counter(dict.fromkeys(QUANTITIES, 0))).update(amounts)
    yield from found.items()


def _namespaces(graph: Graph, last: int) -> list[str]:
    """The path of each operation's block; a merge stands inside the block that it ends and is named after."""
    layers = [node.layer for node in graph.nodes[:last]]
    blocks = {layer.rpartition(".")[0] for layer in layers}
    found = []
    for node in graph.nodes[:last]:
        is_inside = node.layer in blocks or node.name != node.layer
        found.append((node.layer if is_inside else node.layer.rpartition(".")[0]).replace(".", "/"))
    return found


def _ids(graph: Graph, last: int) -> list[str]:
    """Names of operations, once each."""
    seen: Counter[str] = Counter()
    found = []
    for node in graph.nodes[:last]:
        seen[node.name] += 1
        found.append(node.name if seen[node.name] == 1 else f"{node.name}#{seen[node.name]}")
    return found


def _of_input(name: str) -> str:
    return f"input: {name}"


def _edge(graph: Graph, ids: list[str], source: int, number: int) -> dict[str, str]:
    name = ids[source] if source >= 0 else _of_input(list(graph.inputs)[-1 - source])
    return {"sourceNodeId": name, "sourceNodeOutputId": "0", "targetNodeInputId": str(number)}


def _given(cost: NetworkCost) -> dict[str, int]:
    graph = cost.graph
    return {"output": graph.output, **graph.outputs, **(graph.heads if cost.with_heads else {})}


def _arguments(node: Node) -> dict[str, str]:
    """Arguments that are not the default."""
    values = node.operator.values()
    return {
        name: _written(value)
        for name, value in values.items()
        if node.operator.arguments[name].kind != "operation" and value != node.operator.defaults[name]
    }


def _written(value: Any) -> str:
    if isinstance(value, bool):
        return str(value).lower()
    if hasattr(value, "connected"):
        return f"{value.inputs}x{value.outputs} table"
    if hasattr(value, "node"):
        return value.name or "layer"
    if isinstance(value, Operator):
        return notation(value)
    return str(value)


def _outputs(name: str, shape: Any) -> list[dict[str, Any]]:
    return [{"id": "0", "attrs": _pairs({"__tensor_tag": name, "shape": str(shape)})}]


def _pairs(values: dict[str, str]) -> list[dict[str, str]]:
    return [{"key": key, "value": value} for key, value in values.items()]

"""Networks side by side: where each has its costs, in divisions that mean the same for all of them."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from functools import partial
from typing import Any, Literal

from archcalc.engine.groups import operations
from archcalc.graph import NETWORK_INPUT
from archcalc.ops import Operator, Shape
from archcalc.results.comparison import Cause, Comparison, Split
from archcalc.results.cost import LayerCost, NetworkCost

Quantity = Literal["macs", "params"]


def compare(networks: Sequence[NetworkCost]) -> Comparison:
    """Divide the costs of networks by map size and by kind of operation."""
    rows = [operations(network) for network in networks]
    return Comparison(
        list(networks),
        _by_map_size(networks, rows),
        _divided(rows, [partial(kind_of_row, cost) for cost in networks]),
    )


def _by_map_size(networks: Sequence[NetworkCost], rows: list[list[LayerCost]]) -> dict[str, list[Split]]:
    """The largest maps first; a vector of features is a map of one position."""
    positions: dict[str, Any] = {}

    def label(rank: int, row: LayerCost) -> str:
        spatial = row.out_shape.spatial or (1,) * max(1, rank)
        text = "x".join(map(str, spatial))
        positions[text] = row.out_shape.positions
        return text

    found = _divided(rows, [partial(label, network.input.rank) for network in networks])
    return dict(sorted(found.items(), key=lambda item: -positions[item[0]]))


def _divided(rows: list[list[LayerCost]], label_of: Sequence[Callable[[LayerCost], str]]) -> dict[str, list[Split]]:
    """Parts that cost nothing in any of the networks are left out."""
    found: dict[str, list[Split]] = {}
    for number, (of_network, label) in enumerate(zip(rows, label_of, strict=True)):
        for row in of_network:
            if row.macs or row.params:
                splits = found.setdefault(label(row), [Split()] * len(rows))
                old = splits[number]
                splits[number] = Split(
                    old.macs + row.macs,
                    old.params + row.params,
                    old.operations + 1,
                    old.outputs + row.neurons,
                )
    return dict(sorted(found.items(), key=lambda item: -max(split.macs for split in item[1])))


def kind_of_row(cost: NetworkCost, row: LayerCost) -> str:
    """Kind of the operation that a row begins with."""
    node = cost.graph.nodes[row.nodes[0]]
    x = node.x if isinstance(node.x, Shape) else cost.graph.shape(node.inputs[0] if node.inputs else NETWORK_INPUT)
    return kind_of(node.operator, x)


def kind_of(operator: Operator, x: Shape) -> str:
    """An operation as people tell operations apart: by its kernel, and whether it has groups."""
    kernel = getattr(operator, "kernel", None)
    if not operator.weighted or kernel is None:
        return operator.name
    sizes = kernel if isinstance(kernel, tuple) else (kernel,) * max(1, x.rank)
    text = f"{operator.name} {'x'.join(map(str, sizes))}"
    return f"{text} grouped" if getattr(operator, "groups", 1) != 1 else text


def cause(splits: dict[str, list[Split]], cheaper: int, dearer: int, quantity: Quantity, most: int = 2) -> Cause:
    """Up to `most` labels that make up most of the difference between two networks of a comparison."""
    differences = {
        label: getattr(parts[dearer], quantity) - getattr(parts[cheaper], quantity) for label, parts in splits.items()
    }
    whole = sum(differences.values())
    labels: list[str] = []
    part = 0
    for label, difference in sorted(differences.items(), key=lambda item: -item[1]):
        if len(labels) == most or difference <= 0 or 5 * part >= 3 * whole:
            break
        labels.append(label)
        part += difference
    in_order: Iterable[str] = (label for label in splits if label in labels)
    return Cause(tuple(in_order), part, whole)

"""What conventions count of a network, side by side: components, and what one of each is worth to whom."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

from archcalc.engine.cost.costs import cost_of
from archcalc.graph import Graph
from archcalc.ops import Operator
from archcalc.results.convention import AMOUNTS, Convention
from archcalc.results.reconciliation import PARTS, Component

_MULTIPLIED = frozenset({"macs", "weights_at_outputs", "weights_of_all_inputs", "grouped_twice", "dot_products"})


def decompose(graph: Graph, conventions: Sequence[Convention]) -> list[Component]:
    """What the conventions count of a network, and at how much each: components in the order of `PARTS`."""
    found: dict[tuple[str, str], int] = {}  # how many, by operator and amount
    worth: dict[tuple[str, str], dict[str, int]] = {}
    operators = {}
    for (operator, x, y), times in Counter(
        (node.operator, node.x, node.y) for node in graph.nodes[: graph.first_head]
    ).items():
        cost = cost_of(operator, x, y)
        name = operator.name
        operators[name] = operator
        counted = {term.amount for of in conventions for term in of.terms if term.holds_for(name)}
        for amount in counted:
            found[name, amount] = found.get((name, amount), 0) + times * AMOUNTS[amount].many(operator, x, y, cost)
    for name, amount in found:
        worth[name, amount] = {}
        for of in conventions:
            value = sum(term.worth for term in of.terms if term.amount == amount and term.holds_for(name))
            if value:
                worth[name, amount][of.name] = value
    components: dict[tuple[str, str, int], Component] = {}
    counts: dict[tuple[str, str], set[int]] = {}  # by operator and words: one amount each, or more exact words
    for (name, amount), many in found.items():
        if many:
            counts.setdefault((name, AMOUNTS[amount].words), set()).add(many)
    for (name, amount), many in found.items():
        if not many:
            continue
        words = AMOUNTS[amount].words
        if len(counts[name, words]) > 1:
            words = AMOUNTS[amount].exactly or words
        component = components.setdefault(
            (name, words, many), Component(name, words, _part(operators[name], amount), many, {})
        )
        component.worth.update(worth[name, amount])  # the same inputs, of images or of anything
    return sorted(components.values(), key=lambda component: (PARTS.index(component.part), -component.many))


def _part(operator: Operator, amount: str) -> str:
    if amount in _MULTIPLIED or (amount == "weights" and operator.weighted):
        return "MACs"
    if amount in ("bias", "biases", "bias_of_forward"):
        return "bias"
    return {
        "norm": "norm",
        "pointwise": "activation",
        "gates": "activation",
        "softmax": "activation",
        "layer_norm": "norm",
        "pool": "pooling",
        "adaptive": "pooling",
    }.get(operator.family, "other")

"""What is called FLOPs: conventions that archcalc ships. Each is data and says whose it is."""

from __future__ import annotations

from archcalc.engine.costs import cost_of
from archcalc.results.cost import Convention, NetworkCost, Term

ARITHMETIC = Convention(
    "arithmetic",
    "every operation: 2 for a multiply-accumulate, 1 for each other addition, multiplication, division, comparison "
    "and transcendental function",
    (
        Term("macs", 2),
        Term("additions"),
        Term("multiplications"),
        Term("divisions"),
        Term("comparisons"),
        Term("transcendentals"),
    ),
    "archcalc",
)
MACS = Convention(
    "macs",
    "multiply-accumulate pairs of convolutions, linear layers and matrix products; nothing else",
    (Term("macs"),),
    'what papers since He et al. 2015, Table 1, call "FLOPs (multiply-adds)"',
)
CONVENTIONS: dict[str, Convention] = {convention.name: convention for convention in (ARITHMETIC, MACS)}


def terms_of(cost: NetworkCost) -> list[tuple[Term, int]]:
    """What a network has of that its convention counts: terms, and how many of each there are."""
    nodes = [cost.graph.nodes[index] for layer in cost.layers for index in layer.nodes]
    operations = [(node.operator, node.x, node.y, cost_of(node.operator, node.x, node.y)) for node in nodes]
    counted = [(term, cost.batch * sum(term.many(*of) for of in operations)) for term in cost.convention.terms]
    return [(term, many) for term, many in counted if many]

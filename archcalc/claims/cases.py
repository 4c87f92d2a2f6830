"""Ways to arrive at a figure of a network, and what each comes to."""

from __future__ import annotations

from dataclasses import replace
from fractions import Fraction
from typing import Any, NamedTuple

from archcalc.claims.forms import Forms
from archcalc.claims.names import Names
from archcalc.engine.cost.analyze import flops_of, total
from archcalc.engine.cost.conventions import CONVENTIONS
from archcalc.engine.cost.costs import active_with, cost_of, stored_with, tied_nodes
from archcalc.graph import Graph
from archcalc.results.cost import DTYPES, Totals
from archcalc.source import SpecError


class Case(NamedTuple):
    """A way to arrive at a figure: what its column and row say, or a deviation from that."""

    network: str
    quantity: str
    convention: str = "macs"  # of FLOPs
    resolution: tuple[int, ...] = ()  # height and width; nothing: the network's own
    classes: int | None = None
    with_heads: bool = False
    part: str = ""
    factor: Fraction = Fraction(1)
    dtype: str = "fp32"


PARTS = {
    "params": ("without linear layers", "without biases", "without norms", "weights alone"),
    "macs": ("without linear layers",),
    "flops": ("without linear layers",),
}
BUFFERS = "with buffers"
EMBEDDING = "with the whole embedding"  # as model cards count active parameters


class Values:
    """What cases come to; each network is expanded once for each of its settings."""

    def __init__(self, names: Names) -> None:
        self.names = names
        self.expanded = 0  # graphs that were made: what the time goes into
        self._forms: dict[str, Forms] = {}
        self._graphs: dict[tuple[Any, ...], Graph | None] = {}
        self._totals: dict[tuple[Any, ...], Totals | None] = {}
        self._values: dict[Case, Fraction | None] = {}

    def value(self, case: Case) -> Fraction | None:
        """What a case comes to; None where it says nothing of this network, or nothing is known."""
        if case not in self._values:
            self._values[case] = self._value(case)
        return self._values[case]

    def _value(self, case: Case) -> Fraction | None:
        if (found := self._by_form(case)) is not None:
            return found
        totals = self.totals(case)
        if totals is None or totals.at_least:
            return None
        if case.quantity == "size_bytes":
            stored = totals.params + (totals.buffers if case.part == BUFFERS else 0)
            return Fraction(stored * DTYPES[case.dtype], 8) * case.factor
        is_macs = case.quantity == "macs" or (case.quantity == "flops" and case.convention == "macs")
        value = int(totals.macs if is_macs else getattr(totals, case.quantity))
        match case.part:
            case "without biases":
                value -= totals.biases
            case "without norms":
                value -= totals.norm_params
            case "weights alone":
                value = totals.weights
            case "with buffers":
                value += totals.buffers
            case "with the whole embedding":
                value += self._of_tables(case)
            case "without linear layers":
                value -= self._of_linear(case)
        return value * case.factor

    def _by_form(self, case: Case) -> Fraction | None:
        """At another size of images or with other classes, without an expansion of its own; None: there is no form."""
        own = Case(case.network, case.quantity)
        if not (case.resolution or case.classes) or case.with_heads or case.part or case.quantity == "size_bytes":
            return None
        totals, graph = self.totals(own), self.graph(own)
        if totals is None or totals.at_least or graph is None or case.resolution == graph.input.spatial:
            return None
        sizes = _input(graph, case.resolution) if case.resolution else None
        if graph.input.rank != 2 or (case.resolution and sizes is None):
            return None
        if case.network not in self._forms:
            channels, (height, width) = graph.input.channels, graph.input.spatial
            own_input = int(channels or 0), int(height), int(width)
            self._forms[case.network] = Forms(self.names.network(case.network), own_input)
        column = CONVENTIONS[case.convention].column if case.quantity == "flops" else case.quantity
        number = self._forms[case.network].number(column, sizes, case.classes)
        return None if number is None else number * case.factor

    def totals(self, case: Case) -> Totals | None:
        """All totals of a case; None where the network has not these settings."""
        convention = case.convention if case.quantity == "flops" else "macs"
        key = (*_settings(case), convention)
        if key not in self._totals:
            graph = self.graph(case)
            if graph is None or convention == "macs":
                self._totals[key] = None if graph is None else total(graph, 1, convention=CONVENTIONS[convention])
            else:  # only its FLOPs are others
                of = self.totals(case._replace(convention="macs"))
                assert of is not None
                self._totals[key] = replace(of, flops=flops_of(graph, CONVENTIONS[convention]))
        return self._totals[key]

    def graph(self, case: Case) -> Graph | None:
        """The network under the settings of a case; None where it has not these."""
        key = _settings(case)
        if key not in self._graphs:
            self._graphs[key] = self._graph(case)
        return self._graphs[key]

    def _graph(self, case: Case) -> Graph | None:
        network = self.names.network(case.network)
        given = {} if case.classes is None else {"classes": case.classes}
        if not given.keys() <= network.spec.settable.keys() or (case.with_heads and not network.spec.heads):
            return None
        own = None if not case.resolution else self.graph(Case(case.network, ""))
        if own is not None and own.input.spatial == case.resolution and not given and not case.with_heads:
            return own
        sizes = None if own is None else _input(own, case.resolution)
        if case.resolution and sizes is None:
            return None
        self.expanded += 1
        try:
            return network.graph(given, sizes, with_heads=case.with_heads)
        except SpecError:
            if not given and not case.resolution:
                raise
            return None

    def _of_tables(self, case: Case) -> int:
        """Rows of embeddings that a token does not look up."""
        graph = self.graph(case)
        assert graph is not None
        tied = tied_nodes(graph)
        return sum(
            int(sum(stored_with(graph, index)[:3]) - active_with(graph, index, tied))
            for index, node in enumerate(graph.nodes)
            if node.operator.name == "embedding"
        )

    def _of_linear(self, case: Case) -> int:
        graph = self.graph(case)
        assert graph is not None
        end = len(graph.nodes) if case.with_heads else graph.first_head
        found: Any = 0
        for node in graph.nodes[:end]:
            if node.operator.name != "linear":
                continue
            cost = cost_of(node.operator, node.x, node.y)
            if case.quantity == "params":
                found += sum(cost.parameters[:3]) if node.shares < 0 else 0
            elif case.quantity == "macs" or case.convention == "macs":
                found += cost.arithmetic.macs
            else:
                found += CONVENTIONS[case.convention].flops(node.operator, node.x, node.y, cost)
        return int(found)


def _settings(case: Case) -> tuple[Any, ...]:
    return case.network, case.resolution, case.classes, case.with_heads


def _input(graph: Graph, resolution: tuple[int, ...]) -> tuple[int, ...] | None:
    """The input of a network at another resolution; None where it reads no images."""
    shape = graph.input
    if shape.rank != len(resolution) or not isinstance(shape.channels, int):
        return None
    return (shape.channels, *resolution)

"""What follows a page's sliders beside costs of layers: refusals in the engine's words, fields, single operations."""

from __future__ import annotations

from collections.abc import Iterator, Set
from typing import Any

from archcalc.dims import Assumption, Dim, Polynomial, RequirementError, collecting_assumptions, collecting_sentences
from archcalc.engine.cost.quantities import TIMES_BATCH, parts
from archcalc.graph import Graph, Node
from archcalc.ops import Shape
from archcalc.results.live import Refusal, Texts

MARK = "\0"  # around the number of a number within a text


class Marked:
    """Texts with numbers in them, on their way: polynomials become marks, and marks parts of a text."""

    def __init__(self) -> None:
        self.inside: list[Dim] = []

    def number(self, value: Any) -> str:
        """A value as it is written, or a mark for it."""
        if isinstance(value, Shape):
            sizes = (*(() if value.channels is None else (value.channels,)), *value.spatial)
            return "x".join(map(self.number, sizes))
        if not isinstance(value, Polynomial):
            return str(value)
        self.inside.append(value)
        return f"{MARK}{len(self.inside) - 1}{MARK}"

    def parted(self, text: str) -> Texts:
        """Texts and numbers in turn."""
        return tuple(self.inside[int(part)] if at % 2 else part for at, part in enumerate(text.split(MARK)))


def refusals(graph: Graph) -> dict[Assumption, Refusal]:
    """What the engine says where an assumption of a network with free variables does not hold, and of which layer.

    Those that no operator makes, such as a choice by a variable, have no sentence.
    """
    wanted = set(graph.assumptions)
    found: dict[Assumption, Refusal] = {}
    seen: set[Any] = set()
    for node in graph.nodes:
        key = (node.operator, node.x)
        if key in seen or len(found) == len(wanted):
            continue
        seen.add(key)
        with collecting_sentences() as sentences:
            try:
                node.operator.require_arguments()
                node.operator.infer(node.x)
            except RequirementError:  # what is refused for all values was refused before
                continue
        for assumed, (template, values) in sentences.items():
            if assumed in wanted and assumed not in found:
                marked = Marked()
                told = template.format(**{name: marked.number(value) for name, value in values.items()})
                if not (told.startswith(node.operator.name) or node.operator.merges):
                    told = f"{node.operator.name}: {told}"
                found[assumed] = Refusal(node.layer, marked.parted(told))
    return found


def field_variables(graph: Graph, free: Set[str]) -> list[frozenset[str]]:
    """Of each operation, the variables that its local receptive field may depend on.

    Those of windows on the way, and of extents where a branch is cut to the size of another one.
    """
    found: list[frozenset[str]] = []
    known: dict[Any, frozenset[str]] = {}
    for node in graph.nodes:
        key = (node.operator, node.x)
        if key not in known:
            known[key] = _window_variables(node, free)
        above = [found[other] for other in node.inputs if other >= 0]
        found.append(known[key].union(*above))
    return found


def _window_variables(node: Node, free: Set[str]) -> frozenset[str]:
    if not node.inputs:
        return frozenset()
    with collecting_assumptions():
        try:
            window = node.operator.window(node.x)
        except (RequirementError, TypeError):
            return frozenset(free)
    numbers = list(_numbers(window))
    if node.operator.values().get("align") == "crop":
        numbers += [size for x in (*node.x, node.y) for size in x.spatial]
    return frozenset(name for x in numbers if isinstance(x, Polynomial) for name in x.variables())


def _numbers(window: Any) -> Iterator[Any]:
    """Numbers within a window, however deep."""
    if isinstance(window, tuple):
        for part in window:
            yield from _numbers(part)
    else:
        yield window


def each_operation(graph: Graph, name: str, times: Dim) -> list[Dim]:
    """What each operation has of a quantity, times the batch where that is so."""
    amounts = list(parts(graph, name, range(len(graph.nodes))))
    if name not in TIMES_BATCH:
        return amounts
    whole = {one: one * times for one in set(amounts)}
    return [whole[one] for one in amounts]

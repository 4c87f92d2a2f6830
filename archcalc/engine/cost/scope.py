"""A part of a network under one path: which operations are in it, and what only a whole graph can say of it."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence

from archcalc.graph import NETWORK_INPUT, Graph
from archcalc.ops import Shape
from archcalc.source import Diagnostic, SpecError, suggestion

MOST_SUGGESTIONS = 1_000


def is_inside(name: str, scope: str) -> bool:
    """Whether a layer is the scope itself, or lies under it."""
    return name.startswith(scope) and (len(name) == len(scope) or name[len(scope)] == ".")


def indices_inside(graph: Graph, scope: str, with_heads: bool) -> list[int]:
    """Operations of layers under a path.

    Raises:
        SpecError: there are none, with the nearest paths.
    """
    nodes = graph.nodes if with_heads else graph.nodes[: graph.first_head]
    found = [index for index, node in enumerate(nodes) if is_inside(node.layer, scope)]
    if not found:
        near = _near(scope, (node.layer for node in nodes))
        help = one_of_row(scope, [node.layer for node in nodes]) or suggestion(
            scope, near, f"`archcalc show {graph.name}` lists the layers", most=3
        )
        raise SpecError([Diagnostic("unknown-scope", f"{graph.name} has no layers under `{scope}`", help=help)])
    return found


def one_of_row(name: str, layers: Iterable[str]) -> str | None:
    """Help for the name of a row of several blocks, `blocks.3-126`; None: it is none."""
    found = re.fullmatch(r"(.*?)(\d{1,9})-(\d{1,9})((?:\..*)?)", name)
    if found is None or int(found[2]) >= int(found[3]):
        return None
    first, last = (f"{found[1]}{number}{found[4]}" for number in (found[2], found[3]))
    wanted = {first, last}
    for layer in layers:
        wanted -= {path for path in wanted if is_inside(layer, path)}
    many = int(found[3]) - int(found[2]) + 1
    return None if wanted else f"this is a row of {many:,} blocks that are alike; name one of them: `{first}`"


def _near(scope: str, names: Iterable[str]) -> list[str]:
    """Paths with as many parts as the scope, and stages."""
    parts = scope.count(".") + 1
    found: dict[str, None] = {}
    for name in names:
        words = name.split(".")
        found[words[0]] = found[".".join(words[:parts])] = None
        if len(found) >= MOST_SUGGESTIONS:
            break
    return list(found)


def subgraph(graph: Graph, indices: Sequence[int]) -> tuple[Graph, list[Shape]]:
    """The operations as a graph of their own, and the shapes of what they read from outside.

    What is read from outside has the indices -1, -2, ...; what is read outside of it are its outputs. For depth and
    activations only: weights that are shared with what is outside are not told apart.
    """
    position = {index: number for number, index in enumerate(indices)}
    outside: dict[int, int] = {}
    nodes = []
    for index in indices:
        node = graph.nodes[index]
        for read in node.inputs:
            if read not in position:
                outside.setdefault(read, NETWORK_INPUT - len(outside))
        inputs = tuple(position[read] if read in position else outside[read] for read in node.inputs)
        nodes.append(node._replace(inputs=inputs))
    shapes = [graph.shape(read) for read in outside]
    ends = {read for index, node in enumerate(graph.nodes) if index not in position for read in node.inputs}
    ends.update((graph.output, *graph.outputs.values(), *graph.heads.values()))
    given = {str(position[index]): position[index] for index in indices if index in ends}
    inputs_by_name = {str(number): shape for number, shape in enumerate(shapes)}
    part = Graph(graph.name, graph.title, inputs_by_name, nodes, len(nodes) - 1, outputs=given, first_head=len(nodes))
    return part, shapes

"""Steps: what depends on which input, what is computed once, what is kept, and what cannot be stepped.

A step is one new position of each input that `step:` names, or the last: a decoder's token. What depends on none of
these is computed once; what a step reads of it is kept. An image, a volume or features that `step:` names are new as a
whole in each step.
"""

from __future__ import annotations

from archcalc.dims import collecting_assumptions
from archcalc.graph import NETWORK_INPUT, Graph
from archcalc.ops import POINTWISE, Shape, Window
from archcalc.results.phase import Steps
from archcalc.source import SpecError
from archcalc.spec.model import Spec

_COMPUTED, _REPEATED = 1, 2  # from some input, no trained or fixed value alone; from one of the step


def steps_of(graph: Graph) -> Steps | None:
    """What a step repeats; None: everything."""
    if not graph.has_sources and {*graph.step} >= {*graph.inputs}:
        return None
    # Of each operation: whether it depends on any input, and on one of the step; the last places are the inputs.
    count = graph.count
    found = [0] * count + [_COMPUTED | _REPEATED * (name in graph.step) for name in reversed(graph.inputs)]
    kept: set[int] = set()
    for start, nodes, repeat in graph.segments():
        for index, (_, _, operator, inputs, _, _, _, _) in enumerate(nodes, start):
            if len(inputs) == 1:
                found[index] = found[inputs[0]]
                continue
            depends = 0
            for read in inputs:
                depends |= found[read]
            found[index] = depends
            if depends & _REPEATED:
                reads = inputs[:1] if operator.starts else inputs
                kept.update([read for read in reads if read >= 0 and found[read] == _COMPUTED])
        if repeat is not None:  # all of it depends on what it reads
            found[repeat.begin : repeat.end] = [found[repeat.input]] * (repeat.end - repeat.begin)
    return Steps([bool(depends & _REPEATED) for depends in found[:count]], frozenset(kept))


def not_steppable(graph: Graph, named: bool) -> int | None:
    """The first operation that reads other positions than those of the step; None: the graph can be stepped.

    Every operation that depends on the inputs of the step must read its own position only, have a state, or be an
    attention whose keys and values came through a cache or do not depend on these inputs.

    Args:
        graph: a network.
        named: `step:` names its inputs, so that images, volumes and features are new as a whole.
    """
    nodes = graph.nodes
    by_position = [
        name in graph.step and (not named or shape.kind in ("tokens", "sequence"))
        for name, shape in reversed(graph.inputs.items())
    ]
    depends = [False] * len(nodes) + by_position
    fresh = [False] * len(nodes) + by_position  # on a way without a cache
    windows: dict[object, bool] = {}
    for index, node in enumerate(nodes):
        reads = [read for read in node.inputs if depends[read]]
        if not reads:
            continue
        operator, x, y = node.operator, node.x, node.y
        depends[index] = True
        fresh[index] = not operator.keeps and any(fresh[read] for read in reads)
        key = operator, x
        reads_own = windows.get(key)
        if reads_own is None:
            reads_own = windows[key] = bool(operator.state(x, y) != 0) or _reads_own_position(graph, index)
        if not reads_own and (isinstance(x, Shape) or any(fresh[read] for read in _read_by_others(graph, index))):
            return index
    return None


def refuse_unsteppable(spec: Spec, graph: Graph) -> None:
    """Refuse a network that is asked for a step, or for what follows past positions, and has none.

    Raises:
        SpecError: `not-steppable`, at the operation.
    """
    index = not_steppable(graph, bool(spec.step))
    if index is None:
        return
    node = graph.nodes[index]
    over = " and ".join(f"`{name}`" for name in graph.step)
    message = f"{graph.name} cannot be stepped over {over}: {node.name} reads other positions than those of the step"
    help = "a step reads its own positions, a state, and keys and values that come through cache(past)"
    raise SpecError([spec.diagnostic("not-steppable", message, node.span_in_file, help)])


def _reads_own_position(graph: Graph, index: int) -> bool:
    node = graph.nodes[index]
    with collecting_assumptions():  # the graph holds them since its expansion
        window = node.operator.window(node.x)
    if isinstance(window, Window):
        ones = (*window.extent, *window.stride, *window.upsample)
        return all(number == 1 for number in ones)
    if window != POINTWISE:
        return False
    # Branches that are put one after the other have positions of their own.
    return isinstance(node.x, Shape) or node.y.positions in [branch.positions for branch in node.x]


def _read_by_others(graph: Graph, index: int) -> list[int]:
    """What each position reads of other positions: all branches but queries."""
    node = graph.nodes[index]
    own = node.operator.given.index("q") if "q" in node.operator.given else NETWORK_INPUT
    return [read for place, read in enumerate(node.inputs) if place != own]

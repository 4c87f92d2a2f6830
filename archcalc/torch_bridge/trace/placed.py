"""Graphs of torch.fx whose nodes say where they stand: functions of them have a place among the modules too.

In the code that torch writes of a graph, a sum of two branches stands at the top, wherever its branches are.
"""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractContextManager
from typing import Any

from torch import fx, nn

PLACE = "place"
"""Key of a node's `meta`: the path that a module would have in the place of a function."""


def has_places(module: nn.Module) -> bool:
    """Whether a module is such a graph."""
    return isinstance(module, fx.GraphModule) and any(PLACE in node.meta for node in module.graph.nodes)


def run_by_places(module: Any, args: Any, kwargs: Any, at: Callable[[str], AbstractContextManager[None]]) -> Any:
    """Run a graph node by node, each function at its place.

    Args:
        module: the graph.
        args: what it reads, by position.
        kwargs: and by name.
        at: tells the place of what runs within.
    """

    class Placed(fx.Interpreter):
        def run_node(self, n: fx.Node) -> Any:
            place = n.meta.get(PLACE)
            if n.op != "call_function" or place is None:
                return super().run_node(n)
            with at(place):
                return super().run_node(n)

    read = [node.target for node in module.graph.nodes if node.op == "placeholder"]
    return Placed(module).run(*args, *[kwargs[name] for name in read[len(args) :]])

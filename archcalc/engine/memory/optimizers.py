"""Optimisers: what each keeps beside the parameters, and computes for each. One entry of `OPTIMIZERS` is one.

`flops` are counted from the formula, one for each addition, multiplication, division and root of an element; what is
computed once for a tensor (bias corrections) is not.
"""

from __future__ import annotations

from typing import Any

from archcalc.dims import prod
from archcalc.engine.cost.costs import stored_with
from archcalc.graph import Graph
from archcalc.ops.window import per_axis
from archcalc.results.memory import Optimizer

OPTIMIZERS = {
    rule.name: rule
    for rule in (
        Optimizer("sgd", 0, 2, 0, "torch.optim.SGD: p - lr*g"),
        Optimizer("momentum", 1, 4, 0, "torch.optim.SGD with momentum: v = m*v + g; p - lr*v"),
        Optimizer("adam", 2, 13, 2, "Kingma and Ba 2015, algorithm 1; torch.optim.Adam: 16 bytes a parameter at fp32"),
        Optimizer("adamw", 2, 14, 2, "Loshchilov and Hutter 2019, algorithm 2; torch.optim.AdamW: and p*(1 - lr*w)"),
        Optimizer(
            "adafactor",
            0,
            12,
            1,
            "Shazeer and Stern 2018, algorithm 4; torch.optim.Adafactor: a number for each row and each column of the "
            "last two axes, for vectors one for each element",
            is_factored=True,
        ),
    )
}


def kept_numbers(graph: Graph, params: list[int], optimizer: Optimizer) -> int:
    """Numbers that an optimiser keeps for the parameters of each node that are trained."""
    if not optimizer.is_factored:
        return optimizer.copies * sum(params)
    return sum(_factored(graph, index) for index, count in enumerate(params) if count)


def _factored(graph: Graph, index: int) -> int:
    """Rows and columns of the matrices of a node, and its vectors element by element."""
    node = graph.nodes[index]
    stored: Any = stored_with(graph, index)
    vectors = int(stored.biases + stored.norm)
    shapes = _shapes(node) if stored.weights else []
    if not shapes:  # of no known shape: as vectors
        return vectors + int(stored.weights)
    copies: Any = node.operator.copies.stored
    found: Any = 0
    for *ahead, rows, columns in shapes:
        found += prod(ahead) * (rows + columns)
    return vectors + int(found * copies)


def _shapes(node: Any) -> list[tuple[int, ...]]:
    """Shapes of the weights as torch has them."""
    operator, x, y = node.operator, node.x, node.y
    values, name = operator.values(), operator.name
    if name == "linear":
        return [(y.channels, x.elements if y.rank == 0 else x.channels)]
    if name == "embedding":
        return [(values["entries"], values["channels"])]
    if name in ("conv", "depthwise", "deconv", "patch_embedding"):
        kernel = per_axis(values["patch" if name == "patch_embedding" else "kernel"], x.rank, "kernel")
        groups = x.channels if name == "depthwise" else values.get("groups", 1)
        outer, inner = (x.channels, y.channels) if name == "deconv" else (y.channels, x.channels)
        return [(outer, inner // groups, *kernel)]
    gates = {"lstm": 4, "gru": 3, "rnn": 1}.get(name)
    if gates is None:
        return []
    ways, hidden = 2 if values["bidirectional"] else 1, values["hidden"]
    found: list[tuple[int, ...]] = []
    for layer in range(values["layers"]):
        read = x.channels if layer == 0 else ways * hidden
        found += [(gates * hidden, read), (gates * hidden, hidden)] * ways
    return found

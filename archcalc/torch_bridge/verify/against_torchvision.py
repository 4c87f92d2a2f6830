"""A network held against torchvision's definition of it."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from functools import partial

from torch import nn

from archcalc.graph import Graph
from archcalc.results.cost import shape_list
from archcalc.results.verification import WITH_HEADS, Check, compare
from archcalc.torch_bridge.counters.counters import count_flops, examples
from archcalc.torch_bridge.model.build import build
from archcalc.torch_bridge.model.definitions import DEFINITIONS, has_heads, torchvision_model
from archcalc.torch_bridge.verify.against_torch import BATCH, total_checks

# torchvision/models/squeezenet.py, SqueezeNet.forward: ends in torch.flatten(x, 1); the paper's last layer is the pool
FLATTENED = frozenset({"squeezenet1_0", "squeezenet1_1"})


def torchvision_checks(name: str, graph: Graph) -> Iterator[Check]:
    """Totals, the output's shape and every parameter's, without heads and with; nothing where torchvision has none."""
    if name not in DEFINITIONS:
        return
    for with_heads in (False, True) if has_heads(name) else (False,):
        suffix = WITH_HEADS if with_heads else ""
        theirs = torchvision_model(name, "meta", with_heads).train()  # heads run in training alone
        given, flops = count_flops(theirs, examples(graph, BATCH, "meta"))
        compared = partial(compare, name, "torchvision", "")
        y = graph.shape(graph.output)
        ours = (BATCH, y.elements) if name in FLATTENED else (BATCH, *shape_list(y))
        yield compared(f"out_shape{suffix}", ours, tuple(given[0].shape))
        yield from total_checks(name, "torchvision", graph, theirs, flops, with_heads)
        built = build(graph, with_heads, "meta")
        yield compared(f"param_shapes{suffix}", *_unlike(_shapes(built), _shapes(theirs)))


def _shapes(model: nn.Module) -> Counter[str]:
    return Counter("x".join(map(str, _as_matrix(each.shape))) for each in model.parameters())


def _as_matrix(shape: Sequence[int]) -> Sequence[int]:
    """Without the extents of 1 at its end: a 1x1 convolution is a linear layer at each position."""
    while len(shape) > 1 and shape[-1] == 1:
        shape = shape[:-1]
    return shape


def _unlike(ours: Counter[str], theirs: Counter[str]) -> tuple[str, str]:
    """How many shapes there are where all are equal; else those that only one of both has."""
    if ours == theirs:
        return (f"{ours.total()} shapes",) * 2
    return _listed(ours - theirs), _listed(theirs - ours)


def _listed(shapes: Counter[str]) -> str:
    return ", ".join(f"{times} of {shape}" for shape, times in shapes.items()) or "no others"

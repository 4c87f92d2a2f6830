"""A network held against torchvision's definition of it."""

from __future__ import annotations

from collections.abc import Iterator

from archcalc.graph import Graph
from archcalc.results.verification import Check
from archcalc.torch_bridge.model.definitions import DEFINITIONS, has_heads, settle, torchvision_model
from archcalc.torch_bridge.verify.against_model import model_checks, values_check

# torchvision/models/squeezenet.py, SqueezeNet.forward: ends in torch.flatten(x, 1); the paper's last layer is the pool
FLATTENED = frozenset({"squeezenet1_0", "squeezenet1_1"})


def torchvision_checks(name: str, graph: Graph, values: bool = False) -> Iterator[Check]:
    """Totals, the output's shape and every parameter's, without heads and with; nothing where torchvision has none."""
    if name not in DEFINITIONS:
        return
    for with_heads in (False, True) if has_heads(name) else (False,):
        theirs = torchvision_model(name, "meta", with_heads).train()  # heads run in training alone
        yield from model_checks(name, "torchvision", graph, theirs, with_heads, name in FLATTENED)
    if values:
        yield values_check(name, "torchvision", graph, torchvision_model(name, "cpu"), settle)

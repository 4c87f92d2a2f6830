"""What tests of `archcalc verify` share."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from archcalc.graph import Graph, Node
from archcalc.ops import OPERATORS, Operator, Shape
from archcalc.results.verification import Check

torch = pytest.importorskip("torch")
pytest.importorskip("fvcore")
pytest.importorskip("torchvision")


SMALL = """\
network: small
input: image(3, 20, 16)
defaults:
  conv: {norm: batch_norm, activation: relu}
layers:
  conv1: conv(8, 3, padding=1, bias=false)
  conv2: conv(8, 3, stride=2)
  pool: global_avgpool
  fc: linear(10)
"""


def the(checks: list[Check], quantity: str, operation: str = "", against: str = "torch") -> Check:
    """The one check of a quantity."""
    (found,) = (
        check for check in checks if (check.against, check.operation, check.quantity) == (against, operation, quantity)
    )
    return found


def shaped(op: Operator, x: Any, inputs: tuple[int, ...], name: str) -> Node:
    return Node(name, name, op, inputs, x, op.infer(x), -1, (0, 0))


def alone(operator: Operator, x: Any) -> Graph | None:
    """A network of one operator; before a merge, what gives its branches. None where that takes more."""
    nodes: list[Node] = []
    if operator.merges:
        for number, branch in enumerate(x):
            if branch.spatial != x[0].spatial:
                return _of_other_lengths(operator, x)
            width = OPERATORS["conv" if branch.rank else "linear"]
            window = {"kernel": 1} if branch.rank else {}
            gives = width.of({"channels": branch.channels, **window})
            if operator.given:
                gives = gives.variant(copies=operator.copies_of(operator.given[number]))
            nodes.append(shaped(gives, x[0], (-1,), f"branch{number}"))
        nodes.append(shaped(operator, x, tuple(range(len(nodes))), operator.name))
    else:
        nodes.append(shaped(operator, x, () if operator.sources else (-1,), operator.name))
    given = Shape(1, ()) if operator.sources else x[0] if operator.merges else x
    return Graph(operator.name, operator.name, {"input": given}, nodes, len(nodes) - 1, first_head=len(nodes))


def _of_other_lengths(operator: Operator, x: Any) -> Graph | None:
    """Sequences that are put one after the other: each an input of its own."""
    if operator.name != "join":
        return None
    node = shaped(operator, x, tuple(-1 - number for number in range(len(x))), operator.name)
    inputs = {f"input{number}": branch for number, branch in enumerate(x)}
    return Graph(operator.name, operator.name, inputs, [node], 0, first_head=1)


# What differs: a model that is not what the spec says, in one respect.

Change = Callable[[Any], None]


def freeze(model: Any) -> None:
    model.fc.weight.requires_grad_(False)


def changed(monkeypatch: pytest.MonkeyPatch, room: Any, change: Change) -> None:
    built = room.build

    def build(graph: Graph, with_heads: bool = False, device: str = "cpu") -> Any:
        model = built(graph, with_heads, device)
        with torch.device(device):
            change(model)
        return model

    monkeypatch.setattr(room, "build", build)

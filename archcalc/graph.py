"""A network expanded: operations in topological order, grouped into named layers."""

from __future__ import annotations

from collections.abc import Iterator, Set
from dataclasses import dataclass, field
from itertools import groupby
from typing import Any

from archcalc.dims import Assumption
from archcalc.named import NamedTuple
from archcalc.ops import Operator, Shape
from archcalc.source import Span

NETWORK_INPUT = -1  # as the index of a node: the first input; others are -2, -3, ...


class Node(NamedTuple):
    """One operation. A layer is one to three of them: `conv1`, `conv1.norm`, `conv1.activation`."""

    name: str
    layer: str
    operator: Operator
    inputs: tuple[int, ...]
    x: Any  # Shape; a tuple of shapes where the operator merges; () where it reads nothing
    y: Shape
    shares: int  # index of the node whose weights it uses again, or -1
    span: tuple[int, int]  # where in the spec it was written

    @property
    def span_in_file(self) -> Span:
        """Where in the spec it was written."""
        return Span(*self.span)

    @property
    def stage(self) -> str:
        """First part of the layer's name."""
        return self.layer.partition(".")[0]


@dataclass(eq=False, repr=False, match_args=False)
class Graph:
    """A network: `nodes[i].inputs` are indices below i, or -1, -2, ... for the inputs in their order.

    `inputs` holds their shapes by name; one that has no name is called `input`. `step` names those that are new in each
    step. What depends on no input at all (trained queries, tables of biases) has nodes without inputs.
    `heads` (train-only) and `outputs` (further outputs that count) hold the node that gives each, by name;
    the nodes from `first_head` on belong to heads alone. `head_names` are those of the spec, expanded or not.
    """

    name: str
    title: str
    inputs: dict[str, Shape]
    nodes: list[Node]
    output: int
    heads: dict[str, int] = field(default_factory=dict)
    outputs: dict[str, int] = field(default_factory=dict)
    first_head: int = 0
    head_names: tuple[str, ...] = ()
    assumptions: list[Assumption] = field(default_factory=list)
    step: tuple[str, ...] = ()
    has_sources: bool = False  # some operation reads nothing
    has_past: bool = False  # some operation gives positions of earlier steps

    @property
    def input(self) -> Shape:
        """Shape of the first input."""
        return next(iter(self.inputs.values()))

    def layers(self, with_heads: bool = True) -> Iterator[tuple[str, list[int]]]:
        """Names of layers, each with the indices of its nodes."""
        last = len(self.nodes) if with_heads else self.first_head
        nodes = self.nodes
        for name, indices in groupby(range(last), key=lambda index: nodes[index].layer):
            yield name, list(indices)

    def leave_out(self, indices: Set[int]) -> dict[int, int]:
        """Take out operations that nothing reads; the others have new indices, which are told by the old ones."""
        position = {index: index for index in range(-len(self.inputs), 0)}
        kept: list[Node] = []
        for index, node in enumerate(self.nodes):
            if index in indices:
                continue
            position[index] = len(kept)
            inputs = tuple(position[other] for other in node.inputs)
            kept.append(node._replace(inputs=inputs, shares=position.get(node.shares, -1)))
        self.first_head = sum(index < self.first_head for index in position if index >= 0)
        self.nodes = kept
        self.output = position[self.output]
        self.heads = {name: position[index] for name, index in self.heads.items()}
        self.outputs = {name: position[index] for name, index in self.outputs.items()}
        return position

    def shape(self, index: int) -> Shape:
        """What a node gives; -1, -2, ... are the inputs."""
        return self.nodes[index].y if index >= 0 else list(self.inputs.values())[NETWORK_INPUT - index]

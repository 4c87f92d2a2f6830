"""A network expanded: operations in topological order, grouped into named layers."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Iterator, Sequence, Set
from dataclasses import dataclass, field
from functools import cached_property
from itertools import groupby
from operator import attrgetter
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


_tuple: Any = tuple.__new__  # makes a named tuple in half the time


class Repeat(NamedTuple):
    """Operations that were expanded before, again: so many copies, each of which reads what the one before gives."""

    written: int  # how many operations are written before
    begin: int  # index of its first operation
    first: int  # of the original
    size: int  # operations of the original
    path: str  # of the original
    paths: list[str]  # of each copy
    reads: int  # by the original
    input: int  # read by the first copy
    gives: int  # of the original

    @property
    def end(self) -> int:
        """Index after its last operation."""
        return self.begin + self.size * len(self.paths)

    @property
    def output(self) -> int:
        """What the last copy gives."""
        return self.moved(self.gives, len(self.paths) - 1)

    def moved(self, index: int, copy: int) -> int:
        """What in a copy stands for an index of the original."""
        if index >= self.first:
            return index + self.begin + self.size * copy - self.first
        if index != self.reads:
            return index
        return self.moved(self.gives, copy - 1) if copy and self.gives != self.reads else self.input

    def prefixes(self) -> list[str]:
        """What the copies have in place of the original's path."""
        return [path if self.path or not path else f"{path}." for path in self.paths]

    def add_to(self, nodes: list[Node]) -> None:
        """Append all copies to the operations before them."""
        first, cut, reads = self.first, len(self.path), self.reads
        shift, new_input = 0, reads

        def moved(index: int) -> int:
            return index + shift if index >= first else new_input if index == reads else index

        # What all copies have in common is found once: this is the inner loop of deep networks.
        layers: dict[str, int] = {}
        rows = []
        for name, layer, operator, inputs, x, y, shares, span in nodes[first : first + self.size]:
            number = layers.setdefault(layer, len(layers))
            before = inputs[0] if len(inputs) == 1 and inputs[0] >= first else None
            rows.append((number, name[len(layer) :], operator, before, inputs, x, y, shares, span))
        tails = [layer[cut:] for layer in layers]
        for copy, prefix in enumerate(self.prefixes()):
            shift, new_input = len(nodes) - first, self.moved(reads, copy)
            new = [prefix + tail for tail in tails]
            nodes += [
                _tuple(
                    Node,
                    (
                        new[number] + tail,
                        new[number],
                        operator,
                        tuple(map(moved, inputs)) if before is None else (before + shift,),
                        x,
                        y,
                        shares + shift if shares >= first else shares,
                        span,
                    ),
                )
                for number, tail, operator, before, inputs, x, y, shares, span in rows
            ]


class Place(NamedTuple):
    """A place in a graph as it is written."""

    written: int  # operations that are written before
    repeat: int  # repeats before


def unfolded(written: list[Node], repeats: Sequence[Repeat]) -> list[Node]:
    """All operations, those of repeats among them."""
    if not repeats:
        return written
    nodes: list[Node] = []
    before = 0
    for repeat in repeats:
        nodes += written[before : repeat.written]
        before = repeat.written
        repeat.add_to(nodes)
    return nodes + written[before:]


def written_at(repeats: Sequence[Repeat], index: int) -> int | None:
    """Where an operation stands among those that are written; None: it is in a copy."""
    for repeat in reversed(repeats):
        if index >= repeat.end:
            return index - repeat.end + repeat.written
        if index >= repeat.begin:
            return None
    return index


@dataclass(eq=False, repr=False, match_args=False)
class Graph:
    """A network: `nodes[i].inputs` are indices below i, or -1, -2, ... for the inputs in their order.

    It is held as the operations that are `written` and the `repeats` between them, of which most of a deep network
    consists; `nodes`, all of them, are made when first asked for. Where a graph has repeats, each original reads
    what `reads` gives and nothing else outside of it, each of its operations reads something and has weights of its
    own, and of it and its copies nothing but the output is read outside.

    `inputs` holds their shapes by name; one that has no name is called `input`. `step` names those that are new in each
    step. What depends on no input at all (trained queries, tables of biases) has nodes without inputs.
    `heads` (train-only) and `outputs` (further outputs that count) hold the node that gives each, by name;
    the nodes from `first_head` on belong to heads alone. `head_names` are those of the spec, expanded or not.
    """

    name: str
    title: str
    inputs: dict[str, Shape]
    written: list[Node]
    output: int
    heads: dict[str, int] = field(default_factory=dict)
    outputs: dict[str, int] = field(default_factory=dict)
    first_head: int = 0
    head_names: tuple[str, ...] = ()
    assumptions: list[Assumption] = field(default_factory=list)
    step: tuple[str, ...] = ()
    has_sources: bool = False  # some operation reads nothing
    has_past: bool = False  # some operation gives positions of earlier steps
    repeats: Sequence[Repeat] = ()

    @cached_property
    def nodes(self) -> list[Node]:
        """Every operation, in topological order."""
        return unfolded(self.written, self.repeats)

    def node(self, index: int) -> Node:
        """One operation."""
        position = written_at(self.repeats, index)
        return self.nodes[index] if position is None else self.written[position]

    def unfold(self) -> None:
        """Write its repeats out."""
        self.written, self.repeats = self.nodes, ()

    @property
    def count(self) -> int:
        """How many operations there are."""
        return len(self.written) + sum([each.end - each.begin for each in self.repeats])

    def segments(self, first: int = 0, end: int | None = None) -> Iterator[tuple[int, list[Node], Repeat | None]]:
        """Operations as they are written, with the index of the first of them, and the repeat that follows.

        Args:
            first: index from where on.
            end: index to which; neither of the two lies in a repeat. None: to the last.
        """
        repeats, written = self.repeats, self.written
        if not repeats:
            yield first, written[first:end] if first or end is not None else written, None
            return
        position, at = self.place(first)
        index = first
        while at < len(repeats) and (end is None or repeats[at].begin < end):
            repeat = repeats[at]
            yield index, written[position : repeat.written], repeat
            index, position, at = repeat.end, repeat.written, at + 1
        yield index, written[position : None if end is None else position + end - index], None

    def place(self, index: int) -> Place:
        """Where an operation that is written stands, or where a repeat begins."""
        at = bisect_left(self.repeats, index, key=_BEGIN)
        if not at:
            return Place(index, 0)
        before = self.repeats[at - 1]
        return Place(index - before.end + before.written, at)

    @property
    def input(self) -> Shape:
        """Shape of the first input."""
        return next(iter(self.inputs.values()))

    def layers(self, with_heads: bool = True) -> Iterator[tuple[str, list[int]]]:
        """Names of layers, each with the indices of its nodes."""
        nodes = self.nodes
        last = len(nodes) if with_heads else self.first_head
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
        self.written, self.repeats = kept, ()
        self.nodes = kept
        self.output = position[self.output]
        self.heads = {name: position[index] for name, index in self.heads.items()}
        self.outputs = {name: position[index] for name, index in self.outputs.items()}
        return position

    def shape(self, index: int) -> Shape:
        """What a node gives; -1, -2, ... are the inputs."""
        return self.node(index).y if index >= 0 else list(self.inputs.values())[NETWORK_INPUT - index]


_BEGIN = attrgetter("begin")

"""How a network is put together: its entries, calls of modules, merges and branches, each with its operations.

A graph knows what reads what; a structure knows what the author wrote: which module was called and with what, what
repeats, which branches a merge has. The operations of a part are `range(first, last)` of the graph's nodes.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal

from archcalc.graph import Graph

Kind = Literal["entry", "head", "output", "module", "operation", "merge", "branch", "share", "repeat"]


@dataclass(slots=True)
class Part:
    """A part of a network, with the parts that it is made of in their order.

    Attributes:
        kind: what it is.
        name: of an entry or branch its own; of a module, operator or merge what it is called in the file or language;
            of what is shared the name of the earlier body.
        path: its path, as layers are named.
        first: index of its first operation.
        last: index after its last operation.
        input: index of the operation that it goes on from; -1, -2, ... are the network's inputs.
        output: index of the operation that gives its result; None where that is a merge which became one with the
            merge that reads it.
        node: of a merge the index of its own operation; -1 where it has none.
        written: of a module's call the word that stands there, which may be a variable.
        times: of a repeat how often it was written to stand in a row.
        arguments: of a module's call the values of all of its arguments.
        parts: what it is made of.
    """

    kind: Kind
    name: str
    path: str
    first: int
    last: int
    input: int
    output: int | None
    node: int = -1
    written: str = ""
    times: int = 1
    arguments: Mapping[str, Any] = field(default_factory=dict)
    parts: list[Part] = field(default_factory=list)

    @property
    def nodes(self) -> range:
        """Indices of its operations."""
        return range(self.first, self.last)

    def walk(self) -> Iterator[Part]:
        """Itself and all parts in it, each before its own parts."""
        waiting = [self]
        while waiting:
            part = waiting.pop()
            yield part
            waiting.extend(reversed(part.parts))

    def to_dict(self) -> dict[str, Any]:
        """Plain values, for JSON."""
        found: dict[str, Any] = {"kind": self.kind, "name": self.name, "path": self.path}
        found |= {"first": self.first, "last": self.last, "input": self.input, "output": self.output}
        if self.kind == "merge":
            found["node"] = self.node
        if self.kind == "module":
            found |= {"written": self.written, "arguments": dict(self.arguments)}
        if self.kind == "repeat":
            found["times"] = self.times
        return found | ({"parts": [part.to_dict() for part in self.parts]} if self.parts else {})


@dataclass(slots=True)
class Structure:
    """A network as its author put it together."""

    graph: Graph
    parts: list[Part]  # entries of `layers:` in their order, then further outputs, then heads

    def walk(self) -> Iterator[Part]:
        """Every part, each before its own parts."""
        for part in self.parts:
            yield from part.walk()

    def to_dict(self) -> dict[str, Any]:
        """Plain values, for JSON."""
        inputs = {name: str(shape) for name, shape in self.graph.inputs.items()}
        return {"network": self.graph.name, "inputs": inputs, "parts": [part.to_dict() for part in self.parts]}


def sum_over(part: Part, amounts: Sequence[int]) -> int:
    """What the operations of a part have of a quantity together; `amounts` has one number for each node."""
    return sum(amounts[part.first : part.last])

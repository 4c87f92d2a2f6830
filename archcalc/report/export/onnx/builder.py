"""What rules write with: nodes, constants and weights of an ONNX graph, and tensors in one of two layouts.

A tensor of the network lies `first`, (batch, channels, extent...), as convolutions read it, or `last`, (batch,
extent..., channels), as matrix products do. A rule asks for the one that it needs; a Transpose is added where there is
the other.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any, Literal, TypeAlias

from archcalc.graph import Graph
from archcalc.ops import Shape

Layout: TypeAlias = Literal["first", "last"]
BATCH = "batch"
OWN_DOMAIN = "archcalc"  # of nodes for which ONNX has no operator


class Value:
    """A tensor of the network under its names in the graph, by layout; features and tokens have one alone."""

    def __init__(self, name: str, layout: Layout, shape: Shape, has_batch: bool = True) -> None:
        self.shape, self.has_batch = shape, has_batch
        self.native = layout
        self.names: dict[Layout, str] = {layout: name}
        if shape.rank == 0 or shape.channels is None:
            self.names = {"first": name, "last": name}

    def dims(self, layout: Layout) -> list[int | str]:
        """Its extents in a layout, with the batch."""
        return [BATCH if self.has_batch else 1, *extents(self.shape, layout)]


def extents(shape: Shape, layout: Layout) -> list[int]:
    """Extents of one example."""
    space: Any = shape.spatial
    if shape.channels is None:
        return list(space)
    return [shape.channels, *space] if layout == "first" else [*space, shape.channels]


class Draft:
    """A node before it is written."""

    def __init__(
        self, kind: str, inputs: list[str], outputs: list[str], attributes: Mapping[str, Any], name: str
    ) -> None:
        self.kind, self.inputs, self.outputs, self.attributes, self.name = kind, inputs, outputs, attributes, name
        self.domain = ""


class Drawer:
    """The graph that grows."""

    def __init__(self, graph: Graph) -> None:
        self.graph = graph
        self.nodes: list[Draft] = []
        self.weights: dict[str, tuple[int, ...]] = {}
        self.numbers: dict[str, Any] = {}  # small constants: lists of whole numbers, or one number
        self.more_inputs: dict[str, Value] = {}  # what earlier steps left
        self.values: dict[int, list[Value]] = {}  # one for each copy that is computed
        self.stored: dict[int, dict[str, str]] = {}  # weights of an operation: their role and name in the graph
        self.indices: dict[int, str] = {}  # of poolings
        self.lacking: dict[str, list[str]] = {}  # operators that ONNX has not, with the operations
        self.is_routed = False
        self._names: dict[str, int] = {}
        self._constants: dict[tuple[type, str], str] = {}

    def unique(self, name: str) -> str:
        """A name that is not taken."""
        count = self._names[name] = self._names.get(name, 0) + 1
        return name if count == 1 else f"{name}_{count}"

    def node(self, kind: str, inputs: Sequence[str], count: int, name: str, attributes: Mapping[str, Any]) -> Draft:
        """Add a node with so many outputs."""
        called = self.unique(f"{name}/{kind}")
        outputs = [f"{called}.{number}" if number else called for number in range(count)]
        made = Draft(kind, list(inputs), outputs, attributes, called)
        self.nodes.append(made)
        return made

    def constant(self, value: Any) -> str:
        """A small constant: whole numbers in a list, or one number of any kind."""
        key = (type(value), repr(value))
        if key not in self._constants:
            short = repr(value).replace(" ", "")
            self._constants[key] = self.unique(f"const_{short}" if len(short) < 40 else "const_table")
            self.numbers[self._constants[key]] = value
        return self._constants[key]

    def in_layout(self, value: Value, layout: Layout) -> str:
        """The name of a tensor in a layout."""
        if layout not in value.names:
            rank = value.shape.rank
            order = [0, *range(2, 2 + rank), 1] if layout == "last" else [0, 1 + rank, *range(1, 1 + rank)]
            source = value.names[value.native]
            made = self.node("Transpose", [source], 1, source, {"perm": order})
            value.names[layout] = made.outputs[0]
        return value.names[layout]


class Step:
    """One operation being written, for one copy of it: what its rule sees."""

    def __init__(self, drawer: Drawer, index: int, inputs: list[Value], copy: int, copies: tuple[int, int]) -> None:
        node = drawer.graph.nodes[index]
        self.drawer, self.index, self.inputs, self.copy, self.copies = drawer, index, inputs, copy, copies
        self.node = node
        self.x: Any = node.x
        self.y: Any = node.y
        self.op: Any = node.operator
        self.name = node.name if copies == (1, 1) else f"{node.name}#{copy + 1}"
        self.begin = len(drawer.nodes)
        self.given: Value | None = None
        nodes, first = drawer.graph.nodes, index
        while nodes[first].shares >= 0 and nodes[nodes[first].shares].operator is nodes[first].operator:
            first = nodes[first].shares
        self.first_index = first  # of the operation that is here again, or of this one
        self.has_batch = any(value.has_batch for value in inputs)

    def first(self, number: int = 0) -> str:
        """An input with its channels first."""
        return self.drawer.in_layout(self.inputs[number], "first")

    def last(self, number: int = 0) -> str:
        """An input with its channels last."""
        return self.drawer.in_layout(self.inputs[number], "last")

    def of_role(self, role: str) -> int | None:
        """The number of the input with a role."""
        return self.op.given.index(role) if role in self.op.given else None

    @property
    def native(self) -> Layout:
        """The layout that the first input has anyway."""
        return self.inputs[0].native if self.inputs else "first"

    def emit(self, kind: str, *inputs: str, **attributes: Any) -> str:
        """Add a node of one output."""
        return self.drawer.node(kind, inputs, 1, self.name, attributes).outputs[0]

    def emit_many(self, kind: str, count: int, *inputs: str, **attributes: Any) -> list[str]:
        """Add a node of several outputs."""
        return self.drawer.node(kind, inputs, count, self.name, attributes).outputs

    def number(self, value: Any) -> str:
        """A small constant."""
        return self.drawer.constant(value)

    def reshape(self, x: str, *sizes: int) -> str:
        """Another shape; 0 keeps the extent of that place."""
        return self.emit("Reshape", x, self.number(list(sizes)))

    def transpose(self, x: str, *order: int) -> str:
        """Axes in another order."""
        return x if list(order) == sorted(order) else self.emit("Transpose", x, perm=list(order))

    def slice(self, x: str, axis: int, start: int, stop: int, step: int = 1) -> str:
        """Some positions of an axis."""
        ranges = [self.number([value]) for value in (start, stop, axis, step)]
        return self.emit("Slice", x, *ranges)

    def weight(self, role: str, *sizes: int) -> str:
        """What is stored, by its role: the same tensor wherever the operation stands again."""
        drawer = self.drawer
        stored = drawer.stored.setdefault(self.first_index, {})
        if role not in stored:
            owner = drawer.graph.nodes[self.first_index]
            stored[role] = drawer.unique(f"{owner.name}.{role}")
            many = self.copies[0]
            drawer.weights[stored[role]] = tuple(sizes) if many == 1 else (many, *sizes)
        name = stored[role]
        if self.copies[0] == 1:
            return name
        key = f"{role}#{self.copy}"
        if key not in stored:
            stored[key] = self.emit("Gather", name, self.number(self.copy), axis=0)
        return stored[key]

    def give(self, name: str, layout: Layout) -> None:
        """Say which tensor is the output, and how it lies."""
        made = next((each for each in self.drawer.nodes[self.begin :] if name in each.outputs), None)
        if made is not None:
            called = self.drawer.unique(self.name)
            for each in self.drawer.nodes[self.begin :]:
                each.inputs = [called if old == name else old for old in each.inputs]
            made.outputs = [called if old == name else old for old in made.outputs]
            name = called
        self.given = Value(name, layout, self.y, self.has_batch)

    def as_it_lies(self, kind: str, *more: str, **attributes: Any) -> None:
        """One node, element by element, in the layout of the input."""
        self.give(self.emit(kind, self.drawer.in_layout(self.inputs[0], self.native), *more, **attributes), self.native)

    def along_channels(self, name: str, layout: Layout) -> str:
        """Numbers for each channel, (channels,), shaped to spread over a tensor."""
        if layout == "last" or self.y.rank == 0:
            return name
        return self.reshape(name, -1, *(1,) * self.y.rank)

    def own(self, **attributes: Any) -> None:
        """A node that ONNX has no operator for: its shape is told, and what it computes is its name."""
        inputs = [self.first(number) for number in range(len(self.inputs))]
        parameters = self.op.parameters(self.x)
        stored = [self.weight(role, count) for role, count in parameters._asdict().items() if count]
        kind = "".join(word.capitalize() for word in self.op.name.split("_"))
        made = self.drawer.node(kind, [*inputs, *stored], 1, self.name, attributes)
        made.domain = OWN_DOMAIN
        self.drawer.lacking.setdefault(self.op.name, []).append(self.name)
        self.give(made.outputs[0], "first")


RULES: dict[str, Callable[[Step], None]] = {}


def rule(*names: str) -> Callable[[Callable[[Step], None]], Callable[[Step], None]]:
    """Register how operators of these names are written."""

    def register(write: Callable[[Step], None]) -> Callable[[Step], None]:
        for name in names:
            if name in RULES:
                raise TypeError(f"{name} is written already")
            RULES[name] = write
        return write

    return register

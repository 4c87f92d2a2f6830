"""Parts of a network as tables: a part is expanded once for each distinct combination of what it reads.

A part that reads few positions is expanded alone; one that reads many is walked part by part, and what comes out is
kept by the positions that were read. Which those are is found on the way: where more are read than was known, the
table begins again.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator, Mapping
from math import prod
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from archcalc.dims import collecting_assumptions
from archcalc.engine.sweep.tables import NEVER, REFUSED, Block, Table, stacked
from archcalc.engine.sweep.walk import Frame, Value, Walk
from archcalc.ops import LayerReference, Shape
from archcalc.results.sweep import Column
from archcalc.source import SpecError
from archcalc.spec.bind import Handle
from archcalc.spec.expression import Expression
from archcalc.spec.reads import CHAIN, INPUT_PORT, InseparableError, Reader, X
from archcalc.spec.values import Scope

if TYPE_CHECKING:
    from archcalc.engine.sweep.structures import Structures

DENSE = 1 << 18  # combinations that are found by index
STRIDE = 1 << 20
SEVERAL = 4  # times that a combination is needed at least, for it to be kept beside what it is part of


class GrownError(Exception):
    """A unit reads more than was known; it begins again."""

    def __init__(self, unit: Memo) -> None:
        super().__init__()
        self.unit = unit


class Lazy:
    """An argument that is read where it is used, for what it says differs between structures."""

    __slots__ = ("base", "expression", "where")

    def __init__(self, expression: Expression, base: int, where: Where) -> None:
        self.expression, self.base, self.where = expression, base, where


class Layer(NamedTuple):
    """An argument that is an earlier layer: the name by which the body that it is given to knows it."""

    name: str


class Where:
    """Where a part stands: arguments and names of generators, and the module whose body it is in."""

    __slots__ = ("locals", "owner")

    def __init__(self, locals: Mapping[str, Any], owner: str) -> None:
        self.locals, self.owner = locals, owner

    def forced(self, reader: Reader, names: frozenset[str]) -> dict[str, Any]:
        """Values of some of the names in the structure that the reader was told."""
        found = {name: self.locals[name] for name in names if name in self.locals}
        return {name: force(reader, value) for name, value in found.items()}


def force(reader: Reader, lazy: Any) -> Any:
    """The value of an argument."""
    if type(lazy) is Layer:
        handle = reader.port(lazy.name)
        return LayerReference(lazy.name, handle.node, handle.shape, handle.shape)
    if type(lazy) is not Lazy:
        return lazy

    def value() -> Any:
        inside = lazy.where.forced(reader, names_of(lazy.expression))
        return reader.value(lazy.expression, Scope(inside, None, ""), lazy.base)

    return reader.once(id(lazy), lazy, value)


def names_of(expression: Expression) -> frozenset[str]:
    """Names that an expression takes from where it stands."""
    from archcalc.spec.expression import free_names

    return frozenset(free_names(expression))


class Names(Mapping[str, Value]):
    """Earlier layers by their paths: those of this walk, and those outside of it, which become ports when asked for."""

    def __init__(self, own: dict[str, Value], outside: Mapping[str, Any], unit: Memo | None) -> None:
        self.own, self.outside, self.unit = own, outside, unit

    def __getitem__(self, name: str) -> Value:
        if name not in self.own:
            if self.unit is None or name not in self.outside:
                raise KeyError(name)
            self.unit.add_port(name)
        return self.own[name]

    def __iter__(self) -> Iterator[str]:
        return iter({**self.own, **dict.fromkeys(self.outside)})

    def __len__(self) -> int:
        return len({*self.own, *self.outside})

    def __contains__(self, name: object) -> bool:
        return name in self.own or name in self.outside

    def take(self, rows: Column) -> Names:
        """In some of the structures."""
        return Names({name: value.take(rows) for name, value in self.own.items()}, self.outside, self.unit)


class Memo(ABC):
    """What is found once for each combination of the positions read and the shapes of its ports."""

    def __init__(self, structures: Structures, where: Where, names: frozenset[str], is_x_chain: bool) -> None:
        self.structures, self.where, self.names = structures, where, names
        self.is_x_chain = is_x_chain  # what `x` stands for is what its chain gives it
        self.ports = [CHAIN, X] if "x" in names and not is_x_chain else [CHAIN]
        self.reads: list[int] = []
        self.begin()

    def begin(self) -> None:
        """Forget what was found, for more is read than was known."""
        self.radices = [self.structures.sizes[axis] for axis in self.reads]
        self.size = prod(self.radices)
        self.index = np.empty(0, np.int64)
        self.sparse: dict[bytes, int] = {}
        self.dense: list[dict[int, int]] = [{} for _ in self.ports]

    def add_port(self, name: str) -> None:
        """Note that a port is read which was not known."""
        self.ports.append(name)
        self.begin()
        raise GrownError(self)

    def add_reads(self, reads: set[int]) -> None:
        """Note what was read."""
        if not reads <= {*self.reads}:
            self.reads = sorted({*self.reads, *reads})
            self.begin()
            raise GrownError(self)

    def resolved(self, walk: Walk, value: Value, frame: Frame) -> list[Value]:
        """What its ports give."""
        return [self.port(name, walk, value, frame) for name in self.ports]

    def port(self, name: str, walk: Walk, value: Value, frame: Frame) -> Value:
        """What a port gives."""
        if name == CHAIN:
            return value
        if name == X:
            return value if frame.x is None else frame.x
        found: Value = walk.inputs[name] if name.startswith(INPUT_PORT) else frame.names[name]
        return found

    def found(self, walk: Walk, value: Value, frame: Frame) -> tuple[Column, list[Value]]:
        """The row of each structure, filled where it is new; and what the ports give."""
        while True:
            found = self.tried(walk, value, frame)
            if found is not None:
                return found

    def tried(self, walk: Walk, value: Value, frame: Frame) -> tuple[Column, list[Value]] | None:
        """The same; None where more is read than was known, and all begins again."""
        try:
            ports = self.resolved(walk, value, frame)
            return self.rows(walk, ports, value, frame), ports
        except GrownError as error:
            if error.unit is not self:
                raise
            return None

    def rows(self, walk: Walk, ports: list[Value], value: Value, frame: Frame) -> Column:
        """The row of each structure."""
        refused = ports[0].shape == REFUSED
        for port in ports[1:]:
            refused = refused | (port.shape == REFUSED)
        shapes = self.shape_keys(ports)
        if self.size > DENSE:
            return self.rows_of_many(walk, ports, value, frame, shapes, refused)
        keys = shapes
        for axis, radix in zip(self.reads, self.radices, strict=True):
            keys = keys * radix + walk.code(axis)
        needed = (int(shapes.max(initial=0)) + 1) * self.size
        if needed > len(self.index):
            self.index = np.concatenate([self.index, np.full(needed - len(self.index), -1)])
        rows = np.take(self.index, keys)
        places = np.flatnonzero((rows < 0) & ~refused)
        if len(places):
            new, marks = keys[places], -2 - places
            self.index[new] = marks  # of equal ones any stays, below 0 in case that filling fails
            first = places[self.index[new] == marks]
            begin = self.fill(walk, ports, first, value, frame)
            self.index[keys[first]] = np.arange(begin, begin + len(first))
            rows = np.take(self.index, keys)
        if refused.any():
            rows = np.where(refused, 0, rows)
        return rows

    def rows_of_many(
        self, walk: Walk, ports: list[Value], value: Value, frame: Frame, shapes: Column, refused: Column
    ) -> Column:
        """The same where there are too many combinations for an index."""
        codes = [walk.code(axis) for axis in self.reads]
        matrix = np.ascontiguousarray(np.stack([shapes, *codes], axis=1).astype(np.int64))
        matrix[refused] = -1
        unique, first, inverse = np.unique(matrix, axis=0, return_index=True, return_inverse=True)
        keys = [row.tobytes() for row in unique]
        places = [int(at) for key, at in zip(keys, first, strict=True) if key not in self.sparse and not refused[at]]
        if places:
            begin = self.fill(walk, ports, np.array(places), value, frame)
            for number, at in enumerate(places):
                self.sparse[matrix[at].tobytes()] = begin + number
        rows = np.array([self.sparse.get(key, 0) for key in keys])
        return np.asarray(rows[inverse.reshape(-1)])

    def shape_keys(self, ports: list[Value]) -> Column:
        """A small number for each combination of shapes."""
        keys = self.numbered(0, ports[0].shape)
        for level, port in enumerate(ports[1:], 1):
            keys = self.numbered(level, keys * STRIDE + port.shape)
        return keys

    def numbered(self, level: int, keys: Column) -> Column:
        """Numbers of keys, counted on where a key is new."""
        known = self.dense[level]
        first = int(keys[0]) if len(keys) else 0
        if (keys == first).all():
            return np.full(len(keys), known.setdefault(first, len(known)), np.int64)
        unique, inverse = np.unique(keys, return_inverse=True)
        return np.array([known.setdefault(key, len(known)) for key in unique.tolist()])[inverse.reshape(-1)]

    @abstractmethod
    def fill(self, walk: Walk, ports: list[Value], places: Column, value: Value, frame: Frame) -> int:
        """Find what is new, for these structures; the number of its first row."""

    def reading(self, walk: Walk, ports: list[Value], place: int, frame: Frame) -> tuple[Reader, Shape]:
        """The reader, begun for one structure, and the shape that the chain gives."""
        reader, shapes = self.structures.reader, self.structures.shapes
        numbers = {name: number for number, name in enumerate(self.ports)}

        def outer(name: str) -> Shape:
            if name not in numbers:
                self.add_port(name)
            return shapes[int(ports[numbers[name]].shape[place])]

        reader.begin(lambda axis: int(walk.code(axis)[place]), numbers, outer, frame.names, self.where.owner)
        return reader, shapes[int(ports[0].shape[place])]

    def scope(self, reader: Reader, shape: Shape) -> Scope:
        """What names mean in a part, in the structure that the reader was told."""
        values = self.where.forced(reader, self.names)
        if "x" not in self.names:
            return Scope(values, None, "", None)
        if self.is_x_chain:
            return Scope(values, shape, "", -1)
        return Scope(values, reader.outer(X), "", -1 - reader.ports[X])


class Unit(Memo):
    """A part of a network that gives something to the next: a table of its own."""

    def __init__(self, structures: Structures, where: Where, names: frozenset[str], is_x_chain: bool) -> None:
        self.is_leaf = True  # expanded alone
        self.is_atom = False  # cannot be taken apart
        self.is_repeated = False  # the same rows come again
        self.table: Table
        super().__init__(structures, where, names, is_x_chain)

    def begin(self) -> None:
        """Forget what was found."""
        super().begin()
        if self.is_leaf and not self.is_atom and self.size > self.structures.most_expansions:
            self.is_leaf = False
        self.table = self.structures.new_table(len(self.ports))

    @property
    def is_passed(self) -> bool:
        """Whether it is walked each time, for there are too many combinations to keep."""
        return not self.is_leaf and self.size > self.structures.most_rows

    def is_once(self, walk: Walk) -> bool:
        """Whether a walk needs most of its combinations about once, so that keeping them too is of no use."""
        return walk.is_filling and not self.is_leaf and not self.is_repeated and walk.size < SEVERAL * self.size

    def expand(self, reader: Reader, handle: Handle, scope: Scope) -> Handle:
        """Expand it alone."""
        raise NotImplementedError

    def descend(self, walk: Walk, value: Value, frame: Frame) -> Value:
        """Walk through its parts.

        Raises:
            InseparableError: it cannot be taken apart.
        """
        raise NotImplementedError

    def run(self, walk: Walk, value: Value, frame: Frame) -> Value:
        """What it gives in each structure of a walk."""
        self.structures.count_run()
        while True:
            if self.is_passed or self.is_once(walk):
                part = walk.copied()
                try:
                    value = self.descend(part, value, frame)
                except InseparableError:
                    self.become_atom()
                    continue
                walk.adopt(part)
                return value
            found = self.tried(walk, value, frame)
            if found is not None:
                return walk.use(self.table, *found)

    def become_atom(self) -> None:
        """It cannot be taken apart: what it costs is found for each combination by itself."""
        self.is_leaf = self.is_atom = True
        self.begin()

    def fill(self, walk: Walk, ports: list[Value], places: Column, value: Value, frame: Frame) -> int:
        """Find rows."""
        if self.is_leaf:
            block = stacked([self.expanded(walk, ports, int(place), frame) for place in places])
        else:
            try:
                block = self.composed(walk, ports, places, frame)
            except InseparableError:
                self.become_atom()
                raise GrownError(self) from None
        begin = self.table.size
        self.table.add(block)
        return begin

    def expanded(self, walk: Walk, ports: list[Value], place: int, frame: Frame) -> Block:
        """One row, by an expansion."""
        structures = self.structures
        count = len(self.ports)
        with collecting_assumptions() as assumptions:
            reader, shape = self.reading(walk, ports, place, frame)
            reader.reads |= structures.always_read
            try:
                scope = self.scope(reader, shape)
                key = self.memo_key(reader, scope, ports, place)
                known = structures.expansions.get(key)
                if known is None:
                    handle = self.expand(reader, Handle(-1, shape), scope)
                    given = [structures.shapes[int(port.shape[place])] for port in ports]
                    known = structures.block(reader, handle, given, assumptions)
                    if not self.has_read_itself(reader):
                        structures.expansions[key] = known
            except SpecError as error:
                known = structures.refused(error, count, assumptions)
        self.add_reads(reader.reads)
        return known

    def memo_key(self, reader: Reader, scope: Scope, ports: list[Value], place: int) -> Any:
        """What the expansion depends on, if it reads no position but by its arguments."""
        self.read_before = len(reader.reads)
        values = tuple((name, reader.keys.key(value)) for name, value in sorted(scope.locals.items()))
        return (self.syntax, values, self.is_x_chain, tuple(int(port.shape[place]) for port in ports), len(self.ports))

    def has_read_itself(self, reader: Reader) -> bool:
        """Whether the expansion that was made reads more than what its key says."""
        return len(reader.reads) > self.read_before or any(name not in (CHAIN, X) for name in self.ports)

    syntax: Any = None

    def composed(self, walk: Walk, ports: list[Value], places: Column, frame: Frame) -> Block:
        """Rows, by a walk through its parts for structures that stand for all of their kind."""
        structures, count = self.structures, len(self.ports)
        reads: set[int] = set()

        def codes(axis: int) -> Column:
            reads.add(axis)
            return walk.code(axis)[places]

        values = []
        for number, port in enumerate(ports):
            depth = np.full((len(places), count + 1), NEVER, np.int64)
            depth[:, number] = 0
            tensor = np.full(len(places), number)
            values.append(Value(port.shape[places], depth, depth.copy(), tensor, port.merges[places] * 0))
        own = {name: each for name, each in zip(self.ports, values, strict=True) if name not in (CHAIN, X)}
        inputs = {name: own.pop(name) for name in list(own) if name.startswith(INPUT_PORT)}
        inner = Walk(len(places), codes, Inputs(inputs, walk.inputs, self), count, structures.free, walk.is_deep)
        inner.is_filling = True
        x = values[self.ports.index(X)] if X in self.ports else values[0] if self.is_x_chain else None
        output = self.descend(inner, values[0], Frame(Names(own, frame.names, self), x))
        block = inner.close(output, structures.code("unread-layer"))
        self.add_reads(reads)
        return block._replace(costs=inner.all_costs(structures.width))


class Group(Unit):
    """Parts in a row, as one table."""

    def __init__(
        self, structures: Structures, go: Callable[[Walk, Value, Frame], Value], reads: set[int], where: Where
    ) -> None:
        self.go = go
        super().__init__(structures, where, frozenset(), False)
        self.is_leaf = False
        self.reads = sorted(reads)
        self.begin()

    def become_atom(self) -> None:
        """Its parts are walked one by one."""
        raise InseparableError("a group")

    def descend(self, walk: Walk, value: Value, frame: Frame) -> Value:
        """Walk through its parts."""
        return self.go(walk, value, frame)


class Inputs(Mapping[str, Value]):
    """Inputs of the network, which become ports when asked for."""

    def __init__(self, own: dict[str, Value], outside: Mapping[str, Value], unit: Memo | None) -> None:
        self.own, self.outside, self.unit = own, outside, unit

    def __getitem__(self, name: str) -> Value:
        if name not in self.own and self.unit is not None:
            self.unit.add_port(name)
        return self.own[name]

    def take(self, rows: Column) -> Inputs:
        """In some of the structures."""
        return Inputs({name: value.take(rows) for name, value in self.own.items()}, self.outside, self.unit)

    def __iter__(self) -> Iterator[str]:
        return iter(self.own)

    def __len__(self) -> int:
        return len(self.own)

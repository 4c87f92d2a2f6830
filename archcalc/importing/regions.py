"""The module tree of a source over its layers: each run of a module with what it reads and what it gives."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from archcalc.importing.calls import Scope
from archcalc.importing.terms import refs
from archcalc.importing.units import Unit, Units

SHELLS = frozenset({"Module", "GraphModule"})  # classes of modules that nobody wrote
CONTAINERS = frozenset({"", "Sequential", "ModuleList", "ModuleDict", "Sequence"})


class Region:
    """One run of a module. Its children are layers and regions in the order in which they begin.

    `reads` are the values from outside, `gives` those that are read outside; both in order of use. In the root they
    are the inputs and outputs of the network.
    """

    __slots__ = ("children", "depth", "gives", "is_bound", "is_inline", "key", "parent", "reads", "scope", "units")

    def __init__(self, scope: Scope, key: tuple[Any, ...], parent: Region | None) -> None:
        self.scope = scope
        self.key = key
        self.parent = parent
        self.depth: int = 0 if parent is None else parent.depth + 1
        self.children: list[Unit | Region] = []
        self.reads: dict[int, None] = {}
        self.gives: dict[int, None] = {}
        self.units = 0
        self.is_inline = scope.kind in CONTAINERS
        self.is_bound = False  # shares weights with what stands around it

    def regions(self) -> Iterator[Region]:
        """Those in it and itself, inner ones first."""
        for child in self.children:
            if isinstance(child, Region):
                yield from child.regions()
        yield self


class Tree:
    """The regions of a network."""

    def __init__(self, units: Units, with_scopes: bool = True) -> None:
        self.units = units
        self.root = Region(Scope(""), (), None)
        self.home: dict[int, Region] = {}  # by value of a unit: the region that it stands in directly
        known: dict[tuple[Any, ...], Region] = {(): self.root}
        for unit in units.all:
            region = self.root
            key: tuple[Any, ...] = ()
            for written in unit.scope if with_scopes else ():
                scope = written._replace(kind="") if written.kind in SHELLS else written
                key = (*key, (scope.name, scope.instance, scope.run))
                inner = known.get(key)
                if inner is None:
                    inner = known[key] = Region(scope, key, region)
                    region.children.append(inner)
                region = inner
            region.children.append(unit)
            self.home[unit.value] = region
        if with_scopes:
            self.move_inside()
            for region in list(self.root.regions()):
                self.move_merge(region)
            self.edges()
            for region in list(self.root.regions()):
                if region.scope.kind in CONTAINERS and max(len(region.gives), len(region.reads)) > 1:
                    self.dissolve(region)
        self.edges()

    def dissolve(self, region: Region) -> None:
        """A list of modules that is no chain: its modules stand where they are called."""
        if region.parent is None:
            return
        at = region.parent.children.index(region)
        region.parent.children[at : at + 1] = region.children
        for child in region.children:
            if isinstance(child, Region):
                child.parent = region.parent
            else:
                self.home[child.value] = region.parent

    def move_inside(self) -> None:
        """What a module around does between two layers of one within it stands in that one.

        Traced graphs have their functions at the top, though the modules that they were written in are known.
        """
        readers: dict[int, list[Unit]] = {}
        for unit in self.units.all:
            for value in unit.inputs:
                readers.setdefault(value, []).append(unit)
        outputs = set(self.units.outputs.values())
        for unit in reversed(self.units.all):
            home = self.home[unit.value]
            if unit.value in outputs or unit.value not in readers:
                continue
            around = self.home[readers[unit.value][0].value]
            for reader in readers[unit.value][1:]:
                around = common(around, self.home[reader.value])
            within = [common(around, self.home[value]) for value in unit.inputs if value in self.home]
            inner = max(within, key=lambda region: region.depth, default=home)
            if inner.depth > home.depth and is_within(inner, home):
                home.children.remove(unit)
                at = sum(first_of(child) < unit.value for child in inner.children)
                inner.children.insert(at, unit)
                self.home[unit.value] = inner

    def move_merge(self, region: Region) -> None:
        """A merge that a module begins with moves out of it, where the rest reads nothing else from outside."""
        while region.parent is not None and len(region.children) > 1:
            first = region.children[0]
            if not isinstance(first, Unit) or not self.is_merge(first) or len(set(first.inputs)) < 2:
                return
            inside = {unit.value for unit in self.units_in(region)}
            if any(value in inside for value in first.inputs):
                return
            for unit in self.units_in(region):
                if unit is not first and any(value not in inside for value in unit.inputs):
                    return
            del region.children[0]
            at = region.parent.children.index(region)
            region.parent.children.insert(at, first)
            self.home[first.value] = region.parent

    def units_in(self, region: Region) -> Iterator[Unit]:
        """All layers of a region and of those in it."""
        for child in region.children:
            if isinstance(child, Region):
                yield from self.units_in(child)
            else:
                yield child

    def is_merge(self, unit: Unit) -> bool:
        """Whether a layer brings several values together whose order is all that tells them apart."""
        return self.units.calls.calls[unit.calls[0]].operator.merges

    def edges(self) -> None:
        """What each region reads and gives; how many layers it has."""
        for region in self.root.regions():
            region.reads, region.gives = {}, {}
            region.units = sum(child.units if isinstance(child, Region) else 1 for child in region.children)
        for unit in self.in_order():
            for value in unit.inputs:
                self.edge(value, self.home[unit.value])
            for value in refs(unit.op):
                if value not in unit.inputs:
                    self.bind(value, unit.value)
            if unit.shares >= 0:
                self.bind(unit.shares, unit.value)
        for value in self.units.outputs.values():
            around: Region | None = self.home.get(value)
            while around is not None:
                around.gives[value] = None
                around = around.parent

    def in_order(self) -> list[Unit]:
        """Layers in the order of their calls."""
        return self.units.all

    def edge(self, value: int, reader: Region) -> None:
        """A value that a layer in a region reads."""
        writer = self.home.get(value, self.root)
        inner: Region | None = reader
        while inner is not None and not is_within(writer, inner):
            inner.reads[value] = None
            inner = inner.parent
        outer: Region | None = writer
        while outer is not None and outer is not inner and not is_within(reader, outer):
            outer.gives[value] = None
            outer = outer.parent
        if value < 0:
            self.root.reads[value] = None

    def bind(self, value: int, user: int) -> None:
        """Layers with one set of weights stand in one body: what is between them is written where it stands."""
        one, other = self.home[value], self.home[user]
        for inner, outside in ((one, other), (other, one)):
            region: Region | None = inner
            while region is not None and not is_within(outside, region):
                region.is_inline = region.is_bound = True
                region = region.parent


def common(one: Region, other: Region) -> Region:
    """The innermost region around two."""
    while not is_within(other, one):
        assert one.parent is not None
        one = one.parent
    return one


def first_of(child: Unit | Region) -> int:
    """The value of the first layer of a child."""
    while isinstance(child, Region):
        child = child.children[0]
    return child.value


def is_within(region: Region, outer: Region) -> bool:
    """Whether a region is another one or stands in it."""
    return region.key[: outer.depth] == outer.key

"""Classes of the source as modules of a spec: what stands in several places is written once."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from archcalc.importing.bodies import Whole, whole
from archcalc.importing.contract import Body as Contraction
from archcalc.importing.contract import Element, Tangled, ends_in
from archcalc.importing.definitions import Definitions, Instance, settings
from archcalc.importing.names import is_number
from archcalc.importing.regions import Region, Tree
from archcalc.importing.terms import Body, Chain, Extent, Item, Ref, Share, Use, first_value, refs, walk
from archcalc.importing.units import Unit
from archcalc.ops import ONE


class Modules:
    """Makes the bodies of regions, inner ones first, and the modules that they use."""

    def __init__(
        self,
        tree: Tree,
        inputs: dict[int, str],
        used: set[str],
        is_flat: bool = False,
        first: Modules | None = None,
        with_runs: bool = False,
    ) -> None:
        self.tree = tree
        self.units = tree.units
        self.inputs = inputs  # names of the network's inputs, by value
        self.is_flat = is_flat
        self.shared = {unit.shares for unit in self.units.all if unit.shares >= 0}
        self.has_scopes = any(call.scope for call in tree.units.calls.calls)
        # Of several networks in one file, all have the modules of the first.
        self.definitions: Definitions = Definitions(set()) if first is None else first.definitions
        self.definitions.used |= {*inputs.values(), *used}
        self.peers: list[Modules] = [] if first is None else first.peers
        self.peers.append(self)
        self.uses: dict[int, Use] = {}  # by id of a region
        self.elements: dict[int, Element] = {}  # of regions that stand for themselves, likewise
        self.runs: dict[int, Region] = {}  # of each module of the source the first
        self.states: dict[str, bool] = {} if first is None else first.states  # of a class: False while it is made
        self.by_kind: dict[str, list[Region]] = {}
        for region in tree.root.regions():
            if with_runs and region.scope.instance:
                self.runs.setdefault(region.scope.instance, region)
            if not region.is_inline and len(region.gives) == 1:
                self.by_kind.setdefault(region.scope.kind, []).append(region)

    # bodies

    def body(self, region: Region, main: int | None, children: list[Unit | Region], outputs: list[int]) -> Chain:
        """A body of these children, by reference to values."""
        elements = [self.element(child) for child in children]
        try:
            return self.chain(elements, main, outputs)
        except Tangled:
            units = sorted(self.tree.units_in(region), key=lambda unit: unit.value)
            wanted = {unit.value for child in children for unit in self.units_of(child)}
            return self.chain([self.of_unit(unit) for unit in units if unit.value in wanted], main, outputs)

    def chain(self, elements: list[Element], main: int | None, outputs: list[int]) -> Chain:
        """Elements in a row."""
        of_merge = lambda term: ends_in(term, self.definitions.body)  # noqa: E731
        return Contraction(
            elements, main, outputs, of_merge, self.roles, self.closed, self.shared, self.is_flat
        ).chain()

    def whole(self, chain: Chain, main: int | None) -> Whole:
        """The body of a module, in which no layer hides a module where it stands for itself."""
        return whole(chain, main, dict(self.inputs), modules=self.definitions.modules)

    def closed(self, element: Element) -> Any:
        """What stands in a branch: a chain in which something is referred to becomes a module, which has names."""
        if type(element.term) is not Chain:
            return element.term
        inside = {part.name[1] for part in items_within(element.term)}
        if inside.isdisjoint(refs(element.term)):
            return element.term
        body = self.whole(element.term, element.main)
        return self.definitions.alone(element.name, body)

    def units_of(self, child: Unit | Region) -> list[Unit]:
        """Layers of a child."""
        return [child] if isinstance(child, Unit) else list(self.tree.units_in(child))

    def roles(self, value: int) -> tuple[str, ...]:
        """Roles of the branches of a merge, none where they have none."""
        call = self.units.calls.calls[self.units.by_value[value].calls[0]]
        return call.roles or call.operator.given

    def element(self, child: Unit | Region) -> Element:
        """A layer or a region as an element of the body around it."""
        return self.of_unit(child) if isinstance(child, Unit) else self.of_region(child)

    def of_unit(self, unit: Unit) -> Element:
        """A layer."""
        calls = self.units.calls.calls
        first = calls[unit.calls[0]]
        scope = first.scope[len(unit.scope) :]
        name = scope[0].name if scope else "" if self.has_scopes else first.name
        if is_number(name) and self.tree.home[unit.value].depth < len(unit.scope):  # of a list that is no chain
            name = f"{unit.scope[-1].name}_{name}"
        elif len(scope) > 1 and scope[0].kind == "ModuleList":
            name = f"{name}_{scope[1].name}"
        is_inner = first.operator.copies != ONE
        if self.tree.is_merge(unit):
            return Element(name, unit.op, None, unit.value, inputs=unit.inputs, is_inner=is_inner)
        term: Any = unit.op
        extras = refs(unit.op)
        if unit.shares >= 0:
            term, extras = Share(Ref(unit.shares)), [unit.shares]
        main = unit.inputs[0] if unit.inputs else None
        return Element(name, term, main, unit.value, extras, is_inner=is_inner)

    def of_region(self, region: Region) -> Element:
        """A run of a module: a call of it, or its body where it stands; of one that ran before, that body again."""
        before = self.before(region)
        if before is not None:
            of = self.of_region(before)
            again = Share(Body(first_value(of.term, of.value), of.value))
            (value,) = region.gives
            return Element(region.scope.name, again, main_of(region), value, [of.value], region.units)
        self.define(region.scope.kind)
        use = self.uses.get(id(region))
        if use is not None:
            (value,) = region.gives
            return Element(region.scope.name, use, main_of(region), value, refs(use), region.units)
        found = self.elements.get(id(region))
        if found is None:
            main = main_of(region)
            chain = self.of_extents(region, main, self.body(region, main, region.children, list(region.gives)))
            inside = {unit.value for unit in self.tree.units_in(region)}
            outside = [value for value in dict.fromkeys(refs(chain)) if value not in inside]
            value = chain.items[-1].name[1]
            gives = tuple(region.gives)
            found = self.elements[id(region)] = Element(
                region.scope.name, chain, main, value, outside, region.units, gives
            )
        return found

    def before(self, region: Region) -> Region | None:
        """The first run of a module that shares all its weights with it, layer by layer; None: this is the first."""
        first = self.runs.get(region.scope.instance, region)
        if first is region or any(len(each) != 1 for of in (region, first) for each in (of.reads, of.gives)):
            return None
        mine, theirs = list(self.tree.units_in(region)), list(self.tree.units_in(first))
        if len(mine) != len(theirs) or len(mine) < 2:
            return None
        are_same = [
            one.shares == other.value or (one.shares < 0 and one.op == other.op and other.shares < 0)
            for one, other in zip(mine, theirs, strict=True)
        ]
        return first if all(are_same) and any(one.shares >= 0 for one in mine) else None

    def of_extents(self, region: Region, main: int | None, chain: Chain) -> Chain:
        """A body that says how many positions it reads, as a module: there alone they have a name."""
        is_said = any(type(part) is Extent and main in part.values for part in walk(chain))
        value = chain.items[-1].name[1]
        if main is None or main < 0 or not is_said or list(region.gives) != [value]:
            return chain
        body = self.whole(chain, main)
        return Chain((Item((region.scope.name, value), self.definitions.alone(region.scope.kind, body)),))

    # modules

    def define(self, kind: str) -> None:
        """Make the modules of a class, if it is one that stands in several places and is not being made already."""
        regions = [(peer, region) for peer in self.peers for region in peer.by_kind.get(kind, [])]
        if kind in self.states or len(regions) < 2:
            return
        self.states[kind] = False
        found = [(peer, region, peer.instance(region)) for peer, region in regions]
        there = [(peer, region, instance) for peer, region, instance in found if instance is not None]
        if len(there) > 1:
            uses = self.definitions.define(kind, [instance for _, _, instance in there])
            for at, use in uses.items():
                peer, region, _ = there[at]
                peer.uses[id(region)] = use
        self.states[kind] = True
        for peer in self.peers:
            peer.elements.clear()  # some were made while this class was not ready

    def instance(self, region: Region) -> Instance | None:
        """The body of a region by itself."""
        main = main_of(region)
        (value,) = region.gives
        chain = self.body(region, main, region.children, [value])
        if chain.items[-1].name[1] != value:
            return None
        return Instance(self.whole(chain, main), self.channels(main), self.channels(value), settings(region))

    def channels(self, value: int | None) -> Any:
        """Channels of a value."""
        return None if value is None else self.units.calls.shape(value).channels


def items_within(chain: Chain) -> Iterator[Any]:
    """Parts of a chain and of the chains in it."""
    for part in walk(chain):
        if type(part) is Chain:
            yield from part.items


def main_of(region: Region) -> int | None:
    """The value that flows through a region: the one that was found last."""
    return max(region.reads, default=None)

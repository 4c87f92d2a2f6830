"""Classes of the source as modules of a spec: what stands in several places is written once."""

from __future__ import annotations

from typing import Any, NamedTuple

from archcalc.importing import names
from archcalc.importing.bodies import Whole, whole
from archcalc.importing.contract import Body, Element, Tangled, ends_in
from archcalc.importing.regions import Region, Tree
from archcalc.importing.terms import Chain, Ref, Share, Use, walk
from archcalc.importing.units import Unit
from archcalc.ops import ONE


class Parameter(NamedTuple):
    """An argument of a module; `default` is ABSENT where it has none."""

    name: str
    default: Any


class Module(NamedTuple):
    """A module of the text."""

    name: str
    parameters: tuple[Parameter, ...]
    body: Any


class Instance(NamedTuple):
    """One run of a module of the source, with what its numbers may depend on."""

    region: Region
    body: Whole
    main: int | None
    value: int


class Modules:
    """Makes the bodies of regions, inner ones first, and the modules that they use."""

    def __init__(self, tree: Tree, inputs: dict[int, str], is_flat: bool = False) -> None:
        self.tree = tree
        self.units = tree.units
        self.inputs = inputs  # names of the network's inputs, by value
        self.is_flat = is_flat
        self.modules: dict[str, Module] = {}
        self.used_names: set[str] = set(inputs.values())
        self.uses: dict[int, tuple[Use, Instance]] = {}  # by id of a region
        self.states: dict[str, bool] = {}  # of a class: False while it is being made
        self.by_kind: dict[str, list[Region]] = {}
        for region in tree.root.regions():
            if not region.is_inline and len(region.gives) == 1:
                self.by_kind.setdefault(region.scope.kind, []).append(region)

    def body_of_module(self, name: str) -> Any:
        """What a module stands for."""
        return self.modules[name].body

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
        return Body(
            elements, main, outputs, lambda term: ends_in(term, self.body_of_module), self.roles, self.is_flat
        ).chain()

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
        name = scope[0].name if scope else first.name.rpartition(".")[2]
        is_inner = first.operator.copies != ONE
        if self.tree.is_merge(unit):
            return Element(name, unit.op, None, unit.value, inputs=unit.inputs, is_inner=is_inner)
        term: Any = unit.op
        refs = [part.value for part in walk(unit.op) if type(part) is Ref]
        if unit.shares >= 0:
            term, refs = Share(Ref(unit.shares)), [unit.shares]
        main = unit.inputs[0] if unit.inputs else None
        return Element(name, term, main, unit.value, refs, is_inner=is_inner)

    def of_region(self, region: Region) -> Element:
        """A run of a module: a call of it, or its body where it stands."""
        self.define(region.scope.kind)
        found = self.uses.get(id(region))
        if found is not None:
            use, instance = found
            refs = [part.value for part in walk(use) if type(part) is Ref]
            return Element(region.scope.name, use, instance.main, instance.value, refs, region.units)
        main = main_of(region)
        chain = self.body(region, main, region.children, list(region.gives))
        inside = {unit.value for unit in self.tree.units_in(region)}
        refs = list(dict.fromkeys(part.value for part in walk(chain) if type(part) is Ref and part.value not in inside))
        value = chain.items[-1].name[1]
        return Element(region.scope.name, chain, main, value, refs, region.units, len(region.gives))

    # modules

    def define(self, kind: str) -> None:
        """Make the modules of a class, if it is one that stands in several places and is not being made already."""
        regions = self.by_kind.get(kind, [])
        if kind in self.states or len(regions) < 2:
            return
        self.states[kind] = False
        instances = [self.instance(region) for region in regions]
        self.unify(kind, [instance for instance in instances if instance is not None])
        self.states[kind] = True

    def instance(self, region: Region) -> Instance | None:
        """The body of a region by itself."""
        main = main_of(region)
        (value,) = region.gives
        chain = self.body(region, main, region.children, [value])
        if chain.items[-1].name[1] != value:
            return None
        return Instance(region, whole(chain, main, dict(self.inputs)), main, value)

    def unify(self, kind: str, instances: list[Instance]) -> None:
        """One module for all instances with one body."""
        same: dict[Chain, list[Instance]] = {}
        for instance in instances:
            same.setdefault(instance.body.chain, []).append(instance)
        for body, of in same.items():
            if len(of) < 2:
                continue
            name = names.module(kind, self.used_names)
            outer = len(of[0].body.outer)
            taken: set[str] = set()
            parameters = [Parameter(names.argument("skip", taken), None) for _ in range(outer)]
            self.modules[name] = Module(name, tuple(parameters), body)
            for instance in of:
                given = zip(parameters, instance.body.outer, strict=True)
                use = Use(name, tuple([(parameter.name, Ref(value)) for parameter, value in given]))
                self.uses[id(instance.region)] = use, instance


def main_of(region: Region) -> int | None:
    """The value that flows through a region: the one that was found last."""
    return max(region.reads, default=None)

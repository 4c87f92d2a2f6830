"""Classes of the source as modules of a spec: what stands in several places is written once."""

from __future__ import annotations

from fractions import Fraction
from typing import Any, NamedTuple

from archcalc.importing import names
from archcalc.importing.bodies import Whole, whole
from archcalc.importing.contract import Body, Element, Tangled, ends_in
from archcalc.importing.expressions import Expressions
from archcalc.importing.regions import Region, Tree
from archcalc.importing.repeats import repeated
from archcalc.importing.solve import Parameter, Solved, Solver, Unsolved
from archcalc.importing.terms import Chain, Choice, Merge, Op, Ref, Repeat, Share, Use, alone, walk
from archcalc.importing.unify import Different, unify
from archcalc.importing.units import Unit
from archcalc.ops import ONE

SHORT = 24  # characters of a body that needs no module


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


class Found(NamedTuple):
    """A module for some instances, with the column of each."""

    solved: Solved
    instances: list[Instance]
    which: list[int]


class Modules:
    """Makes the bodies of regions, inner ones first, and the modules that they use."""

    def __init__(self, tree: Tree, inputs: dict[int, str], is_flat: bool = False) -> None:
        self.tree = tree
        self.units = tree.units
        self.inputs = inputs  # names of the network's inputs, by value
        self.is_flat = is_flat
        self.has_scopes = any(call.scope for call in tree.units.calls.calls)
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
        name = scope[0].name if scope else "" if self.has_scopes else first.name.rpartition(".")[2]
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
        body = whole(chain, main, dict(self.inputs))
        return Instance(region, body._replace(chain=repeated(body.chain)), main, value)

    def unify(self, kind: str, instances: list[Instance]) -> None:
        """One module for all instances, or one for each structure, or none: whichever text is shortest."""
        together = self.solved(kind, instances)
        if together is not None and not self.choices_in(together):
            self.keep(kind, [together])
            return
        apart: dict[Any, list[Instance]] = {}
        for instance in instances:
            apart.setdefault(structure(instance.body.chain), []).append(instance)
        each = [self.solved(kind, of) for of in apart.values()]
        ways = [[together], each] if together is not None else [each]
        best = min(ways, key=lambda way: self.length(way, instances))
        self.keep(kind, best)

    def choices_in(self, found: Found) -> int:
        """How many parts are there in some instances only."""
        return sum(type(part) is Choice for part in walk(found.solved.body))

    def solved(self, kind: str, instances: list[Instance]) -> Found | None:
        """One module for these instances; None where they have no pattern in common, or are one alone."""
        if len(instances) < 2 or len({len(of.body.outer) for of in instances}) > 1:
            return None
        contexts: dict[Any, int] = {}
        columns: list[tuple[Any, Any, Any]] = []
        which: list[int] = []
        for instance in instances:
            given = settings(instance.region)
            context = (instance.body.chain, self.channels(instance.main), tuple(given.items()))
            if context not in contexts:
                contexts[context] = len(columns)
                columns.append((instance.body.chain, context[1], given))
            which.append(contexts[context])
        names_ = [name for name in columns[0][2] if all(name in given for _, _, given in columns)]
        given = {name: tuple([of[name] for _, _, of in columns]) for name in names_}
        used = self.used_names | kept_names(columns[0][0])
        try:
            pattern = unify([chain for chain, _, _ in columns])
            solver = Solver(pattern, tuple([x for _, x, _ in columns]), given, len(instances[0].body.outer), used)
            return Found(solver.solve(), instances, which)
        except (Different, Unsolved):
            return None

    def channels(self, value: int | None) -> Any:
        """Channels of a value."""
        return None if value is None else self.units.calls.shape(value).channels

    def length(self, way: list[Found | None], instances: list[Instance]) -> int:
        """Characters of the modules and of their calls; of what stands for itself, its body each time."""
        text = Expressions({}).text
        total = 0
        covered: set[int] = set()
        for found in way:
            if found is None:
                continue
            total += 40 + len(text(found.solved.body)) + 12 * len(found.solved.parameters)
            total += sum(len(text(value)) + 2 for values in found.solved.values for value in values)
            covered |= {id(instance) for instance in found.instances}
        alone = {instance.body.chain for instance in instances if id(instance) not in covered}
        return total + sum(len(text(chain)) for chain in alone)

    def keep(self, kind: str, way: list[Found | None]) -> None:
        """Make modules of what was found."""
        for found in way:
            if found is None or is_short(found.solved.body):
                continue
            name = names.module(kind, self.used_names)
            parameters = found.solved.parameters
            self.modules[name] = Module(name, parameters, found.solved.body)
            outer = len(found.instances[0].body.outer)
            for instance, at in zip(found.instances, found.which, strict=True):
                values = [*map(Ref, instance.body.outer), *found.solved.values[at]]
                said = zip([parameter.name for parameter in parameters], values, strict=True)
                assert len(instance.body.outer) == outer
                self.uses[id(instance.region)] = Use(name, tuple(said)), instance


def main_of(region: Region) -> int | None:
    """The value that flows through a region: the one that was found last."""
    return max(region.reads, default=None)


def settings(region: Region) -> dict[str, Any]:
    """Arguments of a module's constructor that may stand in a text, in their order."""
    found: dict[str, Any] = {}
    for name, value in region.scope.arguments.items():
        if isinstance(value, float):
            found[name] = Fraction(str(value)) if not value.is_integer() else int(value)
        elif value is None or isinstance(value, (bool, int, Fraction)):
            found[name] = value
        elif isinstance(value, (tuple, list)) and set(map(type, value)) == {int} and len(set(value)) == 1:
            found[name] = value[0]
    return found


def kept_names(chain: Chain) -> set[str]:
    """Names that a body refers to."""
    found = set()
    for part in walk(chain):
        if type(part) is Chain:
            found |= {item.name for item in part.items if item.kept}
    return found


def structure(term: Any) -> Any:
    """A layer without its numbers."""
    if type(term) is Op:
        return term.name
    if type(term) is Use:
        return term.module
    if type(term) is Merge:
        return (term.op.name, *[structure(branch.term) for branch in term.branches])
    if type(term) is Chain:
        return tuple([structure(item.term) for item in term.items])
    if type(term) is Repeat:
        return structure(term.term)
    return term


def is_short(body: Any) -> bool:
    """Whether a body is better written where it stands: one layer, or a few letters."""
    body = alone(body)
    return type(body) in (Op, Use, Repeat) or len(Expressions({}).text(body)) <= SHORT

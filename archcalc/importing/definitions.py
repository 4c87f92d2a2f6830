"""Bodies that are alike as one module: with arguments where they differ, where that makes the text shorter."""

from __future__ import annotations

from fractions import Fraction
from typing import Any

from archcalc.importing import names
from archcalc.importing.bodies import Whole
from archcalc.importing.conditions import Unsolved
from archcalc.importing.expressions import Expressions
from archcalc.importing.regions import Region
from archcalc.importing.repeats import nameless, repeated
from archcalc.importing.solve import Parameter, Solved, Solver
from archcalc.importing.terms import Chain, Choice, Merge, Op, Ref, Repeat, Use, Variable, alone, walk
from archcalc.importing.unify import Different, unify
from archcalc.named import NamedTuple
from archcalc.ops import OPERATORS

SHORT = 24  # characters of a body that needs no module


class Module(NamedTuple):
    """A module of the text."""

    name: str
    parameters: tuple[Parameter, ...]
    body: Any


class Instance(NamedTuple):
    """One place where a body stands, with what its numbers may depend on."""

    body: Whole
    channels: Any  # of its input
    gives: Any  # channels of its output
    settings: dict[str, Any]  # arguments of the constructor


class Found(NamedTuple):
    """A module for some instances, with the column of each."""

    solved: Solved
    instances: list[int]
    which: list[int]


class Definitions:
    """The modules of a text, and the names that they have."""

    def __init__(self, used: set[str]) -> None:
        self.modules: dict[str, Module] = {}
        self.used = used
        self.classless: set[str] = set()  # modules of no class of the source, called as one of their operations
        self.singles: dict[Any, str] = {}

    def body(self, name: str) -> Any:
        """What a module stands for."""
        return self.modules[name].body

    def define(self, kind: str, instances: list[Instance]) -> dict[int, Use]:
        """One module for all instances, or one for each structure, or none: whichever text is shortest.

        Returns:
            The call that stands for each instance that a module stands for, by its place among them.
        """
        everyone = list(range(len(instances)))
        together = self.solved(instances, everyone)
        if together is not None and together.solved.flags == 0:  # what is there by a rule needs no second module
            return self.keep(kind, [together], instances)
        apart: dict[Any, list[int]] = {}
        for at, instance in enumerate(instances):
            apart.setdefault(structure(instance.body.chain), []).append(at)
        each = [self.solved(instances, of) for of in apart.values()]
        ways: list[list[Found | None]] = [each] if together is None else [[together], each]
        return self.keep(kind, min(ways, key=lambda way: self.length(way, instances)), instances)

    def alone(self, kind: str, body: Whole) -> Use:
        """A module for one body; the same as before for the same body."""
        key = nameless(body.chain), len(body.outer)
        found = self.singles.get(key)
        if found is None:
            solved = Solver(
                repeated(body.chain), (None,), (None,), {}, len(body.outer), self.used | kept_names(body.chain)
            ).solve()
            found = self.singles[key] = names.module(names.stem(kind) or kind, self.used)
            self.modules[found] = Module(found, solved.parameters, solved.body)
        said = zip(self.modules[found].parameters, body.outer, strict=True)
        return Use(found, tuple([(parameter.name, Ref(value)) for parameter, value in said]))

    def solved(self, instances: list[Instance], chosen: list[int]) -> Found | None:
        """One module for these instances; None where they have no pattern in common, or are one alone."""
        first = instances[chosen[0]]
        outers = len(first.body.outer)
        if len(chosen) < 2 or any(len(instances[at].body.outer) != outers for at in chosen):
            return None
        contexts: dict[Any, int] = {}
        columns: list[Instance] = []
        which: list[int] = []
        for at in chosen:
            instance = instances[at]
            shapes = instance.channels, instance.gives
            context = nameless(instance.body.chain), shapes, tuple(instance.settings.items())
            if context not in contexts:
                contexts[context] = len(columns)
                columns.append(instance)
            which.append(contexts[context])
        shared = [name for name in first.settings if all(name in of.settings for of in columns)]
        given = {name: tuple([of.settings[name] for of in columns]) for name in shared}
        xs, outs = tuple([of.channels for of in columns]), tuple([of.gives for of in columns])
        found = []
        for is_counted in (True, False):
            chains = [repeated(of.body.chain) if is_counted else of.body.chain for of in columns]
            used = self.used | kept_names(chains[0])
            try:
                found.append(Solver(unify(chains), xs, outs, given, outers, used).solve())
            except (Different, Unsolved):
                continue
            if not any(type(part) in (Choice, Repeat) for part in walk(found[-1].body)):
                break
        if not found:
            return None
        best = min(found, key=lambda solved: len(Expressions({}).text(repeated(solved.body))))
        return Found(best._replace(body=repeated(best.body)), chosen, which)

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
            covered.update(found.instances)
        alone = {nameless(instances[at].body.chain) for at in range(len(instances)) if at not in covered}
        return total + sum(len(text(chain)) for chain in alone)

    def keep(self, kind: str, way: list[Found | None], instances: list[Instance]) -> dict[int, Use]:
        """Make modules of what was found."""
        uses: dict[int, Use] = {}
        for found in way:
            if found is None or is_short(found.solved):
                continue
            name = names.module(kind, self.used)
            if " " in kind and names.plain(kind.partition(" ")[0]) in OPERATORS:
                self.classless.add(name)
            parameters = found.solved.parameters
            self.modules[name] = Module(name, parameters, found.solved.body)
            for at, column in zip(found.instances, found.which, strict=True):
                values = [*map(Ref, instances[at].body.outer), *found.solved.values[column]]
                said = zip([parameter.name for parameter in parameters], values, strict=True)
                uses[at] = Use(name, tuple(said))
        return uses


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


def is_short(solved: Solved) -> bool:
    """Whether a body is better written where it stands: one layer, or a few letters that are always the same."""
    body = alone(solved.body)
    if type(body) is Repeat and type(body.count) is Variable and len(solved.parameters) == 1:
        return True  # how often it stands is all that differs
    return type(body) in (Op, Use) or (not solved.parameters and len(Expressions({}).text(body)) <= SHORT)

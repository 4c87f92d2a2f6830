"""Several networks as one file: the modules of all of them, and what differs as variables that variants set."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from fractions import Fraction
from typing import Any

from archcalc.dims import make_divisible
from archcalc.importing import names
from archcalc.importing.calls import Calls
from archcalc.importing.columns import DIVISOR, fits, is_factor, multiple, times
from archcalc.importing.decompile import Writer, checked
from archcalc.importing.defaults import majority
from archcalc.importing.definitions import Module
from archcalc.importing.heads import head_of, network_name
from archcalc.importing.imported import Imported
from archcalc.importing.prove import Renamed
from archcalc.importing.repeats import repeated
from archcalc.importing.terms import (
    ABSENT,
    Arithmetic,
    Chain,
    Function,
    Item,
    Listed,
    Variable,
    mapped,
    walk,
)
from archcalc.importing.unify import Different, Hole, Presence, unify
from archcalc.importing.units import Units
from archcalc.importing.write import Parts, written

SIZES = frozenset({"channels", "hidden"})
PLURAL = {"count": "depth", "channels": "widths"}  # what several numbers of one kind are called, as a list


@dataclass(slots=True)
class Family:
    """Networks as one spec. `text` is empty where one of them is not proven; `draft` is what would have stood there."""

    text: str
    members: dict[str, Imported] = field(default_factory=dict)  # by name in the text
    draft: str = ""

    @property
    def differences(self) -> list[str]:
        """What is not proven, by network."""
        return [f"{name}: {told}" for name, of in self.members.items() for told in of.proof.differences]


def decompile_family(networks: Sequence[Calls], name: str = "") -> Family:
    """Write several networks as the variants of one spec, and prove each.

    Args:
        networks: at least two, as readers give them, with names of their own.
        name: of the family; what the names begin with where not given.
    """
    writers: list[Writer] = []
    for calls in networks:
        units = Units(calls)
        first = writers[0].modules if writers else None
        writers.append(Writer(units, head_of(calls, units), with_scopes=True, is_flat=False, first=first))
    members = _names([writer.head.network for writer in writers])
    text, renamed = _text(writers, members, name or _family_name(members))
    found = Family(text, draft=text)
    for member, calls, outputs in zip(members, networks, renamed, strict=True):
        found.members[member] = checked(calls, text, member, outputs, None, {})
    if found.differences:
        found.text = ""
    return found


def _names(wanted: list[str]) -> list[str]:
    used: set[str] = set()
    return [names.fresh(name, used) for name in wanted]


def _family_name(members: list[str]) -> str:
    """What all names begin with: `resnet` of `resnet18` and `resnet50`."""
    prefix = members[0]
    for member in members:
        while not member.startswith(prefix):
            prefix = prefix[:-1]
    if prefix in members:
        return prefix
    word = network_name(prefix.rstrip("0123456789_-"))
    return word if len(word) > 1 else "family"


def _text(writers: list[Writer], members: list[str], name: str) -> tuple[str, list[Renamed]]:
    bodies = [writer.bodies(with_blocks=True) for writer in writers]
    renamed = [Renamed(writer.head.renamed, of[2]) for writer, of in zip(writers, bodies, strict=True)]
    chains = [writer.with_classes(repeated(of[0], 1)) for writer, of in zip(writers, bodies, strict=True)]
    outputs = [[item._replace(term=repeated(item.term, 1)) for item in of[1]] for of in bodies]
    heads = [writer.head for writer in writers]
    modules = list(writers[0].definitions.modules.values())
    used = {*writers[0].definitions.used, *heads[0].inputs}
    try:
        pattern = _pattern(chains, outputs)
        solver = _Solver([writer.units.calls.named for writer in writers], {*used, *heads[0].variables})
        body = solver.filled(pattern)
        cut = len(body.items) - len(outputs[0])
        layers, further = Chain(body.items[:cut]), list(body.items[cut:])
        columns = solver.variables
    except Different:  # each has a body of its own, and a variable says which
        own = [names.module(f"{member}_layers", used) for member in members]
        modules += [Module(of, (), repeated(chain)) for of, chain in zip(own, chains, strict=True)]
        net = names.argument("net", used)
        layers, further = Chain((Item("net", Variable(net)),)), outputs[0]
        columns = {net: tuple([Variable(of) for of in own])}
    for variable in dict.fromkeys(of for head in heads for of in head.variables):
        columns[variable] = tuple([head.variables.get(variable, ABSENT) for head in heads])
    variables, variants = _settings(columns, members)
    parts = Parts(name, heads[0].inputs, variables, modules, repeated(layers), further, variants)
    bodies_of_text = [*[module.body for module in modules], layers, *[item.term for item in further]]
    return written(parts, majority(bodies_of_text, columns)), renamed


def _pattern(chains: list[Chain], outputs: list[list[Item]]) -> Chain:
    """What all networks have in common, further outputs last.

    Raises:
        Different: that is not one body.
    """
    if len({tuple([item.name for item in of]) for of in outputs}) > 1:
        raise Different
    whole = [Chain((*chain.items, *of)) for chain, of in zip(chains, outputs, strict=True)]
    found: Chain = unify(whole, of_networks=True)
    return found


def _settings(columns: dict[str, Any], members: list[str]) -> tuple[dict[str, Any], dict[str, dict[str, Any]]]:
    """Values that most networks have, and those of each that has another."""
    variables: dict[str, Any] = {}
    variants: dict[str, dict[str, Any]] = {member: {} for member in members}
    for variable, column in columns.items():
        common, count = Counter(value for value in column if value is not ABSENT).most_common(1)[0]
        if count > 1:
            variables[variable] = common
        for member, value in zip(members, column, strict=True):
            if value is not ABSENT and (count == 1 or value != common):
                variants[member][variable] = value
    return variables, variants


class _Solver:
    """Fills the holes of the pattern of whole networks with variables."""

    def __init__(self, named: list[dict[str, Any]], used: set[str]) -> None:
        self.used = used
        self.given: dict[str, tuple[Any, ...]] = {}
        for name in named[0]:
            column = tuple([_number(of.get(name)) for of in named])
            if len(set(column)) > 1 and None not in column:
                self.given[name] = column
        self.variables: dict[str, tuple[Any, ...]] = {}
        self.solutions: dict[Any, Any] = {}
        self.blocks: dict[str, tuple[Any, ...]] = {}

    def filled(self, pattern: Any) -> Any:
        """The pattern with variables."""
        holes = list(dict.fromkeys(part for part in walk(pattern) if type(part) in (Hole, Presence)))
        self.solve(holes)

        def fill(term: Any) -> Any:
            if type(term) in (Hole, Presence):
                return self.solutions[term]
            return mapped(term, fill)

        return fill(pattern)

    def solve(self, holes: list[Any]) -> None:
        """A variable for each column; several of one kind are one list."""
        kinds: dict[str, list[tuple[Any, ...]]] = {}
        waiting: list[tuple[Any, str, tuple[Any, ...]]] = []
        for hole in holes:
            if type(hole) is Presence:
                column = tuple([value is True for value in hole.column])
                argument = "with_part"
            else:
                present = next(value for value in hole.column if value is not ABSENT)
                column = tuple([present if value is ABSENT else value for value in hole.column])
                argument = hole.of[1]
            found = next(self.known(column, hole.column if type(hole) is Hole else column), None)
            if found is not None:
                self.solutions[hole] = found
                continue
            columns = kinds.setdefault(argument, [])
            if argument in SIZES and any(multiple(column, other, Variable("")) for other in columns):
                base = next(at for at, other in enumerate(columns) if multiple(column, other, Variable("")))
                waiting.append((hole, f"{argument}*{base}", column))
                continue
            if column not in columns:
                columns.append(column)
            waiting.append((hole, argument, column))
        said: dict[tuple[str, int], Variable] = {}
        for argument, columns in kinds.items():
            if len(columns) == 1:
                word = {"count": "depth", "times": "depth"}.get(argument, argument)
                name = names.argument(word, self.used)
                self.variables[name] = tuple([_as_value(value) for value in columns[0]])
                said[argument, 0] = Variable(name)
            else:
                name = names.argument(PLURAL.get(argument, f"{argument}s"), self.used)
                rows = zip(*columns, strict=True)
                self.variables[name] = tuple([Listed(tuple([_as_value(value) for value in row])) for row in rows])
                for at in range(len(columns)):
                    said[argument, at] = Variable(f"{name}[{at}]")
        for hole, argument, column in waiting:
            kind, _, of = argument.partition("*")
            if of:
                self.solutions[hole] = multiple(column, kinds[kind][int(of)], said[kind, int(of)])
            else:
                self.solutions[hole] = said[kind, kinds[kind].index(column)]

    def known(self, column: tuple[Any, ...], wanted: tuple[Any, ...]) -> Iterator[Any]:
        """What the constructors of the networks tell: an argument, or the rounded multiple of a factor."""
        for name, values in self.given.items():
            if fits(wanted, values) and type(column[0]) is type(values[0]) is int and column[0] > 1:
                yield self.variable(name)
        if not all(type(value) is int for value in column):
            return
        for name, values in self.given.items():
            if not is_factor(name) or any(value <= 0 for value in values):
                continue
            bases = {round(Fraction(size) / factor) for size, factor in zip(column, values, strict=True)}
            for base in sorted({base + near for base in bases for near in range(-8, 9)}, key=lambda of: (of % 8, of)):
                if base > 0 and fits(wanted, [make_divisible(times(base, factor), DIVISOR) for factor in values]):
                    product = Arithmetic("*", base, self.variable(name))
                    yield Function("make_divisible", (product, DIVISOR))
                if base > 0 and fits(
                    wanted, [make_divisible(times(base, max(1, factor)), DIVISOR) for factor in values]
                ):
                    largest = Function("max", (1, self.variable(name)))
                    yield Function("make_divisible", (Arithmetic("*", base, largest), DIVISOR))

    def variable(self, name: str) -> Variable:
        """The variable of an argument of the networks' constructors."""
        for known, column in self.variables.items():
            if column == self.given[name]:
                return Variable(known)
        new = names.argument(name, self.used)
        self.variables[new] = self.given[name]
        return Variable(new)


def _number(value: Any) -> Any:
    if isinstance(value, float):
        return int(value) if value.is_integer() else Fraction(str(value))
    return value if isinstance(value, (int, Fraction)) and not isinstance(value, bool) else None


def _as_value(value: Any) -> Any:
    """A value as a variable holds it: a module by its name."""
    return Variable(value) if isinstance(value, str) else value

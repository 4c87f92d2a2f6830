"""A network whose costs are functions of what a reader may still choose: what a page recomputes."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction
from typing import NamedTuple, TypeAlias

from archcalc.dims import Assumption, Dim
from archcalc.results.cost import LayerCost, NetworkCost
from archcalc.results.explanation import Rule
from archcalc.results.structure import Structure

BATCH = "batch"


class Free(NamedTuple):
    """A variable that stays free: a whole number of units, from `least` on."""

    name: str
    unit: Fraction
    least: int
    number: int  # of units in the network as it is

    @property
    def value(self) -> Fraction:
        """What the variable is in the network as it is."""
        return self.unit * self.number


class Fixed(NamedTuple):
    """A variable that cannot stay free, and why."""

    name: str
    value: str
    reason: str


class LiveOperation(NamedTuple):
    """Why an operation costs what it costs: rules in symbols, and what symbols and results are.

    `given` holds what each symbol stands for, `results` what each rule gives, in the order of `rules`; a text where a
    rule gives no number.
    """

    name: str
    summary: str
    x: tuple[tuple[Dim, ...], ...]  # the shapes that it reads, channels first
    y: tuple[Dim, ...]
    rules: tuple[Rule, ...]
    given: Mapping[str, Dim]
    results: tuple[Dim | str, ...]
    assumptions: tuple[str, ...]
    source: str
    remark: str


Texts: TypeAlias = "tuple[str | Dim, ...]"
"""A text with numbers in it: texts and numbers in turn."""


class LiveArgument(NamedTuple):
    """An argument of an operator; it is not written where it has its default."""

    name: str  # empty where it stands by position
    text: Texts
    default: int | None  # where the argument is a number that has one


class LiveNotation(NamedTuple):
    """An operator as a spec would write it."""

    operator: str
    arguments: tuple[LiveArgument, ...]
    ending: Texts


class Refusal(NamedTuple):
    """What the engine says where an assumption does not hold, and the first layer of which it is said."""

    layer: str
    sentence: Texts


class LiveLayer(NamedTuple):
    """A layer; its numbers are polynomials in the free variables."""

    layer: LayerCost  # as the network is
    notation: LiveNotation
    x: tuple[Dim, ...]  # channels first
    y: tuple[Dim, ...]
    amounts: Mapping[str, Dim]
    operations: tuple[LiveOperation, ...]
    field_by: frozenset[str]  # variables that the local receptive field may depend on


@dataclass(slots=True)
class Live:
    """A network with free variables, `batch` among them."""

    cost: NetworkCost
    free: tuple[Free, ...]
    fixed: tuple[Fixed, ...]
    quantities: tuple[str, ...]  # that layers and totals have amounts of
    assumptions: tuple[Assumption, ...]  # where one does not hold, the engine refuses the network
    layers: list[LiveLayer]
    totals: Mapping[str, Dim]
    structure: Structure  # with its graph, in the free variables
    refusals: Mapping[Assumption, Refusal]
    of_operations: Mapping[str, Sequence[Dim]]  # MACs and parameters of each operation of the graph, times the batch

    @property
    def point(self) -> dict[str, int]:
        """Numbers of units in the network as it is."""
        return {of.name: of.number for of in self.free}

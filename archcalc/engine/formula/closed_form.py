"""One quantity of a network as a polynomial in what stays free, with the values that it holds for."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction
from itertools import count
from typing import Any

from archcalc.dims import Assumption, Dim, Polynomial, evaluate, substitute, variable
from archcalc.engine.cost.quantities import quantity
from archcalc.engine.formula.ranges import ranges_of
from archcalc.engine.memory.form import ON_A_MACHINE, on_a_machine
from archcalc.engine.network import AnyNetwork, Network, load
from archcalc.graph import Graph
from archcalc.results.formula import Counter, numbers_at


@dataclass(frozen=True, eq=False, slots=True)
class ClosedForm:
    """What a network costs as a function of its free variables: `form(resolution=256)` is the exact integer.

    As text it is the polynomial alone, `str(form)`; `repr(form)` and LaTeX say for which values it holds. It equals
    the number, the polynomial or the closed form that is the same in the same variables.
    """

    network: str
    quantity: str
    number: Dim  # in the variables; where one has a unit, in the letter that counts it
    counters: tuple[Counter, ...]
    assumptions: tuple[Assumption, ...]  # besides those that the counters say

    def __call__(self, /, **values: Fraction | float) -> int:
        """The exact number at values of all its variables.

        Raises:
            TypeError: a variable has no value, or there is no such variable.
            ValueError: the form does not hold there.
        """
        return evaluate(self.number, numbers_at(self.counters, self.assumptions, values))

    @property
    def variables(self) -> tuple[str, ...]:
        """What it is a function of."""
        return tuple(counter.variable for counter in self.counters)

    @property
    def conditions(self) -> tuple[str, ...]:
        """For which values it holds, in words."""
        return (*(counter.condition for counter in self.counters), *(assumed.text for assumed in self.assumptions))

    def __str__(self) -> str:
        return str(self.number)

    def __repr__(self) -> str:
        ending = f" for {', '.join(self.conditions)}" if self.counters else ""
        return f"{self.quantity} of {self.network}: {self.number}{ending}"

    def _repr_latex_(self) -> str:
        """What a notebook shows."""
        from archcalc.engine.formula.symbolic import to_latex

        conditions = _escaped(", ".join(self.conditions))
        ending = rf" \quad \text{{for {conditions}}}" if conditions else ""
        return rf"$\displaystyle {to_latex(self.number)}{ending}$"

    def __eq__(self, other: object) -> bool:
        if isinstance(other, ClosedForm):
            of, its = (self.number, self.counters, self.assumptions), (other.number, other.counters, other.assumptions)
            return of == its
        return isinstance(other, (int, Polynomial)) and self.number == other

    def __hash__(self) -> int:
        return hash(self.number)


def closed_form(
    network: AnyNetwork,
    free: Sequence[str] | Mapping[str, Fraction | int],
    name: str = "macs",
    set: Mapping[str, Any] | None = None,
    with_heads: bool = False,
) -> ClosedForm:
    """A quantity of a network as a polynomial in variables of its spec, exact wherever it holds.

    What the expansion took for granted stays with it: called with values for which the network is another one, or
    none, it raises.

    Args:
        network: a name, a file, or what `load` gave.
        free: the variables; or each with the unit that it is a multiple of.
        name: what is counted, of `quantities.ADDITIVE` or `form.ON_A_MACHINE`, these of one example at fp32.
        set: values of other variables.
        with_heads: count train-only heads too.

    Raises:
        SpecError: a variable is unknown, or decides the structure and cannot stay free.
        KeyError: no such quantity.
    """
    network = load(network)
    units = {of: Fraction(free[of] if isinstance(free, Mapping) else 1) for of in free}
    graph = network.graph(set, free=units, with_heads=with_heads)
    if name in ON_A_MACHINE:
        number = on_a_machine(network.spec, graph, name, 1, with_heads=with_heads, is_as_written=not (set or units))
    else:
        number = quantity(graph, name, with_heads)
    return form_of(network, graph, units, name, number)


def form_of(network: Network, graph: Graph, units: Mapping[str, Fraction | int], name: str, number: Dim) -> ClosedForm:
    """A number of a graph that was expanded with variables free, each in multiples of a unit, as a closed form."""
    least = {of: network.least(of) for of in units}
    ranges, others = ranges_of(least, graph.assumptions)
    free_letters = (letter for letter in letters() if letter not in units)
    named = {of: of if unit == 1 else next(free_letters) for of, unit in units.items()}
    counters = tuple(
        Counter(of, named[of], Fraction(unit), Fraction(0), *ranges[of], declared=least[of])
        for of, unit in units.items()
    )
    renamed: dict[str, Dim] = {of: variable(to, ranges[of].least) for of, to in named.items() if to != of}
    if renamed:
        number = substitute(number, renamed)
        others = [of._replace(a=substitute(of.a, renamed), b=substitute(of.b, renamed)) for of in others]
    return ClosedForm(network.name, name, number, counters, tuple(others))


def letters() -> Iterator[str]:
    """Names for what is counted in place of a variable."""
    yield from ("n", "m", "k", "p", "q")
    yield from (f"n{number}" for number in count(1))


def _escaped(text: str) -> str:
    return "".join(rf"\{character}" if character in r"_%&#$" else character for character in text)

"""Which variables of a spec can stay free together, each in which unit."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from fractions import Fraction
from typing import Any

from archcalc.dims.atoms import Choice, Variable
from archcalc.engine.cost.quantities import quantity
from archcalc.engine.inputs import Given
from archcalc.engine.network import Network
from archcalc.graph import Graph
from archcalc.results.formula import is_met
from archcalc.results.live import Fixed, Free
from archcalc.results.structure import Structure
from archcalc.source import SpecError
from archcalc.spec.expression import Name
from archcalc.spec.limits import Limits
from archcalc.spec.values import LayerValue

FIRST = ("resolution", "length", "width")  # of several that exclude each other, these stay free
SHARES = (Fraction(1, 20), Fraction(1, 8), Fraction(1, 4), Fraction(1, 2))  # tried as the unit of a factor that is 1


class Search:
    """Which variables of a spec can stay free together, each in which unit."""

    def __init__(
        self, network: Network, set: Mapping[str, Any], input: Given, limits: Limits, with_heads: bool
    ) -> None:
        self.network, self.set, self.input, self.limits, self.with_heads = network, set, input, limits, with_heads

    def free(self) -> tuple[tuple[Free, ...], Graph, list[Fixed]]:
        """Those that stay free, the graph in them, and the others with the reasons."""
        found: dict[str, Free] = {}
        fixed: list[Fixed] = []
        graph: Graph | None = None
        settable = self.network.spec.settable
        for name in [*(name for name in FIRST if name in settable), *(name for name in settable if name not in FIRST)]:
            value = self.value(name)
            if value is None:
                continue
            reason = ""
            for unit in _units(value):
                tried = Free(name, unit, self.network.least(name), _number(value, unit))
                try:
                    expanded = self.graph({**found, name: tried})
                except SpecError as error:
                    reason = error.diagnostics[0].message
                    continue
                if unit.denominator > 1 and value == 1 and name not in _counted_with(expanded):
                    continue  # it is compared, no factor
                reason = self.refused(expanded, {**found, name: tried})
                if not reason:
                    found[name], graph = tried, expanded
                    break
            if reason:
                reason = reason.removeprefix(f"the variable `{name}` is ").strip()
                fixed.append(Fixed(name, _told(value), self.beside(name, value, found, reason)))
        return tuple(found.values()), self.graph(found) if graph is None else graph, fixed

    def graph(self, free: Mapping[str, Free]) -> Graph:
        """The network with variables left free."""
        units = {name: of.unit for name, of in free.items()}
        return self.network.graph(self.set, self.input, units, self.limits, self.with_heads)

    def structure(self, free: Iterable[Free]) -> Structure:
        """The same as it was put together."""
        units = {of.name: of.unit for of in free if of.name in self.network.spec.settable}
        return self.network.structure(self.set, self.input, self.limits, self.with_heads, units)

    def value(self, name: str) -> Any:
        """What a variable is, where that can be told in a word; None: it has no value."""
        try:
            value = self.network.value(name, self.set)
        except SpecError:
            return None
        if hasattr(value, "connected"):
            return f"a table of {value.inputs} x {value.outputs}"
        return value if isinstance(value, int | Fraction | str | tuple | LayerValue) else None

    def refused(self, graph: Graph, free: Mapping[str, Free]) -> str:
        """What was assumed of free variables that does not hold at their own values."""
        numbers = {name: of.number for name, of in free.items()}
        for assumed in graph.assumptions:
            if not is_met(assumed, numbers):
                if assumed.relation == "!=":
                    return f"it decides the structure: its formula is that of a network in which {assumed.text}"
                return f"its formula holds where {assumed.text}, which is not so here"
        return ""

    def beside(self, name: str, value: Any, found: Mapping[str, Free], reason: str) -> str:
        """A reason, and whether it is one only because other variables are free too."""
        if found and isinstance(value, int | Fraction) and not isinstance(value, bool):
            alone = {name: Free(name, _units(value)[-1], self.network.least(name), _number(value, _units(value)[-1]))}
            try:
                if not self.refused(self.graph(alone), alone):
                    return f"{reason} (while {', '.join(found)} are free too)"
            except SpecError:
                pass
        return reason


def _units(value: Any) -> tuple[Fraction, ...]:
    """Units that a variable may be a multiple of; a factor that is 1 is tried in shares of 1 first."""
    if isinstance(value, Fraction):
        return (
            (Fraction(1, 20), Fraction(1, value.denominator))
            if 20 % value.denominator == 0
            else (Fraction(1, value.denominator),)
        )
    return (*SHARES, Fraction(1)) if value == 1 and not isinstance(value, bool) else (Fraction(1),)


def _number(value: Any, unit: Fraction) -> int:
    return int(value / unit) if isinstance(value, int | Fraction) else 0


def _told(value: Any) -> str:
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, LayerValue):
        expression = value.placed.expression
        return expression.id if isinstance(expression, Name) else "layers"
    return f"[{', '.join(map(_told, value))}]" if isinstance(value, tuple) else str(value)


def _counted_with(graph: Graph) -> set[str]:
    """Variables that MACs or parameters have as factors, and not in comparisons alone."""
    found: set[str] = set()
    waiting = [quantity(graph, name) for name in ("macs", "params")]
    seen: set[int] = set()
    while waiting:
        x = waiting.pop()
        for atom in () if isinstance(x, int) else {atom for monomial in x.terms for atom, _ in monomial}:
            if isinstance(atom, Variable):
                found.add(atom.name)
            elif id(atom) not in seen:
                seen.add(id(atom))
                waiting += (atom.a, atom.b) if isinstance(atom, Choice) else atom.parts
    return found

"""Which variables of a spec can stay free together, each in which unit."""

from __future__ import annotations

import re
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

    def free(self) -> tuple[tuple[Free, ...], Structure, list[Fixed]]:
        """Those that stay free, the network put together in them, and the others with the reasons.

        Each stays free that can beside those before it. Most can all together, which one expansion shows: it is looked
        for first, and each of the others is tried beside those alone.
        """
        names = self.in_order()
        known, structure = self.together(names)
        found, fixed = self.beside_each(names, known)
        if found != known:
            structure, reason = self.put_together(found)
            if reason:  # another can stay free beside those before it, but not beside all of these
                found, fixed = self.beside_each(names, {})
                structure, _ = self.put_together(found)
        return tuple(found.values()), self.structure(found.values()) if structure is None else structure, fixed

    def in_order(self) -> dict[str, Any]:
        """The variables with their values, those first that stay free where several exclude each other."""
        settable = self.network.spec.settable
        names = [*(name for name in FIRST if name in settable), *(name for name in settable if name not in FIRST)]
        return {name: value for name in names if (value := self.value(name)) is not None}

    def together(self, values: Mapping[str, Any]) -> tuple[dict[str, Free], Structure | None]:
        """Those that take whole numbers, less one after the other that does not stay free; and what is put together."""
        free = {name: self.tried(name, value, _units(value)[0]) for name, value in values.items() if _is_whole(value)}
        while free:
            structure, reason = self.put_together(free)
            if not reason:
                return free, structure
            named = [name for name in free if re.search(rf"\b{name}\b", reason)]
            del free[named[0] if len(named) == 1 else self.first_refused(free)]
        return {}, None

    def first_refused(self, free: Mapping[str, Free]) -> str:
        """The first that does not stay free beside those before it; all together do not."""
        names = list(free)
        least, most = 0, len(names)  # so many stay free; so many do not
        while most - least > 1:
            middle = (least + most) // 2
            if self.expanded({name: free[name] for name in names[:middle]})[1]:
                most = middle
            else:
                least = middle
        return names[most - 1]

    def beside_each(self, values: Mapping[str, Any], known: Mapping[str, Free]) -> tuple[dict[str, Free], list[Fixed]]:
        """Each of the variables beside those before it that stay free, of which some are known to."""
        found: dict[str, Free] = {}
        fixed: list[Fixed] = []
        for name, value in values.items():
            if name in known:
                found[name] = known[name]
                continue
            reason = ""
            for unit in _units(value):
                tried = self.tried(name, value, unit)
                graph, why = self.expanded({**found, name: tried})
                if graph is not None and unit.denominator > 1 and value == 1 and name not in _counted_with(graph):
                    continue  # it is compared, no factor
                reason = why
                if not reason:
                    found[name] = tried
                    break
            if reason:
                reason = reason.removeprefix(f"the variable `{name}` is ").strip()
                fixed.append(Fixed(name, _told(value), self.beside(name, value, found, reason)))
        return found, fixed

    def expanded(self, free: Mapping[str, Free]) -> tuple[Graph | None, str]:
        """The network with variables left free, or why they do not stay free together."""
        try:
            graph = self.network.graph(self.set, self.input, _units_of(free.values()), self.limits, self.with_heads)
        except SpecError as error:
            return None, error.diagnostics[0].message
        return graph, self.refused(graph, free)

    def put_together(self, free: Mapping[str, Free]) -> tuple[Structure | None, str]:
        """The same as it was put together."""
        try:
            structure = self.structure(free.values())
        except SpecError as error:
            return None, error.diagnostics[0].message
        return structure, self.refused(structure.graph, free)

    def tried(self, name: str, value: Any, unit: Fraction) -> Free:
        """A variable as it would be free."""
        return Free(name, unit, self.network.least(name), _number(value, unit))

    def structure(self, free: Iterable[Free]) -> Structure:
        """How the network is put together, with variables left free."""
        return self.network.structure(self.set, self.input, self.limits, self.with_heads, _units_of(free))

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
        is_number = isinstance(value, int | Fraction) and not isinstance(value, bool)
        if found and is_number and not self.expanded({name: self.tried(name, value, _units(value)[-1])})[1]:
            return f"{reason} (while {', '.join(found)} are free too)"
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


def _units_of(free: Iterable[Free]) -> dict[str, Fraction]:
    return {of.name: of.unit for of in free}


def _is_whole(value: Any) -> bool:
    """Whether it takes whole numbers, and is not tried in shares of them."""
    return isinstance(value, int) and not isinstance(value, bool) and len(_units(value)) == 1


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

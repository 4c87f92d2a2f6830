"""Closed forms of a network, for every value of what stays free and, without floors, for every so many.

Sizes are floors of the input size. Where the size is a multiple of the network's total stride, plus what is left over
at the spec's own size, each floor is a polynomial: the least such step is found by substituting. What the expansion
took for granted becomes the least value and the remainders at which the form holds.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from fractions import Fraction
from math import lcm
from typing import Any, TypeAlias

from archcalc.dims import Assumption, Dim, Polynomial, substitute, variable
from archcalc.dims import total as sum_of
from archcalc.dims.atoms import Atom, NamedSum, Quotient, Variable, atoms_inside
from archcalc.dims.polynomial import single
from archcalc.engine.cost.costs import cost_of
from archcalc.engine.cost.quantities import ADDITIVE, TIMES_BATCH, instead_of, parts, quantity
from archcalc.engine.explain import MismatchError
from archcalc.engine.formula.closed_form import letters
from archcalc.engine.formula.ranges import Range, decided_by, holds, period_of, ranges_of
from archcalc.engine.formula.squares import squared
from archcalc.engine.memory.form import ON_A_MACHINE, on_a_machine
from archcalc.engine.network import AnyNetwork, Network, check_variable, load
from archcalc.graph import Graph
from archcalc.results.formula import By, Counter, Forms, Formulas
from archcalc.source import Diagnostic, SpecError, suggest

BATCH = "batch"
MOST_STEP = 10_000  # a form that holds for every so many is no help where they are further apart

Rows: TypeAlias = "Mapping[str, Mapping[str, Dim]]"


def formulas(
    network: AnyNetwork,
    free: Sequence[str] | Mapping[str, Fraction | int | None] | None = None,
    quantities: Sequence[str] = ("macs", "params"),
    by: By = "total",
    set: Mapping[str, Any] | None = None,
    with_heads: bool = False,
) -> Formulas:
    """What a network costs as a function of some variables, exact at all their values.

    Args:
        network: a name, a file, or what `load` gave.
        free: the variables, `batch` among them; or each with the unit that it is a multiple of (None: 1, or what its
            own value needs). Without: `resolution`, or every number of the spec that can stay free.
        quantities: what is counted, of `quantities.ADDITIVE`.
        by: what a row is.
        set: values of variables. That of a free one decides which remainder the simple form is for.
        with_heads: count train-only heads too.

    Raises:
        SpecError: an unknown network, variable or quantity; or a variable that decides the structure.
        MismatchError: a formula and the integer engine disagree: an error of archcalc.
    """
    network = load(network)
    names = list(dict.fromkeys(quantities))
    for name in names:
        _check_quantity(name)
    given = _default_free(network, set) if free is None else free
    wanted = dict(given) if isinstance(given, Mapping) else dict.fromkeys(given)
    for name in wanted:
        _check_free(network, name)
    point = {name: value for name in wanted if (value := _own_value(network, name, set)) is not None}
    units = {name: _unit(unit, point.get(name)) for name, unit in wanted.items()}
    graph = network.graph(
        set, free={name: unit for name, unit in units.items() if _is_of_spec(network, name)}, with_heads=with_heads
    )
    times = variable(BATCH) if BATCH in units and not _is_of_spec(network, BATCH) else 1
    rows = _counted(network, graph, names, by, with_heads, times, not set)
    least = {name: network.least(name) if _is_of_spec(network, name) else 1 for name in units}
    ranges, others = ranges_of(least, graph.assumptions)
    numbers = {name: value / units[name] for name, value in point.items()}
    ones, none = dict.fromkeys(units, 1), dict.fromkeys(units, 0)
    exact = _form(rows, others, units, least, ranges, ones, none)
    if exact is None:
        raise SpecError([Diagnostic("no-value", f"no value of {', '.join(units)} is one that {network.name} takes")])
    steps = _steps(rows, graph.assumptions, ranges, numbers)
    offsets = {name: offset_of(numbers.get(name), step) for name, step in steps.items()}
    is_simpler = steps != ones and (_is_rounded(rows) or any(counter.period > 1 for counter in exact.counters))
    simple = _form(rows, others, units, least, ranges, steps, offsets) if is_simpler else None
    is_complete = len(point) == len(units) and all(number.denominator == 1 for number in numbers.values())
    refusal = _refusal(exact, point) if is_complete else ""
    if simple is not None and is_complete and not refusal and _refusal(simple, point):
        simple = None
    found = Formulas(
        name=network.name,
        title=network.title,
        by=by,
        quantities=tuple(names),
        exact=exact,
        simple=simple or exact,
        point=point if is_complete else {},
        costs=_costs(network, point, names, by, set, with_heads) if is_complete else {},
        refusal=refusal,
        settings={name: str(value) for name, value in (set or {}).items() if name not in units},
        with_heads=with_heads,
        unknown=tuple(_unknown(graph, with_heads)),
    )
    _check(found)
    return found


# what is asked for


def _check_quantity(name: str) -> None:
    known = (*ADDITIVE, *ON_A_MACHINE)
    if name not in known:
        message = f"no closed form is of `{name}`"
        raise SpecError([Diagnostic("unknown-quantity", message, help=instead_of(name, known))])


def _check_free(network: Network, name: str) -> None:
    if name == BATCH:
        return
    if name not in network.spec.settable and suggest(name, [*network.spec.settable, BATCH]) == BATCH:
        help = f"did you mean `{BATCH}`?"
        raise SpecError([Diagnostic("unknown-variable", f"{network.name} has no variable `{name}`", help=help)])
    check_variable(network.spec, name)


def _is_of_spec(network: Network, name: str) -> bool:
    return name != BATCH or BATCH in network.spec.settable


def _own_value(network: Network, name: str, set: Mapping[str, Any] | None) -> Fraction | None:
    """What the network's own value of a variable is, where that is a number."""
    value = network.value(name, set) if _is_of_spec(network, name) else 1
    return Fraction(value) if isinstance(value, (int, Fraction)) and not isinstance(value, bool) else None


def _unit(unit: Fraction | int | None, value: Fraction | None) -> Fraction:
    if unit is None:
        return Fraction(1, value.denominator) if value is not None else Fraction(1)
    if unit <= 0:
        raise SpecError([Diagnostic("bad-unit", f"a unit is above 0, not {unit}", help="--free width=1/4")])
    return Fraction(unit)


def _default_free(network: Network, set: Mapping[str, Any] | None) -> list[str]:
    """The resolution; where there is none, the numbers that decide nothing but sizes."""
    if "resolution" in network.spec.settable and _own_value(network, "resolution", set) is not None:
        return ["resolution"]
    found: dict[str, Fraction] = {}
    for name in network.spec.settable:
        value = _own_value(network, name, set)
        if value is not None:
            tried = found | {name: _unit(None, value)}
            try:
                graph = network.graph(set, free=tried, with_heads=False)
            except SpecError:
                continue
            found = tried if _has_sizes_alone(graph) else found
    return list(found)


def _has_sizes_alone(graph: Graph) -> bool:
    """Whether macs and params consist of variables and of sizes that are rounded, without any choice."""
    return all(
        isinstance(atom, Variable | NamedSum) or (isinstance(atom, Quotient) and isinstance(atom.divisor, int))
        for name in ("macs", "params")
        for atom in atoms_inside(quantity(graph, name))
    )


# what is counted


def _counted(
    network: Network, graph: Graph, names: Sequence[str], by: By, with_heads: bool, times: Dim, is_as_written: bool
) -> dict[str, dict[str, Dim]]:
    last = len(graph.nodes) if with_heads else graph.first_head
    groups: dict[str, list[int]] = {}
    for index, node in enumerate(graph.nodes[:last]):
        groups.setdefault("" if by == "total" else node.stage if by == "stage" else node.layer, []).append(index)

    def of(name: str, indices: list[int]) -> Dim:
        if name not in ON_A_MACHINE:
            return _in_batch(graph, name, indices, times)
        part = None if by == "total" else indices
        found = on_a_machine(network.spec, graph, name, times, "fp32", with_heads, is_as_written, within=part)
        return squared(found)

    return {row: {name: of(name, indices) for name in names} for row, indices in groups.items()}


def _in_batch(graph: Graph, name: str, indices: list[int], times: Dim) -> Dim:
    """Of so many examples; what reads nothing gives the same to all of them."""
    one = _quantity(graph, name, indices)
    if name == "activations":
        alike = [index for index in indices if not graph.nodes[index].inputs]
        return one * times - (_quantity(graph, name, alike) * (times - 1) if alike else 0)
    return one * times if name in TIMES_BATCH else one


def _quantity(graph: Graph, name: str, indices: Sequence[int]) -> Dim:
    """The sum over operations, each as the square that it is where a map is square."""
    return sum_of(squared(part) for part in parts(graph, name, indices))


def _unknown(graph: Graph, with_heads: bool) -> Iterator[str]:
    for layer, indices in graph.layers(with_heads):
        nodes = [graph.nodes[index] for index in indices]
        if any(not cost_of(node.operator, node.x, node.y).arithmetic.known for node in nodes):
            yield layer


def _costs(
    network: Network,
    point: Mapping[str, Fraction],
    names: Sequence[str],
    by: By,
    set: Mapping[str, Any] | None,
    with_heads: bool,
) -> dict[str, dict[str, int]]:
    own = {name: value for name, value in point.items() if _is_of_spec(network, name)}
    graph = network.graph({**(set or {}), **own}, with_heads=with_heads)
    found: Any = _counted(network, graph, names, by, with_heads, 1, not (set or own))
    return dict(found)


def _refusal(form: Forms, point: Mapping[str, Fraction]) -> str:
    """Why a form does not hold at the spec's own values; "" where it does."""
    try:
        form.numbers(point)
    except ValueError as error:
        return str(error)
    return ""


def _check(found: Formulas) -> None:
    if found.refusal:
        return
    for form in (found.exact, found.simple):
        for row, costs in found.costs.items():
            for name, cost in costs.items():
                number = form.evaluate(row, name, found.point)
                if number != cost:
                    what = f"{name} of {row or found.name}"
                    raise MismatchError(f"{what}: the closed form gives {number:,}, the engine {cost:,}")


# forms


def _form(
    rows: Rows,
    assumptions: Sequence[Assumption],
    units: Mapping[str, Fraction],
    least: Mapping[str, int],
    ranges: Mapping[str, Range],
    steps: Mapping[str, int],
    offsets: Mapping[str, int],
) -> Forms | None:
    """The form for so many units of each variable and so many more; None where the network takes none of them."""
    free_letters = (letter for letter in letters() if letter not in units)
    counters: list[Counter] = []
    values: dict[str, Dim] = {}
    for name, unit in units.items():
        step, offset = steps[name], offsets[name]
        along = ranges[name].along(step, offset)
        if along is None:
            return None
        letter = name if unit * step == 1 and not offset else next(free_letters)
        counters.append(Counter(name, letter, unit * step, unit * offset, *along, declared=least[name]))
        if (letter, step) != (name, 1):
            values[name] = step * variable(letter, along.least) + offset
    if not values:
        return Forms(tuple(counters), rows, tuple(assumptions))
    left = [assumed for assumed in assumptions if not holds(assumed, values)]
    return Forms(
        tuple(counters),
        {row: {name: substitute(x, values) for name, x in costs.items()} for row, costs in rows.items()},
        tuple(assumed._replace(a=substitute(assumed.a, values), b=substitute(assumed.b, values)) for assumed in left),
    )


def _steps(
    rows: Rows, assumptions: Iterable[Assumption], ranges: Mapping[str, Range], numbers: Mapping[str, Fraction]
) -> dict[str, int]:
    """The least numbers of units at whose multiples no floor is left that need not be; 1 where none can be taken away.

    Which numbers do is known from the divisors, up to a factor; substituting tells which of them are least.
    """
    sizes = [x for costs in rows.values() for x in costs.values()]
    sizes += [x for assumed in assumptions if assumed.relation != ">=" for x in decided_by(assumed)]
    floors = {
        atom
        for x in sizes
        if isinstance(x, Polynomial)
        for atom in atoms_inside(x)
        if not isinstance(atom, Variable | NamedSum)
    }
    steps = dict.fromkeys(ranges, 1)
    for atom in floors:
        for name in single(atom).variables():
            steps[name] = lcm(steps[name], period_of(single(atom)))

    def reduces(atom: Atom, steps: Mapping[str, int]) -> bool:
        names = single(atom).variables()
        values: dict[str, Dim] = {}
        for name in names:
            offset = offset_of(numbers.get(name), steps[name])
            along = ranges[name].along(steps[name], offset)
            if along is None:
                return False
            values[name] = steps[name] * variable(name, along.least) + offset
        return all(isinstance(inner, Variable | NamedSum) for inner in atoms_inside(substitute(single(atom), values)))

    reducible = [atom for atom in floors if reduces(atom, steps)]
    for name, step in steps.items():
        for prime in _primes(step):
            while steps[name] % prime == 0:
                smaller = {**steps, name: steps[name] // prime}
                if not all(reduces(atom, smaller) for atom in reducible if name in single(atom).variables()):
                    break
                steps = smaller
    return steps if max(steps.values(), default=1) <= MOST_STEP else dict.fromkeys(steps, 1)


def _is_rounded(rows: Rows) -> bool:
    """Whether a cost has a floor; where none has, and every value is taken, a step would only rename a variable."""
    return any(
        not isinstance(atom, Variable | NamedSum)
        for costs in rows.values()
        for x in costs.values()
        if isinstance(x, Polynomial)
        for atom in atoms_inside(x)
    )


def offset_of(number: Fraction | None, step: int) -> int:
    """What the network's own number of units leaves, so that the form holds there."""
    return int(number % step) if number is not None and number.denominator == 1 else 0


def _primes(number: int) -> list[int]:
    found = []
    prime = 2
    while prime * prime <= number:
        if number % prime == 0:
            found.append(prime)
            while number % prime == 0:
                number //= prime
        prime += 1
    return [*found, number] if number > 1 else found

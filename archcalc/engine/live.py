"""A network with every variable left free that can be: each layer's costs, shapes and rules as closed forms."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from fractions import Fraction
from typing import Any

from archcalc.dims import (
    Dim,
    Polynomial,
    RequirementError,
    collecting_assumptions,
    evaluate,
    variable,
)
from archcalc.dims import total as sum_of
from archcalc.dims.atoms import Choice, Variable
from archcalc.engine.cost.costs import cost_of
from archcalc.engine.cost.quantities import TIMES_BATCH, parts, quantity
from archcalc.engine.cost.traffic import TRAFFIC, traffic, traffic_forms
from archcalc.engine.explain import (
    AXES,
    ELEMENTARY,
    STORED,
    MismatchError,
    documentation,
    remark_of,
    ruled,
    symbols,
)
from archcalc.engine.following import Marked, each_operation, field_variables, refusals
from archcalc.engine.inputs import Given, input_settings, input_shapes
from archcalc.engine.network import AnyNetwork, Network, analyze, load
from archcalc.graph import Graph, Node
from archcalc.ops import ONE, Shape
from archcalc.results.convention import Convention
from archcalc.results.cost import LayerCost
from archcalc.results.explanation import Rule
from archcalc.results.formula import is_met
from archcalc.results.live import BATCH, Fixed, Free, Live, LiveArgument, LiveLayer, LiveNotation, LiveOperation
from archcalc.results.notation import arguments_of, copies_of
from archcalc.results.structure import Structure
from archcalc.source import SpecError
from archcalc.spec.expression import Name
from archcalc.spec.limits import DEFAULT_LIMITS, Limits
from archcalc.spec.values import LayerValue

QUANTITIES = ("params", "macs", "flops", "activations", "weights", "biases", "norm_params", "connections", "neurons")
WHERE_THERE_IS_SOME = ("buffers", "masked", "state")
FIRST = ("resolution", "length", "width")  # of several that exclude each other, these stay free
SHARES = (Fraction(1, 20), Fraction(1, 8), Fraction(1, 4), Fraction(1, 2))  # tried as the unit of a factor that is 1


def live(
    network: AnyNetwork,
    set: Mapping[str, Any] | None = None,
    input: Given = None,
    batch: int = 1,
    convention: str = "arithmetic",
    with_heads: bool = False,
    limits: Limits = DEFAULT_LIMITS,
) -> Live:
    """A network as a function of the variables of its spec that can stay free, and of the batch.

    Args:
        network: its name, a file, the text of a spec, or what `load` gave.
        set: values of variables, where the sliders begin.
        input: another input than the spec's.
        batch: examples at once, to begin with.
        convention: which operations count as FLOPs.
        with_heads: count train-only heads too.
        limits: bounds on the work.

    Raises:
        SpecError: an unknown name or variable, or the place where the spec is wrong.
        MismatchError: a closed form and the integer engine disagree: an error of archcalc.
    """
    network = load(network, input)
    cost = analyze(network, batch, set, input, convention=convention, with_heads=with_heads, limits=limits)
    shapes = input_shapes(network.spec, input)
    given = {**input_settings(network.spec, shapes), **(set or {})}
    rest = None if _is_by_variables(network, shapes, given) else input
    found = _Search(network, given, rest, limits, with_heads)
    free, graph, fixed = found.free()
    times: Dim = batch
    if BATCH not in network.spec.settable:
        free = (Free(BATCH, Fraction(1), 1, batch), *free)
        times = variable(BATCH)
    concrete = cost.graph
    quantities = [name for name in QUANTITIES if name != "flops" or cost.convention.column != "macs"]
    quantities += [name for name in WHERE_THERE_IS_SOME if any(getattr(layer, name) for layer in cost.layers)]
    rules = _Rules(concrete, graph, cost.convention)
    amounts = {name: _amounts(graph, cost.layers, name, cost.convention, times) for name in quantities}
    moved = traffic_forms(cost, graph, times)
    amounts, quantities = amounts | moved, [*quantities, *moved]
    field_by = field_variables(graph, {of.name for of in free})
    layers = [
        LiveLayer(
            layer,
            _notation(graph.nodes[layer.nodes[0]]),
            _sizes(_input(graph, layer)),
            _sizes(graph.nodes[layer.nodes[-1]].y),
            {name: amounts[name][at] for name in quantities},
            tuple(rules.of(index) for index in layer.nodes),
            field_by[layer.nodes[-1]],
        )
        for at, layer in enumerate(cost.layers)
    ]
    totals = {name: sum_of(layer.amounts[name] for layer in layers) for name in quantities}
    assumptions = tuple(graph.assumptions)
    numbers = {*_numbers(layers), *(side for of in assumptions for side in (of.a, of.b))}
    used = {name for x in numbers if isinstance(x, Polynomial) for name in x.variables()}
    idle = [of for of in free if of.name not in used]
    fixed += [Fixed(of.name, str(of.value), "no number of the page depends on it") for of in idle]
    kept = tuple(of for of in free if of.name in used)
    made = Live(
        cost=cost,
        free=kept,
        fixed=tuple(fixed),
        quantities=tuple(quantities),
        assumptions=assumptions,
        layers=layers,
        totals=totals,
        structure=found.structure(free),
        refusals=refusals(graph),
        of_operations={name: each_operation(graph, name, times) for name in ("macs", "params")},
    )
    _check(made)
    return made


def _is_by_variables(network: Network, shapes: Mapping[str, Shape], given: Mapping[str, Any]) -> bool:
    """Whether the inputs that were given are what the variables say, which then may stay free."""
    if not shapes:
        return True
    try:
        inputs = network.graph(given).inputs
    except SpecError:
        return False
    return all(inputs.get(name) == shape for name, shape in shapes.items())


# what stays free


class _Search:
    """Which variables of a spec can stay free together, each in which unit."""

    def __init__(
        self, network: Network, set: Mapping[str, Any], input: Given, limits: Limits, with_heads: bool
    ) -> None:
        self.network, self.set, self.input, self.limits, self.with_heads = network, set, input, limits, with_heads

    def free(self) -> tuple[tuple[Free, ...], Graph, list[Fixed]]:
        """Those that stay free, the graph in them, and the others with the reasons."""
        found: dict[str, Free] = {}
        fixed: list[Fixed] = []
        graph = self.graph(found)
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
        return tuple(found.values()), graph, fixed

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
        return value if isinstance(value, int | Fraction | str | tuple) else None

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


# layers


def _input(graph: Graph, layer: LayerCost) -> Shape:
    first = graph.nodes[layer.nodes[0]]
    return graph.shape(first.inputs[0]) if first.inputs else first.y


def _sizes(shape: Shape) -> tuple[Dim, ...]:
    return (*(() if shape.channels is None else (shape.channels,)), *shape.spatial)


def _notation(node: Node) -> LiveNotation:
    """What an operator is, as texts with numbers in them."""
    marked = Marked()
    arguments = tuple(
        LiveArgument(
            of.name,
            marked.parted(of.text),
            of.default if isinstance(of.value, Polynomial) and isinstance(of.default, int) else None,
        )
        for of in arguments_of(node.operator, marked.number)
    )
    return LiveNotation(node.operator.name, arguments, marked.parted(copies_of(node.operator, marked.number)))


def _amounts(graph: Graph, layers: Sequence[LayerCost], name: str, convention: Convention, times: Dim) -> list[Dim]:
    """What each layer has of a quantity, times the batch where that is so."""
    column = convention.column if name == "flops" else name
    last = layers[-1].nodes[-1] + 1 if layers else 0
    of_nodes = list(parts(graph, column, range(last)))
    found: list[Dim] = []
    for layer in layers:
        one = sum_of(of_nodes[index] for index in layer.nodes)
        is_alike = name == "activations" and not graph.nodes[layer.nodes[-1]].inputs
        found.append(one if column not in TIMES_BATCH or is_alike else one * times)
    return found


# Rules of operations that are alike, with their symbols and what they take for granted, in every network.
_texts: dict[Any, tuple[tuple[Rule, ...], tuple[str, ...], tuple[str, ...]]] = {}


class _Rules:
    """Explanations of operations; equal ones are the same object."""

    def __init__(self, concrete: Graph, graph: Graph, convention: Convention) -> None:
        self.concrete, self.graph, self.convention = concrete, graph, convention
        self.made: dict[Any, LiveOperation] = {}

    def of(self, index: int) -> LiveOperation:
        """Why an operation costs what it costs."""
        node, free = self.concrete.nodes[index], self.graph.nodes[index]
        remark = remark_of(self.concrete, node)
        key = (node.operator, node.x, node.y, free.operator, free.x, free.y, remark)
        if key not in self.made:
            self.made[key] = self.explained(node, free, remark)
        return self.made[key]

    def explained(self, node: Node, free: Node, remark: str) -> LiveOperation:
        """The rules in symbols, with what each symbol and each result is in the free variables."""
        rules, symbols_used, assumptions = self.ruled(node)
        found = documentation(type(node.operator))
        shapes = (free.x,) if isinstance(free.x, Shape) else tuple(free.x)
        given = _given(free, symbols_used) if symbols_used else {}
        results = _results(free, self.convention)
        return LiveOperation(
            name=node.operator.name,
            summary=found["summary"],
            x=tuple(map(_sizes, shapes)),
            y=_sizes(free.y),
            rules=rules,
            given=given,
            results=tuple(results.get(rule.quantity, rule.result) for rule in rules),
            assumptions=assumptions,
            source=found.get("Source", ""),
            remark=remark,
        )

    def ruled(self, node: Node) -> tuple[tuple[Rule, ...], tuple[str, ...], tuple[str, ...]]:
        """Rules, their symbols, and what they take for granted; of operations alike but for their numbers, once."""
        key = self.alike(node)
        found = None if key is None else _texts.get(key)
        if found is None:
            rules, values, assumptions = ruled(node, self.convention)
            said = tuple(text for text in assumptions if " is at least " not in text)
            found = tuple(rules), tuple(values), said
            if key is not None:
                _texts[key] = found
        return found

    def alike(self, node: Node) -> Any:
        """What decides the texts of an operation's rules; None where its numbers do."""
        try:
            with collecting_assumptions():
                operator, x, _ = symbols(node.operator, node.x)
        except (RequirementError, TypeError):
            return None
        declared = operator.arguments.values()
        symbolic = tuple(getattr(operator, of.attribute) for of in declared)
        # of long formulas of extents, those for the window that it is are told
        window = tuple(getattr(node.operator, of.attribute) for of in declared if of.kind in ("extents", "padding"))
        cost = cost_of(node.operator, node.x, node.y)
        elementary = [getattr(cost.arithmetic, name) for name in ELEMENTARY]
        counted = (*cost.parameters, *elementary, cost.connections, cost.masked, cost.state)
        terms = (term.many(node.operator, node.x, node.y, cost) for term in self.convention.terms)
        what = type(operator), symbolic, operator.given, node.operator.copies is ONE, x, window
        return self.convention.name, what, tuple(map(bool, (*counted, *terms))), cost.arithmetic.status


def _given(free: Node, names: Iterable[str]) -> dict[str, Dim]:
    """What symbols stand for; nothing where they are others than those of the network as it is."""
    for of_arguments in (True, False):
        try:
            with collecting_assumptions():
                _, _, found = symbols(free.operator, free.x, of_arguments)
        except (RequirementError, TypeError):
            continue
        if free.operator.copies is not ONE:
            found |= {"stored": free.operator.copies.stored, "used": free.operator.copies.computed}
        found |= {f"out_{axis}": x for axis, x in zip(AXES[free.y.rank], free.y.spatial, strict=True)}
        if found.keys() >= set(names):
            return {name: found[name] for name in names}
    return {}


def _results(free: Node, convention: Convention) -> dict[str, Dim | str]:
    """What rules give, by their titles."""
    cost = cost_of(free.operator, free.x, free.y)
    found: dict[str, Dim | str] = {"shape": ""}  # the output's, which is told beside
    if free.y.channels is not None:
        found["channels"] = free.y.channels
    found |= dict(zip(AXES[free.y.rank], free.y.spatial, strict=True))
    found |= {title: getattr(cost.parameters, name) for name, title in STORED.items()}
    not_told = free.operator.not_told()
    if "params" not in not_told:
        found["params"] = sum_of([cost.parameters.weights, cost.parameters.biases, cost.parameters.norm])
    if cost.arithmetic.known:
        found |= {name: getattr(cost.arithmetic, name) for name in ELEMENTARY}
        found["MACs"] = found["macs"]
        found[f"FLOPs ({convention.name})"] = convention.flops(free.operator, free.x, free.y, cost)
    if "connections" not in not_told:
        found["connections"] = cost.connections
    found |= {"masked MACs": cost.masked, "state": cost.state}
    return found


# checks


def _numbers(layers: Sequence[LiveLayer]) -> Iterator[Dim | str]:
    for layer in layers:
        yield from (*layer.amounts.values(), *layer.x, *layer.y, *layer.notation.ending)
        yield from (part for argument in layer.notation.arguments for part in argument.text)
        for operation in layer.operations:
            yield from (*operation.given.values(), *operation.results)


def _check(made: Live) -> None:
    """Hold every number to the integer engine, at the network's own values."""
    known: dict[Dim, int] = {}
    point = made.point

    def at(x: Dim) -> int:
        if x not in known:
            known[x] = evaluate(x, point)
        return known[x]

    def same(what: str, x: Dim, number: int) -> None:
        if at(x) != number:
            raise MismatchError(f"{made.cost.name}, {what}: the closed form gives {at(x):,}, the engine {number:,}")

    moved = [dict(zip(TRAFFIC, of, strict=True)) for of in traffic(made.cost, made.cost.layers)]
    for layer, bytes in zip(made.layers, moved, strict=True):
        of = layer.layer
        for name, x in layer.amounts.items():
            same(f"{name} of {of.name}", x, bytes[name] if name in bytes else getattr(of, name))
        for shape, sizes in ((of.in_shape, layer.x), (of.out_shape, layer.y)):
            for number, x in zip(_sizes(shape), sizes, strict=True):
                same(f"shape of {of.name}", x, int(str(number)))
    for name, x in made.totals.items():
        same(name, x, sum(of[name] for of in moved) if name in TRAFFIC else getattr(made.cost.totals, name))

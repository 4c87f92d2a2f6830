"""A network with every variable left free that can be: each layer's costs, shapes and rules as closed forms."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from fractions import Fraction
from functools import cache
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
from archcalc.engine.cost.costs import cost_of, decided_by
from archcalc.engine.cost.quantities import TIMES_BATCH, parts
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
from archcalc.engine.free import Search
from archcalc.engine.inputs import Given, input_settings, input_shapes
from archcalc.engine.network import AnyNetwork, Network, analyze, load
from archcalc.graph import Graph, Node
from archcalc.ops import ONE, Shape
from archcalc.results.convention import Convention
from archcalc.results.cost import LayerCost, NetworkCost, shape_list
from archcalc.results.explanation import Rule
from archcalc.results.live import BATCH, Fixed, Free, Live, LiveArgument, LiveLayer, LiveNotation, LiveOperation
from archcalc.results.notation import arguments_of, copies_of
from archcalc.source import SpecError
from archcalc.spec.limits import DEFAULT_LIMITS, Limits

QUANTITIES = ("params", "macs", "flops", "activations", "weights", "biases", "norm_params", "connections", "neurons")
WHERE_THERE_IS_SOME = ("buffers", "masked", "state")


def live(
    network: AnyNetwork,
    set: Mapping[str, Any] | None = None,
    input: Given = None,
    batch: int = 1,
    convention: str = "arithmetic",
    with_heads: bool = False,
    limits: Limits = DEFAULT_LIMITS,
    cost: NetworkCost | None = None,
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
        cost: what `analyze` says of it, where somebody has that.

    Raises:
        SpecError: an unknown name or variable, or the place where the spec is wrong.
        MismatchError: a closed form and the integer engine disagree: an error of archcalc.
    """
    network = load(network, input)
    if cost is None:
        cost = analyze(network, batch, set, input, convention=convention, with_heads=with_heads, limits=limits)
    shapes = input_shapes(network.spec, input)
    given = {**input_settings(network.spec, shapes), **(set or {})}
    rest = None if _is_by_variables(network, shapes, given) else input
    found = Search(network, given, rest, limits, with_heads)
    free, structure, fixed = found.free()
    graph = structure.graph
    times: Dim = batch
    if BATCH not in network.spec.settable:
        free = (Free(BATCH, Fraction(1), 1, batch), *free)
        times = variable(BATCH)
    concrete = cost.graph
    quantities = [name for name in QUANTITIES if name != "flops" or cost.convention.column != "macs"]
    quantities += [name for name in WHERE_THERE_IS_SOME if any(getattr(layer, name) for layer in cost.layers)]
    rules = _Rules(concrete, graph, cost.convention)
    kinds = [(decided_by(graph, layer.nodes), cost.storage.of(layer.name)) for layer in cost.layers]
    firsts = dict(zip(reversed(kinds), reversed(cost.layers), strict=True))  # of layers that are alike, the first
    amounts = {name: _amounts(graph, firsts.values(), name, cost.convention, times) for name in quantities}
    moved = traffic_forms(cost, graph, times, firsts.values())
    amounts, quantities = amounts | moved, [*quantities, *moved]
    numbered = {
        kind: (
            _notation(graph.nodes[layer.nodes[0]]),
            _sizes(_input(graph, layer)),
            _sizes(graph.nodes[layer.nodes[-1]].y),
            {name: amounts[name][at] for name in quantities},
        )
        for at, (kind, layer) in enumerate(firsts.items())
    }
    field_by = field_variables(graph, {of.name for of in free})
    layers = [
        LiveLayer(layer, *numbered[kind], tuple(rules.of(index) for index in layer.nodes), field_by[layer.nodes[-1]])
        for kind, layer in zip(kinds, cost.layers, strict=True)
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
        structure=structure,
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


def _amounts(graph: Graph, layers: Iterable[LayerCost], name: str, convention: Convention, times: Dim) -> list[Dim]:
    """What each layer has of a quantity, times the batch where that is so."""
    column = convention.column if name == "flops" else name
    found: list[Dim] = []
    for layer in layers:
        one = sum_of(parts(graph, column, layer.nodes))
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
    """All numbers, of layers that are alike once, and texts."""
    for layer in {id(layer.amounts): layer for layer in layers}.values():
        yield from (*layer.amounts.values(), *layer.x, *layer.y, *layer.notation.ending)
        yield from (part for argument in layer.notation.arguments for part in argument.text)
    for operation in {id(of): of for layer in layers for of in layer.operations}.values():
        yield from (*operation.given.values(), *operation.results)


def _check(made: Live) -> None:
    """Hold every number to the integer engine, at the network's own values."""
    known: dict[int, tuple[dict[str, int], list[list[int]]]] = {}  # layers that are alike hold the same forms
    point = made.point
    at = cache(lambda x: evaluate(x, point))
    moved = [dict(zip(TRAFFIC, of, strict=True)) for of in traffic(made.cost, made.cost.layers)]
    for layer, bytes in zip(made.layers, moved, strict=True):
        of = layer.layer
        if id(layer.amounts) not in known:
            amounts = {name: at(x) for name, x in layer.amounts.items()}
            known[id(layer.amounts)] = amounts, [[at(x) for x in sizes] for sizes in (layer.x, layer.y)]
        amounts, sizes = known[id(layer.amounts)]
        told = {name: bytes[name] if name in bytes else getattr(of, name) for name in amounts}
        _same(f"{made.cost.name}, {of.name}", amounts, told)
        if [shape_list(of.in_shape), shape_list(of.out_shape)] != sizes:
            raise MismatchError(f"{made.cost.name}, {of.name}: the closed forms of its shapes give {sizes}")
    totals = {name: evaluate(x, point) for name, x in made.totals.items()}
    told = {
        name: sum(of[name] for of in moved) if name in TRAFFIC else getattr(made.cost.totals, name) for name in totals
    }
    _same(made.cost.name, totals, told)


def _same(what: str, forms: Mapping[str, int], engine: Mapping[str, int]) -> None:
    if forms != engine:
        wrong = [
            f"{name} is {forms[name]:,}, by the engine {engine[name]:,}"
            for name in forms
            if forms[name] != engine[name]
        ]
        raise MismatchError(f"{what}: by the closed form {'; '.join(wrong)}")

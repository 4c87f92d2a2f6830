"""Why an operation costs what it costs: its own rules, run on symbols, then with the numbers put in."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from fractions import Fraction
from typing import Any

from archcalc.dims import Assumption, Dim, Polynomial, RequirementError, collecting_assumptions, evaluate, variable
from archcalc.engine.cost.costs import cost_of
from archcalc.graph import Graph, Node
from archcalc.ops import HEADINGS, ONE, POINTWISE, Copies, Operator, Shape, Table, Window
from archcalc.results.convention import Convention
from archcalc.results.cost import LayerCost, NetworkCost, json_number
from archcalc.results.explanation import Explanation, Rule
from archcalc.results.field import ReceptiveField
from archcalc.results.notation import notation

AXES = {0: (), 1: ("length",), 2: ("height", "width"), 3: ("depth", "height", "width")}
STORED = {"weights": "weights", "biases": "biases", "norm": "params of the norm", "buffers": "buffers"}
ELEMENTARY = ("macs", "additions", "multiplications", "divisions", "comparisons", "transcendentals")

LONGEST_FORMULA = 160  # characters; of a longer one the manual says more
LONGEST_EXTENT = 30  # characters of a formula with symbols for kernel, stride, padding and dilation


# Where the two sides of a requirement are formulas, which explain nothing.
IN_WORDS = {
    "shape-mismatch": "the branches have one extent along each axis, or 1, which is repeated",
    "indivisible-groups": "the groups divide the channels",
}


class MismatchError(AssertionError):
    """The explanation of a number gives another number: an error of archcalc, never of a spec."""


def explained(cost: NetworkCost, layer: LayerCost) -> list[Explanation]:
    """An explanation for each operation of a layer.

    Raises:
        MismatchError: a formula and the engine disagree.
    """
    return [_explained(cost, index) for index in layer.nodes]


def _explained(cost: NetworkCost, index: int) -> Explanation:
    node = cost.graph.nodes[index]
    found = documentation(type(node.operator))
    result = Explanation(
        name=node.name,
        notation=notation(node.operator),
        summary=found["summary"],
        x=" and ".join(map(str, _shapes(node.x))),
        y=str(node.y),
        rules=[],
        given={},
        assumptions=[],
        counts=found.get("Counts", ""),
        source=found.get("Source", ""),
        remark=remark_of(cost.graph, node),
    )
    result.rules, values, assumptions = ruled(node, cost.convention)
    result.given = _used(result.rules, values)
    # That a window fits is decided by the numbers; what remains says something about the rule.
    result.assumptions = [text for text in assumptions if " is at least " not in text]
    if not values:
        result.remark = f"{result.remark} This rule needs the numbers themselves: no symbols are shown.".strip()
    result.rules += _field_rules(cost, index)
    return result


def ruled(node: Node, convention: Convention) -> tuple[list[Rule], dict[str, int], list[str]]:
    """The rules of an operation, what their symbols stand for (nothing where a rule needs numbers), and assumptions.

    Raises:
        MismatchError: a formula and the engine disagree.
    """
    for has_symbols in (True, False):  # of arguments; what hangs over an edge has a form for the window that it is
        try:
            with collecting_assumptions() as assumptions:
                operator, x, values = symbols(node.operator, node.x, has_symbols)
                copies = _copies(node.operator.copies, values)
                rules = list(_rules(node, operator, x, values, convention, copies))
        except (RequirementError, TypeError) as error:  # TypeError: "a rule may not branch on a number"
            if getattr(error, "code", "") != "hanging-windows":
                break
            continue
        return rules, values, list(dict.fromkeys(filter(None, map(_said, assumptions))))
    return list(_rules(node, node.operator, node.x, {}, convention, node.operator.copies)), {}, []


def _copies(copies: Copies, values: dict[str, int]) -> Copies:
    """How often an expert's operation is stored and computed, as symbols beside others."""
    if copies is ONE or not values:
        return copies
    values |= {"stored": int(copies.stored), "used": int(copies.computed)}
    return Copies(variable("stored"), variable("used"))


def _said(assumed: Assumption) -> str:
    """An assumption in words; of sides that are formulas, what it comes to, or nothing."""
    if all(re.fullmatch(r"\w+", str(side)) for side in (assumed.a, assumed.b)):
        return assumed.text
    return IN_WORDS.get(assumed.code, "")


def remark_of(graph: Graph, node: Node) -> str:
    """What is particular about an operation: whose weights it uses, why it counts nothing, that its cost is unknown."""
    remarks = []
    if node.shares >= 0:
        remarks.append(f"Its weights are those of {graph.nodes[node.shares].name}: stored there, computed again here.")
    tables = [value for value in node.operator.values().values() if isinstance(value, Table)]
    remarks += [f"The table connects {of.connected} of {of.inputs} x {of.outputs} pairs of maps." for of in tables]
    arithmetic = cost_of(node.operator, node.x, node.y).arithmetic
    if arithmetic.status == "zero":
        remarks.append(f"Declared zero: {arithmetic.reason}.")
    if arithmetic.status == "unknown":
        remarks.append(f"Unknown: {arithmetic.reason}; totals with it are lower bounds.")
    return " ".join(remarks)


# symbols


def symbols(operator: Operator, x: Any, of_arguments: bool = True) -> tuple[Operator, Any, dict[str, Any]]:
    """The operator and its input with a symbol for each size, and what each symbol stands for, a number.

    An argument that has its default stays as it is: a formula without groups is shorter; without `of_arguments` all do.
    """
    values: dict[str, Any] = {}

    def symbol(name: str, value: Any, at_least: int = 1) -> Any:
        if not isinstance(value, int | Polynomial) or isinstance(value, bool):
            return value
        values[name] = value
        return variable(name, at_least)

    arguments: dict[str, Any] = {}
    for name, declared in operator.arguments.items():
        value = getattr(operator, declared.attribute)
        least = declared.at_least
        is_told = of_arguments and (declared.is_required or value != declared.default)
        if is_told and declared.kind in ("count", "extents", "padding"):
            if isinstance(value, tuple) and len(set(value)) == 1 and declared.kind == "extents":
                value = tuple(symbol(name, item, least) for item in value)
            elif isinstance(value, tuple):
                parts = AXES.get(len(value)) or tuple(map(str, range(1, len(value) + 1)))
                value = tuple(symbol(f"{name}_{part}", item, least) for part, item in zip(parts, value, strict=True))
            else:
                value = symbol(name, value, least)
        arguments[name] = value

    first = operator.given[0] if operator.given else "in"

    def shape(of: Shape, branch: str) -> Shape:
        spatial = tuple(
            symbol(f"{first}_{axis}", extent)
            if values.get(f"{first}_{axis}", extent) == extent
            else symbol(f"{branch}_{axis}", extent)
            for axis, extent in zip(AXES[of.rank], of.spatial, strict=True)
        )
        return Shape(None if of.channels is None else symbol(f"{branch}_channels", of.channels), spatial)

    made = type(operator)(**arguments).variant(given=operator.given)
    if isinstance(x, Shape):
        return made, shape(x, "in"), values
    branches = operator.given or [f"in{number}" for number in range(1, len(x) + 1)]
    return made, tuple(shape(of, branch) for of, branch in zip(x, branches, strict=True)), values


def _output(y: Shape, numbers: Shape, x: Any, values: dict[str, int]) -> Shape:
    """The output with symbols of its own where its extents are not those of the input."""
    if isinstance(y.channels, int) and all(isinstance(extent, int) for extent in y.spatial):
        return y
    spatial: list[Dim] = []
    for axis, extent, number in zip(AXES[y.rank], y.spatial, numbers.spatial, strict=True):
        if isinstance(extent, int) or any(extent in of.spatial for of in _shapes(x)):
            spatial.append(extent)
        else:
            values[f"out_{axis}"] = int(str(number))
            spatial.append(variable(f"out_{axis}"))
    return Shape(y.channels, tuple(spatial))


# rules


def _rules(
    node: Node, operator: Operator, x: Any, values: dict[str, int], convention: Convention, copies: Copies
) -> Iterator[Rule]:
    shape = operator.infer(x)
    if shape == x:
        yield Rule("shape", "that of its input", "", str(node.y))
    else:
        if shape.channels is not None:
            yield _rule("channels", shape.channels, node.y.channels, values)
        extents = _shorter(node, x, shape.spatial)
        for axis, extent, number in zip(AXES[shape.rank], extents, node.y.spatial, strict=True):
            yield _rule(axis, extent, number, values)
    cost: Any = cost_of(node.operator, node.x, node.y)
    stored = operator.parameters(x)
    names = [name for name in STORED if getattr(cost.parameters, name)]
    for name in names:
        yield _rule(STORED[name], getattr(stored, name) * copies.stored, getattr(cost.parameters, name), values)
    trained = [name for name in names if name != "buffers"]
    if len(trained) > 1:
        parts = [getattr(cost.parameters, name) for name in trained]
        text = " + ".join(STORED[name] for name in trained)
        yield Rule("params", text, " + ".join(f"{part:,}" for part in parts), f"{sum(parts):,}")
    elif not trained:
        is_told = "params" not in node.operator.not_told()
        yield Rule("params", "0" if is_told else "not told", "", "0" if is_told else "unknown")
    y = _output(shape, node.y, x, values)
    arithmetic = operator.arithmetic(x, y)
    counted = [name for name in ELEMENTARY if getattr(cost.arithmetic, name)]
    for name in counted:
        title = "MACs" if name == "macs" else name
        yield _rule(title, getattr(arithmetic, name) * copies.computed, getattr(cost.arithmetic, name), values)
    if "macs" not in counted:
        is_known = cost.arithmetic.known
        yield Rule("MACs", "0" if is_known else "not told", "", "0" if is_known else "unknown")
    terms = [(term, term.many(node.operator, node.x, node.y, cost)) for term in convention.terms]
    terms = [(term, many) for term, many in terms if many]
    if convention.column != "macs" and terms:
        formula = " + ".join(f"{term.worth}*{term.amount}" if term.worth != 1 else term.amount for term, _ in terms)
        put = " + ".join(f"{term.worth}*{many:,}" if term.worth != 1 else f"{many:,}" for term, many in terms)
        result = convention.flops(node.operator, node.x, node.y, cost)
        is_one = len(terms) == 1 and terms[0][0].worth == 1
        yield Rule(f"FLOPs ({convention.name})", formula, "" if is_one else put, f"{result:,}")
    if "connections" in node.operator.not_told():
        yield Rule("connections", "not told", "", "unknown")
    else:
        yield _rule("connections", operator.connections(x, y) * copies.computed, cost.connections, values)
    if cost.masked:
        yield _rule("masked MACs", operator.masked(x, y) * copies.computed, cost.masked, values)
    if cost.state:
        yield _rule("state", operator.state(x, y) * copies.computed, cost.state, values)


def _shorter(node: Node, x: Any, spatial: tuple[Dim, ...]) -> tuple[Dim, ...]:
    """Extents of the output; where symbols of the window make long formulas, those for the window that it is."""
    if all(len(str(extent)) <= LONGEST_EXTENT for extent in spatial):
        return spatial
    try:
        with collecting_assumptions():
            found = node.operator.infer(x).spatial
    except (RequirementError, TypeError):
        return spatial
    return tuple(min(pair, key=lambda extent: len(str(extent))) for pair in zip(found, spatial, strict=True))


def _rule(quantity: str, formula: Dim, result: Any, values: Mapping[str, int]) -> Rule:
    """One number; the formula with the numbers in it must give what the engine has.

    Raises:
        MismatchError: it does not.
    """
    found = formula if isinstance(formula, int) else evaluate(formula, values)
    if found != result:
        raise MismatchError(f"{quantity}: {formula} gives {found:,}, the engine {result:,}")
    text = str(formula)
    if len(text) > LONGEST_FORMULA:  # what hangs over the edges of an image has many terms
        return Rule(quantity, "by the counts of the operator", "", f"{found:,}")
    put = re.sub(r"[A-Za-z_]\w*", lambda name: str(values.get(name[0], name[0])), text)
    return Rule(quantity, text, "" if put == text or put == str(found) else put, f"{found:,}")


def _used(rules: Sequence[Rule], values: Mapping[str, int]) -> dict[str, int]:
    words = {word for rule in rules for word in re.findall(r"[A-Za-z_]\w*", rule.formula)}
    return {name: value for name, value in values.items() if name in words}


# receptive field


def _field_rules(cost: NetworkCost, index: int) -> list[Rule]:
    """What a position sees, and by the path without global operations, where the two differ."""
    node, fields = cost.graph.nodes[index], cost.fields
    seen, local = fields.after(index), fields.local(index)
    if seen is None or local is None or not node.inputs:
        return []
    rules = _local_rules(cost, index, local)
    if seen == local:
        return rules
    befores = [before for before in map(fields.after, node.inputs) if before]
    result = _size(seen)
    if not isinstance(node.x, Shape):
        how = Rule("receptive field", "union of the branches", ", ".join(dict.fromkeys(map(_size, befores))), result)
    elif befores[0] == seen:
        how = Rule("receptive field", "that of its input", "", result)
    elif befores[0].is_global:
        how = Rule("receptive field", "what its inputs see together", "", result)
    else:
        how = Rule("receptive field", "all positions together, inside the input", "", result)
    local_rules = [rule._replace(quantity=f"local {rule.quantity}") for rule in rules]
    if not seen.is_global:
        return [how, *local_rules]
    return [how, Rule("jump", "all positions see the same", "", _plain_once(seen.jump)), *local_rules]


def _local_rules(cost: NetworkCost, index: int, after: ReceptiveField) -> list[Rule]:
    """Size and jump after an operation from those before it, along each axis; formulas hold where neighbours are alike.

    Raises:
        MismatchError: a formula and the engine disagree.
    """
    node, fields = cost.graph.nodes[index], cost.fields
    befores = [before for before in map(fields.local, node.inputs) if before]
    result = _size(after)
    if not isinstance(node.x, Shape):
        texts = dict.fromkeys(map(_size, befores))
        return [Rule("receptive field", "union of the branches", ", ".join(texts), result)]
    before = befores[0]
    window = node.operator.window(node.x)
    if window == POINTWISE or after == before or not isinstance(window, Window):
        return [Rule("receptive field", "that of its input", "", result)]
    if not window.is_known:
        return [Rule("receptive field", "at least, for what is read is not told", "", result)]
    if window.upsample and set(window.upsample) != {1}:
        return [Rule("receptive field", "inputs that reach one output", "", result)]
    ended = fields.has_ended(index)
    jumps = zip(before.jump, window.stride, after.jump, ended, strict=True)
    moved = [
        (_plain(jump) if is_over else f"{_plain(jump)}*{stride}", _plain(after))
        for jump, stride, after, is_over in jumps
    ]
    jump_rules = (
        [] if set(window.stride) == {1} else [Rule("jump", "jump*stride", _along(moved), _plain_once(after.jump))]
    )
    if not fields.is_uniform(node.inputs[0]):
        return [
            Rule("receptive field", "the largest of outputs that differ, after upsampling", "", result),
            *jump_rules,
        ]
    is_dense = set(window.dilation) == {1}
    parts: list[tuple[str, Any]] = []
    for number, (size, jump) in enumerate(zip(before.size, before.jump, strict=True)):
        kernel: Any = window.kernel[number]  # whole numbers here
        dilation: Any = window.dilation[number]
        if ended[number]:
            parts.append((f"{size}", size))
        else:
            numbers = f"{size} + {'' if is_dense else f'{dilation}*'}({kernel} - 1)*{_plain(jump)}"
            parts.append((numbers, size + dilation * (kernel - 1) * jump))
    formula = "size + (kernel - 1)*jump" if is_dense else "size + dilation*(kernel - 1)*jump"
    for (numbers, found), size in zip(parts, after.size, strict=True):
        if found != size:
            raise MismatchError(f"receptive field: {numbers} gives {found}, the engine {size}")
    return [Rule("receptive field", formula, _along(parts), result), *jump_rules]


def _size(field: ReceptiveField) -> str:
    """A size as it is printed."""
    return f"{'≥ ' if field.is_at_least else ''}{'x'.join(map(str, field.size))}"


def _plain_once(jumps: Sequence[Fraction]) -> str:
    return _once("x", list(map(_plain, jumps)))


def _along(parts: Sequence[tuple[str, Any]]) -> str:
    """The numbers of every axis; once where all axes have the same."""
    return _once(" by ", [numbers for numbers, _ in parts])


def _once(between: str, texts: Sequence[str]) -> str:
    return texts[0] if len(set(texts)) == 1 else between.join(texts)


def _plain(value: Fraction) -> str:
    return str(json_number(value))


# documentation


def documentation(operator: type[Operator]) -> dict[str, str]:
    """The parts of an operator's docstring: `summary`, then by heading, each without its line breaks."""
    found: dict[str, str] = {}
    heading = "summary"
    for line in (operator.__doc__ or "").splitlines():
        text = line.strip()
        begun = next((word for word in HEADINGS if text.startswith(word)), None)
        if begun:
            heading, text = begun.rstrip(":"), text.removeprefix(begun).strip()
        found[heading] = f"{found.get(heading, '')} {text}".strip()
    return found


def _shapes(x: Any) -> tuple[Shape, ...]:
    return (x,) if isinstance(x, Shape) else tuple(x)

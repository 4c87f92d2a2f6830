"""What a claim is compared with: a quantity of a network, or an expression over quantities; always exact."""

from __future__ import annotations

import ast
import operator
from collections.abc import Callable, Mapping
from fnmatch import fnmatchcase
from fractions import Fraction
from functools import partial
from math import prod
from pathlib import Path
from typing import Any

from archcalc.claims.expression import AGGREGATES, SIGNS, parse_formula
from archcalc.engine.cost.conventions import CONVENTIONS
from archcalc.engine.cost.scope import indices_inside
from archcalc.engine.cost.storage import storage_of
from archcalc.engine.limits.budget import quantity_of
from archcalc.engine.limits.conditions import COMPARISONS
from archcalc.engine.network import Network, cost_of_graph, exact_density, load
from archcalc.graph import Graph
from archcalc.ops import Shape
from archcalc.results.budget import PEAK_MEMORY
from archcalc.results.budget import QUANTITIES as OF_NETWORKS
from archcalc.results.claim import Claim, Settings, Value
from archcalc.results.cost import DTYPES, NetworkCost
from archcalc.results.formats import BLOCKS
from archcalc.results.storage import Bits
from archcalc.source import SpecError, suggestion
from archcalc.spec.library import looks_like_file
from archcalc.spec.limits import DEFAULT_LIMITS

LARGEST_POWER = 64
_TOTALS = tuple("flops" if name == "flops_arithmetic" else name for name in OF_NETWORKS)  # `convention:` says whose
_AT_A_PLACE = ("receptive_field", "jump", "output_shape", "input_shape", "channels")
QUANTITIES = (*_TOTALS, *_AT_A_PLACE)
FUNCTIONS = (*QUANTITIES, "argument", "count")
SETTINGS = tuple(name for name in Settings._fields if name != "set")


class ValueProblemError(Exception):
    """A value that cannot be computed; `help` is the way out."""

    def __init__(self, message: str, help: str = "") -> None:
        super().__init__(message)
        self.help = help


class Evaluator:
    """Computes values; each network is expanded once for all claims with the same settings.

    Args:
        folder: where files of networks lie that a claim names: the one that holds the ledger's.
        known: answers by their questions, which are computed no more.
    """

    def __init__(self, folder: Path, known: Mapping[str, Any] | None = None) -> None:
        self.folder = folder
        self.known = known or {}
        self._networks: dict[str, Network] = {}
        self._graphs: dict[Any, Graph] = {}
        self._costs: dict[Any, NetworkCost] = {}

    def value(self, claim: Claim) -> Value:
        """What a claim is compared with.

        Raises:
            ValueProblemError: it cannot be computed.
        """
        answer = self.known.get(question(claim))
        if answer is not None:
            return answered(answer)
        try:
            if claim.value:
                return self._evaluated(parse_formula(claim.value, FUNCTIONS).tree)
            return self.quantity(claim.quantity, claim.network, claim.at, claim.settings)
        except SpecError as error:
            first = error.diagnostics[0]
            raise ValueProblemError(first.message, first.help or "") from None

    def answer(self, claim: Claim) -> Any:
        """What a claim is compared with, or why it cannot be computed, as JSON can hold it: `answered` takes it."""
        try:
            return {"value": _written(self.value(claim))}
        except ValueProblemError as error:
            return {"problem": str(error), "help": error.help}

    def quantity(self, name: str, network: str, at: str, settings: Settings) -> Value:
        """A quantity of a network, or of what is under a path in it."""
        if name == "flops" and not settings.convention:
            raise ValueProblemError("flops are of a convention", f"name it: one of {', '.join(CONVENTIONS)}")
        cost = self.cost(network, at, settings)
        if name in _TOTALS:
            if cost.totals.unknown and name in ("macs", "flops", "connections"):
                raise ValueProblemError(f"the {name} of {cost.name} are known as a lower bound only")
            return quantity_of(cost, name) if name == PEAK_MEMORY else int(getattr(cost.totals, name))
        graph = cost.graph
        inside = indices_inside(graph, at, True) if at else []
        if name == "input_shape":
            return _sizes(graph.shape(graph.nodes[inside[0]].inputs[0]) if at else graph.input)
        last = inside[-1] if at else graph.output
        if name in ("output_shape", "channels"):
            shape = graph.shape(last)
            return _sizes(shape) if name == "output_shape" else _channels(shape)
        seen = cost.fields.after(last)
        if seen is None:
            raise ValueProblemError(f"{cost.name} reads an input without axes; nothing has a receptive field")
        return seen.size if name == "receptive_field" else tuple(map(_plain, seen.jump))

    def cost(self, name: str, at: str, settings: Settings) -> NetworkCost:
        """Costs of a network, or of what is under a path in it."""
        settings = settings._replace(convention=settings.convention or "arithmetic")
        key = (name, at, settings)
        found = self._costs.get(key)
        if found is None:
            found = self._costs[key] = self._counted(name, at, settings)
        return found

    def _counted(self, name: str, at: str, settings: Settings) -> NetworkCost:
        network = self._networks.get(name)
        if network is None:
            path = str(self.folder / name) if looks_like_file(name) else name
            network = self._networks[name] = load(path, may_run=False)
        spec = network.spec
        with_heads = settings.with_heads or at.partition(".")[0] in {entry.name for entry in spec.heads}
        values = dict(settings.set)
        key = (name, settings.set, settings.input, with_heads)
        graph = self._graphs.get(key)
        if graph is None:
            graph = self._graphs[key] = network.graph(values, settings.input, with_heads=with_heads)
        storage = storage_of(
            spec, graph, settings.dtype, settings.density, settings.bits, DEFAULT_LIMITS, is_as_written=not values
        )
        return cost_of_graph(
            network, graph, settings.batch, values, settings.dtype, settings.convention, with_heads, storage, at
        )

    def _argument(self, network: str, path: str, name: str, settings: Settings) -> Value:
        """An argument of a layer's operator: of the first of its operations that has it."""
        graph = self.cost(network, path, settings).graph
        found = [node.operator for node in graph.nodes if node.layer == path]
        if not found:
            raise ValueProblemError(f"`{path}` is no layer of {network}", f"archcalc show {network} --scope {path}")
        for of in found:
            if name in of.arguments:
                value = of.values()[name]
                if isinstance(value, tuple):
                    return tuple(value)
                if isinstance(value, (int, Fraction)):
                    return value
                raise ValueProblemError(f"`{name}` of `{path}` is `{value}`, not a number")
        known = list(dict.fromkeys(argument for of in found for argument in of.arguments))
        help = suggestion(name, known, f"it has {', '.join(known) or 'none'}")
        raise ValueProblemError(f"`{path}` has no argument `{name}`", help)

    def _count(self, network: str, pattern: str, settings: Settings) -> int:
        """Layers, or blocks of layers, whose path fits a pattern: `fire*`, `stage*.*`."""
        parts = pattern.count(".") + 1
        graph = self.cost(network, "", settings).graph
        paths = {".".join(name.split(".")[:parts]) for name, _ in graph.layers(settings.with_heads)}
        found = sum(fnmatchcase(path, pattern) for path in paths)
        if not found:
            raise ValueProblemError(f"no path of {network} fits `{pattern}`", f"archcalc show {network} lists them")
        return found

    # expressions

    def _evaluated(self, node: ast.AST) -> Value:
        match node:
            case ast.Constant(value=value):
                return _plain(Fraction(str(value)))
            case ast.UnaryOp(operand=operand):
                return -_number(self._evaluated(operand))
            case ast.BinOp(op=op, left=left, right=right):
                return _operated(SIGNS[type(op)], _number(self._evaluated(left)), _number(self._evaluated(right)))
            case ast.Compare(left=left, ops=ops, comparators=others):
                values = [self._evaluated(operand) for operand in (left, *others)]
                return all(
                    _compared(SIGNS[type(op)], first, second)
                    for op, first, second in zip(ops, values, values[1:], strict=False)
                )
            case ast.List(elts=items) | ast.Tuple(elts=items):
                return tuple(map(self._evaluated, items))
            case ast.Subscript(value=value, slice=index):
                return self._item(_items(self._evaluated(value)), index)
            case ast.Call(func=ast.Name(id=name), args=arguments, keywords=keywords):
                if name in AGGREGATES:
                    return _aggregated(name, [self._evaluated(argument) for argument in arguments])
                names = [argument.value for argument in arguments if isinstance(argument, ast.Constant)]
                return self._called(name, [str(text) for text in names], {str(k.arg): k.value for k in keywords})
        raise AssertionError(f"admitted, but not evaluated: {ast.dump(node)}")  # pragma: no cover

    def _called(self, name: str, names: list[str], keywords: Mapping[str, ast.expr]) -> Value:
        settings = settings_of({key: _setting(value) for key, value in keywords.items()})
        network, *rest = names
        if name == "argument":
            return self._argument(network, rest[0], rest[1], settings)
        if name == "count":
            return self._count(network, rest[0], settings)
        return self.quantity(name, network, rest[0] if rest else "", settings)

    def _item(self, items: tuple[Value, ...], index: ast.expr) -> Value:
        if isinstance(index, ast.Slice):
            lower, upper = (
                None if edge is None else _whole(self._evaluated(edge)) for edge in (index.lower, index.upper)
            )
            return items[lower:upper]
        number = _whole(self._evaluated(index))
        if not -len(items) <= number < len(items):
            raise ValueProblemError(f"a list of {len(items)} has no item {number}", "the first is [0], the last [-1]")
        return items[number]


def question(claim: Claim) -> str:
    """All that a claim's value depends on, beside the networks; claims that ask the same have the same."""
    return claim.value or f"{claim.quantity} of {claim.network} at {claim.at!r}, {claim.settings}"


def answered(answer: Mapping[str, Any]) -> Value:
    """The value that `Evaluator.answer` wrote.

    Raises:
        ValueProblemError: it wrote that there is none.
    """
    if "problem" in answer:
        raise ValueProblemError(answer["problem"], answer["help"])
    return _read(answer["value"])


def _written(value: Value) -> Any:
    if isinstance(value, tuple):
        return list(map(_written, value))
    return value if isinstance(value, int) else str(value)


def _read(value: Any) -> Value:
    if isinstance(value, list):
        return tuple(map(_read, value))
    return Fraction(value) if isinstance(value, str) else value


def settings_of(given: Mapping[str, Any]) -> Settings:
    """Settings by name; what is none of archcalc's own is a variable of the spec.

    Raises:
        ValueProblemError: one has a value that it does not take.
    """
    own: dict[str, Any] = {}
    variables: list[tuple[str, Any]] = []
    for name, value in given.items():
        check = _CHECKS.get(name)
        if check is None:
            variables.append((name, value))
        else:
            own[name] = check(value)
    return Settings(set=tuple(variables), **own)


def _at_least_one(name: str, value: Any) -> int:
    if isinstance(value, bool) or not isinstance(value, int) or value < 1:
        raise ValueProblemError(f"{name} is a whole number of 1 or more, not {_shown(value)}")
    return value


def _one_of(name: str, words: Mapping[str, Any], value: Any) -> str:
    if value in words:
        return str(value)
    help = suggestion(str(value), words, f"there are {', '.join(words)}")
    raise ValueProblemError(f"no {name} is called `{_shown(value)}`", help)


def _flag(value: Any) -> bool:
    if isinstance(value, bool):
        return value
    raise ValueProblemError(f"with_heads is true or false, not {_shown(value)}")


def _input(value: Any) -> tuple[int, ...]:
    if isinstance(value, tuple) and value and all(isinstance(size, int) and size >= 1 for size in value):
        return value
    raise ValueProblemError(f"input is a list of sizes, channels first, not {_shown(value)}", "[3, 256, 256]")


def _bits(value: Any) -> Bits:
    return value if isinstance(value, str) and value in BLOCKS else _at_least_one("bits", value)


def _density(value: Any) -> Fraction:
    try:
        return exact_density(value)
    except ValueError as error:
        raise ValueProblemError(str(error)) from None


_CHECKS: dict[str, Callable[[Any], Any]] = {
    "batch": partial(_at_least_one, "batch"),
    "bits": _bits,
    "dtype": partial(_one_of, "dtype", DTYPES),
    "convention": partial(_one_of, "convention", CONVENTIONS),
    "with_heads": _flag,
    "input": _input,
    "density": _density,
}


def _shown(value: Any) -> str:
    if isinstance(value, tuple):
        return f"[{', '.join(map(_shown, value))}]"
    return str(value).lower() if isinstance(value, bool) else str(value)


def _setting(node: ast.expr) -> Any:
    """The constant that a named argument is."""
    match node:
        case ast.Name(id=word):
            return {"true": True, "false": False}.get(word, word)
        case ast.List(elts=items) | ast.Tuple(elts=items):
            return tuple(map(_setting, items))
        case ast.Constant(value=float() as value):
            return Fraction(str(value))
        case ast.Constant(value=value):
            return value
    raise AssertionError(f"admitted, but not evaluated: {ast.dump(node)}")  # pragma: no cover


def _sizes(shape: Any) -> tuple[Value, ...]:
    if not isinstance(shape, Shape):
        raise ValueProblemError("what reads several inputs has no single input shape")
    axes: tuple[Any, ...] = shape.spatial if shape.channels is None else (shape.channels, *shape.spatial)
    return axes


def _channels(shape: Shape) -> int:
    if not isinstance(shape.channels, int):
        raise ValueProblemError("its output has no channels")
    return shape.channels


def _plain(value: Fraction) -> int | Fraction:
    return value.numerator if value.denominator == 1 else value


def _number(value: Value) -> int | Fraction:
    if isinstance(value, (bool, tuple)):
        raise ValueProblemError(f"`{_shown(value)}` is no number to calculate with", "[0] takes the first of a list")
    return value


def _whole(value: Value) -> int:
    number = _number(value)
    if isinstance(number, int):
        return number
    raise ValueProblemError(f"{number} is not a whole number")


def _items(value: Value) -> tuple[Value, ...]:
    if isinstance(value, tuple):
        return value
    raise ValueProblemError(f"`{_shown(value)}` is no list to take an item of")


def _operated(sign: str, left: int | Fraction, right: int | Fraction) -> Value:
    if sign == "**":
        if not isinstance(right, int) or abs(right) > LARGEST_POWER:
            raise ValueProblemError(f"a power is a whole number to {LARGEST_POWER}, not {right}")
        if left == 0 > right:
            raise ValueProblemError("0 has no negative power")
        return _plain(Fraction(left) ** right)
    if sign in ("/", "//", "%") and right == 0:
        raise ValueProblemError("the expression divides by 0")
    return _plain(_ARITHMETIC[sign](Fraction(left), Fraction(right)))


def _compared(sign: str, left: Value, right: Value) -> bool:
    if sign in ("==", "!="):  # of lists too
        return COMPARISONS[sign](left, right)
    return COMPARISONS[sign](_number(left), _number(right))


def _aggregated(name: str, values: list[Value]) -> Value:
    items = _items(values[0]) if len(values) == 1 and isinstance(values[0], tuple) else tuple(values)
    if name == "len":
        return len(items)
    numbers = [_number(item) for item in items]
    if name in ("min", "max"):
        if not numbers:
            raise ValueProblemError(f"{name} of nothing")
        return min(numbers) if name == "min" else max(numbers)
    return _plain(Fraction(sum(numbers) if name == "sum" else prod(numbers)))


_ARITHMETIC: dict[str, Callable[[Fraction, Fraction], Any]] = {
    "+": operator.add,
    "-": operator.sub,
    "*": operator.mul,
    "/": operator.truediv,
    "//": lambda left, right: Fraction(left // right),
    "%": operator.mod,
}

"""Values of expressions: exact numbers, words, lists, layer expressions, earlier layers."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import Any, NoReturn

from archcalc.dims import FREE, Dim, Polynomial, Ratio, ratio
from archcalc.ops import OPERATORS, LayerReference, Shape, describe
from archcalc.results.position import EVERY, Position
from archcalc.source import Source, Span, SpecError, suggest
from archcalc.spec.calculate import ARITHMETIC, EXACT, Calculator
from archcalc.spec.elsewhere import UNKNOWN, told
from archcalc.spec.expression import (
    Binary,
    Call,
    Chain,
    Choice,
    Compare,
    Expression,
    Generator,
    Index,
    Items,
    Listing,
    Logic,
    Name,
    Number,
    Path,
    Unary,
    Unread,
    free_names,
    taps_body,
)
from archcalc.spec.functions import FUNCTIONS
from archcalc.spec.limits import LARGEST, Limits, how_to_raise
from archcalc.spec.model import Placed, Spec
from archcalc.spec.trail import size_of
from archcalc.spec.values import NOWHERE, Keys, LayerValue, Scope
from archcalc.spec.words import ARGUMENT_WORDS, CONSTANTS, IDENTITY, REFERENCES, RESERVED, X_PARTS


class Evaluator(Calculator):
    """Evaluates the expressions of one spec under one setting of its variables."""

    def __init__(
        self,
        spec: Spec,
        settings: Mapping[str, Placed | Polynomial | Ratio],
        limits: Limits,
        overrides: list[Source],
        name: str,
    ) -> None:
        super().__init__(spec, limits, overrides)
        self.settings = settings
        self.items: dict[str, list[tuple[Position, Placed | Polynomial | Ratio]]] = {}  # of lists, set from outside
        self.name = name
        self.variables: dict[str, Any] = {}
        self.being_found = 0  # variables, one for the value of another
        self.keys = Keys()
        self.empty = Scope({}, None, NOWHERE)
        # A name of the file hides an operator or function of that name.
        names = {*spec.modules, *spec.tables, *spec.settable}
        self.operators = _without(names, OPERATORS)
        self.functions = _without(names, FUNCTIONS)
        self.strangers: dict[Expression, tuple[str, ...]] = spec.strangers

    def find(self, parts: tuple[str, ...], placed: Placed, scope: Scope) -> LayerReference | None:
        """An earlier layer by its path; None where there is none."""
        raise NotImplementedError

    def variable(self, name: str, span: Span) -> Any:
        """Value of a variable, found when first asked for."""
        try:
            return self.variables[name]
        except KeyError:
            pass
        setting = self.settings.get(name)
        if setting is None:
            owners = [variant for variant in self.spec.variants if name in self.spec.settings(variant)]
            listed = ", ".join(owners[:8]) + (", ..." if len(owners) > 8 else "")
            self.fail(
                "no-value",
                f"the variable `{name}` has no value in {self.name}",
                span,
                f"networks that give it one: {listed}" if owners else "give it one under `variables:`",
            )
        if isinstance(setting, FREE):
            value: Any = setting
        else:
            if self.being_found >= self.limits.nesting:
                self.fail(
                    "variable-nesting",
                    f"variables depend on one another more than {self.limits.nesting} deep",
                    setting.span(),
                    how_to_raise("variables"),
                )
            self.being_found += 1
            try:
                value = self.value(setting.expression, self.empty, setting.base)
            finally:
                self.being_found -= 1
        for position, given in self.items.get(name, ()):
            value = self.with_item(value, position, given, span)
        self.variables[name] = value
        return value

    def with_item(self, value: Any, position: Position, given: Placed | Polynomial | Ratio, span: Span) -> Any:
        """A list with one of its items, or each of them, replaced."""
        where = span if isinstance(given, FREE) else given.span()
        if isinstance(given, FREE):
            item: Any = given
        else:
            if position.variable in free_names(given.expression):
                message = f"an item of `{position.variable}` cannot depend on `{position.variable}`"
                self.fail("circular-variable", message, where, "write the value out")
            item = self.value(given.expression, self.empty, given.base)
        return self._replaced(value, position, position.indices, item, where)

    def _replaced(self, value: Any, position: Position, indices: tuple[int, ...], item: Any, span: Span) -> Any:
        if not indices:
            return item
        within = str(position._replace(indices=position.indices[: len(position.indices) - len(indices)]))
        if type(value) is not tuple:
            self.fail("not-a-list", f"`{within}` is no list but {describe(value)}, and has no items", span)
        index, *rest = indices
        if index >= len(value):
            items = f"items are counted from 0: {within}[0] to {within}[{len(value) - 1}]" if value else None
            self.fail("index-range", f"`{within}` is a list of {len(value)}, and has no item {index}", span, items)
        self.step(span, len(value) // 4)
        chosen = range(len(value)) if index == EVERY else (index,)
        return tuple(
            self._replaced(each, position, tuple(rest), item, span) if at in chosen else each
            for at, each in enumerate(value)
        )

    def value(self, expression: Expression, scope: Scope, base: int) -> Any:
        """The value of an expression in a scope; `base` is where its text begins in the file."""
        if type(expression) is Number:  # most are a number or an argument
            return expression.value
        if type(expression) is Name and expression.id in scope.locals:
            return scope.locals[expression.id]
        return _VALUE[type(expression)](self, expression, scope, base)

    def of_number(self, expression: Number, scope: Scope, base: int) -> Any:
        """A number is itself."""
        return expression.value

    def of_name(self, expression: Name, scope: Scope, base: int) -> Any:
        """An argument, a variable, a module, an operator, a word, or an earlier layer."""
        name = expression.id
        if name in scope.locals:
            return scope.locals[name]
        if name in self.variables:
            return self.variables[name]
        if name in self.spec.settable:
            return self.variable(name, Span(base + expression.start, base + expression.end))
        if name in self.spec.tables:
            return self.spec.tables[name]
        if name in self.spec.inputs:
            return self.find((name,), Placed(expression, base), scope)
        if name in self.spec.modules or name in OPERATORS or name == IDENTITY:
            return LayerValue(Placed(expression, base), self.empty)
        if name in CONSTANTS:
            return CONSTANTS[name]
        if name in ARGUMENT_WORDS:
            return name
        placed = Placed(expression, base)
        found = self.find((name,), placed, scope)
        if found is None:
            self.unknown_name(name, placed.span(), scope)
        return found

    def unknown_name(self, name: str, span: Span, scope: Scope) -> NoReturn:
        """Raise, with the nearest name that would be known here."""
        known = [
            *scope.locals,
            *self.spec.settable,
            *self.spec.modules,
            *self.spec.tables,
            *OPERATORS,
            *FUNCTIONS,
            *CONSTANTS,
            *ARGUMENT_WORDS,
        ]
        near = suggest(name, known)
        self.fail("unknown-name", f"nothing is called `{name}` here", span, told(name, near, UNKNOWN))

    def of_unread(self, expression: Unread, scope: Scope, base: int) -> NoReturn:
        """What could not be read has no value; why was told before."""
        raise SpecError(())

    def of_path(self, expression: Path, scope: Scope, base: int) -> Any:
        """`x.channels` and its like, or an earlier layer."""
        span = Span(base + expression.start, base + expression.end)
        if expression.parts[0] == "x":
            if len(expression.parts) != 2 or expression.parts[1] not in X_PARTS:
                last = expression.parts[-1]
                near = suggest(last, X_PARTS)
                self.fail(
                    "unknown-part",
                    f"x has no `{'.'.join(expression.parts[1:])}`",
                    span,
                    f"did you mean x.{near}?" if near else f"x has {', '.join(X_PARTS)}",
                )
            if scope.x is None:
                self.fail(
                    "no-input",
                    "there is no input here for x to stand for",
                    span,
                    "x is the input of the module body it stands in",
                )
            return self.part_of(scope.x, expression.parts[1], span)
        found = self.find(expression.parts, Placed(expression, base), scope)
        if found is None:
            self.unknown_path(Placed(expression, base), expression.parts, scope)
        return found

    def unknown_path(self, placed: Placed, parts: tuple[str, ...], scope: Scope) -> NoReturn:
        """Raise: there is no such earlier layer."""
        help = "a path names a layer that was computed before, from the body it stands in"
        self.fail("unknown-layer", f"no earlier layer is called `{'.'.join(parts)}`", placed.span(), help)

    def part_of(self, x: Shape, part: str, span: Span) -> Dim:
        """`x.channels` and its like."""
        parts = {
            "features": (),
            "sequence": ("length",),
            "tokens": ("length",),
            "image": ("height", "width"),
            "volume": ("depth", "height", "width"),
        }[x.kind]
        if part == "channels" and x.channels is not None:
            return x.channels  # type: ignore[no-any-return]
        if part not in parts:
            known = ["channels"] * (x.channels is not None) + list(parts)
            help = f"it has {', '.join(f'x.{name}' for name in known)}"
            self.fail("no-such-axis", f"x is {x.kind} {x} and has no {part}", span, help)
        return x.spatial[parts.index(part)]

    def of_items(self, expression: Items, scope: Scope, base: int) -> Any:
        """A tuple or list; its items count as work, those of lists in it too."""
        values = []
        for item in expression.items:
            value = self.value(item, scope, base)
            self.step(Span(base + item.start, base + item.end), size_of(value) // 4)
            values.append(value)
        return tuple(values)

    def of_unary(self, expression: Unary, scope: Scope, base: int) -> Any:
        """`-a`, `+a`, `not a`."""
        if expression.operator == "not":
            return not self.truth(expression.operand, scope, base)
        value = self.number(expression.operand, scope, base)
        return ratio.multiply(value, -1) if expression.operator == "-" else value

    def of_binary(self, expression: Binary, scope: Scope, base: int) -> Any:
        """Arithmetic; a layer times a count stays a layer."""
        left = self.value(expression.left, scope, base)
        if expression.operator == "*" and (left is None or isinstance(left, LayerValue)):
            return self.of_layer(expression, scope, base)
        if type(left) is tuple:
            return self.of_lists(expression, left, scope, base)
        left = self.as_number(left, expression.left, base)
        right = self.value(expression.right, scope, base)
        if type(left) is int and type(right) is int and expression.operator in EXACT:  # as most are
            result = ARITHMETIC[expression.operator](left, right)
            if -LARGEST < result < LARGEST:
                return result
        if expression.operator == "*" and isinstance(right, LayerValue):
            span = Span(base + expression.start, base + expression.end)
            self.fail("count-on-left", "the count of a repeat stands on the right", span, "conv(64, 3) * 2")
        if expression.operator == "*" and type(right) is tuple:
            span = Span(base + expression.start, base + expression.end)
            self.fail("count-on-left", "the count of a repeat stands on the right", span, "[7] * 20")
        right = self.as_number(right, expression.right, base)
        return self.calculate(expression, left, right, base)

    def of_lists(self, expression: Binary, left: tuple[Any, ...], scope: Scope, base: int) -> Any:
        """`[7] * 20` and `[3] + [5, 7]`; no other arithmetic has lists."""
        span = Span(base + expression.start, base + expression.end)
        if expression.operator == "*":
            count = self.whole(expression.right, scope, base, "the count of a repeat")
            if count < 0:
                self.fail("negative-count", f"a list cannot stand {count} times", span)
            self.step(span, count * size_of(left) // 4)  # told before the work is done
            return left * count
        if expression.operator == "+":
            right = self.value(expression.right, scope, base)
            if type(right) is not tuple:
                message = f"a list is needed beside a list, not {describe(right)}"
                self.fail("not-a-list", message, span, "[3] + [5, 7] is [3, 5, 7]")
            self.step(span, (size_of(left) + size_of(right)) // 4)
            return left + right
        self.as_number(left, expression.left, base)

    def of_choice(self, expression: Choice, scope: Scope, base: int) -> Any:
        """The branch that the condition chooses."""
        chosen = expression.then if self.truth(expression.condition, scope, base) else expression.otherwise
        return self.value(chosen, scope, base)

    def of_index(self, expression: Index, scope: Scope, base: int) -> Any:
        """An item of a list."""
        items = self.value(expression.value, scope, base)
        span = Span(base + expression.start, base + expression.end)
        if not (isinstance(items, tuple) and type(items) is tuple):
            self.fail("not-a-list", f"only a list has items, not {describe(items)}", span)
        index = self.whole(expression.index, scope, base, "an index")
        if not 0 <= index < len(items):
            self.fail(
                "index-range",
                f"there is no item {index} in a list of {len(items)}",
                span,
                "items are counted from 0",
            )
        return items[index]

    def of_layer(self, expression: Expression, scope: Scope, base: int) -> LayerValue:
        """A layer expression, kept as written."""
        return LayerValue(Placed(expression, base), scope, self.names_layers(expression, scope))

    def names_layers(self, expression: Expression, scope: Scope) -> bool:
        """Whether a layer expression reads earlier layers of the body that it stands in."""
        strangers = self.strangers.get(expression)
        if strangers is None:
            known = (_WORDS, self.spec.settable, self.spec.modules, self.spec.tables)
            names = [*free_names(expression), *(["tap(x)"] if taps_body(expression) else [])]
            strangers = tuple(name for name in names if not any(name in others for others in known))
            self.strangers[expression] = strangers
        return any(name not in scope.locals for name in strangers)

    def of_call(self, expression: Call, scope: Scope, base: int) -> Any:
        """The result of a function; any other call stays a layer expression."""
        name = expression.function
        if name in self.functions and name not in scope.locals:
            return self.function(expression, scope, base)
        return self.of_layer(expression, scope, base)

    def function(self, expression: Call, scope: Scope, base: int) -> Any:
        """A call of one of the language's functions."""
        span = Span(base + expression.start, base + expression.end)
        name = expression.function
        if expression.named:
            self.fail("named-argument", f"{name} takes its arguments by position", span)
        values = [self.iterated(argument, scope, base) for argument in expression.arguments]
        return self.bounded(FUNCTIONS[name](self, name, values, span), span)

    def iterated(self, expression: Expression, scope: Scope, base: int) -> Any:
        """An argument of a function; a generator gives the list of its values."""
        if not isinstance(expression, Generator):
            return self.value(expression, scope, base)
        values = []
        for inner in self.generated(expression, scope, base):
            value = self.value(expression.element, inner, base)
            if type(value) is tuple:
                self.step(Span(base + expression.start, base + expression.end), size_of(value) // 4)
            values.append(value)
        return tuple(values)

    def of_listing(self, expression: Listing, scope: Scope, base: int) -> Any:
        """A list written with one `for`."""
        return self.iterated(expression.generator, scope, base)

    def generated(self, expression: Generator, scope: Scope, base: int) -> Iterator[Scope]:
        """A scope for each turn of a generator."""
        items = self.value(expression.iterable, scope, base)
        span = Span(base + expression.iterable.start, base + expression.iterable.end)
        if not (isinstance(items, tuple) and type(items) is tuple):
            self.fail(
                "not-a-list",
                f"`for` needs a list, not {describe(items)}",
                span,
                "for i in range(3), or for n in widths",
            )
        self.step(span, len(items))
        for item in items:
            yield Scope({**scope.locals, expression.variable: item}, scope.x, scope.prefix, scope.node)


def _without(names: set[str], known: dict[str, Any]) -> dict[str, Any]:
    """Names of the language that none of the file hides."""
    hidden = known.keys() & names
    return {name: of for name, of in known.items() if name not in hidden} if hidden else known


_WORDS = RESERVED - {*REFERENCES}  # that name no layer
_VALUE: dict[type[Expression], Callable[[Evaluator, Any, Scope, int], Any]] = {
    Number: Evaluator.of_number,
    Name: Evaluator.of_name,
    Unread: Evaluator.of_unread,
    Path: Evaluator.of_path,
    Items: Evaluator.of_items,
    Listing: Evaluator.of_listing,
    Unary: Evaluator.of_unary,
    Binary: Evaluator.of_binary,
    Compare: Evaluator.of_compare,
    Logic: Evaluator.of_logic,
    Choice: Evaluator.of_choice,
    Index: lambda evaluator, *given: evaluator.of_index(*given),  # by name: what reads parts has its own
    Call: Evaluator.of_call,
    Chain: Evaluator.of_layer,
    Generator: Evaluator.of_layer,
}

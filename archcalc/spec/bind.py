"""Calls to operators: arguments bound, defaults filled in, the operations that follow within one layer."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from functools import lru_cache
from typing import Any, NoReturn

from archcalc.dims import Polynomial, Ratio, RequirementError
from archcalc.graph import Node, Repeat, unfolded, written_at
from archcalc.named import NamedTuple
from archcalc.ops import ONE, OPERATORS, REQUIRED, ArgumentError, LayerReference, Operator, Shape, describe
from archcalc.source import Source, Span, suggest
from archcalc.spec.evaluate import Evaluator
from archcalc.spec.expression import Call, Choice, Expression, Name, as_call
from archcalc.spec.limits import LARGEST, LONGEST_NAMES, Limits, how_to_raise
from archcalc.spec.model import Placed, Spec
from archcalc.spec.naming import callee
from archcalc.spec.values import LayerValue, Scope
from archcalc.spec.words import MERGES, TRAINABLE, argument_count

_tuple: Any = tuple.__new__  # makes a named tuple in half the time
ROLES = ("norm", "activation")  # operations that follow within one layer, in this order


class Handle(NamedTuple):
    """What a body gives: the node, and its shape."""

    node: int
    shape: Shape


class Bound(NamedTuple):
    """A call bound: the operator, what follows it, further inputs, and the node it is tied to or -1."""

    operator: Operator
    followers: list[tuple[str, Operator]]
    extra: tuple[int, ...]
    tied: int


@lru_cache(maxsize=1 << 16)
def shape_of(operator: Operator, x: Any) -> Shape:
    """Output shape of an operation whose sizes are all whole numbers; equal questions are answered once.

    Raises:
        RequirementError: the operator refuses this input.
    """
    operator.require_arguments()
    return operator.infer(x)


class Binder(Evaluator):
    """Binds calls and appends operations."""

    has_numbers = False  # every size is a whole number: then shapes leave no assumptions, and are remembered

    def __init__(
        self,
        spec: Spec,
        settings: Mapping[str, Placed | Polynomial | Ratio],
        limits: Limits,
        overrides: list[Source],
        name: str,
    ) -> None:
        super().__init__(spec, settings, limits, overrides, name)
        self.written: list[Node] = []
        self.repeats: list[Repeat] = []  # between them
        self.repeated = 0  # operations of repeats
        self.shapes: dict[tuple[Operator, Any], Shape] = {}
        self.bound: dict[tuple[Any, ...], Bound] = {}
        self.followers: dict[tuple[str, Any], Operator] = {}
        self.default_values: dict[str, dict[str, Any]] = {}
        self.characters = 0  # of all names
        self.copies = ONE  # of what is expanded: experts are stored and computed several times
        self.trainable = True  # what is expanded, unless `trainable=false` says otherwise
        self.sharing: list[int] | None = None  # nodes whose weights the next operations use, last first

    @property
    def nodes(self) -> list[Node]:
        """All operations so far; from here on those of repeats are written too."""
        if self.repeats:
            self.unfold()
        return self.written

    def unfold(self) -> None:
        """Write out what is repeated so far."""
        self.written, self.repeats, self.repeated = unfolded(self.written, self.repeats), [], 0

    @property
    def count(self) -> int:
        """How many operations there are so far."""
        return len(self.written) + self.repeated

    def node(self, index: int) -> Node:
        """One operation."""
        position = written_at(self.repeats, index)
        return self.nodes[index] if position is None else self.written[position]

    def last_operator(self) -> Operator:
        """Of the last operation, which may be a copy."""
        index = self.count - 1
        while (position := written_at(self.repeats, index)) is None:
            repeat = next(each for each in reversed(self.repeats) if each.begin <= index)
            index = repeat.first + (index - repeat.begin) % repeat.size
        return self.written[position].operator

    def bind(
        self,
        name: str,
        call: Call,
        arguments: tuple[Expression, ...],
        values: list[Any],
        base: int,
    ) -> Bound:
        """A call of an operator; `arguments` are those by position, of a merge none: they are its branches."""
        key = (name, call, *map(self.keys.key, values))
        bound = self.bound.get(key)
        if bound is None:
            bound = self.bound[key] = self.new_bound(name, call, arguments, values, base)
        return bound

    def new_bound(
        self,
        name: str,
        call: Call,
        arguments: tuple[Expression, ...],
        values: list[Any],
        base: int,
    ) -> Bound:
        """A call that was not bound before with these values."""
        declared = OPERATORS[name].arguments
        given = [*zip(declared, arguments, strict=False), *call.named]
        if len(arguments) > len(declared):
            self.fail(
                "too-many-arguments",
                f"{name} takes {argument_count(len(declared))}, not {len(arguments)}",
                self.span_of(arguments[len(declared)], base),
            )
        self.check_named(name, call, base, declared, len(arguments))
        found = {**self.defaults(name)}
        found.update(zip([argument for argument, _ in given], values, strict=True))
        trainable = self.flag(found.pop(TRAINABLE, True), call, base)
        followers: list[tuple[str, Operator]] = []
        extra: list[int] = []
        tied = -1
        places = dict(given)
        for argument, value in found.items():
            if value is None:
                continue
            if argument in ROLES:
                if not (isinstance(value, LayerValue) and value.is_identity):
                    key = (argument, self.keys.key(value))
                    if key not in self.followers:
                        span = self.span_of(places.get(argument, call), base)
                        self.followers[key] = self.follower(argument, value, span)
                    followers.append((argument, self.followers[key]))
                found[argument] = None
            elif isinstance(value, LayerValue) and self.is_word(value, declared[argument].words):
                found[argument] = callee(value.placed.expression)  # a word that is an operator too: `align=crop`
            elif isinstance(value, LayerReference) and argument == "initial":
                extra.append(value.node)
                found[argument] = LayerReference("the earlier layer", -1, value.x, value.y)
            elif isinstance(value, LayerReference) and declared[argument].kind == "layer":
                span = self.span_of(places.get(argument, call), base)
                if argument == "weights":
                    index = tied = self.owner_of(value, span)
                else:
                    index = self.pooling_of(value, span)
                    extra.append(index)
                node = self.node(index)
                x = node.x
                if argument == "weights" and x.channels is None:  # as of ones at the places of the tokens
                    x = x._replace(channels=node.operator.parameters(x).weights // node.y.channels)
                found[argument] = LayerReference("the earlier layer", -1, x, node.y)
        # In one order and with all defaults: what is equal is then one operator, however it was written.
        whole = {**OPERATORS[name].defaults, **found}
        if REQUIRED in whole.values():
            missing = [other for other, value in whole.items() if value is REQUIRED]
            self.fail(
                "missing-argument",
                f"{name} needs {' and '.join(missing)}",
                self.span_of(call, base),
                f"{name}({', '.join(other for other, what in declared.items() if what.is_required)})",
            )
        followers.sort(key=lambda follower: ROLES.index(follower[0]))
        try:
            operator = OPERATORS[name].of(whole)
        except ArgumentError:
            self.bad_argument(name, call, places, found, base)
        if not trainable:
            operator = operator.variant(trainable=False)
            followers = [(role, follower.variant(trainable=False)) for role, follower in followers]
        return Bound(operator, followers, tuple(extra), tied)

    def flag(self, value: Any, call: Call, base: int) -> bool:
        """What `trainable=` of a call says."""
        if not isinstance(value, bool):
            part = dict(call.named).get(TRAINABLE, call)
            message = f"{call.function}: {TRAINABLE} must be true or false, not {describe(value)}"
            self.fail("bad-argument", message, self.span_of(part, base), f"{TRAINABLE}=false freezes its parameters")
        return value

    def is_word(self, value: LayerValue, words: Collection[str]) -> bool:
        """Whether an operator that stands as an argument is a word of it, and no module of the file."""
        name = callee(value.placed.expression)
        return name in words and name not in self.spec.modules

    def owner_of(self, layer: LayerReference, span: Span) -> int:
        """The operation whose weights an earlier layer has: the one that its norm and activation follow.

        Of one that uses others' weights itself, the operation whose they are.
        """
        index = layer.node
        while index > 0 and self.node(index).layer == self.node(index - 1).layer:
            index -= 1
        while index >= 0 and self.node(index).shares >= 0:
            index = self.node(index).shares
        if index < 0 or not self.is_linear(self.node(index)):
            help = "weights= names a linear layer, or a convolution over all positions at once"
            self.fail("tie-mismatch", f"`{layer.name}` has no weights of a linear layer", span, help)
        return index

    def is_linear(self, node: Node) -> bool:
        """Whether an operation has a weight from each of its inputs to each output."""
        if not isinstance(node.x, Shape):
            return False
        if node.x.channels is None:
            return node.operator.looks_up
        linear = OPERATORS["linear"].of({"channels": node.y.channels})
        return node.operator.weighted and bool(
            node.operator.parameters(node.x).weights == linear.parameters(node.x).weights
        )

    def pooling_of(self, layer: LayerReference, span: Span) -> int:
        """The operation that an earlier layer is, which finds where its largest elements are."""
        node = self.node(layer.node) if layer.node >= 0 else None
        if node is None or not node.operator.name.endswith("maxpool") or node.x != layer.x:
            help = "unpool undoes an earlier layer that is a max pooling alone"
            self.fail("unpool-mismatch", f"`{layer.name}` is no max pooling", span, help)
        return layer.node

    def bad_argument(
        self, name: str, call: Call, places: Mapping[str, Expression], found: Mapping[str, Any], base: int
    ) -> NoReturn:
        """Raise at the first argument that its operator does not take."""
        for argument, value in found.items():
            declared, written = OPERATORS[name].arguments[argument], places.get(argument, call)
            try:
                declared.convert(value)
            except ArgumentError as error:
                help = error.help
                if isinstance(written, Name) and written.id in declared.words:
                    help = f"a name of this file hides the word `{written.id}`: rename it"
                self.fail("bad-argument", f"{name}: {error}", self.span_of(written, base), help)
        raise AssertionError(f"{name} refuses {found} as a whole")

    def span_of(self, part: Expression, base: int) -> Span:
        """Where a part of an expression stands in the file."""
        return Span(base + part.start, base + part.end)

    def check_named(self, callee: str, call: Call, base: int, known: Collection[str], by_position: int) -> None:
        """Raise for an argument by name that there is not, with the nearest; or that is given by position too."""
        twice = tuple(known)[:by_position] if call.named else ()
        for (argument, _), (start, end) in zip(call.named, call.places, strict=True):
            if argument == TRAINABLE or (argument in known and argument not in twice):
                continue
            span = Span(base + start, base + end)
            if argument not in known:
                near = suggest(argument, known)
                help = f"did you mean `{near}`?" if near else f"{callee} takes {', '.join(known) or 'no arguments'}"
                self.fail("unknown-argument", f"{callee} has no argument `{argument}`", span, help)
            message = f"the argument `{argument}` is given twice"
            self.fail("repeated-argument", message, span, "once by position, once by name")

    def defaults(self, name: str) -> dict[str, Any]:
        """The file's defaults for an operator, evaluated once."""
        found = self.default_values.get(name)
        if found is None:
            found = {
                argument: self.value(placed.expression, self.empty, placed.base)
                for argument, (_, placed) in self.spec.defaults.get(name, {}).items()
            }
            self.default_values[name] = found
        return found

    def follower(self, role: str, value: Any, span: Span) -> Operator:
        """The operator that `norm=` or `activation=` names."""
        if not isinstance(value, LayerValue):
            self.fail(
                "bad-argument",
                f"{role} must be an operator, not {describe(value)}",
                span,
                f"{role}=none leaves it out",
            )
        placed, scope = value.placed, value.scope
        expression = placed.expression
        while isinstance(expression, Choice):
            expression = (
                expression.then if self.truth(expression.condition, scope, placed.base) else expression.otherwise
            )
        name = callee(expression) if isinstance(expression, (Name, Call)) else ""
        if name in scope.locals or name in self.spec.settable:
            inner = self.of_name_text(name, span, scope)
            if isinstance(expression, Name):
                return self.follower(role, inner, span)
            assert isinstance(expression, Call)
            name = self.callable_value(name, expression, placed.base, scope)
        if name not in self.operators or name in MERGES:
            self.fail(
                "bad-argument",
                f"{role} must be one operator",
                span,
                "what is more than one operation is a layer of its own",
            )
        assert isinstance(expression, (Name, Call))
        call = as_call(expression)
        parts = (*call.arguments, *(part for _, part in call.named))
        values = [self.value(part, scope, placed.base) for part in parts]
        operator, followers, extra, _ = self.bind(name, call, call.arguments, values, placed.base)
        if followers or extra:
            help = "what is more than one operation is a layer of its own"
            self.fail("bad-argument", f"{role} must be one operation alone", span, help)
        return operator

    def of_name_text(self, name: str, span: Span, scope: Scope) -> Any:
        """What an argument or a variable stands for."""
        return scope.locals[name] if name in scope.locals else self.variable(name, span)

    def callable_value(self, name: str, call: Call, base: int, scope: Scope) -> str:
        """The operator or module that a variable or argument stands for."""
        span = Span(base + call.start, base + call.start + len(name))
        value = self.of_name_text(name, span, scope)
        if isinstance(value, LayerValue) and isinstance(value.placed.expression, Name) and not value.is_identity:
            return value.placed.expression.id
        if isinstance(value, LayerValue):
            self.fail(
                "not-callable",
                f"`{name}` stands for a whole layer expression and takes no arguments",
                span,
                f"write `{name}` alone, or set it to a bare operator or module name",
            )
        self.fail("not-callable", f"`{name}` is {describe(value)}, not an operator or module", span)

    def marked(self, operator: Operator) -> Operator:
        """The operator as it stands where the expansion is: in an expert, or frozen."""
        if self.copies is ONE and self.trainable:
            return operator
        return operator.variant(copies=self.copies, trainable=operator.trainable and self.trainable)

    def emit(
        self,
        operator: Operator,
        x: Any,
        inputs: tuple[int, ...],
        name: str,
        layer: str,
        span: tuple[int, int],
        tied: int,
    ) -> Handle:
        """Append one operation."""
        key = (operator, x)
        y = self.shapes.get(key)
        if y is None:
            y = self.shapes[key] = self.infer(operator, x, span)
        shares = tied if self.sharing is None else self.shared(operator, x, span)
        index = len(self.written) + self.repeated
        if index >= self.limits.layers:
            self.fail(
                "too-many-layers",
                f"the network has more than {self.limits.layers:,} operations",
                Span(*span),
                how_to_raise("layers"),
            )
        self.characters += len(name)
        if self.characters > LONGEST_NAMES:
            self.count_names(0, span[0])
        self.written.append(_tuple(Node, (name, layer, operator, inputs, x, y, shares, span)))
        made: Handle = _tuple(Handle, (index, y))
        return made

    def count_names(self, characters: int, at: int) -> None:
        """Count the characters of names, so that no spec takes unbounded memory."""
        self.characters += characters
        if self.characters > LONGEST_NAMES:
            self.fail(
                "long-names",
                f"the names of the layers take more than {LONGEST_NAMES:,} characters",
                Span(at, at + 1),
                how_to_raise("names"),
            )

    def infer(self, operator: Operator, x: Any, span: tuple[int, int]) -> Shape:
        """Output shape, where the rule's refusal becomes a diagnostic."""
        try:
            if self.has_numbers:
                y = shape_of(operator, x)
            else:
                operator.require_arguments()
                y = operator.infer(x)
        except RequirementError as error:
            shown = f"its input is {x.kind} {x}" if isinstance(x, Shape) else None
            notes = [shown] if shown and str(x) not in error.message else []
            message = (
                error.message
                if error.message.startswith(operator.name) or operator.merges
                else f"{operator.name}: {error.message}"
            )
            self.fail(error.code, message, Span(*span), error.help, *notes)
        for size in (y.channels, *y.spatial):
            if isinstance(size, int) and size >= LARGEST:
                self.fail(
                    "integer-size",
                    f"{operator.name} gives an output of {y}",
                    Span(*span),
                    how_to_raise("integer"),
                )
        return y

    def shared(self, operator: Operator, x: Any, span: tuple[int, int]) -> int:
        """The node whose weights the next operation of a shared body uses."""
        assert self.sharing is not None
        index = self.sharing.pop() if self.sharing else -1
        original = self.node(index) if index >= 0 else None
        if (
            original is None
            or original.operator is not operator
            or operator.parameters(x) != operator.parameters(original.x)
        ):
            self.fail(
                "share-mismatch",
                "the weights of the earlier body do not fit this input",
                Span(*span),
                "share needs inputs with as many channels",
            )
        return index

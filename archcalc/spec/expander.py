"""The expansion of one network: bodies, entries and expressions to operations.

A module called again with equal arguments and input shape is replayed: its nodes are copied under the new path.
"""

from __future__ import annotations

from collections.abc import Mapping
from fractions import Fraction
from typing import Any, NoReturn

from archcalc.dims import FREE, Polynomial, Ratio, RequirementError, collecting_assumptions, ratio, require_at_least
from archcalc.graph import NETWORK_INPUT, Graph
from archcalc.ops import OPERATORS, LayerReference, Shape, describe
from archcalc.results.position import Position, position_of
from archcalc.source import Source, Span, SpecError, suggest
from archcalc.spec.bind import Handle
from archcalc.spec.branches import Slot
from archcalc.spec.elsewhere import told
from archcalc.spec.expression import Binary, Call, Chain, Choice, Compare, Expression, Generator, Name, as_call
from archcalc.spec.functions import FUNCTIONS
from archcalc.spec.inputs import Inputs
from archcalc.spec.limits import Limits, how_to_raise
from archcalc.spec.model import Body, Entries, Entry, Merge, Placed, Spec
from archcalc.spec.naming import Place, place_of
from archcalc.spec.references import Known
from archcalc.spec.values import LayerValue, Scope, circles, circular
from archcalc.spec.words import MERGES

# Of operators whose arguments name earlier layers, these arguments.
NAME_LAYERS = {
    name: arguments
    for name, cls in OPERATORS.items()
    if (arguments := {each.name for each in cls.arguments.values() if each.kind in ("layer", "size")})
}


class Expander(Inputs):
    """One expansion of one network."""

    def __init__(
        self,
        spec: Spec,
        name: str,
        overrides: Mapping[str, tuple[Placed, Source] | Polynomial | Ratio],
        input_shapes: Mapping[str, Shape],
        limits: Limits,
        with_heads: bool,
    ) -> None:
        settings: dict[str, Placed | Polynomial | Ratio] = dict(spec.settings(name))
        items: dict[str, list[tuple[Position, Placed | Polynomial | Ratio]]] = {}
        sources: list[Source] = []
        free: list[Position] = []
        for text, given in overrides.items():
            position = position_of(text) or Position(text)
            if isinstance(given, FREE):
                free.append(position)
                value: Placed | Polynomial | Ratio = given
            else:
                value = given[0]
                sources.append(given[1])
            if position.indices:
                items.setdefault(position.variable, []).append((position, value))
            else:
                settings[position.variable] = value
        super().__init__(spec, spec.settings(name), limits, sources, name)
        for position in free:
            self.check_number(position)
        self.settings, self.items = settings, items
        given_sizes = [size for shape in input_shapes.values() for size in (shape.channels, *shape.spatial)]
        self.has_numbers = self.folds and not free and not any(isinstance(size, FREE) for size in given_sizes)
        self.variables.clear()
        self.input_shapes = input_shapes
        self.heads = spec.heads if with_heads else []

    def check_number(self, position: Position) -> None:
        """Refuse to leave free what is no number: there is no one formula for all its values."""
        placed = self.spec.settings(self.name).get(position.variable)
        value = 1 if placed is None else self.item_of(self.variable(position.variable, placed.span()), position)
        if placed is not None and (isinstance(value, bool) or not isinstance(value, (int, Fraction))):
            self.fail(
                "structural-variable",
                f"the variable `{position}` is {describe(value)}; it decides the structure and cannot stay free",
                placed.span(),
                "give it a value: one expansion for each",
            )

    def item_of(self, value: Any, position: Position) -> Any:
        """What stands at a position of a value; 1 where nothing does, which whoever sets it is told."""
        for index in position.indices:
            value = value[index] if type(value) is tuple and 0 <= index < len(value) else 1
        return value

    def expand(self, is_last: bool = False) -> Graph:
        """The graph, with what was assumed of free variables."""
        with collecting_assumptions() as assumptions:
            try:
                graph = self.graph()
            except SpecError as error:
                unequal = {f"assumed: {assumed.text}": None for assumed in assumptions if assumed.code == "unequal"}
                if not unequal:
                    raise
                raise SpecError([of._replace(notes=(*of.notes, *unequal)) for of in error.diagnostics]) from None
            except RecursionError:
                if not is_last:
                    raise
                where = self.stack[-1].span if self.stack else Span(0, 1)
                self.fail("module-nesting", "modules are nested too deeply", where, how_to_raise("nesting"))
            graph.assumptions = list(dict.fromkeys(assumptions))
            return graph

    def graph(self) -> Graph:
        """The whole network, its heads and further outputs."""
        spec = self.spec
        self.check_circles()
        assert spec.layers is not None
        for words, placed in spec.requires.items():
            self.require(words, placed)
        shapes = self.read_inputs()
        self.inputs = {name: Handle(NETWORK_INPUT - at, shape) for at, (name, shape) in enumerate(shapes.items())}
        first = next(iter(self.inputs.values()))
        root = Scope({}, first.shape, "", first.node)
        output = self.body(spec.layers, first, root, "", is_root=True)
        outputs = {entry.name: self.entry(entry, output, root, "", True).node for entry in spec.outputs}
        first_head = self.count
        heads = {entry.name: self.entry(entry, output, root, "", True).node for entry in self.heads}
        graph = Graph(
            self.name,
            spec.title or self.name,
            shapes,
            self.written,
            output.node,
            heads,
            outputs,
            first_head,
            tuple(entry.name for entry in spec.heads),
            step=spec.step_inputs,
            has_sources=any(operator.sources for operator, _ in self.shapes),
            has_past=any(operator.keeps and x.spatial != y.spatial for (operator, x), y in self.shapes.items()),
            repeats=self.repeats,
        )
        if not self.count:
            self.fail("no-layers", "the network has no layers", spec.source_span(), "layers: lists what it does")
        if self.spliced:  # merges whose inputs went into the merge after them
            self.left_out(graph.leave_out(self.spliced), self.count)
        self.check_read(graph)
        return graph

    def check_circles(self) -> None:
        """Variables do not depend on themselves."""
        for circle in circles(self.settings):
            self.fail(*circular(circle, self.settings))

    def require(self, words: str, placed: Placed) -> None:
        """What the file says must hold of its variables.

        Bounds of free ones are assumed, as those of windows are, but not of a space's: they say which members it has.
        """
        expression, message = placed.expression, f"{self.name} requires {words}"
        if not self.spec.space and isinstance(expression, Compare) and expression.operator in ("<=", ">="):
            sides = (expression.left, expression.right)
            left, right = (self.as_number(self.value(x, self.empty, placed.base), x, placed.base) for x in sides)
            (a, b), (c, d) = map(ratio.parts, (left, right) if expression.operator == ">=" else (right, left))
            try:
                return require_at_least(a * d, c * b, "requirement", message.replace("{", "{{").replace("}", "}}"))
            except RequirementError:
                self.fail("requirement", message, placed.span())
        if not self.truth(expression, self.empty, placed.base):
            self.fail("requirement", message, placed.span())

    def left_out(self, position: Mapping[int, int], count: int) -> None:
        """Told the new indices of operations by the old ones, of which there were so many; the graph has them."""

    def body(self, body: Body, handle: Handle, scope: Scope, path: str, is_root: bool = False) -> Handle:
        """A body: named or unnamed parts in a row, or a merge."""
        if isinstance(body, Entries):
            for entry in body.items:
                handle = self.entry(entry, handle, scope, path, is_root)
            return handle
        place = self.places.get(body)
        if place is None:
            place = self.places[body] = place_of(body)
        return self.sequence(place, handle, scope, path)

    def entry(self, entry: Entry, handle: Handle, scope: Scope, path: str, is_root: bool) -> Handle:
        """A named body, which later ones may go on from."""
        path = f"{path}.{entry.name}" if path else entry.name
        if is_root:
            scope = Scope(scope.locals, handle.shape, scope.prefix, handle.node)
        first = self.count
        self.step(entry.span)
        output = self.body(entry.body, handle, scope, path)
        last = self.count
        known = Known(output.node, handle.shape, output.shape, first, last, entry.body, scope.locals, scope.prefix)
        self.remember(path, known)
        self.count_names(len(path), entry.span.start)
        return output

    def sequence(self, place: Place, handle: Handle, scope: Scope, path: str) -> Handle:
        """Parts in a row."""
        names = place.names()
        for index, part in enumerate(place.parts):
            slot = Slot(names, index, path)
            if type(part) is Placed:
                handle = self.layer(part.expression, part.base, handle, scope, slot)
            elif isinstance(part, Merge):
                handle = self.merge_body(part, handle, scope, slot)
            else:
                handle = self.body(part, handle, scope, slot.next())  # type: ignore[arg-type]
        return handle

    def layer(self, expression: Expression, base: int, handle: Handle, scope: Scope, slot: Slot) -> Handle:
        """Expand an expression that stands as a layer."""
        self.steps += 1
        if self.steps > self.limits.steps:
            self.step(Span(base + expression.start, base + expression.end))
        if type(expression) is Call:
            return self.call(expression, base, handle, scope, slot)
        if type(expression) is Name:
            return self.named(expression, base, handle, scope, slot)
        if type(expression) is Chain:
            place = self.places.get((expression, base))
            if place is None:
                place = self.places[expression, base] = Place([Placed(part, base) for part in expression.parts])
            return self.sequence(place, handle, scope, slot.next())
        if type(expression) is Choice:
            chosen = expression.then if self.truth(expression.condition, scope, base) else expression.otherwise
            return self.layer(chosen, base, handle, scope, slot)
        if type(expression) is Binary and expression.operator == "*" and self.is_layer(expression.left, scope, base):
            count = self.whole(expression.right, scope, base, "the count of a repeat")
            if count < 0:
                self.fail(
                    "negative-count",
                    f"a layer cannot stand {count} times",
                    Span(base + expression.right.start, base + expression.right.end),
                )
            return self.repeat(expression.left, count, base, handle, scope, slot)
        if type(expression) is Generator:
            for inner in self.generated(expression, scope, base):
                handle = self.layer(expression.element, base, handle, inner, slot)
            return handle
        span = Span(base + expression.start, base + expression.end)
        return self.as_layer(self.value(expression, scope, base), span, handle, slot)

    def repeat(self, expression: Expression, count: int, base: int, handle: Handle, scope: Scope, slot: Slot) -> Handle:
        """Expand a layer so many times; the calls of a module together."""
        if count and type(expression) is Call:
            module = self.spec.modules.get(self.called(expression, base, scope))
            if module is not None:
                self.steps += 1
                return self.module(module, expression, base, handle, scope, slot, count)
        if count > self.limits.layers - self.count and self.is_operation(expression, base, scope):
            self.too_many_layers(base + expression.start)  # told before the work is done
        for _ in range(count):
            handle = self.layer(expression, base, handle, scope, slot)
        return handle

    def is_operation(self, expression: Expression, base: int, scope: Scope) -> bool:
        """Whether an expression calls an operator, and so makes an operation each time."""
        name = expression.id if type(expression) is Name else ""
        if type(expression) is Call:
            name = self.called(expression, base, scope)
        return name in self.operators and name not in scope.locals and name not in self.spec.settable

    def is_function(self, name: str, scope: Scope) -> bool:
        """Whether a call of this name is one of a function, which names of the file hide."""
        return name in self.functions and name not in scope.locals

    def is_layer(self, expression: Expression, scope: Scope, base: int) -> bool:
        """Whether an expression stands for a layer, not for a number."""
        if isinstance(expression, (Call, Chain, Generator)):
            return not (isinstance(expression, Call) and self.is_function(expression.function, scope))
        if isinstance(expression, Binary):
            return expression.operator == "*" and self.is_layer(expression.left, scope, base)
        value = self.value(expression, scope, base)
        return value is None or isinstance(value, LayerValue)

    def as_layer(self, value: Any, span: Span, handle: Handle, slot: Slot) -> Handle:
        """Expand a value that stands as a layer."""
        if value is None:
            return handle
        if isinstance(value, LayerValue):
            if value.is_identity:
                return handle
            return self.layer(value.placed.expression, value.placed.base, handle, value.scope, slot)
        if isinstance(value, LayerReference):
            self.fail(
                "layer-in-chain",
                f"`{value.name}` is an earlier layer; a chain does not go through it again",
                span,
                f"tap({value.name}) >> ... goes on from it, share({value.name}) computes it again",
            )
        self.fail(
            "not-a-layer",
            f"a layer is needed here, not {describe(value)}",
            span,
            "layers are written as calls: conv(64, 3)",
        )

    def named(self, expression: Name, base: int, handle: Handle, scope: Scope, slot: Slot) -> Handle:
        """A bare name that stands as a layer: a call without arguments, or a value."""
        name = expression.id
        span = Span(base + expression.start, base + expression.end)
        if name not in scope.locals and name not in self.spec.settable:
            if name in self.operators:
                return self.operation(name, as_call(expression), base, handle, scope, slot)
            module = self.spec.modules.get(name)
            if module is not None:
                return self.module(module, as_call(expression), base, handle, scope, slot)
        return self.as_layer(self.value(expression, scope, base), span, handle, slot)

    def call(self, call: Call, base: int, handle: Handle, scope: Scope, slot: Slot) -> Handle:
        """A call that stands as a layer."""
        name = self.called(call, base, scope)
        if name in MERGES:
            return self.merge_call(name, call, base, handle, scope, slot)
        if name in self.operators:
            return self.operation(name, call, base, handle, scope, slot)
        module = self.spec.modules.get(name)
        if module is not None:
            return self.module(module, call, base, handle, scope, slot)
        if name == "tap":
            known = self.reference(call, base, scope)
            return Handle(known.node, known.y)
        if name == "share":
            return self.share(call, base, handle, scope, slot)
        if name in self.functions:
            return self.as_layer(self.function(call, scope, base), self.span_of(call, base), handle, slot)
        self.unknown_call(name, Span(base + call.start, base + call.start + len(name)))

    def called(self, call: Call, base: int, scope: Scope) -> str:
        """Name of the operator, module or function that is called, which an argument or a variable may stand for."""
        name = call.function
        if name in scope.locals or name in self.spec.settable:
            return self.callable_value(name, call, base, scope)
        return name

    def unknown_call(self, name: str, span: Span) -> NoReturn:
        """Raise, with the nearest operator or module."""
        near = suggest(name, [*OPERATORS, *self.spec.modules, *FUNCTIONS, "tap", "share"])
        self.fail(
            "unknown-operator",
            f"there is no operator or module `{name}`",
            span,
            told(name, near, "`archcalc ops` lists the operators"),
        )

    def operation(self, name: str, call: Call, base: int, handle: Handle, scope: Scope, slot: Slot) -> Handle:
        """One layer: an operator, and the norm and activation that it takes."""
        values = [self.value(argument, scope, base) for argument in call.arguments]
        values += [self.value(argument, scope, base) for _, argument in call.named]
        if name in NAME_LAYERS:
            self.read_layers(name, call, values, base, scope)
        operator, followers, extra, tied = self.bind(name, call, call.arguments, values, base)
        if name in MERGES:
            self.fail(
                "no-branches",
                f"{name} merges branches, and has none here",
                self.span_of(call, base),
                f"{name}(a, b)",
            )
        layer = slot.next() or name
        span = (base + call.start, base + call.end)
        x, inputs = ((), ()) if operator.sources else (handle.shape, (handle.node, *extra))
        handle = self.emit(self.marked(operator), x, inputs, layer, layer, span, tied)
        for role, follower in followers:
            x, inputs = handle.shape, (handle.node,)
            handle = self.emit(self.marked(follower), x, inputs, f"{layer}.{role}", layer, span, -1)
        return handle

    def read_layers(self, name: str, call: Call, values: list[Any], base: int, scope: Scope) -> None:
        """Where an argument names a layer and a layer is called as an operator is, the layer is meant."""
        given = [*zip(OPERATORS[name].arguments, call.arguments, strict=False), *call.named]
        for number, (argument, expression) in enumerate(given):
            value = values[number]
            is_operator = isinstance(value, LayerValue) and value.placed.expression is expression
            if is_operator and argument in NAME_LAYERS[name] and isinstance(expression, Name):
                values[number] = self.find((expression.id,), Placed(expression, base), scope) or value

    def check_read(self, graph: Graph) -> None:
        """A layer that nothing reads is a mistake in the wiring; so are two of one name."""
        if graph.repeats:
            from archcalc.spec.wiring import is_sound

            if is_sound(graph):
                return
            graph.unfold()
        read = bytearray(len(graph.nodes) + len(graph.inputs))
        for node in graph.nodes:
            for index in node.inputs:
                read[index] = 1
        for index in (graph.output, *graph.heads.values(), *graph.outputs.values()):
            read[index] = 1
        names = {node.name for node in graph.nodes}
        for node in graph.nodes if len(names) < len(graph.nodes) else ():
            if node.name not in names:
                message = f"there are two layers `{node.name}`"
                self.fail("duplicate-layer", message, Span(*node.span), "give the bodies that hold them names")
            names.remove(node.name)
        for number, name in enumerate(graph.inputs if len(self.heads) == len(self.spec.heads) else (), 1):
            if not read[-number]:
                span = self.spec.input_spans.get(name) or self.spec.inputs[name].span()
                self.fail("unread-input", f"nothing reads the input `{name}`", span, f"tap({name}) goes on from it")
        unread = read.find(0, 0, len(graph.nodes))
        if unread >= 0:
            node = graph.nodes[unread]
            self.fail(
                "unread-layer",
                f"nothing reads the layer `{node.layer}`",
                Span(*node.span),
                "remove it, or read it: tap(name), or its name as a branch",
            )

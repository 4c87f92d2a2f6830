"""An expansion of parts of a network that tells what each part reads: positions that are swept, layers outside of it.

It is an expansion like any other; whoever asks for a graph alone pays nothing. A value that a sweep varies is looked up
by its code in the structure at hand, and the axis is noted: `kernel[3]` reads one position, the bare name all of them.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import Any, NamedTuple

from archcalc.dims import FREE, Assumption, Polynomial, Ratio, assume, collecting_assumptions
from archcalc.ops import ONE, LayerReference, Operator, Shape, describe
from archcalc.source import Source, Span
from archcalc.spec.bind import Bound, Handle
from archcalc.spec.branches import Slot
from archcalc.spec.expander import Expander
from archcalc.spec.expression import Call, Expression, Index, Name, free_names
from archcalc.spec.limits import Limits
from archcalc.spec.model import Bodies, Body, Entries, Line, Merge, Placed, Spec
from archcalc.spec.references import fits
from archcalc.spec.trail import OVERRIDE
from archcalc.spec.values import Scope

CHAIN, X = "", "x"  # ports of a part: what its chain gives it, and what `x` stands for in it
INPUT_PORT = "input:"  # before the name of an input of the network


class InseparableError(Exception):
    """A part that reads of what is outside of it more than what an earlier layer gives."""


class Swept(NamedTuple):
    """A variable, or a position in it, that takes several values."""

    number: int
    variable: str
    position: tuple[int, ...]  # of a list; none: the whole variable


class Reader(Expander):
    """Expands parts of one network, one after the other, for the structure that it was told last."""

    folds = False

    def __init__(
        self,
        spec: Spec,
        name: str,
        overrides: Mapping[str, tuple[Placed, Source] | Polynomial | Ratio],
        limits: Limits,
        with_heads: bool,
        swept: list[Swept],
        value_of: Callable[[int, int], tuple[Placed, Source]],
    ) -> None:
        self.swept: dict[str, list[Swept]] = {}
        self.dependent: frozenset[str] = frozenset()
        super().__init__(spec, name, overrides, {}, limits, with_heads)
        self.is_free = any(isinstance(given, FREE) for given in overrides.values())
        for each in swept:
            self.swept.setdefault(each.variable, []).append(each)
        self.by_first: dict[str, dict[int, list[Swept]]] = {}  # those of positions, by the first index
        for each in swept:
            if each.position:
                self.by_first.setdefault(each.variable, {}).setdefault(each.position[0], []).append(each)
        self.value_of = value_of
        self.first_source = len(self.overrides)
        self.overrides += [spec.source] * len(swept)  # each is replaced by the text of the value that was read last
        self.dependent = self._dependent()
        self.varying = self._varying()
        of_defaults = [placed for of in spec.defaults.values() for _, placed in of.values()]
        self.are_defaults_swept = any(self.is_swept(placed.expression) for placed in of_defaults)
        self.owners = _owners(spec)
        self.lists: dict[str, Any] = {}  # of lists with positions that are swept, as they are without that
        self.found: dict[Any, tuple[tuple[int, ...], dict[tuple[int, ...], Any], Any]] = {}  # values by what they read
        self.made: dict[Any, Any] = {}  # in this part
        self.kept: dict[Any, tuple[Any, list[Assumption]]] = {}  # with what is assumed where it is made
        self.reads: set[int] = set()
        self.ports: dict[str, int] = {}
        self.code: Callable[[int], int] = int
        self.outer: Callable[[str], Shape] = lambda _: NO_SHAPE
        self.outside: Mapping[str, Any] = {}
        self.owner = ""
        self.is_whole = True

    def _dependent(self) -> frozenset[str]:
        """Variables whose values a sweep varies, by way of other variables too."""
        given = [(name, placed) for name, placed in self.settings.items()]
        given += [(name, placed) for name, items in self.items.items() for _, placed in items]
        reads = [(name, free_names(placed.expression)) for name, placed in given if isinstance(placed, Placed)]
        found = set(self.swept)
        while more := {name for name, names in reads if name not in found and not found.isdisjoint(names)}:
            found |= more
        return frozenset(found)

    def _varying(self) -> frozenset[str]:
        """Variables of which a sweep varies more than positions: what they are without these differs too.

        Where some are free, also those that depend on any: what is assumed of those is told anew.
        """
        dependent = frozenset(self.settings) if self.is_free else self.dependent
        given = [(name, placed) for name, placed in self.settings.items()]
        given += [(name, placed) for name, items in self.items.items() for _, placed in items]
        fixed = {name for name, of in self.swept.items() if of[0].position}
        for name, placed in given:
            if not isinstance(placed, Placed) or not dependent.isdisjoint(free_names(placed.expression)):
                fixed.discard(name)
        return self.dependent - fixed

    def is_swept(self, expression: Expression) -> bool:
        """Whether what an expression says may differ between structures."""
        return not self.dependent.isdisjoint(free_names(expression))

    def begin(
        self,
        code: Callable[[int], int],
        ports: Mapping[str, int],
        outer: Callable[[str], Shape],
        outside: Mapping[str, Any],
        owner: str,
        is_whole: bool = False,
    ) -> None:
        """Begin with a part.

        Args:
            code: gives the code of an axis in this structure.
            ports: the numbers of what the part is known to read from outside.
            outer: gives the shape of a port.
            outside: earlier layers, by the paths by which the part may name them.
            owner: the module in whose body the part stands.
            is_whole: the part is the whole network, or a value that stands for itself.
        """
        self.code, self.outer, self.outside, self.owner, self.is_whole = code, outer, outside, owner, is_whole
        self.ports = dict(ports)
        self.reads = set()
        self.written, self.order = [], []
        self.known, self.templates = {}, {}
        self.spliced = set()
        self.stack.clear()
        self.steps = self.characters = self.being_found = self.remembered = 0
        self.copies, self.trainable = ONE, True
        self.merging = self.sharing = None
        self.made.clear()
        if self.is_free:  # what was assumed of the free variables is told anew
            self.variables.clear()
            self.shapes.clear()
        else:
            for name in self.dependent:
                self.variables.pop(name, None)
        for name in self.varying:
            self.lists.pop(name, None)
        if self.is_free or self.are_defaults_swept:
            self.default_values.clear()
            self.bound.clear()
            self.followers.clear()

    # what is swept

    def variable(self, name: str, span: Span) -> Any:
        """Value of a variable in this structure."""
        if name in self.variables or name not in self.dependent:
            return super().variable(name, span)
        if name not in self.swept:
            return super().variable(name, span) if self.is_free else self.derived(name, span)
        of = self.swept[name]
        if not of[0].position:
            value = self.chosen(of[0])
        else:
            value = self.unswept(name, span)
            for each in of:
                value = self.with_chosen(value, each)
        self.variables[name] = value
        return value

    def derived(self, name: str, span: Span) -> Any:
        """Value of a variable that depends on swept ones."""
        value = self.once(name, None, lambda: super(Reader, self).variable(name, span))
        self.variables[name] = value
        return value

    def once(self, key: Any, held: Any, make: Callable[[], Any]) -> Any:
        """A value that depends on swept variables alone, made once for each combination that it reads.

        Args:
            key: of the value.
            held: what has to live as long as the key stands for it.
            make: gives the value in this structure.
        """
        if self.is_free:  # what is assumed meanwhile is told of each part
            if key not in self.made:
                self.made[key] = make()
            return self.made[key]
        reads, known, _ = self.found.setdefault(key, ((), {}, held))
        value = known.get(tuple([self.code(axis) for axis in reads]), self)
        if value is not self:
            self.reads.update(reads)
            return value
        # What was found before in this part is found again, so that it is known what it reads.
        outside, self.reads = self.reads, set()
        before = {name: self.variables.pop(name) for name in self.dependent if name in self.variables}
        lists, self.lists = self.lists, {}
        try:
            value = make()
        finally:
            own, self.reads = self.reads, outside | self.reads
            self.variables.update(before)
            self.lists = lists
        if self.keys.layers(value):
            return value
        if not own <= {*reads} or len(known) >= MOST_FOUND:
            reads, known = tuple(sorted(own | {*reads})), {}
            self.found[key] = reads, known, held
        known[tuple([self.code(axis) for axis in reads])] = value
        return value

    def told(self, key: Any, make: Callable[[], Any]) -> Any:
        """What depends on its key alone, made once; what it assumes of free variables is told of each part.

        Args:
            key: of it.
            make: gives it.
        """
        made, assumed = self.kept.get(key, (None, list[Assumption]()))
        try:
            if made is None:
                with collecting_assumptions() as assumed:
                    made = make()
                self.kept[key] = made, assumed
        finally:
            for each in assumed:
                assume(*each)
        return made

    def unswept(self, name: str, span: Span) -> Any:
        """A list as it is where none of its positions is swept."""
        if name not in self.lists:
            self.lists[name] = super().variable(name, span)
            self.variables.pop(name, None)
        return self.lists[name]

    def chosen(self, swept: Swept) -> Any:
        """The value of an axis in this structure."""
        self.reads.add(swept.number)
        placed, source = self.value_of(swept.number, self.code(swept.number))
        self.overrides[self.first_source + swept.number] = source
        return self.value(placed.expression, self.empty, OVERRIDE * (self.first_source + swept.number + 1))

    def with_chosen(self, value: Any, swept: Swept) -> Any:
        """A list with the value of an axis in its place."""
        return _replaced(value, swept.position, self.chosen(swept))

    def of_index(self, expression: Index, scope: Scope, base: int) -> Any:
        """An item of a list; of one that is swept by positions it reads its own."""
        inner: Expression = expression
        indices: list[Expression] = []
        while type(inner) is Index:
            indices.insert(0, inner.index)
            inner = inner.value
        if type(inner) is Name and inner.id not in scope.locals and self.has_positions(inner.id):
            return self.item(inner, indices, scope, base)
        return super().of_index(expression, scope, base)

    def has_positions(self, name: str) -> bool:
        """Whether a variable is a list that is swept by positions."""
        return name in self.swept and bool(self.swept[name][0].position)

    def item(self, name: Name, indices: list[Expression], scope: Scope, base: int) -> Any:
        """An item of a list of which positions are swept."""
        value = self.unswept(name.id, Span(base + name.start, base + name.end))
        at = tuple(self.whole(index, scope, base, "an index") for index in indices)
        for each in self.by_first[name.id].get(at[0], ()):
            shared = min(len(at), len(each.position))
            if at[:shared] == each.position[:shared]:
                value = self.with_chosen(value, each)
        for index, expression in zip(at, indices, strict=True):
            span = Span(base + name.start, base + expression.end)
            if type(value) is not tuple:
                self.fail("not-a-list", f"only a list has items, not {describe(value)}", span)
            if not 0 <= index < len(value):
                self.fail("index-range", f"there is no item {index} in a list of {len(value)}", span)
            value = value[index]
        return value

    # what is outside

    def port(self, name: str) -> Handle:
        """What a part reads from outside."""
        number = self.ports.setdefault(name, len(self.ports))
        return Handle(-1 - number, self.outer(name))

    def find(self, parts: tuple[str, ...], placed: Placed, scope: Scope) -> LayerReference | None:
        """An earlier layer: in the part, or outside of it by a name that can only be that one."""
        if self.is_whole or scope.prefix:
            return super().find(parts, placed, scope)
        wanted = ".".join(parts)
        path = wanted if wanted in self.outside else ""
        if not path and wanted not in self.known:
            if len(parts) == 1 and wanted in self.spec.inputs:
                return self.input_named(wanted)
            is_one = self.owners.get(parts[-1]) == self.owner
            fitting = [other for other in self.outside if fits(parts, other)]
            if not is_one or (fitting and any(fits(parts, other) for other in self.known)) or len(fitting) > 1:
                raise InseparableError(wanted)
            if not fitting and not any(fits(parts, other) for other in self.known):
                raise InseparableError(wanted)
            path = fitting[0] if fitting else ""
        if path:
            handle = self.port(path)
            return LayerReference(wanted, handle.node, handle.shape, handle.shape)
        return super().find(parts, placed, scope)

    def input_named(self, name: str) -> LayerReference | None:
        """An input of the network."""
        if self.is_whole:
            return super().input_named(name)
        if name == "input":
            name = next(iter(self.spec.inputs))
        if name not in self.spec.inputs:
            return None
        handle = self.port(INPUT_PORT + name)
        return LayerReference(name, handle.node, handle.shape, handle.shape)

    def owner_of(self, layer: LayerReference, span: Span) -> int:
        """The operation whose weights an earlier layer has."""
        self.must_be_inside(layer)
        return super().owner_of(layer, span)

    def pooling_of(self, layer: LayerReference, span: Span) -> int:
        """The operation that an earlier layer is."""
        self.must_be_inside(layer)
        return super().pooling_of(layer, span)

    def share(self, call: Call, base: int, handle: Handle, scope: Scope, slot: Slot) -> Handle:
        """An earlier body again."""
        if not self.is_whole:
            self.must_be_inside(self.reference(call, base, scope))
        return super().share(call, base, handle, scope, slot)

    def must_be_inside(self, layer: LayerReference) -> None:
        """Of a layer outside of the part only its shape is known."""
        if not self.is_whole and layer.node < 0:
            raise InseparableError(layer.name)

    def bind(self, name: str, call: Call, arguments: tuple[Expression, ...], values: list[Any], base: int) -> Bound:
        """A call; one that names a layer is of this part alone."""
        if any(self.keys.layers(value) for value in values):
            return self.new_bound(name, call, arguments, values, base)
        if not self.is_free or self.are_defaults_swept:
            return super().bind(name, call, arguments, values, base)

        def make() -> Bound:
            self.default_values.clear()  # what they assume is told here
            self.followers.clear()
            return self.new_bound(name, call, arguments, values, base)

        bound: Bound = self.told((name, call, *map(self.keys.key, values)), make)
        return bound

    def infer(self, operator: Operator, x: Any, span: tuple[int, int]) -> Shape:
        """Output shape."""
        if not self.is_free:
            return super().infer(operator, x, span)
        shape: Shape = self.told((operator, x), lambda: super(Reader, self).infer(operator, x, span))
        return shape


NO_SHAPE = Shape(0)
MOST_FOUND = 100_000  # values of a derived variable that are kept


def _replaced(value: Any, position: tuple[int, ...], item: Any) -> Any:
    """A list with an item in place of another; what is no list there stays, for its reader to say so."""
    if not position:
        return item
    if type(value) is not tuple or not 0 <= position[0] < len(value):
        return value
    first = position[0]
    return (*value[:first], _replaced(value[first], position[1:], item), *value[first + 1 :])


def _owners(spec: Spec) -> dict[str, str]:
    """Of names that one body of the file alone has: the module that it is of, `` for `layers:`."""
    found: dict[str, list[str]] = {}
    for owner, body in (("", spec.layers), *((name, module.body) for name, module in spec.modules.items())):
        for name in _names(body):
            found.setdefault(name, []).append(owner)
    for entry in (*spec.outputs, *spec.heads):
        found.setdefault(entry.name, []).append("")
        for name in _names(entry.body):
            found.setdefault(name, []).append("")
    return {name: owners[0] for name, owners in found.items() if len(owners) == 1}


def _names(body: Body | None) -> Iterator[str]:
    if isinstance(body, Entries):
        for entry in body.items:
            yield entry.name
            yield from _names(entry.body)
    elif isinstance(body, Bodies):
        for item in body.items:
            yield from _names(item)
    elif isinstance(body, Merge):
        for branch in body.branches:
            yield from _names(branch)
        for entry in body.entries:
            yield entry.name
            yield from _names(entry.body)


def names_in(body: Body) -> frozenset[str]:
    """Names that a body takes from where it stands."""
    if isinstance(body, Line):
        return frozenset(free_names(body.placed.expression))
    if isinstance(body, Merge):
        parts = [*body.branches, *(entry.body for entry in body.entries)]
        return frozenset(free_names(body.call)).union(*map(names_in, parts))
    items = [entry.body for entry in body.items] if isinstance(body, Entries) else body.items
    return frozenset().union(*map(names_in, items))

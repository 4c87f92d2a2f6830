"""Merges: branches from one input, and the operation that brings them together."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from archcalc.named import NamedTuple
from archcalc.ops import ONE, Copies, LayerReference, Operator, Shape
from archcalc.source import Span, SpecError, suggestion
from archcalc.spec.bind import Handle
from archcalc.spec.expression import Call, Choice, Expression, Generator, Index, Name, Path
from archcalc.spec.model import Body, Entry, Line, Merge, Placed
from archcalc.spec.naming import PLAIN, Names, Place, branch_places, place_of
from archcalc.spec.references import Known, References
from archcalc.spec.values import LayerValue, Scope


class Slot(NamedTuple):
    """Where the next layer of a part gets its name."""

    names: Names
    part: int
    path: str

    def next(self) -> str:
        """Path of the next layer."""
        return self.names.next(self.part, self.path)


def of_kinds(name: str, found: list[tuple[str, Handle]]) -> str:
    """The way out where vectors and maps are to be merged."""
    shapes = [output.shape for _, output in found]
    maps = max(shapes, key=lambda shape: shape.rank)
    if not any(shape.kind == "features" for shape in shapes):
        return f"all branches need {maps.rank} spatial axes"
    if name in ("add", "mul"):
        return f"features are repeated over the positions of {maps} where there are {maps.channels} of them"
    return "flatten makes features of the others too; conv in place of flatten and linear keeps their axes"


class Branches(References):
    """Expands merges. What stands in a branch is expanded by the class below."""

    def __init__(self, *arguments: Any) -> None:
        super().__init__(*arguments)
        self.places: dict[Any, Place] = self.spec.places
        self.branch_places: dict[Any, tuple[Place, list[range]]] = self.spec.branch_places
        self.merging: tuple[str, list[tuple[str, Handle]]] | None = None  # the merge being made, and its branches
        self.spliced: set[int] = set()  # merges whose inputs went into the merge after them

    def layer(self, expression: Expression, base: int, handle: Handle, scope: Scope, slot: Slot) -> Handle:
        """Expand an expression that stands as a layer."""
        raise NotImplementedError

    def body(self, body: Body, handle: Handle, scope: Scope, path: str, is_root: bool = False) -> Handle:
        """Expand a body."""
        raise NotImplementedError

    def merge_call(self, name: str, call: Call, base: int, handle: Handle, scope: Scope, slot: Slot) -> Handle:
        """`concat(a, b)`: a branch for each positional argument."""
        cached = self.branch_places.get((call, base))
        if cached is None:
            cached = branch_places([Line(Placed(argument, base)) for argument in call.arguments])
            self.branch_places[call, base] = cached
        return self.merge(name, call, base, cached, [], handle, scope, slot)

    def merge_body(self, merge: Merge, handle: Handle, scope: Scope, slot: Slot) -> Handle:
        """The long form."""
        cached = self.branch_places.get(merge)
        if cached is None:
            cached = self.branch_places[merge] = branch_places(merge.branches)
        call = merge.call
        if call.arguments:
            self.fail(
                "merge-arguments",
                f"in the long form, arguments of {call.function} are given by name and branches below",
                self.span_of(call.arguments[0], merge.base),
                f"{call.function}: and the branches below it",
            )
        return self.merge(call.function, call, merge.base, cached, merge.entries, handle, scope, slot)

    def merge(
        self,
        name: str,
        call: Call,
        base: int,
        unnamed: tuple[Place, list[range]],
        entries: list[Entry],
        handle: Handle,
        scope: Scope,
        slot: Slot,
    ) -> Handle:
        """Branches from one input, and the node that merges them."""
        values = [self.value(argument, scope, base) for _, argument in call.named]
        operator = self.marked(self.bind(name, call, (), values, base).operator)
        roles = operator.roles
        path = slot.next()
        inside = slot.path if entries and slot.names.labels[slot.part].form == PLAIN else path
        found: list[tuple[str, Handle]] = []
        for entry in entries:
            first, item = self.count, len(self.order)
            branch_path = f"{inside}.{entry.name}" if inside else entry.name
            if roles is not None and entry.name not in roles.names:
                help = suggestion(entry.name, roles.names, f"{name} takes {roles}")
                self.fail("unknown-branch", f"{name} has no branch `{entry.name}`", entry.span, help)
            for output in self.copied(operator, entry.name, self.branch, entry.body, handle, scope, branch_path):
                known_branch = Known(
                    output.node,
                    handle.shape,
                    output.shape,
                    first,
                    self.count,
                    entry.body,
                    scope.locals,
                    scope.prefix,
                )
                self.remember(branch_path, known_branch)
                self.count_names(len(branch_path), entry.span.start)
                found += self.taken_apart(operator, entry.name, output, first, item)
        span = (base + call.start, base + call.end)
        place, ranges = unnamed
        names = place.names()
        unnamed_roles = self.unnamed_roles(operator, len(ranges), Span(*span)) if ranges else ()
        for number, parts in enumerate(ranges, 1):
            first, item = self.count, len(self.order)
            branch = unnamed_roles[number - 1] if unnamed_roles else f"branch {number}"
            for output in self.copied(operator, branch, self.unnamed_branch, place, parts, names, handle, scope, path):
                found += self.taken_apart(operator, branch, output, first, item)
        if not found:
            self.fail("no-branches", f"{name} has no branch", Span(*span), f"{name}(a, b) merges what a and b give")
        if roles is not None:
            return self.merge_roles(operator, found, path or name, span)
        if len(found) == 1 and operator.nests:
            return found[0][1]
        shapes = tuple(output.shape for _, output in found)
        layer = path or name
        self.merging = name, found
        try:
            return self.emit(operator, shapes, tuple(output.node for _, output in found), layer, layer, span, -1)
        finally:
            self.merging = None

    def infer(self, operator: Operator, x: Any, span: tuple[int, int]) -> Shape:
        """Output shape; a mismatch of branches is said with their names."""
        try:
            return super().infer(operator, x, span)
        except SpecError as error:
            if self.merging is None:
                raise
            raise self.with_branches(error, *self.merging) from None

    def copied(self, operator: Operator, role: str, expand: Callable[..., list[Handle]], *where: Any) -> list[Handle]:
        """What a branch gives, expanded as often stored and computed as the merge says of its role."""
        copies = operator.copies_of(role)
        if copies is ONE:
            return expand(*where)
        outside = self.copies
        self.copies = Copies(outside.stored * copies.stored, outside.computed * copies.computed)
        try:
            return expand(*where)
        finally:
            self.copies = outside

    def unnamed_roles(self, operator: Operator, count: int, span: Span) -> tuple[str, ...]:
        """Roles of so many branches without names; none where branches have no roles."""
        if operator.roles is None:
            return ()
        roles = operator.roles.of_unnamed(count)
        if roles is None:
            message = f"{operator.name} takes no {count} branch{'es' * (count != 1)} without names"
            self.fail("unknown-branch", message, span, f"name them: {operator.roles}")
        return roles

    def merge_roles(
        self, operator: Operator, found: list[tuple[str, Handle]], layer: str, span: tuple[int, int]
    ) -> Handle:
        """The node of a merge whose branches have meanings."""
        assert operator.roles is not None
        by_role = dict(found)
        if len(by_role) < len(found):
            twice = next(role for role in by_role if [other for other, _ in found].count(role) > 1)
            message = f"the branch `{twice}` of {operator.name} gives more than one output"
            self.fail("repeated-branch", message, Span(*span), "a `for` in a merge with roles gives no branches")
        lacking = operator.roles.lacking(by_role)
        if lacking:
            message = f"{operator.name} {lacking}"
            self.fail("missing-branch", message, Span(*span), f"{operator.name} takes {operator.roles}")
        given = operator.roles.in_order(by_role)
        outputs = [by_role[role] for role in given]
        shapes, inputs = tuple([of.shape for of in outputs]), tuple([of.node for of in outputs])
        try:
            return self.emit(operator.variant(given=given), shapes, inputs, layer, layer, span, -1)
        except SpecError as error:
            gives = ", ".join(f"{role} gives {of.shape}" for role, of in zip(given, outputs, strict=True))
            raise SpecError([of._replace(notes=(gives, *of.notes)) for of in error.diagnostics]) from None

    def with_branches(self, error: SpecError, name: str, found: list[tuple[str, Handle]]) -> SpecError:
        """A shape mismatch said with the names of the branches."""
        (diagnostic,) = error.diagnostics
        if diagnostic.code != "shape-mismatch":
            return error
        gives = ", ".join(f"{branch} gives {output.shape}" for branch, output in found[:6])
        what = "of one size" if name == "concat" else "of one shape"
        if len({output.shape.kind for _, output in found}) > 1:
            return SpecError(
                [diagnostic._replace(message=f"{name} needs branches {what}; {gives}", help=of_kinds(name, found))]
            )
        help = "strides and padding give the extents; align=crop cuts all to those of the first branch (reference=0)"
        if len({output.shape.channels for _, output in found}) > 1 and name != "concat":
            help = "a 1x1 projection on the shortcut changes its channels"
        return SpecError([diagnostic._replace(message=f"{name} needs branches {what}; {gives}", help=help)])

    def taken_apart(
        self, operator: Operator, name: str, output: Handle, first: int, item: int
    ) -> list[tuple[str, Handle]]:
        """The branch, or the inputs of the same merge that it ends in."""
        node = output.node
        if (
            operator.roles is not None
            or not operator.nests
            or node < first
            or node != self.count - 1
            or self.last_operator() is not operator
            or node in self.spliced
        ):
            return [(name, output)]
        self.spliced.add(node)
        for path in self.paths(item, len(self.order)):
            if path in self.known and self.known[path].node == node:
                del self.known[path]
        merged = self.node(node)
        return [(name, Handle(index, shape)) for index, shape in zip(merged.inputs, merged.x, strict=True)]

    def branch(self, body: Body, handle: Handle, scope: Scope, path: str) -> list[Handle]:
        """Outputs of a named branch: none where it is left out, several from a generator."""
        if isinstance(body, Line):
            place = self.places.get(body)
            if place is None:
                place = self.places[body] = place_of(body)
            return self.unnamed_branch(place, range(len(place.parts)), place.names(), handle, scope, path)
        return [self.body(body, handle, scope, path)]

    def unnamed_branch(
        self, place: Place, parts: range, names: Names, handle: Handle, scope: Scope, path: str
    ) -> list[Handle]:
        """Outputs of a branch whose parts share a place with those of the other branches."""
        if len(parts) == 1:
            part = place.parts[parts[0]]
            if type(part) is Placed:
                return self.branch_value(part.expression, part.base, handle, scope, Slot(names, parts[0], path))
        for index in parts:
            part = place.parts[index]
            slot = Slot(names, index, path)
            if type(part) is Placed:
                handle = self.layer(part.expression, part.base, handle, scope, slot)
            elif isinstance(part, Merge):
                handle = self.merge_body(part, handle, scope, slot)
            else:
                handle = self.body(part, handle, scope, slot.next())  # type: ignore[arg-type]
        return [handle]

    def branch_value(self, expression: Expression, base: int, handle: Handle, scope: Scope, slot: Slot) -> list[Handle]:
        """A branch that is one expression: also `none`, or an earlier layer, by their names or as items of a list."""
        while type(expression) is Choice:
            expression = expression.then if self.truth(expression.condition, scope, base) else expression.otherwise
        if type(expression) is Generator:
            return [
                output
                for inner in self.generated(expression, scope, base)
                for output in self.branch_value(expression.element, base, handle, inner, slot)
            ]
        if isinstance(expression, (Name, Path, Index)):
            value = self.value(expression, scope, base)
            if value is None:
                return []
            if isinstance(value, LayerReference):
                return [Handle(value.node, value.y)]
            if isinstance(value, LayerValue) and value.placed.expression is not expression:
                return self.branch_value(value.placed.expression, value.placed.base, handle, value.scope, slot)
        return [self.layer(expression, base, handle, scope, slot)]

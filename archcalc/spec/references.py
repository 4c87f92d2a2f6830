"""Earlier layers by their names: found, gone on from, computed again."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, NoReturn

from archcalc.graph import Repeat
from archcalc.named import NamedTuple
from archcalc.ops import LayerReference, Shape
from archcalc.source import suggest
from archcalc.spec.bind import Binder, Handle
from archcalc.spec.expression import Call, Expression, Name, Path
from archcalc.spec.model import Body, Placed
from archcalc.spec.values import Scope
from archcalc.spec.words import INPUT


class Known(NamedTuple):
    """A named body that was expanded, so that later ones may go on from it or share it."""

    node: int
    x: Shape
    y: Shape
    first: int
    last: int
    body: Body | None
    locals: Mapping[str, Any]
    prefix: str


class Group:
    """Named bodies in a repeat of operations, which are known by their paths when somebody looks for such."""

    __slots__ = ("count", "first_item", "last_item", "paths", "repeat")

    def __init__(self, repeat: Repeat, first_item: int, last_item: int, count: int) -> None:
        self.repeat = repeat
        self.first_item, self.last_item = first_item, last_item  # those of the original, in the order
        self.count = count
        self.paths: list[str] = []  # once they are known


class References(Binder):
    """Knows the named bodies that were expanded so far."""

    def __init__(self, *arguments: Any) -> None:
        super().__init__(*arguments)
        self.known: dict[str, Known] = {}
        self.order: list[str | Group] = []  # paths in the order in which they became known
        self.remembered = 0  # paths in it
        self.unsettled: dict[Group, None] = {}  # not yet known by their paths
        self.inputs: dict[str, Handle] = {}

    def remember(self, path: str, known: Known) -> None:
        """Make a body known by its path."""
        self.known[path] = known
        self.order.append(path)
        self.remembered += 1

    def paths(self, first: int, last: int) -> Iterator[str]:
        """Paths of bodies in the order in which they became known, those of repeats among them."""
        raise NotImplementedError

    def settle(self, start: str, is_whole: bool = False) -> None:
        """Make bodies in repeats known by their paths, where a path may begin so, or be that one."""
        raise NotImplementedError

    def all_known(self) -> list[str]:
        """Paths of all bodies that are known, in the order in which they became so."""
        raise NotImplementedError

    def find(self, parts: tuple[str, ...], placed: Placed, scope: Scope) -> LayerReference | None:
        """An earlier layer by its path; names on the way may be left out while one layer fits."""
        wanted = ".".join(parts)
        path = f"{scope.prefix}.{wanted}" if scope.prefix else wanted
        if self.unsettled:
            self.settle(path, is_whole=True)
        if path not in self.known:
            self.step(placed.span(), self.remembered // 16)
            if self.unsettled:
                self.settle(scope.prefix)
            start = scope.prefix + "." if scope.prefix else ""
            fitting = list(
                dict.fromkeys(
                    other
                    for other in self.paths(0, len(self.order))
                    if other in self.known and other.startswith(start) and fits(parts, other[len(start) :])
                )
            )
            if not fitting:
                return self.find_operation(path, wanted) or self.input_named(wanted)
            if len(fitting) > 1:
                listed = ", ".join(other[len(start) :] for other in fitting[:4])
                self.fail(
                    "ambiguous-layer",
                    f"`{wanted}` can be {len(fitting)} layers",
                    placed.span(),
                    f"say which: {listed}",
                )
            path = fitting[0]
        known = self.known[path]
        return LayerReference(wanted, known.node, known.x, known.y)

    def input_named(self, name: str) -> LayerReference | None:
        """An input of the network by its name, which every body sees; `input` is the first."""
        found = next(iter(self.inputs.values())) if name == INPUT else self.inputs.get(name)
        return None if found is None else LayerReference(name, found.node, found.shape, found.shape)

    def find_operation(self, path: str, wanted: str) -> LayerReference | None:
        """A layer that got its name from its operator."""
        self.steps += self.count // 64
        if any(path.startswith(copy) for repeat in self.repeats for copy in repeat.paths):
            self.unfold()
        written = self.written
        last = next((place for place in range(len(written) - 1, -1, -1) if written[place].layer == path), None)
        if last is None:
            return None
        first = next(place for place in range(last, -1, -1) if written[place].name == path)
        index = last + sum([repeat.end - repeat.begin for repeat in self.repeats if repeat.written <= last])
        x = written[first].x
        return LayerReference(wanted, index, x if isinstance(x, Shape) else x[0], written[last].y)

    def reference(self, call: Call, base: int, scope: Scope) -> LayerReference:
        """The earlier layer that `tap(...)` or `share(...)` names."""
        span = self.span_of(call, base)
        if len(call.arguments) != 1 or call.named:
            self.fail(
                "bad-reference",
                f"{call.function} takes the name of one earlier layer",
                span,
                f"{call.function}(conv4)",
            )
        argument = call.arguments[0]
        value: Any = None
        if isinstance(argument, Name) and argument.id == "x":
            if scope.x is None or scope.node is None:
                help = "x is the input of the module body it stands in"
                self.fail("no-input", "there is no input here for x to stand for", span, help)
            return LayerReference("x", scope.node, scope.x, scope.x)
        if isinstance(argument, Name) and argument.id == INPUT:
            first = self.input_named(INPUT)
            assert first is not None
            return first
        if isinstance(argument, Name) and argument.id not in scope.locals and argument.id not in self.spec.settable:
            value = self.find((argument.id,), Placed(argument, base), scope)
        elif isinstance(argument, (Name, Path)):
            value = self.value(argument, scope, base)
            if not isinstance(value, LayerReference) and isinstance(argument, Name):
                value = self.find((argument.id,), Placed(argument, base), scope)
        if not isinstance(value, LayerReference):
            self.unknown_layer(argument, base, scope)
        return value

    def unknown_layer(self, argument: Expression, base: int, scope: Scope) -> NoReturn:
        """Raise, with the nearest layer."""
        path = (
            ".".join(argument.parts)
            if isinstance(argument, Path)
            else argument.id
            if isinstance(argument, Name)
            else ""
        )
        near = suggest(
            path,
            [other[len(scope.prefix) :].lstrip(".") for other in self.all_known() if other.startswith(scope.prefix)],
        )
        help = f"did you mean `{near}`?" if near else "layers are named by their paths from the body this stands in"
        self.fail(
            "unknown-layer",
            f"no earlier layer is called `{path}`" if path else "the name of an earlier layer is needed here",
            self.span_of(argument, base),
            help,
        )


def fits(parts: tuple[str, ...], path: str) -> bool:
    """Whether a path ends as a reference does and holds its other names in order."""
    names = path.split(".")
    if names[-1] != parts[-1]:
        return False
    rest = iter(names[:-1])
    return all(part in rest for part in parts[:-1])

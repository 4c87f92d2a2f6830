"""Values that are no numbers: layer expressions kept as written, and the scopes in which names mean something."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from archcalc.ops import LayerReference, Shape
from archcalc.source import Span
from archcalc.spec.expression import Name, free_names
from archcalc.spec.model import Placed
from archcalc.spec.words import IDENTITY

NO_LAYERS: frozenset[int] = frozenset()
BY_NAME = -(1 << 62)  # among the nodes that a value holds: it looks for layers by name
NOWHERE = "(nowhere)"  # the prefix of scopes that see no layers


class Scope:
    """What the names in an expression mean where it stands."""

    __slots__ = ("locals", "node", "prefix", "x")

    def __init__(self, locals: Mapping[str, Any], x: Shape | None, prefix: str, node: int | None = None) -> None:
        self.locals = locals  # arguments of the module, names of generators
        self.x = x  # input of the module's body
        self.node = node  # that gives it
        self.prefix = prefix  # path of the body in which layers are looked up


class LayerValue:
    """A layer expression kept as written, with the scope of the place where it was written."""

    __slots__ = ("names_layers", "placed", "scope")

    def __init__(self, placed: Placed, scope: Scope, names_layers: bool = False) -> None:
        self.placed = placed
        self.scope = scope
        self.names_layers = names_layers  # reads layers of the body where it was written

    @property
    def is_identity(self) -> bool:
        """Whether it is the bare word `identity`."""
        expression = self.placed.expression
        return isinstance(expression, Name) and expression.id == IDENTITY


def circles(settings: Mapping[str, Any]) -> Iterator[list[str]]:
    """Variables whose values depend on themselves: each circle from a variable to itself again."""
    done: set[str] = set()
    for first in settings:
        path: dict[str, Iterator[str]] = {}
        name: str | None = first if first not in done else None
        while name is not None:
            if name not in path:
                value = settings[name]
                path[name] = iter(free_names(value.expression) if isinstance(value, Placed) else ())
            following = next(path[name], None)
            if following is None:
                done.add(name)
                del path[name]
                name = next(reversed(path), None)
            elif following in path:
                found = list(path)
                yield [*found[found.index(following) :], following]
            elif following in settings and following not in done:
                name = following


def circular(circle: list[str], settings: Mapping[str, Any]) -> tuple[str, str, Span, str, str]:
    """What a diagnostic says of a circle."""
    name = circle[0]
    return (
        "circular-variable",
        f"the value of `{name}` depends on itself",
        settings[name].span(),
        "give one of these variables a value that does not depend on the others",
        " -> ".join(circle),
    )


class Keys:
    """Keys of the values of one expansion: equal and hashable where values are equal, `true` apart from 1.

    The key of a layer expression or a list is a number of its own: such values hold one another, often twice, and
    keys that did too would take time with the power of the depth.
    """

    __slots__ = ("known", "numbers")

    def __init__(self) -> None:
        self.numbers: dict[tuple[Any, ...], int] = {}
        # by id; the values are kept, so that ids stay theirs
        self.known: dict[int, tuple[Any, int, frozenset[int]]] = {}

    def key(self, value: Any) -> Any:
        """The key of a value."""
        kind = type(value)
        if kind is LayerValue or kind is tuple:
            return (self.known.get(id(value)) or self._found(value))[1]
        if kind is LayerReference:
            return ("layer", value.node)
        return (kind, value)

    def layers(self, value: Any) -> frozenset[int]:
        """Nodes of the earlier layers that a value holds; `BY_NAME` among them where it looks for some by name."""
        kind = type(value)
        if kind is LayerValue or kind is tuple:
            return (self.known.get(id(value)) or self._found(value))[2]
        return frozenset((value.node,)) if kind is LayerReference else NO_LAYERS

    def _found(self, value: Any) -> tuple[Any, int, frozenset[int]]:
        if type(value) is tuple:
            held = value
            parts: tuple[Any, ...] = (tuple, *[self.key(item) for item in value])
            layers = NO_LAYERS
        else:
            scope, expression = value.scope, value.placed.expression
            names = free_names(expression)
            held = tuple([scope.locals[name] for name in names if name in scope.locals])
            bound = [(name, self.key(scope.locals[name])) for name in names if name in scope.locals]
            x = scope.x if "x" in names else None
            place = (scope.prefix, scope.node) if value.names_layers else None
            parts = (expression.key, *bound, x, place)
            layers = frozenset((BY_NAME,)) if value.names_layers else NO_LAYERS
        for item in held:
            layers |= self.layers(item)
        found = self.known[id(value)] = value, self.numbers.setdefault(parts, len(self.numbers)), layers
        return found

"""Values that are no numbers: layer expressions kept as written, and the scopes in which names mean something."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from archcalc.ops import LayerReference, Shape
from archcalc.spec.expression import Name, free_names
from archcalc.spec.model import Placed
from archcalc.spec.words import IDENTITY


class Scope:
    """What the names in an expression mean where it stands."""

    __slots__ = ("locals", "prefix", "x")

    def __init__(self, locals: Mapping[str, Any], x: Shape | None, prefix: str) -> None:
        self.locals = locals  # arguments of the module, names of generators
        self.x = x  # input of the module's body
        self.prefix = prefix  # path of the body in which layers are looked up


class LayerValue:
    """A layer expression kept as written, with the scope of the place where it was written."""

    __slots__ = ("_key", "names_layers", "placed", "scope")

    def __init__(self, placed: Placed, scope: Scope, names_layers: bool = False) -> None:
        self.placed = placed
        self.scope = scope
        self.names_layers = names_layers  # reads layers of the body where it was written

    @property
    def key(self) -> tuple[Any, ...]:
        """Equal for the same expression of the same values."""
        try:
            return self._key  # type: ignore[has-type, no-any-return]
        except AttributeError:
            scope = self.scope
            names = free_names(self.placed.expression)
            bound = tuple((name, frozen(scope.locals[name])) for name in names if name in scope.locals)
            x = scope.x if "x" in names else None
            self._key = (self.placed.expression.key, bound, x, scope.prefix if self.names_layers else None)
            return self._key

    @property
    def is_identity(self) -> bool:
        """Whether it is the bare word `identity`."""
        expression = self.placed.expression
        return isinstance(expression, Name) and expression.id == IDENTITY


def frozen(value: Any) -> Any:
    """A value as a key: equal and hashable where values are equal, `true` apart from 1."""
    if isinstance(value, LayerValue):
        return value.key
    if isinstance(value, LayerReference):
        return ("layer", value.node)
    if isinstance(value, tuple) and type(value) is tuple:
        return tuple(frozen(item) for item in value)
    return (type(value), value)

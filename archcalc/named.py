"""`NamedTuple` for the rooms that every command needs, made ten times as fast as by typing.

`typing.NamedTuple` compiles the annotation of each field and a constructor for each class, of which there are hundreds:
an eighth of `archcalc show`. To a type checker it is typing's own.
"""

from __future__ import annotations

from functools import cache
from types import FunctionType

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable
    from typing import Any
    from typing import NamedTuple as NamedTuple
else:
    from _collections import _tuplegetter

    class _Tuple(tuple):
        """What named tuples have; `collections.namedtuple` says what each is."""

        __slots__ = ()
        _fields = ()

        @classmethod
        def _make(cls, values: Iterable[Any]) -> Any:
            made = tuple.__new__(cls, values)
            if len(made) != len(cls._fields):
                raise TypeError(f"Expected {len(cls._fields)} arguments, got {len(made)}")
            return made

        def _replace(self, /, **changed: Any) -> Any:
            made = self._make(map(changed.pop, self._fields, self))
            if changed:
                raise ValueError(f"Got unexpected field names: {list(changed)!r}")
            return made

        __replace__ = _replace

        def _asdict(self) -> dict[str, Any]:
            return dict(zip(self._fields, self, strict=True))

        def __repr__(self) -> str:
            parts = [f"{name}={value!r}" for name, value in zip(self._fields, self, strict=True)]
            return f"{type(self).__name__}({', '.join(parts)})"

        def __getnewargs__(self) -> tuple[Any, ...]:
            return tuple(self)

    @cache
    def _constructor(count: int) -> FunctionType:
        """Makes a tuple of so many values; names and defaults are still to be given."""
        names = "".join(f"_{number}, " for number in range(count))
        return eval(f"lambda _cls, {names}: _made(_cls, ({names}))", {"_made": tuple.__new__})

    class _Named(type):
        """Makes a class with fields a named tuple, with its methods."""

        def __new__(cls, name: str, bases: tuple[type, ...], given: dict[str, Any]) -> type:
            fields = tuple(given.get("__annotations__", ()))
            defaults = {field: given[field] for field in fields if field in given}
            made = _constructor(len(fields))
            code = made.__code__.replace(
                co_varnames=("_cls", *fields), co_name="__new__", co_qualname=f"{name}.__new__"
            )
            given |= {field: _tuplegetter(number, None) for number, field in enumerate(fields)}
            given["__new__"] = FunctionType(code, made.__globals__, "__new__", tuple(defaults.values()))
            given |= {"__slots__": (), "_fields": fields, "_field_defaults": defaults, "__match_args__": fields}
            return type(name, (_Tuple,), given)

    NamedTuple = type.__new__(_Named, "NamedTuple", (), {})

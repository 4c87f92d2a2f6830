"""Arguments of constructors, which name what a module's numbers are: `planes`, `expand_ratio`."""

from __future__ import annotations

import inspect
import sys
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from functools import lru_cache
from types import FrameType
from typing import Any

from torch import nn

Arguments = dict[nn.Module, dict[str, Any]]
PLAIN = frozenset({int, float, str, bool, type(None)})
DEEPEST = 12  # frames between the outermost __init__ of a module and that of nn.Module


@contextmanager
def caught() -> Iterator[Arguments]:
    """Arguments of every module that is made meanwhile, by name, defaults among them.

    `nn.Module.__init__` looks at the frames of the constructors that called it, most of which do so first. (To set
    and delete `nn.Module.__new__` would leave a class that refuses arguments.)
    """
    found: Arguments = {}
    plain: Callable[..., None] = nn.Module.__init__

    def init(self: nn.Module, *args: Any, **kwargs: Any) -> None:
        given = _given(self, sys._getframe(1))
        plain(self, *args, **kwargs)
        if given is not None:
            found[self] = given

    nn.Module.__init__ = init  # type: ignore[method-assign]
    try:
        yield found
    finally:
        nn.Module.__init__ = plain  # type: ignore[method-assign]


def _given(module: nn.Module, frame: FrameType | None) -> dict[str, Any] | None:
    """What the constructor of the module's own class was given: the outermost one that has it before any other's."""
    code, local = None, {}
    for _ in range(DEEPEST):
        if frame is None:
            break
        of = frame.f_code
        if of.co_name == "__init__" and of.co_argcount:
            here = frame.f_locals  # made anew each time that it is asked for
            if here.get(of.co_varnames[0]) is not module:
                break
            code, local = of, here
        frame = frame.f_back
    if code is None:
        return None
    given: dict[str, Any] = {}
    for name in code.co_varnames[1 : code.co_argcount + code.co_kwonlyargcount]:
        value = local.get(name, given)  # which is no plain value
        if type(value) in PLAIN:
            given[name] = value
        elif is_plain(value):
            given[name] = plain_value(value)
    return given


def of_module(module: nn.Module, found: Mapping[nn.Module, dict[str, Any]]) -> dict[str, Any]:
    """Arguments as they were caught; of a module that was there before, its attributes of those names."""
    if module in found:
        return found[module]
    held = vars(module)
    names = _parameters(type(module).__init__)
    return {name: plain_value(held[name]) for name in names if name in held and is_plain(held[name])}


@lru_cache(maxsize=1024)
def _parameters(constructor: Callable[..., None]) -> tuple[str, ...]:
    """What a constructor takes, as far as it says."""
    try:
        return tuple(inspect.signature(constructor).parameters)[1:]
    except (TypeError, ValueError):
        return ()


def is_plain(value: Any) -> bool:
    """Whether a value is data that a spec could hold: a number, a word, a list of them."""
    if isinstance(value, (list, tuple)):
        return len(value) <= 64 and all(map(is_plain, value))
    return value is None or isinstance(value, (bool, int, float, str))


def plain_value(value: Any) -> Any:
    """The value with lists as tuples."""
    return tuple(map(plain_value, value)) if isinstance(value, (list, tuple)) else value

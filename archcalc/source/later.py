"""Imports of libraries that compile patterns which nobody may use."""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

_compile = re.compile


class Pattern:
    """A pattern that is compiled when it is first used; `re` keeps it then."""

    __slots__ = ("_arguments",)

    def __init__(self, *arguments: Any) -> None:
        self._arguments = arguments

    def __getattr__(self, name: str) -> Any:
        return getattr(_compile(*self._arguments), name)


@contextmanager
def patterns_later() -> Iterator[None]:
    """Have what is imported compile its patterns when it uses them.

    Those of PyYAML are its own scanner's and resolver's, in place of which libyaml's parser is used: a fifth of what
    `archcalc compare` imports.
    """
    names = vars(re)
    names["compile"] = Pattern
    try:
        yield
    finally:
        names["compile"] = _compile

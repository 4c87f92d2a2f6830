"""Imports of libraries that compile patterns which nobody may use."""

from __future__ import annotations

import re
import sys
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
    """Have what is imported compile its patterns when it uses them, where the process is archcalc's own command.

    Those of PyYAML are its own scanner's and resolver's, in place of which libyaml's parser is used: a fifth of what
    `archcalc compare` imports. In a process of somebody else's nothing is changed:
    its threads may compile theirs meanwhile.
    """
    if not is_command():
        yield
        return
    names = vars(re)
    names["compile"] = Pattern
    try:
        yield
    finally:
        names["compile"] = _compile


def is_command() -> bool:
    """Whether this process is the command `archcalc` or `python -m archcalc`, and not one that imports the package."""
    spec = getattr(sys.modules.get("__main__"), "__spec__", None)
    return "archcalc.__main__" in sys.modules or getattr(spec, "name", None) == "archcalc.__main__"

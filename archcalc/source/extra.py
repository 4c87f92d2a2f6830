"""What to say where an optional library is not installed."""

from __future__ import annotations

from importlib.util import find_spec


class MissingExtraError(ImportError):
    """A library that an extra brings is not installed; `line` is what to type."""

    def __init__(self, module: str, extra: str) -> None:
        self.module = module
        self.line = f"pip install 'archcalc[{extra}]'"
        super().__init__(f"this needs {module}, which is not installed: {self.line}")


def require(*modules: str, extra: str = "torch") -> None:
    """Make sure that libraries are there before anything is done.

    Raises:
        MissingExtraError: with the line to type.
    """
    for module in modules:
        if find_spec(module) is None:
            raise MissingExtraError(module, extra)

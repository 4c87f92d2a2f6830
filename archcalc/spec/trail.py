"""The way to where an expansion is: diagnostics with the calls that led there, and the limit on its steps."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, NoReturn

from archcalc.named import NamedTuple
from archcalc.ops import LayerReference, describe
from archcalc.source import Diagnostic, Source, Span, SpecError
from archcalc.spec.limits import Limits, how_to_raise
from archcalc.spec.model import Spec
from archcalc.spec.naming import callee
from archcalc.spec.values import LayerValue

OVERRIDE = 1 << 40  # offsets from here on lie in the text of a setting, not in the file


class Frame(NamedTuple):
    """A module being expanded: for the notes that say how an error was reached."""

    path: str
    span: Span  # of the call
    name: str
    values: Mapping[str, Any]

    def __str__(self) -> str:
        shown = ", ".join(f"{name}={_shown(value)}" for name, value in self.values.items())
        return f"{self.name}({shown})" if shown else self.name


class Trail:
    """Where an expansion is: what a diagnostic needs, and the count of the work done."""

    def __init__(self, spec: Spec, limits: Limits, overrides: list[Source]) -> None:
        self.spec = spec
        self.limits = limits
        self.overrides = overrides
        self.steps = 0
        self.stack: list[Frame] = []  # modules being expanded

    def fail(self, code: str, message: str, span: Span, help: str | None = None, *notes: str) -> NoReturn:
        """Raise one diagnostic, with the modules that led to it."""
        raise SpecError([self.diagnostic(code, message, span, help, *notes)])

    def diagnostic(self, code: str, message: str, span: Span, help: str | None = None, *notes: str) -> Diagnostic:
        """A diagnostic at a place of the file, or of a setting given from outside."""
        source = self.spec.source
        frames = self.stack
        shown = [*frames[:3], *frames[-3:]] if len(frames) > 6 else frames
        calls = [f"in {frame} at {self.place(frame.span)}, in {frame.path}".removesuffix(", in ") for frame in shown]
        if len(frames) > 6:
            calls.insert(3, f"in {len(frames) - 6} more")
        trail = tuple(reversed(calls))
        if span.start >= OVERRIDE:
            index, start = divmod(span.start - OVERRIDE, OVERRIDE)
            return Diagnostic(
                code,
                message,
                Span(start, span.end - OVERRIDE * (index + 1)),
                self.overrides[index],
                help,
                (*notes, *trail),
            )
        return Diagnostic(code, message, span, source, help, (*notes, *trail))

    def place(self, span: Span) -> str:
        """file:line:column of a span."""
        if span.start >= OVERRIDE:
            return self.overrides[(span.start - OVERRIDE) // OVERRIDE].name
        line, column = self.spec.source.position(span.start)
        return f"{self.spec.source.name}:{line}:{column}"

    def step(self, span: Span, count: int = 1) -> None:
        """Count work, so that no spec takes unbounded time."""
        self.steps += count
        if self.steps > self.limits.steps:
            self.fail(
                "too-many-steps",
                f"the expansion takes more than {self.limits.steps:,} steps",
                span,
                how_to_raise("steps"),
            )


def size_of(value: Any) -> int:
    """Values in a value: those of lists in lists too."""
    return 1 + sum(map(size_of, value)) if type(value) is tuple else 1


def _shown(value: Any) -> str:
    if isinstance(value, LayerValue):
        return callee(value.placed.expression) or "identity"
    if isinstance(value, LayerReference):
        return value.name
    if type(value) is tuple:
        return "[" + ", ".join(map(_shown, value)) + "]" if size_of(value) < 10 else describe(value)
    return describe(value).removeprefix("the word ").strip("`")

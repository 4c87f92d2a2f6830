"""Names of a file that hide operators, functions or words of the language in it."""

from __future__ import annotations

from collections.abc import Iterator

from archcalc.source import Diagnostic, Span
from archcalc.spec.model import Spec
from archcalc.spec.words import RESERVED, UNNAMEABLE, meaning


def hidden_names(spec: Spec) -> list[Diagnostic]:
    """A note for each name that a file gives and the language has too, in the order of their places."""
    found: dict[tuple[str, str], Span] = {}
    for name, what, span in _given(spec):
        if name in RESERVED and name not in UNNAMEABLE:  # which is an error
            found.setdefault((name, what), span)
    return [
        spec.diagnostic(
            "hidden-name",
            f"{what} `{name}` hides {meaning(name)} of that name in this file",
            span,
            f"rename it where {meaning(name)} is meant",
        )._replace(severity="note")
        for (name, what), span in sorted(found.items(), key=lambda item: item[1])
    ]


def _given(spec: Spec) -> Iterator[tuple[str, str, Span]]:
    for name, span in spec.settable.items():
        yield name, "the variable", span
    for name, module in spec.modules.items():
        yield name, "the module", module.span
        for parameter in module.parameters:
            yield parameter.name, f"an argument of {name},", module.span
    for name, span in spec.input_spans.items():
        yield name, "the input", span

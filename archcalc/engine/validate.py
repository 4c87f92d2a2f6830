"""Specs checked as far as they go: read, then every network expanded and counted."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import NamedTuple

from archcalc.engine.network import Network, analyze
from archcalc.source import Diagnostic, SpecError
from archcalc.spec.library import choose, read_file
from archcalc.spec.limits import DEFAULT_LIMITS, Limits


class Validation(NamedTuple):
    """What was looked at, and what was found."""

    files: int
    networks: int
    findings: list[Diagnostic]

    @property
    def is_unreadable(self) -> bool:
        """Whether a file could not be opened at all."""
        return any(finding.code == "no-such-file" for finding in self.findings)


def validate(names: Sequence[str], limits: Limits = DEFAULT_LIMITS) -> Validation:
    """Read files, expand every network of each; a finding that several networks have is given once."""
    findings: list[Diagnostic] = []
    networks = 0
    files = list(dict.fromkeys(names))
    for name in files:
        try:
            spec = read_file(Path(name), name)
            if not spec.names():
                choose(spec)
        except SpecError as error:
            findings.extend(error.diagnostics)
            continue
        for network in spec.names():
            networks += 1
            try:
                analyze(Network(spec, network), limits=limits)
            except SpecError as error:
                findings.extend(error.diagnostics)
    return Validation(len(files), networks, unique(findings))


def unique(diagnostics: Iterable[Diagnostic]) -> list[Diagnostic]:
    """The same finding once: one code and sentence at one place, whatever way led there."""
    found: dict[tuple[object, ...], Diagnostic] = {}
    for diagnostic in diagnostics:
        source = diagnostic.source.name if diagnostic.source else ""
        found.setdefault((diagnostic.code, diagnostic.message, source, diagnostic.span), diagnostic)
    return list(found.values())

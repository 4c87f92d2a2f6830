"""Specs checked as far as they go: read, then every network expanded and counted.

What cannot be read is known to be there, and nothing else of it: it hides no error of another part, and nothing is
told of what reads it.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

from archcalc.engine.channels_last import channels_last
from archcalc.engine.network import Network, analyze, load
from archcalc.importing.sources import kind_of
from archcalc.source import Diagnostic, Span, SpecError, read_source, unique
from archcalc.spec.everything import findings_of
from archcalc.spec.hidden import hidden_names
from archcalc.spec.library import choose, is_configuration, with_way_out
from archcalc.spec.limits import DEFAULT_LIMITS, Limits
from archcalc.spec.model import Spec
from archcalc.spec.read import read_with_findings
from archcalc.spec.space import axes_of, first_value, last_value, space_of


class Validation(NamedTuple):
    """What was looked at, and what was found."""

    files: int
    networks: int
    findings: list[Diagnostic]

    @property
    def is_wrong(self) -> bool:
        """Whether there is more than warnings."""
        return any(finding.severity == "error" for finding in self.findings)

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
        if kind_of(str(name)) is not None:  # a model of another framework: that it can be read, and proven
            try:
                networks += load(name) is not None
            except SpecError as error:
                findings.extend(error.diagnostics)
            continue
        if is_configuration(str(name)):
            try:
                networks += analyze(load(name), limits=limits) is not None
            except SpecError as error:
                findings.extend(error.diagnostics)
            continue
        try:
            source = read_source(Path(name), name)
        except SpecError as error:
            findings.extend(with_way_out(error, str(name)).diagnostics)
            continue
        spec, found = read_with_findings(source)
        if spec is not None:
            if not found:
                networks += len(spec.names())
            found = found + findings_of_networks(spec, found, limits)
            found += hidden_names(spec)
            found += findings_of_space(spec, limits) if not any(each.severity == "error" for each in found) else []
        findings.extend(found)
    return Validation(len(files), networks, unique(findings))


def findings_of_networks(spec: Spec, known: Sequence[Diagnostic], limits: Limits) -> list[Diagnostic]:
    """What is found when the networks of a file are expanded and counted, beside what is known of it without.

    What overlaps with a place where something was found before is not told: the expansion stops there for that reason.
    """
    if not spec.names():
        try:
            choose(spec)
        except SpecError as error:
            return list(error.diagnostics)
    found: list[Diagnostic] = []
    for name in spec.names():
        if not known:
            try:
                found += channels_last(Network(spec, name))
                analyze(Network(spec, name), limits=limits, with_heads=True)
                continue
            except SpecError as error:
                first = error.diagnostics
        else:
            first = ()
        found += findings_of(spec, name, limits, known) or first
    return [finding for finding in found if not any(finding.overlaps(of) for of in known)]


# What is said of a network as a whole: another value of another axis may mend it.
_OF_COMBINATIONS = frozenset({"requirement", "shape-mismatch", "unread-layer", "unread-input", "no-branches"})


def findings_of_space(spec: Spec, limits: Limits) -> list[Diagnostic]:
    """Axes without an item to be for, and values that no layer takes: each value tried, the others as they are."""
    found: list[Diagnostic] = []
    tried: set[Span] = set()  # a value is tried in the first network that has its axis
    for name in spec.names() if spec.space else ():
        try:
            axes_of(spec, name)
        except SpecError as error:
            found += error.diagnostics
            continue
        for axis in space_of(spec, name):
            values = [pair for pair in zip(axis.values, axis.places, strict=True) if pair[1] not in tried]
            tried.update(place for _, place in values)
            for value, place in values:
                for each in dict.fromkeys((first_value(value), last_value(value))):
                    try:
                        Network(spec, name).graph({str(axis.position): each}, limits=limits)
                    except SpecError as error:
                        first = error.diagnostics[0]
                        if first.code not in _OF_COMBINATIONS:
                            message = f"{axis.position}={each} of {name}: {first.message}"
                            found.append(spec.diagnostic("bad-axis", message, place, first.help))
                            break
    return found

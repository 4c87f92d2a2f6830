"""Texts whose places are known, diagnostics that point into them, and YAML that keeps its places."""

from archcalc.source.diagnostic import (
    Diagnostic,
    Note,
    SpecError,
    render_text,
    sort_diagnostics,
    suggest,
    suggest_many,
    suggestion,
    to_github,
    to_json,
    unique,
)
from archcalc.source.files import read_source, source_from_bytes
from archcalc.source.located import (
    YAML_LOADER_IS_C,
    YamlMapping,
    YamlNode,
    YamlScalar,
    YamlSequence,
    read_yaml,
    read_yaml_part,
    read_yaml_with_findings,
)
from archcalc.source.text import Source, Span
from archcalc.source.visible import visible

__all__ = [
    "YAML_LOADER_IS_C",
    "Diagnostic",
    "Note",
    "Source",
    "Span",
    "SpecError",
    "YamlMapping",
    "YamlNode",
    "YamlScalar",
    "YamlSequence",
    "read_source",
    "read_yaml",
    "read_yaml_part",
    "read_yaml_with_findings",
    "render_text",
    "sort_diagnostics",
    "source_from_bytes",
    "suggest",
    "suggest_many",
    "suggestion",
    "to_github",
    "to_json",
    "unique",
    "visible",
]

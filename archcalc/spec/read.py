"""YAML text to `Spec`: the structure of a file, and all that is wrong with it at once."""

from __future__ import annotations

import re
from collections.abc import Iterator
from functools import partial
from typing import TypeGuard

from archcalc.ops import OPERATORS, Table
from archcalc.source import (
    Diagnostic,
    Source,
    Span,
    SpecError,
    YamlMapping,
    YamlNode,
    YamlScalar,
    YamlSequence,
    read_yaml,
    sort_diagnostics,
    suggest,
)
from archcalc.spec.budget import read_budget
from archcalc.spec.check import check
from archcalc.spec.collector import paused_collector
from archcalc.spec.expression import Call, Expression, Name
from archcalc.spec.expression_text import Problem
from archcalc.spec.model import (
    Bodies,
    Body,
    Entries,
    Entry,
    Line,
    Merge,
    Module,
    Parameter,
    Placed,
    Spec,
    Variant,
)
from archcalc.spec.parse import parse_expression
from archcalc.spec.storage import read_storage
from archcalc.spec.words import MERGES, RESERVED, meaning

KEYS = [
    "network",
    "title",
    "source",
    "year",
    "task",
    "notes",
    "input",
    "variables",
    "defaults",
    "variants",
    "tables",
    "modules",
    "layers",
    "heads",
    "outputs",
    "storage",
    "budget",
]
_NAME = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_-]*\Z")
_IDENTIFIER = re.compile(r"[A-Za-z_][A-Za-z0-9_]*\Z")
_NETWORK = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_-]*(@[A-Za-z0-9_][A-Za-z0-9_-]*)?\Z")


def read_spec(source: Source, is_known_good: bool = False) -> Spec:
    """Read and check a file.

    Args:
        source: its text.
        is_known_good: leave the check out and read expressions when they are asked for: for the files that come
            with archcalc, which its tests check.

    Raises:
        SpecError: with every finding that can be made without expanding a network, sorted by place.
    """
    with paused_collector():
        reader = _Reader(source, is_known_good)
        spec = reader.read(read_yaml(source))
        findings = reader.findings
        if not is_known_good and not any(finding.code in _STRUCTURAL for finding in findings):
            findings = findings + check(spec, is_whole=not findings)
    if findings:
        raise SpecError(_causes(sort_diagnostics(findings)))
    return spec


def _causes(findings: list[Diagnostic]) -> list[Diagnostic]:
    """Those that are no consequence of another: a bracket of an expression that YAML's comma has cut ends its line."""
    kept: list[Diagnostic] = []
    cut: Diagnostic | None = None
    for finding in findings:
        if cut is not None and finding.line == cut.line:
            continue
        if finding.message.endswith("is never closed"):
            cut = finding
        if finding not in kept[-3:]:
            kept.append(finding)
    if len(kept) > MAX_FINDINGS:
        last = kept[MAX_FINDINGS - 1]
        kept[MAX_FINDINGS - 1 :] = [
            last._replace(notes=(*last.notes, f"after {MAX_FINDINGS} errors, no more are shown"))
        ]
    return kept


# After these, names would be reported as unknown only because their place could not be read.
_STRUCTURAL = {"not-a-mapping", "missing-key", "unknown-key", "bad-module"}
MAX_FINDINGS = 100  # are reported


class _Reader:
    def __init__(self, source: Source, is_known_good: bool) -> None:
        self.source = source
        self.is_known_good = is_known_good
        self.spec = Spec(source)
        self.findings: list[Diagnostic] = []

    def report(self, code: str, message: str, span: Span, help: str | None = None, *notes: str) -> None:
        self.findings.append(Diagnostic(code, message, span, self.source, help, notes))

    # values

    def expression(self, node: YamlNode) -> Placed | None:
        """An expression: a plain or single-quoted scalar, or a list written in YAML's own brackets."""
        if isinstance(node, YamlScalar):
            if node.style not in ("plain", "single"):
                message = "an expression is written plainly or in single quotes"
                self.report("expression-style", message, node.span, "layers: conv(64, 3) >> relu")
                return None
            text, base = node.text, node.start
        elif isinstance(node, YamlSequence) and node.flow:
            text, base = self.source.text[node.start : node.end], node.start
        else:
            first = node.start
            help = "write the call on one line: conv(64, 3, stride=2)"
            self.report("not-an-expression", "an expression is expected here", Span(first, first + 1), help)
            return None
        if self.is_known_good:
            return Placed(None, base, partial(self.parsed, text, base))
        parsed = parse_expression(text)
        if isinstance(parsed, Problem):
            self.report(parsed.code, parsed.message, Span(base + parsed.start, base + parsed.end), parsed.help)
            return None
        return Placed(parsed, base)

    def parsed(self, text: str, base: int) -> Expression:
        """An expression of a file that is known to be good, all the same with its place where it is not."""
        parsed = parse_expression(text)
        if isinstance(parsed, Problem):
            span = Span(base + parsed.start, base + parsed.end)
            raise SpecError([self.spec.diagnostic(parsed.code, parsed.message, span, parsed.help)])
        return parsed

    def mapping(self, node: YamlNode, what: str) -> Iterator[tuple[YamlScalar, YamlNode]]:
        if isinstance(node, YamlMapping):
            yield from node.items
        elif not (isinstance(node, YamlScalar) and node.text == "" and node.style == "plain"):
            self.report("not-a-mapping", f"{what} must be a mapping of names", _first(node), "name: value, one a line")

    def word(self, node: YamlNode, what: str) -> str:
        if isinstance(node, YamlScalar) and node.value:
            return node.value
        self.report(
            "not-a-text", f"{what} must be a text", _first(node), "in single quotes if it holds brackets or `: `"
        )
        return ""

    def name(self, key: YamlScalar, what: str, pattern: re.Pattern[str] = _IDENTIFIER) -> str:
        """A name that somebody gives; reserved ones are refused."""
        if self.is_known_good:
            return key.value
        if not pattern.match(key.value):
            rule = (
                "letters, digits and _, and begins with a letter"
                if pattern is _IDENTIFIER
                else "letters, digits, _ and -"
            )
            self.report("bad-name", f"`{key.value}` cannot name {what}", key.span, f"a name is made of {rule}")
        elif key.value in RESERVED:
            message = f"`{key.value}` cannot name {what}: it is {meaning(key.value)}"
            self.report("reserved-name", message, key.span, _OTHER)
        return key.value

    # the file

    def read(self, root: YamlNode) -> Spec:
        spec = self.spec
        if not isinstance(root, YamlMapping):
            message = "a spec is a mapping with network, input and layers"
            self.report("not-a-mapping", message, _first(root), "network: my_network is its first line")
            return spec
        places: dict[str, YamlNode] = {}
        for key, value in root.items:
            if key.value not in KEYS:
                near = suggest(key.value, KEYS)
                help = f"did you mean `{near}`?" if near else f"keys are {', '.join(KEYS)}"
                self.report("unknown-key", f"a spec has no key `{key.value}`", key.span, help)
            places[key.value] = value
        for required in ("network", "input", "layers"):
            if required not in places:
                first = root.items[0][0].span if root.items else _first(root)
                self.report("missing-key", f"the spec has no `{required}:`", first, _REQUIRED[required])
        for name in KEYS:
            if name in places:
                getattr(self, "read_" + name)(places[name])
        spec.settable = dict(spec.variable_spans)
        for variant in spec.variants.values():
            for name, (span, _) in variant.settings.items():
                spec.settable.setdefault(name, span)
        return spec

    def read_network(self, node: YamlNode) -> None:
        self.spec.network = self.word(node, "network")
        if self.spec.network and not _NAME.match(self.spec.network):
            self.report(
                "bad-name",
                f"`{self.spec.network}` cannot name a network",
                _first(node),
                "a name is made of letters, digits, _ and -",
            )

    def read_title(self, node: YamlNode) -> None:
        self.spec.title = self.word(node, "title")

    def read_source(self, node: YamlNode) -> None:
        self.spec.reference = self.word(node, "source")

    def read_task(self, node: YamlNode) -> None:
        self.spec.task = self.word(node, "task")

    def read_year(self, node: YamlNode) -> None:
        text = self.word(node, "year")
        if text.isdecimal() and len(text) == 4:
            self.spec.year = int(text)
        elif text:
            self.report("bad-year", f"`{text}` is not a year", _first(node), "four digits: 2014")

    def read_notes(self, node: YamlNode) -> None:
        items = node.items if isinstance(node, YamlSequence) else [node]
        self.spec.notes = [self.word(item, "a note") for item in items]

    def read_input(self, node: YamlNode) -> None:
        self.spec.input = self.expression(node)

    def read_variables(self, node: YamlNode) -> None:
        for key, value in self.mapping(node, "variables"):
            name = self.name(key, "a variable")
            placed = self.expression(value)
            self.spec.variable_spans[name] = key.span
            if placed:
                self.spec.variables[name] = placed

    def read_defaults(self, node: YamlNode) -> None:
        spans: list[tuple[str, Span]] = []
        for key, value in self.mapping(node, "defaults"):
            at = key.start
            for part in key.value.split(","):
                operator = part.strip()
                start = self.source.text.index(operator, at) if operator else at
                at = start + len(operator)
                settings = self.spec.defaults.setdefault(operator, {})
                for argument, given in self.mapping(value, f"the defaults of {operator}"):
                    placed = self.expression(given)
                    if placed:
                        settings[argument.value] = (argument.span, placed)
                spans.append((operator, Span(start, max(at, start + 1))))
        self.check_defaults(spans)

    def check_defaults(self, spans: list[tuple[str, Span]]) -> None:
        for operator, span in spans:
            if operator not in OPERATORS:
                near = suggest(operator, OPERATORS)
                self.report(
                    "unknown-operator",
                    f"there is no operator `{operator}`",
                    span,
                    f"did you mean `{near}`?" if near else "`archcalc ops` lists them",
                )
                self.spec.defaults.pop(operator, None)
                continue
            known = OPERATORS[operator].arguments
            for name, (where, _) in list(self.spec.defaults.get(operator, {}).items()):
                if name not in known:
                    near = suggest(name, known)
                    takes = ", ".join(known) or "no arguments"
                    help = f"did you mean `{near}`?" if near else f"{operator} takes {takes}"
                    self.report("unknown-argument", f"{operator} has no argument `{name}`", where, help)
                    del self.spec.defaults[operator][name]

    def read_variants(self, node: YamlNode) -> None:
        for key, value in self.mapping(node, "variants"):
            if not _NETWORK.match(key.value):
                self.report(
                    "bad-name",
                    f"`{key.value}` cannot name a network",
                    key.span,
                    "letters, digits, _ and -, and at most one @",
                )
            settings: dict[str, tuple[Span, Placed]] = {}
            for name, given in self.mapping(value, f"the variant {key.value}"):
                placed = self.expression(given)
                self.name(name, "a variable")
                if placed:
                    settings[name.value] = (name.span, placed)
            self.spec.variants[key.value] = Variant(key.value, key.span, settings)

    def read_tables(self, node: YamlNode) -> None:
        for key, value in self.mapping(node, "tables"):
            name = self.name(key, "a table")
            if not isinstance(value, YamlScalar):
                self.report(
                    "bad-table",
                    "a table is drawn as text",
                    _first(value),
                    "after `|`, one row a line, X where connected and . where not",
                )
                continue
            rows = [row.strip() for row in value.value.split("\n") if row.strip()]
            if not rows or any(set(row) - set("X.") or len(row) != len(rows[0]) for row in rows):
                self.report(
                    "bad-table",
                    "the rows of a table are of one length, made of X and .",
                    _first(value),
                    "rows are input maps, columns are output maps",
                )
                continue
            self.spec.tables[name] = Table(tuple(tuple(cell == "X" for cell in row) for row in rows))

    def read_modules(self, node: YamlNode) -> None:
        for key, value in self.mapping(node, "modules"):
            name = key.value.partition("(")[0].strip()
            span = Span(key.start, key.start + len(name))
            module = Module(name, span, partial(self.module, key, value))
            if not self.is_known_good:
                module.parts()
            if name in RESERVED:
                self.report("reserved-name", f"`{name}` cannot name a module: it is {meaning(name)}", span, _OTHER)
            if name in self.spec.modules:
                self.report("duplicate-module", f"there are two modules `{name}`", span, _OTHER)
            self.spec.modules[name] = module

    def module(self, key: YamlScalar, value: YamlNode) -> tuple[tuple[Parameter, ...], Body]:
        """Arguments and body of a module."""
        parsed = parse_expression(key.text)
        base = key.start
        parameters: list[Parameter] = []
        if isinstance(parsed, Problem):
            where = Span(base + parsed.start, base + parsed.end)
            self.report("bad-module", f"this names no module: {parsed.message}", where, _MODULE)
        elif isinstance(parsed, Call):
            parameters = self.parameters(parsed, base)
        elif not isinstance(parsed, Name):
            self.report("bad-module", "this names no module", key.span, _MODULE)
        # A body that does not read leaves the module known, so that its calls are not reported too.
        body = self.body(value) or Entries([])
        if self.is_known_good and self.findings:
            raise SpecError(self.findings)
        return tuple(parameters), body

    def parameters(self, call: Call, base: int) -> list[Parameter]:
        found: list[Parameter] = []
        for argument in call.arguments:
            where = Span(base + argument.start, base + argument.end)
            if not isinstance(argument, Name):
                self.report("bad-module", "an argument of a module is a name, or name=default", where, _MODULE)
                continue
            if any(argument.id == other.name for other in found):
                self.report("repeated-argument", f"the argument `{argument.id}` is named twice", where, _OTHER)
            elif argument.id in RESERVED:
                self.report(
                    "reserved-name",
                    f"`{argument.id}` cannot name an argument: it is {meaning(argument.id)}",
                    where,
                    _OTHER,
                )
            found.append(Parameter(argument.id, None))
        for (name, default), (start, end) in zip(call.named, call.places, strict=True):
            if name in RESERVED:
                self.report(
                    "reserved-name",
                    f"`{name}` cannot name an argument: it is {meaning(name)}",
                    Span(base + start, base + end),
                    _OTHER,
                )
            found.append(Parameter(name, Placed(default, base)))
        return found

    def read_layers(self, node: YamlNode) -> None:
        self.spec.layers = self.body(node)

    def read_heads(self, node: YamlNode) -> None:
        self.spec.heads = list(self.entries(self.mapping(node, "heads")))

    def read_outputs(self, node: YamlNode) -> None:
        self.spec.outputs = list(self.entries(self.mapping(node, "outputs")))

    def read_storage(self, node: YamlNode) -> None:
        read_storage(self, node)

    def read_budget(self, node: YamlNode) -> None:
        read_budget(self, node)

    # bodies

    def entries(self, items: Iterator[tuple[YamlScalar, YamlNode]]) -> Iterator[Entry]:
        for key, value in items:
            if not _NAME.match(key.value):
                self.report(
                    "bad-name",
                    f"`{key.value}` cannot name a layer",
                    key.span,
                    "a name is made of letters, digits, _ and -",
                )
            # A layer that does not read is still known by its name.
            yield Entry(key.value, key.span, self.body(value) or Entries([]))

    def body(self, node: YamlNode) -> Body | None:
        if isinstance(node, YamlScalar) or (isinstance(node, YamlSequence) and node.flow):
            placed = self.expression(node)
            return Line(placed) if placed else None
        if isinstance(node, YamlSequence):
            bodies = [self.body(item) for item in node.items]
            return Bodies([body for body in bodies if body is not None])
        if len(node.items) == 1:
            merge = self.merge(*node.items[0])
            if merge is not None:
                return merge
        found: list[tuple[YamlScalar, YamlNode]] = []
        for key, value in node.items:
            head = key.value.partition("(")[0]
            if head in MERGES and not (head == key.value and len(node.items) == 1):
                self.report(
                    "merge-key",
                    f"`{head}:` beside other keys: a merge stands alone, as the whole body",
                    key.span,
                    f"name it, and write {head}(...) or a mapping {head}: below the name",
                )
                continue
            if head == key.value and _is_call(value, head):
                help = f"write the call on one line: {head}({_as_call(value)})"
                self.report("operator-key", f"`{head}:` is an operator; a layer is an expression", key.span, help)
                continue
            found.append((key, value))
        return Entries(list(self.entries(iter(found))))

    def merge(self, key: YamlScalar, value: YamlNode) -> Merge | None:
        """The long form of a merge, if this key begins one."""
        head = key.value.partition("(")[0].strip()
        if head not in MERGES:
            return None
        parsed = parse_expression(key.text)
        base = key.start
        if isinstance(parsed, Problem):
            self.report(parsed.code, parsed.message, Span(base + parsed.start, base + parsed.end), parsed.help)
            return Merge(_bare(head), base, [], [])
        call = parsed if isinstance(parsed, Call) else _bare(head)
        if isinstance(value, YamlMapping):
            return Merge(call, base, [], list(self.entries(iter(value.items))))
        if isinstance(value, YamlSequence) and not value.flow:
            bodies = [self.body(item) for item in value.items]
            return Merge(call, base, [body for body in bodies if body is not None], [])
        self.report(
            "merge-branches",
            f"`{head}:` holds branches, one a line",
            _first(value),
            f"name: expression for each branch, or {head}(a, b) on one line",
        )
        return Merge(call, base, [], [])


_MODULE = "a module is named name, or name(argument, argument=default)"
_OTHER = "choose another name"
_REQUIRED = {
    "network": "network: my_network names it",
    "input": "input: image(3, 224, 224) says what the network reads",
    "layers": "layers: lists what the network does, in order",
}


def _bare(name: str) -> Call:
    parsed = parse_expression(f"{name}()")
    assert isinstance(parsed, Call)
    parsed.end = len(name)
    return parsed


def _first(node: YamlNode) -> Span:
    """The first character of a node: a long span would show nothing more."""
    if isinstance(node, YamlScalar):
        return node.span
    return Span(node.start, node.start + 1)


def _is_call(value: YamlNode, name: str) -> TypeGuard[YamlMapping | YamlSequence]:
    """Whether a key and its value are an operator and its arguments, as other formats write them."""
    if name not in OPERATORS or isinstance(value, YamlScalar):
        return False
    if isinstance(value, YamlSequence):
        return value.flow
    return bool(value.items) and all(key.value in OPERATORS[name].arguments for key, _ in value.items)


def _as_call(node: YamlMapping | YamlSequence) -> str:
    if isinstance(node, YamlMapping):
        return ", ".join(f"{key.value}={value.value}" for key, value in node.items if isinstance(value, YamlScalar))
    return ", ".join(value.value for value in node.items if isinstance(value, YamlScalar))

"""YAML text to `Spec`: the structure of a file, and all that is wrong with it at once."""

from __future__ import annotations

import re
from functools import cache, partial
from typing import TYPE_CHECKING

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
    read_yaml_part,
    read_yaml_with_findings,
    sort_diagnostics,
    suggest,
    suggestion,
)
from archcalc.spec.bodies import NAME, OTHER_NAME, BodyReader, first_of, names_in
from archcalc.spec.collector import paused_collector
from archcalc.spec.elsewhere import told
from archcalc.spec.expression import Unread
from archcalc.spec.model import (
    Body,
    Module,
    Parameter,
    Placed,
    Spec,
    Variant,
)
from archcalc.spec.outline import Part, names_set, outline_of
from archcalc.spec.storage import read_storage
from archcalc.spec.words import INPUT, TRAINABLE, UNNAMEABLE, meaning

if TYPE_CHECKING:
    from archcalc.spec.huggingface import HuggingFace

KEYS = [
    "network",
    "title",
    "source",
    "year",
    "task",
    "notes",
    "input",
    "step",
    "variables",
    "defaults",
    "variants",
    "space",
    "requires",
    "tables",
    "modules",
    "layers",
    "heads",
    "outputs",
    "storage",
    "budget",
    "huggingface",
]
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
    spec, findings = _read(source, is_known_good)
    if findings:
        raise SpecError(findings)
    return spec


def read_with_findings(source: Source) -> tuple[Spec | None, list[Diagnostic]]:
    """Read a file for all that is wrong with it: the spec, where it can be expanded in spite of that, and findings."""
    spec, findings = _read(source, False)
    return spec if spec.layers is not None else None, findings


def _read(source: Source, is_known_good: bool) -> tuple[Spec, list[Diagnostic]]:
    """The spec as far as it can be read, and findings by place."""
    with paused_collector():
        reader = _Reader(source, is_known_good)
        if is_known_good and reader.read_outline():
            return reader.spec, []
        root, findings, unread = read_yaml_with_findings(source)
        reader.unread = unread
        if unread is not None:
            reader.spec.unread.update(names_in(source.text[unread:]))
            findings[-1] = findings[-1]._replace(notes=(*findings[-1].notes, NOT_READ))
        spec = reader.spec
        if root is not None:
            reader.read(root)
            beside = reader.findings
            if not is_known_good and isinstance(root, YamlMapping):
                from archcalc.spec.check import check

                beside = beside + check(spec, [*findings, *beside])
            findings = findings + [each for each in beside if not any(each.overlaps(of) for of in findings)]
    return spec, _causes(sort_diagnostics(findings))


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


NOT_READ = "what stands after it is not read"
MAX_FINDINGS = 100  # are reported


class _Reader(BodyReader):
    # values

    # the file

    unread: int | None = None  # where what YAML could not read begins

    def read(self, root: YamlNode) -> Spec:
        """Key by key; one that is misspelt is read as what it was most likely meant to be."""
        spec = self.spec
        if not isinstance(root, YamlMapping):
            message = "a spec is a mapping with network, input and layers"
            self.report("not-a-mapping", message, first_of(root), "network: my_network is its first line")
            return spec
        places: dict[str, YamlNode] = {}
        given = {key.value for key, _ in root.items}
        for key, value in root.items:
            if key.style == "unread":
                self.leave_unread(value)
            elif key.value in KEYS:
                if key.value in places:  # which YAML has refused
                    self.leave_unread(value)
                places.setdefault(key.value, value)
            else:
                near = suggest(key.value, KEYS)
                help = f"did you mean `{near}`?" if near else f"keys are {', '.join(KEYS)}"
                self.report("unknown-key", f"a spec has no key `{key.value}`", key.span, help)
                if near and near not in given:
                    places.setdefault(near, value)
                else:
                    self.leave_unread(value)
        for required in ("network", "input", "layers"):
            if required not in places and (self.unread is None or required not in spec.unread):
                first = root.items[0][0].span if root.items else first_of(root)
                self.report("missing-key", f"the spec has no `{required}:`", first, _REQUIRED[required])
        for name in KEYS:
            if name in places:
                getattr(self, "read_" + name)(places[name])
        if not spec.inputs:
            spec.inputs[INPUT] = Placed(Unread(0, 1, ""), root.start)
        return spec

    def read_outline(self) -> bool:
        """Read a file that is known to be good, but for modules and variants, which wait; False: something is wrong."""
        outline = outline_of(self.source)
        places: dict[str, YamlNode] = {}
        for span in outline.whole:
            root = read_yaml_part(self.source, span)
            if not isinstance(root, YamlMapping):
                return False
            places |= {key.value: value for key, value in root.items}
        if not {*places} <= {*KEYS} or not {"network", "input"} <= {*places} or "layers" not in places:
            return False
        for name in KEYS:
            if name in outline.sections:
                getattr(self, "outline_" + name)(outline.sections[name])
            elif name in places:
                getattr(self, "read_" + name)(places[name])
        return not self.findings

    def outline_variants(self, parts: list[Part]) -> None:
        for part in parts:
            read = partial(self.settings_in, part)
            names = names_set(self.source, part)
            if names is None:
                given = self.given_in(part)
                names = ((name.value, name.span) for name, _ in given)
                read = partial(self.settings, given)
            for name, span in names:
                self.spec.settable.setdefault(name, span)
            self.spec.variants[part.key] = Variant(part.key, part.span, read)

    def outline_modules(self, parts: list[Part]) -> None:
        for part in parts:
            name = part.key.partition("(")[0]
            self.spec.modules[name] = Module(
                name, Span(part.start, part.start + len(name)), partial(self.module_in, part)
            )

    def item_in(self, part: Part) -> tuple[YamlScalar, YamlNode]:
        """The key and the value of a part of a file."""
        root = read_yaml_part(self.source, Span(part.start - 2, part.end))
        if not isinstance(root, YamlMapping) or len(root.items) != 1:
            raise SpecError(read_with_findings(self.source)[1])
        return root.items[0]

    def module_in(self, part: Part) -> tuple[tuple[Parameter, ...], Body]:
        """Arguments and body of the module in a part of a file."""
        return self.module(*self.item_in(part))

    def given_in(self, part: Part) -> list[tuple[YamlScalar, YamlNode]]:
        """What the variant in a part of a file sets."""
        return list(self.mapping(self.item_in(part)[1], f"the variant {part.key}"))

    def settings_in(self, part: Part) -> dict[str, Placed]:
        """The same, as expressions."""
        return self.settings(self.given_in(part))

    def read_network(self, node: YamlNode) -> None:
        self.spec.network = self.word(node, "network")
        if self.spec.network and not NAME.match(self.spec.network):
            self.report(
                "bad-name",
                f"`{self.spec.network}` cannot name a network",
                first_of(node),
                "a name is made of letters, digits, _ and -",
            )

    def read_title(self, node: YamlNode) -> None:
        self.spec.title = self.word(node, "title")

    def read_source(self, node: YamlNode) -> None:
        self.spec.reference = self.word(node, "source")

    def read_task(self, node: YamlNode) -> None:
        """One task for all networks of the file, or a mapping of tasks to the networks that are for each."""
        if not isinstance(node, YamlMapping):
            self.spec.tasks[""] = first_of(node), self.word(node, "task")
            return
        for task, networks in node.items:
            for item in networks.items if isinstance(networks, YamlSequence) else [networks]:
                name = self.word(item, f"a network for {task.value}")
                if name in self.spec.tasks:
                    message, help = f"`{name}` has two tasks", f"it is for {self.spec.tasks[name][1]} already"
                    self.report("duplicate-task", message, first_of(item), help)
                elif name:
                    self.spec.tasks[name] = first_of(item), task.value

    def read_year(self, node: YamlNode) -> None:
        text = self.word(node, "year")
        if text.isdecimal() and len(text) == 4:
            self.spec.year = int(text)
        elif text:
            self.report("bad-year", f"`{text}` is not a year", first_of(node), "four digits: 2014")

    def read_notes(self, node: YamlNode) -> None:
        items = node.items if isinstance(node, YamlSequence) else [node]
        self.spec.notes = [self.word(item, "a note") for item in items]

    def read_input(self, node: YamlNode) -> None:
        if not isinstance(node, YamlMapping):
            self.spec.inputs[INPUT] = self.expression(node)
            return
        if not node.items:
            self.report("missing-key", "`input:` names no input", first_of(node), _REQUIRED["input"])
        for key, value in node.items:
            name = self.name(key, "an input")
            self.spec.inputs[name] = self.expression(value)
            self.spec.input_spans[name] = key.span

    def read_step(self, node: YamlNode) -> None:
        items = node.items if isinstance(node, YamlSequence) else [node]
        for item in items:
            name = self.word(item, "step").strip()
            if name and name not in self.spec.inputs:
                help = suggestion(name, self.spec.inputs, f"inputs are {', '.join(self.spec.inputs)}")
                self.report("unknown-input", f"there is no input `{name}`", first_of(item), help)
            elif name and name not in self.spec.step:
                self.spec.step.append(name)

    def read_variables(self, node: YamlNode) -> None:
        for key, value in self.mapping(node, "variables"):
            name = self.name(key, "a variable")
            self.spec.settable[name] = key.span
            self.spec.variables[name] = self.expression(value)

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
                    settings[argument.value] = (argument.span, self.expression(given))
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
                    told(operator, near, "`archcalc ops` lists them"),
                )
                continue
            known = OPERATORS[operator].arguments
            for name, (where, _) in list(self.spec.defaults.get(operator, {}).items()):
                if name not in known and name != TRAINABLE:
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
            given = list(self.mapping(value, f"the variant {key.value}"))
            for name, _ in given:
                self.name(name, "a variable")
                if name.value not in self.spec.settable:
                    self.spec.settable[name.value] = name.span
            variant = Variant(key.value, key.span, partial(self.settings, given))
            if not self.is_known_good:
                variant.settings()
            self.spec.variants[key.value] = variant

    def settings(self, given: list[tuple[YamlScalar, YamlNode]]) -> dict[str, Placed]:
        return {name.value: self.expression(node) for name, node in given}

    def read_tables(self, node: YamlNode) -> None:
        for key, value in self.mapping(node, "tables"):
            name = self.name(key, "a table")
            if not isinstance(value, YamlScalar):
                self.report(
                    "bad-table",
                    "a table is drawn as text",
                    first_of(value),
                    "after `|`, one row a line, X where connected and . where not",
                )
                self.spec.unread.add(name)
                continue
            rows = [row.strip() for row in value.value.split("\n") if row.strip()]
            if not rows or any(set(row) - set("X.") or len(row) != len(rows[0]) for row in rows):
                self.report(
                    "bad-table",
                    "the rows of a table are of one length, made of X and .",
                    first_of(value),
                    "rows are input maps, columns are output maps",
                )
                self.spec.unread.add(name)
                continue
            self.spec.tables[name] = Table(tuple(tuple(cell == "X" for cell in row) for row in rows))

    def read_modules(self, node: YamlNode) -> None:
        for key, value in self.mapping(node, "modules"):
            name = key.value.partition("(")[0].strip()
            span = Span(key.start, key.start + len(name))
            module = Module(name, span, partial(self.module, key, value))
            if not self.is_known_good:
                module.parts()
            if name in UNNAMEABLE:
                self.report("reserved-name", f"`{name}` cannot name a module: it is {meaning(name)}", span, OTHER_NAME)
            if name in self.spec.modules:
                self.report("duplicate-module", f"there are two modules `{name}`", span, OTHER_NAME)
                self.spec.unclear.add(name)
            self.spec.modules[name] = module

    def read_layers(self, node: YamlNode) -> None:
        self.spec.layers = self.body(node)

    def read_heads(self, node: YamlNode) -> None:
        self.spec.heads = list(self.entries(self.mapping(node, "heads")))

    def read_outputs(self, node: YamlNode) -> None:
        self.spec.outputs = list(self.entries(self.mapping(node, "outputs")))

    def read_storage(self, node: YamlNode) -> None:
        read_storage(self, node)

    def read_space(self, node: YamlNode) -> None:
        from archcalc.spec.space import read_space

        read_space(self, node)

    def read_requires(self, node: YamlNode) -> None:
        """Conditions by what they say in words."""
        for key, value in self.mapping(node, "requires"):
            self.spec.requires[key.value] = self.expression(value)

    def read_budget(self, node: YamlNode) -> None:
        from archcalc.spec.budget import read_budget

        read_budget(self, node)

    def read_huggingface(self, node: YamlNode) -> None:
        """How a config.json gives the variables: of a file of archcalc's own, when somebody asks for it."""

        @cache
        def read() -> HuggingFace:
            from archcalc.spec.huggingface import read_huggingface

            return read_huggingface(self, node)

        self.spec.huggingface = read
        if not self.is_known_good:
            read()

    # bodies


_REQUIRED = {
    "network": "network: my_network names it",
    "input": "input: image(3, 224, 224) says what the network reads",
    "layers": "layers: lists what the network does, in order",
}

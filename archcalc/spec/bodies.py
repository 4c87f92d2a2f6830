"""Bodies of modules and of `layers:`, and the values in them: YAML nodes to expressions, names and entries."""

from __future__ import annotations

import re
from collections.abc import Iterator
from functools import partial
from typing import TypeGuard

from archcalc.ops import OPERATORS
from archcalc.source import (
    Diagnostic,
    Source,
    Span,
    SpecError,
    YamlMapping,
    YamlNode,
    YamlScalar,
    YamlSequence,
)
from archcalc.spec.elsewhere import merge_meant
from archcalc.spec.expression import Call, Expression, Name, Unread
from archcalc.spec.expression_text import Problem
from archcalc.spec.model import (
    Bodies,
    Body,
    Entries,
    Entry,
    Line,
    Merge,
    Parameter,
    Placed,
    Spec,
)
from archcalc.spec.parse import parse_expression
from archcalc.spec.words import MERGES, UNNAMEABLE, meaning

NAME = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_-]*\Z")
IDENTIFIER = re.compile(r"[A-Za-z_][A-Za-z0-9_]*\Z")
_WORD = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")


def names_in(text: str) -> list[str]:
    """Words that may be names, each once."""
    return list(dict.fromkeys(_WORD.findall(text)))


class BodyReader:
    """Reads what stands in a file, and gathers all that is wrong with it."""

    def __init__(self, source: Source, is_known_good: bool) -> None:
        self.source = source
        self.is_known_good = is_known_good
        self.spec = Spec(source)
        self.findings: list[Diagnostic] = []

    def report(self, code: str, message: str, span: Span, help: str | None = None, *notes: str) -> None:
        """Remember a finding."""
        self.findings.append(Diagnostic(code, message, span, self.source, help, notes))

    def expression(self, node: YamlNode) -> Placed:
        """An expression: a plain or single-quoted scalar, or a list written in YAML's own brackets."""
        unread = Placed(Unread(0, node.end - node.start, self.source.text[node.start : node.end]), node.start)
        if isinstance(node, YamlScalar):
            if node.style == "unread":
                return unread
            if node.style not in ("plain", "single"):
                message = "an expression is written plainly or in single quotes"
                self.report("expression-style", message, node.span, "layers: conv(64, 3) >> relu")
                return unread
            text, base = node.text, node.start
        elif isinstance(node, YamlSequence) and node.flow:
            text, base = self.source.text[node.start : node.end], node.start
        else:
            first = node.start
            help = "write the call on one line: conv(64, 3, stride=2)"
            self.report("not-an-expression", "an expression is expected here", Span(first, first + 1), help)
            return unread
        if self.is_known_good:
            return Placed(None, base, partial(self.parsed, text, base))
        parsed = parse_expression(text)
        if isinstance(parsed, Problem):
            self.report(parsed.code, parsed.message, Span(base + parsed.start, base + parsed.end), parsed.help)
            return unread
        return Placed(parsed, base)

    def parsed(self, text: str, base: int) -> Expression:
        """An expression of a file that is known to be good, all the same with its place where it is not."""
        parsed = parse_expression(text)
        if isinstance(parsed, Problem):
            span = Span(base + parsed.start, base + parsed.end)
            raise SpecError([self.spec.diagnostic(parsed.code, parsed.message, span, parsed.help)])
        return parsed

    def mapping(self, node: YamlNode, what: str) -> Iterator[tuple[YamlScalar, YamlNode]]:
        """Keys and values of a mapping; nothing of an empty value."""
        if isinstance(node, YamlMapping):
            yield from (item for item in node.items if item[0].style != "unread")
        elif not (isinstance(node, YamlScalar) and node.text == "" and node.style in ("plain", "unread")):
            self.report(
                "not-a-mapping", f"{what} must be a mapping of names", first_of(node), "name: value, one a line"
            )
            self.leave_unread(node)

    def leave_unread(self, node: YamlNode) -> None:
        """What is in a node may give names of the file a meaning."""
        self.spec.unread.update(names_in(self.source.text[node.start : node.end]))

    def word(self, node: YamlNode, what: str) -> str:
        """A text."""
        if isinstance(node, YamlScalar) and (node.value or node.style == "unread"):
            return node.value
        self.report(
            "not-a-text", f"{what} must be a text", first_of(node), "in single quotes if it holds brackets or `: `"
        )
        return ""

    def name(self, key: YamlScalar, what: str, pattern: re.Pattern[str] = IDENTIFIER) -> str:
        """A name that somebody gives; reserved ones are refused."""
        if self.is_known_good:
            return key.value
        if not pattern.match(key.value):
            rule = (
                "letters, digits and _, and begins with a letter"
                if pattern is IDENTIFIER
                else "letters, digits, _ and -"
            )
            self.report("bad-name", f"`{key.value}` cannot name {what}", key.span, f"a name is made of {rule}")
        elif key.value in UNNAMEABLE:
            message = f"`{key.value}` cannot name {what}: it is {meaning(key.value)}"
            self.report("reserved-name", message, key.span, OTHER_NAME)
        return key.value

    def module(self, key: YamlScalar, value: YamlNode) -> tuple[tuple[Parameter, ...], Body]:
        """Arguments and body of a module."""
        parsed = parse_expression(key.text)
        base = key.start
        parameters: list[Parameter] = []
        before = len(self.findings)
        if isinstance(parsed, Problem):
            where = Span(base + parsed.start, base + parsed.end)
            self.report("bad-module", f"this names no module: {parsed.message}", where, _MODULE)
        elif isinstance(parsed, Call):
            parameters = self.parameters(parsed, base)
        elif not isinstance(parsed, Name):
            self.report("bad-module", "this names no module", key.span, _MODULE)
        if len(self.findings) > before:
            parameters = [Parameter(name, None) for name in names_in(key.text.partition("(")[2])]
            self.spec.unclear.add(key.value.partition("(")[0].strip())
        body = self.body(value)
        if self.is_known_good and self.findings:
            raise SpecError(self.findings)
        return tuple(parameters), body

    def parameters(self, call: Call, base: int) -> list[Parameter]:
        """Parameters of a module, as its key declares them."""
        found: list[Parameter] = []
        for argument in call.arguments:
            where = Span(base + argument.start, base + argument.end)
            if not isinstance(argument, Name):
                self.report("bad-module", "an argument of a module is a name, or name=default", where, _MODULE)
                continue
            if any(argument.id == other.name for other in found):
                self.report("repeated-argument", f"the argument `{argument.id}` is named twice", where, OTHER_NAME)
            elif argument.id in UNNAMEABLE:
                self.report(
                    "reserved-name",
                    f"`{argument.id}` cannot name an argument: it is {meaning(argument.id)}",
                    where,
                    OTHER_NAME,
                )
            found.append(Parameter(argument.id, None))
        for (name, default), (start, end) in zip(call.named, call.places, strict=True):
            if name in UNNAMEABLE:
                self.report(
                    "reserved-name",
                    f"`{name}` cannot name an argument: it is {meaning(name)}",
                    Span(base + start, base + end),
                    OTHER_NAME,
                )
            found.append(Parameter(name, Placed(default, base)))
        return found

    def entries(self, items: Iterator[tuple[YamlScalar, YamlNode]]) -> Iterator[Entry]:
        """Named entries of a body."""
        for key, value in items:
            if key.style == "unread":
                yield self.unread_entry(key, self.body(value))
                continue
            if not NAME.match(key.value):
                head, bracket, rest = key.value.partition("(")
                meant = merge_meant(head.strip()) if bracket else None
                help = f"did you mean `{meant}({rest}:`?" if meant else "a name is made of letters, digits, _ and -"
                self.report("bad-name", f"`{key.value}` cannot name a layer", key.span, help)
            yield Entry(key.value, key.span, self.body(value))

    def unread_entry(self, key: YamlScalar, body: Body) -> Entry:
        """A layer of which the name, or more, could not be read; it stands where it stands."""
        return Entry(f"?{key.start}", key.span, body)

    def unread_body(self, key: YamlScalar, value: YamlNode) -> Line:
        """A key and its value that are no body; nothing is known of them."""
        return Line(Placed(Unread(0, len(key.text), self.source.text[key.start : value.end]), key.start))

    def body(self, node: YamlNode) -> Body:
        """A body: an expression, a sequence, entries or a merge."""
        if isinstance(node, YamlScalar) or (isinstance(node, YamlSequence) and node.flow):
            return Line(self.expression(node))
        if isinstance(node, YamlSequence):
            return Bodies([self.body(item) for item in node.items])
        if len([key for key, _ in node.items if key.style != "unread"]) == 1:
            merge = self.merge(*node.items[0])
            if merge is not None:
                return merge
        found: list[Entry] = []
        for key, value in node.items:
            head = key.value.partition("(")[0]
            if head in MERGES and not (head == key.value and len(node.items) == 1):
                self.report(
                    "merge-key",
                    f"`{head}:` beside other keys: a merge stands alone, as the whole body",
                    key.span,
                    f"name it, and write {head}(...) or a mapping {head}: below the name",
                )
                found.append(self.unread_entry(key, self.unread_body(key, value)))
                continue
            if head == key.value and _is_call(value, head):
                help = f"write the call on one line: {head}({_as_call(value)})"
                self.report("operator-key", f"`{head}:` is an operator; a layer is an expression", key.span, help)
                found.append(self.unread_entry(key, self.unread_body(key, value)))
                continue
            found += self.entries(iter([(key, value)]))
        return Entries(found)

    def merge(self, key: YamlScalar, value: YamlNode) -> Merge | Line | None:
        """The long form of a merge, if this key begins one."""
        head = key.value.partition("(")[0].strip()
        if head not in MERGES:
            return None
        parsed = parse_expression(key.text)
        base = key.start
        if isinstance(parsed, Problem):
            self.report(parsed.code, parsed.message, Span(base + parsed.start, base + parsed.end), parsed.help)
            return self.unread_body(key, value)
        call = parsed if isinstance(parsed, Call) else _bare(head)
        if isinstance(value, YamlMapping):
            return Merge(call, base, [], list(self.entries(iter(value.items))))
        if isinstance(value, YamlSequence) and not value.flow:
            return Merge(call, base, [self.body(item) for item in value.items], [])
        self.report(
            "merge-branches",
            f"`{head}:` holds branches, one a line",
            first_of(value),
            f"name: expression for each branch, or {head}(a, b) on one line",
        )
        return self.unread_body(key, value)


_MODULE = "a module is named name, or name(argument, argument=default)"
OTHER_NAME = "choose another name"


def _bare(name: str) -> Call:
    parsed = parse_expression(f"{name}()")
    assert isinstance(parsed, Call)
    parsed.end = len(name)
    return parsed


def first_of(node: YamlNode) -> Span:
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

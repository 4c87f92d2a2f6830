"""YAML as a tree whose keys and values know their places; what a spec may not use of YAML is refused."""

from __future__ import annotations

import re
from bisect import bisect_right
from typing import TYPE_CHECKING, Any, Literal, TypeAlias

from archcalc.source.diagnostic import Diagnostic, Note, SpecError
from archcalc.source.later import patterns_later
from archcalc.source.text import Span

with patterns_later():
    import yaml

if TYPE_CHECKING:
    from archcalc.source.text import Source

MAX_DEPTH = 64
"""So many mappings and lists may stand in each other."""
MAX_NODES = 300_000
"""So many keys, values, mappings and lists may stand in one file."""
MAX_FINDINGS = 100
"""Reading stops after so many findings."""

YAML_LOADER_IS_C: bool = yaml.__with_libyaml__
"""Whether libyaml scans; PyYAML's own scanner is slower, and differs on `?` within `[ ]` and `{ }`."""
_LOADER = yaml.CSafeLoader if YAML_LOADER_IS_C else yaml.SafeLoader

Style: TypeAlias = Literal["plain", "single", "double", "literal", "folded", "unread"]
_STYLES: dict[str | None, Style] = {"'": "single", '"': "double", "|": "literal", ">": "folded"}


class _Located:
    """What stands from `start` to `end`; of most nodes nobody asks for more than where they begin."""

    __slots__ = ("end", "start")
    start: int
    end: int

    @property
    def span(self) -> Span:
        """Where it stands."""
        return Span(self.start, self.end)


class YamlScalar(_Located):
    """A key or a value. `text` is what is written, without quotes and with a space for each line break.

    `text[i]` stands at `start + i` of the source. `value` is what YAML makes of it. Of the style `unread` is what
    stands for a key or a value that could not be read, whatever it is.
    """

    __slots__ = ("style", "text", "value")

    def __init__(self, text: str, value: str, style: Style, start: int, end: int) -> None:
        self.text = text
        self.value = value
        self.style = style
        self.start = start
        self.end = end

    def __repr__(self) -> str:
        return f"YamlScalar({self.value!r}, {self.style}, {self.start}:{self.end})"


class YamlMapping(_Located):
    """Keys with their values, in the order of the file; no key stands twice. `flow` is `{a: 1}`."""

    __slots__ = ("flow", "items")

    def __init__(self, start: int, flow: bool) -> None:
        self.items: list[tuple[YamlScalar, YamlNode]] = []
        self.start = self.end = start
        self.flow = flow

    def __repr__(self) -> str:
        return f"YamlMapping({self.items!r})"

    def get(self, key: str) -> YamlNode | None:
        """The value of a key."""
        return next((value for name, value in self.items if name.value == key), None)


class YamlSequence(_Located):
    """Values in a row. `flow` is `[a, b]`."""

    __slots__ = ("flow", "items")

    def __init__(self, start: int, flow: bool) -> None:
        self.items: list[YamlNode] = []
        self.start = self.end = start
        self.flow = flow

    def __repr__(self) -> str:
        return f"YamlSequence({self.items!r})"


YamlNode: TypeAlias = YamlScalar | YamlMapping | YamlSequence


def read_yaml(source: Source) -> YamlNode:
    """The tree of a text. Raises everything that can be found wrong with it, at once, as one `SpecError`."""
    root, findings, _ = read_yaml_with_findings(source)
    if findings or root is None:
        raise SpecError(findings)
    return root


def read_yaml_with_findings(source: Source) -> tuple[YamlNode | None, list[Diagnostic], int | None]:
    """The tree of a text as far as it can be read, what is wrong with it, and where what cannot be read begins.

    In each collection that was open there, a key and a value, or a value, of the style `unread` stand for the rest.
    """
    return _read(_Reader(source, source.text))


def read_yaml_part(source: Source, span: Span) -> YamlNode | None:
    """The tree of a part of a text that can be read alone, with its places in the text; None: something is wrong."""
    root, findings, _ = _read(_Reader(source, source.text[span.start : span.end], span.start))
    return None if findings else root


def _read(reader: _Reader) -> tuple[YamlNode | None, list[Diagnostic], int | None]:
    try:
        root = reader.read()
    except SpecError:  # so many findings that reading stopped
        return None, reader.findings, 0
    return root, reader.findings, reader.unread


# What a spec may hold: printable text. NEL, LS and PS end a line for YAML 1.1 and for few editors.
_ASCII = frozenset("\t\n").union(map(chr, range(ord(" "), ord("~") + 1)))
_FURTHER = (
    ("\u00a0", "\u2027"),  # from, to
    ("\u202a", "\ud7ff"),
    ("\ue000", "\ufefe"),
    ("\uff00", "\ufffd"),
    ("\U00010000", "\U0010ffff"),
)
# Patterns that wrong texts need alone are compiled for them: each takes as long as reading a small spec.
_PROPERTY = r"([&!][^\s,\[\]{}]*)(?:\s|#.*)*"
_BROKEN_PROPERTY = "^while (?:scanning|parsing) an? (tag|anchor|alias)|undefined tag handle"


def refused_characters(text: str) -> re.Pattern[str] | None:
    """A pattern of the characters in a text that may not stand in a spec; None where there are none."""
    odd = set(text) - _ASCII
    wrong = [character for character in odd if not any(first <= character <= last for first, last in _FURTHER)]
    return re.compile(f"[{re.escape(''.join(wrong))}]") if wrong else None


class _Open:
    """An unfinished collection; in a mapping, also the key that waits for its value and those seen."""

    __slots__ = ("bracket", "key", "node", "seen")

    def __init__(self, node: YamlMapping | YamlSequence, bracket: int | None) -> None:
        self.node = node
        self.bracket = bracket  # where it stands, if it is written with one
        self.key: YamlScalar | None = None
        self.seen: dict[str, YamlScalar] = {}


class _Reader:
    """One reading of one text: the findings so far, and the collections that are open."""

    def __init__(self, source: Source, text: str, base: int = 0) -> None:
        self.source = source
        self.text = text
        self.base = base  # where it begins in the file; what is wrong is told of a whole file alone
        self.findings: list[Diagnostic] = []
        self.stack: list[_Open] = []
        self.root: YamlNode | None = None
        self.scalars: list[tuple[int, int, bool]] = []  # start, end, is a block; kept where there are tabs
        self.nodes = 0
        self.end = 0  # of the node last read
        self.stop = 0  # what stands before was looked at
        self.unread: int | None = None  # where what could not be read begins
        self.suspect = len(self.text) + 1  # where the first character stands that YAML would not read

    def report(self, code: str, start: int, end: int, message: str, help_: str, *notes: str | Note) -> None:
        if len(self.findings) == MAX_FINDINGS - 1:
            notes = (*notes, f"reading stops here, after {MAX_FINDINGS} errors")
        self.findings.append(Diagnostic(code, message, Span(start, end), self.source, help_, notes))
        if len(self.findings) == MAX_FINDINGS:
            raise SpecError(self.findings)

    def refuse(self, code: str, start: int, end: int) -> None:
        from archcalc.source.refusals import REFUSED

        message, help_ = REFUSED[code]
        self.report(code, start, end, message.format(_short(self.text[start:end])), help_)

    def read(self) -> YamlNode | None:
        refused = refused_characters(self.text)
        for found in refused.finditer(self.text) if refused else ():
            message = f"the character U+{ord(found[0]):04X} may not stand in a spec"
            self.report("yaml-character", *found.span(), message, "delete it; lines end with LF or CR LF")
            self.suspect = min(self.suspect, found.start())
        if refused:
            self.text = refused.sub("\N{REPLACEMENT CHARACTER}", self.text)
        try:
            self.build()
        except yaml.MarkedYAMLError as error:
            self.explain(error)
            self.close()
        except (ValueError, OverflowError):  # PyYAML's own scanner lets some escapes and versions through
            self.report("yaml-syntax", self.stop, self.stop, "a number here has no meaning in YAML", "correct it")
            self.close()
        if "\t" in self.text:
            self.find_tabs()
        return self.root

    def build(self) -> None:
        """Make the tree from the parser's events, with a stack of our own: depth costs no recursion."""
        text, base, tabs = self.text, self.base, "\t" in self.text
        documents = 0
        for event in iter(_LOADER(text).get_event, None):  # as `yaml.parse`, without its generator
            kind = type(event)
            start = self.stop = event.start_mark.index
            node: YamlNode
            if kind is yaml.ScalarEvent:
                if event.anchor is not None or event.tag is not None:
                    self.properties(event)
                end = self.end = event.end_mark.index
                if not event.style:  # as most are; the others take a closer look
                    node = YamlScalar(
                        text[start:end].replace("\n", " "), event.value, "plain", start + base, end + base
                    )
                else:
                    node = self.scalar(event, start, end)
                if tabs:
                    self.scalars.append((start, end, event.style in ("|", ">")))
            elif kind is yaml.MappingStartEvent or kind is yaml.SequenceStartEvent:
                if event.anchor is not None or event.tag is not None:
                    self.properties(event)
                if len(self.stack) == MAX_DEPTH:
                    self.refuse("yaml-depth", start, start + 1)
                    return self.close()
                make = YamlMapping if kind is yaml.MappingStartEvent else YamlSequence
                after = event.end_mark.index
                bracket = after - 1 if text[start:after].endswith(("[", "{")) else None
                self.stack.append(_Open(make(start + base, bool(event.flow_style)), bracket))
                continue
            elif kind is yaml.MappingEndEvent or kind is yaml.SequenceEndEvent:
                node = self.stack.pop().node
                if node.flow:  # the mark of a block's end lies beyond the blank lines and comments after it
                    self.end = event.end_mark.index
                node.end = self.end + base
            elif kind is yaml.AliasEvent:
                self.end = event.end_mark.index
                self.refuse("yaml-alias", start, self.end)
                node = YamlScalar("", "", "unread", start, self.end)
            elif kind is yaml.DocumentStartEvent:
                documents += 1
                if documents > 1:
                    return self.refuse("yaml-documents", start, start + 3)
                if text.startswith("%", start):
                    self.refuse("yaml-directive", start, self.line_end(start))
                continue
            else:
                continue
            self.nodes += 1
            if self.nodes > MAX_NODES:
                self.refuse("yaml-size", start, start + 1)
                return self.close()
            self.deliver(node)
        self.stop = len(text)
        if not self.findings and (self.root is None or self.root.start == self.end + base):
            self.refuse("empty-file", 0, 0)
        return None

    def close(self) -> None:
        """End the collections that are open, each with what stands for the rest of it.

        What is on the line of the error, or in brackets that are open there, may not be what was meant: it is not read.
        """
        bracket = next((at for at, each in enumerate(self.stack) if each.bracket is not None), None)
        begin = min([self.stop, *(finding.span.start for finding in self.findings[-1:] if finding.span)])
        if bracket is not None:
            begin = min(begin, self.stack[bracket].node.start)
            del self.stack[bracket:]
        begin = self.text.rfind("\n", 0, begin) + 1
        rest = YamlScalar("", "", "unread", begin, begin)
        last: YamlNode = rest  # of what is around it
        while self.stack:
            inner = self.stack.pop()
            node = last
            if isinstance(inner.node, YamlSequence):
                read = [item for item in inner.node.items if not (item.end > begin and isinstance(item, YamlScalar))]
                inner.node.items = [*read, *([node] if node is not rest else []), rest]
            else:
                inner.node.items = [
                    (key, rest if value.end > begin and isinstance(value, YamlScalar) else value)
                    for key, value in inner.node.items
                    if key.start < begin or value.end <= begin
                ]
                if inner.key is not None:
                    inner.node.items.append((inner.key, node))
                inner.node.items.append((rest, rest))
            inner.node.end = begin
            last = inner.node
        self.root = self.root or (None if last is rest else last)
        self.unread = begin

    def scalar(self, event: Any, start: int, end: int) -> YamlScalar:
        """A key or a value in quotes or in a block, with its text as it is written."""
        style = _STYLES[event.style]
        if style in ("single", "double"):
            start, end = start + 1, end - 1
            refused = refused_characters(event.value) if style == "double" else None
            if refused and (found := refused.search(event.value)):
                message = f"an escape for the character U+{ord(found[0]):04X} may not stand in a spec"
                self.report("yaml-character", start, end, message, "leave it out")
        else:  # here too the mark lies beyond the blank lines that follow
            end = self.end = start + len(self.text[start:end].rstrip())
        text = self.text[start:end]
        return YamlScalar(text.replace("\n", " "), event.value, style, start + self.base, end + self.base)

    def deliver(self, node: YamlNode) -> None:
        """Put a finished node into the innermost open collection; in a mapping keys and values alternate."""
        if not self.stack:
            self.root = node
            return
        inner = self.stack[-1]
        if inner.key is not None:
            inner.node.items.append((inner.key, node))  # type: ignore[arg-type]  # only mappings have keys
            inner.key = None
        elif isinstance(inner.node, YamlSequence):
            inner.node.items.append(node)
        elif isinstance(node, YamlScalar):
            inner.key = node
            first = inner.seen.setdefault(node.value, node)
            if node.value == "<<" and node.style == "plain":
                self.refuse("yaml-merge-key", *node.span)
                node.style = "unread"
            elif first is not node:
                message = f"the key `{_short(node.value)}` stands twice in one mapping"
                note = Note("the first", first.span)
                self.report("duplicate-key", *node.span, message, "rename or delete one of the two", note)
        else:
            start, end = node.span
            self.refuse("yaml-complex-key", start, min(end, self.line_end(start)))
            inner.key = YamlScalar("", "", "unread", *node.span)

    def properties(self, event: Any) -> None:
        """Refuse the anchor and the tag before a node, in whichever order."""
        at = event.start_mark.index
        for _ in range((event.anchor is not None) + (event.tag is not None)):
            if found := re.compile(_PROPERTY).match(self.text, at):
                self.refuse("yaml-anchor" if found[1][0] == "&" else "yaml-tag", *found.span(1))
                at = found.end()

    def find_tabs(self) -> None:
        """Refuse the first tab of every line, except in blocks of text and in comments."""
        text = self.text
        at = text.find("\t", 0, self.stop)
        while at >= 0:
            index = bisect_right(self.scalars, (at, len(text), True)) - 1
            _, end, block = self.scalars[index] if index >= 0 else (0, 0, False)
            if at < end and block:
                after = end
            else:
                after = self.line_end(at)
                line = text.rfind("\n", 0, at) + 1
                if at < end or "#" not in text[max(line, end) : at]:
                    self.refuse("yaml-tab", at, at + 1)
            at = text.find("\t", after, self.stop)

    def line_end(self, at: int) -> int:
        end = self.text.find("\n", at)
        return end if end >= 0 else len(self.text)

    def explain(self, error: yaml.MarkedYAMLError) -> None:
        """Report where the scanner or the parser gave up, in our own words."""
        from archcalc.source.refusals import SLIPS

        text = self.text
        mark = error.problem_mark or error.context_mark
        at = self.stop = mark.index if mark else self.stop
        begin = error.context_mark.index if error.context_mark else at
        what = f"{error.context}: {error.problem}"
        line = text.rfind("\n", 0, at) + 1
        if at >= self.suspect:  # it may well come from what was put in the place of a character
            return None
        if text.startswith("\t", at):
            return self.refuse("yaml-tab", at, at + 1)
        if text.startswith("%", line) and "quoted" not in what:
            return self.refuse("yaml-directive", line, self.line_end(line))
        if found := re.search(_BROKEN_PROPERTY, what):
            word = text[begin : begin + 80].split(maxsplit=1)[0]
            if word == "*" and text[:begin].rstrip(" ").endswith("]"):  # `[7] * 20`
                return self.refuse("yaml-repeat", begin, begin + 1)
            return self.refuse(f"yaml-{found[1] or 'tag'}", begin, begin + len(word))
        notes: list[Note] = []
        bracket = next((o.bracket for o in reversed(self.stack) if o.bracket is not None), None)
        if bracket is not None:
            notes.append(Note(f"`{text[bracket]}` opens", Span(bracket, bracket + 1)))
            if at >= len(text.rstrip()):
                what, begin, notes = "never closed", bracket, []
        if "block scalar" in what and text.startswith(">>", begin):
            what = "leading >>"
        slip = next(slip for slip in SLIPS if re.search(slip.pattern, what))
        start = min(at, len(text.rstrip())) if slip.place == "problem" else begin
        if slip.place == "escape":
            start = text.rfind("\\", begin, at + 1)
        end = self.line_end(start) if slip.place == "line" else min(start + 1, len(text))
        self.report("yaml-syntax", start, end, slip.message.format(text[start:end]), slip.help, *notes)
        return None


def _short(word: str) -> str:
    return word if len(word) <= 60 else f"{word[:57]}..."

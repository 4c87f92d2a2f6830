"""A file of the ledger to claims: its structure, and all that is wrong with it at once."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from fractions import Fraction
from pathlib import Path
from typing import Any, NamedTuple

from archcalc.claims.expression import ExpressionError, parse_formula
from archcalc.claims.printed import PRECISIONS, PrintError, percent, read_printed
from archcalc.claims.value import FUNCTIONS, QUANTITIES, SETTINGS, ValueProblemError, settings_of
from archcalc.results.claim import ACCURACIES, KINDS, PLAIN, VERDICTS, Claim, ClaimSource, Settings, Value
from archcalc.source import (
    Diagnostic,
    Source,
    Span,
    SpecError,
    YamlMapping,
    YamlNode,
    YamlScalar,
    YamlSequence,
    read_source,
    read_yaml,
    suggestion,
)
from archcalc.spec.library import plain

SOURCE_KEYS = ("title", "authors", "year", "reference", "read", "confidence", "note")
REQUIRED_OF_SOURCE = ("title", "reference", "read", "confidence")
CONFIDENCES = ("high", "medium", "low")
PRINT_KEYS = ("printed", "reads", "where", "thousand", "precision", "digits")
SUBJECT_KEYS = ("network", "at", "quantity", "value")
SETTING_KEYS = ("set", *SETTINGS)
VERDICT_KEYS = ("verdict", "kind", "expect", "because")
OTHER_KEYS = ("read", "confidence", "note", "replaces")
CLAIM_KEYS = (*PRINT_KEYS, *SUBJECT_KEYS, *SETTING_KEYS, *VERDICT_KEYS, *OTHER_KEYS)

_ID = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_.+-]*")
_INTEGER = re.compile(r"-?[0-9]{1,40}")
_RATIO = re.compile(r"-?[0-9]{1,40}(?:/[1-9][0-9]{0,39}|\.[0-9]{1,40})?")


class LedgerFile(NamedTuple):
    """What a file says, and what is wrong with it; entries that are wrong are left out."""

    source: ClaimSource | None
    claims: list[Claim]
    findings: list[Diagnostic]


def read_ledger(paths: Iterable[Path], names: Iterable[str] | None = None) -> list[LedgerFile]:
    """Read files; an id that several of them have is a finding of the later one."""
    files: list[LedgerFile] = []
    first: dict[str, Claim] = {}
    paths = list(paths)
    for path, name in zip(paths, names or map(str, paths), strict=True):
        found = read_claims(path, name)
        kept = []
        for claim in found.claims:
            other = first.setdefault(claim.id, claim)
            if other is claim:
                kept.append(claim)
                continue
            place = f"{other.source.file.name}:{other.source.file.position(other.span.start)[0]}"
            found.findings.append(
                Diagnostic(
                    "duplicate-id",
                    f"the id `{claim.id}` stands in two files",
                    claim.span,
                    claim.source.file,
                    "begin the id with what it is a figure of, and end it with the source",
                    (f"the first is at {place}",),
                )
            )
        files.append(found._replace(claims=kept))
    for file in files:
        for claim in file.claims:
            if claim.replaces and claim.replaces not in first:
                file.findings.append(
                    Diagnostic(
                        "unknown-claim",
                        f"`{claim.id}` replaces `{claim.replaces}`, which no file has",
                        claim.span,
                        claim.source.file,
                        suggestion(claim.replaces, first, "an entry that is replaced stays in the ledger"),
                    )
                )
    return files


def read_claims(path: Path, name: str | None = None) -> LedgerFile:
    """Read one file; what is wrong with it is among the result."""
    try:
        return claims_of(read_source(path, name), path.stem)
    except SpecError as error:
        return LedgerFile(None, [], list(error.diagnostics))


def claims_of(source: Source, citekey: str) -> LedgerFile:
    """The claims in the text of a file; what is wrong with it is among the result."""
    try:
        root = read_yaml(source)
    except SpecError as error:
        found = [
            finding._replace(message="the file holds no claims", help=_FORM)
            if finding.code == "empty-file"
            else finding
            for finding in error.diagnostics
        ]
        return LedgerFile(None, [], found)
    reader = _Reader(source, citekey)
    claims = reader.read(root)
    return LedgerFile(reader.cited, claims, reader.findings)


_FORM = "a file of the ledger has two keys: source: and claims:"


class _Reader:
    def __init__(self, source: Source, citekey: str) -> None:
        self.source = source
        self.citekey = citekey
        self.cited: ClaimSource | None = None
        self.findings: list[Diagnostic] = []

    def report(self, code: str, message: str, span: Span, help: str | None = None) -> None:
        self.findings.append(Diagnostic(code, message, span, self.source, help))

    # values

    def mapping(self, node: YamlNode, what: str, keys: Sequence[str], help: str) -> dict[str, tuple[Span, YamlNode]]:
        """Keys with their places and values; unknown ones are findings."""
        found: dict[str, tuple[Span, YamlNode]] = {}
        if not isinstance(node, YamlMapping):
            self.report("not-a-mapping", f"{what} must be a mapping", _first(node), help)
            return found
        for key, value in node.items:
            if keys and key.value not in keys:
                help = suggestion(key.value, keys, f"keys are {', '.join(keys)}")
                self.report("unknown-key", f"{what} has no key `{key.value}`", key.span, help)
            else:
                found[key.value] = key.span, value
        return found

    def text(self, node: YamlNode, what: str) -> str:
        """A text that says something, on one line."""
        if isinstance(node, YamlScalar) and node.value.strip():
            return " ".join(node.value.split())
        self.report(
            "not-a-text", f"{what} must be a text", _first(node), "a list or mapping is none; quote what looks so"
        )
        return ""

    def word(self, node: YamlNode, what: str, words: Sequence[str]) -> str:
        """One of some words."""
        text = self.text(node, what)
        if not text or text in words:
            return text
        help = suggestion(text, words, f"there are {', '.join(words)}")
        self.report("unknown-word", f"{what} cannot be `{text}`", node.span, help)
        return ""

    def whole(self, node: YamlNode, what: str, sample: str) -> int | None:
        """A whole number of 1 or more."""
        text = self.text(node, what)
        if _INTEGER.fullmatch(text) and int(text) >= 1:
            return int(text)
        if text:
            message = f"{what} must be a whole number of 1 or more, not `{text}`"
            self.report("not-a-number", message, node.span, sample)
        return None

    def exact(self, node: YamlNode) -> Value | None:
        """A value as `expect` gives it: whole, `a/b`, a decimal, true or false, or a list of these."""
        if isinstance(node, YamlSequence):
            items = [self.exact(item) for item in node.items]
            return None if None in items else tuple(item for item in items if item is not None)
        text = node.value.strip() if isinstance(node, YamlScalar) else ""
        if text in ("true", "false"):
            return text == "true"
        digits = text.replace("_", "").replace(",", "")
        if _RATIO.fullmatch(digits):
            value = Fraction(digits)
            return value.numerator if value.denominator == 1 else value
        help = "the value that `archcalc check` computes, exactly: 9408, [256, 28, 28] or 63/560"
        self.report("bad-expect", "this is no exact value", _first(node), help)
        return None

    # the file

    def read(self, root: YamlNode) -> list[Claim]:
        """Claims that are as they should be; everything else is among the findings."""
        found = self.mapping(root, "a file of the ledger", ("source", "claims"), _FORM)
        if not found and self.findings:
            return []
        for name in ("source", "claims"):
            if name not in found:
                self.report("missing-key", f"the file has no `{name}:`", _first(root), _FORM)
        if "source" in found:
            self.cited = self.read_source(found["source"][1])
        if "claims" not in found or self.cited is None:
            return []
        entries = self.mapping(found["claims"][1], "claims", (), "an id and its entry, one below the other")
        read = [self.read_claim(name, span, node, self.cited) for name, (span, node) in entries.items()]
        return [claim for claim in read if claim is not None]

    def read_source(self, node: YamlNode) -> ClaimSource | None:
        """The source, or None where a file whose source is wrong says nothing."""
        before = len(self.findings)
        given = self.mapping(node, "the source", SOURCE_KEYS, "source: {title: ..., reference: ..., read: ...}")
        if len(self.findings) == before:
            self.require(given, REQUIRED_OF_SOURCE, "the source", _first(node))
        texts = {name: self.text(given[name][1], name) for name in given if name not in ("year", "confidence")}
        year = None
        if "year" in given:
            text = self.text(given["year"][1], "year")
            if re.fullmatch(r"[12][0-9]{3}", text):
                year = int(text)
            elif text not in ("", "none"):
                self.report("bad-year", f"`{text}` is not a year", given["year"][1].span, "four digits: 2014; or none")
        confidence = self.word(given["confidence"][1], "confidence", CONFIDENCES) if "confidence" in given else ""
        if len(self.findings) > before:
            return None
        authors = texts.get("authors", "none")
        return ClaimSource(
            citekey=self.citekey,
            title=texts["title"],
            authors="" if authors == "none" else authors,
            year=year,
            reference=texts["reference"],
            read=texts["read"],
            confidence=confidence,
            note=texts.get("note", ""),
            file=self.source,
        )

    def require(self, given: dict[str, Any], names: Sequence[str], what: str, span: Span) -> None:
        for name in names:
            if name not in given:
                self.report("missing-key", f"{what} has no `{name}:`", span, _SAMPLES[name])

    def read_claim(self, name: str, span: Span, node: YamlNode, cited: ClaimSource) -> Claim | None:
        """One entry, or None where something is wrong with it."""
        before = len(self.findings)
        if not _ID.fullmatch(name):
            help = "letters, digits and . _ + -: googlenet.conv1.params"
            self.report("bad-id", f"`{name}` cannot be an id", span, help)
        given = self.mapping(node, f"`{name}`", CLAIM_KEYS, "printed:, where:, network:, quantity: and verdict:")
        if len(self.findings) > before:
            return None
        values = {key: value for key, (_, value) in given.items()}
        verdict = self.word(values["verdict"], "verdict", VERDICTS) if "verdict" in values else ""
        self.require(given, ("printed", "where", "verdict"), f"`{name}`", span)
        if len(self.findings) > before:
            return None
        self.check_keys(name, span, given, verdict)
        texts = {
            key: self.text(values[key], key)
            for key in ("where", "network", "at", "because", "note", "read", "replaces")
            if key in values
        }
        kind = self.word(values["kind"], "kind", KINDS) if "kind" in values else ""
        quantities = ACCURACIES if verdict == "quoted" else QUANTITIES
        quantity = self.word(values["quantity"], "quantity", quantities) if "quantity" in values else ""
        confidence = self.word(values["confidence"], "confidence", CONFIDENCES) if "confidence" in values else ""
        precision = self.word(values["precision"], "precision", PRECISIONS) if "precision" in values else ""
        digits = self.whole(values["digits"], "digits", "digits: 2") if "digits" in values else None
        thousand = self.read_thousand(name, given) if "thousand" in values else 1000
        expect = self.exact(values["expect"]) if "expect" in values else None
        formula, networks = self.read_value(values["value"]) if "value" in values else ("", ())
        settings = self.read_settings(given)
        printed = self.printed(values["printed"])
        reads = self.printed(values["reads"]) if "reads" in values else ""
        if quantity == "flops" and not settings.convention and "convention" not in given:
            help = "convention: two_per_mac, arithmetic or macs: whose FLOPs they are"
            self.report("missing-key", f"`{name}` has no `convention:`", given["quantity"][0], help)
        if len(self.findings) > before:
            return None
        place = values["reads" if reads else "printed"].span
        if verdict == "quoted":
            if percent(reads or printed) is None:
                message = f"`{reads or printed}` is no part of the images in percent"
                self.report("unreadable-print", message, place, "a number from 0 to 100: 76.13, or 76.13%")
                return None
        elif verdict != "not_computable":
            try:
                read_printed(reads or printed, thousand, precision, digits)
            except PrintError as error:
                self.report("unreadable-print", str(error), place, error.help)
                return None
        return Claim(
            id=name,
            source=cited,
            span=span,
            printed=printed,
            reads=reads,
            where=texts["where"],
            network=texts.get("network", ""),
            at=texts.get("at", ""),
            quantity=quantity,
            value=formula,
            networks=networks or ((texts["network"],) if "network" in texts else ()),
            settings=settings,
            thousand=thousand,
            precision=precision,
            digits=digits,
            verdict=verdict,  # type: ignore[arg-type]  # one of VERDICTS
            kind=kind or None,  # type: ignore[arg-type]  # one of KINDS
            expect=expect,
            because=texts.get("because", ""),
            note=texts.get("note", ""),
            read=texts.get("read", cited.read),
            confidence=confidence or cited.confidence,
            replaces=texts.get("replaces", ""),
        )

    def check_keys(self, name: str, span: Span, given: dict[str, tuple[Span, YamlNode]], verdict: str) -> None:
        """Which keys an entry needs and may have depends on its verdict, and on whether it has an expression."""
        what = f"`{name}`"
        if verdict == "not_computable":
            self.require(given, ("because",), what, span)
            refused, why = ("quantity", "value", "kind", "expect", *SETTING_KEYS), "is not computable"
        elif verdict == "quoted":
            self.require(given, ("network", "quantity"), what, span)
            others = (key for key in SETTING_KEYS if key != "input")
            refused, why = ("value", "at", "thousand", "digits", "precision", "kind", "expect", *others), "is quoted"
        elif "value" in given:
            refused, why = ("network", "at", "quantity", *SETTING_KEYS), "has a `value:`, which names networks itself"
        else:
            self.require(given, ("network", "quantity"), what, span)
            refused, why = (), ""
        if verdict == "differs":
            self.require(given, ("kind", "expect", "because"), what, span)
        elif verdict not in ("not_computable", "quoted"):
            refused, why = (*refused, "kind", "expect"), why or f"{verdict}, and does not differ"
        for key in refused:
            if key in given:
                self.report("misplaced-key", f"{what} {why}: it takes no `{key}:`", given[key][0], "leave it out")

    def printed(self, node: YamlNode) -> str:
        """A text in quotes, as it stands in the source."""
        if isinstance(node, YamlScalar) and node.style != "plain" and node.value.strip():
            return node.value
        help = f'in quotes, as printed: "{node.value}"' if isinstance(node, YamlScalar) else 'in quotes: "1,248,424"'
        self.report("unquoted-text", "a printed figure is a text in quotes", _first(node), help)
        return ""

    def read_thousand(self, name: str, given: dict[str, tuple[Span, YamlNode]]) -> int:
        """What K is; 1,024 needs a reason."""
        text = self.text(given["thousand"][1], "thousand")
        if text not in ("1000", "1024"):
            self.report("not-a-number", f"K is 1000 or 1024, not `{text}`", given["thousand"][1].span, "thousand: 1024")
        elif text == "1024" and not ("because" in given or "note" in given):
            message = f"`{name}` has no reason why K is 1024"
            self.report("missing-key", message, given["thousand"][0], "say why under note:")
        return 1024 if text == "1024" else 1000

    def read_value(self, node: YamlNode) -> tuple[str, tuple[str, ...]]:
        """An expression and the networks it speaks of."""
        if not (isinstance(node, YamlScalar) and node.style in ("plain", "single") and node.text.strip()):
            help = 'value: params("alexnet") / params("googlenet")'
            self.report("not-an-expression", "an expression stands plainly or in single quotes", _first(node), help)
            return "", ()
        try:
            found = parse_formula(node.text, FUNCTIONS)
        except ExpressionError as error:
            problem, base = error.problem, node.span.start
            self.report(problem.code, str(error), Span(base + problem.start, base + problem.end), problem.help)
            return "", ()
        return found.text, found.networks

    def read_settings(self, given: dict[str, tuple[Span, YamlNode]]) -> Settings:
        """Under which assumptions the network is counted."""
        found = PLAIN
        for key, (_, node) in given.items():
            if key == "set":
                pairs = self.mapping(node, "set", (), "set: {resolution: 256}")
                values = {name: self.text(value, name) for name, (_, value) in pairs.items()}
                found = found._replace(set=tuple(values.items()))
            elif key in SETTINGS:
                try:
                    read = settings_of({key: self.setting(node)})
                except ValueProblemError as error:
                    self.report("bad-setting", str(error), _first(node), error.help or None)
                else:
                    found = found._replace(**{key: getattr(read, key)})
        return found

    def setting(self, node: YamlNode) -> Any:
        """A plain value: a number, a word, true or false, a list."""
        if isinstance(node, YamlSequence):
            return tuple(self.setting(item) for item in node.items)
        text = node.value if isinstance(node, YamlScalar) else "a mapping"
        return {"true": True, "false": False}.get(text, int(text) if _INTEGER.fullmatch(text) else text)


_SAMPLES = {
    "title": "title: Going Deeper with Convolutions",
    "reference": "reference: arXiv:1409.4842",
    "read": "read: how the figures were read: stored copy of the source text seen",
    "confidence": "confidence: high, medium or low",
    "printed": 'printed: "60M", as it stands in the source',
    "where": "where: Table 1, row conv1",
    "verdict": f"verdict: one of {', '.join(VERDICTS)}",
    "because": "because: the reason, in a sentence",
    "network": 'network: googlenet; or value: params("alexnet") / params("googlenet")',
    "quantity": f"quantity: one of {', '.join(QUANTITIES)}",
    "kind": f"kind: one of {', '.join(KINDS)}",
    "expect": "expect: the value that archcalc computes, exactly",
}


def _first(node: YamlNode) -> Span:
    """Where a value begins: a scalar whole, of a collection its first character."""
    return node.span if isinstance(node, YamlScalar) else Span(node.span.start, node.span.start + 1)


def same_network(name: str, other: str) -> bool:
    """Whether two spellings mean one network."""
    return plain(name) == plain(other)

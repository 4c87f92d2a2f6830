"""The ledger: what was printed beside what is computed, a line for each figure, then why."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from fractions import Fraction
from typing import Any

from archcalc.report import numbers
from archcalc.report.blocks import Column, Document, Heading, Items, Paragraph, Section, Table, number
from archcalc.report.junit import Case
from archcalc.report.markdown import escaped
from archcalc.results.claim import EXACT, KINDS, STATUSES, Claim, ClaimResult, ClaimSource, Ledger, Status, Value
from archcalc.source import Diagnostic

WORDS: dict[Status, str] = {
    "reproduces": "REPRODUCES",
    "rounds": "ROUNDS",
    "differs": "DIFFERS (recorded)",
    "not_computable": "not computable",
    "broken": "BROKEN",
    "stale": "STALE",
}
_HOW = {
    "exact": "exactly",
    "rounded": "rounded",
    "truncated": "truncated",
    "about": "within one unit of the last digit that counts",
    "bound": "within the bound",
}


# values


def written(value: Value | None, is_shape: bool = False) -> str:
    """A value as people read it: `9,408`, `8.711`, `true`; `256x28x28` where it is a shape, else `[3, 5]`."""
    if value is None:
        return ""
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, tuple):
        items = [str(item) if isinstance(item, int) else written(item) for item in value]
        return "x".join(items) if is_shape else f"[{', '.join(items)}]"
    return f"{value:,}" if isinstance(value, int) else _decimal(value)


def computed(result: ClaimResult) -> str:
    """What is computed of a claim, as people read it."""
    return written(result.ours, bool(result.claim.quantity))


def literal(value: Value) -> str:
    """A value as `expect:` takes it: `9408`, `63/560`, `[256, 28, 28]`."""
    if isinstance(value, tuple):
        return f"[{', '.join(map(literal, value))}]"
    return str(value).lower() if isinstance(value, bool) else str(value)


def _decimal(value: Fraction, digits: int = 4) -> str:
    """A ratio: short decimals whole, others to some significant digits, rounded half up."""
    short = value * 10**digits
    if short.denominator == 1 and abs(short) < 10**9:
        return numbers.exact(value)
    size, places = abs(value), digits - 1
    while size >= 10 and places:
        size, places = size / 10, places - 1
    while 0 < size < 1:
        size, places = size * 10, places + 1
    return f"{'-' * (value < 0)}{numbers.decimal(abs(value.numerator), value.denominator, places)}"


def printed(claim: Claim) -> str:
    """The text as printed, on one line, with what was said of it."""
    said = f"{claim.precision} " if claim.precision else ""
    return f"{said}{' '.join(claim.printed.split())}"


def agreeing(result: ClaimResult) -> str:
    """What would agree with the print: `between 58.5 M and 61 M`."""
    if result.range is None:
        return ""
    low, high = (None if edge is None else _edge(edge) for edge in result.range)
    return f"{low} or more" if high is None else f"{high} or less" if low is None else f"{low} to {high}"


def _edge(value: Fraction) -> str:
    return f"{value.numerator:,}" if value.denominator == 1 else _decimal(value, 6)


# findings


def finding(result: ClaimResult) -> tuple[str, str]:
    """What is wrong with a claim that is broken or stale, and what to do."""
    claim = result.claim
    if result.ours is None:
        return f"cannot be computed: {result.problem}", result.help or "correct the entry"
    ours, expect = computed(result), literal(result.ours)
    how = _HOW[result.agreement] if result.agreement else ""
    if result.status == "stale":
        verdict = "reproduces" if result.agreement in EXACT else "rounds"
        return (
            f"the recorded difference is no more: computed is {ours}, which agrees {how}",
            f"set `verdict: {verdict}` and take kind: and expect: out, if the change is right",
        )
    if claim.verdict == "differs":
        return (
            f"the entry expects {written(claim.expect, bool(claim.quantity))}, computed is {ours}",
            f"find out which is right; if what is computed, set `expect: {expect}`",
        )
    if how:
        return f"computed is {ours}, which agrees {how}, and is not what is printed", "set `verdict: rounds`"
    range_ = agreeing(result)
    return (
        f"printed is {printed(claim)}{f' ({range_})' if range_ else ''}, computed is {ours}",
        f"find out which is right; a difference is recorded with `verdict: differs`, kind:, `expect: {expect}` and "
        "because:",
    )


def diagnostics(ledger: Ledger) -> list[Diagnostic]:
    """What fails, and what does not read, each at its place in the ledger."""
    found = list(ledger.findings)
    for result in ledger.results:
        if result.fails:
            claim = result.claim
            message, help = finding(result)
            found.append(Diagnostic(result.status, f"{claim.id}: {message}", claim.span, claim.source.file, help))
    return found


# documents


def place(claim: Claim) -> str:
    """Where its entry is: `specs/claims/szegedy2015going.yaml:12`."""
    return f"{claim.source.file.name}:{claim.source.file.position(claim.span.start)[0]}"


def citation(source: ClaimSource) -> str:
    """`Szegedy et al. 2014, Going Deeper with Convolutions, arXiv:1409.4842`."""
    who = " ".join(part for part in (source.authors, str(source.year or "")) if part)
    return ", ".join(part for part in (who, source.title, source.reference) if part)


def checked(ledger: Ledger) -> Document:
    """One line a claim, details after, the summary last; what is unexplained stands on top."""
    document: Document = []
    document += unexplained(ledger.results)
    read = [result for result in ledger.results if not result.claim.is_recalled]
    recalled = [result for result in ledger.results if result.claim.is_recalled]
    if read:
        document.append(by_source(read))
    if recalled:
        document += [Heading("Recalled, not read"), by_source(recalled)]
    document += details(ledger.results)
    return [*document, Heading("Summary"), summary(ledger.results)]


def by_source(results: Sequence[ClaimResult]) -> Table:
    """A row for each claim, under its source."""
    table = Table(
        [
            Column("figure", least=32),
            Column("printed", "right", least=10, cut="wrap"),
            Column("computed", "right", least=14, cut="wrap"),
            Column("verdict"),
        ]
    )
    cited = None
    for result in results:
        if result.claim.source.citekey != cited:
            cited = result.claim.source.citekey
            table.rows.append(Section(f"{cited} ({result.claim.source.reference})"))
        table.rows.append(row(result))
    return table


def row(result: ClaimResult) -> list[str]:
    """The id, what is printed, what is computed, and the verdict."""
    return [result.claim.id, printed(result.claim), computed(result), verdict(result)]


def verdict(result: ClaimResult) -> str:
    """The verdict, and how a figure agrees where that is not plain: `ROUNDS (truncated)`, `REPRODUCES (bound)`."""
    how = result.agreement if result.agreement in ("truncated", "about", "bound") and not result.fails else ""
    return f"{WORDS[result.status]} ({how})" if how else WORDS[result.status]


def unexplained(results: Sequence[ClaimResult]) -> Document:
    """How many differences nobody can explain, and which."""
    found = [result for result in results if result.claim.is_unexplained]
    if not found:
        return [Paragraph("Unexplained differences: none")]
    text = f"Unexplained differences: {len(found)}, each a question that is open"
    return [Paragraph(text), Items([f"{of.claim.id}: {_against(of)}" for of in found], is_plain=True)]


def _against(result: ClaimResult) -> str:
    ours = computed(result)
    return f"printed {printed(result.claim)}, computed {ours}" if ours else f"printed {printed(result.claim)}"


def details(results: Sequence[ClaimResult]) -> Document:
    """Why figures differ, why some are not computed, and last what fails and what to do."""
    parts = [
        ("Why figures differ", reasons(results)),
        ("Why figures are not computed", _skipped(results)),
        ("Broken and stale", [_failure(result) for result in results if result.fails]),
    ]
    document: Document = []
    for title, lines in parts:
        if lines:
            document += [Heading(title), Items(lines, is_plain=True)]
    return document


def _skipped(results: Iterable[ClaimResult]) -> list[str]:
    claims = [result.claim for result in results if result.status == "not_computable"]
    return [f"{claim.id}: {printed(claim)}; {claim.because}" for claim in claims]


def reasons(results: Iterable[ClaimResult]) -> list[str]:
    """Why figures differ, a line for each."""
    return [_reason(result) for result in results if result.status == "differs"]


def _reason(result: ClaimResult) -> str:
    return f"{result.claim.id} ({result.claim.kind}): {_against(result)}. {result.claim.because}"


def _failure(result: ClaimResult) -> str:
    message, help = finding(result)
    claim = result.claim
    return f"{WORDS[result.status]} {claim.id}: {message} ({place(claim)}, {claim.where}). To do: {help}"


def counted(results: Iterable[ClaimResult]) -> dict[Status, int]:
    """How many there are of each status."""
    found = Counter(result.status for result in results)
    return {status: found[status] for status in STATUSES}


def summary(results: Sequence[ClaimResult]) -> Table:
    """Figures by verdict, those that were recalled apart."""
    read = counted(result for result in results if not result.claim.is_recalled)
    recalled = counted(result for result in results if result.claim.is_recalled)
    table = Table([Column("verdict"), number("read"), number("recalled"), number("all")])
    for status in STATUSES:
        together = read[status] + recalled[status]
        table.rows.append([WORDS[status], str(read[status]), str(recalled[status]), str(together)])
    sums = sum(read.values()), sum(recalled.values())
    table.rows.append(["all", *map(str, sums), str(sum(sums))])
    return table


# the page of the reports


def page(ledger: Ledger) -> Document:
    """The ledger whole: what is open, by verdict, by source; what was recalled apart."""
    results = ledger.results
    document: Document = [
        Heading("Published figures", 1),
        Paragraph(
            "What papers, code and notes print, and what archcalc computes: made by `archcalc report` from "
            "`specs/claims/`, checked by `archcalc check`. A figure agrees when it is hit, or when it is rounded or "
            "truncated to the printed digits. As CSV: [claims.csv](claims.csv)."
        ),
        *unexplained(results),
        summary(results),
        Heading("By verdict"),
        *_by_verdict(results),
        Heading("By source"),
        sources_table(ledger),
    ]
    for source in ledger.sources:
        own = [result for result in results if result.claim.source is source]
        if own:
            document += [Heading(source.citekey, 3), Paragraph(_about(source), quiet=True), *_tables(own)]
    return document


def _about(source: ClaimSource) -> str:
    parts = [citation(source), f"read: {source.read} (confidence {source.confidence})", source.note]
    return ". ".join(escaped(part.rstrip(".")) for part in parts if part) + "."


def _tables(results: Sequence[ClaimResult]) -> Document:
    """Figures of a source, those that were recalled apart."""
    read = [result for result in results if not result.claim.is_recalled]
    recalled = [result for result in results if result.claim.is_recalled]
    document: Document = [_with_places(read)] if read else []
    if recalled:
        document += [Paragraph("Recalled, not read:"), _with_places(recalled)]
    return document


def _with_places(results: Sequence[ClaimResult]) -> Table:
    table = Table([Column("figure"), Column("where"), number("printed"), number("computed"), Column("verdict")])
    for result in results:
        name, *others = row(result)
        table.rows.append([name, result.claim.where, *others])
    return table


def _by_verdict(results: Sequence[ClaimResult]) -> Document:
    """What fails, what differs by kind and why, and what is not computed."""
    parts = [("Broken and stale", [_failure(result) for result in results if result.fails])]
    for kind in KINDS:
        differing = [of for of in results if of.status == "differs" and of.claim.kind == kind]
        parts.append((f"Differs: {kind}", [_reason(result) for result in differing]))
    parts.append(("Not computable", _skipped(results)))
    document: Document = []
    for title, lines in parts:
        if lines:
            document += [Heading(title, 3), Items(lines, is_plain=True)]
    return document


# programs


def claim_row(result: ClaimResult) -> dict[str, Any]:
    """A claim as CSV holds it; what is computed as `expect:` takes it."""
    claim = result.claim
    return {
        "id": claim.id,
        "source": claim.source.citekey,
        "reference": claim.source.reference,
        "where": claim.where,
        "printed": claim.printed,
        "reads": claim.reads,
        "precision": claim.precision,
        "network": claim.network,
        "at": claim.at,
        "quantity": claim.quantity,
        "value": claim.value,
        "status": result.status,
        "agreement": result.agreement or "",
        "computed": None if result.ours is None else literal(result.ours),
        "kind": claim.kind or "",
        "because": claim.because,
        "read": claim.read,
        "confidence": claim.confidence,
        "problem": finding(result)[0] if result.fails else "",
    }


def claim_object(result: ClaimResult) -> dict[str, Any]:
    """A claim as JSON holds it: whole numbers and lists as such, ratios exact as `a/b`."""
    return claim_row(result) | {"computed": None if result.ours is None else _plain(result.ours)}


def _plain(value: Value) -> Any:
    if isinstance(value, tuple):
        return list(map(_plain, value))
    return str(value) if isinstance(value, Fraction) else value


def suites(ledger: Ledger) -> list[tuple[str, list[Case]]]:
    """Suites for JUnit: one for each source with a case for each claim, and one of what does not read."""
    found: list[tuple[str, list[Case]]] = []
    for source in ledger.sources:
        found.append((source.citekey, [_case(of) for of in ledger.results if of.claim.source is source]))
    found.append(("files", list(map(_unread, ledger.findings))))
    return found


def _case(result: ClaimResult) -> Case:
    claim = result.claim
    if result.fails:
        message, help = finding(result)
        return Case(claim.id, "failure", message, f"{place(claim)}: {help}", result.status)
    if result.status == "not_computable":
        return Case(claim.id, "skipped", claim.because)
    return Case(claim.id)


def _unread(found: Diagnostic) -> Case:
    name = f"{found.source.name if found.source else ''}:{found.line or 1}"
    return Case(name, "error", found.message, found.help or "", found.code)


# sources


def source_rows(ledger: Ledger) -> list[dict[str, Any]]:
    """Sources as CSV and JSON hold them."""
    rows: list[dict[str, Any]] = []
    for source in ledger.sources:
        results = [result for result in ledger.results if result.claim.source is source]
        rows.append(
            {
                "source": source.citekey,
                "title": source.title,
                "authors": source.authors,
                "year": source.year,
                "reference": source.reference,
                "figures": len(results),
                **{str(status): number for status, number in counted(results).items()},
                "read": source.read,
                "confidence": source.confidence,
            }
        )
    return rows


def sources_listed(ledger: Ledger) -> Document:
    """The sources, and how many figures they have together."""
    figures = numbers.plural(len(ledger.results), "figure")
    return [
        sources_table(ledger),
        Paragraph(f"{numbers.plural(len(ledger.sources), 'source')}, {figures}", quiet=True),
    ]


def sources_table(ledger: Ledger) -> Table:
    """A line for each source, with its figures by verdict."""
    table = Table(
        [
            Column("source", least=22),
            Column("title", drop=2, least=18, cut="end"),
            number("year", drop=3),
            Column("reference", drop=4, least=12),
            number("figures"),
            number("reproduce"),
            number("round"),
            number("differ"),
            number("not computable", least=10),
            number("broken or stale", least=8),
            Column("read", drop=12, least=16, cut="end"),
        ]
    )
    for source in source_rows(ledger):
        table.rows.append(
            [
                source["source"],
                source["title"],
                str(source["year"] or ""),
                source["reference"],
                str(source["figures"]),
                *(str(source[status]) for status in ("reproduces", "rounds", "differs", "not_computable")),
                str(source["broken"] + source["stale"]),
                source["read"],
            ]
        )
    return table

"""The ledger: what was printed beside what is computed, a line for each figure, then why."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from archcalc.report.claim import (
    WORDS,
    against,
    computed,
    counted,
    failure,
    finding,
    place,
    printed,
    reason,
    reasons,
    verdict,
)
from archcalc.report.media.blocks import Column, Document, Heading, Items, Paragraph, Section, Table, number
from archcalc.report.media.junit import Case
from archcalc.report.media.markdown import escaped
from archcalc.report.sources import citation, sources_table
from archcalc.results.claim import KINDS, STATUSES, ClaimResult, ClaimSource, Ledger
from archcalc.source import Diagnostic


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


def unexplained(results: Sequence[ClaimResult]) -> Document:
    """How many differences nobody can explain, and which."""
    found = [result for result in results if result.claim.is_unexplained]
    if not found:
        return [Paragraph("Unexplained differences: none")]
    text = f"Unexplained differences: {len(found)}, each a question that is open"
    return [Paragraph(text), Items([f"{of.claim.id}: {against(of)}" for of in found], is_plain=True)]


def details(results: Sequence[ClaimResult]) -> Document:
    """Why figures differ, why some are not computed, and last what fails and what to do."""
    parts = [
        ("Why figures differ", reasons(results)),
        ("Why figures are not computed", _skipped(results)),
        ("Broken and stale", [failure(result) for result in results if result.fails]),
    ]
    document: Document = []
    for title, lines in parts:
        if lines:
            document += [Heading(title), Items(lines, is_plain=True)]
    return document


def _skipped(results: Iterable[ClaimResult]) -> list[str]:
    claims = [result.claim for result in results if result.status == "not_computable"]
    return [f"{claim.id}: {printed(claim)}; {claim.because}" for claim in claims]


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
    parts = [("Broken and stale", [failure(result) for result in results if result.fails])]
    for kind in KINDS:
        differing = [of for of in results if of.status == "differs" and of.claim.kind == kind]
        parts.append((f"Differs: {kind}", [reason(result) for result in differing]))
    parts.append(("Not computable", _skipped(results)))
    document: Document = []
    for title, lines in parts:
        if lines:
            document += [Heading(title, 3), Items(lines, is_plain=True)]
    return document


# for programs


def diagnostics(ledger: Ledger) -> list[Diagnostic]:
    """What fails, and what does not read, each at its place in the ledger."""
    found = list(ledger.findings)
    for result in ledger.results:
        if result.fails:
            claim = result.claim
            message, help = finding(result)
            found.append(Diagnostic(result.status, f"{claim.id}: {message}", claim.span, claim.source.file, help))
    return found


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
    if result.status == "quoted":
        return Case(claim.id, "skipped", "quoted: no cost, and not computed")
    return Case(claim.id)


def _unread(found: Diagnostic) -> Case:
    name = f"{found.source.name if found.source else ''}:{found.line or 1}"
    return Case(name, "error", found.message, found.help or "", found.code)

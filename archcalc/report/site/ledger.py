"""Published figures: all by source, those of each verdict, and a page for each figure."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from archcalc.report.claim import WORDS, agreeing, claim_row, computed, counted, printed, verdict
from archcalc.report.published import subject
from archcalc.report.site.shared import Entry, Link, column, json_text, rendered, row, section, table
from archcalc.report.sources import citation
from archcalc.results.claim import STATUSES, ClaimResult, Ledger

COLUMNS = (column("figure"), column("of"), column("printed", True), column("computed", True), column("verdict"))


def claim_path(result: ClaimResult) -> str:
    """The page of a figure."""
    return f"claims/{result.claim.id}.html"


def files(ledger: Ledger, names: dict[str, str]) -> Iterator[tuple[str, str]]:
    """Pages of the ledger, each with its JSON; `names` are those of networks as pages have them, by plain name."""
    counts = counted(ledger.results)
    about = [
        f"{len(ledger.results):,} figures that {len(ledger.sources)} papers, code and notes print, and what archcalc "
        "computes. A figure agrees when it is hit, or when it is rounded or truncated to the printed digits."
    ]
    counts_table = table(
        [column("verdict"), column("figures", True)],
        [row(Link(WORDS[status], f"verdict-{status}.html"), str(counts[status])) for status in STATUSES],
        "By verdict",
    )
    rows: list[dict[str, Any]] = []
    for source in ledger.sources:
        own = [result for result in ledger.results if result.claim.source is source]
        if own:
            rows.append(section(citation(source), source.citekey))
            rows += [_row(result) for result in own]
    yield (
        "claims/index.html",
        rendered(
            "table",
            "claims/index.html",
            title="Published figures",
            paragraphs=about,
            tables=[counts_table, table(COLUMNS, rows, "By source")],
            json="index.json",
        ),
    )
    yield "claims/index.json", json_text([claim_row(result) for result in ledger.results])
    for status in STATUSES:
        of = [result for result in ledger.results if result.status == status]
        path = f"claims/verdict-{status}.html"
        tables = [table([*COLUMNS, column("why")], [_row(each, True) for each in of])] if of else []
        title = f"Published figures: {WORDS[status]}"
        yield (
            path,
            rendered("table", path, title=title, paragraphs=[], tables=tables, json=f"verdict-{status}.json"),
        )
        yield f"claims/verdict-{status}.json", json_text([claim_row(result) for result in of])
    for result in ledger.results:
        yield claim_path(result), _claim(result, names)
        yield f"claims/{result.claim.id}.json", json_text(claim_row(result))


def _row(result: ClaimResult, with_why: bool = False) -> dict[str, Any]:
    claim = result.claim
    name = Link(claim.id, f"{claim.id}.html")
    cells: list[str | Link] = [
        name,
        claim.network or ", ".join(claim.networks),
        printed(claim),
        computed(result),
        verdict(result),
    ]
    return row(*cells, *([claim.because or result.problem] if with_why else []))


def _claim(result: ClaimResult, names: dict[str, str]) -> str:
    from archcalc.spec.library import plain

    claim = result.claim
    facts: list[tuple[str, str, str]] = [
        ("printed", printed(claim), ""),
        ("computed", computed(result) or "not computed", ""),
        ("verdict", verdict(result), f"verdict-{result.status}.html"),
    ]
    facts += [("agrees with", agreeing(result), "")] if result.range is not None else []
    facts += [("kind of difference", claim.kind, "")] if claim.kind else []
    facts.append(("of", subject(claim) if claim.quantity else claim.value or claim.id, ""))
    for network in dict.fromkeys(claim.networks):
        page = names.get(plain(network), "")
        facts.append(("network", network, f"../networks/{page}.html" if page else ""))
    facts += [
        ("source", citation(claim.source), f"index.html#{claim.source.citekey}"),
        ("where", claim.where, ""),
        ("read", f"{claim.read or claim.source.read} (confidence {claim.confidence or claim.source.confidence})", ""),
        ("check it", f"archcalc check --source {claim.source.citekey}", ""),
    ]
    why = " ".join(part for part in (claim.because, claim.note, result.problem) if part)
    return rendered(
        "claim", claim_path(result), title=claim.id, facts=facts, why=" ".join(why.split()), json=f"{claim.id}.json"
    )


def entries(ledger: Ledger) -> Iterator[Entry]:
    """What the search finds of it."""
    for source in ledger.sources:
        yield Entry(source.citekey, citation(source), f"claims/index.html#{source.citekey}", "source of figures")
    for result in ledger.results:
        claim = result.claim
        yield Entry(claim.id, f"{printed(claim)} {verdict(result)}", claim_path(result), "published figure")

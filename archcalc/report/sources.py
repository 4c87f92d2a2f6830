"""The sources of published figures, and how their figures fare."""

from __future__ import annotations

from typing import Any

from archcalc.report.claim import counted
from archcalc.report.media import numbers
from archcalc.report.media.blocks import Column, Document, Paragraph, Table, number
from archcalc.results.claim import ClaimSource, Ledger


def citation(source: ClaimSource) -> str:
    """`Szegedy et al. 2014, Going Deeper with Convolutions, arXiv:1409.4842`."""
    who = " ".join(part for part in (source.authors, str(source.year or "")) if part)
    return ", ".join(part for part in (who, source.title, source.reference) if part)


def cited(source: ClaimSource, where: str = "") -> str:
    """As people cite it, with the place: `Simonyan and Zisserman 2015, Table 2`; `Szegedy et al. 2014`."""
    authors = [name.strip() for name in source.authors.split(",")]
    who = numbers.listed(authors) if len(authors) < 3 else f"{authors[0]} et al."
    said = f"{who or source.title.partition(':')[0]} {source.year or ''}".strip()
    return f"{said}, {where}" if where else said


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
            number("quoted", drop=1),
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
                *(str(source[status]) for status in ("reproduces", "rounds", "differs", "not_computable", "quoted")),
                str(source["broken"] + source["stale"]),
                source["read"],
            ]
        )
    return table

"""What a network keeps between steps, and what engines reserve for it."""

from __future__ import annotations

from typing import Any

from archcalc.report.media import numbers
from archcalc.report.media.blocks import Column, Document, Heading, Paragraph, Section, Table, Total, number
from archcalc.report.media.numbers import Units
from archcalc.results.cache import Cache, Kind, Reserved
from archcalc.results.rows import exact

WORDS = {
    Kind.FULL: "full attention",
    Kind.WINDOW: "window",
    Kind.LATENT: "latent",
    Kind.RECURRENT: "recurrent state",
    Kind.CONVOLUTION: "causal convolution",
    Kind.CROSS_ATTENTION: "cross attention",
    Kind.ONCE: "computed once",
}


def kept(found: Cache, units: Units = "si") -> Document:
    """What is needed, by kind; then what rules reserve, beside it."""
    table = Table(
        [
            Column("kept"),
            number("layers", drop=11),
            number("elements"),
            number("size"),
            number("of all", drop=12),
            number("next position"),
        ]
    )
    whole = found.size_bytes
    for part in found.parts:
        table.rows.append(
            [
                WORDS[part.kind],
                str(part.layers),
                numbers.count(part.elements, units),
                numbers.size(part.size_bytes, units),
                numbers.percent(part.size_bytes, whole),
                numbers.size(part.next_bytes, units) if part.next_bytes else "",
            ]
        )
    layers = str(sum(part.layers for part in found.parts))
    more = numbers.size(found.next_bytes, units) if found.next_bytes else ""
    table.rows.append(
        Total(["needed", layers, numbers.count(found.elements, units), numbers.size(whole, units), "", more])
    )
    document: Document = [Heading(f"{found.network}: {answer(found)}", 1), table, _reserved(found, units)]
    where = f"past {found.past:,} | length {found.length:,} | batch {found.batch:,} | {found.dtype}"
    context = f" | context {found.context:,}" if found.context != found.past + found.length else ""
    document.append(
        Paragraph(
            f"{where}{context} | needed: what the next step reads, of a window of w positions w - 1; next position: "
            "for one example | formulas: times positions, forgetting what is kept otherwise | sources: --format json",
            quiet=True,
        )
    )
    return document


def answer(found: Cache) -> str:
    """`512.1 MiB after 8,193 positions, at batch 4`; with a limit, the longest past within it."""
    positions = numbers.plural(found.past + found.length, "position")
    at = f", batch {found.batch:,}" if found.batch > 1 else ""
    text = f"{numbers.size(found.size_bytes)} at {found.dtype} after {positions}{at}"
    if found.largest_past is None:
        return text
    return f"{text}; within {found.limit_text}, a past of {found.largest_past:,} at most"


def _reserved(found: Cache, units: Units) -> Table:
    limited = found.limit is not None
    table = Table(
        [
            Column("reserved by"),
            Column("version", drop=3),
            number("size"),
            number("of needed"),
            *([number("longest past")] if limited else []),
            Column("how", cut="wrap", least=18),
        ]
    )
    for title, is_formula in (("engines", False), ("formulas of calculators", True)):
        table.rows.append(Section(title))
        for of in found.reserved:
            if of.rule.is_formula != is_formula:
                continue
            size = "" if of.size_bytes is None else numbers.size(of.size_bytes, units)
            none = "" if of.size_bytes is None else "none"
            past = none if of.largest_past is None else f"{of.largest_past:,}"
            how = of.rule.does if of.size_bytes is not None else of.reason
            table.rows.append(
                [of.rule.name, of.rule.version, size, _factor(found, of), *([past] if limited else []), how]
            )
    return table


def _factor(found: Cache, of: Reserved) -> str:
    return "" if of.size_bytes is None else numbers.ratio(of.size_bytes, found.size_bytes)


def rows(found: Cache) -> list[dict[str, Any]]:
    """A row for each kind, for their sum, and for each rule."""
    limited = found.limit is not None
    names = ["network", "what", "name", "version", "layers", "elements", "size_bytes", "next_bytes", "factor"]
    names += ["largest_past"] * limited + ["does", "source"]
    made: list[dict[str, Any]] = [
        {
            "what": "kept",
            "name": part.kind.value,
            "layers": part.layers,
            "elements": part.elements,
            "size_bytes": part.size_bytes,
            "next_bytes": part.next_bytes,
        }
        for part in found.parts
    ]
    made.append(
        {
            "what": "needed",
            "name": "all",
            "layers": sum(part.layers for part in found.parts),
            "elements": found.elements,
            "size_bytes": found.size_bytes,
            "next_bytes": found.next_bytes,
            "factor": "1",
            "largest_past": found.largest_past,
        }
    )
    for of in found.reserved:
        factor = found.factor(of)
        made.append(
            {
                "what": "formula" if of.rule.is_formula else "engine",
                "name": of.rule.name,
                "version": of.rule.version,
                "size_bytes": of.size_bytes,
                "factor": None if factor is None else exact(factor),
                "largest_past": of.largest_past,
                "does": of.rule.does if of.size_bytes is not None else of.reason,
                "source": of.rule.source,
            }
        )
    return [{name: {"network": found.network, **row}.get(name) for name in names} for row in made]


def cache_object(found: Cache) -> dict[str, Any]:
    """All of it, as JSON holds it."""
    wanted = [{name: value for name, value in row.items() if name != "network"} for row in rows(found)]
    return {
        "network": found.network,
        "past": found.past,
        "length": found.length,
        "batch": found.batch,
        "dtype": found.dtype,
        "context": found.context,
        "max_bytes": found.limit,
        "elements": found.elements,
        "size_bytes": found.size_bytes,
        "next_bytes": found.next_bytes,
        "largest_past": found.largest_past,
        "kept": [row for row in wanted if row["what"] == "kept"],
        "reserved": [row for row in wanted if row["what"] in ("engine", "formula")],
    }

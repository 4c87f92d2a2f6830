"""Tools' figures of one network, and where they come from."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

from archcalc.report.claim import claim_row
from archcalc.report.media import numbers
from archcalc.report.media.blocks import Cell, Column, Document, Heading, Paragraph, Table, number
from archcalc.report.media.numbers import Units
from archcalc.report.published import below
from archcalc.report.show import without
from archcalc.results.claim import ClaimResult
from archcalc.results.convention import AMOUNTS, Convention
from archcalc.results.reconciliation import PARTS, Component, Figure, ReconciledTool, Reconciliation


def reconciled(result: Reconciliation, units: Units = "si", published: Sequence[ClaimResult] | None = None) -> Document:
    """Figures, what they consist of, and what one of each component is worth to whom; then those of papers."""
    document: Document = [
        Heading(f"{result.network}: what tools print for it, and why", 1),
        _figures(result.tools),
    ]
    if result.tools:
        document += [Heading("What each figure consists of"), _parts(result, units)]
        document += [Heading("What is counted, and at how much each"), _components(result)]
        if any(tool.coding for tool in result.tools):
            document += [Heading("Coding: what comes from how the model is written"), _coding(result.tools)]
    if published is not None:
        document += below(result.network, published, ())
    document += _missing(result)
    document.append(footer(result))
    return document


def _figures(tools: Sequence[ReconciledTool]) -> Table:
    table = Table(
        [
            Column("tool"),
            number("prints"),
            Column("unit", drop=4),
            number("ours"),
            number("coding"),
            Column("result"),
            Column("version", drop=3, least=6, cut="end"),
            Column("run", drop=2),
        ]
    )
    for tool in tools:
        table.rows.append(
            [
                tool.name,
                printed(tool.figure),
                tool.convention.unit,
                f"{tool.ours:,}",
                f"{tool.coded:+,}" if tool.coding else "",
                verdict(tool),
                tool.figure.version,
                tool.figure.date or "now",
            ]
        )
    return table if any(tool.coding for tool in tools) else without(table, {4})


def printed(figure: Figure) -> str:
    """A figure with as many digits as it has: `4.089 G` where it is rounded to millions."""
    if figure.unit == 1:
        return f"{figure.number:,}"
    decimals = len(str(10**9 // figure.unit)) - 1
    whole, part = divmod(figure.number // figure.unit, 10**decimals)
    return f"{whole:,}.{part:0{decimals}d} G"


def verdict(tool: ReconciledTool) -> str:
    """Whether ours and the coding are the figure."""
    if tool.difference:
        return f"unexplained: {tool.difference:+,}"
    return "equal" if tool.figure.unit == 1 else "rounds to it"


def _parts(result: Reconciliation, units: Units) -> Table:
    """A row for each tool, with the parts of its figure by the kind of work."""
    table = Table([Column("tool"), *[number(part) for part in PARTS], number("coding")])
    for tool in result.tools:
        cells: list[Cell] = [tool.name]
        cells += [numbers.count(tool.parts[part], units) if part in tool.parts else "" for part in PARTS]
        table.rows.append([*cells, _signed(tool.coded, units) if tool.coded else ""])
    used = {part for tool in result.tools for part in tool.parts}
    hidden = {index for index, part in enumerate(PARTS, 1) if part not in used}
    if not any(tool.coded for tool in result.tools):
        hidden.add(len(PARTS) + 1)
    return without(table, hidden)


def _signed(value: int, units: Units) -> str:
    return f"{'-' if value < 0 else '+'}{numbers.count(abs(value), units)}"


def _coding(tools: Sequence[ReconciledTool]) -> Table:
    """Each cause once, with the tools that it holds for."""
    causes: dict[tuple[str, int], list[str]] = {}
    for tool in tools:
        for part in tool.coding:
            causes.setdefault((part.words, part.number), []).append(tool.name)
    table = Table([Column("cause", cut="wrap", least=30), number("adds"), Column("to", cut="wrap", least=16)])
    for (words, value), names in causes.items():
        table.rows.append([words, f"{value:+,}", numbers.listed(names)])
    return table


def _components(result: Reconciliation) -> Table:
    names = [tool.name for tool in result.tools]
    table = Table([Column("component", least=20), number("how many"), Column("one is worth", cut="wrap", least=24)])
    for component in result.components:
        worth = worths(component, names)
        if worth:
            table.rows.append([f"{component.operator} {component.words}", f"{component.many:,}", worth])
    return table


def worths(component: Component, names: Sequence[str]) -> str:
    """What one of a component is worth to whom: `1 to thop; 2 to ptflops and fvcore`."""
    groups: dict[int, list[str]] = {}
    for name in names:
        groups.setdefault(component.worth.get(name, 0), []).append(name)
    most = max(groups, key=lambda worth: len(groups[worth]))
    counted = [(worth, group) for worth, group in sorted(groups.items()) if worth]
    if most == 0 or len(groups[most]) < 3:
        return "; ".join(f"{worth} to {numbers.listed(group)}" for worth, group in counted)
    parts = [f"{worth} to {numbers.listed(group)}" for worth, group in sorted(groups.items()) if worth != most]
    return "; ".join([*parts, f"{most} to {'all others' if parts else 'all'}"])


def _missing(result: Reconciliation) -> Iterator[Paragraph]:
    """Tools without a figure, by the reason."""
    reasons: dict[str, list[str]] = {}
    for name, why in result.missing.items():
        reasons.setdefault(why, []).append(name)
    for why, names in reasons.items():
        yield Paragraph(f"Left out: {numbers.listed(names)}; {why}.")


def footer(result: Reconciliation) -> Paragraph:
    """What was run, and how."""
    return Paragraph(
        f"model {result.model} | input {result.input} | one example, at inference | "
        f"{result.macs:,} MACs (multiply-accumulate pairs)",
        quiet=True,
    )


def rows(result: Reconciliation) -> Iterator[dict[str, Any]]:
    """A row for each tool, for CSV."""
    for tool in result.tools:
        yield {
            "network": result.network,
            "model": result.model,
            "tool": tool.name,
            "version": tool.figure.version,
            "date": tool.figure.date,
            "unit": tool.convention.unit,
            "figure": tool.figure.number,
            "rounded_to": tool.figure.unit,
            "ours": tool.ours,
            "coding": tool.coded,
            "difference": tool.difference,
            **{part.lower(): tool.parts.get(part, 0) for part in PARTS},
            "counts": tool.convention.about,
        }


def reconciliation_object(result: Reconciliation, published: Sequence[ClaimResult] | None = None) -> dict[str, Any]:
    """A reconciliation for programs."""
    papers = {} if published is None else {"published": [claim_row(each) for each in published]}
    return {
        "network": result.network,
        "model": result.model,
        "input": result.input,
        "macs": result.macs,
        "is_explained": result.is_explained,
        "tools": [
            row | {"coding_parts": [part._asdict() for part in tool.coding], "source": tool.convention.source}
            for row, tool in zip(rows(result), result.tools, strict=True)
        ],
        "components": [component._asdict() for component in result.components],
        "missing": dict(result.missing),
        **papers,
    }


# conventions


def listed_conventions(conventions: Sequence[Convention]) -> Document:
    """All conventions with what they count, and where that is written."""
    document: Document = []
    for convention in conventions:
        version = f" {convention.version}" if convention.version else ""
        document += [
            Heading(f"{convention.name}{version}"),
            Paragraph(f"{convention.about}."),
            Paragraph(f"Its unit: {convention.unit}. Source: {convention.source}"),
        ]
    return document


def convention_rows(conventions: Sequence[Convention]) -> Iterator[dict[str, Any]]:
    """A row for each term of each convention: what is counted, of which operators, at how much."""
    for convention in conventions:
        for term in convention.terms:
            yield {
                "convention": convention.name,
                "version": convention.version,
                "unit": convention.unit,
                "amount": term.amount,
                "words": AMOUNTS[term.amount].words,
                "worth": term.worth,
                "operators": sorted(term.operators),
                "source": convention.source,
            }


def convention_object(convention: Convention) -> dict[str, Any]:
    """A convention for programs."""
    return {
        "name": convention.name,
        "about": convention.about,
        "version": convention.version,
        "unit": convention.unit,
        "source": convention.source,
        "terms": [
            {"amount": term.amount, "worth": term.worth, "operators": sorted(term.operators)}
            for term in convention.terms
        ],
    }

"""What others printed of a network, beside what is computed: in its table of layers, and as a list."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from archcalc.report.claim import computed, printed, reasons, verdict
from archcalc.report.media.blocks import Cell, Column, Document, Heading, Items, Paragraph, Section, Table, Total
from archcalc.report.sources import cited
from archcalc.results.claim import PLAIN, Claim, ClaimResult
from archcalc.spec.library import plain

DIFFERS = "≠"


def in_rows(results: Sequence[ClaimResult]) -> dict[str, list[ClaimResult]]:
    """Figures of layers and scopes under the assumptions of the spec, by path."""
    found: dict[str, list[ClaimResult]] = {}
    for result in results:
        claim = result.claim
        if claim.at and claim.quantity and (claim.settings.set, claim.settings.input) == (PLAIN.set, PLAIN.input):
            found.setdefault(claim.at, []).append(result)
    return found


def by_network(results: Sequence[ClaimResult]) -> dict[str, list[ClaimResult]]:
    """Figures of each network, by its name in the form in which names are compared."""
    found: dict[str, list[ClaimResult]] = {}
    for result in results:
        for name in dict.fromkeys(map(plain, result.claim.networks)):
            found.setdefault(name, []).append(result)
    return found


def cell(results: Sequence[ClaimResult]) -> str:
    """Figures of a row and ours: `weights 2.7K (ours 9,408) ≠, output_shape 64x112x112, depth 1`."""
    return ", ".join(dict.fromkeys(f"{of.claim.quantity} {printed(of.claim)}{_ours(of)}{_mark(of)}" for of in results))


def _ours(result: ClaimResult) -> str:
    """What is computed, where it is written differently."""
    ours = computed(result)
    same = ours.replace(",", "") == printed(result.claim).replace(",", "").replace("×", "x")
    return f" (ours {ours})" if ours and not same else ""


def _mark(result: ClaimResult) -> str:
    return f" {DIFFERS}" if result.status in ("differs", "broken") else ""


def beside(table: Table, found: Mapping[str, Sequence[ClaimResult]]) -> Table:
    """A table of layers with a column of what was printed of each."""
    wider = Table([*table.columns, Column("published", least=18, cut="wrap")])
    for row in table.rows:
        if isinstance(row, Section):
            wider.rows.append(row)
        elif isinstance(row, Total):
            wider.rows.append(Total([*row.cells, ""]))
        else:
            cells: list[Cell] = [*row, cell(found.get(str(row[0]), ()))]
            wider.rows.append(cells)
    return wider


def figures(results: Sequence[ClaimResult]) -> Table:
    """A row for each figure: what it is of, what is printed, what is computed, the verdict and the place."""
    columns = [
        Column("figure", least=14, cut="wrap"),
        Column("printed", "right", least=10, cut="wrap"),
        Column("computed", "right", least=14, cut="wrap"),
        Column("verdict"),
        Column("source", least=13, cut="wrap"),
    ]
    table = Table(columns)
    for result in results:
        claim = result.claim
        place = claim.where.partition(",")[0].partition(" (")[0]  # the rest is in claims.md and `archcalc check`
        source = cited(claim.source, place) + (", recalled" if claim.is_recalled else "")
        table.rows.append([subject(claim), printed(claim), computed(result), verdict(result), source])
    return table


def subject(claim: Claim) -> str:
    """What a figure is of: `weights of conv1`, `flops (two_per_mac)`; its id where it is no single quantity."""
    if not claim.quantity:
        return claim.id
    settings = [f"{name}={value}" for name, value in claim.settings.set]
    for name, value in claim.settings._asdict().items():
        if name == "convention" and value:
            settings.append(value)
        elif name != "set" and value != getattr(PLAIN, name):
            settings.append(f"{name}={'x'.join(map(str, value)) if isinstance(value, tuple) else str(value).lower()}")
    under = f" ({', '.join(settings)})" if settings else ""
    return f"{claim.quantity}{f' of {claim.at}' if claim.at else ''}{under}"


def below(network: str, results: Sequence[ClaimResult], rows: Sequence[str]) -> Document:
    """Figures that belong to no row: of the whole network, of other scopes, of several networks."""
    if not results:
        return [Paragraph(f"The ledger has no published figure of {network}.")]
    shown = {id(of) for path, found in in_rows(results).items() if path in rows for of in found}
    others = [result for result in results if id(result) not in shown]
    document: Document = []
    if others:
        document += [Heading("Published figures"), figures(others)]
    if any(result.status == "differs" for result in results):
        document.append(Paragraph(f"{DIFFERS}: differs; archcalc check --network {network} says why", quiet=True))
    return document


def section(results: Sequence[ClaimResult]) -> Document:
    """The published figures of a network, for its page."""
    return [
        Heading("Published figures"),
        Paragraph("Published against computed; all figures are in [claims.md](../claims.md)."),
        figures(results),
        *([Items(lines, is_plain=True)] if (lines := reasons(results)) else []),
    ]

"""The folder `reports/`: what stands in it, and whether it still says what the specs say."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import NamedTuple

from archcalc.engine.network import Network, analyze
from archcalc.report import published
from archcalc.report.claim import claim_row
from archcalc.report.media import numbers
from archcalc.report.media.blocks import Column, Document, Heading, Items, Paragraph, Section, Table, number
from archcalc.report.media.data import csv_text, layers_csv, network_row, totals_csv
from archcalc.report.media.markdown import markdown
from archcalc.report.pages import catalogue, conditions, ledger, time
from archcalc.report.pages.figures import figures_of
from archcalc.report.pages.operators import manual
from archcalc.report.show import footer, headline, layers_table, totals_table
from archcalc.results.claim import ClaimResult, Ledger
from archcalc.results.cost import NetworkCost
from archcalc.source.writing import write_whole
from archcalc.spec.library import find, plain

_OWN = (("networks", "*.md"), ("tables", "*.csv"), ("figures", "*.svg"))  # folders whose files are all made here


class Differences(NamedTuple):
    """What is not as it should be in a folder of reports."""

    missing: list[str]
    changed: list[str]
    stale: list[str]

    def __bool__(self) -> bool:
        return any(self)


def reports(families: Sequence[Sequence[NetworkCost]], checked: Ledger) -> dict[str, str]:
    """All files by their path in the folder."""
    costs = [cost for members in families for cost in members]
    found = {
        "README.md": markdown(index(families)),
        "operators.md": markdown(manual()),
        "totals.csv": totals_csv(costs),
        "claims.md": markdown(ledger.page(checked)),
        "claims.csv": csv_text(map(claim_row, checked.results)),
        "conditions.md": markdown(conditions.page(conditions.read())),
        "time.md": markdown(time.page()),
    }
    figures = published.by_network(checked.results)
    for cost in costs:
        document = page(cost, heads_counted(cost), figures.get(plain(cost.name), ()))
        found[f"networks/{cost.name}.md"] = markdown(document)
        found[f"tables/{cost.name}.csv"] = layers_csv(heads_counted(cost) or cost)
        found |= figures_of(cost)
    return found


def heads_counted(cost: NetworkCost) -> NetworkCost | None:
    """The same network with its train-only heads, if it has any."""
    return analyze(Network(*find(cost.name)), with_heads=True) if cost.heads else None


def index(families: Sequence[Sequence[NetworkCost]]) -> Document:
    """A line for each network."""
    columns = [
        Column("network", is_markdown=True),
        *(number(title) for title in ("input", "params", "MACs", "depth", "layers", "receptive field", "local field")),
    ]
    table = Table(columns)
    for members in families:
        if members:
            table.rows.append(Section(catalogue.family_title(list(map(network_row, members)))))
        for cost in members:
            totals = cost.totals
            counts = [f"{value:,}" for value in (totals.params, totals.macs, totals.depth, totals.layers)]
            link = f"[{cost.name}](networks/{cost.name}.md)"
            fields = numbers.seen(cost.receptive_field, cost.input), numbers.field(cost.local_receptive_field)
            table.rows.append([link, cost.input_text, *counts, *fields])
    return [
        Heading("Reports", 1),
        Paragraph(
            "Made by `archcalc report` from the specs, and compared in CI. `networks/` has a page for each network, "
            "`tables/` its layers as CSV, `totals.csv` the totals of all, [operators.md](operators.md) the manual, "
            "[claims.md](claims.md) the figures that others published, against ours, "
            "[conditions.md](conditions.md) what other tools and files say under which condition, "
            "[figures/](figures) each as `archcalc draw` draws it, "
            "[time.md](time.md) how far estimates of times are from measurements. "
            "MACs are multiply-accumulate pairs of one example; heads for training are left out."
        ),
        table,
    ]


def page(cost: NetworkCost, with_heads: NetworkCost | None, figures: Sequence[ClaimResult] = ()) -> Document:
    """What there is to say about a network."""
    document: Document = [Heading(headline(cost), 1), totals_table(cost, "raw"), footer(cost)]
    if cost.notes:
        document += [Heading("Notes"), Items([" ".join(note.split()) for note in cost.notes])]
    if figures:
        document += published.section(figures)
    picture = f"![{cost.name}: its modules, with shares of MACs and parameters](../figures/{cost.name}.svg)"
    document += [Heading("Figure"), Paragraph(picture), Heading("Layers")]
    document += [Paragraph(f"As CSV: [tables/{cost.name}.csv](../tables/{cost.name}.csv)")]
    document.append(layers_table(cost, cost.layers, "raw"))
    if with_heads is not None:
        document += [Heading("With its heads, for training"), totals_table(with_heads, "raw"), footer(with_heads)]
        of_heads = [layer for layer in with_heads.layers if layer.head]
        document.append(layers_table(with_heads, of_heads, "raw", has_total=False))
    return document


def differences(folder: Path, files: dict[str, str]) -> Differences:
    """What of a folder is missing, says something else, or belongs to no network."""
    missing = [name for name in files if not (folder / name).is_file()]
    changed = [
        name
        for name, text in files.items()
        if name not in missing and (folder / name).read_bytes() != text.encode("utf-8")
    ]
    return Differences(sorted(missing), sorted(changed), sorted(stale(folder, files)))


def stale(folder: Path, files: Iterable[str]) -> list[str]:
    """Files of networks that are no more."""
    kept = set(files)
    there = [f"{part}/{path.name}" for part, pattern in _OWN for path in (folder / part).glob(pattern)]
    return [name for name in there if name not in kept]


def write(folder: Path, files: dict[str, str]) -> Differences:
    """Bring a folder up to date; what was not as it should be is told."""
    found = differences(folder, files)
    for name in found.missing + found.changed:
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        write_whole(folder / name, files[name])
    for name in found.stale:
        (folder / name).unlink()
    return found

"""Commands about networks: list, show, compare."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from typing import TYPE_CHECKING, Annotated

import typer

from archcalc.cli.completion import complete_network
from archcalc.cli.inputs import Request, analysed, known, tell_left_out, words
from archcalc.cli.options import (
    BatchOption,
    BitsOption,
    ByChoice,
    ByOption,
    ColumnsOption,
    ConventionOption,
    DensityOption,
    DepthOption,
    DtypeOption,
    Format,
    FormatOption,
    GroupOption,
    HeadsOption,
    InputOption,
    LimitOption,
    ListSortOption,
    ListTopOption,
    MeasuredOption,
    NetworkName,
    NetworkNames,
    OutputOption,
    PartOption,
    PlotOption,
    PublishedOption,
    ScopeOption,
    SetOption,
    SortOption,
    StateDtypeOption,
    StepOption,
    StrictOption,
    TopOption,
    UnfoldOption,
    UnitsChoice,
    UnitsOption,
)
from archcalc.cli.output import deliver, draw, fail, guarded
from archcalc.cli.page import is_page, refuse_options, write_networks

if TYPE_CHECKING:
    from pathlib import Path

    from archcalc.report.pages.catalogue import Listed
    from archcalc.results.cost import LayerCost, NetworkCost


@guarded
def list_networks(
    part: Annotated[
        str | None,
        typer.Argument(
            metavar="NAMEPART",
            help="Only networks whose names hold this: resnet, @torchvision.",
            show_default=False,
            autocompletion=complete_network,
        ),
    ] = None,
    by: GroupOption = None,
    sort: ListSortOption = None,
    top: ListTopOption = None,
    format: FormatOption = None,
    output: OutputOption = None,
    units: UnitsOption = UnitsChoice.SI,
) -> None:
    """List all networks, or those whose names hold a word.

    By family, year or task.
    """
    from archcalc.engine.listed import listed_families
    from archcalc.report.media import data
    from archcalc.report.pages import catalogue

    found, broken = listed_families()
    tell_left_out(broken)
    families: Sequence[Sequence[Listed]] = found if part is None else named(found, part)
    column = None
    if sort is not None or top is not None:
        column = known(sort or "macs", catalogue.sortable(), "column")
    titled = catalogue.grouped(families, by.value if by else None, column, top)
    networks = [network for _, members in titled for network in members]
    deliver(
        format,
        output,
        lambda: catalogue.catalogue(titled, units.value),
        lambda: data.csv_text(map(data.totals_cells, networks)),
        lambda: data.json_text(networks),
    )


def named(families: Sequence[Sequence[Listed]], part: str) -> list[list[Listed]]:
    """Networks whose names, or whose family's title, hold a word."""
    from archcalc.source import suggestion
    from archcalc.spec.library import plain

    wanted = plain(part.strip())
    found: list[list[Listed]] = []
    for column in ("name", "family"):
        if not any(found):
            found = [[network for network in members if wanted in plain(network[column])] for members in families]
    if not any(found):
        beginnings = [network["name"][: len(part) + 1] for members in families for network in members]
        help = suggestion(part, dict.fromkeys(beginnings), "`archcalc list` lists all networks")
        fail("unknown-network", f"no network's name holds `{part}`", help)
    return [members for members in found if members]


@guarded
def show(
    network: NetworkName,
    set: SetOption = None,
    input: InputOption = None,
    batch: BatchOption = 1,
    dtype: DtypeOption = "fp32",
    bits: BitsOption = None,
    density: DensityOption = None,
    convention: ConventionOption = "arithmetic",
    with_heads: HeadsOption = False,
    step: StepOption = False,
    state_dtype: StateDtypeOption = None,
    scope: ScopeOption = None,
    by: ByOption = ByChoice.LAYER,
    depth: DepthOption = None,
    sort: SortOption = None,
    top: TopOption = None,
    unfold: UnfoldOption = False,
    format: FormatOption = None,
    output: OutputOption = None,
    units: UnitsOption = UnitsChoice.SI,
    strict: StrictOption = False,
    limit: LimitOption = None,
    published: PublishedOption = False,
    columns: ColumnsOption = None,
    plot: PlotOption = None,
) -> None:
    """Show what each layer costs, and the totals."""
    from archcalc.report.media import data
    from archcalc.report.show import shown

    request = Request(
        set, input, batch, dtype, convention, with_heads, limit, strict, bits, density, scope, step, state_dtype
    )
    (cost,) = analysed([network], request)
    rows, of = rows_of(cost, by, depth, sort, top)
    draw(lambda charts: charts.cost_by_layer(cost, rows), plot)
    if published:
        if set or input or batch != 1:
            fail("bad-option", "published figures are of a network as its spec has it", "leave --published out")
        if columns:
            fail("bad-option", "--published has its own columns", "leave --columns or --published out")
        return show_published(cost, rows, units, by, of, format, output)
    if columns:
        return show_columns(cost, rows, words(columns, "--columns", "name,params,macs"), units, of, format, output)
    # Rows that were sorted or chosen no longer follow each other as blocks do, and a file holds all.
    folds = not unfold and sort is None and top is None and output is None and format in (None, Format.TABLE)
    deliver(
        format,
        output,
        lambda: shown(cost, rows, units.value, by.value, of, others=called_so(network, request), folds=folds),
        lambda: data.layers_csv(cost, rows),
        lambda: data.json_text([data.network_object(cost, rows)]),
    )


def called_so(network: str, request: Request) -> list[NetworkCost]:
    """What libraries call by the name that was typed, as asked for; where it can be counted so."""
    from archcalc.cli.inputs import checked
    from archcalc.engine.library import implementations
    from archcalc.engine.network import analyze, load
    from archcalc.source import SpecError

    found = []
    for other in implementations(load(network, checked(request)["input"])):
        try:
            found.append(analyze(other, **checked(request)))
        except SpecError:  # it has no such variable or scope
            continue
    return found


def show_columns(
    cost: NetworkCost,
    rows: Sequence[LayerCost],
    names: Sequence[str],
    units: UnitsChoice,
    of: int,
    format: Format | None,
    output: Path | None,
) -> None:
    """Rows with the columns that were chosen."""
    from archcalc.report.chosen import chosen_rows, chosen_table
    from archcalc.report.chosen import columns as all_columns
    from archcalc.report.media import data

    there = all_columns(cost)
    for name in names:
        known(name, there, "column")
    deliver(
        format,
        output,
        lambda: chosen_table(cost, rows, names, units.value, of),
        lambda: data.csv_text(chosen_rows(cost, rows, names), names),
        lambda: data.json_text([data.totals_object(cost) | {"layers": chosen_rows(cost, rows, names)}]),
    )


def show_published(
    cost: NetworkCost,
    rows: Sequence[LayerCost],
    units: UnitsChoice,
    by: ByChoice,
    of: int,
    format: Format | None,
    output: Path | None,
) -> None:
    """Layers and totals with the figures that others printed of them."""
    from archcalc.claims.check import figures_of
    from archcalc.report.claim import claim_object
    from archcalc.report.media import data
    from archcalc.report.published import cell, in_rows
    from archcalc.report.show import shown

    figures = figures_of(cost.name)
    found = in_rows(figures)
    deliver(
        format,
        output,
        lambda: shown(cost, rows, units.value, by.value, of, figures),
        lambda: data.csv_text(
            data.row_of(row, cost.convention) | {"published": cell(found.get(row.name, ()))} for row in rows
        ),
        lambda: data.json_text([data.network_object(cost, rows) | {"published": list(map(claim_object, figures))}]),
    )


def rows_of(
    cost: NetworkCost, by: ByChoice, depth: int | None, sort: str | None, top: int | None
) -> tuple[Sequence[LayerCost], int]:
    """Rows as asked for, and how many there were before --top."""
    from archcalc.engine.groups import grouped
    from archcalc.report.media.data import in_order, sortable

    if depth is not None and by in (ByChoice.STAGE, ByChoice.TYPE):
        fail("bad-option", f"--depth cuts names of layers; --by {by.value} has none to cut", "leave one of them out")
    rows: Sequence[LayerCost] = grouped(cost, by.value, depth)
    of = len(rows)
    if sort is not None or top is not None or by is ByChoice.TYPE:
        column = known(sort or "macs", sortable(cost), "column")
        chosen = in_order(cost, rows, column)[:top]
        # without --sort, the largest stay where they stand in the network
        rows = chosen if sort is not None or by is ByChoice.TYPE else [row for row in rows if row in chosen]
    return rows, of


@guarded
def compare(
    networks: NetworkNames,
    set: SetOption = None,
    input: InputOption = None,
    batch: BatchOption = 1,
    dtype: DtypeOption = "fp32",
    bits: BitsOption = None,
    density: DensityOption = None,
    convention: ConventionOption = "arithmetic",
    with_heads: HeadsOption = False,
    step: StepOption = False,
    state_dtype: StateDtypeOption = None,
    scope: ScopeOption = None,
    by: PartOption = None,
    depth: DepthOption = None,
    sort: SortOption = None,
    top: TopOption = None,
    measured: MeasuredOption = None,
    plot: PlotOption = None,
    drawn: Annotated[
        bool, typer.Option("--draw", help="Draw their columns side by side: -o FILE.svg, .png or .pdf.")
    ] = False,
    format: FormatOption = None,
    output: OutputOption = None,
    units: UnitsOption = UnitsChoice.SI,
    strict: StrictOption = False,
    limit: LimitOption = None,
) -> None:
    """Compare networks: which is cheaper, where, and why.

    Ratios are to the first network. `--by`, `--depth`, `--sort` and `--top` choose rows of each network's own table.
    CSV has a row of totals for each, JSON their layers too, `-o FILE.html` is a page to explore them. With `--measured`
    the time that `archcalc profile` measured stands beside the cost, where batch and dtype are the same.
    """
    from archcalc.engine.compare import compare as compare_costs
    from archcalc.report.comparison import compared
    from archcalc.report.media import data

    if len(networks) < 2:
        fail("too-few-networks", "compare needs two networks or more", f"archcalc show {networks[0]} shows one")
    request = Request(
        set, input, batch, dtype, convention, with_heads, limit, strict, bits, density, scope, step, state_dtype
    )
    if measured is not None and scope:
        fail("bad-option", "a measurement is one of a whole network, not of a scope", "leave one of them out")
    if drawn:
        left: dict[str, object] = {"--dtype": dtype != "fp32", "--bits": bits, "--density": density, "--scope": scope}
        left |= {"--by": by, "--depth": depth, "--sort": sort, "--top": top, "--measured": measured, "--step": step}
        left |= {"--plot": plot, "--format": format, "--with-heads": with_heads, "--batch": batch != 1}
        from archcalc.cli.draw import draw_beside

        return draw_beside(networks, left, output, set, input, limit)
    costs = analysed(networks, request)
    draw(lambda charts: charts.balls(costs), plot)
    if format is None and is_page(output):
        left = {"--dtype": dtype != "fp32", "--bits": bits, "--density": density, "--scope": scope, "--by": by}
        refuse_options(left | {"--depth": depth, "--sort": sort, "--top": top, "--measured": measured, "--step": step})
        return write_networks(networks, request, output)
    if by is None:
        depth = depth or ((scope.count(".") + 2) if scope else 1)
    what = by.value if by is not None else "stage" if depth == 1 else "part"
    parts = [rows_of(cost, by or ByChoice.LAYER, depth, sort, None)[0] for cost in costs]
    shown = partial(compared, units=units.value, parts=parts, what=what, top=top or 12, is_sorted=sort is not None)
    if measured is None:
        return deliver(
            format,
            output,
            lambda: shown(compare_costs(costs)),
            lambda: data.totals_csv(costs),
            lambda: data.json_text([data.network_object(cost) for cost in costs]),
        )
    from archcalc.engine.measured import matched, read_measurements
    from archcalc.report.beside_cost import beside_cost, csv_beside_cost, objects_beside_cost
    from archcalc.report.comparison import labels

    times = matched(read_measurements(measured), costs, measured)
    beside = beside_cost(times, labels(costs), units.value)
    return deliver(
        format,
        output,
        lambda: shown(compare_costs(costs), measured=beside),
        lambda: csv_beside_cost(times, costs),
        lambda: data.json_text(objects_beside_cost(times, costs)),
    )

"""Commands about networks: list, show, compare, explain."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from typing import TYPE_CHECKING, Annotated

import typer

from archcalc.cli.inputs import Request, analysed, known, tell_left_out
from archcalc.cli.options import (
    BatchOption,
    BitsOption,
    ByChoice,
    ByOption,
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
    StrictOption,
    TopOption,
    UnitsChoice,
    UnitsOption,
    complete_network,
)
from archcalc.cli.output import FINDINGS, deliver, draw, fail, guarded

if TYPE_CHECKING:
    from pathlib import Path

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
    from archcalc.engine.library import analysed_families
    from archcalc.report.media import data
    from archcalc.report.pages import catalogue

    families, broken = analysed_families(is_known_good=True)
    tell_left_out(broken)
    if part is not None:
        families = named(families, part)
    column = None
    if sort is not None or top is not None:
        column = known(sort or "macs", catalogue.sortable(), "column")
    titled = catalogue.grouped(families, by.value if by else None, column, top)
    costs = [cost for _, members in titled for cost in members]
    deliver(
        format,
        output,
        lambda: catalogue.catalogue(titled, units.value),
        lambda: data.totals_csv(costs),
        lambda: data.json_text([data.totals_object(cost) for cost in costs]),
    )


def named(families: Sequence[Sequence[NetworkCost]], part: str) -> list[list[NetworkCost]]:
    """Networks whose names, or whose family's title, hold a word."""
    from archcalc.source import suggestion
    from archcalc.spec.library import plain

    wanted = plain(part.strip())
    found = [[cost for cost in members if wanted in plain(cost.name)] for members in families]
    if not any(found):
        found = [[cost for cost in members if wanted in plain(cost.title)] for members in families]
    if not any(found):
        beginnings = [cost.name[: len(part) + 1] for members in families for cost in members]
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
    scope: ScopeOption = None,
    by: ByOption = ByChoice.LAYER,
    depth: DepthOption = None,
    sort: SortOption = None,
    top: TopOption = None,
    format: FormatOption = None,
    output: OutputOption = None,
    units: UnitsOption = UnitsChoice.SI,
    strict: StrictOption = False,
    limit: LimitOption = None,
    published: PublishedOption = False,
    plot: PlotOption = None,
) -> None:
    """Show what each layer costs, and the totals."""
    from archcalc.report.media import data
    from archcalc.report.show import shown

    request = Request(set, input, batch, dtype, convention, with_heads, limit, strict, bits, density, scope)
    (cost,) = analysed([network], request)
    rows, of = rows_of(cost, by, depth, sort, top)
    draw(lambda charts: charts.cost_by_layer(cost, rows), plot)
    if published:
        if set or input or batch != 1:
            fail("bad-option", "published figures are of a network as its spec has it", "leave --published out")
        return show_published(cost, rows, units, by, of, format, output)
    deliver(
        format,
        output,
        lambda: shown(cost, rows, units.value, by.value, of),
        lambda: data.layers_csv(cost, rows),
        lambda: data.json_text([data.network_object(cost, rows)]),
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
    scope: ScopeOption = None,
    by: PartOption = None,
    depth: DepthOption = None,
    sort: SortOption = None,
    top: TopOption = None,
    measured: MeasuredOption = None,
    plot: PlotOption = None,
    format: FormatOption = None,
    output: OutputOption = None,
    units: UnitsOption = UnitsChoice.SI,
    strict: StrictOption = False,
    limit: LimitOption = None,
) -> None:
    """Compare networks: which is cheaper, where, and why.

    Ratios are to the first network. `--by`, `--depth`, `--sort` and `--top` choose rows of each network's own table.
    CSV has a row of totals for each, JSON their layers too. With `--measured` the time that `archcalc profile` measured
    stands beside the cost, where batch and dtype are the same.
    """
    from archcalc.engine.compare import compare as compare_costs
    from archcalc.report.comparison import compared
    from archcalc.report.media import data

    if len(networks) < 2:
        fail("too-few-networks", "compare needs two networks or more", f"archcalc show {networks[0]} shows one")
    request = Request(set, input, batch, dtype, convention, with_heads, limit, strict, bits, density, scope)
    if measured is not None and scope:
        fail("bad-option", "a measurement is one of a whole network, not of a scope", "leave one of them out")
    costs = analysed(networks, request)
    draw(lambda charts: charts.balls(costs), plot)
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


@guarded
def explain(
    network: NetworkName,
    layer: Annotated[
        str | None,
        typer.Argument(metavar="LAYER", help="Its path, or an end of it that fits one layer only.", show_default=False),
    ] = None,
    set: SetOption = None,
    input: InputOption = None,
    batch: BatchOption = 1,
    dtype: DtypeOption = "fp32",
    convention: ConventionOption = "arithmetic",
    with_heads: HeadsOption = False,
    format: FormatOption = None,
    output: OutputOption = None,
    strict: StrictOption = False,
    limit: LimitOption = None,
) -> None:
    """Explain how the numbers come about.

    Of a layer: the rule, the numbers put into it, the result, and whose rule it is. Of a network: what is counted,
    under which convention, what is largest, what was declared zero and why.
    """
    from archcalc.engine.explain import MismatchError, explained
    from archcalc.report.explanation import explanation_object, layer_explained, network_explained, rule_object
    from archcalc.report.media import data

    request = Request(set, input, batch, dtype, convention, with_heads, limit, strict)
    (cost,) = analysed([network], request)
    if layer is None:
        deliver(
            format,
            output,
            lambda: network_explained(cost, network),
            lambda: data.totals_csv([cost]),
            lambda: data.json_text([data.network_object(cost)]),
        )
        return
    if cost.heads and layer.partition(".")[0] in cost.heads:  # a layer of a head needs no --with-heads
        (cost,) = analysed([network], request._replace(with_heads=True))
    found = one_layer(cost, layer, network)
    try:
        explanations = explained(cost, found)
    except MismatchError as error:  # pragma: no cover - a test explains every layer of each family
        fail("internal-mismatch", f"{found.name}: {error}", "please report this: it is an error of archcalc", FINDINGS)
    deliver(
        format,
        output,
        lambda: layer_explained(cost, found, explanations),
        lambda: data.csv_text(
            {"operation": of.name, **rule_object(rule), "source": of.source} for of in explanations for rule in of.rules
        ),
        lambda: data.json_text(
            [data.network_object(cost, [found]) | {"explanations": [explanation_object(of) for of in explanations]}]
        ),
    )


def one_layer(cost: NetworkCost, name: str, network: str) -> LayerCost:
    """The layer of a name, or of the end of one; `network` is what was typed."""
    from archcalc.source import suggestion

    layers = {layer.name: layer for layer in cost.layers}
    if name in layers:
        return layers[name]
    wanted = name.lower()
    found = [layer for key, layer in layers.items() if key.lower() == wanted]
    found = found or [layer for key, layer in layers.items() if key.lower().endswith(f".{wanted}")]
    found = found or [
        layer for layer in cost.layers if any(cost.graph.nodes[index].name.lower() == wanted for index in layer.nodes)
    ]
    if len(found) == 1:
        return found[0]
    inside = [key for key in layers if key.lower().startswith(f"{wanted}.")]
    if found or inside:
        names = [layer.name for layer in found] or inside
        listed = ", ".join(names[:6]) + (f" and {len(names) - 6} more" if len(names) > 6 else "")
        fits = "is the end of" if found else "holds"
        fail("ambiguous-layer", f"`{name}` {fits} {len(names)} layers of {cost.name}", f"name one of {listed}")
    paths = [*layers, *{key.rpartition(".")[2] for key in layers}]
    help = suggestion(name, paths, f"`archcalc show {network}` lists the layers", most=3)
    fail("unknown-layer", f"{cost.name} has no layer `{name}`", help)

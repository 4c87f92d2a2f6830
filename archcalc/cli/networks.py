"""Commands about networks: list, show, compare."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Annotated

import typer

from archcalc.cli.completion import complete_network
from archcalc.cli.inputs import Request, analysed, known, tell_left_out
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
from archcalc.cli.tables import show_compared, show_network

if TYPE_CHECKING:
    from archcalc.report.pages.catalogue import Listed


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
    request = Request(
        set, input, batch, dtype, convention, with_heads, limit, strict, bits, density, scope, step, state_dtype
    )
    show_network(network, request, by, depth, sort, top, unfold, format, output, units, published, columns, plot)


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
    show_compared(costs, by, depth, sort, top, scope, measured, format, output, units)

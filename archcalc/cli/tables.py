"""Tables of networks, as `show` and `compare` write them: with the defaults of their options, and without typer."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from typing import TYPE_CHECKING

from archcalc.cli.choices import ByChoice, Format, UnitsChoice
from archcalc.cli.inputs import Request, analysed, known, words
from archcalc.cli.output import chosen, deliver, draw, fail, say

if TYPE_CHECKING:
    from pathlib import Path
    from types import ModuleType

    from archcalc.results.cost import LayerCost, NetworkCost

AS_IT_IS = Request()


def show_network(
    network: str,
    request: Request = AS_IT_IS,
    by: ByChoice = ByChoice.LAYER,
    depth: int | None = None,
    sort: str | None = None,
    top: int | None = None,
    unfold: bool = False,
    format: Format | None = None,
    output: Path | None = None,
    units: UnitsChoice = UnitsChoice.SI,
    published: bool = False,
    columns: list[str] | None = None,
    plot: Path | None = None,
) -> None:
    """What each layer of a network costs, and the totals."""
    from archcalc.report.show import shown

    (cost,) = analysed([network], request)
    _tell_beside_csv([cost], format, output)
    rows, of = rows_of(cost, by, depth, sort, top)
    draw(lambda charts: charts.cost_by_layer(cost, rows), plot)
    if published:
        if request.set or request.input or request.batch != 1:
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
        lambda: data().layers_csv(cost, rows),
        lambda: data().json_text([data().network_object(cost, rows)]),
    )


def _tell_beside_csv(costs: Sequence[NetworkCost], format: Format | None, output: Path | None) -> None:
    """Remarks on configurations, for which a table of numbers alone has no place."""
    for cost in costs:
        if cost.remarks and chosen(format, output, Format) is Format.CSV:
            for remark in cost.remarks:
                say(f"{cost.name}: {remark}")


def data() -> ModuleType:
    """What writes CSV and JSON, which a table does without."""
    from archcalc.report.media import data

    return data


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
    if depth is not None and by in (ByChoice.STAGE, ByChoice.TYPE):
        fail("bad-option", f"--depth cuts names of layers; --by {by.value} has none to cut", "leave one of them out")
    rows: Sequence[LayerCost] = cost.layers
    if by is not ByChoice.LAYER or depth is not None:
        from archcalc.engine.groups import grouped

        rows = grouped(cost, by.value, depth)
    of = len(rows)
    if sort is not None or top is not None or by is ByChoice.TYPE:
        from archcalc.report.media.data import in_order, sortable

        column = known(sort or "macs", sortable(cost), "column")
        chosen = in_order(cost, rows, column)[:top]
        # without --sort, the largest stay where they stand in the network
        rows = chosen if sort is not None or by is ByChoice.TYPE else [row for row in rows if row in chosen]
    return rows, of


def compare_networks(names: Sequence[str]) -> None:
    """Networks side by side, as they are."""
    show_compared(analysed(names, AS_IT_IS))


def show_compared(
    costs: list[NetworkCost],
    by: ByChoice | None = None,
    depth: int | None = None,
    sort: str | None = None,
    top: int | None = None,
    scope: str | None = None,
    measured: str | None = None,
    format: Format | None = None,
    output: Path | None = None,
    units: UnitsChoice = UnitsChoice.SI,
) -> None:
    """Costs of networks side by side, their parts too; beside them, where asked for, what was measured."""
    _tell_beside_csv(costs, format, output)
    from archcalc.engine.compare import compare as compare_costs
    from archcalc.report.comparison import compared
    from archcalc.report.media import data

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

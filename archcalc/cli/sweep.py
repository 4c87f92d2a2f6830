"""The command sweep."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from archcalc.cli.completion import complete_network, complete_variable
from archcalc.cli.inputs import Request, checked, tell_remarks, words
from archcalc.cli.options import (
    NETWORK_HELP,
    BatchOption,
    DtypeOption,
    HeadsOption,
    LimitOption,
    OutputOption,
    PlotOption,
    SetOption,
    StrictOption,
    UnitsChoice,
    UnitsOption,
)
from archcalc.cli.output import (
    FINDINGS,
    chosen,
    draw,
    fail,
    guarded,
    reason,
    send,
    send_document,
    send_latex,
    writing,
    writing_stdout,
)
from archcalc.cli.page import write_page
from archcalc.cli.progress import progress

if TYPE_CHECKING:
    from archcalc.engine.sweep.parts import Store
    from archcalc.engine.sweep.plan import Plan
    from archcalc.results.sweep import Sweep


class SweepFormat(StrEnum):
    """How a sweep is written."""

    TABLE = "table"
    MARKDOWN = "markdown"
    CSV = "csv"
    JSON = "json"
    LATEX = "latex"
    PARQUET = "parquet"
    HTML = "html"


class EngineChoice(StrEnum):
    """Where a sweep is computed."""

    HERE = "here"
    DASK = "dask"


SHOWN = (SweepFormat.TABLE, SweepFormat.MARKDOWN, SweepFormat.LATEX, SweepFormat.HTML)  # the first rows alone
MOST_IN_PAGE = 2_000  # rows of a page
MOST_SHOWN = 10_000  # rows that a table or a picture may need


@guarded
def sweep(
    networks: Annotated[
        list[str],
        typer.Argument(metavar="NET...", help=NETWORK_HELP, show_default=False, autocompletion=complete_network),
    ],
    over: Annotated[
        list[str] | None,
        typer.Option(
            "--over",
            autocompletion=complete_variable,
            metavar="NAME=VALUES",
            help="A variable and its values: resolution=96:320:32 (ends included), width=0.25,0.5,1, "
            "'depth=[2,2,2,2];[3,4,6,3]', an item of a list 'kernel[3]=3,5', each item 'kernel[*]=3,5'; repeatable. "
            "In place of axes of the spec's space; without any, all of it.",
            show_default=False,
        ),
    ] = None,
    where: Annotated[
        list[str] | None,
        typer.Option(
            "--where", metavar="CONDITION", help="Keep what meets it: 'macs < 600M', 'resolution >= 128'; repeatable."
        ),
    ] = None,
    pareto: Annotated[
        str | None,
        typer.Option(
            "--pareto",
            metavar="COLUMNS",
            help="Keep what nothing else is better than in all: macs,params; the larger is better with a minus: "
            "macs,-resolution.",
        ),
    ] = None,
    sort: Annotated[
        str | None,
        typer.Option("--sort", metavar="COLUMN", help="Largest first, with a minus smallest first; texts from A."),
    ] = None,
    top: Annotated[
        int | None, typer.Option("--top", metavar="N", min=1, help="The N rows with most MACs, or first by --sort.")
    ] = None,
    sample: Annotated[
        int | None,
        typer.Option(
            "--sample",
            metavar="N",
            min=1,
            help="N configurations drawn at random, where there are more: of those that meet --where, if they can be "
            "counted.",
        ),
    ] = None,
    seed: Annotated[int, typer.Option("--seed", metavar="N", min=0, help="Of the sample.")] = 0,
    quantity: Annotated[
        list[str] | None,
        typer.Option("--quantity", metavar="NAME,...", help="Which costs: params,flops_arithmetic. Repeatable."),
    ] = None,
    set: SetOption = None,
    batch: BatchOption = 1,
    dtype: DtypeOption = "fp32",
    with_heads: HeadsOption = False,
    format: Annotated[
        SweepFormat | None,
        typer.Option("--format", help="Without it: by the ending of -o FILE, else table.", show_default=False),
    ] = None,
    output: OutputOption = None,
    plot: PlotOption = None,
    engine: Annotated[
        EngineChoice, typer.Option("--engine", help="In this process, or on the workers of a Dask cluster.")
    ] = EngineChoice.HERE,
    scheduler: Annotated[
        str | None,
        typer.Option("--scheduler", metavar="ADDRESS", help="Of the cluster; without, this machine's cores."),
    ] = None,
    units: UnitsOption = UnitsChoice.SI,
    strict: StrictOption = False,
    limit: LimitOption = None,
) -> None:
    """Compute what all configurations of networks cost.

    Exactly, and millions a second: variables that are numbers are evaluated all at once; where others decide the
    structure, each part of a network is expanded once. --top, --pareto, --where and draws that meet it are found in
    spaces of 10^20 too, without going through them. Points drawn at random are computed once more by the exact engine
    in every run. An interrupted run with -o goes on where it stopped.
    """
    from archcalc.engine.sweep.axes import axis
    from archcalc.engine.sweep.chunk import SweepMismatchError
    from archcalc.engine.sweep.plan import make_plan
    from archcalc.engine.sweep.search import searched
    from archcalc.source.extra import require

    if scheduler is not None and engine is not EngineChoice.DASK:
        fail("bad-option", "--scheduler is the address of a Dask cluster", "--engine dask")
    written_as = chosen(format, output, SweepFormat)
    if written_as is SweepFormat.HTML:
        require("jinja2", extra="page")
    if written_as is SweepFormat.PARQUET:
        require("pyarrow", extra="cluster")
        if output is None:
            fail("bad-option", "Parquet goes to a file", "-o sweep.parquet")
    arguments = checked(Request(set, None, batch, dtype, with_heads=with_heads, limit=limit))
    plan = make_plan(
        networks,
        [axis(text) for text in over or []],
        set=arguments["set"],
        quantities=words(quantity, "--quantity", "macs,params") if quantity else None,
        where=where or [],
        pareto=pareto or [],
        sort=sort,
        top=top,
        sample=sample,
        seed=seed,
        batch=batch,
        dtype=arguments["dtype"],
        with_heads=with_heads,
        limits=arguments["limits"],
    )
    announce(plan)
    tell_remarks(*networks)

    def deliver(found: Sweep) -> None:
        if strict and found.tally.lower_bounds:
            named = ", ".join(sorted(found.tally.lower_bounds))
            message, help = f"{named}: the cost of an operation is not known", "without --strict, rows are at least"
            fail("unknown-cost", message, help, FINDINGS)
        if plot is not None:
            draw_sweep(found, plot)
        deliver_sweep(found, written_as, output, units)

    try:
        found = searched(plan)
        if found is not None:
            deliver(found)
        else:
            with stored(plan, output, written_as, engine) as store:
                found = computed(plan, store, engine, scheduler, written_as in SHOWN)
                deliver(found)
    except OSError as error:
        what = f"`{output}` or a part of it" if output is not None else "a part of the result"
        fail("cannot-write", f"{what} cannot be written: {reason(error)}")
    except SweepMismatchError as error:
        fail("internal-mismatch", str(error), "please report this: it is an error of archcalc", FINDINGS)
    if not found.tally.computed - found.tally.lost:
        raise typer.Exit(FINDINGS)


def announce(plan: Plan) -> None:
    """Say on stderr which networks are left out, and which axes decide the structure."""
    from archcalc.report.sweep import deciding_text, lacking_text

    for name, variables in plan.heading.lacking.items():
        typer.echo(lacking_text(name, variables), err=True)
    for name, looped, is_apart in zip(plan.names, plan.looped, plan.apart, strict=True):
        axes = [axis for axis in plan.axes if axis.name in looped]
        if axes:
            typer.echo(deciding_text(name, axes, is_apart), err=True)


@contextmanager
def stored(plan: Plan, output: Path | None, written_as: SweepFormat, engine: EngineChoice) -> Iterator[Store | None]:
    """Where parts of the result are kept until it is written, if there is more than one.

    They are beside the file, which one process at a time may write; of what goes to stdout, in a folder for the time
    being, so that memory is bounded. What an interrupted run has made stays, and the next one goes on from it.
    """
    from archcalc.engine.sweep.parts import writing_alone
    from archcalc.source.writing import is_special

    if output is None or is_special(output):
        with passing(plan, written_as, engine) as store:
            yield store
        return
    if not output.parent.is_dir():
        fail("cannot-write", f"`{output}` cannot be written: no such folder", f"mkdir -p {output.parent}")
    with writing_alone(output):
        if written_as in SHOWN or plan.chunks == 1:
            yield None
            return
        with lasting(plan, output, written_as) as store:
            yield store


@contextmanager
def passing(plan: Plan, written_as: SweepFormat, engine: EngineChoice) -> Iterator[Store | None]:
    """Parts of what goes to no file."""
    from tempfile import TemporaryDirectory

    from archcalc.engine.sweep.parts import store_in

    # the workers of a cluster need not share a folder
    if written_as in SHOWN or plan.chunks == 1 or engine is EngineChoice.DASK:
        yield None
        return
    with TemporaryDirectory() as folder:
        yield store_in(Path(folder), plan)


@contextmanager
def lasting(plan: Plan, output: Path, written_as: SweepFormat) -> Iterator[Store]:
    """Parts beside a file, removed when it is written."""
    from archcalc.engine.sweep.parts import store_beside

    store = store_beside(output, plan, written_as is SweepFormat.PARQUET)
    there, damaged = store.tidied(plan.chunks)
    if there or damaged:
        again = f"; {damaged:,} damaged, made again" if damaged else ""
        typer.echo(f"going on: {there:,} of {plan.chunks:,} parts are there{again}", err=True)
    try:
        yield store
    except typer.Exit:  # what was computed is refused, and would be again
        store.remove()
        raise
    except BaseException:
        if Path(store.folder).exists():
            typer.echo(f"parts are in {store.folder}; the same command goes on from there", err=True)
        raise
    store.remove()


def computed(plan: Plan, store: Store | None, engine: EngineChoice, scheduler: str | None, is_shown: bool) -> Sweep:
    """Compute a plan, with a bar on a terminal; what is only shown needs the first rows alone."""
    most = MOST_SHOWN if is_shown else None
    with progress(plan.points, "configurations") as tell:

        def told(done: int) -> None:
            tell(done, "sweep")

        if engine is EngineChoice.DASK:
            from archcalc.engine.sweep.cluster import collected_on_dask

            return collected_on_dask(plan, store, told, most, scheduler)
        from archcalc.engine.sweep.run import collected

        return collected(plan, store, told, most)


def deliver_sweep(found: Sweep, written_as: SweepFormat, output: Path | None, units: UnitsChoice) -> None:
    """Write a sweep, piece by piece."""
    from archcalc.report import sweep as report
    from archcalc.report.media.markdown import markdown

    match written_as:
        case SweepFormat.TABLE:
            send_document(report.swept(found, units.value), output)
        case SweepFormat.MARKDOWN:
            send(markdown(report.swept(found, units.value)), output)
        case SweepFormat.LATEX:
            send_latex(report.swept(found, units.value), output)
        case SweepFormat.HTML:
            from archcalc.report.page.page import document_page

            document = report.swept(found, "raw", MOST_IN_PAGE)
            write_page(document_page(document, f"{' and '.join(found.heading.networks)}: a sweep", True), output)
        case SweepFormat.CSV:
            send_pieces(report.csv_pieces(found), output)
        case SweepFormat.JSON:
            send_pieces(report.json_pieces(found), output)
        case SweepFormat.PARQUET:
            assert output is not None
            with writing_file(output) as made:
                report.write_parquet(found, made)
    if output is not None or written_as is SweepFormat.CSV:
        tell_left_out(found)


def draw_sweep(found: Sweep, path: Path) -> None:
    """Draw cost along an axis; a picture of very many configurations is none."""
    try:
        draw(lambda charts: charts.cost_along(found), path)
    except ValueError as error:
        fail("too-many-points", str(error), "--where, --pareto or a larger step leaves fewer")


def tell_left_out(found: Sweep) -> None:
    """Say on stderr what a file of rows does not."""
    from archcalc.report.sweep import told

    for line in told(found):
        typer.echo(line, err=True)


def send_pieces(pieces: Iterator[str], output: Path | None) -> None:
    """Write a text that is made piece by piece to stdout, or to a file: whole or not at all."""
    if output is None:
        import sys

        with writing_stdout():
            for piece in pieces:
                sys.stdout.write(piece)
            sys.stdout.flush()
        return
    with writing_file(output) as made, made.open("w", encoding="utf-8", newline="\n") as file:
        file.writelines(pieces)


@contextmanager
def writing_file(output: Path) -> Iterator[Path]:
    """A path to write to that becomes the file; an error of the system is a diagnostic."""
    from archcalc.source.writing import writing_whole

    with writing(output), writing_whole(output) as made:
        yield made

"""Commands that turn the question round: solve and scale."""

from __future__ import annotations

from collections.abc import Sequence
from fractions import Fraction
from typing import TYPE_CHECKING, Annotated

import typer

from archcalc.cli.completion import complete_limit, complete_quantity, complete_variable
from archcalc.cli.inputs import known, pairs, positive_number, settings, tell_remarks, words
from archcalc.cli.options import (
    BatchOption,
    DtypeOption,
    FormatOption,
    HeadsOption,
    NetworkName,
    OutputOption,
    SetOption,
    UnitsChoice,
    UnitsOption,
)
from archcalc.cli.output import deliver, fail, guarded

if TYPE_CHECKING:
    from archcalc.results.budget import Limit

MaximumOption = Annotated[
    list[str] | None,
    typer.Option(
        "--max",
        metavar="QUANTITY=AMOUNT",
        help="A limit: macs=2G, params=5M, size_bytes=30MiB; repeatable.",
        autocompletion=complete_limit,
    ),
]


@guarded
def solve(
    network: NetworkName,
    variable: Annotated[
        str,
        typer.Option(
            "--for",
            metavar="NAME",
            help="The variable to find: resolution, width.",
            show_default=False,
            autocompletion=complete_variable,
        ),
    ],
    maximum: MaximumOption = None,
    like: Annotated[
        str | None,
        typer.Option(
            "--like", metavar="NET", help="At most what that network costs, in --quantity.", show_default=False
        ),
    ] = None,
    quantity: Annotated[
        list[str] | None,
        typer.Option(
            "--quantity",
            metavar="NAME,...",
            help="What --like compares: macs, params, ... [macs]",
            autocompletion=complete_quantity,
        ),
    ] = None,
    step: Annotated[
        str | None, typer.Option("--step", metavar="N", help="Only multiples of it: 32, 1/8.", show_default=False)
    ] = None,
    set: SetOption = None,
    batch: BatchOption = 1,
    dtype: DtypeOption = "fp32",
    with_heads: HeadsOption = False,
    format: FormatOption = None,
    output: OutputOption = None,
    units: UnitsOption = UnitsChoice.RAW,
) -> None:
    """Find the largest value of a variable that a budget allows.

    The largest resolution within 2 G MACs: `archcalc solve resnet50 --for resolution --max macs=2G`. The width at
    which one network costs what another does: `archcalc solve vgg16 --for width --like resnet50`. How many positions
    a cache may hold: `archcalc solve llama3_8b --for past --max state_bytes=16GiB --dtype bf16`.
    """
    from archcalc.engine.limits.budget import known_quantity, limit_of, quantity_of
    from archcalc.engine.limits.solve import solve as solve_for
    from archcalc.engine.network import analyze, load
    from archcalc.report.media import data
    from archcalc.report.solution import solved, solved_object, solved_rows
    from archcalc.results.budget import Limit
    from archcalc.results.cost import DTYPES

    known(dtype, DTYPES, "dtype")
    limits = [limit_of(name, text) for name, text in pairs(maximum or [], "--max", "macs=2G")]
    if quantity and like is None:
        fail("bad-option", "--quantity says what --like compares, and --like is not given", "--max macs=2G")
    if like is not None:
        other = analyze(like, batch, dtype=dtype, with_heads=with_heads)
        for name in words(quantity or ["macs"], "--quantity", "macs,params"):
            value = quantity_of(other, known_quantity(name))
            limits.append(Limit(name, value, f"{other.name}'s {value:,}"))
    if not limits:
        fail("no-limit", "there is no limit to keep to", "--max macs=2G, or --like NET")
    found = solve_for(load(network), variable, limits, _step(step), settings(set or []), with_heads, batch, dtype)
    tell_remarks(network)
    deliver(
        format,
        output,
        lambda: solved(found, units.value),
        lambda: data.csv_text(solved_rows(found)),
        lambda: data.json_lines(data.versioned(solutions=[solved_object(found)])),
    )


@guarded
def scale(
    network: NetworkName,
    maximum: MaximumOption = None,
    factor: Annotated[
        list[str] | None,
        typer.Option(
            "--factor",
            metavar="NAME=BASE",
            help="What a variable is scaled by, to the power of phi; repeatable. "
            "[depth=1.2 width=1.1 resolution=1.15, where the spec has them]",
        ),
    ] = None,
    step: Annotated[
        list[str] | None,
        typer.Option("--step", metavar="NAME=N", help="A variable takes multiples of it: resolution=32; repeatable."),
    ] = None,
    by: Annotated[str, typer.Option("--by", metavar="PHI", help="Phi from one row to the next.")] = "0.5",
    grid: Annotated[
        str | None,
        typer.Option(
            "--grid",
            metavar="FIRST:LAST:STEP",
            help="Instead, every combination of bases among these, at phi 1, that fits.",
            show_default=False,
        ),
    ] = None,
    set: SetOption = None,
    format: FormatOption = None,
    output: OutputOption = None,
    units: UnitsOption = UnitsChoice.SI,
) -> None:
    """Scale depth, width and resolution at once, up to a budget.

    As EfficientNet is scaled (Tan and Le 2019): each variable by its base to the power of phi.
    """
    from archcalc.engine.limits.budget import limit_of
    from archcalc.engine.limits.scale import grid as search
    from archcalc.engine.limits.scale import scale as scale_by
    from archcalc.engine.network import load
    from archcalc.report.media import data
    from archcalc.report.solution import scaled, scaled_rows

    limits: Sequence[Limit] = [limit_of(name, text) for name, text in pairs(maximum or [], "--max", "macs=2G")]
    factors = {name: _positive(text, "--factor", "depth=1.2") for name, text in pairs(factor or [], "--factor", "n=2")}
    steps = {name: _positive(text, "--step", "width=1/8") for name, text in pairs(step or [], "--step", "width=1/8")}
    given = settings(set or [])
    if grid is None:
        found = scale_by(load(network), limits, factors or None, steps, _positive(by, "--by", "0.5"), given)
    else:
        found = search(load(network), limits, _between(grid), factors or None, steps, given)
    tell_remarks(network)
    deliver(
        format,
        output,
        lambda: scaled(found, units.value),
        lambda: data.csv_text(scaled_rows(found)),
        lambda: data.json_lines(data.versioned(scaled=scaled_rows(found))),
    )


def _step(text: str | None) -> Fraction | None:
    return None if text is None else _positive(text, "--step", "32")


def _between(text: str) -> list[Fraction]:
    from archcalc.engine.limits.scale import fractions_between

    parts = text.split(":")
    if len(parts) != 3:
        fail("bad-option", f"--grid takes FIRST:LAST:STEP, not `{text}`", "--grid 1:1.4:0.1")
    first, last, step = (_positive(part, "--grid", "1:1.4:0.1") for part in parts)
    if (last - first) / step > 1000:
        fail("bad-option", f"--grid `{text}` is more than 1,000 values", "--grid 1:1.4:0.1")
    return list(fractions_between(first, last, step))


def _positive(text: str, option: str, sample: str) -> Fraction:
    found = positive_number(text)
    if found is None:
        fail("bad-option", f"{option} takes a number above 0, not `{text}`", f"{option} {sample}")
    return found

"""Commands about other tools' figures: reconcile, conventions."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from archcalc.cli.inputs import known, sizes, words
from archcalc.cli.options import FormatOption, InputOption, NetworkName, OutputOption, UnitsChoice, UnitsOption
from archcalc.cli.output import FINDINGS, complain, deliver, fail, guarded
from archcalc.cli.progress import progress

if TYPE_CHECKING:
    from archcalc.results.claim import ClaimResult

ToolsOption = Annotated[
    str | None,
    typer.Option(
        "--tools",
        metavar="A,B",
        help="Only these, by the names of their conventions; also ultralytics_thop, torchlens, torchscan, onnx_tool.",
    ),
]
AgainstOption = Annotated[
    str | None,
    typer.Option("--against", metavar="paper", help="paper: what papers print of its params, MACs and FLOPs, too."),
]
RecordedOption = Annotated[
    bool, typer.Option("--recorded", help="Take what was recorded of tools, and run those alone that have nothing.")
]
LibraryOption = Annotated[
    str | None,
    typer.Option("--library", metavar="NAME", help="Run the tools on the model of transformers, timm or diffusers."),
]


@guarded
def reconcile(
    network: NetworkName,
    tools: ToolsOption = None,
    against: AgainstOption = None,
    recorded: RecordedOption = False,
    library: LibraryOption = None,
    input: InputOption = None,
    format: FormatOption = None,
    output: OutputOption = None,
    units: UnitsOption = UnitsChoice.SI,
) -> None:
    """Say why other tools print other numbers, to the last integer.

    Tools that are installed are run on torchvision's model of the network, or on our own, or with --library on that
    of transformers, timm or diffusers; of the others there are recorded figures. Exit code 1 says that a number is
    not explained.
    """
    from archcalc.engine.cost.conventions import FURTHER_TOOLS, TOOLS
    from archcalc.engine.network import load
    from archcalc.report.media import data
    from archcalc.report.reconciliation import reconciled, reconciliation_object, rows

    names = [convention.name for convention in TOOLS]
    wanted = words([tools], "--tools", "fvcore,thop") if tools is not None else names
    chosen = [known(name, [*names, *(each.name for each in FURTHER_TOOLS)], "tool") for name in wanted]
    if library is not None:
        known(library, ["transformers", "timm", "diffusers"], "library")
    if against is not None:
        known(against, ["paper"], "opponent")
    found = load(network)
    from archcalc.torch_bridge.counters.reconcile import reconcile as run

    with progress(len(chosen)) as tell:
        result = run(found, chosen, recorded, tell, sizes(input), library or "")
    if not result.tools:
        listed = "; ".join(f"{name}: {why}" for name, why in result.missing.items())
        fail("no-figure", f"no tool has a figure for {result.network}", listed, FINDINGS)
    claims = published(result.network) if against else None
    deliver(
        format,
        output,
        lambda: reconciled(result, units.value, claims),
        lambda: data.csv_text(rows(result)),
        lambda: data.json_lines(data.versioned(reconciliation=reconciliation_object(result, claims))),
    )
    unexplained = [tool for tool in result.tools if tool.difference]
    if unexplained:
        from archcalc.source import Diagnostic

        complain(
            [
                Diagnostic(
                    "unexplained",
                    f"{tool.name} {tool.figure.version} prints {tool.figure.number:,} for {result.network}; "
                    f"{tool.explained:,} is explained",
                )
                for tool in unexplained
            ]
        )
        raise typer.Exit(FINDINGS)


def published(network: str) -> list[ClaimResult]:
    """What others print of the params, MACs and FLOPs of a whole network."""
    from archcalc.claims.check import figures_of

    return [
        result
        for result in figures_of(network)
        if result.claim.quantity in ("params", "macs", "flops") and not result.claim.at
    ]


@guarded
def conventions(format: FormatOption = None, output: OutputOption = None) -> None:
    """List the conventions: whose FLOPs they are, what they count.

    With each stands where in its source that is written.
    """
    from archcalc.engine.cost.conventions import CONVENTIONS
    from archcalc.report.media import data
    from archcalc.report.reconciliation import convention_object, convention_rows, listed_conventions

    found = list(CONVENTIONS.values())
    deliver(
        format,
        output,
        lambda: listed_conventions(found),
        lambda: data.csv_text(convention_rows(found)),
        lambda: data.json_lines(data.versioned(conventions=[convention_object(each) for each in found])),
    )

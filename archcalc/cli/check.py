"""Commands about published figures: check, sources."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from archcalc.cli.completion import complete_limit, complete_network
from archcalc.cli.inputs import Request, known
from archcalc.cli.options import (
    BatchOption,
    CheckFormat,
    DtypeOption,
    FormatOption,
    HeadsOption,
    InputOption,
    OutputOption,
    SetOption,
    StateDtypeOption,
    StepOption,
)
from archcalc.cli.output import FINDINGS, USAGE, chosen, complain, deliver, fail, guarded, send, send_document

if TYPE_CHECKING:
    from archcalc.results.claim import Claim, Ledger


LedgerOption = Annotated[
    Path | None,
    typer.Option(
        "--ledger", metavar="FOLDER", help="A ledger of your own: a folder of claims, or one file.", show_default=False
    ),
]


@guarded
def check(
    networks: Annotated[
        list[str] | None,
        typer.Argument(
            metavar="NET_OR_FILE...",
            help="Networks whose own numbers are guarded; without any, published figures are checked.",
            show_default=False,
            autocompletion=complete_network,
        ),
    ] = None,
    source: Annotated[
        str | None, typer.Option("--source", metavar="S", help="Figures of one source: `archcalc sources`.")
    ] = None,
    network: Annotated[
        str | None,
        typer.Option("--network", metavar="NET", help="Figures of one network.", autocompletion=complete_network),
    ] = None,
    verdict: Annotated[
        str | None,
        typer.Option(
            "--verdict", metavar="V", help="reproduces, rounds, differs, not_computable, quoted, broken or stale."
        ),
    ] = None,
    ledger: LedgerOption = None,
    maximum: Annotated[
        list[str] | None,
        typer.Option(
            "--max", metavar="NAME=VALUE", help="What a network may cost: params=7M.", autocompletion=complete_limit
        ),
    ] = None,
    baseline: Annotated[
        list[Path] | None,
        typer.Option("--baseline", metavar="FILE", help="A table of archcalc that must still be true; repeatable."),
    ] = None,
    set: SetOption = None,
    input: InputOption = None,
    batch: BatchOption = 1,
    dtype: DtypeOption = "fp32",
    with_heads: HeadsOption = False,
    step: StepOption = False,
    state_dtype: StateDtypeOption = None,
    format: Annotated[
        CheckFormat | None,
        typer.Option("--format", help="For people, programs, CI, or GitHub Actions.", show_default=False),
    ] = None,
    output: OutputOption = None,
) -> None:
    """Check published figures, or guard your own numbers.

    Every figure of the ledger is computed again; exit code 1 says that one is broken or stale. With networks, `--max`
    or `--baseline` it is your networks that are held to budgets and baselines, with `--set`, `--input`, `--batch`,
    `--dtype`, `--state-dtype`, `--with-heads` and `--step` as they are given.
    """
    request = Request(set, input, batch, dtype, with_heads=with_heads, step=step, state_dtype=state_dtype)
    if request != Request() and not networks:
        options = "--set, --input, --batch, --dtype, --state-dtype, --with-heads and --step"
        message = f"{options} say how networks are counted, and no network is given"
        fail("no-network", message, "archcalc check NET --max macs=4G --batch 8")
    if networks or maximum or baseline:
        for name, given in (("--source", source), ("--network", network), ("--verdict", verdict), ("--ledger", ledger)):
            if given is not None:
                fail("bad-option", f"{name} is for published figures, not for networks of your own", "leave it out")
        from archcalc.cli.guards import guard

        guard(networks or [], request, maximum or [], baseline or [], chosen(format, output, CheckFormat), output)
        return
    found = checked(ledger, source, network, verdict)
    if found.results or not found.findings:
        written(found, format, output)
    if found.findings:
        complain(list(found.findings))
        raise typer.Exit(USAGE)
    if found.fails:
        raise typer.Exit(FINDINGS)


def checked(ledger: Path | None, source: str | None, network: str | None, verdict: str | None) -> Ledger:
    """The ledger, or the part that is asked for."""
    from archcalc.claims.check import check_ledger
    from archcalc.claims.read import same_network
    from archcalc.results.claim import STATUSES

    if verdict is not None:
        verdict = known(verdict.lower().replace("-", "_").replace(" ", "_"), STATUSES, "verdict")
    filters: list[Callable[[Claim], bool]] = []
    if network is not None:
        wanted = network
        filters.append(lambda claim: any(same_network(name, wanted) for name in claim.networks))
    if source is not None:
        filters.append(lambda claim: claim.source.citekey == source)
    found = check_ledger(ledger, lambda claim: all(passes(claim) for passes in filters))
    if found.findings:  # what is asked for may be in a file that does not read
        return found
    if source is not None:
        known(source, [of.citekey for of in found.sources], "source")
    if network is not None and not found.results:
        fail("no-figure", f"the ledger has no figure of `{network}`", "archcalc list; archcalc sources")
    return found if verdict is None else kept(found, verdict)


def kept(ledger: Ledger, status: str) -> Ledger:
    """The claims of a status."""
    return ledger._replace(results=[result for result in ledger.results if result.status == status])


def written(ledger: Ledger, format: CheckFormat | None, output: Path | None) -> None:
    """Render the ledger, and send it where it was asked for."""
    from archcalc.report.claim import CLAIM_COLUMNS, claim_object, claim_row, counted
    from archcalc.report.media import data
    from archcalc.report.pages import ledger as render

    match chosen(format, output, CheckFormat):
        case CheckFormat.TABLE:
            send_document(render.checked(ledger), output)
        case CheckFormat.MARKDOWN:
            from archcalc.report.media.markdown import markdown

            send(markdown(render.checked(ledger)), output)
        case CheckFormat.CSV:
            send(data.csv_text(map(claim_row, ledger.results), CLAIM_COLUMNS), output)
        case CheckFormat.JSON:
            rows = [claim_object(result) for result in ledger.results]
            send(data.json_lines(data.versioned(summary=counted(ledger.results), claims=rows)), output)
        case CheckFormat.JUNIT:
            from archcalc.report.media.junit import junit

            send(junit(render.suites(ledger)), output)
        case CheckFormat.GITHUB:
            from archcalc.source import to_github

            text = to_github(render.diagnostics(ledger))
            send(f"{text}\n" if text else "", output)


@guarded
def sources(
    ledger: LedgerOption = None,
    format: FormatOption = None,
    output: OutputOption = None,
) -> None:
    """List the sources of published figures."""
    from archcalc.claims.check import check_ledger
    from archcalc.report.media import data
    from archcalc.report.sources import source_rows, sources_listed

    found = check_ledger(ledger)
    rows = source_rows(found)
    deliver(
        format,
        output,
        lambda: sources_listed(found),
        lambda: data.csv_text(rows),
        lambda: data.json_lines(data.versioned(sources=rows)),
    )
    if found.findings:
        complain(list(found.findings))
        raise typer.Exit(USAGE)

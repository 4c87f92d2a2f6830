"""The command that holds networks against their real models: verify."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from archcalc.cli.inputs import for_each, known, settings, sizes, words
from archcalc.cli.options import (
    NETWORK_HELP,
    FormatOption,
    InputOption,
    OutputOption,
    SetOption,
    UnitsChoice,
    UnitsOption,
    complete_network,
)
from archcalc.cli.output import FINDINGS, deliver, fail, guarded
from archcalc.cli.progress import progress

if TYPE_CHECKING:
    from archcalc.engine.network import Network


@guarded
def verify(
    networks: Annotated[
        list[str] | None,
        typer.Argument(metavar="NET ...", help=NETWORK_HELP, show_default=False, autocompletion=complete_network),
    ] = None,
    all: Annotated[bool, typer.Option("--all", help="All networks of the library.")] = False,
    against: Annotated[
        str | None,
        typer.Option("--against", metavar="A,B", help="torch, fvcore, torchvision; without it all of them."),
    ] = None,
    export: Annotated[bool, typer.Option("--export", help="Let each model go through torch.export too.")] = False,
    jobs: Annotated[int, typer.Option("--jobs", metavar="N", min=1, help="Networks at once, in processes.")] = 1,
    set: SetOption = None,
    input: InputOption = None,
    layers: Annotated[bool, typer.Option("--layers", help="Show every check, layer by layer.")] = False,
    format: FormatOption = None,
    output: OutputOption = None,
    units: UnitsOption = UnitsChoice.SI,
) -> None:
    """Hold networks against real models, to the last integer.

    The torch model of each network is built, run and trained for a step without memory. Compared are, operation by
    operation, output shapes, parameters, buffers, gradients, MACs as FlopCounterMode and fvcore count them, and
    receptive fields as gradients show them; and the whole with torchvision's definition, where it has one. What
    another tool does not count is known by name; nothing is equal within a tolerance. A file means all its networks.
    With --set, torchvision's definition is left out unless only the input changes.
    Exit code 1 says that something differs, or that nothing could be compared.
    """
    from archcalc.report.media import data
    from archcalc.report.verification import rows, verification_object, verified

    found = asked_for(networks or [], all)
    chosen = tools(against)
    from archcalc.torch_bridge.verify.verify import verify_all

    with progress(len(found)) as tell:
        result = verify_all(found, chosen, export, tell, jobs, settings(set or []), sizes(input))
    deliver(
        format,
        output,
        lambda: verified(result, units.value, layers),
        lambda: data.csv_text(rows(result, layers)),
        lambda: data.json_lines(data.versioned(verification=verification_object(result, layers))),
    )
    if result.differences or not result.agreement.checks:
        raise typer.Exit(FINDINGS)


def tools(against: str | None) -> list[str]:
    """Tools that were named; without a name all, but for torchvision where it is not installed.

    Raises:
        MissingExtraError: one is not installed.
    """
    from archcalc.results.verification import TOOLS
    from archcalc.source.extra import MissingExtraError, require

    if against is not None:
        chosen = [known(name, TOOLS, "tool") for name in words([against], "--against", "torch,fvcore")]
        require("torch", *chosen)
        return [tool for tool in TOOLS if tool in chosen]
    require("torch", "fvcore")
    try:
        require("torchvision")
    except MissingExtraError as error:
        typer.echo(f"left out: torchvision, which is not installed ({error.line})", err=True)
        return [tool for tool in TOOLS if tool != "torchvision"]
    return list(TOOLS)


def asked_for(names: list[str], everything: bool) -> list[Network]:
    """The networks: those of the library, or those named; a file means all that are in it.

    Raises:
        SpecError: everything that is wrong with any of the names and files.
    """
    from archcalc.engine.library import networks_of
    from archcalc.spec.library import all_names

    if everything == bool(names):
        fail("bad-option", "verify takes names of networks, or --all", "archcalc verify resnet50")
    found = for_each(all_names() if everything else names, networks_of)
    return [network for networks in found.values() for network in networks]

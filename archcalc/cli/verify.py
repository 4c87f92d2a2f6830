"""The command that holds networks against their real models: verify."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from archcalc.cli.completion import complete_network
from archcalc.cli.inputs import for_each, known, settings, sizes, words
from archcalc.cli.options import (
    NETWORK_HELP,
    FormatOption,
    InputOption,
    OutputOption,
    SetOption,
    UnitsChoice,
    UnitsOption,
)
from archcalc.cli.output import FINDINGS, deliver, fail, guarded
from archcalc.cli.progress import progress

if TYPE_CHECKING:
    from collections.abc import Callable

    from archcalc.engine.network import Network


@guarded
def verify(
    networks: Annotated[
        list[str] | None,
        typer.Argument(metavar="NET ...", help=NETWORK_HELP, show_default=False, autocompletion=complete_network),
    ] = None,
    all: Annotated[bool, typer.Option("--all", help="All networks of the library.")] = False,
    most_params: Annotated[
        str | None, typer.Option("--most-params", metavar="N", help="Of all, those of N parameters or fewer: 3G.")
    ] = None,
    against: Annotated[
        list[str] | None,
        typer.Option(
            "--against",
            metavar="A,B|FILE:MODEL",
            help="torch, fvcore, torchvision, transformers, timm, diffusers; without it all that are there; or a model "
            "of your own: mymodule.py:Net(3).",
        ),
    ] = None,
    values: Annotated[
        bool, typer.Option("--values", help="Compare outputs too, with torchvision's or your model's weights in ours.")
    ] = False,
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
    A model of your own is a class or function in a file or module, or a call of one: mymodule.py:Net(3),
    package.module:factory(). Compared are its parameters by shape, its counts, the shapes of its outputs, and with
    --values its outputs, which are equal bit for bit or but for rounding; it runs as a copy, for inference.
    With --set, torchvision's definition is left out unless only the input changes.
    Exit code 1 says that something differs, or that nothing could be compared.
    """
    from archcalc.report.media import data
    from archcalc.report.verification import rows, verification_object, verified

    found = asked_for(networks or [], all, most_params)
    chosen = held_against(against or [], found, values)
    from archcalc.torch_bridge.verify.verify import verify_all

    with progress(len(found)) as tell:
        result = verify_all(found, chosen, export, tell, jobs, settings(set or []), sizes(input), values)
    deliver(
        format,
        output,
        lambda: verified(result, units.value, layers),
        lambda: data.csv_text(rows(result, layers)),
        lambda: data.json_lines(data.versioned(verification=verification_object(result, layers))),
    )
    if result.differences or not result.agreement.checks:
        raise typer.Exit(FINDINGS)


def held_against(given: list[str], networks: list[Network], values: bool) -> list[str]:
    """Tools that were named, and places of models; without any all tools, but for torchvision where there is none.

    Raises:
        MissingExtraError: one is not installed.
    """
    from archcalc.results.verification import OPTIONAL, TOOLS
    from archcalc.source.extra import MissingExtraError, require

    models = [text.strip() for text in given if ":" in text or text.strip().endswith(".py")]
    if models and len(networks) > 1:
        names = ", ".join(network.name for network in networks[:5])
        help = f"name one of them: {names}{', ...' * (len(networks) > 5)}"
        fail("bad-option", f"a model is held against one network, not {len(networks)}", help)
    if len(models) > 1:
        fail("bad-option", f"a network is held against one model, not {len(models)}")
    named = [text for text in given if text.strip() not in models]
    if values and named and not models and "torchvision" not in ",".join(named):
        help = "--against torchvision, or a model of your own: mymodule.py:Net(3)"
        fail("bad-option", "--values compares with a model that has weights", help)
    if given:
        chosen = [known(name, TOOLS, "tool") for name in words(named, "--against", "torch,fvcore")] if named else []
        require("torch", *chosen)
        return [*(tool for tool in TOOLS if tool in chosen), *models]
    require("torch", "fvcore")
    missing = []
    for tool in OPTIONAL:
        try:
            require(tool, extra="torch" if tool == "torchvision" else "zoo")
        except MissingExtraError as error:
            missing.append(tool)
            if tool == "torchvision" or any(map(is_defined_by(tool), networks)):
                typer.echo(f"left out: {tool}, which is not installed ({error.line})", err=True)
    return [tool for tool in TOOLS if tool not in missing]


def is_defined_by(tool: str) -> Callable[[Network], bool]:
    """Whether a library has a definition of a network."""
    from archcalc.torch_bridge.model.definitions import definition_of
    from archcalc.torch_bridge.zoo.definitions import zoo_model

    if tool == "torchvision":
        return lambda network: definition_of(network) is not None
    return lambda network: (model := zoo_model(network)) is not None and model.library == tool


def asked_for(names: list[str], everything: bool, most: str | None = None) -> list[Network]:
    """The networks: those of the library, or those named; a file means all that are in it.

    Of the library, those that have at most so many parameters, where that is said.

    Raises:
        SpecError: everything that is wrong with any of the names and files.
    """
    from archcalc.engine.cost.analyze import total
    from archcalc.engine.library import networks_of
    from archcalc.spec.budget import exact_amount
    from archcalc.spec.library import all_names

    if everything == bool(names):
        fail("bad-option", "verify takes names of networks, or --all", "archcalc verify resnet50")
    found = for_each(all_names() if everything else names, networks_of)
    every = [network for networks in found.values() for network in networks]
    if most is None:
        return every
    amount = exact_amount(most, "params")
    if amount is None:
        fail("bad-option", f"`{most}` is no number of parameters", "--most-params 3G")
    return [network for network in every if total(network.graph()).params <= amount]

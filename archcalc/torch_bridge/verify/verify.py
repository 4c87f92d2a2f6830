"""A network held against what others count of it: whole numbers, exactly."""

from __future__ import annotations

import gc
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import ProcessPoolExecutor
from contextlib import ExitStack, contextmanager, redirect_stdout
from functools import partial
from importlib.metadata import version
from importlib.util import find_spec
from multiprocessing import get_context
from typing import Any

from torch import nn

from archcalc.engine.cost.analyze import total
from archcalc.engine.inputs import Given
from archcalc.engine.library import NetworkText, network_of, text_of
from archcalc.engine.network import AnyNetwork, Network, load
from archcalc.graph import Graph
from archcalc.results.cost import shape_list
from archcalc.results.verification import MODEL, OPTIONAL, TOOLS, Check, NetworkVerification, Verification
from archcalc.source.extra import require
from archcalc.spec.expression import free_names
from archcalc.torch_bridge.counters.threads import one_thread
from archcalc.torch_bridge.model.definitions import definition_of
from archcalc.torch_bridge.model.reference import is_reference, referred
from archcalc.torch_bridge.verify.against_fvcore import fvcore_checks
from archcalc.torch_bridge.verify.against_model import own_model_checks
from archcalc.torch_bridge.verify.against_torch import export_checks, torch_checks
from archcalc.torch_bridge.verify.against_torchvision import torchvision_checks
from archcalc.torch_bridge.verify.against_zoo import zoo_checks
from archcalc.torch_bridge.verify.faults import judge_totals
from archcalc.torch_bridge.zoo.definitions import zoo_model

Checks = Callable[..., Iterator[Check]]  # of a name and a graph; those of models may compare values too
_CHECKS: dict[str, Checks] = {
    "torch": torch_checks,
    "fvcore": fvcore_checks,
    "torchvision": torchvision_checks,
    "transformers": partial(zoo_checks, library="transformers"),
    "timm": partial(zoo_checks, library="timm"),
    "diffusers": partial(zoo_checks, library="diffusers"),
}


def verify(
    network: AnyNetwork,
    against: str | nn.Module | Sequence[str | nn.Module] | None = None,
    export: bool = False,
    set: Mapping[str, Any] | None = None,
    input: Given = None,
    values: bool = False,
) -> NetworkVerification:
    """Build the torch model of a network, and compare everything that can be compared.

    What torch refuses is a difference as well: its message stands in the place of its figure. torchvision's definition
    is one of the network as its spec has it, at any input: it is left out where other variables are set.

    Args:
        network: a name, a file, or what `load` gave.
        against: which of torch, fvcore, torchvision, transformers, timm and diffusers, without it all that are
            installed; or a model, or its place: `mymodule.py:Net(3)`. It stays as it was: what runs is a copy, for
            inference.
        export: let it go through `torch.export` too.
        set: values of variables of the spec: `{"resolution": 193}`.
        input: another input than the spec's, channels first: `(3, 193, 193)`.
        values: compare outputs too, with the weights of torchvision's or the given model in ours.

    Raises:
        SpecError: an unknown name, the place where the spec is wrong, or why there is no such model.
        MissingExtraError: one of them is not installed.
    """
    named, models = parted(installed_tools() if against is None else against)
    require("torch", *named)
    network = load(network)
    graph = network.graph(set, input)
    of_inputs = {name for placed in network.spec.inputs.values() for name in free_names(placed.expression)}
    definition = definition_of(network)
    is_at_its_input = definition is not None and definition.only_at in ((), tuple(shape_list(graph.input)))
    is_as_defined = is_at_its_input and {*(set or {})} <= of_inputs
    theirs = zoo_model(network) if not set and input is None else None
    defined = {"torchvision": is_as_defined, **({theirs.library: True} if theirs else {})}
    tools = [tool for tool in named if tool not in OPTIONAL or defined.get(tool)]
    with ExitStack() as stack:
        own = [stack.enter_context(referred(each)) if isinstance(each, str) else each for each in models]
        if models:
            stack.enter_context(redirect_stdout(sys.stderr))  # what their code prints while it runs
        return verify_graph(network.name, graph, tools, export, own, values)


def installed_tools() -> list[str]:
    """All tools, but for libraries with definitions of their own that are not installed."""
    return [tool for tool in TOOLS if tool not in OPTIONAL or find_spec(tool)]


def parted(against: str | nn.Module | Sequence[str | nn.Module]) -> tuple[list[str], list[str | nn.Module]]:
    """Names of tools, and models or their places."""
    given = [against] if isinstance(against, (str, nn.Module)) else list(against)
    models = [each for each in given if isinstance(each, nn.Module) or is_reference(each)]
    return [each for each in given if isinstance(each, str) and each not in models], models


def verify_graph(
    name: str,
    graph: Graph,
    against: Sequence[str] = TOOLS,
    export: bool = False,
    models: Sequence[nn.Module] = (),
    values: bool = False,
) -> NetworkVerification:
    """The same for an expanded graph; its name says what torchvision has to be like it."""
    totals = total(graph, with_heads=False)
    sizes = (len(list(graph.layers())), len(graph.nodes), totals.params, totals.macs)
    result = NetworkVerification(name, *sizes, totals.at_least)
    chosen = [(tool, "runs", _CHECKS[tool]) for tool in TOOLS if tool in against]
    chosen += [(MODEL, "runs", partial(own_model_checks, model=model)) for model in models]
    if values:
        chosen = [(tool, does, _with_values(tool, checks)) for tool, does, checks in chosen]
    if export:
        chosen.append(("torch", "exports", export_checks))
    with one_thread():
        for tool, does, checks in chosen:
            try:
                result.checks.extend(checks(name, graph))
            except Exception as error:  # whatever it is that another library raises
                message = f"{type(error).__name__}: {error}".partition("\n")[0]
                result.checks.append(Check(name, tool, "", does, does, message, "differs"))
    result.checks = judge_totals(result.checks)
    return result


def _with_values(tool: str, checks: Checks) -> Checks:
    return partial(checks, values=True) if tool in (MODEL, "torchvision") else checks


def verify_all(
    networks: Sequence[Network],
    against: Sequence[str] = TOOLS,
    export: bool = False,
    tell: Callable[[float, str], None] = lambda done, name: None,
    jobs: int = 1,
    set: Mapping[str, Any] | None = None,
    input: Given = None,
    values: bool = False,
) -> Verification:
    """Verify networks one after the other, or so many at once in processes of their own, with the same result.

    `tell` hears how many are done, and which comes next.

    Raises:
        SpecError: the place where a spec is wrong.
        MissingExtraError: a tool is not installed.
    """
    found: list[NetworkVerification] = []
    one = partial(_verified, against=against, export=export, set=set, input=input, values=values)
    with _verifications(networks, one, jobs) as verifications:
        for done, network in enumerate(networks):
            tell(done, f"{network.name}, {done + 1} of {len(networks)}")
            found.append(next(verifications))
    tools, models = parted(against)
    # A library that defines none of them is no column.
    tools = [tool for tool in tools if tool not in OPTIONAL[1:] or any(each.of(tool) for each in found)]
    versions = {tool: version(tool) for tool in TOOLS if tool in tools or tool == "torch"}
    settings = {name: str(value) for name, value in (set or {}).items()}
    shown = (*tools, *([MODEL] if models else []))
    extents = "x".join(map(str, input or ()))
    return Verification(found, shown, versions, export, settings, extents, ", ".join(map(str, models)))


@contextmanager
def _verifications(
    networks: Sequence[Network], one: Callable[[Network], NetworkVerification], jobs: int
) -> Iterator[Iterator[NetworkVerification]]:
    """Those of the networks in their order, as they come."""
    if jobs == 1:
        _leave_alone_what_is_there()
        try:
            yield map(one, networks)
        finally:
            gc.unfreeze()
        return
    spawn = get_context("spawn")  # torch's threads do not live through a fork
    with ProcessPoolExecutor(jobs, spawn, _leave_alone_what_is_there) as pool:
        try:
            yield pool.map(partial(_sent, one), map(text_of, networks))
        finally:
            pool.shutdown(cancel_futures=True)


def _leave_alone_what_is_there() -> None:
    """Torch's own objects by the million are no garbage: looking through them takes longer than a small network.

    What is left after a network (modules that were imported for it, what torch gave) is none either.
    """
    gc.collect()
    gc.freeze()


def _sent(one: Callable[[Network], NetworkVerification], network: NetworkText) -> NetworkVerification:
    return one(network_of(network))


def _verified(network: Network, **options: Any) -> NetworkVerification:
    found = verify(network, **options)
    _leave_alone_what_is_there()  # fx nodes and their graph hold each other, and so gigabytes of weights
    return found

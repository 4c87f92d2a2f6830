"""Why tools print different numbers for one network: each figure beside ours under that tool's convention."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from archcalc.engine.cost.analyze import total
from archcalc.engine.cost.conventions import CONVENTIONS, TOOLS, decompose
from archcalc.engine.network import AnyNetwork, load
from archcalc.results.convention import Convention
from archcalc.results.cost import shape_list
from archcalc.results.reconciliation import PARTS, Component, Figure, ReconciledTool, Reconciliation
from archcalc.torch_bridge.counters import peers
from archcalc.torch_bridge.counters.coding import calls_of, coding, coding_of_own
from archcalc.torch_bridge.model.build import build
from archcalc.torch_bridge.model.definitions import Definition, definition_of, torchvision_model

NAMES = tuple(convention.name for convention in TOOLS)


def reconcile(
    network: AnyNetwork,
    tools: Sequence[str] = NAMES,
    recorded: bool = False,
    tell: Callable[[float, str], None] = lambda done, tool: None,
) -> Reconciliation:
    """What tools print for a network, at inference for one example, and how it comes about.

    They run on torchvision's model where torchvision defines the network, else on our own. A tool that is not
    installed, or cannot be run here, has the figure that was recorded of it, where there is one.

    Args:
        network: a name, a file, or what `load` gave.
        tools: names of their conventions.
        recorded: take recorded figures of all that have one, and run the others.
        tell: is told how many tools are done, and which is next.

    Raises:
        SpecError: an unknown name, or the place where the spec is wrong.
    """
    network = load(network)
    graph = network.graph(with_heads=False)
    sizes = tuple(shape_list(graph.input))
    definition = definition_of(network)

    def make(device: str) -> Any:
        if definition is None:
            return build(graph, device=device).eval()
        model = torchvision_model(network.name, "meta")
        return model if device == "meta" else model.to_empty(device=device)

    chosen = [CONVENTIONS[name] for name in tools]
    components = decompose(graph, chosen)
    calls = calls_of(make("meta"), sizes)
    result = Reconciliation(
        network=network.name,
        title=network.title,
        input=str(graph.input),
        model=f"torchvision.models.{definition.builder}" if definition else "archcalc.to_torch",
        macs=total(graph, with_heads=False).macs,
        tools=[],
        components=components,
    )
    for number, convention in enumerate(chosen):
        name = convention.name
        tell(number, name)

        def measure(model: peers.Make, name: str = name) -> int:
            return peers.run(name, model, sizes).number

        try:
            figure = _figure(name, definition, make, sizes, recorded)
            coded = coding(convention, calls, graph)
            if calls.own:  # never in torchvision's models, of which alone figures are recorded
                coded += coding_of_own(convention, calls, graph, make, measure)
        except peers.NoFigureError as error:
            result.missing[name] = str(error)
            continue
        parts = _parts(convention, components)
        result.tools.append(ReconciledTool(convention, figure, sum(parts.values()), coded, parts))
    result.tools.sort(key=lambda tool: tool.figure.number)
    return result


def _figure(tool: str, definition: Definition | None, make: peers.Make, sizes: peers.Sizes, recorded: bool) -> Figure:
    found = peers.recorded(tool, definition, sizes)
    if found is not None and (recorded or not peers.is_installed(tool)):
        return found
    return peers.run(tool, make, sizes)


def _parts(convention: Convention, components: Sequence[Component]) -> dict[str, int]:
    """What a tool counts, by the kind of work."""
    found = dict.fromkeys(PARTS, 0)
    for component in components:
        found[component.part] += component.many * component.worth.get(convention.name, 0)
    return {part: number for part, number in found.items() if number}

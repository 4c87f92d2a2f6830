"""Why tools print different numbers for one network: each figure beside ours under that tool's convention."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

from archcalc.engine.cost.analyze import total
from archcalc.engine.cost.components import decompose
from archcalc.engine.cost.conventions import CONVENTIONS, TOOLS
from archcalc.engine.cost.costs import cost_of
from archcalc.engine.network import AnyNetwork, Network, load
from archcalc.graph import Graph
from archcalc.results.convention import Convention
from archcalc.results.cost import shape_list
from archcalc.results.reconciliation import PARTS, Component, Figure, ReconciledTool, Reconciliation
from archcalc.source import Diagnostic, SpecError
from archcalc.source.extra import require
from archcalc.torch_bridge.counters.recorded import recorded as recorded_figure
from archcalc.torch_bridge.counters.recorded import recorded_coding
from archcalc.torch_bridge.model.definitions import Definition, definition_of, torchvision_model

if TYPE_CHECKING:
    from archcalc.torch_bridge.counters.coding import Calls

ITS_OWN = "without --library, tools run on torchvision's model or on our own"
NAMES = tuple(convention.name for convention in TOOLS)


def reconcile(
    network: AnyNetwork,
    tools: Sequence[str] = NAMES,
    recorded: bool = False,
    tell: Callable[[float, str], None] = lambda done, tool: None,
    input: Any = None,
    library: str = "",
) -> Reconciliation:
    """What tools print for a network, at inference for one example, and how it comes about.

    They run on torchvision's model where torchvision defines the network, else on our own. A tool that is not
    installed, or cannot be run here, has the figure that was recorded of it, where there is one. A tool that is
    installed in another version, or that is another's by its module's name, is held against that one's convention.

    Args:
        network: a name, a file, or what `load` gave.
        tools: names of their conventions.
        recorded: take recorded figures of all that have one, and run the others; where all have, torch is not needed.
        tell: is told how many tools are done, and which is next.
        input: other extents than the spec's, as `analyze` takes them.
        library: run them on the model of this library: transformers or timm.

    Raises:
        SpecError: an unknown name, the place where the spec is wrong, torch refuses the model, or the library does
            not define it.
        MissingExtraError: a tool is to be run, and torch is not installed.
    """
    network = load(network)
    graph = network.graph(input=input, with_heads=False)
    one = len(graph.inputs) == 1 and graph.input.channels is not None
    sizes = tuple(shape_list(graph.input)) if one else (1,)
    definition = None if library else definition_of(network)
    if definition is not None and definition.only_at and input is not None and sizes != definition.only_at:
        definition = None
    figures = {name: recorded_figure(name, definition, sizes) if recorded else None for name in tools}
    runner: _Runner | None = None
    if None in figures.values():
        require("torch", "torchvision")
        runner = _OfLibrary(network, graph, library) if library else _Runner(network, graph, sizes, definition)
    ran: list[tuple[Convention, Figure]] = []
    missing: dict[str, str] = {}
    for number, name in enumerate(tools):
        tell(number, name)
        figure = figures[name]
        if figure is not None or runner is None:
            assert figure is not None
            ran.append((CONVENTIONS[name], figure))
            continue
        found = runner.figure(name)
        if isinstance(found, str):
            missing[name] = found
        else:
            ran.append(found)
    components = decompose(graph, [convention for convention, _ in ran])
    result = Reconciliation(
        network=network.name,
        title=network.title,
        input=str(graph.input),
        model=runner.name if runner else f"torchvision.models.{definition.builder}" if definition else "",
        macs=total(graph, with_heads=False).macs,
        tools=[],
        components=components,
    )
    result.missing.update(missing)
    for convention, figure in ran:
        parts = _parts(convention, components)
        if runner is not None:
            coded = runner.coding(convention, figure)
            if isinstance(coded, str):
                result.missing[convention.name] = coded
                continue
        else:
            assert definition is not None  # of torchvision's models alone there are recorded figures
            coded = recorded_coding(convention.name, definition, sizes)
        result.tools.append(ReconciledTool(convention, figure, sum(parts.values()), coded, parts))
    result.tools.sort(key=lambda tool: tool.figure.number)
    return result


class _Runner:
    """Runs tools on a model; only here torch is imported."""

    def __init__(self, network: Network, graph: Graph, sizes: tuple[int, ...], definition: Definition | None) -> None:
        from archcalc.torch_bridge.counters import coding, peers

        self._coding, self._peers = coding, peers
        self._network, self._graph, self._sizes, self._definition = network, graph, sizes, definition
        self._tools: dict[str, str] = {}  # by convention, the tool that was run
        self.name = f"torchvision.models.{definition.builder}" if definition else "archcalc.to_torch"
        self._read()

    def _read(self) -> None:
        """What the model calls that a tool may count otherwise."""
        network, coding = self._network, self._coding
        try:
            self._calls: Calls = coding.calls_of(self._model("meta"), self._inputs("meta"))
        except (RuntimeError, ValueError, TypeError, OverflowError, MemoryError) as error:
            reason = (str(error) or type(error).__name__).partition("\n")[0]
            message = f"torch refuses the model of {network.name}: {reason[:1].lower()}{reason[1:]}"
            help = "`archcalc show` counts it without torch"
            raise SpecError([Diagnostic("torch-refuses", message, help=help)]) from error

    def make(self, device: str) -> Any:
        """A model of its own for each tool, that takes one image or volume."""
        model = self._model(device)
        is_fed = len(self._graph.inputs) > 1 or self._graph.input.channels is None
        return self._coding.Fed(model, self._inputs(device)).eval() if is_fed else model

    def _inputs(self, device: str) -> Any:
        from archcalc.torch_bridge.counters.counters import examples

        return examples(self._graph, 1, device)

    def _model(self, device: str) -> Any:
        if self._definition is None:
            from archcalc.torch_bridge.model.build import build

            return build(self._graph, device=device).eval()
        model = torchvision_model(self._network.name, "meta")
        if device == "meta":
            return model
        model = model.to_empty(device=device)
        for buffer in model.buffers():
            if not buffer.is_floating_point():
                buffer.zero_()  # places in a table of biases, which are looked up
        return model

    def figure(self, tool: str) -> tuple[Convention, Figure] | str:
        """What a tool prints, and whose convention that is; or why there is nothing."""
        peers = self._peers
        found = recorded_figure(tool, self._definition, self._sizes)
        if found is not None and not peers.is_installed(tool):
            return CONVENTIONS[tool], found
        name = peers.installed(tool)[0] if peers.is_installed(tool) else tool
        if not name:
            return f"not in the version that is installed ({peers.installed(tool)[1]})"
        try:
            figure = peers.run(tool, self.make, self._sizes)
        except peers.NoFigureError as error:
            return str(error)
        self._tools[name] = tool
        return CONVENTIONS[name], figure

    def coding(self, convention: Convention, figure: Figure) -> Any:
        """What of a figure comes from how the model is written; or why that cannot be said."""
        tool = self._tools.get(convention.name, convention.name)
        coded = self._coding.coding(convention, self._calls, self._graph)
        if convention not in TOOLS:  # where it counts functions otherwise than modules is not known: it is measured
            if figure.number == flops_of(convention, self._graph) + sum(part.number for part in coded):
                return coded
            from archcalc.torch_bridge.counters.modules import calls_within

            return self._by_module(convention, tool, calls_within(self._model("meta"), *self._inputs("meta")))
        for calls, of in (
            (self._calls.own, self._coding.coding_of_own),  # never in torchvision's models
            (self._calls.attention, self._coding.coding_of_attention),
        ):
            if not calls:
                continue
            try:
                coded += of(
                    convention,
                    self._calls,
                    self._graph,
                    self._model,
                    lambda make: self._peers.run(tool, make, self._sizes).number,
                )
            except self._peers.NoFigureError as error:
                return str(error)
        return coded

    def _by_module(self, convention: Convention, tool: str, calls: Any) -> Any:
        from archcalc.torch_bridge.counters.modules import coding_of_modules

        try:
            return coding_of_modules(
                convention, calls, self._graph, lambda make: self._peers.run(tool, make, self._sizes).number
            )
        except self._peers.NoFigureError as error:
            return str(error)


class _OfLibrary(_Runner):
    """Runs tools on the model of a library that nothing traces."""

    def __init__(self, network: Network, graph: Graph, library: str) -> None:
        from archcalc.torch_bridge.zoo.definitions import zoo_model

        model = zoo_model(network)
        if model is None or model.library != library:
            raise SpecError([Diagnostic("no-definition", f"{library} does not define {network.name}", help=ITS_OWN)])
        require(library)
        self._zoo = model
        super().__init__(network, graph, (1,), None)
        self.name = f"{type(self._whole).__name__} of {library}"

    def _read(self) -> None:
        from archcalc.torch_bridge.counters import modules

        self._modules = modules
        self._whole: Any = self._zoo.build()
        inputs = self._zoo.inputs(self._whole, *self._zoo.sizes(self._graph))
        self._given = {**inputs, **({"use_cache": False} if "use_cache" in inputs else {})}
        self._called = modules.calls_within(self._whole, **self._given)

    def make(self, device: str) -> Any:
        """A model of its own for each tool, that is given its inputs."""
        return self._modules.called(self._modules.on_device(self._zoo.build(), device), **self._given).eval()

    def coding(self, convention: Convention, figure: Figure) -> Any:
        """What of a figure comes from modules that are not torch's; or why that cannot be said."""
        return self._by_module(convention, self._tools.get(convention.name, convention.name), self._called)


def flops_of(convention: Convention, graph: Graph) -> int:
    """What a convention counts of a network without its heads."""
    return sum(
        convention.flops(node.operator, node.x, node.y, cost_of(node.operator, node.x, node.y))
        for node in graph.nodes[: graph.first_head]
    )


def _parts(convention: Convention, components: Sequence[Component]) -> dict[str, int]:
    """What a tool counts, by the kind of work."""
    found = dict.fromkeys(PARTS, 0)
    for component in components:
        found[component.part] += component.many * component.worth.get(convention.name, 0)
    return {part: number for part, number in found.items() if number}

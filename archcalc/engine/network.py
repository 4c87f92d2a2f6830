"""From a name or a file to its costs: what the commands and the Python interface call."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from fractions import Fraction
from operator import index
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol, TypeAlias

from archcalc.dims import Polynomial, Ratio, ratio, variable
from archcalc.engine.cost.analyze import layer_costs, total
from archcalc.engine.cost.conventions import CONVENTIONS
from archcalc.engine.cost.receptive_field import ReceptiveFields
from archcalc.engine.cost.scope import indices_inside
from archcalc.engine.cost.storage import FP32, LONGEST_DENSITY, storage_of
from archcalc.engine.inputs import Given, input_settings, input_shapes, step_settings
from archcalc.engine.step import refuse_unsteppable, steps_of
from archcalc.graph import Graph
from archcalc.importing.sources import kind_of, refusal
from archcalc.named import NamedTuple
from archcalc.ops import Shape
from archcalc.results.cost import DTYPES, NetworkCost
from archcalc.results.formats import BLOCKS
from archcalc.results.phase import Phase
from archcalc.results.position import position_of
from archcalc.results.storage import Bits, Storage
from archcalc.source import Diagnostic, Source, Span, SpecError, suggestion
from archcalc.spec.expand import expand, structure_of, value_of
from archcalc.spec.expression_text import Problem
from archcalc.spec.library import choose, find, looks_like_file
from archcalc.spec.limits import DEFAULT_LIMITS, Limits
from archcalc.spec.model import Placed, Spec
from archcalc.spec.parse import parse_expression
from archcalc.spec.read import read_spec
from archcalc.spec.trail import OVERRIDE

if TYPE_CHECKING:
    from decimal import Decimal

    from archcalc.results.space import Space
    from archcalc.results.structure import Structure


class Network(NamedTuple):
    """A network of the library or of a file, not yet expanded."""

    spec: Spec
    name: str

    def __repr__(self) -> str:
        """In one line, without what is in the spec."""
        return f"Network({self.name} of {self.spec.source.name})"

    @property
    def title(self) -> str:
        """Title of the family, or the name."""
        return self.spec.title or self.name

    def graph(
        self,
        set: Mapping[str, Any] | None = None,
        input: Given = None,
        free: Sequence[str] | Mapping[str, Fraction | int] = (),
        limits: Limits = DEFAULT_LIMITS,
        with_heads: bool = True,
        step: bool = False,
    ) -> Graph:
        """Expand it; variables named in `free` stay symbolic.

        Where `free` gives a unit, the variable takes multiples of it: `{"width": Fraction(1, 4)}` stands for width =
        k/4, and k has the variable's name. A variable that is 0 in the spec is free from 0 on, every other from 1 on.
        In a `step`, the inputs that are new in it have one position, unless they are given.

        Raises:
            SpecError: with the place where the expansion stopped.
        """
        overrides, shapes = self.overrides(set, input, free, step)
        graph = expand(self.spec, self.name, overrides, shapes, limits, with_heads)
        if step or graph.has_past:
            refuse_unsteppable(self.spec, graph)
        return graph

    def structure(
        self,
        set: Mapping[str, Any] | None = None,
        input: Given = None,
        limits: Limits = DEFAULT_LIMITS,
        with_heads: bool = True,
        free: Sequence[str] | Mapping[str, Fraction | int] = (),
    ) -> Structure:
        """How it is put together, with its graph: entries, calls of modules, merges, branches; free as in `graph`.

        Raises:
            SpecError: with the place where the expansion stopped.
        """
        overrides, shapes = self.overrides(set, input, free)
        structure = structure_of(self.spec, self.name, overrides, shapes, limits, with_heads)
        if structure.graph.has_past:
            refuse_unsteppable(self.spec, structure.graph)
        return structure

    def overrides(
        self,
        set: Mapping[str, Any] | None,
        input: Given,
        free: Sequence[str] | Mapping[str, Fraction | int] = (),
        step: bool = False,
    ) -> tuple[dict[str, tuple[Placed, Source] | Polynomial | Ratio], dict[str, Shape]]:
        """What is set from outside, and the shapes of inputs, as the expansion takes them."""
        shapes = input_shapes(self.spec, input)
        settings = {**input_settings(self.spec, shapes), **(set or {})}
        if step:
            settings = {**step_settings(self.spec, settings, shapes), **settings}
        overrides: dict[str, tuple[Placed, Source] | Polynomial | Ratio] = {}
        fixed = {name: value for name, value in settings.items() if name not in free}
        for number, (name, value) in enumerate(fixed.items()):
            check_variable(self.spec, name)
            overrides[name] = setting(name, value, number)
        for name in free:
            check_variable(self.spec, name)
            unit = free[name] if isinstance(free, Mapping) else 1
            overrides[name] = ratio.multiply(variable(name, self.least(name)), unit)  # type: ignore[assignment]  # the unit is not 0
        return overrides, shapes

    def least(self, variable: str) -> int:
        """From where on a variable is free: 0 where it is 0 in the spec, for this network or for all of its family."""
        for name in dict.fromkeys((self.name, self.spec.network)):
            with suppress(SpecError):  # it may have no value there
                value = Network(self.spec, name).value(variable)
                if value == 0 and not isinstance(value, bool):
                    return 0
        return 1

    def value(self, variable: str, set: Mapping[str, Any] | None = None) -> Any:
        """What a variable of the spec is, or an item of it, `kernel[3]`: a number, a list, a word; None: no value.

        Raises:
            SpecError: no such variable, or the place where its expression is wrong.
        """
        check_variable(self.spec, variable)
        overrides: dict[str, tuple[Placed, Source] | Polynomial | Ratio] = {}
        for number, (name, value) in enumerate((set or {}).items()):
            check_variable(self.spec, name)
            overrides[name] = setting(name, value, number)
        return value_of(self.spec, self.name, variable, overrides)


class Module(Protocol):
    """A torch module, as far as is asked of it here."""

    def named_parameters(self) -> Iterator[tuple[str, Any]]:
        """Its parameters by name."""
        ...


AnyNetwork: TypeAlias = str | Path | Network | Module
"""A network: its name, a file, the text of a spec, what `load` gave; or a model of another framework."""


def load(network: AnyNetwork, input: Given = None, may_run: bool = True) -> Network:
    """Find a network.

    Args:
        network: its name (`resnet50`, `alexnet@torchvision`); a file, as a path or a text (`./my.yaml`,
            `./my.yaml:variant`); or a spec itself, a text of several lines. A network stays as it is. A model of
            another framework becomes a spec first: `model.onnx`, `deploy.prototxt`, `torchvision:resnet50`,
            `my_file.py:Net()`, or a torch module.
        input: the input to read such a model at, where it does not say one.
        may_run: whether `my_file.py:Net()` is run: not where the name stands in somebody's file.

    Raises:
        SpecError: no such network, with the nearest names; or all that is wrong with the file or text.
        MissingExtraError: a library that reads such a model is not installed, with the line to type.
    """
    if isinstance(network, Network):
        return network
    if not isinstance(network, (str, Path)) and hasattr(network, "named_parameters"):
        return _imported(network, input)
    if isinstance(network, str) and "\n" in network:
        return Network(*choose(read_spec(Source("text", network))))
    name = str(network)
    kind = kind_of(name)
    if kind == "torch" and not may_run:
        message = f"`{name}` runs code, and stands in a file"
        raise SpecError([Diagnostic("unknown-network", message, help=f"archcalc import '{name}' -o FILE, and name it")])
    if kind is not None:
        return _imported(name, input)
    if isinstance(network, Path) and not looks_like_file(name):
        name = f"./{name}"
    if wrong := refusal(name):
        raise wrong
    return Network(*find(name))


def _imported(source: Any, input: Given) -> Network:
    """A model of another framework, in a room that is loaded for it alone."""
    from archcalc.engine.imported import network_found

    return Network(*network_found(source, input))


def analyze(
    network: AnyNetwork,
    batch: int = 1,
    set: Mapping[str, Any] | None = None,
    input: Given = None,
    dtype: str = "fp32",
    convention: str = "arithmetic",
    with_heads: bool = False,
    limits: Limits = DEFAULT_LIMITS,
    bits: Bits | None = None,
    density: Fraction | Decimal | float | str | None = None,
    scope: str = "",
    step: bool = False,
    state_dtype: str | None = None,
) -> NetworkCost:
    """What a network costs.

    Args:
        network: its name, a file, the text of a spec, or what `load` gave.
        batch: examples at once; multiplies macs, flops and activations, not what is stored.
        set: values of variables of the spec: `{"resolution": 256}`.
        input: another input than the spec's, channels first: `(3, 256, 256)`; of several inputs by their names:
            `{"text": 128, "image": (3, 224, 224)}`.
        dtype: of the weights, for their size.
        convention: which operations count as FLOPs.
        with_heads: count train-only heads too.
        limits: bounds on the work.
        bits: of every stored parameter, instead of those of the dtype and of the spec; or the word of a format that
            packs weights in blocks, `q4_k`: biases and norms then stay at the dtype.
        density: part of the weights that is not zero, from 0 to 1, instead of what the spec says; `0.33` is 33/100.
        scope: the path of a stage, block or layer: only what is under it counts.
        step: of one step, which repeats only what depends on the inputs that are new in it: a decoder's next token.
        state_dtype: of what is kept for the next step, for its bytes; that of the weights where not given.

    Raises:
        SpecError: an unknown name, variable or scope, or the place where the spec is wrong.
        ValueError: an unknown dtype or convention, a batch or bits below 1, or a density that is none.
        TypeError: a batch or bits that are not whole.
    """
    network = load(network, input)
    if index(batch) < 1:
        raise ValueError(f"batch is {batch}; it must be at least 1")
    for word in (dtype, state_dtype or dtype):
        if word not in DTYPES:
            raise ValueError(f"no dtype is called {word}; there are {', '.join(DTYPES)}")
    if convention not in CONVENTIONS:
        raise ValueError(f"no convention is called {convention}; there are {', '.join(CONVENTIONS)}")
    if isinstance(bits, str):
        if bits not in BLOCKS:
            raise ValueError(f"no format is called {bits}; there are {', '.join(BLOCKS)}")
    elif bits is not None and index(bits) < 1:
        raise ValueError(f"bits are {bits}; they must be at least 1")
    part = None if density is None else exact_density(density)
    with_heads = with_heads or scope.partition(".")[0] in {entry.name for entry in network.spec.heads}
    graph = network.graph(set, input, limits=limits, with_heads=with_heads, step=step)
    storage = storage_of(network.spec, graph, dtype, part, bits, limits, is_as_written=not set)
    cost = cost_of_graph(
        network, graph, batch, set or {}, dtype, convention, with_heads, storage, scope, step, state_dtype
    )
    cost.make_structured = lambda: structured_of(network, set, input, limits)
    return cost


def structured_of(network: Network, set: Mapping[str, Any] | None, input: Given, limits: Limits) -> Any:
    """The network with its structure, in a room that is loaded only where something is drawn."""
    from archcalc.engine.structure import structured

    return structured(network, set, input, limits)


def exact_density(value: Fraction | Decimal | float | str) -> Fraction:
    """The decimal that is written, exactly.

    Raises:
        ValueError: it is no number from 0 to 1, or has very many digits.
    """
    text = str(value)
    try:
        found = Fraction(text) if len(text) <= LONGEST_DENSITY else None
    except (ValueError, ZeroDivisionError):
        found = None
    if found is None or not 0 <= found <= 1:
        raise ValueError(f"a density is a number from 0 to 1, not {text[:LONGEST_DENSITY]}")
    return found


def cost_of_graph(
    network: Network,
    graph: Graph,
    batch: int,
    set: Mapping[str, Any],
    dtype: str,
    convention: str,
    with_heads: bool,
    storage: Storage = FP32,
    scope: str = "",
    step: bool = False,
    state_dtype: str | None = None,
) -> NetworkCost:
    """Costs of an expanded network, or of what is under a path in it.

    Raises:
        SpecError: nothing is under that path.
    """
    rule = CONVENTIONS[convention]
    fields = ReceptiveFields(graph)
    within = indices_inside(graph, scope, with_heads) if scope else None
    phase = Phase(steps_of(graph), step, DTYPES[state_dtype or dtype])
    spec = network.spec
    return NetworkCost(
        name=network.name,
        title=network.title,
        source=spec.reference,
        year=spec.year,
        task=spec.task_of(network.name),
        notes=spec.notes,
        remarks=spec.remarks,
        input=graph.input,
        batch=batch,
        dtype=dtype,
        convention=rule,
        with_heads=with_heads,
        settings={name: str(value) for name, value in set.items()},
        totals=total(graph, batch, storage, rule, with_heads, within, phase),
        graph=graph,
        fields=fields,
        storage=storage,
        make_layers=lambda: layer_costs(graph, fields, batch, storage, rule, with_heads, scope, phase),
        scope=scope,
        space=space_told(spec, network.name) if spec.space else None,
        phase=phase,
        state_dtype=state_dtype or dtype,
        make_part=lambda path: cost_of_graph(
            network, graph, batch, set, dtype, convention, with_heads, storage, path, step, state_dtype
        ),
    )


def space_told(spec: Spec, name: str) -> Space | None:
    """What may vary of a network, by a module that is loaded only where a file says it."""
    from archcalc.spec.space import result_of

    return result_of(spec, name)


def setting(name: str, value: Any, number: int = 0) -> tuple[Placed, Source]:
    """A value from outside as an expression of the language, with a text of its own to point into.

    Raises:
        SpecError: it is no expression.
    """
    if isinstance(value, bool):
        text = str(value).lower()
    elif isinstance(value, (list, tuple)):
        text = "[" + ", ".join(map(str, value)) + "]"
    else:
        text = str(value)
    source = Source(f"--set {name}", text)
    parsed = parse_expression(text)
    if isinstance(parsed, Problem):
        raise SpecError([Diagnostic(parsed.code, parsed.message, Span(parsed.start, parsed.end), source, parsed.help)])
    return Placed(parsed, OVERRIDE * (number + 1)), source


def check_variable(spec: Spec, name: str) -> None:
    """Refuse what is no variable of the spec, nor an item of one.

    Raises:
        SpecError: with the nearest name.
    """
    position = position_of(name)
    if position is None or position.variable not in spec.settable:
        name = position.variable if position else name
        help = suggestion(name, spec.settable, f"variables of this spec: {', '.join(spec.settable) or 'none'}")
        raise SpecError([Diagnostic("unknown-variable", f"{spec.network} has no variable `{name}`", help=help)])

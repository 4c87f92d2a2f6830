"""Results as data: what a network costs, by layer and in all. Field names are column names everywhere."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import asdict, astuple, dataclass, field, fields
from fractions import Fraction
from functools import cached_property
from typing import TYPE_CHECKING, Any

from archcalc.graph import Graph
from archcalc.named import NamedTuple
from archcalc.ops import Shape
from archcalc.results.convention import Convention
from archcalc.results.field import Fields, ReceptiveField
from archcalc.results.phase import WHOLE, Phase
from archcalc.results.storage import Storage
from archcalc.source import suggestion

if TYPE_CHECKING:
    import pandas

    from archcalc.results.space import Space

# Bits of one stored weight.
DTYPES: dict[str, int] = {
    "fp64": 64,
    "fp32": 32,
    "tf32": 32,
    "bf16": 16,
    "fp16": 16,
    "fp8": 8,
    "int8": 8,
    "int4": 4,
}


class LayerCost(NamedTuple):
    """A layer: one to three operations under one name.

    `macs`, `macs_once`, `masked`, `flops`, `activations`, `state` and `state_once` are times batch. A row of a long
    table may be several blocks that follow each other, each of which costs what an earlier one does.
    """

    name: str
    type: str
    notation: str
    stage: str
    in_shape: Shape
    out_shape: Shape
    params: int
    weights: int
    biases: int
    norm_params: int
    buffers: int
    trainable_params: int
    active_params: int  # that work on one token
    macs: int
    macs_once: int  # what a step does not repeat; in a step it is not among the macs
    masked: int  # of the macs, those of pairs that a mask excludes
    flops: int
    connections: int
    neurons: int
    activations: int
    state: int  # elements of this and earlier steps that the next one reads
    state_once: int  # elements that are computed once and read in each step
    state_bits: int  # of both
    stored_params: int  # those that are not zero, where a density says that some are
    stored_bits: int
    status: str  # counted, zero or unknown
    reason: str
    head: str  # name of the head it belongs to, or nothing
    nodes: tuple[int, ...]  # indices into the graph
    fields: Fields
    lower_bounds: frozenset[str] = frozenset()  # quantities that are "at least"
    like: str = ""  # of several blocks together: the path of the earlier one
    times: int = 1  # how many blocks it is

    @property
    def size_bytes(self) -> int:
        """What is stored of it, in whole bytes."""
        return -(-self.stored_bits // 8)

    @property
    def state_bytes(self) -> int:
        """What it keeps from step to step, in whole bytes."""
        return -(-self.state_bits // 8)

    @property
    def receptive_field(self) -> ReceptiveField | None:
        """What one output position sees of the input; None where the input has no axes."""
        return self.fields.after(self.nodes[-1])

    @property
    def local_receptive_field(self) -> ReceptiveField | None:
        """The same by the path without operations that read a whole axis, such as global pooling."""
        return self.fields.local(self.nodes[-1])

    def __repr__(self) -> str:
        """In one line."""
        return f"LayerCost({self.name}: {self.notation}, {self.params:,} params, {self.macs:,} MACs)"


@dataclass(init=False, repr=False, eq=False, match_args=False)
class Totals:
    """A whole network. `at_least` where an operation of unknown cost makes the counts lower bounds."""

    params: int = 0
    weights: int = 0
    biases: int = 0
    norm_params: int = 0
    buffers: int = 0
    trainable_params: int = 0
    active_params: int = 0
    macs: int = 0
    macs_once: int = 0
    masked: int = 0
    flops: int = 0
    additions: int = 0
    multiplications: int = 0
    divisions: int = 0
    comparisons: int = 0
    transcendentals: int = 0
    connections: int = 0
    neurons: int = 0
    activations: int = 0
    peak_activations: int = 0
    state: int = 0
    state_once: int = 0
    state_bytes: int = 0
    stored_params: int = 0
    size_bytes: int = 0
    layers: int = 0
    depth: int = 0
    depth_with_pooling: int = 0
    counted: int = 0  # operations in each of the three states
    zero: int = 0
    unknown: int = 0

    @property
    def at_least(self) -> bool:
        """Whether some operation's cost is not known."""
        return self.unknown > 0

    # These are written out, for `dataclass` would compile them in each process.

    def __init__(self, **given: int) -> None:
        """What is not given is 0."""
        for name, value in given.items():
            if name not in TOTALS:
                raise TypeError(f"totals have no {name}")
            setattr(self, name, value)

    def __eq__(self, other: object) -> bool:
        """Whether all are equal."""
        return isinstance(other, Totals) and astuple(self) == astuple(other)

    __hash__ = None  # type: ignore[assignment]  # they may be changed

    def __repr__(self) -> str:
        """Each by its name."""
        return f"Totals({', '.join(f'{name}={value!r}' for name, value in asdict(self).items())})"


TOTALS = tuple([of.name for of in fields(Totals)])
"""Names of totals, in the order of columns."""


@dataclass(eq=False, repr=False, match_args=False)
class NetworkCost:
    """What a network costs, and under which assumptions."""

    name: str
    title: str
    source: str
    year: int | None
    task: str
    notes: list[str]
    remarks: list[str]  # of where the spec comes from, which every result tells
    input: Shape
    batch: int
    dtype: str
    convention: Convention
    with_heads: bool
    settings: dict[str, str]
    totals: Totals
    graph: Graph
    fields: Fields
    storage: Storage
    make_layers: Callable[[], list[LayerCost]] = field(repr=False)
    phase: Phase = WHOLE  # in a step, macs, flops and activations are of what it repeats
    state_dtype: str = ""  # of what is kept for the next step
    scope: str = ""  # the path that it is restricted to: layers and totals are those under it
    space: Space | None = None  # what the spec says may vary
    make_part: Callable[[str], NetworkCost] | None = field(default=None, repr=False)
    make_structured: Callable[[], Any] | None = field(default=None, repr=False)  # with its structure, to be drawn

    @cached_property
    def layers(self) -> list[LayerCost]:
        """Every layer in order; made when first asked for."""
        return self.make_layers()

    @property
    def receptive_field(self) -> ReceptiveField | None:
        """What one position of the output, or of what the scope gives, sees of the input."""
        return self.layers[-1].receptive_field if self.scope else self.fields.after(self.graph.output)

    @property
    def local_receptive_field(self) -> ReceptiveField | None:
        """The same by the path without operations that read a whole axis, such as global pooling."""
        return self.layers[-1].local_receptive_field if self.scope else self.fields.local(self.graph.output)

    @property
    def is_field_cut_off(self) -> bool:
        """Whether the receptive field is a bound because its pattern is longer than it is followed."""
        seen = self.local_receptive_field
        last = self.layers[-1].nodes[-1] if self.scope else self.graph.output
        return seen is not None and seen.is_at_least and self.fields.is_cut_off(last)

    def is_lower_bound(self, quantity: str) -> bool:
        """Whether an operation whose cost is not told adds to a quantity, or hides how far the output sees."""
        if not self.totals.at_least:
            return False
        if quantity == "receptive_field":
            last = self.layers[-1:] if self.scope else [of for of in self.layers if self.graph.output in of.nodes]
            return any(quantity in layer.lower_bounds for layer in last)
        name = "flops" if quantity.startswith("flops") else quantity
        name = "peak_activations" if name == "peak_memory" else name
        return any(name in layer.lower_bounds for layer in self.layers)

    @property
    def is_sparse(self) -> bool:
        """Whether some weights are not stored."""
        return any(density < 1 for density in self.storage.densities)

    @property
    def is_quantised(self) -> bool:
        """Whether some parameters are stored in other bits than those of the dtype, or in blocks."""
        return any(bits != DTYPES[self.dtype] for bits in self.storage.bits)

    @property
    def is_stepped(self) -> bool:
        """Whether steps are told of: something is kept from one to the next, or one is asked for."""
        return self.phase.in_step or self.totals.state > 0

    @property
    def input_text(self) -> str:
        """`3x224x224`; of several inputs `picture 3x224x224, caption 77`."""
        if len(self.graph.inputs) == 1:
            return str(self.input)
        return ", ".join(f"{name} {shape}" for name, shape in self.graph.inputs.items())

    @property
    def heads(self) -> list[str]:
        """Names of the train-only heads, counted or not."""
        return list(self.graph.head_names)

    def stages(self) -> dict[str, list[LayerCost]]:
        """Layers by the first part of their names, in order."""
        found: dict[str, list[LayerCost]] = {}
        for layer in self.layers:
            found.setdefault(layer.stage, []).append(layer)
        return found

    def __getitem__(self, path: str) -> Any:
        """A layer by its path, a `LayerCost`; of a block or a stage what is under it, a `NetworkCost`.

        Raises:
            KeyError: there is no such path, with the nearest.
        """
        inside = [layer for layer in self.layers if layer.name == path or layer.name.startswith(f"{path}.")]
        if len(inside) == 1 and inside[0].name == path:
            return inside[0]
        if self.make_part is not None and inside:
            return self.make_part(path)
        paths = {".".join(name.split(".")[:depth]) for name in map(_name, self.layers) for depth in range(1, 99)}
        raise KeyError(f"{self.name} has no layer or block {path}: {suggestion(path, sorted(paths), 'see .layers')}")

    def __contains__(self, path: object) -> bool:
        """Whether there is a layer or block of that path."""
        return any(layer.name == path or layer.name.startswith(f"{path}.") for layer in self.layers)

    def to_dict(self) -> dict[str, Any]:
        """What `archcalc show --format json` writes of it: plain values, with its totals and layers."""
        from archcalc.results.rows import network_object

        return network_object(self)

    def to_json(self) -> str:
        """The same as a text, a layer on each line."""
        from archcalc.results.rows import json_lines

        return json_lines(self.to_dict())

    def to_frame(self) -> pandas.DataFrame:
        """One row a layer, with the columns of the CSV reports."""
        import pandas as pd

        return pd.DataFrame([layer_row(layer, self.convention) for layer in self.layers])

    def draw(self, **how: Any) -> Any:
        """The figure of the network, as `archcalc.draw` makes it: `cost.draw(page="slide").save("figure.pdf")`.

        Raises:
            ValueError: it was not made by `analyze`; or as `archcalc.draw`.
        """
        import importlib

        if self.make_structured is None:
            raise ValueError(f"{self.name} was not analysed from a spec, and has no structure to draw")
        how.setdefault("scope", self.scope)
        return importlib.import_module("archcalc.python.draw").drawing_of(self.make_structured(), **how)

    def _repr_html_(self) -> str:
        """A table for notebooks: layers, then the totals."""
        columns = ["name", "notation", "out_shape", "params", "macs"]
        head = "".join(f"<th>{column}</th>" for column in columns)
        rows = "".join(
            "<tr>" + "".join(f"<td>{_cell(row[column])}</td>" for column in columns) + "</tr>"
            for row in (layer_row(layer, self.convention) for layer in self.layers)
        )
        title = f" ({self.title})" if self.title not in ("", self.name) else ""
        caption = f"{_escaped(self._named + title)}: {self._sums}, input {self.input}, batch {self.batch}"
        return f"<table><caption>{caption}</caption><thead><tr>{head}</tr></thead><tbody>{rows}</tbody></table>"

    def __repr__(self) -> str:
        """In one line, where all of it would fill a screen many times."""
        return f"NetworkCost({self._named}: {self._sums}, {self.totals.layers:,} layers)"

    @property
    def _named(self) -> str:
        return f"{self.scope} of {self.name}" if self.scope else self.name

    @property
    def _sums(self) -> str:
        params, macs = ("at least " * self.is_lower_bound(name) for name in ("params", "macs"))
        return f"{params}{self.totals.params:,} params, {macs}{self.totals.macs:,} MACs"


def _name(layer: LayerCost) -> str:
    return layer.name


def layer_row(layer: LayerCost, convention: Convention) -> dict[str, Any]:
    """A layer as CSV, JSON and data frames hold it: plain values, shapes as lists."""
    seen = layer.receptive_field
    row: dict[str, Any] = {
        "name": layer.name,
        "type": layer.type,
        "notation": layer.notation,
        "stage": layer.stage,
        "in_shape": shape_list(layer.in_shape),
        "out_shape": shape_list(layer.out_shape),
        "params": layer.params,
        "weights": layer.weights,
        "biases": layer.biases,
        "norm_params": layer.norm_params,
        "buffers": layer.buffers,
        "trainable_params": layer.trainable_params,
        "active_params": layer.active_params,
        "macs": layer.macs,
        "macs_once": layer.macs_once,
        "masked": layer.masked,
    }
    if convention.column != "macs":
        row[convention.column] = layer.flops
    row |= {
        "connections": layer.connections,
        "neurons": layer.neurons,
        "activations": layer.activations,
        "state": layer.state,
        "state_once": layer.state_once,
        "state_bytes": layer.state_bytes,
        "stored_params": layer.stored_params,
        "size_bytes": layer.size_bytes,
        "receptive_field": list(seen.size) if seen else None,
        "jump": [json_number(value) for value in seen.jump] if seen else None,
        "first_centre": [json_number(value) for value in seen.first_centre] if seen else None,
        **_local(layer),
        "status": layer.status,
        "head": layer.head,
    }
    flops = {"flops": convention.column}
    bounds = {flops.get(of, of) for of in layer.lower_bounds} | _unknown_fields(layer)
    row["lower_bounds"] = [name for name in row if name in bounds]
    return row


def totals_row(cost: NetworkCost) -> dict[str, Any]:
    """Totals as CSV and JSON hold them."""
    totals = cost.totals
    row: dict[str, Any] = {}
    for name in TOTALS:
        value = getattr(totals, name)
        if name == "flops":
            if cost.convention.column != "macs":
                row[cost.convention.column] = value
        else:
            row[name] = value
    seen = cost.receptive_field
    row["receptive_field"] = list(seen.size) if seen else None
    row["jump"] = [json_number(jump) for jump in seen.jump] if seen else None
    row |= _local(cost)
    row["at_least"] = totals.at_least
    bounds = _unknown_fields(cost)
    row["lower_bounds"] = [name for name in row if name in bounds or cost.is_lower_bound(name)]
    return row


def _unknown_fields(of: LayerCost | NetworkCost) -> set[str]:
    """Which of its fields may be larger than what is told."""
    named = {"receptive_field": of.receptive_field, "local_receptive_field": of.local_receptive_field}
    return {name for name, seen in named.items() if seen and seen.is_at_least}


def _local(of: LayerCost | NetworkCost) -> dict[str, Any]:
    """The local field."""
    local = of.local_receptive_field
    return {
        "local_receptive_field": list(local.size) if local else None,
        "local_jump": [json_number(value) for value in local.jump] if local else None,
    }


def shape_list(shape: Shape) -> list[Any]:
    """A shape as JSON holds it: channels first."""
    return list(shape.spatial) if shape.channels is None else [shape.channels, *shape.spatial]


def json_number(value: Fraction | int) -> int | float:
    """A half or a quarter of a pixel as a number of JSON; exact, for the denominators are powers of small strides."""
    return int(value) if value == int(value) else float(value)


def _cell(value: Any) -> str:
    if isinstance(value, list):
        return "x".join(map(str, value))
    return f"{value:,}" if isinstance(value, int) else _escaped(str(value))


def _escaped(text: str) -> str:
    return text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")

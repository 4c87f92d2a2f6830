"""Results as data: what a network costs, by layer and in all. Field names are column names everywhere."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from fractions import Fraction
from functools import cached_property, lru_cache
from typing import TYPE_CHECKING, Any, NamedTuple, Protocol

from archcalc.graph import Graph
from archcalc.ops import Arithmetic, Operator, Parameters, Shape

if TYPE_CHECKING:
    import pandas

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


class OperationCost(NamedTuple):
    """What one operation costs for one example; the same operator on the same shape is one object."""

    parameters: Parameters
    arithmetic: Arithmetic
    connections: Any
    neurons: Any


class Term(NamedTuple):
    """What a convention counts: an amount (a key of `AMOUNTS`), what one of it is worth, and of which operators."""

    amount: str
    worth: int = 1
    operators: frozenset[str] = frozenset()  # all of them where none is named
    named: str = ""  # in words, where those of the amount do not say enough

    @property
    def words(self) -> str:
        """What it counts, for a reader."""
        return self.named or AMOUNTS[self.amount].words

    def holds_for(self, operator: str) -> bool:
        """Whether it counts something of an operator of that name."""
        return not self.operators or operator in self.operators

    def many(self, operator: Operator, x: Any, y: Shape, cost: OperationCost) -> Any:
        """How many of it an operation has, for one example."""
        return AMOUNTS[self.amount].of(operator, x, y, cost) if self.holds_for(operator.name) else 0


@dataclass(frozen=True, slots=True)
class Convention:
    """What somebody calls FLOPs, as data: what is counted, and what one of each is worth."""

    name: str
    about: str
    terms: tuple[Term, ...]
    source: str  # the place in a tool's code, or the paper
    version: str = ""  # of the tool
    unit: str = "FLOPs"  # what it calls the number
    functions: tuple[Term, ...] = ()  # what a call of a function adds to that of a module, which `terms` are for
    _of_operator: dict[str, list[tuple[int, Any]]] = field(default_factory=dict, init=False, repr=False, compare=False)

    def flops(self, operator: Operator, x: Any, y: Shape, cost: OperationCost) -> Any:
        """Operations under this convention, for one example."""
        name = operator.name
        terms = self._of_operator.get(name)
        if terms is None:
            terms = [(term.worth, AMOUNTS[term.amount].of) for term in self.terms if term.holds_for(name)]
            self._of_operator[name] = terms
        return sum([worth * of(operator, x, y, cost) for worth, of in terms])

    @property
    def elementary(self) -> dict[str, int] | None:
        """What elementary operations are worth, by field of Arithmetic; None where it looks at more than their sums."""
        is_sum = all(term.amount in Arithmetic._fields and not term.operators for term in self.terms)
        return {term.amount: term.worth for term in self.terms} if is_sum else None

    @property
    def column(self) -> str:
        """Name of the column that holds it: never `flops` without saying whose."""
        return "macs" if self.name == "macs" else f"flops_{self.name}"


class Amount(NamedTuple):
    """Something that an operation has a number of, for one example."""

    words: str
    of: Callable[[Any, Any, Shape, OperationCost], Any]  # from operator, input, output and cost


def _inputs(operator: Any, x: Any, y: Shape, cost: OperationCost) -> Any:
    return x.elements if isinstance(x, Shape) else sum([branch.elements for branch in x])


def _arithmetic(name: str) -> Callable[[Any, Any, Shape, OperationCost], Any]:
    place = Arithmetic._fields.index(name)
    return lambda operator, x, y, cost: cost.arithmetic[place]


def _upsampled(mode: str, ranks: tuple[int, ...]) -> Callable[[Any, Any, Shape, OperationCost], Any]:
    return lambda operator, x, y, cost: y.elements if operator.mode == mode and y.rank in ranks else 0


AMOUNTS: dict[str, Amount] = {
    "macs": Amount("MACs", _arithmetic("macs")),
    "additions": Amount("additions", _arithmetic("additions")),
    "multiplications": Amount("products", _arithmetic("multiplications")),
    "divisions": Amount("divisions", _arithmetic("divisions")),
    "comparisons": Amount("comparisons", _arithmetic("comparisons")),
    "transcendentals": Amount("transcendentals", _arithmetic("transcendentals")),
    "bias": Amount("bias additions", _arithmetic("bias")),
    "affine": Amount(
        "normalised elements", lambda operator, x, y, cost: cost.arithmetic.norm if cost.parameters.norm != 0 else 0
    ),
    "bare": Amount(
        "elements normalised without scale and shift",
        lambda operator, x, y, cost: 0 if cost.parameters.norm != 0 else cost.arithmetic.norm,
    ),
    "scaled": Amount("normalised elements", lambda operator, x, y, cost: cost.arithmetic.norm if operator.scale else 0),
    "unscaled": Amount(
        "elements normalised without scale", lambda operator, x, y, cost: 0 if operator.scale else cost.arithmetic.norm
    ),
    "by_batch": Amount(
        "elements normalised by their batch",
        lambda operator, x, y, cost: 0 if operator.statistics else cost.arithmetic.norm,
    ),
    "norm_params": Amount("parameters", lambda operator, x, y, cost: cost.parameters.norm),
    "weights": Amount("weights", lambda operator, x, y, cost: cost.parameters.weights),
    "weights_at_outputs": Amount(
        "weights times output positions", lambda operator, x, y, cost: cost.parameters.weights * y.positions
    ),
    "inputs": Amount("inputs", _inputs),
    "image_inputs": Amount("inputs", lambda operator, x, y, cost: x.elements if x.rank == 2 else 0),
    "outputs": Amount("outputs", lambda operator, x, y, cost: y.elements),
    "positions": Amount("positions", lambda operator, x, y, cost: y.positions),
    "bilinear_outputs": Amount("outputs of bilinear upsampling", _upsampled("bilinear", (2,))),
    "nearest_outputs": Amount("outputs of nearest upsampling", _upsampled("nearest", (1, 2, 3))),
    "nearest_image_outputs": Amount("outputs of nearest upsampling", _upsampled("nearest", (2,))),
    "padded_channels": Amount(
        "padded inputs",
        lambda operator, x, y, cost: (x.channels + operator.size - 1) * x.positions,
    ),
}


class ReceptiveField(NamedTuple):
    """What one output position sees of the input along each axis, in input pixels.

    `size` ignores the border of the input, as is usual; `first_centre` is the centre of the first position's field.
    """

    size: tuple[int, ...]
    jump: tuple[Fraction, ...]
    first_centre: tuple[Fraction, ...]


class Kept(NamedTuple):
    """What is kept of a layer: the part of its weights that is not zero, and the bits of each parameter."""

    density: Fraction
    bits: int


class Storage(Protocol):
    """How the layers of a network are stored."""

    @property
    def densities(self) -> tuple[Fraction, ...]:
        """Every density of a layer with weights, the lowest first."""
        ...

    @property
    def bits(self) -> tuple[int, ...]:
        """Bits of a parameter in every layer that has some, the fewest first."""
        ...

    def of(self, layer: str) -> Kept:
        """What is kept of a layer."""
        ...


class Fields(Protocol):
    """Receptive fields of a graph, found when asked for."""

    def after(self, index: int) -> ReceptiveField | None:
        """Field of one output position of a node."""
        ...


@dataclass(slots=True)
class LayerCost:
    """A layer: one to three operations under one name. `macs`, `flops` and `activations` are times batch."""

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
    macs: int
    flops: int
    connections: int
    neurons: int
    activations: int
    stored_params: int  # those that are not zero, where a density says that some are
    stored_bits: int
    state: str  # counted, zero or unknown
    reason: str
    head: str  # name of the head it belongs to, or nothing
    nodes: tuple[int, ...]  # indices into the graph
    fields: Fields

    @property
    def size_bytes(self) -> int:
        """What is stored of it, in whole bytes."""
        return -(-self.stored_bits // 8)

    @property
    def receptive_field(self) -> ReceptiveField | None:
        """What one output position sees of the input; None where the input has no axes."""
        return self.fields.after(self.nodes[-1])


@dataclass(slots=True)
class Totals:
    """A whole network. `at_least` where an operation of unknown cost makes the counts lower bounds."""

    params: int = 0
    weights: int = 0
    biases: int = 0
    norm_params: int = 0
    buffers: int = 0
    macs: int = 0
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


@dataclass
class NetworkCost:
    """What a network costs, and under which assumptions."""

    name: str
    title: str
    source: str
    year: int | None
    task: str
    notes: list[str]
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
    scope: str = ""  # the path that it is restricted to: layers and totals are those under it

    @cached_property
    def layers(self) -> list[LayerCost]:
        """Every layer in order; made when first asked for."""
        return self.make_layers()

    @property
    def receptive_field(self) -> ReceptiveField | None:
        """What one position of the output, or of what the scope gives, sees of the input."""
        return self.layers[-1].receptive_field if self.scope else self.fields.after(self.graph.output)

    @property
    def is_sparse(self) -> bool:
        """Whether some weights are not stored."""
        return any(density < 1 for density in self.storage.densities)

    @property
    def is_quantised(self) -> bool:
        """Whether some parameters have other bits than those of the dtype."""
        return any(bits != DTYPES[self.dtype] for bits in self.storage.bits)

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

    def to_frame(self) -> pandas.DataFrame:
        """One row a layer, with the columns of the CSV reports."""
        import pandas as pd

        return pd.DataFrame([layer_row(layer, self.convention) for layer in self.layers])

    def _repr_html_(self) -> str:
        """A table for notebooks: layers, then the totals."""
        columns = ["name", "notation", "out_shape", "params", "macs"]
        head = "".join(f"<th>{column}</th>" for column in columns)
        rows = "".join(
            "<tr>" + "".join(f"<td>{_cell(row[column])}</td>" for column in columns) + "</tr>"
            for row in (layer_row(layer, self.convention) for layer in self.layers)
        )
        mark = "at least " if self.totals.at_least else ""
        caption = (
            f"{_escaped(self.title)}: {mark}{self.totals.params:,} params, {mark}{self.totals.macs:,} MACs, "
            f"input {self.input}, batch {self.batch}"
        )
        return f"<table><caption>{caption}</caption><thead><tr>{head}</tr></thead><tbody>{rows}</tbody></table>"


class Split(NamedTuple):
    """One network's part of a division of its costs."""

    macs: int = 0
    params: int = 0
    operations: int = 0
    outputs: int = 0  # of operations with weights


@dataclass(slots=True)
class Comparison:
    """Networks side by side. Divisions hold, under each label, one part for each network in order."""

    networks: list[NetworkCost]
    by_map_size: dict[str, list[Split]]  # extents of what a layer gives, the largest first
    by_kind: dict[str, list[Split]]  # kind of operation: conv 3x3, linear


class Cause(NamedTuple):
    """Where the difference of two networks lies: labels of a division, and their part of the difference."""

    labels: tuple[str, ...]
    part: int
    whole: int


class Rule(NamedTuple):
    """How one number comes about: the rule in words of the operator, the numbers put into it, the result."""

    quantity: str
    formula: str
    numbers: str
    result: str


@dataclass(slots=True)
class Explanation:
    """Why an operation costs what it costs; every formula is what the operator's own rule gives for symbols."""

    name: str
    notation: str
    summary: str
    x: str
    y: str
    rules: list[Rule]
    given: dict[str, int]  # what the symbols stand for
    assumptions: list[str]
    counts: str  # of the operator's documentation
    source: str
    remark: str = ""


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
        "macs": layer.macs,
    }
    if convention.column != "macs":
        row[convention.column] = layer.flops
    row |= {
        "connections": layer.connections,
        "neurons": layer.neurons,
        "activations": layer.activations,
        "stored_params": layer.stored_params,
        "size_bytes": layer.size_bytes,
        "receptive_field": list(seen.size) if seen else None,
        "jump": [plain(value) for value in seen.jump] if seen else None,
        "first_centre": [plain(value) for value in seen.first_centre] if seen else None,
        "state": layer.state,
        "head": layer.head,
    }
    return row


def totals_row(cost: NetworkCost) -> dict[str, Any]:
    """Totals as CSV and JSON hold them."""
    totals = cost.totals
    row: dict[str, Any] = {}
    for name in Totals.__slots__:
        value = getattr(totals, name)
        if name == "flops":
            if cost.convention.column != "macs":
                row[cost.convention.column] = value
        else:
            row[name] = value
    seen = cost.receptive_field
    row["receptive_field"] = list(seen.size) if seen else None
    row["jump"] = [plain(jump) for jump in seen.jump] if seen else None
    row["at_least"] = totals.at_least
    return row


def shape_list(shape: Shape) -> list[Any]:
    """A shape as JSON holds it: channels first."""
    return list(shape.spatial) if shape.channels is None else [shape.channels, *shape.spatial]


def plain(value: Fraction | int) -> int | float:
    """A half or a quarter of a pixel as a number of JSON; exact, for the denominators are powers of small strides."""
    return int(value) if value == int(value) else float(value)


def _cell(value: Any) -> str:
    if isinstance(value, list):
        return "x".join(map(str, value))
    return f"{value:,}" if isinstance(value, int) else _escaped(str(value))


def _escaped(text: str) -> str:
    return text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")


@lru_cache(maxsize=1 << 14)
def notation(operator: Operator) -> str:
    """An operator as a spec would write it: required arguments by position, others where they are not the default."""
    parts: list[str] = []
    for name, declared in operator.arguments.items():
        value = getattr(operator, declared.attribute)
        if declared.kind == "operation" or (not declared.is_required and value == declared.default):
            continue
        parts.append(_written(value) if declared.is_required else f"{name}={_written(value)}")
    return f"{operator.name}({', '.join(parts)})" if parts else operator.name


def _written(value: Any) -> str:
    if isinstance(value, bool):
        return str(value).lower()
    if value is None:
        return "none"
    if isinstance(value, Fraction):
        return str(float(value))
    if hasattr(value, "connected"):
        return f"{value.inputs}x{value.outputs} table"
    if hasattr(value, "node"):
        return value.name or "layer"
    if isinstance(value, tuple):
        return f"({', '.join(map(_written, value))})"
    return str(value)

"""What a page knows of a network, as plain values; numbers are places among the results of its program."""

from __future__ import annotations

from collections.abc import Hashable, Iterable
from typing import Any

from archcalc.dims import Assumption, Dim
from archcalc.engine.structure import Structured
from archcalc.report.figure.items import Figure
from archcalc.report.figure.svg import Links
from archcalc.report.figure.words import kind_of
from archcalc.report.media.numbers import plural
from archcalc.report.page.code import Program
from archcalc.report.page.follow import Following
from archcalc.report.show import flops_title, storage_parts
from archcalc.results.cost import LayerCost, NetworkCost
from archcalc.results.field import ReceptiveField
from archcalc.results.live import BATCH, Free, Live, LiveLayer, LiveOperation, Texts

# Titles of columns, and what they mean.
TITLES = {
    "params": ("params", "trained scalars: weights, biases, scale and shift of norms; a shared one once"),
    "macs": ("MACs", "multiply-accumulate pairs of convolutions, linear layers and matrix products"),
    "activations": ("activations", "elements that the layer gives"),
    "weights": ("weights", "of kernels and matrices"),
    "biases": ("biases", "added to each output"),
    "norm_params": ("norm params", "scale and shift of norms"),
    "buffers": ("buffers", "stored and not trained, such as running statistics"),
    "connections": ("connections", "for every output its incoming weights and its bias"),
    "neurons": ("neurons", "outputs of layers with weights"),
    "masked": ("masked MACs", "of the MACs, those of pairs that a mask excludes"),
    "read_bytes": ("read bytes", "what a layer takes from others, each once, at fp32, and its parameters as stored"),
    "write_bytes": ("write bytes", "what a layer gives, at fp32; a view gives nothing, a cache what is new"),
    "state": ("state", "elements that a step keeps for the next one"),
}


class Interned:
    """Equal values once, each with its place."""

    def __init__(self) -> None:
        self.places: dict[Hashable, int] = {}
        self.values: list[Any] = []

    def place(self, key: Hashable, value: Any) -> int:
        """Where a value stands; it is taken in the first time."""
        found = self.places.get(key)
        if found is None:
            found = self.places[key] = len(self.values)
            self.values.append(value)
        return found


class Record:
    """A network on its way to plain values."""

    def __init__(self, live: Live) -> None:
        self.live = live
        self.program = Program([of.name for of in live.free])
        self.kinds = Interned()
        self.operations = Interned()
        self.rules = Interned()
        self.texts = Interned()
        self.text("")  # the first
        self.known: dict[Hashable, int] = {}  # places of kinds by what they are made of

    def numbers(self, numbers: Iterable[Dim]) -> list[int]:
        """Places of numbers."""
        return [self.program.place(x) for x in numbers]

    def parts(self, texts: Texts) -> list[str | int]:
        """Texts, and places of the numbers between them."""
        return [part if isinstance(part, str) else self.program.place(part) for part in texts if part != ""]

    def text(self, text: str) -> int:
        """Place of a text."""
        return self.texts.place(text, text)

    def assumption(self, of: Assumption) -> list[Any]:
        """What is assumed, and what the engine says where that does not hold: of which layer, in which words."""
        said = self.live.refusals.get(of)
        told = [said.layer, self.parts(said.sentence)] if said else []
        return [of.text, of.relation, of.code.replace("-", " "), *told]

    def kind(self, of: LiveLayer) -> int:
        """What layers have in common but for name and place: notation, sizes, costs and rules."""
        layer = of.layer
        made_of = map(id, (of.notation, of.x, of.y, of.amounts, *of.operations))  # those of alike layers are the same
        key = (*made_of, layer.lower_bounds, self.colour(layer))
        if key not in self.known:
            self.known[key] = self.new_kind(of)
        return self.known[key]

    def new_kind(self, of: LiveLayer) -> int:
        """The place of one that is equal, if there is any."""
        layer = of.layer
        value = [
            [
                of.notation.operator,
                [
                    [given.name, self.parts(given.text), *([] if given.default is None else [given.default])]
                    for given in of.notation.arguments
                ],
                self.parts(of.notation.ending),
            ],
            self.numbers(of.x),
            self.numbers(of.y),
            self.numbers(of.amounts.values()),
            [self.operation(operation) for operation in of.operations],
            sorted(layer.lower_bounds),
            self.colour(layer),
        ]
        return self.kinds.place(repr(value), value)

    def colour(self, layer: LayerCost) -> str:
        """The name of the colour of its first operation."""
        node = self.live.cost.graph.nodes[layer.nodes[0]]
        return kind_of(node.operator, node.x).name.lower()

    def operation(self, of: LiveOperation) -> int:
        """An operation, with its rules and their symbols, and numbers for these."""
        rules = [list(of.given), [[rule.quantity, rule.formula] for rule in of.rules]]
        value = [
            of.name,
            self.rules.place(repr(rules), rules),
            self.numbers(of.given.values()),
            [result if isinstance(result, str) else self.program.place(result) for result in of.results],
            [self.numbers(x) for x in of.x],
            self.numbers(of.y),
            self.text(of.summary),
            self.text("; ".join(of.assumptions)),
            self.text(of.source),
            self.text(of.remark),
        ]
        return self.operations.place(repr(value), value)


def network_data(live: Live, structured: Structured, figure: Figure, links: Links) -> tuple[dict[str, Any], str]:
    """A network as plain values, and the source of its program.

    Args:
        live: its costs as functions.
        structured: its structure as it is.
        figure: what is drawn of it.
        links: what the drawing marked for the page to follow.
    """
    cost, record = live.cost, Record(live)
    following = Following(live, figure, structured.structure.walk(), record.program.place)
    names = shortened(of.layer.name for of in live.layers)
    layers = [
        [
            *name,
            record.kind(of),
            of.layer.nodes[-1] + 1,
            record.text(_seen(of.layer.local_receptive_field)),
            *_rest(record.text(of.layer.head), [at for at, free in enumerate(live.free) if free.name in of.field_by]),
        ]
        for name, of in zip(names, live.layers, strict=True)
    ]
    named = modules(structured)
    paths = shortened(named)
    inputs = cost.graph.inputs
    data = {
        "name": cost.name,
        "free": [_free(of) for of in live.free],
        "quantities": [[name, *titled(cost, name)] for name in live.quantities],
        "assumptions": [record.assumption(of) for of in live.assumptions],
        "input": [[f"{name} " if len(inputs) > 1 else "", following.sizes(at)] for at, name in enumerate(inputs)],
        "totals": record.numbers(live.totals[name] for name in live.quantities),
        "at_least": [name for name in live.quantities if cost.is_lower_bound(name)],
        "layers": layers,
        "kinds": record.kinds.values,
        "operations": record.operations.values,
        "rules": record.rules.values,
        "texts": record.texts.values,
        "modules": [[*path, record.text(name)] for path, name in zip(paths, named.values(), strict=True)],
        "depth": cost.totals.depth,
        "layer_count": cost.totals.layers,
        "told": following.texts(links),
        "bars": following.bars(links),
    }
    return data, record.program.source(live.assumptions)


def _rest(head: int, seen_by: list[int]) -> list[int]:
    """The head that a layer is of and what its field depends on, where there is something to say."""
    return [head, *seen_by] if head or seen_by else []


def shortened(texts: Iterable[str]) -> list[tuple[int, str]]:
    """Texts without what each has in common with the one before: how many letters, and those that follow."""
    found = []
    before = ""
    for text in texts:
        common = next(
            (at for at, (a, b) in enumerate(zip(before, text, strict=False)) if a != b), min(len(before), len(text))
        )
        found.append((len(text[:common].encode("utf-16-le")) // 2, text[common:]))  # letters as JavaScript counts them
        before = text
    return found


def titled(cost: NetworkCost, name: str) -> tuple[str, str]:
    """Title of a quantity, and what it is."""
    if name == "flops":
        return flops_title(cost.convention), cost.convention.about
    return TITLES[name]


def facts(live: Live) -> list[str]:
    """Under which assumptions the numbers hold, beside the input and what sliders say."""
    cost, totals = live.cost, live.cost.totals
    counted = f"{plural(totals.counted, 'operation')} counted, {totals.zero} declared zero, {totals.unknown} unknown"
    sliders = {of.name for of in live.free}
    settings = [f"{name}={value}" for name, value in cost.settings.items() if name not in sliders]
    return [f"convention {cost.convention.name}", *settings, *storage_parts(cost), counted]


def modules(structured: Structured) -> dict[str, str]:
    """Names of modules by the paths of their calls."""
    return {part.path: part.name for part in structured.structure.walk() if part.kind == "module" and part.path}


def _free(of: Free) -> dict[str, Any]:
    unit = of.unit
    return {
        "name": of.name,
        "unit": [unit.numerator, unit.denominator],
        "least": of.least,
        "number": of.number,
        "most": _most(of),
    }


def _most(of: Free) -> int:
    """Where a slider ends; the field beside it takes more."""
    if of.name == BATCH:
        return max(256, 4 * of.number)
    return max(16, 4 * of.number) if of.number else 1024


def _seen(field: ReceptiveField | None) -> str:
    if field is None:
        return ""
    size = "×".join(map(str, field.size if len(set(field.size)) > 1 else field.size[:1]))
    return f"{'≥ ' if field.is_at_least else ''}{size}"

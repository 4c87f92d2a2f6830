"""What is drawn, before anything has a place: boxes, calls of modules, merges with their branches, rows and forms."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from archcalc.graph import Graph
from archcalc.ops import Shape
from archcalc.report.figure.told import Amount, Sizes, Told, joined, rest_of, spans_of, word_of
from archcalc.report.figure.words import Kind, Label, brief, shape_text
from archcalc.report.media.numbers import percent
from archcalc.results.structure import Part

if TYPE_CHECKING:
    from archcalc.report.figure.flow import Flow


@dataclass(slots=True)
class Op:
    """A box: an operation, or equal ones in a row; a grey pill may hold several small ones."""

    labels: list[Label]
    parts: list[Part]  # one for each time, or for each label of a pill
    home: str  # path of the innermost name that the author gave
    reads: int | None  # the operation that it goes on from; None: it reads nothing
    y: Shape
    times: int = 1
    is_shared: bool = False
    copies: tuple[Any, Any] = (1, 1)  # stored and computed: of experts

    @property
    def label(self) -> Label:
        """The label, or the first of several."""
        return self.labels[0]

    @property
    def word(self) -> str:
        """`3×3 conv`, `BN, ReLU`."""
        labels = zip(self.parts, self.labels, strict=False)
        return joined(", ", [word_of(part.first, label.word) for part, label in labels])

    @property
    def rest(self) -> str:
        """`64, /2`."""
        return rest_of(self.parts[0].first, self.label.rest)

    @property
    def text(self) -> str:
        """`3×3 conv, 64, /2`."""
        return joined(", ", [self.word, *([self.rest] if len(self.labels) == 1 and self.label.rest else [])])

    @property
    def kind(self) -> Kind:
        """The kind that gives its colour."""
        return self.label.kind

    @property
    def is_small(self) -> bool:
        """Whether it is a grey pill."""
        return self.label.is_small


@dataclass(slots=True)
class Call:
    """A box with a thick edge: calls of one module in a row; or what an entry holds, opened as a module is."""

    module: str
    word: str  # as the author wrote it
    home: str
    parts: list[Part]
    forms: list[int]  # of each call, its number among the forms of the module
    reads: int | None
    y: Shape
    is_entry: bool = False
    inner: list[Item] = field(default_factory=list)  # of a single call, where it is drawn open in a U

    @property
    def times(self) -> int:
        """How many calls."""
        return len(self.parts)


@dataclass(slots=True)
class Branch:
    """One way into a merge: items in a row; or none, where it hands on what the merge reads or something earlier."""

    name: str
    items: list[Item]
    source: str = ""  # what it goes on from, where that is not what the merge reads
    part: Part | None = None

    @property
    def is_identity(self) -> bool:
        """Whether it hands on what the merge reads."""
        return not self.items and not self.source

    @property
    def is_skip(self) -> bool:
        """Whether it hands on something earlier as it is."""
        return not self.items and bool(self.source)


@dataclass(slots=True)
class Fork:
    """Branches, and the merge that they meet in; without a word, where that merge became one with the next."""

    word: str
    branches: list[Branch]
    parts: list[Part]
    home: str
    reads: int | None
    y: Shape
    key: Any = None

    @property
    def times(self) -> int:
        """How many equal ones in a row."""
        return len(self.parts)


Item = Op | Call | Fork


def spans(item: Item) -> tuple[tuple[int, int], ...]:
    """Operations of all of its parts, as first and last + 1."""
    return tuple((part.first, part.last) for part in item.parts)


@dataclass(slots=True)
class Row:
    """A box of the column."""

    name: str
    item: Item
    place: str  # entry, output or head
    reads: int | None  # the operation that it goes on from; None: nothing
    others: list[int]  # further operations outside of it that it reads
    output: int | None
    is_first: bool = True  # of its name
    is_only: bool = True
    names: Sequence[str] = ()  # of several entries together: that of each part

    @property
    def nodes(self) -> Iterator[int]:
        """Its operations."""
        return (index for part in self.item.parts for index in part.nodes)


@dataclass(slots=True)
class Form:
    """A module, or an entry, that is opened: drawn once for all calls of one form."""

    module: str
    title: str
    number: int  # of the form, from 1
    chosen: Part
    calls: list[Part]  # all of them
    is_head: bool = False
    is_entry: bool = False
    mark: str = ""
    nth: int = 1  # of those forms of the module that are opened
    of: int = 1
    chain: list[Item] = field(default_factory=list)
    flow: Flow | None = None  # of the chain, where its items are not in a row


def _parts(item: Item | Part | Row | Sequence[Part]) -> Sequence[Part]:
    if isinstance(item, Part):
        return [item]
    if isinstance(item, Row):
        return item.item.parts
    return item.parts if isinstance(item, Op | Call | Fork) else item


@dataclass(slots=True)
class Figure:
    """A network as it is drawn."""

    name: str
    title: str
    facts: str
    rows: list[Row]
    heads: list[Row]
    forms: list[Form]
    marks: dict[tuple[str, int], str]  # letter by module and number of the form
    inputs: dict[int, str]  # by index: `input 3×224×224`
    names: dict[int, str]  # of operations that something names
    graph: Graph
    total: dict[str, int]
    amounts: dict[str, list[int]]
    kinds: Sequence[Kind]  # of each operation
    description: str = ""
    closed: int = 0  # modules that are not opened because the page has no room

    def shape(self, index: int) -> Shape:
        """What an operation, or an input, gives."""
        return self.graph.shape(index)

    def read_by(self, item: Item) -> dict[int, None]:
        """Operations, and inputs, that an item reads and that are not in it."""
        first, last = item.parts[0].first, item.parts[-1].last
        reads = (read for node in self.graph.nodes[first:last] for read in node.inputs)
        return dict.fromkeys(read for read in reads if not first <= read < last)

    def name_of(self, index: int) -> str:
        """What an operation or an input is called where something reads it from afar."""
        return self.names.get(index) or self.graph.nodes[index].layer.rpartition(".")[2]

    def sum(self, item: Item | Part | Row, quantity: str) -> int:
        """What an item has of a quantity, all of its times together."""
        amounts = self.amounts[quantity]
        if isinstance(item, Part):
            return sum(amounts[item.first : item.last])
        return sum(sum(amounts[part.first : part.last]) for part in _parts(item))

    def brief(self, item: Item | Part | Row | None, quantity: str) -> str:
        """The same as it is written, `173 M`; of all rows without an item."""
        amount = self.total[quantity] if item is None else self.sum(item, quantity)
        return Told(brief(amount), Amount(quantity, None if item is None else spans_of(_parts(item))))

    def share(self, items: Item | Row | Sequence[Part], quantity: str) -> str:
        """What of all rows that is: `21.9%`; nothing where it is none."""
        parts = _parts(items)
        text = percent(sum(self.sum(part, quantity) for part in parts), self.total[quantity])
        return Told(text, Amount(quantity, spans_of(parts), True)) if text else ""

    def given(self, item: Item) -> str:
        """The shape that an item gives."""
        last = item.parts[-1]
        return Told(shape_text(item.y), Sizes(last.last - 1 if last.output is None else last.output))

    def shape_of(self, index: int) -> str:
        """The shape that an operation, or an input, gives."""
        return Told(shape_text(self.shape(index)), Sizes(index))

    def by_kind(self, row: Row, quantity: str) -> dict[Kind, int]:
        """A row's quantity by kinds of operations."""
        found: dict[Kind, int] = {}
        amounts = self.amounts[quantity]
        for index in row.nodes:
            if amounts[index]:
                found[self.kinds[index]] = found.get(self.kinds[index], 0) + amounts[index]
        return {kind: found[kind] for kind in Kind if kind in found}

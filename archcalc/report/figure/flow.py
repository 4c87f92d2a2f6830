"""What an opened module holds as a graph, where more than one item reads a value: who reads whom, in which order.

A module whose items go on from one another, with branches that begin and end together, is drawn without this. Where a
name is read from afar (a gate, a latent that two things are made of, the nodes of a found cell), its items become
knots in layers, and every read is a line. Knots that go on from one another stand below one another: a strand.
No sizes are known here; `wires` gives places.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from itertools import pairwise

from archcalc.graph import Graph
from archcalc.report.figure.fold import reading
from archcalc.report.figure.items import Branch, Call, Fork, Item, Op
from archcalc.report.figure.order import Net, ordered
from archcalc.results.structure import Part

MOST_BESIDE = 3  # boxes side by side where a flow has to be narrow
MOST_KNOTS = 60  # of a module that is drawn with lines; of more, words say what is read


@dataclass(slots=True, eq=False)
class Knot:
    """An item with the values that it reads; without an item a branch that hands on what it reads, with its name."""

    item: Item | None
    reads: list[int]  # of this module
    others: list[int]  # of elsewhere
    output: int | None
    role: Branch | None = None  # that begins with it
    of: Fork | None = None  # the merge that the role is in
    is_named_below: bool = False  # a branch that ends with it has its name there
    is_joint: bool = False  # a merge whose branches are knots themselves
    layer: int = 0
    strand: int = 0

    @property
    def has_head(self) -> bool:
        """Whether the line to it ends in an arrow: not where its name stands between, or its branches begin."""
        if self.item is None or (self.role is not None and not self.is_named_below):
            return False
        return self.is_joint or not isinstance(self.item, Fork)


@dataclass
class Flow:
    """Knots in layers, and what runs between these; strand 0 is the value that comes in from above."""

    layers: list[dict[int, Knot | None]]  # strands of each; None where a line passes
    channels: list[list[Net]]  # before each layer
    order: list[int]  # of strands, from the left
    entry: int | None  # the value that comes in; None where nothing reads it
    last: Knot  # that gives what the module gives
    unlaid: Sequence[Knot] = ()  # knots that may stand elsewhere

    @cached_property
    def narrow(self) -> Flow | None:
        """The same with fewer boxes side by side, where that is another."""
        if not self.unlaid or self.entry is None:
            return None
        found = _laid(self.unlaid, self.entry, MOST_BESIDE)
        return found if found.most < self.most else None

    @property
    def most(self) -> int:
        """Boxes of the layer that has most."""
        return max(sum(knot is not None and not knot.is_joint for knot in layer.values()) for layer in self.layers)

    @property
    def knots(self) -> Iterator[Knot]:
        """All knots."""
        return (knot for layer in self.layers for knot in layer.values() if knot is not None)


class _Scope:
    """A module's values: those that its items make, and the one that it goes on from."""

    def __init__(self, graph: Graph, part: Part, chain: Sequence[Item]) -> None:
        self.graph, self.part = graph, part
        is_entry = part.kind in ("entry", "head", "output")  # which may go on from elsewhere than what is before it
        begins = reading(chain) if is_entry else None
        self.entry = part.input if begins is None else begins

    def holds(self, value: int) -> bool:
        return value == self.entry or self.part.first <= value < self.part.last

    def inputs(self, index: int) -> tuple[int, ...]:
        return self.graph.nodes[index].inputs

    def reads(self, item: Item) -> dict[int, None]:
        """Values of this module or elsewhere that an item reads."""
        first, last = item.parts[0].first, item.parts[-1].last
        found: dict[int, None] = {}
        for index in range(first, last):
            for read in self.inputs(index):
                if not first <= read < last:
                    found[read] = None
        return found

    def read_outside(self, first: int, last: int) -> Iterator[int]:
        """Values that the module's other operations read than these."""
        for index in range(self.part.first, self.part.last):
            if not first <= index < last:
                yield from self.inputs(index)

    def is_in_a_row(self, items: Sequence[Item], before: int | None) -> bool:
        """Whether each item reads the one before it alone, of all that the module has; in its branches too."""
        for item in items:
            if any(read != before for read in self.reads(item) if self.holds(read)):
                return False
            if isinstance(item, Fork) and not all(self.is_branch(branch, before) for branch in item.branches):
                return False
            before = item.parts[-1].output
        return True

    def is_branch(self, branch: Branch, before: int | None) -> bool:
        """Whether a branch goes on from what its merge reads, or from elsewhere; and is in a row."""
        source = reading(branch.items) if branch.items else branch.part.output if branch.part is not None else None
        if branch.source and source is not None and self.holds(source):
            return False
        return self.is_in_a_row(branch.items, before)


def flow_of(chain: Sequence[Item], part: Part, graph: Graph) -> Flow | None:
    """The graph of an opened module; None where its items are in a row, or are told by words.

    Args:
        chain: what it puts in a row, with branches.
        part: the call that is drawn.
        graph: of the network.
    """
    scope = _Scope(graph, part, chain)
    if not chain or scope.is_in_a_row(chain, scope.entry):
        return None
    found = _Unfolding(scope, chain)
    made = {knot.output for knot in found.knots}
    known = all(read == scope.entry or read in made for knot in found.knots for read in knot.reads)
    if not known or not found.is_whole or len(found.knots) > MOST_KNOTS:
        return None
    flow = _laid(found.knots, scope.entry)
    flow.unlaid = [replace(knot) for knot in found.knots]
    return flow


class _Unfolding:
    """Items as knots: merges that are read from within, or that read from afar, with their branches apart."""

    def __init__(self, scope: _Scope, chain: Sequence[Item]) -> None:
        self.scope = scope
        self.knots: list[Knot] = []
        last = chain[-1]
        self.is_whole = not isinstance(last, Fork) or bool(last.word)  # whether all of it can be drawn so
        self.wanted: set[int] = set()
        for item in _leaves(chain):
            self.wanted |= scope.reads(item).keys()
            if isinstance(item, Fork):
                self.wanted |= {read for part in item.parts if part.node >= 0 for read in scope.inputs(part.node)}
        self.row(chain)

    def row(self, items: Sequence[Item]) -> list[int]:
        """Knots of items in a row; the values that it ends in."""
        ends: list[int] = []
        for item in items:
            for piece in self.cut(item):
                ends = self.item(piece)
        return ends

    def item(self, item: Item) -> list[int]:
        if isinstance(item, Fork) and not self.is_closed(item):
            return self.joint(item)
        reads = self.scope.reads(item)
        own = [read for read in reads if self.scope.holds(read)]
        others = [read for read in reads if not self.scope.holds(read) and not isinstance(item, Fork)]
        self.knots.append(Knot(item, own, others, item.parts[-1].output))
        return [] if item.parts[-1].output is None else [item.parts[-1].output]

    def is_closed(self, fork: Fork) -> bool:
        """Whether a merge reads one value in all, and nothing else reads what is in it."""
        first, last, output = fork.parts[0].first, fork.parts[-1].last, fork.parts[-1].output
        own = [read for read in self.scope.reads(fork) if self.scope.holds(read)]
        if output is None or len(own) > 1:
            return False
        if any(first <= read < last and read != output for read in self.scope.read_outside(first, last)):
            return False
        return all(self.scope.is_branch(branch, own[0] if own else None) for branch in fork.branches)

    def joint(self, fork: Fork) -> list[int]:
        """Branches apart, and the merge; a merge that became one with the next gives what its branches give."""
        given: dict[int, None] = {}
        self.is_whole = self.is_whole and fork.times == 1
        for branch in fork.branches:
            begins = len(self.knots)
            if branch.items:
                ends = self.row(branch.items)
            else:
                value = None if branch.part is None else branch.part.output
                ends = [] if value is None else [value]
                if branch.name and value is not None and self.scope.holds(value) and fork.word:
                    marker = -len(self.scope.graph.inputs) - 1 - len(self.knots)  # a value that no operation has
                    self.knots.append(Knot(None, [value], [], marker))
                    ends = [marker]
            if len(self.knots) > begins and branch.name:
                first, last = self.knots[begins], self.knots[-1]
                if first.role is None and not first.is_joint and len(self.knots) - begins == self.length(begins):
                    first.role, first.of = branch, fork
                elif last.role is None:
                    last.role, last.of, last.is_named_below = branch, fork, True
            given |= dict.fromkeys(ends)
        if not fork.word:
            return list(given)
        own = [value for value in given if value < -len(self.scope.graph.inputs) or self.scope.holds(value)]
        others = [value for value in given if value not in own]
        output = fork.parts[-1].output
        self.knots.append(Knot(fork, own, others, output, is_joint=True))
        return [] if output is None else [output]

    def cut(self, item: Item) -> list[Item]:
        """Equal boxes in a row, or small ones in a pill, in pieces where something else reads what is between."""
        if not isinstance(item, Op | Call) or len(item.parts) == 1:
            return [item]
        ends = [at for at, part in enumerate(item.parts, 1) if part.output in self.wanted or at == len(item.parts)]
        return [self.piece(item, begin, end) for begin, end in zip([0, *ends], ends, strict=False)]

    def piece(self, item: Op | Call, begin: int, end: int) -> Item:
        parts = item.parts[begin:end]
        reads = item.parts[begin - 1].output if begin else item.reads
        y = item.y if parts[-1].output is None else self.scope.graph.shape(parts[-1].output)
        if isinstance(item, Call):
            return replace(item, parts=parts, forms=item.forms[begin:end], reads=reads, y=y)
        if len(item.labels) > 1:
            return replace(item, parts=parts, labels=item.labels[begin:end], reads=reads, y=y)
        return replace(item, parts=parts, times=end - begin, reads=reads, y=y)

    def length(self, begins: int) -> int:
        """Knots from one on that go on from one another."""
        count = 1
        while begins + count < len(self.knots) and self.knots[begins + count].reads == [
            self.knots[begins + count - 1].output
        ]:
            count += 1
        return count


def _leaves(items: Sequence[Item]) -> Iterator[Item]:
    """Boxes and merges, those in branches too."""
    for item in items:
        yield item
        if isinstance(item, Fork):
            for branch in item.branches:
                yield from _leaves(branch.items)


# layers


def _laid(knots: Sequence[Knot], entry: int, most: int = MOST_KNOTS) -> Flow:
    """Knots in layers, each below what it reads, with strands and lines that pass; at most so many in a layer."""
    made = {knot.output: knot for knot in knots if knot.output is not None}
    before: dict[Knot, list[Knot | None]] = {}  # whom each reads; None: what comes in
    after: dict[Knot | None, list[Knot]] = {None: []}
    for knot in knots:
        before[knot] = [made.get(read) for read in dict.fromkeys(knot.reads)]
        after[knot] = []
        for read in before[knot]:
            after[read].append(knot)

    def apart(read: Knot | None, knot: Knot) -> int:
        """Layers from one to the other: one more where a line that goes to several meets others."""
        return 1 + (len(before[knot]) > 1 and len(after[read]) > 1)

    taken: dict[int, int] = {}
    reached: set[Knot] = set()
    for knot in knots:
        reads = before[knot]
        knot.layer = max((apart(read, knot) + (-1 if read is None else read.layer) for read in reads), default=0)
        if knot.others or any(read is None or read in reached for read in reads):
            reached.add(knot)
            while taken.get(knot.layer, 0) >= most:
                knot.layer += 1
            taken[knot.layer] = taken.get(knot.layer, 0) + 1
    for knot in reversed(knots):  # what hangs on nothing stands where it is read
        if knot not in reached and after[knot]:
            knot.layer = min(reader.layer - apart(knot, reader) for reader in after[knot])
    return _Strands(knots, before, after).flow(entry if after[None] else None)


class _Strands:
    """Knots below one another, and lines that pass layers."""

    def __init__(
        self, knots: Sequence[Knot], before: dict[Knot, list[Knot | None]], after: dict[Knot | None, list[Knot]]
    ) -> None:
        self.knots, self.before, self.after = knots, before, after
        self.layers: list[dict[int, Knot | None]] = [{} for _ in range(max(knot.layer for knot in knots) + 1)]
        self.count = 1
        self.passing: dict[Knot | None, int] = {}  # strands of lines that several read further down
        self.own: dict[tuple[Knot | None, Knot], int] = {}  # strands of lines that one reads
        for knot in knots:
            reads = before[knot]
            only = reads[0] if len(reads) == 1 and after[reads[0]] == [knot] else knot
            if only is None and knot.layer == 0:
                knot.strand = 0
            elif only is not None and only is not knot and knot.layer == only.layer + 1:
                knot.strand = only.strand
            else:
                knot.strand = self.new()
            self.layers[knot.layer][knot.strand] = knot

    def new(self) -> int:
        self.count += 1
        return self.count - 1

    def way(self, read: Knot | None, knot: Knot) -> list[int]:
        """Strands of a line, layer by layer, from what is read to who reads it."""
        first, strand = (-1, 0) if read is None else (read.layer, read.strand)
        between = range(first + 1, knot.layer)
        if not between:
            return [strand, knot.strand]
        if len(self.after[read]) == 1:
            passes = strand
        elif len(self.before[knot]) > 1:
            passes = self.own[read, knot] = self.new()
        else:
            passes = self.passing[read] = self.passing.get(read) or self.new()
        for layer in between:
            self.layers[layer].setdefault(passes, None)
        return [strand, *[passes] * len(between), knot.strand]

    def flow(self, entry: int | None) -> Flow:
        """The whole."""
        channels: list[dict[tuple[str, int], tuple[dict[int, None], dict[int, None]]]] = [{} for _ in self.layers]
        for knot in self.knots:
            for read in self.before[knot]:
                way = self.way(read, knot)
                first = knot.layer - len(way) + 2  # the channel that it begins in
                for at, (source, target) in enumerate(pairwise(way)):
                    meets = len(self.before[knot]) > 1 and first + at == knot.layer
                    key = ("into", target) if meets else ("from", source)
                    sources, targets = channels[first + at].setdefault(key, ({}, {}))
                    sources[source] = targets[target] = None
        nets = [[Net(tuple(of), tuple(to)) for of, to in channel.values()] for channel in channels]
        return Flow(self.layers, nets, ordered(self.from_left(), nets), entry, self.knots[-1])

    def from_left(self) -> list[int]:
        """Strands as the author has them: branches in their order, then what they meet in."""
        found: dict[int, None] = {}
        for knot in self.knots:
            for read in self.before[knot]:
                for strand in (self.passing.get(read), self.own.get((read, knot))):
                    if strand is not None:
                        found[strand] = None
            found[knot.strand] = None
        return [0, *(strand for strand in found if strand)]

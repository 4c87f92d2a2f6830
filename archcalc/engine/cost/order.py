"""What operations are there how often, and what their order decides: depth, layers, activations alive at once.

Each is found on the operations that a graph has written, and of its repeats from what their originals do: a block that
stands a hundred times is walked once.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterator, Sequence
from operator import attrgetter
from typing import Any

from archcalc.graph import Graph, Repeat
from archcalc.named import NamedTuple
from archcalc.ops import Shape

OPERATION = attrgetter("operator", "x", "y")


def operations_of(graph: Graph) -> Counter[Any]:
    """How often each operation stands in a graph, by its operator, input and output."""
    if not graph.repeats:
        return Counter(map(OPERATION, graph.written))
    found: Counter[Any] = Counter()
    for node, times in zip(graph.written, _times(graph), strict=True):
        found[OPERATION(node)] += times
    return found


def _times(graph: Graph) -> list[int]:
    """How often each written operation stands in a graph, itself and in copies."""
    repeats = graph.repeats
    times, of_repeats = [1] * len(graph.written), [1] * len(repeats)
    copies: dict[tuple[int, int], int] = {}  # of originals, by their first and last index: not yet added

    def add(first: int, end: int) -> None:
        more = copies.pop((first, end))
        low, high = graph.place(first), graph.place(end)
        for position in range(low.written, high.written):
            times[position] += more
        for number in range(low.repeat, high.repeat):
            of_repeats[number] += more

    for number in range(len(repeats) - 1, -1, -1):
        repeat = repeats[number]
        for first, end in [key for key in copies if key[1] > repeat.begin]:
            add(first, end)
        original = repeat.first, repeat.first + repeat.size
        copies[original] = copies.get(original, 0) + of_repeats[number] * len(repeat.paths)
    for first, end in [*copies]:
        add(first, end)
    return times


def depth(graph: Graph) -> tuple[int, int]:
    """Layers with weights on the longest path to an output; and the same with pooling layers counted too.

    Shortcut projections count only where the longest path goes through them, as papers count.
    """
    size = graph.count + len(graph.inputs)
    weighted, pooled = [0] * size, [0] * size  # the last places are the inputs
    for start, nodes, repeat in graph.segments():
        for index, (_, _, operator, inputs, _, _, _, _) in enumerate(nodes, start):
            if len(inputs) == 1:
                most = weighted[inputs[0]]
                most_pooled = pooled[inputs[0]]
            else:
                most = max([weighted[read] for read in inputs], default=0)
                most_pooled = max([pooled[read] for read in inputs], default=0)
            weighted[index] = most + 1 if operator.weighted else most
            pooled[index] = most_pooled + 1 if operator.weighted or operator.pooling else most_pooled
        if repeat is not None:
            for longest in (weighted, pooled):
                added = longest[repeat.gives] - longest[repeat.reads]
                longest[repeat.output] = longest[repeat.input] + added * len(repeat.paths)
    ends = [graph.output, *graph.outputs.values()]
    return max(weighted[index] for index in ends), max(pooled[index] for index in ends)


def elements(shape: Shape) -> int:
    """Elements of a shape whose sizes are whole numbers, as they are in a graph without free variables."""
    return shape.elements  # type: ignore[return-value]


class Activations(NamedTuple):
    """What some operations give, and how much is alive meanwhile; of an original, beside what was before it."""

    layers: int
    given: int  # elements
    early: int  # the most that is alive at once, up to the last reader of an original's input
    late: int  # and after it, that input among it
    left: int  # alive at the end

    @property
    def peak(self) -> int:
        """The most that is alive at once."""
        return max(self.early, self.late)


def activations(graph: Graph, end: int, inputs: Sequence[Shape], batch: int = 1) -> Activations:
    """Layers; elements that they give; and the largest number of elements alive at once.

    Executed layer by layer in the order written. Alive are the outputs that are still to be read and the output being
    made; operations within a layer work in place. An input, of index -1, -2, ..., is alive until its last reader. What
    reads nothing gives the same to all examples of a batch.

    Args:
        graph: a network.
        end: operations below this index count.
        inputs: shapes of its inputs.
        batch: examples at once.
    """
    last_reader = list(range(end))
    last_reader.extend([-1] * len(inputs))  # the last places are the inputs
    for start, nodes, repeat in graph.segments(0, end):
        for index, node in enumerate(nodes, start):
            for read in node.inputs:
                last_reader[read] = index
        if repeat is not None:
            last_reader[repeat.input] = repeat.begin
    for kept in (graph.output, *graph.outputs.values(), *graph.heads.values()):
        if kept < end:
            last_reader[kept] = end
    freed: list[Any] = [0] * (end + 1)
    for number, shape in enumerate(inputs, 1):
        freed[last_reader[-number]] += elements(shape) * batch
    alive = batch * sum(map(elements, inputs))
    return _Walk(graph, last_reader, batch).walk(0, end, freed, alive, end)


class _Walk:
    """Goes through the operations of a graph in their order."""

    def __init__(self, graph: Graph, last_reader: list[int], batch: int) -> None:
        self.graph, self.last_reader, self.batch = graph, last_reader, batch
        self.sizes: dict[tuple[int, int], Any] = {}  # by identity: nodes share their shapes
        self.originals: dict[tuple[int, int], Activations] = {}

    def walk(self, first: int, end: int, freed: Any, alive: Any, last: int) -> Activations:
        """Operations from one index to another.

        Args:
            first: index of the first.
            end: index after the last.
            freed: elements that are alive no more after an operation, by its index.
            alive: before the first.
            last: where the input of an original is read for the last time.
        """
        sizes, last_reader, batch = self.sizes, self.last_reader, self.batch
        early: Any = 0
        peak: Any = alive
        before: Any = 0
        given: Any = 0
        layers, layer = 0, None
        for start, nodes, repeat in self.graph.segments(first, end):
            for index, (_, name, operator, reads, _, y, _, _) in enumerate(nodes, start):
                key = id(y), id(operator.copies)
                size = sizes.get(key)
                if size is None:
                    size = sizes[key] = elements(y) * operator.copies.computed * batch
                if not reads:
                    size //= batch
                alive += size
                given += size
                if name == layer:  # in place of the layer's operation before
                    alive -= before
                    given -= before
                    if last_reader[index - 1] == index:
                        freed[index] -= before
                else:
                    layers += 1
                    layer = name
                if alive > peak:
                    peak = alive
                before = size
                freed[last_reader[index]] += size
                alive -= freed[index]
                if index == last:
                    early, peak = peak, 0
            if repeat is not None:
                one, copies, ends = self.original(repeat), len(repeat.paths), freed[repeat.begin]
                peak = max(peak, alive + one.early)
                if repeat.begin == last:
                    early, peak = peak, 0
                peak = max(peak, alive + one.late - ends)
                alive += one.left - ends
                if copies > 1:  # each of the others ends what the one before gives
                    peak = max(peak, alive + one.early, alive + one.late - one.left)
                layers += one.layers * copies
                given += one.given * copies
                freed[last_reader[repeat.output]] += one.left
                layer = None
        return Activations(layers, given, early, peak, alive)

    def original(self, repeat: Repeat) -> Activations:
        """What the original of a repeat gives."""
        first, end = repeat.first, repeat.first + repeat.size
        found = self.originals.get((first, end))
        if found is None:
            last = self.last_reader[repeat.reads]
            if last >= end:
                last = max(self.readers(repeat.reads, first, end))
            found = self.originals[first, end] = self.walk(first, end, defaultdict(int), 0, last)
        return found

    def readers(self, read: int, first: int, end: int) -> Iterator[int]:
        """Of what is read, those from one index to another."""
        for start, nodes, repeat in self.graph.segments(first, end):
            for index, node in enumerate(nodes, start):
                if read in node.inputs:
                    yield index
            if repeat is not None and repeat.input == read:
                yield repeat.begin

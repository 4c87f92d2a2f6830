"""A network whose structure varies: its parts as tables, and what many structures of it cost, from these."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from math import prod
from typing import Any, NamedTuple

import numpy as np

from archcalc.dims import Assumption, Dim, collecting_assumptions
from archcalc.engine.cost.analyze import activations, depth
from archcalc.engine.cost.costs import cost_of
from archcalc.engine.cost.quantities import ADDITIVE, SAVED, TIMES_BATCH, of_operation, quantity
from archcalc.engine.cost.storage import storage_of, stored_of_nodes
from archcalc.engine.network import Network, setting
from archcalc.engine.step import refuse_unsteppable
from archcalc.engine.sweep.arrays import evaluate_grid, fits_int64
from archcalc.engine.sweep.expansion import BATCH, DEPTHS, INT64, OBJECT, PEAK, Question, holds, variables_of
from archcalc.engine.sweep.tables import NEVER, Block, Shapes, Table, blank
from archcalc.engine.sweep.units import Unit, Where
from archcalc.graph import Graph
from archcalc.ops import Shape
from archcalc.results.cost import DTYPES
from archcalc.results.sweep import Axis, Column, Columns
from archcalc.source import Span, SpecError
from archcalc.spec.bind import Handle
from archcalc.spec.model import Placed
from archcalc.spec.reads import InseparableError, Reader, Swept
from archcalc.spec.storage import patterns

MOST_EXPANSIONS = 64  # of a part, before it is taken apart
MOST_CELLS = 1 << 22  # numbers in a table
MOST_POINTS = 1 << 18  # that are computed at once
SLICE = 1 << 14  # structures that are walked at once, so that arrays stay in caches
UNDECIDED = frozenset({"structural-variable", "symbolic-quotient", "bad-divisor", "undecided", "bad-power"})


class NotFreeError(Exception):
    """A variable that was left free decides the structure."""


class WholeError(Exception):
    """The network has what is known of it as a whole alone."""


class Found(NamedTuple):
    """Costs of structures at free points, and the number of the error where they are refused, 0 where they are not."""

    costs: Columns  # structures x free points
    refusals: Column


class Structures:
    """One network with axes that decide its structure, and others that stay free.

    Args:
        network: of the library or a file.
        question: what is asked of every configuration.
        axes: those that decide the structure.
        free: the others, whose values each row has a cost for.
        most_expansions: of a part, before it is taken apart.
    """

    def __init__(
        self,
        network: Network,
        question: Question,
        axes: Sequence[Axis],
        free: Sequence[Axis],
        most_expansions: int = MOST_EXPANSIONS,
    ) -> None:
        self.network, self.question = network, question
        self.axes = {axis.name: axis for axis in axes}
        self.free_axes = {axis.name: axis for axis in free}
        self.numbers = {name: number for number, name in enumerate(self.axes)}
        self.sizes = [axis.size for axis in axes]
        self.free = prod(axis.size for axis in free)
        self.most_expansions = most_expansions
        self.has_peak = PEAK in question.quantities
        self.codes: list[str] = [""]  # of errors, by number
        self.is_lower_bound = False
        self.expansions_made = 0
        self._operations: dict[Any, tuple[Dim, ...]] = {}
        own = network.spec.settable
        self.spec_free = {name: axis for name, axis in self.free_axes.items() if name != BATCH or BATCH in own}
        self.grid = {name: axis.multiples for name, axis in self.spec_free.items()}
        self.grid_shape = [axis.size if name in self.spec_free else 1 for name, axis in self.free_axes.items()]
        self.ranges = {name: (int(of.min()), int(of.max())) for name, of in self.grid.items()}
        self.batch_axis = self.numbers.get(BATCH) if BATCH not in own else None
        self.always_read = {self.batch_axis} if self.has_peak and self.batch_axis is not None else set[int]()
        self.is_whole = self._must_be_whole()
        self.start()

    def start(self) -> None:
        """Begin with empty tables."""
        from archcalc.engine.sweep.whole import Root, Whole

        network, question = self.network, self.question
        self.names = _additive(question.quantities, self.is_whole)
        self.width = len(self.names)
        self.most_rows = max(1 << 10, min(1 << 16, MOST_CELLS // (max(1, self.width) * self.free)))
        swept = [
            Swept(number, axis.variable, axis.position.indices)
            for number, axis in enumerate(self.axes.values())
            if number != self.batch_axis
        ]
        free = {name: axis.unit for name, axis in self.spec_free.items()}
        overrides, _ = network.overrides(dict(question.set), None, free)
        self.shapes = Shapes()
        self.units: dict[Any, Any] = {}
        self.expansions: dict[Any, Block] = {}
        self.values: dict[tuple[int, int], Any] = {}
        self.reader = Reader(
            network.spec, network.name, overrides, question.limits, question.with_heads, swept, self.value_of
        )
        where = Where({}, "")
        self.root: Unit = Whole(self, where) if self.is_whole else Root(self, where)

    NO_OWNER = "(nowhere)"

    def input_shape(self, placed: Placed) -> Any:
        """The shape of an input, by what it reads."""
        from archcalc.engine.sweep.asked import Asked

        found = self.units.get(("input", id(placed)))
        if found is None:
            where = Where({}, "")
            found = self.units["input", id(placed)] = Asked(
                self, where, placed.expression, placed.base, lambda reader, _: reader.read_input(placed), False
            )
        return found

    def value_of(self, axis: int, code: int) -> Any:
        """The value of an axis, as a setting."""
        found = self.values.get((axis, code))
        if found is None:
            of = list(self.axes.values())[axis]
            found = self.values[axis, code] = setting(of.name, of.value(code), axis)
        return found

    def _must_be_whole(self) -> bool:
        network = self.network
        quantities = self.question.quantities
        is_stored = "size_bytes" in quantities and bool(patterns(network.spec, network.name))
        is_once = not {"macs_once", "state_once", "state_bytes"}.isdisjoint(quantities)
        return is_stored or SAVED in quantities or (is_once and len(network.spec.inputs) > 1)

    # many structures

    def evaluate(self, codes: Mapping[str, Column], size: int, chosen: Column | None = None) -> Found:
        """What structures cost, at all free points or at one each.

        Args:
            codes: for each axis the index of its value, by structure.
            size: how many structures.
            chosen: the number of the one free point that counts, by structure; None: all.

        Raises:
            NotFreeError: what was left free decides the structure of some of them.
        """
        step = SLICE if chosen is not None else max(1, min(SLICE, MOST_POINTS // self.free))
        parts = []
        for begin in range(0, max(size, 1), step):
            end = begin + step
            part = {self.numbers[name]: of[begin:end] for name, of in codes.items()}
            parts.append(self._evaluated(part, min(step, size - begin), None if chosen is None else chosen[begin:end]))
        if len(parts) == 1:
            return parts[0]
        costs = {name: np.concatenate([part.costs[name] for part in parts]) for name in parts[0].costs}
        return Found(costs, np.concatenate([part.refusals for part in parts]))

    def _evaluated(self, codes: Mapping[int, Column], size: int, chosen: Column | None) -> Found:
        while True:
            try:
                return self._walked(codes, size, chosen)
            except (WholeError, InseparableError, RecursionError):
                if self.is_whole:
                    raise
                self.is_whole = True
                self.start()

    def _walked(self, codes: Mapping[int, Column], size: int, chosen: Column | None) -> Found:
        """One walk through the network.

        Raises:
            WholeError: limits on the whole may be met, which parts do not see.
        """
        from archcalc.engine.sweep.whole import begun

        walk, value, frame = begun(self, codes, size, chosen)
        output = self.root.run(walk, value, frame)
        if not self.is_whole and self._exceeds(walk):
            raise WholeError
        self._check_inputs(walk)
        block = walk.close(output, self.code("unread-layer"))
        return Found(self._columns(walk, block, codes), block.refusals)

    def _check_inputs(self, walk: Any) -> None:
        """Refuse where nothing reads an input of the network."""
        if self.is_whole or len(self.reader.heads) < len(self.network.spec.heads):
            return
        for unread in walk.unread[: walk.ports]:
            if unread.any():
                rows = np.flatnonzero(unread)
                walk.refuse(rows, np.full((len(rows), walk.free), self.code("unread-input"), np.int16))

    def _exceeds(self, walk: Any) -> bool:
        """Whether limits on the whole may be met, which parts do not see."""
        nodes = sum(int(table.rows.nodes.max()) * times for table, _, _, times in walk.added)
        limits = self.question.limits
        if nodes > limits.layers // 2 or nodes * 20 > limits.steps:
            return True
        return bool(((walk.nodes() == 0) & (walk.refusals == 0).any(axis=1)).any())

    def _columns(self, walk: Any, block: Block, codes: Mapping[int, Column]) -> Columns:
        """The quantities that are asked for."""
        found: Columns = {}
        batch = self._batch(walk, codes)
        for name in self.question.quantities:
            if name == PEAK:
                values = np.broadcast_to(block.peaks[:, None], (walk.size, walk.free))
            elif name in DEPTHS:
                longest = (block.weighted if name == "depth" else block.pooled).max(axis=1)
                values = np.broadcast_to(longest[:, None], (walk.size, walk.free))
            elif name == "size_bytes":
                values = walk.costs(self.names.index("bits" if self.is_whole else "params"))
                values = -(-values // 8) if self.is_whole else -(-_times(values, DTYPES[self.question.dtype]) // 8)
            elif name == "state_bytes":
                kept = walk.costs(self.names.index("state")) + walk.costs(self.names.index("state_once"))
                values = -(-_times(_times(kept, batch), DTYPES[self.question.dtype]) // 8)
            else:
                values = walk.costs(self.names.index(name))
                if name in TIMES_BATCH:
                    values = _times(values, batch)
            found[name] = values
        return found

    def _batch(self, walk: Any, codes: Mapping[int, Column]) -> Any:
        """Examples at once: one number, or one of each structure or free point."""
        if self.batch_axis is not None:
            return _multiples(self.axes[BATCH])[codes[self.batch_axis]].reshape(-1, 1)
        if BATCH in self.free_axes and BATCH not in self.spec_free:
            place = list(self.free_axes).index(BATCH)
            shape = [-1 if number == place else 1 for number in range(len(self.free_axes))]
            sizes = [axis.size for axis in self.free_axes.values()]
            batches = np.broadcast_to(_multiples(self.free_axes[BATCH]).reshape(shape), sizes).reshape(1, -1)
            return batches if walk.chosen is None else batches[0, walk.chosen][:, None]
        return self.question.batch

    # rows

    def new_table(self, ports: int) -> Table:
        """An empty table."""
        return Table(self.width, self.free, ports)

    def error_of(self, error: SpecError) -> int:
        """The number of an error of an expression.

        Raises:
            NotFreeError: it is one because of what was left free.
        """
        code = error.diagnostics[0].code
        if self.spec_free and code in UNDECIDED:
            raise NotFreeError(code)
        return self.code(code)

    def code(self, word: str) -> int:
        """The number of an error."""
        if word not in self.codes:
            self.codes.append(word)
        return self.codes.index(word)

    def block(self, reader: Reader, handle: Handle, given: Sequence[Shape], assumptions: Sequence[Assumption]) -> Block:
        """The row of what was expanded.

        Raises:
            SpecError: two layers of one name, or one that nothing reads.
            WholeError: it has what is known of a network as a whole alone.
        """
        self.expansions_made += 1
        inputs = {str(number): shape for number, shape in enumerate(given)}
        graph = Graph("", "", inputs, reader.nodes, handle.node, first_head=len(reader.nodes))
        if reader.spliced:
            graph.leave_out(reader.spliced)
        nodes, output = graph.nodes, graph.output
        read = [False] * (len(nodes) + len(given))
        for node in nodes:
            for index in node.inputs:
                read[index] = True
        self._check(reader, graph, read)
        if self.has_peak and any(read[-2 - port] or output == -2 - port for port in range(len(given) - 1)):
            raise InseparableError("peak")
        numbers = self._costs(reader, graph)
        found = blank(0, self.free, len(given), 1)
        weighted, pooled = _depths(graph, len(given))
        last = nodes[output].operator if output >= 0 else None
        peak = 0
        if self.has_peak:
            batch = self.question.batch
            if self.batch_axis is not None:
                batch = int(self.axes[BATCH].value(reader.code(self.batch_axis)))
            peak = activations(graph, nodes, list(given[:1]), batch)[2]
        return found._replace(
            costs=self._at_free_points(numbers),
            refusals=self._failures(assumptions, 0),
            shapes=np.array([self.shapes.number(handle.shape)]),
            weighted=np.array([weighted]),
            pooled=np.array([pooled]),
            peaks=np.array([peak], dtype=object if peak >= 2**63 else np.int64),
            nodes=np.array([len(nodes)]),
            reads=np.array([[read[-1 - port] for port in range(len(given))]]),
            alias=np.array([-1 - output if output < 0 else -1]),
            merges=np.array([self.merge_number(last.name) if last is not None and last.merges and last.nests else 0]),
        )

    def whole_block(self, reader: Reader, graph: Graph, assumptions: Sequence[Assumption]) -> Block:
        """The row of a network that is not taken apart."""
        self.expansions_made += 1
        question = self.question
        if graph.has_past:
            refuse_unsteppable(self.network.spec, graph)
        last = len(graph.nodes) if question.with_heads else graph.first_head
        for node in graph.nodes[:last]:
            self.is_lower_bound |= cost_of(node.operator, node.x, node.y).arithmetic.status == "unknown"
        numbers = [self._whole_quantity(graph, name, last) for name in self.names]
        weighted, pooled = depth(graph)
        peak = 0
        if self.has_peak:
            batch = question.batch
            if self.batch_axis is not None:
                batch = int(self.axes[BATCH].value(reader.code(self.batch_axis)))
            peak = activations(graph, graph.nodes[:last], list(graph.inputs.values()), batch)[2]
        return blank(0, self.free, 1, 1)._replace(
            costs=self._at_free_points(numbers),
            refusals=self._failures(assumptions, 0),
            shapes=np.array([self.shapes.number(graph.shape(graph.output))]),
            weighted=np.array([[weighted, NEVER]]),
            pooled=np.array([[pooled, NEVER]]),
            peaks=np.array([peak], dtype=object if peak >= 2**63 else np.int64),
            nodes=np.array([len(graph.nodes)]),
            reads=np.ones((1, 1), bool),
        )

    def _whole_quantity(self, graph: Graph, name: str, last: int) -> Dim:
        question = self.question
        if name != "bits":
            return quantity(graph, name, question.with_heads)
        is_as_written = not (question.set or self.axes)
        storage = storage_of(self.network.spec, graph, question.dtype, None, None, question.limits, is_as_written)
        return stored_of_nodes(storage, graph, range(last))[1]

    def merge_number(self, name: str) -> int:
        """The number of a merge that takes apart those of its kind."""
        return self.code(name)

    def _check(self, reader: Reader, graph: Graph, read: Sequence[bool]) -> None:
        names: set[str] = set()
        for index, node in enumerate(graph.nodes):
            if node.name in names:
                reader.fail("duplicate-layer", f"there are two layers `{node.name}`", Span(*node.span))
            names.add(node.name)
            if not read[index] and index != graph.output:
                reader.fail("unread-layer", f"nothing reads the layer `{node.layer}`", Span(*node.span))
            operator = node.operator
            if operator.keeps and node.x.spatial != node.y.spatial:
                raise WholeError
            if operator.sources and not {"macs_once", "state_once", "state_bytes"}.isdisjoint(self.question.quantities):
                raise WholeError
        if reader.characters > 1 << 24:
            raise WholeError

    def _costs(self, reader: Reader, graph: Graph) -> list[Dim]:
        """What operations cost together; equal ones are asked once."""
        nodes = graph.nodes
        if any(node.shares >= 0 for node in nodes):
            return [quantity(graph, name, True) for name in self.names]
        sums: list[Dim] = [0] * self.width
        for index, node in enumerate(nodes):
            follows = index + 1 < len(nodes) and nodes[index + 1].layer == node.layer
            key = node.operator, node.x, node.y, follows
            found = self._operations.get(key)
            if found is None:
                with collecting_assumptions():  # the graph has them since its expansion
                    cost = cost_of(node.operator, node.x, node.y)
                    self.is_lower_bound |= cost.arithmetic.status == "unknown"
                    found = tuple(of_operation(name, node, cost, cost.parameters, follows) for name in self.names)
                self._operations[key] = found
            sums = [a + b for a, b in zip(sums, found, strict=True)]
        return sums

    def _at_free_points(self, numbers: Sequence[Dim]) -> Column:
        """Numbers at all free points: quantities x 1 x points."""
        if all(isinstance(number, int) for number in numbers):
            is_wide = any(abs(number) >= 2**62 for number in numbers)  # type: ignore[arg-type]
            made = np.array(numbers, dtype=object if is_wide else np.int64).reshape(-1, 1, 1)
            return np.repeat(made, self.free, axis=2)
        is_wide = not all(fits_int64(number, self.ranges) for number in numbers)
        found = evaluate_grid(numbers, self.grid, OBJECT if is_wide else INT64)
        return np.stack([self._spread(each) for each in found])[:, None, :]

    def _spread(self, values: Column) -> Column:
        """Values on the axes of the spec at all free points, those of the batch too."""
        inner = np.broadcast_to(values, [axis.size for axis in self.spec_free.values()])
        whole = inner.reshape(self.grid_shape)
        return np.broadcast_to(whole, [axis.size for axis in self.free_axes.values()]).reshape(-1)

    def _failures(self, assumptions: Sequence[Assumption], otherwise: int) -> Column:
        """The error at each free point: of the first assumption that fails there, else another."""
        found = np.zeros((1, self.free), np.int16)
        for assumption in dict.fromkeys(assumptions):
            given = {name: self.grid[name] for name in self.grid}
            where = self._spread(holds(assumption, given, None, self.ranges))
            if where.all():
                continue
            if assumption.relation == "!=":
                raise NotFreeError(", ".join(sorted(variables_of(assumption))))
            found[0] = np.where((found[0] == 0) & ~where, self.code(assumption.code), found[0])
        if otherwise:
            found[0] = np.where(found[0] == 0, otherwise, found[0])
        return found

    def refused(self, error: SpecError, ports: int, assumptions: Sequence[Assumption]) -> Block:
        """The row of what is no network.

        Raises:
            NotFreeError: it is none because of what was left free.
        """
        self.expansions_made += 1
        return blank(self.width, self.free, ports, 1)._replace(
            refusals=self._failures(assumptions, self.error_of(error)), reads=np.ones((1, ports), bool)
        )


def _additive(quantities: Sequence[str], is_whole: bool) -> list[str]:
    """What rows have, from which the quantities are made at the end."""
    found = dict.fromkeys(name for name in quantities if name in ADDITIVE)
    if "size_bytes" in quantities:
        found["bits" if is_whole else "params"] = None
    if "state_bytes" in quantities:
        found |= {"state": None, "state_once": None}
    return list(found)


def _multiples(axis: Axis) -> Column:
    return axis.multiples * axis.unit.numerator


def _times(values: Column, by: Any) -> Column:
    """A product, in Python's integers where 64 bits may not hold it."""
    if isinstance(by, int) and by == 1:
        return values
    most = int(np.max(by)) * int(np.abs(values).max(initial=0))
    found: Column = (values.astype(object) if most >= 2**63 else values) * by
    return found


def _depths(graph: Graph, ports: int) -> tuple[list[int], list[int]]:
    """Layers with weights on the longest path to the output from each port, and from no input; with pooling too."""
    ends: list[list[list[int]]] = []
    for with_pooling in (False, True):
        found = [[NEVER] * (ports + 1) for _ in range(len(graph.nodes) + ports)]
        for port in range(ports):
            found[-1 - port][port] = 0
        for index, node in enumerate(graph.nodes):
            step = node.operator.weighted or (with_pooling and node.operator.pooling)
            ways = [found[read] for read in node.inputs]
            longest = [max(of) for of in zip(*ways, strict=True)] if ways else [*[NEVER] * ports, 0]
            found[index] = [length + step if length > NEVER else NEVER for length in longest]
        ends.append(found)
    return ends[0][graph.output], ends[1][graph.output]

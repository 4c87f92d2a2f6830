"""What an expansion comes to as a row of a table: costs at all free points, depths, and the error if there is one."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from math import prod
from typing import Any

import numpy as np

from archcalc.dims import Assumption, Dim, collecting_assumptions
from archcalc.engine.cost.costs import cost_of
from archcalc.engine.cost.order import activations, depth
from archcalc.engine.cost.quantities import of_operation, quantity
from archcalc.engine.cost.storage import storage_of, stored_of_nodes
from archcalc.engine.memory.form import ON_A_MACHINE, on_a_machine
from archcalc.engine.network import Network
from archcalc.engine.step import refuse_unsteppable
from archcalc.engine.sweep.arrays import evaluate_grid, fits_int64
from archcalc.engine.sweep.expansion import BATCH, INT64, OBJECT, Question, holds, variables_of
from archcalc.engine.sweep.tables import NEVER, Block, Shapes, Table, WholeError, blank
from archcalc.graph import Graph
from archcalc.ops import Shape
from archcalc.results.sweep import Axis, Column
from archcalc.source import Span, SpecError
from archcalc.spec.bind import Handle
from archcalc.spec.reads import InseparableError, Reader

UNDECIDED = frozenset({"structural-variable", "symbolic-quotient", "bad-divisor", "undecided", "bad-power"})
AT_ONCE = frozenset({"macs_once", "state_once", "state_bytes"})  # what steps repeat is known of the whole alone


class NotFreeError(Exception):
    """A variable that was left free decides the structure."""


class RowMaker:
    """Makes rows of expansions of one network."""

    network: Network
    question: Question
    axes: Mapping[str, Axis]
    names: list[str]
    shapes: Shapes
    has_peak: bool
    batch_axis: int | None
    always_read: set[int]

    def __init__(self, free: Sequence[Axis], own: Any) -> None:
        self.free_axes = {axis.name: axis for axis in free}
        self.free = prod(axis.size for axis in free)
        self.spec_free = {name: axis for name, axis in self.free_axes.items() if name != BATCH or BATCH in own}
        self.grid = {name: axis.multiples for name, axis in self.spec_free.items()}
        self.grid_shape = [axis.size if name in self.spec_free else 1 for name, axis in self.free_axes.items()]
        self.ranges = {name: (int(of.min()), int(of.max())) for name, of in self.grid.items()}
        self.codes: list[str] = [""]  # of errors, by number
        self.is_lower_bound = False
        self.expansions_made = 0
        self._operations: dict[Any, tuple[Dim, ...]] = {}

    def new_table(self, ports: int) -> Table:
        """An empty table."""
        return Table(len(self.names), self.free, ports)

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
            peak = activations(graph, len(nodes), list(given[:1]), batch).peak
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
        batch = question.batch
        if self.batch_axis is not None and self.batch_axis in self.always_read:
            batch = int(self.axes[BATCH].value(reader.code(self.batch_axis)))
        numbers = [self._whole_quantity(graph, name, last, batch) for name in self.names]
        weighted, pooled = depth(graph)
        peak = 0
        if self.has_peak:
            peak = activations(graph, last, list(graph.inputs.values()), batch).peak
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

    def _whole_quantity(self, graph: Graph, name: str, last: int, batch: int) -> Dim:
        question = self.question
        is_as_written = not (question.set or self.axes)
        if name in ON_A_MACHINE:
            how = question.dtype, question.with_heads, is_as_written, question.limits
            return on_a_machine(self.network.spec, graph, name, batch, *how)
        if name != "bits":
            return quantity(graph, name, question.with_heads)
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
            if operator.sources and not AT_ONCE.isdisjoint(self.question.quantities):
                raise WholeError
        if reader.characters > 1 << 24:
            raise WholeError

    def _costs(self, reader: Reader, graph: Graph) -> list[Dim]:
        """What operations cost together; equal ones are asked once."""
        nodes = graph.nodes
        if any(node.shares >= 0 for node in nodes):
            return [quantity(graph, name, True) for name in self.names]
        costs: list[tuple[Dim, ...]] = [(0,) * len(self.names)]
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
            costs.append(found)
        return [sum(of) for of in zip(*costs, strict=True)]

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
        return blank(len(self.names), self.free, ports, 1)._replace(
            refusals=self._failures(assumptions, self.error_of(error)), reads=np.ones((1, ports), bool)
        )


def _depths(graph: Graph, ports: int) -> tuple[list[int], list[int]]:
    """Layers with weights on the longest path to the output from each port, and from no input; with pooling too."""
    nothing = [NEVER] * (ports + 1)
    begins = [[0 if at == port else NEVER for at in range(ports + 1)] for port in reversed(range(ports))]
    # what stands at the end is read by negative numbers: the ports
    weighted: list[list[int]] = [nothing] * len(graph.nodes) + begins
    pooled = list(weighted)
    for index, node in enumerate(graph.nodes):
        operator = node.operator
        for found, step in ((weighted, operator.weighted), (pooled, operator.weighted or operator.pooling)):
            if len(node.inputs) == 1:
                longest = found[node.inputs[0]]
            elif node.inputs:
                longest = [max(of) for of in zip(*[found[read] for read in node.inputs], strict=True)]
            else:
                longest = [*[NEVER] * ports, 0]
            found[index] = [length + 1 if length > NEVER else NEVER for length in longest] if step else longest
    return weighted[graph.output], pooled[graph.output]

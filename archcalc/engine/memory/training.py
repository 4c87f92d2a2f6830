"""Memory of a step of training: tensors of the forward pass, what it keeps, and gradients, each with its life.

Operations run in the order written, and backward in the reverse of it, as torch's engine orders them; what an operation
keeps is freed behind its backward pass, and a gradient behind its last reader. Gradients of what is read several times
are added in place where the memory is nobody else's. Parameters' gradients stay until the step ends.
"""

from __future__ import annotations

from typing import Any, NamedTuple

from archcalc.engine.memory.gradients import PASSES, Trained
from archcalc.engine.memory.inference import Life
from archcalc.engine.memory.segments import segments_of
from archcalc.engine.memory.tensors import Tensors
from archcalc.graph import Graph, Node
from archcalc.ops import KEPT_BITS, Saved
from archcalc.results.memory import Alive, Peak, Phase, Recompute, What

LOSS = "loss"


class Step(NamedTuple):
    """What happens at a time: an operation, forward, again or backward; or the loss (-1)."""

    node: int
    phase: Phase


class Timeline(NamedTuple):
    """All tensors of a step, the times, and bytes that are kept over the loss."""

    lives: list[Life]
    steps: list[Step]
    saved_bytes: int


def parts_of(node: Node) -> int:
    """Of how many layers and ways an operation is made, which run one after the other: a recurrent one of several."""
    operator: Any = node.operator
    both = getattr(operator, "bidirectional", None)
    return 1 if both is None else int(operator.layers) * (2 if both else 1)


def _part(size: int, part: int, parts: int) -> int:
    return size * (part + 1) // parts - size * part // parts


class _Buffer:
    """A gradient: who still needs its memory, and since when it is there."""

    __slots__ = ("first", "layer", "needed", "size")

    def __init__(self, size: int, first: int, layer: str) -> None:
        self.size, self.first, self.layer, self.needed = size, first, layer, 0


class _Run:
    def __init__(
        self, graph: Graph, tensors: Tensors, trained: Trained, recompute: Recompute, mask_bits: int, with_loss: bool
    ) -> None:
        self.graph, self.tensors, self.trained = graph, tensors, trained
        self.nodes = graph.nodes[: graph.first_head]
        self.mask_bits, self.with_loss = mask_bits, with_loss
        self.lives: list[Life] = []
        self.steps: list[Step] = []
        self.segments = segments_of(graph, recompute)
        self.segment_of = {index: each for each in self.segments for index in range(each.first, each.last + 1)}
        self.used_again = {node.shares for node in self.nodes if node.shares >= 0}
        self.order()

    # Times: when each operation runs, forward, again and backward.

    def order(self) -> None:
        count = len(self.nodes)
        self.steps = [Step(index, "forward") for index in range(count)]
        self.loss = count
        self.steps.append(Step(-1, "loss"))
        self.again: dict[int, int] = {}
        self.back: dict[int, int] = {}  # where several layers are one operation, of the first of them
        self.back_first: dict[int, int] = {}
        index = count - 1
        while index >= 0:
            segment = self.segment_of.get(index)
            first = segment.first if segment else index
            if segment:
                for node in range(segment.first, segment.last + 1):
                    self.again[node] = len(self.steps)
                    self.steps.append(Step(node, "recomputed"))
            for node in range(index, first - 1, -1):
                self.back_first[node] = len(self.steps)
                self.steps += [Step(node, "backward")] * parts_of(self.nodes[node])
                self.back[node] = len(self.steps) - 1
            index = first - 1
        self.end = len(self.steps)

    # What the forward pass makes.

    def forward(self) -> int:
        """Lives of all that operations give and make; bytes that are there over the loss for the backward pass."""
        tensors, saved_over_loss = self.tensors, 0
        outputs = {tensors.of[index] for index in (self.graph.output, *self.graph.outputs.values())}
        savers = self.savers()
        for number, size in enumerate(tensors.sizes):
            if not size:
                continue
            maker, readers = tensors.maker[number], tensors.readers[number]
            if maker < 0:
                self.lives.append(Life(size, 0, self.end, What.INPUT, "input"))
                continue
            layer = self.nodes[maker].layer
            segment = self.segment_of.get(maker)
            outside = [each for each in savers[number] if self.segment_of.get(each) is not segment or segment is None]
            # A segment that reads it from outside keeps it whole until its own backward pass is over.
            kept = [self.back[each] for each in outside if self.segment_of.get(each) is None]
            for reader in readers:
                theirs = self.segment_of.get(reader)
                if theirs is not None and theirs is not segment:
                    kept.append(self.back[theirs.first])
            last = max([maker, *readers])
            if number in outputs:
                last = self.end
            end = max([last, *kept])
            if kept and number not in outputs:
                saved_over_loss += size
            self.lives.append(Life(size, maker, end, What.OUTPUT, layer))
            if segment is not None and end < self.again[maker]:
                inside = [each for each in savers[number] if self.segment_of.get(each) is segment]
                again = max([self.again[maker], *(self.again[each] for each in readers if each in self.again)])
                if inside:
                    again = max(again, *(self.back[each] for each in inside))
                self.lives.append(Life(size, self.again[maker], again, What.OUTPUT, layer))
        return saved_over_loss + self.kept_tensors()

    def savers(self) -> list[list[int]]:
        """Of each storage, the operations that keep it for their backward pass."""
        found: list[list[int]] = [[] for _ in self.tensors.sizes]
        for index, node in enumerate(self.nodes):
            saved = self.trained.saved[index]
            for place in saved.inputs:
                found[self.tensors.of[node.inputs[place]]].append(index)
            if saved.output:
                found[self.tensors.of[index]].append(index)
            if self.trained.low_rank[index] and node.inputs:
                found[self.tensors.of[node.inputs[0]]].append(index)
        return found

    def kept_tensors(self) -> int:
        """Lives of what operations make for their backward pass alone; of these, bytes over the loss."""
        over_loss = 0
        for index, node in enumerate(self.nodes):
            sizes = self.made_by(index, self.trained.saved[index])
            if self.trained.low_rank[index]:
                positions: Any = node.y.positions
                kept = int(positions) * self.trained.rank * self.tensors.batch * self.tensors.bits // 8
                sizes = [*sizes, kept]
            segment = self.segment_of.get(index)
            first = index if segment is None else self.again[index]
            over_loss += sum(sizes) if segment is None else 0
            parts = parts_of(node)
            for size in sizes:
                for part in range(parts):
                    last = self.back_first[index] + part
                    self.lives.append(Life(_part(size, part, parts), first, last, What.SAVED, node.layer))
        return over_loss

    def made_by(self, index: int, saved: Saved) -> list[int]:
        """Bytes of each tensor that an operation makes for its backward pass."""
        return [self.size_of(index, kept) for kept in saved.made]

    def size_of(self, index: int, kept: Any) -> int:
        copies: Any = self.nodes[index].operator.copies.computed
        times = 1 if kept.shared else self.tensors.times[index]
        bits = self.mask_bits if kept.what == "mask" else KEPT_BITS.get(kept.what, self.tensors.bits)
        return -(-int(kept.elements) * int(copies) * times * bits // 8)

    # What the backward pass makes.

    def backward(self) -> None:
        """Lives of all gradients."""
        pending: dict[int, _Buffer] = {}
        graph, loss = self.graph, self.loss
        for output in dict.fromkeys((graph.output, *graph.outputs.values())):
            if output < 0 or not self.trained.reached[output]:
                continue
            size = self.tensors.given(self.nodes[output], output)
            layer = self.nodes[output].layer
            if self.with_loss:  # the logarithms of the softmax, and of the loss two gradients of that size
                self.lives.append(Life(size, loss, loss, What.SAVED, LOSS))
                self.lives.append(Life(size, loss, loss, What.GRADIENT, LOSS))
            pending[output] = self.new(size, loss, layer)
        for index in range(len(self.nodes) - 1, -1, -1):
            given = pending.pop(index, None)
            if given is not None and self.trained.reached[index]:
                self.one_backward(index, given, pending)
        for each in pending.values():
            self.free(each, self.end)

    def new(self, size: int, first: int, layer: str) -> _Buffer:
        buffer = _Buffer(size, first, layer)
        buffer.needed = 1
        return buffer

    def free(self, buffer: _Buffer, at: int) -> None:
        buffer.needed -= 1
        if buffer.needed == 0:
            self.lives.append(Life(buffer.size, buffer.first, at, What.GRADIENT, buffer.layer))

    def one_backward(self, index: int, given: _Buffer, pending: dict[int, _Buffer]) -> None:
        """Gradients of the inputs and parameters of an operation from that of its output."""
        node, at = self.nodes[index], self.back[index]
        operator = node.operator
        passes = operator.name in PASSES and getattr(operator, "align", None) is None
        for read in dict.fromkeys(node.inputs):
            if read < 0 or not self.trained.reached[read]:
                continue
            before = self.nodes[read]
            size = self.tensors.given(before, read)
            whole = self.tensors.given(node, index)
            if passes and (size <= whole or operator.views):
                given.needed += 1
                made = given
            else:
                made = self.new(size, at, before.layer)
            self.add(pending, read, made, size, at)
        for size, what in self.transients(index):
            self.lives.append(Life(size, at, at, what, node.layer))
        params = self.trained.params[index] + self.trained.low_rank[index] * self.trained.rank
        if params:
            size = -(-params * self.tensors.bits // 8)
            parts = parts_of(node)
            for part in range(parts):
                first = self.back_first[index] + part
                self.lives.append(Life(_part(size, part, parts), first, self.end, What.PARAMETER_GRADIENT, node.layer))
            if index in self.used_again:  # both are there while they are added up to a third
                self.lives.append(Life(size, at, at, What.TRANSIENT, node.layer))
        elif node.shares >= 0 and self.trained.params[node.shares]:  # added to that of the first
            size = -(-self.trained.params[node.shares] * self.tensors.bits // 8)
            self.lives.append(Life(size, at, self.back[node.shares], What.PARAMETER_GRADIENT, node.layer))
        self.free(given, at)

    def add(self, pending: dict[int, _Buffer], read: int, made: _Buffer, size: int, at: int) -> None:
        """Put a gradient to that of other readers: in place where one of both is nobody else's."""
        earlier = pending.get(read)
        if earlier is None:
            pending[read] = made
        elif earlier.needed == 1 and earlier.size == size:
            self.free(made, at)
        elif made.needed == 1 and made.size == size:
            self.free(earlier, at)
            pending[read] = made
        else:
            self.free(made, at)
            self.free(earlier, at)
            pending[read] = self.new(size, at, self.nodes[read].layer)

    def transients(self, index: int) -> list[tuple[int, What]]:
        """What the backward pass of an operation makes and frees again."""
        node = self.nodes[index]
        saved = self.trained.saved[index]
        name = node.operator.name
        if name == "attend":
            pairs = [self.size_of(index, kept) for kept in saved.made]
            if len(pairs) > 1:  # all pairs: the gradients of the softmax and of what it is of, and those of the copies
                return [(pairs[-1], What.TRANSIENT), (pairs[-1], What.TRANSIENT)]
            return [(sum(pairs), What.TRANSIENT)]
        if name == "lstm":  # oneDNN: weights and their gradients in its own layout, of all gates a gradient
            gates: Any = 5 * node.operator.values()["hidden"] * node.x.positions
            own = 2 * -(-self.trained.params[index] // parts_of(node))
            return [((int(gates) * self.tensors.batch + own) * self.tensors.bits // 8, What.TRANSIENT)]
        if name in ("mul", "channel_scale"):  # a product of the size of the output, before it is added up
            return [(self.tensors.given(node, index), What.TRANSIENT)]
        return []


def timeline(
    graph: Graph,
    tensors: Tensors,
    trained: Trained,
    recompute: Recompute = "none",
    mask_bits: int = 32,
    with_loss: bool = True,
) -> Timeline:
    """All tensors of a step of training, without parameters and what the optimiser keeps.

    Args:
        graph: a network; heads are left out.
        tensors: its storages, for training.
        trained: what is trained of it.
        recompute: what is computed again instead of kept.
        mask_bits: of an element of a mask of dropout: that of the dtype on CPU, 8 on CUDA.
        with_loss: with a cross-entropy over the channels of what it gives.
    """
    run = _Run(graph, tensors, trained, recompute, mask_bits, with_loss)
    saved_bytes = run.forward()
    run.backward()
    return Timeline(run.lives, run.steps, saved_bytes)


def peak_of(graph: Graph, found: Timeline) -> Peak:
    """The time with most bytes, and what is alive then."""
    count = len(found.steps) + 1
    change = [0] * (count + 1)
    for size, first, last, _, _ in found.lives:
        change[first] += size
        change[min(last, count - 1) + 1] -= size
    most = at = alive = 0
    for time in range(count):
        alive += change[time]
        if alive > most:
            most, at = alive, time
    there = tuple([Alive(each.what, each.layer, each.size) for each in found.lives if each.first <= at <= each.last])
    node, phase = found.steps[at] if at < len(found.steps) else Step(-1, "optimizer")
    layer = graph.nodes[node].layer if node >= 0 else str(phase)
    return Peak(most, layer, phase, there)

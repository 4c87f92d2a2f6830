"""Memory of a step of training: tensors of the forward pass, what it keeps, and gradients, each with its life.

Operations run in the order written, and backward in the reverse of it, as torch's engine orders them; what an operation
keeps is freed behind its backward pass, and a gradient behind its last reader. Gradients of what is read several times
are added in place where the memory is nobody else's. Parameters' gradients stay until the step ends.
"""

from __future__ import annotations

from itertools import accumulate
from typing import Any, NamedTuple

from archcalc.engine.cost.kinds import RECURRENT
from archcalc.engine.memory.gradients import PASSES, Trained
from archcalc.engine.memory.inference import Life
from archcalc.engine.memory.segments import segments_of
from archcalc.engine.memory.tensors import Tensors
from archcalc.graph import Graph, Node
from archcalc.ops import KEPT_BITS
from archcalc.results.memory import Alive, Peak, Phase, Recompute, What

LOSS = "loss"
MADE_BACKWARD = frozenset({"attend", "lstm", "mul", "channel_scale"})  # their backward pass makes tensors of its own


class Timeline(NamedTuple):
    """All tensors of a step, what happens at each time, and bytes that are kept over the loss.

    A time is an operation, forward, again or backward; or the loss, of no operation (-1).
    """

    lives: list[Life]
    steps: list[tuple[int, Phase]]
    saved_bytes: int


def parts_of(node: Node) -> int:
    """Of how many layers and ways an operation is made, which run one after the other: a recurrent one of several."""
    if node.operator.name not in RECURRENT:
        return 1
    operator: Any = node.operator
    return int(operator.layers) * (2 if operator.bidirectional else 1)


def _part(size: int, part: int, parts: int) -> int:
    return size * (part + 1) // parts - size * part // parts


class _Buffer:
    """A gradient: who still needs its memory, and since when it is there."""

    __slots__ = ("first", "layer", "needed", "size")

    def __init__(self, size: int, first: int, layer: str) -> None:
        self.size, self.first, self.layer, self.needed = size, first, layer, 1


class _Run:
    def __init__(
        self, graph: Graph, tensors: Tensors, trained: Trained, recompute: Recompute, mask_bits: int, with_loss: bool
    ) -> None:
        self.graph, self.tensors, self.trained = graph, tensors, trained
        self.nodes = graph.nodes[: graph.first_head]
        self.mask_bits, self.with_loss = mask_bits, with_loss
        self.lives: list[Life] = []
        self.segments = segments_of(graph, recompute)
        self.segment_of = {index: each for each in self.segments for index in range(each.first, each.last + 1)}
        self.used_again = {node.shares for node in self.nodes if node.shares >= 0}
        self.parts = {index: parts_of(node) for index, node in enumerate(self.nodes) if node.operator.name in RECURRENT}
        self.order()

    # Times: when each operation runs, forward, again and backward.

    def order(self) -> None:
        count = len(self.nodes)
        self.loss = count
        self.steps: list[tuple[int, Phase]] = [(index, "forward") for index in range(count)]
        self.steps.append((-1, "loss"))
        self.again: dict[int, int] = {}
        self.back: list[int]  # where several layers are one operation, of the first of them
        self.back_first: list[int]
        if not self.segments and not self.parts:  # each once forward, and once backward
            self.back = self.back_first = [*range(2 * count, count, -1)]
            self.steps.extend([(index, "backward") for index in range(count - 1, -1, -1)])
            self.end = 2 * count + 1
            return
        self.back = [0] * count
        self.back_first = [0] * count
        index = count - 1
        while index >= 0:
            segment = self.segment_of.get(index)
            first = segment.first if segment else index
            if segment:
                for node in range(segment.first, segment.last + 1):
                    self.again[node] = len(self.steps)
                    self.steps.append((node, "recomputed"))
            for node in range(index, first - 1, -1):
                self.back_first[node] = len(self.steps)
                for _ in range(self.parts.get(node, 1)):
                    self.steps.append((node, "backward"))
                self.back[node] = len(self.steps) - 1
            index = first - 1
        self.end = len(self.steps)

    # What the forward pass makes.

    def forward(self) -> int:
        """Lives of all that operations give and make; bytes that are there over the loss for the backward pass."""
        tensors, saved_over_loss = self.tensors, 0
        nodes, back, lives, end = self.nodes, self.back, self.lives, self.end
        outputs = {tensors.of[index] for index in (self.graph.output, *self.graph.outputs.values())}
        savers = self.savers()
        for number, size in enumerate(tensors.sizes):
            if not size:
                continue
            maker, readers, saved_by = tensors.maker[number], tensors.readers[number], savers[number]
            if maker < 0:
                lives.append((size, 0, end, What.INPUT, "input"))
                continue
            layer = nodes[maker].layer
            if number in outputs:
                last = end
            else:
                last = readers[-1] if readers else maker
                if self.segments:
                    kept = self.kept_until(maker, readers, saved_by)
                else:  # the first that keeps it is the last that needs it
                    kept = back[saved_by[0]] if saved_by else 0
                if kept:
                    saved_over_loss += size
                    last = max(last, kept)
            lives.append((size, maker, last, What.OUTPUT, layer))
            if self.segments and maker in self.again and last < self.again[maker]:
                lives.append((size, self.again[maker], self.needed_again(maker, readers, saved_by), What.OUTPUT, layer))
        return saved_over_loss + self.kept_tensors()

    def kept_until(self, maker: int, readers: list[int], savers: list[int]) -> int:
        """Until when a tensor is kept that some of several segments need; 0: nothing keeps it."""
        segment = self.segment_of.get(maker)
        kept = [self.back[each] for each in savers if self.segment_of.get(each) is None]
        # A segment that reads it from outside keeps it whole until its own backward pass is over.
        for reader in readers:
            theirs = self.segment_of.get(reader)
            if theirs is not None and theirs is not segment:
                kept.append(self.back[theirs.first])
        return max(kept, default=0)

    def needed_again(self, maker: int, readers: list[int], savers: list[int]) -> int:
        """Until when a tensor is there that its segment computes again."""
        segment = self.segment_of[maker]
        until = [self.again[each] for each in (maker, *readers) if each in self.again]
        return max([*until, *(self.back[each] for each in savers if self.segment_of.get(each) is segment)])

    def savers(self) -> list[list[int]]:
        """Of each storage, the operations that keep it for their backward pass, in order."""
        found: list[list[int]] = [[] for _ in self.tensors.sizes]
        of, low_rank = self.tensors.of, self.trained.low_rank
        for index, saved in enumerate(self.trained.saved):
            for place in saved.inputs:
                found[of[self.nodes[index].inputs[place]]].append(index)
            if saved.output:
                found[of[index]].append(index)
            if low_rank[index] and self.nodes[index].inputs:
                found[of[self.nodes[index].inputs[0]]].append(index)
        return found

    def kept_tensors(self) -> int:
        """Lives of what operations make for their backward pass alone; of these, bytes over the loss."""
        over_loss = 0
        for index, saved in enumerate(self.trained.saved):
            rank = self.trained.low_rank[index]
            if not saved.made and not rank:
                continue
            layer = self.nodes[index].layer
            sizes = [self.size_of(index, kept) for kept in saved.made]
            if rank:
                positions: Any = self.nodes[index].y.positions
                sizes.append(int(positions) * self.trained.rank * self.tensors.batch * self.tensors.bits // 8)
            segment = self.segment_of.get(index)
            first = index if segment is None else self.again[index]
            over_loss += sum(sizes) if segment is None else 0
            last, parts = self.back_first[index], self.parts.get(index, 1)
            for size in sizes:
                for part in range(parts):
                    self.lives.append((_part(size, part, parts), first, last + part, What.SAVED, layer))
        return over_loss

    def size_of(self, index: int, kept: Any) -> int:
        copies: Any = self.nodes[index].operator.copies.computed
        times = 1 if kept.shared else self.tensors.times[index]
        bits = self.mask_bits if kept.what == "mask" else KEPT_BITS.get(kept.what, self.tensors.bits)
        return -(-int(kept.elements) * int(copies) * times * bits // 8)

    # What the backward pass makes.

    def backward(self) -> None:
        """Lives of all gradients."""
        pending: dict[int, _Buffer] = {}
        graph, loss, reached = self.graph, self.loss, self.trained.reached
        for output in dict.fromkeys((graph.output, *graph.outputs.values())):
            if output < 0 or not reached[output]:
                continue
            size = self.tensors.given[output]
            if self.with_loss:  # the logarithms of the softmax, and of the loss two gradients of that size
                self.lives.append((size, loss, loss, What.SAVED, LOSS))
                self.lives.append((size, loss, loss, What.GRADIENT, LOSS))
            pending[output] = _Buffer(size, loss, self.nodes[output].layer)
        for index in range(len(self.nodes) - 1, -1, -1):
            given = pending.pop(index, None)
            if given is not None and reached[index]:
                self.one_backward(index, given, pending)
        for each in pending.values():
            self.free(each, self.end)

    def free(self, buffer: _Buffer, at: int) -> None:
        buffer.needed -= 1
        if buffer.needed == 0:
            self.lives.append((buffer.size, buffer.first, at, What.GRADIENT, buffer.layer))

    def one_backward(self, index: int, given: _Buffer, pending: dict[int, _Buffer]) -> None:
        """Gradients of the inputs and parameters of an operation from that of its output."""
        node, at, trained = self.nodes[index], self.back[index], self.trained
        operator, reads, sizes = node.operator, node.inputs, self.tensors.given
        passes = operator.name in PASSES and getattr(operator, "align", None) is None
        for read in reads if len(reads) == 1 else dict.fromkeys(reads):
            if read < 0 or not trained.reached[read]:
                continue
            size = sizes[read]
            if passes and (size <= sizes[index] or operator.views):
                given.needed += 1
                made = given
            else:
                made = _Buffer(size, at, self.nodes[read].layer)
            earlier = pending.get(read)
            if earlier is None:
                pending[read] = made
            else:
                pending[read] = self.added(earlier, made, size, at, read)
        if operator.name in MADE_BACKWARD:
            for size in self.transients(index):
                self.lives.append((size, at, at, What.TRANSIENT, node.layer))
        params = trained.params[index] + trained.low_rank[index] * trained.rank
        if params:
            size = -(-params * self.tensors.bits // 8)
            first, parts = self.back_first[index], self.parts.get(index, 1)
            for part in range(parts):
                own = size if parts == 1 else _part(size, part, parts)
                self.lives.append((own, first + part, self.end, What.PARAMETER_GRADIENT, node.layer))
            if index in self.used_again:  # both are there while they are added up to a third
                self.lives.append((size, at, at, What.TRANSIENT, node.layer))
        elif node.shares >= 0 and trained.params[node.shares]:  # added to that of the first
            size = -(-trained.params[node.shares] * self.tensors.bits // 8)
            self.lives.append((size, at, self.back[node.shares], What.PARAMETER_GRADIENT, node.layer))
        self.free(given, at)

    def added(self, earlier: _Buffer, made: _Buffer, size: int, at: int, read: int) -> _Buffer:
        """The sum of gradients of two readers: in place where the memory of one is nobody else's."""
        if earlier.needed == 1 and earlier.size == size:
            self.free(made, at)
            return earlier
        if made.needed == 1 and made.size == size:
            self.free(earlier, at)
            return made
        self.free(made, at)
        self.free(earlier, at)
        return _Buffer(size, at, self.nodes[read].layer)

    def transients(self, index: int) -> list[int]:
        """Bytes of what the backward pass of an operation makes and frees again."""
        node = self.nodes[index]
        name = node.operator.name
        if name == "attend":
            pairs = [self.size_of(index, kept) for kept in self.trained.saved[index].made]
            if len(pairs) > 1:  # all pairs: the gradients of the softmax and of what it is of, and those of the copies
                return [pairs[-1], pairs[-1]]
            return [sum(pairs)]
        if name == "lstm":  # oneDNN: weights and their gradients in its own layout, of all gates a gradient
            gates: Any = 5 * node.operator.values()["hidden"] * node.x.positions
            own = 2 * -(-self.trained.params[index] // parts_of(node))
            return [(int(gates) * self.tensors.batch + own) * self.tensors.bits // 8]
        return [self.tensors.given[index]]  # of a product, of the size of the output, before it is added up


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
        change[last + 1 if last < count else count] -= size
    alive = list(accumulate(change[:count]))
    most = max(alive)
    at = alive.index(most)
    there = tuple([Alive(what, layer, size) for size, first, last, what, layer in found.lives if first <= at <= last])
    node, phase = found.steps[at] if at < len(found.steps) else (-1, "optimizer")
    return Peak(most, graph.nodes[node].layer if node >= 0 else str(phase), phase, there)

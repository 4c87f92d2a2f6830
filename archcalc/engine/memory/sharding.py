"""Memory of each rank, and what ranks send in a step: divisions of the parts on paper.

The batch is that of one data-parallel rank. Tensor parallelism divides weights and activations (with sequence
parallelism: Korthikanti et al. 2022, equation 4), pipeline parallelism weights alone, for its first stage keeps what as
many micro-batches as there are stages leave (section 4.2.3 there); experts are divided among `ep` of the data-parallel
ranks. A cache is divided among as many ranks as its keys have heads, a latent one among none: others hold it again.
ZeRO divides what the optimiser keeps (1), gradients too (2), parameters too (3) among the data-parallel ranks:
Rajbhandari et al. 2020, section 5. Bytes sent are those of ring algorithms: (n - 1)/n of the whole for a gather or a
scatter among n ranks, twice that for a sum.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from math import gcd
from typing import Any, NamedTuple, NoReturn

from archcalc.engine.cost.cache import entries_of
from archcalc.engine.cost.costs import stored_with
from archcalc.engine.cost.order import elements
from archcalc.engine.step import steps_of
from archcalc.graph import Graph, Node
from archcalc.ops import ONE
from archcalc.ops.attention import Attend
from archcalc.ops.route import Route
from archcalc.results.cache import Kind
from archcalc.results.cost import DTYPES
from archcalc.results.memory import Collective, Memory, Sharding, Share
from archcalc.results.phase import Steps
from archcalc.source import Diagnostic, SpecError

AXES = ("dp", "tp", "pp", "ep")
GATHER = "all-gather"
SCATTER = "reduce-scatter"
SUM = "all-reduce"
EXCHANGE = "all-to-all"
SEND = "send"


class Ranks(NamedTuple):
    """How many ranks along each axis; experts are among those of `dp`."""

    dp: int = 1
    tp: int = 1
    pp: int = 1
    ep: int = 1

    @classmethod
    def of(cls, given: Mapping[str, int]) -> Ranks:
        """From words.

        Raises:
            SpecError: an axis that there is not, a number below 1, or experts among more ranks than there are.
        """
        for axis, number in given.items():
            if axis not in AXES or number < 1:
                message = f"`{axis}={number}` says nothing of ranks"
                raise SpecError([Diagnostic("bad-ranks", message, help="--ranks dp=8,tp=4,pp=2,ep=8")])
        found = cls(**given)
        if found.dp % found.ep:
            message = f"{found.ep} ranks of experts do not divide {found.dp} data-parallel ranks"
            raise SpecError([Diagnostic("bad-ranks", message, help="ep is at most dp, and divides it")])
        return found


def sharded(memory: Memory, graph: Graph, ranks: Ranks, zero: int) -> Memory:
    """The same with its parts divided.

    Args:
        memory: what the network needs in all.
        graph: the network.
        ranks: among how many.
        zero: stage of ZeRO, 0 to 3.

    Raises:
        SpecError: heads, experts or blocks that do not divide.
    """
    if not 0 <= zero <= 3:
        raise SpecError([Diagnostic("bad-ranks", f"ZeRO has the stages 1 to 3, not {zero}", help="--zero 3")])
    _require_divisible(graph, ranks)
    bits = DTYPES[memory.dtype]
    expert = -(-_expert_parameters(graph) * bits // 8)
    shares = _shares(memory, graph, expert, ranks, zero)
    sent = _sent(memory, graph, expert, ranks, zero, bits)
    return replace(memory, sharding=Sharding(ranks._asdict(), zero, tuple(shares), tuple(sent)))


def divided(whole: int, expert: int, ranks: Ranks, by_data: bool) -> int:
    """Bytes on one rank of what goes with parameters, `expert` of which are of experts; rounded up."""
    data, data_of_experts = (ranks.dp, ranks.dp // ranks.ep) if by_data else (1, 1)
    common = ranks.tp * ranks.pp
    return -(-(whole - expert) // (common * data)) - (-expert // (common * ranks.ep * data_of_experts))


def _shares(memory: Memory, graph: Graph, expert: int, ranks: Ranks, zero: int) -> list[Share]:
    weights = memory.weights_bytes
    words = [
        f"{axis} {number}" for axis, number in (("tp", ranks.tp), ("pp", ranks.pp), ("ep", ranks.ep)) if number > 1
    ]

    def share(part: str, whole: int, by_data: bool) -> Share:
        of_experts = whole * expert // weights if weights else 0
        named = [*words, f"dp {ranks.dp}"] if by_data and ranks.dp > 1 else words
        return Share(part, whole, divided(whole, of_experts, ranks, by_data), ", ".join(named))

    found = [share("weights", weights, zero >= 3)]
    training = memory.training
    if training:
        found.append(share("gradients", training.gradients_bytes, zero >= 2))
        if training.master_bytes:
            found.append(share("master", training.master_bytes, zero >= 1))
        found.append(share("optimizer", training.optimizer_bytes, zero >= 1))
        activations = memory.ideal.size_bytes - _parameter_gradients(memory)
    else:
        activations = memory.ideal.size_bytes
    by = f"tp {ranks.tp}" if ranks.tp > 1 else ""
    found.append(Share("activations", activations, -(-activations // ranks.tp), by))
    if memory.cache_bytes:
        held, among = _cache_on_rank(memory.cache_bytes, graph, ranks)
        named = [f"tp {among}"] * (among > 1) + [f"pp {ranks.pp}"] * (ranks.pp > 1)
        found.append(Share("cache", memory.cache_bytes, held, ", ".join(named)))
    if memory.buffers_bytes:
        found.append(Share("buffers", memory.buffers_bytes, memory.buffers_bytes, ""))
    return found


def _cache_on_rank(size: int, graph: Graph, ranks: Ranks) -> tuple[int, int]:
    """Bytes of a cache on one rank, and among how many of the tensor-parallel ones it is divided."""
    nodes = graph.nodes[: graph.first_head]
    attends: list[Any] = [node.operator for node in nodes if isinstance(node.operator, Attend)]
    groups = [each.heads if each.kv_heads is None else each.kv_heads for each in attends]
    among = gcd(ranks.tp, *groups) if groups else ranks.tp
    positions = max((int(node.y.positions) for node in nodes if node.operator.keeps), default=1)
    steps = steps_of(graph) or Steps([True] * len(graph.nodes), frozenset())
    kept = [
        (entry.kind, entry.layers * entry.width * (positions if entry.positions is None else entry.positions))
        for entry in entries_of(graph, steps, positions)
    ]
    latent = sum(amount for kind, amount in kept if kind is Kind.LATENT)
    whole = size * latent // (sum(amount for _, amount in kept) or 1)
    if whole == size:
        among = 1
    return -(-(whole + -(-(size - whole) // among)) // ranks.pp), among


def _parameter_gradients(memory: Memory) -> int:
    return sum(each.size_bytes for each in memory.ideal.alive if each.what == "parameter gradient")


def _ring(size: int, ranks: int) -> int:
    """That each of so many ranks sends for a gather or a scatter of so many bytes."""
    return -(-size * (ranks - 1) // ranks)


def _ring_of_parameters(whole: int, memory: Memory, expert: int, ranks: Ranks) -> int:
    """The same of what goes with parameters: those of experts among the ranks alone that hold the same experts."""
    of_experts = whole * expert // memory.weights_bytes if memory.weights_bytes else 0
    common = ranks.tp * ranks.pp
    others = _ring(-(-(whole - of_experts) // common), ranks.dp)
    return others + _ring(-(-of_experts // (common * ranks.ep)), ranks.dp // ranks.ep)


def _sent(memory: Memory, graph: Graph, expert: int, ranks: Ranks, zero: int, bits: int) -> list[Collective]:
    found: list[Collective] = []
    training = memory.training
    if training and ranks.dp > 1:
        gradients = _ring_of_parameters(training.gradients_bytes, memory, expert, ranks)
        weights = _ring_of_parameters(memory.weights_bytes, memory, expert, ranks)
        if zero == 0:
            found.append(Collective("dp", f"{SUM} of gradients", 2 * gradients, 1))
        else:
            found.append(Collective("dp", f"{SCATTER} of gradients", gradients, 1))
            found.append(Collective("dp", f"{GATHER} of parameters", weights, 2 if zero == 3 else 1))
    passes = 2 if training else 1
    again = 1 if training and training.recompute != "none" else 0
    if ranks.tp > 1:
        sums = _residual_sums(graph, memory.batch, bits)
        for size, times in sorted(sums.items()):
            each = 2 * _ring(size, ranks.tp)
            found.append(Collective("tp", f"{SUM} of activations", each, times * (passes + again)))
    if ranks.pp > 1:
        sums = _residual_sums(graph, memory.batch, bits)
        largest = max((elements(node.y) for node in graph.nodes[: graph.first_head]), default=0)
        if sums:
            found.append(Collective("pp", f"{SEND} of activations", max(sums), passes))
        else:  # where it is cut is not known
            found.append(
                Collective("pp", f"{SEND} of activations, at most", largest * memory.batch * bits // 8, passes)
            )
    if ranks.ep > 1:
        for node in graph.nodes[: graph.first_head]:
            if isinstance(node.operator, Route):
                top: Any = node.operator.values()["top"]
                size = _ring(int(top) * elements(node.y) * memory.batch * bits // 8, ranks.ep)
                found.append(Collective("ep", f"{EXCHANGE} of tokens", size, 2 * (passes + again)))
    return _joined(found)


def _joined(found: list[Collective]) -> list[Collective]:
    """Equal ones together."""
    times: dict[tuple[str, str, int], int] = {}
    for of, operation, size, count in found:
        times[of, operation, size] = times.get((of, operation, size), 0) + count
    return [Collective(*key, count) for key, count in times.items()]


def _residual_sums(graph: Graph, batch: int, bits: int) -> dict[int, int]:
    """Sums of branches that end in a layer with weights, by size; Shoeybi et al. 2019, section 3: one each way."""
    nodes = graph.nodes[: graph.first_head]
    found: dict[int, int] = {}
    for node in nodes:
        if node.operator.name != "add":
            continue
        if any(_ends_in_product(nodes, read) for read in node.inputs):
            size = elements(node.y) * batch * bits // 8
            found[size] = found.get(size, 0) + 1
    return found


def _ends_in_product(nodes: list[Node], index: int) -> bool:
    """Whether what a node gives is of a linear layer or of experts, but for a norm, a scale or dropout behind it."""
    while index >= 0:
        node = nodes[index]
        if node.operator.name == "linear" or isinstance(node.operator, Route):
            return True
        if len(node.inputs) != 1 or node.y != nodes[node.inputs[0]].y or node.inputs[0] < 0:
            return False
        index = node.inputs[0]
    return False


def _expert_parameters(graph: Graph) -> int:
    found = 0
    for index, node in enumerate(graph.nodes[: graph.first_head]):
        if node.operator.copies is not ONE:
            stored: Any = stored_with(graph, index)
            found += int(sum(stored[:3]))
    return found


def _require_divisible(graph: Graph, ranks: Ranks) -> None:
    if ranks.tp > 1 and not _residual_sums(graph, 1, 8):
        message = f"tensor parallelism is of attention, linear layers and experts in residual branches; {graph.name}"
        _refuse_without(f"{message} has none", "leave tp out; dp, pp and ZeRO divide any network")
    for node in graph.nodes[: graph.first_head]:
        if isinstance(node.operator, Attend) and ranks.tp > 1:
            heads: Any = node.operator.heads
            if heads % ranks.tp:
                _refuse(graph, f"{heads} heads of {node.layer} do not divide among {ranks.tp} ranks", "tp")
        if isinstance(node.operator, Route) and ranks.ep > 1:
            experts: Any = node.operator.values()["experts"]
            if experts % ranks.ep:
                _refuse(graph, f"{experts} experts of {node.layer} do not divide among {ranks.ep} ranks", "ep")
    if ranks.ep > 1 and not any(isinstance(node.operator, Route) for node in graph.nodes[: graph.first_head]):
        _refuse(graph, f"{graph.name} has no experts to divide among {ranks.ep} ranks", "ep")


def _refuse(graph: Graph, message: str, axis: str) -> None:
    _refuse_without(message, f"--ranks {axis}= with a number that divides it")


def _refuse_without(message: str, help: str) -> NoReturn:
    raise SpecError([Diagnostic("bad-ranks", message, help=help)])

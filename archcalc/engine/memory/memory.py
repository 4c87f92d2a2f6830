"""What a network needs on a machine, whole: parts, peaks, and the largest batch or size that fits."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

from archcalc.engine.cost.analyze import total_stored
from archcalc.engine.cost.costs import stored_with, tied_nodes
from archcalc.engine.cost.scope import one_of_row
from archcalc.engine.cost.storage import storage_of
from archcalc.engine.inputs import Given
from archcalc.engine.memory import inference, training
from archcalc.engine.memory.gradients import Trained, is_frozen, trained_of
from archcalc.engine.memory.optimizers import OPTIMIZERS, kept_numbers
from archcalc.engine.memory.sharding import Ranks, sharded
from archcalc.engine.memory.tensors import tensors_of
from archcalc.engine.memory.work import work_of
from archcalc.engine.network import AnyNetwork, Network, load
from archcalc.engine.step import steps_of
from archcalc.graph import Graph
from archcalc.results.cost import DTYPES, NetworkCost
from archcalc.results.memory import RECOMPUTE, Arena, Memory, Peak, Recompute, Training, What
from archcalc.results.phase import Phase
from archcalc.source import Diagnostic, SpecError, suggestion
from archcalc.spec.limits import DEFAULT_LIMITS

CUDA_MASK_BITS = 8  # torch on CUDA keeps a byte for each element of a dropout's mask


class Asked(NamedTuple):
    """What is asked of a network, but for its sizes."""

    batch: int = 1
    dtype: str = "fp32"
    train: bool = False
    optimizer: str = "adamw"
    master: str = ""
    recompute: Recompute = "none"
    frozen: tuple[str, ...] = ()
    lora: int = 0
    adapted: tuple[str, ...] = ()
    cuda: bool = False
    step: bool = False
    ranks: Ranks = Ranks()
    zero: int = 0

    def checked(self) -> Asked:
        """Itself.

        Raises:
            ValueError: a word or number that is none of those that there are.
        """
        for value, known, what in (
            (self.dtype, DTYPES, "dtype"),
            (self.master or "fp32", DTYPES, "dtype"),
            (self.optimizer, OPTIMIZERS, "optimizer"),
            (self.recompute, RECOMPUTE, "recomputation"),
        ):
            if value not in known:
                raise ValueError(f"no {what} is called {value}; there are {', '.join(known)}")
        if self.batch < 1 or self.lora < 0:
            raise ValueError(f"batch is {self.batch} and rank {self.lora}; they are at least 1 and 0")
        return self


def memory_of(
    network: AnyNetwork,
    asked: Asked = Asked(),  # noqa: B008 - it does not change
    set: Mapping[str, Any] | None = None,
    input: Given = None,
) -> Memory:
    """What a network needs on a machine.

    Args:
        network: its name, a file, the text of a spec, or what `load` gave.
        asked: for inference or training, at which batch and dtype, and how.
        set: values of variables of the spec.
        input: another input than the spec's, channels first.

    Raises:
        SpecError: an unknown name or variable, a pattern that no layer has, the place where the spec is wrong.
        ValueError: a word or number that is none of those that there are.
    """
    asked = asked.checked()
    network = load(network)
    graph = network.graph(set, input, with_heads=False, step=asked.step)
    return memory_of_graph(network, graph, asked, is_as_written=not set)


def memory_of_graph(network: Network, graph: Graph, asked: Asked, is_as_written: bool) -> Memory:
    """The same of an expanded network."""
    bits = DTYPES[asked.dtype]
    storage = storage_of(network.spec, graph, asked.dtype, None, None, DEFAULT_LIMITS, is_as_written)
    phase = Phase(steps_of(graph), asked.step, bits)
    totals = total_stored(graph, asked.batch, storage, phase)
    tensors = tensors_of(graph, asked.batch, bits, asked.train)
    trained: Training | None = None
    arena: Arena | None = None
    if asked.train:
        trained, ideal = _training(graph, tensors, asked, totals.params)
        eager, workspace = ideal, inference.largest_convolution(graph, tensors)
    else:
        lives = inference.lives(graph, tensors, held=False)
        ideal = inference.peak_of(graph, lives)
        eager = inference.peak_of(graph, inference.lives(graph, tensors, held=True))
        arena, workspace = inference.arena(graph, lives), inference.largest_convolution(graph, tensors)
    added = trained.added if trained else 0
    found = Memory(
        network=network.name,
        title=network.title,
        batch=asked.batch,
        dtype=asked.dtype,
        input=", ".join(str(shape) for shape in graph.inputs.values()),
        weights_bytes=totals.size_bytes + -(-added * bits // 8),
        buffers_bytes=-(-totals.buffers * bits // 8),
        cache_bytes=0 if asked.train else totals.state_bytes,
        ideal=ideal,
        eager=eager,
        lower_bytes=0 if asked.train else inference.lower_bound(graph, tensors),
        arena=arena,
        workspace_bytes=workspace,
        training=trained,
    )
    return sharded(found, graph, asked.ranks, asked.zero) if asked.ranks != Ranks() or asked.zero else found


def peak_memory(cost: NetworkCost) -> int:
    """Bytes of a forward pass of an analysed network, under the rule `eager`: weights, buffers, cache and tensors."""
    bits = DTYPES[cost.dtype]
    tensors = tensors_of(cost.graph, cost.batch, bits)
    peak = inference.peak_of(cost.graph, inference.lives(cost.graph, tensors, held=True))
    totals = cost.totals
    return totals.size_bytes - (-totals.buffers * bits // 8) + totals.state_bytes + peak.size_bytes


def _training(graph: Graph, tensors: Any, asked: Asked, params: int) -> tuple[Training, Peak]:
    _known_patterns(graph, asked.frozen, "frozen")
    _known_patterns(graph, asked.adapted, "lora-on")
    trained = trained_of(graph, asked.frozen, asked.lora, asked.adapted)
    mask_bits = CUDA_MASK_BITS if asked.cuda else tensors.bits
    line = training.timeline(graph, tensors, trained, asked.recompute, mask_bits)
    added = sum(trained.low_rank) * asked.lora
    count = sum(trained.params) + added
    if not count:
        if asked.lora:
            why = "no linear layer or convolution takes the matrices of LoRA"
        else:
            why = "--frozen names all of it" if params else "it has no parameters"
        message = f"nothing of {graph.name} is trained: {why}"
        raise SpecError([Diagnostic("nothing-trained", message, help="leave out --train, --lora or --frozen")])
    optimizer = OPTIMIZERS[asked.optimizer]
    state_bits = DTYPES[asked.master or asked.dtype]
    if optimizer.transient:  # one tensor of parameters after the other, when all gradients are there
        size = optimizer.transient * _largest_tensor(graph, trained) * state_bits // 8
        end = len(line.steps)
        line.lives.append((size, end, end, What.TRANSIENT, "optimizer"))
    tokens = _tokens(graph)
    kept = kept_numbers(graph, trained.params, optimizer) + (
        added * optimizer.copies if not optimizer.is_factored else added
    )
    found = Training(
        optimizer=optimizer,
        master=asked.master,
        recompute=asked.recompute,
        frozen=asked.frozen,
        lora=asked.lora,
        trained=count,
        added=added,
        gradients_bytes=-(-count * tensors.bits // 8),
        master_bytes=-(-count * DTYPES[asked.master] // 8) if asked.master else 0,
        optimizer_bytes=-(-kept * state_bits // 8),
        saved_bytes=line.saved_bytes,
        make_work=lambda: work_of(graph, tensors, trained, asked.recompute),
        tokens=tokens * asked.batch,
        params_6nt=params - _looked_up(graph) if tokens else 0,
    )
    return found, training.peak_of(graph, line)


def _largest_tensor(graph: Graph, trained: Trained) -> int:
    """Parameters of the largest tensor that is updated; of a recurrent layer, of one layer and way."""
    found = 0
    for index, params in enumerate(trained.params):
        if params:
            stored: Any = stored_with(graph, index)
            parts = training.parts_of(graph.nodes[index])
            found = max(found, int(stored.weights) // parts, int(stored.biases), int(stored.norm))
    return max(found, max(trained.low_rank, default=0) * trained.rank)


def _tokens(graph: Graph) -> int:
    """Positions of the last input that is a text; 0: there is none."""
    texts = [shape for shape in graph.inputs.values() if shape.channels is None]
    return int(texts[-1].positions) if texts else 0


def _looked_up(graph: Graph) -> int:
    """Parameters of tables that are looked up and multiplied by nothing."""
    tied = tied_nodes(graph)
    found = 0
    for index, node in enumerate(graph.nodes[: graph.first_head]):
        if index not in tied and (node.operator.looks_up or node.operator.name == "position_embedding"):
            stored: Any = stored_with(graph, index)
            found += int(stored.weights)
    return found


def _known_patterns(graph: Graph, patterns: Sequence[str], option: str) -> None:
    layers = [name for name, _ in graph.layers(with_heads=False)] if patterns else []
    for pattern in patterns:
        if not any(is_frozen(layer, (pattern,)) for layer in layers):
            paths = {
                ".".join(layer.split(".")[: depth + 1]) for layer in layers for depth in range(layer.count(".") + 1)
            }
            help = one_of_row(pattern, layers) or suggestion(
                pattern, sorted(paths), f"a layer or a path that layers lie in, * for anything: {layers[0]}"
            )
            message = f"{graph.name} has no layer that `{pattern}` names (--{option})"
            raise SpecError([Diagnostic("unknown-scope", message, help=help)])

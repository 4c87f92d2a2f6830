"""Memory as archcalc tells it beside what torch takes: `python -m archcalc.torch_bridge.profile.memory`.

It writes `reports/measured/memory.csv`, a line a run, and from that the page beside it. Given names of networks it runs
these alone, and keeps the lines of the others. Images are small where a network takes them: every tensor is as many
times smaller as its image has fewer pixels, parameters and their gradients are as large as ever.
"""

from __future__ import annotations

import gc
import os
import sys
import warnings
from collections.abc import Callable, Collection, Iterable, Iterator, Sequence
from csv import reader, writer
from datetime import date
from pathlib import Path
from statistics import fmean
from time import process_time_ns
from typing import Any, NamedTuple

import torch
from torch import Tensor, nn
from torch.nn import functional

from archcalc.engine.memory.inference import lives, peak_of
from archcalc.engine.memory.memory import Asked, memory_of_graph
from archcalc.engine.memory.tensors import tensors_of
from archcalc.engine.network import Network, load
from archcalc.graph import Graph
from archcalc.torch_bridge.model.build import build, example_inputs
from archcalc.torch_bridge.model.definitions import torchvision_model
from archcalc.torch_bridge.profile.allocations import in_training, without_dropout

PAGE, LINES = Path("reports/measured/memory.md"), Path("reports/measured/memory.csv")
COMMAND = "python -m archcalc.torch_bridge.profile.memory"


class Case(NamedTuple):
    """A network as archcalc has it, and as torch runs it: `run` gives the loss, and holds what the network gave."""

    network: Network
    graph: Graph
    model: nn.Module
    run: Callable[[], Tensor]
    batch: int
    inputs_bytes: int

    def ours(self, optimizer: str) -> int:
        """The peak that we tell, without the input, which stands before the step."""
        asked = Asked(batch=self.batch, train=True, optimizer=optimizer)
        found = memory_of_graph(self.network, self.graph, asked, is_as_written=False)
        return found.peak_bytes - self.inputs_bytes


def torchvision_case(name: str, side: int, batch: int) -> Case:
    """The model of torchvision over square images."""
    network = load(name)
    graph = network.graph(None, (3, side, side), with_heads=False)
    model = without_dropout(torchvision_model(name, device="cpu"))
    return _case(network, graph, model, (torch.randn(batch, 3, side, side),), batch)


def built_case(name: str, set: dict[str, Any], batch: int) -> Case:
    """The model that archcalc builds, of networks that no library has."""
    network = load(name)
    graph = network.graph(set, with_heads=False)
    return _case(network, graph, without_dropout(build(graph)), example_inputs(graph, batch), batch)


def gpt2_case(length: int, batch: int) -> Case:
    """GPT-2 of transformers, with torch's own GELU: its default one is a formula in five steps, each kept."""
    from transformers import GPT2Config, GPT2LMHeadModel

    none = {"resid_pdrop": 0.0, "embd_pdrop": 0.0, "attn_pdrop": 0.0}
    config = GPT2Config(activation_function="gelu_pytorch_tanh", use_cache=False, **none)
    network = load("gpt2")
    tokens = (torch.randint(100, (batch, length)),)
    return _case(network, network.graph({"length": length}), GPT2LMHeadModel(config).train(), tokens, batch)


def bert_case(length: int, batch: int) -> Case:
    """BERT of transformers, with its pooler."""
    from transformers import BertConfig, BertModel

    config = BertConfig(hidden_dropout_prob=0.0, attention_probs_dropout_prob=0.0)
    network = load("bert_base")
    tokens = torch.randint(100, (batch, length))
    model = BertModel(config).train()
    return _case(network, network.graph({"length": length}), model, (tokens, None, torch.zeros_like(tokens)), batch)


def _case(network: Network, graph: Graph, model: nn.Module, inputs: tuple[Any, ...], batch: int) -> Case:
    held: list[Tensor] = []

    def run() -> Tensor:
        held.clear()
        y = model(*inputs)
        for name in ("out", "output", "logits", "pooler_output"):
            y = y[name] if isinstance(y, dict) and name in y else y
        held.append(y)
        channels_last = y.dim() == 3 and y.shape[2] > y.shape[1] and hasattr(model, "config")
        scores = y.flatten(0, 1) if channels_last else y
        return functional.cross_entropy(scores, scores.new_zeros((len(scores), *scores.shape[2:]), dtype=torch.long))

    given = [each for each in inputs if each is not None]
    return Case(network, graph, model, run, batch, sum(each.numel() * each.element_size() for each in given))


class Line(NamedTuple):
    """A run: bytes, and of speed microseconds."""

    kind: str  # training, inference, speed
    network: str
    input: str
    batch: int
    optimizer: str
    ours: int
    theirs: int
    tensors: int = 0  # of training: of theirs, without what the library took for itself

    @property
    def error(self) -> float:
        """From theirs."""
        return self.ours / self.theirs - 1

    @property
    def error_of_tensors(self) -> float:
        """From their tensors alone."""
        return self.ours / self.tensors - 1


def _torchvision(name: str, side: int) -> tuple[str, str, Callable[[int], Case]]:
    return name, f"{side}x{side}", lambda batch: torchvision_case(name, side, batch)


TRAINING: list[tuple[str, str, Callable[[int], Case]]] = [
    *[_torchvision(f"resnet{depth}@torchvision", 96) for depth in (18, 34, 50)],
    *[_torchvision(name, 96) for name in ("resnext50_32x4d", "densenet121", "regnet_y_400mf", "squeezenet1_1")],
    *[_torchvision(name, 96) for name in ("mobilenet_v2", "mobilenet_v3_small", "mobilenet_v3_large", "mnasnet1_0")],
    *[_torchvision(name, 96) for name in ("efficientnet_b0", "efficientnet_v2_s")],
    *[_torchvision(f"{name}@torchvision", 96) for name in ("googlenet", "shufflenet_v2_x1_0", "vgg11")],
    *[_torchvision(name, 96) for name in ("convnext_tiny", "swin_t", "swin_v2_t")],
    _torchvision("vit_b_16", 224),
    _torchvision("vit_b_32", 224),
    ("bert_base", "128 tokens", lambda batch: bert_case(128, batch)),
    ("gpt2", "128 tokens", lambda batch: gpt2_case(128, batch)),
    ("bilstm", "200 tokens", lambda batch: built_case("bilstm", {"length": 200}, batch)),
    ("unet@padded", "96x96", lambda batch: built_case("unet@padded", {"resolution": 96}, batch)),
]
RUNS = ((2, "sgd"), (8, "adamw"))
SPEED = ("resnet50@torchvision", "densenet121")

INFERENCE: dict[str, int] = {
    **dict.fromkeys(("resnet18@torchvision", "resnet50@torchvision", "resnet101@torchvision"), 224),
    **dict.fromkeys(("resnext50_32x4d", "wide_resnet50_2", "mobilenet_v2", "mobilenet_v3_small"), 224),
    **dict.fromkeys(("mobilenet_v3_large", "efficientnet_b0", "efficientnet_b4", "efficientnet_v2_s"), 224),
    **dict.fromkeys(("mnasnet1_0", "shufflenet_v2_x1_0@torchvision", "squeezenet1_0", "squeezenet1_1"), 224),
    **dict.fromkeys(("convnext_tiny", "convnext_base", "vgg16@torchvision", "vgg16@torchvision-bn"), 224),
    **dict.fromkeys(("googlenet@torchvision", "alexnet@torchvision", "densenet121", "swin_t", "vit_b_16"), 224),
    "inception_v3": 299,
    "fcn_resnet50": 224,
}


def tracked(name: str, side: int, batch: int = 2) -> Line:
    """Tensors of a forward pass: ours under the rule `eager`, and those of torch's MemTracker on meta."""
    from torch.distributed._tools.mem_tracker import MemTracker

    model = torchvision_model(name)
    tracker = MemTracker()
    tracker.track_external(model)
    image = torch.empty(batch, 3, side, side, device="meta")
    with torch.no_grad(), tracker:
        model(image)
    (device,) = tracker.get_tracker_snapshot("peak").values()
    theirs = next(size for kind, size in device.items() if getattr(kind, "name", "") == "ACT")
    graph = load(name).graph(None, (3, side, side), with_heads=False)
    tensors = tensors_of(graph, batch, 32)
    ours = peak_of(graph, lives(graph, tensors, held=True)).size_bytes - 4 * image.numel()
    return Line("inference", name, f"{side}x{side}", batch, "", ours, int(theirs))


def timed(name: str, batch: int = 2) -> Iterator[Line]:
    """Time of the processor for a step on meta under MemTracker, and for archcalc: from the file on, and expanded."""
    from torch.distributed._tools.mem_tracker import MemTracker

    asked = Asked(batch=batch, train=True, optimizer="sgd")
    network = load(name)
    expanded = network.graph(with_heads=False)

    def ours() -> None:
        again = load(name)
        memory_of_graph(again, again.graph(with_heads=False), asked, is_as_written=True)

    def ours_expanded() -> None:
        memory_of_graph(network, expanded, asked, is_as_written=True)

    model = torchvision_model(name, device="meta").train()
    image = torch.empty(batch, 3, 224, 224, device="meta")

    def theirs() -> None:
        tracker = MemTracker()
        tracker.track_external(model)
        with tracker:
            model(image).sum().backward()
        model.zero_grad()

    their_time = min(_microseconds(theirs) for _ in range(3))
    for kind, run in (("speed", ours), ("speed expanded", ours_expanded)):
        yield Line(kind, name, "224x224", batch, "", min(_microseconds(run) for _ in range(50)), their_time)


def _microseconds(run: Callable[[], None]) -> int:
    start = process_time_ns()
    run()
    return max((process_time_ns() - start) // 1000, 1)


def lines(names: Collection[str]) -> Iterator[Line]:
    """All runs, or those of some networks, one after the other."""
    for name in SPEED:
        if not names or name in names:
            yield from timed(name)
    for name, side in INFERENCE.items():
        if not names or name in names:
            yield tracked(name, side)
    for name, size, make in TRAINING:
        if names and name not in names:
            continue
        for batch, optimizer in RUNS:
            case = make(batch)
            theirs = in_training(case.model, case.run, optimizer)
            ours = case.ours(optimizer)
            yield Line("training", name, size, batch, optimizer, ours, theirs.peak, theirs.peak_of_tensors)
            del case
            gc.collect()


def page(found: Sequence[Line], circumstances: str) -> str:
    """The page, in Markdown; the circumstances are the day and the machine of the measurements."""
    training, inference, speed, expanded = (
        [each for each in found if each.kind == kind] for kind in ("training", "inference", "speed", "speed expanded")
    )
    made = [
        "# Memory, told and measured",
        "",
        f"Written by `{COMMAND}` on {circumstances}. Not part of `archcalc report`.",
        "",
        "## Training",
        "",
        "The most bytes at once in a second step: parameters, buffers, what the optimiser keeps, and the running sum "
        "of the allocator's events (`torch.profiler`, `profile_memory=True`). Images are small, so that a step takes "
        "seconds. *Tensors* leaves out what oneDNN takes for itself inside one operation: copies in its layout, and "
        "sums of each thread. That depends on the machine; archcalc does not model it, and names it as workspace.",
        "",
        "| network | input | batch | optimiser | archcalc | allocator | error | tensors | error |",
        "|---|---|---:|---|---:|---:|---:|---:|---:|",
    ]
    for each in training:
        made.append(
            f"| {each.network} | {each.input} | {each.batch} | {each.optimizer} | {_mb(each.ours)} "
            f"| {_mb(each.theirs)} | {each.error:+.2%} | {_mb(each.tensors)} | {each.error_of_tensors:+.2%} |"
        )
    networks = len({each.network for each in training})
    made += ["", f"{networks} networks, {len(training)} runs.", ""]
    for title, errors in (
        ("all that the allocator gave", [abs(each.error) for each in training]),
        ("tensors alone", [abs(each.error_of_tensors) for each in training]),
    ):
        within = sum(error <= 0.05 for error in errors)
        told = f"mean error {fmean(errors):.2%}, worst {max(errors):.2%}, {within} of {len(errors)} within 5 %"
        made.append(f"- Against {title}: {told}.")
    beyond = ", ".join(dict.fromkeys(each.network for each in training if abs(each.error) > 0.05))
    made += [
        "",
        f"Beyond 5 % of all: {beyond or 'none'}. Backward, a depthwise convolution of 5x5 or 7x7 in channels last has "
        "256 times its weights beside (`findings/depthwise_backward_takes_256_times_its_weights.sh`), more than "
        "all tensors of a small image; a convolution over patches has sums for each thread, and an LSTM brings weights "
        "and their gradients into its own layout. Copies that torchvision's permutations make are tensors, and in "
        "ours. GPT-2 is run with torch's GELU; transformers' own "
        "formula for it (`gelu_new`) keeps four tensors where that keeps one "
        "(`findings/gelu_new_keeps_four_tensors.sh`).",
    ]
    made += [
        "",
        "## Inference",
        "",
        "Tensors of a forward pass of two examples, without weights and input: archcalc under the rule `eager`, and "
        "torch's `MemTracker` over the model of torchvision on meta.",
        "",
        "| network | image | archcalc | MemTracker | error |",
        "|---|---:|---:|---:|---:|",
    ]
    for each in inference:
        made.append(f"| {each.network} | {each.input} | {_mb(each.ours)} | {_mb(each.theirs)} | {each.error:+.2%} |")
    far = [each.network for each in inference if abs(each.error) > 0.01]
    made += [
        "",
        f"{len(inference) - len(far)} of {len(inference)} within 1 %; not {', '.join(far) or 'any'}: torchvision's "
        "DenseNet holds the list of all maps of a block beside their concatenation; in its Inception a convolution "
        "with norm and activation is a module, whose input is held while it runs; and without training attention in "
        "its ViT is no fused kernel but several copies.",
        "",
        "## Speed",
        "",
        "A step of training of two examples on meta under `MemTracker`, the model built already; and archcalc from "
        "the spec on, and with the network expanded already, as the model is built there. Time of the processor, least "
        "of three of theirs and of fifty of ours, one after the other.",
        "",
        "| network | MemTracker | archcalc, from the spec | times | expanded | times |",
        "|---|---:|---:|---:|---:|---:|",
    ]
    for each, other in zip(speed, expanded, strict=True):
        cells = [f"{of.ours / 1000:.2f} ms | {of.theirs / of.ours:,.0f}x" for of in (each, other)]
        made.append(f"| {each.network} | {each.theirs / 1000:,.0f} ms | {' | '.join(cells)} |")
    return "\n".join(made) + "\n"


def _mb(size: int) -> str:
    return f"{size / 1e6:,.2f} MB"


def read_lines(file: Path) -> list[Line]:
    """Lines that were measured before."""
    if not file.exists():
        return []
    with file.open(encoding="utf-8", newline="") as text:
        rows = list(reader(text))[1:]
    return [
        Line(kind, network, size, int(batch), optimizer, int(ours), int(theirs), int(tensors))
        for kind, network, size, batch, optimizer, ours, theirs, tensors in rows
    ]


def write_lines(file: Path, found: Iterable[Line]) -> None:
    """All lines, in the order of this file."""
    with file.open("w", encoding="utf-8", newline="") as text:
        writer(text, lineterminator="\n").writerows([Line._fields, *found])


def main(names: Sequence[str]) -> None:
    """Measure, and write both files after each run, so that one that is broken off is not lost."""
    os.environ.setdefault("KINETO_LOG_LEVEL", "99")
    warnings.simplefilter("ignore")
    version = torch.__version__.partition("+")[0]
    circumstances = f"{date.today():%Y-%m-%d}, torch {version}, CPU, {torch.get_num_threads()} threads"
    order = {(kind, name): number for kind in ("speed", "speed expanded") for number, name in enumerate(SPEED)}
    order |= {("inference", name): number for number, name in enumerate(INFERENCE)}
    order |= {("training", name): number for number, (name, _, _) in enumerate(TRAINING)}
    found = {each[:5]: each for each in read_lines(LINES) if (each.kind, each.network) in order}
    for each in lines(names):
        found[each[:5]] = each
        print(each, f"{each.error:+.2%}", f"{each.error_of_tensors:+.2%}" if each.tensors else "", flush=True)
        kept = sorted(found.values(), key=lambda line: (line.kind, order[line.kind, line.network], line.batch))
        write_lines(LINES, kept)
        if any(line.kind == "training" for line in kept):
            PAGE.write_text(page(kept, circumstances), encoding="utf-8")


if __name__ == "__main__":
    main(sys.argv[1:])

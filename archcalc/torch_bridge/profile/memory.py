"""Memory as archcalc tells it beside what torch takes: `python -m archcalc.torch_bridge.profile.memory`.

It writes a page, by default `reports/measured/memory.md`. Images are small where a network takes them: every tensor is
as many times smaller as its image has fewer pixels, parameters and their gradients are as large as ever.
"""

from __future__ import annotations

import gc
import os
import warnings
from collections.abc import Callable
from datetime import date
from pathlib import Path
from statistics import fmean
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
from archcalc.torch_bridge.profile.allocations import Allocated, in_training, without_dropout

PAGE = "reports/measured/memory.md"
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


class Measured(NamedTuple):
    """A line of the page."""

    name: str
    size: str
    batch: int
    optimizer: str
    ours: int
    theirs: Allocated

    @property
    def error(self) -> float:
        """From all that the allocator gave."""
        return self.ours / self.theirs.peak - 1

    @property
    def error_of_tensors(self) -> float:
        """Without what the library took for itself."""
        return self.ours / self.theirs.peak_of_tensors - 1


def _torchvision(name: str, side: int) -> tuple[str, str, Callable[[int], Case]]:
    return name, f"{side}x{side}", lambda batch: torchvision_case(name, side, batch)


TRAINING: list[tuple[str, str, Callable[[int], Case]]] = [
    *[_torchvision(f"resnet{depth}@torchvision", 128) for depth in (18, 34, 50, 101)],
    *[_torchvision(name, 128) for name in ("resnext50_32x4d", "wide_resnet50_2", "densenet121", "densenet169")],
    *[_torchvision(name, 128) for name in ("mobilenet_v2", "mobilenet_v3_small", "mobilenet_v3_large", "mnasnet1_0")],
    *[_torchvision(name, 128) for name in ("efficientnet_b0", "efficientnet_v2_s", "regnet_y_400mf", "squeezenet1_1")],
    *[_torchvision(f"{name}@torchvision", 128) for name in ("googlenet", "shufflenet_v2_x1_0", "vgg11")],
    *[_torchvision(name, 128) for name in ("convnext_tiny", "convnext_small", "swin_t", "swin_s", "swin_v2_t")],
    _torchvision("vit_b_16", 224),
    _torchvision("vit_b_32", 224),
    ("bert_base", "128 tokens", lambda batch: bert_case(128, batch)),
    ("gpt2", "128 tokens", lambda batch: gpt2_case(128, batch)),
    ("bilstm", "200 tokens", lambda batch: built_case("bilstm", {"length": 200}, batch)),
    ("unet@padded", "128x128", lambda batch: built_case("unet@padded", {"resolution": 128}, batch)),
]
RUNS = ((2, "sgd"), (8, "adamw"))

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


class Tracked(NamedTuple):
    """A line of the page on inference."""

    name: str
    side: int
    ours: int
    theirs: int

    @property
    def error(self) -> float:
        """Of tensors without weights."""
        return self.ours / self.theirs - 1


def tracked(name: str, side: int, batch: int = 2) -> Tracked:
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
    return Tracked(name, side, ours, int(theirs))


def measured() -> list[Measured]:
    """All runs of training, one after the other."""
    found = []
    for name, size, make in TRAINING:
        for batch, optimizer in RUNS:
            case = make(batch)
            theirs = in_training(case.model, case.run, optimizer)
            found.append(Measured(name, size, batch, optimizer, case.ours(optimizer), theirs))
            del case
            gc.collect()
            print(f"{name} {batch} {optimizer}: {found[-1].error:+.2%}, {found[-1].error_of_tensors:+.2%}", flush=True)
    return found


def page(inference: list[Tracked], training: list[Measured]) -> str:
    """The page, in Markdown."""
    threads = torch.get_num_threads()
    lines = [
        "# Memory, told and measured",
        "",
        f"Written by `{COMMAND}` on {date.today():%Y-%m-%d}, torch {torch.__version__.partition('+')[0]}, CPU, "
        f"{threads} threads. Not part of `archcalc report`.",
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
        lines.append(
            f"| {each.name} | {each.size} | {each.batch} | {each.optimizer} | {_mb(each.ours)} "
            f"| {_mb(each.theirs.peak)} | {each.error:+.2%} | {_mb(each.theirs.peak_of_tensors)} "
            f"| {each.error_of_tensors:+.2%} |"
        )
    networks = len({each.name for each in training})
    lines += ["", f"{networks} networks, {len(training)} runs."]
    for title, errors in (
        ("all that the allocator gave", [abs(each.error) for each in training]),
        ("tensors alone", [abs(each.error_of_tensors) for each in training]),
    ):
        within = sum(error <= 0.05 for error in errors)
        told = f"mean error {fmean(errors):.2%}, worst {max(errors):.2%}, {within} of {len(errors)} within 5 %"
        lines.append(f"Against {title}: {told}.")
    lines += [
        "",
        "## Inference",
        "",
        "Tensors of a forward pass of two examples, without weights and input: archcalc under the rule `eager`, and "
        "torch's `MemTracker` over the model of torchvision on meta.",
        "",
        "| network | image | archcalc | MemTracker | error |",
        "|---|---:|---:|---:|---:|",
    ]
    for item in inference:
        lines.append(f"| {item.name} | {item.side} | {_mb(item.ours)} | {_mb(item.theirs)} | {item.error:+.2%} |")
    close = [item for item in inference if abs(item.error) <= 0.01]
    far = [item.name for item in inference if abs(item.error) > 0.01]
    lines += [
        "",
        f"{len(close)} of {len(inference)} within 1 %; not {', '.join(far) or 'any'}: torchvision's DenseNet holds the "
        "list of all maps of a block beside their concatenation, and attention in its Swin and, without training, in "
        "its ViT is no fused kernel but several copies.",
    ]
    return "\n".join(lines) + "\n"


def _mb(size: int) -> str:
    return f"{size / 1e6:,.2f} MB"


def main() -> None:
    """Measure everything, and write the page."""
    os.environ.setdefault("KINETO_LOG_LEVEL", "99")
    warnings.simplefilter("ignore")
    inference = [tracked(name, side) for name, side in INFERENCE.items()]
    Path(PAGE).write_text(page(inference, measured()), encoding="utf-8")


if __name__ == "__main__":
    main()

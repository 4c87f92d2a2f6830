"""What torch's allocator on CPU gives out in a step of training, and in a forward pass: measured, not told."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Callable
from typing import Any, NamedTuple

import torch
from torch import Tensor, nn
from torch.profiler import ProfilerActivity, profile

OPTIMIZERS: dict[str, Callable[[Any], torch.optim.Optimizer]] = {
    "sgd": lambda parameters: torch.optim.SGD(parameters, lr=1e-6),
    "momentum": lambda parameters: torch.optim.SGD(parameters, lr=1e-6, momentum=0.9),
    "adamw": lambda parameters: torch.optim.AdamW(parameters, lr=1e-6),
}
# Operations inside which oneDNN takes memory for itself; it frees that before they end.
_OF_LIBRARY = {
    "aten::convolution_backward",
    "aten::mkldnn_convolution",
    "aten::mkldnn_rnn_layer",
    "aten::mkldnn_rnn_layer_backward",
    "aten::addmm",
    "aten::mm",
}


class Allocated(NamedTuple):
    """Bytes: what stands before the step, and the most that comes on top of it during the step."""

    standing: int  # parameters, buffers, what the optimiser keeps
    most: int  # of all that the allocator gave
    most_of_tensors: int  # without what a library took for itself within an operation

    @property
    def peak(self) -> int:
        """Of all."""
        return self.standing + self.most

    @property
    def peak_of_tensors(self) -> int:
        """Of tensors alone."""
        return self.standing + self.most_of_tensors


def without_dropout(model: nn.Module) -> nn.Module:
    """The model in training, with all probabilities of leaving out at zero, as specs have them."""
    model.train()
    for module in model.modules():
        if isinstance(module, (nn.Dropout, nn.Dropout1d, nn.Dropout2d)) or type(module).__name__ == "StochasticDepth":
            module.p = 0.0  # type: ignore[assignment]
        elif isinstance(module, nn.MultiheadAttention):
            module.dropout = 0.0
    return model


def in_training(model: nn.Module, loss: Callable[[], Tensor], optimizer: str) -> Allocated:
    """The running sum of the profiler's memory events over a second step, its largest value.

    Args:
        model: in training.
        loss: runs the model and gives a number.
        optimizer: one of `OPTIMIZERS`.
    """
    of = OPTIMIZERS[optimizer](model.parameters())

    def step() -> None:
        loss().backward()  # type: ignore[no-untyped-call]  # torch does not say
        of.step()

    step()
    of.zero_grad(set_to_none=True)
    with profile(activities=[ProfilerActivity.CPU], profile_memory=True) as profiled:
        step()
    standing = [*model.parameters(), *model.buffers()]
    standing += [value for state in of.state.values() for value in state.values() if isinstance(value, Tensor)]
    assert profiled.profiler is not None
    assert profiled.profiler.kineto_results is not None
    events = profiled.profiler.kineto_results.events()
    given = sorted((event.start_ns(), event.nbytes()) for event in events if event.name() == "[memory]")
    own = _of_library(events, given)
    every = _most(bytes_ for _, bytes_ in given)
    tensors = _most(bytes_ for place, (_, bytes_) in enumerate(given) if place not in own)
    return Allocated(sum(each.numel() * each.element_size() for each in standing), every, tensors)


def _most(changes: Any) -> int:
    alive = most = 0
    for change in changes:
        alive += change
        most = max(most, alive)
    return most


def _of_library(events: Any, given: list[tuple[int, int]]) -> set[int]:
    """Places of memory events that are a library's own.

    These are given out by the operation itself, not by one of torch's that makes a tensor (`aten::empty`), and taken
    back before it ends.
    """
    operations = sorted(
        (event.start_ns(), event.start_ns() + event.duration_ns(), event.name())
        for event in events
        if event.name().startswith("aten::")
    )
    starts = [start for start, _, _ in operations]
    times = [time for time, _ in given]
    found: set[int] = set()
    for start, end, name in operations:
        if name not in _OF_LIBRARY:
            continue
        inside = operations[bisect_right(starts, start) : bisect_right(starts, end)]
        waiting: dict[int, list[int]] = {}
        for place in range(bisect_right(times, start), bisect_right(times, end)):
            time, change = given[place]
            if change > 0 and not any(first <= time <= last for first, last, _ in inside):
                waiting.setdefault(change, []).append(place)
            elif change < 0 and waiting.get(-change):
                found |= {place, waiting[-change].pop()}
    return found

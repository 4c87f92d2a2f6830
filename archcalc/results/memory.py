"""What a network needs on a machine, part by part, and where it needs most: data."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from enum import StrEnum
from functools import cached_property
from typing import Any, Literal, NamedTuple

Phase = Literal["forward", "loss", "recomputed", "backward", "optimizer"]
Recompute = Literal["none", "block", "full"]
RECOMPUTE = ("none", "block", "full")


class What(StrEnum):
    """What a tensor is of the step at which the peak stands."""

    INPUT = "input"
    OUTPUT = "output"  # what an operation gives
    SAVED = "saved"  # made for the backward pass: masks, indices, statistics, copies
    GRADIENT = "gradient"  # of what an operation gives
    PARAMETER_GRADIENT = "parameter gradient"
    TRANSIENT = "transient"  # made and freed within one operation


class Alive(NamedTuple):
    """A tensor, or all of one kind of a layer, alive at the peak."""

    what: What
    layer: str
    size_bytes: int


class Peak(NamedTuple):
    """The most bytes of tensors at once, under a rule, and what is alive there."""

    size_bytes: int
    layer: str  # at which it stands; `input` before the first
    phase: Phase
    alive: tuple[Alive, ...]


class Arena(NamedTuple):
    """A plan that gives every tensor a place: bytes in all, beside the peak that no plan can go below."""

    size_bytes: int
    peak_bytes: int  # of the same tensors, each a multiple of the alignment
    tensors: int


class Optimizer(NamedTuple):
    """What an optimiser keeps and does for each parameter that it updates."""

    name: str
    copies: int  # numbers kept beside each parameter
    flops: int  # of a step, for each
    transient: int  # numbers made and freed again while one tensor of parameters is updated
    source: str
    is_factored: bool = False  # of matrices, a number for each row and column instead


class Work(NamedTuple):
    """Multiply-accumulate pairs of a layer in a step of training."""

    layer: str
    notation: str
    macs: int
    macs_backward: int  # of the gradients of its input and of its weights
    macs_recomputed: int  # of its forward pass again
    saved_bytes: int  # that it keeps for the backward pass, or makes others keep
    grouped_macs: int  # that FlopCounterMode of torch counts beyond these, where a convolution has groups


class Collective(NamedTuple):
    """What ranks send to one another in a step."""

    of: str  # which parallelism
    operation: str
    size_bytes: int  # that each rank sends
    times: int


class Share(NamedTuple):
    """A part of memory on one rank."""

    part: str
    whole_bytes: int
    rank_bytes: int
    divided_by: str  # the ranks that divide it, in words


@dataclass(frozen=True, slots=True)
class Sharding:
    """Parts of memory on each rank, and what is sent in a step."""

    ranks: dict[str, int]
    zero: int
    shares: tuple[Share, ...]
    sent: tuple[Collective, ...]

    @property
    def rank_bytes(self) -> int:
        """Of all parts on the fullest rank."""
        return sum(share.rank_bytes for share in self.shares)

    @property
    def sent_bytes(self) -> int:
        """That each rank sends in a step."""
        return sum(each.size_bytes * each.times for each in self.sent)


@dataclass(frozen=True)
class Training:
    """What training adds: of parameters, of activations, and of work."""

    optimizer: Optimizer
    master: str  # dtype of a second copy of the parameters, "" without
    recompute: Recompute
    frozen: tuple[str, ...]
    lora: int
    trained: int  # parameters
    added: int  # of these, those that LoRA adds
    gradients_bytes: int
    master_bytes: int
    optimizer_bytes: int
    saved_bytes: int
    make_work: Callable[[], tuple[Work, ...]] = field(repr=False, compare=False)
    tokens: int  # that a step reads, 0 for what is no sequence
    params_6nt: int  # N of 6 N T: parameters without tables that are only looked up; 0 without tokens

    @cached_property
    def work(self) -> tuple[Work, ...]:
        """Of every layer, in order; made when first asked for."""
        return self.make_work()

    def __getstate__(self) -> dict[str, Any]:
        """What another process is sent: all data, and not the way to it."""
        return {**vars(self), "work": self.work, "make_work": None}

    @property
    def macs(self) -> int:
        """Of the forward pass."""
        return sum(each.macs for each in self.work)

    @property
    def macs_backward(self) -> int:
        """Of both kinds of gradients."""
        return sum(each.macs_backward for each in self.work)

    @property
    def macs_recomputed(self) -> int:
        """Of what is computed again."""
        return sum(each.macs_recomputed for each in self.work)

    @property
    def optimizer_flops(self) -> int:
        """Of one step."""
        return self.trained * self.optimizer.flops

    @property
    def flops_6nt(self) -> int:
        """6 N T."""
        return 6 * self.params_6nt * self.tokens


class Fit(NamedTuple):
    """The largest value within a limit, and what the next one takes."""

    variable: str
    largest: int
    peak_bytes: int
    next: int | None
    next_bytes: int | None
    limit: int
    limit_text: str


@dataclass(frozen=True, slots=True)
class Memory:
    """What a network needs on a machine."""

    network: str
    title: str
    batch: int
    dtype: str
    input: str
    weights_bytes: int
    buffers_bytes: int
    cache_bytes: int
    ideal: Peak
    eager: Peak
    lower_bytes: int  # inputs and output of any one operation: no order goes below; of training 0, not told
    arena: Arena | None  # None: too many tensors to plan
    workspace_bytes: int  # the library makes between none and so many more
    training: Training | None = None
    fit: Fit | None = None
    sharding: Sharding | None = None

    @property
    def standing_bytes(self) -> int:
        """What stands in memory all the time: weights, buffers, cache, master copy and optimiser."""
        standing = self.weights_bytes + self.buffers_bytes + self.cache_bytes
        if self.training:
            standing += self.training.master_bytes + self.training.optimizer_bytes
        return standing

    @property
    def peak_bytes(self) -> int:
        """Under the rule `ideal`."""
        return self.standing_bytes + self.ideal.size_bytes

    @property
    def eager_bytes(self) -> int:
        """Under the rule `eager`."""
        return self.standing_bytes + self.eager.size_bytes

    @property
    def to_fit_bytes(self) -> int:
        """What must fit into one machine: under the rule `eager`, or all on the fullest rank."""
        return self.sharding.rank_bytes if self.sharding else self.eager_bytes

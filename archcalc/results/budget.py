"""What a network may cost at most, and whether it keeps to it."""

from __future__ import annotations

from archcalc.named import NamedTuple
from archcalc.source import Source, Span

QUANTITIES = (
    "params",
    "weights",
    "biases",
    "norm_params",
    "buffers",
    "trainable_params",
    "active_params",
    "macs",
    "macs_once",
    "masked",
    "flops_arithmetic",
    "connections",
    "neurons",
    "activations",
    "peak_activations",
    "state",
    "state_once",
    "state_bytes",
    "stored_params",
    "size_bytes",
    "peak_memory",
    "layers",
    "depth",
    "depth_with_pooling",
)
"""What a network may be held to, by column name."""
PEAK_MEMORY = "peak_memory"  # bytes of a forward pass: `archcalc memory`, rule `eager`
IN_BYTES = frozenset({"size_bytes", "state_bytes", PEAK_MEMORY})


class Limit(NamedTuple):
    """The most that a quantity may be."""

    quantity: str
    most: int
    text: str  # as written
    span: Span | None = None
    source: Source | None = None  # the file that says so, if one does


class Part(NamedTuple):
    """A layer, and how much of a quantity is its own."""

    layer: str
    notation: str
    value: int


class BudgetCheck(NamedTuple):
    """A network's quantity beside its limit."""

    network: str
    limit: Limit
    value: int
    is_lower_bound: bool  # an operation of unknown cost comes on top
    dearest: tuple[Part, ...]  # the layers that have most of it, where layers have parts of it

    @property
    def over(self) -> int:
        """By how much the limit is passed; 0 or less: it is not."""
        return self.value - self.limit.most

    @property
    def verdict(self) -> str:
        """`kept`, `over`, or `unknown` where a lower bound within the limit decides nothing."""
        if self.over > 0:
            return "over"
        return "unknown" if self.is_lower_bound else "kept"

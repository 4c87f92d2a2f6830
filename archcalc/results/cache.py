"""What a network keeps between steps, by kind, and what engines and other calculators say that it takes: data."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from fractions import Fraction
from typing import Literal, NamedTuple


class Kind(StrEnum):
    """What is kept, and how it grows."""

    FULL = "full"  # keys and values of all positions
    WINDOW = "window"  # keys and values of the last positions
    LATENT = "latent"  # of all positions, what keys and values are made of: fewer elements than they have
    RECURRENT = "recurrent"  # a state of fixed size
    CONVOLUTION = "convolution"  # the last inputs of a causal convolution
    CROSS_ATTENTION = "cross_attention"  # keys and values of another input, computed once
    ONCE = "once"  # what else is computed once and read in each step


class Entry(NamedTuple):
    """What so many layers keep alike."""

    kind: Kind
    width: int  # elements of one position; all, where the size is fixed
    positions: int | None = None  # None: those of all steps, or of the window
    more: int = 0  # positions beyond those of the steps: a prefix
    window: int | None = None
    expanded: int | None = None  # of a latent: elements of its keys and values; None: they are never made
    layers: int = 1


class Heads(NamedTuple):
    """What formulas read from a configuration; heads are those of the widest attention."""

    layers: int  # with a cache or a recurrent state
    hidden: int  # channels of an embedded token
    heads: int
    kv_heads: int
    query_channels: int  # heads x their width
    latent: int  # channels of the latent that keys and values are made of, 0: there is none


class Rule(NamedTuple):
    """How an engine allocates, or what formula a calculator has: one entry of `engine/cost/allocations.py`."""

    name: str
    version: str
    does: str
    source: str
    page: int = 1  # positions are allocated in multiples of it
    to_context: bool = False  # all positions of the context at once
    shares: bool = False  # one cache for all examples, whose positions are rounded up together
    window: int | None = -1  # positions of a window, more than it is wide; None: windows are ignored
    window_new: bool = False  # and those of the step
    window_pages: int = 0  # and so many pages
    expands: bool = False  # latents are not kept, but the keys and values that are made of them
    formula: Literal["", "heads", "hidden", "kv_heads", "latent_twice"] = ""

    @property
    def is_formula(self) -> bool:
        """Whether it is no engine's, but a formula that is met in calculators."""
        return bool(self.formula)


class Part(NamedTuple):
    """What is needed of one kind."""

    kind: Kind
    layers: int
    elements: int  # for a batch
    size_bytes: int
    next_bytes: int  # what one position more adds, for one example


class Reserved(NamedTuple):
    """What a rule allocates or says; None: it says nothing of this network, for a reason."""

    rule: Rule
    size_bytes: int | None
    reason: str = ""
    largest_past: int | None = None  # within the limit, where one is given; None: not even the step alone fits


@dataclass(frozen=True, slots=True)
class Cache:
    """What a network keeps after a step."""

    network: str
    title: str
    past: int
    length: int
    batch: int
    dtype: str
    context: int
    parts: tuple[Part, ...]
    reserved: tuple[Reserved, ...]
    limit: int | None = None
    limit_text: str = ""
    largest_past: int | None = None

    @property
    def size_bytes(self) -> int:
        """Bytes that the next step needs."""
        return sum(part.size_bytes for part in self.parts)

    @property
    def elements(self) -> int:
        """Elements that the next step needs."""
        return sum(part.elements for part in self.parts)

    @property
    def next_bytes(self) -> int:
        """What one position more adds, for one example."""
        return sum(part.next_bytes for part in self.parts)

    def factor(self, reserved: Reserved) -> Fraction | None:
        """How many times what is needed."""
        if reserved.size_bytes is None or not self.size_bytes:
            return None
        return Fraction(reserved.size_bytes, self.size_bytes)


def bytes_of(elements: int, bits: int) -> int:
    """Whole bytes of so many elements."""
    return -(-elements * bits // 8)

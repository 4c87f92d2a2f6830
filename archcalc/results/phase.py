"""What of a network is computed: all of it, or what a step repeats."""

from __future__ import annotations

from archcalc.named import NamedTuple


class Steps(NamedTuple):
    """Of each operation of a graph, whether a step repeats it; and those that are computed once and kept."""

    repeated: list[bool]
    kept: frozenset[int]


class Phase(NamedTuple):
    """What a step repeats (None: everything), whether that alone is computed, and the bits of what is kept."""

    steps: Steps | None = None
    in_step: bool = False
    state_bits: int = 32


WHOLE = Phase()

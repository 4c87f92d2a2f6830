"""Quantities of a batch on a machine: bytes read and written, and the peak of a forward pass; on polynomials too.

They are no sums of one example times a batch, as the others are: weights are there once, and a peak is the largest of
many sums. So they are of a whole network, at a batch and a dtype.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from functools import reduce
from itertools import accumulate

from archcalc.dims import Dim, ceil_div, collecting_assumptions, maximum
from archcalc.dims.vocabulary import never_below
from archcalc.engine.cost.quantities import quantity
from archcalc.engine.cost.storage import storage_of, stored_of_nodes
from archcalc.engine.cost.traffic import TRAFFIC, total_traffic
from archcalc.engine.memory.inference import lives
from archcalc.engine.memory.tensors import in_bytes, tensors_of
from archcalc.graph import Graph
from archcalc.results.budget import PEAK_MEMORY
from archcalc.results.cost import DTYPES
from archcalc.source import Diagnostic, SpecError
from archcalc.spec.limits import DEFAULT_LIMITS, Limits
from archcalc.spec.model import Spec

ON_A_MACHINE = (*TRAFFIC, PEAK_MEMORY)
MOST_COMPARED = 64  # sums of which none is known to be the largest; of more, all are in the maximum


def on_a_machine(
    spec: Spec,
    graph: Graph,
    name: str,
    batch: Dim,
    dtype: str = "fp32",
    with_heads: bool = False,
    is_as_written: bool = True,
    limits: Limits = DEFAULT_LIMITS,
    within: Sequence[int] | None = None,
) -> Dim:
    """One of `ON_A_MACHINE` of a whole graph, or of bytes that are moved those of a part of it.

    Args:
        spec: the file.
        graph: one of its networks, sizes of which may be left open.
        name: of the quantity.
        batch: examples at once.
        dtype: of activations, parameters and what is kept.
        with_heads: count train-only heads too; their activations are none of the peak's.
        is_as_written: no variable is set from outside.
        limits: bounds on the work.
        within: the operations that count; None: all.

    Raises:
        SpecError: it has no closed form, or none of a part.
    """
    last = len(graph.nodes) if with_heads else graph.first_head
    storage = storage_of(spec, graph, dtype, None, None, limits, is_as_written)
    with collecting_assumptions():  # the graph holds them since its expansion
        if name in TRAFFIC:
            moved = total_traffic(graph, batch, dtype, storage, range(last) if within is None else within)
            return moved[TRAFFIC.index(name)]
        if within is not None:
            message = f"{name} is of the whole network, and no sum of parts"
            raise SpecError([Diagnostic("unknown-quantity", message, help="leave --by out")])
        bits = DTYPES[dtype]
        stored = ceil_div(stored_of_nodes(storage, graph, range(last))[1], 8)
        kept = quantity(graph, "state", with_heads) + quantity(graph, "state_once", with_heads)
        standing: Dim = stored + in_bytes(quantity(graph, "buffers", with_heads), bits) + in_bytes(kept * batch, bits)
        return standing + peak(graph, batch, bits)


def peak(graph: Graph, batch: Dim, bits: int) -> Dim:
    """The most bytes of tensors at once, under the rule `eager`, heads left out."""
    steps = graph.first_head + 1
    change: list[Dim] = [0] * (steps + 1)
    for size, first, last, _, _ in lives(graph, tensors_of(graph, batch, bits), held=True):
        change[first] += size
        change[min(last + 1, steps)] -= size
    return largest(accumulate(change[:steps]))


def largest(numbers: Iterable[Dim]) -> Dim:
    """The maximum; without those that another one is known never to be below."""
    kept: list[Dim] = []
    for number in dict.fromkeys(numbers):
        if len(kept) < MOST_COMPARED:
            if any(never_below(other, number) for other in kept):
                continue
            kept = [other for other in kept if not never_below(number, other)]
        kept.append(number)
    return reduce(maximum, kept)

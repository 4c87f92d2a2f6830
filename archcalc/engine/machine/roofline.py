"""Floors: the least time that a device's printed rates leave for each operation of a network.

A floor holds for the algorithm that is counted: a library that multiplies less, as Winograd's for 3x3 convolutions,
may be below it.
"""

from __future__ import annotations

from collections.abc import Mapping
from itertools import groupby
from typing import Any

from archcalc.engine.inputs import Given
from archcalc.engine.machine.devices import device as device_of
from archcalc.engine.machine.devices import peak
from archcalc.engine.machine.work import fused, groups_of, stands_for, work_of
from archcalc.engine.network import AnyNetwork, analyze
from archcalc.results.cost import DTYPES, NetworkCost
from archcalc.results.time import Bound, Device, FloorRow, Roofline, Work


def roofline(
    network: AnyNetwork,
    device: str | Device,
    dtype: str = "fp32",
    batch: int = 1,
    fuse: str = "none",
    step: bool = False,
    set: Mapping[str, Any] | None = None,
    input: Given = None,
) -> Roofline:
    """Floors of a network's layers on a device, and of all of it.

    Each operation takes at least the larger of its arithmetic at the peak of the dtype (what is no product: at the
    rate of single elements) and of its bytes at the bandwidth; operations run one after the other.

    Args:
        network: a name, a file, or what `load` gave.
        device: an id, a file, or a device.
        dtype: of activations and parameters.
        batch: examples at once.
        fuse: what runs as one: `none`, `pointwise`.
        step: of one step: a decoder's next token.
        set: values of variables of the spec.
        input: another input than the spec's.

    Raises:
        SpecError: as `analyze`; an unknown device, or no peak at this dtype.
        ValueError: an unknown dtype or rule of fusion, or a batch below 1.
    """
    found = device_of(device) if isinstance(device, str) else device
    cost = analyze(network, batch=batch, set=set, input=input, dtype=dtype, step=step)
    rate = peak(found, dtype)
    rows = floors(cost, found, rate, fuse)
    return Roofline(
        network=cost.name,
        title=cost.title,
        input=cost.input_text,
        device=found,
        dtype=dtype,
        batch=batch,
        fuse=fuse,
        step=step,
        rows=tuple(rows),
        at_least=cost.totals.at_least,
        tokens=tokens_of(cost),
        weight_bytes=cost.totals.params * DTYPES[dtype] // 8,
    )


def floors(cost: NetworkCost, of: Device, rate: float, fuse: str) -> list[FloorRow]:
    """A row for each layer, in order."""
    graph, bits = cost.graph, DTYPES[cost.dtype]
    steps = cost.phase.steps if cost.phase.in_step else None
    work = work_of(graph, cost.batch, bits, steps.repeated if steps else None)
    try:
        groups = groups_of(graph, fuse)
    except KeyError:
        raise ValueError(f"nothing is fused by `{fuse}`; there are none, pointwise") from None
    done = {stands_for(group, work): fused(graph, group, work, cost.batch, bits) for group in groups}
    rows = []
    notation = {layer.name: layer.notation for layer in cost.layers}
    for layer, members in groupby(range(graph.first_head), key=lambda index: graph.nodes[index].layer):
        own = [done[index] for index in members if index in done and done[index] != Work()]
        rows.append(_row(layer, notation.get(layer, ""), own, of, rate))
    return rows


def _row(layer: str, what: str, own: list[Work], of: Device, rate: float) -> FloorRow:
    compute = [2 * one.macs / rate + one.elementary / of.vector for one in own]
    memory = [one.bytes_moved / of.bandwidth for one in own]
    whole = sum(map(max, compute, memory))
    bound_by_compute = sum(spent for spent, moved in zip(compute, memory, strict=True) if spent > moved)
    bound = Bound.NOTHING if not whole else Bound.COMPUTE if 2 * bound_by_compute > whole else Bound.MEMORY
    total = Work(*(sum(one[place] for one in own) for place in range(len(Work._fields))))
    return FloorRow(layer, what, total, sum(compute), sum(memory), whole, bound, len(own))


def tokens_of(cost: NetworkCost) -> int:
    """New positions of a batch, where the first input is one of tokens; else 0."""
    first = cost.graph.input
    return cost.batch * int(first.positions) if first.kind == "tokens" else 0

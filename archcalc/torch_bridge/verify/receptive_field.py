"""Receptive fields measured: how far the gradient of an output reaches into the input.

A field is a box, so each axis is measured alone, on the thin copy of the model. Fields of paths without anything global
are measured away from the border: on an input long enough that nothing is cut off, for archcalc gives them without
regard to the border. What is seen by way of something global is measured on the input that the network has.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from fractions import Fraction
from math import lcm
from typing import Any, NamedTuple

import torch
from torch import Tensor, fx

from archcalc.engine.cost.receptive_field import ReceptiveFields
from archcalc.graph import NETWORK_INPUT, Graph, Node
from archcalc.results.cost import json_number
from archcalc.results.field import ReceptiveField
from archcalc.results.verification import Check, Value, compare
from archcalc.torch_bridge.model.thin import Join, Lattice, Thin, Unknown, Whole, thin

LONGEST = 1 << 22  # pixels; an input is not made longer than that


class Interval(NamedTuple):
    """Pixels that are read, from the first to the last, both included."""

    low: int
    high: int


class Seen(NamedTuple):
    """A field along one axis; no centre where it was not found."""

    size: int
    jump: Fraction
    first_centre: Fraction | None


def field_checks(network: str, graph: Graph, model: fx.GraphModule) -> list[Check]:
    """Fields of the last operation of every stage, and of what is before anything global.

    None of networks with several inputs, with tokens, or with operations that depend on no input.
    """
    has_sources = any(not node.inputs for node in graph.nodes)
    if len(graph.inputs) > 1 or graph.input.channels is None or not graph.input.rank or has_sources:
        return []
    axes = [thin(model, graph, axis) for axis in range(graph.input.rank)]
    steps = axes[0].of
    last = {graph.nodes[index].stage: index for index in steps}.values()
    before = [
        graph.nodes[index].inputs[0] for index, step in steps.items() if isinstance(axes[0].steps[step].reading, Whole)
    ]
    fields = ReceptiveFields(graph)
    indices = sorted({*last, *before} - {NETWORK_INPUT})
    local = {index: field for index in indices if (field := fields.local(index))}
    if not local:  # nothing of the input is seen
        return []
    hint = max(max(each.size) for each in local.values())
    measured: list[Mapping[int, Seen | Unknown]] = []
    whole: list[Mapping[int, Seen | Unknown]] = []
    for axis in axes:  # mostly alike
        is_as_before = bool(measured) and axis == axes[0]
        wanted = [steps[index] for index in indices]
        measured.append(measured[0] if is_as_before else measure(axis, wanted, hint))
        whole.append(whole[0] if is_as_before else measure_whole(axis, wanted))
    checks: list[Check] = []
    for index, field in local.items():
        node, step = graph.nodes[index], steps[index]
        ours = fields.after(index)
        assert ours is not None
        seen = [reached.get(step) or found[step] for reached, found in zip(whole, measured, strict=True)]
        checks += _compared(network, node, ours, seen)
        if ours != field and all(step in found for found in measured):
            by_path = _compared(network, node, field, [found[step] for found in measured])
            checks += [check._replace(quantity=f"local_{check.quantity}") for check in by_path]
    return checks


def _compared(network: str, node: Node, ours: ReceptiveField, found: Sequence[Seen | Unknown]) -> list[Check]:
    seen = [axis for axis in found if isinstance(axis, Seen)]
    if len(seen) < len(found):
        reason = next(axis.reason for axis in found if isinstance(axis, Unknown))
        return [Check(network, "torch", node.name, "receptive_field", ours.size, "", "not counted", reason)]
    pairs: list[tuple[str, Value, Value]] = [("receptive_field", ours.size, tuple(axis.size for axis in seen))]
    if any(extent != 1 for extent in node.y.spatial):  # a single position has no neighbour
        pairs.append(("jump", tuple(map(json_number, ours.jump)), tuple(json_number(axis.jump) for axis in seen)))
    centres = [axis.first_centre for axis in seen if axis.first_centre is not None]
    if len(centres) == len(seen):
        pairs.append(("first_centre", tuple(map(json_number, ours.first_centre)), tuple(map(json_number, centres))))
    return [compare(network, "torch", node.name, *pair) for pair in pairs]


def measure(axis: Thin, steps: Sequence[int], hint: int) -> dict[int, Seen | Unknown]:
    """Fields after some steps, on an input so long that they are not cut off; `hint` is a size to begin with.

    Of branches, those are followed that read nothing whole; steps that only such branches lead to have no field here.
    """
    lattices, obstacles, past = axis.lattices(), axis.obstacles(), axis.past(all)
    steps = [step for step in steps if not past[step]]
    wanted = [step for step in steps if obstacles[step] is None]
    cycle = lcm(*(lattice.cycle for lattice in lattices))
    length = axis.extent
    while True:
        # Longer by whole cycles: branches that fit each other still do.
        length += -(-(2 * hint + 2 * cycle) // cycle) * cycle
        x, values = _run(axis, length)
        found = {step: _seen(x, values[step], lattices[step]) for step in wanted}
        if all(found.values()) or length > LONGEST:
            break
        hint = length
    clipped = Seen(length, Fraction(1), None)
    return {step: obstacles[step] or found[step] or clipped for step in steps}


def measure_whole(axis: Thin, steps: Sequence[int]) -> dict[int, Seen | Unknown]:
    """What is seen, on the input that the network has, after those steps that something whole leads to."""
    obstacles, beyond = axis.obstacles(), axis.past(any)
    steps = [step for step in steps if beyond[step]]
    if not steps:
        return {}
    x, values = _run(axis, axis.extent, is_whole=True)
    found: dict[int, Seen | Unknown] = {}
    for step in steps:
        y, obstacle = values[step], obstacles[step]
        if obstacle is not None:
            found[step] = obstacle
            continue
        last = y.shape[-1] - 1
        read = {position: _interval(x, y, position) for position in (0, last // 2, last)}
        places = {position: interval for position, interval in read.items() if interval}
        intervals = list(places.values()) or [Interval(0, -1)]
        size = max(each.high - each.low for each in intervals) + 1
        is_one = len(set(intervals)) == 1
        # Of what is read from the first position on, the end moves.
        moved = max(intervals[-1].low - intervals[0].low, intervals[-1].high - intervals[0].high)
        jump = Fraction(0) if is_one else Fraction(moved, max(places) - min(places))
        found[step] = Seen(size, jump, Fraction(sum(intervals[0]), 2) if is_one else None)
    return found


def _seen(x: Tensor, y: Tensor, lattice: Lattice) -> Seen | None:
    """The field around the middle, the largest of one cycle; None where the input was too short."""
    phases = lattice.phases
    first = y.shape[-1] // 2 - phases // 2
    if first < 0 or first + 2 * phases > y.shape[-1]:
        return None
    cycle = [_interval(x, y, first + number) for number in range(phases)]
    reading = [number for number, interval in enumerate(cycle) if interval]  # between two windows may be a gap
    again = _interval(x, y, first + reading[0] + phases) if reading else None
    intervals = [interval for interval in (*cycle, again) if interval]
    if again is None or min(intervals).low <= 0 or max(each.high for each in intervals) >= x.shape[-1] - 1:
        return None
    size = max(each.high - each.low for each in intervals) + 1
    jump = Fraction(again.low - intervals[0].low, phases)
    number = min(reading, key=lambda number: (first + number) % phases)  # reads as the first one that reads anything
    centre = Fraction(sum(cycle[number] or ()), 2) - (first + number) * jump
    return Seen(size, jump, centre)


def _run(axis: Thin, length: int, is_whole: bool = False) -> tuple[Tensor, list[Any]]:
    """The input and what each step gives; None after what cannot be run and, but for `is_whole`, what is whole."""
    x = torch.zeros(1, 1, length, requires_grad=True)
    values: list[Any] = [x]
    left_out = [False] * len(axis.steps) if is_whole else axis.past(all)
    for (stated, inputs), obstacle, is_left in zip(axis.steps[1:], axis.obstacles()[1:], left_out[1:], strict=True):
        if obstacle is not None or is_left:
            values.append(None)
            continue
        followed = [i for i in inputs if values[i] is not None]
        read = [values[i] for i in followed]
        reading = stated
        if isinstance(stated, Join) and stated.reference is not None and len(followed) < len(inputs):
            kept = inputs[stated.reference]
            reading = Join(followed.index(kept) if kept in followed else None)
        y = reading.apply(*read)
        if y is not read[0]:
            y.register_hook(_support)  # type: ignore[no-untyped-call]
        values.append(y)
    return x, values


def _support(gradient: Tensor) -> Tensor:
    """Where a gradient is not zero: neither vanishing nor growing on the way through a thousand layers."""
    return (gradient != 0).to(gradient)


def _interval(x: Tensor, y: Tensor, position: int) -> Interval | None:
    """What a position of y reads of x, if anything."""
    chosen = torch.zeros_like(y)
    chosen[..., position] = 1
    (gradient,) = torch.autograd.grad(y, x, chosen, retain_graph=True)
    read = gradient.flatten().nonzero()
    return Interval(int(read[0]), int(read[-1])) if len(read) else None

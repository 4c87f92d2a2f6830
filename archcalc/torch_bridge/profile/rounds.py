"""Networks measured in turn: rounds over all of them, so that a slow spell of the machine meets each alike."""

from __future__ import annotations

from collections.abc import Sequence
from statistics import median
from typing import NamedTuple

import torch
from torch import Tensor, fx

from archcalc.engine.execution import least_memory
from archcalc.engine.machine.operations import operations
from archcalc.engine.network import Network
from archcalc.graph import Graph
from archcalc.results.cost import DTYPES
from archcalc.results.time import TimedNetwork
from archcalc.spec.collector import paused_collector
from archcalc.torch_bridge.profile.operation_times import OperationTimer, TrainingTimer
from archcalc.torch_bridge.profile.profile import (
    Tell,
    built,
    inference,
    refuse_too_large,
    running,
    training_step,
)
from archcalc.torch_bridge.profile.timing import Clock, clock_of, warm_up

IN_A_ROW = 2  # runs of a network that are timed before the next one's
LEAST_S = 1e-9  # of a backward pass, the difference of a step and a forward pass


class _Model(NamedTuple):
    """A network that is built, with what was measured of it: runs of the whole and, after each, of its operations."""

    network: str
    graph: Graph
    model: fx.GraphModule
    given: list[Tensor]
    wholes: dict[bool, list[list[float]]]  # by whether it is a step of training: rounds, and runs of each
    parts: dict[bool, list[list[float]]]  # runs, and operations of each


def in_turn(
    networks: Sequence[Network],
    device: torch.device,
    dtype: str,
    batch: int,
    repeats: int,
    train: bool = False,
    tell: Tell = lambda done, stage: None,
) -> dict[str, tuple[TimedNetwork, ...]]:
    """Measure the passes of some networks, whole and by operation.

    All are built first and stay in memory. Each round runs each of them once untimed, then twice; medians are over all
    rounds. What a backward pass takes is what a step of training takes beyond a forward pass.

    Args:
        networks: what is measured.
        device: where.
        dtype: of weights and activations: fp32, fp16 or bf16.
        batch: examples at once.
        repeats: timed runs of each, of the whole and of its operations.
        train: the backward pass too.
        tell: called as the measurement goes on.

    Raises:
        MeasurementError: too little memory, or an operation that the device cannot run so.
    """
    clock = clock_of(device)
    modes = (False, True)[: 1 + train]
    with running(device, None):
        made = []
        for network in networks:
            tell(0, f"build {network.name}")
            graph = network.graph(with_heads=False)
            refuse_too_large(device, least_memory(graph, batch, DTYPES[dtype], train))
            made.append(_Model(network.name, graph, *built(graph, device, dtype, batch), {}, {}))
        rounds = -(-repeats // IN_A_ROW)
        with paused_collector():
            for done in range(rounds + 1):
                for number, one in enumerate(made):
                    tell((done + number / len(made)) / (rounds + 1), one.network)
                    for mode in modes:
                        _run(one, mode, clock, is_first=done == 0)
    return _timed(made, DTYPES[dtype], batch, modes)


def _run(one: _Model, train: bool, clock: Clock, is_first: bool) -> None:
    """The first time until times are stable; then once untimed, and some that count."""
    one.model.train(train)
    run = (training_step if train else inference)(one.model, one.given)
    with torch.inference_mode(not train):
        if is_first:
            warm_up(lambda: clock.time(run))
            return
        timer = (TrainingTimer if train else OperationTimer)(one.model, clock, one.graph.first_head)
        run()
        wholes = []
        for _ in range(IN_A_ROW):
            wholes.append(clock.time(run))
            one.parts.setdefault(train, []).append(timer.times(*one.given))
        one.wholes.setdefault(train, []).append(wholes)
        one.model.zero_grad(set_to_none=True)


def _timed(made: Sequence[_Model], bits: int, batch: int, modes: Sequence[bool]) -> dict[str, tuple[TimedNetwork, ...]]:
    found: dict[str, list[TimedNetwork]] = {}
    for one in made:
        before: tuple[float, list[float], list[float]] | None = None
        for mode in modes:
            whole = median(taken for in_a_row in one.wholes[mode] for taken in in_a_row)
            rounds = [median(in_a_row) for in_a_row in one.wholes[mode]]
            parts = [median(runs) for runs in zip(*one.parts[mode], strict=True)]
            now = whole, rounds, parts
            if before is not None:
                whole = max(whole - before[0], LEAST_S)
                rounds, parts = (
                    [max(step - forward, 0.0) for step, forward in zip(*both, strict=True)]
                    for both in ((rounds, before[1]), (parts, before[2]))
                )
            before = now
            rows = operations(one.graph, batch, bits, parts)
            name = "backward" if mode else "forward"
            found.setdefault(name, []).append(TimedNetwork(one.network, whole, tuple(rounds), rows))
    return {name: tuple(networks) for name, networks in found.items()}

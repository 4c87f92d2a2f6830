"""Structures a second of one search space: by tables, cold and warm, one by one, and by FlopCounterMode on meta models.

    python structure_rates.py NAME COUNT

Prints one line of JSON. Seconds are the processor's, of one core; cold includes all expansions.
"""

from __future__ import annotations

import json
import sys
import time
import warnings
from typing import Any

import numpy as np

from archcalc.engine.memory.form import ON_A_MACHINE
from archcalc.engine.network import Network, analyze, load
from archcalc.engine.sweep.axes import axis_of
from archcalc.engine.sweep.expansion import PEAK, SWEEPABLE, Question, costs_at
from archcalc.engine.sweep.plan import make_plan
from archcalc.engine.sweep.structures import Structures
from archcalc.results.sweep import Axis
from tests.peak_memory import forget_peak, peak_memory

OF_THE_WHOLE = ("saved_bytes", PEAK, *ON_A_MACHINE)
ALL = tuple(
    name
    for name in SWEEPABLE
    if name not in OF_THE_WHOLE and (not name.startswith("flops_") or name == "flops_arithmetic")
)
FOUR = ("params", "macs", "activations", "depth")
ONE_BY_ONE, BY_TORCH, COMPARED = 40, 20, 200


def space(name: str) -> tuple[Network, list[Axis]]:
    """A network, and its axes."""
    network = load(name)
    if name == "resnet50":
        return network, [axis_of(f"depth[{at}]", range(1, 9)) for at in range(4)]
    return network, list(make_plan(name, [], quantities=["macs"], sample=1).axes)


def draws(axes: list[Axis], count: int) -> dict[str, Any]:
    """Structures at random."""
    random = np.random.default_rng(0)
    return {axis.name: random.integers(0, axis.size, count, dtype=np.int64) for axis in axes}


def timed(network: Network, quantities: tuple[str, ...], axes: list[Axis], free: list[Axis], codes: Any) -> Any:
    """Seconds of a cold run and of a warm one, and the tables."""
    size = len(next(iter(codes.values())))
    seconds = []
    start = time.process_time()
    structures = Structures(network, Question(quantities), axes, free)
    for _ in range(2):
        found = structures.evaluate(codes, size)
        seconds.append(time.process_time() - start)
        start = time.process_time()
    return *seconds, structures, found


def by_torch(network: Network, settings: list[dict[str, Any]]) -> float:
    """Seconds in which a model is built on meta and counted."""
    import torch
    from torch.utils.flop_counter import FlopCounterMode

    from archcalc.torch_bridge.model.build import build

    warnings.simplefilter("ignore")
    start = time.process_time()
    for each in settings:
        cost = analyze(network, set=each)
        model = build(cost.graph, device="meta").eval()
        with torch.device("meta"):
            image = torch.zeros(1, int(cost.input.channels), *map(int, cost.input.spatial))
        with FlopCounterMode(display=False) as counter, torch.no_grad():
            model(image)
        assert counter.get_total_flops() == 2 * cost.totals.macs, each
    return (time.process_time() - start) / len(settings)


def main() -> None:
    """Measure one space."""
    name, count = sys.argv[1], int(sys.argv[2])
    network, axes = space(name)
    found: dict[str, Any] = {"name": name}
    cold, _, _, _ = timed(network, ALL, axes, [], draws(axes, 1000))
    found["1000"] = cold
    codes = draws(axes, count)
    before = forget_peak()
    cold, warm, structures, _ = timed(network, FOUR, axes, [], codes)
    found |= {"four": count / cold, "four_warm": count / warm}
    found["memory"] = max(0, peak_memory() - before - 2 * 8 * len(FOUR) * count)
    cold, warm, structures, costs = timed(network, ALL, axes, [], codes)
    found |= {"cold": count / cold, "warm": count / warm, "expansions": structures.expansions_made}
    drawn = [{axis.name: axis.value(int(codes[axis.name][at])) for axis in axes} for at in range(COMPARED)]
    for at, each in enumerate(drawn):
        assert {of: int(values[at, 0]) for of, values in costs.costs.items()} == costs_at(network, Question(ALL), each)
    if "resolution" in network.spec.settable:
        free = axis_of("resolution", "128:240:16")
        part = {axis: of[: count // 8] for axis, of in codes.items()}
        cold, warm, _, _ = timed(network, FOUR, axes, [free], part)
        found |= {"free": count / cold, "free_warm": count / warm}
    start = time.process_time()
    for each in drawn[:ONE_BY_ONE]:
        analyze(network, set=each)
    found["one_by_one"] = ONE_BY_ONE / (time.process_time() - start)
    if "--no-torch" not in sys.argv:
        found["torch"] = 1 / by_torch(network, drawn[:BY_TORCH])
    print(json.dumps(found))


main()

"""What a run takes besides time: memory and energy."""

from __future__ import annotations

import os
from collections.abc import Callable

import torch

from archcalc.torch_bridge.profile.nvml import gpu_of
from archcalc.torch_bridge.profile.timing import Clock

ENERGY_SECONDS = 1.0  # the counter moves every few hundredths of a second


def peak_memory_bytes(run: Callable[[], object], device: torch.device, held: int) -> int:
    """Most that torch had given out at once in a run: `held` before it (weights, input), and what it asks for.

    On a GPU torch keeps that figure itself; on a CPU it comes from the profiler's events of allocation, which know
    nothing of what libraries take for themselves.
    """
    if device.type == "cuda":
        torch.cuda.synchronize(device)
        torch.cuda.reset_peak_memory_stats(device)
        run()
        torch.cuda.synchronize(device)
        return int(torch.cuda.max_memory_allocated(device))
    os.environ.setdefault("KINETO_LOG_LEVEL", "99")  # the profiler tells of itself on stderr
    with torch.profiler.profile(activities=[torch.profiler.ProfilerActivity.CPU], profile_memory=True) as profiler:
        run()
    assert profiler.profiler is not None
    results = profiler.profiler.kineto_results
    assert results is not None
    events = [event for event in results.events() if event.name() == "[memory]"]
    alive = peak = held
    for event in sorted(events, key=lambda event: event.start_ns()):
        alive += event.nbytes()
        peak = max(peak, alive)
    return peak


def energy_j(run: Callable[[], object], device: torch.device, clock: Clock, seconds: float) -> float | None:
    """Energy of one run, of `seconds`: the mean of as many as take a second, from the GPU's counter where it has one.

    Idle power is in it, as is all that others do on the GPU.
    """
    gpu = gpu_of(device)
    before = gpu.energy_j() if gpu else None
    if gpu is None or before is None:
        return None
    runs = max(1, round(ENERGY_SECONDS / seconds))
    for _ in range(runs):
        run()
    clock.finish()
    after = gpu.energy_j()
    return None if after is None else (after - before) / runs

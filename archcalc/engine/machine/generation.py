"""Floors of generating text: the prompt at once, then a token at a time, each step reading weights and cache once."""

from __future__ import annotations

from collections.abc import Mapping
from itertools import pairwise
from typing import Any

from archcalc.engine.machine.devices import device as device_of
from archcalc.engine.machine.roofline import roofline
from archcalc.engine.network import AnyNetwork, load
from archcalc.results.time import Device, Generation, Phase
from archcalc.source import Diagnostic, SpecError

SAMPLES = 32  # steps of which the floor is computed


def generation(
    network: AnyNetwork,
    device: str | Device,
    prompt: int,
    generate: int = 256,
    dtype: str = "bf16",
    batch: int = 1,
    fuse: str = "none",
    set: Mapping[str, Any] | None = None,
) -> Generation:
    """Least times of answering a prompt of so many tokens with so many.

    The prompt gives the first token; each of the others takes a step. A step's floor grows evenly with what is kept but
    where a window is full or compute begins to bound it: the sum is taken over at most 32 steps, and evenly between.

    Args:
        network: a decoder whose spec has `length` and `past`.
        device: an id, a file, or a device.
        prompt: tokens of the prompt.
        generate: tokens of the answer.
        dtype: of activations, parameters and cache.
        batch: prompts at once, all as long.
        fuse: what runs as one.
        set: values of other variables of the spec.

    Raises:
        SpecError: as `roofline`; the spec has no `length` and `past`.
        ValueError: as `roofline`, or a prompt or an answer below 1.
    """
    if prompt < 1 or generate < 1:
        raise ValueError("a prompt and its answer have one token or more")
    found = load(network)
    missing = [name for name in ("length", "past") if name not in found.spec.variables]
    if missing:
        message = f"{found.name} generates nothing: it has no variable `{missing[0]}`"
        raise SpecError([Diagnostic("not-steppable", message, help="archcalc find --where 'state > 0' lists decoders")])
    on = device_of(device) if isinstance(device, str) else device

    def phase(name: str, past: int, length: int, steps: int) -> Phase:
        given = {**(set or {}), "past": past, "length": length}
        floors = roofline(found, on, dtype, batch, fuse, step=length == 1, set=given)
        return Phase(name, past, length, steps, floors.floor_s, floors.bound)

    last = generate - 1  # steps after the one that reads the prompt
    points = (
        sorted({prompt + last * place // (SAMPLES - 1) for place in range(SAMPLES)} - {prompt + last}) if last else []
    )
    sampled = {past: phase("decode", past, 1, 1).floor_s for past in points}
    phases = [phase("prefill", 0, prompt, 1)]
    if last:
        phases += [phase("first step", prompt, 1, 1), phase("last step", prompt + last - 1, 1, 1)]
        sampled[prompt + last - 1] = phases[-1].floor_s
    return Generation(
        found.name, found.title, on, dtype, batch, fuse, prompt, generate, tuple(phases), _sum(sampled) if last else 0.0
    )


def _sum(sampled: Mapping[int, float]) -> float:
    """Over all steps from the first to the last that is known, evenly between those that are."""
    pasts = sorted(sampled)
    total = sampled[pasts[0]]
    for before, after in pairwise(pasts):
        steps = after - before
        total += steps * (sampled[before] + sampled[after]) / 2 + (sampled[after] - sampled[before]) / 2
    return total

"""What networks take on machines, as the commands roofline and estimate tell."""

from __future__ import annotations

from typing import Any

from archcalc.engine.network import AnyNetwork
from archcalc.python.answer import Answer
from archcalc.results.time import Calibration, Device, Estimate, Generation, Roofline


def roofline(network: AnyNetwork, device: str | Device, **how: Any) -> Answer[Roofline]:
    """The least time that a device leaves for each layer, and what bounds it.

    Args:
        network: the network.
        device: an id of `archcalc devices`, a file, or a device.
        how: `dtype`, `batch`, `fuse` (`none`, `pointwise`), `step`, `set`, `input`.

    Raises:
        SpecError: as `analyze`; an unknown device, or no peak at this dtype.
        ValueError: an unknown dtype or rule of fusion, or a batch below 1.
    """
    from archcalc.engine.machine.roofline import roofline as floors_of
    from archcalc.report.roofline import floor_rows, floors, roofline_object

    found = floors_of(network, device, **how)
    rows = found.busy()
    return Answer(found, lambda: roofline_object(found), lambda: floor_rows(found, rows), lambda: floors(found, rows))


def estimate(
    network: AnyNetwork, device: str | Device | None = None, stack: str | Calibration = "", **how: Any
) -> Answer[Estimate]:
    """What a network takes on a device: value, low, high, and what they rest on.

    Args:
        network: the network.
        device: an id of `archcalc devices`, a file, or a device; None: that of the calibration.
        stack: what was measured with, `cudnn-5.1`, or a calibration of one's own; empty: a floor alone.
        how: `dtype`, `batch`, `fuse`, `step`, `set`, `input`.

    Raises:
        SpecError: as `analyze`; an unknown device or stack, or no peak at this dtype.
        ValueError: an unknown dtype or rule of fusion, a batch below 1, or no device.
    """
    from archcalc.engine.machine.estimate import estimate as estimate_of
    from archcalc.report.estimate import estimate_object, estimate_rows, estimated

    found = estimate_of(network, device, stack, **how)
    return Answer(found, lambda: estimate_object(found), lambda: estimate_rows(found), lambda: estimated(found))


def generation(
    network: AnyNetwork, device: str | Device, prompt: int, generate: int = 256, **how: Any
) -> Answer[Generation]:
    """Least times of answering a prompt of so many tokens with so many: time to the first token, tokens a second.

    Args:
        network: a decoder.
        device: an id of `archcalc devices`, a file, or a device.
        prompt: tokens of the prompt.
        generate: tokens of the answer.
        how: `dtype`, `batch`, `fuse`, `set`.

    Raises:
        SpecError: as `roofline`; the network has no `length` and `past`.
        ValueError: as `roofline`, or a prompt or an answer below 1.
    """
    from archcalc.engine.machine.generation import generation as generation_of
    from archcalc.report.generation import generated, generation_object, generation_rows

    found = generation_of(network, device, prompt, generate, **how)
    return Answer(found, lambda: generation_object(found), lambda: generation_rows(found), lambda: generated(found))


def devices() -> Answer[list[Device]]:
    """The devices that are known, with their peaks and where these are printed."""
    from archcalc.engine.machine.devices import devices as shipped
    from archcalc.report.roofline import device_object, device_rows, device_table

    found = list(shipped().values())
    return Answer(
        found,
        lambda: {"devices": [device_object(one) for one in found]},
        lambda: device_rows(found),
        lambda: device_table(found),
    )

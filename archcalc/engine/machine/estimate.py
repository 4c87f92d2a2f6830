"""Estimates: a floor by printed rates, and beside it what a calibration gives, with its error on what it did not see.

A stack that nobody measured has a floor alone.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from archcalc.engine.inputs import Given
from archcalc.engine.machine.calibrations import calibration as shipped
from archcalc.engine.machine.devices import device as device_of
from archcalc.engine.machine.devices import peak
from archcalc.engine.machine.model import features, seconds
from archcalc.engine.machine.operations import operations
from archcalc.engine.machine.operations import seconds as seconds_of
from archcalc.engine.machine.roofline import floors, tokens_of
from archcalc.engine.network import AnyNetwork, analyze
from archcalc.results.cost import DTYPES, NetworkCost
from archcalc.results.time import Calibration, Device, Estimate, Fit, OperationFit, Time

FLOOR = "floor"


def estimate(
    network: AnyNetwork,
    device: str | Device | None = None,
    stack: str | Calibration = "",
    dtype: str = "fp32",
    batch: int = 1,
    fuse: str = "none",
    step: bool = False,
    set: Mapping[str, Any] | None = None,
    input: Given = None,
) -> Estimate:
    """What a network takes on a device: value, low, high and what they rest on.

    Args:
        network: a name, a file, or what `load` gave.
        device: an id, a file, or a device; None: that of the calibration.
        stack: what was measured with, `cudnn-5.1`, or a calibration of one's own; empty: a floor alone.
        dtype: of activations and parameters.
        batch: examples at once.
        fuse: what runs as one in the floor: `none`, `pointwise`.
        step: of one step: a decoder's next token.
        set: values of variables of the spec.
        input: another input than the spec's.

    Raises:
        SpecError: as `analyze`; an unknown device or stack, or no peak at this dtype.
        ValueError: an unknown dtype or rule of fusion, or a batch below 1.
    """
    found = shipped(stack) if isinstance(stack, str) and stack else stack if isinstance(stack, Calibration) else None
    if device is None and (found is None or found.device is None):
        raise ValueError("an estimate is of a device")
    on = device_of(device) if isinstance(device, str) else device or (found.device if found else None)
    assert on is not None
    cost = analyze(network, batch=batch, set=set, input=input, dtype=dtype, step=step)
    rate = peak(on, dtype)
    floor = sum(row.floor_s for row in floors(cost, on, rate, fuse))
    remarks: list[str] = []
    passes: dict[str, Time] = {}
    if found is not None and dtype != found.dtype:
        remarks.append(f"{found.stack} was measured at {found.dtype} alone: a floor is all there is at {dtype}")
    elif found is not None and cost.totals.at_least:
        remarks.append("the work of some operations is not known: a floor is all there is")
    elif found is not None and found.device is not None and on.id != found.device.id:
        remarks.append(f"operations were measured on {found.device.name} alone: a floor is all there is on {on.name}")
    elif found is not None:
        passes = _passes(cost, on, rate, found)
        if batch != found.batch:
            remarks.append(f"measured at batch {found.batch} alone; at {batch} the interval is not tried")
        if on.id not in found.devices:
            remarks.append(f"{on.name} is none of the devices that were measured: {', '.join(found.devices)}")
    return Estimate(
        network=cost.name,
        title=cost.title,
        input=cost.input_text,
        device=on,
        dtype=dtype,
        batch=batch,
        stack=found.stack if found else "",
        floor=Time(floor, floor, None, FLOOR),
        passes=passes,
        remarks=tuple(remarks),
        tokens=tokens_of(cost),
        phase="step" if step else "",
    )


def _passes(cost: NetworkCost, on: Device, rate: float, found: Calibration) -> dict[str, Time]:
    bits = DTYPES[cost.dtype]
    repeated = cost.phase.steps.repeated if cost.phase.in_step and cost.phase.steps else None
    passes = {}
    for name, fit in found.passes.items():
        if isinstance(fit, OperationFit):
            value = seconds_of(fit, operations(cost.graph, cost.batch, bits, repeated=repeated))
        else:
            of = features(cost.graph, cost.batch, bits, name if fit.by_example else "", repeated)
            value = seconds(fit.parameters, of, on, rate) * fit.factors.get(on.id, 1.0)
        low, high, error = _interval(fit, on.id in found.devices)
        basis = f"calibrated({found.stack}, {fit.measured}, {error})"
        passes[name] = Time(value, value * low, value * high, basis)
    if len(passes) > 1:
        passes["total"] = Time(
            sum(one.value_s for one in passes.values()),
            sum(one.low_s for one in passes.values()),
            sum(one.high_s or 0 for one in passes.values()),
            "the sum",
        )
    return passes


def _interval(fit: Fit | OperationFit, is_measured: bool) -> tuple[float, float, str]:
    """Between which multiples of an estimate nine measurements of ten were, and the error in words.

    The estimate is among them even where those that are left out were all on one side of it.
    """
    unseen = [fit.networks] if is_measured else [fit.networks, fit.devices]
    known = [one for one in unseen if one is not None]
    if not known or (not is_measured and fit.devices is None):
        low, high = (known[0].low, known[0].high) if known else (1 - fit.seen, 1 + fit.seen)
        told = f"{known[0].mean:.1%} on unseen networks, unknown on other devices" if known else "unknown on unseen"
        return min(low, 1.0), max(high, 1.0), told
    low, high = min(1.0, *(one.low for one in known)), max(1.0, *(one.high for one in known))
    words = "networks" if is_measured else "networks, " + f"{known[-1].mean:.1%} on unseen devices"
    return low, high, f"{known[0].mean:.1%} on unseen {words}"

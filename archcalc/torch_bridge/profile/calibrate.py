"""Measures the machine at hand: what it computes and moves, networks and their operations; then fits rates to them.

The rates of the device, which its floors rest on, are those of single operations: a product of matrices, a copy, an
addition, or what an operation of a network reached beyond them. Beside the networks a sequence of operations of many
kinds and sizes is measured, `probes.yaml`.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime
from functools import partial
from importlib.resources import files

import torch

from archcalc.engine.machine.own import calibrated
from archcalc.engine.network import Network, load
from archcalc.results.time import CALIBRATED, Calibration, Device, TimedNetwork
from archcalc.torch_bridge.profile.profile import MEASURED_DTYPES, Tell, existing
from archcalc.torch_bridge.profile.rounds import in_turn
from archcalc.torch_bridge.profile.timing import Clock, clock_of, quartiles, warm_up

# Old and new, dense and depthwise, small and large maps: with the probes a minute on a CPU.
NETWORKS = (
    *("alexnet", "squeezenet1_1", "resnet18@torchvision", "mobilenet_v2", "googlenet", "shufflenet_v2_x1_0"),
    *("vgg11@torchvision", "densenet121", "efficientnet_b0"),
)
PROBES = ("probes", "probes@tokens")
MATRIX = {"cpu": 1024, "cuda": 8192}  # rows and columns of a product
VECTOR = {"cpu": 1 << 23, "cuda": 1 << 28}  # elements of a copy and of an addition
REPEATS = 20


def calibrate(
    device: str = "cpu",
    networks: Sequence[str] = NETWORKS,
    dtype: str = "fp32",
    batch: int = 1,
    repeats: int = REPEATS,
    train: bool = False,
    stack: str = "",
    tell: Tell = lambda done, stage: None,
) -> Calibration:
    """Measure a device, then networks on it and their operations, and fit to these what each kind takes.

    Args:
        device: `cpu`, `cuda`, `cuda:1`.
        networks: what is measured beside the probes, three or more.
        dtype: of weights and activations: fp32, fp16 or bf16.
        batch: examples at once.
        repeats: runs of which the median is taken.
        train: the forward and the backward pass too.
        stack: what to call it; empty: `torch-2.14.1-cpu`.
        tell: called as the measurement goes on.

    Raises:
        MeasurementError: no such device, or a network that it cannot run.
        SpecError: an unknown network.
        ValueError: fewer than three networks.
    """
    if len(networks) < 3:
        raise ValueError("a fit to fewer than three networks says nothing of others")
    place = existing(device)
    loaded = [*probes(), *map(load, networks)]
    tell(0, "products, copies, additions")
    on = measured_device(place, dtype, clock_of(place))
    return fitted(on, place, dtype, batch, in_turn(loaded, place, dtype, batch, repeats, train, tell), stack)


def probes() -> list[Network]:
    """What is measured for its operations alone."""
    file = files("archcalc.torch_bridge.profile").joinpath("probes.yaml")
    return [load(f"{file}:{name}") for name in PROBES]


def fitted(
    on: Device,
    place: torch.device,
    dtype: str,
    batch: int,
    timed: Mapping[str, Sequence[TimedNetwork]],
    stack: str = "",
) -> Calibration:
    """A calibration by what was measured."""
    names = ", ".join(one.network for one in timed["forward"] if one.network not in PROBES)
    source = f"measured {datetime.now(UTC):%Y-%m-%d} by archcalc calibrate: {names}"
    return calibrated(on, stack or f"torch-{torch.__version__}-{place.type}", dtype, batch, source, timed)


def measured_device(place: torch.device, dtype: str, clock: Clock) -> Device:
    """What a device computes and moves: rates of a product of matrices, of a copy and of an addition."""
    kind, size, length = MEASURED_DTYPES[dtype], MATRIX[place.type], VECTOR[place.type]
    with torch.inference_mode():
        factors = [torch.rand(size, size, device=place).to(kind) for _ in range(2)]
        product = 2 * size**3 / _median(clock, partial(torch.matmul, *factors))
        given = torch.rand(length, device=place).to(kind)
        kept = torch.empty_like(given)
        bandwidth = 2 * given.numel() * given.element_size() / _median(clock, partial(kept.copy_, given))
        small = given[: length >> 9]
        vector = small.numel() / _median(clock, partial(small.add_, 1))
    if place.type == "cuda":
        properties = torch.cuda.get_device_properties(place)
        name, units = properties.name, properties.multi_processor_count
    else:
        name, units = f"CPU with {os.cpu_count()} cores", 0
    return Device(
        id=name,
        name=name,
        architecture="",
        year=None,
        memory_bytes=None,
        bandwidth=bandwidth,
        peaks={dtype: product},
        vector=vector,
        units=units,
        tdp_w=None,
        sources={"rest": CALIBRATED},
        confidence="",
    )


def _median(clock: Clock, run: Callable[[], object]) -> float:
    warm_up(lambda: clock.time(run))
    return quartiles([clock.time(run) for _ in range(REPEATS)]).median

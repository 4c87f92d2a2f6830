"""Measures the machine at hand: what it computes and moves, and some networks; then fits the model to them.

The rates of the device are those of single operations: a product of matrices, a copy, an addition. What networks make
of them is what the fit tells.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from functools import partial

import torch

from archcalc.engine.machine.model import Sample, features, fit
from archcalc.engine.network import load
from archcalc.results.cost import DTYPES
from archcalc.results.time import Calibration, Device
from archcalc.torch_bridge.profile.environment import OtherWork, environment_of
from archcalc.torch_bridge.profile.profile import MEASURED_DTYPES, Tell, existing, profile
from archcalc.torch_bridge.profile.timing import Clock, clock_of, quartiles, warm_up

# Old and new, dense and depthwise, small and large maps: a minute on a CPU.
NETWORKS = (
    *("alexnet", "squeezenet1_1", "resnet18@torchvision", "mobilenet_v2", "googlenet", "shufflenet_v2_x1_0"),
    *("vgg11@torchvision", "densenet121", "efficientnet_b0"),
)
FEW = 6  # networks, to which no more than four parameters are fitted
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
    """Measure a device, then networks on it, and fit to them what the model has.

    Args:
        device: `cpu`, `cuda`, `cuda:1`.
        networks: what is measured, three or more.
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
    loaded = [load(name) for name in networks]
    graphs = [network.graph() for network in loaded]
    tell(0, "products, copies, additions")
    on = measured_device(place, dtype, clock_of(place))
    rate = on.peaks[dtype]
    taken: dict[str, list[Sample]] = {which: [] for which in ("forward", "backward")[: 1 + train]}
    others = OtherWork()
    for number, (network, graph) in enumerate(zip(loaded, graphs, strict=True)):
        part = (1 + number) / (1 + len(loaded))
        of = features(graph, batch, DTYPES[dtype])

        def on_stage(done: float, stage: str, name: str = network.name, part: float = part) -> None:
            tell(part + done / (1 + len(loaded)), f"{name}: {stage}")

        forward = profile(network, device, batch=batch, dtype=dtype, repeats=repeats, tell=on_stage).median_s
        taken["forward"].append(Sample(network.name, on, rate, of, forward))
        if train:
            both = profile(network, device, batch=batch, dtype=dtype, train=True, repeats=repeats, tell=on_stage)
            backward = max(both.median_s - forward, 1e-9)
            taken["backward"].append(Sample(network.name, on, rate, of, backward))
    is_many = place.type == "cpu" and len(networks) > FEW
    environment = environment_of(place, others, "")
    name = stack or f"torch-{environment.torch}-{place.type}"
    source = f"measured {datetime.now(UTC):%Y-%m-%d} by archcalc calibrate: {', '.join(networks)}"
    return Calibration(
        name,
        dtype,
        batch,
        (on.id,),
        source,
        {which: fit(samples, with_elementary=is_many) for which, samples in taken.items()},
        on,
    )


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
        sources={"rest": "measured by `archcalc calibrate`"},
        confidence="",
    )


def _median(clock: Clock, run: Callable[[], object]) -> float:
    warm_up(lambda: clock.time(run))
    return quartiles([clock.time(run) for _ in range(REPEATS)]).median

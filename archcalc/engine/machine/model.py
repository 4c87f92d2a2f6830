"""The model of a calibrated time, and its fit: a few parameters a stack, common to its networks and devices.

An operation takes max(FLOPs / (compute * peak), bytes / (memory * bandwidth)) + overhead. Products are done in tiles
of rows and columns (`TILE`), tiles in waves over the units of a device; a dense 3x3 convolution of stride 1 may take a
part of the multiplications (Winograd). Where several devices were measured, each has a factor of its own, which others
have not. What a fit must hold for are networks and devices that it did not see: its errors are those of leaving each
out in turn. Of a machine of one's own single operations are measured: `operations` has the model of those.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

import numpy as np

from archcalc.engine.cost.kinds import is_view, kinds
from archcalc.engine.machine.work import work_of
from archcalc.graph import Graph, Node
from archcalc.results.time import Device, Fit, Unseen

TILE = 128
MOST = 2.0  # FLOPs of whole tiles, and of whole waves, as a multiple of those that are asked for
PRODUCTS = kinds("conv", "depthwise", "deconv", "linear", "patch_embedding", "local", "deform_conv")
START = (0.6, 0.6, 1e-5, 0.6)  # compute, memory, overhead, winograd
STEPS = (1.3, 1.3, 1.5, 1.2)
PRIOR = 5  # measurements of a device that are supposed to be what the model gives, beside those that there are
FINEST = 1.004
# Each parameter alone, and pairs that trade one for the other.
DIRECTIONS = (
    *((1, 0, 0, 0), (0, 1, 0, 0), (0, 0, 1, 0), (0, 0, 0, 1)),
    *((1, 0, 0, 1), (1, -1, 0, 0), (1, 0, 1, 0), (0, 1, 1, 0), (1, 0, 0, -1), (1, 1, 0, 0), (0, 1, 0, -1)),
)
LEAST_WINOGRAD = 4 / 9  # F(2x2, 3x3): 16 products for the 36 of four outputs
Parameters = tuple[float, ...]  # compute, memory, overhead, winograd


class Features(NamedTuple):
    """What the model reads of a network's operations; equal operations stand once, `times` says how often."""

    flops: Any
    bytes: Any
    is_winograd: Any
    rows: Any  # of the product: examples and positions
    columns: Any  # of a group
    groups: Any
    is_product: Any
    times: Any


def features(graph: Graph, batch: int, bits: int) -> Features:
    """Of a graph. Concatenations, norms, activations and sums are operations of their own; views are none."""
    found: dict[tuple[float, ...], int] = {}
    for node, work in zip(graph.nodes, work_of(graph, batch, bits), strict=False):
        if is_view(node.operator) or not work.bytes_moved:
            continue
        row = _features(node, batch, work.macs, work.bytes_moved)
        found[row] = found.get(row, 0) + 1
    table = np.array([(*row, times) for row, times in found.items()], dtype=float).reshape(len(found), 8)
    return Features._make(table.T)


def _features(node: Node, batch: int, macs: int, bytes: int) -> tuple[float, ...]:
    operator = node.operator
    if operator.name not in PRODUCTS:
        return (2.0 * macs, bytes, 0, 1, 1, 1, 0)
    groups = getattr(operator, "groups", 1)
    if operator.name == "depthwise":
        groups = node.x.channels
    kernel, stride = getattr(operator, "kernel", 1), getattr(operator, "stride", 1)
    is_winograd = operator.name == "conv" and kernel in (3, (3, 3)) and stride in (1, (1, 1)) and groups == 1
    rows = batch * int(node.y.positions)
    return (2.0 * macs, bytes, is_winograd, rows, int(node.y.channels) // int(groups), int(groups), 1)


def seconds(parameters: Parameters, of: Features, device: Device, peak: float) -> float:
    """Time of a network on a device."""
    compute, memory, overhead, winograd = parameters
    flops = np.where(of.is_winograd > 0, of.flops * winograd, of.flops)
    if device.units:
        row_tiles, column_tiles = np.ceil(of.rows / TILE), np.ceil(of.columns / TILE)
        tiles = row_tiles * column_tiles * of.groups
        whole_tiles = row_tiles * column_tiles * TILE * TILE / (of.rows * of.columns)
        whole_waves = np.ceil(tiles / device.units) * device.units / tiles
        padded = np.minimum(whole_tiles, MOST) * np.minimum(whole_waves, MOST)
        flops = np.where(of.is_product > 0, flops * padded, flops)
    each = np.maximum(flops / (compute * peak), of.bytes / (memory * device.bandwidth))
    return float(((each + overhead) * of.times).sum())


class Sample(NamedTuple):
    """A measurement: of a network, on a device."""

    network: str
    device: Device
    peak: float
    of: Features
    seconds: float


def fit(samples: Sequence[Sample], with_errors: bool = True) -> Fit:
    """Parameters of least mean error on a logarithmic scale, and the errors of what is left out in turn.

    Args:
        samples: what was measured.
        with_errors: of networks and devices that the fit does not see.
    """
    parameters = search(samples)
    factors = factors_of(parameters, samples)
    errors = _ratios(parameters, samples) * np.array([factors.get(sample.device.id, 1.0) for sample in samples])
    networks = devices = None
    if with_errors:
        networks = _unseen(samples, lambda sample: sample.network)
        devices = _unseen(samples, lambda sample: sample.device.id)
    compute, memory, overhead, winograd = parameters
    tile = TILE if any(sample.device.units for sample in samples) else 0
    seen = float(np.abs(errors - 1).mean())
    return Fit(compute, memory, overhead, winograd, tile, len(samples), seen, networks, devices, factors)


def factors_of(parameters: Parameters, samples: Sequence[Sample]) -> dict[str, float]:
    """Of each device of several what its times are as a multiple of the model's, as a mean of logarithms.

    It is drawn towards 1 as if so many more measurements (`PRIOR`) were just what the model gives.
    """
    logarithms: dict[str, list[float]] = {}
    for sample, ratio in zip(samples, _ratios(parameters, samples), strict=True):
        logarithms.setdefault(sample.device.id, []).append(-float(np.log(ratio)))
    if len(logarithms) < 2:
        return {}
    return {name: float(np.exp(sum(found) / (len(found) + PRIOR))) for name, found in logarithms.items()}


def search(samples: Sequence[Sample]) -> Parameters:
    """By coordinates and pairs of them, in steps that halve where none helps.

    First for the least mean square of logarithms, which has no kinks to stop at, then for the least mean error.
    """
    found: Parameters = START
    for power in (2, 1):
        sizes = list(STEPS)
        best = _error(found, samples, power)
        while max(sizes) > FINEST:
            before = best
            for direction in DIRECTIONS:
                for sign in (1, -1):
                    tried = _moved(found, sizes, direction, sign)
                    now = _error(tried, samples, power)
                    if now < best - 1e-9:
                        found, best = tried, now
                        break
            if best == before:
                sizes = [1 + (size - 1) / 2 for size in sizes]
    return found


def _error(parameters: Parameters, samples: Sequence[Sample], power: int) -> float:
    return float((np.abs(np.log(_ratios(parameters, samples))) ** power).mean())


def _moved(from_: Parameters, sizes: Sequence[float], direction: Sequence[int], sign: int) -> Parameters:
    """A step along a direction, within what can be."""
    compute, memory, overhead, winograd = (
        value * size ** (sign * part) for value, size, part in zip(from_, sizes, direction, strict=True)
    )
    return min(compute, 1.0), min(memory, 1.0), overhead, min(max(winograd, LEAST_WINOGRAD), 1.0)


def _ratios(parameters: Parameters, samples: Sequence[Sample]) -> Any:
    """Estimates as multiples of measurements."""
    return np.array([seconds(parameters, one.of, one.device, one.peak) / one.seconds for one in samples])


def _unseen(samples: Sequence[Sample], key: Callable[[Sample], str]) -> Unseen | None:
    """Errors on each network, or device, of a fit to the others; None where there are no others."""
    names = sorted({key(sample) for sample in samples})
    if len(names) < 2:
        return None
    ratios: dict[int, float] = {}
    for name in names:
        kept = [sample for sample in samples if key(sample) != name]
        parameters = search(kept)
        factors = factors_of(parameters, kept)
        for place, sample in enumerate(samples):
            if key(sample) == name:
                told = seconds(parameters, sample.of, sample.device, sample.peak)
                ratios[place] = told * factors.get(sample.device.id, 1.0) / sample.seconds
    errors = np.array([ratios[place] for place in range(len(samples))])
    low, high = np.quantile(1 / errors, [0.05, 0.95])
    by_device: dict[str, list[int]] = {}
    for place, sample in enumerate(samples):
        by_device.setdefault(sample.device.id, []).append(place)
    ranks = [
        spearman([errors[i] * samples[i].seconds for i in places], [samples[i].seconds for i in places])
        for places in by_device.values()
        if len(places) > 2
    ]
    return Unseen(
        float(np.abs(errors - 1).mean()),
        float(np.abs(errors - 1).max()),
        float(low),
        float(high),
        float(min(ranks, default=1.0)),
    )


def spearman(left: Sequence[float], right: Sequence[float]) -> float:
    """Correlation of ranks."""
    first, second = (np.argsort(np.argsort(np.array(values))) for values in (left, right))
    return float(np.corrcoef(first, second)[0, 1])

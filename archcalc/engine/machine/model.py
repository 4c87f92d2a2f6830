"""The model of a calibrated time, and its fit: a few parameters a stack, common to its networks and devices.

An operation takes FLOPs / (compute * peak) + bytes / (memory * bandwidth) + overhead: what it waits for memory is not
hidden behind its arithmetic, since it brings its tiles before it multiplies them. Products are done in tiles of rows
and columns (`TILE`), tiles in waves over the units of a device; a dense 3x3 convolution of stride 1 may take a part of
the multiplications (Winograd). A stack may convolve one example after the other. Where several devices were measured,
each has a factor of its own, which others have not. What a fit must hold for are networks and devices that it did not
see: its errors are those of leaving each out in turn. Of a machine of one's own single operations are measured:
`operations` has the model of those.
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
CONVOLUTIONS = kinds("conv", "depthwise", "deconv", "patch_embedding", "local", "deform_conv")
PRODUCTS = CONVOLUTIONS | {"linear"}
LEAST_WINOGRAD = 4 / 9  # F(2x2, 3x3): 16 products for the 36 of four outputs
STARTS = ((0.6, 0.6, 1e-5, 0.6), (0.3, 0.4, 5e-5, 0.8))  # compute, memory, overhead, winograd
LEAST = (1e-3, 1e-3, 1e-8, LEAST_WINOGRAD)
LARGEST = (1.0, 1.0, 1.0, 1.0)
ROBUST = 0.05  # what an estimate is off beyond this counts by its size, not by its square
MOST_DAMPING = 1e6  # of a step, beyond which none helps
STEPS = 200  # at most
PRIOR = 5  # measurements of a device that are supposed to be what the model gives, beside those that there are
Parameters = tuple[float, ...]  # compute, memory, overhead, winograd


class Features(NamedTuple):
    """What the model reads of a network's operations; equal operations stand once, `times` says how often."""

    flops: Any
    bytes: Any
    is_winograd: Any
    rows: Any  # of the product: positions, of all examples or of one
    columns: Any  # of a group
    groups: Any
    is_product: Any
    launches: Any  # overheads that it takes
    times: Any


def features(
    graph: Graph, batch: int, bits: int, by_example: str = "", repeated: Sequence[bool] | None = None
) -> Features:
    """Of a graph. Concatenations, norms, activations and sums are operations of their own; views are none.

    Args:
        graph: a network.
        batch: examples at once.
        bits: of an activation and of a parameter.
        by_example: the pass, of a stack that convolves one example after the other: it writes out what the kernel sees
            at each position and reads it again, and launches as often as there are examples. Forward a product has
            one example's positions as rows; backward those of kernel and channels, which are many.
        repeated: of a step, which operations it repeats.
    """
    found: dict[tuple[float, ...], int] = {}
    for node, work in zip(graph.nodes, work_of(graph, batch, bits, repeated), strict=False):
        if is_view(node.operator) or not work.bytes_moved:
            continue
        row = _features(node, batch, work.macs, work.bytes_moved)
        if by_example and node.operator.name in CONVOLUTIONS:
            flops, moved, is_winograd, rows, columns, groups, is_product, _ = row
            unfolded = work.macs // int(node.y.channels) * groups * bits / 8
            rows = rows / batch if by_example == "forward" else rows
            row = (flops, moved + 2 * unfolded, is_winograd, rows, columns, groups, is_product, batch)
        found[row] = found.get(row, 0) + 1
    table = np.array([(*row, times) for row, times in found.items()], dtype=float).reshape(len(found), 9)
    return Features._make(table.T)


def _features(node: Node, batch: int, macs: int, bytes: int) -> tuple[float, ...]:
    operator = node.operator
    if operator.name not in PRODUCTS:
        return (2.0 * macs, bytes, 0, 1, 1, 1, 0, 1)
    groups = getattr(operator, "groups", 1)
    if operator.name == "depthwise":
        groups = node.x.channels
    kernel, stride = getattr(operator, "kernel", 1), getattr(operator, "stride", 1)
    is_winograd = operator.name == "conv" and kernel in (3, (3, 3)) and stride in (1, (1, 1)) and groups == 1
    rows = batch * int(node.y.positions)
    return (2.0 * macs, bytes, is_winograd, rows, int(node.y.channels) // int(groups), int(groups), 1, 1)


def seconds(parameters: Parameters, of: Features, device: Device, peak: float) -> float:
    """Time of a network on a device."""
    return float(amounts(of, device, peak) @ _weights(parameters))


def amounts(of: Features, device: Device, peak: float) -> Any:
    """What parameters are of: seconds of arithmetic at the peak, but for Winograd and for it, of bytes; launches."""
    flops = of.flops
    if device.units:
        row_tiles, column_tiles = np.ceil(of.rows / TILE), np.ceil(of.columns / TILE)
        tiles = row_tiles * column_tiles * of.groups
        whole_tiles = row_tiles * column_tiles * TILE * TILE / (of.rows * of.columns)
        whole_waves = np.ceil(tiles / device.units) * device.units / tiles
        padded = np.minimum(whole_tiles, MOST) * np.minimum(whole_waves, MOST)
        flops = np.where(of.is_product > 0, flops * padded, flops)
    arithmetic = flops / peak
    columns = arithmetic * (1 - of.is_winograd), arithmetic * of.is_winograd, of.bytes / device.bandwidth, of.launches
    return np.array([(column * of.times).sum() for column in columns])


def _weights(parameters: Parameters) -> Any:
    compute, memory, overhead, winograd = parameters
    return np.array([1 / compute, winograd / compute, 1 / memory, overhead])


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
    """The parameters, within what can be, of least error on a logarithmic scale, of what some starts lead to."""
    given = np.array([amounts(one.of, one.device, one.peak) / one.seconds for one in samples])
    return min((_descent(start, given) for start in STARTS), key=lambda found: _loss(_errors(found, given)))


def _errors(parameters: Parameters, given: Any) -> Any:
    return np.log(given @ _weights(parameters))


def _loss(errors: Any) -> float:
    sizes = np.abs(errors)
    return float(np.where(sizes < ROBUST, sizes**2 / 2, ROBUST * (sizes - ROBUST / 2)).sum())


def _descent(start: Parameters, given: Any) -> Parameters:
    """Levenberg's and Marquardt's steps in the logarithms of the parameters, until they hardly help."""
    low, high = np.log(LEAST), np.log(LARGEST)
    found, damping = np.log(start), 1e-2
    errors = _errors(start, given)
    for _ in range(STEPS):
        arithmetic, winograd, memory, overhead = (given * _weights(tuple(np.exp(found)))).T / np.exp(errors)
        slopes = np.array([-arithmetic - winograd, -memory, overhead, winograd]).T
        weights = ROBUST / np.maximum(np.abs(errors), ROBUST)
        curvature, gradient = slopes.T @ (slopes * weights[:, None]), slopes.T @ (weights * errors)
        is_held = ((found <= low) & (gradient > 0)) | ((found >= high) & (gradient < 0))
        gradient[is_held] = 0
        curvature[is_held], curvature[:, is_held] = 0, 0
        step = np.linalg.solve(curvature + np.diag(damping * np.diag(curvature) + 1e-9), gradient)
        tried = np.clip(found - step, low, high)
        now = _errors(tuple(np.exp(tried)), given)
        gain = _loss(errors) - _loss(now)
        damping = damping / 8 if gain > 0 else 4 * damping
        if gain > 0:
            found, errors = tried, now
        if 0 <= gain < 1e-6 * _loss(errors) or damping > MOST_DAMPING:
            break
    return tuple(map(float, np.exp(found)))


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

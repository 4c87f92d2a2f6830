"""Measurements as data: how long a network took on a device, beside what it costs. Field names are column names."""

from __future__ import annotations

from dataclasses import asdict, dataclass, field
from typing import Any

# What a FLOP/s figure here is made of: nothing but multiply-accumulates, as the peaks of devices are.
FLOPS_CONVENTION = "2 x macs"


@dataclass(frozen=True, slots=True, kw_only=True)
class Environment:
    """Where and when something was measured: what it takes to measure it again."""

    date: str  # ISO 8601, UTC
    device_name: str
    driver: str  # of the GPU; empty where there is none, or where it cannot be read
    cuda: str
    cudnn: str
    torch: str
    python: str
    archcalc: str
    system: str
    cores: int  # of the machine
    threads: int  # of one operation of torch on the CPU
    cores_busy_elsewhere: float | None  # by other processes meanwhile, the warm-up included
    clock_mhz: float | None  # right after the last repeat
    memory_clock_mhz: float | None
    tf32: str  # which fp32 operations may round to TF32: none, conv, matmul, conv+matmul
    note: str


@dataclass(slots=True, kw_only=True)
class Timed:
    """What ran, how long it took, and the analytic work that was done in it."""

    median_s: float
    first_quartile_s: float
    third_quartile_s: float
    macs: int  # of the forward pass, all examples: the figure of `show --batch`
    executed_macs: int  # those of the backward pass too, where it ran
    bytes_moved: int  # analytic: every operation reads its inputs and parameters once, and writes its outputs once

    @property
    def achieved_flops_per_s(self) -> float | None:
        """Two for each multiply-accumulate that ran, a second; None where the clock saw no time pass."""
        return 2 * self.executed_macs / self.median_s if self.median_s else None

    @property
    def arithmetic_intensity(self) -> float | None:
        """FLOPs (two for each multiply-accumulate) for each byte moved."""
        return 2 * self.executed_macs / self.bytes_moved if self.bytes_moved else None


@dataclass(slots=True, kw_only=True)
class LayerTime(Timed):
    """A layer within the whole: its operations, forward and, in training, backward."""

    layer: str
    type: str
    out_shape: tuple[int, ...]


@dataclass(slots=True, kw_only=True)
class Measurement(Timed):
    """A network at one batch and dtype on one device."""

    network: str
    input: tuple[int, ...]  # channels first
    batch: int
    dtype: str  # of weights and activations
    device: str
    mode: str  # inference, or training: forward and backward of the mean of the outputs, without an update
    channels_last: bool
    compiled: bool
    warm_up: int  # runs before the first that counts
    is_stable: bool  # whether the warm-up ended because times no longer changed
    repeats: int
    peak_memory_bytes: int | None  # what torch had given out at most: weights, input, activations, work space
    energy_j: float | None  # for one run
    environment: Environment
    layers: list[LayerTime] = field(default_factory=list)

    @property
    def throughput_per_s(self) -> float:
        """Examples a second."""
        return self.batch / self.median_s

    @property
    def time_of_layers_s(self) -> float:
        """Sum of the medians of the layers."""
        return sum(layer.median_s for layer in self.layers)

    @property
    def residue_s(self) -> float | None:
        """What the layers leave of the whole: the time between operations, less what timing each of them adds."""
        return self.median_s - self.time_of_layers_s if self.layers else None


def setup_row(measurement: Measurement) -> dict[str, Any]:
    """What was measured, and how, as CSV and JSON hold it."""
    return {
        "network": measurement.network,
        "input": list(measurement.input),
        "batch": measurement.batch,
        "dtype": measurement.dtype,
        "device": measurement.device,
        "mode": measurement.mode,
        "channels_last": measurement.channels_last,
        "compiled": measurement.compiled,
        "warm_up": measurement.warm_up,
        "is_stable": measurement.is_stable,
        "repeats": measurement.repeats,
    }


def figures_row(measurement: Measurement) -> dict[str, Any]:
    """What was found for the whole network."""
    return {
        **_timed_row(measurement),
        "throughput_per_s": _six_digits(measurement.throughput_per_s),
        "peak_memory_bytes": measurement.peak_memory_bytes,
        "energy_j": _six_digits(measurement.energy_j),
        "residue_s": _six_digits(measurement.residue_s),
    }


def layer_time_row(measurement: Measurement, layer: LayerTime) -> dict[str, Any]:
    """A layer of a measurement; its share of time is of the sum of all layers."""
    return {
        "layer": layer.layer,
        "type": layer.type,
        "out_shape": list(layer.out_shape),
        **_timed_row(layer),
        "share_of_time": _six_digits(share(layer.median_s, measurement.time_of_layers_s)),
        "share_of_macs": _six_digits(share(layer.macs, measurement.macs)),
    }


def environment_row(environment: Environment) -> dict[str, Any]:
    """An environment as CSV and JSON hold it."""
    return asdict(environment)


def share(part: float, whole: float) -> float | None:
    """Part of a whole, from 0 to 1; None of nothing."""
    return part / whole if whole else None


def _timed_row(timed: Timed) -> dict[str, Any]:
    return {
        "median_s": _six_digits(timed.median_s),
        "first_quartile_s": _six_digits(timed.first_quartile_s),
        "third_quartile_s": _six_digits(timed.third_quartile_s),
        "macs": timed.macs,
        "executed_macs": timed.executed_macs,
        "flops_convention": FLOPS_CONVENTION,
        "achieved_flops_per_s": _six_digits(timed.achieved_flops_per_s),
        "bytes_moved": timed.bytes_moved,
        "arithmetic_intensity": _six_digits(timed.arithmetic_intensity),
    }


def _six_digits(value: float | None) -> float | None:
    """More than a measurement has."""
    return None if value is None else float(f"{value:.6g}")

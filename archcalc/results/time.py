"""Times as data: floors of operations on a device, and estimates with the interval that measurements support."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import NamedTuple


class Bound(StrEnum):
    """What the time of an operation is made of."""

    COMPUTE = "compute"
    MEMORY = "memory"
    OVERHEAD = "overhead"
    NOTHING = "nothing"  # neither computes nor moves


CALIBRATED = "measured by `archcalc calibrate`"
"""The source of what is known of a machine of one's own."""


class Device(NamedTuple):
    """What a vendor prints of a device; rates are a second, of matrix products with two for a multiply-accumulate."""

    id: str
    name: str
    architecture: str
    year: int | None
    memory_bytes: int | None
    bandwidth: float  # bytes a second
    peaks: Mapping[str, float]  # by dtype, dense
    vector: float  # of operations on single elements, at fp32
    units: int  # what work is spread over in tiles; 0: it is not
    tdp_w: float | None
    sources: Mapping[str, str]
    confidence: str
    note: str = ""

    def balance(self, dtype: str) -> float:
        """FLOPs for each byte above which products are bound by arithmetic."""
        return self.peaks[dtype] / self.bandwidth


class Work(NamedTuple):
    """What an operation, or some that run as one, does for a whole batch."""

    macs: int = 0
    elementary: int = 0  # additions, comparisons, ... beside the multiply-accumulates
    read_bytes: int = 0
    write_bytes: int = 0

    @property
    def flops(self) -> int:
        """Two for each multiply-accumulate, and the elementary operations."""
        return 2 * self.macs + self.elementary

    @property
    def bytes_moved(self) -> int:
        """Read and written."""
        return self.read_bytes + self.write_bytes

    @property
    def intensity(self) -> float | None:
        """FLOPs for each byte; None where nothing moves."""
        return self.flops / self.bytes_moved if self.bytes_moved else None


class FloorRow(NamedTuple):
    """A layer: its work, and the least time that the device's printed rates leave for it."""

    layer: str
    what: str
    work: Work
    compute_s: float
    memory_s: float
    floor_s: float  # the sum over its operations of the larger of both
    bound: Bound
    operations: int  # that run; fused ones are one, where that with most work stands


@dataclass(frozen=True, slots=True)
class Roofline:
    """Floors of a network on a device."""

    network: str
    title: str
    input: str
    device: Device
    dtype: str
    batch: int
    fuse: str
    step: bool
    rows: tuple[FloorRow, ...]
    at_least: bool  # some operation's work is not known
    tokens: int = 0  # new positions of a batch, where the network is one of tokens
    weight_bytes: int = 0

    @property
    def floor_s(self) -> float:
        """Least time of a forward pass."""
        return sum(row.floor_s for row in self.rows)

    @property
    def work(self) -> Work:
        """All of it."""
        return Work(*(sum(row.work[place] for row in self.rows) for place in range(len(Work._fields))))

    def busy(self) -> list[FloorRow]:
        """The layers that take time."""
        return [row for row in self.rows if row.bound is not Bound.NOTHING]

    def share(self, bound: Bound) -> float:
        """The part of the time that is so bound, 0 to 1."""
        return sum(row.floor_s for row in self.rows if row.bound is bound) / (self.floor_s or 1)

    @property
    def bound(self) -> Bound:
        """What most of the time is bound by."""
        return max((Bound.COMPUTE, Bound.MEMORY), key=self.share) if self.floor_s else Bound.NOTHING


class Unseen(NamedTuple):
    """Errors of a fit on what it did not see: of the ratio of estimate and measurement, less 1."""

    mean: float
    worst: float
    low: float  # the ratio of measurement and estimate that one in twenty is below
    high: float  # and above
    rank: float  # least Spearman correlation inside a device


@dataclass(frozen=True, slots=True)
class Fit:
    """A pass of a stack: t = FLOPs / (compute * peak) + bytes / (memory * bandwidth) + overhead.

    `winograd` multiplies the FLOPs of dense 3x3 convolutions of stride 1. Where `tile` is set, FLOPs are those of
    whole tiles of the product's rows and columns, in whole waves over the units of the device, each at most `most`
    times those that are asked for.
    """

    compute: float
    memory: float
    overhead_s: float
    winograd: float
    tile: int
    measured: int
    seen: float  # mean error on what it was fitted to
    networks: Unseen | None = None
    devices: Unseen | None = None
    factors: Mapping[str, float] = field(default_factory=dict)  # of devices that were measured, where there are several
    by_example: bool = False  # convolutions run one example after the other

    @property
    def parameters(self) -> tuple[float, ...]:
        """As the model takes them."""
        return self.compute, self.memory, self.overhead_s, self.winograd


class Rates(NamedTuple):
    """What operations of a kind take, in microseconds: each + mmacs * (macs / 10^6) + read_mb * (bytes / 10^6) + ..."""

    each: float  # of every one of them
    mmacs: float = 0.0  # for a million multiply-accumulates
    read_mb: float = 0.0  # for a megabyte (10^6 bytes) of inputs
    write_mb: float = 0.0  # of outputs
    parameters_mb: float = 0.0  # of weights and biases, where they are multiplied; else they are inputs
    mega_elements: float = 0.0  # for a million elementary operations, where nothing is multiplied and accumulated
    measured: int = 0  # different operations, of all networks


class TimedOperation(NamedTuple):
    """An operation of a network and what it took; equal ones stand once, `times` says how often."""

    kind: str
    times: int
    macs: int
    read_bytes: int
    write_bytes: int
    parameter_bytes: int
    elements: int
    seconds: float  # of one of them, the median


class TimedNetwork(NamedTuple):
    """What was measured of a pass of a network: the whole and, in runs of their own, its operations."""

    network: str
    seconds: float  # the median of all runs
    rounds: tuple[float, ...]  # the medians of runs that followed each other
    operations: tuple[TimedOperation, ...]


@dataclass(frozen=True, slots=True)
class OperationFit:
    """A pass of a machine of one's own: the sum of its operations, each by the rates of its kind."""

    kinds: Mapping[str, Rates]
    measured: int  # networks
    seen: float  # mean error on them
    networks: Unseen | None = None

    @property
    def devices(self) -> None:
        """Unknown: it is of one machine."""
        return None


@dataclass(frozen=True, slots=True)
class Calibration:
    """What was measured with one stack: library and version, dtype, batch."""

    stack: str
    dtype: str
    batch: int
    devices: tuple[str, ...]
    source: str
    passes: Mapping[str, Fit | OperationFit]
    device: Device | None = None  # of one's own, as measured
    timed: Mapping[str, tuple[TimedNetwork, ...]] = field(default_factory=dict)  # of one's own: what was fitted


class Time(NamedTuple):
    """A time and what it rests on: `floor`, `calibrated(stack, n, error on unseen)` or `measured`."""

    value_s: float
    low_s: float
    high_s: float | None  # None: not known
    basis: str


@dataclass(frozen=True, slots=True)
class Estimate:
    """What a network is expected to take, by pass, beside its floor."""

    network: str
    title: str
    input: str
    device: Device
    dtype: str
    batch: int
    stack: str
    floor: Time
    passes: Mapping[str, Time]  # forward, backward, total; empty without a calibration
    remarks: tuple[str, ...] = ()
    tokens: int = 0
    phase: str = ""


class Phase(NamedTuple):
    """A part of generating text: so many new positions at once, after `past` ones, so often."""

    name: str
    past: int
    length: int
    steps: int
    floor_s: float  # of one step
    bound: Bound


@dataclass(frozen=True, slots=True)
class Generation:
    """Floors of answering a prompt: all of it at once, then one token after the other."""

    network: str
    title: str
    device: Device
    dtype: str
    batch: int
    fuse: str
    prompt: int
    generate: int
    phases: tuple[Phase, ...]  # prefill, the first step of decoding, the last
    decode_s: float  # of all steps of decoding

    @property
    def first_token_s(self) -> float:
        """Least time until the first token is known."""
        return self.phases[0].floor_s

    @property
    def tokens_per_s(self) -> float:
        """Most tokens a second while decoding, of all examples."""
        steps = self.generate - 1
        return self.batch * steps / self.decode_s if self.decode_s else 0.0

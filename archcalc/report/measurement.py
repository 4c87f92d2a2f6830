"""What was measured: networks side by side, and each one's layers with their share of time beside that of MACs."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

from archcalc.report.media import numbers
from archcalc.report.media.blocks import Bar, Column, Document, Heading, Paragraph, Table, Total, bar, number
from archcalc.report.media.data import csv_text
from archcalc.report.media.numbers import Units
from archcalc.report.show import without
from archcalc.results.measurement import (
    Environment,
    Measurement,
    environment_row,
    figures_row,
    layer_time_row,
    setup_row,
)

NOISE = 0.1  # cores that others keep busy, from which on it is said


def measured(measurements: Sequence[Measurement], units: Units) -> Document:
    """The networks, their layers where these were timed, what to think of the figures, and where they come from."""
    document: Document = [Heading(headline(measurements), 1), networks_table(measurements, units)]
    for measurement in measurements:
        if measurement.layers:
            document.append(Heading(f"Layers of {label(measurement)}"))
            document.append(layers_table(measurement, units))
            document.append(Paragraph(residue(measurement), quiet=True))
    document.extend(Paragraph(remark) for remark in remarks(measurements))
    document.append(Paragraph(method(measurements), quiet=True))
    document.extend(origins(measurements))
    return document


def headline(measurements: Sequence[Measurement]) -> str:
    """Device, and how it ran."""
    return ", ".join([f"Measured on {of_device(measurements)}", *setup(measurements)])


def of_device(measurements: Sequence[Measurement]) -> str:
    """The device, as it calls itself."""
    return numbers.listed(list(dict.fromkeys(one.environment.device_name for one in measurements)))


def setup(measurements: Sequence[Measurement]) -> list[str]:
    """How all of them ran."""
    first = measurements[0]
    words = [first.mode]
    if len({measurement.dtype for measurement in measurements}) == 1:
        words.append(first.dtype)
    if first.channels_last:
        words.append("channels last")
    if first.compiled:
        words.append("compiled")
    return words


def label(measurement: Measurement) -> str:
    """A measurement in a heading."""
    return f"{measurement.network}, batch {measurement.batch}, {measurement.dtype}"


def networks_table(measurements: Sequence[Measurement], units: Units) -> Table:
    """A row for each measurement."""
    table = Table(
        [
            Column("network", least=14),
            number("batch"),
            number("dtype"),
            number("median"),
            number("IQR", drop=1),
            number("per second"),
            number("MACs", drop=3),
            number("FLOP/s"),
            number("bytes moved", drop=5),
            number("FLOP/byte", drop=4),
            number("memory", drop=2),
            number("energy", drop=2),
        ]
    )
    for one in measurements:
        table.rows.append(
            [
                one.network,
                f"{one.batch}",
                one.dtype,
                numbers.seconds(one.median_s),
                numbers.seconds(one.third_quartile_s - one.first_quartile_s),
                numbers.rate(one.throughput_per_s),
                numbers.count(one.macs, units),
                numbers.rate(one.achieved_flops_per_s),
                numbers.size(one.bytes_moved, units),
                numbers.rate(one.arithmetic_intensity),
                *consumption(one),
            ]
        )
    hidden = {2} if len({measurement.dtype for measurement in measurements}) == 1 else set()
    hidden |= {11} if all(measurement.energy_j is None for measurement in measurements) else set()
    return without(table, hidden)


def consumption(one: Measurement) -> list[str]:
    """Memory and energy."""
    memory = "" if one.peak_memory_bytes is None else numbers.size(one.peak_memory_bytes)
    return [memory, "" if one.energy_j is None else f"{numbers.rate(one.energy_j)} J"]


def layers_table(measurement: Measurement, units: Units) -> Table:
    """A row for each layer: its share of time beside its share of MACs."""
    table = Table(
        [
            Column("layer", least=16),
            Column("type", drop=6),
            number("output", drop=5),
            number("time"),
            number("of time"),
            bar(),
            number("MACs"),
            number("of MACs"),
            number("FLOP/s", drop=1),
            number("bytes", drop=3),
            number("FLOP/byte", drop=2),
        ]
    )
    whole = measurement.time_of_layers_s
    most = max(layer.median_s for layer in measurement.layers)
    for layer in measurement.layers:
        table.rows.append(
            [
                layer.layer,
                layer.type,
                numbers.extents(layer.out_shape),
                numbers.seconds(layer.median_s),
                share(layer.median_s, whole),
                Bar(nanoseconds(layer.median_s), nanoseconds(most)),
                numbers.count(layer.macs, units),
                numbers.percent(layer.macs, measurement.macs),
                numbers.rate(layer.achieved_flops_per_s) if layer.macs else "",
                numbers.size(layer.bytes_moved, units),
                numbers.rate(layer.arithmetic_intensity) if layer.macs else "",
            ]
        )
    table.rows.append(
        Total(
            [
                "sum of layers",
                "",
                "",
                numbers.seconds(whole),
                "",
                Bar(0, 1),
                numbers.count(measurement.macs, units),
                "",
                numbers.rate(2 * measurement.executed_macs / whole),
                numbers.size(measurement.bytes_moved, units),
                numbers.rate(measurement.arithmetic_intensity),
            ]
        )
    )
    return table


def share(part: float, whole: float) -> str:
    """A share of time."""
    return numbers.percent(nanoseconds(part), nanoseconds(whole))


def nanoseconds(value: float) -> int:
    """A time in whole numbers, as bars and shares are drawn from."""
    return round(value * 1e9)


def residue(measurement: Measurement) -> str:
    """How far the layers add up to the whole."""
    left = measurement.residue_s
    assert left is not None
    part = 100 * measurement.time_of_layers_s / measurement.median_s
    return (
        f"the layers add up to {part:.1f}% of the whole, {numbers.seconds(measurement.median_s)}; residue "
        f"{numbers.seconds(left)}: the time between operations, less what timing them adds, and chance"
    )


def remarks(measurements: Sequence[Measurement]) -> list[str]:
    """What a reader must know before believing the figures."""
    found = []
    unstable = [label(measurement) for measurement in measurements if not measurement.is_stable]
    if unstable:
        found.append(f"Times were not yet seen to be stable when the warm-up ended: {'; '.join(unstable)}.")
    busy = [value for value in (of.environment.cores_busy_elsewhere for of in measurements) if value is not None]
    if busy and max(busy) >= NOISE:
        cores = measurements[0].environment.cores
        found.append(
            f"Noisy: other processes kept up to {max(busy):.1f} of {numbers.plural(cores, 'core')} busy meanwhile; "
            "the interquartile range (IQR) shows how much that moved the times."
        )
    notes = {of.environment.note: None for of in measurements if of.environment.note}
    return found + list(notes)


def method(measurements: Sequence[Measurement]) -> str:
    """What the columns mean."""
    repeats = sorted({measurement.repeats for measurement in measurements})
    how_often = " or ".join(map(str, repeats))
    parts = [
        f"median and interquartile range (IQR) of {how_often} repeats after a warm-up until times were stable",
        "FLOP/s: 2 for each multiply-accumulate",
        "bytes moved: analytic, every operation reads its inputs and parameters and writes its outputs once",
        "memory: what torch gave out at most, weights and input with it",
    ]
    if any(one.compiled for one in measurements):
        parts[2] += "; those that are fused move less"
    if any(one.mode == "training" for one in measurements):
        parts.insert(1, "training: forward and backward, no update of the weights; MACs are those of the forward pass")
    return " | ".join(parts)


def origins(measurements: Sequence[Measurement]) -> list[Paragraph]:
    """Where the measurements come from, each environment once."""
    environments = dict.fromkeys(origin(one.environment) for one in measurements)
    return [Paragraph(text, quiet=True) for text in environments]


def origin(environment: Environment) -> str:
    """Where a measurement comes from, without what changes from one to the next."""
    threads = numbers.plural(environment.threads, "thread")
    gpu = [
        f"{name} {value}"
        for name, value in (
            ("driver", environment.driver),
            ("CUDA", environment.cuda),
            ("cuDNN", environment.cudnn),
            ("TF32 for", environment.tf32 if environment.cuda else ""),
        )
        if value
    ]
    parts = [
        environment.date[:10],
        environment.device_name,
        *gpu,
        f"{numbers.plural(environment.cores, 'core')}, {threads}",
        environment.system,
        f"torch {environment.torch}",
        f"Python {environment.python}",
        f"archcalc {environment.archcalc}",
    ]
    return " | ".join(parts)


# for programs


def measurement_object(measurement: Measurement) -> dict[str, Any]:
    """A measurement with its environment, and its layers where they were timed."""
    layers = [layer_time_row(measurement, layer) for layer in measurement.layers]
    found = (
        setup_row(measurement) | figures_row(measurement) | {"environment": environment_row(measurement.environment)}
    )
    return found | ({"layers": layers} if layers else {})


def measurements_csv(measurements: Sequence[Measurement]) -> str:
    """A row for each network, with the environment; where layers were timed, theirs follow under a `layer` column."""
    return csv_text(measurement_rows(measurements))


def measurement_rows(measurements: Sequence[Measurement]) -> list[dict[str, Any]]:
    """What stands in them."""
    return list(_rows(measurements))


def _rows(measurements: Sequence[Measurement]) -> Iterator[dict[str, Any]]:
    has_layers = any(measurement.layers for measurement in measurements)
    for measurement in measurements:
        setup, environment = setup_row(measurement), environment_row(measurement.environment)
        whole: dict[str, Any] = {"layer": "", "type": "", "out_shape": None} if has_layers else {}
        shares: dict[str, Any] = {"share_of_time": None, "share_of_macs": None} if has_layers else {}
        yield setup | whole | figures_row(measurement) | shares | environment
        for layer in measurement.layers:
            yield setup | layer_time_row(measurement, layer) | environment

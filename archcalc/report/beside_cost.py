"""Time beside cost: what was measured of networks, next to what they cost."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from archcalc.engine.measured import Configuration
from archcalc.report.measurement import (
    consumption,
    measurement_object,
    method,
    nanoseconds,
    of_device,
    origins,
    remarks,
    setup,
)
from archcalc.report.media import numbers
from archcalc.report.media.blocks import Column, Document, Heading, Paragraph, Table, number
from archcalc.report.media.data import csv_text, network_object, network_row
from archcalc.report.media.numbers import Units
from archcalc.report.show import without
from archcalc.results.cost import NetworkCost, totals_row
from archcalc.results.measurement import Measurement, environment_row, figures_row, setup_row


def beside_cost(found: Mapping[Configuration, Sequence[Measurement]], names: Sequence[str], units: Units) -> Document:
    """A table for each configuration: how many times the MACs, and how many times the time."""
    document: Document = []
    everything = [one for measurements in found.values() for one in measurements]
    for measurements in found.values():
        conditions = [of_device(measurements), *setup(measurements), f"batch {measurements[0].batch}"]
        document.append(Heading(f"Time beside cost: {', '.join(conditions)}"))
        document.append(Paragraph(time_for_macs(measurements, names)))
        document.append(cost_and_time_table(measurements, names, units))
    document.extend(Paragraph(remark) for remark in remarks(everything))
    document.append(Paragraph(method(everything), quiet=True))
    document.extend(origins(everything))
    return document


def time_for_macs(measurements: Sequence[Measurement], names: Sequence[str]) -> str:
    """Whether the one with more MACs takes as much more time."""
    order = sorted(range(len(names)), key=lambda index: (measurements[index].macs, measurements[index].median_s))
    less, more = (measurements[index] for index in (order[0], order[-1]))
    macs = f"{numbers.times(more.macs, less.macs)} the MACs" if less.macs else f"{numbers.count(more.macs)} MACs more"
    same = "the same MACs" if more.macs == less.macs else macs
    return f"{names[order[-1]]} takes {_times(more, less)} the time of {names[order[0]]} for {same}."


def _times(one: Measurement, other: Measurement) -> str:
    return numbers.ratio(nanoseconds(one.median_s), nanoseconds(other.median_s))


def cost_and_time_table(measurements: Sequence[Measurement], names: Sequence[str], units: Units) -> Table:
    """A row for each network; ratios are to the first."""
    table = Table(
        [
            Column("network", least=14),
            number("MACs"),
            number("ratio"),
            number("median"),
            number("ratio"),
            number("IQR", drop=4),
            number("per second", drop=1),
            number("FLOP/s"),
            number("FLOP/byte", drop=5),
            number("memory", drop=3),
            number("energy", drop=2),
        ]
    )
    first = measurements[0]
    for name, one in zip(names, measurements, strict=True):
        table.rows.append(
            [
                name,
                numbers.count(one.macs, units),
                numbers.ratio(one.macs, first.macs),
                numbers.seconds(one.median_s),
                _times(one, first),
                numbers.seconds(one.third_quartile_s - one.first_quartile_s),
                numbers.rate(one.throughput_per_s),
                numbers.rate(one.achieved_flops_per_s),
                numbers.rate(one.arithmetic_intensity),
                *consumption(one),
            ]
        )
    return table if any(one.energy_j is not None for one in measurements) else without(table, {10})


# for programs


def csv_beside_cost(found: Mapping[Configuration, Sequence[Measurement]], costs: Sequence[NetworkCost]) -> str:
    """A row of totals for each network and configuration, with what was measured."""
    rows = [
        network_row(cost) | totals_row(cost) | _measured_columns(one)
        for measurements in found.values()
        for cost, one in zip(costs, measurements, strict=True)
    ]
    return csv_text(rows)


def objects_beside_cost(
    found: Mapping[Configuration, Sequence[Measurement]], costs: Sequence[NetworkCost]
) -> list[dict[str, Any]]:
    """Networks with their totals and layers, and a list of what was measured of each."""
    objects = [network_object(cost) for cost in costs]
    for index, made in enumerate(objects):
        made["measured"] = [measurement_object(measurements[index]) for measurements in found.values()]
    return objects


def _measured_columns(one: Measurement) -> dict[str, Any]:
    """What a row of totals does not say already."""
    of_cost = ("network", "input", "batch", "dtype", "macs")
    row = setup_row(one) | figures_row(one) | environment_row(one.environment)
    return {name: value for name, value in row.items() if name not in of_cost}

"""Floors of a network on a device, by layer."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from archcalc.engine.machine.work import FUSE
from archcalc.report.media import numbers
from archcalc.report.media.blocks import CONVENIENCE, Column, Document, Heading, Paragraph, Table, Total, number
from archcalc.report.media.numbers import Units
from archcalc.results.time import Bound, Device, FloorRow, Roofline


def floors(found: Roofline, rows: Sequence[FloorRow], units: Units = "si") -> Document:
    """The layers that take time, each with its floor and what bounds it; then what the whole comes to."""
    table = Table(
        [
            Column("layer", least=24),
            Column("what", drop=8, least=12, cut="end"),
            number("FLOPs", drop=CONVENIENCE + 2),
            number("read", drop=6),
            number("written", drop=CONVENIENCE + 1),
            number("FLOPs a byte"),
            number("at least"),
            number("of all"),
            Column("bound"),
        ]
    )
    whole = found.floor_s
    for row in rows:
        table.rows.append(
            [row.layer, row.what, *_cells(row, units), numbers.percent(row.floor_s, whole), row.bound.value]
        )
    total = found.work
    table.rows.append(
        Total(
            [
                "total",
                "",
                numbers.count(total.flops, units),
                numbers.size(total.read_bytes, units),
                numbers.size(total.write_bytes, units),
                _intensity(total.intensity),
                numbers.seconds(whole),
                "",
                found.bound.value,
            ]
        )
    )
    document: Document = [Heading(f"{found.network} on {found.device.name}: {answer(found)}", 1), table]
    left = len(found.rows) - len(rows)
    if left:
        document.append(Paragraph(f"{left} of {len(found.rows)} layers are not shown; the total is of all", quiet=True))
    if found.at_least:
        document.append(Paragraph("the work of some operations is not known: the floor is lower than it would be"))
    document.append(Paragraph(_footer(found), quiet=True))
    return document


def answer(found: Roofline) -> str:
    """`at least 1.195 ms (53,540 a second at most), 71% of it bound by memory`."""
    rate = ""
    if found.floor_s and found.tokens:
        rate = f", {_round(found.tokens / found.floor_s)} tokens a second at most"
    elif found.floor_s:
        rate = f", {_round(found.batch / found.floor_s)} examples a second at most"
    share = f"; {found.share(found.bound):.0%} of it bound by {found.bound.value}" if found.floor_s else ""
    return f"at least {numbers.seconds(found.floor_s)}{rate}{share}"


def _round(value: float) -> str:
    return f"{value:,.0f}" if value >= 100 else f"{value:.3g}"


def _cells(row: FloorRow, units: Units) -> list[str]:
    return [
        numbers.count(row.work.flops, units),
        numbers.size(row.work.read_bytes, units),
        numbers.size(row.work.write_bytes, units),
        _intensity(row.work.intensity),
        numbers.seconds(row.floor_s),
    ]


def _intensity(value: float | None) -> str:
    return "" if value is None else f"{value:.1f}"


def _footer(found: Roofline) -> str:
    on = found.device
    rate = on.peaks[found.dtype]
    several = any(row.operations > 1 for row in found.rows)
    parts = [
        f"{on.name}: {rate / 1e12:g} TFLOP/s at {found.dtype}, {on.vector / 1e12:g} of single elements, "
        f"{on.bandwidth / 1e9:g} GB/s; above {on.balance(found.dtype):.0f} FLOPs a byte a product is bound by compute"
        + "; a layer of several operations by what bounds most of its time"
        * several,
        f"batch {found.batch} | input {found.input} | fuse {found.fuse}: {FUSE[found.fuse]}",
        "a floor by printed rates, no estimate: archcalc estimate",
    ]
    return " | ".join(parts)


def floor_rows(found: Roofline, rows: Sequence[FloorRow]) -> list[dict[str, Any]]:
    """A row for each layer, as CSV and JSON have it."""
    return [
        {
            "network": found.network,
            "device": found.device.id,
            "dtype": found.dtype,
            "batch": found.batch,
            "fuse": found.fuse,
            **floor_object(row),
        }
        for row in rows
    ]


def floor_object(row: FloorRow) -> dict[str, Any]:
    """A layer, as JSON has it."""
    return {
        "layer": row.layer,
        "what": row.what,
        "macs": row.work.macs,
        "flops": row.work.flops,
        "read_bytes": row.work.read_bytes,
        "write_bytes": row.work.write_bytes,
        "intensity": row.work.intensity,
        "compute_s": row.compute_s,
        "memory_s": row.memory_s,
        "floor_s": row.floor_s,
        "bound": row.bound.value,
        "operations": row.operations,
    }


def roofline_object(found: Roofline) -> dict[str, Any]:
    """All of it, as JSON holds it."""
    return {
        "network": found.network,
        "device": device_object(found.device),
        "dtype": found.dtype,
        "batch": found.batch,
        "fuse": found.fuse,
        "step": found.step,
        "input": found.input,
        "floor_s": found.floor_s,
        "flops": found.work.flops,
        "read_bytes": found.work.read_bytes,
        "write_bytes": found.work.write_bytes,
        "bound": found.bound.value,
        "shares": {bound.value: found.share(bound) for bound in (Bound.COMPUTE, Bound.MEMORY)},
        "tokens": found.tokens,
        "at_least": found.at_least,
        "layers": [floor_object(row) for row in found.rows],
    }


def device_rows(found: Sequence[Device]) -> list[dict[str, Any]]:
    """A row for each device, with its peaks in one column: `fp32=1.2e+13;fp16=...`."""
    return [
        {
            **{name: value for name, value in one._asdict().items() if name not in ("peaks", "sources")},
            "peaks": ";".join(f"{dtype}={rate:g}" for dtype, rate in one.peaks.items()),
        }
        for one in found
    ]


def device_object(on: Device) -> dict[str, Any]:
    """A device with the sources of its values."""
    return {**on._asdict(), "peaks": dict(on.peaks), "sources": dict(on.sources)}


def device_table(devices: Sequence[Device]) -> Document:
    """The devices that are shipped."""
    table = Table(
        [
            Column("device"),
            Column("name", drop=6),
            number("year", drop=9),
            number("memory", drop=8),
            number("GB/s"),
            number("fp32"),
            number("bf16"),
            number("fp8"),
            Column("confidence", drop=7),
        ]
    )
    for on in devices:
        peaks = [f"{on.peaks[dtype] / 1e12:g}" if dtype in on.peaks else "" for dtype in ("fp32", "bf16", "fp8")]
        memory = f"{on.memory_bytes // 10**9} GB" if on.memory_bytes else ""
        year = str(on.year or "")
        table.rows.append([on.id, on.name, year, memory, f"{on.bandwidth / 1e9:g}", *peaks, on.confidence])
    note = "TFLOP/s of matrix products, dense, two for a multiply-accumulate; sources of each value: --format json"
    return [table, Paragraph(note, quiet=True)]

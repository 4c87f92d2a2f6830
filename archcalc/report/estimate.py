"""What a network is expected to take, with the interval, beside its floor."""

from __future__ import annotations

from typing import Any

from archcalc.report.media import numbers
from archcalc.report.media.blocks import Column, Document, Heading, Paragraph, Table, number
from archcalc.report.roofline import device_object
from archcalc.results.time import CALIBRATED, Estimate, Time


def estimated(found: Estimate) -> Document:
    """The passes with their intervals, and the floor of the forward pass."""
    table = Table(
        [Column("pass"), number("value"), number("low"), number("high"), Column("basis", cut="wrap", least=18)]
    )
    for name, time in found.passes.items():
        table.rows.append([name, *_cells(time), time.basis])
    is_own = found.device.sources.get("rest") == CALIBRATED
    rests_on = "floor: the best rates of single operations" if is_own else "floor: printed rates, nothing measured"
    table.rows.append(["forward, at least", *_cells(found.floor)[:1], "", "", rests_on])
    document: Document = [Heading(f"{found.network} on {found.device.name}: {answer(found)}", 1), table]
    document.extend(Paragraph(remark) for remark in found.remarks)
    stack = found.stack or "no stack: a floor alone (--stack)"
    document.append(
        Paragraph(
            f"batch {found.batch} | input {found.input} | {found.dtype} | {stack} | low, high: nine of ten networks "
            "that the fit did not see lay between",
            quiet=True,
        )
    )
    return document


def answer(found: Estimate) -> str:
    """`35.0 ms (31.0 to 38.9), forward`; of tokens how many a second."""
    forward = found.passes.get("forward")
    amount, noun = (found.tokens, "tokens") if found.tokens else (found.batch, "examples")
    if forward is None:
        time = found.floor.value_s
        rate = f"; {_rate(amount, time)} {noun} a second at most" if time else ""
        return f"at least {numbers.seconds(time)}{rate}"
    assert forward.high_s is not None
    between = f"{numbers.seconds(forward.low_s)} to {numbers.seconds(forward.high_s)}"
    rates = f"{_rate(amount, forward.high_s)} to {_rate(amount, forward.low_s)} {noun} a second"
    return f"{numbers.seconds(forward.value_s)} forward ({between}); {rates}"


def _rate(amount: int, time: float) -> str:
    value = amount / time
    return f"{value:,.0f}" if value >= 100 else f"{value:.3g}"


def _cells(time: Time) -> list[str]:
    high = "" if time.high_s is None else numbers.seconds(time.high_s)
    return [numbers.seconds(time.value_s), numbers.seconds(time.low_s), high]


def estimate_rows(found: Estimate) -> list[dict[str, Any]]:
    """A row for each pass and one for the floor."""
    common = {
        "network": found.network,
        "device": found.device.id,
        "stack": found.stack,
        "dtype": found.dtype,
        "batch": found.batch,
    }
    times = [*found.passes.items(), ("forward", found.floor)]
    return [
        {
            **common,
            "pass": name,
            "value_s": time.value_s,
            "low_s": time.low_s,
            "high_s": time.high_s,
            "basis": time.basis,
        }
        for name, time in times
    ]


def estimate_object(found: Estimate) -> dict[str, Any]:
    """All of it, as JSON holds it."""
    return {
        "network": found.network,
        "input": found.input,
        "device": device_object(found.device),
        "dtype": found.dtype,
        "batch": found.batch,
        "stack": found.stack,
        "tokens": found.tokens,
        "times": [
            {name: row[name] for name in ("pass", "value_s", "low_s", "high_s", "basis")}
            for row in estimate_rows(found)
        ],
        "remarks": list(found.remarks),
    }

"""The picture of a roofline: layers by their intensity and the rate that the device leaves for it, under its roof."""

from __future__ import annotations

from typing import Any

from archcalc.report.media import numbers
from archcalc.report.media.plot import HEIGHT, PALETTE, WIDTH, finished
from archcalc.results.time import Bound, FloorRow, Roofline
from archcalc.source.extra import require

LETTERS = "abcdefg"  # of those that take most of the time
COLOURS = {Bound.COMPUTE: PALETTE[0], Bound.MEMORY: PALETTE[1]}
LEAST_AREA, MOST_AREA = 20, 900
LINE = 15  # pixels of a line of the key


def roof(found: Roofline) -> Any:
    """Layers as balls, their area the part of the time; the line is min(peak, intensity * bandwidth)."""
    require("altair", "vl_convert", extra="plot")
    import altair as alt

    on = found.device
    rate = on.peaks[found.dtype]
    values = _values(found)
    balance = rate / on.bandwidth
    least = min([value["intensity"] for value in values] + [balance]) / 2
    most = max([value["intensity"] for value in values] + [balance]) * 4
    line = [{"intensity": at, "rate": min(rate, at * on.bandwidth) / 1e12} for at in sorted((least, balance, most))]
    x = alt.X(
        "intensity:Q",
        title="FLOPs for each byte moved",
        scale=alt.Scale(type="log", domain=[least, most], nice=False),
        axis=alt.Axis(values=_powers(least, most), format="~g"),
    )
    rates = [value["rate"] for value in values] + [point["rate"] for point in line]
    low, high = min(rates) / 1.5, max(rates) * 2
    y = alt.Y(
        "rate:Q",
        title=f"TFLOP/s at most, {found.dtype}",
        scale=alt.Scale(type="log", domain=[low, high], nice=False),
        axis=alt.Axis(values=_powers(low, high), format="~g"),
    )
    bounds = list(COLOURS)
    ball = (
        alt.Chart(alt.InlineData(values=values))
        .mark_circle(opacity=0.6, stroke="black", strokeWidth=0.6)
        .encode(
            x=x,
            y=y,
            size=alt.Size(
                "share:Q",
                title="part of the time",
                scale=alt.Scale(
                    type="linear", domain=[0, max(value["share"] for value in values)], range=[LEAST_AREA, MOST_AREA]
                ),
                legend=alt.Legend(format=".1%", symbolFillColor="#bbbbbb", symbolStrokeColor="black"),
            ),
            color=alt.Color(
                "bound:N",
                title="bound by",
                scale=alt.Scale(domain=[bound.value for bound in bounds], range=list(COLOURS.values())),
            ),
            tooltip=["label:N", alt.Tooltip("intensity:Q", format=".1f"), alt.Tooltip("share:Q", format=".1%")],
        )
    )
    roofed = alt.Chart(alt.InlineData(values=line)).mark_line(color="black", strokeWidth=2).encode(x=x, y=y)
    named = [
        {
            **value,
            "letter": letter,
            "key": f"{letter}  {value['label']}: {numbers.percent(value['share'], 1)}",
            "line": line,
        }
        for line, (letter, value) in enumerate(zip(LETTERS, _largest(values), strict=False))
    ]
    letters = (
        alt.Chart(alt.InlineData(values=named))
        .mark_text(fontSize=10, fontWeight="bold", dy=1)
        .encode(x=x, y=y, text="letter:N")
    )
    # Under the roof the right is empty: there stands what the letters are.
    key = (
        alt.Chart(alt.InlineData(values=named))
        .mark_text(fontSize=11, align="right", baseline="bottom")
        .encode(
            x=alt.value(WIDTH - 8),
            y=alt.Y(
                "line:Q", scale=alt.Scale(domain=[len(named) - HEIGHT / LINE, len(named)], reverse=True), axis=None
            ),
            text="key:N",
        )
    )
    chart = alt.layer(alt.layer(roofed, ball, letters), key).resolve_scale(y="independent")
    chart = chart.properties(width=WIDTH, height=HEIGHT)
    subtitle = (
        f"batch {found.batch}, input {found.input}, fuse {found.fuse}: at least {found.floor_s * 1e3:.4g} ms; "
        f"{rate / 1e12:g} TFLOP/s, {on.bandwidth / 1e9:g} GB/s"
    )
    return finished(chart, f"{found.network} under the roof of {on.name}", subtitle)


def _values(found: Roofline) -> list[dict[str, Any]]:
    """A ball for each kind of layer: those that do the same work at the same rate are one."""
    kinds: dict[tuple[Any, ...], list[FloorRow]] = {}
    for row in found.rows:
        if row.floor_s and row.work.flops:
            kinds.setdefault((row.what, row.work, row.bound), []).append(row)
    return [
        {
            "label": f"{len(rows)} x {_what(rows[0])}" if len(rows) > 1 else rows[0].layer,
            "intensity": rows[0].work.intensity,
            "rate": rows[0].work.flops / rows[0].floor_s / 1e12,
            "share": len(rows) * rows[0].floor_s / found.floor_s,
            "bound": rows[0].bound.value,
        }
        for rows in kinds.values()
    ]


def _what(row: FloorRow) -> str:
    return row.what.split(", padding")[0].split(", bias")[0].removesuffix(")") + ")" * ("(" in row.what)


def _largest(values: list[dict[str, Any]]) -> list[dict[str, Any]]:
    return sorted(values, key=lambda value: -value["share"])[: len(LETTERS)]


def _powers(low: float, high: float) -> list[float]:
    """Powers of ten within an axis; their halves and fifths too where there are few."""
    tens = [10.0**power for power in range(-9, 10)]
    found = [value for value in tens if low <= value <= high]
    if len(found) > 2:
        return found
    return [part * ten for ten in tens for part in (1, 2, 5) if low <= part * ten <= high]

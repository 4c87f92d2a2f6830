"""What answering a prompt takes at least, by phase."""

from __future__ import annotations

from typing import Any

from archcalc.report.media import numbers
from archcalc.report.media.blocks import Column, Document, Heading, Paragraph, Table, Total, number
from archcalc.report.roofline import device_object
from archcalc.results.time import Generation


def generated(found: Generation) -> Document:
    """A row for reading the prompt, for the first and the last step, and for all of them."""
    table = Table(
        [
            Column("phase"),
            number("past", drop=9),
            number("new tokens", drop=8),
            number("at least"),
            number("tokens a second, at most"),
            Column("bound", drop=7),
        ]
    )
    for phase in found.phases:
        rate = _rate(found.batch * phase.length / phase.floor_s)
        table.rows.append(
            [
                phase.name,
                f"{phase.past:,}",
                f"{phase.length:,}",
                numbers.seconds(phase.floor_s),
                rate,
                phase.bound.value,
            ]
        )
    if found.decode_s:
        table.rows.append(
            Total(
                [
                    "all steps",
                    "",
                    f"{found.generate - 1:,}",
                    numbers.seconds(found.decode_s),
                    _rate(found.tokens_per_s),
                    "",
                ]
            )
        )
    footer = (
        f"prompt {found.prompt:,} | answer {found.generate:,} | batch {found.batch:,}, all as long | {found.dtype} | "
        f"fuse {found.fuse} | the prompt gives the first token, each other one a step; weights and cache are read once "
        "a step | floors by printed rates: nothing measured, no efficiency made up"
    )
    return [
        Heading(f"{found.network} on {found.device.name}: {answer(found)}", 1),
        table,
        Paragraph(footer, quiet=True),
    ]


def answer(found: Generation) -> str:
    """`first token after 38.66 ms at least, then 219 tokens a second at most`."""
    first = f"first token after {numbers.seconds(found.first_token_s)} at least"
    return f"{first}, then {_rate(found.tokens_per_s)} tokens a second at most" if found.decode_s else first


def _rate(value: float) -> str:
    return f"{value:,.0f}" if value >= 100 else f"{value:.3g}"


def generation_rows(found: Generation) -> list[dict[str, Any]]:
    """A row for each phase."""
    common = {"network": found.network, "device": found.device.id, "dtype": found.dtype, "batch": found.batch}
    rows = [
        {
            **common,
            "phase": phase.name,
            "past": phase.past,
            "length": phase.length,
            "floor_s": phase.floor_s,
            "tokens_per_s": found.batch * phase.length / phase.floor_s,
            "bound": phase.bound.value,
        }
        for phase in found.phases
    ]
    if found.decode_s:
        last = {"past": None, "length": found.generate - 1, "floor_s": found.decode_s}
        rows.append({**common, "phase": "all steps", **last, "tokens_per_s": found.tokens_per_s, "bound": ""})
    return rows


def generation_object(found: Generation) -> dict[str, Any]:
    """All of it, as JSON holds it."""
    return {
        "network": found.network,
        "device": device_object(found.device),
        "dtype": found.dtype,
        "batch": found.batch,
        "fuse": found.fuse,
        "prompt": found.prompt,
        "generate": found.generate,
        "first_token_s": found.first_token_s,
        "decode_s": found.decode_s,
        "tokens_per_s": found.tokens_per_s,
        "phases": [
            {name: value for name, value in row.items() if name not in ("network", "device", "dtype", "batch")}
            for row in generation_rows(found)
        ],
    }

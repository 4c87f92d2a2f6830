"""What counters, exporters and files say under which condition: a section for each."""

from __future__ import annotations

from collections.abc import Sequence
from importlib.resources import files
from typing import NamedTuple

import yaml

from archcalc.report.media.blocks import Document, Heading, Items, Paragraph
from archcalc.results.condition import Condition

FILES = ("conditions_counters.yaml", "conditions_files.yaml")


class Conditions(NamedTuple):
    """A part of the page, by what the conditions are of."""

    title: str
    conditions: Sequence[Condition]


def read() -> list[Conditions]:
    """All conditions, in the order of the page."""
    found = []
    for name in FILES:
        text = files("archcalc.report.pages").joinpath(name).read_text(encoding="utf-8")
        data = yaml.safe_load(text)
        conditions = [
            Condition(**{**entry, "seen": str(entry.get("seen", "")), "versions": _words(entry["versions"])})
            for entry in data["conditions"]
        ]
        found.append(Conditions(data["title"], conditions))
    return found


def _words(versions: dict[str, object]) -> dict[str, str]:
    return {name: str(version) for name, version in versions.items()}


def page(parts: Sequence[Conditions]) -> Document:
    """The page: under each condition what is believed, what is so, what to do, and how that is known."""
    document: Document = [
        Heading("Under which conditions tools and files say what", 1),
        Paragraph(
            "Figures of other tools are mostly right, and believed of more than they are right for: the device, the "
            "kernel, the opset, the values of the weights decide. FLOPs are the tool's, 2 for a multiply-accumulate. "
            "Tests compute the figures again with the packages that are named, on small networks, on a CPU and on the "
            "meta device; what they do not compute says when it was seen."
        ),
    ]
    for part in parts:
        document.append(Heading(part.title))
        for condition in part.conditions:
            document += [Heading(condition.title, 3), Items(_lines(condition))]
    return document


def _lines(condition: Condition) -> list[str]:
    seen = f"seen {condition.seen} with {condition.packages}, not recomputed"
    return [
        f"Condition: {condition.condition}.",
        f"Believed: {condition.believed}.",
        f"So it is: {condition.text}",
        f"Do: {condition.do}",
        f"`{condition.id}`, {seen if condition.seen else f'recomputed with {condition.packages}'}.",
    ]

"""What tools printed when they were run on all of torchvision's models, and what of it is coding; needs no torch."""

from __future__ import annotations

import csv
from collections.abc import Sequence
from functools import cache
from importlib.resources import files

from archcalc.results.reconciliation import Coding, Figure
from archcalc.torch_bridge.model.definitions import Definition

Key = tuple[str, str, str]  # tool, torchvision's builder, sizes of the input


def _rows(name: str) -> list[dict[str, str]]:
    text = files("archcalc.torch_bridge").joinpath(name).read_text(encoding="utf-8")
    return list(csv.DictReader(text.splitlines()))


@cache
def _figures() -> dict[Key, Figure]:
    return {
        _key(row): Figure(int(row["number"]), row["version"], row["date"], int(row["unit"]))
        for row in _rows("recorded.csv")
    }


@cache
def _codings() -> dict[Key, list[Coding]]:
    found: dict[Key, list[Coding]] = {}
    for row in _rows("recorded_coding.csv"):
        found.setdefault(_key(row), []).append(Coding(row["words"], int(row["number"])))
    return found


def _key(row: dict[str, str]) -> Key:
    return row["tool"], row["model"], row["input"]


def recorded(tool: str, definition: Definition | None, sizes: Sequence[int]) -> Figure | None:
    """What a tool printed for torchvision's model when it was run on all of them; None where it was not."""
    return None if definition is None else _figures().get((tool, definition.builder, _joined(sizes)))


def recorded_coding(tool: str, definition: Definition, sizes: Sequence[int]) -> list[Coding]:
    """What of that comes from how torchvision's model is written, as it was read from its trace."""
    return _codings().get((tool, definition.builder, _joined(sizes)), [])


def _joined(sizes: Sequence[int]) -> str:
    return "x".join(map(str, sizes))

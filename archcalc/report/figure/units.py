"""Repeats of several parts in a row as repeats of one: `(add(...) >> add(...)) * 12` is a block, twelve times."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from archcalc.results.structure import Part

NAMES = ("block", "unit", "repeated block")  # of what has none; the first that no module of the network has


def with_units(parts: Sequence[Part]) -> list[Part]:
    """Parts in which what repeats with a merge is a module, as if its author had given it a name.

    A repeat of modules alone, or of operations, stays as it is: its calls are folded by their own names.
    """
    taken: set[str] = set()
    is_wanted = False
    for part in parts:
        for inner in part.walk():
            if inner.kind == "module":
                taken.add(inner.name)
            is_wanted = is_wanted or bool(_length(inner))
    if not is_wanted:
        return list(parts)
    name = next((name for name in NAMES if name not in taken), NAMES[-1])
    return [_with_units(part, name) for part in parts]


def _length(part: Part) -> int:
    """Parts of a repeat that are one unit of it; 0 where these need no name."""
    if part.kind != "repeat" or part.times < 2 or len(part.parts) % part.times:
        return 0
    length = len(part.parts) // part.times
    return length if length > 1 and any(inner.kind == "merge" for inner in part.parts[:length]) else 0


def _with_units(part: Part, name: str) -> Part:
    inner = [_with_units(each, name) for each in part.parts]
    if length := _length(part):
        begins = range(0, len(inner), length)
        inner = [_unit(inner[at : at + length], name, f"{part.path}.{at // length + 1}") for at in begins]
    elif all(one is other for one, other in zip(inner, part.parts, strict=True)):
        return part
    return replace(part, parts=inner)


def _unit(parts: list[Part], name: str, path: str) -> Part:
    first, last = parts[0], parts[-1]
    return Part("module", name, path, first.first, last.last, first.input, last.output, parts=parts)

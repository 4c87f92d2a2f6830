"""What changed between two networks: layers aligned by name, then, where names differ, by position and shape."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from difflib import SequenceMatcher

from archcalc.engine.limits.budget import quantity_of
from archcalc.engine.limits.conditions import is_met
from archcalc.results.budget import QUANTITIES
from archcalc.results.cost import LayerCost, NetworkCost
from archcalc.results.difference import Condition, Difference, LayerChange, TotalChange

_COMPARED = ("notation", "in_shape", "out_shape", "params", "buffers", "macs", "flops", "connections", "stored_bits")
MOST_PAIRS = 10_000_000
"""Where more layers than that could have been renamed to one another, they count as removed and added."""


def difference(old: NetworkCost, new: NetworkCost, before: str = "", after: str = "") -> Difference:
    """Every total and layer before and after; `before` and `after` are what the two are called."""
    totals = [TotalChange(name, quantity_of(old, name), quantity_of(new, name)) for name in QUANTITIES]
    return Difference(before or old.name, after or new.name, old, new, totals, list(_aligned(old.layers, new.layers)))


def met(conditions: Sequence[Condition], found: Difference) -> list[tuple[Condition, TotalChange]]:
    """Conditions that hold, each with the total that it is about."""
    totals = {total.quantity: total for total in found.totals}
    pairs = [(each, totals[each.quantity]) for each in conditions]
    return [(each, total) for each, total in pairs if is_met(each, total.old, total.new)]


def _aligned(old: Sequence[LayerCost], new: Sequence[LayerCost]) -> Iterator[LayerChange]:
    """Layers of one name belong together wherever they stand; the others are aligned between those that stay."""
    names = [layer.name for layer in old], [layer.name for layer in new]
    by_name = dict(zip(names[0], old, strict=True))
    kept = by_name.keys() & set(names[1])
    for tag, start, end, new_start, new_end in SequenceMatcher(None, *names, autojunk=False).get_opcodes():
        if tag == "equal":
            yield from map(_pair, old[start:end], new[new_start:new_end])
            continue
        gone = [layer for layer in old[start:end] if layer.name not in kept]
        come: list[LayerCost] = []
        for layer in new[new_start:new_end]:
            if layer.name not in kept:
                come.append(layer)
                continue
            yield from _between(gone, come)  # a layer that stands elsewhere now ends a stretch
            gone, come = [], []
            yield _pair(by_name[layer.name], layer)
        yield from _between(gone, come)


def _pair(old: LayerCost, new: LayerCost) -> LayerChange:
    same = all(getattr(old, name) == getattr(new, name) for name in _COMPARED)
    return LayerChange("same" if same else "changed", old, new)


def _between(gone: Sequence[LayerCost], come: Sequence[LayerCost]) -> Iterator[LayerChange]:
    """Layers whose names are in one network only: those of one type and shape, in order, have been renamed."""
    if gone and come and len(gone) * len(come) <= MOST_PAIRS:
        keys = [(layer.type, layer.out_shape) for layer in gone], [(layer.type, layer.out_shape) for layer in come]
        steps = SequenceMatcher(None, *keys, autojunk=False).get_opcodes()
    else:
        steps = [("replace", 0, len(gone), 0, len(come))]
    for tag, start, end, new_start, new_end in steps:
        if tag == "equal":
            pairs = zip(gone[start:end], come[new_start:new_end], strict=True)
            yield from (LayerChange("renamed", before, after) for before, after in pairs)
        else:
            yield from (LayerChange("removed", layer, None) for layer in gone[start:end])
            yield from (LayerChange("added", None, layer) for layer in come[new_start:new_end])

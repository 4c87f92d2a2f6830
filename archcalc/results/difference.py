"""Two versions of a network, layer by layer, and conditions that their costs meet or not."""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction
from typing import Literal, NamedTuple

from archcalc.results.cost import LayerCost, NetworkCost

Status = Literal["same", "changed", "renamed", "added", "removed"]
Sign = Literal["<", "<=", "==", "!=", ">=", ">"]


class LayerChange(NamedTuple):
    """A layer before and after; one of the two is missing where it was added or removed."""

    status: Status
    old: LayerCost | None
    new: LayerCost | None


class TotalChange(NamedTuple):
    """A total before and after."""

    quantity: str
    old: int
    new: int


@dataclass(slots=True)
class Difference:
    """What a change of a network costs."""

    before: str  # what the two are called
    after: str
    old: NetworkCost
    new: NetworkCost
    totals: list[TotalChange]
    layers: list[LayerChange]  # in the order of the new network, removed ones where they stood

    def count(self, status: Status) -> int:
        """Layers of a status."""
        return sum(change.status == status for change in self.layers)


class Condition(NamedTuple):
    """A quantity compared with an amount: its value (`> 5M`), its change (`> +100K`), or that in percent (`> +2%`)."""

    quantity: str
    sign: Sign
    amount: Fraction
    of: Literal["value", "change", "percent"]
    text: str  # as written

"""Networks found by what they cost and what is published of them."""

from __future__ import annotations

from dataclasses import dataclass, field
from fractions import Fraction
from typing import NamedTuple, TypeAlias

from archcalc.results.claim import Accuracy
from archcalc.results.cost import NetworkCost
from archcalc.source import SpecError

Cell: TypeAlias = int | Fraction | str | None
"""A value of a column: exact; None where nobody knows it."""


class FoundNetwork(NamedTuple):
    """A network, the columns that it was asked for, and its published accuracies, the highest top1 first."""

    cost: NetworkCost
    values: dict[str, Cell]
    accuracies: tuple[Accuracy, ...] = ()
    file: str = ""  # of a network that does not come with archcalc

    @property
    def name(self) -> str:
        """What `archcalc show` takes: its name, or its file and name."""
        return f"{self.file}:{self.cost.name}" if self.file else self.cost.name

    @property
    def accuracy(self) -> Accuracy | None:
        """The highest that is published of it at the input that it is counted at."""
        return self.accuracies[0] if self.accuracies else None


@dataclass(slots=True)
class Found:
    """Networks in the order asked for; and what was left out, for it must be said."""

    networks: list[FoundNetwork]
    of: int  # networks looked at
    conditions: tuple[str, ...] = ()  # as typed
    columns: tuple[str, ...] = ()  # that were asked about
    with_accuracy: bool = False
    unknown: dict[str, int] = field(default_factory=dict)  # networks left out because nobody knows a column
    nearest: tuple[str, str, Cell] | None = None  # where nothing is found: a column, who is nearest in it, its value
    broken: list[tuple[str, SpecError]] = field(default_factory=list)  # files that do not read or expand

    def __len__(self) -> int:
        """How many there are."""
        return len(self.networks)

    def __getitem__(self, name: str) -> NetworkCost:
        """The costs of a network that is among them."""
        for found in self.networks:
            if name in (found.name, found.cost.name):
                return found.cost
        raise KeyError(name)

    @property
    def names(self) -> list[str]:
        """Their names, in order."""
        return [found.name for found in self.networks]
